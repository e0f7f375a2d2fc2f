"""Points that cover a surface or a volume evenly, the same in every run: no random numbers, no seed to forget."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray


def kronecker(count: int, dimensions: int) -> FloatArray:
    """(count, dimensions) points of the additive recurrence in [0, 1) with steps from the generalised golden ratio.

    The ratio is the root of x^(d+1) = x + 1; steps are its inverse powers (a Kronecker sequence with low discrepancy).
    """
    ratio = 1.5
    for _ in range(60):
        ratio = (1 + ratio) ** (1 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1, dtype=float)
    points: FloatArray = (0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0
    return points


def fibonacci_directions(count: int) -> FloatArray:
    """(count, 3) unit vectors spread over the sphere; the second half are the opposites of the first."""
    half = count // 2
    z = (np.arange(half) + 0.5) / half
    angle = np.pi * (1 + 5**0.5) * np.arange(half)
    ring = np.sqrt(1 - z**2)
    upper = np.column_stack([ring * np.cos(angle), ring * np.sin(angle), z])
    return np.vstack([upper, -upper])


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, 3) cross products: ``numpy.cross`` without its care for odd shapes, which costs more than the product."""
    result = np.empty_like(a)
    result[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    result[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    result[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return result


def sample_triangles(vertices: FloatArray, faces: NDArray[np.integer], count: int) -> tuple[FloatArray, FloatArray]:
    """Area-uniform points (count, 3) on triangles, stratified along the list, and the unit normals there."""
    corners = vertices[faces]
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = cross(edge1, edge2)
    double_area = np.linalg.norm(normal, axis=1)
    cumulative = np.cumsum(double_area)
    # Stratified: one sample in each of ``count`` equal shares of the area.
    where = (np.arange(count) + 0.5) / count * cumulative[-1]
    index = np.minimum(np.searchsorted(cumulative, where), len(faces) - 1)
    u = kronecker(count, 2)
    flip = u.sum(axis=1) > 1
    u[flip] = 1 - u[flip]
    points = corners[index, 0] + u[:, :1] * edge1[index] + u[:, 1:] * edge2[index]
    normals = normal[index] / np.maximum(double_area[index], 1e-300)[:, None]
    return points, normals
