"""Rollouts on the editor's own PhysX, between its frames, as a task that the panel watches like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from physicl_twin.engines.protocol import Engine
from physicl_twin.kit.engine_async import roll_out
from physicl_twin.model import PhysiclError, to_json
from physicl_twin.workbench.activity import Running
from physicl_twin.workbench.bench import MakeTask, start_task
from physicl_twin.workbench.task import TaskState

#: Verb of the workbench that is carried out here and not by a worker.
VERB = "editor_rollouts"
ROLLOUTS = ("drop_and_settle", "tilt_to_slide")


class EditorRollouts:
    """Runs a twin's rollouts; the stage that is open stays as it is.

    Args:
        usd: The twin's interface layer.
        make_engine: The editor's engine.
        next_frame: Awaits a frame.
    """

    def __init__(self, usd: Path, make_engine: Callable[[], Engine], next_frame: Callable[[], Awaitable[Any]]) -> None:
        self._usd, self._make_engine, self._next_frame = usd, make_engine, next_frame
        self._state = TaskState()
        self._cancelled = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> EditorRollouts:
        """Begin; returns at once."""
        self._state = replace(self._state, status="running")
        self._task = asyncio.ensure_future(self._run())
        return self

    @property
    def state(self) -> TaskState:
        """The latest snapshot."""
        return self._state

    def cancel(self) -> None:
        """End it at the next frame."""
        self._cancelled = True

    async def _run(self) -> None:
        from physicl_twin.validate.rollouts import run

        done = []
        try:
            for number, name in enumerate(ROLLOUTS):
                self._state = replace(self._state, stage=name, fraction=number / len(ROLLOUTS))
                result = await roll_out(
                    lambda engine, name=name: run(name, self._usd, engine),  # type: ignore[misc]
                    self._make_engine(),
                    self._next_frame,
                    lambda: self._cancelled,
                )
                done.append(to_json(result))
        except PhysiclError as error:
            status = "cancelled" if self._cancelled else "failed"
            self._state = replace(self._state, status=status, error=error.to_json())  # type: ignore[arg-type]
            return
        self._state = replace(self._state, status="done", fraction=1.0, result={"rollouts": done})


def make_task_with(make_engine: Callable[[], Engine], next_frame: Callable[[], Awaitable[Any]]) -> MakeTask:
    """Starts verbs in workers, and the editor's rollouts here."""

    def make(verb: str, arguments: Mapping[str, Any]) -> Running:
        if verb == VERB:
            return EditorRollouts(Path(arguments["usd"]), make_engine, next_frame).start()
        return start_task(verb, arguments)

    return make
