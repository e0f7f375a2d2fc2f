"""Coordinates of joints: limits the right way round, mimics that follow a leader, positions that the limits allow."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import quoted
from physicl_twin.model import Joint, Mimic, SourceError
from physicl_twin.model.geometry import FloatArray

_MOVABLE = ("revolute", "prismatic")
_AXES = {"x": 0, "y": 1, "z": 2}


def coordinates_of(joints: tuple[Joint, ...], builder: SceneBuilder) -> tuple[Joint, ...]:
    """Joints with ordered limits, mimics of leaders that follow nobody, and the coordinate next to 0 that is allowed.

    Args:
        joints: As the description states them, at 0. Where one closes a loop, all stay at 0.
        builder: Notes of the repairs go there.

    Raises:
        SourceError: ``mimic_cycle``.
    """
    joints = tuple(_ordered(joint, builder) for joint in joints)
    joints = _followers_of_leaders(joints, builder)
    if any(joint.closes_loop for joint in joints):
        outside = [joint.name for joint in joints if joint.mimic is None and _nearest_to_zero(joint) != 0.0]
        if outside:
            message = f"Joints stand outside their limits, where loops hold them: {quoted(outside)}."
            builder.note(
                "start_outside_limits", "warning", message, "Describe the mechanism in a pose that it can have."
            )
        return joints
    placed = {j.name: _nearest_to_zero(j) for j in joints if j.mimic is None}
    for joint in joints:
        if joint.mimic is not None:
            placed[joint.name] = joint.mimic.multiplier * placed[joint.mimic.joint] + joint.mimic.offset
    moved = [f"{name} ({value:.4g})" for name, value in placed.items() if value != 0.0]
    if moved:
        message = f"Joints that may not be at 0 stand at the nearest coordinate that they may have: {quoted(moved)}."
        builder.note("start_moved_into_limits", "info", message)
    return tuple(replace(joint, position=placed[joint.name]) for joint in joints)


def motion_of(joint: Joint) -> FloatArray:
    """(4, 4) motion of a joint's frame at the joint's position."""
    moved, axis = np.eye(4), _AXES[joint.axis]
    if joint.type == "revolute":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        moved[b, b] = moved[c, c] = math.cos(joint.position)
        moved[c, b], moved[b, c] = math.sin(joint.position), -math.sin(joint.position)
    elif joint.type == "prismatic":
        moved[axis, 3] = joint.position
    return moved


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
