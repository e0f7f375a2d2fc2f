"""A running PhysX stage whose bodies are used again: placed, weighed and surfaced anew without a new stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from physicl_twin.engines.physx_runtime import runtime
from physicl_twin.engines.physx_scene import PhysxScene
from physicl_twin.engines.physx_stage import PhysxStage
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model.geometry import FloatArray

Rows = npt.NDArray[np.intp]


class PhysxBatch:
    """Bodies by row. Metres, kilograms, Z up; world frame.

    Args:
        scene: The running stage.
    """

    def __init__(self, scene: PhysxScene) -> None:
        self._scene = scene
        self._row = {path: row for row, path in enumerate(scene.bodies)}

    def row(self, path: str) -> int:
        """Row of a body."""
        return self._row[path]

    def read(self, name: str) -> FloatArray:
        """A column: ``mass`` (N,), ``inertia`` (N, 9) …"""
        return self._scene.columns((name,))[name]

    def read_by_shape(self, name: str) -> FloatArray:
        """A column by shape, such as ``staticFriction``: (N, most shapes of a body)."""
        values = self.read(name)
        return values[:, None] if values.ndim == 1 else values

    def poses(self) -> FloatArray:
        """(N, 7) position and wxyz quaternion."""
        columns = self._scene.columns(("position", "orientation"))
        return np.hstack([columns["position"], np.roll(columns["orientation"], 1, axis=1)])

    def step(self, dt_s: float, count: int) -> None:
        """Advance all of them."""
        self._scene.step(dt_s, count)

    def set_contact_offsets(self, offset_m: FloatArray) -> None:
        """How far contacts are looked for, (N, most shapes of a body); greater than the rest offset."""
        self._scene.set_columns({"contactOffset": offset_m}, np.arange(len(offset_m)))

    def switch(self, rows: Rows, off: FloatArray) -> None:
        """Let bodies take part in the simulation or not.

        Args:
            rows: Bodies to switch.
            off: (N,) of all bodies, 1 for one that takes no part.
        """
        self._scene.set_columns({"disableSimulation": off}, rows)

    def dress(
        self, rows: Rows, mass: FloatArray, inertia: FloatArray, surface: tuple[FloatArray, FloatArray, FloatArray]
    ) -> None:
        """Weigh and surface bodies that take part; arrays are of all bodies.

        Args:
            rows: Bodies to dress.
            mass: (N,) kg.
            inertia: (N, 9) about the centre of mass, in the axes of the body's mass frame.
            surface: Static friction, dynamic friction and restitution, (N, most shapes of a body) each.
        """
        self._scene.set_columns({"mass": mass, "inertia": inertia, **_surface(surface)}, rows)

    def dress_fixed(self, rows: Rows, surface: tuple[FloatArray, FloatArray, FloatArray]) -> None:
        """Surface kinematic bodies; see ``dress``."""
        self._scene.set_columns(_surface(surface), rows)

    def put(self, rows: Rows, poses: FloatArray) -> None:
        """Start bodies that take part afresh, at rest, from (N, 7) poses of all bodies."""
        still = np.zeros((len(poses), 3))
        state = {"position": poses[:, :3], "orientation": np.roll(poses[:, 3:], -1, axis=1)}
        state |= {"linearVelocity": still, "angularVelocity": still, "wake": np.ones(len(poses))}
        self._scene.set_columns(state, rows)


def _surface(surface: tuple[FloatArray, FloatArray, FloatArray]) -> dict[str, FloatArray]:
    return dict(zip(("staticFriction", "dynamicFriction", "restitution"), surface, strict=True))


@contextmanager
def open_batch(stage: Path, bodies: Sequence[str], settings: EngineSettings) -> Iterator[PhysxBatch]:
    """Run a stage of our own making (metres, kilograms) for reuse.

    Args:
        stage: The file.
        bodies: Prim paths of its bodies, kinematic ones too.
        settings: Of the engines.

    Raises:
        EngineError: When PhysX refuses it.
    """
    described = PhysxStage(stage, tuple(sorted(bodies)), 1.0, 1.0, ())
    with PhysxScene(runtime(settings.physx_threads), described, stage.name) as scene:
        yield PhysxBatch(scene)
