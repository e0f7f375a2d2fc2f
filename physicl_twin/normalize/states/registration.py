"""The rigid motions that take a part from one state to another: exact by placements, else by its triangles."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.states.placed import Placed

#: A motion explains a part when no point is farther off than this, or than this share of the part's size (judgement:
#: float32 coordinates, and the chords of a tessellation that differs).
TOLERANCE_M, TOLERANCE_SHARE = 2e-5, 2e-4
#: Second moments nearer than this share are the same: their axes have no direction of their own.
_SAME_MOMENT = 5e-3
#: Turns that are tried about an axis of symmetry, and steps of iterative closest point.
_TURNS, _STEPS = 24, 30


def tolerance(part: Placed) -> float:
    """How far points may be off for a motion to explain a part, metres."""
    return max(TOLERANCE_M, TOLERANCE_SHARE * part.size)


def explains(motion: FloatArray, before: Placed, after: Placed) -> bool:
    """True when a motion (4, 4) puts a part where it stands in the other state, whatever symmetry it has."""
    limit = tolerance(before)
    if np.linalg.norm(_moved(motion, before.centre[None])[0] - after.centre) > limit:
        return False
    if float(after.distance(_moved(motion, before.points)).max()) > limit:
        return False
    back = inverse(motion)
    return float(before.distance(_moved(back, after.points)).max()) <= limit


def register(before: Placed, after: Placed) -> FloatArray | None:
    """A motion (4, 4) that takes a part to its place in the other state; None when its shape is another one.

    The same triangles in the same order tell it exactly; the same shape in the shape's own frame by its placements;
    else the principal axes are laid over each other in every way and settled by iterative closest point.
    """
    if before.sha256 == after.sha256:
        motion: FloatArray = after.pose.matrix() @ inverse(before.pose.matrix())
        return motion
    if before.vertices.shape == after.vertices.shape and np.array_equal(before.faces, after.faces):
        ordered = _kabsch(before.vertices, after.vertices)
        if float(np.linalg.norm(_moved(ordered, before.vertices) - after.vertices, axis=1).max()) <= tolerance(before):
            return ordered
    for start in _alignments(before, after):
        found = _settled(start, before, after)
        if explains(found, before, after):
            return found
    return None


def inverse(motion: FloatArray) -> FloatArray:
    """(4, 4) of a rigid motion."""
    back = np.eye(4)
    back[:3, :3] = motion[:3, :3].T
    back[:3, 3] = -motion[:3, :3].T @ motion[:3, 3]
    return back


def _moved(motion: FloatArray, points: FloatArray) -> FloatArray:
    moved: FloatArray = points @ motion[:3, :3].T + motion[:3, 3]
    return moved


def _kabsch(source: FloatArray, target: FloatArray) -> FloatArray:
    """(4, 4) rigid motion of least squares between paired points (W. Kabsch, Acta Cryst. A 32, 1976)."""
    a, b = source.mean(axis=0), target.mean(axis=0)
    u, _, v = np.linalg.svd((target - b).T @ (source - a))
    motion = np.eye(4)
    motion[:3, :3] = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v
    motion[:3, 3] = b - motion[:3, :3] @ a
    return motion


def _alignments(before: Placed, after: Placed) -> list[FloatArray]:
    """Motions that lay the principal axes over each other, those that turn least first."""
    frames = []
    for part in (before, after):
        off = part.points - part.centre
        values, axes = np.linalg.eigh(off.T @ off)
        axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
        frames.append((values, axes))
    (values, a), (_, b) = frames
    round_about = [
        k for k in range(3) if abs(values[(k + 1) % 3] - values[(k + 2) % 3]) < _SAME_MOMENT * float(values.max())
    ]
    turns = [np.diag(signs) for signs in ([1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1])]
    if round_about:
        angles = np.arange(_TURNS) * 2 * np.pi / _TURNS
        turns = [_about(k, angle) @ turn for k in round_about for turn in turns for angle in angles]
    found = []
    for turn in turns:
        motion = np.eye(4)
        motion[:3, :3] = b @ turn @ a.T
        motion[:3, 3] = after.centre - motion[:3, :3] @ before.centre
        found.append(motion)
    return sorted(found, key=lambda motion: -float(np.trace(motion[:3, :3])))


def _about(axis: int, angle: float) -> FloatArray:
    turn = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turn[i, i] = turn[j, j] = np.cos(angle)
    turn[j, i], turn[i, j] = np.sin(angle), -np.sin(angle)
    return turn


def _settled(motion: FloatArray, before: Placed, after: Placed) -> FloatArray:
    """Iterative closest point between the corners (P. Besl and N. McKay, IEEE PAMI 14, 1992)."""
    source, target = np.unique(before.vertices, axis=0), np.unique(after.vertices, axis=0)
    tree = cKDTree(target)
    last = np.inf
    for _ in range(_STEPS):
        far, index = tree.query(_moved(motion, source))
        miss = float((far**2).mean())
        if miss >= last * (1 - 1e-6):
            break
        last = miss
        motion = _kabsch(source, target[index])
    return motion
