"""Wheels and knobs without an axle: discs that are named so, or that stand on the ground in pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from physicl_twin.normalize.joints.candidate import Candidate
from physicl_twin.normalize.joints.cylinders import Cylinder
from physicl_twin.normalize.joints.groups import Named
from physicl_twin.normalize.joints.lines import Line
from physicl_twin.normalize.joints.pivots import is_round, wheel_features
from physicl_twin.normalize.joints.scene import Group, Scene
from physicl_twin.normalize.joints.twist import Twist

#: Axes are one direction from this cosine on (14°).
_ALIGNED = 0.97


def spins(scene: Scene, lines: Sequence[Line], named: Sequence[Named], loose: Sequence[Group]) -> list[Candidate]:
    """Candidates of groups that no line holds."""
    held = {index for line in lines for pair in line.pairs for index in pair}
    groups: dict[Group, bool] = {
        one.group: True
        for one in named
        if scene.table.roles[one.meaning.role].symmetric and not _is_held(scene, one.group, lines)
    }
    for group in loose:
        if not group & held:
            groups.setdefault(group, False)
    found = []
    for group, is_named in groups.items():
        made = _spin(scene, group, is_named)
        if made is not None:
            found.append(made)
    return found


def _is_held(scene: Scene, group: Group, lines: Sequence[Line]) -> bool:
    """True when a line holds the group, other than the stem of a caster that holds a wheel across its axis."""
    own = _own(scene, group)
    mine = [line for line in lines if any(index in group for pair in line.pairs for index in pair)]
    return any(own is None or abs(float(own.axis @ line.twist.axis)) > _ALIGNED for line in mine)


def _own(scene: Scene, group: Group) -> Cylinder | None:
    main = scene.main(group)
    axes = [one for one in scene.cylinders if one.piece == main and one.convex]
    return max(axes, key=lambda one: one.radius) if axes else None


def rolls_otherwise(scene: Scene, candidate: Candidate) -> bool:
    """True for a wheel that is said to turn across its own axis."""
    own = _own(scene, candidate.group)
    if candidate.twist.kind != "revolute" or own is None or abs(float(own.axis @ candidate.twist.axis)) > _ALIGNED:
        return False
    main = frozenset([scene.main(candidate.group)])
    twist = Twist("revolute", own.axis, own.point)
    disc = own.length < 2.0 * own.radius and twist.reach(scene.vertices(main)) < 1.3 * own.radius
    return disc and is_round(scene, main, twist)


def _spin(scene: Scene, group: Group, is_named: bool) -> Candidate | None:
    largest = _own(scene, group)
    if largest is None:
        return None
    twist = Twist("revolute", largest.axis, largest.point)
    if twist.reach(scene.vertices(group)) > 1.6 * largest.radius or not is_round(scene, group, twist):
        return None
    features = wheel_features(scene, group, twist, None)
    if not is_named and "wheel_twins" not in features:
        return None
    step = math.radians(scene.settings.angle_step_deg)
    others = scene.others(group)
    round_about = frozenset(one.piece for one in scene.cylinders)
    pairs = [
        scene.travel(group, others, way, math.pi / 2, 4 * step, round_about, 0.5 * largest.radius)
        for way in (twist, twist.reversed)
    ]
    if min(way.distance for way in pairs) < math.pi / 2 - 1e-6:
        return None
    features |= {"pivot": 1.0, "round": 1.0, "no_axle": 1.0}
    reasons = ("It is a disc without anything that stops it from turning.",)
    return Candidate(group, others, twist, None, None, "spin", features=features, reasons=reasons)
