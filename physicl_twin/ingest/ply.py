"""PLY: meshes with colours, normals and texture coordinates per vertex or per face."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.builder import SceneBuilder, Soup
from physicl_twin.ingest.guards import check_face_count, check_file, damaged, no_geometry, point_cloud
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.looks import linear_from_srgb
from physicl_twin.ingest.ply_format import ListColumn, PlyHeader, Table, check_counts, read_header, read_tables
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.triangles import Indices, triangulate
from physicl_twin.ingest.unit_text import claims_in_text
from physicl_twin.model import Appearance, Progress
from physicl_twin.model.geometry import FloatArray

_TEXTURE_COMMENT = re.compile(r"^TextureFile\s+(.+?)\s*$", re.IGNORECASE)
_UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"))


def header_of(path: Path) -> PlyHeader:
    """The header of a PLY file."""
    with path.open("rb") as stream:
        return read_header(stream, path.name)


def is_point_cloud(header: PlyHeader) -> bool:
    """True when the file declares no faces."""
    return not any(e.count for e in header.elements if e.name in ("face", "tristrips"))


def read_ply(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> RawScene:
    """Read a PLY file; a few face colours become looks, solids of one colour become parts.

    Raises:
        SourceError: ``file_damaged``, ``point_cloud_without_surface``, ``no_geometry``, ``too_many_faces`` …
    """
    settings = settings or shipped_settings()
    size = check_file(path, options)
    builder = SceneBuilder(path, "ply", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    with path.open("rb") as stream:
        header = read_header(stream, path.name)
        check_counts(header, size - header.size, path.name)
        declared = {e.name: e.count for e in header.elements}
        if is_point_cloud(header):
            points = declared.get("vertex", 0)
            raise point_cloud(path.name, points) if points else no_geometry(path.name)
        check_face_count(path.name, declared.get("face", 0), options)
        tables = read_tables(stream, header, path.name)
    builder.place(builder.title, builder.shapes(builder.title, _soup(tables, header, builder)))
    return builder.scene(unit_claims=claims_in_text("\n".join(header.comments), f"comment of {path.name}", settings))


def vertices_of(path: Path) -> NDArray[np.floating]:
    """(V, 3) vertices of a PLY file with or without faces.

    Raises:
        SourceError: ``file_damaged``.
    """
    with path.open("rb") as stream:
        header = read_header(stream, path.name)
        check_counts(header, path.stat().st_size - header.size, path.name)
        return positions_of(read_tables(stream, header, path.name).get("vertex", {}), path.name)


def positions_of(vertex: Table, name: str) -> NDArray[np.floating]:
    """(V, 3) points of the vertex element.

    Raises:
        SourceError: ``file_damaged``.
    """
    columns = [vertex.get(axis) for axis in "xyz"]
    arrays = [c for c in columns if isinstance(c, np.ndarray)]
    if len(arrays) < 3:
        raise damaged(name, "its vertices have no x, y and z.")
    kind = np.float32 if all(a.dtype.kind == "f" and a.dtype.itemsize == 4 for a in arrays) else np.float64
    return np.column_stack([a.astype(kind) for a in arrays])


def _scalars(table: Table, names: tuple[str, ...]) -> NDArray[np.floating] | None:
    columns = [table.get(name) for name in names]
    arrays = [c for c in columns if isinstance(c, np.ndarray)]
    return np.column_stack(arrays) if len(arrays) == len(names) else None


def srgb_of(table: Table) -> FloatArray | None:
    """(N, 3) sRGB colours in 0..1; integers are 0..255."""
    for names in (("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b")):
        colors = _scalars(table, names)
        if colors is not None:
            whole = all(np.issubdtype(np.asarray(table[n]).dtype, np.integer) for n in names)
            values = colors.astype(np.float64)
            return values / 255.0 if whole or (len(values) and np.nanmax(values) > 1.0) else values
    return None


def polygons(tables: dict[str, Table], name: str) -> tuple[Indices, Indices, bool]:
    """Corner counts and corners; True when they are the rows of the face element (and not strips)."""
    face = tables.get("face", {})
    column = face.get("vertex_indices", face.get("vertex_index"))
    if isinstance(column, ListColumn):
        return column.counts, column.values.astype(np.int64), True
    strips = tables.get("tristrips", {}).get("vertex_indices")
    if not isinstance(strips, ListColumn):
        raise damaged(name, "its faces have no vertex indices.")
    corners = []
    for strip in np.split(strips.values.astype(np.int64), np.cumsum(strips.counts)[:-1]):
        for run in np.split(strip, np.flatnonzero(strip < 0)):
            run = run[run >= 0]
            for i in range(len(run) - 2):
                corners.append((run[i], run[i + 1], run[i + 2]) if i % 2 == 0 else (run[i + 1], run[i], run[i + 2]))
    flat = np.array(corners, np.int64).reshape(-1)
    return np.full(len(corners), 3, np.int64), flat, False


def _soup(tables: dict[str, Table], header: PlyHeader, builder: SceneBuilder) -> Soup:
    name = builder.path.name
    vertex, face = tables.get("vertex", {}), tables.get("face", {})
    positions = positions_of(vertex, name)
    counts, corners, has_rows = polygons(tables, name)
    if len(corners) and (corners.min() < 0 or corners.max() >= len(positions)):
        raise damaged(
            name,
            f"a face names vertex {int(corners.max() if corners.min() >= 0 else corners.min())} of {len(positions)}.",
        )
    triangles, owner = triangulate(positions.astype(np.float64), counts, corners)
    faces = corners[triangles]
    uvs = _uvs(vertex, face, counts, triangles, faces) if has_rows else None
    normals = _scalars(vertex, ("nx", "ny", "nz"))
    colors = srgb_of(vertex)
    painted = srgb_of(face) if has_rows and colors is None else None
    looks: tuple[str, ...] = ()
    files = [m.group(1) for c in header.comments if (m := _TEXTURE_COMMENT.match(c))]
    if files and uvs is not None:
        texture = builder.texture_file("base_color", files[0], name)
        if len(files) > 1:
            builder.note("textures_ignored", "info", f"{name} names {len(files)} textures; only the first is used.")
        if texture is not None:
            looks = (builder.look(Appearance(builder.title, base_color=(1.0, 1.0, 1.0), textures=(texture,))),)
    return Soup(
        positions,
        faces,
        uvs=uvs,
        normals=None if normals is None else normals.astype(np.float64)[faces],
        looks=looks,
        vertex_colors=None if colors is None else linear_from_srgb(colors),
        face_rgba=None
        if painted is None
        else np.clip(np.rint(np.nan_to_num(painted) * 255), 0, 255).astype(np.uint8)[owner],
    )


def _uvs(vertex: Table, face: Table, counts: Indices, triangles: Indices, faces: Indices) -> FloatArray | None:
    """(F, 3, 2) texture coordinates (v up, as PLY writers keep them), from the faces or the vertices."""
    column = face.get("texcoord")
    if isinstance(column, ListColumn) and (column.counts == 2 * counts).all():
        return column.values.astype(np.float64).reshape(-1, 2)[triangles]
    for names in _UV_NAMES:
        values = _scalars(vertex, names)
        if values is not None:
            return values.astype(np.float64)[faces]
    return None
