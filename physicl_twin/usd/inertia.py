"""Between an inertia tensor and what USD stores: three principal moments and the rotation to their axes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Pose, UsdError
from physicl_twin.model.geometry import FloatArray, Matrix3

#: Products of inertia below this fraction of the largest moment vanish in float32 anyway: the axes stay the body's.
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True)
class PrincipalInertia:
    """Principal moments and axes.

    Attributes:
        moments_kgm2: (3,) as float32 values, each pair summing to at least the third.
        quaternion_wxyz: Unit quaternion from the principal frame to the body frame.
    """

    moments_kgm2: tuple[float, float, float]
    quaternion_wxyz: tuple[float, float, float, float]


def principal(inertia_kgm2: Matrix3) -> PrincipalInertia:
    """Principal form of a symmetric tensor about the centre of mass, body axes.

    The axes are the right-handed triad nearest to the body's own axes, so that the answer is one on every machine.

    Raises:
        UsdError: ``inertia_impossible`` when a moment is negative or the tensor is not finite and symmetric.
    """
    tensor = np.asarray(inertia_kgm2, dtype=float)
    size = float(np.abs(tensor).max())
    if not np.isfinite(tensor).all() or np.abs(tensor - tensor.T).max() > 1e-9 * size:
        raise UsdError("inertia_impossible", "An inertia tensor is not finite and symmetric.", "Build the twin again.")
    tensor = 0.5 * (tensor + tensor.T)
    if np.abs(tensor - np.diag(np.diag(tensor))).max() <= _NEGLIGIBLE * size:
        moments, axes = np.diag(tensor).copy(), np.eye(3)
    else:
        moments, axes = np.linalg.eigh(tensor)
        moments, axes = _nearest_to_body(moments, axes)
    if moments.min() < -1e-9 * size:
        raise UsdError("inertia_impossible", f"A principal moment of inertia is {moments.min():.3g} kg m2.")
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    return PrincipalInertia(_single_precision(np.maximum(moments, 0.0)), Pose.from_matrix(matrix).quaternion_wxyz)


def tensor(moments_kgm2: FloatArray, quaternion_wxyz: tuple[float, float, float, float]) -> FloatArray:
    """(3, 3) inertia tensor in body axes from principal moments and axes; the inverse of ``principal``."""
    quaternion = np.asarray(quaternion_wxyz, dtype=float)
    w, x, y, z = (float(q) for q in quaternion / np.linalg.norm(quaternion))
    rotation = Pose(quaternion_wxyz=(w, x, y, z)).rotation()
    result: FloatArray = rotation @ np.diag(np.asarray(moments_kgm2, dtype=float)) @ rotation.T
    return result


def _nearest_to_body(moments: FloatArray, axes: FloatArray) -> tuple[FloatArray, FloatArray]:
    def alignment(order: tuple[int, ...]) -> float:
        return round(float(sum(abs(axes[i, order[i]]) for i in range(3))), 9)

    best = max(itertools.permutations(range(3)), key=alignment)
    moments, axes = moments[list(best)], axes[:, list(best)]
    axes = axes * np.where(np.diag(axes) < 0, -1.0, 1.0)
    if np.linalg.det(axes) < 0:
        weakest = int(np.argmin(np.round(np.abs(np.diag(axes)), 9)))
        axes[:, weakest] *= -1.0
    return moments, axes


def _single_precision(moments: FloatArray) -> tuple[float, float, float]:
    """Round to float32 without breaking the triangle inequality: of a flat body it holds with equality."""
    rounded = moments.astype(np.float32)
    while True:
        order = np.argsort(rounded, kind="stable")
        small, middle, large = (float(rounded[i]) for i in order)
        if np.float32(small) + np.float32(middle) >= np.float32(large) and small + middle >= large:
            return float(rounded[0]), float(rounded[1]), float(rounded[2])
        if moments[order[0]] + moments[order[1]] < moments[order[2]] * (1 - 1e-6):
            # Impossible already before rounding: keep the numbers, the checks will speak.
            return float(rounded[0]), float(rounded[1]), float(rounded[2])
        rounded[order[1]] = np.nextafter(rounded[order[1]], np.float32(np.inf))
