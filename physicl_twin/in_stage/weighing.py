"""What a body on a stage weighs: its geometry as a twin of its own, through the same functions as every twin."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pxr import Usd, UsdGeom, UsdShade

from physicl_twin.engines.usd_frames import column_matrix, split
from physicl_twin.in_stage.report import InStageOptions
from physicl_twin.in_stage.selection import Target
from physicl_twin.ingest.usd_gprims import primitive
from physicl_twin.ingest.usd_mesh import read_mesh
from physicl_twin.model import (
    Body,
    Decision,
    Estimate,
    Evidence,
    Frame,
    GeometryError,
    MassProperties,
    Material,
    Mesh,
    Part,
    PartHints,
    Shape,
    Source,
    Twin,
)
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.options import NormalizeOptions, NormalizeSettings
from physicl_twin.normalize.stages import with_mass, with_solids
from physicl_twin.usd.inertia import PrincipalInertia, principal

#: Share of its convex hull that a solid fills from which on the hull is near (judgement: a mug fills 0.3, a box 1).
NEAR_HULL = 0.9


@dataclass(frozen=True, slots=True)
class Weighed:
    """A body's physics.

    Attributes:
        properties: kg, metres, kg m2, in the body's frame without its scale, about the centre of mass.
        pieces: Indices of the pieces of geometry that have a surface.
        materials: Of each of these pieces.
        fills: Share of its convex hull that each of them fills.
        axes: Principal moments, kg m2, and axes.
        scale: (3,) of the body's frame, stage units over local units.
    """

    properties: MassProperties
    pieces: tuple[int, ...]
    materials: tuple[Material, ...]
    fills: tuple[float, ...]
    axes: PrincipalInertia
    scale: tuple[float, float, float]


class Scale:
    """Weighs bodies of one stage; equal ones once.

    Args:
        stage: The stage.
        targets: The bodies to be weighed.
        options: Statements and seed.
        settings: Of the pipeline.
    """

    def __init__(
        self, stage: Usd.Stage, targets: Sequence[Target], options: InStageOptions, settings: dict[str, Any]
    ) -> None:
        self._looks = _looks(targets)
        self._metres = UsdGeom.GetStageMetersPerUnit(stage)
        self._xforms = UsdGeom.XformCache()
        self._options = options
        self._settings = settings
        self._seen: dict[object, Weighed] = {}
        self._local: dict[object, tuple[FloatArray, Any]] = {}

    def weigh(self, target: Target, mass_kg: float | None) -> Weighed:
        """Mass properties and materials of a body.

        Args:
            target: The body.
            mass_kg: What it weighs, where that is known.

        Raises:
            GeometryError: Geometry from which nothing can be derived.
            MaterialError: A statement that names no material.
            EngineError: A transform that is not finite or flattens space.
        """
        frame = split(column_matrix(self._xforms.GetLocalToWorldTransform(target.prim), self._metres))
        if (np.asarray(frame.scale) <= 0).any():
            raise GeometryError(
                "mirrored_body",
                f"{target.prim.GetName()} is mirrored by a negative scale, which physics engines do not know.",
                "Apply the scale to the mesh.",
            )
        to_body = np.linalg.inv(frame.pose.matrix())
        pieces: list[tuple[str, str, tuple[str, ...], bytes, FloatArray, Usd.Prim]] = []
        for prim in target.geometry:
            local = to_body @ column_matrix(self._xforms.GetLocalToWorldTransform(prim), self._metres)
            look = self._looks.get(prim.GetPath(), "")
            pieces.append(
                (_stem(prim.GetName()), look, _path_names(prim), self._digest(prim), np.round(local, 9), prim)
            )
        key = (mass_kg, tuple((a, b, c, digest, local.tobytes()) for a, b, c, digest, local, _ in pieces))
        scale = tuple(float(v) for v in frame.scale)
        if key not in self._seen:
            self._seen[key] = self._weigh(target, pieces, mass_kg)
        return replace(self._seen[key], scale=(scale[0], scale[1], scale[2]))

    def _digest(self, prim: Usd.Prim) -> bytes:
        """Of everything that decides the prim's own geometry."""
        digest = hashlib.sha256(prim.GetTypeName().encode())
        for name in _MESH if prim.IsA(UsdGeom.Mesh) else _ROUND:
            value = prim.GetAttribute(name).Get() if prim.HasAttribute(name) else None
            if value is not None:
                digest.update(name.encode())
                digest.update(str(value).encode() if isinstance(value, str | float) else np.asarray(value).tobytes())
        return digest.digest()

    def _triangles(self, prim: Usd.Prim, digest: bytes) -> tuple[FloatArray, Any]:
        if digest not in self._local:
            if prim.GetTypeName() == "Mesh":
                mesh = read_mesh(prim, Usd.TimeCode.Default(), prim.GetName())
                self._local[digest] = (np.zeros((0, 3)), None) if mesh is None else (mesh.points, mesh.faces)
            else:
                made = primitive(prim, Usd.TimeCode.Default())
                self._local[digest] = (np.zeros((0, 3)), None) if made is None else (made.vertices, made.faces)
        return self._local[digest]

    def _weigh(self, target: Target, pieces: list[Any], mass_kg: float | None) -> Weighed:
        shapes: list[Shape] = []
        parts: list[Part] = []
        kept: list[int] = []
        for number, (name, material, path, digest, local, prim) in enumerate(pieces):
            points, faces = self._triangles(prim, digest)
            if faces is None:
                continue
            kept.append(number)
            # The translation of a column matrix is in metres, its linear part per unit of the stage.
            placed = points @ local[:3, :3].T * self._metres + local[:3, 3]
            if np.linalg.det(local[:3, :3]) < 0:
                faces = faces[:, ::-1]
            shapes.append(Shape(f"shape_{number}", mesh=Mesh(placed, faces.astype(np.int32))))
            hints = PartHints(material=material, path=path)
            own = name if name not in {part.name for part in parts} else f"{name}_{number}"
            parts.append(Part(own, f"shape_{number}", hints=hints))
        if not parts:
            raise GeometryError("no_triangles", f"{target.prim.GetName()} has no triangles.", "Check its geometry.")
        decision = Decision("m", 1.0)
        title = _stem(target.prim.GetName())
        twin = Twin(
            title,
            title,
            (Source("stage", "usd", "0" * 64, 0),),
            Frame(decision, 1.0, Decision("z", 1.0)),
            tuple(shapes),
            (Body(title, tuple(parts)),),
        )
        stated = None
        if mass_kg is not None:
            evidence = Evidence("user", f"The mass of {mass_kg:g} kg is stated.", "stage", "physics:mass")
            stated = Estimate.normal(mass_kg, 0.005 * mass_kg, "kg", "stated mass", (evidence,))
        options = NormalizeOptions(
            materials=self._stated(twin), mass=stated, settings=self._settings, seed=self._options.seed, fast=True
        )
        twin = with_solids(twin, NormalizeSettings.from_table(self._settings["normalize"]), fast=True)
        twin = with_mass(twin, options)
        properties = twin.bodies[0].mass_properties
        assert properties is not None
        materials = {material.name: material for material in twin.materials}
        with np.errstate(over="ignore"):  # numbers too large for single precision are refused by the writer
            axes = principal(properties.inertia_kgm2)
        fills = tuple(_fill(twin.shape(part.shape)) for part in twin.parts)
        return Weighed(
            properties,
            tuple(kept),
            tuple(materials[part.material] for part in twin.parts),
            fills,
            axes,
            (1.0, 1.0, 1.0),
        )

    def _stated(self, twin: Twin) -> tuple[tuple[str, str], ...]:
        """The statements that mean a part of this body."""
        names = {part.name.lower() for part in twin.parts}
        return tuple(
            (part, text) for part, text in self._options.materials if part == "*" or _stem(part).lower() in names
        )


