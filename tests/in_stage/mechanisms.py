"""Stages with joints, and where their bodies must be by hand-written kinematics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom, UsdPhysics

from tests.in_stage.scenes import cube, stage


def body(made: Usd.Stage, path: str, at: tuple[float, float, float], turn_deg: float = 0.0, size: float = 0.2):
    """A rigid cube, placed by translation and orientation about z; stage units."""
    holder = UsdGeom.Xform.Define(made, path)
    holder.AddTranslateOp().Set(Gf.Vec3d(*at))
    half = math.radians(turn_deg) / 2
    holder.AddOrientOp().Set(Gf.Quatf(math.cos(half), 0, 0, math.sin(half)))
    UsdPhysics.RigidBodyAPI.Apply(holder.GetPrim())
    cube(made, f"{path}/shape", size)
    return holder.GetPrim()


def joint(
    made: Usd.Stage,
    path: str,
    kind: str,
    body0: str,
    body1: str,
    at0: tuple[float, float, float],
    at1: tuple[float, float, float],
    limits: tuple[float, float] | None = None,
    axis: str = "Z",
):
    """A joint; frames are given in their bodies', stage units, limits in degrees or stage units."""
    schema = {
        "revolute": UsdPhysics.RevoluteJoint,
        "prismatic": UsdPhysics.PrismaticJoint,
        "fixed": UsdPhysics.FixedJoint,
    }
    made_joint = schema[kind].Define(made, path)
    if body0:
        made_joint.CreateBody0Rel().SetTargets([body0])
    if body1:
        made_joint.CreateBody1Rel().SetTargets([body1])
    made_joint.CreateLocalPos0Attr(Gf.Vec3f(*at0))
    made_joint.CreateLocalPos1Attr(Gf.Vec3f(*at1))
    made_joint.CreateLocalRot0Attr(Gf.Quatf(1))
    made_joint.CreateLocalRot1Attr(Gf.Quatf(1))
    if kind != "fixed":
        made_joint.CreateAxisAttr(axis)
    if limits is not None:
        made_joint.CreateLowerLimitAttr(limits[0])
        made_joint.CreateUpperLimitAttr(limits[1])
    return made_joint.GetPrim()


def planar_arm(metres_per_unit: float = 1.0, fixed: bool = True) -> Usd.Stage:
    """Base at the origin, upper arm from (0, 0) to (1, 0) m, forearm to (1.5, 0) m; shoulder and elbow about z."""
    made = stage(metres_per_unit)
    unit = 1.0 / metres_per_unit
    for name, x in (("base", 0.0), ("upper", 0.5), ("fore", 1.25)):
        body(made, f"/World/arm/{name}", (x * unit, 0.0, 0.0))
    if fixed:
        joint(made, "/World/arm/root", "fixed", "", "/World/arm/base", (0, 0, 0), (0, 0, 0))
    ends = ("/World/arm/base", "/World/arm/upper", "/World/arm/fore")
    joint(made, "/World/arm/shoulder", "revolute", *ends[:2], (0, 0, 0), (-0.5 * unit, 0, 0), (-90, 90))
    joint(made, "/World/arm/elbow", "revolute", *ends[1:], (0.5 * unit, 0, 0), (-0.25 * unit, 0, 0), (-120, 120))
    return made


def arm_at(shoulder: float, elbow: float) -> dict[str, tuple[float, float, float]]:
    """(x, y, heading) of the planar arm's links, metres and radians."""
    c, s = math.cos(shoulder), math.sin(shoulder)
    both = shoulder + elbow
    return {
        "base": (0.0, 0.0, 0.0),
        "upper": (0.5 * c, 0.5 * s, shoulder),
        "fore": (c + 0.25 * math.cos(both), s + 0.25 * math.sin(both), math.remainder(both, math.tau)),
    }


def pose(made: Usd.Stage, path: str) -> tuple[float, float, float]:
    """(x, y, heading) of a prim in the world, metres and radians."""
    world = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(made.GetPrimAtPath(path))).T
    metres = UsdGeom.GetStageMetersPerUnit(made)
    return world[0, 3] * metres, world[1, 3] * metres, math.atan2(world[1, 0], world[0, 0])


def agrees(made: Usd.Stage, shoulder: float, elbow: float) -> None:
    """The planar arm stands where its kinematics say."""
    for name, (x, y, heading) in arm_at(shoulder, elbow).items():
        assert pose(made, f"/World/arm/{name}") == pytest.approx((x, y, heading), abs=1e-6), name
