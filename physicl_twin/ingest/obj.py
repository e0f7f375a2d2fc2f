"""OBJ with its materials and textures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.guards import check_file, damaged, no_geometry, point_cloud
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.looks import linear_from_srgb
from physicl_twin.ingest.mtl import read_mtl
from physicl_twin.ingest.obj_format import Indices, ObjFile, parse_obj
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.triangles import closed_groups, is_closed, triangulate, weld
from physicl_twin.ingest.unit_text import claims_in_text
from physicl_twin.model import Appearance, PartHints, Progress


def read_obj(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> RawScene:
    """Read an OBJ file; objects become parts (see ``_pieces`` for groups and open objects).

    Raises:
        SourceError: ``file_damaged``, ``no_geometry``, ``point_cloud_without_surface``, ``reference_escapes`` …
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    builder = SceneBuilder(path, "obj", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    content = parse_obj(path.read_bytes(), path.name)
    if not len(content.counts):
        if len(content.positions):
            raise point_cloud(path.name, len(content.positions))
        raise no_geometry(path.name)
    if content.other:
        builder.note("statements_ignored", "info", f"{path.name}: lines, points and free-form surfaces are left out.")
    used = content.corners[:, 0]
    if len(used) and (used.min() < 0 or used.max() >= len(content.positions)):
        raise damaged(path.name, f"a face names vertex {int(used.max()) + 1}, but there are {len(content.positions)}.")
    progress("ingest", 0.5, "building parts")
    looks = _looks(content, builder)
    triangles, owner = triangulate(content.positions, content.counts, used)
    if not len(triangles):
        raise no_geometry(path.name)
    for name, chosen, hints in _pieces(content, triangles, owner, builder.title):
        soup = _soup(content, triangles[chosen], content.material_of[owner[chosen]], looks)
        builder.place(name, builder.shapes(name, soup), hints=hints)
    return builder.scene(unit_claims=claims_in_text("\n".join(content.comments), f"comment of {path.name}", settings))


def _looks(content: ObjFile, builder: SceneBuilder) -> tuple[str, ...]:
    """Names of the looks of ``content.materials``; empty when the file uses no material at all."""
    if not content.material_of.any():
        return ()
    library: dict[str, Appearance] = {}
    for statement in content.libraries:
        names = [statement]
        if statement.lower().count(".mtl") > 1 and not _is_file(builder.path.parent / statement):
            names = [f"{piece}.mtl" for piece in statement.replace(".MTL", ".mtl").split(".mtl") if piece.strip()]
        for name in names:
            target = builder.sidecar(name.strip(), builder.path.name, "material")
            if target is not None:
                library.update(read_mtl(target, builder, set(content.materials)))
    looks = []
    for name in content.materials:
        if not name:
            looks.append(builder.look(Appearance("unassigned")))
        else:
            looks.append(builder.look(library.get(name, Appearance(name, source_name=name))))
    return tuple(looks)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _pieces(content: ObjFile, triangles: Indices, owner: Indices, stem: str) -> list[tuple[str, Indices, PartHints]]:
    """Name, triangles and hints of each part.

    ``o`` names objects: each is a part, unless several are open and only close together: then those are one part.
    Without ``o``, groups ``g`` (often smoothing or material groups) are parts only where they are closed solids by
    themselves.
    """
    by_object = bool(content.object_of.any())
    labels = (content.object_of if by_object else content.group_of)[owner]
    names = content.objects if by_object else content.groups
    present = np.unique(labels)
    everything = np.arange(len(triangles))
    if len(present) == 1:
        name = names[present[0]] if by_object else ""
        return [(name or stem, everything, _hints(content, owner, by_object))]
    _, index = weld(content.positions)
    faces = index[content.corners[:, 0][triangles]]
    sets = closed_groups(faces, labels, len(names))
    pieces: list[tuple[str, Indices, PartHints]] = []
    for groups in sets:
        chosen = np.flatnonzero(np.isin(labels, groups))
        if len(groups) > 1 and by_object and not is_closed(faces[chosen]):
            for group in groups:
                own = np.flatnonzero(labels == group)
                pieces.append((names[group] or stem, own, _hints(content, owner[own], by_object)))
        else:
            name = names[groups[0]] if len(groups) == 1 or by_object else stem
            pieces.append((name or stem, chosen, _hints(content, owner[chosen], by_object)))
    return pieces


def _hints(content: ObjFile, owner: Indices, by_object: bool) -> PartHints:
    groups = np.unique(content.group_of[owner]) if by_object else np.zeros(0, np.int64)
    return PartHints(layer=content.groups[groups[0]] if len(groups) == 1 else "")


def _soup(content: ObjFile, triangles: Indices, material: Indices, looks: tuple[str, ...]) -> Soup:
    corners = content.corners[triangles]
    used = np.unique(material)
    return Soup(
        content.positions,
        corners[:, :, 0],
        uvs=_per_corner(content.uvs, corners[:, :, 1]),
        normals=_per_corner(content.normals, corners[:, :, 2]),
        group=np.searchsorted(used, material) if looks else None,
        looks=tuple(looks[m] for m in used) if looks else (),
        vertex_colors=_linear(content.colors),
    )


def _per_corner(values: np.ndarray, index: Indices) -> np.ndarray | None:
    """Values of each corner, or None when some corner has none."""
    if not len(values) or index.min() < 0 or index.max() >= len(values):
        return None
    return values[index]


def _linear(colors: np.ndarray | None) -> np.ndarray | None:
    if colors is None:
        return None
    return linear_from_srgb(colors / (255.0 if np.nanmax(colors, initial=0.0) > 1.0 else 1.0))
