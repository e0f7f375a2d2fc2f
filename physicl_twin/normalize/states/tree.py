"""Which group hangs on which: the spanning tree whose joints are simplest, nearest and turn where the bodies meet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.motion import MotionType
from physicl_twin.normalize.states.grouping import Group
from physicl_twin.normalize.states.registration import inverse
from physicl_twin.normalize.states.screw import Screw, common_screw

#: How much each kind of joint costs (judgement: in nats, rare ones more).
KIND_COST: dict[MotionType, float] = {
    "fixed": 0.5,
    "prismatic": 1.0,
    "revolute": 1.0,
    "screw": 4.0,
    "spherical": 3.0,
    "free": 9.0,
}
#: Costs of bodies that are apart, and of an axis that is far from where they meet, by the share of the smaller body's
#: size (judgement: joined bodies stay near each other in every state, and a hinge lies between them).
GAP_COST, _AXIS_COST, MOST = 25.0, 25.0, 5.0
#: What does not hang on the base itself costs a little (judgement).
NOT_BASE = 0.6
#: Costs of other parents weigh against the chosen one by this many nats a unit (judgement).
_SHARPNESS = 4.0
#: Points on the axis that are looked at, and points of a body.
_ALONG, _POINTS = 41, 1500


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A joint between two groups.

    Attributes:
        parent: Number of one.
        child: Number of the other.
        screw: The child's motion against the parent, in the main state's frame.
        cost: How far-fetched it is; 1 is a plain hinge or slide on the base.
        share: Of belief among all groups that the child could hang on.
    """

    parent: int
    child: int
    screw: Screw
    cost: float
    share: float = 1.0


def spanning_tree(groups: list[Group], tolerance_m: float) -> list[Edge]:
    """Edges from the base (group 0) outwards, parents before children (R. Prim, Bell System Tech. J. 36, 1957)."""
    costs: dict[tuple[int, int], Edge] = {}

    def edge(parent: int, child: int) -> Edge:
        if (parent, child) not in costs:
            costs[parent, child] = _edge(groups, parent, child, tolerance_m)
        return costs[parent, child]

    inside, outside, tree = [0], list(range(1, len(groups))), []
    while outside:
        best = min((edge(p, c) for p in inside for c in outside), key=lambda e: (round(e.cost, 6), e.parent, e.child))
        tree.append(best)
        inside.append(best.child)
        outside.remove(best.child)
    return [_weighed(one, tree, edge) for one in tree]


def joined(groups: list[Group], edge: Edge) -> list[Group]:
    """The groups with the two of an edge made one; the base stays first."""
    parent = groups[edge.parent]
    one = Group((*parent.parts, *groups[edge.child].parts), parent.motions)
    return [one if number == edge.parent else group for number, group in enumerate(groups) if number != edge.child]


def _weighed(edge: Edge, tree: list[Edge], of: Callable[[int, int], Edge]) -> Edge:
    """The edge with its share of belief against the other parents that would leave a tree."""
    below = {edge.child}
    for one in tree:
        if one.parent in below:
            below.add(one.child)
    others = [one for one in {0, *(e.child for e in tree)} if one not in below]
    # What moves alike without touching (two drawers) hangs on the base each: one is no rival parent of the other.
    rivals = [of(parent, edge.child) for parent in others]
    weights = [
        math.exp(-_SHARPNESS * (rival.cost - edge.cost))
        for rival in rivals
        if rival.parent == edge.parent or rival.screw.type != "fixed"
    ]
    return Edge(edge.parent, edge.child, edge.screw, edge.cost, 1.0 / sum(weights))


def _edge(groups: list[Group], parent: int, child: int, tolerance_m: float) -> Edge:
    a, b = groups[parent], groups[child]
    relative = [inverse(one) @ other for one, other in zip(a.motions, b.motions, strict=True)]
    screw = common_screw(relative, b.points, tolerance_m)
    size = min(a.size, b.size)
    cost = KIND_COST[screw.type] + (NOT_BASE if parent else 0.0)
    gap = max(_gap(a, b, np.eye(4)), *(_gap(a, b, motion) for motion in relative))
    cost += min(MOST, GAP_COST * gap / size)
    if screw.type in ("revolute", "screw"):
        cost += min(MOST, _AXIS_COST * _axis_distance(a, b, screw) / size)
    return Edge(parent, child, screw, cost)


def _gap(a: Group, b: Group, motion: FloatArray) -> float:
    """Least distance between two groups when the second is displaced, metres."""
    back = inverse(motion)
    there = _few(b.points) @ motion[:3, :3].T + motion[:3, 3]
    here = _few(a.points) @ back[:3, :3].T + back[:3, 3]
    return min(float(a.distance(there).min()), float(b.distance(here).min()))


def _axis_distance(a: Group, b: Group, screw: Screw) -> float:
    """How far the nearest place of the axis is from the farther of the two bodies, metres."""
    reach = 0.75 * b.size
    middle = float(screw.axis @ (b.points.mean(axis=0) - screw.point))
    steps = np.linspace(middle - reach, middle + reach, _ALONG)
    places = screw.point + steps[:, None] * screw.axis
    return float(np.maximum(a.distance(places), b.distance(places)).min())


def _few(points: FloatArray) -> FloatArray:
    return points if len(points) <= _POINTS else points[np.linspace(0, len(points) - 1, _POINTS).astype(int)]
