"""All of it together: the stages are always visible, each with what to do next, and a restart goes on where one was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from physicl_twin.workbench.session import STAGES
from physicl_twin.workbench.workspace import Workspace, output_folder, user_folder
from tests.usd import twins
from tests.workbench.fakes import Desk, FakeLive, FakeTasks, certificate, set_on_disk, twin_on_disk

NAME = twins.multi_part().name


def states(desk: Desk) -> dict[str, tuple[str, str]]:
    return {state.stage: (state.tone, state.word) for state in desk.work.stage_states}


def test_an_empty_workspace_shows_all_stages_and_where_to_begin(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert [state.stage for state in desk.work.stage_states] == list(STAGES)
    assert states(desk)["ingest"] == ("plain", "add a source")
    assert all(states(desk)[stage][0] == "muted" for stage in STAGES[1:])
    assert desk.work.title == "" and desk.work.twin_usd == "" and desk.tasks.calls == []
    for stage in STAGES[1:]:
        desk.work.go(stage)
        assert desk.work.primary.label == "Choose a source"
        assert desk.work.secondary is None


def test_a_built_twin_is_told_by_every_stage(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins")))
    assert states(desk)["ingest"] == ("good", "built")
    assert states(desk)["augment"] == ("plain", "no variations yet")
    assert states(desk)["validate"] == ("good", "passed")
    assert states(desk)["deploy"] == ("plain", "not exported")
    desk.work.normalize.set_mass("2 kg")
    assert states(desk)["normalize"][0] == "look" and states(desk)["validate"][0] == "look"
    desk.work.go("normalize")
    assert desk.work.secondary is not None and desk.work.secondary.label == "Discard"
    desk.work.secondary.run()
    assert not desk.work.normalize.edited and desk.work.secondary is None
    desk.work.augment.members.show_set(str(set_on_disk(tmp_path)))
    assert states(desk)["augment"] == ("look", "3 of 4 variations")


def test_failures_stop_and_what_is_missing_is_said(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path, proof=certificate(NAME, failed=True))))
    assert states(desk)["validate"] == ("stop", "2 failed")
    (Path(desk.work.bench.session.twin) / "certificate.json").unlink()
    desk.work.normalize.read_certificate()
    assert states(desk)["validate"] == ("plain", "not checked")


@pytest.mark.parametrize("stage", STAGES)
def test_a_restart_goes_on_at_the_same_stage(tmp_path: Path, stage: str) -> None:
    desk = Desk(tmp_path)
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins")))
    desk.work.go(stage)
    desk.work.release()
    assert desk.live.released
    again = Desk(tmp_path)
    assert again.work.stage == stage and again.work.normalize.twin is not None
    assert again.work.title == f"{again.work.normalize.twin.title}, version 1"


def test_sources_that_waited_are_looked_at_again(tmp_path: Path) -> None:
    source = tmp_path / "a.stl"
    source.write_bytes(b"x")
    desk = Desk(tmp_path)
    desk.work.ingest.add([str(source)])
    desk.work.release()
    assert desk.tasks.task.state.status == "cancelled"
    again = Desk(tmp_path)
    assert again.tasks.verbs == ["preview"] and states(again)["ingest"] == ("plain", "1 source to build")
    again.finish(
        {"sources": [{"name": "a.stl", "path": str(source), "error": {"message": "Bad.", "code": "x"}}], "skipped": []}
    )
    assert states(again)["ingest"][0] == "stop"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1, "stage": "deploy", "kept": {"deploy": 3}}'])
def test_a_damaged_session_opens_an_empty_panel(tmp_path: Path, text: str) -> None:
    (tmp_path / "session.json").write_text(text)
    desk = Desk(tmp_path)
    assert desk.work.stage == "ingest" and desk.work.ingest.empty


@pytest.mark.parametrize(
    "kept",
    [
        {"view": {"azimuth_deg": "north", "zoom": None}},
        {"edits": {"version": 1, "materials": 3, "masses": {"*": []}}},
        {"targets": [1, None, {}], "out": 7, "members": 3, "set": []},
        {"twins": [3, None], "count": -5, "seed": "x", "edits": {"scene.fill": {}}, "ranges": 1, "file": 3, "set": 9},
        {"folded": [None, 3], "rollout": {}, "engine": "unity"},
    ],
)
def test_odd_values_of_any_stage_do_not_stop_the_panel(tmp_path: Path, kept: dict) -> None:
    desk = Desk(tmp_path)
    desk.work.bench.set_twin(str(twin_on_disk(tmp_path / "out" / "twins")))
    for stage in STAGES:
        desk.work.bench.session.kept[stage] = dict(kept)
    if "materials" in kept.get("edits", {}):
        desk.work.bench.session.kept["normalize"]["edits"]["twin"] = desk.work.bench.session.twin
    desk.work.release()
    again = Desk(tmp_path)
    for stage in STAGES:
        again.work.go(stage)
        assert again.work.primary.label and again.work._models[stage] is not None
        assert isinstance(getattr(again.work, stage).cards if stage != "ingest" else (), tuple)
    assert len(again.work.stage_states) == len(STAGES) and again.work.deploy.targets and again.work.validate.groups
    assert again.work.augment.twins and again.work.augment.count > 0 and again.work.augment.spec.knobs


def test_the_twin_deleted_while_in_view_leaves_the_panel_usable(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    folder = twin_on_disk(tmp_path / "out" / "twins")
    desk.work.bench.set_twin(str(folder))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    for stage in STAGES:
        desk.work.go(stage)
        assert desk.work.primary.label and len(desk.work.stage_states) == len(STAGES)
    desk.work.release()
    assert Desk(tmp_path).work.stage == "ingest"


def test_poll_says_whether_there_is_something_new(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert not desk.work.poll()
    desk.work.bench.start("Doing", "build", {}, lambda _: None)
    desk.tasks.done({})
    assert desk.work.poll()
    assert not desk.work.poll()


def test_the_keyboard_cannot_go_to_a_stage_that_is_none(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.work.go("review")
    assert desk.work.stage == "ingest"


@pytest.mark.parametrize(
    ("path", "known"),
    [("a.STEP", True), ("b.glb", True), ("c.zip", True), ("d.txt", False), ("e", False), ("f.step.bak", False)],
)
def test_what_looks_like_a_source(tmp_path: Path, path: str, known: bool) -> None:
    assert Desk(tmp_path).work.is_source(path) is known


def test_folders_of_a_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert user_folder() == tmp_path / "data" / "physicl_twin"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert user_folder() == tmp_path / ".local" / "share" / "physicl_twin"
    assert output_folder() == tmp_path / "physicl_twin"
    (tmp_path / "Documents").mkdir()
    assert output_folder() == tmp_path / "Documents" / "physicl_twin"
    work = Workspace(make_task=FakeTasks(), live=FakeLive())
    assert work.bench.session.out == str(tmp_path / "Documents" / "physicl_twin")
    work.release()
    assert (user_folder() / "session.json").is_file()


def test_the_models_load_neither_usd_nor_kit_nor_an_engine() -> None:
    code = (
        "import sys, physicl_twin.workbench.workspace; "
        "bad = [m for m in sys.modules if m.split('.')[0] in ('pxr', 'omni', 'carb', 'trimesh', 'mujoco', 'ovphysx')]; "
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
