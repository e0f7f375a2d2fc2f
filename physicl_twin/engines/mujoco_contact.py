"""MuJoCo's contact parameters from a coefficient of restitution and a time step.

MuJoCo's contact is a damped spring in acceleration space: r'' = -b r' - k r, b = 2 / tc, k = 1 / (tc zeta)^2 for
solref = (tc, zeta) (documentation, "Solver parameters", here with impedance d ~ 1). Contact ends when the force, not
the depth, is back at zero, for which Schwager & Poeschel (2007), "Coefficient of restitution and linear-dashpot model
revisited", Granular Matter 9, give for zeta < 1:

    e = exp(-zeta / sqrt(1 - zeta^2) * phase),   phase = atan2(2 zeta sqrt(1 - zeta^2), 2 zeta^2 - 1)

It falls from 1 to exp(-2) = 0.135 at zeta = 1. In discrete time short contacts return less: measured on a
falling ball, tc of two steps returns 0.056 of the speed at zeta = 1 and 0.014 at zeta = 2, four steps 0.09 and 0.03.
"""

from __future__ import annotations

import math
from typing import Any

#: Angle in radians that the contact spring may turn per time step, so that the bounce is resolved (judgement: 20 steps
#: a period, with which tests measure a restitution within 0.05 of the wanted one).
PHASE_PER_STEP = 0.3
#: Damping ratio of a contact that is to return nothing, and the coefficient below which it is taken.
DEAD_RATIO, DEAD_RESTITUTION = 2.0, 0.05
#: Kinds of shape that roll.
ROLLS = ("sphere", "cylinder", "capsule")


def restitution_of(damping_ratio: float) -> float:
    """Coefficient of restitution of a unilateral spring-dashpot contact with a damping ratio in [0, 1)."""
    if damping_ratio >= 1.0:
        return math.exp(-2.0)
    root = math.sqrt(1.0 - damping_ratio**2)
    # Time of zero force: tan(root * w * t) = 2 zeta root / (2 zeta^2 - 1), on the branch (0, pi).
    phase = math.atan2(2.0 * damping_ratio * root, 2.0 * damping_ratio**2 - 1.0)
    return math.exp(-damping_ratio / root * phase)


def damping_ratio_for(restitution: float) -> float:
    """Damping ratio in [0, 1] whose contact returns that fraction of the speed; 1 where none is small enough."""
    if restitution <= math.exp(-2.0):
        return 1.0
    if restitution >= 1.0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if restitution_of(middle) > restitution else (low, middle)
    return 0.5 * (low + high)


def solref(restitution: float, dt_s: float, stiffness_steps: float) -> tuple[float, float]:
    """MuJoCo's (time constant, damping ratio) for a restitution at a time step.

    Args:
        restitution: Wanted coefficient, 0..1.
        dt_s: Time step.
        stiffness_steps: Smallest time constant in time steps.
    """
    if restitution < DEAD_RESTITUTION:
        return stiffness_steps * dt_s, DEAD_RATIO
    # A ratio of zero would never dissipate and divide by zero below: 0.003 returns 99 % of the speed.
    ratio = max(damping_ratio_for(restitution), 0.003)
    return max(stiffness_steps, 1.0 / (PHASE_PER_STEP * ratio)) * dt_s, ratio


def calmed(springy: tuple[float, float], dt_s: float) -> tuple[float, float]:
    """The hardest damping of a contact whose stiffness, and so whose depth under a load, stays what it was.

    Args:
        springy: Time constant and damping ratio of the contact that returns speed.
        dt_s: Time step; MuJoCo allows no time constant below two of them.
    """
    tc_s = min(springy[0], 2.0 * dt_s)
    return tc_s, springy[0] * springy[1] / tc_s


def friction(kind: str, sliding: float, rolling_m: float) -> dict[str, Any]:
    """``friction`` and ``condim`` of a geom; what rolls resists it a little, nothing resists spinning, as in PhysX.

    Args:
        kind: Of the shape.
        sliding: Coefficient of sliding friction.
        rolling_m: Coefficient of rolling friction, a length.
    """
    if kind in ROLLS:
        return {"friction": [sliding, 0.0, rolling_m], "condim": 6}
    return {"friction": [sliding, 0.0, 0.0], "condim": 3}
