"""Noise out, edges in: visibility of a pixel averaged with neighbours on the same surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray

#: Neighbours on either side that take part, pixels.
_RADIUS = 3


def guided(
    values: tuple[FloatArray, ...],
    active: NDArray[np.int64],
    normals: FloatArray,
    distance: FloatArray,
    grid: tuple[int, int],
) -> tuple[FloatArray, ...]:
    """Filter per-sample values on the pixel grid, guided by normals and distance (a cross-bilateral filter).

    Args:
        values: Each (M,), one a sample.
        active: (M,) flat pixel of each sample, at most one a pixel.
        normals: (M, 3) unit.
        distance: (M,) from the camera.
        grid: Height and width of the picture.

    Returns:
        The filtered values, each (M,).
    """
    rows, columns = active // grid[1], active % grid[1]
    top, left = (int(index.min()) if len(index) else 0 for index in (rows, columns))
    # Only the part of the picture that has samples; single precision is plenty for shades.
    height, width = (int(index.max()) + 1 if len(index) else 1 for index in (rows - top, columns - left))
    place = (rows - top) * width + (columns - left)
    count = len(values)
    guide = np.zeros((4, height * width), dtype=np.float32)
    images = np.zeros((count + 1, height * width), dtype=np.float32)
    guide[:3, place], guide[3, place] = normals.T, distance
    # The last image marks where there is a sample: filtered along, it is the norm.
    images[:count, place], images[count, place] = np.stack(values), 1.0
    spread = 0.02 * float(np.median(distance)) if len(distance) else 1.0
    guide *= np.array([[5.8], [5.8], [5.8], [1.0 / spread]], dtype=np.float32)
    guides, layers = guide.reshape(4, height, width), images.reshape(count + 1, height, width)
    summed = np.zeros_like(layers)
    for dy in range(-_RADIUS, _RADIUS + 1):
        for dx in range(-_RADIUS, _RADIUS + 1):
            here = (slice(None), _overlap(height, dy), _overlap(width, dx))
            there = (slice(None), _overlap(height, -dy), _overlap(width, -dx))
            apart = guides[here] - guides[there]
            away = np.einsum("kij,kij->ij", apart, apart)
            summed[here] += layers[there] * np.exp(-away - np.float32((dx * dx + dy * dy) / (0.8 * _RADIUS**2)))
    flat = summed.reshape(count + 1, -1)[:, place].astype(float)
    return tuple(flat[index] / flat[count] for index in range(count))


def _overlap(length: int, shift: int) -> slice:
    # Nothing overlaps where the picture is narrower than the shift; a negative end would count from behind.
    return slice(max(0, -shift), max(0, length - max(0, shift)))
