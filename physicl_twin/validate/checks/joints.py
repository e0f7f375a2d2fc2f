"""Joints: bodies that exist, frames that agree, limits in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.stage_view import all_prims, rigid_world
from physicl_twin.validate.subject import Subject

_REBUILD = "Correct the joint in the source, then build the twin again."


def _joints(subject: Subject) -> list[Any]:
    from pxr import UsdPhysics

    return [prim for prim in all_prims(subject.stage) if prim.IsA(UsdPhysics.Joint)]


@check("joints.targets", "Every joint joins rigid bodies that exist", _REBUILD)
def targets(subject: Subject) -> Findings:
    """One target a side at most, at least one, each a rigid body; no body joined to itself."""
    from pxr import UsdPhysics

    found = Findings()
    bodies = {body.path for body in subject.bodies}
    for prim in _joints(subject):
        joint, name = UsdPhysics.Joint(prim), prim.GetName()
        sides = [[str(p) for p in r.GetTargets()] for r in (joint.GetBody0Rel(), joint.GetBody1Rel())]
        found.require(all(len(s) <= 1 for s in sides), name, "A side has several bodies.")
        named = [s[0] for s in sides if s]
        found.require(bool(named), name, "It joins nothing.")
        for path in named:
            found.require(path in bodies, name, f"{path} is not a rigid body.")
        found.require(len(set(named)) == len(named), name, "It joins a body to itself.")
    found.summary = f"{len(_joints(subject))} joints." if _joints(subject) else "There are no joints."
    return found


@check("joints.frames", "A joint's two frames are at the same place", _REBUILD)
def frames(subject: Subject) -> Findings:
    """Both local frames give one world frame at the authored pose (else the first step tears the bodies apart)."""
    found = Findings()
    worst_m, worst_deg = 0.0, 0.0
    for prim in _joints(subject):
        first, second = (_world_frame(subject, prim, side) for side in (0, 1))
        gap = float(np.linalg.norm(first[:3, 3] - second[:3, 3]))
        cosine = (np.trace(first[:3, :3].T @ second[:3, :3]) - 1) / 2
        angle = (
            float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
            if prim.GetTypeName() != "PhysicsSphericalJoint"
            else 0.0
        )
        worst_m, worst_deg = max(worst_m, gap), max(worst_deg, angle)
        found.require(gap <= subject.number("joint_gap_max_m"), prim.GetName(), f"They are {gap:.4g} m apart.")
        limit = subject.number("joint_angle_max_deg")
        found.require(angle <= limit, prim.GetName(), f"They are turned by {angle:.3g}° against each other.")
    found.summary = f"Within {worst_m:.2g} m and {worst_deg:.2g}°." if _joints(subject) else "There are no joints."
    return found


def _world_frame(subject: Subject, prim: Any, side: int) -> FloatArray:
    from pxr import Usd, UsdGeom, UsdPhysics

    joint = UsdPhysics.Joint(prim)
    rel, pos, rot = (
        (joint.GetBody0Rel(), joint.GetLocalPos0Attr(), joint.GetLocalRot0Attr())
        if side == 0
        else (joint.GetBody1Rel(), joint.GetLocalPos1Attr(), joint.GetLocalRot1Attr())
    )
    position = pos.Get() or (0, 0, 0)
    rotation = rot.Get()
    wxyz = (rotation.real, *rotation.imaginary) if rotation is not None else (1.0, 0.0, 0.0, 0.0)
    local = Pose(tuple(float(v) for v in position), tuple(float(v) for v in wxyz)).matrix()  # type: ignore[arg-type]
    paths = rel.GetTargets()
    body = subject.stage.GetPrimAtPath(paths[0]) if paths else None
    world = rigid_world(UsdGeom.XformCache(Usd.TimeCode.Default()), body) if body else np.eye(4)
    result: FloatArray = world @ local
    return result


@check("joints.limits", "Joint limits are in order and contain a range", _REBUILD)
def limits(subject: Subject) -> Findings:
    """Lower is not above upper and neither is NaN (infinite means free)."""
    found = Findings()
    joints = _joints(subject)
    for prim in joints:
        low, high = prim.GetAttribute("physics:lowerLimit"), prim.GetAttribute("physics:upperLimit")
        if not low or not high:
            continue
        a, b = float(low.Get()), float(high.Get())
        found.require(not np.isnan(a) and not np.isnan(b) and a <= b, prim.GetName(), f"{a:g} to {b:g}.")
    found.summary = f"{len(joints)} joints." if joints else "There are no joints."
    return found


@check("joints.recorded", "The joints on the stage are those of the record", _REBUILD)
def recorded(subject: Subject) -> Findings:
    """As many joints of each type as twin.json lists."""
    found = Findings()
    stage = sorted(p.GetTypeName().removeprefix("Physics").removesuffix("Joint").lower() for p in _joints(subject))
    record = sorted(joint.type for joint in subject.twin.joints)
    text = f"The stage has {', '.join(stage) or 'none'}; twin.json {', '.join(record) or 'none'}."
    found.require(stage == record, "", text)
    found.summary = f"{len(record)} joints." if record else "There are no joints."
    return found
