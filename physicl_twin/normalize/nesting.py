"""Which closed shells lie inside which, and which may cut each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.topology import Indices, Mask

#: Vertices of a shell that are tested against another one, at most.
_WITNESSES = 2000


@dataclass(frozen=True, slots=True)
class Nesting:
    """Relations of closed shells.

    Attributes:
        inside: (S, S) True at [i, j] when shell j lies wholly inside shell i.
        entangled: (K, 2) pairs of shells whose bounds overlap without one containing the other: they may cut.
    """

    inside: Mask
    entangled: Indices

    @property
    def depth(self) -> Indices:
        """(S,) number of shells around each one."""
        return np.asarray(self.inside.sum(axis=0), dtype=np.int64)


def shell_bounds(vertices: FloatArray, faces: Indices, label: Indices, shells: int) -> FloatArray:
    """(S, 2, 3) bounds of each shell."""
    bounds = np.empty((shells, 2, 3))
    bounds[:, 0], bounds[:, 1] = np.inf, -np.inf
    order = np.argsort(label, kind="stable")
    start = np.searchsorted(label[order], np.arange(shells))
    corners = vertices[faces[order]]
    bounds[:, 0] = np.minimum.reduceat(corners.min(axis=1), start)
    bounds[:, 1] = np.maximum.reduceat(corners.max(axis=1), start)
    return bounds


def nesting(vertices: FloatArray, faces: Indices, label: Indices) -> Nesting:
    """Relations of the closed shells of a mesh.

    A shell counts as inside another when all its vertices (at most 2,000, evenly picked) have a winding number near one
    about it, a vertex on the surface itself being no objection.

    Args:
        vertices: (V, 3).
        faces: (F, 3) of closed shells only.
        label: (F,) shell of each face, 0..S-1.
    """
    shells = int(label.max(initial=-1)) + 1
    inside = np.zeros((shells, shells), dtype=bool)
    if shells < 2:
        return Nesting(inside, np.empty((0, 2), dtype=np.int64))
    bounds = shell_bounds(vertices, faces, label, shells)
    low, high = bounds[:, 0], bounds[:, 1]
    overlap: Mask = np.asarray(((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=2))
    np.fill_diagonal(overlap, False)
    within: Mask = overlap & ((low[:, None] <= low[None]) & (high[None] <= high[:, None])).all(axis=2)
    order = np.argsort(label, kind="stable")
    start = np.append(np.searchsorted(label[order], np.arange(shells)), len(order))
    rows = [order[start[i] : start[i + 1]] for i in range(shells)]
    for outer in np.flatnonzero(within.any(axis=1)):
        inner = np.flatnonzero(within[outer])
        points = [_witnesses(vertices, faces[rows[j]]) for j in inner]
        winding = np.abs(winding_numbers(vertices, faces[rows[outer]], np.concatenate(points)))
        for j, values in zip(inner, np.split(winding, np.cumsum([len(p) for p in points])[:-1]), strict=True):
            inside[outer, j] = bool(values.min() > 0.25 and np.median(values) > 0.75)
    related = inside | inside.T
    first, second = np.nonzero(np.triu(overlap & ~related))
    return Nesting(inside, np.stack([first, second], axis=1).astype(np.int64))


def winding_numbers(vertices: FloatArray, faces: Indices, points: FloatArray) -> FloatArray:
    """(P,) generalized winding numbers by the fast method of Barill et al. (ACM TOG 37, 2018), in libigl."""
    import igl

    tree = igl.FastWindingNumberBVH()
    tree.init(np.ascontiguousarray(vertices, dtype=float), np.ascontiguousarray(faces, dtype=np.int64))
    return np.asarray(tree.winding_number(np.ascontiguousarray(points, dtype=float)), dtype=float)


def _witnesses(vertices: FloatArray, faces: Indices) -> FloatArray:
    used = np.unique(faces)
    step = max(1, len(used) // _WITNESSES)
    return vertices[used[::step]]
