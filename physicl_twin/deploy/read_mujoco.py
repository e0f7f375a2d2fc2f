"""What MuJoCo makes of an exported file: the compiled model, not the text that we wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from physicl_twin.deploy.facts import BodyFacts, ColliderFacts, Facts, JointFacts, surface_area
from physicl_twin.deploy.read_mujoco_joints import apart, dynamics, motion_of
from physicl_twin.engines.hull import solid_integrals
from physicl_twin.model import EngineError, Pose
from physicl_twin.model.geometry import FloatArray

_JOINTS = {
    int(mujoco.mjtJoint.mjJNT_HINGE): "revolute",
    int(mujoco.mjtJoint.mjJNT_SLIDE): "prismatic",
    int(mujoco.mjtJoint.mjJNT_BALL): "spherical",
}
_BOX, _SPHERE = int(mujoco.mjtGeom.mjGEOM_BOX), int(mujoco.mjtGeom.mjGEOM_SPHERE)
_CAPSULE, _MESH = int(mujoco.mjtGeom.mjGEOM_CAPSULE), int(mujoco.mjtGeom.mjGEOM_MESH)
#: A limit beyond this is none (one-sided limits are written so).
_NO_LIMIT = 1e8


def load_model(path: Path) -> Any:
    """Compile a file.

    Raises:
        EngineError: ``engine_refused_model``.
    """
    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except (ValueError, mujoco.FatalError) as error:
        raise EngineError(
            "engine_refused_model",
            f"MuJoCo refused {path.name} after it was written: {' '.join(str(error).split())}.",
            "Report this: the export is not kept.",
        ) from error


def read_mujoco(model: Any, *, frames: bool = True, friction: bool = True, qpos: FloatArray | None = None) -> Facts:
    """Bodies, colliders and joints of a compiled model.

    Args:
        model: MjModel; bodies keep the twin's names.
        frames: False when body frames are the format's own.
        friction: False when the format has none that MuJoCo reads.
        qpos: Configuration in which the twin stands; the model's reference configuration by default.
    """
    data = mujoco.MjData(model)
    if qpos is not None:
        data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)
    bodies = []
    for index in range(1, model.nbody):
        turn = data.ximat[index].reshape(3, 3)
        inertia = turn @ np.diag(model.body_inertia[index]) @ turn.T
        geoms = [g for g in range(model.ngeom) if model.geom_bodyid[g] == index and _collides(model, g)]
        bodies.append(
            BodyFacts(
                model.body(index).name,
                float(model.body_mass[index]),
                data.xipos[index].copy(),
                inertia,
                _pose(data.xpos[index], data.xmat[index]) if frames else None,
                tuple(_collider(model, data, g, friction) for g in geoms),
            )
        )
    joints = [j for j in range(model.njnt) if int(model.jnt_type[j]) in _JOINTS]
    sites = {model.site(s).name: _pose(data.site_xpos[s], data.site_xmat[s]).matrix() for s in range(model.nsite)}
    return Facts(
        tuple(bodies),
        tuple(_joint(model, data, j) for j in joints),
        sites,
        apart(model) if frames else None,
        motion_of(model, data.qpos.copy()),
    )


def _collides(model: Any, geom: int) -> bool:
    return bool(model.geom_contype[geom] or model.geom_conaffinity[geom])


def _pose(position: FloatArray, matrix: FloatArray) -> Pose:
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = matrix.reshape(3, 3), position
    return Pose.from_matrix(frame)


def _collider(model: Any, data: Any, geom: int, friction: bool) -> ColliderFacts:
    pose = _pose(data.geom_xpos[geom], data.geom_xmat[geom])
    kind, size = int(model.geom_type[geom]), model.geom_size[geom].astype(float)
    centre: FloatArray = np.zeros(3)
    if kind == _MESH:
        triangles = _triangles(model, int(model.geom_dataid[geom]))
        vertices, faces = triangles.reshape(-1, 3), np.arange(3 * len(triangles), dtype=np.int32).reshape(-1, 3)
        volume, centre, _ = solid_integrals(vertices, faces)
        area, reach = surface_area(triangles), float(np.abs(vertices).max())
    elif kind == _BOX:
        x, y, z = 2 * size
        volume, area, reach = x * y * z, 2 * (x * y + y * z + z * x), float(size.max())
    elif kind == _SPHERE:
        volume, area, reach = 4 / 3 * np.pi * size[0] ** 3, 4 * np.pi * size[0] ** 2, float(size[0])
    else:
        radius, length = float(size[0]), 2 * float(size[1])
        volume, area = np.pi * radius**2 * length, 2 * np.pi * radius * (length + radius)
        if kind == _CAPSULE:
            volume += 4 / 3 * np.pi * radius**3
        reach = radius + 0.5 * length
    rub = float(model.geom_friction[geom, 0]) if friction else None
    return ColliderFacts(model.geom(geom).name, float(volume), pose.apply(centre[None])[0], float(area), reach, rub)


def _triangles(model: Any, mesh: int) -> FloatArray:
    """(F, 3, 3) triangles of the convex hull that MuJoCo collides with, geom frame."""
    first = int(model.mesh_vertadr[mesh])
    vertices: FloatArray = model.mesh_vert[first : first + int(model.mesh_vertnum[mesh])].astype(float)
    graph = model.mesh_graph[int(model.mesh_graphadr[mesh]) :]
    # mesh_graph: numvert, numface, vert_edgeadr[V], vert_globalid[V], edge_localid[V + 3 F], face_globalid[F, 3]
    numvert, numface = int(graph[0]), int(graph[1])
    start = 2 + 3 * numvert + 3 * numface
    faces = graph[start : start + 3 * numface].reshape(-1, 3)
    triangles: FloatArray = vertices[faces]
    return triangles


def _joint(model: Any, data: Any, joint: int) -> JointFacts:
    kind = _JOINTS[int(model.jnt_type[joint])]
    anchor, axis = data.xanchor[joint].copy(), data.xaxis[joint].copy()
    lower: float | None = None
    upper: float | None = None
    if model.jnt_limited[joint]:
        low, high = (float(v) for v in model.jnt_range[joint])
        lower = low if low > -_NO_LIMIT else None
        upper = high if high < _NO_LIMIT else None
    if kind == "prismatic":
        anchor = np.zeros(3)
    elif kind == "spherical":
        axis = np.zeros(3)
    return JointFacts(model.joint(joint).name, kind, anchor, axis, lower, upper, dynamics(model, joint))
