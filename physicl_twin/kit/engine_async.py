"""A rollout in the editor that never blocks it: the rollout thinks in a thread, physics runs between two frames.

PhysX and USD belong to the thread that draws; a rollout is an ordinary function that runs from start to end. So the
rollout gets an engine whose every call is carried out by the drawing thread, a few milliseconds a frame.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from physicl_twin.engines.protocol import Contact, Engine, EngineMass, EngineScene, RayHit
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, Vector3

T = TypeVar("T")

#: Time that physics may take of a frame, seconds: at 60 frames a second it leaves a third to the editor.
FRAME_BUDGET_S = 0.010


class MainLoop:
    """Carries out the calls of other threads on the thread that pumps."""

    def __init__(self) -> None:
        self._owner = threading.get_ident()
        self._calls: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()

    def call(self, function: Callable[[], T]) -> T:
        """Have a function carried out; waits for its value, raises what it raises.

        Raises:
            EngineError: ``engine_stopped`` when the loop ended before.
        """
        if threading.get_ident() == self._owner:
            return function()
        wanted = _Call(function)
        with self._lock:
            if self._closed:
                raise _stopped()
            self._calls.put(wanted)
        wanted.done.wait()
        if wanted.error is not None:
            raise wanted.error
        value: T = wanted.value
        return value

    def pump(self, budget_s: float = FRAME_BUDGET_S) -> int:
        """Carry out what waits until the budget is spent, at least one call; returns how many."""
        end, count = time.perf_counter() + budget_s, 0
        while True:
            # The thread needs a moment to think of its next call; a frame lasts longer than that.
            left = max(end - time.perf_counter(), 0.0)
            try:
                wanted = self._calls.get(timeout=min(left, 0.001)) if count else self._calls.get_nowait()
            except queue.Empty:
                return count
            wanted.carry_out()
            count += 1
            if time.perf_counter() >= end:
                return count

    def close(self) -> None:
        """Refuse what waits and what comes."""
        with self._lock:
            self._closed = True
        while not self._calls.empty():
            self._calls.get().refuse(_stopped())


class _Call:
    """A function that another thread waits for."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.value: Any = None
        self.error: BaseException | None = None
        self.done = threading.Event()

    def carry_out(self) -> None:
        try:
            self.value = self._function()
        except BaseException as error:  # belongs to the thread that waits, whatever it is
            self.error = error
        self.done.set()

    def refuse(self, error: EngineError) -> None:
        self.error = error
        self.done.set()


class LoopedEngine:
    """An engine for another thread; see the module.

    Args:
        engine: Whose scenes are carried out by the loop.
        loop: The loop.
    """

    def __init__(self, engine: Engine, loop: MainLoop) -> None:
        self._engine, self._loop = engine, loop

    @property
    def name(self) -> str:
        """Of the engine."""
        return self._engine.name

    @property
    def version(self) -> str:
        """Of the engine."""
        return self._engine.version

    def open(self, stage: Path) -> EngineScene:
        """Load a stage; see ``Engine.open``."""
        return LoopedScene(self._loop.call(lambda: self._engine.open(stage)), self._loop)


