"""Curves of a drawing to closed profiles with holes, and their extrusion to closed triangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray, Mesh


@dataclass(frozen=True, slots=True)
class Profiles:
    """Closed regions of a set of curves.

    Attributes:
        polygons: ``shapely`` polygons with holes, disjoint, in a fixed order.
        open_curves: Number of joined curves that enclose nothing.
        smallest_gap: Distance between the two nearest loose ends of open curves; 0 without any.
    """

    polygons: tuple[Any, ...]
    open_curves: int
    smallest_gap: float


def profiles(curves: list[FloatArray], join_distance: float) -> Profiles:
    """Join curves at their ends and find what they enclose: outer loops minus holes, islands in holes again solid.

    Args:
        curves: Polylines (N, 2); a closed one repeats its first point.
        join_distance: Ends nearer than this meet.
    """
    import shapely

    joined = _snap_ends(curves, join_distance)
    lines = [shapely.LineString(c) for c in joined if len(np.unique(c, axis=0)) > 1]
    distinct = list({shapely.normalize(line).wkb: line for line in lines}.values())
    faces, _, dangles, _ = shapely.polygonize_full(distinct)
    if faces.is_empty:
        # Curves that cross instead of meeting: split them at their crossings.
        faces, _, dangles, _ = shapely.polygonize_full([shapely.node(shapely.MultiLineString(distinct))])
    filled = [shapely.Polygon(face.exterior) for face in faces.geoms]
    tree = shapely.STRtree(filled)
    solid = []
    for face, outline in zip(faces.geoms, filled, strict=True):
        around = tree.query(face.representative_point(), predicate="within")
        depth = sum(not filled[i].equals(outline) and filled[i].area > outline.area for i in around)
        if depth % 2 == 0:
            solid.append(face)
    union = shapely.union_all(solid) if solid else shapely.MultiPolygon()
    polygons = list(union.geoms) if hasattr(union, "geoms") else [union]
    polygons = sorted((p for p in polygons if p.area > 0), key=lambda p: (-p.area, p.bounds))
    return Profiles(tuple(polygons), len(dangles.geoms), _smallest_gap(dangles))


def _snap_ends(curves: list[FloatArray], distance: float) -> list[FloatArray]:
    """Move ends that lie within ``distance`` of each other onto one point."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    ends = np.array([point for curve in curves for point in (curve[0], curve[-1])])
    pairs = cKDTree(ends).query_pairs(distance, output_type="ndarray").reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(ends), len(ends)))
    _, label = connected_components(graph, directed=False)
    _, first = np.unique(label, return_index=True)
    ends = ends[first[label]]
    snapped = []
    for number, curve in enumerate(curves):
        moved = curve.copy()
        moved[0], moved[-1] = ends[2 * number], ends[2 * number + 1]
        snapped.append(moved)
    return snapped


def _smallest_gap(dangles: Any) -> float:
    from scipy.spatial import cKDTree

    ends, uses = np.unique(
        np.array([c for line in dangles.geoms for c in (line.coords[0], line.coords[-1])]).reshape(-1, 2),
        axis=0, return_counts=True,
    )  # fmt: skip
    ends = ends[uses == 1]
    if len(ends) < 2:
        return 0.0
    distance, _ = cKDTree(ends).query(ends, k=2)
    return float(distance[:, 1].min())


def extrude(polygon: Any, height: float) -> Mesh:
    """Prism over a polygon with holes, from z = 0 to ``height``: closed, outward normals, flat and sharp at its edges.

    Args:
        polygon: ``shapely`` polygon.
        height: > 0, same unit as the polygon.
    """
    import mapbox_earcut

    rings = [_ring(polygon.exterior, True), *(_ring(hole, False) for hole in polygon.interiors)]
    flat = np.concatenate(rings)
    ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
    top: NDArray[np.int32] = mapbox_earcut.triangulate_float64(flat, ends).reshape(-1, 3).astype(np.int32)
    a, b, c = (flat[top[:, k]] for k in range(3))
    turned = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) < 0
    top[turned] = top[turned][:, ::-1]
    count = len(flat)
    walls, start = [], 0
    for ring in rings:
        here = start + np.arange(len(ring), dtype=np.int32)
        ahead = np.roll(here, -1)
        walls += [np.stack([here, ahead, ahead + count], 1), np.stack([here, ahead + count, here + count], 1)]
        start += len(ring)
    low, high = (np.column_stack([flat, np.full(count, z)]) for z in (0.0, height))
    faces = np.concatenate([top[:, ::-1], top + count, *walls]).astype(np.int32)
    return Mesh(np.concatenate([low, high]), faces)


def _ring(ring: Any, counter_clockwise: bool) -> FloatArray:
    points = np.asarray(ring.coords, dtype=np.float64)[:-1, :2]
    if bool(ring.is_ccw) is not counter_clockwise:
        points = points[::-1]
    return np.ascontiguousarray(points)
