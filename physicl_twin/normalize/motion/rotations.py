"""Rotations in batches: vectors, matrices, quaternions and the derivative of the exponential."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from physicl_twin.model.geometry import FloatArray


def from_quaternions(wxyz: FloatArray) -> FloatArray:
    """(N, 3, 3) rotation matrices of (N, 4) quaternions, scalar first, of any length but zero."""
    matrices: FloatArray = Rotation.from_quat(np.roll(np.asarray(wxyz, float), -1, axis=-1)).as_matrix()
    return matrices


def exponential(vectors: FloatArray) -> FloatArray:
    """(N, 3, 3) rotation matrices of (N, 3) rotation vectors, radians (Rodrigues)."""
    first, second = _coefficients(vectors)[:2]
    cross = skew(vectors)
    matrices: FloatArray = np.eye(3) + first * cross + second * (cross @ cross)
    return matrices


def logarithm(matrices: FloatArray) -> FloatArray:
    """(N, 3) rotation vectors, radians, of length 0 to π, of (N, 3, 3) rotation matrices."""
    vectors: FloatArray = Rotation.from_matrix(matrices).as_rotvec()
    return vectors


def left_jacobian(vectors: FloatArray) -> FloatArray:
    """(N, 3, 3) J with exp(v + d) = exp(J d) exp(v) to first order.

    J = 1 + (1 - cos θ)/θ² [v] + (θ - sin θ)/θ³ [v]² (T. D. Barfoot, State Estimation for Robotics, 2017, eq. 7.77b).
    """
    _, second, third = _coefficients(vectors)
    cross = skew(vectors)
    jacobian: FloatArray = np.eye(3) + second * cross + third * (cross @ cross)
    return jacobian


def skew(vectors: FloatArray) -> FloatArray:
    """(N, 3, 3) matrices [v] with [v] u = v × u."""
    x, y, z = np.moveaxis(np.asarray(vectors, float), -1, 0)
    zero = np.zeros_like(x)
    rows = [np.stack(row, axis=-1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))]
    return np.stack(rows, axis=-2)


def mean_rotation(matrices: FloatArray, weights: FloatArray) -> FloatArray:
    """(3, 3) rotation nearest to the weighted mean of (N, 3, 3) matrices in the Frobenius norm (by SVD)."""
    u, _, v = np.linalg.svd(np.einsum("k,kij->ij", weights, matrices))
    mean: FloatArray = u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
    return mean


def across(axis: FloatArray) -> FloatArray:
    """(3, 2) two unit vectors that are square to a unit axis and to each other; with it right-handed."""
    first = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(axis, first)], axis=1)


def frame_along(axis: FloatArray) -> FloatArray:
    """(3, 3) rotation that takes z to a unit axis."""
    side = across(axis)
    return np.column_stack([side, axis])


def _coefficients(vectors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sin θ/θ, (1 - cos θ)/θ² and (θ - sin θ)/θ³, each (N, 1, 1), by series where θ is small."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    small = angle < 1e-3
    safe = np.where(small, 1.0, angle)
    square = angle**2
    first = np.where(small, 1 - square / 6, np.sin(safe) / safe)
    second = np.where(small, 0.5 - square / 24, (1 - np.cos(safe)) / safe**2)
    third = np.where(small, 1 / 6 - square / 120, (safe - np.sin(safe)) / safe**3)
    return first, second, third
