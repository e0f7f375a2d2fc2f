"""Which part of one state is which part of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.states.placed import Placed
from physicl_twin.normalize.states.registration import explains, register

#: Motions of clear parts that are tried on unclear ones: at most so many.
_KNOWN = 24


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """A part in two states.

    Attributes:
        before: Index of the part in the first.
        after: Index in the second.
        motion: (4, 4) from its place in the first to its place in the second.
        by: ``name`` or ``shape``: what it was known by.
        sure: False when other parts of the same shape could be it, or its symmetry allows other motions.
    """

    before: int
    after: int
    motion: FloatArray
    by: str
    sure: bool


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """All parts of two states.

    Attributes:
        matches: Those that were found in both.
        missing: Names of parts of the first that the second does not have.
        added: Names of parts that only the second has.
        changed: Names of parts of the same name but another shape.
    """

    matches: tuple[Match, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]


def match_parts(before: list[Placed], after: list[Placed]) -> Matching:
    """Match the parts of two states: by their names where the shapes agree, else by their shapes.

    Among parts of one shape without telling names the assignment is the one in which most stand still or move as some
    clear part moves, and which moves the rest least.
    """
    matches: list[Match] = []
    changed: list[str] = []
    by_name = _by_name(after)
    open_before, open_after = list(range(len(before))), set(range(len(after)))
    if _names_tell(before, after):
        for i in list(open_before):
            j = by_name.get(_key(before[i].name))
            if j is None or j not in open_after:
                continue
            motion = register(before[i], after[j]) if before[i].alike(after[j]) else None
            if motion is None:
                changed.append(before[i].name)
                continue
            sure = before[i].sha256 == after[j].sha256 or before[i].vertices.shape == after[j].vertices.shape
            matches.append(Match(i, j, motion, "name", sure))
            open_before.remove(i)
            open_after.remove(j)
    matches += _by_shape(before, after, open_before, open_after, [match.motion for match in matches])
    found = {match.before for match in matches}
    used = {match.after for match in matches}
    missing = tuple(part.name for i, part in enumerate(before) if i not in found and part.name not in changed)
    added = tuple(part.name for j, part in enumerate(after) if j not in used and part.name not in changed)
    return Matching(tuple(sorted(matches, key=lambda match: match.before)), missing, added, tuple(changed))


def _key(name: str) -> str:
    return name.casefold().strip()


def _by_name(parts: list[Placed]) -> dict[str, int]:
    return {_key(part.name): index for index, part in enumerate(parts)}


def _names_tell(before: list[Placed], after: list[Placed]) -> bool:
    """True when the names in both states mean the same parts: of those in both, most have the same shape.

    An exporter that numbers its parts anew gives every state the same names for other parts.
    """
    by_name = _by_name(after)
    pairs = [(part, after[by_name[_key(part.name)]]) for part in before if _key(part.name) in by_name]
    if not pairs:
        return False
    return sum(a.alike(b) for a, b in pairs) >= 0.8 * len(pairs)


def _by_shape(
    before: list[Placed], after: list[Placed], rows: list[int], columns: set[int], known: list[FloatArray]
) -> list[Match]:
    """Matches of parts that are alike: shapes that occur once first, then each class by the cheapest assignment."""
    classes = [(mine, theirs) for mine, theirs in _classes(before, after, rows, columns) if mine and theirs]
    matches: list[Match] = []
    known = _distinct(known)
    for mine, theirs in sorted(classes, key=lambda pair: max(len(pair[0]), len(pair[1]))):
        cost = np.zeros((len(mine), len(theirs)))
        motions: dict[tuple[int, int], FloatArray] = {}
        for r, i in enumerate(mine):
            for c, j in enumerate(theirs):
                told = next((m for m in (np.eye(4), *known[:_KNOWN]) if explains(m, before[i], after[j])), None)
                motion = told if told is not None else register(before[i], after[j])
                if motion is None:
                    cost[r, c] = 1e3
                    continue
                motions[i, j] = motion
                still = told is not None and np.allclose(told, np.eye(4))
                way = float(np.linalg.norm(after[j].centre - before[i].centre))
                cost[r, c] = 0.0 if still else (1e-3 if told is not None else 1.0) * (1.0 + way / before[i].size)
        chosen_rows, chosen_columns = linear_sum_assignment(cost)
        alone = len(mine) == len(theirs) == 1
        for r, c in zip(chosen_rows, chosen_columns, strict=True):
            pair = (mine[r], theirs[c])
            if pair not in motions:
                continue
            ordered = before[pair[0]].vertices.shape == after[pair[1]].vertices.shape
            matches.append(Match(*pair, motions[pair], "shape", alone and ordered))
            if not any(np.allclose(motions[pair], m, atol=1e-5) for m in known):
                known.append(motions[pair])
    return matches


def _distinct(motions: list[FloatArray]) -> list[FloatArray]:
    found: list[FloatArray] = []
    for motion in motions:
        if not any(np.allclose(motion, other, atol=1e-5) for other in found):
            found.append(motion)
    return found


def _classes(
    before: list[Placed], after: list[Placed], rows: list[int], columns: set[int]
) -> list[tuple[list[int], list[int]]]:
    classes: list[tuple[list[int], list[int]]] = []
    for side, indices in ((0, rows), (1, sorted(columns))):
        parts = (before, after)[side]
        for index in indices:
            for entry in classes:
                first = before[entry[0][0]] if entry[0] else after[entry[1][0]]
                if first.alike(parts[index]):
                    entry[side].append(index)
                    break
            else:
                classes.append(([index], []) if side == 0 else ([], [index]))
    return classes
