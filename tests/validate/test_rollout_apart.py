"""Rollouts in a process of their own: what they find is what they find here, and a dead process is a failed rollout."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from physicl_twin import settings
from physicl_twin.engines import engine
from physicl_twin.validate import apart as room
from physicl_twin.validate.apart import apart
from physicl_twin.validate.rollouts import RolloutSettings
from physicl_twin.validate.run import run_closed
from tests.engines.mechanisms import pendulum

#: Answers as the worker does, and dies of a bus error when it is asked for a sweep.
DYING = """
import json, os, signal, sys
sys.stdin.readline()
for line in sys.stdin:
    if json.loads(line) == "joint_sweep":
        os.kill(os.getpid(), signal.SIGBUS)
    told = {"name": json.loads(line), "engine": "physx", "question": "", "criterion": "", "status": "passed"}
    print(json.dumps({**told, "message": str(os.getpid()), "measures": [], "series": [], "seconds": 0.0}), flush=True)
"""


def test_a_rollout_apart_is_the_rollout(tmp_path: Path):
    builder, _ = pendulum(tmp_path / "pendulum.usda")
    usd, told = builder.save(), settings.pipeline()
    bounds = RolloutSettings.from_pipeline(told)
    with apart(usd, "mujoco", told) as process:
        for name in ("kinematics", "tracking", "no such rollout"):
            here, there = run_closed(name, usd, engine("mujoco"), bounds), process.run(name)
            assert replace(there, seconds=0.0) == replace(here, seconds=0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_that_dies_is_a_failed_rollout_and_the_next_one_runs(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(room, "COMMAND", ("-c", DYING))
    with apart(tmp_path / "any.usda", "physx", {}) as process:
        first, dead, last, same = (process.run(name) for name in ("kinematics", "joint_sweep", "passivity", "momentum"))
    assert (first.status, dead.status, last.status) == ("passed", "failed", "passed")
    assert "SIGBUS" in dead.message and dead.name == "joint_sweep" and dead.engine == "physx"
    assert first.message != last.message == same.message  # a new process, which stays


def test_a_worker_that_cannot_start_is_a_failed_rollout(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(room, "COMMAND", ("-c", "raise SystemExit(3)"))
    with apart(tmp_path / "any.usda", "physx", {}) as process:
        assert "status 3" in process.run("kinematics").message
