"""Equality constraints of MJCF: joints that follow each other, joints that are held, and loops that are closed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from physicl_twin.ingest.mjcf_model import MjcfEquality, MjcfModel, pose
from physicl_twin.ingest.mjcf_tree import Tree
from physicl_twin.ingest.naming import readable
from physicl_twin.model import Note
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.joint import JointType

#: Coefficients below this are the zeros of a file.
_ZERO = 1e-12
_SINGLE = ("hinge", "slide")


@dataclass(frozen=True, slots=True)
class Follows:
    """q = multiplier · q of joint ``leader`` + offset."""

    leader: int
    multiplier: float
    offset: float


@dataclass(frozen=True, slots=True)
class Loop:
    """A constraint between two bodies of the twin (numbers; 0 for the world) with its frame in both."""

    name: str
    type: JointType
    first: int
    second: int
    pose0: FloatArray
    pose1: FloatArray


@dataclass(slots=True)
class Equalities:
    """What the equality constraints mean.

    Attributes:
        follows: By number of the joint that follows.
        held: Coordinate of joints that are held at one.
        loops: Constraints between bodies.
        notes: What has no counterpart.
    """

    follows: dict[int, Follows] = field(default_factory=dict)
    held: dict[int, float] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def lead(self, joint: int) -> tuple[int, float, float]:
        """Who leads a joint in the end: (joint, multiplier, offset)."""
        multiplier, offset = 1.0, 0.0
        while joint in self.follows:
            follows = self.follows[joint]
            offset += multiplier * follows.offset
            multiplier *= follows.multiplier
            joint = follows.leader
        return joint, multiplier, offset


def read_equalities(model: MjcfModel, tree: Tree) -> Equalities:
    """Sort the constraints into what a twin has."""
    found = Equalities()
    for number, equality in enumerate(model.equalities):
        name = readable(equality.name, f"{equality.kind} {number + 1}")
        if not equality.active:
            found.notes.append(_note(f"The equality {name!r} is switched off in the file and is left out."))
        elif equality.kind in ("joint", "tendon"):
            _relate(model, equality, name, found)
        elif equality.kind in ("connect", "weld"):
            _close(model, tree, equality, name, found)
        else:
            found.notes.append(_note(f"The equality {name!r} between {equality.kind} elements is left out."))
    return found


def _note(message: str) -> Note:
    return Note("equality_left_out", "warning", message, "It has no counterpart in USD physics.")


def _relate(model: MjcfModel, equality: MjcfEquality, name: str, found: Equalities) -> None:
    """A relation between joints: Σ k · (q - reference) = constant, when it is affine and has one or two joints."""
    constant, slope, *higher = equality.data[:5]
    if any(abs(c) > _ZERO for c in higher) and equality.second >= 0:
        found.notes.append(_note(f"The equality {name!r} is no straight line between its joints and is left out."))
        return
    terms: dict[int, float] = {}
    for target, factor in ((equality.first, 1.0), (equality.second, -slope)):
        if target < 0:
            continue
        joints = ((target, 1.0),) if equality.kind == "joint" else model.tendons[target].joints
        if joints is None:
            found.notes.append(_note(f"The equality {name!r} of a tendon through space is left out."))
            return
        for joint, coefficient in joints:
            terms[joint] = terms.get(joint, 0.0) + factor * coefficient
    terms = {joint: k for joint, k in terms.items() if abs(k) > _ZERO}
    if not all(model.joints[j].kind in _SINGLE for j in terms) or len(terms) not in (1, 2):
        found.notes.append(_note(f"The equality {name!r} ties {len(terms)} joints and is left out."))
        return
    first, *others = terms
    if not others:
        found.held[first] = model.joints[first].ref + constant / terms[first]
        return
    for follower, leader in ((first, others[0]), (others[0], first)):
        if follower not in found.follows and found.lead(leader)[0] != follower:
            multiplier = -terms[leader] / terms[follower]
            offset = model.joints[follower].ref + constant / terms[follower] - multiplier * model.joints[leader].ref
            found.follows[follower] = Follows(leader, multiplier, offset)
            return
    found.notes.append(_note(f"The equality {name!r} ties joints that are tied already and is left out."))


def _close(model: MjcfModel, tree: Tree, equality: MjcfEquality, name: str, found: Equalities) -> None:
    """A point (connect) or a frame (weld) that two bodies share.

    Of connect the data are the anchor in the first body and in the second; of weld the anchor in the second body, in
    the first, and the pose of the second body's frame relative to the first (mj_instantiateEquality of MuJoCo).
    """
    ends: list[tuple[int, FloatArray]] = []
    anchors = (equality.data[0:3], equality.data[3:6])
    if equality.kind == "weld":
        anchors = (equality.data[3:6], equality.data[0:3])
    turn = pose((0.0, 0.0, 0.0), equality.data[6:10]) if equality.kind == "weld" else np.eye(4)
    for side, number in enumerate((equality.first, equality.second)):
        body, frame = number, np.eye(4)
        if equality.of_sites:
            site = model.sites[number]
            body, frame = site.body, pose(site.position, site.wxyz)
        else:
            frame[:3, 3] = anchors[side]
            if side == 0:
                frame = frame @ turn
        holder = tree.holder.get(body, -1)
        if holder < 0:
            found.notes.append(
                _note(f"The equality {name!r} holds on to {model.body_names[body]!r}, which is left out.")
            )
            return
        ends.append((holder, tree.offset[body] @ frame))
    (first, pose0), (second, pose1) = ends
    if first == second:
        found.notes.append(_note(f"The equality {name!r} ties a rigid body to itself and is left out."))
        return
    if second == 0:
        first, pose0, second, pose1 = second, pose1, first, pose0
    kind: JointType = "spherical" if equality.kind == "connect" else "fixed"
    found.loops.append(Loop(name, kind, first, second, pose0, pose1))
