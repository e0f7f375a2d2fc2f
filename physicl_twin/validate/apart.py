"""Rollouts in a process of their own: PhysX may take the process with it (articulations with loops do, at times).

The parent asks by a line of JSON on the standard input of ``rollout_worker`` and gets one; what native libraries print
goes to standard error. A child that dies has failed the rollout that it was asked for, and the next gets a new child.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from physicl_twin.model import RolloutResult
from physicl_twin.model.codec import from_json
from physicl_twin.settings import child_environment, worker_python

#: What Python runs in the child.
COMMAND = ("-m", "physicl_twin.validate.rollout_worker")
#: For a child without work to end by itself, seconds (judgement: PhysX shuts down in less than one).
_PATIENCE_S = 10.0


class Apart:
    """Runs rollouts of one file in one engine; see ``apart``.

    Args:
        usd: The twin's interface layer, or any USD file.
        engine: Name of the engine.
        settings: Of the pipeline.
    """

    def __init__(self, usd: Path, engine: str, settings: dict[str, Any]) -> None:
        self._first = json.dumps({"usd": str(usd.resolve()), "engine": engine, "settings": settings})
        self._engine = engine
        self._child: subprocess.Popen[str] | None = None

    def run(self, rollout: str) -> RolloutResult:
        """What happened, a dead process included."""
        if self._child is None:
            self._child = self._started()
        child = self._child
        assert child.stdin is not None and child.stdout is not None  # both are pipes
        try:
            print(json.dumps(rollout), file=child.stdin, flush=True)
            line = child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            found: RolloutResult = from_json(RolloutResult, json.loads(line))
            return found
        status = child.wait()
        self.close()
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        text = f"{self._engine} ended its process ({how}) in this rollout: it cannot simulate this twin so."
        return RolloutResult(rollout, self._engine, "", "", "failed", text)

    def _started(self) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [worker_python(), *COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=child_environment(),
        )
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # what died at once is found when it is asked
            print(self._first, file=child.stdin, flush=True)
        return child

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None and child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        if child.poll() is None:
            try:
                child.wait(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        child.stdout.close()


@contextmanager
def apart(usd: Path, engine: str, settings: dict[str, Any]) -> Iterator[Apart]:
    """A process for the rollouts of one file, which starts when the first one is asked for."""
    process = Apart(usd, engine, settings)
    try:
        yield process
    finally:
        process.close()
