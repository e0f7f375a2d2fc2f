"""Geometry measured again from triangles, independent of how the twin was made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray, Mesh
from physicl_twin.validate.stage_view import joined

#: Lines of sight from a point, and neighbours that are looked at from one that sees nothing (judgements).
_SIGHTS, _NEIGHBOURS = 48, 12
#: Gap, over the diagonal, below which two convex pieces count as touching (judgement: decompositions leave hairlines).
_SHARED_FACE = 1e-3


@dataclass(frozen=True, slots=True)
class Closeness:
    """Distances between colliders and the visible surface of a body, metres.

    Attributes:
        mean_m: Mean distance of points on the colliders' outer surface to the visible surface.
        p99_m: 99th percentile of that distance.
        max_m: Largest of them.
        uncovered_m: 99th percentile of the distance from the visible surface to the nearest collider (0 inside one).
    """

    mean_m: float
    p99_m: float
    max_m: float
    uncovered_m: float


def area(mesh: Mesh) -> FloatArray:
    """(F,) area of each triangle."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    result: FloatArray = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return result


def sample_surface(mesh: Mesh, count: int, rng: np.random.Generator) -> FloatArray:
    """(count, 3) points spread evenly over a surface; (0, 3) for a surface without area."""
    areas = area(mesh)
    if not areas.sum() > 0:
        return np.zeros((0, 3))
    chosen = rng.choice(len(areas), size=count, p=areas / areas.sum())
    u, v = rng.random((2, count))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    a, b, c = (mesh.vertices[mesh.faces[chosen, k]] for k in range(3))
    points: FloatArray = a + u[:, None] * (b - a) + v[:, None] * (c - a)
    return points


def distance(points: FloatArray, mesh: Mesh) -> FloatArray:
    """(N,) unsigned distance of points to a triangle mesh."""
    import igl

    squared, _, _ = igl.point_mesh_squared_distance(
        np.ascontiguousarray(points), np.ascontiguousarray(mesh.vertices), np.ascontiguousarray(mesh.faces, np.int64)
    )
    result: FloatArray = np.sqrt(np.asarray(squared, dtype=np.float64))
    return result


