"""The one PhysX runtime of a process: started once, kept warm, its console noise kept in a buffer.

ovphysx gives each attached stage an instance of its own. The last instance to go takes the framework with it, so one
idle instance stays for the life of the process (ovphysx ends it at exit); scenes then cost milliseconds.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from physicl_twin.model.errors import EngineError

LOGGER_NAME = "physicl_twin.physx"
#: Messages of PhysX that speak of the machine, not of the stage; substrings.
_HARMLESS = ("GPU", "CUDA", "cuda")


class _Buffer(logging.Handler):
    """Keeps what PhysX logs, the oldest forgotten."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[tuple[int, str]] = []
        self.total = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records = [*self.records[-199:], (record.levelno, record.getMessage())]
        self.total += 1

    def since(self, mark: int, level: int) -> tuple[str, ...]:
        """Texts at that level or above since a mark, without repetitions."""
        fresh = self.records[len(self.records) - (self.total - mark) :] if self.total > mark else []
        chosen = (text for at, text in fresh if at >= level and not any(h in text for h in _HARMLESS))
        return tuple(dict.fromkeys(" ".join(text.split()) for text in chosen))


class PhysxRuntime:
    """See the module. Use ``runtime()``."""

    def __init__(self, threads: int) -> None:
        # Before warp starts: it greets on standard output and complains about the missing GPU driver.
        import warp

        warp.config.log_level = warp.LOG_ERROR
        import ovphysx
        import ovstage
        from ovphysx.samples.python_samples.schema_support import physx_schema_paths

        ovstage.population.register_usd_schemas(
            [*(str(path) for path in physx_schema_paths()), str(ovphysx.newton_schema_root())]
        )
        ovphysx.PhysX.set_cpu_mode(True)
        ovphysx.set_global_config(ovphysx.GlobalConfigKey.NUM_THREADS, threads)
        self._buffer = _Buffer()
        logger = logging.getLogger(LOGGER_NAME)
        logger.propagate = False
        logger.addHandler(self._buffer)
        self._keeper: Any = ovphysx.PhysX()
        ovphysx.enable_default_log_output(False)
        ovphysx.enable_python_logging(LOGGER_NAME, min_severity=ovphysx.LogLevel.WARNING)
        with quiet(), _stderr_discarded():
            warp.init()  # type: ignore[no-untyped-call]
        self._ovphysx: Any = ovphysx
        self._ovstage: Any = ovstage
        self._stages = 0

    def new_instance(self) -> Any:
        """A PhysX instance for one scene; the caller destroys it."""
        return self._ovphysx.PhysX()

    def new_stage(self) -> Any:
        """An empty ovstage Stage; the caller destroys it."""
        self._stages += 1
        return self._ovstage.Stage(f"physicl_{self._stages}")

    def populate(self, stage: Any, file: str) -> None:
        """Fill a stage from a USD file and seal it at ordinal 1."""
        self._ovstage.population.open_usd(stage, file, ordinal=1, domains=self._ovstage.PopulationDomain.ALL)
        stage.advance_write_floor(ordinal=1).wait()

    def mark(self) -> int:
        """A moment in the log, for ``warnings_since``."""
        return self._buffer.total

    def warnings_since(self, mark: int) -> tuple[str, ...]:
        """What PhysX warned about since that moment."""
        return self._buffer.since(mark, logging.WARNING)

    @contextmanager
    def listening(self, code: str, what: str) -> Iterator[None]:
        """Turn errors that PhysX raises or logs meanwhile into an EngineError.

        Args:
            code: Of the error.
            what: What was being done, as a sentence without its full stop.

        Raises:
            EngineError: With PhysX's own words.
        """
        mark = self._buffer.total
        failure: Exception | None = None
        try:
            with quiet():
                yield
        except (RuntimeError, ValueError, OSError) as error:
            failure = error
        errors = self._buffer.since(mark, logging.ERROR)
        if failure is None and not errors:
            return
        texts = errors or (str(failure),)
        said = " ".join(" ".join(texts).split())
        raise EngineError(
            code, f"{what}: {said[:600]}", "Repair what the message names; it speaks of prim paths."
        ) from failure


@contextmanager
def quiet() -> Iterator[None]:
    """Without the Python warnings of ovphysx: scene queries are deprecated without a successor, warp lacks a GPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _stderr_discarded() -> Iterator[None]:
    """Without what native code writes to standard error: warp reports a missing GPU driver there at any log level."""
    sys.stderr.flush()
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


_lock = threading.Lock()
_runtime: PhysxRuntime | None = None


def runtime(threads: int) -> PhysxRuntime:
    """The process's runtime; the first call starts it (about two seconds) and settles the number of threads."""
    global _runtime
    with _lock:
        if _runtime is None:
            _runtime = PhysxRuntime(threads)
        return _runtime
