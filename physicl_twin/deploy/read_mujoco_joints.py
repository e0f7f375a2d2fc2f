"""What MuJoCo makes of the joints of an exported file: losses, drives, mimics, filters, and how it moves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np

from physicl_twin.deploy.facts import JointDynamics, Motion
from physicl_twin.model.geometry import FloatArray

_ONE_COORDINATE = (int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE))


def dynamics(model: Any, joint: int) -> JointDynamics:
    """What resists and drives a joint; MuJoCo bounds no speed."""
    if int(model.jnt_type[joint]) not in _ONE_COORDINATE:
        return JointDynamics()
    dof = int(model.jnt_dofadr[joint])
    stiffness, damping, most = float(model.jnt_stiffness[joint]), float(model.dof_damping[dof]), math.inf
    for actuator in range(model.nu):
        if int(model.actuator_trnid[actuator, 0]) == joint:
            stiffness -= float(model.actuator_biasprm[actuator, 1])
            damping -= float(model.actuator_biasprm[actuator, 2])
            if model.actuator_forcelimited[actuator]:
                most = float(model.actuator_forcerange[actuator, 1])
    friction, armature = float(model.dof_frictionloss[dof]), float(model.dof_armature[dof])
    return JointDynamics(stiffness, damping, friction, armature, most, None, _mimic(model, joint))


def _mimic(model: Any, joint: int) -> tuple[str, float, float]:
    """The joint that it follows: q - q0 = a0 + a1 (q_leader - q_leader0), and no higher powers."""
    for equality in range(model.neq):
        if int(model.eq_type[equality]) != int(mujoco.mjtEq.mjEQ_JOINT) or model.eq_obj1id[equality] != joint:
            continue
        leader = int(model.eq_obj2id[equality])
        here, there = (float(model.qpos0[model.jnt_qposadr[j]]) for j in (joint, leader))
        a0, a1 = (float(model.eq_data[equality, i]) for i in (0, 1))
        return model.joint(leader).name, a1, here + a0 - a1 * there
    return "", 1.0, 0.0


def apart(model: Any) -> frozenset[frozenset[str]]:
    """Pairs of bodies with colliding geoms that are excluded from colliding."""
    touching = (g for g in range(model.ngeom) if model.geom_contype[g] or model.geom_conaffinity[g])
    solid = {int(model.geom_bodyid[g]) for g in touching}
    found = set()
    for signature in model.exclude_signature:
        first, second = int(signature) >> 16, int(signature) & 0xFFFF
        if first in solid and second in solid:
            found.add(frozenset((model.body(first).name, model.body(second).name)))
    return frozenset(found)


def motion_of(model: Any, home: FloatArray) -> Motion:
    """How the model moves from a configuration (nq,)."""

    def frames(qpos: FloatArray) -> dict[str, FloatArray]:
        data = mujoco.MjData(model)
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        found = {}
        for body in range(1, model.nbody):
            frame = np.eye(4)
            frame[:3, :3], frame[:3, 3] = data.xmat[body].reshape(3, 3), data.xpos[body]
            found[model.body(body).name] = frame
        return found

    def motion(positions: Mapping[str, float]) -> dict[str, FloatArray]:
        qpos = home.copy()
        for name, value in positions.items():
            joint = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
            if joint >= 0:
                qpos[model.jnt_qposadr[joint]] = value
        before, after = frames(home), frames(qpos)
        return {name: frame @ np.linalg.inv(before[name]) for name, frame in after.items()}

    return motion
