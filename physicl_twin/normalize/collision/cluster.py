"""Clusters of cells that may become one convex piece: what a join would cost, bounded for many and exact for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.probe import Probe
from physicl_twin.normalize.collision.sampling import cross, fibonacci_directions

#: Weight of the plain hull volume beside the probe: it decides between joins that the probe cannot tell apart.
_VOLUME_WEIGHT = 0.1
#: Directions in which a cluster's extreme points are kept: they stand for its hull while joining.
_DIRECTIONS = fibonacci_directions(42)

#: Which of the probe's points, packed: a bit for each.
Bits = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Join:
    """What a cluster would be.

    Attributes:
        filled: Free space that its hull fills, weighted.
        volume: Of its hull, weighted.
        within: (W,) the probe's points inside its hull.
    """

    filled: float
    volume: float
    within: Bits


class Clusters:
    """Clusters in arrays, a row for each that lives or lived; new ones come by ``join``.

    The hull of a join lies between two bodies that are known without making it: inside the planes that touch it in a
    few directions, and around the closed surface through the points where they touch. The first tells which of the
    probe's points can be inside at all, the second bounds the volume from below.

    Args:
        cells: (V, 3) vertices of each cell's convex hull.
        probe: Free space.
    """

    def __init__(self, cells: Sequence[FloatArray], probe: Probe) -> None:
        capacity, words = 2 * len(cells), -(-len(probe.points) // 64)
        self._probe = probe
        self._cells = list(cells)
        self._vertices = np.vstack(cells)
        self._members: list[tuple[int, ...]] = []
        self._extreme = np.zeros((capacity, len(_DIRECTIONS)), dtype=np.int64)
        self._height = np.zeros((capacity, len(_DIRECTIONS)))
        # Boxes as minimum corner and negated maximum; what is out of reach is infinite.
        self._box = np.full((capacity, 6), np.inf)
        self._below = np.zeros((capacity, len(_DIRECTIONS), words), dtype=np.uint64)
        self._within = np.zeros((capacity, words), dtype=np.uint64)
        self._filled, self._volume = np.zeros(capacity), np.zeros(capacity)
        self._corners = _sphere_triangles()
        along = _DIRECTIONS @ probe.points.T
        first = 0
        for number, points in enumerate(cells):
            reach = points @ _DIRECTIONS.T
            self._extreme[number] = first + reach.argmax(axis=0)
            first += len(points)
            self._height[number] = reach.max(axis=0)
            self._box[number] = np.concatenate([points.min(axis=0), -points.max(axis=0)])
            self._below[number] = _packed(along < self._height[number][:, None], words)
            self._add((number,), self._made(self._extreme[number], self._below[number], self._within[number]))

    def points(self, number: int) -> FloatArray:
        """(V, 3) vertices of a cluster's cells."""
        return np.vstack([self._cells[cell] for cell in self._members[number]])

    def neighbours(self, number: int, gap: float) -> NDArray[np.int64]:
        """Living clusters numbered below ``number`` whose boxes are within ``gap`` of its box."""
        box = self._box[number]
        reach = np.concatenate([-box[3:], -box[:3]]) + gap
        return np.flatnonzero((self._box[:number] <= reach).all(axis=1))

    def added_at_least(self, number: int, others: NDArray[np.int64]) -> FloatArray:
        """(N,) lower bounds of what joining a cluster with each of the others adds to the cost."""
        taller = self._height[others] > self._height[number]
        extreme = np.where(taller, self._extreme[others], self._extreme[number])
        corners = self._vertices[extreme][:, self._corners] - self._vertices[extreme[0, 0]]
        a, b, c = (corners[:, :, k].reshape(-1, 3) for k in range(3))
        volume = np.einsum("ij,ij->i", cross(a, b), c).reshape(len(others), -1).sum(axis=1) / 6
        added = _VOLUME_WEIGHT * volume - self._volume[others] - self._volume[number]
        shared = self._within[others] & self._within[number]
        for row in np.flatnonzero(shared.any(axis=1)):
            added[row] -= self._weight(shared[row])
        return np.asarray(added, dtype=float)

    def added(self, one: int, other: int) -> tuple[float, Join]:
        """What joining two clusters adds to the cost, and the join."""
        extreme = np.where(self._height[other] > self._height[one], self._extreme[other], self._extreme[one])
        known = self._within[one] | self._within[other]
        made = self._made(extreme, self._below[one] | self._below[other], known)
        before = self._filled[one] + self._filled[other] + self._volume[one] + self._volume[other]
        return made.filled + made.volume - float(before), made

    def join(self, one: int, other: int, made: Join) -> int:
        """Put a join in the place of its two clusters; its number."""
        number = len(self._members)
        taller = self._height[other] > self._height[one]
        self._extreme[number] = np.where(taller, self._extreme[other], self._extreme[one])
        self._height[number] = np.maximum(self._height[one], self._height[other])
        self._box[number] = np.minimum(self._box[one], self._box[other])
        self._below[number] = self._below[one] | self._below[other]
        self._box[one] = self._box[other] = np.inf
        self._add((*self._members[one], *self._members[other]), made)
        return number

    def _add(self, members: tuple[int, ...], made: Join) -> None:
        number = len(self._members)
        self._members.append(members)
        self._filled[number], self._volume[number], self._within[number] = made.filled, made.volume, made.within

    def _made(self, extreme: NDArray[np.int64], below: Bits, known: Bits) -> Join:
        """The hull of extreme points: only what is below all planes and not known to be inside must be asked."""
        from manifold3d import Manifold

        hull = Manifold.hull_points(self._vertices[np.unique(extreme)])
        if hull.is_empty():
            return Join(0.0, 0.0, known)
        volume = _VOLUME_WEIGHT * float(hull.volume())
        asked = self._numbers(np.bitwise_and.reduce(below, axis=0) & ~known)
        within = known
        if len(asked):
            mesh = hull.to_mesh64()
            corners = np.asarray(mesh.vert_properties)[:, :3][np.asarray(mesh.tri_verts).astype(np.int64)]
            normals = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
            offsets = np.einsum("ij,ij->i", normals, corners[:, 0])
            inside = asked[(self._probe.points[asked] @ normals.T < offsets).all(axis=1)]
            marks = np.zeros(64 * len(known), dtype=bool)
            marks[inside] = True
            within = known | _packed(marks, len(known))
        return Join(self._weight(within), volume, within)

    def _numbers(self, bits: Bits) -> NDArray[np.int64]:
        words = np.flatnonzero(bits)
        if not len(words):
            return words
        marks = np.unpackbits(bits[words].view(np.uint8), bitorder="little").reshape(-1, 64)
        row, column = np.nonzero(marks)
        return 64 * words[row] + column

    def _weight(self, bits: Bits) -> float:
        return float(self._probe.weights[self._numbers(bits)].sum())


def _packed(marks: NDArray[np.bool_], words: int) -> Bits:
    """(..., N) marks as (..., words) bits."""
    packed = np.packbits(marks, axis=-1, bitorder="little")
    padded = np.zeros((*marks.shape[:-1], 8 * words), dtype=np.uint8)
    padded[..., : packed.shape[-1]] = packed
    return padded.view(np.uint64)


def _sphere_triangles() -> NDArray[np.int64]:
    """(T, 3) triangles of the directions' convex hull, outward: the closed surface through extreme points."""
    from scipy.spatial import ConvexHull

    triangles: NDArray[np.int64] = ConvexHull(_DIRECTIONS).simplices.astype(np.int64)
    a, b, c = (_DIRECTIONS[triangles[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", cross(a, b), c) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return triangles
