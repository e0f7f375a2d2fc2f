"""Volume and moments of the region that broken triangles most plausibly enclose.

A point counts as inside where the generalized winding number w (Jacobson, Kavan, Sorkine-Hornung, ACM TOG 32, 2013;
fast evaluation after Barill et al., ACM TOG 37, 2018) exceeds one half in magnitude. Instead of a grid of points,
columns along the three principal axes are cut at every surface that they pass. Between two surfaces w is asked for at
one place, or at three where the column's hits are odd in number; where it is clearly the same whole number the piece
is inside or outside as a whole, so that a wall of any thinness counts with its exact length. Where it is not (near an
opening) the piece is cut into short ones, each judged by itself. The axes are averaged by the inverse of their
variances, and the columns are doubled in both directions until the volume is known well enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.columns import Columns, principal_frame, shoot
from physicl_twin.normalize.integrals import Moments, surface_moments
from physicl_twin.normalize.topology import Indices

#: A winding number within this of a whole number is that number; the fast evaluation errs by a few hundredths.
_CLEAR = 0.1
_PROBES = np.array([1 / 2, 1 / 6, 5 / 6])
_SHORT_PIECES = 24
_REFINED_MAX = 60_000
#: Sampling error of the volume that needs no further columns, and how often their number may be quadrupled.
_ENOUGH = 0.002
_REFINEMENTS = 2

Winding = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What the winding number says of a mesh.

    Attributes:
        moments: Of the region |w| > 1/2, weighted mean over the three axes.
        sampling_std_m3: Standard deviation of that volume, from the differences between neighbouring columns.
        tight_m3: Volume of |w| > 3/4.
        loose_m3: Volume of |w| > 1/4. Around a closed surface the three are equal; openings pull them apart.
        overlap_m3: Volume of |w| > 3/2, where solids interpenetrate or surfaces are doubled.
    """

    moments: Moments
    sampling_std_m3: float
    tight_m3: float
    loose_m3: float
    overlap_m3: float


def winding_function(vertices: FloatArray, faces: Indices) -> Winding:
    """A function that gives (P,) winding numbers of (P, 3) points."""
    import igl

    tree = igl.FastWindingNumberBVH()
    tree.init(np.ascontiguousarray(vertices, dtype=float), np.ascontiguousarray(faces, dtype=np.int64))

    def winding(points: FloatArray) -> FloatArray:
        if len(points) == 0:
            return np.empty(0)
        return np.asarray(tree.winding_number(np.ascontiguousarray(points, dtype=float)), dtype=float)

    return winding


def occupancy(vertices: FloatArray, faces: Indices, columns: int, enough_m3: float, closed: bool = False) -> Occupancy:
    """Moments of the region with winding number beyond one half.

    Args:
        vertices: (V, 3).
        faces: (F, 3), each piece facing outwards.
        columns: Columns of each of the three axes, to begin with.
        enough_m3: Quadruple the columns, twice at most, while the volume's sampling error exceeds this and 0.2 %.
        closed: The surface is closed: nothing is inside before the first and after the last hit of a column.
    """
    surface = surface_moments(vertices, faces)
    axes = principal_frame(surface.second)
    extent = float(np.ptp(vertices, axis=0).max())
    scaled = (vertices - surface.centroid) / extent
    winding = winding_function(scaled, faces)
    for round_ in range(1 + _REFINEMENTS):
        count = columns * 4**round_
        shots = [shoot(scaled, faces, np.roll(axes, shift, axis=0), count, stream=shift) for shift in range(3)]
        results = [_along(shot, winding, closed) for shot in shots]
        # A floor keeps an axis that happens to be exact (a box) from a weight of infinity.
        weights = np.array([1 / (result.variance + (1e-9 * result.volume) ** 2 + 1e-30) for result in results])
        weights /= weights.sum()
        mean = sum(
            (r.times(float(k)) for r, k in zip(results[1:], weights[1:], strict=True)), results[0].times(weights[0])
        )
        if math.sqrt(mean.variance) <= max(_ENOUGH * mean.volume, enough_m3 / extent**3):
            break
    cube = extent**3
    moments = Moments(0.0, surface.centroid, np.zeros((3, 3)))
    if mean.volume > 0:
        centroid = mean.first / mean.volume
        second = mean.second - mean.volume * np.outer(centroid, centroid)
        moments = Moments(mean.volume * cube, surface.centroid + extent * centroid, second * extent**5)
    return Occupancy(
        moments, math.sqrt(mean.variance) * cube, mean.tight * cube, mean.loose * cube, mean.overlap * cube
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    volume: float
    first: FloatArray
    second: FloatArray
    tight: float
    loose: float
    overlap: float
    variance: float

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.volume + other.volume,
            self.first + other.first,
            self.second + other.second,
            self.tight + other.tight,
            self.loose + other.loose,
            self.overlap + other.overlap,
            self.variance + other.variance,
        )

    def times(self, factor: float) -> _Sums:
        return _Sums(
            self.volume * factor,
            self.first * factor,
            self.second * factor,
            self.tight * factor,
            self.loose * factor,
            self.overlap * factor,
            self.variance * factor**2,
        )


