"""From polygons and triangle soups to indexed triangles: triangulation, welding, closedness."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray, IntArray

Indices = NDArray[np.int64]

#: Relative to a polygon's own area: a corner that turns back by less is straight.
_CONVEX_TOLERANCE = 1e-9


def triangulate(positions: FloatArray, counts: Indices, corners: Indices) -> tuple[Indices, Indices]:
    """Split polygons into triangles that cover each polygon once, concave ones too.

    Args:
        positions: (V, 3) vertices.
        counts: (P,) corners per polygon; polygons of one or two corners are left out.
        corners: (sum(counts),) vertex index of each corner.

    Returns:
        (F, 3) positions in ``corners`` (so that texture coordinates and normals can follow), and (F,) polygon of each
        triangle; in the order of the polygons.
    """
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64) if len(counts) else np.zeros(0, np.int64)
    triangles: list[Indices] = []
    owners: list[Indices] = []
    for n in np.unique(counts):
        if n < 3:
            continue
        polygons = np.flatnonzero(counts == n)
        ring = starts[polygons, None] + np.arange(n)
        if n == 3:
            triangles.append(ring)
            owners.append(polygons)
        elif n == 4:
            triangles.append(_split_quads(positions, ring, corners).reshape(-1, 3))
            owners.append(np.repeat(polygons, 2))
        else:
            triangles.append(_split_rings(positions, ring, corners).reshape(-1, 3))
            owners.append(np.repeat(polygons, n - 2))
    if not triangles:
        return np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
    if len(triangles) == 1:
        return triangles[0], owners[0]
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return np.concatenate(triangles)[order], owner[order]


def _split_quads(positions: FloatArray, ring: Indices, corners: Indices) -> Indices:
    p = positions[corners[ring]]
    first = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    second = np.cross(p[:, 2] - p[:, 0], p[:, 3] - p[:, 0])
    folded = np.einsum("ij,ij->i", first, second) < 0
    short = ring[:, [0, 1, 2, 0, 2, 3]]
    short[folded] = ring[folded][:, [0, 1, 3, 1, 2, 3]]
    return short.reshape(-1, 2, 3)


def _split_rings(positions: FloatArray, ring: Indices, corners: Indices) -> Indices:
    n = ring.shape[1]
    p = positions[corners[ring]]
    ahead, back = np.roll(p, -1, axis=1), np.roll(p, 1, axis=1)
    normal = np.cross(p - p[:, :1], ahead - p[:, :1]).sum(axis=1)
    length = np.linalg.norm(normal, axis=1)
    turn = np.einsum("kni,ki->kn", np.cross(p - back, ahead - p), normal)
    convex = (turn >= -_CONVEX_TOLERANCE * (length**2)[:, None]).all(axis=1)
    fan = np.stack([np.zeros(n - 2, np.int64), np.arange(1, n - 1), np.arange(2, n)], axis=1)
    result = ring[:, fan]
    for k in np.flatnonzero(~convex & (length > 0) & np.isfinite(length)):
        cut = _cut_ears(p[k], normal[k] / length[k])
        if cut is not None:
            result[k] = ring[k][cut]
    return result


def _cut_ears(points: FloatArray, normal: FloatArray) -> Indices | None:
    """(n - 2, 3) corner indices of a concave ring, or None when it cannot be cut (it crosses itself)."""
    import mapbox_earcut

    x = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    x /= np.linalg.norm(x)
    flat = np.ascontiguousarray(np.column_stack([points @ x, points @ np.cross(normal, x)]))
    indices = mapbox_earcut.triangulate_float64(flat, np.array([len(flat)], np.uint32))
    cut: Indices = np.asarray(indices, dtype=np.int64).reshape(-1, 3)
    if len(cut) != len(points) - 2:
        return None
    a, b, c = flat[cut[:, 0]], flat[cut[:, 1]], flat[cut[:, 2]]
    clockwise = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    cut[clockwise] = cut[clockwise][:, ::-1]
    return cut


def weld(positions: NDArray[np.floating]) -> tuple[FloatArray, Indices]:
    """Merge vertices at exactly equal positions.

    Args:
        positions: (V, 3); float32 input is compared as float32, which halves the memory.

    Returns:
        (U, 3) distinct positions as float64 in the order of their first use, and (V,) index of each vertex into them.
    """
    clean = np.ascontiguousarray(positions + 0.0)  # -0.0 becomes 0.0
    words: NDArray[Any] = clean.view(np.uint32 if clean.dtype == np.float32 else np.uint64)
    key = np.zeros(len(clean), np.uint64)
    for axis in range(3):
        # Mix as hash_combine and MurmurHash3's finalizer do; equal keys are compared in full below.
        key ^= words[:, axis] + np.uint64(0x9E3779B97F4A7C15) + (key << np.uint64(6)) + (key >> np.uint64(2))
        key *= np.uint64(0xFF51AFD7ED558CCD)
        key ^= key >> np.uint64(33)
    first, inverse = _first_and_group(key)
    if not np.array_equal(words[first[inverse]], words):
        _, found, group = np.unique(clean, axis=0, return_index=True, return_inverse=True)
        first, inverse = found, group.reshape(-1)
    is_first = np.zeros(len(clean), bool)
    is_first[first] = True
    rank = (np.cumsum(is_first) - 1)[first]
    return clean[is_first].astype(np.float64), rank[inverse]


def _first_and_group(key: NDArray[np.uint64]) -> tuple[Indices, Indices]:
    """Least index of each distinct key, and the group of each entry (numpy's ``unique`` sorts stably: slower)."""
    order = np.argsort(key)
    ordered = key[order]
    starts = np.ones(len(key), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=starts[1:])
    group = np.empty(len(key), np.int64)
    group[order] = np.cumsum(starts) - 1
    return np.minimum.reduceat(order, np.flatnonzero(starts)) if len(key) else order, group


def compact(vertices: FloatArray, faces: Indices) -> tuple[FloatArray, IntArray, Indices]:
    """Drop vertices that no face uses.

    Returns:
        (U, 3) vertices, (F, 3) faces, and (U,) index of each kept vertex.
    """
    used = np.zeros(len(vertices), bool)
    used[faces.reshape(-1)] = True
    kept = np.flatnonzero(used)
    if len(kept) == len(vertices):
        return vertices, faces.astype(np.int32), kept
    position = np.cumsum(used) - 1
    return vertices[kept], position[faces].astype(np.int32), kept


def is_closed(faces: Indices) -> bool:
    """True when each edge has an even number of faces: the triangles bound a volume, whatever way they face."""
    if len(faces) < 4:
        return False
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    edges.sort(axis=1)
    edges = edges[edges[:, 0] != edges[:, 1]]
    _, count = np.unique(edges[:, 0] * (int(faces.max()) + 1) + edges[:, 1], return_counts=True)
    return bool(len(count)) and bool((count % 2 == 0).all())


def closed_groups(faces: Indices, group: Indices, groups: int) -> list[Indices]:
    """Which groups of faces are solids of their own.

    Args:
        faces: (F, 3) indices of welded vertices.
        group: (F,) group (material) of each face.
        groups: Number of groups.

    Returns:
        For each part its groups: one entry for each group that is closed by itself, and one for all the others
            together (which only close together, or not at all). In the order of the first group of each.
    """
    present = [g for g in range(groups) if (group == g).any()]
    alone = [g for g in present if is_closed(faces[group == g])] if len(present) > 1 else []
    rest = [g for g in present if g not in alone]
    parts = [np.array([g]) for g in alone] + ([np.array(rest)] if rest else [])
    return sorted(parts, key=lambda part: int(part[0]))
