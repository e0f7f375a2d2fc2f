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


def place(made: StageJoint, frames: Mapping[str, FloatArray]) -> None:
    """Set the coordinate at which a joint stands and let its frames meet there exactly.

    Args:
        made: Changed in place.
        frames: (4, 4) pose of every body by name, metres; the world's is the identity.
    """
    joint = made.joint
    first = frames[joint.body0] @ joint.pose0.matrix()
    second = frames[joint.body1] @ joint.pose1.matrix()
    relative = np.linalg.inv(first) @ second
    position = _coordinate(joint, relative, made.state)
    if made.state is not None and abs(position - made.state) > _STATE_SLACK:
        message = (
            f"The joint {joint.name!r} states the coordinate {made.state:.4g} {made.coordinate} but its bodies "
            f"stand at {position:.4g}; the bodies count."
        )
        made.notes.append(Note("joint_state_disagrees", "warning", message))
    joint = replace(joint, position=position)
    if joint.type == "spherical":
        left = relative.copy()
        left[:3, :3] = np.eye(3)
    else:
        left = np.linalg.inv(motion(joint, position)) @ relative
    shift = float(np.linalg.norm(left[:3, 3]))
    turn = math.acos(max(-1.0, min(1.0, (float(np.trace(left[:3, :3])) - 1.0) / 2.0)))
    if shift > _ROUNDING_M or turn > _ROUNDING_RAD:
        message = (
            f"The two frames of the joint {joint.name!r} are {shift * 1000:.3g} mm and {math.degrees(turn):.3g} "
            "degrees apart: the bodies stand where the joint does not let them be."
        )
        made.notes.append(Note("joint_frames_disagree", "warning", message, "Place the bodies as the joint says."))
    elif joint.type != "spherical":
        joint = replace(joint, pose1=Pose.from_matrix(joint.pose1.matrix() @ np.linalg.inv(left)))
    made.joint = joint
    if joint.drive is not None and joint.drive.mode == "force":
        made.joint = replace(joint, drive=replace(joint.drive, target=0.0))


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
        low, high = (
            (-math.inf if joint.lower is None else joint.lower),
            (math.inf if joint.upper is None else joint.upper),
        )
        if low - 1e-6 <= angle + turn <= high + 1e-6:
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
    behind, waiting = set(), [made.joint.body1]
    while waiting:
        here = waiting.pop()
        behind.add(here)
        waiting += [
            j.joint.body1
            for j in joints
            if j.joint.body0 == here and not j.joint.closes_loop and j.joint.body1 not in behind
        ]
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
