"""Joints: bodies that exist, frames that agree, where they stand, and that the record says the same."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.model import Joint, Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.joints import passive
from physicl_twin.validate.checks.mechanism import StageMechanism
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.joint_view import JointView, coordinate_between, motion, resistance
from physicl_twin.validate.subject import Subject

_REBUILD = "Correct the joint in the source, then build the twin again."
_KINDS = ("fixed", "revolute", "prismatic", "spherical")
#: Roll-ups of several checks.
_NONE = "There are no joints."


@check("joints.targets", "Every joint joins rigid bodies that exist", _REBUILD)
def targets(subject: Subject) -> Findings:
    """One target a side at most, at least one rigid body, nothing joined to itself; the root prim is the world."""
    found = Findings()
    bodies = {body.path for body in subject.all_bodies}
    world = str(subject.root.GetPath())
    for joint in subject.joints:
        found.require(joint.type in _KINDS, joint.name, f"{joint.type} is no joint that every engine has.")
        found.require(all(len(side) <= 1 for side in joint.bodies), joint.name, "A side has several bodies.")
        named = [side[0] for side in joint.bodies if side and side[0] != world]
        found.require(bool(named), joint.name, "It joins nothing.")
        for path in named:
            found.require(path in bodies, joint.name, f"{path} is not a rigid body.")
        found.require(len(set(named)) == len(named), joint.name, "It joins a body to itself.")
    found.summary = f"{len(subject.joints)} joints." if subject.joints else _NONE
    return found


@check("joints.frames", "A joint's two frames meet at its coordinate", _REBUILD)
def frames(subject: Subject) -> Findings:
    """Both local frames give one world frame once the joint's own motion is taken out.

    Else the first step tears the bodies together: what is off across the motion of the joint, a gap or a turn.
    """
    found = Findings()
    if not subject.joints:
        found.summary = _NONE
        return found
    mechanism = StageMechanism.of(subject)
    worst_m, worst_deg = 0.0, 0.0
    for joint in subject.joints:
        first, second = mechanism.world_frames(joint)
        relative = np.linalg.inv(first) @ second
        at = coordinate_between(joint.type, joint.axis, relative)
        left = np.linalg.inv(motion(joint.type, joint.axis, at)) @ relative
        gap = float(np.linalg.norm(left[:3, 3]))
        angle = 0.0 if joint.type == "spherical" else _turn_deg(left[:3, :3])
        worst_m, worst_deg = max(worst_m, gap), max(worst_deg, angle)
        found.require(gap <= subject.number("joint_gap_max_m"), joint.name, f"They are {gap:.4g} m apart.")
        limit = subject.number("joint_angle_max_deg")
        found.require(angle <= limit, joint.name, f"They are turned by {angle:.3g}° against each other.")
    found.summary = f"Within {worst_m:.2g} m and {worst_deg:.2g}°."
    return found


def _turn_deg(rotation: FloatArray) -> float:
    """Angle of a rotation matrix, degrees; exact also for small ones."""
    skew = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    return math.degrees(math.atan2(float(np.linalg.norm(skew)), float(np.trace(rotation)) - 1))


@check("joints.state", "The joint state is where the bodies stand", _REBUILD)
def state(subject: Subject) -> Findings:
    """The authored position of each joint against the coordinate that the poses of its bodies give."""
    found = Findings()
    count = 0
    for joint in subject.joints:
        if not joint.moving:
            continue
        stands = StageMechanism.of(subject).measured(joint)
        if joint.position is None:
            ok = abs(_wrapped(joint, stands)) <= _tolerance(subject, joint)
            found.require(ok, joint.name, f"No state is authored, but its bodies stand at {_said(joint, stands)}.")
            continue
        count += 1
        off = abs(_wrapped(joint, joint.position - stands))
        text = f"The state says {_said(joint, joint.position)}, the bodies stand at {_said(joint, stands)}."
        found.require(off <= _tolerance(subject, joint), joint.name, text)
    found.summary = f"{count} joints with a state." if subject.joints else _NONE
    return found


def _wrapped(joint: JointView, difference: float) -> float:
    return math.remainder(difference, 2 * math.pi) if joint.type == "revolute" else difference


def _tolerance(subject: Subject, joint: JointView) -> float:
    if joint.type == "prismatic":
        return subject.number("joint_gap_max_m")
    return math.radians(subject.number("joint_angle_max_deg"))


def _said(joint: JointView, value: float) -> str:
    return f"{value:.4g} m" if joint.type == "prismatic" else f"{math.degrees(value):.4g}°"


@check("joints.recorded", "The joints on the stage are those of the record, number by number", _REBUILD)
def recorded(subject: Subject) -> Findings:
    """Names, types, bodies, frames, limits, state, drives and what engines' variants say, all in SI units."""
    found = Findings()
    own = [joint for joint in subject.joints if not joint.anchor]
    stage, record = {joint.name for joint in own}, {joint.name for joint in subject.twin.joints}
    found.require(not stage - record, "", f"The record does not know {_listed(stage - record)}.")
    found.require(not record - stage, "", f"The stage lacks {_listed(record - stage)}.")
    found.require(len(own) == len(stage), "", "Two joints of the stage have one name.")
    count = 0
    names = {view.path: body.name for view, body in subject.pairs} if subject.twin.joints else {}
    held = {view.path: view.name for view in subject.all_bodies if view.held}
    for view, joint in subject.joint_pairs:
        if not found.require(view.type == joint.type, joint.name, f"It is {view.type}, in the record {joint.type}."):
            continue
        for side, path, wanted in ((0, view.body0, joint.body0), (1, view.body1, joint.body1)):
            said = names.get(path, held.get(path, ""))
            if wanted or path in names:
                found.require(said == wanted, joint.name, f"Its body {side} is {said!r}, in the record {wanted!r}.")
        count += _compare(found, subject, view, joint)
    found.summary = f"{len(record)} joints, {count} numbers." if record else _NONE
    return found


