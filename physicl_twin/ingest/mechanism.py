"""What a robot description says of its links and joints, before any of them becomes a body."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from physicl_twin.ingest.affine import matrix3
from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import quoted
from physicl_twin.ingest.link_meshes import Submesh
from physicl_twin.ingest.links import PrimitiveKind, Use
from physicl_twin.model import Appearance, BodyPair, Estimate, Evidence, Joint, MassProperties, PartHints, Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.joint import JointAxis

#: Axes of joint frames are turned no further than needed, so that unit axes of the description keep their letter.
_LETTERS: tuple[JointAxis, ...] = ("x", "y", "z")
#: Components of a unit axis nearer to 1 than this make it a coordinate axis.
_ALIGNED = 1e-12
_NOTHING = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Piece:
    """Geometry of a link.

    Attributes:
        name: Of the part.
        kind: A primitive, or a mesh file.
        transform: (4, 4) to the link frame; with the scale of a mesh.
        use: Whether it is seen, collides, or both.
        size_m: Of a primitive; see ``LinkBuilder.primitive``.
        path: Of a mesh.
        look: What it looks like; None for the mesh's own.
        overrules: True when the look replaces those of the mesh file, False when it serves where there is none.
        hints: What else is said of it.
        submesh: Which part of the mesh file is meant; None for all.
    """

    name: str
    kind: PrimitiveKind | None
    transform: FloatArray
    use: Use
    size_m: tuple[float, ...] = ()
    path: Path | None = None
    look: Appearance | None = None
    overrules: bool = False
    hints: PartHints = PartHints()
    submesh: Submesh | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link.

    Attributes:
        name: Unique.
        mass_properties: What the description states, link axes; None when it states no mass.
        pieces: Its geometry, as far as it can be found.
        pose: (4, 4) in the description's frame, where the description places links; None where joints do.
        static: True for what never moves.
    """

    name: str
    mass_properties: MassProperties | None = None
    pieces: tuple[Piece, ...] = ()
    pose: FloatArray | None = None
    static: bool = False

    @property
    def is_empty(self) -> bool:
        """True for a link without any matter."""
        return self.mass_properties is None and not self.pieces


@dataclass(frozen=True, slots=True)
class Loose:
    """A link that the description places in another one without holding it there.

    Attributes:
        parent: The other one.
        child: The link.
        transform: (4, 4) child to parent.
    """

    parent: str
    child: str
    transform: FloatArray


@dataclass(frozen=True, slots=True)
class Mechanism:
    """Links and what joins them.

    Attributes:
        links: In the order of the file.
        joints: Between links by name, poses in link frames; ``position`` is 0.
        loose: Links that move freely.
        world: Name of the link that is the world; empty when there is none.
        driven: Evidence that it drives itself.
        self_collision: What is said about links colliding with each other; None when nothing is.
        filters: Pairs of links that never collide.
    """

    links: tuple[Link, ...]
    joints: tuple[Joint, ...]
    loose: tuple[Loose, ...] = ()
    world: str = ""
    driven: tuple[Evidence, ...] = ()
    self_collision: bool | None = None
    filters: tuple[BodyPair, ...] = ()


@dataclass(slots=True)
class Leftovers:
    """What a description says that a twin has no place for: named in one note a kind."""

    _found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, name: str) -> None:
        """Remember one; the same name once."""
        names = self._found.setdefault(kind, [])
        if name not in names:
            names.append(name)

    def tell(self, builder: SceneBuilder) -> None:
        """Note them all."""
        for kind, names in sorted(self._found.items()):
            code = "ignored_" + "".join(c if c.isascii() and c.isalnum() else "_" for c in kind.lower())
            many = f"{len(names)} times: " if len(names) > 1 else ""
            builder.note(code, "info", f"{kind} has no counterpart in a twin ({many}{quoted(names)}).")


