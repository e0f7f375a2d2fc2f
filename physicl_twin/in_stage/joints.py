"""Joints of an open stage: what they are, where they stand and how far they go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage.selection import prim_at
from physicl_twin.model import UsdError
from physicl_twin.model.geometry import FloatArray

#: Limits beyond this magnitude (degrees or stage units) mean that there is none.
_FREE = 1e6
#: How far beyond a limit a wish may lie and still be taken for the limit itself, rad or m: rounding of degrees.
_ROUNDING = 1e-4
_AXES = {"X": 0, "Y": 1, "Z": 2}
_LEADER, _OFFSET, _RATIO = "newton:mimicJoint", "newton:mimicCoef0", "newton:mimicCoef1"


@dataclass(frozen=True, slots=True)
class StageJoint:
    """A joint that turns or slides.

    Attributes:
        path: Of its prim.
        name: Of its prim.
        type: revolute or prismatic.
        body0: Path of the first body; empty for the world.
        body1: Path of the second body; empty for the world.
        position: Where it stands, radians or metres, from the poses of its bodies.
        lower: Lower limit; None when free.
        upper: Upper limit.
        target: Of its drive; None without a drive.
        follows: Path of the joint that leads it: position = ratio · position of that one + offset; empty for none.
        ratio: See there.
        offset: Radians or metres.
    """

    path: str
    name: str
    type: Literal["revolute", "prismatic"]
    body0: str
    body1: str
    position: float
    lower: float | None
    upper: float | None
    target: float | None
    follows: str = ""
    ratio: float = 1.0
    offset: float = 0.0

    def beyond(self, position: float) -> bool:
        """True for a coordinate outside the limits."""
        low = -math.inf if self.lower is None else self.lower
        high = math.inf if self.upper is None else self.upper
        return not low - _ROUNDING <= position <= high + _ROUNDING

    def at_fraction(self, fraction: float) -> float:
        """The coordinate at a fraction of the range, 0 to 1; a turn from where it stands for one that is free."""
        if self.lower is None or self.upper is None:
            return self.position + fraction * (2 * math.pi if self.type == "revolute" else 1.0)
        return self.lower + fraction * (self.upper - self.lower)


def joints_of(stage: Usd.Stage, paths: Sequence[str] = ()) -> tuple[StageJoint, ...]:
    """Joints at and below prims, and those that join a body below them; all of the stage for no paths.

    Args:
        stage: The stage.
        paths: Prims; those that are not there are passed over.

    Raises:
        UsdError: ``no_stage``.
    """
    if not stage:
        raise UsdError("no_stage", "There is no stage.", "Open or make one first.")
    above = [prim.GetPath() for path in dict.fromkeys(paths) if (prim := prim_at(stage, path)) is not None]
    cache = UsdGeom.XformCache(Usd.TimeCode.Default())
    found = []
    for prim in Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies()):
        if moves(prim):
            places = [prim.GetPath(), *targets(prim)]
            if not paths or any(place.HasPrefix(top) for place in places for top in above):
                found.append(read_joint(prim, cache))
    return tuple(found)


def moves(prim: Usd.Prim) -> bool:
    """True for a joint that turns or slides."""
    return bool(prim.IsA(UsdPhysics.RevoluteJoint) or prim.IsA(UsdPhysics.PrismaticJoint))


def targets(prim: Usd.Prim) -> list[Sdf.Path]:
    """What a joint joins: of each side at most one prim."""
    return [end for end in ends(prim) if not end.isEmpty]


def ends(prim: Usd.Prim) -> tuple[Sdf.Path, Sdf.Path]:
    """The prims of the two sides of a joint; empty for the world, and for a target that is not there."""
    joint, found = UsdPhysics.Joint(prim), []
    for relation in (joint.GetBody0Rel(), joint.GetBody1Rel()):
        there = [path for path in relation.GetTargets() if prim.GetStage().GetPrimAtPath(path)]
        found.append(there[0] if there else Sdf.Path.emptyPath)
    return found[0], found[1]


def degree(prim: Usd.Prim) -> str:
    """Instance name of the drive of a joint's one freedom."""
    return "angular" if prim.IsA(UsdPhysics.RevoluteJoint) else "linear"


def unit_of(prim: Usd.Prim) -> float:
    """Radians or metres in a unit of a joint's attributes."""
    revolute = prim.IsA(UsdPhysics.RevoluteJoint)
    return math.pi / 180 if revolute else float(UsdGeom.GetStageMetersPerUnit(prim.GetStage()))


def axis_of(prim: Usd.Prim) -> int:
    """Number of a joint's axis in its frames."""
    return _AXES[str(prim.GetAttribute("physics:axis").Get() or "X")]


