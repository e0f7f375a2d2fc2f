"""Joints of a USD stage: what they leave free, how far, and their frames in both bodies, in SI units."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from physicl_twin.ingest.usd_physics import (
    Frames,
    StageUnits,
    body_of,
    column_matrix,
    rigid_part,
    rotation_of,
)
from physicl_twin.model import Evidence, Joint, Note, Pose
from physicl_twin.model.joint import JointAxis, JointType

_TYPES: dict[str, JointType] = {
    "PhysicsFixedJoint": "fixed",
    "PhysicsRevoluteJoint": "revolute",
    "PhysicsPrismaticJoint": "prismatic",
    "PhysicsSphericalJoint": "spherical",
}
#: Limits beyond this magnitude (degrees or units) mean that there is none.
_FREE = 1e6
_LETTERS: tuple[JointAxis, ...] = ("x", "y", "z")


@dataclass(slots=True)
class StageJoint:
    """A joint of the stage.

    Attributes:
        joint: In SI units and body frames.
        path: Of its prim.
        instance: Of its axis in multiple-apply schemas: ``angular``, ``linear`` …, the likeliest first.
        excluded: True when the stage keeps it out of the articulation.
        state: Coordinate that the stage states, radians or metres; None when it states none.
        accelerates: True when its drive's gains are per unit of inertia.
        notes: What of it has no counterpart.
    """

    joint: Joint
    path: str
    instance: tuple[str, ...] = ()
    excluded: bool = False
    state: float | None = None
    accelerates: bool = False
    notes: list[Note] = field(default_factory=list)

    @property
    def coordinate(self) -> str:
        """Unit of its coordinate."""
        return "m" if self.joint.type == "prismatic" else "rad"


@dataclass(frozen=True, slots=True)
class _Freedom:
    """What a joint leaves free, or why it is none of our joints."""

    type: JointType = "fixed"
    axis: JointAxis = "z"
    lower: float | None = None
    upper: float | None = None
    instance: tuple[str, ...] = ()
    refusal: str = ""
    remark: str = ""


def stage_joint(prim: Any, names: dict[str, str], frames: Frames, units: StageUnits, time: Any) -> StageJoint | Note:
    """A joint between bodies, or a note why there is none.

    Args:
        prim: A joint prim.
        names: Name of each body by prim path.
        frames: Their frames.
        units: Of the stage.
        time: ``Usd.TimeCode``.
    """
    from pxr import UsdPhysics

    name = prim.GetName()
    api = UsdPhysics.Joint(prim)
    if api.GetJointEnabledAttr().Get(time) is False:
        return _ignored(f"The joint {name!r} is switched off.")
    freedom = _freedom(prim, units, time)
    if freedom.refusal:
        return _ignored(f"The joint {name!r} {freedom.refusal}.")
    ends: list[tuple[str, Pose]] = []
    for relation, position, turn in (
        (api.GetBody0Rel(), api.GetLocalPos0Attr(), api.GetLocalRot0Attr()),
        (api.GetBody1Rel(), api.GetLocalPos1Attr(), api.GetLocalRot1Attr()),
    ):
        targets = relation.GetTargets()
        target = prim.GetStage().GetPrimAtPath(targets[0]) if targets else None
        if targets and not (target and target.IsActive()):
            return _ignored(f"The joint {name!r} refers to {str(targets[0])[:120]}, which is not there.")
        ends.append(_end(target, position.Get(time), turn.Get(time), names, frames, units, time))
    (body0, pose0), (body1, pose1) = ends
    if not body0 and not body1:
        return _ignored(f"The joint {name!r} connects no rigid bodies.")
    if body0 == body1:
        return _ignored(f"The joint {name!r} connects the body {body0!r} to itself.")
    evidence = (Evidence("source", f"The USD asset has a {freedom.type} joint.", units.source, prim.GetTypeName()),)
    joint = Joint(
        prim.GetDisplayName() or name, freedom.type, body0, body1, pose0, pose1, freedom.axis, freedom.lower,
        freedom.upper, evidence=evidence,
    )  # fmt: skip
    made = StageJoint(joint, str(prim.GetPath()), freedom.instance)
    made.excluded = bool(api.GetExcludeFromArticulationAttr().Get(time))
    if freedom.remark:
        made.notes.append(Note("joint_simplified", "info", f"The joint {name!r} {freedom.remark}."))
    return made


def _ignored(message: str) -> Note:
    return Note("joint_ignored", "warning", message)


def _end(
    target: Any, position: Any, turn: Any, names: dict[str, str], frames: Frames, units: StageUnits, time: Any
) -> tuple[str, Pose]:
    """Body at one end of a joint (empty for the world) and the joint's frame in that body, metres."""
    from pxr import UsdGeom

    local = np.eye(4)
    local[:3, 3] = position or (0.0, 0.0, 0.0)
    local[:3, :3] = np.eye(3) if turn is None else rotation_of(turn)
    if not target:
        local[:3, 3] *= units.metres
        return "", Pose.from_matrix(local)
    world = (
        column_matrix(UsdGeom.Xformable(target).ComputeLocalToWorldTransform(time))
        if target.IsA(UsdGeom.Xformable)
        else np.eye(4)
    )
    rigid, _ = rigid_part(world)
    placed = rigid @ local
    placed[:3, 3] = (world @ np.append(local[:3, 3], 1.0))[:3]
    body = body_of(target)
    path = str(body.GetPath()) if body else ""
    if path in names:
        placed = np.linalg.inv(frames.rigid[path]) @ placed
    placed[:3, 3] *= units.metres
    return names.get(path, ""), Pose.from_matrix(placed)


