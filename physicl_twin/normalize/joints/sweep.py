"""How far a group moves before it touches: sweeps of the real meshes, points of each side against the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.pieces import Piece
from physicl_twin.normalize.joints.twist import Twist

#: Coordinates that are tried at once.
_CHUNK = 8
#: Halvings of the step in which it touches: a step of 2° ends at 0.03°.
_HALVINGS = 6
#: A facet of a round face reaches this share of its radius into a round hole (judgement: 10 facets, cos 18°).
FACET = 0.05


@dataclass(frozen=True, slots=True)
class Travel:
    """How far it went.

    Attributes:
        distance: Radians or metres, not beyond what was asked.
        stopped_by: Index of the piece that it touched; -1 when nothing did.
    """

    distance: float
    stopped_by: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two pieces that may collide, and how deep they may be in each other before it counts, metres."""

    moving: Piece
    still: Piece
    allowed_m: float


def pairs_of(
    moving: Sequence[Piece],
    still: Sequence[Piece],
    twist: Twist,
    tolerance_m: float,
    round_about: frozenset[int],
    round_m: float,
    known_depths: dict[tuple[int, int], float],
) -> list[Pair]:
    """The pairs of a sweep with what each may overlap: as much as it does at the start, and the tolerance.

    Args:
        moving: What moves.
        still: What does not.
        twist: The motion.
        tolerance_m: Depth that does not count.
        round_about: Pieces with round faces about the axis of the twist: their facets may cut each other.
        round_m: Radius of those round faces, metres.
        known_depths: How deep pairs are in each other at the start, as far as known; added to.
    """
    found = []
    for one in moving:
        for other in still:
            key = (min(one.index, other.index), max(one.index, other.index))
            if key not in known_depths:
                known_depths[key] = touching_depth(one, other)
            at_start = known_depths[key]
            thin = min((p.thickness for p in (one, other) if p.thickness > 0), default=np.inf)
            allowed = 1.05 * at_start + min(tolerance_m, 0.25 * thin)
            if twist.kind == "revolute" and one.index in round_about and other.index in round_about:
                allowed += FACET * round_m
            found.append(Pair(one, other, allowed))
    return found


def touching_depth(one: Piece, other: Piece) -> float:
    """How deep two pieces are in each other where they stand, metres."""
    if (one.bounds[0] > other.bounds[1]).any() or (other.bounds[0] > one.bounds[1]).any():
        return 0.0
    return max(
        float(other.depth(one.probes).max(initial=0.0)),
        float(one.depth(other.probes).max(initial=0.0)),
    )


def travel(pairs: Sequence[Pair], twist: Twist, reach: float, step: float) -> Travel:
    """How far the moving pieces go along a twist before they touch.

    Args:
        pairs: From ``pairs_of``.
        twist: Forwards.
        reach: Farthest coordinate that is tried, radians or metres, > 0.
        step: Between coordinates that are tried.
    """
    steps = max(1, int(np.ceil(reach / step)))
    coordinates = np.linspace(0.0, reach, steps + 1)[1:]
    near = _on_the_way(pairs, twist, coordinates)
    before = 0.0
    for start in range(0, steps, _CHUNK):
        for coordinate in coordinates[start : start + _CHUNK]:
            hit = _touched(near, twist, float(coordinate))
            if hit is not None:
                low, high = before, float(coordinate)
                for _ in range(_HALVINGS):
                    middle = 0.5 * (low + high)
                    touched = _touched([hit, *near], twist, middle)
                    low, high, hit = (low, middle, touched) if touched is not None else (middle, high, hit)
                return Travel(low, hit.still.index)
            before = float(coordinate)
    return Travel(reach)


def _on_the_way(pairs: Sequence[Pair], twist: Twist, coordinates: FloatArray) -> list[Pair]:
    """Pairs whose still piece lies in the bounds of what the moving one sweeps."""
    swept: dict[int, FloatArray] = {}
    kept = []
    for pair in pairs:
        number = pair.moving.index
        if number not in swept:
            low, high = pair.moving.bounds
            corners = np.array(
                [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
            )
            at = np.concatenate([corners, *(twist.moved(corners, float(q)) for q in coordinates)])
            # Between two coordinates a corner bulges out of its chord by less than its way over eight, squared angle.
            bulge = 0.0
            if twist.kind == "revolute":
                bulge = twist.reach(corners) * (1 - np.cos(0.5 * float(coordinates[0])))
            swept[number] = np.array([at.min(axis=0) - bulge, at.max(axis=0) + bulge])
        low, high = swept[number]
        if (pair.still.bounds[0] <= high).all() and (pair.still.bounds[1] >= low).all():
            kept.append(pair)
    return kept


def _touched(pairs: Sequence[Pair], twist: Twist, coordinate: float) -> Pair | None:
    """The first pair that is deeper in each other than allowed at a coordinate."""
    moved: dict[int, tuple[FloatArray, FloatArray, FloatArray]] = {}
    back: dict[int, FloatArray] = {}
    for pair in pairs:
        one, other = pair.moving, pair.still
        if one.index not in moved:
            points = twist.moved(one.probes, coordinate)
            moved[one.index] = points, points.min(axis=0), points.max(axis=0)
        points, low, high = moved[one.index]
        if (low > other.bounds[1]).any() or (high < other.bounds[0]).any():
            continue
        if other.depth(points, pair.allowed_m).any():
            return pair
        if other.index not in back:
            back[other.index] = twist.moved_back(other.probes, coordinate)
        if one.depth(back[other.index], pair.allowed_m).any():
            return pair
    return None
