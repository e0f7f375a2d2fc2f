"""What drives the joints of robots: the effort that a motor gives, its armature, and the gains of its drive."""

from __future__ import annotations

import math
from dataclasses import dataclass

from physicl_twin.model import Drive, Estimate, Evidence, Joint
from physicl_twin.normalize.dynamics.effort import Load
from physicl_twin.normalize.dynamics.joint_table import FILE, JointTable
from physicl_twin.normalize.dynamics.marks import rule, stated, stated_drive
from physicl_twin.normalize.dynamics.placeholders import stated_effort
from physicl_twin.normalize.dynamics.resistance import PRIOR
from physicl_twin.normalize.dynamics.settings import DynamicsSettings

#: Flag of gains that nobody stated.
GAINS = "derived_gains"
#: Motors give at least this many times what gravity asks (judgement: a common margin of sizing) …
_STATIC_MARGIN = 2.0
#: … besides what speeds the load up by this much: rad/s2, m/s2 (judgement: a third of a second to full speed).
_ACCELERATION = {"revolute": 10.0, "prismatic": 1.0}
#: How far off such a guess is, standard deviation of the logarithm (judgement: a factor of 4 either way at 90 %).
_EFFORT_LOG_STD = 0.85
#: Armature of a slide over the mass that it moves: gears are chosen to match them (judgement), to within a factor of 7.
_MATCHED, _MATCHED_LOG_STD = 0.5, 1.2
#: Share of its way that a finger is kept from when it gives its full effort (judgement: what is gripped is thicker).
_GRIP = 0.25
#: A drive's own damping is at least this share of what is wanted, however much the joint has (judgement).
_LEAST_DAMPING = 0.1
_FORCE = {"revolute": "N m", "prismatic": "N"}
_STIFFNESS = {"revolute": "N m/rad", "prismatic": "N/m"}
_DAMPING = {"revolute": "N m s/rad", "prismatic": "N s/m"}
_INERTIA = {"revolute": "kg m2", "prismatic": "kg"}
_SAID = {"revolute": "kg m²", "prismatic": "kg"}


