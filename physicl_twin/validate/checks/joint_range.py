"""Ranges of joints: limits in order and in the right unit, bodies that do not run into each other inside of them."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.validate.checks.mechanism import Link, StageMechanism
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.joint_view import JointView
from physicl_twin.validate.subject import Subject

_REBUILD = "Correct the joint in the source, then build the twin again."
_NONE = "There are no joints."
#: Angles that people state: multiples of this, in radians, look like degrees that were never converted.
_ROUND_RAD = math.pi / 12
#: A share of the least extent of what moves by which it may sink into its neighbour at a hinge inside of its edge.
_AT_THE_HINGE = 0.6


@check("joints.limits", "Joint limits are in order and hold the place where the bodies stand", _REBUILD)
def limits(subject: Subject) -> Findings:
    """Lower below upper, a range that is not nothing, no NaN, the pose inside, and degrees where degrees belong."""
    found = Findings()
    count = 0
    for joint in subject.joints:
        low, high = joint.raw_limits
        if not joint.moving or (math.isinf(low) and math.isinf(high) and low < high):
            continue  # free
        count += 1
        said = f"{low:g} to {high:g} {'m' if joint.type == 'prismatic' else '°'}"
        if not found.require(not math.isnan(low) and not math.isnan(high), joint.name, f"{said}: that is no number."):
            continue
        if not found.require(low <= high, joint.name, f"{said}: the lower one is above the upper one."):
            continue
        found.require(low < high, joint.name, f"{said}: it cannot move; a fixed joint would say so.")
        found.require(not _looks_like_radians(joint), joint.name, f"{said}: these are radians, USD wants degrees.")
        stands = _position(subject, joint)
        slack = _slack(subject, joint)
        inside = (joint.lower is None or stands >= joint.lower - slack) and (
            joint.upper is None or stands <= joint.upper + slack
        )
        where = f"{stands:.4g} m" if joint.type == "prismatic" else f"{math.degrees(stands):.4g}°"
        found.require(inside, joint.name, f"{said}, but its bodies stand at {where}.")
    if subject.has_twin:
        for stated in subject.twin.joints:
            if stated.lower is None or stated.upper is None or stated.type not in ("revolute", "prismatic"):
                continue
            text = f"The record says {stated.lower:g} to {stated.upper:g}."
            found.require(stated.lower < stated.upper, stated.name, text)
            inside = stated.lower - 1e-6 <= stated.position <= stated.upper + 1e-6
            found.require(inside, stated.name, f"{text[:-1]} and a position of {stated.position:g}.")
    found.summary = f"{count} of {len(subject.joints)} joints have limits." if subject.joints else _NONE
    return found


def _position(subject: Subject, joint: JointView) -> float:
    """Where the bodies stand: measured, at the turn that the state says, or that is inside the limits."""
    stands = StageMechanism.of(subject).measured(joint)
    if joint.type == "revolute":
        middle = 0.5 * ((joint.lower or 0.0) + (joint.upper or 0.0))
        near = joint.position if joint.position is not None else middle
        stands += 2 * math.pi * round((near - stands) / (2 * math.pi))
    return stands


def _slack(subject: Subject, joint: JointView) -> float:
    if joint.type == "prismatic":
        return subject.number("joint_gap_max_m")
    return math.radians(subject.number("joint_angle_max_deg"))


def _looks_like_radians(joint: JointView) -> bool:
    """True for a revolute joint whose limits, read as degrees, would be a hair, and as radians are round angles."""
    if joint.type != "revolute":
        return False
    ends = [abs(value) for value in joint.raw_limits if value and math.isfinite(value)]
    if not ends or max(ends) > 2 * math.pi + 1e-6:
        return False
    odd = [value for value in ends if abs(value - round(value)) > 1e-4]
    return bool(odd) and all(abs(value / _ROUND_RAD - round(value / _ROUND_RAD)) < 1e-4 for value in odd)


@check(
    "joints.range",
    "Nothing that moves runs into anything inside its range",
    "Narrow the limits to where it touches, or correct the axis or the collision geometry.",
)
def ranges(subject: Subject) -> Findings:
    """Each joint of a prop alone, at places over its range: colliders sink no deeper into each other than they stand.

    A robot's limits do not promise that it cannot touch itself: what touches is counted, and no failure.
    """
    found = Findings(_NONE)
    if not subject.joints:
        return found
    mechanism = StageMechanism.of(subject)
    told = subject.twin.articulation if subject.has_twin else None
    strict = told is None or told.kind != "robot"
    depth_m = subject.number("joint_overlap_ratio") * mechanism.size
    before = _deepest(mechanism, {}, depth_m, None)
    samples, touching, count = int(subject.number("joint_range_samples")), 0, 0
    for link in mechanism.walk[0]:
        joint = link.joint
        if joint is None or not joint.moving or joint.lower is None or joint.upper is None:
            continue
        if not joint.lower < joint.upper:
            continue
        count += 1
        worst: tuple[float, float, tuple[int, int]] | None = None
        for at in np.linspace(joint.lower, joint.upper, samples):
            after = _deepest(mechanism, {joint.path: float(at)}, depth_m, mechanism.subtrees[link.body])
            for pair, depth in after.items():
                allowed = before.get(pair, 0.0) + depth_m + _at_hinge(mechanism, link, pair)
                if depth > allowed and (worst is None or depth - allowed > worst[0]):
                    worst = (depth - allowed, float(at), pair)
        if worst is None:
            continue
        touching += 1
        _, at, (a, b) = worst
        where = f"{1e3 * at:.3g} mm" if joint.type == "prismatic" else f"{math.degrees(at):.3g}°"
        text = f"At {where} {mechanism.name(a)} sinks into {mechanism.name(b)}."
        if strict:
            found.require(False, joint.name, text)
    found.summary = f"{count} joints at {samples} places each."
    if touching and not strict:
        found.summary += f" {touching} of them can make the robot touch itself."
    return found


def _at_hinge(mechanism: StageMechanism, link: Link, pair: tuple[int, int]) -> float:
    """How deep what moves may sink into its neighbour: a leaf turns about an axis inside of its edge."""
    if frozenset(pair) not in mechanism.adjacent:
        return 0.0
    points = mechanism.bodies[link.body].points()
    return _AT_THE_HINGE * float(np.ptp(points, axis=0).min()) if len(points) else 0.0


def _deepest(
    mechanism: StageMechanism, at: dict[str, float], depth_m: float, moved: frozenset[int] | None
) -> dict[tuple[int, int], float]:
    """Depths of pairs of bodies that overlap with joints at some coordinates."""
    found = mechanism.hulls.overlaps(mechanism.poses(at), depth_m, (), moved)
    return {(o.body0, o.body1): o.depth_m for o in found}


@check(
    "joints.overlap",
    "Bodies that are no neighbours do not overlap as they stand",
    "Correct the pose or the collision geometry; or filter the pair, as a build does.",
)
def overlap(subject: Subject) -> Findings:
    """Colliders of bodies that neither meet at a joint nor are filtered are apart: else the first step throws them."""
    from pxr import UsdPhysics

    found = Findings(_NONE)
    if not subject.joints:
        return found
    mechanism = StageMechanism.of(subject)
    filtered: set[frozenset[int]] = set()
    for i, body in enumerate(mechanism.bodies):
        prim = subject.stage.GetPrimAtPath(body.path)
        if prim.HasAPI(UsdPhysics.FilteredPairsAPI):
            for target in UsdPhysics.FilteredPairsAPI(prim).GetFilteredPairsRel().GetTargets():
                known = str(target) in mechanism.index
                # What never moves is no rigid body: it is named by its colliders.
                other = subject.stage.GetPrimAtPath(target)
                still = bool(other) and other.HasAPI(UsdPhysics.CollisionAPI)
                text = f"It is filtered against {target}, which is neither a rigid body nor a collider."
                found.require(known or still, body.name, text)
                if known:
                    filtered.add(frozenset((i, mechanism.index[str(target)])))
    held = {i for i, body in enumerate(mechanism.bodies) if body.held}
    skip = mechanism.adjacent | filtered | {frozenset((a, b)) for a in held for b in held if a != b}
    told = subject.twin.articulation if subject.has_twin else None
    depth_m = subject.number("joint_overlap_ratio") * mechanism.size
    if told is not None and not told.self_collision:
        found.summary = "Its bodies do not collide with each other."
        return found
    poses = mechanism.poses({})
    for item in mechanism.hulls.overlaps(poses, depth_m, skip):
        text = f"It overlaps {mechanism.name(item.body1)} by {1e3 * item.depth_m:.3g} mm."
        found.require(False, mechanism.name(item.body0), text)
    found.summary = f"{len(mechanism.bodies)} bodies, {len(filtered)} pairs filtered."
    return found