def _along(columns: Columns, winding: Winding, closed: bool) -> _Sums:
    """Sums over the columns of one axis."""
    column, start, end = _pieces(columns, closed)
    odd = (np.bincount(columns.column, minlength=len(columns.centres)) % 2 == 1)[column]
    w = np.empty((len(column), len(_PROBES)))
    for k, place in enumerate(_PROBES):
        rows = np.flatnonzero(odd) if k else np.arange(len(column))
        w[:, k] = w[:, 0]
        w[rows, k] = np.abs(winding(_points(columns, column[rows], (start + place * (end - start))[rows])))
    whole = np.round(w[:, 0])
    clear = (np.abs(w - whole[:, None]) < _CLEAR).all(axis=1)
    rough = np.flatnonzero(~clear)
    if len(rough) == 0:
        return _integrate(columns, column, start, end, whole)
    parts = int(np.clip(_REFINED_MAX // len(rough), 2, _SHORT_PIECES))
    cuts = start[rough, None] + np.arange(parts + 1) / parts * (end - start)[rough, None]
    owner = np.repeat(column[rough], parts)
    low, high = cuts[:, :-1].reshape(-1), cuts[:, 1:].reshape(-1)
    fine = np.abs(winding(_points(columns, owner, 0.5 * (low + high))))
    return _integrate(
        columns,
        np.concatenate([column[clear], owner]),
        np.concatenate([start[clear], low]),
        np.concatenate([end[clear], high]),
        np.concatenate([whole[clear], fine]),
    )


def _pieces(columns: Columns, closed: bool) -> tuple[Indices, FloatArray, FloatArray]:
    """Column, start and end of each piece between neighbouring surfaces; of an open mesh also to its bounds."""
    all_columns = np.arange(0 if closed else len(columns.centres))
    owner = np.concatenate([all_columns, columns.column, all_columns])
    cut = np.concatenate(
        [
            np.full(len(all_columns), columns.range_m[0]),
            columns.depth,
            np.full(len(all_columns), columns.range_m[1]),
        ]
    )
    order = np.lexsort((cut, owner))
    owner, cut = owner[order], cut[order]
    same = (owner[1:] == owner[:-1]) & (cut[1:] > cut[:-1])
    return owner[:-1][same], cut[:-1][same], cut[1:][same]


def _points(columns: Columns, column: Indices, depth: FloatArray) -> FloatArray:
    local = np.column_stack([columns.centres[column], depth])
    points: FloatArray = local @ columns.frame
    return points


def _integrate(columns: Columns, column: Indices, start: FloatArray, end: FloatArray, w: FloatArray) -> _Sums:
    """Exact integrals over the prisms around the pieces with |w| > 1/2."""
    length = (end - start) * columns.cell_m2
    tight, loose, overlap = (float(length[w > limit].sum()) for limit in (0.75, 0.25, 1.5))
    inside = w > 0.5
    column, length, depth = column[inside], length[inside], (end - start)[inside]
    local = np.column_stack([columns.centres[column], 0.5 * (start + end)[inside]])
    first = length @ local
    second = (local * length[:, None]).T @ local
    second[2, 2] += float(length @ depth**2) / 12  # the jitter already spreads the columns over their cells
    full: FloatArray = np.zeros(len(columns.centres))
    np.add.at(full, column, length)
    return _Sums(
        float(length.sum()),
        first @ columns.frame,
        columns.frame.T @ second @ columns.frame,
        tight,
        loose,
        overlap,
        _variance(full.reshape(columns.grid)),
    )


def _variance(cells: FloatArray) -> float:
    """Variance of the sum of a grid with one random column a cell, from the differences between neighbours.

    Two columns of neighbouring cells differ by at least what two columns of one cell would, on average.
    """
    down, right = np.diff(cells, axis=0), np.diff(cells, axis=1)
    return 0.25 * float((down**2).sum() + (right**2).sum())
