"""Drives of USD joints: UsdPhysics' own, Newton's actuators and MuJoCo's actuators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from physicl_twin.ingest.usd_joint_dynamics import UNBOUNDED, JointUnits, number
from physicl_twin.ingest.usd_joints import StageJoint
from physicl_twin.ingest.usd_physics import StageUnits, applied_schemas
from physicl_twin.model import Drive, Estimate, Note
from physicl_twin.model.joint import DriveMode


def read_drive(made: StageJoint, prim: Any, units: StageUnits, time: Any) -> None:
    """Give a joint the drive of ``PhysicsDriveAPI``; one without gains and without bound drives nothing."""
    if made.joint.type in ("fixed", "spherical"):
        return
    for instance in made.instance:
        if f"PhysicsDriveAPI:{instance}" in applied_schemas(prim):
            break
    else:
        return
    own = JointUnits.of(made, units)

    def read(name: str) -> float:
        return number(prim, f"drive:{instance}:physics:{name}", time) or 0.0

    most = number(prim, f"drive:{instance}:physics:maxForce", time)
    bound = most * own.effort if most is not None and 0.0 <= most < UNBOUNDED else None
    stiffness, damping = max(read("stiffness"), 0.0) * own.gain, max(read("damping"), 0.0) * own.gain
    target = read("targetPosition") if stiffness else read("targetVelocity")
    kind = prim.GetAttribute(f"drive:{instance}:physics:type").Get(time)
    made.accelerates = str(kind) == "acceleration" and bool(stiffness or damping)
    if made.accelerates:
        # Gains per unit of inertia: 1/s2 and 1/s, once the degrees are gone; the inertia is multiplied in later.
        stiffness, damping = max(read("stiffness"), 0.0), max(read("damping"), 0.0)
        if own.angle == "rad":
            stiffness, damping = stiffness / own.coordinate, damping / own.coordinate
    _set(made, own, units, f"drive:{instance}", stiffness, damping, bound, target * own.coordinate)


def _set(
    made: StageJoint,
    own: JointUnits,
    units: StageUnits,
    field: str,
    stiffness: float,
    damping: float,
    bound: float | None,
    target: float = 0.0,
) -> None:
    """Put a drive on a joint."""
    if not stiffness and not damping and not bound:
        return

    def stated(value: float, unit: str, what: str) -> Estimate:
        return units.estimate(value, unit, f"{what} ({field}) of")

    most = stated(bound, own.torque, "a motor limit") if bound else made.joint.max_force
    mode: DriveMode = "position" if stiffness else "velocity" if damping else "force"
    drive = Drive(
        mode,
        stated(stiffness, f"{own.torque}/{own.angle}", "a drive stiffness"),
        stated(damping, f"{own.torque} s/{own.angle}", "a drive damping"),
        most,
        target,
    )
    made.joint = replace(made.joint, drive=drive, max_force=most)


def read_actuators(prims: Iterable[Any], joints: Mapping[str, StageJoint], units: StageUnits, time: Any) -> list[Note]:
    """Give joints the drives of actuator prims (NewtonActuator, MjcActuator) where they have none of their own.

    Args:
        prims: The actuators.
        joints: By prim path.
        units: Of the stage.
        time: ``Usd.TimeCode``.

    Returns:
        Notes about those that drive no joint.
    """
    notes = []
    for prim in prims:
        newton = prim.GetTypeName() == "NewtonActuator"
        targets = prim.GetRelationship("newton:targets" if newton else "mjc:target").GetTargets()
        made = joints.get(str(targets[0])) if len(targets) == 1 else None
        if made is None or made.joint.type not in ("revolute", "prismatic"):
            what = f"The actuator {prim.GetName()!r} drives no single joint and is left out."
            notes.append(Note("actuator_left_out", "warning", what))
            continue
        had = made.joint.drive
        if had is not None and (had.stiffness.value or had.damping.value):
            continue
        reason = _newton(made, prim, units, time) if newton else _mujoco(made, prim, units, time)
        if reason:
            notes.append(
                Note("actuator_left_out", "warning", f"The actuator {prim.GetName()!r} is left out: {reason}.")
            )
        elif made.joint.drive is not None:
            made.joint = replace(made.joint, drive=replace(made.joint.drive, name=prim.GetName()))
    return notes


def _newton(made: StageJoint, prim: Any, units: StageUnits, time: Any) -> str:
    """A PD or PID law, radians; why there is no drive, or nothing."""
    applied = set(applied_schemas(prim))
    if not applied & {"NewtonPDControlAPI", "NewtonPIDControlAPI"}:
        return "its law is no PD controller"
    own = JointUnits.of(made, units)
    gain = own.effort if own.angle == "rad" else own.gain
    bounds = [number(prim, f"newton:{name}", time) for name in ("maxEffort", "maxMotorEffort")]
    finite = [b * own.effort for b in bounds if b is not None and 0.0 < b < UNBOUNDED]
    kp, kd = (max(number(prim, f"newton:{name}", time) or 0.0, 0.0) * gain for name in ("kp", "kd"))
    _set(made, own, units, prim.GetName(), kp, kd, min(finite, default=None))
    return ""


def _mujoco(made: StageJoint, prim: Any, units: StageUnits, time: Any) -> str:
    """MuJoCo's affine law, radians; why there is no drive, or nothing."""
    gain_type, bias_type = (str(prim.GetAttribute(f"mjc:{n}Type").Get(time) or "") for n in ("gain", "bias"))
    if gain_type not in ("fixed", "") or bias_type not in ("affine", "none", ""):
        return f"its law is of the kind {gain_type or bias_type!r}"
    gain, bias, gear = (
        [float(v) for v in prim.GetAttribute(f"mjc:{name}").Get(time) or []] for name in ("gainPrm", "biasPrm", "gear")
    )
    gain = gain or [1.0]
    own = JointUnits.of(made, units)
    per = own.effort if own.angle == "rad" else own.gain
    ratio = gear[0] if gear else 1.0
    stiffness, damping = (-bias[1], -bias[2]) if bias_type == "affine" and len(bias) > 2 else (0.0, 0.0)
    if stiffness < 0.0 or damping < 0.0:
        return "it pushes on with the motion"
    bounds = [abs(number(prim, f"mjc:forceRange:{end}", time) or 0.0) for end in ("min", "max")]
    if not any(bounds) and not stiffness and not damping:
        bounds = [abs(gain[0] * (number(prim, f"mjc:ctrlRange:{end}", time) or 0.0)) for end in ("min", "max")]
    bound = max(bounds) * abs(ratio) * own.effort or None
    _set(made, own, units, prim.GetName(), stiffness * ratio**2 * per, damping * ratio**2 * per, bound)
    return ""
