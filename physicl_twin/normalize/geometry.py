"""Cleaning: a mesh as a file holds it becomes a surface that physics can be derived from."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.model import GeometryError, GeometrySummary, Mesh, Note, Shape
from physicl_twin.normalize.attributes import flip_faces, map_vertices, take_faces
from physicl_twin.normalize.holes import fill_holes
from physicl_twin.normalize.integrals import triangle_areas
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.orientation import outward, unify
from physicl_twin.normalize.slivers import collapsed, dissolve_slivers, flat
from physicl_twin.normalize.topology import Edges, Indices, components, group_rows, position_ids


@dataclass(frozen=True, slots=True)
class CleanMesh:
    """A cleaned mesh and what was done to it.

    Attributes:
        mesh: The very object that came in when nothing had to be done.
        repairs: What was done, in order, in words.
        surface_changed: True when a repair changed the surface, not only its numbering.
        patch_volume_std_m3: Standard deviation of the volume under the patches over filled holes.
    """

    mesh: Mesh
    repairs: tuple[str, ...] = ()
    surface_changed: bool = False
    patch_volume_std_m3: float = 0.0


def clean_shape(shape: Shape, settings: NormalizeSettings | None = None) -> tuple[Shape, tuple[Note, ...]]:
    """Weld, drop degenerate and duplicate faces, orient, fill small holes, drop unused vertices.

    UVs, normals, appearances and colours follow each step. A clean mesh comes back as the same object. A shape whose
    summary already has the hash of its mesh was cleaned before and is returned as it is, with its record.

    Args:
        shape: With a mesh in metres, shape frame.
        settings: ``[normalize]``; the shipped ones when None.

    Returns:
        The shape with mesh and ``GeometrySummary`` set, and a note when the surface itself changed.

    Raises:
        GeometryError: ``mesh_missing``, ``mesh_empty``, ``mesh_index_out_of_range``, ``mesh_not_finite`` or
            ``mesh_zero_area``.
    """
    if shape.geometry is not None and shape.mesh is not None and shape.geometry.sha256 == shape.mesh.sha256():
        return shape, ()
    if shape.mesh is None:
        raise GeometryError("mesh_missing", f"The shape {shape.name!r} has no triangles.", "Read the source again.")
    clean = clean_mesh(shape.mesh, shape.name, settings or NormalizeSettings.shipped())
    return with_clean_mesh(shape, clean)


def with_clean_mesh(shape: Shape, clean: CleanMesh) -> tuple[Shape, tuple[Note, ...]]:
    """The shape with its cleaned mesh and summary, and a note when the surface itself changed."""
    notes: tuple[Note, ...] = ()
    if clean.surface_changed:
        notes = (
            Note(
                "geometry_repaired", "info", f"{shape.name}: {'; '.join(clean.repairs)}.", "Compare it with the source."
            ),
        )
    return replace(shape, mesh=clean.mesh, geometry=summarize(clean.mesh, clean.repairs)), notes


def summarize(mesh: Mesh, repairs: tuple[str, ...] = ()) -> GeometrySummary:
    """What is worth knowing of a mesh."""
    edges = Edges.of(position_ids(mesh.vertices)[mesh.faces])
    low, high = mesh.bounds()
    return GeometrySummary(
        sha256=mesh.sha256(),
        vertices=len(mesh.vertices),
        faces=len(mesh.faces),
        area_m2=float(triangle_areas(mesh.vertices, mesh.faces).sum()),
        low_m=(float(low[0]), float(low[1]), float(low[2])),
        high_m=(float(high[0]), float(high[1]), float(high[2])),
        watertight=bool((edges.count == 2).all()),
        bodies=int(edges.pieces(len(mesh.faces)).max()) + 1,
        repairs=repairs,
    )


def clean_mesh(mesh: Mesh, name: str, settings: NormalizeSettings) -> CleanMesh:
    """The steps of ``clean_shape`` on the mesh alone."""
    require_surface(mesh, name)
    repairs: list[str] = []
    faces_before = len(mesh.faces)
    mesh = _drop_collapsed(_weld(mesh, repairs), repairs, "without area")
    mesh = _close_seams(mesh, repairs, settings)
    mesh = _drop_flat(mesh, repairs)
    mesh = _drop_duplicates(mesh, repairs)
    if len(mesh.faces) == 0:
        raise _zero_area(name)
    surface_changed = len(mesh.faces) != faces_before
    wound, turned = _orient(mesh, repairs, settings)
    if turned:
        wound = _drop_duplicates(wound, repairs)  # faces back to back may have come to lie in one sense
    filled, holes, patch_std_m3 = _fill_all_holes(wound, repairs, settings)
    mesh = _drop_unused(filled, repairs)
    return CleanMesh(mesh, tuple(repairs), surface_changed or turned or holes > 0, patch_std_m3)


def _fill_all_holes(mesh: Mesh, repairs: list[str], settings: NormalizeSettings) -> tuple[Mesh, int, float]:
    """Fill until no more can be (a patch makes its neighbours fillable): mesh, holes, and the spread of the patches."""
    holes, area_m2, variance = 0, 0.0, 0.0
    while (filling := fill_holes(mesh, position_ids(mesh.vertices), settings)).holes:
        mesh, holes = filling.mesh, holes + filling.holes
        area_m2, variance = area_m2 + filling.area_m2, variance + filling.volume_std_m3**2
    if holes:
        repairs.append(f"filled {_count(holes, 'hole')} with {area_m2:.3g} m2 of flat patches")
    return mesh, holes, math.sqrt(variance)


def require_surface(mesh: Mesh, name: str) -> None:
    """Refuse geometry from which nothing can be derived.

    Raises:
        GeometryError: See ``clean_shape``.
    """
    if len(mesh.faces) == 0 or len(mesh.vertices) == 0:
        raise GeometryError("mesh_empty", f"The shape {name!r} has no triangles.", "Check what the source exports.")
    if int(mesh.faces.min()) < 0 or int(mesh.faces.max()) >= len(mesh.vertices):
        raise GeometryError(
            "mesh_index_out_of_range",
            f"The shape {name!r} has a face that names a vertex which does not exist.",
            "The file is damaged; export it again.",
        )
    finite = np.isfinite(mesh.vertices).all(axis=1)
    if not finite.all():
        raise GeometryError(
            "mesh_not_finite",
            f"The shape {name!r} has {int((~finite).sum())} vertices with NaN or infinite coordinates.",
            "The file is damaged; export it again.",
        )
    if not np.abs(mesh.vertices).max() < 1e15:
        raise GeometryError(
            "mesh_not_finite",
            f"The shape {name!r} has coordinates beyond 1e15 m.",
            "Check the file and its units (--units).",
        )
    if not triangle_areas(mesh.vertices, mesh.faces).sum() > 0:
        raise _zero_area(name)


def _zero_area(name: str) -> GeometryError:
    return GeometryError(
        "mesh_zero_area",
        f"All triangles of the shape {name!r} have zero area.",
        "The source holds points or lines only, or is scaled to nothing; check the file and its units.",
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _weld(mesh: Mesh, repairs: list[str]) -> Mesh:
    """Join vertices that are equal in position (and in colour, where vertices have one)."""
    rows = mesh.vertices + 0.0
    if mesh.vertex_colors is not None:
        rows = np.concatenate([rows, np.asarray(mesh.vertex_colors, dtype=float) + 0.0], axis=1)
    group, first = group_rows(np.ascontiguousarray(rows, dtype=np.float64))
    if len(first) == len(mesh.vertices):
        return mesh
    repairs.append(f"welded {len(mesh.vertices):,} vertices to {len(first):,}")
    return map_vertices(mesh, group, first)


def _drop_collapsed(mesh: Mesh, repairs: list[str], what: str) -> Mesh:
    bad = collapsed(position_ids(mesh.vertices)[mesh.faces])
    if not bad.any():
        return mesh
    repairs.append(f"removed {_count(int(bad.sum()), 'face')} {what}")
    return take_faces(mesh, ~bad)


def _close_seams(mesh: Mesh, repairs: list[str], settings: NormalizeSettings) -> Mesh:
    """Join vertices on open edges that lie closer than the weld tolerance: seams of rounded coordinates."""
    if len(mesh.faces) == 0:
        return mesh
    ids = position_ids(mesh.vertices)
    places = ids[mesh.faces]
    edges = Edges.of(places)
    rim = edges.order[edges.start[edges.count == 1]]
    if len(rim) == 0:
        return mesh
    from scipy.spatial import cKDTree

    _, first = np.unique(ids, return_index=True)
    at_rim = np.unique(
        np.concatenate([places.reshape(-1)[rim], places.reshape(-1)[3 * (rim // 3) + (rim % 3 + 1) % 3]])
    )
    points = mesh.vertices[first[at_rim]]
    tolerance = settings.weld_tolerance * float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    near = cKDTree(points).query_pairs(tolerance, output_type="ndarray")
    if len(near) == 0:
        return mesh
    cluster = components(len(points), near[:, 0].astype(np.int64), near[:, 1].astype(np.int64))
    leader = np.full(int(cluster.max()) + 1, len(points), dtype=np.int64)
    np.minimum.at(leader, cluster, np.arange(len(points)))
    place_vertex = first.copy()
    place_vertex[at_rim] = first[at_rim[leader[cluster]]]
    snapped = replace(mesh, vertices=mesh.vertices[place_vertex[ids]])
    repairs.append(f"closed seams between {_count(len(near), 'pair')} of vertices closer than {tolerance:.2g} m")
    quiet: list[str] = []
    return _drop_collapsed(_weld(snapped, quiet), repairs, "that the seams swallowed")


def _drop_flat(mesh: Mesh, repairs: list[str]) -> Mesh:
    if len(mesh.faces) == 0:
        return mesh
    bad, _ = flat(mesh.vertices, mesh.faces.astype(np.int64))
    if not bad.any():
        return mesh
    repairs.append(f"dissolved {_count(int(bad.sum()), 'flat face')}")
    return dissolve_slivers(mesh, position_ids(mesh.vertices))


def _drop_duplicates(mesh: Mesh, repairs: list[str]) -> Mesh:
    """Keep one of each set of faces over the same three places.

    Of faces in the same sense one stays. Faces back to back stay when they are walls between closed cells (removing one
    would open both); a surface that is double all over keeps its first sheet. Nothing is removed that would open a
    surface which was closed.
    """
    if len(mesh.faces) == 0:
        return mesh
    places = position_ids(mesh.vertices)[mesh.faces].astype(np.int64)
    turn = np.argmin(places, axis=1)
    cyclic = np.take_along_axis(places, (turn[:, None] + np.arange(3)) % 3, axis=1)
    _, first = group_rows(cyclic)
    keep = np.zeros(len(places), dtype=bool)
    keep[first] = True
    if not keep.all() and not Edges.of(places).balance.any() and Edges.of(places[keep]).balance.any():
        keep[:] = True
    group, leader = group_rows(np.sort(places[keep], axis=1))
    doubled = np.bincount(group)[group] > 1
    if doubled.any():
        rows = np.flatnonzero(keep)
        piece = Edges.of(places[rows]).pieces(len(rows))
        wholly = np.ones(int(piece.max()) + 1, dtype=bool)
        wholly[piece[~doubled]] = False
        is_leader = np.zeros(len(rows), dtype=bool)
        is_leader[leader] = True
        keep[rows[wholly[piece] & ~is_leader]] = False
    removed = int((~keep).sum())
    if removed == 0:
        return mesh
    repairs.append(f"removed {_count(removed, 'duplicate face')}")
    return take_faces(mesh, keep)


def _orient(mesh: Mesh, repairs: list[str], settings: NormalizeSettings) -> tuple[Mesh, bool]:
    places: Indices = position_ids(mesh.vertices)[mesh.faces]
    edges = Edges.of(places)
    flip, twisted = unify(mesh.vertices, mesh.faces.astype(np.int64), edges)
    if twisted:
        repairs.append(f"left {_count(twisted, 'one-sided piece')} as found")
    if flip.any():
        repairs.append(f"flipped {_count(int(flip.sum()), 'face')} against their neighbours")
        mesh = flip_faces(mesh, flip)
        edges = Edges.of(position_ids(mesh.vertices)[mesh.faces])
    inward = outward(mesh.vertices, mesh.faces.astype(np.int64), edges, settings.shells_max)
    if inward.any():
        repairs.append(f"turned {_count(int(inward.sum()), 'face')} outwards")
        mesh = flip_faces(mesh, inward)
    return mesh, bool(flip.any() or inward.any())


def _drop_unused(mesh: Mesh, repairs: list[str]) -> Mesh:
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[mesh.faces] = True
    if used.all():
        return mesh
    repairs.append(f"removed {len(used) - int(used.sum()):,} vertices that no face uses")
    return map_vertices(mesh, np.cumsum(used) - 1, np.flatnonzero(used))
