"""Verbs in the background: they finish, fail with a readable error, and stop when told to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from physicl_twin.workbench import Task
from tests.ingest.mesh_files import box, stl_binary

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "data" / "samples"


def test_a_build_runs_in_the_background_and_gives_its_records(tmp_path: Path) -> None:
    source = tmp_path / "crate_mm.stl"
    source.write_bytes(stl_binary(box((200.0, 300.0, 400.0))))
    task = Task("build", {"sources": [str(source)], "out": str(tmp_path / "twins"), "fast": True}).start()
    state = task.wait(300)
    assert state.status == "done", state.error
    (record,) = state.result["records"]
    assert record["status"] == "built"
    assert Path(record["usd"]).exists()


def test_a_verb_that_refuses_gives_code_message_and_hint(tmp_path: Path) -> None:
    state = Task("validate", {"target": str(tmp_path / "nothing")}).start().wait(60)
    assert state.status == "failed"
    assert state.error is not None
    assert state.error["code"] == "file_not_found"
    assert state.error["hint"]


def test_a_cancelled_task_stops_and_leaves_nothing(tmp_path: Path) -> None:
    task = Task("build", {"sources": [str(SAMPLES)], "out": str(tmp_path / "twins")}).start()
    deadline = time.monotonic() + 60
    while not task.state.stage and time.monotonic() < deadline:
        time.sleep(0.02)
    task.cancel()
    state = task.wait(10)
    assert state.status == "cancelled"
    assert not [
        p for p in (tmp_path / "twins").iterdir() if (p / "twin.json").exists() and not (p / "report.html").exists()
    ]


def test_a_worker_that_cannot_start_is_an_error_card_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSICL_WORKER_PYTHON", "/nowhere/python")
    state = Task("validate", {"target": "x"}).start().wait(10)
    assert state.status == "failed"
    assert state.error is not None
    assert state.error["code"] == "worker_missing"
