"""A bounce threshold for MuJoCo: what has come to lie returns no speed any more.

MuJoCo's contact spring returns its share of any approach speed, however small. A round thing that lies on the facets of
its collider then rocks without end, and walks, as its contact points change. PhysX lets nothing bounce below a speed
(``physxScene:bounceThreshold``), and real bounces die out too. Here the contacts of a body that has moved slower than
that speed for longer than any impact lasts are damped, at the same stiffness. What hits such a body first meets
damped contacts, until the next look finds the body moving.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from physicl_twin.engines.mujoco_contact import DEAD_RESTITUTION, PHASE_PER_STEP, calmed, solref
from physicl_twin.model.geometry import FloatArray

#: Steps between two looks.
STEPS = 8
#: Steps for which every look must find a body slow: twice the half turn of the contact spring, in whose middle even a
#: fast body stands still.
CALM_STEPS = 2 * int(np.ceil(np.pi / PHASE_PER_STEP))
#: Weight of the contact parameters of what is calm or deadens against those of what it touches.
_WEIGHT = 1e6


class CalmContacts:
    """Watches the bodies of a model and sets the contact parameters of their geoms.

    Args:
        model: Compiled MjModel.
        restitution: (G,) of each geom.
        threshold_mps: Speed below which nothing bounces.
        stiffness_steps: Smallest time constant of a contact in time steps.
        deadening: (G,) True for what returns nothing to whatever touches it (``restitutionCombineMode`` min or
            multiply with a restitution of zero); MuJoCo itself would average.
    """

    def __init__(
        self,
        model: Any,
        restitution: list[float],
        threshold_mps: float,
        stiffness_steps: float,
        deadening: list[bool] | None = None,
    ) -> None:
        self._model, self._threshold = model, threshold_mps
        self._restitution, self._stiffness = restitution, stiffness_steps
        self._deadening = deadening if deadening is not None else [False] * len(restitution)
        self._owner: npt.NDArray[np.intp] = np.asarray(model.geom_bodyid, dtype=np.intp)
        reach: FloatArray = np.linalg.norm(model.geom_pos - model.body_ipos[self._owner], axis=1) + model.geom_rbound
        self._reach: FloatArray = np.zeros(model.nbody)
        np.maximum.at(self._reach, self._owner, reach)
        springy = np.array([value >= DEAD_RESTITUTION for value in restitution], dtype=bool)
        self._watched = np.zeros(model.nbody, dtype=bool)
        self._watched[self._owner[springy]] = True
        # The world, and what is fixed to it, never moves and never is calm.
        self._watched &= np.asarray(model.body_weldid) != 0
        self._slow_steps: npt.NDArray[np.int_] = np.zeros(model.nbody, dtype=int)
        self._calm = np.zeros(model.nbody, dtype=bool)

    @property
    def needed(self) -> bool:
        """False when nothing in the scene bounces."""
        return bool(self._watched.any())

    def set_time_step(self, dt_s: float) -> None:
        """Contact parameters of all geoms for a time step."""
        for geom in range(self._model.ngeom):
            self._author(geom, dt_s)

    def forget_bounces(self, dt_s: float) -> None:
        """From now on nothing returns any speed."""
        self._restitution = [0.0] * len(self._restitution)
        self._watched[:] = False
        self.set_time_step(dt_s)

    def look(self, data: Any, steps: int) -> None:
        """Count for how long who is slow, and set who has become calm or woken.

        Args:
            data: The model's MjData.
            steps: Taken since the last look.
        """
        model = self._model
        arm = data.xipos - data.subtree_com[model.body_rootid]
        linear = data.cvel[:, 3:] + np.cross(data.cvel[:, :3], arm)
        speed = np.linalg.norm(linear, axis=1) + self._reach * np.linalg.norm(data.cvel[:, :3], axis=1)
        slow = self._watched & (speed < self._threshold)
        self._slow_steps = np.where(slow, self._slow_steps + steps, 0)
        calm = self._slow_steps >= CALM_STEPS
        changed = calm != self._calm
        if changed.any():
            self._calm = calm
            for geom in np.flatnonzero(changed[self._owner]):
                self._author(int(geom), float(model.opt.timestep))

    def _author(self, geom: int, dt_s: float) -> None:
        springy = solref(self._restitution[geom], dt_s, self._stiffness)
        calm = self._calm[self._owner[geom]] and self._restitution[geom] >= DEAD_RESTITUTION
        self._model.geom_solref[geom] = calmed(springy, dt_s) if calm else springy
        self._model.geom_solmix[geom] = _WEIGHT if calm or self._deadening[geom] else 1.0
