"""Mesh files that robot descriptions place on their links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.raw import Claim, RawPart, RawScene
from physicl_twin.model import PartHints, SourceError, silent
from physicl_twin.model.geometry import FloatArray

#: Formats whose files state a unit that a robot description relies on; all others count in metres, as ROS reads them.
_OWN_UNIT = frozenset(["dae"])
#: Formats of whole scenes, which may refer to their own file as a mesh.
_NO_MESH = frozenset(["urdf", "xacro", "mjcf", "sdf", "ifc"])


@dataclass(frozen=True, slots=True)
class Submesh:
    """A part of a mesh file.

    Attributes:
        name: As the file names it.
        centred: True to move the middle of its bounds to the origin.
    """

    name: str
    centred: bool = False


@dataclass(frozen=True, slots=True)
class MeshPiece:
    """A part of a mesh file.

    Attributes:
        shape: Name of its shape in the scene.
        placement: (4, 4) shape to mesh, metres.
        name: As the file names it.
        hints: What the file says of it.
        geometry: What it is geometrically, whatever it looks like.
    """

    shape: str
    placement: FloatArray
    name: str
    hints: PartHints
    geometry: tuple[object, ...]


def read_mesh(
    builder: SceneBuilder, path: Path, look: str, overrules: bool, submesh: Submesh | None
) -> tuple[MeshPiece, ...]:
    """The parts of a mesh file; their shapes and the file itself are registered in the scene.

    Args:
        builder: Of the scene.
        path: The file.
        look: Name of a look in the scene; empty for none.
        overrules: True when the look replaces the file's own.
        submesh: The part that is meant; None for all.

    Raises:
        SourceError: Whatever is wrong with the file; ``no_mesh`` for a description.
    """
    from physicl_twin.ingest.formats import load, require_format

    if require_format(path).format in _NO_MESH:
        raise SourceError("no_mesh", f"{path.name} is a description and no mesh.", "Name a mesh file.")
    raw = load(path, replace(builder.options, units=None, part_labels=""), silent, builder.settings)
    builder.add_sources(path, raw.sources)
    for note in raw.notes:
        builder.note(note.code, note.severity, note.message, note.hint)
    metres = _stated_metres(raw.unit_claims) if raw.format in _OWN_UNIT else 1.0
    scale = np.diag([metres, metres, metres, 1.0])
    wanted = [p for p in raw.parts if submesh is None or submesh.name in (p.name, p.shape, *p.hints.path)]
    if submesh is not None and submesh.centred and wanted:
        scale = scale @ _centring(raw, wanted)
    looks = {} if look and overrules else {a.name: builder.look(a) for a in raw.appearances}
    made: dict[str, tuple[str, tuple[object, ...]]] = {}
    placed = {part.shape for part in wanted}
    for number, shape in enumerate(raw.shapes):
        if shape.name not in placed:
            continue
        if look and (overrules or not shape.appearances):
            shape = replace(shape, appearances=(look,), mesh=replace(shape.mesh, face_appearance=None))
        else:
            shape = replace(shape, appearances=tuple(looks[n] for n in shape.appearances))
        made[shape.name] = (builder.add_shape(shape), (path.resolve(), number))
    return tuple(MeshPiece(made[p.shape][0], scale @ p.transform, p.name, p.hints, made[p.shape][1]) for p in wanted)


def with_own_hints(said: PartHints | None, own: PartHints) -> PartHints:
    """What the description says of a part, and below it what its mesh file says."""
    if said is None:
        return own
    return replace(
        said,
        material=said.material or own.material,
        material_description=said.material_description or own.material_description,
        density=said.density or own.density,
        layer=said.layer or own.layer,
        path=said.path or own.path,
    )


def _centring(raw: RawScene, parts: list[RawPart]) -> FloatArray:
    """(4, 4) translation that takes the middle of the parts' bounds to the origin, source units."""
    vertices = {shape.name: shape.mesh.vertices for shape in raw.shapes}
    corners = []
    for part in parts:
        moved = vertices[part.shape] @ part.transform[:3, :3].T + part.transform[:3, 3]
        corners += [moved.min(axis=0), moved.max(axis=0)]
    matrix = np.eye(4)
    matrix[:3, 3] = -0.5 * (np.min(corners, axis=0) + np.max(corners, axis=0))
    return matrix


def _stated_metres(claims: tuple[Claim, ...]) -> float:
    """Metres per unit of the strongest claim; 1 without any."""
    from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT

    if not claims:
        return 1.0
    return claims[0].metres_per_unit or METRES_PER_UNIT[claims[0].value]
