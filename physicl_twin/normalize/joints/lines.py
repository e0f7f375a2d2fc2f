"""Lines about which things turn: round faces of different pieces on one axis that hold each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.contact import touch_distance
from physicl_twin.normalize.joints.cylinders import Cylinder
from physicl_twin.normalize.joints.scene import Scene
from physicl_twin.normalize.joints.twist import Twist

#: Axes are one when they agree to within this cosine (1°) …
_PARALLEL = float(np.cos(np.radians(1.0)))
#: … and are apart by at most this share of the smaller radius, metres at least and at most (judgement: play of a pin).
_APART, _APART_LEAST_M, _APART_MOST_M = 0.10, 1e-4, 5e-4
#: A pin is looser in its hole than this share of the hole's radius when it is no bearing (judgement).
_LOOSE = 0.30
#: Knuckles of a hinge have radii within this ratio and gaps along the axis up to this share of the radius (judgement).
_KNUCKLE_RATIO, _KNUCKLE_GAP = 1.15, 0.6
#: A knuckle's radius is at most this share of the object's diagonal: a jar and its lid are none (judgement).
_KNUCKLE_RADIUS = 0.08
#: Places along a pin at which it may be in something: a bracket of a two hundredth of a long axle is not missed.
_PLACES = 257


@dataclass(frozen=True, slots=True)
class Hold:
    """Two pieces on one line, one of which holds the other.

    Attributes:
        a: Index of one piece (the pin, when there is one).
        b: Index of the other.
        how: ``pin`` in a hole, ``knuckle`` beside a knuckle, ``stuck`` in something without a hole, or ``butt``: round
            and against something flat.
        low: Where they hold each other along the line, from its point.
        high: Where that ends.
        radius: Of the pin or of the smaller one, metres.
        clearance: Hole's radius less the pin's, metres; 0 when unknown.
    """

    a: int
    b: int
    how: str
    low: float
    high: float
    radius: float
    clearance: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """An axis with the round faces on it and who holds whom.

    Attributes:
        twist: The turn about it.
        cylinders: Round faces on it.
        holds: Pairs.
    """

    twist: Twist
    cylinders: tuple[Cylinder, ...]
    holds: tuple[Hold, ...]

    @property
    def pieces(self) -> frozenset[int]:
        """Pieces with round faces on it."""
        return frozenset(one.piece for one in self.cylinders)

    @property
    def pairs(self) -> frozenset[tuple[int, int]]:
        """Pairs of pieces that hold each other, other than by standing against each other."""
        return frozenset((min(h.a, h.b), max(h.a, h.b)) for h in self.holds if h.how != "butt")

    def along(self, points: FloatArray) -> FloatArray:
        """(N,) coordinates of points along the line."""
        return np.asarray((points - self.twist.point) @ self.twist.axis)


def lines_of(scene: Scene) -> list[Line]:
    """All lines on which pieces hold each other."""
    remaining = list(scene.cylinders)
    lines: list[Line] = []
    while remaining:
        seed = remaining[0]
        mine = [one for one in remaining if _coaxial(seed, one)]
        remaining = [one for one in remaining if not any(one is other for other in mine)]
        if len({one.piece for one in mine}) < 2 and not _sticks(scene, mine):
            continue
        line = _line(scene, mine)
        if line.holds:
            lines.append(line)
    return lines


def _coaxial(one: Cylinder, other: Cylinder) -> bool:
    if abs(float(one.axis @ other.axis)) < _PARALLEL:
        return False
    arm = other.point - one.point
    apart = float(np.linalg.norm(arm - (arm @ one.axis) * one.axis))
    return apart <= float(np.clip(_APART * min(one.radius, other.radius), _APART_LEAST_M, _APART_MOST_M))


def _sticks(scene: Scene, cylinders: Sequence[Cylinder]) -> bool:
    """True when a pin of one piece is in another that has no round face there."""
    piece = cylinders[0].piece
    return any(one.convex for one in cylinders) and any(piece in (c.a, c.b) for c in scene.contacts)


def _line(scene: Scene, cylinders: Sequence[Cylinder]) -> Line:
    longest = max(cylinders, key=lambda one: one.length * min(one.coverage, 6.0))
    twist = Twist("revolute", longest.axis / np.linalg.norm(longest.axis), longest.point)
    spans = []
    for one in cylinders:
        middle = float((one.point - twist.point) @ twist.axis)
        spans.append((middle + one.low, middle + one.high))
    holds: list[Hold] = []
    for i, one in enumerate(cylinders):
        for j, other in enumerate(cylinders):
            if one.piece == other.piece or not one.convex:
                continue
            low, high = max(spans[i][0], spans[j][0]), min(spans[i][1], spans[j][1])
            if not other.convex and high > low:
                slack = other.radius - one.radius
                if -0.05 * other.radius <= slack <= _LOOSE * other.radius:
                    holds.append(Hold(one.piece, other.piece, "pin", low, high, one.radius, max(slack, 0.0)))
                    key = one.piece, other.piece
                    scene.held[key] = scene.held.get(key, 0.0) + high - low
            elif other.convex and j > i:
                ratio = max(one.radius, other.radius) / min(one.radius, other.radius)
                slim = min(one.radius, other.radius) <= _KNUCKLE_RADIUS * scene.size
                if slim and ratio <= _KNUCKLE_RATIO and 0 <= low - high + 1e-5 <= _KNUCKLE_GAP * one.radius + 1e-5:
                    middle = 0.5 * (low + high)
                    holds.append(Hold(one.piece, other.piece, "knuckle", middle, middle, min(one.radius, other.radius)))
    known = {frozenset((h.a, h.b)) for h in holds}
    mine = {one.piece for one in cylinders}
    for contact in scene.contacts:
        pair = frozenset((contact.a, contact.b))
        if pair & mine and pair not in known and not contact.knotted and contact.slides(twist):
            deep = float(contact.depths.max()) > touch_distance(scene.pieces[contact.a], scene.pieces[contact.b])
            holds += _stuck(scene, contact.a, contact.b, cylinders, spans, twist, "stuck" if deep else "butt")
    return Line(twist, tuple(cylinders), tuple(holds))


def _stuck(
    scene: Scene,
    a: int,
    b: int,
    cylinders: Sequence[Cylinder],
    spans: Sequence[tuple[float, float]],
    twist: Twist,
    how: str,
) -> list[Hold]:
    """A pin that is in or against something: its axis passes through the other's bounds there."""
    found = []
    for one, other in ((a, b), (b, a)):
        for cylinder, (low, high) in zip(cylinders, spans, strict=True):
            if cylinder.piece != one or not cylinder.convex:
                continue
            ends = twist.point + np.outer(np.linspace(low - 1e-4, high + 1e-4, _PLACES), twist.axis)
            bounds = scene.pieces[other].bounds
            near = ((ends >= bounds[0] - 1e-4) & (ends <= bounds[1] + 1e-4)).all(axis=1)
            if near.any():
                at = np.linspace(low, high, _PLACES)[near]
                found.append(Hold(one, other, how, float(at.min()), float(at.max()), cylinder.radius))
                break
    return found[:1]
