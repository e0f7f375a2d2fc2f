"""What a person says of joints: that a proposal holds, that one is none, how far it goes, what resists."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from physicl_twin.model import ConfigError, Estimate, Evidence, Joint, Pose, Twin
from physicl_twin.model.joint import JointType
from physicl_twin.normalize.kinematics import motion

Decision = Literal["", "accept", "reject"]

#: How far beyond a limit the pose of the source may lie: the rounding of a printed degree or millimetre.
_ROUNDING = {"revolute": math.radians(0.05), "prismatic": 5e-5}
_COORDINATE = re.compile(r"(?P<value>[-+−]?(?:\d+(?:[.,]\d*)?|[.,]\d+))\s*(?P<unit>°|deg|degrees?|rad|mm|cm|m|in)?")
_ANGLES = {"°": math.pi / 180, "deg": math.pi / 180, "degree": math.pi / 180, "degrees": math.pi / 180, "rad": 1.0}
_LENGTHS = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "in": 0.0254}
#: What a person may call a limit that is none.
_FREE = ("free", "none", "∞", "inf")


@dataclass(frozen=True, slots=True)
class JointStatement:
    """What a person says of one joint.

    Attributes:
        joint: Its name.
        decision: ``accept`` a proposal, ``reject`` a proposal or a joint; empty for neither.
        lower: ``"-10°"``, ``"0 mm"``, ``"free"``; empty to leave it.
        upper: Likewise.
        friction: Coulomb friction, N m or N; None to leave it.
        damping: N m s/rad or N s/m; None to leave it.
    """

    joint: str
    decision: Decision = ""
    lower: str = ""
    upper: str = ""
    friction: float | None = None
    damping: float | None = None


def parse_coordinate(text: str, kind: JointType) -> float | None:
    """Radians or metres of a coordinate such as ``110°``, ``1.2 rad`` or ``350 mm``; None for ``free``.

    Without a unit an angle is in degrees; a length needs one.

    Raises:
        ConfigError: ``coordinate_unreadable``, ``coordinate_unit``.
    """
    said = text.strip()
    if said.lower() in _FREE:
        return None
    match = _COORDINATE.fullmatch(said)
    units = _ANGLES if kind == "revolute" else _LENGTHS
    example = "110° or 1.9 rad" if kind == "revolute" else "350 mm or 0.35 m"
    if match is None:
        raise ConfigError("coordinate_unreadable", f"{text[:60]!r} is no coordinate.", f"Write it like {example}.")
    unit = match["unit"] or ("°" if kind == "revolute" else "")
    if unit not in units:
        wrong = f"has the unit {unit!r}" if unit else "has no unit"
        raise ConfigError("coordinate_unit", f"{text[:60]!r} {wrong}.", f"Write it like {example}.")
    return float(match["value"].replace(",", ".").replace("−", "-")) * units[unit]


def with_joint_statements(twin: Twin, statements: Sequence[JointStatement]) -> Twin:
    """The twin with what is said of its joints.

    A joint that is rejected becomes a fixed one: its bodies stay what they are.

    Args:
        twin: After inference, before masses are derived.
        statements: Applied in their order.

    Raises:
        ConfigError: ``joint_unknown``, ``joint_limits_inverted``, ``joint_limits_exclude_pose``,
            ``joint_without_limits``, ``joint_resistance_negative``, ``coordinate_unreadable``, ``coordinate_unit``.
    """
    accepted = [said.joint for said in statements if said.decision == "accept"]
    proposed = {proposal.joint.name for proposal in twin.proposals}
    wanted = [name for name in accepted if name in proposed]
    if wanted:
        from physicl_twin.normalize.joints import accept

        twin = accept(twin, wanted)
    for said in statements:
        twin = _said(twin, said)
    return twin


def _said(twin: Twin, said: JointStatement) -> Twin:
    if said.decision == "reject" and any(one.joint.name == said.joint for one in twin.proposals):
        return replace(twin, proposals=tuple(one for one in twin.proposals if one.joint.name != said.joint))
    joint = next((one for one in twin.joints if one.name == said.joint), None)
    if joint is None:
        names = ", ".join(one.name for one in twin.joints) or "none"
        raise ConfigError("joint_unknown", f"There is no joint {said.joint!r}.", f"Joints: {names}.")
    changed = _changed(joint, said)
    return replace(twin, joints=tuple(changed if one is joint else one for one in twin.joints))


def _changed(joint: Joint, said: JointStatement) -> Joint:
    if said.decision == "reject":
        evidence = Evidence("user", f"The user says that {joint.name} does not move.", field="joint")
        return Joint(
            joint.name,
            "fixed",
            joint.body0,
            joint.body1,
            pose0=joint.pose0.compose(Pose.from_matrix(motion(joint, joint.position))),
            pose1=joint.pose1,
            axis=joint.axis,
            closes_loop=joint.closes_loop,
            evidence=(evidence, *joint.evidence),
        )
    if said.decision == "accept":
        evidence = Evidence("user", f"The user says that {joint.name} is a joint.", field="joint")
        joint = replace(joint, probability=1.0, evidence=(evidence, *joint.evidence))
    joint = _limited(joint, said)
    unit, rate = ("N m", "N m s/rad") if joint.type != "prismatic" else ("N", "N s/m")
    if said.friction is not None:
        joint = replace(joint, friction=_resistance(joint, "friction", said.friction, unit))
    if said.damping is not None:
        joint = replace(joint, damping=_resistance(joint, "damping", said.damping, rate))
    return joint


def _limited(joint: Joint, said: JointStatement) -> Joint:
    if not (said.lower or said.upper):
        return joint
    if joint.type not in ("revolute", "prismatic"):
        raise ConfigError(
            "joint_without_limits", f"{joint.name} is {joint.type}.", "Only hinges and slides have limits."
        )
    lower = parse_coordinate(said.lower, joint.type) if said.lower else joint.lower
    upper = parse_coordinate(said.upper, joint.type) if said.upper else joint.upper
    low, high = -math.inf if lower is None else lower, math.inf if upper is None else upper
    if not low <= high:
        text = f"{joint.name}: the lower limit {said.lower or low} is above the upper one."
        raise ConfigError("joint_limits_inverted", text, "Swap them.")
    slack = _ROUNDING[joint.type]
    if not low - slack <= joint.position <= high + slack:
        text = f"{joint.name} stands outside of the limits {said.lower or 'as before'} to {said.upper or 'as before'}."
        raise ConfigError("joint_limits_exclude_pose", text, "Limits count from where the joint is at zero.")
    evidence = Evidence("user", f"The user says how far {joint.name} goes.", field="limits")
    return replace(joint, lower=lower, upper=upper, evidence=(evidence, *joint.evidence))


def _resistance(joint: Joint, what: str, value: float, unit: str) -> Estimate:
    if not (math.isfinite(value) and value >= 0):
        raise ConfigError(
            "joint_resistance_negative", f"The {what} of {joint.name} is {value:g} {unit}.", "Give 0 or more."
        )
    evidence = Evidence("user", f"The user says that the {what} of {joint.name} is {value:g} {unit}.", field=what)
    return Estimate.exact(value, unit, "stated by the user", (evidence,))
