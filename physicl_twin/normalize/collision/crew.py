"""Many shapes, some processes: the small ones are fitted in this process, what takes longer by children beside it.

A child (``python -m physicl_twin.normalize.collision.fit_worker``) takes one pickled shape after the other on its
standard input and answers with the collision or the error. One that dies leaves its shape to this process.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import subprocess
import threading
import time
from collections.abc import Sequence

from physicl_twin.model import PhysiclError, Progress, Shape
from physicl_twin.normalize.collision.choice import ShapeCollision, fit_shape
from physicl_twin.normalize.collision.settings import CollisionSettings
from physicl_twin.settings import child_environment, worker_python

#: What Python runs in a child.
COMMAND = ("-m", "physicl_twin.normalize.collision.fit_worker")
#: Children at most (judgement): each holds 0.1 GB with a small shape (measured), more with large ones, and a worker
#: with its children has a limit (``[jobs] memory_gb``).
MOST = 8
#: Work in this process before children are started, seconds (judgement: what a child's imports cost, a few times over).
PATIENCE_S = 2.0

_Outcome = ShapeCollision | PhysiclError


def fit_shapes(
    shapes: Sequence[Shape], settings: CollisionSettings, fast: bool, processes: int, progress: Progress
) -> dict[str, ShapeCollision]:
    """``fit_shape`` of each; the result does not depend on the number of processes.

    Args:
        shapes: With clean meshes in metres and names of their own.
        settings: See ``fit_shape``.
        fast: Likewise.
        processes: That may work at the same time.
        progress: Told after each shape.

    Returns:
        Collision by the shape's name.

    Raises:
        GeometryError: See ``fit_shape``; of several the smallest shape's.
    """
    waiting = sorted(shapes, key=_size)
    found: dict[str, ShapeCollision] = {}
    start = time.monotonic()
    while waiting and (min(processes, len(waiting)) < 2 or time.monotonic() - start < PATIENCE_S):
        shape = waiting.pop(0)
        progress("collision", len(found) / len(shapes), shape.name)
        found[shape.name] = fit_shape(shape, settings, fast)
    if waiting:
        found |= _in_children(waiting, settings, fast, min(processes, len(waiting), MOST), progress, len(found))
    progress("collision", 1.0)
    return found


def _size(shape: Shape) -> tuple[int, str]:
    return (0 if shape.mesh is None else len(shape.mesh.faces), shape.name)


def _in_children(
    shapes: Sequence[Shape], settings: CollisionSettings, fast: bool, children: int, progress: Progress, before: int
) -> dict[str, ShapeCollision]:
    """Largest first, so that the last ones to end are small."""
    todo: queue.SimpleQueue[Shape] = queue.SimpleQueue()
    for shape in reversed(shapes):
        todo.put(shape)
    done: queue.SimpleQueue[tuple[str, _Outcome | BaseException]] = queue.SimpleQueue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_serve, args=(todo, done, settings, fast, stop), daemon=True) for _ in range(children)
    ]
    for thread in threads:
        thread.start()
    outcomes: dict[str, _Outcome] = {}
    try:
        while len(outcomes) < len(shapes):
            name, outcome = done.get()
            if not isinstance(outcome, ShapeCollision | PhysiclError):
                raise outcome
            outcomes[name] = outcome
            progress("collision", (before + len(outcomes)) / (before + len(shapes)), name)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    found: dict[str, ShapeCollision] = {}
    for shape in shapes:
        outcome = outcomes[shape.name]
        if isinstance(outcome, PhysiclError):
            raise outcome
        found[shape.name] = outcome
    return found


def _serve(
    todo: queue.SimpleQueue[Shape],
    done: queue.SimpleQueue[tuple[str, _Outcome | BaseException]],
    settings: CollisionSettings,
    fast: bool,
    stop: threading.Event,
) -> None:
    """Have one child after the other fit shapes until there are none."""
    child = _Child(stop)
    name = ""
    try:
        while not stop.is_set():
            shape = todo.get_nowait()
            name = shape.name
            outcome = child.fit(shape, settings, fast)
            if stop.is_set():
                return
            done.put((name, outcome if outcome is not None else _fitted(shape, settings, fast)))
    except queue.Empty:
        return
    except BaseException as error:
        done.put((name, error))
    finally:
        child.close()


def _fitted(shape: Shape, settings: CollisionSettings, fast: bool) -> _Outcome:
    try:
        return fit_shape(shape, settings, fast)
    except PhysiclError as error:
        return error


class _Child:
    """A process that fits shapes; it starts with the first one.

    Args:
        stop: Set when nobody waits any longer; the process is killed then.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._process: subprocess.Popen[bytes] | None = None

    def fit(self, shape: Shape, settings: CollisionSettings, fast: bool) -> _Outcome | None:
        """The collision or the error; None when the process died or did not start."""
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    [worker_python(), *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment()
                )
            except OSError:
                return None
            threading.Thread(target=self._kill_on_stop, args=(self._process,), daemon=True).start()
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        try:
            pickle.dump((shape, settings, fast), process.stdin)
            process.stdin.flush()
            outcome: _Outcome = pickle.load(process.stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            self.close()
            return None
        return outcome

    def _kill_on_stop(self, process: subprocess.Popen[bytes]) -> None:
        self._stop.wait()
        process.kill()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()
