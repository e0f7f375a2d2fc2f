"""The fourth tab: failures first, numbers with units, a drop to watch, and what to do next."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from physicl_twin.model import to_json
from physicl_twin.workbench.certificate_view import certificate_cards, check_groups, rollout_rows
from tests.usd import twins
from tests.workbench.fakes import Desk, certificate, twin_on_disk
from tests.workbench.test_playback import recording

NAME = twins.multi_part().name
RESULT = {"passed": True, "checks": {"passed": 4, "failed": 0, "not_checked": 1}}


def desk_with(tmp_path: Path, **proof: object) -> Desk:
    desk = Desk(tmp_path)
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins", proof=certificate(NAME, **proof))))
    desk.work.go("validate")
    return desk


def test_a_passing_twin_leads_on_to_deploy(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    model = desk.work.validate
    cards = {card.title: card for card in model.cards}
    assert (cards["verdict"].value, cards["verdict"].tone) == ("passed", "good")
    assert cards["verdict"].caption == "version 1, 2026-01-02 03:04 UTC"
    assert (cards["failed"].value, cards["not checked"].value, cards["passed"].value) == ("0", "0", "4")
    assert cards["engines"].value == "MuJoCo · PhysX"
    assert cards["SimReady"].value == "Robotics-Prop" and cards["SimReady"].caption == "4.0.0 · 1 of 1 passed"
    assert model.passed and model.primary.label == "Deploy"
    model.primary.run()
    assert desk.work.stage == "deploy"


def test_failures_stand_first_with_their_hints_and_lead_back(tmp_path: Path) -> None:
    model = desk_with(tmp_path, failed=True, unchecked=True).work.validate
    assert [group.key for group in model.groups] == ["failed", "not_checked", "passed"]
    first = model.groups[0]
    assert (first.tone, first.word, first.opened, first.count) == ("stop", "failed", True, 1)
    assert first.lines[0].detail == "mug: 7 t State it with the known mass."
    assert "mass.usual" in first.lines[0].tooltip
    assert [row.word for row in model.rollouts] == ["failed", "passed"]
    assert model.primary.label == "Mend it in Normalize" and not model.passed
    verdict = model.cards[0]
    assert (verdict.value, verdict.tone) == ("failed", "stop")
    assert model.cards[1].caption == "mass.usual and 1 more"


def test_groups_open_and_fold_and_that_is_remembered(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    (group,) = desk.work.validate.groups
    assert not group.opened and group.lines == () and group.title == "2 checks passed"
    desk.work.validate.toggle("passed")
    assert len(desk.work.validate.groups[0].lines) == 2
    desk.work.release()
    assert Desk(tmp_path).work.validate.groups[0].opened


def test_a_rollout_has_measures_and_curves_ready_to_plot(tmp_path: Path) -> None:
    model = desk_with(tmp_path).work.validate
    model.choose_rollout("drop_and_settle/physx")
    run = model.rollout
    assert run is not None and (run.title, run.engine) == ("drop and settle", "PhysX")
    assert [line.detail for line in run.measures[:2]] == ["0 µm", "10 mm"]
    assert run.measures[-1].text == "and 2 more" and "measure 7: 70 mm" in run.measures[-1].tooltip
    height, energy = run.charts
    assert (height.unit, height.limit, len(height.xs)) == ("mm", 0.0, 4), "what is not finite is left out"
    assert height.ys[0] == pytest.approx(50.0) and all(math.isfinite(y) for y in height.ys)
    assert (energy.unit, energy.limit, len(energy.xs)) == ("J", None, 5)
    model.choose_rollout("gone")
    assert model.rollout is not None


def test_without_a_certificate_it_can_be_made(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    folder = Path(desk.work.bench.session.twin)
    (folder / "certificate.json").unlink()
    desk.work.normalize.read_certificate()
    model = desk.work.validate
    assert model.cards[0].value == "not checked" and model.groups == () and model.rollout is None
    assert model.primary.label == "Validate" and model.secondary is None
    model.primary.run()
    assert desk.tasks.calls == [("certify", {"twin": str(folder), "engines": ["physx", "mujoco"]})]
    twin_on_disk(tmp_path / "out" / "twins")
    desk.finish(RESULT)
    assert model.passed and desk.work.bench.message == "It passed: 4 passed, 0 failed, 1 not checked."
    assert model.secondary is not None and model.secondary.label == "Check again"


def test_a_certificate_of_another_version_does_not_count(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    made = replace(twins.multi_part(), version=3)
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path, made)))
    model = desk.work.validate
    assert model.cards[0].value == "check again" and "version 1" in model.stale
    assert not model.passed and model.primary.label == "Validate"


def test_edits_that_wait_make_it_stale_and_forbid_checking(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    desk.work.normalize.set_mass("2 kg")
    model = desk.work.validate
    assert not model.passed and not model.primary.enabled and "Accept" in model.primary.why_not
    model.check()
    assert desk.tasks.calls == []


def test_a_check_that_fails_or_is_cancelled_keeps_the_last_certificate(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    model = desk.work.validate
    model.check()
    desk.fail("worker_died", "The worker was killed.")
    assert model.passed and desk.work.bench.problem is not None and desk.work.bench.problem.action is not None
    desk.work.bench.problem.action.run()
    assert desk.tasks.verbs == ["certify", "certify"]
    desk.work.bench.cancel()
    desk.work.poll()
    assert model.passed and not desk.work.bench.busy


def test_a_twin_whose_folder_was_removed_is_told(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    shutil.rmtree(desk.work.bench.session.twin)
    for action in (desk.work.validate.check, desk.work.validate.record):
        desk.work.bench.dismiss()
        action()
        problem = desk.work.bench.problem
        assert problem is not None and problem.code == "twin_not_found" and problem.action is not None
    assert desk.tasks.calls == [] and desk.work.validate.files == ()
    problem.action.run()
    assert desk.work.stage == "ingest"


def test_a_drop_is_recorded_played_and_shown_in_the_viewport(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    model, view = desk.work.validate, desk.work.viewport
    view.resize(200, 150)
    desk.live.answer(size=(200, 150))
    assert model.play_line.text == "No drop is recorded yet." and not model.play_action.enabled
    model.set_engine("mujoco")
    model.set_engine("unity")
    model.record_action.run()
    assert desk.tasks.calls == [("record_drop", {"twin": desk.work.bench.session.twin, "engine": "mujoco"})]
    assert model.recording
    desk.finish({**recording(), "engine": "mujoco"})
    assert model.player.playing and model.play_action.label == "Pause"
    assert desk.live.asked[-1][1]["shot"]["poses"], "the viewport shows the drop"
    model.toggle_play()
    model.scrub(1.0)
    desk.live.answer(size=(200, 150))
    desk.work.poll()
    assert desk.live.asked[-1][1]["shot"]["poses"][0][2] == pytest.approx(0.7)
    assert model.play_line.text == "1.00 of 1.00 s" and model.play_line.detail == "in MuJoCo"
    model.step(-1)
    assert model.player.frame == 29
    desk.live.answer(size=(200, 150))
    desk.work.go("normalize")
    desk.work.poll()
    assert desk.live.asked[-1][1]["shot"]["poses"] == (), "elsewhere the twin stands as authored"
    desk.work.go("validate")
    assert model.moment is not None
    model.stop()
    assert model.moment is None and model.play_line.tone == "muted"


def test_the_drop_of_another_twin_is_put_away_and_a_failed_one_told(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    model = desk.work.validate
    model.record()
    desk.finish(recording())
    model.record()
    desk.fail("engine_failed", "The engine refused it.")
    assert model.player.loaded, "the last good one stays"
    assert desk.work.bench.problem is not None and desk.work.bench.problem.action is not None
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path / "others", twins.single())))
    assert not model.player.loaded


def test_what_has_joints_is_moved_and_loose_bodies_are_left_to_the_editor(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    made = twins.hinged()
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path, made)))
    assert desk.work.validate.record_action.label == "Move it"
    desk.work.validate.record_action.run()
    assert desk.tasks.verbs == ["record_motion"] and desk.work.validate.recording
    loose = Desk(tmp_path / "loose")
    loose.work.bench.set_twin(str(twin_on_disk(tmp_path / "loose", replace(made, joints=()))))
    action = loose.work.validate.record_action
    assert not action.enabled and "Isaac Sim" in action.why_not
    action.run()
    assert loose.tasks.calls == []


def test_without_a_twin_everything_is_empty_and_leads_to_a_source(tmp_path: Path) -> None:
    model = Desk(tmp_path).work.validate
    assert (model.cards, model.groups, model.rollouts, model.files) == ((), (), (), ())
    assert model.primary.label == "Choose a source" and not model.record_action.enabled


def test_a_certificate_without_rollouts_or_checks_does_not_shine() -> None:
    bare = replace(certificate("mug"), checks=(), rollouts=())
    cards = {card.title: card for card in certificate_cards(bare, "")}
    assert cards["verdict"].tone == "stop" and cards["engines"].tone == "look" and cards["SimReady"].tone == "look"
    assert check_groups(bare, frozenset()) == () and rollout_rows(bare) == ()


def test_inside_an_editor_its_own_physics_can_be_asked(tmp_path: Path) -> None:
    desk = desk_with(tmp_path)
    model = desk.work.validate
    assert model.editor_action is None, "on the desk there is no editor"
    model.has_editor = True
    action = model.editor_action
    assert action is not None and action.enabled
    action.run()
    assert desk.tasks.verbs == ["editor_rollouts"] and desk.tasks.said["usd"].endswith(f"{NAME}.usda")
    assert model.editor_action is not None and not model.editor_action.enabled
    runs = [replace(run, engine="physx", status="failed") for run in certificate(NAME).rollouts[:1]]
    desk.finish({"rollouts": [to_json(run) for run in runs]})
    assert [row.engine for row in model.rollouts][-1] == "this editor"
    assert model.rollout is not None and model.rollout.engine == "this editor" and model.rollout.word == "failed"
    assert desk.work.bench.message == "1 of 1 rollouts failed in this editor."
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path / "others", twins.single())))
    assert "this editor" not in [row.engine for row in model.rollouts]