def half_spaces(hull: Mesh) -> FloatArray:
    """(F, 4) outward planes n·x + d ≤ 0 of a convex mesh."""
    a, b, c = (hull.vertices[hull.faces[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals[lengths[:, 0] > 0] / lengths[lengths[:, 0] > 0]
    offsets = -np.einsum("ij,ij->i", normals, a[lengths[:, 0] > 0])
    return np.column_stack([normals, offsets])


def depth(points: FloatArray, hull: Mesh) -> FloatArray:
    """(N,) how far inside a convex hull each point is (negative outside), to the nearest face plane."""
    planes = half_spaces(hull)
    result: FloatArray = -(points @ planes[:, :3].T + planes[:, 3]).max(axis=1)
    return result


def volume(mesh: Mesh) -> float:
    """Signed volume enclosed by a mesh, m3."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def unit_inertia(mesh: Mesh) -> FloatArray:
    """(3, 3) inertia about the centroid of a closed mesh of mass 1 and even density, m2."""
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    volumes = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    total = volumes.sum()
    centroid = ((a + b + c) * volumes[:, None]).sum(axis=0) / (4 * total)
    a, b, c = a - centroid, b - centroid, c - centroid
    # Covariance of a tetrahedron with one corner at the origin: V/20 (Σ x xᵀ + Σx Σxᵀ).
    s = a + b + c
    outer = sum(np.einsum("fi,fj,f->ij", x, x, volumes) for x in (a, b, c, s)) / 20
    second = outer / total
    inertia: FloatArray = np.eye(3) * np.trace(second) - second
    return inertia


def is_closed(mesh: Mesh) -> bool:
    """True when, with equal positions merged, each edge is used once in each direction."""
    _, merged = np.unique(mesh.vertices.astype(np.float32), axis=0, return_inverse=True)
    faces = merged.reshape(-1)[mesh.faces]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    key = edges[:, 0].astype(np.int64) * (int(faces.max()) + 1) + edges[:, 1]
    back = edges[:, 1].astype(np.int64) * (int(faces.max()) + 1) + edges[:, 0]
    return bool(np.array_equal(np.sort(key), np.sort(back)))


def closeness(visual: Mesh, hulls: list[Mesh], samples: int, seed: int) -> Closeness:
    """Measure convex colliders against the visible surface.

    Args:
        visual: Visible triangles.
        hulls: Convex colliders in the same frame.
        samples: Points on each side.
        seed: Of the sampling.
    """
    rng = np.random.default_rng(seed)
    areas = np.array([area(h).sum() for h in hulls])
    counts = np.maximum(1, np.round(samples * areas / areas.sum()).astype(int))
    on_colliders = np.concatenate([sample_surface(h, int(n), rng) for h, n in zip(hulls, counts, strict=True)])
    # Faces where two pieces meet are inside the whole: a point there lies in, or next to, another piece.
    margin = _SHARED_FACE * float(np.linalg.norm(np.ptp(visual.vertices, axis=0)))
    owner = np.repeat(np.arange(len(hulls)), counts)
    buried = np.zeros(len(on_colliders), dtype=bool)
    for index, hull in enumerate(hulls):
        buried |= _deeper(on_colliders, hull, -margin) & (owner != index)
    outer = on_colliders[~buried] if not buried.all() else on_colliders
    outward = distance(outer, visual)
    on_visual = sample_surface(visual, samples, rng)
    uncovered = distance_to_hulls(on_visual, hulls)
    return Closeness(
        float(outward.mean()),
        float(np.percentile(outward, 99)),
        float(outward.max()),
        float(np.percentile(uncovered, 99)),
    )


def distance_to_hulls(points: FloatArray, hulls: list[Mesh]) -> FloatArray:
    """(N,) distance to the nearest convex hull, 0 inside one."""
    together = joined(hulls)
    best = np.full(len(points), np.inf) if together is None else distance(points, together)
    best[inside_any(points, hulls, 0.0)] = 0.0
    return best


def sees_outside(points: FloatArray, visual: Mesh) -> NDArray[np.bool_]:
    """(N,) True for points that a line of sight, or a chain of them from point to point, joins with the outside.

    A bottle's inside sees its neck, and the neck the sky; the void in a sealed housing sees neither.
    """
    from scipy.spatial import cKDTree

    from physicl_twin.render.rays import Caster

    caster = Caster(visual.vertices, visual.faces)
    directions = np.random.default_rng(0).normal(size=(_SIGHTS, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    rays = caster.blocked(np.repeat(points, _SIGHTS, axis=0), np.tile(directions, (len(points), 1)))
    seen = np.asarray(~rays.reshape(len(points), _SIGHTS).all(axis=1), dtype=np.bool_).reshape(-1)
    while seen.any() and not seen.all():
        hidden, lit = np.flatnonzero(~seen), np.flatnonzero(seen)
        count = min(_NEIGHBOURS, len(lit))
        near = lit[cKDTree(points[lit]).query(points[hidden], k=count)[1].reshape(len(hidden), count)]
        start = np.repeat(points[hidden], count, axis=0)
        # A ray as long as the way: what lies beyond the other point does not hide it.
        clear = ~caster.blocked(start, points[near].reshape(-1, 3) - start, 1.0).reshape(len(hidden), count)
        found = hidden[clear.any(axis=1)]
        if not len(found):
            break
        seen[found] = True
    return seen


def inside_any(points: FloatArray, hulls: list[Mesh], margin_m: float) -> NDArray[np.bool_]:
    """(N,) True where a point is deeper than ``margin_m`` inside one of the hulls."""
    result = np.zeros(len(points), dtype=bool)
    for hull in hulls:
        result |= _deeper(points, hull, margin_m)
    return result


def _deeper(points: FloatArray, hull: Mesh, margin_m: float) -> NDArray[np.bool_]:
    """(N,) where ``depth`` is above a margin, which may be negative; the hull's box is asked first."""
    low, high = hull.bounds()
    result: NDArray[np.bool_] = ((points > low + margin_m) & (points < high - margin_m)).all(axis=1)
    result[result] = depth(points[result], hull) > margin_m
    return result


def filled_void(visual: Mesh, hulls: list[Mesh], samples: int, seed: int, clearance: float) -> float | None:
    """Share of the open space within the visible geometry's convex hull that colliders fill; sealed voids are not open.

    Args:
        visual: Visible triangles, closed or nearly so.
        hulls: Convex colliders.
        samples: Points drawn in the bounding box.
        seed: Of the sampling.
        clearance: Points nearer to the surface than this fraction of the diagonal are left out.

    Returns:
        0..1, or None when fewer than 1 % of the points lie in open space (there is no cavity to speak of).
    """
    import igl

    from physicl_twin.validate.stage_view import hull as convex_hull

    around = convex_hull(visual.vertices)
    if around is None:
        return None
    low, high = visual.bounds()
    rng = np.random.default_rng(seed)
    points = low + rng.random((samples, 3)) * (high - low)
    margin = clearance * float(np.linalg.norm(high - low))
    points = points[depth(points, around) > margin]
    if not len(points):
        return None
    winding = np.asarray(
        igl.fast_winding_number(
            np.ascontiguousarray(visual.vertices),
            np.ascontiguousarray(visual.faces, np.int64),
            np.ascontiguousarray(points),
        )
    )
    void = points[np.abs(winding) < 0.5]
    void = void[distance(void, visual) > margin] if len(void) else void
    void = void[sees_outside(void, visual)] if len(void) else void
    if len(void) < 0.01 * samples:
        return None
    return float(inside_any(void, hulls, 0.0).mean())
