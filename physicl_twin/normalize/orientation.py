"""Winding: one sense over each piece, then outwards."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.integrals import signed_volumes, triangle_areas
from physicl_twin.normalize.nesting import nesting
from physicl_twin.normalize.topology import Edges, Indices, Mask, ShellCycles, components

_RAYS_PER_PATCH = 24


def unify(vertices: FloatArray, faces: Indices, edges: Edges) -> tuple[Mask, int]:
    """Faces to flip so that neighbours agree, and the number of pieces where that is impossible (Moebius bands).

    Each face stands twice in a graph, as it is and flipped; a neighbour that agrees links like with like, one that
    disagrees links unlike. The two copies of a piece then fall into two components, and the one that flips less area is
    taken: the sense that most of the source's faces had.
    """
    count = len(faces)
    a, b = edges.pairs()
    agree = edges.forward[a] != edges.forward[b]
    flip = np.zeros(count, dtype=bool)
    if agree.all():
        return flip, 0
    fa, fb = a // 3, b // 3
    other = np.where(agree, 0, count)
    sheets = components(2 * count, np.concatenate([fa, fa + count]), np.concatenate([fb + other, fb + (count - other)]))
    as_is, flipped = sheets[:count], sheets[count:]
    twisted = as_is == flipped
    piece = np.minimum(as_is, flipped)
    flip = (as_is != piece) & ~twisted
    area = triangle_areas(vertices, faces)
    size = int(piece.max()) + 1
    total = np.bincount(piece, weights=area, minlength=size)
    flipped_area = np.bincount(piece, weights=area * flip, minlength=size)
    invert = (flipped_area > 0.5 * total)[piece] & ~twisted
    return flip ^ invert, len(np.unique(piece[twisted]))


def outward(vertices: FloatArray, faces: Indices, edges: Edges, shells_max: int) -> Mask:
    """Faces to flip so that closed shells face outwards and open pieces face the open.

    An outermost closed shell with negative volume turns, and everything inside it turns with it: what is a cavity stays
    one. An open piece turns when more rays leave the scene from its back than from its front.

    Args:
        vertices: (V, 3).
        faces: (F, 3), each piece of one sense.
        edges: Edges of the faces.
        shells_max: With more closed shells than this each one is judged by itself.
    """
    cycles = ShellCycles.of(edges, len(faces))
    flip = np.zeros(len(faces), dtype=bool)
    closed_face = cycles.closed[cycles.label]
    if closed_face.any():
        rows = np.flatnonzero(closed_face)
        labels, compact = np.unique(cycles.label[rows], return_inverse=True)
        origin = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
        volume = np.bincount(compact, weights=signed_volumes(vertices, faces[rows], origin))
        turn = volume < 0
        if turn.any() and 1 < len(labels) <= shells_max:
            relations = nesting(vertices, faces[rows], compact)
            roots = relations.depth == 0
            turn = (turn & roots) | (relations.inside & (turn & roots)[:, None]).any(axis=0)
        flip[rows] = turn[compact]
    if not closed_face.all():
        flip |= _open_pieces_facing_in(vertices, faces, cycles, closed_face)
    return flip


def _open_pieces_facing_in(vertices: FloatArray, faces: Indices, cycles: ShellCycles, closed_face: Mask) -> Mask:
    """Faces of the open pieces from whose back more rays escape than from their front (embree, single precision)."""
    rows = np.flatnonzero(~closed_face)
    labels, compact = np.unique(cycles.label[rows], return_inverse=True)
    area = triangle_areas(vertices, faces[rows])
    order = np.lexsort((np.arange(len(rows)), compact))
    # Samples evenly spaced in area along the faces of each piece.
    ends = np.cumsum(area[order])
    start = np.searchsorted(compact[order], np.arange(len(labels)))
    before = np.where(start > 0, ends[start - 1], 0.0)
    piece_area = np.bincount(compact, weights=area)
    steps = (np.arange(_RAYS_PER_PATCH) + 0.5) / _RAYS_PER_PATCH
    at = np.searchsorted(ends, (before[:, None] + piece_area[:, None] * steps).reshape(-1))
    sample = rows[order[np.minimum(at, len(rows) - 1)]]
    corners = vertices[faces[sample]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.finfo(float).tiny)
    centre = corners.mean(axis=1)
    tilt = _unit_directions(_RAYS_PER_PATCH)[np.tile(np.arange(_RAYS_PER_PATCH), len(labels))]
    tilt = np.where(np.einsum("ij,ij->i", tilt, normal)[:, None] < 0, -tilt, tilt)
    direction = normal + tilt
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    lift = 1e-4 * float(np.linalg.norm(np.ptp(vertices, axis=0)))
    # Front and back rays are mirrored, so that a flipped face votes the reverse.
    origins = np.concatenate([centre + lift * normal, centre - lift * normal])
    front, back = np.split(~blocked(vertices, faces, origins, np.concatenate([direction, -direction])), 2)
    votes = (back.astype(int) - front.astype(int)).reshape(len(labels), _RAYS_PER_PATCH).sum(axis=1)
    mask = np.zeros(len(faces), dtype=bool)
    mask[rows] = (votes > 0)[compact]
    return mask


def blocked(vertices: FloatArray, faces: Indices, origins: FloatArray, directions: FloatArray) -> Mask:
    """(R,) True for a ray that meets a triangle."""
    import trimesh
    from trimesh.ray.ray_pyembree import RayMeshIntersector

    mesh = trimesh.Trimesh(vertices, faces, process=False)
    hits: Mask = np.asarray(RayMeshIntersector(mesh).intersects_any(origins, directions), dtype=bool)
    return hits


def _unit_directions(count: int) -> FloatArray:
    """(count, 3) directions spread over the sphere by the golden angle."""
    i = np.arange(count) + 0.5
    z = 1 - 2 * i / count
    angle = np.pi * (1 + 5**0.5) * i
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
