"""Coordinates of joints: limits the right way round, mimics that follow a leader, positions that the limits allow."""

from __future__ import annotations

import math
from dataclasses import replace

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import quoted
from physicl_twin.ingest.mechanism_loops import closed_within_limits
from physicl_twin.model import Joint, Mimic, SourceError

_MOVABLE = ("revolute", "prismatic")
#: Coordinates below this are rounding, radians or metres.
_MOVED = 1e-9


def coordinates_of(joints: tuple[Joint, ...], builder: SceneBuilder) -> tuple[Joint, ...]:
    """Joints with ordered limits, mimics of leaders that follow nobody, and the coordinate next to 0 that is allowed.

    Args:
        joints: As the description states them, at 0. Where some close loops, they stay there if limits allow it.
        builder: Notes of the repairs go there.

    Raises:
        SourceError: ``mimic_cycle``.
    """
    joints = tuple(_ordered(joint, builder) for joint in joints)
    joints = _followers_of_leaders(joints, builder)
    if any(joint.closes_loop for joint in joints):
        return _in_loops(joints, builder)
    placed = {j.name: _nearest_to_zero(j) for j in joints if j.mimic is None}
    for joint in joints:
        if joint.mimic is not None:
            placed[joint.name] = joint.mimic.multiplier * placed[joint.mimic.joint] + joint.mimic.offset
    moved = [f"{name} ({value:.4g})" for name, value in placed.items() if value != 0.0]
    if moved:
        message = f"Joints that may not be at 0 stand at the nearest coordinate that they may have: {quoted(moved)}."
        builder.note("start_moved_into_limits", "info", message)
    return tuple(replace(joint, position=placed[joint.name]) for joint in joints)


def _in_loops(joints: tuple[Joint, ...], builder: SceneBuilder) -> tuple[Joint, ...]:
    """Joints at 0, where the loops are closed; where limits forbid that, at the next pose that closes them."""
    start = {j.name: _nearest_to_zero(j) for j in joints if j.mimic is None}
    outside = [name for name, value in start.items() if value != 0.0]
    if not outside:
        return joints
    found = closed_within_limits(joints, start)
    if found.closed:
        moved = [f"{name} ({value:.4g})" for name, value in found.positions.items() if abs(value) > _MOVED]
        message = f"{quoted(outside)} may not be at 0: joints stand where they may and loops close: {quoted(moved)}."
        builder.note("start_moved_into_limits", "info", message)
        return tuple(replace(joint, position=found.positions[joint.name]) for joint in joints)
    why = (
        f"the limits of {quoted(found.beyond)} forbid it"
        if found.beyond
        else f"a gap of {found.gap:.2g} of the size, or radians, stays"
    )
    message = (
        f"Joints stand outside their limits, where loops hold them: {quoted(outside)}. No pose within all limits was "
        f"found that closes the loops ({why})."
    )
    builder.note("start_outside_limits", "warning", message, "Describe the mechanism in a pose that it can have.")
    return joints


def _ordered(joint: Joint, builder: SceneBuilder) -> Joint:
    if joint.lower is None or joint.upper is None or joint.lower <= joint.upper:
        return joint
    message = f"The limits of {joint.name!r} are inverted ({joint.lower:g} above {joint.upper:g}); they change places."
    builder.note("limits_inverted", "warning", message, "Correct them in the description.")
    return replace(joint, lower=joint.upper, upper=joint.lower)


def _followers_of_leaders(joints: tuple[Joint, ...], builder: SceneBuilder) -> tuple[Joint, ...]:
    """Joints whose mimics name a joint that follows nobody itself."""
    by_name = {joint.name: joint for joint in joints}
    resolved = []
    for joint in joints:
        if joint.mimic is None:
            resolved.append(joint)
            continue
        multiplier, offset, seen, here = 1.0, 0.0, [joint.name], joint
        while here.mimic is not None:
            # q = multiplier · q_here + offset, and q_here = m · q_leader + o.
            offset += multiplier * here.mimic.offset
            multiplier *= here.mimic.multiplier
            leader = by_name.get(here.mimic.joint)
            if leader is None or leader.type not in _MOVABLE:
                break
            if leader.name in seen:
                raise SourceError(
                    "mimic_cycle",
                    f"{builder.path.name}: the joints {quoted(seen)} follow each other in a circle.",
                    "Let one of them lead.",
                )
            seen.append(leader.name)
            here = leader
        if here.mimic is None:
            resolved.append(replace(joint, mimic=Mimic(here.name, multiplier, offset)))
            continue
        message = f"{joint.name!r} follows {here.mimic.joint!r}, which is no joint that moves; it moves by itself."
        builder.note("mimic_without_leader", "warning", message, "Correct the name in the description.")
        resolved.append(replace(joint, mimic=None))
    return tuple(resolved)


def _nearest_to_zero(joint: Joint) -> float:
    if joint.type not in _MOVABLE:
        return 0.0
    low = -math.inf if joint.lower is None else joint.lower
    high = math.inf if joint.upper is None else joint.upper
    return min(max(0.0, low), high)
