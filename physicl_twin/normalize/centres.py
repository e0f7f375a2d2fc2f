"""One mass a part that stands for its samples, so that the parts add up."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.geometry import FloatArray


def centres(samples: FloatArray) -> FloatArray:
    """(P,) central masses of parts that add up to the median of their sum.

    A sum of skewed masses has its median between the sum of their medians and the sum of their means. So each part
    moves the same share of its way from its median towards its mean, of those whose way leads towards the sum's: what
    is known well stays where it is. Where no part's way does, or the ways do not suffice, all medians are scaled alike.

    Args:
        samples: (P, N) joint samples of the masses, kg.
    """
    medians: FloatArray = np.median(samples, axis=1)
    total = float(np.median(samples.sum(axis=0)))
    missing = total - float(medians.sum())
    ways = samples.mean(axis=1) - medians
    ways = np.where(ways * missing > 0, ways, 0.0)
    if missing == 0 or abs(missing) > abs(float(ways.sum())):
        return np.asarray(medians * (total / medians.sum()))
    return np.asarray(medians + ways * (missing / ways.sum()))