@dataclass(frozen=True, slots=True)
class Effort:
    """What a motor gives.

    Attributes:
        value: N m or N.
        log_std: How well that is known; 0 when stated.
        why: Start of a sentence that a number with its unit ends.
        limit: What the source states; None when it states nothing.
    """

    value: float
    log_std: float
    why: str
    limit: Estimate | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What the drive of a joint has to do with.

    Attributes:
        inertia: What it moves at the worst pose, armature included, kg m2 or kg.
        friction: Dry friction of the joint, N m or N.
        gravity: Weight on it at the worst pose, N m or N.
    """

    inertia: float
    friction: float
    gravity: float


def effort_of(joint: Joint, load: Load, filler: str = "") -> Effort:
    """The effort of a joint's motor: as stated, else from what it must hold and speed up.

    Args:
        joint: revolute or prismatic.
        load: What it moves and holds.
        filler: Why what is stated says nothing of the motor, see ``placeholders``; it stays the bound of the drive.
    """
    limit = stated_effort(joint)
    if limit is not None and not filler:
        return Effort(limit.value, limit.log_std, "Its motor gives", limit)
    guess = _STATIC_MARGIN * load.gravity + _ACCELERATION[joint.type] * load.inertia
    why = "To hold and to speed up what it carries its motor gives about"
    if filler:
        why = f"{filler}; to hold and to speed up what it carries its motor gives about"
    return Effort(max(guess, 1e-6), _EFFORT_LOG_STD, why, limit)


def armature_of(joint: Joint, effort: Effort, moved: float, table: JointTable) -> Estimate:
    """Inertia of a motor's rotor behind its gear: as stated, else a share of the effort (of a slide: of the mass).

    Args:
        joint: revolute or prismatic.
        effort: What its motor gives.
        moved: Inertia or mass that it moves, kg m2 or kg.
        table: Ratios that were seen.
    """
    if (own := stated(joint.armature)) is not None:
        return own
    unit = _INERTIA[joint.type]
    if joint.type == "prismatic":
        mass = max(_MATCHED * moved, 1e-6)
        why = rule(f"Gears are chosen so that a motor's inertia matches what it moves, {moved:.3g} kg.")
        return Estimate.lognormal(mass, _MATCHED_LOG_STD, unit, "matched to the load", (why,), (PRIOR,))
    ratio = table.armature_per_effort
    why = rule(f"{effort.why} {effort.value:.3g} N m; rotors behind gears carry {ratio.median:.2g} kg m² for each.")
    words = f"Geometric mean of {ratio.count} kinds of actuators. {ratio.origin}."
    seen = Evidence("table", words, FILE, "robot")
    spread = math.hypot(ratio.log_std, effort.log_std)
    return Estimate.lognormal(ratio.median * effort.value, spread, unit, "share of the effort", (why, seen), (PRIOR,))


def drive_of(
    joint: Joint, effort: Effort, moved: Moved, settings: DynamicsSettings, *, grips: bool = False
) -> Drive | None:
    """The position drive of a robot's joint: as stated, else of a given natural frequency; None for a follower.

    Stiffness is inertia · (2π f)², damping 2 ζ √(stiffness · inertia), with the largest inertia over poses and the
    armature: slower poses are then damped at least as well. Damping that the source states of the joint itself is a
    part of it. Where a motor is too weak for that frequency, the stiffness is what uses its effort at an error of
    ``saturation_angle_deg`` (or ``saturation_travel_m``); it is stiffer where ``_at_least`` asks for more.

    Args:
        joint: revolute or prismatic.
        effort: What its motor gives.
        moved: What it moves.
        settings: ``[dynamics]``.
        grips: True for a finger.
    """
    if (own := stated_drive(joint.drive)) is not None:
        return own
    inertia = moved.inertia
    if joint.mimic is not None or not inertia > 0:
        return None
    error = _saturation(joint, settings)
    answering = inertia * (2 * math.pi * settings.natural_frequency_hz) ** 2
    asked = [(least, why) for least, why in _at_least(joint, effort, moved, settings, grips) if least > answering]
    wanted = max([answering, *(least for least, _ in asked)])
    bound = effort.value / error
    stiffness = min(wanted, bound)
    frequency = math.sqrt(stiffness / inertia) / (2 * math.pi)
    words = f"Natural frequency of {frequency:.3g} Hz for {inertia:.3g} {_SAID[joint.type]}, the most in sampled poses"
    if wanted > bound:
        words += f"; more would use up the motor's effort before an error of {_angle_or_way(joint, error)}"
    why = (rule("; ".join([words, *(reason for _, reason in asked)]) + "."),)
    critical = 2 * settings.damping_ratio * math.sqrt(stiffness * inertia)
    itself = stated(joint.damping)
    damping = critical if itself is None else max(critical - itself.value, _LEAST_DAMPING * critical)
    shared = "" if itself is None else f", with the joint's own {itself.value:.3g} {itself.unit}"
    damped = (rule(f"Damping ratio {settings.damping_ratio:g} at that inertia{shared}."), *why)
    # Only inertia is not known by way of the effort: friction, too, may be a share of it.
    spread = math.hypot(settings.gain_log_std, effort.log_std if asked or wanted > bound else 0.0)
    return Drive(
        "position",
        Estimate.lognormal(stiffness, spread, _STIFFNESS[joint.type], "inertia and natural frequency", why, (GAINS,)),
        Estimate.lognormal(damping, spread, _DAMPING[joint.type], "inertia and damping ratio", damped, (GAINS,)),
        effort.limit,
        target=joint.position,
    )


def _at_least(
    joint: Joint, effort: Effort, moved: Moved, settings: DynamicsSettings, grips: bool
) -> list[tuple[float, str]]:
    """What the stiffness of a drive should not be below, N m/rad or N/m, and why.

    Dry friction may hold the joint off its target by ``friction_error_share`` of the error at which the motor gives
    all, weight by ``gravity_error_share`` of it (small links swing faster than any arm), and a finger grips with its
    full effort when something keeps it from closing a quarter of its way.
    """
    error, unit = _saturation(joint, settings), _FORCE[joint.type]
    found = []
    for force, share, what in (
        (moved.friction, settings.friction_error_share, "dry friction"),
        (moved.gravity, settings.gravity_error_share, "weight"),
    ):
        off = _angle_or_way(joint, share * error)
        found.append(
            (force / (share * error), f"softer, {force:.3g} {unit} of {what} would hold it off by more than {off}")
        )
    if grips and joint.lower is not None and joint.upper is not None and joint.upper > joint.lower:
        grip = effort.value / (_GRIP * (joint.upper - joint.lower))
        found.append((grip, f"its full effort when {_GRIP:.0%} of its way are kept from it"))
    return found


def _saturation(joint: Joint, settings: DynamicsSettings) -> float:
    """Error at which a drive asks for all that its motor gives, radians or metres."""
    return settings.saturation_travel_m if joint.type == "prismatic" else math.radians(settings.saturation_angle_deg)


def _angle_or_way(joint: Joint, error: float) -> str:
    return f"{1e3 * error:g} mm" if joint.type == "prismatic" else f"{math.degrees(error):.3g}°"


def wheel_drive_of(joint: Joint, effort: Effort, inertia: float, settings: DynamicsSettings) -> Drive | None:
    """The velocity drive of a wheel or a propeller: it takes on a new speed within the time of the natural frequency.

    Args:
        joint: revolute.
        effort: What its motor gives.
        inertia: What it speeds up: itself, its armature, and its share of what rolls on it, kg m2.
        settings: ``[dynamics]``.
    """
    if (own := stated_drive(joint.drive)) is not None:
        return own
    if joint.mimic is not None or not inertia > 0:
        return None
    rate = 2 * math.pi * settings.natural_frequency_hz
    why = (rule(f"It takes on a new speed within {1e3 / rate:.3g} ms, moving {inertia:.3g} kg m²."),)
    none = Estimate.exact(0.0, _STIFFNESS[joint.type], "a velocity drive has none", why)
    damping = Estimate.lognormal(
        rate * inertia, settings.gain_log_std, _DAMPING[joint.type], "inertia and rate", why, (GAINS,)
    )
    return Drive("velocity", none, damping, effort.limit)
