"""How hard MuJoCo's joints hold, which goes with the time step: limits, dry friction, loops, mimics, stiff drives.

MuJoCo's constraints are damped springs; ours are as hard as its documentation allows at the time step in force, as our
contacts are. An actuator's spring is integrated explicitly and would blow up beyond omega dt = 2; where omega dt is
greater than ``STIFFEST`` its force is taken at the end of the step instead, to first order: k (q + v dt), which adds
k dt of damping. PhysX does so with every drive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np

from physicl_twin.engines.mujoco_contact import DEAD_RATIO
from physicl_twin.engines.scene_description import DescribedJoint
from physicl_twin.model.geometry import FloatArray

#: omega dt from which a drive's spring counts as too stiff for the time step (judgement: explicit integration is off by
#: (omega dt)^2 / 24 in frequency there, 1 %; from 2 on it is unstable).
STIFFEST = 0.5
#: Constraint impedance, constant: see ``mujoco_spec.SOLIMP``; friction and loops creep by what is missing from 1.
_SOLIMP = (0.999, 0.999, 0.001, 0.5, 2.0)


class JointSoftness:
    """Sets them in a compiled model.

    Args:
        model: MjModel.
        joints: Those of its drives, by name.
        stiffness_steps: Time constant of constraints in time steps.
    """

    def __init__(self, model: Any, joints: Mapping[str, DescribedJoint], stiffness_steps: float) -> None:
        self._model, self._steps = model, stiffness_steps
        model.jnt_solimp[:] = _SOLIMP
        model.dof_solimp[:] = _SOLIMP
        model.eq_solimp[:] = _SOLIMP
        dofs = np.asarray(model.jnt_dofadr)[np.asarray(model.actuator_trnid)[:, 0]] if model.nu else np.zeros(0, int)
        self._compliance: FloatArray = np.asarray(model.dof_invweight0, dtype=float)[dofs]
        for index in range(model.nu):
            joint = joints[mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_ACTUATOR, index)]
            if joint.drive_acceleration:
                model.actuator_biasprm[index, 1:3] /= self._compliance[index]
        #: (U,) stiffness and damping of the drives, per joint and not per unit of inertia.
        self.stiffness: FloatArray = -model.actuator_biasprm[:, 1].copy()
        self.damping: FloatArray = -model.actuator_biasprm[:, 2].copy()

    def set_time_step(self, dt_s: float) -> None:
        """Adapt them to a time step."""
        model = self._model
        tc_s = self._steps * dt_s
        model.jnt_solref[:] = (tc_s, DEAD_RATIO)
        model.dof_solref[:] = (tc_s, 1.0)
        model.eq_solref[:] = (tc_s, 1.0)
        stiff = np.sqrt(np.maximum(self.stiffness * self._compliance, 0.0)) * dt_s > STIFFEST
        model.actuator_biasprm[:, 2] = -(self.damping + np.where(stiff, self.stiffness * dt_s, 0.0))
