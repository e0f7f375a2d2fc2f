"""The fifth tab: targets, what agrees in each, what went wrong and what to do about it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from physicl_twin.deploy.record import Comparison, DeployRecord, DropAgreement
from physicl_twin.model import Note, dumps
from physicl_twin.workbench.export_view import export_lines
from physicl_twin.workbench.verbs import deploy as deploy_verb
from tests.augment.families import twin_folder
from tests.usd import twins
from tests.workbench.fakes import Desk, set_on_disk, twin_on_disk

NAME = twins.multi_part().name


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins")))
    made.work.go("deploy")
    return made


def record(target: str = "mujoco", **other: Any) -> DeployRecord:
    same = Comparison("mass", "body", "kg", (1.5,), (1.5,), 0.0, 1e-6, True)
    made = DeployRecord(
        NAME,
        1,
        target,
        f"{NAME}.xml",
        "MIT",
        False,
        True,
        (Note("no_sdf", "info", "It has no distance fields."),),
        (Note("licence_unknown", "warning", "Nobody said.", "Build it again with --licence SPDX."),),
        (),
        (same, replace(same, quantity="inertia", unit="kg m2", expected=(1e-3,) * 9, actual=(1e-3,) * 9, error=1e-9)),
        DropAgreement("mujoco", "passed", "It came to rest."),
    )
    return replace(made, **other)


def exported(desk: Desk, made: DeployRecord, name: str = NAME) -> Path:
    folder = Path(desk.work.deploy.out) / made.target / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deploy.json").write_text(dumps(made), encoding="utf-8")
    return folder


def ok(target: str) -> dict[str, Any]:
    return {"target": target, "status": "deployed", "error": None}


def bad(target: str, code: str) -> dict[str, Any]:
    error = {"code": code, "message": "The twin failed mass.usual.", "hint": "Export it all the same with --force."}
    return {"target": target, "status": "failed", "error": error}


def test_targets_are_selected_and_remembered(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.deploy
    assert [row.name for row in model.targets] == ["isaac-sim", "omniverse", "mujoco", "urdf"]
    assert model.selected == ("isaac-sim",) and model.primary.label == "Deploy to Isaac Sim"
    assert all(row.title and row.text and row.word == "not exported yet" for row in model.targets)
    model.toggle("urdf")
    model.toggle("unity")
    assert model.selected == ("isaac-sim", "urdf") and model.primary.label == "Deploy to 2 targets"
    desk.work.release()
    again = Desk(tmp_path).work.deploy
    assert again.selected == ("isaac-sim", "urdf")
    again.toggle("urdf")
    again.toggle("isaac-sim")
    assert not again.primary.enabled and again.primary.why_not == "Select a target."
    again.deploy()


def test_an_export_says_what_agrees_what_differs_and_what_its_format_lacks(desk: Desk) -> None:
    model = desk.work.deploy
    model.toggle("isaac-sim")
    model.toggle("mujoco")
    model.primary.run()
    assert desk.tasks.calls == [
        (
            "deploy",
            {
                "twin": desk.work.bench.session.twin,
                "targets": ["mujoco"],
                "out": str(desk.folder / "out" / "deployed"),
                "force": False,
                "members": None,
            },
        )
    ]
    folder = exported(desk, record())
    desk.finish({"records": [ok("mujoco")]})
    row = model.target("mujoco")
    assert (row.tone, row.word) == ("good", "agrees")
    assert (row.folder, row.main) == (str(folder), str(folder / f"{NAME}.xml"))
    lines = {line.text: line for line in row.lines}
    assert lines["mass"].detail == "1.5 kg, the same to the bit"
    assert lines["inertia"].detail.startswith("up to 0.001 kg m²")
    assert lines["drop in MuJoCo"].word == "passed"
    assert lines["Nobody said."].detail == "Build it again with its licence in Ingest."
    assert lines["It has no distance fields."].word == "cannot hold"
    cards = {card.title: card for card in model.cards}
    assert cards["targets"].value == "1 of 4" and cards["round trip"].value == "2 of 2 agree"
    assert "1 export in" in desk.work.bench.message


def test_a_difference_stands_first_and_stops(desk: Desk) -> None:
    off = Comparison("com", "body", "m", (0.1, 0.2, 0.3), (0.1, 0.2, 0.4), 0.1, 1e-7, False)
    missing = Comparison("joint_frame", "hinge", "m, 1", (0.0,), (), None, 1e-6, False)
    made = record(comparisons=(*record().comparisons, off, missing))
    lines = export_lines(made)
    assert lines[0].text == "centre of mass of body" and lines[0].detail == "off by 0.1, allowed 1·10⁻⁷"
    assert "export: 100, 200, 400 mm" in lines[0].tooltip
    assert lines[1].detail == "missing in the export"
    exported(desk, made)
    row = desk.work.deploy.target("mujoco")
    assert (row.tone, row.word) == ("stop", "differs")
    assert {state.stage: state.tone for state in desk.work.stage_states}["deploy"] == "stop"


@pytest.mark.parametrize(
    ("other", "tone", "word"),
    [
        ({"twin_version": 7}, "look", "of version 7"),
        ({"forced": True}, "look", "exported anyway"),
        ({"checked": False, "comparisons": (), "drop": None}, "look", "not compared"),
        ({"drop": DropAgreement("mujoco", "failed", "It fell through.")}, "stop", "differs"),
    ],
)
def test_what_a_person_should_know_of_an_export(desk: Desk, other: dict[str, Any], tone: str, word: str) -> None:
    exported(desk, record(**other))
    row = desk.work.deploy.target("mujoco")
    assert (row.tone, row.word) == (tone, word)


def test_one_target_may_fail_while_others_are_written(desk: Desk) -> None:
    model = desk.work.deploy
    model.toggle("mujoco")
    model.deploy()
    exported(desk, record())
    desk.finish({"records": [bad("isaac-sim", "twin_failed_validation"), ok("mujoco")]})
    row = model.target("isaac-sim")
    assert row.tone == "stop" and row.problem is not None and row.problem.action is not None
    assert row.problem.hint == "Export it all the same with Export anyway."
    assert desk.work.bench.problem is None, "the row says it"
    assert model.target("mujoco").tone == "good"
    row.problem.action.run()
    assert desk.tasks.said["targets"] == ["isaac-sim"] and desk.tasks.said["force"] is True
    exported(desk, record("isaac-sim", forced=True))
    desk.finish({"records": [ok("isaac-sim")]})
    assert model.target("isaac-sim").word == "exported anyway"


def test_when_nothing_was_written_the_card_says_why(desk: Desk) -> None:
    model = desk.work.deploy
    model.deploy()
    desk.finish({"records": [bad("isaac-sim", "disk_full")]})
    problem = desk.work.bench.problem
    assert problem is not None and problem.action is not None and problem.action.label == "Try again"
    problem.action.run()
    assert desk.tasks.said["force"] is False


def test_a_cancel_or_a_dead_worker_leaves_what_is_there(desk: Desk) -> None:
    model = desk.work.deploy
    exported(desk, record())
    model.deploy()
    desk.work.bench.cancel()
    desk.work.poll()
    assert model.target("mujoco").tone == "good"
    model.deploy()
    desk.fail("worker_died", "The worker was killed.")
    assert desk.work.bench.problem is not None and model.target("mujoco").tone == "good"


def test_another_folder_is_taken_and_kept(desk: Desk, tmp_path: Path) -> None:
    model = desk.work.deploy
    exported(desk, record())
    assert model.target("mujoco").tone == "good"
    model.set_out(str(tmp_path / "elsewhere"))
    assert model.target("mujoco").word == "not exported yet"
    model.deploy()
    assert desk.tasks.said["out"] == str(tmp_path / "elsewhere")
    desk.work.release()
    again = Desk(tmp_path).work.deploy
    assert again.out == str(tmp_path / "elsewhere")
    again.set_out("")
    assert again.out == str(tmp_path / "out" / "deployed") and again.target("mujoco").tone == "good"


def test_a_damaged_record_is_no_export(desk: Desk) -> None:
    folder = exported(desk, record())
    for text in ("", "[]", "{}", '{"target": "mujoco"}'):
        (folder / "deploy.json").write_text(text)
        desk.work.deploy.set_out("")
        assert desk.work.deploy.target("mujoco").word == "not exported yet"


def test_a_set_is_exported_with_its_members(desk: Desk, tmp_path: Path) -> None:
    folder = set_on_disk(tmp_path / "out" / "sets")
    model = desk.work.deploy
    assert [words for _, words in model.subjects] == [NAME, "bin, variations"]
    model.choose(str(folder))
    assert model.is_set and model.cards[0].caption == "variations"
    assert model.set_members(" 0-1, 3 ") and model.members == "0-1,3"
    for wrong in ("a", "1-", "-1", ",", "1,,2"):
        assert not model.set_members(wrong) and model.members == "0-1,3"
    model.deploy()
    assert (desk.tasks.said["twin"], desk.tasks.said["members"]) == (str(folder), "0-1,3")
    exported(desk, record(twin="bin", twin_version=0, drop=None), "bin")
    desk.finish({"records": [ok("mujoco")]})
    assert model.target("mujoco").word == "agrees"
    shutil.rmtree(folder)
    assert not model.is_set, "a set that was removed makes room for the twin"
    model.choose(desk.work.bench.session.twin)
    model.deploy()
    assert desk.tasks.said["members"] is None


def test_a_twin_whose_folder_was_removed_is_told(desk: Desk) -> None:
    shutil.rmtree(desk.work.bench.session.twin)
    desk.work.deploy.deploy()
    assert desk.work.bench.problem is not None and desk.work.bench.problem.code == "twin_not_found"
    assert desk.tasks.calls == []


def test_without_a_twin_the_way_leads_to_a_source(tmp_path: Path) -> None:
    model = Desk(tmp_path).work.deploy
    assert model.cards == () and model.subject == "" and model.primary.label == "Choose a source"
    assert all(row.lines == () for row in model.targets)
    model.deploy()


def test_a_real_export_is_read_back_into_its_row(tmp_path: Path) -> None:
    folder = twin_folder(tmp_path / "out" / "twins", twins.single())
    desk = Desk(tmp_path)
    desk.work.bench.set_twin(str(folder))
    model = desk.work.deploy
    for name in ("isaac-sim", "mujoco"):
        model.toggle(name)
    model.deploy()
    desk.finish(deploy_verb(**desk.tasks.said, progress=lambda *_: None))
    row = model.target("mujoco")
    assert row.problem is None and row.tone == "good", row
    assert Path(row.main).is_file() and sum(line.word == "agrees" for line in row.lines) >= 5

    failing = twin_folder(tmp_path / "out" / "bad", twins.single(), passed=False)
    desk.work.bench.set_twin(str(failing))
    model.deploy()
    desk.finish(deploy_verb(**desk.tasks.said, progress=lambda *_: None))
    problem = model.target("mujoco").problem
    assert problem is not None and problem.action is not None and problem.action.label == "Export anyway"
    problem.action.run()
    desk.finish(deploy_verb(**desk.tasks.said, progress=lambda *_: None))
    assert model.target("mujoco").word == "exported anyway"
