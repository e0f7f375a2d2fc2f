"""Joints in the base layer: frames, limits, drives and state, in USD's degrees and metres. Neutral UsdPhysics only.

A joint that nothing drives gets a drive, too: its passive spring and damper are a drive at rest (UsdPhysics has no
other word for them), and without either it is an idle one, which is what SimReady asks of every joint that moves.
"""

from __future__ import annotations

import math

import numpy as np
from pxr import Gf, Sdf

from physicl_twin.model import Joint, Pose
from physicl_twin.usd import layers
from physicl_twin.usd.dictionary import to_dictionary
from physicl_twin.usd.layers import Types
from physicl_twin.usd.mechanism import Anchor, JointPlan

JOINT_TYPES = {
    "fixed": "PhysicsFixedJoint",
    "revolute": "PhysicsRevoluteJoint",
    "prismatic": "PhysicsPrismaticJoint",
    "spherical": "PhysicsSphericalJoint",
}
#: Instances of DriveAPI and of the engines' schemas for the axes of a joint.
AXES = {"fixed": (), "revolute": ("angular",), "prismatic": ("linear",), "spherical": ("rotX", "rotY", "rotZ")}
#: An effort that never binds: USD's largest single-precision number. It is finite, as SimReady wants, and PhysX's own
#: word for none.
UNBOUNDED = float(np.finfo(np.float32).max)
#: A bound where PhysX wants a finite one and there is none, degrees or metres; who reads takes it for none.
WIDE = 1e6
#: Turns that bring x onto the joint's axis: PhysX's spherical joints know no other axis.
_ONTO_AXIS = {
    "x": Pose(),
    "y": Pose((0.0, 0.0, 0.0), (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))),
    "z": Pose((0.0, 0.0, 0.0), (math.sqrt(0.5), 0.0, -math.sqrt(0.5), 0.0)),
}


def per_unit(joint: Joint) -> float:
    """USD units of the coordinate (degrees or metres) per radian or metre."""
    return 1.0 if joint.type == "prismatic" else 180.0 / math.pi


def frames(joint: Joint) -> tuple[Pose, Pose]:
    """Frames as they are authored: those of a spherical joint are turned so that its axis is x."""
    if joint.type != "spherical" or joint.axis == "x":
        return joint.pose0, joint.pose1
    turn = _ONTO_AXIS[joint.axis]
    return joint.pose0.compose(turn), joint.pose1.compose(turn)


def model_frame(joint: Joint, authored: Pose) -> Pose:
    """The model's frame for one that stands on the stage; the inverse of ``frames``."""
    if joint.type != "spherical" or joint.axis == "x":
        return authored
    w, x, y, z = _ONTO_AXIS[joint.axis].quaternion_wxyz
    return authored.compose(Pose((0.0, 0.0, 0.0), (w, -x, -y, -z)))


def driven(plan: JointPlan) -> bool:
    """True for a joint that gets a drive: each that moves and follows none; outside the tree, each that has one."""
    joint = plan.joint
    if joint.type == "fixed" or joint.mimic is not None:
        return False
    return not plan.excluded or bool(joint.drive or joint.damping or joint.stiffness)


def passive(joint: Joint) -> bool:
    """True where DriveAPI is the joint's own spring and damper, not a controller.

    So it is where nothing drives it, and beside a drive of mode ``force``, which has no gains of its own: PhysX has no
    other word for a spring.
    """
    return joint.drive is None or (joint.drive.mode == "force" and joint.stiffness is not None)


