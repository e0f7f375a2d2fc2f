"""passivity: with its drives off, does the mechanism ever gain energy?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physicl_twin.engines.protocol import Engine, EngineScene
from physicl_twin.model import Measure, RolloutResult, Series
from physicl_twin.model.geometry import FloatArray
from physicl_twin.validate.rollouts.joint_run import Curves, begin, energy_j, range_of, span_of
from physicl_twin.validate.rollouts.moving import MovingTwin
from physicl_twin.validate.rollouts.moving_stage import OFF, Setup, open_moving
from physicl_twin.validate.rollouts.settings import RolloutSettings

NAME = "passivity"
QUESTION = "With its drives off and set in motion, does the mechanism never gain energy?"

_LOOKS = 40
#: Steps at most in which colliders that overlap at the start may part (judgement; TIAGo's arm takes five).
_PARTING_STEPS = 80


def passivity(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Give each joint a random speed and watch the energy, under gravity when the world holds the base.

    Arguments and errors are those of ``begin``.
    """
    begun, chosen = begin(usd, engine, settings), settings.joints
    twin = begun.twin
    gravity = 0.0 if twin.floating else settings.gravity_mps2
    off = {int(row): OFF for row in np.flatnonzero(twin.driven)}
    dt_s = chosen.passive_step_share * begun.dt_s
    setup = Setup(gravity, off, hold_base=False, energy_true=True)
    curves = Curves(twin, np.flatnonzero(twin.steered)[: chosen.most_series].tolist())
    times, energies = [], []
    with open_moving(twin, engine, setup) as scene:
        _part(scene, len(twin.joints), dt_s)
        scene.set_joint_velocities(random_speeds(twin, settings))
        count = max(1, round(chosen.passive_s / _LOOKS / dt_s))
        # The first step settles the speeds of loops and followers, which were not asked.
        scene.step(dt_s)
        for look in range(_LOOKS + 1):
            if look:
                scene.step(dt_s, count)
            times.append(look * count * dt_s)
            energies.append(energy_j(twin, scene, gravity))
            curves.add(times[-1], scene.joint_positions())
    # Against what moves and what gravity could give: half the size of a fall.
    mass = sum(body.mass_kg for body in twin.scene.dynamic_bodies)
    kinetic = energies[0] - min(energies)
    scale = max(kinetic, 0.05 * mass * gravity * twin.size_m, 1e-12)
    gain = max(energies) - energies[0]
    passed = gain <= chosen.passive_gain_ratio * scale
    message = (
        f"It gained {gain:.3g} J, {100 * gain / scale:.2f} % of the {scale:.3g} J that it had to exchange."
        if not passed
        else f"Its energy rose by at most {100 * max(gain, 0.0) / scale:.2f} % of the {scale:.3g} J that it exchanged."
    )
    criterion = (
        f"Started with {chosen.passive_speed:g} rad/s or sizes per second at random, drives off, "
        f"{'without gravity' if twin.floating else 'under gravity'}, friction and damping as they are, its mechanical "
        f"energy never exceeds that of the start by more than {100 * chosen.passive_gain_ratio:.0f} % of what it "
        f"exchanges in {chosen.passive_s:g} s. PhysX solves by PGS here: its default solver feeds energy into "
        "articulations."
    )
    return begun.ended(
        (NAME, QUESTION, criterion),
        [] if passed else [message],
        message,
        (
            Measure("energy_gain", gain, "J"),
            Measure("energy_exchanged", scale, "J"),
            Measure("energy_lost", energies[0] - energies[-1], "J"),
        ),
        (
            Series("energy over the start", "J", tuple(times), tuple(e - energies[0] for e in energies)),
            *curves.series(),
        ),
    )


def _part(scene: EngineScene, joints: int, dt_s: float) -> None:
    """Let colliders that overlap by a hair as they stand push each other out, and take the speed that it gives.

    An engine's contact is a spring: what is pressed into it would come back as energy that nobody put in.
    """
    for _ in range(_PARTING_STEPS):
        if not any(contact.separation_m < 0.0 for contact in scene.contacts()):
            return
        scene.step(dt_s)
        scene.set_velocities(np.zeros((len(scene.bodies), 6)))
        scene.set_joint_velocities(np.zeros(joints))


def random_speeds(twin: MovingTwin, settings: RolloutSettings) -> FloatArray:
    """Random, within what the joints allow, and never into the limit within the first tenth of the run."""
    random = np.random.default_rng(settings.joints.seed)
    speeds = np.zeros(len(twin.joints))
    for row, joint in enumerate(twin.joints):
        speed = float(random.uniform(0.3, 1.0)) * settings.joints.passive_speed * span_of(twin, row)
        low, high = range_of(twin, row, settings.joints)
        ahead = 1.0 if high - joint.position >= joint.position - low else -1.0
        speeds[row] = ahead * min(speed, joint.max_velocity or speed)
    # Speeds of a closed loop go together: it starts at rest.
    speeds[twin.in_loop] = 0.0
    for row in np.flatnonzero(twin.leader >= 0):
        speeds[row] = twin.joints[row].mimic_multiplier * speeds[twin.leader[row]]
    return speeds
