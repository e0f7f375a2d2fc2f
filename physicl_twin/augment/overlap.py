"""How deep colliders overlap at rest, measured by MuJoCo: by other code than that which let them settle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from physicl_twin.augment.draw import Draft
from physicl_twin.augment.family import Family
from physicl_twin.engines.mujoco_engine import MujocoEngine
from physicl_twin.engines.mujoco_scene import MujocoScene
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.settle_scene import write_settle_stage


class OverlapMeter:
    """Measures members of a family whose objects have the same scale in the same place.

    Args:
        scene: The objects in MuJoCo.
        bodies: Prim path of each instance.
    """

    def __init__(self, scene: MujocoScene, bodies: tuple[str, ...]) -> None:
        self._scene = scene
        self._rows = np.array([scene.bodies.index(path) for path in bodies])
        self._away: FloatArray = scene.poses()

    def deepest(self, draft: Draft, poses: FloatArray) -> float:
        """Depth in metres of the deepest overlap between two objects, or one and the support.

        Args:
            draft: Who is present.
            poses: (N, 7) of all instances.
        """
        world = self._away.copy()
        here = np.flatnonzero(draft.present)
        world[self._rows[here]] = poses[here]
        self._scene.set_poses(world)
        return self._scene.deepest_overlap_m()[0]


@contextmanager
def overlap_meter(family: Family, draft: Draft, gravity_mps2: float) -> Iterator[OverlapMeter]:
    """A meter for all members whose objects have the scales of ``draft``."""
    with tempfile.TemporaryDirectory(prefix="physicl_") as scratch:
        stage = write_settle_stage(
            Path(scratch),
            [member.lean for member in family.members],
            [[(index, draft.states[row].scale) for row, (_, index) in enumerate(family.instances)]],
            family.support,
            gravity_mps2,
            0.0,
            8.0 * family.size_m,
        )
        with MujocoEngine(EngineSettings.from_pipeline()).open(stage.path) as scene:
            assert isinstance(scene, MujocoScene)
            yield OverlapMeter(scene, stage.bodies[0])
