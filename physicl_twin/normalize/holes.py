"""Small holes: closed with flat patches where that keeps the surface honest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Mesh
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.attributes import join_faces, patch_faces
from physicl_twin.normalize.integrals import triangle_areas
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.topology import Edges, Indices, components


@dataclass(frozen=True, slots=True)
class HoleFilling:
    """A mesh whose small holes are closed.

    Attributes:
        mesh: The mesh, patches at the end of its faces.
        holes: Holes that were closed.
        area_m2: Area of the patches.
        volume_std_m3: Standard deviation of the volume that lies between the flat patches and the true surface: each
            hole's patch area times half the height of the spherical cap that would continue the rim smoothly.
    """

    mesh: Mesh
    holes: int
    area_m2: float
    volume_std_m3: float


@dataclass(frozen=True, slots=True)
class _Patch:
    halves: Indices
    corners: Indices
    normal: FloatArray
    area_m2: float
    volume_std_m3: float


def fill_holes(mesh: Mesh, ids: Indices, settings: NormalizeSettings) -> HoleFilling:
    """Close the holes of each piece that small flat patches can close completely.

    A hole qualifies when its rim is one simple loop, nearly plane, and small beside its piece. A piece with any other
    opening is left as it is: it may be a sheet or a vessel, and a patch would invent a wall.

    Args:
        mesh: Consistently wound mesh.
        ids: (V,) place of each vertex.
        settings: ``hole_*``.
    """
    nothing = HoleFilling(mesh, 0, 0.0, 0.0)
    places = ids[mesh.faces]
    edges = Edges.of(places)
    rim = edges.order[edges.start[edges.count == 1]]
    if len(rim) == 0:
        return nothing
    rim = np.sort(rim)
    corner_place = places.reshape(-1)
    tail, head = corner_place[rim], corner_place[3 * (rim // 3) + (rim % 3 + 1) % 3]
    compact, where = np.unique(np.concatenate([tail, head]), return_inverse=True)
    t, h = where[: len(rim)], where[len(rim) :]
    loop = components(len(compact), t.astype(np.int64), h.astype(np.int64))[t]
    loops = int(loop.max()) + 1
    if loops > settings.hole_loops_max:
        return nothing
    piece = edges.pieces(len(mesh.faces))
    piece_area = np.bincount(piece, weights=triangle_areas(mesh.vertices, mesh.faces))
    order = np.argsort(loop, kind="stable")
    bounds = np.append(np.searchsorted(loop[order], np.arange(loops)), len(order))
    sealed = np.ones(len(piece_area), dtype=bool)
    torn = (edges.balance != 0) & (edges.count != 1)  # odd junctions: no patch over a rim mends those
    sealed[np.repeat(piece, 3)[torn[edges.of_half]]] = False
    patches: list[tuple[int, _Patch]] = []
    for number in range(loops):
        members = order[bounds[number] : bounds[number + 1]]
        for cycle in _cycles(t[members].tolist(), h[members].tolist()):
            owner = int(piece[rim[members[cycle[0]]] // 3])
            closes = t[members[cycle[0]]] == h[members[cycle[-1]]]
            patch = _patch(mesh, rim[members[cycle]], settings, float(piece_area[owner])) if closes else None
            if patch is None:
                sealed[owner] = False
            else:
                patches.append((owner, patch))
    kept = [patch for owner, patch in patches if sealed[owner]]
    if not kept:
        return nothing
    halves = np.concatenate([patch.corners for patch in kept])
    normals = np.concatenate([np.repeat(patch.normal[None], len(patch.corners), axis=0) for patch in kept])
    new = patch_faces(mesh, mesh.faces.reshape(-1)[halves].astype(np.int64), halves, normals)
    return HoleFilling(
        join_faces(mesh, new),
        len(kept),
        math.fsum(patch.area_m2 for patch in kept),
        math.fsum(patch.volume_std_m3 for patch in kept),
    )


def _cycles(tail: list[int], head: list[int]) -> list[list[int]]:
    """Split the directed edges of one connected rim into loops that pass no vertex twice (holes that touch are two).

    Args:
        tail: Start vertex of each edge.
        head: End vertex of each edge.

    Returns:
        Edge numbers of each loop in walking order; a rim that does not close gives a last loop of its open remainder.
    """
    leaving: dict[int, list[int]] = {}
    for edge in range(len(tail) - 1, -1, -1):
        leaving.setdefault(tail[edge], []).append(edge)
    cycles: list[list[int]] = []
    path: list[int] = []
    position: dict[int, int] = {}
    for start in range(len(tail)):
        vertex = tail[start]
        while leaving.get(vertex):
            position[vertex] = len(path)
            edge = leaving[vertex].pop()
            path.append(edge)
            vertex = head[edge]
            if vertex in position:
                cut = position[vertex]
                cycles.append(path[cut:])
                for gone in path[cut:]:
                    position.pop(tail[gone], None)
                del path[cut:]
                if path:
                    vertex = head[path[-1]]
        if path:
            cycles.append(path)
            path, position = [], {}
    return cycles


def _patch(mesh: Mesh, loop: Indices, settings: NormalizeSettings, area: float) -> _Patch | None:
    """Triangles over one loop of rim half-edges, or None when it is open, too large, too bent or crosses itself."""
    if len(loop) < 3:
        return None
    halves = loop[::-1]  # against the rim's faces: the patch's own sense
    points = mesh.vertices[mesh.faces.reshape(-1)[halves]]
    middle = points.mean(axis=0)
    relative = points - middle
    vector_area = 0.5 * np.cross(relative, np.roll(relative, -1, axis=0)).sum(axis=0)
    patch_area = float(np.linalg.norm(vector_area))
    extent = 2 * float(np.linalg.norm(relative, axis=1).max())
    if patch_area <= 1e-12 * extent**2 or patch_area > settings.hole_area_fraction * area:
        return None
    normal = vector_area / patch_area
    if float(np.abs(relative @ normal).max()) > settings.hole_planarity * extent:
        return None
    local = _triangulate(relative, normal, patch_area)
    if local is None:
        return None
    rim_faces = mesh.vertices[mesh.faces[halves // 3]]
    rim_normals = np.cross(rim_faces[:, 1] - rim_faces[:, 0], rim_faces[:, 2] - rim_faces[:, 0])
    cosine = rim_normals @ normal / np.maximum(np.linalg.norm(rim_normals, axis=1), np.finfo(float).tiny)
    bend = float(np.clip(np.arccos(np.clip(cosine, -1, 1)).mean(), 0, math.pi / 2))
    cap_height = 0.5 * extent * math.tan(bend / 2)
    return _Patch(halves, halves[local], normal, patch_area, 0.5 * patch_area * cap_height)


def _triangulate(relative: FloatArray, normal: FloatArray, area: float) -> Indices | None:
    """(T, 3) triangles of the loop in its plane; None when the loop crosses itself there."""
    if len(relative) == 3:
        return np.array([[0, 1, 2]])
    import mapbox_earcut

    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    u = np.cross(normal, helper)
    u /= np.linalg.norm(u)
    plane = np.stack([relative @ u, relative @ np.cross(normal, u)], axis=1)
    flat = mapbox_earcut.triangulate_float64(np.ascontiguousarray(plane), np.array([len(plane)], dtype=np.uint32))
    triangles = np.asarray(flat, dtype=np.int64).reshape(-1, 3)
    if len(triangles) != len(relative) - 2:
        return None
    a, b, c = (plane[triangles[:, k]] for k in range(3))
    signed = 0.5 * ((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))
    if (signed < 0).all():
        triangles, signed = triangles[:, [0, 2, 1]], -signed
    if not (signed > 0).all() or abs(float(signed.sum()) - area) > 1e-6 * area:
        return None
    return triangles
