"""Parallel lines through a mesh: where each one passes a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.topology import Indices

_PAIRS_AT_ONCE = 2_000_000
_JITTER_SEED = 20130707  # fixed: the same mesh gives the same volume


@dataclass(frozen=True, slots=True)
class Columns:
    """A grid of parallel columns and their hits.

    Attributes:
        frame: (3, 3) rows u, v, w: orthonormal, right-handed, the columns run along w.
        centres: (N, 2) coordinates of the columns along u and v.
        cell_m2: Cross-section that each column speaks for.
        cell_m: (2,) its edges.
        range_m: (2,) least and greatest coordinate of the mesh along w.
        column: (H,) column of each hit, ascending.
        depth: (H,) coordinate along w of each hit, ascending in each column.
        grid: Columns along u and v.
    """

    frame: FloatArray
    centres: FloatArray
    cell_m2: float
    cell_m: FloatArray
    range_m: FloatArray
    column: Indices
    depth: FloatArray
    grid: tuple[int, int]


def principal_frame(second: FloatArray) -> FloatArray:
    """(3, 3) right-handed rows along the principal axes of a second moment: thin directions become axes."""
    axes = np.linalg.eigh(second)[1].T
    axes[2] *= np.sign(np.linalg.det(axes))
    return np.asarray(axes, dtype=float)


def frame_along(direction: FloatArray) -> FloatArray:
    """(3, 3) right-handed rows with ``direction`` as the last one."""
    w = direction / np.linalg.norm(direction)
    u = np.cross(w, np.eye(3)[int(np.argmin(np.abs(w)))])
    u /= np.linalg.norm(u)
    return np.stack([u, np.cross(w, u), w])


def shoot(vertices: FloatArray, faces: Indices, frame: FloatArray, columns: int, stream: int) -> Columns:
    """Hits of a grid of about ``columns`` columns that covers the mesh's shadow.

    Args:
        vertices: (V, 3), near the origin.
        faces: (F, 3).
        frame: (3, 3) rows u, v, w.
        columns: Number of columns; the grid is as fine along u as along v, relative to the mesh's width there.
        stream: Number of the random stream that places the columns in their cells.
    """
    side = max(4, round(columns**0.5))
    local = vertices @ frame.T
    low, width = local[:, :2].min(axis=0), np.ptp(local[:, :2], axis=0)
    range_m = np.array([local[:, 2].min(), local[:, 2].max()])
    step = width / side
    # Each column stands anywhere in its cell: a regular grid would beat with a regular mesh, and hide its error.
    jitter = np.random.Generator(np.random.PCG64([_JITTER_SEED, stream])).random((side * side, 2))
    stand = np.stack(np.divmod(np.arange(side * side), side), axis=1) + jitter
    centres = low + stand * step
    if not (step > 0).all():
        empty = np.empty(0, dtype=np.int64)
        return Columns(frame, centres, 0.0, step, range_m, empty, np.empty(0), (side, side))
    cell = (local[:, :2] - low) / step
    x, y, z = (np.ascontiguousarray(column)[faces] for column in (cell[:, 0], cell[:, 1], local[:, 2]))
    x0, x1 = np.floor(x.min(axis=1)), np.minimum(np.floor(x.max(axis=1)), side - 1)
    y0, y1 = np.floor(y.min(axis=1)), np.minimum(np.floor(y.max(axis=1)), side - 1)
    candidates = np.flatnonzero((x1 >= x0) & (y1 >= y0))
    wide = (x1 - x0 + 1)[candidates].astype(np.int64)
    number = wide * (y1 - y0 + 1)[candidates].astype(np.int64)
    ends = np.cumsum(number)
    column_parts: list[Indices] = [np.empty(0, dtype=np.int64)]
    depth_parts: list[FloatArray] = [np.empty(0)]
    first = 0
    while first < len(candidates):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _PAIRS_AT_ONCE)))
        own = np.repeat(np.arange(first, last), number[first:last])
        index = np.arange(len(own)) - np.repeat(ends[first:last] - number[first:last] - before, number[first:last])
        face = candidates[own]
        target = ((x0[face] + index % wide[own]) * side + y0[face] + index // wide[own]).astype(np.int64)
        px, py = stand[target, 0], stand[target, 1]
        ax, ay = x[face, 0], y[face, 0]
        e1x, e1y, e2x, e2y = x[face, 1] - ax, y[face, 1] - ay, x[face, 2] - ax, y[face, 2] - ay
        det = e1x * e2y - e1y * e2x
        safe = np.where(det == 0, 1.0, det)
        s = ((px - ax) * e2y - (py - ay) * e2x) / safe
        t = (e1x * (py - ay) - e1y * (px - ax)) / safe
        inside = (det != 0) & (s >= 0) & (t >= 0) & (s + t < 1)
        face, s, t = face[inside], s[inside], t[inside]
        column_parts.append(target[inside])
        depth_parts.append(z[face, 0] + s * (z[face, 1] - z[face, 0]) + t * (z[face, 2] - z[face, 0]))
        first = last
    column, depth = np.concatenate(column_parts), np.concatenate(depth_parts)
    order = np.lexsort((depth, column))
    return Columns(frame, centres, float(step[0] * step[1]), step, range_m, column[order], depth[order], (side, side))
