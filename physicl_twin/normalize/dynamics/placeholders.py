"""Stated numbers that fill a field: efforts beyond the motors that fit in, frictions that no motor overcomes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from physicl_twin.model import Estimate, Joint, Note, Twin
from physicl_twin.normalize.dynamics.marks import STALLS, stated, stated_drive
from physicl_twin.normalize.dynamics.mass_matrix import MOVING
from physicl_twin.normalize.dynamics.tree import NO_PARENT, Link, Tree

#: No motor lifts its whole robot so often at the length of its diagonal, or pulls it so often (judgements).
_MOST_LIFTED = {"revolute": 10.0, "prismatic": 100.0}
#: Nor does it give so much for each kilogram of the links that may hold it, N m/kg (judgement; docs/articulation.md).
#: In 68 descriptions of robots motors that were built give up to 59, a human's muscles 107, what fills fields from 142.
_MOST_PER_KG = 120.0
#: Standard deviations of the logarithm of an estimated effort that a friction must be above it to be surely more
#: (judgement: one in forty is).
_SURELY = 2.0


def stated_effort(joint: Joint) -> Estimate | None:
    """What the source states that a joint's motor gives at most, N m or N; None when it states nothing."""
    drive = stated_drive(joint.drive)
    limits = (joint.max_force, drive.max_force if drive is not None else None)
    return next((limit for limit in limits if limit is not None and limit.value > 0), None)


def placeholders(twin: Twin, tree: Tree, weight_n: float, size_m: float) -> dict[str, str]:
    """Joints whose stated effort says nothing of a motor, by name, each with the reason (the start of a sentence).

    Dry friction, armature and gains are shares of the effort: of a number that fills a field they would be such that
    gravity moves nothing.

    Args:
        twin: Bodies with masses.
        tree: Its tree.
        weight_n: Of the whole mechanism.
        size_m: Its diagonal.
    """
    links = {link.joint.name: link for link in tree.links if link.joint is not None}
    found: dict[str, str] = {}
    efforts = {j.name: stated_effort(j) for j in twin.joints if j.type in MOVING and j.mimic is None}
    for joint in twin.joints:
        limit, link = efforts.get(joint.name), links.get(joint.name)
        if limit is None or link is None:
            continue
        told = f"The stated {limit.value:.4g} {limit.unit}"
        arm = size_m if joint.type == "revolute" else 1.0
        around = _mass_around(twin, tree, link)
        if limit.value > _MOST_LIFTED[joint.type] * weight_n * arm:
            found[joint.name] = f"{told} would lift all of it many times over"
        elif joint.type == "revolute" and around is not None and limit.value > _MOST_PER_KG * around:
            found[joint.name] = f"{told} is more than a motor in the {around:.3g} kg of the links around it can give"
    # A number that cannot be true at one joint is none that somebody looked up for another.
    fillers = {limit.value: name for name in found if (limit := efforts[name]) is not None}
    for name, limit in efforts.items():
        if name not in found and name in links and limit is not None and limit.value in fillers:
            found[name] = f"The stated {limit.value:.4g} {limit.unit} fills the field of {fillers[limit.value]}, too"
    return found


def placeholder_note(found: dict[str, str]) -> tuple[Note, ...]:
    """A note that names them."""
    if not found:
        return ()
    name, why = next(iter(found.items()))
    others = f"; likewise {', '.join(list(found)[1:4])}" if len(found) > 1 else ""
    more = f" and {len(found) - 4} more" if len(found) > 4 else ""
    return (
        Note(
            "effort_placeholder",
            "warning",
            f"{name}: {why[0].lower()}{why[1:]}{others}{more}. Friction, armature and gains are estimated from what "
            "must be held and sped up; the stated number stays the bound of the drive.",
            "State the efforts of the real motors.",
        ),
    )


def without_stalling(joint: Joint, effort: float, effort_log_std: float) -> Joint:
    """The joint with the flag ``STALLS`` on stated dry friction that takes all that its motor gives.

    The robot moves, so that one of the two numbers is no measurement; a motor is chosen, friction is what files fill
    in. Damping beside such a friction is judged alike, at the stated limit of speed; alone it is not, for it may as
    well be the limit that fills a field.

    Args:
        joint: Of a robot.
        effort: What its motor gives, N m or N.
        effort_log_std: How well that is known: what surely is more counts.
    """
    most = effort * math.exp(_SURELY * effort_log_std)
    speed = joint.max_velocity.value if joint.max_velocity is not None else 0.0
    friction, damping = stated(joint.friction), stated(joint.damping)
    if friction is None or friction.value < most:
        return joint
    joint = replace(joint, friction=replace(friction, flags=(*friction.flags, STALLS)))
    if damping is not None and damping.value * speed >= most:
        joint = replace(joint, damping=replace(damping, flags=(*damping.flags, STALLS)))
    return joint


def stalling_note(before: tuple[Joint, ...], after: tuple[Joint, ...]) -> tuple[Note, ...]:
    """A note that names the joints whose stated friction or damping was replaced."""
    found = []
    for joint, now in zip(before, after, strict=True):
        for name in ("friction", "damping"):
            own: Estimate | None = stated(getattr(joint, name))
            if own is not None and stated(getattr(now, name)) is None:
                found.append(f"{name} of {joint.name} ({own.value:.4g} {own.unit})")
    if not found:
        return ()
    some = ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
    message = f"What is stated takes all that the motor gives: {some}. It is estimated from the effort instead."
    return (Note("friction_stalls", "warning", message, "State what was measured, or the effort of the real motor."),)


def _mass_around(twin: Twin, tree: Tree, link: Link) -> float | None:
    """Mass of the links that may hold a joint's motor, kg: both of its own, and the next on either side.

    None where one of them stands in the world: what drives it may be there.
    """
    parents = {other.body: other.parent for other in tree.links}
    above = [link.parent, parents.get(link.parent, NO_PARENT)]
    if above[0] == NO_PARENT or any(twin.bodies[body].static for body in above if body != NO_PARENT):
        return None
    around = [body for body in (*above, link.body, *_children(tree, link.body)) if body != NO_PARENT]
    masses = [properties.mass.value for body in around if (properties := twin.bodies[body].mass_properties) is not None]
    return sum(masses) or None


def _children(tree: Tree, body: int) -> Iterator[int]:
    return (link.body for link in tree.links if link.parent == body)
