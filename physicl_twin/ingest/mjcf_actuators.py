"""Actuators of MJCF as drives of joints.

MuJoCo's actuator gives the force g · control + b0 + b1 · length + b2 · velocity, times its gear at the joint, where the
length is gear · q. With k for the gear that is stiffness -b1 · k², damping -b2 · k² and, at constant control, a target.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from physicl_twin.ingest.mjcf_equality import Equalities
from physicl_twin.ingest.mjcf_model import MjcfActuator, MjcfModel
from physicl_twin.ingest.naming import readable
from physicl_twin.model import Note

_SINGLE = ("hinge", "slide")


@dataclass(frozen=True, slots=True)
class Motor:
    """What drives a joint, at the joint.

    Attributes:
        names: Of its actuators.
        stiffness: N m/rad or N/m.
        damping: N m s/rad or N s/m.
        max_force: N m or N; None when unbounded.
        armature: Added to the joint's.
        resistance: Viscous, added to the joint's damping.
    """

    names: tuple[str, ...]
    stiffness: float
    damping: float
    max_force: float | None
    armature: float = 0.0
    resistance: float = 0.0


@dataclass(slots=True)
class Motors:
    """Motors by number of the joint, and what has no counterpart."""

    by_joint: dict[int, Motor] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def read_actuators(model: MjcfModel, equalities: Equalities) -> Motors:
    """The motors of a model; tendons that move one joint (and its followers) count as that joint's gear."""
    found = Motors()
    for number, actuator in enumerate(model.actuators):
        name = readable(actuator.name, f"actuator {number + 1}")
        reach = _reach(model, actuator, equalities)
        reason = _unlike_a_drive(actuator) if reach is not None else _nowhere(model, actuator)
        if reach is None or reason:
            found.notes.append(_note(f"The actuator {name!r} is left out: {reason}."))
            continue
        joint, gear = reach
        motor = _motor(actuator, name, gear)
        if actuator.dynamics != "none":
            message = f"The activation dynamics ({actuator.dynamics}) of the actuator {name!r} are left out."
            found.notes.append(Note("actuator_simplified", "info", message))
        limits = actuator.force_range
        if limits is not None and abs(limits[0] + limits[1]) > 0.01 * max(abs(limits[0]), abs(limits[1])):
            message = f"The force of the actuator {name!r} is bounded unevenly ({limits[0]:g} to {limits[1]:g})."
            found.notes.append(Note("actuator_simplified", "info", message, "The larger bound counts both ways."))
        before = found.by_joint.get(joint)
        if before is not None:
            motor = _together(before, motor)
            message = f"{model.joint_names[joint]!r} has {len(motor.names)} actuators, which become one drive."
            found.notes.append(Note("actuators_combined", "info", message))
        found.by_joint[joint] = motor
    return found


def _note(message: str) -> Note:
    return Note("actuator_left_out", "warning", message, "USD physics drives joints, by stiffness and damping.")


def _reach(model: MjcfModel, actuator: MjcfActuator, equalities: Equalities) -> tuple[int, float] | None:
    """The one joint that an actuator moves with its gear there; None when there is no such joint."""
    if actuator.transmission in ("joint", "jointinparent"):
        terms: tuple[tuple[int, float], ...] = ((actuator.target, 1.0),)
    elif actuator.transmission == "tendon":
        terms = model.tendons[actuator.target].joints or ()
    else:
        return None
    gears: dict[int, float] = {}
    for joint, coefficient in terms:
        leader, multiplier, _ = equalities.lead(joint)
        if leader not in equalities.held and model.joints[leader].kind in _SINGLE:
            gears[leader] = gears.get(leader, 0.0) + actuator.gear[0] * coefficient * multiplier
        elif model.joints[leader].kind not in _SINGLE:
            return None
    gears = {joint: gear for joint, gear in gears.items() if gear != 0.0}
    return next(iter(gears.items())) if len(gears) == 1 else None


def _nowhere(model: MjcfModel, actuator: MjcfActuator) -> str:
    """Why an actuator reaches no single joint."""
    if actuator.transmission == "tendon":
        tendon = model.tendons[actuator.target]
        through = "runs through space" if tendon.joints is None else f"moves {len(tendon.joints)} joints"
        return f"its tendon {tendon.name!r} {through}"
    if actuator.transmission in ("joint", "jointinparent"):
        joint = model.joints[actuator.target]
        return f"it drives the {joint.kind} joint {model.joint_names[actuator.target]!r}"
    return f"it acts on a {actuator.transmission}"


def _unlike_a_drive(actuator: MjcfActuator) -> str:
    """Why the law of an actuator is no drive's; empty when it is."""
    if actuator.gain != "fixed" or actuator.bias not in ("none", "affine"):
        kind = actuator.gain if actuator.gain not in ("fixed", "affine") else actuator.bias
        return f"its law is of the kind {kind!r}" if kind != "none" else "its gain depends on the motion"
    if actuator.bias == "affine" and (actuator.bias_parameters[1] > 0 or actuator.bias_parameters[2] > 0):
        return "it pushes on with the motion"
    return ""


def _motor(actuator: MjcfActuator, name: str, gear: float) -> Motor:
    stiffness = damping = 0.0
    if actuator.bias == "affine":
        stiffness, damping = -actuator.bias_parameters[1] * gear**2, -actuator.bias_parameters[2] * gear**2
    bound = None
    if actuator.force_range is not None:
        bound = max(abs(v) for v in actuator.force_range) * abs(gear)
    elif actuator.control_range is not None and not stiffness and not damping:
        bound = max(abs(v) for v in actuator.control_range) * abs(actuator.gain_parameters[0] * gear)
    return Motor(
        (name,), stiffness or 0.0, damping or 0.0, bound, actuator.armature * gear**2, actuator.damping * gear**2
    )


def _together(one: Motor, other: Motor) -> Motor:
    """Two actuators of one joint: their forces add."""
    bounds = (one.max_force, other.max_force)
    total = None if bounds[0] is None or bounds[1] is None else bounds[0] + bounds[1]
    return replace(
        one,
        names=one.names + other.names,
        stiffness=one.stiffness + other.stiffness,
        damping=one.damping + other.damping,
        max_force=total,
        armature=one.armature + other.armature,
        resistance=one.resistance + other.resistance,
    )
