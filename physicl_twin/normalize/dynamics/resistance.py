"""Friction and damping of joints where the source states none: priors from bearings, loads and sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from physicl_twin.model import Estimate, Evidence, Joint
from physicl_twin.normalize.dynamics.bearing_load import BearingLoad
from physicl_twin.normalize.dynamics.joint_table import FILE, JointTable, Ratio, Role
from physicl_twin.normalize.dynamics.marks import DERIVED, rule

#: Flag of a friction or damping that is assumed from what such joints usually have.
PRIOR = "joint_prior"
#: Speed of a hand, at which viscous effort is compared with dry friction: rad/s, m/s (judgement).
HAND_SPEED = {"revolute": 1.0, "prismatic": 0.25}
#: Speed of a robot's joint of which none is stated: half a turn or 0.25 m a second (judgement).
ROBOT_SPEED = {"revolute": math.pi, "prismatic": 0.25}
_EFFORT = {"revolute": "N m", "prismatic": "N"}
_VISCOUS = {"revolute": "N m s/rad", "prismatic": "N s/m"}
#: Least friction of a joint, N m or N (judgement): what carries nothing still has a bearing.
_LEAST_FRICTION = {"revolute": 1e-6, "prismatic": 1e-4}


@dataclass(frozen=True, slots=True)
class Resistance:
    """What resists in a joint."""

    friction: Estimate
    damping: Estimate


def of_bearing(joint: Joint, role: Role | None, load: BearingLoad, table: JointTable) -> Resistance:
    """Of a joint that nothing drives: friction of its bearing under the load, and a viscous share of it.

    A hinge resists with µ · load · radius of its pin, a wheel with µ · load · half the bore (the makers' formula), a
    slide with µ · load on its runners.

    Args:
        joint: revolute or prismatic.
        role: What it is, when that is known.
        load: What it carries.
        table: Coefficients and sizes.
    """
    sliding = joint.type == "prismatic"
    row = role.bearing if role is not None else ("runner" if sliding else "plain")
    title, coefficient = table.bearings["runner" if sliding else row]
    spread = coefficient.log_std**2
    arm, words = 1.0, ""
    evidence = list(coefficient.evidence)
    if not sliding:
        if row == "rolling":
            size, arm = table.sizes["wheel_bore"], table.sizes["wheel_bore"].value * load.reach_m
            words = f" at {1e3 * arm:.2g} mm, half the bore of a wheel of {1e3 * load.reach_m:.3g} mm radius"
        else:
            size = table.sizes["pin_radius"]
            arm = size.value * math.sqrt(load.span_m)
            words = f" at {1e3 * arm:.2g} mm, the radius of its pin"
        spread += size.log_std**2
        evidence += size.evidence
    median = max(coefficient.value * load.force_n * arm, _LEAST_FRICTION[joint.type])
    unit = _EFFORT[joint.type]
    statement = f"A {title}: {coefficient.value:.2g} times the {load.force_n:.3g} N that it carries{words}"
    evidence.insert(0, rule(f"{statement}, is {median:.2g} {unit}."))
    if not sliding and load.holding > 0 and role is not None and role.name == "lid":
        words = f"A friction hinge that holds it at any angle would have {load.holding:.2g} N m, its weight's moment."
        evidence.append(Evidence("rule", words, DERIVED))
    friction = Estimate.lognormal(
        median, math.sqrt(spread), unit, "bearing friction under load", tuple(evidence), (PRIOR,)
    )
    share, speed = table.sizes["viscous_share"], HAND_SPEED[joint.type]
    viscous = share.value * median / speed
    per = "rad/s" if not sliding else "m/s"
    why = (rule(f"{share.value:.2g} of the dry friction at {speed:g} {per}, the speed of a hand."), *share.evidence)
    damping = Estimate.lognormal(
        viscous, math.sqrt(spread + share.log_std**2), _VISCOUS[joint.type], "share of the dry friction", why, (PRIOR,)
    )
    return Resistance(friction, damping)


def of_motor(joint: Joint, effort: float, effort_log_std: float, why_effort: str, table: JointTable) -> Resistance:
    """Of a robot's joint: what motor and gear lose, as a share of the effort that they give.

    Args:
        joint: revolute or prismatic.
        effort: What its motor gives, N m or N.
        effort_log_std: How well that is known.
        why_effort: Where that comes from, as the start of a sentence.
        table: Ratios that were seen.
    """
    unit, per = _EFFORT[joint.type], "rad/s" if joint.type == "revolute" else "m/s"
    known = joint.max_velocity is not None and joint.max_velocity.value > 0
    speed = joint.max_velocity.value if known and joint.max_velocity is not None else ROBOT_SPEED[joint.type]
    gives = f"{why_effort} {effort:.3g} {unit}"

    def share(ratio: Ratio, value: float, unit: str, method: str, words: str) -> Estimate:
        seen = f"Geometric mean of {ratio.count} kinds of actuators. {ratio.origin}."
        why = (rule(f"{gives}; {words}."), Evidence("table", seen, FILE, "robot"))
        return Estimate.lognormal(value, math.hypot(ratio.log_std, effort_log_std), unit, method, why, (PRIOR,))

    lost, viscous = table.friction_per_effort, table.damping_per_effort
    fast = "its limit of speed" if known else "the speed of such joints"
    return Resistance(
        share(
            lost,
            lost.median * effort,
            unit,
            "share of the effort",
            f"motor and gear lose {100 * lost.median:.2g} % of it",
        ),
        share(
            viscous,
            viscous.median * effort / speed,
            _VISCOUS[joint.type],
            "share of the effort at full speed",
            f"{100 * viscous.median:.2g} % of it at {speed:.3g} {per}, {fast}",
        ),
    )
