"""What each engine wants of joints beyond UsdPhysics: friction, armature, speed limits, followers, actuators.

Names and units are those of the schemas that ship with the engines (physx-usd-schemas 25.11, newton-usd-schemas 0.5)
and of MuJoCo's mjcPhysics. Signs were measured in PhysX (ovphysx 0.7): a mimic joint obeys
q + gearing · q_reference + offset = 0 in USD's units, degrees and metres, for revolute and prismatic joints alike, and
needs finite limits on both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from pxr import Sdf

from physicl_twin.model import Joint
from physicl_twin.usd import layers
from physicl_twin.usd.articulation import articulation_of
from physicl_twin.usd.joints import AXES, UNBOUNDED, WIDE, driven, passive, per_unit
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.mechanism import JointPlan, Mechanism
from physicl_twin.usd.options import PhysxOptions

#: Instance of PhysxMimicJointAPI; PhysX finds the axis of a one-axis joint itself, also of a prismatic one (measured).
MIMIC = "rotX"


def dynamics(plan: JointPlan, engine: str) -> dict[str, float]:
    """Attributes of a joint's resistance in an engine's units: what is written, and what the reader compares with.

    Args:
        plan: A joint of the tree that moves.
        engine: ``physx``, ``newton`` or ``mujoco``.
    """
    joint, unit = plan.joint, per_unit(plan.joint)
    # The damper of a joint that nothing drives is its drive in the base; but drives of spherical joints are ignored.
    apart = not passive(joint) or joint.mimic is not None or joint.type == "spherical"
    found: dict[str, float] = {}

    def add(name: str, value: float | None) -> None:
        if value is not None:
            found[name] = value

    armature, friction = _value(joint.armature), _value(joint.friction)
    damping, speed = _value(joint.damping), _value(joint.max_velocity)
    if engine == "physx":
        for axis in AXES[joint.type]:
            add(f"physxJointAxis:{axis}:armature", armature)
            add(f"physxJointAxis:{axis}:staticFrictionEffort", friction)
            add(f"physxJointAxis:{axis}:dynamicFrictionEffort", friction)
            add(f"physxJointAxis:{axis}:maxJointVelocity", None if speed is None else speed * unit)
            if apart:
                add(f"physxJointAxis:{axis}:viscousFrictionCoefficient", None if damping is None else damping / unit)
    elif engine == "newton":
        add("newton:armature", armature)
        add("newton:friction", friction)
        add("newton:velocityLimit", None if speed is None else speed * unit)
        if apart:
            add("newton:damping", None if damping is None else damping / unit)
    else:
        add("mjc:armature", armature)
        add("mjc:frictionloss", friction)
        add("mjc:damping", damping)
        add("mjc:stiffness", _value(joint.stiffness))
        if joint.stiffness is not None and joint.type != "spherical":
            # mjcPhysics: angles are degrees unless a scene's mjc:compiler:angle says otherwise.
            add("mjc:springref", joint.rest * unit)
        if joint.position:
            add("mjc:ref", joint.position * unit)
    return found


def _value(estimate: object) -> float | None:
    value = getattr(estimate, "value", None)
    return None if value is None else float(value)


def coupling(joint: Joint, leader: Joint) -> tuple[float, float]:
    """(multiplier, offset) of a follower in USD's units, whatever the types of the two joints."""
    assert joint.mimic is not None  # the caller has a follower
    unit = per_unit(joint)
    return joint.mimic.multiplier * unit / per_unit(leader), joint.mimic.offset * unit


def _followers(mechanism: Mechanism) -> list[tuple[JointPlan, JointPlan]]:
    """(follower, leader) for those that can be coupled: one axis each, in the tree."""
    plans: Mapping[str, JointPlan] = {plan.joint.name: plan for plan in mechanism.joints}
    found = []
    for plan in mechanism.joints:
        leader = plans.get(plan.joint.mimic.joint) if plan.joint.mimic is not None else None
        if leader is not None and all(len(AXES[p.joint.type]) == 1 and not p.excluded for p in (plan, leader)):
            found.append((plan, leader))
    return found


def _tree(mechanism: Mechanism) -> list[JointPlan]:
    return [plan for plan in mechanism.joints if plan.joint.type != "fixed" and not plan.excluded]


