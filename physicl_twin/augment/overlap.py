"""A second opinion on a settled member, from MuJoCo: how deep its colliders overlap, and whether it rests there too.

PhysX puts to sleep what hardly moves, also what barely balances; and its friction is not MuJoCo's. A member that is
accepted rests in both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from physicl_twin.augment.draw import Draft
from physicl_twin.augment.family import Family
from physicl_twin.augment.settle import moved, turned
from physicl_twin.engines.mujoco_engine import MujocoEngine
from physicl_twin.engines.mujoco_scene import MujocoScene
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.names import identifier
from physicl_twin.usd.settle_scene import write_settle_stage

#: Time step of the second opinion.
TIME_STEP_S = 0.004


class OverlapMeter:
    """Measures members of a family whose objects have the same scale in the same place.

    Args:
        scene: The objects in MuJoCo.
        bodies: Prim path of each instance.
    """

    def __init__(self, family: Family, scene: MujocoScene, bodies: tuple[str, ...], support: str) -> None:
        self._family, self._scene, self._bodies = family, scene, bodies
        self._supports = [f"{support}/{name}" for name in ("floor", *(box[0] for box in family.support.boxes()))]
        self._rows = np.array([scene.bodies.index(path) for path in bodies])
        self._away: FloatArray = scene.poses()

    def movement(self, draft: Draft, poses: FloatArray) -> tuple[float, float]:
        """How far and how much (degrees) an object moves or turns in the window of the spec, with the member's masses
        and frictions; contacts return nothing.

        Args:
            draft: Who is present, masses and surfaces.
            poses: (N, 7) of all instances at rest.
        """
        factors = np.ones(len(self._away))
        frictions = dict.fromkeys(self._supports, draft.support.dynamic_friction)
        for row, state in enumerate(draft.states):
            factors[self._rows[row]] = state.mass_factor
            surfaces = {identifier(surface.material): surface for surface in state.surfaces}
            for path, material in self._family.members[self._family.instances[row][1]].lean.bound:
                if material in surfaces:
                    frictions[f"{self._bodies[row]}/{path}"] = surfaces[material].dynamic_friction
        self._scene.set_masses(factors)
        self._scene.set_frictions(frictions)
        self._scene.set_velocities(np.zeros((len(self._away), 6)))
        self._place(draft, poses)
        self._scene.step(TIME_STEP_S, round(self._family.spec.settle.window_s / TIME_STEP_S))
        after = self._scene.poses()[self._rows]
        here = np.flatnonzero(draft.present)
        return moved(self._family, draft, here, poses, after), turned(poses[here], after[here])

    def _place(self, draft: Draft, poses: FloatArray) -> None:
        world = self._away.copy()
        here = np.flatnonzero(draft.present)
        world[self._rows[here]] = poses[here]
        self._scene.set_poses(world)

    def deepest(self, draft: Draft, poses: FloatArray) -> float:
        """Depth in metres of the deepest overlap between two objects, or one and the support.

        Args:
            draft: Who is present.
            poses: (N, 7) of all instances.
        """
        self._place(draft, poses)
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
            yield OverlapMeter(family, scene, stage.bodies[0], stage.supports[0])
