"""What the schemas of USD, PhysX, Newton and MuJoCo say about a joint's losses, springs, motors and speed.

The same quantity may stand in several families of attributes; the first value above zero counts, in the order PhysX,
Newton, MuJoCo, since zero is what their schemas say of the unset. Joints of USD are in degrees: PhysX's and Newton's
viscous coefficients are per degree as UsdPhysics' gains are, MuJoCo's are per radian with its ``springref`` in degrees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from physicl_twin.ingest.usd_joints import StageJoint
from physicl_twin.ingest.usd_physics import StageUnits
from physicl_twin.model import Estimate, Note

#: Numbers of this size and beyond mean "unbounded" (the largest single-precision number is 3.4e38).
UNBOUNDED = 1e30


@dataclass(frozen=True, slots=True)
class JointUnits:
    """SI in one unit of the stage, for a joint.

    Attributes:
        coordinate: Radians or metres in a degree or stage unit.
        effort: N m or N in a unit of effort.
        inertia: kg m2 or kg in a unit of inertia.
        torque: Name of the unit of effort.
        angle: Name of the unit of the coordinate.
    """

    coordinate: float
    effort: float
    inertia: float
    torque: str
    angle: str

    @classmethod
    def of(cls, joint: StageJoint, units: StageUnits) -> JointUnits:
        """Of a joint."""
        if joint.joint.type == "prismatic":
            return cls(units.metres, units.kilograms * units.metres, units.kilograms, "N", "m")
        moment = units.kilograms * units.metres**2
        return cls(math.pi / 180, moment, moment, "N m", "rad")

    @property
    def gain(self) -> float:
        """N m/rad or N/m (and damping likewise) in the stage's unit, which is per degree."""
        return self.effort / self.coordinate


def read_dynamics(made: StageJoint, prim: Any, units: StageUnits, time: Any) -> None:
    """Add what the stage states about the dynamics of a joint, and note what has no counterpart."""
    own = JointUnits.of(made, units)
    joint = made.joint

    def first(unit: str, what: str, *fields: tuple[str, float]) -> Estimate | None:
        for name, factor in fields:
            value = number(prim, name, time)
            if value is not None and 0.0 < value < UNBOUNDED:
                return units.estimate(value * factor, unit, f"{what} ({name}) of")
        return None

    def axis(name: str, factor: float) -> list[tuple[str, float]]:
        return [(f"physxJointAxis:{instance}:{name}", factor) for instance in made.instance]

    per_radian = own.effort  # MuJoCo's gains are per radian (or stage unit) already
    if joint.type == "prismatic":
        per_radian = own.gain
    made.joint = replace(
        joint,
        friction=first(
            own.torque, "a joint friction", *axis("dynamicFrictionEffort", own.effort),
            ("newton:friction", own.effort), ("mjc:frictionloss", own.effort),
        ),
        damping=first(
            f"{own.torque} s/{own.angle}", "a joint damping", *axis("viscousFrictionCoefficient", own.gain),
            ("newton:damping", own.gain), ("mjc:damping", per_radian),
        ),
        armature=first(
            "kg m2" if own.angle == "rad" else "kg", "an armature", *axis("armature", own.inertia),
            ("physxJoint:armature", own.inertia), ("newton:armature", own.inertia), ("mjc:armature", own.inertia),
        ),
        max_velocity=first(
            f"{own.angle}/s", "a limit of speed", *axis("maxJointVelocity", own.coordinate),
            ("physxJoint:maxJointVelocity", own.coordinate), ("newton:velocityLimit", own.coordinate),
            ("urdf:limit:velocity", 1.0),
        ),
        stiffness=first(f"{own.torque}/{own.angle}", "a spring", ("mjc:stiffness", per_radian)),
        rest=(number(prim, "mjc:springref", time) or 0.0) * own.coordinate,
        max_force=first(
            own.torque, "a motor limit", ("urdf:limit:effort", 1.0), ("mjc:actuatorfrcrange:max", own.effort)
        ),
    )  # fmt: skip
    if joint.type not in ("fixed", "spherical"):
        made.state = _state(made, prim, own, time)
    made.notes += _losses(made, prim, time)


def number(prim: Any, name: str, time: Any) -> float | None:
    """A finite number that the stage states or a schema falls back to; None without one."""
    value = prim.GetAttribute(name).Get(time) if prim.HasAttribute(name) else None
    try:
        found = None if value is None else float(value)
    except (TypeError, ValueError):
        return None
    return found if found is not None and math.isfinite(found) else None


def _state(made: StageJoint, prim: Any, own: JointUnits, time: Any) -> float | None:
    """Coordinate of PhysicsJointStateAPI."""
    for instance in made.instance:
        name = f"state:{instance}:physics:position"
        if prim.HasAttribute(name) and prim.GetAttribute(name).HasAuthoredValue():
            value = number(prim, name, time)
            return None if value is None else value * own.coordinate
    return None


def _losses(made: StageJoint, prim: Any, time: Any) -> list[Note]:
    """Notes about what a joint states and a twin has no place for."""
    name, notes = made.joint.name, []

    def left(what: str) -> None:
        notes.append(Note("joint_simplified", "info", f"Of the joint {name!r} is left out: {what}."))

    if number(prim, "physxJoint:jointFriction", time):
        left("its friction coefficient, which counts against the reaction force")
    softness = [*(f"physxLimit:{i}:stiffness" for i in made.instance), "newton:limitStiffness"]
    if any((number(prim, field, time) or 0.0) > 0.0 for field in softness):
        left("the spring of its limits")
    if any(number(prim, f"state:{instance}:physics:velocity", time) for instance in made.instance):
        left("its velocity")
    if any((number(prim, f"physics:break{kind}", time) or UNBOUNDED) < UNBOUNDED for kind in ("Force", "Torque")):
        left("the force at which it breaks")
    if prim.GetAttribute("physics:collisionEnabled").Get(time):
        left("that its two bodies collide")
    return notes
