"""A second opinion on where a member rests, from MuJoCo: rest that both engines agree on.

PhysX puts to sleep what hardly moves, also what barely balances; and its friction is not MuJoCo's. So a member that
has come to rest in PhysX goes on in MuJoCo until it rests there too, and back.
"""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from physicl_twin.augment.draw import Draft, Drawer
from physicl_twin.augment.family import Family
from physicl_twin.augment.motion import middles, turned_deg
from physicl_twin.engines.mujoco_engine import MujocoEngine
from physicl_twin.engines.mujoco_scene import MujocoScene
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.names import identifier
from physicl_twin.usd.settle_scene import write_settle_stage

Rows = npt.NDArray[np.intp]

#: Time step of the second opinion, and the time constant of its contacts in steps: the smallest that MuJoCo allows.
#: Both decide how deep things sink into each other, and thin ones tilt by a degree when they sink by a tenth of a
#: millimetre. With a friction ten times as stiff as the normal force as many heaps stayed as with one a hundred times
#: as stiff, in 0.4 and 0.8 of the time (measured on 12 heaps of each of two families of twenty).
TIME_STEP_S, _STIFFNESS_STEPS, _IMPRATIO = 0.003, 2.0, 10.0
#: Looks within a window, and windows that it is given to come to rest.
_LOOKS, _WINDOWS = 4, 3
#: Share of what may move within a window that may still move when it is called calm: creep must fit in twice
#: (judgement).
_CALM = 0.5
#: For so long nothing falls asleep (judgement: what balances on a point would need longer to show, but has just come
#: to rest in the first engine and is watched there again).
_AWAKE_S = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """What became of a member in the second engine.

    Attributes:
        poses: (N, 7) of all instances in the end.
        calm: False when something still moved in the end.
    """

    poses: FloatArray
    calm: bool


class SecondEngine:
    """MuJoCo with members of a family whose objects have the same scale in the same place.

    Args:
        family: The family.
        scene: The objects in MuJoCo.
        bodies: Prim path of each instance.
        support: Prim path of the support.
    """

    def __init__(self, family: Family, scene: MujocoScene, bodies: tuple[str, ...], support: str) -> None:
        self._family, self._scene, self._bodies = family, scene, bodies
        self._supports = [f"{support}/{name}" for name in ("floor", *(box[0] for box in family.support.boxes()))]
        self._rows = np.array([scene.bodies.index(path) for path in bodies])
        self._away: FloatArray = scene.poses()

    def opinion(self, draft: Draft, poses: FloatArray) -> Opinion:
        """Let a member go on until it rests here too, with its own masses and frictions; contacts return nothing.

        Args:
            draft: Who is present, masses and surfaces.
            poses: (N, 7) of all instances where they rest in the first engine.
        """
        spec = self._family.spec.settle
        self._author(draft)
        self._scene.restart(self._world(draft, poses))
        steps = max(1, round(spec.window_s / _LOOKS / TIME_STEP_S))
        awake = min(steps, round(_AWAKE_S / TIME_STEP_S))
        creep = _CALM / _LOOKS
        here = np.flatnonzero(draft.present)
        before, calm, looks = poses, False, 0
        while not calm and looks < _LOOKS * _WINDOWS:
            if looks == 0:
                self._scene.step(TIME_STEP_S, awake)
                self._scene.let_sleep(_CALM * spec.rest_move_m / spec.window_s)
            self._scene.step(TIME_STEP_S, steps if looks else steps - awake)
            looks += 1
            after = self._scene.poses()[self._rows]
            calm = bool((self._motion(draft, here, before, after) <= creep).all())
            before = after
        result = poses.copy()
        result[here] = before[here]
        return Opinion(result, calm)

    def _motion(self, draft: Draft, here: Rows, before: FloatArray, after: FloatArray) -> FloatArray:
        """Largest way and largest turn of the objects that are there, over what the spec allows within a window."""
        spec = self._family.spec.settle
        shift = middles(self._family, draft, after) - middles(self._family, draft, before)
        way = np.linalg.norm(shift[here], axis=1).max(initial=0.0)
        turn = turned_deg(before, after)[here].max(initial=0.0)
        return np.array([way / spec.rest_move_m, turn / spec.rest_turn_deg])

    def deepest(self, draft: Draft, poses: FloatArray) -> float:
        """Depth in metres of the deepest overlap between two objects, or one and the support.

        Args:
            draft: Who is present.
            poses: (N, 7) of all instances.
        """
        self._scene.set_poses(self._world(draft, poses))
        return self._scene.deepest_overlap_m()[0]

    def close(self) -> None:
        """Release the simulation."""
        self._scene.close()

    def _author(self, draft: Draft) -> None:
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

    def _world(self, draft: Draft, poses: FloatArray) -> FloatArray:
        world = self._away.copy()
        here = np.flatnonzero(draft.present)
        world[self._rows[here]] = poses[here]
        return world


def second_engine(family: Family, draft: Draft, gravity_mps2: float) -> SecondEngine:
    """MuJoCo for all members whose objects have the scales of ``draft``; close it in the end."""
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
        settings = replace(
            EngineSettings.from_pipeline(), mujoco_stiffness_steps=_STIFFNESS_STEPS, mujoco_impratio=_IMPRATIO
        )
        scene = MujocoEngine(settings).open(stage.path)
    assert isinstance(scene, MujocoScene)
    return SecondEngine(family, scene, stage.bodies[0], stage.supports[0])


@functools.lru_cache(maxsize=1)
def common_engine(family: Family, gravity_mps2: float) -> SecondEngine:
    """MuJoCo for all members of a family whose sizes do not vary; kept open for the next chunk.

    An opinion depends on nothing that was asked before: everything is set anew for each.
    """
    return second_engine(family, Drawer(family).draw(0), gravity_mps2)
