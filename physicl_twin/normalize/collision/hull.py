"""Convex hulls that PhysX and MuJoCo take unchanged: few vertices, few polygons, no slivers, known error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Pose
from physicl_twin.model.errors import GeometryError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.piece import Piece
from physicl_twin.normalize.collision.sampling import cross, fibonacci_directions, sample_triangles

#: A flat face of at least this share of the surface keeps its plane and its outline, which has this many corners.
_FLAT_SHARE = 0.04
_OUTLINE = 8
#: Weight of the planes of such faces when others are shifted.
_STAYS = 1e6
#: Two unit normals closer than this belong to one polygon (radians, as a chord): below what float32 vertices resolve.
_SAME_NORMAL = 1e-3
#: A hull with less volume than this share of its extent cubed is flat.
_FLAT = 1e-9
#: Triangles with less than this share of the largest one's area have no reliable normal; their neighbours bound them.
_SLIVER = 1e-7
#: Above this many triangles duplicates among the planes are left in (they cost time only).
_DENSE = 1200
#: A hull with more vertices is first thinned to its extreme points in this many directions.
_DIRECTIONS = 400
#: Smallest thickness of a collider over its largest extent (judgement: qhull calls much thinner ones flat). PhysX does
#: not cook a hull for the GPU when its inscribed radius is over 100 times smaller than its extent
#: (PxConvexMeshCookingResult::eNON_GPU_COMPATIBLE); thin plates stay thin and collide on the CPU.
MIN_THICKNESS = 0.004


@dataclass(frozen=True, slots=True)
class HullLimits:
    """What an engine accepts.

    Attributes:
        vertices: Most vertices (PhysX GPU: 64).
        polygons: Most polygons after merging coplanar triangles (PhysX GPU: 64, PxConvexMeshDesc).
    """

    vertices: int = 64
    polygons: int = 64


def hull_mesh(points: FloatArray) -> tuple[FloatArray, NDArray[np.int64]] | None:
    """Vertices and outward triangles of the convex hull, or None when the points span no volume."""
    from manifold3d import Manifold

    hull = Manifold.hull_points(np.ascontiguousarray(points, dtype=float))
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    if hull.is_empty() or not float(hull.volume()) > _FLAT * extent**3:
        return None
    mesh = hull.to_mesh64()
    return np.asarray(mesh.vert_properties)[:, :3].copy(), np.asarray(mesh.tri_verts).astype(np.int64)


def planes_of(vertices: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    """(P, 4) distinct outward planes of a convex mesh; zero-area triangles are left out."""
    corners = vertices[faces]
    normal_area = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal_area, axis=1)
    sound = size > _SLIVER * size.max()
    normals = normal_area[sound] / size[sound, None]
    # The support in that direction, not the triangle's own offset: then no vertex is outside by rounding.
    offsets = (vertices @ normals.T).max(axis=0)
    order = np.argsort(-size[sound], kind="stable")
    unit = normals[order]
    if len(unit) <= _DENSE:
        # A convex solid has one face for each normal: a triangle whose normal came before is the same polygon.
        repeated = np.tril(unit @ unit.T > 1 - 0.5 * _SAME_NORMAL**2, -1).any(axis=1)
        order, unit = order[~repeated], unit[~repeated]
    return np.column_stack([unit, offsets[order]])


def hull_piece(points: FloatArray, limits: HullLimits, balance: bool = True) -> Piece:
    """The convex hull of points as a piece within the limits; flat or thread-like points get a thin body.

    Args:
        points: (N, 3), finite.
        limits: Vertex and polygon limits.
        balance: Where vertices had to go, shift faces outward by their mean inward error, so that the surface error is
            balanced around zero instead of being all inward.

    Returns:
        A valid convex piece with positive volume.

    Raises:
        GeometryError: ``collider_without_extent`` when all points coincide.
    """
    points = _with_thickness(np.asarray(points, dtype=float))
    full = hull_mesh(points)
    if full is None:
        raise GeometryError("collider_without_extent", "A collider's points lie in one place.", "Check the geometry.")
    vertices, faces = _reduce(full[0], full[1], limits, balance)
    return _as_piece(vertices, faces)


def _as_piece(vertices: FloatArray, faces: NDArray[np.int64]) -> Piece:
    return Piece("hull", Pose(), (), vertices, faces, planes_of(vertices, faces))


def _with_thickness(points: FloatArray) -> FloatArray:
    """The points, with copies moved along each direction in which they are thinner than colliders may be."""
    centre = points.mean(axis=0)
    axes = np.linalg.eigh((points - centre).T @ (points - centre))[1].T
    local = (points - centre) @ axes.T
    extent = np.ptp(local, axis=0)
    if not extent.max() > 0:
        raise GeometryError("collider_without_extent", "A collider's points lie in one place.", "Check the geometry.")
    for axis, size in enumerate(extent):
        missing = MIN_THICKNESS * extent.max() - size
        if missing > 0:
            step = 0.5 * missing * axes[axis]
            points = np.vstack([points - step, points + step])
    return points


def _reduce(
    vertices: FloatArray, faces: NDArray[np.int64], limits: HullLimits, balance: bool
) -> tuple[FloatArray, NDArray[np.int64]]:
    """The hull with near-duplicate vertices gone and within the limits."""
    extent = float(np.ptp(vertices, axis=0).max())
    flats = _flat_faces(vertices, faces)
    if len(vertices) > _DIRECTIONS:
        directions = fibonacci_directions(_DIRECTIONS)
        blocks = np.array_split(directions, 8)
        outlines = [_outline(vertices, flat) for flat in flats]
        extreme = np.unique(np.concatenate([*(np.argmax(vertices @ block.T, axis=0) for block in blocks), *outlines]))
        thinned = hull_mesh(vertices[extreme])
        if thinned is not None:
            vertices, faces = thinned
    chosen = _farthest_insertion(vertices, limits, 2e-4 * extent, flats)
    reduced = hull_mesh(vertices[chosen])
    if reduced is None:
        return vertices, faces
    if balance and len(chosen) < len(vertices):
        reduced = _balanced(reduced, vertices, faces, limits, flats)
    return reduced


def _flat_faces(vertices: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    """(K, 4) planes of the large flat faces of a convex mesh: what it rests on, and what is gripped."""
    corners = vertices[faces]
    normal_area = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal_area, axis=1)
    least = _FLAT_SHARE * size.sum()
    found: list[FloatArray] = []
    left = size > 0
    for index in np.argsort(-size, kind="stable"):
        # Large faces may be fans of slivers, but not of so many that none is a fiftieth of the whole.
        if size[index] < 0.02 * least:
            break
        if not left[index]:
            continue
        normal = normal_area[index] / size[index]
        same = left & (normal_area @ normal > (1 - 0.5 * _SAME_NORMAL**2) * size)
        left &= ~same
        if size[same].sum() >= least:
            found.append(np.append(normal, corners[index, 0] @ normal))
    return np.array(found).reshape(-1, 4)


def _outline(vertices: FloatArray, plane: FloatArray) -> NDArray[np.int64]:
    """Indices of the corners of a face that are extreme in a few directions within its plane."""
    extent = float(np.ptp(vertices, axis=0).max())
    on = np.flatnonzero(vertices @ plane[:3] > plane[3] - 1e-6 * extent)
    if not len(on):
        return on
    across = np.linalg.svd(plane[None, :3])[2][1:]
    angles = np.arange(_OUTLINE) * 2 * np.pi / _OUTLINE
    directions = np.cos(angles)[:, None] * across[0] + np.sin(angles)[:, None] * across[1]
    corners: NDArray[np.int64] = on[np.unique(np.argmax(vertices[on] @ directions.T, axis=0))]
    return corners


def _farthest_insertion(vertices: FloatArray, limits: HullLimits, tolerance: float, flats: FloatArray) -> list[int]:
    """Indices of vertices whose hull is within ``tolerance`` of the full hull, or as near as the limits allow.

    Starts from the outlines of the large flat faces, which stay flat so, and the extreme points in a few directions,
    and adds the vertex farthest outside, again and again.
    """
    directions = np.vstack([np.eye(3), -np.eye(3), fibonacci_directions(8)])
    chosen = list(dict.fromkeys(np.argmax(vertices @ directions.T, axis=0).tolist()))
    for flat in flats:
        more = list(dict.fromkeys([*chosen, *_outline(vertices, flat).tolist()]))
        hull = hull_mesh(vertices[more])
        if len(more) <= limits.vertices and hull is not None and len(planes_of(*hull)) <= limits.polygons:
            chosen = more
    within: list[int] = []
    while True:
        hull = hull_mesh(vertices[chosen])
        if hull is None:
            outside = _distance_to_flat(vertices, vertices[chosen])
            face = np.zeros(len(vertices), dtype=np.int64)
        else:
            planes = planes_of(*hull)
            if len(planes) > limits.polygons:
                # One polygon too many: go back to the last set that was allowed and add one vertex at a time.
                return _one_by_one(vertices, within, chosen[len(within) :], limits) if within else chosen
            within = list(chosen)
            slack = vertices @ planes[:, :3].T - planes[:, 3]
            outside, face = slack.max(axis=1), slack.argmax(axis=1)
        room = limits.vertices - len(chosen)
        order = np.argsort(-outside, kind="stable")
        order = order[outside[order] > tolerance] if hull is not None else order[:1]
        # The farthest vertex beyond each of a few faces at once: they hardly change each other.
        _, first = np.unique(face[order], return_index=True)
        new = [int(v) for v in order[np.sort(first)][: max(1, min(room // 3, 6))] if int(v) not in within]
        if room <= 0 or not new:
            return chosen
        chosen = chosen + new[:room]


def _one_by_one(vertices: FloatArray, chosen: list[int], further: list[int], limits: HullLimits) -> list[int]:
    for vertex in further:
        hull = hull_mesh(vertices[[*chosen, vertex]])
        if hull is not None and len(planes_of(*hull)) > limits.polygons:
            break
        chosen = [*chosen, vertex]
    return chosen


def _distance_to_flat(points: FloatArray, flat: FloatArray) -> FloatArray:
    """Distance of points from the plane (or line) that flat points span."""
    centre = flat.mean(axis=0)
    _, size, axes = np.linalg.svd(flat - centre, full_matrices=False)
    span = axes[: max(1, int((size > 1e-9 * max(size[0], 1e-300)).sum()))][:2]
    offset = points - centre
    return np.asarray(np.linalg.norm(offset - offset @ span.T @ span, axis=1), dtype=float)


def _balanced(
    reduced: tuple[FloatArray, NDArray[np.int64]],
    vertices: FloatArray,
    faces: NDArray[np.int64],
    limits: HullLimits,
    flats: FloatArray,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Shift each face outward by its mean inward error; keep the result only when it is nearer to the full hull.

    An inscribed hull errs inward only. Each vertex moves by the least-squares step that shifts its faces by their mean
    error; faces without error (a cut between two pieces) weigh most, and the large flat faces stay where they are.
    """
    small, triangles = reduced
    targets, _ = sample_triangles(vertices, faces, 600)
    corners = small[triangles]
    normal_area = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normal_area, axis=1)
    if size.min() <= 0:
        return reduced
    normals = normal_area / size[:, None]
    offsets = np.einsum("ij,ij->i", normals, corners[:, 0])
    slack = targets @ normals.T - offsets
    owner = slack.argmax(axis=1)
    height = np.maximum(slack.max(axis=1), 0.0)
    counts = np.bincount(owner, minlength=len(triangles))
    shift = np.bincount(owner, weights=height, minlength=len(triangles)) / np.maximum(counts, 1)
    if shift.max() <= 0:
        return reduced
    weight = size / (shift + 0.05 * shift.max()) ** 2
    weight /= weight.max()
    for flat in flats:
        # What an object rests on must not become a rocker.
        weight[(normals @ flat[:3] > 1 - 0.5 * _SAME_NORMAL**2) & (np.abs(offsets - flat[3]) < 1e-6)] = _STAYS
    moved = small.copy()
    for vertex in range(len(small)):
        own = np.flatnonzero((triangles == vertex).any(axis=1))
        system = (normals[own] * weight[own, None]).T @ normals[own] + 1e-4 * weight[own].max() * np.eye(3)
        moved[vertex] += np.linalg.solve(system, (normals[own] * weight[own, None]).T @ shift[own])
    better = hull_mesh(moved)
    if better is None:
        return reduced
    planes = planes_of(*better)
    if len(better[0]) > limits.vertices or len(planes) > limits.polygons:
        return reduced
    error = np.abs((targets @ planes[:, :3].T - planes[:, 3]).max(axis=1)).mean()
    return better if error < height.mean() else reduced
