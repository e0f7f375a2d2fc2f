"""From USD's scaled, row-vector transforms to rigid poses in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, Pose

#: Relative deviation from orthogonality that single-precision transforms show; beyond it there is shear.
SHEAR_TOLERANCE = 1e-5


def column_matrix(gf_matrix: Any, metres_per_unit: float) -> FloatArray:
    """(4, 4) column-vector transform in metres of a ``Gf.Matrix4d`` in stage units (its linear part keeps the scale).

    Raises:
        EngineError: ``engine_refused_stage`` when an entry is not finite.
    """
    matrix = np.array(gf_matrix, dtype=float).T
    if not np.isfinite(matrix).all():
        raise EngineError("engine_refused_stage", "A transform of the stage is not finite.", "Repair the stage.")
    matrix[:3, 3] *= metres_per_unit
    return matrix


@dataclass(frozen=True, slots=True)
class SplitTransform:
    """A transform as pose, scale and whether that says it all.

    Attributes:
        pose: Rigid part; the rotation is proper even where the transform mirrors.
        scale: (3,) scale along the local axes, one of them negative where the transform mirrors.
        sheared: True when a shear was dropped.
    """

    pose: Pose
    scale: FloatArray
    sheared: bool


def split(matrix: FloatArray) -> SplitTransform:
    """Pose and scale of a (4, 4) column-vector transform.

    Raises:
        EngineError: ``engine_refused_stage`` when the transform flattens space.
    """
    linear = matrix[:3, :3]
    scale = np.linalg.norm(linear, axis=0)
    if scale.min() <= 0.0:
        raise EngineError("engine_refused_stage", "A transform of the stage has scale zero.", "Repair the stage.")
    axes = linear / scale
    if np.linalg.det(axes) < 0:
        axes[:, 2], scale[2] = -axes[:, 2], -scale[2]
    sheared = bool(np.abs(axes.T @ axes - np.eye(3)).max() > SHEAR_TOLERANCE)
    # The nearest rotation (polar decomposition): exact without shear, and removes single-precision noise.
    u, _, vt = np.linalg.svd(axes)
    rigid = np.eye(4)
    rigid[:3, :3] = u @ vt
    rigid[:3, 3] = matrix[:3, 3]
    return SplitTransform(Pose.from_matrix(rigid), scale, sheared)


def quaternion_wxyz(gf_quat: Any) -> tuple[float, float, float, float]:
    """Unit wxyz quaternion of a ``Gf.Quatf``; the identity for USD's unset value, the zero quaternion."""
    imaginary = gf_quat.GetImaginary()
    q = np.array([gf_quat.GetReal(), imaginary[0], imaginary[1], imaginary[2]], dtype=float)
    norm = float(np.linalg.norm(q))
    if norm == 0.0:
        return (1.0, 0.0, 0.0, 0.0)
    w, x, y, z = q / norm
    return (float(w), float(x), float(y), float(z))


def vector3(values: Any, scale: float = 1.0) -> tuple[float, float, float]:
    """A USD vector as floats, scaled."""
    return (float(values[0]) * scale, float(values[1]) * scale, float(values[2]) * scale)
