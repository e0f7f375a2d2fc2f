"""Joints of a USD stage."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from pxr import UsdPhysics

from physicl_twin.engines.joint_properties import JointUnits, Reader, with_properties
from physicl_twin.engines.scene_description import DescribedJoint
from physicl_twin.engines.usd_frames import SplitTransform, quaternion_wxyz
from physicl_twin.model.geometry import Pose, Vector3

_AXES: dict[str, Vector3] = {"X": (1.0, 0.0, 0.0), "Y": (0.0, 1.0, 0.0), "Z": (0.0, 0.0, 1.0)}
#: Limits of this size and beyond (degrees or stage units) mean "free", as UsdPhysics' unset limits (infinity) do: PhysX
#: wants both of a joint that is bound on one side, and of those that lead or follow others.
_FREE = 1e6

JointType = Literal["fixed", "revolute", "prismatic", "spherical"]


def joint_type(prim: Any) -> JointType | None:
    """Which of our joint types a prim is; None when it is none of them."""
    for schema, name in (
        (UsdPhysics.FixedJoint, "fixed"),
        (UsdPhysics.RevoluteJoint, "revolute"),
        (UsdPhysics.PrismaticJoint, "prismatic"),
        (UsdPhysics.SphericalJoint, "spherical"),
    ):
        if prim.IsA(schema):
            return name  # type: ignore[return-value]
    return None


def read_joint(
    prim: Any,
    kind: JointType,
    units: tuple[float, float],
    frames: tuple[SplitTransform, SplitTransform],
    owners: tuple[str, str],
    reader: Reader,
) -> DescribedJoint:
    """A joint prim.

    Args:
        prim: The joint.
        kind: Its type.
        units: Metres and kilograms in the stage's units.
        frames: Placement of each related prim in its owning body's frame (or the world), with the scale that the
            joint's local positions are in.
        owners: Prim paths of the bodies that own them; empty for the world.
        reader: Engine whose attributes win.
    """
    metres_per_unit = units[0]
    api = UsdPhysics.Joint(prim)
    poses = []
    for frame, position, rotation in (
        (frames[0], api.GetLocalPos0Attr().Get(), api.GetLocalRot0Attr().Get()),
        (frames[1], api.GetLocalPos1Attr().Get(), api.GetLocalRot1Attr().Get()),
    ):
        local = np.array([float(x) for x in position]) * metres_per_unit * frame.scale
        local_pose = Pose((float(local[0]), float(local[1]), float(local[2])), quaternion_wxyz(rotation))
        poses.append(frame.pose.compose(local_pose))
    axis, lower, upper = _AXES["Z"], None, None
    if kind in ("revolute", "prismatic"):
        typed = UsdPhysics.RevoluteJoint(prim) if kind == "revolute" else UsdPhysics.PrismaticJoint(prim)
        unit = math.pi / 180.0 if kind == "revolute" else metres_per_unit
        axis = _AXES[str(typed.GetAxisAttr().Get())]
        lower, upper = _limit(typed.GetLowerLimitAttr().Get(), unit), _limit(typed.GetUpperLimitAttr().Get(), unit)
    elif kind == "spherical":
        spherical = UsdPhysics.SphericalJoint(prim)
        axis = _AXES[str(spherical.GetAxisAttr().Get())]
        cones = [spherical.GetConeAngle0LimitAttr().Get(), spherical.GetConeAngle1LimitAttr().Get()]
        if all(cone is not None and cone >= 0 for cone in cones):
            upper = math.radians(min(float(cone) for cone in cones))
    joint = DescribedJoint(
        str(prim.GetPath()),
        kind,
        owners[0],
        owners[1],
        poses[0],
        poses[1],
        axis,
        lower,
        upper,
        bool(api.GetCollisionEnabledAttr().Get()),
        closes_loop=bool(api.GetExcludeFromArticulationAttr().Get()),
    )
    return replace(joint, **with_properties(joint, prim, JointUnits.of(kind, *units), reader))


def _limit(value: float | None, unit: float) -> float | None:
    if value is None or not abs(value) < _FREE:
        return None
    return float(value) * unit
