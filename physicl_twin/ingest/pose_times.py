"""Tracks of several bodies at common times."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.model.geometry import FloatArray

#: Nothing is interpolated over more than so many of a track's own periods (judgement: motion between is not known).
_LONGEST_GAP = 3.0
#: Times count as common when this share of every track is at the same ones.
_COMMON = 0.8


def aligned(samples: dict[str, tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, dict[str, FloatArray], bool]:
    """Poses (N, 7) of all bodies at the same times, NaN where a body was not seen.

    Tracks that share their times keep every pose as it is. Others are interpolated (straight, and along the shortest
    arc) to the times of the sparsest.

    Returns:
        Times (N,), poses by body, and True when something was interpolated.
    """
    every = np.unique(np.concatenate([times for times, _ in samples.values()]))
    if all(len(times) >= _COMMON * len(every) for times, _ in samples.values()):
        found = {}
        for name, (times, poses) in samples.items():
            found[name] = np.full((len(every), 7), math.nan)
            found[name][np.searchsorted(every, times)] = poses
        return every, found, False
    grid = min((times for times, _ in samples.values()), key=len)
    return grid, {name: _interpolated(times, poses, grid) for name, (times, poses) in samples.items()}, True


def _interpolated(times: FloatArray, poses: FloatArray, grid: FloatArray) -> FloatArray:
    seen = np.isfinite(poses).all(axis=1)
    times, poses = times[seen], poses[seen]
    found = np.full((len(grid), 7), math.nan)
    if len(times) < 2:
        return found
    after = np.clip(np.searchsorted(times, grid), 1, len(times) - 1)
    before = after - 1
    gap = times[after] - times[before]
    within = (grid >= times[0]) & (grid <= times[-1]) & (gap <= _LONGEST_GAP * float(np.median(np.diff(times))))
    share = np.clip((grid - times[before]) / gap, 0.0, 1.0)[:, None]
    found[:, :3] = (1 - share) * poses[before, :3] + share * poses[after, :3]
    a, b = poses[before, 3:], poses[after, 3:]
    b = np.where((a * b).sum(axis=1, keepdims=True) < 0, -b, b)
    # Between neighbouring samples the straight line between quaternions and the arc differ by far less than noise.
    mixed = (1 - share) * a + share * b
    found[:, 3:] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    found[~within] = math.nan
    return found