#: What decides the geometry of a mesh, and of a primitive.
_MESH = ("points", "faceVertexCounts", "faceVertexIndices", "holeIndices", "orientation")
_ROUND = ("size", "radius", "height", "axis", "radiusTop", "radiusBottom")


def _stem(name: str) -> str:
    """A name without the number that tells it from its copies."""
    return re.sub(r"_?\d+$", "", name) or name


def _looks(targets: Sequence[Target]) -> dict[Any, str]:
    """Name of the material that each piece of geometry is seen with, by path."""
    prims = [prim for target in targets for prim in target.geometry]
    if not prims:
        return {}
    bound, _ = UsdShade.MaterialBindingAPI.ComputeBoundMaterials(prims)
    return {p.GetPath(): m.GetPrim().GetName() for p, m in zip(prims, bound, strict=True) if m}


def _path_names(prim: Usd.Prim) -> tuple[str, ...]:
    """Names between the stage's root and the geometry, without numbers of copies."""
    names = [_stem(path.name) for path in prim.GetPath().GetParentPath().GetPrefixes()]
    return tuple(names[-4:])


def _fill(shape: Shape) -> float:
    from scipy.spatial import ConvexHull, QhullError

    assert shape.mesh is not None and shape.solid is not None
    try:
        hull = float(ConvexHull(np.asarray(shape.mesh.vertices, dtype=float)).volume)
    except QhullError:  # flat
        return 1.0
    return shape.solid.volume.value / hull if hull > 0 else 1.0