def author_physx(layer: Sdf.Layer, layout: Layout, options: PhysxOptions) -> None:
    """Solver of the articulation, PhysxJointAxisAPI of its joints and PhysxMimicJointAPI of followers."""
    mechanism, articulation = layout.mechanism, articulation_of(layout.twin)
    if mechanism is None:
        return
    root = layers.over(layer, mechanism.root, apis=("PhysxArticulationAPI",))
    position, velocity = articulation.position_iterations, articulation.velocity_iterations
    for name, kind, value in (
        ("enabledSelfCollisions", Types.Bool, articulation.self_collision),
        ("solverPositionIterationCount", Types.Int, position or options.articulation_position_iterations),
        (
            "solverVelocityIterationCount",
            Types.Int,
            options.articulation_velocity_iterations if velocity is None else velocity,
        ),
    ):
        layers.attribute(root, f"physxArticulation:{name}", kind, value)
    for plan in _tree(mechanism):
        prim = layers.over(layer, plan.prim, apis=[f"PhysxJointAxisAPI:{axis}" for axis in AXES[plan.joint.type]])
        for name, number in dynamics(plan, "physx").items():
            layers.attribute(prim, name, Types.Float, number)
    widened: set[str] = set()
    for follower, leader in _followers(mechanism):
        multiplier, offset = coupling(follower.joint, leader.joint)
        prim = layers.over(layer, follower.prim, apis=(f"PhysxMimicJointAPI:{MIMIC}",))
        for name, number in (
            ("gearing", -multiplier),
            ("offset", -offset),
            ("naturalFrequency", options.mimic_frequency_hz),
            ("dampingRatio", options.mimic_damping_ratio),
        ):
            layers.attribute(prim, f"physxMimicJoint:{MIMIC}:{name}", Types.Float, number)
        layers.relationship(prim, f"physxMimicJoint:{MIMIC}:referenceJoint", leader.prim)
        angular = follower.joint.type == "revolute"
        margin = options.mimic_margin_deg if angular else options.mimic_margin_m
        for plan, more in ((follower, margin), (leader, 0.0)):
            if plan.prim not in widened:
                widened.add(plan.prim)
                _widen(layer, plan.prim, plan.joint, more)


def _widen(layer: Sdf.Layer, path: str, joint: Joint, margin: float) -> None:
    """Finite limits for a joint that leads or follows; a follower's own limits give way a little."""
    unit = per_unit(joint)
    for name, limit, sign in (("lowerLimit", joint.lower, -1.0), ("upperLimit", joint.upper, 1.0)):
        if limit is None or margin > 0:
            value = sign * WIDE if limit is None else limit * unit + sign * margin
            layers.attribute(layers.over(layer, path), f"physics:{name}", Types.Float, value)


def author_newton(layer: Sdf.Layer, layout: Layout) -> None:
    """Self-collision of the articulation, NewtonJointAPI of its joints and NewtonMimicAPI of followers."""
    mechanism = layout.mechanism
    if mechanism is None:
        return
    root = layers.over(layer, mechanism.root, apis=("NewtonArticulationRootAPI",))
    layers.attribute(root, "newton:selfCollisionEnabled", Types.Bool, articulation_of(layout.twin).self_collision)
    for plan in _tree(mechanism):
        prim = layers.over(layer, plan.prim, apis=("NewtonJointAPI",))
        for name, number in dynamics(plan, "newton").items():
            layers.attribute(prim, name, Types.Float, number)
    for follower, leader in _followers(mechanism):
        if follower.joint.type != leader.joint.type:
            # NewtonMimicAPI couples joints of one type only: the follower is left to itself, with a drive that does
            # nothing until somebody gives it gains.
            _idle_drive(layer, follower)
            continue
        multiplier, offset = coupling(follower.joint, leader.joint)
        prim = layers.over(layer, follower.prim, apis=("NewtonMimicAPI",))
        layers.attribute(prim, "newton:mimicCoef0", Types.Float, offset)
        layers.attribute(prim, "newton:mimicCoef1", Types.Float, multiplier)
        layers.relationship(prim, "newton:mimicJoint", leader.prim)


def _idle_drive(layer: Sdf.Layer, plan: JointPlan) -> None:
    """A drive with no gains."""
    axis, motor = AXES[plan.joint.type][0], _value(plan.joint.max_force)
    prim = layers.over(layer, plan.prim, apis=(f"PhysicsDriveAPI:{axis}",))
    layers.attribute(prim, f"drive:{axis}:physics:type", Types.Token, "force", uniform=True)
    for name, number in (("stiffness", 0.0), ("damping", 0.0), ("maxForce", UNBOUNDED if motor is None else motor)):
        layers.attribute(prim, f"drive:{axis}:physics:{name}", Types.Float, number)