def numbers(plan: JointPlan) -> dict[str, float]:
    """Attributes of limits, state and drive with their values: what the writer authors and the reader compares with."""
    joint, unit = plan.joint, per_unit(plan.joint)
    found: dict[str, float] = {}
    if joint.type in ("revolute", "prismatic"):
        if joint.lower is not None or joint.upper is not None:
            # A joint that is bound on one side only makes PhysX refuse the stage: the other side gets a bound far away.
            found["physics:lowerLimit"] = -WIDE if joint.lower is None else joint.lower * unit
            found["physics:upperLimit"] = WIDE if joint.upper is None else joint.upper * unit
        axis = AXES[joint.type][0]
        found[f"state:{axis}:physics:position"] = joint.position * unit
        found[f"state:{axis}:physics:velocity"] = 0.0
    elif joint.type == "spherical":
        # UsdPhysics: a negative cone angle is no limit.
        angle = -1.0 if joint.upper is None else joint.upper * unit
        found |= {"physics:coneAngle0Limit": angle, "physics:coneAngle1Limit": angle}
    if driven(plan):
        for axis in AXES[joint.type]:
            found |= {f"drive:{axis}:physics:{name}": value for name, value in _drive(joint).items()}
    return found


def _drive(joint: Joint) -> dict[str, float]:
    """Numbers of DriveAPI; those of the spring and damper where it is ``passive``."""
    unit, drive = per_unit(joint), joint.drive
    motor = joint.max_force.value if joint.max_force is not None else UNBOUNDED
    if drive is not None and drive.max_force is not None:
        motor = drive.max_force.value
    if passive(joint):
        stiffness = joint.stiffness.value if joint.stiffness is not None else 0.0
        damping = joint.damping.value if joint.damping is not None else 0.0
        acts = drive is None and (stiffness > 0 or damping > 0)
        return {
            "stiffness": stiffness / unit,
            "damping": damping / unit,
            "maxForce": UNBOUNDED if acts else motor,
            "targetPosition": joint.rest * unit if stiffness > 0 else 0.0,
            "targetVelocity": 0.0,
        }
    assert drive is not None  # or it were passive
    velocity = drive.mode == "velocity"
    return {
        "stiffness": drive.stiffness.value / unit,
        "damping": drive.damping.value / unit,
        "maxForce": motor,
        "targetPosition": 0.0 if velocity else drive.target * unit,
        "targetVelocity": drive.target * unit if velocity else 0.0,
    }


def author_joint(layer: Sdf.Layer, plan: JointPlan) -> None:
    """A joint with both frames, limits, state and drive."""
    joint = plan.joint
    prim = layers.define(layer, plan.prim, JOINT_TYPES[joint.type], title=joint.name)
    _author_ends(prim, plan.body0, plan.body1, *frames(joint))
    if joint.type != "fixed":
        axis = "X" if joint.type == "spherical" else joint.axis.upper()
        layers.attribute(prim, "physics:axis", Types.Token, axis, uniform=True)
    if plan.excluded:
        layers.attribute(prim, "physics:excludeFromArticulation", Types.Bool, True, uniform=True)
    if joint.type in ("revolute", "prismatic"):
        layers.apply(prim, f"PhysicsJointStateAPI:{AXES[joint.type][0]}")
    if driven(plan):
        for axis in AXES[joint.type]:
            layers.apply(prim, f"PhysicsDriveAPI:{axis}")
            layers.attribute(prim, f"drive:{axis}:physics:type", Types.Token, "force", uniform=True)
    for name, value in numbers(plan).items():
        layers.attribute(prim, name, Types.Float, value)
    layers.record(prim, "joint", to_dictionary(joint))


def author_anchor(layer: Sdf.Layer, anchor: Anchor, root: str) -> None:
    """A fixed joint by which the world holds a body."""
    prim = layers.define(layer, anchor.prim, JOINT_TYPES["fixed"])
    _author_ends(prim, root, anchor.body, anchor.pose, Pose())
    layers.record(prim, "anchor", True)


def _author_ends(prim: Sdf.PrimSpec, body0: str, body1: str, pose0: Pose, pose1: Pose) -> None:
    layers.relationship(prim, "physics:body0", body0)
    layers.relationship(prim, "physics:body1", body1)
    for side, pose in (("0", pose0), ("1", pose1)):
        layers.attribute(prim, f"physics:localPos{side}", Types.Point3f, Gf.Vec3f(*pose.position_m))
        layers.attribute(prim, f"physics:localRot{side}", Types.Quatf, Gf.Quatf(*pose.quaternion_wxyz))
    layers.attribute(prim, "physics:collisionEnabled", Types.Bool, False)
