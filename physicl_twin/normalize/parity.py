"""A second opinion on volume: how long parallel lines run inside, by counting the surfaces that they pass.

Along each of seven lines (the mesh's principal axes and the four diagonals between them, both ways: fourteen
directions) columns are sent through the mesh. Every second gap between hits is inside, whatever the triangles' winding.
A column with an odd number of hits has passed a hole; its neighbours speak for it. The method knows nothing of winding
numbers, and fails differently: an inner copy of a shell counts as a cavity here and as nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.columns import Columns, frame_along, principal_frame, shoot
from physicl_twin.normalize.integrals import surface_moments
from physicl_twin.normalize.topology import Indices

_LINES = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]], dtype=float)


@dataclass(frozen=True, slots=True)
class ParityVolume:
    """Volume by counting crossings.

    Attributes:
        volume_m3: Median over the seven lines.
        spread_m3: Standard deviation of that median, from the spread between the lines.
        leaking: Share of the columns through the mesh with an odd number of hits.
    """

    volume_m3: float
    spread_m3: float
    leaking: float


def parity_volume(vertices: FloatArray, faces: Indices, columns: int) -> ParityVolume:
    """Volume by ray parity in fourteen directions.

    Args:
        vertices: (V, 3).
        faces: (F, 3), any winding.
        columns: Columns of each line.
    """
    surface = surface_moments(vertices, faces)
    axes = principal_frame(surface.second)
    results = [
        _inside(shoot(vertices - surface.centroid, faces, frame_along(line @ axes), columns, stream))
        for stream, line in enumerate(_LINES, start=3)
    ]
    volumes = np.array([volume for volume, _, _ in results])
    hit = sum(met for _, met, _ in results)
    # Efficiency of the median of seven normal values is about 0.68 of the mean's (tabulated by Rider, JASA 55, 1960).
    spread = float(volumes.std(ddof=1) / np.sqrt(0.68 * len(volumes)))
    leaking = sum(odd for _, _, odd in results) / hit if hit else 0.0
    return ParityVolume(float(np.median(volumes)), spread, leaking)


def _inside(columns: Columns) -> tuple[float, int, int]:
    """Volume of the inner gaps, columns that hit something, columns with an odd number of hits."""
    if len(columns.column) == 0:
        return 0.0, 0, 0
    used, start, hits = np.unique(columns.column, return_index=True, return_counts=True)
    place = np.arange(len(columns.column)) - np.repeat(start, hits)
    signed = np.where(place % 2 == 1, columns.depth, -columns.depth)
    length = np.bincount(np.repeat(np.arange(len(used)), hits), weights=signed, minlength=len(used))
    odd = hits % 2 == 1
    grid, known = np.zeros(len(columns.centres)), np.ones(len(columns.centres))
    grid[used] = np.where(odd, 0.0, length)
    known[used[odd]] = 0.0
    filled = _filled(grid.reshape(columns.grid), known.reshape(columns.grid))
    return float(filled.sum()) * columns.cell_m2, len(used), int(odd.sum())


def _filled(values: FloatArray, known: FloatArray) -> FloatArray:
    """Unknown entries replaced, ring by ring, by the mean of the known entries among their eight neighbours."""
    if not known.any():
        return values
    while not known.all():
        total, weight = np.zeros_like(values), np.zeros_like(values)
        padded, mask = np.pad(values * known, 1), np.pad(known, 1)
        rows, columns = values.shape
        for i in range(3):
            for j in range(3):
                total += padded[i : i + rows, j : j + columns]
                weight += mask[i : i + rows, j : j + columns]
        fresh = (known == 0) & (weight > 0)
        values = np.where(fresh, total / np.maximum(weight, 1), values)
        known = np.where(fresh, 1.0, known)
    return values
