"""What a URDF says: MuJoCo's reader for masses, shapes and joints, the XML itself for inertia and the extensions."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from physicl_twin.deploy.description import extents
from physicl_twin.deploy.facts import Facts, JointDynamics
from physicl_twin.deploy.read_mujoco import read_mujoco
from physicl_twin.deploy.time_step import time_step_s
from physicl_twin.deploy.urdf_tree import NO_LIMIT, WORLD, start_coordinates
from physicl_twin.engines.mujoco_contact import solref
from physicl_twin.engines.mujoco_spec import SOLIMP, build_spec
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import EngineError
from physicl_twin.model.geometry import FloatArray


def urdf_spec(path: Path) -> Any:
    """The MjSpec that MuJoCo makes of a URDF, with the friction that its Gazebo extension states.

    Raises:
        EngineError: ``engine_refused_model``.
    """
    try:
        spec = mujoco.MjSpec.from_file(str(path))
    except (ValueError, mujoco.FatalError) as error:
        raise EngineError(
            "engine_refused_model",
            f"MuJoCo refused {path.name} after it was written: {' '.join(str(error).split())}.",
            "Report this: the export is not kept.",
        ) from error
    friction = extension_friction(path)
    for body in spec.bodies:
        for geom in body.geoms:
            if body.name in friction:
                geom.friction, geom.condim = [friction[body.name], 0.0, 0.0], 3
    return spec


def behave_as_engine(spec: Any, path: Path, scene: SceneDescription, settings: dict[str, Any]) -> None:
    """Give a URDF's spec what the format cannot say: restitution from Bullet's word, solver and time step as ours."""
    solver = EngineSettings.from_pipeline(settings)
    bare, _ = build_spec(SceneDescription(scene.gravity_mps2, (), (), ()), solver)
    for name in ("integrator", "cone", "solver", "impratio", "iterations", "tolerance", "noslip_iterations"):
        setattr(spec.option, name, getattr(bare.option, name))
    low, high = extents(scene)
    spec.option.timestep = time_step_s("mujoco", float((high - low).max()), settings)
    root = ET.parse(path).getroot()
    bounce = {
        link.get("name", ""): float(stated.get("value", "0"))
        for link in root.iter("link")
        if (stated := link.find("contact/restitution")) is not None
    }
    for body in spec.bodies:
        reference = solref(bounce.get(body.name, 0.0), spec.option.timestep, solver.mujoco_stiffness_steps)
        for geom in body.geoms:
            geom.solref, geom.solimp = list(reference), list(SOLIMP)


def extension_friction(path: Path) -> dict[str, float]:
    """Sliding friction of each link; -1 where Gazebo's and Bullet's words differ or one is missing."""
    root = ET.parse(path).getroot()
    gazebo = {g.get("reference", ""): float(g.findtext("mu1", "-1")) for g in root.iter("gazebo")}
    found = {}
    for link in root.iter("link"):
        bullet = link.find("contact/lateral_friction")
        if bullet is not None:
            name, value = link.get("name", ""), float(bullet.get("value", "-1"))
            found[name] = value if gazebo.get(name) == value else -1.0
    return found


def read_urdf(path: Path, scene: SceneDescription) -> Facts:
    """Bodies and joints of one URDF, at the twin's own pose.

    Args:
        path: The file.
        scene: The twin, for the coordinates of its joints and the pose of a root.
    """
    spec = urdf_spec(path)
    friction = extension_friction(path)
    model = spec.compile()
    bodies = {body.path: body for body in scene.bodies}
    qpos = model.qpos0.copy()
    for name, value in start_coordinates(scene).items():
        joint = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
        if joint >= 0:
            qpos[model.jnt_qposadr[joint]] = value
    root = next((model.body(i).name for i in range(1, model.nbody) if model.body(i).name != WORLD), "")
    links = {link.get("name") for link in ET.parse(path).getroot().iter("link")}
    if root in bodies and WORLD not in links:
        # A URDF says nothing of where its root stands: it stands where the twin has it.
        pose = bodies[root].pose
        model.body(root).pos[:], model.body(root).quat[:] = pose.position_m, pose.quaternion_wxyz
    facts = read_mujoco(model, frames=False, friction=False, qpos=qpos)
    placed = read_mujoco(model, friction=False, qpos=qpos)
    inertia = _inertia(path, model, qpos)
    root_xml = ET.parse(path).getroot()
    words = {joint.get("name", ""): _dynamics(joint) for joint in root_xml.iter("joint")}
    stated = tuple(
        replace(
            body,
            colliders=tuple(replace(c, friction=friction.get(body.name, -1.0)) for c in body.colliders),
            inertia_kgm2=inertia.get(body.name, body.inertia_kgm2),
        )
        for body in facts.bodies
        if body.name != WORLD and body.name in bodies
    )
    joints = tuple(replace(joint, dynamics=words[joint.name]) for joint in facts.joints)
    # Links that are no bodies of the twin are its sites.
    sites = {b.name: b.pose.matrix() for b in placed.bodies if b.name not in bodies and b.pose is not None}
    return replace(facts, bodies=stated, joints=joints, sites=sites, apart=None)


def _dynamics(joint: ET.Element) -> JointDynamics:
    """What the file itself says: URDF knows no spring, no gains and no armature."""
    dynamics, limit, mimic = joint.find("dynamics"), joint.find("limit"), joint.find("mimic")
    effort, velocity = (float(limit.get(key, "0")) if limit is not None else NO_LIMIT for key in ("effort", "velocity"))
    return JointDynamics(
        damping=float(dynamics.get("damping", "0")) if dynamics is not None else 0.0,
        friction=float(dynamics.get("friction", "0")) if dynamics is not None else 0.0,
        max_force=math.inf if effort >= NO_LIMIT else effort,
        max_velocity=math.inf if velocity >= NO_LIMIT else velocity,
        mimic=("", 1.0, 0.0)
        if mimic is None
        else (mimic.get("joint", ""), float(mimic.get("multiplier", "1")), float(mimic.get("offset", "0"))),
    )


def _inertia(path: Path, model: Any, qpos: FloatArray) -> dict[str, FloatArray]:
    """Inertia of each link about its centre of mass in the world's axes, as the file says.

    MuJoCo finds principal axes to 1e-12 kg m2: of what weighs less than a gram that leaves three digits.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    found = {}
    for link in ET.parse(path).getroot().iter("link"):
        stated, origin, name = link.find("inertial/inertia"), link.find("inertial/origin"), link.get("name", "")
        if stated is None:
            continue
        xx, xy, xz, yy, yz, zz = (float(stated.get(f"i{axes}", "0")) for axes in ("xx", "xy", "xz", "yy", "yz", "zz"))
        own = np.zeros(4)
        angles = [float(angle) for angle in (origin.get("rpy", "0 0 0") if origin is not None else "0 0 0").split()]
        mujoco.mju_euler2Quat(own, np.array(angles), "XYZ")
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, own)
        turn = data.body(name).xmat.reshape(3, 3) @ matrix.reshape(3, 3)
        found[name] = turn @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ turn.T
    return found
