"""The tree that joints of a USD stage make: which end is the parent, what closes a loop, what hangs on the world."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from physicl_twin.ingest.usd_joints import StageJoint
from physicl_twin.model import Estimate, Joint, Mimic, Note

WORLD = ""


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
