"""Shells of one part that touch are one piece where the source tells parts apart: a drawer of five boards."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from physicl_twin.normalize.joints.contact import touch_distance
from physicl_twin.normalize.joints.naming import shipped_roles
from physicl_twin.normalize.joints.pieces import Piece
from physicl_twin.normalize.joints.sweep import touching_depth
from physicl_twin.normalize.topology import components

#: A part of more than this share of all shells whose name says nothing is a mesh by material and no part (judgement).
_MOST_OF_ALL = 0.5
#: Above so many shells that is so; below, a box of five boards with its lid is meant (judgement).
_FEW = 6


def glued(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces with those of each part that touch joined; a part that is most of the object stays as it was."""
    by_part: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_part.setdefault(piece.part, []).append(piece)
    result: list[Piece] = []
    for part, mine in by_part.items():
        many = len(mine) > max(_MOST_OF_ALL * len(pieces), _FEW)
        if len(mine) == 1 or (many and not shipped_roles().meaning(part).kind):
            result += mine
        else:
            result += _joined(mine)
    for number, piece in enumerate(result):
        piece.index = number
    return result


def _joined(mine: Sequence[Piece]) -> list[Piece]:
    pairs = [(i, j) for i, one in enumerate(mine) for j in range(i + 1, len(mine)) if _touch(one, mine[j])]
    if not pairs:
        return list(mine)
    first, second = np.array(pairs, dtype=np.int64).T
    label = components(len(mine), first, second)
    return [_union([mine[i] for i in np.flatnonzero(label == one)]) for one in np.unique(label)]


def _touch(one: Piece, other: Piece) -> bool:
    reach = touch_distance(one, other)
    if (one.bounds[0] > other.bounds[1] + reach).any() or (other.bounds[0] > one.bounds[1] + reach).any():
        return False
    for a, b in ((one, other), (other, one)):
        low, high = b.bounds
        points = a.probes[((a.probes >= low - reach) & (a.probes <= high + reach)).all(axis=1)]
        if len(points) and float(b.distance(points)[0].min()) <= reach:
            return True
    return touching_depth(one, other) > reach


def _union(members: Sequence[Piece]) -> Piece:
    if len(members) == 1:
        return members[0]
    starts = np.cumsum([0, *(len(piece.vertices) for piece in members)])
    assert all(a.part == b.part for a, b in pairwise(members))
    return Piece(
        members[0].index,
        members[0].part,
        members[0].path,
        tuple(shell for piece in members for shell in piece.shells),
        np.concatenate([piece.vertices for piece in members]),
        np.concatenate([piece.faces + start for piece, start in zip(members, starts[:-1], strict=True)]),
        all(piece.closed for piece in members),
        tuple(members),
    )
