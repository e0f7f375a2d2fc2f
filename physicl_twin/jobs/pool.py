"""The parent's side: a few worker processes, each job in one of them, a dead worker costs one job."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import psutil

from physicl_twin.jobs.limits import Limits
from physicl_twin.model.errors import JobError

#: How often limits are looked at, seconds.
_WATCH_PERIOD_S = 0.1
#: How much of a worker's log is kept for the message of a crash, characters.
_LOG_TAIL = 4000


@dataclass(frozen=True, slots=True)
class Job:
    """A call of a physicl_twin function in a worker.

    Attributes:
        key: The caller's name for it.
        call: ``package.module:function``; it is called with ``arguments`` and a ``progress`` callable.
        arguments: JSON-compatible keyword arguments.
        limits: When to stop it.
    """

    key: str
    call: str
    arguments: dict[str, Any]
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended: with a result or an error, never both."""

    job: Job
    result: Any
    error: JobError | None
    seconds: float
    log: str = ""


ProgressListener = Callable[[Job, str, float, str], None]


def run(
    jobs: Iterable[Job],
    *,
    workers: int = 1,
    on_progress: ProgressListener | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[Outcome]:
    """Run jobs in up to ``workers`` processes and yield each outcome as it comes.

    A worker that crashes, hangs or grows past its limit is killed with its children; its job fails with a JobError
    (``worker_crashed``, ``worker_timeout``, ``worker_out_of_memory``), the others go on. When ``cancel`` is set,
    running jobs are stopped and all that is left fails with ``cancelled``.
    """
    waiting = deque(jobs)
    total = len(waiting)
    events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = queue.SimpleQueue()
    crew: list[_Worker] = []
    finished = 0
    try:
        while finished < total:
            if cancel is not None and cancel.is_set():
                yield from _cancel_all(crew, waiting)
                return
            busy = sum(worker.job is not None for worker in crew)
            while waiting and busy < workers:
                worker = next((w for w in crew if w.job is None and w.alive), None)
                if worker is None:
                    worker = _Worker(events)
                    crew.append(worker)
                worker.start_job(waiting.popleft())
                busy += 1
            try:
                worker, event = events.get(timeout=_WATCH_PERIOD_S)
            except queue.Empty:
                for worker in crew:
                    worker.enforce_limits()
                continue
            outcome = _handle(worker, event, on_progress)
            if event is None:
                crew.remove(worker)
                worker.stop()
            if outcome is not None:
                finished += 1
                yield outcome
            for other in crew:
                other.enforce_limits()
    finally:
        for worker in crew:
            worker.stop()


def _handle(worker: _Worker, event: dict[str, Any] | None, on_progress: ProgressListener | None) -> Outcome | None:
    """React to one event of a worker; ``None`` means that its pipe closed."""
    job = worker.job
    if job is None:
        return None
    if event is None:
        return worker.end_job(None, worker.death(), worker.log_tail())
    match event["event"]:
        case "progress" if on_progress is not None:
            on_progress(job, event["stage"], event["fraction"], event["message"])
        case "done":
            return worker.end_job(event["result"], None, "")
        case "failed":
            error = JobError(event["error"]["code"], event["error"]["message"], event["error"]["hint"])
            return worker.end_job(None, error, worker.log_tail())
        case _:
            pass
    return None


def _cancel_all(crew: list[_Worker], waiting: deque[Job]) -> Iterator[Outcome]:
    """Outcomes of what was running and of what never started."""
    error = JobError("cancelled", "The job was cancelled.", "Run the same command again to go on where it stopped.")
    for worker in crew:
        if worker.job is not None:
            worker.kill()
            yield worker.end_job(None, error, "")
    for job in waiting:
        yield Outcome(job, None, error, 0.0)


class _Worker:
    """One child process and what it is doing."""

    def __init__(self, events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        from physicl_twin.settings import worker_python

        self.job: Job | None = None
        self._verdict: JobError | None = None
        self._started = 0.0
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="physicl-worker-")  # noqa: SIM115 - lives with the worker
        # PhysX and others leave caches where temporary files go; a worker that is killed cannot clean up after itself.
        self._scratch = tempfile.TemporaryDirectory(prefix="physicl-worker-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [worker_python(), "-m", "physicl_twin.jobs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=worker_environment() | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._scratch.name),
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()
        threading.Thread(target=self._reap, daemon=True).start()

    def _reap(self) -> None:
        """When the worker ends, end what it left behind: a grandchild would keep the answer pipe open."""
        self._process.wait()
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _listen(self, events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                events.put((self, json.loads(line)))
            except ValueError:
                break  # half a line: the process died while it wrote
        events.put((self, None))

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def start_job(self, job: Job) -> None:
        self.job, self._verdict, self._started = job, None, time.monotonic()
        self._log.seek(0)
        self._log.truncate()
        assert self._process.stdin is not None
        request = json.dumps({"call": job.call, "arguments": job.arguments}, ensure_ascii=False) + "\n"
        with contextlib.suppress(BrokenPipeError):  # a worker that died meanwhile is reported by its closed pipe
            self._process.stdin.write(request.encode())
            self._process.stdin.flush()

    def end_job(self, result: Any, error: JobError | None, log: str) -> Outcome:
        assert self.job is not None
        outcome = Outcome(self.job, result, error, time.monotonic() - self._started, log)
        self.job = None
        return outcome

    def enforce_limits(self) -> None:
        """Kill the worker when its job is over a limit; the closed pipe then ends the job."""
        if self.job is None or self._verdict is not None:
            return
        limits = self.job.limits
        if time.monotonic() - self._started > limits.timeout_s:
            self._verdict = JobError(
                "worker_timeout",
                f"It took longer than {limits.timeout_s:g} s and was stopped.",
                "Simplify the source, use --fast, or raise jobs.timeout_s in the configuration.",
            )
            self.kill()
        elif (used := self._resident_bytes()) > limits.memory_bytes:
            self._verdict = JobError(
                "worker_out_of_memory",
                f"It used {used / 1e9:.1f} GB of memory, more than the {limits.memory_bytes / 1e9:g} GB allowed.",
                "Simplify the source or raise jobs.memory_gb in the configuration.",
            )
            self.kill()

    def _resident_bytes(self) -> int:
        total = 0
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self._process.pid)
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    def death(self) -> JobError:
        """Why the worker is gone, for its job."""
        if self._verdict is not None:
            return self._verdict
        code = self._process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return JobError(
            "worker_crashed",
            f"A native library ended the worker ({how}); only this source is affected.",
            "A damaged file is the commonest cause: open and save it again in the program that made it, or use another "
            "format. If the file is sound, report it: that must not happen.",
        )

    def log_tail(self) -> str:
        """The end of what the worker printed during its job."""
        self._log.flush()
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - _LOG_TAIL))
        text = self._log.read().decode(errors="replace")
        self._log.seek(0, os.SEEK_END)
        return text

    def kill(self) -> None:
        """End the process and its children at once."""
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self._process.pid)
            # The worker first: one whose child ends before it would answer that its job is done.
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def stop(self) -> None:
        """End the process: gently when idle, by force when it is at work."""
        if self.job is not None:
            self.kill()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._log.close()
        self._scratch.cleanup()


def worker_environment() -> dict[str, str]:
    """Environment of a worker: this package importable, numeric libraries single-threaded (the pool is parallel)."""
    from physicl_twin.settings import child_environment

    environment = child_environment()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment.setdefault(name, "1")
    return environment
