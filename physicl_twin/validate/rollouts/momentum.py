"""momentum: adrift without gravity, does the mechanism keep its momenta while its joints move?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physicl_twin.engines.protocol import Engine
from physicl_twin.model import Measure, RolloutResult
from physicl_twin.validate.rollouts.joint_run import Curves, begin, momenta
from physicl_twin.validate.rollouts.moving_stage import OFF, Setup, open_moving
from physicl_twin.validate.rollouts.passivity import random_speeds
from physicl_twin.validate.rollouts.settings import RolloutSettings

NAME = "momentum"
QUESTION = "Adrift without gravity, does the mechanism keep its linear and angular momentum while its joints move?"

_LOOKS = 10


def momentum(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Set the joints in motion, the base free, drives off, PhysX's damping of bodies off.

    Arguments and errors are those of ``begin``.
    """
    begun, chosen = begin(usd, engine, settings), settings.joints
    twin, dt_s = begun.twin, chosen.passive_step_share * begun.dt_s
    off = {int(row): OFF for row in np.flatnonzero(twin.driven)}
    curves = Curves(twin, np.flatnonzero(twin.steered)[: chosen.most_series].tolist())
    setup = Setup(0.0, off, hold_base=False, drag=False, energy_true=True)
    with open_moving(twin, engine, setup) as scene:
        scene.set_joint_velocities(random_speeds(twin, settings))
        scene.step(dt_s)
        linear, angular, exchanged = momenta(scene)
        count = max(1, round(chosen.momentum_s / _LOOKS / dt_s))
        lost, twisted = 0.0, 0.0
        for look in range(1, _LOOKS + 1):
            scene.step(dt_s, count)
            now = momenta(scene)
            lost = max(lost, float(np.linalg.norm(now[0] - linear)))
            twisted = max(twisted, float(np.linalg.norm(now[1] - angular)))
            exchanged = max(exchanged, now[2])
            curves.add(look * count * dt_s, scene.joint_positions())
    # Of angular momentum the bodies exchange that of their linear one at an arm of half the size.
    scales = (max(exchanged, 1e-12), max(0.5 * exchanged * twin.size_m, float(np.linalg.norm(angular)), 1e-12))
    ratios = lost / scales[0], twisted / scales[1]
    failed = max(ratios) > chosen.momentum_ratio
    message = (
        f"Linear momentum changes by {100 * ratios[0]:.2g} %, angular momentum by {100 * ratios[1]:.2g} % of what its "
        "bodies exchange."
    )
    criterion = (
        f"In {chosen.momentum_s} s both change by at most {100 * chosen.momentum_ratio:.0f} % of what the bodies "
        "exchange, drives and PhysX's damping of bodies off, solved by PGS."
    )
    measures = (
        Measure("linear_momentum_change", lost, "N s"),
        Measure("angular_momentum_change", twisted, "N m s"),
        Measure("momentum_exchanged", exchanged, "N s"),
    )
    faults = [message] if failed else []
    return begun.ended((NAME, QUESTION, criterion), faults, message, measures, curves.series())
