"""Keyed sampling: a number that depends on (seed, variation, target, property) and on nothing else.

No generator is advanced, so order, subset, restart and the number of workers change nothing. Three designs:

* ``random``: independent numbers.
* ``latin``: each property of each target has one number in each of the N intervals of width 1/N, for every power of two
  N at once (a Latin hypercube whatever the count): the van der Corput sequence, with nested uniform scrambling (Owen
  1995, "Randomly permuted (t,m,s)-nets and (t,s)-sequences") of the index and of the value. That hash-based scrambles
  make such a sequence, and that scrambled indices decorrelate ("pad") the dimensions, is Burley 2020, "Practical
  hash-based Owen scrambling", Journal of Computer Graphics Techniques 9(4).
* ``sobol``: the first properties of a target fill their common space as a scrambled Sobol sequence does; others are
  ``latin``. The sequence's direction numbers are those of Joe & Kuo 2008, as in SciPy (whose import takes a second).
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from physicl_twin.model.geometry import FloatArray

Design = Literal["random", "latin", "sobol"]

Bits = npt.NDArray[np.uint64]

#: Bits of a member's number that a design tells apart, and of the numbers that it makes.
_WIDTH = 24
#: Members that a family may have.
MAX_MEMBERS = 1 << _WIDTH
#: Properties of a target that ``sobol`` treats together, in this order: those that shape the scene most.
SOBOL_PROPERTIES = (
    "placement.x",
    "placement.y",
    "placement.yaw",
    "scale",
    "density",
    "friction",
    "camera.azimuth",
    "camera.elevation",
    "light.key_azimuth",
    "light.key_elevation",
)

Name = tuple[str, str]


def key(*words: object) -> int:
    """64 bits that are a function of the words alone, on every machine."""
    digest = hashlib.blake2b("\x1f".join(str(word) for word in words).encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


def sample(seed: int, variation: int, target: str, name: str, design: Design = "random") -> float:
    """One number in the open interval (0, 1); see ``samples``."""
    return float(samples(seed, variation, ((target, name),), design)[0])


def samples(seed: int, variation: int, names: Sequence[Name], design: Design = "random") -> FloatArray:
    """(len(names),) numbers of one variation; see ``table``."""
    row: FloatArray = table(seed, (variation,), names, design)[0]
    return row


def table(seed: int, variations: Sequence[int], names: Sequence[Name], design: Design = "random") -> FloatArray:
    """Numbers in the open interval (0, 1), each a function of (seed, its variation, its target, its property).

    Args:
        seed: Of the family.
        variations: Numbers of members, 0 .. ``MAX_MEMBERS`` - 1.
        names: (target, property) of each number.
        design: How the numbers of different members are spread.

    Returns:
        (len(variations), len(names)) numbers.
    """
    own, index_seed, value_seed, dimension = _keys(seed, tuple(names), design)
    members = np.asarray(variations, dtype=np.uint64)[:, None]
    noise = _mix(own[None] ^ _mix(members))
    if design == "random":
        random: FloatArray = ((noise >> np.uint64(11)).astype(float) + 0.5) / float(1 << 53)
        return random
    index = _owen(np.broadcast_to(members, noise.shape), index_seed)
    bits = _owen(_points(index, dimension), value_seed)
    # The design decides the leading bits, the member's own noise the rest.
    fine = ((noise >> np.uint64(40)).astype(float) + 0.5) / float(1 << 24)
    result: FloatArray = (bits.astype(float) + fine) / float(MAX_MEMBERS)
    return result


@functools.lru_cache(maxsize=64)
def _keys(seed: int, names: tuple[Name, ...], design: Design) -> tuple[Bits, Bits, Bits, npt.NDArray[np.intp]]:
    """For each name: its own bits, the scramble of its index, that of its value, and its dimension of the sequence."""
    dimension = [
        SOBOL_PROPERTIES.index(name) if design == "sobol" and name in SOBOL_PROPERTIES else -1 for _, name in names
    ]
    # Properties that are spread together share the index, the others must not.
    index = [
        key(seed, target, "index") if d >= 0 else key(seed, target, name, "index")
        for (target, name), d in zip(names, dimension, strict=True)
    ]
    return (
        np.array([key(seed, target, name) for target, name in names], dtype=np.uint64),
        np.array(index, dtype=np.uint64),
        np.array([key(seed, target, name, "value") for target, name in names], dtype=np.uint64),
        np.array(dimension, dtype=np.intp),
    )


def _owen(bits: Bits, seeds: Bits) -> Bits:
    """Nested uniform scrambling: each bit is flipped by a hash of the bits above it."""
    result = bits.copy()
    for place in range(_WIDTH):
        shift = np.uint64(_WIDTH - 1 - place)
        above = bits >> (shift + np.uint64(1))
        flip = _mix(seeds ^ (above << np.uint64(6)) ^ np.uint64(place)) & np.uint64(1)
        result ^= flip << shift
    return result


def _points(index: Bits, dimension: npt.NDArray[np.intp]) -> Bits:
    """Point of each index: of the van der Corput sequence (dimension -1) or of a dimension of Sobol's."""
    # Which point each bit of the index adds: for van der Corput the mirrored bit.
    mirrored = np.array([1 << (_WIDTH - 1 - bit) for bit in range(_WIDTH)], dtype=np.uint64)
    adds = np.vstack([_directions(), mirrored]) if (dimension >= 0).any() else mirrored[None]
    result = np.zeros_like(index)
    for bit in range(_WIDTH):
        there = (index >> np.uint64(bit)) & np.uint64(1)
        result ^= there * adds[dimension, bit]
    return result


def _mix(value: Bits) -> Bits:
    """Well mixed bits (the finalizer of splitmix64: Steele, Lea & Flood 2014, "Fast splittable pseudorandom ...")."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


#: Of each dimension the primitive polynomial over GF(2), bit by bit, and the first direction integers m_1, m_2, …
#: (the first rows of new-joe-kuo-6.21201, Joe & Kuo 2008; that of van der Corput comes first).
_JOE_KUO: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0b1, ()),
    (0b11, (1,)),
    (0b111, (1, 3)),
    (0b1011, (1, 3, 1)),
    (0b1101, (1, 1, 1)),
    (0b10011, (1, 1, 3, 3)),
    (0b11001, (1, 3, 5, 13)),
    (0b100101, (1, 1, 5, 5, 17)),
    (0b101001, (1, 1, 5, 5, 5)),
    (0b101111, (1, 1, 7, 11, 19)),
)


@functools.cache
def _directions() -> Bits:
    """(dimensions, bits) direction numbers: the point that each bit of the index adds."""
    rows = []
    for polynomial, first in _JOE_KUO[: len(SOBOL_PROPERTIES)]:
        degree = len(first)
        integers = list(first)
        while len(integers) < _WIDTH:
            if degree == 0:
                integers.append(1)
                continue
            following = integers[-degree]
            for back in range(1, degree + 1):
                if polynomial >> (degree - back) & 1:
                    following ^= integers[-back] << back
            integers.append(following)
        rows.append([m << (_WIDTH - 1 - bit) for bit, m in enumerate(integers)])
    return np.array(rows, dtype=np.uint64)
