"""Motors of a URDF: transmissions and ros2_control, which say what drives a joint and through which gear."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from physicl_twin.ingest.description_settings import Stating
from physicl_twin.ingest.description_xml import Element, number
from physicl_twin.ingest.mechanism import Leftovers
from physicl_twin.model import Estimate, Evidence, Joint, SourceError

#: Tags of a gear ratio: ROS 1, its predecessor, ros2_control, Drake.
_REDUCTIONS = ("mechanicalReduction", "mechanical_reduction", "drake:gear_ratio")
_ROTOR = "drake:rotor_inertia"


@dataclass(frozen=True, slots=True)
class Motor:
    """What drives a joint.

    Attributes:
        joint: Name of the joint.
        evidence: Who says so.
        reduction: Turns of the motor per turn of the joint; None when nothing is said.
        rotor_kgm2: Inertia of the rotor at its own shaft; None when nothing is said.
    """

    joint: str
    evidence: Evidence
    reduction: float | None = None
    rotor_kgm2: float | None = None


def motors_of(root: Element, stating: Stating, leftovers: Leftovers) -> tuple[Motor, ...]:
    """The motors of a robot, in the order of the file.

    Raises:
        SourceError: ``number_invalid``.
    """
    found: list[Motor] = []
    for element in root.all("transmission"):
        found += _transmission(element, stating, leftovers)
    for control in root.all("ros2_control"):
        for joint in control.all("joint"):
            commands = [c.name for c in joint.all("command_interface")]
            if commands:
                statement = f"ros2_control commands {joint.name!r} by {', '.join(commands)}."
                found.append(Motor(joint.name, stating.evidence(statement, "ros2_control")))
        for element in control.all("transmission"):
            found += _transmission(element, stating, leftovers)
        for sensor in control.all("sensor", "gpio"):
            leftovers.add(f"ros2_control/{sensor.tag}", sensor.name or control.name)
    return tuple(found)


def with_motors(joint: Joint, motors: tuple[Motor, ...], stating: Stating) -> Joint:
    """The joint with what is said of its motor: evidence, and the rotor's inertia seen through the gear."""
    own = [motor for motor in motors if motor.joint == joint.name]
    if not own or joint.type == "fixed":
        return joint
    joint = replace(joint, evidence=(*joint.evidence, *(motor.evidence for motor in own)))
    for motor in own:
        if motor.rotor_kgm2 is not None:
            ratio = 1.0 if motor.reduction is None else motor.reduction
            seen = motor.rotor_kgm2 * ratio**2
            unit = "kg m2" if joint.type == "revolute" else "kg"
            armature: Estimate = stating.measured(seen, unit, "a rotor seen at the joint of", motor.evidence.field)
            return replace(joint, armature=armature)
    return joint


def _transmission(element: Element, stating: Stating, leftovers: Leftovers) -> list[Motor]:
    """One motor for each joint of a transmission."""
    kind = element.words("type") or element.get("type") or element.words("plugin") or "transmission"
    kind = kind.rsplit("/", 1)[-1]
    shared = _ratio(element, leftovers)
    rotor = None
    actuators = list(element.all("actuator", "leftActuator", "rightActuator"))
    for actuator in actuators:
        own = _ratio(actuator, leftovers)
        shared = own if own is not None else shared
        text = actuator.words(_ROTOR)
        if text:
            rotor = number(text, f"rotor inertia of {element.name!r}", actuator)
            rotor = rotor if 0 < rotor < math.inf else None
    joints = [child for child in element.children if child.tag == "joint" or child.tag.endswith("Joint")]
    if len(joints) > 1 or len(actuators) > 1:
        leftovers.add(f"transmission of several joints or motors ({kind})", element.name)
    motors = []
    for joint in joints:
        own = _ratio(joint, leftovers)
        reduction = own if own is not None else shared
        modes = [e.text.rsplit("/", 1)[-1] for source in (joint, *actuators) for e in source.all("hardwareInterface")]
        through = "" if reduction is None else f" through a reduction of {reduction:.6g}"
        by = f" ({', '.join(dict.fromkeys(m for m in modes if m))})" if any(modes) else ""
        statement = f"The {kind} {element.name!r} drives {joint.name!r}{through}{by}."
        motors.append(Motor(joint.name, stating.evidence(statement, "transmission"), reduction, rotor))
    return motors


def _ratio(element: Element, leftovers: Leftovers) -> float | None:
    """Turns of the motor per turn of the joint; what is no number is a leftover: the robot moves without it."""
    for text in (*(element.words(tag) for tag in _REDUCTIONS), element.get("mechanicalReduction")):
        if not text:
            continue
        try:
            value = number(text, "reduction", element)
        except SourceError:
            leftovers.add("reduction that is no number", f"{element.name} {text[:40]!r}")
            continue
        if math.isfinite(value) and value != 0:
            return value
    return None
