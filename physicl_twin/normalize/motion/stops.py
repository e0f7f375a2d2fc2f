"""How much farther a joint goes than it was seen to go: until its bodies touch something."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from physicl_twin.model import Evidence, Joint, Twin
from physicl_twin.normalize.joints.cylinders import cylinders_of
from physicl_twin.normalize.joints.pieces import Piece, pieces_of
from physicl_twin.normalize.joints.settings import JointSettings
from physicl_twin.normalize.joints.sweep import Travel, pairs_of, travel
from physicl_twin.normalize.joints.twist import Twist

#: A round face is about the joint's axis when it is no more off than this.
_OFF_M, _ALONG = 1e-3, math.cos(math.radians(1.0))
#: What goes less than this beyond the range that was seen is rounding and play.
_LEAST_RAD, _LEAST_M = math.radians(0.5), 5e-4


def with_stops(twin: Twin, table: Mapping[str, Any]) -> Twin:
    """The twin with limits as wide as its shapes allow, at least what was seen.

    Each hinge or slide that was fitted is swept both ways from where the file has it, everything that hangs on it
    moving along. Where it is stopped, that is its limit; where nothing stops it, it keeps the range that was seen, and
    a hinge that goes all the way round in both senses has no limits.

    Args:
        twin: With geometry and joints of ``with_states`` or ``with_motion``.
        table: ``[joints]`` of the pipeline.
    """
    settings = JointSettings.from_table(table)
    fitted = [joint for joint in twin.joints if any(reason.kind == "fit" for reason in joint.evidence)]
    if not fitted:
        return twin
    pieces: dict[str, list[Piece]] = {}
    count = 0
    for body in twin.bodies:
        pieces[body.name] = [replace(p, index=p.index + count) for p in pieces_of(twin, body, False, 1)]
        count += len(pieces[body.name])
    if count > settings.max_pieces:
        return twin
    bounds = np.array([p.bounds for found in pieces.values() for p in found])
    size = float(np.linalg.norm(bounds[:, 1].max(axis=0) - bounds[:, 0].min(axis=0)))
    tolerance = float(
        np.clip(settings.tolerance_relative * size, settings.tolerance_least_m, settings.tolerance_most_m)
    )
    depths: dict[tuple[int, int], float] = {}
    swept = {
        joint.name: _widened(twin, joint, pieces, size, tolerance, settings, depths)
        for joint in fitted
        if joint.type in ("revolute", "prismatic") and joint.lower is not None and joint.upper is not None
    }
    return replace(twin, joints=tuple(swept.get(joint.name, joint) for joint in twin.joints))


def _widened(
    twin: Twin,
    joint: Joint,
    pieces: Mapping[str, list[Piece]],
    size: float,
    tolerance_m: float,
    settings: JointSettings,
    depths: dict[tuple[int, int], float],
) -> Joint:
    assert joint.lower is not None and joint.upper is not None
    frame = twin.body(joint.body0).pose.compose(joint.pose0).matrix()
    turns = joint.type == "revolute"
    twist = Twist("revolute" if turns else "prismatic", frame[:3, 2], frame[:3, 3])
    carried = _below(twin, joint.body1)
    moving = [piece for name in carried for piece in pieces[name]]
    still = [piece for name, found in pieces.items() if name not in carried for piece in found]
    if not moving or not still:
        return joint
    rounds = [
        (piece.index, cylinder.radius)
        for piece in (*moving, *still)
        for cylinder in (cylinders_of(piece) if turns else [])
        if abs(float(cylinder.axis @ twist.axis)) > _ALONG
        and float(twist.distances(np.asarray(cylinder.point)[None])[0]) < _OFF_M
    ]
    about, radius = frozenset(index for index, _ in rounds), max((r for _, r in rounds), default=0.0)
    reach, step = (2 * math.pi, math.radians(settings.angle_step_deg)) if turns else (size, size / settings.slide_steps)
    ways: list[Travel] = []
    for way in (twist, twist.reversed):
        pairs = pairs_of(moving, still, way, tolerance_m, about, radius, depths)
        ways.append(travel(pairs, way, reach, step))
    ahead, behind = ways
    if turns and ahead.stopped_by < 0 and behind.stopped_by < 0:
        told = Evidence("geometry", "Swept all the way round both ways it touches nothing: it has no limits.")
        return replace(joint, lower=None, upper=None, evidence=(*joint.evidence, told))
    least = _LEAST_RAD if turns else _LEAST_M
    upper, lower, words = joint.upper, joint.lower, []
    by_index = {piece.index: piece.part for piece in still}
    if ahead.stopped_by >= 0 and ahead.distance > joint.upper + least:
        upper = ahead.distance
        words.append(f"{_said(upper, turns)}, where it touches {by_index[ahead.stopped_by]}")
    if behind.stopped_by >= 0 and -behind.distance < joint.lower - least:
        lower = -behind.distance
        words.append(f"{_said(lower, turns)}, where it touches {by_index[behind.stopped_by]}")
    if not words:
        return joint
    told = Evidence("geometry", f"Swept on from the range that was seen it goes to {' and to '.join(words)}.")
    return replace(joint, lower=lower, upper=upper, evidence=(*joint.evidence, told))


def _below(twin: Twin, body: str) -> set[str]:
    """A body and all that hangs on it."""
    found = {body}
    while True:
        more = {joint.body1 for joint in twin.joints if joint.body0 in found} - found
        if not more:
            return found
        found |= more


def _said(coordinate: float, turns: bool) -> str:
    return f"{math.degrees(coordinate):.1f}°" if turns else f"{1000 * coordinate:.1f} mm"
