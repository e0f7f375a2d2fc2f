"""Boxes, spheres, cylinders and capsules fitted to a shape's convex hull."""

from __future__ import annotations

import numpy as np

from physicl_twin.model import Pose
from physicl_twin.model.collision import ColliderKind
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.hull import MIN_THICKNESS
from physicl_twin.normalize.collision.piece import Piece, box_piece, round_piece

#: Hull faces whose normals are tried as a box axis, largest first.
_BOX_FACES = 24
#: A capsule whose side is shorter than this share of its radius is a sphere.
_SHORTEST_SIDE = 0.02


def fit_primitives(hull: FloatArray, planes: FloatArray) -> list[Piece]:
    """Candidate primitives, the one whose volume is nearest to the hull's first.

    Args:
        hull: (V, 3) vertices of the convex hull.
        planes: (P, 4) its planes, largest first.
    """
    from scipy.spatial import ConvexHull

    axes = _axes(hull, planes)
    pieces = [fit_box(hull, planes), fit_sphere(hull)]
    pieces += [piece for axis in axes for piece in fit_round(hull, axis)]
    volume = float(ConvexHull(hull).volume)
    return sorted((p for p in pieces if p is not None), key=lambda p: abs(p.volume - volume))


def fit_box(hull: FloatArray, planes: FloatArray) -> Piece:
    """Smallest box around the hull among the orientations of its faces, its principal axes and the coordinate axes.

    A smallest box need not have a face on the hull, but those that people make do.
    """
    best: tuple[float, FloatArray, FloatArray, FloatArray] | None = None
    for normal in np.vstack([np.eye(3), principal_axes(hull), planes[:_BOX_FACES, :3]]):
        rotation = _best_rectangle(hull, normal)
        local = hull @ rotation
        low, high = local.min(axis=0), local.max(axis=0)
        volume = float(np.prod(high - low))
        if best is None or volume < best[0] * (1 - 1e-9):
            best = (volume, rotation, low, high)
    if best is None:
        raise ValueError("no orientation")
    _, rotation, low, high = best
    size = np.maximum(high - low, MIN_THICKNESS * (high - low).max())
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, rotation @ (0.5 * (low + high))
    return box_piece(Pose.from_matrix(matrix), (float(size[0]), float(size[1]), float(size[2])))


def _best_rectangle(points: FloatArray, normal: FloatArray) -> FloatArray:
    """(3, 3) rotation with ``normal`` as third column whose rectangle around the projected points is smallest."""
    from scipy.spatial import ConvexHull, QhullError

    frame = _frame(normal)
    flat = points @ frame[:, :2]
    try:
        outline = flat[ConvexHull(flat).vertices]
    except QhullError:
        return frame
    edges = np.roll(outline, -1, axis=0) - outline
    angles = np.unique(np.round(np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2), 9))
    turns = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    u = outline @ turns.T
    v = outline @ np.column_stack([-turns[:, 1], turns[:, 0]]).T
    c, s = turns[int(np.argmin(np.ptp(u, axis=0) * np.ptp(v, axis=0)))]
    return np.asarray(frame @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]), dtype=float)


def fit_sphere(hull: FloatArray) -> Piece:
    """Least-squares sphere through the hull's vertices: |x|² = 2 c·x + (r² − |c|²) is linear in c and the constant."""
    centre, radius = _algebraic_ball(hull)
    return round_piece("sphere", Pose(_vector(centre)), (radius,))


def fit_round(hull: FloatArray, axis: FloatArray) -> list[Piece]:
    """Cylinder and capsule along an axis: circle through the outline of the projection, length of the extent."""
    from scipy.spatial import ConvexHull, QhullError

    frame = _frame(axis)
    local = hull @ frame
    try:
        outline = local[ConvexHull(local[:, :2]).vertices, :2]
    except QhullError:
        return []
    centre, radius = _algebraic_ball(outline)
    low, high = float(local[:, 2].min()), float(local[:, 2].max())
    length = high - low
    if not (radius > 0 and length > 0 and np.isfinite(radius)):
        return []
    matrix = np.eye(4)
    matrix[:3, :3] = frame
    matrix[:3, 3] = frame @ np.array([centre[0], centre[1], 0.5 * (low + high)])
    pose = Pose.from_matrix(matrix)
    kinds: list[tuple[ColliderKind, float]] = [("cylinder", length)]
    if length > (2 + _SHORTEST_SIDE) * radius:
        kinds.append(("capsule", length - 2 * radius))
    return [round_piece(kind, pose, (radius, size)) for kind, size in kinds]


def _algebraic_ball(points: FloatArray) -> tuple[FloatArray, float]:
    """Centre and radius of the least-squares circle or sphere through points (N, 2 or 3)."""
    middle = points.mean(axis=0)
    moved = points - middle
    system = np.column_stack([2 * moved, np.ones(len(moved))])
    solution = np.linalg.lstsq(system, (moved**2).sum(axis=1), rcond=None)[0]
    centre = solution[:-1]
    radius = float(np.sqrt(max(solution[-1] + centre @ centre, 0.0)))
    return middle + centre, radius


def principal_axes(points: FloatArray) -> FloatArray:
    """(3, 3) principal axes of points, one a row."""
    _, _, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    return np.asarray(axes, dtype=float)


def _axes(hull: FloatArray, planes: FloatArray) -> FloatArray:
    """Directions that may be the axis of a round thing: coordinate and principal axes, and the largest flat ends."""
    candidates = np.vstack([np.eye(3), principal_axes(hull), planes[:4, :3]])
    kept: list[int] = []
    for i in range(len(candidates)):
        if not kept or (np.abs(candidates[kept] @ candidates[i]) < 1 - 1e-9).all():
            kept.append(i)
    return candidates[kept]


def _frame(axis: FloatArray) -> FloatArray:
    """(3, 3) right-handed rotation with the axis as third column."""
    z = axis / np.linalg.norm(axis)
    x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
    x /= np.linalg.norm(x)
    return np.column_stack([x, np.cross(z, x), z])


def _vector(values: FloatArray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
