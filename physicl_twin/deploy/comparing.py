"""Judging one comparison: numbers of the twin against the same of an export."""

from __future__ import annotations

import numpy as np

from physicl_twin.deploy.record import Comparison
from physicl_twin.model.geometry import FloatArray


def judged(
    quantity: str, subject: str, unit: str, a: FloatArray, b: FloatArray, error: float, limit: float
) -> Comparison:
    """A comparison of two sets of numbers."""
    expected, actual = (tuple(float(v) for v in np.ravel(x)) for x in (a, b))
    return Comparison(quantity, subject, unit, expected, actual, float(error), float(limit), bool(error <= limit))


def missing(quantity: str, subject: str, unit: str, expected: FloatArray, limit: float) -> Comparison:
    """A comparison with what the export lacks."""
    return Comparison(quantity, subject, unit, tuple(float(v) for v in np.ravel(expected)), (), None, limit, False)


def worst(found: list[Comparison]) -> Comparison:
    """The one that is furthest beyond its tolerance, or nearest to it."""
    return max(found, key=lambda c: (c.error or 0.0) / c.tolerance)


def relative(a: FloatArray, b: FloatArray) -> float:
    """Largest difference over the largest number of the first."""
    size = float(np.abs(a).max())
    return float(np.abs(a - b).max()) / size if size > 0 else float(np.abs(b).max())
