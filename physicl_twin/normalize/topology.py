"""Who touches whom in a triangle mesh: equal rows, edges, shells. Array operations only, for ten million triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Odd 64-bit constants of the splitmix64 finalizer (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
# OOPSLA 2014). They only spread bits; equality is always confirmed on the rows themselves.
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)


def group_rows(rows: NDArray[np.generic]) -> tuple[Indices, Indices]:
    """Group equal rows.

    Args:
        rows: (N, K) of an 8-byte type.

    Returns:
        (N,) group of each row and (G,) first row of each group; groups are numbered by their first row, so a set
        without equal rows comes back as 0..N-1 twice.
    """
    bits = np.ascontiguousarray(rows).view(np.uint64)
    key = np.zeros(len(bits), dtype=np.uint64)
    for column in range(bits.shape[1]):
        key = (key ^ bits[:, column]) * _MIX_A
        key ^= key >> np.uint64(31)
        key *= _MIX_B
        key ^= key >> np.uint64(29)
    order = np.argsort(key, kind="stable")
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = key[order[1:]] != key[order[:-1]]
    group_of_sorted = np.cumsum(starts) - 1
    first = order[starts]  # the stable sort keeps the smallest index of a group in front
    group = np.empty(len(order), dtype=np.int64)
    group[order] = group_of_sorted
    if not np.array_equal(bits[first[group]], bits):  # two different rows share a key: sort the rows themselves
        _, first, group = np.unique(bits, axis=0, return_index=True, return_inverse=True)
        group = group.reshape(-1)
    rank = np.argsort(first, kind="stable")
    renumber = np.empty(len(first), dtype=np.int64)
    renumber[rank] = np.arange(len(first))
    return renumber[group], first[rank].astype(np.int64)


def position_ids(vertices: FloatArray) -> Indices:
    """(V,) the same number for vertices at the same place, whatever else differs (a colour seam)."""
    return group_rows(vertices + 0.0)[0]  # + 0.0 turns -0.0 into 0.0


@dataclass(frozen=True, slots=True)
class Edges:
    """Undirected edges and the half-edges on them. Half-edge 3 f + c runs from corner c of face f to corner c + 1.

    Attributes:
        of_half: (3 F,) edge of each half-edge.
        forward: (3 F,) True where the half-edge runs from the lower to the higher vertex.
        count: (E,) half-edges on each edge.
        order: (3 F,) half-edges sorted by edge.
        start: (E,) position of each edge's first half-edge in ``order``.
    """

    of_half: Indices
    forward: Mask
    count: Indices
    order: Indices
    start: Indices

    @classmethod
    def of(cls, faces: NDArray[np.integer]) -> Edges:
        """Edges of (F, 3) faces; the indices must already be equal for vertices at the same place."""
        tail = np.asarray(faces, dtype=np.int64).reshape(-1)
        head = np.roll(np.asarray(faces, dtype=np.int64), -1, axis=1).reshape(-1)
        span = int(max(tail.max(initial=0), head.max(initial=0))) + 1
        key = np.minimum(tail, head) * span + np.maximum(tail, head)
        order = np.argsort(key, kind="stable").astype(np.int64)
        starts = np.ones(len(order), dtype=bool)
        starts[1:] = key[order[1:]] != key[order[:-1]]
        of_half = np.empty(len(order), dtype=np.int64)
        of_half[order] = np.cumsum(starts) - 1
        start = np.flatnonzero(starts).astype(np.int64)
        count = np.diff(np.append(start, len(order))).astype(np.int64)
        return cls(of_half, tail < head, count, order, start)

    @property
    def balance(self) -> Indices:
        """(E,) forward minus backward half-edges; all zero for a surface that bounds something."""
        signs = np.where(self.forward, 1, -1)
        return np.bincount(self.of_half, weights=signs, minlength=len(self.count)).astype(np.int64)

    def pairs(self) -> tuple[Indices, Indices]:
        """The two half-edges of each edge that has exactly two."""
        at = self.start[self.count == 2]
        return self.order[at], self.order[at + 1]

    def shells(self, faces: int) -> Indices:
        """(F,) label of each face's piece, pieces being joined over edges of exactly two faces; by first face."""
        a, b = self.pairs()
        return components(faces, a // 3, b // 3)

    def pieces(self, faces: int) -> Indices:
        """(F,) label of each face's piece, joined over every shared edge."""
        face = self.order // 3
        same = self.of_half[self.order[1:]] == self.of_half[self.order[:-1]]
        return components(faces, face[1:][same], face[:-1][same])


def components(nodes: int, a: Indices, b: Indices) -> Indices:
    """(nodes,) connected component of each node of an undirected graph, numbered by its first node."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(a), dtype=bool), (a, b)), shape=(nodes, nodes))
    labels = np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)
    first = np.full(int(labels.max(initial=-1)) + 1, nodes, dtype=np.int64)
    np.minimum.at(first, labels, np.arange(nodes))
    rank = np.argsort(first, kind="stable")
    renumber = np.empty(len(first), dtype=np.int64)
    renumber[rank] = np.arange(len(first))
    return renumber[labels]


@dataclass(frozen=True, slots=True)
class ShellCycles:
    """The pieces of a mesh and which of them close.

    Attributes:
        label: (F,) piece of each face.
        closed: (S,) True for a piece whose edges all balance: it bounds a region.
    """

    label: Indices
    closed: Mask

    @classmethod
    def of(cls, edges: Edges, faces: int) -> ShellCycles:
        """Pieces over two-face edges; where such a piece leaks only over edges shared by more, the joined pieces."""
        label = edges.shells(faces)
        closed = _closed(edges, label)
        if not closed.all() and not edges.balance.any():
            label = edges.pieces(faces)
            closed = _closed(edges, label)
        return cls(label, closed)


def _closed(edges: Edges, label: Indices) -> Mask:
    """Whether the half-edges of each piece cancel on each edge."""
    shells = int(label.max(initial=-1)) + 1
    half_label = np.repeat(label, 3)
    if (edges.count == 2).all():  # then a piece owns its edges alone
        open_half = edges.balance[edges.of_half] != 0
    else:
        use, _ = group_rows(np.stack([edges.of_half, half_label], axis=1))
        sums = np.bincount(use, weights=np.where(edges.forward, 1.0, -1.0))
        open_half = sums[use] != 0
    closed = np.ones(shells, dtype=bool)
    closed[half_label[open_half]] = False
    return closed
