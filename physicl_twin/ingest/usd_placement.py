"""Where the joints of a USD stage stand, measured on the frames of its bodies, and the inertia behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from physicl_twin.ingest.raw import RawBody
from physicl_twin.ingest.usd_joints import StageJoint
from physicl_twin.ingest.usd_tree import scaled_gain
from physicl_twin.model import Joint, Note, Pose
from physicl_twin.model.geometry import FloatArray

_AXES = {"x": 0, "y": 1, "z": 2}
#: Frames of a joint that miss each other by less are the rounding of a file and are made to meet (judgement): metres,
#: radians.
_ROUNDING_M, _ROUNDING_RAD = 1e-3, 1e-2
#: A stated coordinate that differs more from the frames is wrong (judgement), radians or metres.
_STATE_SLACK = 1e-2


def place(joints: list[StageJoint], frames: dict[str, FloatArray]) -> set[str]:
    """Set the coordinates at which joints stand, and let their frames meet there exactly.

    A coordinate that the stage states counts where it is within the limits, as in PhysX; else it is measured on the
    frames of the bodies. A body that stands where its joint does not let it be is put where engines put it when they
    start: at the end of its joint, with everything behind it.

    Args:
        joints: Of the tree, parents first, then those that close loops; changed in place.
        frames: (4, 4) pose of every body by name, metres, the world's the identity; changed in place.

    Returns:
        Names of the bodies that were put elsewhere.
    """
    moved: set[str] = set()
    for made in joints:
        joint = made.joint
        relative = (
            np.linalg.inv(frames[joint.body0] @ joint.pose0.matrix()) @ frames[joint.body1] @ joint.pose1.matrix()
        )
        if joint.closes_loop:
            made.joint = replace(joint, position=_coordinate(joint, relative, None))
        elif joint.type == "fixed" and joint.body0 == "":
            _anchor(made, frames[joint.body1], relative)
        else:
            moved |= _settle(made, joints, frames, relative)
        drive = made.joint.drive
        if drive is not None and drive.mode == "force":
            made.joint = replace(made.joint, drive=replace(drive, target=0.0))
    return moved


def _anchor(made: StageJoint, frame: FloatArray, relative: FloatArray) -> None:
    """A joint that holds a body to the world holds it where it stands."""
    shift, turn = _apart(relative)
    if shift > _ROUNDING_M or turn > _ROUNDING_RAD:
        message = (
            f"The joint {made.joint.name!r} holds its body {_gap(shift, turn)} from where it stands; it stays there."
        )
        made.notes.append(Note("anchor_moved", "info", message, "It stays where it stands."))
    made.joint = replace(made.joint, pose0=Pose.from_matrix(frame @ made.joint.pose1.matrix()))


def _settle(
    made: StageJoint, joints: list[StageJoint], frames: dict[str, FloatArray], relative: FloatArray
) -> set[str]:
    """Coordinate of a joint of the tree; the bodies that had to move for it."""
    joint, measured = made.joint, _coordinate(made.joint, relative, made.state)
    position = measured
    if made.state is not None and abs(measured - made.state) > _STATE_SLACK:
        inside = _low(joint) - 1e-6 <= made.state <= _high(joint) + 1e-6
        position = made.state if inside else measured
        counts = "the statement counts" if inside else "which is outside of its limits; the bodies count"
        message = f"The joint {joint.name!r} states the coordinate {made.state:.4g} {made.coordinate} but its bodies "
        message += f"stand at {measured:.4g}; {counts}."
        made.notes.append(Note("joint_state_disagrees", "warning", message))
    left = np.linalg.inv(motion(joint, position)) @ relative
    if joint.type == "spherical":
        left[:3, :3] = np.eye(3)
    made.joint = joint = replace(joint, position=position)
    shift, turn = _apart(left)
    if shift <= _ROUNDING_M and turn <= _ROUNDING_RAD:
        if joint.type != "spherical":
            made.joint = replace(joint, pose1=Pose.from_matrix(joint.pose1.matrix() @ np.linalg.inv(left)))
        return set()
    if position == measured:
        message = (
            f"The two frames of the joint {joint.name!r} are {_gap(shift, turn)} apart; {joint.body1!r} is put where "
        )
        message += "the joint holds it, as engines do."
        made.notes.append(Note("joint_frames_disagree", "warning", message))
    turned = frames[joint.body0] @ joint.pose0.matrix() @ motion(joint, position)
    if joint.type == "spherical":
        turned[:3, :3] = (frames[joint.body1] @ joint.pose1.matrix())[:3, :3]
    step = turned @ np.linalg.inv(joint.pose1.matrix()) @ np.linalg.inv(frames[joint.body1])
    behind = bodies_behind(joint.body1, joints)
    for body in behind:
        frames[body] = step @ frames[body]
    return behind


def bodies_behind(body: str, joints: list[StageJoint]) -> set[str]:
    """A body and all that hang on it in the tree."""
    found: set[str] = set()
    waiting = [body]
    while waiting:
        here = waiting.pop()
        found.add(here)
        tree = (made.joint for made in joints if not made.joint.closes_loop)
        waiting += [joint.body1 for joint in tree if joint.body0 == here and joint.body1 not in found]
    return found


def _apart(left: FloatArray) -> tuple[float, float]:
    """Length and angle of what keeps two frames apart, metres and radians."""
    turn = math.acos(max(-1.0, min(1.0, (float(np.trace(left[:3, :3])) - 1.0) / 2.0)))
    return float(np.linalg.norm(left[:3, 3])), turn


def _gap(shift: float, turn: float) -> str:
    return f"{shift * 1000:.4g} mm and {math.degrees(turn):.3g} degrees"


def _low(joint: Joint) -> float:
    return -math.inf if joint.lower is None else joint.lower


def _high(joint: Joint) -> float:
    return math.inf if joint.upper is None else joint.upper


def _coordinate(joint: Joint, relative: FloatArray, state: float | None) -> float:
    """Coordinate along or about the axis; of the full turns the one nearest to the state, else inside of the limits."""
    axis = _AXES[joint.axis]
    if joint.type == "prismatic":
        return float(relative[axis, 3])
    if joint.type != "revolute":
        return 0.0
    b, c = (axis + 1) % 3, (axis + 2) % 3
    angle = math.atan2(relative[c, b] - relative[b, c], relative[b, b] + relative[c, c])
    if state is not None:
        return angle + 2 * math.pi * round((state - angle) / (2 * math.pi))
    for turn in (0.0, 2 * math.pi, -2 * math.pi):
        if _low(joint) - 1e-6 <= angle + turn <= _high(joint) + 1e-6:
            return angle + turn
    return angle


def motion(joint: Joint, coordinate: float) -> FloatArray:
    """(4, 4) what a joint does to its frame at a coordinate."""
    moved, axis = np.eye(4), _AXES[joint.axis]
    if joint.type == "revolute":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        moved[b, b] = moved[c, c] = math.cos(coordinate)
        moved[c, b], moved[b, c] = math.sin(coordinate), -math.sin(coordinate)
    elif joint.type == "prismatic":
        moved[axis, 3] = coordinate
    return moved


def with_inertia(
    made: StageJoint, joints: list[StageJoint], bodies: Mapping[str, RawBody], frames: Mapping[str, FloatArray]
) -> None:
    """Turn the gains of an acceleration drive into those of a force drive.

    The inertia is that of everything behind the joint about its axis (of a slide the mass), in the pose of the stage:
    the diagonal of the mass matrix, which is what an engine scales such gains with. Without all masses there the drive
    is left out.
    """
    drive = made.joint.drive
    if drive is None or not made.accelerates:
        return
    behind = bodies_behind(made.joint.body1, joints)
    stated = {name: bodies[name].mass_properties for name in sorted(behind)}
    inertia = 0.0
    axis_frame = frames[made.joint.body1] @ made.joint.pose1.matrix()
    axis, point = axis_frame[:3, _AXES[made.joint.axis]], axis_frame[:3, 3]
    for name, properties in stated.items():
        if properties is None:
            what = f"The drive of the joint {made.joint.name!r} is left out: its gains are per unit of inertia, and "
            what += f"the asset does not state that of {name!r}."
            made.notes.append(Note("drive_left_out", "warning", what))
            made.joint = replace(made.joint, drive=None)
            return
        frame, mass = frames[name], properties.mass.value
        if made.joint.type == "prismatic":
            inertia += mass
            continue
        arm = frame[:3, :3] @ np.array(properties.com_m) + frame[:3, 3] - point
        tensor = frame[:3, :3] @ np.array(properties.inertia_kgm2) @ frame[:3, :3].T
        inertia += float(axis @ tensor @ axis) + mass * float(arm @ arm - (arm @ axis) ** 2)
    stiffness = scaled_gain(drive.stiffness, inertia, drive.stiffness.unit)
    damping = scaled_gain(drive.damping, inertia, drive.damping.unit)
    made.joint = replace(made.joint, drive=replace(drive, stiffness=stiffness, damping=damping))
    message = (
        f"The drive of {made.joint.name!r} states accelerations; they are multiplied by {inertia:.4g}, the inertia "
    )
    message += "behind it in this pose."
    made.notes.append(Note("drive_converted", "info", message))
