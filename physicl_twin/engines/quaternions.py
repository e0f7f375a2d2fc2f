"""Arithmetic of many unit quaternions (wxyz) at once; leading dimensions broadcast."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.geometry import FloatArray


def multiplied(a: FloatArray, b: FloatArray) -> FloatArray:
    """Hamilton products (…, 4): first ``b``, then ``a``."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a, dtype=float), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, dtype=float), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def conjugated(q: FloatArray) -> FloatArray:
    """The opposite rotations (…, 4)."""
    opposite: FloatArray = np.asarray(q, dtype=float) * np.array([1.0, -1.0, -1.0, -1.0])
    return opposite


def rotated(q: FloatArray, vectors: FloatArray) -> FloatArray:
    """Vectors (…, 3) turned: v + 2 w (u x v) + 2 u x (u x v) for q = (w, u)."""
    q = np.asarray(q, dtype=float)
    twice = 2.0 * np.cross(q[..., 1:], vectors)
    turned: FloatArray = vectors + q[..., :1] * twice + np.cross(q[..., 1:], twice)
    return turned


def about(axis: FloatArray, angle_rad: FloatArray) -> FloatArray:
    """Rotations (…, 4) about unit axes (…, 3) by angles (…)."""
    half = 0.5 * np.asarray(angle_rad, dtype=float)[..., None]
    return np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1)


def angle_about(q: FloatArray, axis: FloatArray) -> FloatArray:
    """Angles (…) about unit axes (…, 3) by which rotations turn, in (-pi, pi]; other turning is left out."""
    q = np.asarray(q, dtype=float)
    angle = 2.0 * np.arctan2(np.einsum("...i,...i->...", q[..., 1:], axis), q[..., 0])
    wrapped: FloatArray = np.pi - np.mod(np.pi - angle, 2.0 * np.pi)
    return wrapped


def angle_of(q: FloatArray) -> FloatArray:
    """Angles (…) in [0, pi] by which rotations turn."""
    q = np.asarray(q, dtype=float)
    angle: FloatArray = 2.0 * np.arctan2(np.linalg.norm(q[..., 1:], axis=-1), np.abs(q[..., 0]))
    return angle
