"""Drives as MJCF's users expect them: position servos, velocity servos, motors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import mujoco

from physicl_twin.engines.scene_description import DescribedJoint


def as_servos(spec: Any, joints: Iterable[DescribedJoint]) -> None:
    """Make an actuator whose control is a target of each drive that the engine's spec has as an effort.

    A drive with stiffness becomes ``position`` (control: the target coordinate), one with damping only ``velocity``
    (control: the target speed), one with neither ``motor`` (control: the effort).
    """
    for joint in joints:
        actuator = spec.actuator(joint.path)
        if actuator is None:
            continue
        kp, kv = joint.drive_stiffness, joint.drive_damping
        gain = kp or kv
        if not gain:
            actuator.biastype, actuator.biasprm = mujoco.mjtBias.mjBIAS_NONE, [0.0] * 10
            continue
        actuator.gainprm = [gain] + [0.0] * 9
        if kp and joint.lower is not None and joint.upper is not None and joint.lower < joint.upper:
            actuator.ctrllimited = mujoco.mjtLimited.mjLIMITED_TRUE
            actuator.ctrlrange = [joint.lower, joint.upper]
