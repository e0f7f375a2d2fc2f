"""What a USD stage says about joints, in SI units: frames, limits, drives, state, and what engines' variants add.

Read apart from the writer and from the engines' readers on purpose: a check that shares their code shares their errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.validate.stage_view import all_prims

_TYPES = {
    "PhysicsFixedJoint": "fixed",
    "PhysicsRevoluteJoint": "revolute",
    "PhysicsPrismaticJoint": "prismatic",
    "PhysicsSphericalJoint": "spherical",
}
#: Efforts of this size and beyond mean "unbounded".
UNBOUNDED = 1e30
#: Limits of this size and beyond mean "free" (degrees, metres): PhysX wants both of a joint that is bound on one side.
FREE = 1e6
#: Attributes of each runtime's schemas: (name, exponent of the degree in its unit); {axis} is angular, linear, rotX.
_RESISTANCE: dict[str, dict[str, tuple[str, int]]] = {
    "PhysX": {
        "armature": ("physxJointAxis:{axis}:armature", 0),
        "friction": ("physxJointAxis:{axis}:dynamicFrictionEffort", 0),
        "damping": ("physxJointAxis:{axis}:viscousFrictionCoefficient", -1),
        "max_velocity": ("physxJointAxis:{axis}:maxJointVelocity", 1),
    },
    "Newton": {
        "armature": ("newton:armature", 0),
        "friction": ("newton:friction", 0),
        "damping": ("newton:damping", -1),
        "max_velocity": ("newton:velocityLimit", 1),
    },
    "MuJoCo": {
        "armature": ("mjc:armature", 0),
        "friction": ("mjc:frictionloss", 0),
        "damping": ("mjc:damping", 0),
    },
}


@dataclass(frozen=True, slots=True)
class DriveView:
    """A drive as authored, SI units.

    Attributes:
        instance: ``angular``, ``linear``, ``rotX`` …
        stiffness: N m/rad or N/m.
        damping: N m s/rad or N s/m.
        max_force: N m or N; None when unbounded.
        target: Radians or metres.
        target_velocity: rad/s or m/s.
    """

    instance: str
    stiffness: float
    damping: float
    max_force: float | None
    target: float
    target_velocity: float


@dataclass(frozen=True, slots=True, eq=False)
class JointView:
    """A joint prim, SI units.

    Attributes:
        path: Prim path.
        name: The name that the twin's writer recorded, else the display name, else the prim's.
        type: fixed, revolute, prismatic, spherical, or the prim's type name where it is another.
        bodies: Targets of either side, as authored.
        poses: Local frames.
        axis: 0, 1 or 2: motion axis of the frames.
        lower: Lower limit, radians or metres; None when free or not authored. Of a spherical joint minus its cone.
        upper: Upper limit.
        position: Authored joint state; None when there is none.
        excluded: True when it is kept out of the articulation's tree.
        enabled: False when it is switched off.
        drives: Its drives.
        anchor: True for a joint that the twin's writer added so that the world holds a body.
        raw_limits: Limits in USD's units as they compose; infinite where there are none.
    """

    path: str
    name: str
    type: str
    bodies: tuple[tuple[str, ...], tuple[str, ...]]
    poses: tuple[Pose, Pose]
    axis: int
    lower: float | None
    upper: float | None
    position: float | None
    excluded: bool
    enabled: bool
    drives: tuple[DriveView, ...] = ()
    anchor: bool = False
    raw_limits: tuple[float, float] = field(default=(-math.inf, math.inf))

    @property
    def moving(self) -> bool:
        """True for a joint of one coordinate."""
        return self.type in ("revolute", "prismatic")

    @property
    def body0(self) -> str:
        """Path of the first body; empty for the world."""
        return self.bodies[0][0] if self.bodies[0] else ""

    @property
    def body1(self) -> str:
        """Path of the second body; empty for the world."""
        return self.bodies[1][0] if self.bodies[1] else ""

    @property
    def unit(self) -> str:
        """Unit of its coordinate, for people."""
        return "m" if self.type == "prismatic" else "rad"


def read_joints(stage: Any) -> tuple[JointView, ...]:
    """Every joint of a stage, in stage order."""
    from pxr import UsdPhysics

    return tuple(_joint(prim) for prim in all_prims(stage) if prim.IsA(UsdPhysics.Joint))


def _joint(prim: Any) -> JointView:
    from pxr import UsdPhysics

    joint = UsdPhysics.Joint(prim)
    kind = _TYPES.get(str(prim.GetTypeName()), str(prim.GetTypeName()))
    scale = 1.0 if kind == "prismatic" else math.pi / 180.0
    low, high = _limits(prim, kind)
    own = prim.GetCustomDataByKey("physicl") or {}
    recorded = own.get("joint", {})
    name = str(recorded.get("name", "") if hasattr(recorded, "get") else "")
    instance = {"revolute": "angular", "prismatic": "linear"}.get(kind, "")
    position = _number(prim, f"state:{instance}:physics:position") if instance else None
    axis = str(prim.GetAttribute("physics:axis").Get() or "X")
    return JointView(
        path=str(prim.GetPath()),
        name=name or str(prim.GetDisplayName() or prim.GetName()),
        type=kind,
        bodies=(
            tuple(str(p) for p in joint.GetBody0Rel().GetTargets()),
            tuple(str(p) for p in joint.GetBody1Rel().GetTargets()),
        ),
        poses=(
            _pose(joint.GetLocalPos0Attr().Get(), joint.GetLocalRot0Attr().Get()),
            _pose(joint.GetLocalPos1Attr().Get(), joint.GetLocalRot1Attr().Get()),
        ),
        axis="XYZ".index(axis) if axis in ("X", "Y", "Z") else 0,
        lower=_si(low, scale),
        upper=_si(high, scale),
        position=None if position is None else position * scale,
        excluded=bool(joint.GetExcludeFromArticulationAttr().Get()),
        enabled=bool(joint.GetJointEnabledAttr().Get()),
        drives=tuple(_drives(prim, scale)),
        anchor=bool(own.get("anchor", False)),
        raw_limits=(-math.inf if low is None else low, math.inf if high is None else high),
    )


def _limits(prim: Any, kind: str) -> tuple[float | None, float | None]:
    """Limits as authored, USD's units; of a spherical joint its cone to either side."""
    if kind == "spherical":
        cones = [_number(prim, f"physics:coneAngle{k}Limit") for k in (0, 1)]
        inside = [cone for cone in cones if cone is not None and cone >= 0]
        return (-min(inside), min(inside)) if len(inside) == 2 else (None, None)
    return _number(prim, "physics:lowerLimit"), _number(prim, "physics:upperLimit")


