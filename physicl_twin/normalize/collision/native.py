"""V-HACD and CoACD in a child process that is killed when it takes too long or crashes.

Run as ``python -m physicl_twin.normalize.collision.native``: reads one request (npz) from standard input, writes the
hulls (npz) to standard output.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.settings import child_environment, worker_python

#: Wall time over processor time after which a child counts as hung.
WALL_FACTOR = 8.0
#: Exit status of a child that used up its processor time.
TOO_LONG = 97


@dataclass(frozen=True, slots=True)
class NativeRequest:
    """What a library is asked.

    Attributes:
        library: ``vhacd`` or ``coacd``.
        vertices: (V, 3).
        faces: (F, 3).
        options: Arguments of the library.
    """

    library: str
    vertices: FloatArray
    faces: NDArray[np.int64]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NativeResult:
    """What came back.

    Attributes:
        hulls: Vertices (N, 3) of each piece; empty on failure.
        failure: Why there is nothing, in words; empty on success.
    """

    hulls: tuple[FloatArray, ...]
    failure: str = ""


def decompose_in_child(request: NativeRequest, cpu_s: float, command: Sequence[str] | None = None) -> NativeResult:
    """Convex pieces from a native library; a crash, a hang or nonsense is a result, not an error.

    Args:
        request: Library, mesh and options.
        cpu_s: Processor time after which the child is stopped (on a busy machine that is the same work); a child that
            does not even use that is killed after ``WALL_FACTOR`` times as much wall time.
        command: Program to run instead of this module.
    """
    buffer = io.BytesIO()
    options = {f"option_{k}": np.asarray(v) for k, v in request.options.items()}
    content: dict[str, Any] = {"cpu_s": cpu_s, "library": request.library, **options}
    np.savez(buffer, vertices=request.vertices, faces=request.faces, **content)
    program = list(command) if command else [worker_python(), "-m", "physicl_twin.normalize.collision.native"]
    try:
        done = subprocess.run(
            program,
            input=buffer.getvalue(),
            capture_output=True,
            timeout=WALL_FACTOR * cpu_s,
            env=child_environment(),
        )
    except subprocess.TimeoutExpired:
        return NativeResult((), f"stopped after {WALL_FACTOR * cpu_s:.1f} s of wall time")
    except OSError as error:
        return NativeResult((), f"did not start: {error.strerror}")
    if done.returncode == TOO_LONG:
        return NativeResult((), f"stopped after {cpu_s:.1f} s of processor time")
    if done.returncode != 0:
        return NativeResult((), f"crashed (status {done.returncode})")
    try:
        with np.load(io.BytesIO(done.stdout), allow_pickle=False) as data:
            hulls = tuple(np.asarray(data[key], dtype=float) for key in sorted(data.files))
    except (OSError, ValueError, KeyError, EOFError):
        return NativeResult((), "answered with something unreadable")
    sound = tuple(h for h in hulls if h.ndim == 2 and len(h) >= 4 and np.isfinite(h).all())
    return NativeResult(sound, "" if sound else "found no piece")


def run_library(request: NativeRequest) -> list[FloatArray]:
    """Call the library in this process."""
    vertices = np.ascontiguousarray(request.vertices, dtype=np.float64)
    faces = np.ascontiguousarray(request.faces)
    if request.library == "vhacd":
        import vhacdx

        # vhacdx reads faces as VTK does: the number of corners, then the corners.
        flat = np.column_stack([np.full(len(faces), 3), faces]).astype(np.uint32).ravel()
        return [np.asarray(points) for points, _ in vhacdx.compute_vhacd(vertices, flat, **request.options)]
    if request.library == "coacd":
        import coacd

        coacd.set_log_level("off")
        pieces = coacd.run_coacd(coacd.Mesh(vertices, faces.astype(np.int32)), **request.options)
        return [np.asarray(points) for points, _ in pieces]
    raise ValueError(f"unknown library {request.library!r}")


def _stop_after(cpu_s: float) -> None:
    """End this process with ``TOO_LONG`` once all its threads together have used ``cpu_s`` from now.

    A thread watches: native code that holds no lock for long lets it run, and the wall time limit covers the rest.
    """
    end = time.process_time() + cpu_s

    def watch() -> None:
        while time.process_time() < end:
            time.sleep(0.02)
        os._exit(TOO_LONG)

    threading.Thread(target=watch, daemon=True).start()


def _main() -> None:
    answer = os.dup(1)
    # Libraries print: keep standard output for the answer.
    os.dup2(2, 1)
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as data:
        options = {k.removeprefix("option_"): data[k].item() for k in data.files if k.startswith("option_")}
        request = NativeRequest(str(data["library"]), data["vertices"], data["faces"], options)
        _stop_after(float(data["cpu_s"]))
    hulls = run_library(request)
    buffer = io.BytesIO()
    content: dict[str, Any] = {f"hull_{i:05d}": hull for i, hull in enumerate(hulls)}
    np.savez(buffer, **content)
    with os.fdopen(answer, "wb") as stream:
        stream.write(buffer.getvalue())


if __name__ == "__main__":
    _main()
