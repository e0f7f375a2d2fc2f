"""Coordinates, rates and drives of the joints of a running MuJoCo simulation."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from physicl_twin.engines.mechanism import Mechanism
from physicl_twin.engines.mujoco_softness import JointSoftness
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.model.geometry import FloatArray


class MujocoJoints:
    """Arrays are in the order of ``paths``; joints that close loops have no coordinate in MuJoCo and follow the bodies.

    Args:
        model: Compiled MjModel.
        data: Its MjData.
        scene: What it was built from.
        stiffness_steps: Time constant of constraints in time steps.
    """

    def __init__(self, model: Any, data: Any, scene: SceneDescription, stiffness_steps: float) -> None:
        self._data = data
        self.mechanism = Mechanism(scene)
        joints = self.mechanism.joints
        self.paths = tuple(joint.path for joint in joints)
        self._softness = JointSoftness(model, {joint.path: joint for joint in joints}, stiffness_steps)
        self._own: NDArray[np.intp] = np.flatnonzero(self.mechanism.in_tree)
        ids = [int(model.joint(self.paths[index]).id) for index in self._own]
        self._qpos: NDArray[np.intp] = np.array([model.jnt_qposadr[i] for i in ids], dtype=np.intp)
        self._dofs: NDArray[np.intp] = np.array([model.jnt_dofadr[i] for i in ids], dtype=np.intp)
        row = {path: index for index, path in enumerate(self.paths)}
        names = [mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_ACTUATOR, index) for index in range(model.nu)]
        self._driven: NDArray[np.intp] = np.array([row[name] for name in names], dtype=np.intp)
        self._target_speed: FloatArray = np.array([joints[index].drive_target_velocity for index in self._driven])
        # Angles of joints that close loops are followed from here on.
        self._latest: FloatArray = np.array([joint.position for joint in joints])
        self.set_time_step(float(model.opt.timestep))
        self.aim(np.array([joint.drive_target for joint in joints]))

    @property
    def followed(self) -> bool:
        """True when some joint must be told from the bodies."""
        return len(self._own) < len(self.paths)

    def set_time_step(self, dt_s: float) -> None:
        """Adapt what goes with the time step."""
        self._softness.set_time_step(dt_s)

    def start(self) -> None:
        """The coordinates and rates of the stage."""
        self.put(self._latest)
        rates = np.array([joint.velocity for joint in self.mechanism.joints])
        if rates.any():
            self.move(rates)

    def positions(self, poses: FloatArray | None) -> FloatArray:
        """(J,) coordinates; ``poses`` of the bodies where some are ``followed``."""
        if poses is not None:
            self._latest = self.mechanism.positions(poses, self._latest)
        self._latest[self._own] = self._data.qpos[self._qpos]
        return self._latest.copy()

    def rates(self, poses: FloatArray | None, velocities: FloatArray | None) -> FloatArray:
        """(J,) rates; poses and velocities of the bodies where some joints are ``followed``."""
        rates = np.zeros(len(self.paths))
        if poses is not None and velocities is not None:
            rates = self.mechanism.rates(poses, velocities)
        rates[self._own] = self._data.qvel[self._dofs]
        return rates

    def put(self, positions: FloatArray) -> None:
        """Write the coordinates of the trees."""
        self._data.qpos[self._qpos] = np.asarray(positions, dtype=float)[self._own]

    def move(self, rates: FloatArray) -> None:
        """Write the rates of the trees."""
        self._data.qvel[self._dofs] = np.asarray(rates, dtype=float)[self._own]

    def aim(self, targets: FloatArray) -> None:
        """The controls of the drives; see ``mujoco_joints``."""
        wanted = np.asarray(targets, dtype=float)[self._driven]
        self._data.ctrl[:] = self._softness.stiffness * wanted + self._softness.damping * self._target_speed
