"""Parts that move together through all states: the rigid groups of a thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.states.matching import Match, Matching
from physicl_twin.normalize.states.placed import Placed
from physicl_twin.normalize.states.registration import explains, tolerance

#: Parts of one rigid piece touch each other; more than this apart, or this share of the larger, they are two pieces
#: that only happen to move alike (judgement: glue and rounding; two drawers' fronts are 3 mm apart).
TOUCHING_M, TOUCHING_SHARE = 5e-4, 2e-3
#: Share of the whole surface that a group must have to be the base because it stands still (judgement).
_STILL_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Group:
    """Parts that move as one.

    Attributes:
        parts: As they stand in the main state.
        motions: (4, 4) displacement in each other state.
    """

    parts: tuple[Placed, ...]
    motions: tuple[FloatArray, ...]

    @cached_property
    def points(self) -> FloatArray:
        """(P, 3) of all parts, main state."""
        return np.concatenate([part.points for part in self.parts])

    @cached_property
    def bounds(self) -> FloatArray:
        """(2, 3) main state."""
        return np.array([self.points.min(axis=0), self.points.max(axis=0)])

    @cached_property
    def size(self) -> float:
        """Diagonal of the bounds, metres."""
        return float(np.linalg.norm(self.bounds[1] - self.bounds[0]))

    @cached_property
    def area(self) -> float:
        """Of the surface, m2."""
        return float(sum(part.features[0] ** 2 for part in self.parts))

    @property
    def still(self) -> bool:
        """True when it is in the same place in every state."""
        return all(shift(np.eye(4), motion, self.points) <= 1e-4 + 1e-5 * self.size for motion in self.motions)

    def distance(self, points: FloatArray) -> FloatArray:
        """(N,) distance to the surface in the main state, metres."""
        squared = self._tree.squared_distance(self._rows[0], self._rows[1], np.ascontiguousarray(points, float))[0]
        distances: FloatArray = np.sqrt(np.maximum(np.asarray(squared, float), 0.0))
        return distances

    @cached_property
    def _rows(self) -> tuple[FloatArray, Any]:
        vertices = np.concatenate([part.vertices for part in self.parts])
        starts = np.cumsum([0, *(len(part.vertices) for part in self.parts)])
        faces = np.concatenate([part.faces + start for part, start in zip(self.parts, starts, strict=False)])
        return np.ascontiguousarray(vertices, dtype=float), np.ascontiguousarray(faces, dtype=np.int64)

    @cached_property
    def _tree(self) -> Any:
        import igl

        tree = igl.AABB()
        tree.init(*self._rows)
        return tree


def shift(a: FloatArray, b: FloatArray, points: FloatArray) -> float:
    """Largest distance between where two motions put points (P, 3)."""
    difference = points @ (a[:3, :3] - b[:3, :3]).T + a[:3, 3] - b[:3, 3]
    return float(np.linalg.norm(difference, axis=1).max())


def group_parts(
    parts: Sequence[Placed], states: Sequence[Sequence[Placed]], matchings: Sequence[Matching]
) -> list[Group]:
    """Rigid groups, the base first; every part is in one.

    A part whose motion is known for sure goes with those of the same motion. One that its symmetry or its twins leave
    unclear goes with the base when standing still explains it, else with a group that explains it.

    Args:
        parts: Of the main state.
        states: Parts of each other state.
        matchings: Of the main state with each.
    """
    found: list[dict[str, Any]] = []
    table = [{match.before: match for match in matching.matches} for matching in matchings]
    order = sorted(range(len(parts)), key=lambda i: (not _sure(table, i), -parts[i].size, i))
    unmatched: list[int] = []
    for i in order:
        seen = [(s, row[i]) for s, row in enumerate(table) if i in row]
        if not seen:
            unmatched.append(i)
            continue
        home = next((g for g in found if _belongs(parts[i], seen, g["motions"], states)), None)
        if home is None:
            home = {"parts": [], "motions": {}}
            found.append(home)
        home["parts"].append(i)
        for s, match in seen:
            home["motions"].setdefault(s, match.motion)
    groups: list[Group] = []
    for entry in found:
        motions = tuple(entry["motions"].get(s, np.eye(4)) for s in range(len(states)))
        groups.append(Group(tuple(parts[i] for i in sorted(entry["parts"])), motions))
    for i in unmatched:
        groups = _with_nearest(groups, parts[i])
    return _split_apart(_base_first(groups))


def _sure(table: Sequence[dict[int, Match]], part: int) -> bool:
    return all(row[part].sure for row in table if part in row)


def _belongs(
    part: Placed, seen: list[tuple[int, Match]], motions: dict[int, FloatArray], states: Sequence[Sequence[Placed]]
) -> bool:
    for s, match in seen:
        if s not in motions:
            continue
        if shift(match.motion, motions[s], part.points) <= 2 * tolerance(part):
            continue
        if match.sure or not explains(motions[s], part, states[s][match.after]):
            return False
    return True


def _with_nearest(groups: list[Group], part: Placed) -> list[Group]:
    """The groups with a part that no other state shows, put where it touches."""
    if not groups:
        return [Group((part,), ())]
    nearest = min(range(len(groups)), key=lambda g: float(groups[g].distance(part.points).min()))
    home = groups[nearest]
    return [*groups[:nearest], Group((*home.parts, part), home.motions), *groups[nearest + 1 :]]


def _base_first(groups: list[Group]) -> list[Group]:
    """The largest group that stands still leads, or the largest of all when that is a trifle."""
    whole = sum(group.area for group in groups)
    still = [group for group in groups if group.still and group.area >= _STILL_SHARE * whole]
    base = max(still or groups, key=lambda group: group.area)
    return [base, *(group for group in groups if group is not base)]


def _split_apart(groups: list[Group]) -> list[Group]:
    """Groups other than the base in pieces that touch: what only happens to move alike is not one body."""
    found = [groups[0]]
    for group in groups[1:]:
        waiting = list(group.parts)
        while waiting:
            piece = [waiting.pop(0)]
            for part in piece:
                near = [other for other in waiting if _touch(part, other)]
                piece += near
                waiting = [other for other in waiting if other not in near]
            found.append(Group(tuple(part for part in group.parts if part in piece), group.motions))
    return found


def _touch(a: Placed, b: Placed) -> bool:
    limit = TOUCHING_M + TOUCHING_SHARE * min(a.size, b.size)
    low = np.maximum(a.vertices.min(axis=0), b.vertices.min(axis=0)) - limit
    high = np.minimum(a.vertices.max(axis=0), b.vertices.max(axis=0)) + limit
    if (low > high).any():
        return False
    if a.distance(b.points).min() <= limit or b.distance(a.points).min() <= limit:
        return True
    return a.holds(b.points) or b.holds(a.points)
