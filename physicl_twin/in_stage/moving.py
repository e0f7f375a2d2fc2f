"""Joints of an open stage are moved: the bodies behind them are placed anew, or their drives told where to go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage.author import Author, Types, carry_out
from physicl_twin.in_stage.joints import StageJoint, axis_of, degree, ends, frame, moves, read_joint, unit_of
from physicl_twin.in_stage.report import InStageReport, ReadyBody, Skip
from physicl_twin.in_stage.selection import prim_at
from physicl_twin.model import UsdError
from physicl_twin.model.geometry import FloatArray

#: How a body is placed when its own operations cannot say it.
_MATRIX = "xformOp:transform"
#: Coordinates nearer than this are the same, rad or m.
_SAME = 1e-9
_PLACED = (["xformOp:translate", "xformOp:orient"], ["xformOp:translate", "xformOp:orient", "xformOp:scale"])


def move_joints(stage: Usd.Stage, positions: Mapping[str, float], *, drive: bool = False) -> InStageReport:
    """Put joints to coordinates: the bodies behind them are placed anew, or only their drives told where to go.

    Joints that follow a moved one are moved along. Of the two sides of a joint the one moves that nothing holds to the
    world; where nothing is held, the first body that is no child of another stays.

    Args:
        stage: The stage; written is the current edit target.
        positions: Coordinate by path of the joint, radians or metres.
        drive: Set the targets of the drives and leave the bodies to the engine; for a running simulation.

    Returns:
        The bodies that were placed (the joints, with ``drive``); joints that were left alone, with the reason.

    Raises:
        UsdError: ``no_stage``, ``layer_locked``, ``layer_muted``, ``edit_target_elsewhere``, ``position_malformed``.
    """
    author = Author(stage)
    cache = UsdGeom.XformCache(Usd.TimeCode.Default())
    skipped: list[Skip] = []
    wanted = _wanted(stage, positions, cache, drive, skipped)

    def write() -> list[ReadyBody]:
        return [_aim(author, one) for one in wanted]

    if drive:
        return carry_out(author, skipped, write)
    tree = _Tree(stage)
    planned = [move for one in wanted if (move := tree.plan(one, cache, skipped))]
    return carry_out(author, skipped, lambda: _place_all(author, cache, planned))


@dataclass(slots=True)
class PosedJoints:
    """Joints that are moved in the session layer for a time: saving does not save it, ``release`` leaves no trace.

    Attributes:
        stage: The stage.
    """

    stage: Usd.Stage
    _report: InStageReport | None = field(default=None, repr=False)

    def pose(self, positions: Mapping[str, float], *, drive: bool = False) -> InStageReport:
        """Put joints to coordinates in place of those before; see ``move_joints``."""
        self.release()
        with Usd.EditContext(self.stage, self.stage.GetSessionLayer()):
            self._report = move_joints(self.stage, positions, drive=drive)
        return self._report

    def release(self) -> None:
        """The stage is as it was before."""
        report, self._report = self._report, None
        if report is not None and self.stage:
            report.undo()


@dataclass(frozen=True, slots=True)
class _Wish:
    """A joint and where it is to go."""

    prim: Usd.Prim
    joint: StageJoint
    position: float


def _wanted(
    stage: Usd.Stage, positions: Mapping[str, float], cache: UsdGeom.XformCache, drive: bool, skipped: list[Skip]
) -> list[_Wish]:
    """What can be carried out, leaders first, with the joints that follow them."""
    found: dict[str, _Wish] = {}
    for path, position in positions.items():
        if not math.isfinite(position):
            raise UsdError("position_malformed", f"{path}: {position} is no coordinate.", "Give radians or metres.")
        prim = prim_at(stage, path)
        if prim is None or not moves(prim):
            skipped.append(Skip(path, "no_joint", f"{path} is no joint that turns or slides.", "Name its prim."))
            continue
        joint = read_joint(prim, cache)
        if joint.beyond(position):
            skipped.append(Skip(path, "beyond_limit", f"{joint.name} goes {_range(joint)}.", "Stay within its limits."))
        elif joint.follows:
            message = f"{joint.name} follows {joint.follows}."
            skipped.append(Skip(path, "follows_another", message, "Move that one."))
        elif drive and joint.target is None:
            skipped.append(Skip(path, "no_drive", f"Nothing drives {joint.name}.", "Give it a drive, or pose it."))
        else:
            found[joint.path] = _Wish(prim, joint, position)
    if not drive:
        _add_followers(stage, cache, found)
    return list(found.values())


def _add_followers(stage: Usd.Stage, cache: UsdGeom.XformCache, found: dict[str, _Wish]) -> None:
    followers = [read_joint(prim, cache) for prim in stage.Traverse() if moves(prim)] if found else []
    fresh = True
    while fresh:
        fresh = False
        for joint in followers:
            if joint.follows in found and joint.path not in found:
                position = joint.ratio * found[joint.follows].position + joint.offset
                found[joint.path] = _Wish(stage.GetPrimAtPath(joint.path), joint, position)
                fresh = True


def _range(joint: StageJoint) -> str:
    turns = joint.type == "revolute"
    factor, unit = (180 / math.pi, "°") if turns else (1000.0, " mm")
    low, high = (None if limit is None else f"{limit * factor:.4g}{unit}" for limit in (joint.lower, joint.upper))
    return f"from {low or 'anywhere'} to {high or 'anywhere'}"


def _aim(author: Author, wish: _Wish) -> ReadyBody:
    """Tell a drive where to go."""
    before = author.journal.steps
    value = float(np.float32(wish.position / unit_of(wish.prim)))
    name = f"drive:{degree(wish.prim)}:physics:targetPosition"
    if wish.prim.GetAttribute(name).Get() != value:
        author.journal.attribute(author.spec(wish.prim.GetPath()), name, Types.Float, value)
    return ReadyBody(wish.joint.path, None, changed=author.journal.steps > before)


@dataclass(frozen=True, slots=True)
class _Move:
    """Bodies that go with a joint, and (4, 4) the motion of each in the world, stage units."""

    bodies: frozenset[Sdf.Path]
    motion: FloatArray


class _Tree:
    """Which bodies hang together by which joints, and what stays where it is.

    Args:
        stage: The stage.
    """

    def __init__(self, stage: Usd.Stage) -> None:
        self._links: dict[Sdf.Path, list[tuple[Sdf.Path, Sdf.Path]]] = {}
        #: What holds a body to the world: joints, or its own path for one that is no rigid body.
        self._holds: dict[Sdf.Path, set[Sdf.Path]] = {}
        children: set[Sdf.Path] = set()
        for prim in stage.Traverse():
            if not prim.IsA(UsdPhysics.Joint) or UsdPhysics.Joint(prim).GetExcludeFromArticulationAttr().Get():
                continue
            one, other = ends(prim)
            for end, across in ((one, other), (other, one)):
                if end.isEmpty:
                    continue
                self._links.setdefault(end, [])
                if not stage.GetPrimAtPath(end).HasAPI(UsdPhysics.RigidBodyAPI):
                    self._holds.setdefault(end, set()).add(end)
                if across.isEmpty:
                    self._holds.setdefault(end, set()).add(prim.GetPath())
                else:
                    self._links[end].append((prim.GetPath(), across))
            if not one.isEmpty:
                children.add(other)
        self._hold_one_of_each(children)

    def _hold_one_of_each(self, children: set[Sdf.Path]) -> None:
        """What nothing holds needs one body that stays: the first that is no child of another."""
        seen: set[Sdf.Path] = set()
        for body in sorted(self._links):
            if body in seen:
                continue
            together = self._behind(Sdf.Path.emptyPath, body)
            seen |= together
            if not any(body in self._holds for body in together):
                stays = min(together, key=lambda body: (body in children, body))
                self._holds[stays] = {stays}

    def plan(self, wish: _Wish, cache: UsdGeom.XformCache, skipped: list[Skip]) -> _Move | None:
        """What goes along when a joint moves; None when nothing is to be done, or with a skip when a loop holds it."""
        if abs(wish.position - wish.joint.position) < _SAME:
            return None
        path = wish.prim.GetPath()
        one, other = (frozenset() if end.isEmpty else self._behind(path, end) for end in ends(wish.prim))
        held = [any(self._holds.get(body, set()) - {path} for body in side) for side in (one, other)]
        if one & other or all(held[side] or not bodies for side, bodies in enumerate((one, other))):
            message = f"{wish.joint.name} is part of a loop of joints: it cannot move by itself."
            skipped.append(Skip(wish.joint.path, "closed_loop", message, "Let the engine move it, by its drive."))
            return None
        forward = bool(other) and not held[1]
        step = (wish.position - wish.joint.position) * (1.0 if forward else -1.0)
        at = frame(wish.prim, 0 if forward else 1, cache)
        motion = at @ _motion(wish.prim, step) @ np.linalg.inv(at)
        return _Move(other if forward else one, motion)

    def _behind(self, joint: Sdf.Path, start: Sdf.Path) -> frozenset[Sdf.Path]:
        """Bodies that hang on one without this joint."""
        found, waiting = {start}, [start]
        while waiting:
            for through, other in self._links.get(waiting.pop(), ()):
                if through != joint and other not in found:
                    found.add(other)
                    waiting.append(other)
        return frozenset(found)


def _motion(prim: Usd.Prim, step: float) -> FloatArray:
    """(4, 4) what a joint does to its frame over a step, radians or metres; stage units."""
    motion, axis = np.eye(4), axis_of(prim)
    if prim.IsA(UsdPhysics.RevoluteJoint):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        motion[b, b] = motion[c, c] = math.cos(step)
        motion[c, b], motion[b, c] = math.sin(step), -math.sin(step)
    else:
        motion[axis, 3] = step / unit_of(prim)
    return motion


def _place_all(author: Author, cache: UsdGeom.XformCache, moves: Sequence[_Move]) -> list[ReadyBody]:
    """Place every body that moves, once."""
    # Outer joints first: the motion of an inner one, stated for the bodies where they stood, then carries them whole.
    total: dict[Sdf.Path, FloatArray] = {}
    for move in sorted(moves, key=lambda move: len(move.bodies)):
        for body in move.bodies:
            total[body] = move.motion @ total.get(body, np.eye(4))
    done = []
    for path in sorted(total):
        prim = author.stage.GetPrimAtPath(path)
        above = next((p for p in path.GetAncestorsRange() if p != path and p in total), None)
        carries = total[above] if above is not None else np.eye(4)
        world = np.array(cache.GetLocalToWorldTransform(prim)).T
        parent = carries @ np.array(cache.GetParentToWorldTransform(prim)).T
        done.append(_place(author, prim, np.linalg.inv(parent) @ total[path] @ world))
    return done


def _place(author: Author, prim: Usd.Prim, local: FloatArray) -> ReadyBody:
    """Give a prim a local transform: by its own translation and orientation, else by one matrix."""
    before = author.journal.steps
    spec = author.spec(prim.GetPath())
    xformable = UsdGeom.Xformable(prim)
    operations = xformable.GetOrderedXformOps()
    names = [str(operation.GetOpName()) for operation in operations]
    if names in _PLACED:
        quaternion = Gf.Matrix4d(local.T).RemoveScaleShear().ExtractRotationQuat()
        values: list[Any] = [Gf.Vec3d(*local[:3, 3]), quaternion]
        for operation, value in zip(operations, values, strict=False):
            attribute = operation.GetAttr()
            made = type(attribute.Get())(value)
            author.journal.attribute(spec, attribute.GetName(), attribute.GetTypeName(), made)
    else:
        author.journal.attribute(spec, _MATRIX, Types.Matrix4d, Gf.Matrix4d(local.T))
        if names != [_MATRIX] or xformable.GetResetXformStack():
            author.journal.attribute(spec, "xformOpOrder", Types.TokenArray, [_MATRIX], uniform=True)
    return ReadyBody(str(prim.GetPath()), None, changed=author.journal.steps > before)