def _si(value: float | None, scale: float) -> float | None:
    return None if value is None or abs(value) >= FREE else value * scale


def _number(prim: Any, name: str) -> float | None:
    attribute = prim.GetAttribute(name)
    value = attribute.Get() if attribute else None
    return None if value is None else float(value)


def _pose(position: Any, rotation: Any) -> Pose:
    place = tuple(float(v) for v in position) if position is not None else (0.0, 0.0, 0.0)
    turn: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    if rotation is not None:
        turn = (float(rotation.real), *(float(v) for v in rotation.imaginary))
    return Pose(place, turn)  # type: ignore[arg-type]


def _drives(prim: Any, scale: float) -> list[DriveView]:
    found = []
    for schema in prim.GetAppliedSchemas():
        if not schema.startswith("PhysicsDriveAPI:"):
            continue
        instance = schema.split(":", 1)[1]
        values = {
            name: _number(prim, f"drive:{instance}:physics:{name}")
            for name in ("stiffness", "damping", "maxForce", "targetPosition", "targetVelocity")
        }
        force = values["maxForce"]
        found.append(
            DriveView(
                instance,
                (values["stiffness"] or 0.0) / scale,
                (values["damping"] or 0.0) / scale,
                None if force is None or (force > 0 and force >= UNBOUNDED) else force,
                (values["targetPosition"] or 0.0) * scale,
                (values["targetVelocity"] or 0.0) * scale,
            )
        )
    return found


def resistance(stage: Any, view: JointView, runtime: str) -> dict[str, float]:
    """What a runtime's schemas state of a joint, SI units: ``armature``, ``friction``, ``damping``, ``max_velocity``.

    Args:
        stage: With that runtime switched on.
        view: The joint.
        runtime: ``PhysX``, ``Newton`` or ``MuJoCo``.
    """
    prim = stage.GetPrimAtPath(view.path)
    axis = {"revolute": "angular", "prismatic": "linear", "spherical": "rotX"}.get(view.type, "")
    degree = 1.0 if view.type == "prismatic" else math.pi / 180.0
    found = {}
    for quantity, (name, exponent) in _RESISTANCE[runtime].items():
        attribute = prim.GetAttribute(name.format(axis=axis)) if prim else None
        if attribute and attribute.HasAuthoredValue():
            found[quantity] = float(attribute.Get()) * degree**exponent
    return found


def motion(kind: str, axis: int, coordinate: float) -> FloatArray:
    """(4, 4) what a joint does to its frame at a coordinate, radians or metres."""
    moved = np.eye(4)
    if kind == "prismatic":
        moved[axis, 3] = coordinate
    elif kind == "revolute":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        moved[b, b] = moved[c, c] = math.cos(coordinate)
        moved[c, b], moved[b, c] = math.sin(coordinate), -math.sin(coordinate)
    return moved


def coordinate_between(kind: str, axis: int, relative: FloatArray) -> float:
    """Coordinate that a (4, 4) transform from one joint frame to the other comes nearest to; 0 for other types."""
    if kind == "prismatic":
        return float(relative[axis, 3])
    if kind == "revolute":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        return math.atan2(relative[c, b] - relative[b, c], relative[b, b] + relative[c, c])
    return 0.0