def _compare(found: Findings, subject: Subject, view: JointView, joint: Joint) -> int:
    """Compare frames and numbers of one joint; returns how many."""
    for side, (told, wanted) in enumerate(zip(view.poses, (joint.pose0, joint.pose1), strict=True)):
        gap, turn = _apart(view, told, wanted, joint)
        limit = subject.number("joint_gap_max_m")
        found.require(gap <= limit, joint.name, f"Its frame {side} is {gap:.3g} m off the record's.")
        most = subject.number("joint_angle_max_deg")
        found.require(turn <= most, joint.name, f"Its frame {side} is turned by {turn:.3g}° against the record's.")
    pairs: list[tuple[str, float | None, float | None]] = []
    if view.moving:
        pairs += [("lower limit", view.lower, joint.lower), ("upper limit", view.upper, joint.upper)]
        pairs += [("position", view.position or 0.0, joint.position)]
    pairs += _drive_pairs(view, joint)
    for runtime, (stage, _) in subject.runtimes.items():
        says = resistance(stage, view, runtime)
        for quantity in ("armature", "friction", "damping", "max_velocity"):
            estimate = getattr(joint, quantity)
            if quantity in says and estimate is not None:
                pairs.append((f"{quantity.replace('_', ' ')} for {runtime}", says[quantity], estimate.value))
            elif quantity in says and says[quantity] != 0:
                pairs.append((f"{quantity.replace('_', ' ')} for {runtime}", says[quantity], None))
    tolerance = subject.number("joint_relative_tolerance")
    for name, on_stage, in_record in pairs:
        if on_stage is None or in_record is None:
            same = on_stage is in_record
        else:
            same = abs(on_stage - in_record) <= tolerance * max(abs(in_record), subject.number("joint_gap_max_m"))
        text = f"Its {name} is {_or_none(on_stage)} on the stage, {_or_none(in_record)} in the record (SI units)."
        found.require(same, joint.name, text)
    return len(pairs) + 2


def _apart(view: JointView, told: Pose, wanted: Pose, joint: Joint) -> tuple[float, float]:
    """Gap (m) and turn (degrees) between a frame of the stage and of the record.

    A spherical joint's frames may be turned, as engines want its axis along x: only its axis is compared.
    """
    gap = float(np.linalg.norm(np.array(told.position_m) - np.array(wanted.position_m)))
    if joint.type == "spherical":
        first, second = told.rotation()[:, view.axis], wanted.rotation()[:, "xyz".index(joint.axis)]
        return gap, math.degrees(math.atan2(float(np.linalg.norm(np.cross(first, second))), float(first @ second)))
    if joint.type != "fixed" and view.axis != "xyz".index(joint.axis):
        return gap, 90.0
    return gap, _turn_deg(told.rotation().T @ wanted.rotation())


def _drive_pairs(view: JointView, joint: Joint) -> list[tuple[str, float | None, float | None]]:
    """(name, on the stage, in the record) of drives: the record's, else its passive spring and damper."""
    found: list[tuple[str, float | None, float | None]] = []
    if joint.type == "fixed" or joint.mimic is not None or (view.excluded and not view.drives):
        return found
    drive = None if passive(joint) else joint.drive
    spring, damper = joint.stiffness, joint.damping
    for told in view.drives:
        stiffness = drive.stiffness.value if drive else spring.value if spring else 0.0
        damping = drive.damping.value if drive else damper.value if damper else 0.0
        found += [("drive stiffness", told.stiffness, stiffness), ("drive damping", told.damping, damping)]
        if drive is None:
            continue
        limit = drive.max_force or joint.max_force
        found.append(("drive force", told.max_force, limit.value if limit is not None else None))
        velocity = drive.mode == "velocity"
        target = told.target_velocity if velocity else told.target
        found.append(("drive target", target, drive.target))
    if drive is not None and not view.drives:
        found.append(("drive stiffness", None, drive.stiffness.value))
    return found


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:4]
    return ", ".join(shown) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _or_none(value: float | None) -> str:
    return "not there" if value is None else f"{value:.6g}"
