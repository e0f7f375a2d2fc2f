"""What the schemas of the engines say about a joint: springs, losses, drives, limits of speed, mimics.

The same quantity may stand in several families of attributes. Which one wins depends on the engine for which the stage
is read: its own family first, then Newton's, which PhysX and MuJoCo read too, then the others'. As PhysX does, only a
value above zero (of a limit: a finite one) displaces that of a later family: zero is what the schemas say of the unset.

Units: USD's joints are in degrees. PhysX's and Newton's viscous coefficients are per degree, as UsdPhysics' gains are;
MuJoCo's stiffness and damping are per radian, its ``springref`` is in degrees (newton 1.8 reads it so).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pxr import UsdPhysics

from physicl_twin.engines.scene_description import DescribedJoint

#: Engine that a stage is read for.
Reader = Literal["physx", "newton", "mujoco"]

_PHYSX, _NEWTON, _MUJOCO = "physx", "newton", "mujoco"
_FAMILIES: dict[Reader, tuple[str, ...]] = {
    "physx": (_PHYSX, _NEWTON, _MUJOCO),
    "newton": (_NEWTON, _PHYSX, _MUJOCO),
    "mujoco": (_MUJOCO, _NEWTON, _PHYSX),
}
#: Efforts, speeds and positions of this size and beyond mean "unbounded", as the schemas' infinity does.
_UNBOUNDED = 1e30


@dataclass(frozen=True, slots=True)
class JointUnits:
    """Units of a joint's numbers in a stage.

    Attributes:
        instance: Of multiple-apply schemas: ``angular`` or ``linear``.
        coordinate: Radians or metres in one degree or stage unit.
        effort: N m or N in a unit of effort.
        inertia: kg m2 or kg in a unit of inertia.
    """

    instance: str
    coordinate: float
    effort: float
    inertia: float

    @classmethod
    def of(cls, kind: str, metres_per_unit: float, kilograms_per_unit: float) -> JointUnits:
        """Of a revolute or spherical joint, or of a prismatic one."""
        if kind == "prismatic":
            return cls("linear", metres_per_unit, kilograms_per_unit * metres_per_unit, kilograms_per_unit)
        moment = kilograms_per_unit * metres_per_unit**2
        return cls("angular", math.pi / 180.0, moment, moment)

    @property
    def gain(self) -> float:
        """N m/rad or N/m (or either times seconds) in a gain that is per degree or stage unit."""
        return self.effort / self.coordinate


def with_properties(joint: DescribedJoint, prim: Any, units: JointUnits, reader: Reader) -> dict[str, Any]:
    """Fields of a DescribedJoint that are stated on its prim.

    Args:
        joint: What is known already.
        prim: Its prim.
        units: Of its numbers.
        reader: Whose attributes win.
    """
    found = _losses(prim, units, reader)
    if joint.type in ("revolute", "prismatic"):
        found |= _drive(prim, units) | _spring(prim, units) | _state(prim, units) | _mimic(prim, units, reader)
    return found


def _losses(prim: Any, units: JointUnits, reader: Reader) -> dict[str, Any]:
    """Friction, damping, armature and the limit of speed, each from the first family that states it."""
    axis = f"physxJointAxis:{'rotX' if prim.IsA(UsdPhysics.SphericalJoint) else units.instance}"
    # MuJoCo's own numbers are per radian: undo the degree that ``gain`` would take for granted.
    per_radian = math.pi / 180.0 if units.instance == "angular" else 1.0
    sources: dict[str, dict[str, Callable[[], float]]] = {
        "friction": {
            _PHYSX: lambda: (
                max(_number(prim, f"{axis}:dynamicFrictionEffort"), 0.0)
                or _number(prim, f"{axis}:staticFrictionEffort")
            ),
            _NEWTON: lambda: _number(prim, "newton:friction"),
            _MUJOCO: lambda: _number(prim, "mjc:frictionloss"),
        },
        "damping": {
            _PHYSX: lambda: _number(prim, f"{axis}:viscousFrictionCoefficient"),
            _NEWTON: lambda: _number(prim, "newton:damping"),
            _MUJOCO: lambda: _number(prim, "mjc:damping") * per_radian,
        },
        "armature": {
            _PHYSX: lambda: _number(prim, f"{axis}:armature") or _number(prim, "physxJoint:armature"),
            _NEWTON: lambda: _number(prim, "newton:armature"),
            _MUJOCO: lambda: _number(prim, "mjc:armature"),
        },
        "max_velocity": {
            _PHYSX: lambda: _bound(prim, f"{axis}:maxJointVelocity") or _bound(prim, "physxJoint:maxJointVelocity"),
            _NEWTON: lambda: _bound(prim, "newton:velocityLimit"),
            _MUJOCO: lambda: 0.0,
        },
    }
    scale = {
        "friction": units.effort,
        "damping": units.gain,
        "armature": units.inertia,
        "max_velocity": units.coordinate,
    }
    found: dict[str, Any] = {}
    for quantity, families in sources.items():
        value = next((v for family in _FAMILIES[reader] if (v := families[family]()) > 0.0), 0.0)
        if value > 0.0:
            found[quantity] = value * scale[quantity]
    return found


def _drive(prim: Any, units: JointUnits) -> dict[str, Any]:
    if not prim.HasAPI(UsdPhysics.DriveAPI, units.instance):
        return {}
    drive = UsdPhysics.DriveAPI(prim, units.instance)
    acceleration = str(drive.GetTypeAttr().Get()) == "acceleration"
    # An acceleration drive's gains know no mass: 1/s2 and 1/s, per degree or unit of length alike.
    gain = 1.0 if acceleration else units.gain
    most = float(drive.GetMaxForceAttr().Get())
    return {
        "driven": True,
        "drive_acceleration": acceleration,
        "drive_stiffness": float(drive.GetStiffnessAttr().Get()) * gain,
        "drive_damping": float(drive.GetDampingAttr().Get()) * gain,
        "drive_max_force": most * units.effort if 0.0 <= most < _UNBOUNDED else None,
        "drive_target": float(drive.GetTargetPositionAttr().Get()) * units.coordinate,
        "drive_target_velocity": float(drive.GetTargetVelocityAttr().Get()) * units.coordinate,
    }


def _spring(prim: Any, units: JointUnits) -> dict[str, Any]:
    stiffness = _number(prim, "mjc:stiffness")
    if stiffness <= 0.0:
        return {}
    scale = units.effort if units.instance == "angular" else units.gain
    return {"stiffness": stiffness * scale, "rest": _number(prim, "mjc:springref") * units.coordinate}


def _state(prim: Any, units: JointUnits) -> dict[str, Any]:
    position = prim.GetAttribute(f"state:{units.instance}:physics:position").Get()
    velocity = prim.GetAttribute(f"state:{units.instance}:physics:velocity").Get()
    found = {}
    if position is not None:
        found["position"] = float(position) * units.coordinate
    if velocity is not None:
        found["velocity"] = float(velocity) * units.coordinate
    return found


def _mimic(prim: Any, units: JointUnits, reader: Reader) -> dict[str, Any]:
    found = {
        _PHYSX: _physx_mimic(prim, units),
        _NEWTON: _newton_mimic(prim, units),
        _MUJOCO: _mujoco_mimic(prim),
    }
    return next((found[family] for family in _FAMILIES[reader] if found[family]), {})


def _mujoco_mimic(prim: Any) -> dict[str, Any]:
    """q - q_start = coef0 + coef1 · (q_leader - q_leader_start), radians and metres; see ``counts_from_the_start``."""
    targets = targets_of(prim, "mjc:target")
    if not targets or "MjcEqualityJointAPI" not in prim.GetPrimTypeInfo().GetAppliedAPISchemas():
        return {}
    ratio = prim.GetAttribute("mjc:coef1").Get()
    return {
        "mimic_of": str(targets[0]),
        "mimic_multiplier": 1.0 if ratio is None else float(ratio),
        "mimic_offset": _number(prim, "mjc:coef0"),
    }


def counts_from_the_start(prim: Any, reader: Reader) -> bool:
    """True when a follower's offset is MuJoCo's, which counts both coordinates from where they start."""
    return reader == "mujoco" and bool(_mujoco_mimic(prim))


def _newton_mimic(prim: Any, units: JointUnits) -> dict[str, Any]:
    """q = coef0 + coef1 · q_leader."""
    targets = targets_of(prim, "newton:mimicJoint")
    if not targets or prim.GetAttribute("newton:mimicEnabled").Get() is False:
        return {}
    ratio = prim.GetAttribute("newton:mimicCoef1").Get()
    return {
        "mimic_of": str(targets[0]),
        "mimic_multiplier": 1.0 if ratio is None else float(ratio),
        "mimic_offset": _number(prim, "newton:mimicCoef0") * units.coordinate,
    }


def _physx_mimic(prim: Any, units: JointUnits) -> dict[str, Any]:
    """q + gearing · q_reference + offset = 0."""
    for axis in ("rotX", "rotY", "rotZ"):
        targets = targets_of(prim, f"physxMimicJoint:{axis}:referenceJoint")
        if not targets:
            continue
        gearing = prim.GetAttribute(f"physxMimicJoint:{axis}:gearing").Get()
        return {
            "mimic_of": str(targets[0]),
            "mimic_multiplier": -(1.0 if gearing is None else float(gearing)),
            "mimic_offset": -_number(prim, f"physxMimicJoint:{axis}:offset") * units.coordinate,
        }
    return {}


def actuator_drive(actuator: Any, units: JointUnits) -> dict[str, Any]:
    """The drive that a MuJoCo actuator (``MjcActuator``) is to its joint: effort = gear · (gain · control + bias).

    Only affine bias on a fixed gain is a drive; of another kind nothing is found.
    """
    gain, bias = (list(actuator.GetAttribute(f"mjc:{name}Prm").Get() or []) for name in ("gain", "bias"))
    if str(actuator.GetAttribute("mjc:biasType").Get()) != "affine" or len(bias) < 3 or not gain:
        return {}
    gear = float((list(actuator.GetAttribute("mjc:gear").Get() or []) or [1.0])[0])
    bounds = [_number(actuator, f"mjc:forceRange:{end}") for end in ("min", "max")]
    return {
        "driven": True,
        # MuJoCo's gains are per radian already.
        "drive_stiffness": max(0.0, -float(bias[1])) * gear**2 * units.effort,
        "drive_damping": max(0.0, -float(bias[2])) * gear**2 * units.effort,
        "drive_max_force": bounds[1] * abs(gear) * units.effort if bounds[1] > 0.0 else None,
    }


def targets_of(prim: Any, relationship: str) -> list[Any]:
    """Paths that a relationship leads to; none where there is no such relationship."""
    found = prim.GetRelationship(relationship)
    return list(found.GetForwardedTargets()) if found else []


def _number(prim: Any, name: str) -> float:
    value = prim.GetAttribute(name).Get()
    return float(value) if value is not None and math.isfinite(float(value)) else 0.0


def _bound(prim: Any, name: str) -> float:
    """A bound; 0 where there is none."""
    value = _number(prim, name)
    return value if value < _UNBOUNDED else 0.0