def author_mujoco(layer: Sdf.Layer, layout: Layout) -> None:
    """MjcJointAPI with the passive spring and damper, an MjcActuator for every joint, MjcEqualityJointAPI of followers.

    A passive spring and damper are MuJoCo's own here; the drive that says them in the base is idle in this variant.
    """
    mechanism = layout.mechanism
    if mechanism is None:
        return
    for plan in _tree(mechanism):
        joint = plan.joint
        prim = layers.over(layer, plan.prim, apis=("MjcJointAPI",))
        for name, number in dynamics(plan, "mujoco").items():
            layers.attribute(prim, name, Types.Double, number, uniform=True)
        if driven(plan) and passive(joint) and (joint.stiffness is not None or joint.damping is not None):
            for axis in AXES[joint.type]:
                for name in ("stiffness", "damping"):
                    layers.attribute(prim, f"drive:{axis}:physics:{name}", Types.Float, 0.0)
        _actuator(layer, f"{layout.root}/actuators/{Sdf.Path(plan.prim).name}", plan)
    for follower, leader in _followers(mechanism):
        mimic, at, leads_at = follower.joint.mimic, follower.joint.position, leader.joint.position
        assert mimic is not None  # _followers
        prim = layers.over(layer, follower.prim, apis=("MjcEqualityJointAPI",))
        # MuJoCo's polynomial is in radians and metres, and both joints count from where they stand (mjc:ref).
        offset = mimic.offset + mimic.multiplier * leads_at - at
        for name, number in (("coef0", offset), ("coef1", mimic.multiplier)):
            layers.attribute(prim, f"mjc:{name}", Types.Double, number, uniform=True)
        layers.relationship(prim, "mjc:target", leader.prim)


def _actuator(layer: Sdf.Layer, path: str, plan: JointPlan) -> None:
    """The drive as MuJoCo's affine actuator: force = gain · control + bias0 + bias1 · q + bias2 · velocity; SI units.

    A joint that nothing drives gets an idle motor, through which it can be pushed; a follower one that gives nothing.
    """
    joint, drive = plan.joint, plan.joint.drive
    prim = layers.define(layer, path, "MjcActuator")
    layers.relationship(prim, "mjc:target", plan.prim)
    gain, bias, control = 1.0, (0.0, 0.0, 0.0), _value(joint.max_force)
    control_low, control_high = (None, None) if control is None else (-control, control)
    if len(AXES[joint.type]) > 1 or joint.mimic is not None:
        gain, control_low, control_high = 0.0, None, None
    elif drive is not None and drive.mode == "position":
        gain, bias = drive.stiffness.value, (0.0, -drive.stiffness.value, -drive.damping.value)
        control_low, control_high = joint.lower, joint.upper
    elif drive is not None and drive.mode == "velocity":
        gain, bias = drive.damping.value, (0.0, 0.0, -drive.damping.value)
        speed = _value(joint.max_velocity)
        control_low, control_high = (None, None) if speed is None else (-speed, speed)
    effort = _value(drive.max_force) if drive is not None and drive.max_force is not None else _value(joint.max_force)
    layers.attribute(prim, "mjc:gainType", Types.Token, "fixed", uniform=True)
    layers.attribute(prim, "mjc:gainPrm", Types.DoubleArray, _parameters(gain), uniform=True)
    layers.attribute(prim, "mjc:biasType", Types.Token, "affine" if any(bias) else "none", uniform=True)
    layers.attribute(prim, "mjc:biasPrm", Types.DoubleArray, _parameters(*bias), uniform=True)
    for name, low, high in (
        ("ctrlRange", control_low, control_high),
        ("forceRange", None if effort is None else -effort, effort),
    ):
        if low is not None and high is not None and low < high and math.isfinite(low) and math.isfinite(high):
            layers.attribute(prim, f"mjc:{name}:min", Types.Double, low, uniform=True)
            layers.attribute(prim, f"mjc:{name}:max", Types.Double, high, uniform=True)
    if drive is not None and drive.name:
        layers.record(prim, "actuator", drive.name)


def _parameters(*values: float) -> list[float]:
    """MuJoCo's ten parameters, the rest zero."""
    return [float(value) for value in values] + [0.0] * (10 - len(values))
