"""The screw of a displacement, and the joint that several displacements from one pose have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.motion import MotionType
from physicl_twin.normalize.motion.rotations import logarithm


@dataclass(frozen=True, slots=True, eq=False)
class Screw:
    """What displacements of a child have in common.

    Attributes:
        type: ``fixed``, ``revolute``, ``prismatic``, ``screw`` or ``free``.
        axis: (3,) unit direction.
        point: (3,) point of the axis nearest to the child's middle, metres.
        coordinates: One a displacement, radians or metres.
        pitch: Metres per radian of a screw, else 0.
        miss_m: How far the child's points are from where the joint would have them, metres.
    """

    type: MotionType
    axis: FloatArray
    point: FloatArray
    coordinates: FloatArray
    pitch: float
    miss_m: float


def screw_of(motion: FloatArray) -> tuple[FloatArray, FloatArray, float, float]:
    """Axis, a point of it, angle (radians) and advance (metres) of a displacement (4, 4) (M. Chasles, 1830).

    Of a pure translation the axis is its direction, the point the origin and the angle 0.
    """
    turn = logarithm(motion[None, :3, :3])[0]
    angle = float(np.linalg.norm(turn))
    move = motion[:3, 3]
    if angle < 1e-9:
        length = float(np.linalg.norm(move))
        return (move / length if length > 0 else np.array([0.0, 0.0, 1.0])), np.zeros(3), 0.0, length
    axis = turn / angle
    advance = float(axis @ move)
    across = move - advance * axis
    point = 0.5 * (across + np.cross(axis, across) / np.tan(angle / 2))
    return axis, point, angle, advance


def common_screw(motions: list[FloatArray], points: FloatArray, tolerance_m: float) -> Screw:
    """The joint that explains displacements of a child from its pose in the first state.

    Args:
        motions: (4, 4) each, in the parent's frame.
        points: (P, 3) of the child in the first state; how far they are off decides.
        tolerance_m: How far they may be off.
    """
    middle = points.mean(axis=0)
    shifts = [_shift(motion, points) for motion in motions]
    widest = int(np.argmax(shifts))
    if shifts[widest] <= tolerance_m:
        return Screw("fixed", np.array([0.0, 0.0, 1.0]), middle, np.zeros(len(motions)), 0.0, shifts[widest])
    for kind in ("prismatic", "revolute", "screw"):
        found = _of_kind(kind, motions, widest, points, middle)
        if found is not None and found.miss_m <= tolerance_m:
            return found
    axis, point, angle, _ = screw_of(motions[widest])
    return Screw("free", axis, point, np.full(len(motions), angle), 0.0, shifts[widest])


def _shift(motion: FloatArray, points: FloatArray) -> float:
    return float(np.linalg.norm(points @ motion[:3, :3].T + motion[:3, 3] - points, axis=1).max())


def _of_kind(
    kind: MotionType, motions: list[FloatArray], widest: int, points: FloatArray, middle: FloatArray
) -> Screw | None:
    axis, point, angle, advance = screw_of(motions[widest])
    if kind == "prismatic":
        move = motions[widest] @ np.append(middle, 1.0)
        move = move[:3] - middle
        length = float(np.linalg.norm(move))
        if length == 0:
            return None
        axis, point, pitch = move / length, middle, 0.0
    else:
        if angle < 1e-9:
            return None
        pitch = advance / angle if kind == "screw" else 0.0
        point = point + axis * float(axis @ (middle - point))
    coordinates, miss = [], 0.0
    for motion in motions:
        if kind == "prismatic":
            q = float(axis @ ((motion @ np.append(middle, 1.0))[:3] - middle))
            placed = points + q * axis
        else:
            turn = logarithm(motion[None, :3, :3])[0]
            q = float(turn @ axis)
            placed = _turned(points, axis, point, q) + pitch * q * axis
        coordinates.append(q)
        seen = points @ motion[:3, :3].T + motion[:3, 3]
        miss = max(miss, float(np.linalg.norm(seen - placed, axis=1).max()))
    return Screw(kind, axis, point, np.array(coordinates), pitch, miss)


def _turned(points: FloatArray, axis: FloatArray, point: FloatArray, angle: float) -> FloatArray:
    """Points (P, 3) turned about a line (Rodrigues)."""
    off = points - point
    along = (off @ axis)[:, None] * axis
    turned: FloatArray = point + along + np.cos(angle) * (off - along) + np.sin(angle) * np.cross(axis, off)
    return turned
