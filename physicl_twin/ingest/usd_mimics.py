"""Joints of a USD stage that follow others: PhysX's, Newton's and MuJoCo's way of saying so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from physicl_twin.ingest.usd_joint_dynamics import number
from physicl_twin.ingest.usd_joints import StageJoint
from physicl_twin.ingest.usd_physics import StageUnits, applied_schemas
from physicl_twin.model import Mimic, Note

_PHYSX = "PhysxMimicJointAPI:"


def read_mimic(made: StageJoint, prim: Any, joints: Mapping[str, StageJoint], units: StageUnits, time: Any) -> None:
    """Let a joint follow another where the stage says so.

    Args:
        made: The joint.
        prim: Its prim.
        joints: All joints by prim path.
        units: Of the stage.
        time: ``Usd.TimeCode``.
    """
    found = _physx(prim, time) or _newton(prim, time) or _mujoco(made, prim, joints, units, time)
    if found is None:
        return
    target, ratio, offset, radians = found
    leader = joints.get(target)
    if leader is None or leader is made or leader.joint.type not in ("revolute", "prismatic"):
        message = f"The joint {made.joint.name!r} should follow {target[:120]!r}, which is no joint that can lead it."
        made.notes.append(Note("mimic_left_out", "warning", message))
        return
    own, other = _coordinate(made, units), _coordinate(leader, units)
    if radians:
        mimic = Mimic(leader.joint.name, ratio, offset)
    else:
        mimic = Mimic(leader.joint.name, ratio * own / other, offset * own)
    made.joint = replace(made.joint, mimic=mimic, drive=None)


def _coordinate(made: StageJoint, units: StageUnits) -> float:
    return units.metres if made.joint.type == "prismatic" else math.pi / 180


def _target(prim: Any, relation: str) -> str:
    targets = prim.GetRelationship(relation).GetTargets()
    return str(targets[0]) if targets else ""


def _physx(prim: Any, time: Any) -> tuple[str, float, float, bool] | None:
    """q + gearing · q_reference + offset = 0, degrees or stage units."""
    for schema in applied_schemas(prim):
        if not schema.startswith(_PHYSX):
            continue
        base = f"physxMimicJoint:{schema.removeprefix(_PHYSX)}"
        gearing = number(prim, f"{base}:gearing", time)
        target = _target(prim, f"{base}:referenceJoint")
        if target:
            return target, -(1.0 if gearing is None else gearing), -(number(prim, f"{base}:offset", time) or 0.0), False
    return None


def _newton(prim: Any, time: Any) -> tuple[str, float, float, bool] | None:
    """q = coef0 + coef1 · q_leader, degrees or stage units."""
    if "NewtonMimicAPI" not in applied_schemas(prim) or prim.GetAttribute("newton:mimicEnabled").Get(time) is False:
        return None
    ratio = number(prim, "newton:mimicCoef1", time)
    target = _target(prim, "newton:mimicJoint")
    offset = number(prim, "newton:mimicCoef0", time) or 0.0
    return (target, 1.0 if ratio is None else ratio, offset, False) if target else None


def _mujoco(
    made: StageJoint, prim: Any, joints: Mapping[str, StageJoint], units: StageUnits, time: Any
) -> tuple[str, float, float, bool] | None:
    """q - ref = coef0 + coef1 · (q_leader - ref of the leader), radians or stage units; ref in degrees."""
    if "MjcEqualityJointAPI" not in applied_schemas(prim) or not (target := _target(prim, "mjc:target")):
        return None
    if any(number(prim, f"mjc:coef{power}", time) for power in (2, 3, 4)):
        message = f"The joint {made.joint.name!r} follows another along a curve; that is left out."
        made.notes.append(Note("mimic_left_out", "warning", message))
        return None
    written = number(prim, "mjc:coef1", time)
    ratio = 1.0 if written is None else written
    scale = units.metres if made.joint.type == "prismatic" else 1.0
    leader = joints.get(target)
    reference = (number(prim, "mjc:ref", time) or 0.0) * _coordinate(made, units)
    if leader is not None:
        there = number(prim.GetStage().GetPrimAtPath(target), "mjc:ref", time) or 0.0
        ratio *= scale / (units.metres if leader.joint.type == "prismatic" else 1.0)
        reference -= ratio * there * _coordinate(leader, units)
    return target, ratio, (number(prim, "mjc:coef0", time) or 0.0) * scale + reference, True
