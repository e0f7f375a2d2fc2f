"""A worker that answers at once because it keeps the twin in view loaded: pictures for the viewport, edits, members.

Requests and answers are files in a private folder, so that pictures need no JSON and a slow window loses nothing: of
several pictures that were asked for, only the last one is drawn.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.workbench.task import Task

Answered = Callable[["Answer"], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the worker says.

    Attributes:
        result: Of the operation; None when it failed.
        pixels: RGBA bytes of a picture, rows from the top; empty otherwise.
        size: Width and height of the picture, pixels.
        error: ``code``, ``message``, ``hint`` when it failed.
    """

    result: Any = None
    pixels: bytes = b""
    size: tuple[int, int] = (0, 0)
    error: Mapping[str, str] | None = None


class Live:
    """The window's side. The worker starts with the first request and ends with ``release``.

    Args:
        serve: The worker's side; another one for tests.
    """

    def __init__(self, serve: str = "physicl_twin.workbench.live_worker:serve") -> None:
        self._serve = serve
        self._task: Task | None = None
        self._folder: Path | None = None
        self._next = 0
        self._waiting: dict[int, tuple[str, Answered]] = {}

    def ask(self, operation: str, arguments: Mapping[str, Any], answered: Answered) -> None:
        """Ask for something; a picture that was asked for before and is not drawn yet is given up.

        Args:
            operation: ``picture``, ``restate`` or ``member``; see ``live_worker``.
            arguments: JSON-compatible.
            answered: Called from ``poll`` with the answer.
        """
        folder = self._started()
        number, self._next = self._next, self._next + 1
        if operation == "picture":
            self._waiting = {n: (op, fn) for n, (op, fn) in self._waiting.items() if op != "picture"}
        self._waiting[number] = (operation, answered)
        request = {"operation": operation, "arguments": dict(arguments)}
        temporary = folder / f".request-{number}"
        temporary.write_text(json.dumps(request), encoding="utf-8")
        temporary.replace(folder / f"request-{number:09d}.json")

    @property
    def waiting(self) -> bool:
        """True while an answer is due."""
        return bool(self._waiting)

    def poll(self) -> None:
        """Hand over the answers that came; cheap."""
        if self._folder is None or not self._waiting:
            return
        for number in sorted(self._waiting):
            path = self._folder / f"answer-{number:09d}.json"
            if not path.exists():
                continue
            record = json.loads(path.read_text(encoding="utf-8"))
            picture = path.with_suffix(".rgba")
            pixels = picture.read_bytes() if record["size"] else b""
            path.unlink()
            picture.unlink(missing_ok=True)
            width, height = record["size"] or (0, 0)
            _, answered = self._waiting.pop(number)
            answered(Answer(record["result"], pixels, (width, height), record["error"]))
        if self._waiting and self._task is not None and self._task.state.finished:
            self._worker_died()

    def _worker_died(self) -> None:
        state = self._task.state if self._task is not None else None
        error = (state.error if state is not None else None) or {
            "code": "live_worker_ended",
            "message": "The worker that draws has ended.",
            "hint": "It is started again with the next request.",
        }
        waiting, self._waiting = self._waiting, {}
        self._end()
        for _, answered in waiting.values():
            answered(Answer(error=error))

    def _started(self) -> Path:
        if self._folder is not None and self._task is not None and not self._task.state.finished:
            return self._folder
        self._end()
        self._folder = Path(tempfile.mkdtemp(prefix="physicl-live-"))
        self._task = Task(self._serve, {"folder": str(self._folder), "parent": os.getpid()}).start()
        return self._folder

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task.wait(2.0)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._task = self._folder = None

    def release(self) -> None:
        """End the worker; what was asked for is given up."""
        self._waiting.clear()
        self._end()
