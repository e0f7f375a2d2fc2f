"""What a graph node does over many frames: one job in a worker, watched by polling. No Kit in here."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from physicl_twin.model import PhysiclError
from physicl_twin.workbench import Task, TaskState


class Signal(Enum):
    """What a step of the work means for the graph."""

    IDLE = "idle"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Running(Protocol):
    """A job under way; ``workbench.Task`` is one."""

    @property
    def state(self) -> TaskState:
        """Where it is."""

    def cancel(self) -> None:
        """Stop it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A call of a verb of the workbench.

    Attributes:
        verb: Name of the verb.
        arguments: JSON-compatible keyword arguments.
        watched: Files and folders that it reads: when one of them changed, the same call is a new request.
    """

    verb: str
    arguments: Mapping[str, Any]
    watched: tuple[str, ...] = ()

    def key(self) -> str:
        """Equal for two requests whose results are the same."""
        stamps = [_stamp(Path(path)) for path in self.watched]
        return json.dumps([self.verb, dict(self.arguments), stamps], sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Step:
    """What a node shows after one evaluation.

    Attributes:
        signal: What goes on.
        stage: What the job is doing.
        progress: Share of that stage, 0 to 1; 1 when finished.
        result: What the verb returned, when finished.
        error: What happened and what to do next, when failed.
    """

    signal: Signal
    stage: str = ""
    progress: float = 0.0
    result: Any = None
    error: str = ""


def start_task(request: Request) -> Running:
    """Begin a request in a worker process."""
    return Task(request.verb, request.arguments).start()


class NodeWork:
    """The work of one node instance. The newest request wins; one that is under way or done is not begun again.

    Args:
        start: Begins a request; a worker process by default.
    """

    def __init__(self, start: Callable[[Request], Running] = start_task) -> None:
        self._start = start
        self._slot = _Slot()
        self._asked = ""
        self._result: tuple[str, Any] | None = None
        _LIVE.add(self)
        # OmniGraph only drops the state of a node that is deleted: its job ends with it.
        weakref.finalize(self, self._slot.cancel)

    def step(self, triggered: bool, prepare: Callable[[], Request]) -> Step:
        """One evaluation of the node.

        Args:
            triggered: True when the graph's execution came in; False when the node only looks how far its job is.
            prepare: Makes the request of the inputs; called only when triggered.
        """
        if triggered:
            try:
                request = prepare()
            except PhysiclError as error:
                self.reset()
                return Step(Signal.FAILED, error=str(error))
            key = request.key()
            if self._result is not None and self._result[0] == key:
                self._slot.cancel()
                return Step(Signal.FINISHED, progress=1.0, result=self._result[1])
            if self._slot.job is None or self._asked != key:
                self._slot.cancel()
                self._result, self._asked = None, key
                self._slot.job = self._start(request)
        if self._slot.job is None:
            return Step(Signal.IDLE)
        return self._look(self._slot.job.state)

    def _look(self, state: TaskState) -> Step:
        if not state.finished:
            return Step(Signal.RUNNING, state.stage, state.fraction)
        self._slot.job = None
        if state.status == "done":
            self._result = (self._asked, state.result)
            return Step(Signal.FINISHED, state.stage, 1.0, state.result)
        error = state.error or {}
        text = f"{error.get('message', 'The job ended without a result.')} {error.get('hint', '')}".strip()
        return Step(Signal.FAILED, state.stage, state.fraction, error=text)

    def reset(self) -> None:
        """Stop what is under way and forget what was done: the next trigger begins anew."""
        self._slot.cancel()
        self._result, self._asked = None, ""


class _Slot:
    """Holds the job apart from NodeWork, so that a finalizer of NodeWork can stop it."""

    def __init__(self) -> None:
        self.job: Running | None = None

    def cancel(self) -> None:
        job, self.job = self.job, None
        if job is not None:
            job.cancel()


#: Work of nodes that exist: the extension's end must reach it, and OmniGraph does not tell nodes of that.
_LIVE: weakref.WeakSet[NodeWork] = weakref.WeakSet()


def reset_all() -> None:
    """Stop the work of every node; for the end of the extension."""
    for work in tuple(_LIVE):
        work.reset()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Time of change (ns) and size (bytes); None when there is no such file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
