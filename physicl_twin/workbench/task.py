"""A verb in the background: started once, watched by polling, cancelled at any time, never blocking its caller."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from physicl_twin.jobs.limits import Limits
from physicl_twin.jobs.pool import Job
from physicl_twin.jobs.pool import run as run_jobs
from physicl_twin.model import PhysiclError

Status = Literal["waiting", "running", "done", "failed", "cancelled"]
#: The verbs bound their own workers, source by source; the task around them has no limit of its own.
_UNLIMITED = Limits(timeout_s=math.inf, memory_bytes=1 << 62)


@dataclass(frozen=True, slots=True)
class TaskState:
    """Where a task is; a snapshot that nobody changes.

    Attributes:
        status: Of the task.
        stage: What it is doing.
        fraction: Of that stage, 0 to 1.
        message: The last thing it said.
        result: What the verb returned, when done.
        error: ``code``, ``message``, ``hint``, when failed or cancelled.
    """

    status: Status = "waiting"
    stage: str = ""
    fraction: float = 0.0
    message: str = ""
    result: Any = None
    error: Mapping[str, str] | None = None

    @property
    def finished(self) -> bool:
        """True when nothing more will happen."""
        return self.status in ("done", "failed", "cancelled")


class Task:
    """One call of a verb (``physicl_twin.workbench.verbs``) in a worker process of its own.

    Args:
        verb: Name of the verb, or ``package.module:function`` of any function that takes ``progress``.
        arguments: JSON-compatible keyword arguments.
    """

    def __init__(self, verb: str, arguments: Mapping[str, Any]) -> None:
        call = verb if ":" in verb else f"physicl_twin.workbench.verbs:{verb}"
        self.verb = verb
        self._job = Job(verb, call, dict(arguments), _UNLIMITED)
        self._state = TaskState()
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"physicl-{verb}", daemon=True)

    def start(self) -> Task:
        """Begin; returns at once."""
        self._state = replace(self._state, status="running")
        self._thread.start()
        return self

    @property
    def state(self) -> TaskState:
        """The latest snapshot; cheap, from any thread."""
        return self._state

    def cancel(self) -> None:
        """Stop the worker and all its children; the state becomes ``cancelled`` within a tenth of a second."""
        self._cancel.set()

    def wait(self, timeout_s: float | None = None) -> TaskState:
        """Block until it is finished or the time is over; for scripts and tests, never for a window.

        Args:
            timeout_s: None to wait for ever.
        """
        self._thread.join(timeout_s)
        return self._state

    def _run(self) -> None:
        try:
            outcome = next(iter(run_jobs([self._job], on_progress=self._progress, cancel=self._cancel)))
        except (OSError, PhysiclError) as error:  # the worker's Python is missing, or there are no more processes
            self._state = replace(self._state, status="failed", error=_worker_missing(error))
            return
        if outcome.error is None:
            self._state = replace(self._state, status="done", fraction=1.0, result=outcome.result)
            return
        status: Status = "cancelled" if outcome.error.code == "cancelled" else "failed"
        self._state = replace(self._state, status=status, error=outcome.error.to_json())

    def _progress(self, _: Job, stage: str, fraction: float, message: str) -> None:
        self._state = replace(self._state, stage=stage, fraction=fraction, message=message)


def _worker_missing(error: Exception) -> dict[str, str]:
    if isinstance(error, PhysiclError):
        return {key: str(value) for key, value in error.to_json().items()}
    return {
        "code": "worker_missing",
        "message": f"No worker could be started: {error}.",
        "hint": "Run ./physicl.sh doctor beside the extension once, or set PHYSICL_WORKER_PYTHON to a Python 3.12.",
    }