def read_joint(prim: Usd.Prim, cache: UsdGeom.XformCache) -> StageJoint:
    """A joint prim and where its bodies stand."""
    revolute, unit = bool(prim.IsA(UsdPhysics.RevoluteJoint)), unit_of(prim)
    limits: list[float | None] = []
    for name in ("physics:lowerLimit", "physics:upperLimit"):
        value = prim.GetAttribute(name).Get()
        limits.append(None if value is None or not abs(value) < _FREE else float(value) * unit)
    driven = prim.HasAPI(UsdPhysics.DriveAPI, degree(prim))
    target = prim.GetAttribute(f"drive:{degree(prim)}:physics:targetPosition")
    leader, ratio, offset = _leader(prim, unit)
    kind: Literal["revolute", "prismatic"] = "revolute" if revolute else "prismatic"
    return StageJoint(
        path=str(prim.GetPath()),
        name=prim.GetName(),
        type=kind,
        body0=str(ends(prim)[0] or ""),
        body1=str(ends(prim)[1] or ""),
        position=_position(prim, cache, limits[0], limits[1]),
        lower=limits[0],
        upper=limits[1],
        target=float(target.Get() or 0.0) * unit if driven else None,
        follows=leader,
        ratio=ratio,
        offset=offset,
    )


def _position(prim: Usd.Prim, cache: UsdGeom.XformCache, lower: float | None, upper: float | None) -> float:
    relative = np.linalg.inv(frame(prim, 0, cache)) @ frame(prim, 1, cache)
    axis = axis_of(prim)
    if not prim.IsA(UsdPhysics.RevoluteJoint):
        return float(relative[axis, 3]) * unit_of(prim)
    b, c = (axis + 1) % 3, (axis + 2) % 3
    position = math.atan2(relative[c, b] - relative[b, c], relative[b, b] + relative[c, c])
    if lower is None or upper is None:
        return position
    # A turn more or less is the same pose: the one that the limits allow.
    return position + 2 * math.pi * round((0.5 * (lower + upper) - position) / (2 * math.pi))


def _leader(prim: Usd.Prim, unit: float) -> tuple[str, float, float]:
    """(path, ratio, offset) of what a joint follows, by Newton's schema, else PhysX's older one."""
    relation = prim.GetRelationship(_LEADER)
    if relation and relation.GetTargets() and prim.GetAttribute("newton:mimicEnabled").Get() is not False:
        ratio, offset = prim.GetAttribute(_RATIO).Get(), prim.GetAttribute(_OFFSET).Get()
        return str(relation.GetTargets()[0]), 1.0 if ratio is None else float(ratio), float(offset or 0.0) * unit
    for axis in ("rotX", "rotY", "rotZ"):
        relation = prim.GetRelationship(f"physxMimicJoint:{axis}:referenceJoint")
        if relation and relation.GetTargets():
            gearing = prim.GetAttribute(f"physxMimicJoint:{axis}:gearing").Get()
            offset = prim.GetAttribute(f"physxMimicJoint:{axis}:offset").Get()
            # PhysX: q + gearing · q of the reference + offset = 0.
            return (
                str(relation.GetTargets()[0]),
                -float(1.0 if gearing is None else gearing),
                -float(offset or 0.0) * unit,
            )
    return "", 1.0, 0.0


def frame(prim: Usd.Prim, side: int, cache: UsdGeom.XformCache) -> FloatArray:
    """(4, 4) rigid frame of a joint at one of its bodies, in the world, stage units."""
    joint = UsdPhysics.Joint(prim)
    position, rotation = (
        (joint.GetLocalPos0Attr(), joint.GetLocalRot0Attr())
        if side == 0
        else (joint.GetLocalPos1Attr(), joint.GetLocalRot1Attr())
    )
    world = np.eye(4)
    end = ends(prim)[side]
    if not end.isEmpty:
        world = np.array(cache.GetLocalToWorldTransform(prim.GetStage().GetPrimAtPath(end))).T
    local = np.array([*(position.Get() or (0.0, 0.0, 0.0)), 1.0])
    turn = rotation.Get()
    own = np.eye(3) if turn is None else np.array(Gf.Matrix3d(Gf.Quatd(turn))).T
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = _rotation(world[:3, :3]) @ own, (world @ local)[:3]
    return rigid


def _rotation(linear: FloatArray) -> FloatArray:
    """The rotation in a linear map."""
    u, _, vt = np.linalg.svd(linear)
    turn: FloatArray = u @ np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)) or 1.0)]) @ vt
    return turn
