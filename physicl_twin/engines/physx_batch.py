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
        return self._scene.poses()

    def step(self, dt_s: float, count: int) -> None:
        """Advance all of them."""
        self._scene.step(dt_s, count)

    def put(
        self,
        rows: npt.NDArray[np.intp],
        poses: FloatArray,
        mass: FloatArray,
        inertia: FloatArray,
        surface: tuple[FloatArray, FloatArray, FloatArray],
        off: FloatArray,
        fixed: npt.NDArray[np.intp],
    ) -> None:
        """Start these bodies afresh, at rest; leave the others as they are.

        Args:
            rows: Bodies to start.
            poses: (N, 7) of all bodies, as are the following.
            mass: (N,) kg.
            inertia: (N, 9) about the centre of mass, in the axes of the body's mass frame.
            surface: Static friction, dynamic friction and restitution, (N, most shapes of a body) each.
            off: (N,) 1 for a body that takes no part.
            fixed: Kinematic bodies, of which only the surface is set.
        """
        quaternion = np.roll(poses[:, 3:], -1, axis=1)
        still = np.zeros((len(poses), 3))
        self._scene.set_columns({"disableSimulation": off}, rows)
        awake = rows[off[rows] == 0.0]
        self._scene.set_columns({"mass": mass, "inertia": inertia}, awake)
        names = ("staticFriction", "dynamicFriction", "restitution")
        self._scene.set_columns(dict(zip(names, surface, strict=True)), np.concatenate([awake, fixed]))
        self._scene.set_columns({"position": poses[:, :3], "orientation": quaternion}, awake)
        self._scene.set_columns({"linearVelocity": still, "angularVelocity": still}, awake)
        self._scene.set_columns({"wake": 1.0 - off}, awake)


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
