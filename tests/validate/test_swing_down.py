"""Let go, an arm falls alike in PhysX and in MuJoCo: past its limits and its largest speed, through itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from physicl_twin import engines
from physicl_twin.engines import EngineSettings
from physicl_twin.validate.rollouts.moving import survey_moving
from physicl_twin.validate.rollouts.moving_stage import OFF, Setup, open_moving
from tests.usd.movers import arm, estimate
from tests.usd.twins import write


def fall(file, name: str, setup: Setup, step_s: float, lasts_s: float = 0.5) -> np.ndarray:
    """(looks, J) coordinates after the arm was let go, leaning by half a radian in every joint."""
    twin = survey_moving(file, name, EngineSettings.from_pipeline())
    off = {int(row): OFF for row in np.flatnonzero(twin.driven)}
    seen = []
    with open_moving(twin, engines.engine(name), replace(setup, drives=off)) as scene:
        scene.set_joint_positions(np.full(len(twin.joints), 0.5))
        for _ in range(25):
            scene.step(step_s, round(lasts_s / 25 / step_s))
            seen.append(scene.joint_positions())
    return np.array(seen)


def slow_arm(folder):
    """Its first joint may go no further than 0.7 rad and no faster than 0.5 rad/s."""
    twin = arm()
    first = replace(twin.joints[0], upper=0.7, max_velocity=estimate(0.5, "rad/s"))
    return write(replace(twin, joints=(first, *twin.joints[1:])), folder)


def test_the_engines_agree_within_two_percent_of_what_moves(tmp_path):
    pytest.importorskip("ovphysx")
    file = slow_arm(tmp_path)
    setup = Setup(9.81, drag=False, energy_true=True, contacts=False, limits=False)
    here, there = fall(file, "physx", setup, 1e-3), fall(file, "mujoco", setup, 2.5e-4)
    moved = np.ptp(there, axis=0)
    assert moved.max() > 1.0
    assert np.all(np.abs(here - there).max(axis=0) < 0.02 * np.maximum(moved, 0.1 * moved.max()))
    # Beyond the limit, and faster than the limit of speed would let it.
    assert here[-1, 0] > 0.9
    assert np.diff(here[:, 0]).max() / 0.02 > 1.0


@pytest.mark.parametrize("name", ["physx", "mujoco"])
def test_limits_hold_where_nobody_takes_them_off(name, tmp_path):
    pytest.importorskip({"physx": "ovphysx", "mujoco": "mujoco"}[name])
    setup = Setup(9.81, drag=False, energy_true=True, contacts=False)
    assert fall(slow_arm(tmp_path), name, setup, 1e-3)[:, 0].max() < 0.72
