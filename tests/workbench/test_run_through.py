"""One run through all stages as a person goes, on the shipped sample, with real workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from physicl_twin.workbench.ingest_model import shipped_sample
from physicl_twin.workbench.workspace import Workspace

PATIENCE_S = 240.0


def until(work: Workspace, true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        work.poll()
        assert work.bench.problem is None, f"{what}: {work.bench.problem}"
        assert time.monotonic() < deadline, f"{what}: {work.bench.activity and work.bench.activity.words()}"
        time.sleep(0.01)


def idle(work: Workspace, what: str) -> None:
    until(work, lambda: not work.bench.busy, what)


@pytest.mark.slow
def test_from_a_source_to_a_deployed_twin(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "out", tmp_path / "session.json")
    times = [time.monotonic()]

    def lap(what: str) -> None:
        times.append(time.monotonic())
        print(f"{what}: {times[-1] - times[-2]:.1f} s")

    try:
        assert shipped_sample() is not None
        work.ingest.set_option("effort", "fast")
        work.ingest.set_option("licence", "CC0-1.0")
        work.ingest.try_sample()
        idle(work, "preview")
        lap("preview")
        report = work.ingest.report
        assert report is not None and report.error is None
        assert Path(report.picture).stat().st_size > 1000
        assert len(report.parts) == 2

        work.primary.run()
        idle(work, "build")
        lap("build")
        assert work.stage == "normalize"
        twin = work.normalize.twin
        assert twin is not None
        before = float(twin.bodies[0].mass.value)

        work.viewport.resize(320, 240)
        until(work, lambda: bool(work.viewport.pixels) and not work.viewport.moving, "picture")
        assert len(work.viewport.pixels) == 4 * 320 * 240
        lap("picture")

        part = next(row for row in work.normalize.rows if "spoon" in row.name.lower())
        work.normalize.set_material(part.name, "Titanium")
        until(work, lambda: not work.normalize.weighing, "edit")
        assert work.normalize.edited
        assert next(row for row in work.normalize.rows if row.name == part.name).changed
        assert {state.stage: state.tone for state in work.stage_states}["normalize"] == "look"
        lap("edit")

        assert work.primary.label == "Accept as version 2"
        work.primary.run()
        idle(work, "accept")
        lap("accept")
        twin = work.normalize.twin
        assert twin is not None and twin.version == 2 and not work.normalize.edited
        assert abs(twin.bodies[0].mass.value - before) > 1e-3 * before

        work.go("validate")
        assert work.validate.passed, [line for group in work.validate.groups for line in group.lines]
        work.validate.check_again.run()
        idle(work, "certify")
        lap("certify")
        assert work.validate.passed and work.primary.label == "Deploy"
        assert {title for title, _ in work.validate.files} == {"report", "certificate"}

        work.validate.record_action.run()
        idle(work, "record_drop")
        lap("record")
        still = work.viewport.frame
        until(work, lambda: not work.validate.player.playing, "play-back")
        until(work, lambda: not work.viewport.moving, "last moment")
        assert work.viewport.frame > still
        assert work.validate.player.fraction == 1.0
        lap("play")

        work.go("augment")
        work.augment.preview()
        idle(work, "member_preview")
        until(work, lambda: not work.augment.members.drawing, "member")
        lap("member preview")
        assert work.augment.members.is_preview and work.augment.members.lines
        assert len(work.augment.members.pixels) == 4 * 320 * 240

        work.go("deploy")
        work.deploy.toggle("isaac-sim")
        work.deploy.toggle("mujoco")
        work.primary.run()
        idle(work, "deploy")
        lap("deploy")
        row = work.deploy.target("mujoco")
        assert row.tone == "good", row
        assert Path(row.main).is_file()
        assert any(line.word == "agrees" for line in row.lines)
    finally:
        work.release()