class LoopedScene:
    """See ``EngineScene``; every method is carried out by the loop, steps one by one."""

    def __init__(self, scene: EngineScene, loop: MainLoop) -> None:
        self._scene, self._loop = scene, loop

    @property
    def bodies(self) -> tuple[str, ...]:
        """See ``EngineScene``."""
        return self._scene.bodies

    @property
    def notes(self) -> tuple[str, ...]:
        """See ``EngineScene``."""
        return self._scene.notes

    def step(self, dt_s: float, count: int = 1) -> None:
        """See ``EngineScene``."""
        for _ in range(count):
            self._loop.call(lambda: self._scene.step(dt_s))

    def poses(self) -> FloatArray:
        """See ``EngineScene``."""
        return self._loop.call(self._scene.poses)

    def set_poses(self, poses: FloatArray) -> None:
        """See ``EngineScene``."""
        self._loop.call(lambda: self._scene.set_poses(poses))

    def velocities(self) -> FloatArray:
        """See ``EngineScene``."""
        return self._loop.call(self._scene.velocities)

    def set_velocities(self, velocities: FloatArray) -> None:
        """See ``EngineScene``."""
        self._loop.call(lambda: self._scene.set_velocities(velocities))

    @property
    def joints(self) -> tuple[str, ...]:
        """See ``EngineScene``."""
        return self._scene.joints

    def joint_positions(self) -> FloatArray:
        """See ``EngineScene``."""
        return self._loop.call(self._scene.joint_positions)

    def joint_velocities(self) -> FloatArray:
        """See ``EngineScene``."""
        return self._loop.call(self._scene.joint_velocities)

    def set_joint_positions(self, positions: FloatArray) -> None:
        """See ``EngineScene``."""
        self._loop.call(lambda: self._scene.set_joint_positions(positions))

    def set_joint_velocities(self, velocities: FloatArray) -> None:
        """See ``EngineScene``."""
        self._loop.call(lambda: self._scene.set_joint_velocities(velocities))

    def set_joint_targets(self, targets: FloatArray) -> None:
        """See ``EngineScene``."""
        self._loop.call(lambda: self._scene.set_joint_targets(targets))

    def contacts(self) -> tuple[Contact, ...]:
        """See ``EngineScene``."""
        return self._loop.call(self._scene.contacts)

    def mass_properties(self) -> tuple[EngineMass, ...]:
        """See ``EngineScene``."""
        return self._loop.call(self._scene.mass_properties)

    def raycast(self, origin_m: Vector3, direction: Vector3, max_distance_m: float) -> RayHit | None:
        """See ``EngineScene``."""
        return self._loop.call(lambda: self._scene.raycast(origin_m, direction, max_distance_m))

    def overlaps(self, centre_m: Vector3, radius_m: float) -> tuple[str, ...]:
        """See ``EngineScene``."""
        return self._loop.call(lambda: self._scene.overlaps(centre_m, radius_m))

    def close(self) -> None:
        """See ``EngineScene``."""
        self._loop.call(self._scene.close)

    def __enter__(self) -> LoopedScene:
        """The scene itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        self.close()


async def roll_out(  # noqa: UP047 - Isaac Sim 5.1 has Python 3.11
    run: Callable[[Engine], T],
    engine: Engine,
    next_frame: Callable[[], Awaitable[Any]],
    cancelled: Callable[[], bool] = lambda: False,
) -> T:
    """Run a rollout between the frames of the editor.

    Args:
        run: The rollout, given an engine; runs in a thread of its own.
        engine: That of the editor.
        next_frame: Awaited between two shares of physics: ``omni.kit.app.get_app().next_update_async``.
        cancelled: Asked every frame; when it says True the run ends.

    Returns:
        What ``run`` returns.

    Raises:
        EngineError: ``engine_stopped`` when it was cancelled; and what ``run`` raises.
    """
    loop, guarded = MainLoop(), _Scenes(engine)
    outcome = _Call(lambda: run(LoopedEngine(guarded, loop)))
    thread = threading.Thread(target=outcome.carry_out, name="physicl-rollout", daemon=True)
    thread.start()
    try:
        while not outcome.done.is_set():
            loop.pump()
            if cancelled():
                raise _stopped()
            await next_frame()
    finally:
        # Also when the task is cancelled: the thread ends at its next call, the stage is restored here and now.
        loop.close()
        guarded.close()
        thread.join(timeout=5.0)
    if outcome.error is not None:
        raise outcome.error
    value: T = outcome.value
    return value


class _Scenes:
    """An engine that remembers what it opened, so that it can be closed without the rollout."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: list[EngineScene] = []

    @property
    def name(self) -> str:
        return self._engine.name

    @property
    def version(self) -> str:
        return self._engine.version

    def open(self, stage: Path) -> EngineScene:
        scene = self._engine.open(stage)
        self._open.append(scene)
        return scene

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


def _stopped() -> EngineError:
    return EngineError("engine_stopped", "The rollout was stopped.", "Start it again.")