def joint_frame(axis: FloatArray) -> tuple[FloatArray, JointAxis]:
    """A frame, as (3, 3) rotation, one of whose axes is the given direction, and the letter of that axis.

    A coordinate axis keeps the frame and its letter; any other direction becomes the z axis of a frame that is turned
    to it by the smallest rotation (about x where it points to -z).

    Args:
        axis: (3,) not zero.
    """
    unit = axis / np.linalg.norm(axis)
    for index, letter in enumerate(_LETTERS):
        if unit[index] > 1.0 - _ALIGNED:
            return np.eye(3), letter
    x, y, z = (float(v) for v in unit)
    if z < -1.0 + _ALIGNED:
        return np.diag([1.0, -1.0, -1.0]), "z"
    # Rodrigues' formula for the rotation that takes z to the unit vector, 1 + K + K² / (1 + cos).
    k = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    rotation: FloatArray = np.eye(3) + k + k @ k / (1.0 + z)
    return rotation, "z"


def rotation_rpy(roll: float, pitch: float, yaw: float) -> FloatArray:
    """(3, 3) rotation by roll, pitch and yaw about the fixed x, y and z axes in this order, radians."""
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(a), np.sin(a)) for a in (roll, pitch, yaw))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def transform_of(position: FloatArray, rotation: FloatArray) -> FloatArray:
    """(4, 4) transform of a position (3,) and a rotation (3, 3)."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, position
    return matrix


def inverse(rigid: FloatArray) -> FloatArray:
    """Inverse of a (4, 4) rigid transform."""
    matrix = np.eye(4)
    matrix[:3, :3] = rigid[:3, :3].T
    matrix[:3, 3] = -rigid[:3, :3].T @ rigid[:3, 3]
    return matrix


def motion_of(joint: Joint) -> FloatArray:
    """(4, 4) motion of a joint's frame at the joint's position."""
    moved, axis = np.eye(4), _LETTERS.index(joint.axis)
    if joint.type == "revolute":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        moved[b, b] = moved[c, c] = math.cos(joint.position)
        moved[c, b], moved[b, c] = math.sin(joint.position), -math.sin(joint.position)
    elif joint.type == "prismatic":
        moved[axis, 3] = joint.position
    return moved


def stated_mass_properties(
    mass_kg: float,
    frame: FloatArray,
    inertia: FloatArray,
    relative_std: float,
    source: str,
    field: str,
) -> MassProperties:
    """Mass properties as a description states them, in the axes of the link.

    Args:
        mass_kg: Mass.
        frame: (4, 4) inertial frame, whose origin is the centre of mass, in the link frame.
        inertia: (3, 3) about the centre of mass, axes of the inertial frame, kg m2.
        relative_std: Standard deviation of stated numbers, as a fraction.
        source: File name.
        field: Where in the file.
    """
    turned = frame[:3, :3] @ inertia @ frame[:3, :3].T
    evidence = (Evidence("source", f"The description states {mass_kg:.6g} kg.", source, field),)
    mass = Estimate.normal(mass_kg, abs(mass_kg) * relative_std, "kg", "stated by the description", evidence)
    statement = "Mass, centre of mass and inertia are stated by the description."
    com = frame[:3, 3]
    return MassProperties(
        mass,
        (float(com[0]), float(com[1]), float(com[2])),
        _NOTHING,
        matrix3(turned),
        matrix3(np.abs(turned) * relative_std),
        (Evidence("source", statement, source, field),),
    )


def moved_mass_properties(stated: MassProperties, transform: FloatArray) -> MassProperties:
    """Mass properties in another frame.

    Args:
        stated: In their own frame.
        transform: (4, 4) that frame in the other one, rigid.
    """
    r = transform[:3, :3]
    com = r @ np.array(stated.com_m) + transform[:3, 3]
    return replace(
        stated,
        com_m=(float(com[0]), float(com[1]), float(com[2])),
        inertia_kgm2=matrix3(r @ np.array(stated.inertia_kgm2) @ r.T),
        inertia_std_kgm2=matrix3(np.abs(r) @ np.array(stated.inertia_std_kgm2) @ np.abs(r).T),
    )


def pose_of(transform: FloatArray) -> Pose:
    """Pose of a (4, 4) rigid transform; the exact identity stays exact."""
    return Pose() if np.array_equal(transform, np.eye(4)) else Pose.from_matrix(transform)
