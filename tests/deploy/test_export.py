"""The gate, the folder and the papers of an export."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from physicl_twin import usd
from physicl_twin.deploy import deploy, mujoco_target
from physicl_twin.model import Certificate, CheckResult, PhysiclError, dumps
from tests.usd import twins


def folder_of(made, directory: Path, *, status: str = "passed") -> Path:
    twins.write(made, directory)
    folder = directory / made.name
    (folder / "twin.json").write_text(dumps(made), encoding="utf-8")
    check = CheckResult("mass.positive", "Every mass is positive", status, "Body has -1 kg.")
    record = Certificate(made.name, 1, "2026-05-04T03:02:01+00:00", "Robotics-Prop 4.0.0", (), (check,))
    (folder / "certificate.json").write_text(dumps(record), encoding="utf-8")
    return folder


def test_what_failed_is_refused_and_marked_when_forced(tmp_path: Path) -> None:
    folder = folder_of(twins.single(), tmp_path / "twins", status="failed")
    with pytest.raises(PhysiclError) as error:
        deploy(folder, "mujoco", tmp_path / "out")
    assert error.value.code == "twin_failed_validation" and "mass.positive" in error.value.message
    assert not (tmp_path / "out" / "mujoco").exists()
    result = deploy(folder, "mujoco", tmp_path / "out", force=True, check=False)
    assert result.record.forced
    assert "twin_failed_validation" in (result.path / "NOTICE.txt").read_text()
    assert json.loads((result.path / "deploy.json").read_text())["forced"] is True


@pytest.mark.parametrize("licence", ["", "NOASSERTION"])
def test_an_unknown_licence_stands_in_the_notice(licence: str, tmp_path: Path) -> None:
    result = deploy(replace(twins.single(), licence=licence), "mujoco", tmp_path, check=False)
    assert "licence_unknown" in {note.code for note in result.record.warnings}
    assert "UNKNOWN" in (result.path / "NOTICE.txt").read_text()
    known = deploy(twins.single(), "mujoco", tmp_path, check=False)
    assert "CC0-1.0" in (known.path / "NOTICE.txt").read_text()
    assert "licence_unknown" not in (known.path / "NOTICE.txt").read_text()


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "mujoco" / "block"
    place.mkdir(parents=True)
    (place / "thesis.txt").write_text("years of work")
    with pytest.raises(PhysiclError) as error:
        deploy(twins.single(), "mujoco", tmp_path)
    assert error.value.code == "output_foreign"
    assert [p.name for p in place.iterdir()] == ["thesis.txt"]
    (tmp_path / "urdf").write_text("a file")
    with pytest.raises(PhysiclError) as error:
        deploy(twins.single(), "urdf", tmp_path)
    assert error.value.code == "output_not_a_folder"


def test_an_error_leaves_the_earlier_export_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = deploy(twins.single(), "mujoco", tmp_path, check=False)
    before = {p: p.read_bytes() for p in earlier.path.rglob("*") if p.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mujoco_target, "save_spec", full)
    with pytest.raises(PhysiclError) as error:
        deploy(twins.single(), "mujoco", tmp_path)
    assert error.value.code == "disk_full"
    assert {p: p.read_bytes() for p in earlier.path.rglob("*") if p.is_file()} == before
    assert sorted(p.name for p in (tmp_path / "mujoco").iterdir()) == ["block"]


def test_an_export_that_a_kill_left_aside_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = deploy(twins.single(), "mujoco", tmp_path, check=False).path
    before = {p.name for p in earlier.iterdir()}
    # As a kill between the two renames leaves it.
    earlier.rename(earlier.parent / f".physicl-replaced-0123abcd-{earlier.name}")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mujoco_target, "save_spec", full)
    with pytest.raises(PhysiclError):
        deploy(twins.single(), "mujoco", tmp_path)
    assert {p.name for p in earlier.iterdir()} == before
    assert [p.name for p in earlier.parent.iterdir()] == [earlier.name]


def test_an_export_is_replaced_whole(tmp_path: Path) -> None:
    first = deploy(twins.textured(), "mujoco", tmp_path, check=False)
    (first.path / "assets" / "stale.obj").write_text("old")
    second = deploy(twins.textured(), "mujoco", tmp_path, check=False)
    assert first.path == second.path and not (second.path / "assets" / "stale.obj").exists()


def test_the_record_names_every_file_and_the_papers_go_along(tmp_path: Path) -> None:
    folder = folder_of(twins.single(), tmp_path / "twins")
    (folder / "simready" / "notes.bak").write_text("left over")
    result = deploy(folder, "isaac-sim", tmp_path / "out", check=False)
    listed = {file["path"] for file in json.loads((result.path / "deploy.json").read_text())["files"]}
    there = {p.relative_to(result.path).as_posix() for p in result.path.rglob("*") if p.is_file()}
    assert listed == there - {"deploy.json"}
    assert {"NOTICE.txt", "twin.json", "certificate.json", "block.usda", "simready/block.usda"} <= there
    assert "simready/notes.bak" not in there


def test_a_folder_and_the_twin_in_memory_give_the_same_model(tmp_path: Path) -> None:
    folder = folder_of(twins.multi_part(), tmp_path / "twins")
    loaded = usd.attach_geometry(twins.multi_part(), folder)
    from_folder = deploy(folder, "mujoco", tmp_path / "a", check=False).main.read_text()
    assert from_folder == deploy(loaded, "mujoco", tmp_path / "b", check=False).main.read_text()


def test_the_command_line_prints_one_object_a_target(tmp_path: Path) -> None:
    folder = folder_of(twins.single(), tmp_path / "twins")
    command = [
        sys.executable,
        "-m",
        "physicl_twin.cli",
        "deploy",
        str(folder),
        "--out",
        str(tmp_path / "out"),
        "--json",
    ]
    done = subprocess.run([*command, "--target", "mujoco", "--target", "urdf"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [r["target"] for r in records] == ["mujoco", "urdf"]
    assert all(r["passed"] and Path(r["main"]).is_file() and r["error"] is None for r in records)
    wrong = subprocess.run([*command, "--target", "abacus"], capture_output=True, text=True)
    assert wrong.returncode == 2
