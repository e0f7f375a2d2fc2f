"""How a body's world pose and velocity go into MuJoCo's generalized coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import mujoco
import numpy as np

from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.model.geometry import FloatArray, Pose


@dataclass(frozen=True, slots=True)
class BodyState:
    """The coordinates of one body; handle parents before children.

    Attributes:
        path: Body.
        body: Its id.
        parent: Path of the body that it hangs on; empty for the world.
        kind: free, slides (three translations), hinge, slide, ball or welded.
        qpos: First position coordinate.
        qvel: First velocity coordinate.
        joint: Id of the (first) joint; -1 when welded.
    """

    path: str
    body: int
    parent: str
    kind: Literal["free", "slides", "hinge", "slide", "ball", "welded"]
    qpos: int = -1
    qvel: int = -1
    joint: int = -1

    def set_pose(self, model: Any, data: Any, world: dict[str, Pose]) -> None:
        """Write the coordinates that put the body at ``world[path]``."""
        wanted = world[self.path]
        if self.kind == "free":
            data.qpos[self.qpos : self.qpos + 7] = (*wanted.position_m, *wanted.quaternion_wxyz)
            return
        if self.kind == "slides":
            model.body_quat[self.body] = wanted.quaternion_wxyz
            model.jnt_axis[self.joint : self.joint + 3] = wanted.rotation()
            data.qpos[self.qpos : self.qpos + 3] = np.array(wanted.position_m) - model.body_pos[self.body]
            return
        if self.kind == "welded":
            return
        parent = world.get(self.parent, Pose())
        relative = np.linalg.inv(parent.matrix()) @ wanted.matrix()
        home = Pose(tuple(model.body_pos[self.body]), tuple(model.body_quat[self.body]))
        turn = np.eye(4)
        turn[:3, :3] = home.rotation().T @ relative[:3, :3]
        quaternion = Pose.from_matrix(turn).quaternion_wxyz
        axis = model.jnt_axis[self.joint]
        if self.kind == "ball":
            data.qpos[self.qpos : self.qpos + 4] = quaternion
        elif self.kind == "hinge":
            angle = 2.0 * np.arctan2(float(axis @ np.array(quaternion[1:])), quaternion[0])
            data.qpos[self.qpos] = model.qpos0[self.qpos] + angle
        else:
            offset = home.rotation().T @ (relative[:3, 3] - model.body_pos[self.body])
            data.qpos[self.qpos] = model.qpos0[self.qpos] + float(axis @ offset)

    def set_velocity(self, model: Any, data: Any, world: dict[str, FloatArray]) -> None:
        """Write the coordinates that give the body ``world[path]``: com velocity and angular velocity."""
        linear, angular = world[self.path][:3], world[self.path][3:]
        rotation = data.xmat[self.body].reshape(3, 3)
        if self.kind == "free":
            data.qvel[self.qvel : self.qvel + 3] = linear - np.cross(angular, rotation @ model.body_ipos[self.body])
            data.qvel[self.qvel + 3 : self.qvel + 6] = rotation.T @ angular
        elif self.kind == "slides":
            data.qvel[self.qvel : self.qvel + 3] = linear
        elif self.kind != "welded":
            parent = world.get(self.parent, np.zeros(6))
            axis = rotation @ model.jnt_axis[self.joint]
            if self.kind == "ball":
                data.qvel[self.qvel : self.qvel + 3] = rotation.T @ (angular - parent[3:])
            elif self.kind == "hinge":
                data.qvel[self.qvel] = axis @ (angular - parent[3:])
            else:
                origin = linear - np.cross(angular, rotation @ model.body_ipos[self.body])
                data.qvel[self.qvel] = axis @ (origin - self._carried(model, data, parent))

    def _carried(self, model: Any, data: Any, parent: FloatArray) -> FloatArray:
        """Velocity of the parent at this body's origin."""
        if not self.parent:
            return np.zeros(3)
        parent_com = data.xipos[model.body_parentid[self.body]]
        carried: FloatArray = parent[:3] + np.cross(parent[3:], data.xpos[self.body] - parent_com)
        return carried


def body_states(model: Any, scene: SceneDescription) -> tuple[BodyState, ...]:
    """The coordinates of each dynamic body, parents first."""
    names = {int(model.body(body.path).id): body.path for body in scene.bodies}
    kinds: dict[int, Literal["free", "slide", "hinge", "ball"]] = {
        int(mujoco.mjtJoint.mjJNT_FREE): "free",
        int(mujoco.mjtJoint.mjJNT_SLIDE): "slide",
        int(mujoco.mjtJoint.mjJNT_HINGE): "hinge",
        int(mujoco.mjtJoint.mjJNT_BALL): "ball",
    }
    states = []
    for described in scene.dynamic_bodies:
        body = int(model.body(described.path).id)
        parent = names.get(int(model.body_parentid[body]), "")
        count, joint = int(model.body_jntnum[body]), int(model.body_jntadr[body])
        if count == 0:
            states.append(BodyState(described.path, body, parent, "welded"))
            continue
        kind: Any = "slides" if count == 3 else kinds[int(model.jnt_type[joint])]
        qpos, qvel = int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])
        states.append(BodyState(described.path, body, parent, kind, qpos, qvel, joint))
    # MuJoCo numbers bodies parents first.
    return tuple(sorted(states, key=lambda state: state.body))
