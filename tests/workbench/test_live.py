"""The worker that draws: real processes, real pictures; it may die, and the window goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from physicl_twin.model import from_json
from physicl_twin.model.twin import Twin
from physicl_twin.workbench.live import Answer, Live
from physicl_twin.workbench.shot import Shot
from tests.augment.families import twin_folder
from tests.usd import twins

PATIENCE_S = 60.0


@pytest.fixture
def live() -> Iterator[Live]:
    made = Live()
    yield made
    made.release()


def until(live: Live, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        live.poll()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.slow
def test_pictures_and_edits_come_from_a_worker_that_may_die(live: Live, tmp_path: Path) -> None:
    folder = twin_folder(tmp_path, twins.single())
    others = children()
    got: list[Answer] = []
    picture = {"twin": str(folder), "shot": Shot(64, 48).to_json()}
    live.ask("picture", picture, got.append)
    until(live, lambda: not live.waiting)
    assert got[0].error is None and got[0].size == (64, 48) and len(got[0].pixels) == 4 * 64 * 48

    # Of several that wait, only the last one is drawn.
    widths: list[int] = []
    for number in range(5):
        shot = Shot(16 + number, 16).to_json()
        live.ask("picture", {"twin": str(folder), "shot": shot}, lambda answer: widths.append(answer.size[0]))
    until(live, lambda: not live.waiting)
    assert widths == [20]

    part = twins.single().parts[0].name
    said = {"materials": {part: "aluminium_6061"}, "masses": {}}
    live.ask("restate", {"twin": str(folder), "statements": said}, got.append)
    until(live, lambda: not live.waiting)
    twin = from_json(Twin, got[1].result)
    assert twin.bodies[0].mass is not None and twin.materials[0].table_id == "aluminium_6061"

    # A bad request is an answer, and the worker stays.
    live.ask("restate", {"twin": str(folder), "statements": {"materials": {part: "qqqqzz"}}}, got.append)
    live.ask("restate", {"twin": str(tmp_path / "gone"), "statements": {}}, got.append)
    until(live, lambda: not live.waiting)
    assert got[2].error is not None and got[2].error["code"] and got[2].error["hint"]
    assert got[3].error is not None and got[3].error["code"] == "twin_not_found"

    # Killed in the middle: what waited is told, the next request starts another worker.
    for pid in children() - others:
        psutil.Process(pid).kill()
    live.ask("picture", picture, got.append)
    until(live, lambda: not live.waiting)
    assert got[4].error is not None and got[4].error["message"]
    live.ask("picture", picture, got.append)
    until(live, lambda: not live.waiting)
    assert got[5].error is None and got[5].pixels

    live.release()
    deadline = time.monotonic() + PATIENCE_S
    while children() - others:
        assert time.monotonic() < deadline, "the worker outlives its window"
        time.sleep(0.05)


def test_a_worker_that_cannot_start_is_an_answer(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHYSICL_WORKER_PYTHON", str(tmp_path / "no-python"))
    got: list[Answer] = []
    live.ask("restate", {"twin": "x", "statements": {}}, got.append)
    until(live, lambda: not live.waiting)
    assert got[0].error is not None and got[0].error["code"] == "worker_missing" and got[0].error["hint"]


def test_release_without_a_worker_is_harmless() -> None:
    live = Live()
    live.poll()
    live.release()
    assert not live.waiting
