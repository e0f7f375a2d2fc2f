"""Keyed random numbers: every uncertain quantity has its own stream, named by what it is."""

from __future__ import annotations

import hashlib

import numpy as np

from physicl_twin.model.geometry import FloatArray


def keyed_normals(seed: int, target: str, quantity: str, count: int) -> FloatArray:
    """(count,) standard normal numbers, one from the middle of each of ``count`` equally likely strata, in keyed order.

    The marginal distribution is exact to the strata (Latin hypercube sampling: McKay, Beckman, Conover, Technometrics
    21, 1979), and the pairing with other quantities is random. The numbers depend on the arguments alone, so order,
    subset and number of the other quantities change nothing.

    Args:
        seed: The user's seed.
        target: What the quantity belongs to, such as the name of a material.
        quantity: Its name, such as ``density``.
        count: Samples.
    """
    from scipy.special import ndtri

    key = hashlib.sha256(f"{seed}\x1f{target}\x1f{quantity}".encode()).digest()
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
    order = np.argsort(generator.random(count), kind="stable")
    strata = (order + 0.5) / count
    return np.asarray(ndtri(strata), dtype=float)