def _freedom(prim: Any, units: StageUnits, time: Any) -> _Freedom:
    """What a joint leaves free by its type, or by the limits of a joint of the general type."""
    kind = str(prim.GetTypeName())
    if kind == "PhysicsJoint":
        return _general(prim, units, time)
    if kind not in _TYPES:
        return _Freedom(refusal=f"is a {kind or 'custom joint'}")
    form = _TYPES[kind]
    if form == "fixed":
        return _Freedom()
    axis = _letter(prim.GetAttribute("physics:axis").Get(time))
    if form == "spherical":
        return _cone(prim, axis, time)
    factor = math.pi / 180 if form == "revolute" else units.metres
    lower, upper = (_bound(prim.GetAttribute(f"physics:{end}Limit").Get(time), factor) for end in ("lower", "upper"))
    instance = ("angular", f"rot{axis.upper()}") if form == "revolute" else ("linear", f"trans{axis.upper()}")
    if lower is not None and upper is not None and lower > upper:
        remark = "has its lower limit above the upper one; they are exchanged"
        return _Freedom(form, axis, upper, lower, instance, remark=remark)
    return _Freedom(form, axis, lower, upper, instance)


def _letter(token: Any) -> JointAxis:
    letter = str(token or "X").lower()
    return "y" if letter == "y" else "z" if letter == "z" else "x"


def _bound(value: Any, factor: float) -> float | None:
    free = value is None or not math.isfinite(value) or abs(value) >= _FREE
    return None if free else float(value) * factor


def _cone(prim: Any, axis: JointAxis, time: Any) -> _Freedom:
    """A ball's cone, whose half-angle counts both ways; the smaller of two angles."""
    values = [prim.GetAttribute(f"physics:coneAngle{i}Limit").Get(time) for i in (0, 1)]
    angles = [math.radians(float(v)) for v in values if v is not None and 0 <= v < 360]
    instance = ("rotX", "rotY", "rotZ", "angular")
    if not angles:
        return _Freedom("spherical", axis, instance=instance)
    remark = "has an oval cone; its smaller angle is taken" if len({round(a, 6) for a in angles}) > 1 else ""
    return _Freedom("spherical", axis, -min(angles), min(angles), instance, remark=remark)


def _general(prim: Any, units: StageUnits, time: Any) -> _Freedom:
    """A joint of six axes: locked where its limits say so (low above high, or equal), else free or limited."""
    free: list[tuple[str, float | None, float | None]] = []
    for name in ("transX", "transY", "transZ", "rotX", "rotY", "rotZ"):
        low, high = (prim.GetAttribute(f"limit:{name}:physics:{end}").Get(time) for end in ("low", "high"))
        if low is not None and high is not None and low >= high:
            continue
        factor = units.metres if name.startswith("trans") else math.pi / 180
        free.append((name, _bound(low, factor), _bound(high, factor)))
    if prim.GetAttribute("limit:distance:physics:low") or prim.GetAttribute("limit:distance:physics:high"):
        return _Freedom(refusal="limits a distance")
    names = [name for name, _, _ in free]
    turns = [name for name in names if name.startswith("rot")]
    if not free:
        return _Freedom()
    if len(free) == 1:
        name, lower, upper = free[0]
        axis = _letter(name[-1])
        if turns:
            return _Freedom("revolute", axis, lower, upper, (name, "angular"))
        return _Freedom("prismatic", axis, lower, upper, (name, "linear"))
    if len(free) == 3 == len(turns):
        bounds = {b for _, *both in free for b in both}
        remark = "" if bounds == {None} else "limits three rotations; a ball without limits is taken"
        return _Freedom("spherical", "x", instance=("rotX", "rotY", "rotZ"), remark=remark)
    return _Freedom(refusal=f"leaves {len(free)} axes free ({', '.join(names)})")
