"""The child process: takes jobs as JSON lines on standard input, answers with JSON lines on a pipe of its own.

Native libraries print to descriptors 1 and 2 whenever they like, so the answers travel on a duplicate of the original
standard output and descriptor 1 is pointed at standard error, which the parent keeps as the job's log.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any

from physicl_twin.model.errors import PhysiclError

#: prctl option of Linux: signal that the kernel sends to this process when its parent dies.
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies, even by SIGKILL; elsewhere end of input does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            os._exit(1)


def resolve(name: str) -> Callable[..., Any]:
    """The function of a ``package.module:function`` name inside physicl_twin."""
    module, _, function = name.partition(":")
    if module.split(".")[0] != "physicl_twin":
        raise PhysiclError("job_unknown", f"{name!r} is not a job of physicl_twin.")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def run_job(call: str, arguments: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    """Run one job and send its progress and its one closing event (``done`` or ``failed``)."""

    def progress(stage: str, fraction: float, message: str = "") -> None:
        send({"event": "progress", "stage": stage, "fraction": round(fraction, 4), "message": message})

    try:
        result = resolve(call)(**arguments, progress=progress)
    except PhysiclError as error:
        send({"event": "failed", "error": error.to_json()})
    except MemoryError:
        send(
            {
                "event": "failed",
                "error": {
                    "code": "out_of_memory",
                    "message": "The job ran out of memory.",
                    "hint": "Simplify the source or raise jobs.memory_gb in the configuration.",
                },
            }
        )
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        send(
            {
                "event": "failed",
                "error": {
                    "code": "internal_error",
                    "message": f"Unexpected {type(error).__name__}: {error}",
                    "hint": "This is a defect of physicl_twin; the log holds the traceback (--verbose shows it).",
                },
            }
        )
    else:
        send({"event": "done", "result": result})


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer requests until the input ends."""
    lock = threading.Lock()

    def send(event: dict[str, Any]) -> None:
        with lock, contextlib.suppress(BrokenPipeError):
            answers.write(json.dumps(event, ensure_ascii=False) + "\n")
            answers.flush()

    send({"event": "ready"})
    for line in requests:
        request = json.loads(line)
        run_job(request["call"], request["arguments"], send)


def main() -> None:
    """Entry point of ``python -m physicl_twin.jobs.worker``."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it stops the workers itself
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    serve(sys.stdin, answers)
    sys.stderr.flush()
    os._exit(0)  # destructors of native libraries are no longer anybody's concern, and some of them crash


if __name__ == "__main__":
    main()
