"""Joints, drives, mimics and loops as MuJoCo's MjSpec has them.

A drive is an actuator whose control is an effort: effort = control - k q - d v with control = k q_target + d v_target,
so that position and velocity targets go together. MuJoCo integrates d implicitly and k explicitly; see
``mujoco_softness`` for springs too stiff for the time step.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from physicl_twin.engines.mechanism import MOVABLE, joint_coordinate
from physicl_twin.engines.quaternions import rotated
from physicl_twin.engines.scene_description import DescribedJoint, SceneDescription

#: Distance of the two points that hold a hinge which closes a loop, over the mean radius of gyration of its bodies
#: (judgement: the constraint then resists turning about as it resists shifting).
_HINGE_POINTS = 1.0
#: Of a one-sided limit: the other side, far beyond any motion, radians or metres.
_FAR = 1e9

_KINDS = {
    "revolute": mujoco.mjtJoint.mjJNT_HINGE,
    "prismatic": mujoco.mjtJoint.mjJNT_SLIDE,
    "spherical": mujoco.mjtJoint.mjJNT_BALL,
}


def add_joint(spec: Any, body: Any, path: str, joint: DescribedJoint, scene: SceneDescription) -> None:
    """The joint through which a body hangs on its parent, with its drive.

    Args:
        spec: The MjSpec.
        body: Body of the spec.
        path: Its prim path.
        joint: As described.
        scene: That it belongs to.
    """
    if joint.type == "fixed":
        return
    forward = joint.body1 == path
    pose = joint.pose1 if forward else joint.pose0
    # Seen from the other body, the same motion has the opposite sign.
    axis = pose.rotation() @ np.array(joint.axis) * (1.0 if forward else -1.0)
    arguments: dict[str, Any] = {}
    lower, upper = joint.lower, joint.upper
    if joint.type != "spherical":
        arguments["ref"] = joint_coordinate(scene, joint)
        arguments["stiffness"], arguments["springref"] = [joint.stiffness, 0.0, 0.0], joint.rest
        if lower is not None or upper is not None:
            arguments["range"] = [lower if lower is not None else -_FAR, upper if upper is not None else _FAR]
            arguments["limited"] = mujoco.mjtLimited.mjLIMITED_TRUE
    elif upper is not None:
        arguments["range"], arguments["limited"] = [0.0, upper], mujoco.mjtLimited.mjLIMITED_TRUE
    body.add_joint(
        name=joint.path,
        type=_KINDS[joint.type],
        pos=list(pose.position_m),
        axis=list(axis),
        damping=[joint.damping, 0.0, 0.0],
        frictionloss=joint.friction,
        armature=joint.armature,
        **arguments,
    )
    if joint.driven and joint.type in MOVABLE:
        _add_drive(spec, joint)


def _add_drive(spec: Any, joint: DescribedJoint) -> None:
    limited = joint.drive_max_force is not None
    most = joint.drive_max_force or 0.0
    spec.add_actuator(
        name=joint.path,
        target=joint.path,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        gainprm=[1.0] + [0.0] * 9,
        biasprm=[0.0, -joint.drive_stiffness, -joint.drive_damping] + [0.0] * 7,
        ctrllimited=mujoco.mjtLimited.mjLIMITED_FALSE,
        # A range of nothing would be refused: a drive that may give nothing gives next to nothing.
        forcelimited=mujoco.mjtLimited.mjLIMITED_TRUE if limited else mujoco.mjtLimited.mjLIMITED_FALSE,
        forcerange=[-max(most, 1e-12), max(most, 1e-12)] if limited else [0.0, 0.0],
    )


def add_mimic(spec: Any, joint: DescribedJoint, leader: DescribedJoint, scene: SceneDescription) -> None:
    """q = multiplier · q_leader + offset; MuJoCo counts both from where they stand."""
    here, there = joint_coordinate(scene, joint), joint_coordinate(scene, leader)
    data = np.zeros(11)
    data[0] = joint.mimic_multiplier * there + joint.mimic_offset - here
    data[1] = joint.mimic_multiplier
    spec.add_equality(
        name=f"{joint.path}:mimic",
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1=joint.path,
        name2=leader.path,
        data=data,
    )


def add_loop(spec: Any, joint: DescribedJoint, sides: tuple[Any, Any], scene: SceneDescription) -> str:
    """A joint that closes a loop: constraints between frames on its two bodies.

    A ball joint is one pair of points that coincide, a hinge two on its axis, a fixed joint a weld.

    Args:
        spec: The MjSpec.
        joint: As described.
        sides: Its bodies in the spec.
        scene: That it belongs to.

    Returns:
        What of it was left out, as a note; empty when nothing.
    """
    if joint.type == "prismatic":
        return f"{joint.path}: a sliding joint that closes a loop of sliding and fixed joints was left out."
    reach = _HINGE_POINTS * _gyration_m(joint, scene) if joint.type == "revolute" else 0.0
    for number, along in enumerate((-0.5, 0.5) if joint.type == "revolute" else (0.0,)):
        names = []
        for side, (body, pose) in enumerate(zip(sides, (joint.pose0, joint.pose1), strict=True)):
            shift = rotated(np.array(pose.quaternion_wxyz), along * reach * np.array(joint.axis))
            name = f"{joint.path}:{number}:{side}"
            body.add_site(name=name, pos=list(np.array(pose.position_m) + shift), quat=list(pose.quaternion_wxyz))
            names.append(name)
        weld = joint.type == "fixed"
        data = np.zeros(11)
        data[10] = 1.0
        spec.add_equality(
            name=f"{joint.path}:{number}",
            type=mujoco.mjtEq.mjEQ_WELD if weld else mujoco.mjtEq.mjEQ_CONNECT,
            objtype=mujoco.mjtObj.mjOBJ_SITE,
            name1=names[0],
            name2=names[1],
            data=data,
        )
    lost = [
        word
        for word, there in (
            ("limits", joint.lower is not None or joint.upper is not None),
            ("drive", joint.driven),
            ("friction, damping or armature", max(joint.friction, joint.damping, joint.armature) > 0.0),
            ("spring", joint.stiffness > 0.0),
            ("mimic", bool(joint.mimic_of)),
        )
        if there
    ]
    return f"{joint.path}: {', '.join(lost)} of a joint that closes a loop were left out." if lost else ""


def _gyration_m(joint: DescribedJoint, scene: SceneDescription) -> float:
    """Mean radius of gyration of the dynamic bodies of a joint."""
    bodies = [body for body in scene.dynamic_bodies if body.path in (joint.body0, joint.body1)]
    radii = [np.sqrt(sum(body.principal_inertia_kgm2) / (2.0 * body.mass_kg)) for body in bodies]
    return float(np.mean(radii)) if radii else 0.1
