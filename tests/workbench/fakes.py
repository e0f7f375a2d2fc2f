"""A bench whose verbs and whose live worker are told by the test what to answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from physicl_twin.model import Certificate, CheckResult, Measure, RolloutResult, Series, dumps, to_json
from physicl_twin.workbench import TaskState
from physicl_twin.workbench.ingest_model import Sample
from physicl_twin.workbench.live import Answer
from physicl_twin.workbench.workspace import Workspace
from tests.usd import twins


class FakeTask:
    def __init__(self) -> None:
        self.state = TaskState("running")

    def cancel(self) -> None:
        self.state = replace(self.state, status="cancelled")


class FakeTasks:
    """Stands for ``make_task``: notes what is asked, finishes when told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.task = FakeTask()

    def __call__(self, verb: str, arguments: Any) -> FakeTask:
        json.dumps(dict(arguments))  # what a worker cannot be told would fail only later
        self.calls.append((verb, dict(arguments)))
        self.task = FakeTask()
        return self.task

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.calls]

    @property
    def said(self) -> dict[str, Any]:
        """Arguments of the latest call."""
        return self.calls[-1][1]

    def done(self, result: Any) -> None:
        self.task.state = TaskState("done", result=result)

    def failed(self, code: str, message: str = "It went wrong.", hint: str = "") -> None:
        self.task.state = TaskState("failed", error={"code": code, "message": message, "hint": hint})


class FakeLive:
    """Stands for ``Live``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], Any]] = []
        self.released = False

    def ask(self, operation: str, arguments: Any, answered: Any) -> None:
        json.dumps(dict(arguments))
        self.asked.append((operation, dict(arguments), answered))

    @property
    def waiting(self) -> bool:
        return bool(self.asked)

    def poll(self) -> None:
        """Answers come when the test gives them."""

    def release(self) -> None:
        self.released = True

    def answer(self, result: Any = None, size: tuple[int, int] = (0, 0), error: Any = None) -> None:
        """Answer the oldest request."""
        _, _, answered = self.asked.pop(0)
        answered(Answer(result, bytes(4 * size[0] * size[1]), size, error))

    def operations(self) -> list[str]:
        return [operation for operation, _, _ in self.asked]


class Desk:
    """A workspace on fakes."""

    def __init__(self, folder: Path, sample: Sample | None = None) -> None:
        self.folder = folder
        self.tasks, self.live = FakeTasks(), FakeLive()
        self.work = Workspace(
            folder / "out", folder / "session.json", self.tasks, self.live, sample or Sample("nowhere.glb", "a", "b")
        )

    def finish(self, result: Any) -> None:
        """What runs ends well."""
        self.tasks.done(result)
        self.work.poll()

    def fail(self, code: str, message: str = "It went wrong.", hint: str = "") -> None:
        """What runs fails."""
        self.tasks.failed(code, message, hint)
        self.work.poll()


def certificate(name: str, *, failed: bool = False, unchecked: bool = False, version: int = 1) -> Certificate:
    """A passing one; with a failed check and rollout, with one that could not be made."""
    checks = [
        CheckResult("mass.positive", "The mass is positive.", "passed", "1.57 kg"),
        CheckResult("simready.SL.001", "It has semantic labels.", "passed"),
    ]
    if failed:
        checks.append(
            CheckResult(
                "mass.usual", "It weighs what such things weigh.", "failed", "7 t", "mug", "State it with --mass."
            )
        )
    if unchecked:
        checks.append(CheckResult("licence.stated", "Its licence is stated.", "not_checked", "Nobody said."))
    times = tuple(0.1 * step for step in range(5))
    fall = Series("height of the lowest point upright", "m", times, (0.05, 0.03, 0.0, float("nan"), 0.0001))
    drop = RolloutResult(
        "drop_and_settle",
        "physx",
        "Does it land?",
        "It sinks at most 0.1 mm.",
        "failed" if failed else "passed",
        "All four copies landed.",
        tuple(Measure(f"measure_{number}", 0.01 * number, "m") for number in range(8)),
        (fall, Series("kinetic energy upright", "J", times, (0.0, 0.1, 0.2, 0.1, 0.0))),
        1.5,
    )
    slide = RolloutResult("tilt_to_slide", "mujoco", "When does it slide?", "At its angle.", "passed", "At 21.8 deg.")
    return Certificate(name, version, "2026-01-02T03:04:05Z", "Robotics-Prop 4.0.0", (), tuple(checks), (slide, drop))


def twin_on_disk(where: Path, made: Any = None, *, proof: Certificate | None = None) -> Path:
    """A twin's records without its USD: all that the window itself reads."""
    made = made if made is not None else twins.multi_part()
    folder = where / made.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "twin.json").write_text(dumps(made), encoding="utf-8")
    proof = proof if proof is not None else certificate(made.name)
    (folder / "certificate.json").write_text(json.dumps(to_json(proof)), encoding="utf-8")
    return folder


def set_on_disk(where: Path, name: str = "bin", members: tuple[int, ...] = (0, 1, 3), **other: Any) -> Path:
    """A set's manifest and some of its files."""
    from physicl_twin.augment.spec import read_spec

    folder = where / name
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "schema_version": 1,
        "name": name,
        "complete": True,
        "count": 4,
        "seed": 7,
        "members": list(members),
        "rejected": [2],
        "rejected_draws": {"still_moving": 2, "penetration": 5},
        "twins": [{"name": "assembly", "folder": "twins/assembly"}],
        "spec": read_spec().raw,
        **other,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for file in ("coverage.html", "scene.usda"):
        (folder / file).write_text("x", encoding="utf-8")
    return folder
