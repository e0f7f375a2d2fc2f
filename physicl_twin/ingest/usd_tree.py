"""The tree that joints of a USD stage make: which end is the parent, what closes a loop, what hangs on the world."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from physicl_twin.ingest.naming import readable, unique
from physicl_twin.ingest.usd_joints import StageJoint
from physicl_twin.model import Estimate, Joint, Mimic, Note

WORLD = ""
#: Axes of two hinges nearer than this are one line (judgement).
_SAME_LINE_M = 1e-3


def open_loops(joints: Iterable[StageJoint]) -> list[Note]:
    """Mark the joints that close loops: those that the stage keeps out of the articulation, else the later ones.

    Args:
        joints: All of them; changed in place.

    Returns:
        Notes about loops that the stage itself leaves closed, and about joints that must stay in the tree.
    """
    notes = []
    leader: dict[str, str] = {}

    def find(body: str) -> str:
        while leader.setdefault(body, body) != body:
            body = leader[body]
        return body

    for made in sorted(joints, key=lambda made: made.excluded):
        one, other = find(made.joint.body0), find(made.joint.body1)
        if one != other:
            leader[one] = other
            if made.excluded:
                message = f"The joint {made.joint.name!r} is kept out of the articulation but closes no loop; it stays."
                notes.append(Note("excluded_joint_kept", "info", message))
            continue
        made.joint = replace(made.joint, closes_loop=True)
        if not made.excluded:
            message = f"The joint {made.joint.name!r} closes a loop; the tree is opened there."
            notes.append(Note("loop_opened", "info", message))
    return notes


def chain_parallels(joints: list[StageJoint], names: Iterable[str]) -> tuple[dict[str, str], list[Note]]:
    """Let several joints between the same two bodies act one after the other.

    That is how MuJoCo's converters write a body with several joints; side by side such joints would leave nothing free.
    Joints of one axis (two hinges of a door) stay side by side. The massless bodies between the joints of a chain have
    the frame of the child, as it stands.

    Args:
        joints: All of them, in the order of the stage; changed in place.
        names: Of the bodies.

    Returns:
        Names of the bodies to add, with the body whose frame each of them has; and what was done.
    """
    pairs: dict[tuple[str, str], list[StageJoint]] = {}
    for made in joints:
        if made.joint.type != "fixed" and not made.excluded:
            pairs.setdefault((made.joint.body0, made.joint.body1), []).append(made)
    taken = {name.casefold() for name in names}
    added: dict[str, str] = {}
    notes = []
    for (parent, child), group in pairs.items():
        if len(group) < 2 or not child or any(_same_motion(group[0].joint, made.joint) for made in group[1:]):
            continue
        above = parent
        for step, made in enumerate(group):
            below = child
            if step < len(group) - 1:
                below = unique([readable(f"{child} {made.joint.name}", "link")], taken)[0]
                taken.add(below.casefold())
                added[below] = child
            pose0 = made.joint.pose0 if step == 0 else made.joint.pose1
            made.joint = replace(made.joint, body0=above, body1=below, pose0=pose0)
            above = below
        who = ", ".join(made.joint.name for made in group)
        message = f"The joints {who} connect the same two bodies; they act one after the other."
        notes.append(Note("several_joints_of_one_body", "info", message))
    return added, notes


def _same_motion(one: Joint, other: Joint) -> bool:
    """True when two joints of one pair of bodies leave the same motion: same kind, same line."""
    if one.type != other.type or one.type == "spherical":
        return one.type == other.type
    first, second = (joint.pose1.matrix() for joint in (one, other))
    a, b = (m[:3, "xyz".index(joint.axis)] for m, joint in ((first, one), (second, other)))
    apart = np.cross(second[:3, 3] - first[:3, 3], a) if one.type == "revolute" else np.zeros(3)
    return bool(abs(float(a @ b)) > 1.0 - 1e-6 and np.linalg.norm(apart) < _SAME_LINE_M)


def orient(joints: list[StageJoint], roots: Iterable[str]) -> list[StageJoint]:
    """The joints with the parent as body0, those of the tree in the order in which they follow from the roots.

    Args:
        joints: All of them, loops marked.
        roots: Bodies to start from after the world, best first; others follow where something is left.
    """
    links: dict[str, list[StageJoint]] = {}
    for made in joints:
        if not made.joint.closes_loop:
            links.setdefault(made.joint.body0, []).append(made)
            links.setdefault(made.joint.body1, []).append(made)
    children = {made.joint.body1 for made in joints if not made.joint.closes_loop}
    starts = [WORLD, *roots, *(b for b in links if b not in children), *links]
    ordered: list[StageJoint] = []
    seen: set[str] = set()
    for start in starts:
        if start in seen or start not in links:
            continue
        seen.add(start)
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for made in links[here]:
                if made.joint.body0 != here:
                    if made.joint.body0 in seen:
                        continue
                    _turn(made, joints)
                if made.joint.body1 not in seen:
                    seen.add(made.joint.body1)
                    waiting.append(made.joint.body1)
                    ordered.append(made)
    for made in joints:
        if made.joint.closes_loop:
            if made.joint.body1 == WORLD:
                _turn(made, joints)
            ordered.append(made)
    return ordered


def _turn(made: StageJoint, joints: Iterable[StageJoint]) -> None:
    """Exchange parent and child, and with them the sign of the coordinate, also for those who follow."""
    name = made.joint.name
    made.joint = turned(made.joint)
    made.state = None if made.state is None else -made.state
    for other in joints:
        mimic = other.joint.mimic
        if mimic is not None and mimic.joint == name:
            other.joint = replace(other.joint, mimic=replace(mimic, multiplier=-mimic.multiplier))


def turned(joint: Joint) -> Joint:
    """The same joint seen from its child: q becomes -q."""
    lower = None if joint.upper is None else -joint.upper
    upper = None if joint.lower is None else -joint.lower
    mimic = joint.mimic
    if mimic is not None:
        mimic = Mimic(mimic.joint, -mimic.multiplier, -mimic.offset)
    drive = joint.drive
    if drive is not None:
        drive = replace(drive, target=-drive.target or 0.0)
    return replace(
        joint, body0=joint.body1, body1=joint.body0, pose0=joint.pose1, pose1=joint.pose0, lower=lower, upper=upper,
        position=-joint.position or 0.0, rest=-joint.rest or 0.0, mimic=mimic, drive=drive,
    )  # fmt: skip


def scaled_gain(gain: Estimate, inertia: float, unit: str) -> Estimate:
    """A gain per unit of inertia as one of an effort."""
    return replace(
        gain, value=gain.value * inertia, std=gain.std * inertia, low=gain.low * inertia, high=gain.high * inertia,
        unit=unit, method="authored in the USD asset per unit of inertia, times the inertia behind the joint",
    )  # fmt: skip
