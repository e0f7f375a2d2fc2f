"""What MuJoCo compiled, as plain data: the tables that the reader of MJCF works from. Metres, kilograms, radians."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.naming import readable, unique
from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MjcfBody:
    """A body: its pose in its parent at the reference position, its compiled mass, and whether that was written."""

    name: str
    parent: int
    position: Numbers
    wxyz: Numbers
    mass: float
    com: Numbers
    com_wxyz: Numbers
    inertia: Numbers
    explicit: bool
    mocap: bool
    soft: bool
    gravcomp: float


@dataclass(frozen=True, slots=True)
class MjcfJoint:
    """A joint: ``kind`` is free, ball, slide or hinge; its anchor and axis are in its body's frame."""

    name: str
    kind: str
    body: int
    address: int
    anchor: Numbers
    axis: Numbers
    range: Numbers | None
    ref: float
    rest: float
    stiffness: float
    stiffness_poly: Numbers
    damping: float
    damping_poly: Numbers
    friction: float
    armature: float
    force_range: Numbers | None


@dataclass(frozen=True, slots=True)
class MjcfGeom:
    """A geom; density and mass as written (1000 and None without a word)."""

    name: str
    kind: str
    body: int
    position: Numbers
    wxyz: Numbers
    size: Numbers
    mesh: int
    contype: int
    conaffinity: int
    group: int
    look: int
    rgba: Numbers
    friction: Numbers
    density: float
    mass: float | None
    shell: bool
    weighs: bool

    @property
    def collides(self) -> bool:
        """True when any other geom can touch it."""
        return bool(self.contype or self.conaffinity)


@dataclass(frozen=True, slots=True)
class MjcfSite:
    """A frame on a body."""

    name: str
    body: int
    position: Numbers
    wxyz: Numbers


@dataclass(frozen=True, slots=True)
class MjcfActuator:
    """An actuator: force = gain · control + bias, times the gear at what it drives (``target``: joint or tendon)."""

    name: str
    transmission: str
    target: int
    gear: Numbers
    gain: str
    gain_parameters: Numbers
    bias: str
    bias_parameters: Numbers
    dynamics: str
    control_range: Numbers | None
    force_range: Numbers | None
    armature: float
    damping: float


@dataclass(frozen=True, slots=True)
class MjcfTendon:
    """A tendon; ``joints`` are (joint, coefficient) of a fixed one, None for one through space."""

    name: str
    joints: tuple[tuple[int, float], ...] | None
    acts: bool


@dataclass(frozen=True, slots=True)
class MjcfEquality:
    """An equality constraint between two bodies, sites, joints or tendons (second -1 for none)."""

    name: str
    kind: str
    of_sites: bool
    first: int
    second: int
    active: bool
    data: Numbers


@dataclass(frozen=True, slots=True)
class MjcfLook:
    """A material."""

    name: str
    rgba: Numbers
    emission: float
    specular: float
    shininess: float
    metallic: float
    roughness: float
    texture: str
    texture_name: str
    flat: bool
    mean: Numbers | None
    repeat: Numbers


@dataclass(frozen=True, slots=True)
class MjcfMesh:
    """A mesh in the frame of its own inertia; normals and uvs per face corner."""

    name: str
    vertices: FloatArray
    faces: NDArray[np.int64]
    normals: FloatArray
    uvs: FloatArray | None


@dataclass(frozen=True, slots=True)
class MjcfModel:
    """Everything; the first body is the world. ``joint_names`` and ``body_names`` are unique and never empty."""

    name: str
    files: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]
    bodies: tuple[MjcfBody, ...]
    joints: tuple[MjcfJoint, ...]
    geoms: tuple[MjcfGeom, ...]
    sites: tuple[MjcfSite, ...]
    actuators: tuple[MjcfActuator, ...]
    tendons: tuple[MjcfTendon, ...]
    equalities: tuple[MjcfEquality, ...]
    looks: tuple[MjcfLook, ...]
    meshes: tuple[MjcfMesh, ...]
    excludes: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...]
    keys: tuple[tuple[str, Numbers], ...]
    left: Mapping[str, tuple[str, ...]]
    gravity: Numbers
    solver: tuple[str, ...]
    fluid: Numbers
    settotalmass: float
    body_names: tuple[str, ...] = field(default=())
    joint_names: tuple[str, ...] = field(default=())

    def joints_of(self, body: int) -> tuple[int, ...]:
        """Numbers of the joints of a body, in the order in which they move it."""
        return tuple(i for i, joint in enumerate(self.joints) if joint.body == body)


def pose(position: Numbers, wxyz: Numbers) -> FloatArray:
    """(4, 4) transform of a position and a quaternion."""
    w, x, y, z = wxyz
    return Pose((position[0], position[1], position[2]), (w, x, y, z)).matrix()


def load_model(arrays: Mapping[str, NDArray[Any]]) -> MjcfModel:
    """The model from what the worker wrote."""
    table = json.loads(arrays["description"].tobytes())
    meshes: list[MjcfMesh] = []
    while f"faces{len(meshes)}" in arrays:
        i = len(meshes)
        name = arrays[f"name{i}"].tobytes().decode("utf-8", "replace")
        meshes.append(
            MjcfMesh(name, arrays[f"vertices{i}"], arrays[f"faces{i}"], arrays[f"normals{i}"], arrays.get(f"uvs{i}"))
        )
    bodies, joints = _rows(MjcfBody, table["bodies"]), _rows(MjcfJoint, table["joints"])
    body_names = unique(readable(b.name, f"body {i}") for i, b in enumerate(bodies))
    joint_names = unique(readable(j.name, f"{body_names[j.body]} joint") for j in joints)
    return MjcfModel(
        name=table["name"],
        files=tuple((f[0], f[1], f[2]) for f in table["files"]),
        missing=tuple(table["missing"]),
        bodies=bodies,
        joints=joints,
        geoms=_rows(MjcfGeom, table["geoms"]),
        sites=_rows(MjcfSite, table["sites"]),
        actuators=_rows(MjcfActuator, table["actuators"]),
        tendons=_rows(MjcfTendon, table["tendons"]),
        equalities=_rows(MjcfEquality, table["equalities"]),
        looks=_rows(MjcfLook, table["looks"]),
        meshes=tuple(meshes),
        excludes=tuple((a, b) for a, b in table["excludes"]),
        pairs=tuple((a, b) for a, b in table["pairs"]),
        keys=tuple((k["name"], tuple(k["qpos"])) for k in table["keys"]),
        left={kind: tuple(names) for kind, names in table["left"].items()},
        gravity=tuple(table["gravity"]),
        solver=tuple(table["solver"]),
        fluid=tuple(table["fluid"]),
        settotalmass=table["settotalmass"],
        body_names=body_names,
        joint_names=joint_names,
    )


def _rows[Row](kind: type[Row], rows: list[dict[str, Any]]) -> tuple[Row, ...]:
    """Rows of a table as objects, with tuples for lists."""
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    return tuple(kind(**{name: _frozen(row[name]) for name in names}) for row in rows)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
