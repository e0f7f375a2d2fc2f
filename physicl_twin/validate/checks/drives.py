"""Drives: finite, of use, and of a frequency that a simulation can follow."""

from __future__ import annotations

import math

from physicl_twin.usd.joints import passive
from physicl_twin.validate.checks.mechanism import StageMechanism
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.joint_view import resistance
from physicl_twin.validate.subject import Subject

_HINT = "Correct the gains in the source, or build again so that they are derived from inertia and effort."
_HINT_FRICTION = "Correct the friction or the effort in the source: as they stand, the motor cannot turn its joint."
#: Share of the effort from which friction stalls a drive: all of it, but for rounding in single precision.
_STALLS = 0.9999


@check("drives.sound", "Every drive has finite gains that are not negative, and something to give", _HINT)
def sound(subject: Subject) -> Findings:
    """No infinite, negative or missing gain, a force above zero, a target inside the limits."""
    found = Findings()
    count = 0
    wanted = {j.name: j.drive for j in subject.twin.joints} if subject.has_twin else {}
    springs = _springs(subject)
    for joint in subject.joints:
        for drive in joint.drives:
            count += 1
            for name, value in (("stiffness", drive.stiffness), ("damping", drive.damping)):
                found.require(math.isfinite(value), joint.name, f"The {name} of its drive is {value}.")
                found.require(not value < 0, joint.name, f"The {name} of its drive is {value:g}.")
            force = drive.max_force
            acts = drive.stiffness > 0 or drive.damping > 0
            useless = acts and force is not None and not force > 0
            found.require(not useless, joint.name, f"Its drive may give {force if force is not None else 0:g}.")
            if drive.stiffness > 0 and joint.name not in springs:
                slack = 1e-4
                low, high = joint.lower, joint.upper
                inside = (low is None or drive.target >= low - slack) and (high is None or drive.target <= high + slack)
                found.require(inside, joint.name, f"The target {drive.target:.4g} {joint.unit} is outside its limits.")
            told = wanted.get(joint.name)
            idle = (
                told is not None and told.mode != "force" and (told.stiffness.value or told.damping.value) and not acts
            )
            found.require(not idle, joint.name, "Its drive has no gains, though the record drives it.")
    found.summary = f"{count} drives." if count else "There are no drives."
    return found


def _springs(subject: Subject) -> set[str]:
    """Joints whose drives are springs and dampers of their own, which hold nothing anywhere."""
    return {j.name for j in subject.twin.joints if passive(j)} if subject.has_twin else set()


@check("drives.frequency", "Drives are neither faster than a simulation can follow nor without any hold", _HINT)
def frequency(subject: Subject) -> Findings:
    """Natural frequency √(stiffness / inertia) of each position drive, of a rate damping / inertia of each speed drive.

    The inertia is that of all that hangs on the joint as it stands, with the least armature that an engine's variant
    states.
    """
    found = Findings("No drive holds a position.")
    if not any(joint.drives for joint in subject.joints):
        return found
    mechanism = StageMechanism.of(subject)
    low, high = subject.number("drive_frequency_min_hz"), subject.number("drive_frequency_max_hz")
    seen, springs = [], _springs(subject)
    for link in mechanism.walk[0]:
        joint = link.joint
        if joint is None or not joint.moving or joint.name in springs:
            continue
        armatures = [
            resistance(stage, joint, name).get("armature", 0.0) for name, (stage, _) in subject.runtimes.items()
        ]
        inertia = mechanism.inertia(link) + (min(armatures) if armatures else 0.0)
        for drive in joint.drives:
            if not drive.stiffness > 0 or not inertia > 0 or not math.isfinite(drive.stiffness):
                continue
            rate = math.sqrt(drive.stiffness / inertia) / (2 * math.pi)
            seen.append(rate)
            text = f"{rate:.3g} Hz with {inertia:.3g} {'kg' if joint.type == 'prismatic' else 'kg m²'}."
            found.require(rate <= high, joint.name, f"{text} No simulation follows more than {high:g} Hz.")
            found.require(rate >= low, joint.name, f"{text} Below {low:g} Hz it holds nothing.")
    if seen:
        found.summary = f"{len(seen)} position drives of {min(seen):.3g} to {max(seen):.3g} Hz."
    return found


@check("drives.friction", "Every drive may give more than the dry friction of its joint takes", _HINT_FRICTION)
def friction(subject: Subject) -> Findings:
    """The bound of each drive above the friction that any engine's variant states: else nothing moves the joint."""
    found, shares, springs = Findings("No drive works against dry friction."), [], _springs(subject)
    for joint in subject.joints:
        stated = [resistance(stage, joint, name).get("friction", 0.0) for name, (stage, _) in subject.runtimes.items()]
        worst = max(stated, default=0.0)
        for drive in joint.drives:
            acts = drive.stiffness > 0 or drive.damping > 0
            if not acts or joint.name in springs or not worst > 0 or drive.max_force is None or not drive.max_force > 0:
                continue
            shares.append(worst / drive.max_force)
            unit = "N" if joint.type == "prismatic" else "N m"
            text = f"Dry friction takes {worst:.4g} of the {drive.max_force:.4g} {unit} that its drive may give."
            found.require(shares[-1] < _STALLS, joint.name, text)
    if shares:
        found.summary = f"Dry friction takes at most {max(shares):.1%} of what {len(shares)} drives may give."
    return found
