"""The friction and restitution that an engine really applies between two materials.

PhysX has a static and a dynamic coefficient and combines each by the pair's combine mode. Where the two differ, its
solver lets go before the static one is reached: measured with ovphysx 0.7 at static 0.6 and dynamic 0.3, a box starts
to slide at a coefficient of 0.54 with 16 position iterations, 0.50 with 8, below 0.48 with 4 or with PGS; sliding
itself is exact. MuJoCo has one coefficient per surface and takes the larger of the two; we give it the dynamic one,
which decides where a sliding thing goes.
Restitution in MuJoCo is a damped contact spring made from the coefficient (``mujoco_contact``); a pair is averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

from physicl_twin.engines.scene_description import SurfaceMaterial, combine

#: The smallest friction that MuJoCo computes with (mjMINMU of its source).
MUJOCO_MIN_FRICTION = 1e-5


@dataclass(frozen=True, slots=True)
class EffectiveFriction:
    """Coefficients of a pair of surfaces in an engine: what starts the sliding, and what brakes it."""

    static: float
    dynamic: float


def effective_friction(engine: str, first: SurfaceMaterial, second: SurfaceMaterial) -> EffectiveFriction:
    """What ``engine`` (``physx`` or ``mujoco``) applies between two materials."""
    if engine == "mujoco":
        value = max(first.dynamic_friction, second.dynamic_friction, MUJOCO_MIN_FRICTION)
        return EffectiveFriction(value, value)
    modes = first.friction_combine, second.friction_combine
    return EffectiveFriction(
        combine(modes[0], first.static_friction, modes[1], second.static_friction),
        combine(modes[0], first.dynamic_friction, modes[1], second.dynamic_friction),
    )
