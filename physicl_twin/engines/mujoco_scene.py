"""A running MuJoCo simulation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mujoco
import numpy as np

from physicl_twin.engines.mujoco_calm import STEPS, CalmContacts
from physicl_twin.engines.mujoco_contact import DEAD_RESTITUTION, solref
from physicl_twin.engines.mujoco_joint_state import MujocoJoints
from physicl_twin.engines.mujoco_spec import PROBE, PROBE_GROUP
from physicl_twin.engines.mujoco_state import BodyState, body_states
from physicl_twin.engines.protocol import Contact, EngineMass, RayHit
from physicl_twin.engines.scene_description import SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.triangles import distance_to_triangles, ray_triangles
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, Pose, Vector3

_WARNINGS = {
    int(mujoco.mjtWarning.mjWARN_CONTACTFULL): "its contact buffer is full",
    int(mujoco.mjtWarning.mjWARN_CNSTRFULL): "its constraint buffer is full",
    int(mujoco.mjtWarning.mjWARN_BADQPOS): "a position is not finite or beyond bounds",
    int(mujoco.mjtWarning.mjWARN_BADQVEL): "a velocity is not finite or beyond bounds",
    int(mujoco.mjtWarning.mjWARN_BADQACC): "an acceleration is not finite or beyond bounds",
}


class MujocoScene:
    """See ``EngineScene``.

    Args:
        model: Compiled MjModel.
        scene: What it was built from.
        notes: Approximations.
        settings: Solver settings.
    """

    def __init__(self, model: Any, scene: SceneDescription, notes: tuple[str, ...], settings: EngineSettings) -> None:
        self._model: Any = model
        self._data: Any = mujoco.MjData(model)
        self._settings = settings
        self._notes = notes
        self._bodies = tuple(body.path for body in scene.dynamic_bodies)
        self._ids = np.array([model.body(path).id for path in self._bodies])
        self._states: tuple[BodyState, ...] = body_states(model, scene)
        self._triangles = {
            shape.path: shape.vertices[shape.faces] for shape in scene.static_shapes if shape.kind == "mesh"
        }
        self._geom_owner = self._owners(model)
        self._flex_owner = [mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_FLEX, i) for i in range(model.nflex)]
        surfaces = {s.path: s.material for b in scene.bodies for s in b.shapes} | {
            s.path: s.material for s in scene.static_shapes
        }
        restitution = [
            surfaces[model.geom(i).name].restitution if model.geom(i).name in surfaces else 0.0
            for i in range(model.ngeom)
        ]
        deadening = [
            (surface := surfaces.get(model.geom(i).name)) is not None
            and surface.restitution < DEAD_RESTITUTION
            and surface.restitution_combine in ("min", "multiply")
            for i in range(model.ngeom)
        ]
        self._calm = CalmContacts(
            model, restitution, scene.bounce_threshold_mps, settings.mujoco_stiffness_steps, deadening
        )
        self._flex_restitution = [surfaces[name].restitution for name in self._flex_owner]
        self._joints = MujocoJoints(model, self._data, scene, settings.mujoco_stiffness_steps)
        self._true_mass: tuple[FloatArray, FloatArray] | None = None
        self._probe = int(model.geom(PROBE).id)
        mujoco.mj_forward(model, self._data)
        self._start(scene)

    def _start(self, scene: SceneDescription) -> None:
        """The state of the stage: joints where it says they are, bodies at their speeds."""
        self.set_poses(self._joints.mechanism.home)
        self.set_velocities(np.array([body.velocity for body in scene.dynamic_bodies]))
        self._joints.start()
        self._refresh()

    def _owners(self, model: Any) -> list[str]:
        """Who a geom counts as: the dynamic body that carries it, or itself."""
        by_id = dict(zip(self._ids.tolist(), self._bodies, strict=True))
        return [by_id.get(int(model.geom_bodyid[i]), model.geom(i).name) for i in range(model.ngeom)]

    @property
    def bodies(self) -> tuple[str, ...]:
        """Prim paths of the dynamic bodies."""
        return self._bodies

    @property
    def notes(self) -> tuple[str, ...]:
        """What MuJoCo had to approximate."""
        return self._notes

    def step(self, dt_s: float, count: int = 1) -> None:
        """Advance by ``count`` steps of ``dt_s`` seconds."""
        self._require_open()
        if dt_s != self._model.opt.timestep:
            self._set_time_step(dt_s)
        # Without anything that bounces one call does all steps.
        stride = STEPS if self._calm.needed else max(count, 1)
        for done in range(0, count, stride):
            taken = min(stride, count - done)
            mujoco.mj_step(self._model, self._data, nstep=taken)
            if self._calm.needed:
                self._calm.look(self._data, taken)
        for warning, meaning in _WARNINGS.items():
            if self._data.warning[warning].number:
                raise EngineError(
                    "engine_step_failed",
                    f"MuJoCo lost the simulation at {self._data.time:.4f} s: {meaning}.",
                    "Check mass, inertia and colliders, or step with a smaller dt.",
                )
        if not np.isfinite(self._data.qpos).all():
            raise EngineError("engine_step_failed", "MuJoCo's state is no longer finite.", "Check mass and inertia.")
        self._refresh()

    def _set_time_step(self, dt_s: float) -> None:
        """The time step, and with it the contacts, whose stiffness we state in time steps."""
        model = self._model
        model.opt.timestep = dt_s
        steps = self._settings.mujoco_stiffness_steps
        self._calm.set_time_step(dt_s)
        self._joints.set_time_step(dt_s)
        for index, restitution in enumerate(self._flex_restitution):
            model.flex_solref[index] = solref(restitution, dt_s, steps)

    def _refresh(self) -> None:
        """Bring derived poses and velocities up to the state: ``mj_step`` leaves them one step behind.

        Contacts and their forces stay those of the step.
        """
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_comVel(self._model, self._data)

    def poses(self) -> FloatArray:
        """(N, 7) position and wxyz quaternion."""
        self._require_open()
        return np.hstack([self._data.xpos[self._ids], self._data.xquat[self._ids]])

    def set_poses(self, poses: FloatArray) -> None:
        """Teleport the bodies; bodies on joints move as far as their joints allow."""
        self._require_open()
        world = {path: Pose.from_matrix(_matrix(row)) for path, row in zip(self._bodies, poses, strict=True)}
        for state in self._states:
            state.set_pose(self._model, self._data, world)
        self._refresh()

    def velocities(self) -> FloatArray:
        """(N, 6) velocity of the centre of mass and angular velocity, world frame."""
        self._require_open()
        result = np.zeros((len(self._ids), 6))
        spatial = np.zeros(6)
        for row, body in enumerate(self._ids):
            mujoco.mj_objectVelocity(self._model, self._data, mujoco.mjtObj.mjOBJ_BODY, int(body), spatial, 0)
            result[row, :3], result[row, 3:] = spatial[3:], spatial[:3]
        return result

    def set_velocities(self, velocities: FloatArray) -> None:
        """Set velocities; bodies on joints take what their joints allow."""
        self._require_open()
        world = dict(zip(self._bodies, np.asarray(velocities, dtype=float), strict=True))
        for state in self._states:
            state.set_velocity(self._model, self._data, world)
        self._refresh()

    @property
    def joints(self) -> tuple[str, ...]:
        """Prim paths of the movable joints."""
        return self._joints.paths

    def joint_positions(self) -> FloatArray:
        """(J,) coordinates, radians or metres."""
        self._require_open()
        return self._joints.positions(self.poses() if self._joints.followed else None)

    def joint_velocities(self) -> FloatArray:
        """(J,) rates of the coordinates."""
        self._require_open()
        followed = self._joints.followed
        return self._joints.rates(self.poses() if followed else None, self.velocities() if followed else None)

    def set_joint_positions(self, positions: FloatArray) -> None:
        """Put the joints of the trees somewhere; roots stay where they are."""
        self._require_open()
        self._joints.put(positions)
        self._refresh()

    def set_joint_velocities(self, velocities: FloatArray) -> None:
        """Set the rates of the joints of the trees."""
        self._require_open()
        self._joints.move(velocities)
        self._refresh()

    def set_joint_targets(self, targets: FloatArray) -> None:
        """Where the drives shall hold their joints."""
        self._require_open()
        self._joints.aim(targets)

    def contacts(self) -> tuple[Contact, ...]:
        """Contact points of the last step."""
        self._require_open()
        found, force = [], np.zeros(6)
        for index in range(self._data.ncon):
            contact = self._data.contact[index]
            if contact.efc_address < 0:
                continue
            mujoco.mj_contactForce(self._model, self._data, index, force)
            first, second = (
                self._geom_owner[geom] if geom >= 0 else self._flex_owner[flex]
                for geom, flex in zip(contact.geom, contact.flex, strict=True)
            )
            # MuJoCo's normal points from the first to the second; ours to the one that sorts first.
            normal = np.array(contact.frame[:3])
            if first < second:
                normal = -normal
            found.append(
                Contact(
                    min(first, second),
                    max(first, second),
                    _vector(contact.pos),
                    _vector(normal),
                    float(contact.dist),
                    float(force[0] * self._model.opt.timestep),
                )
            )
        return tuple(found)

    def set_masses(self, factors: FloatArray) -> None:
        """Make the bodies heavier than they were opened, inertia alike.

        Args:
            factors: (N,) over the mass that the stage states.
        """
        self._require_open()
        if self._true_mass is None:
            self._true_mass = self._model.body_mass[self._ids].copy(), self._model.body_inertia[self._ids].copy()
        mass, inertia = self._true_mass
        self._model.body_mass[self._ids] = mass * factors
        self._model.body_inertia[self._ids] = inertia * factors[:, None]
        mujoco.mj_setConst(self._model, self._data)
        self._data.qacc_warmstart[:] = 0.0

    def set_frictions(self, frictions: Mapping[str, float]) -> None:
        """Give colliders another coefficient of sliding friction, by prim path; what they return becomes nothing."""
        self._require_open()
        for path, value in frictions.items():
            self._model.geom(path).friction[0] = value
        self._calm.forget_bounces(self._model.opt.timestep)

    def restart(self, poses: FloatArray) -> None:
        """Start afresh from (N, 7) poses, at rest, everybody awake, as if nothing had ever happened."""
        self._require_open()
        # First the flag: it is the reset that wakes everybody.
        self._model.opt.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)
        self._model.opt.sleep_tolerance = 0.0
        controls = self._data.ctrl.copy()
        mujoco.mj_resetData(self._model, self._data)
        self._data.ctrl[:] = controls
        self.set_poses(poses)

    def let_sleep(self, below_mps: float) -> None:
        """From now on until the next ``restart``, islands that are slower than this are not stepped any more."""
        self._require_open()
        self._model.opt.sleep_tolerance = below_mps

    def deepest_overlap_m(self) -> tuple[float, str, str]:
        """Depth of the deepest overlap as the bodies stand, without a step, and who overlaps; 0 when nothing does."""
        self._require_open()
        mujoco.mj_collision(self._model, self._data)
        if not self._data.ncon:
            return 0.0, "", ""
        distance = np.asarray(self._data.contact.dist)
        worst = int(np.argmin(distance))
        if distance[worst] >= 0.0:
            return 0.0, "", ""
        first, second = (self._geom_owner[geom] for geom in self._data.contact[worst].geom)
        return -float(distance[worst]), min(first, second), max(first, second)

    def mass_properties(self) -> tuple[EngineMass, ...]:
        """What MuJoCo believes about each body."""
        self._require_open()
        model = self._model
        result = []
        for path, body in zip(self._bodies, self._ids, strict=True):
            rotation = Pose((0.0, 0.0, 0.0), tuple(float(q) for q in model.body_iquat[body])).rotation()  # type: ignore[arg-type]
            inertia = rotation @ np.diag(model.body_inertia[body]) @ rotation.T
            result.append(EngineMass(path, float(model.body_mass[body]), model.body_ipos[body].copy(), inertia))
        return tuple(result)

    def raycast(self, origin_m: Vector3, direction: Vector3, max_distance_m: float) -> RayHit | None:
        """Nearest collider along a ray."""
        self._require_open()
        origin = np.array(origin_m, dtype=float)
        unit = np.array(direction, dtype=float) / np.linalg.norm(direction)
        groups = np.ones(6, np.uint8)
        groups[PROBE_GROUP] = 0
        geom, normal = np.zeros(1, np.int32), np.zeros(3)
        best, owner = mujoco.mj_ray(self._model, self._data, origin, unit, groups, 1, -1, geom, normal), ""
        if best >= 0:
            owner = self._geom_owner[int(geom[0])]
        else:
            best = np.inf
        for path, corners in self._triangles.items():
            hit = ray_triangles(corners, origin, unit)
            if hit is not None and hit[0] < best:
                best, owner = hit[0], path
                triangle = corners[hit[1]]
                normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
                normal = normal / np.linalg.norm(normal) * (-1.0 if normal @ unit > 0 else 1.0)
        if best > max_distance_m:
            return None
        return RayHit(owner, float(best), _vector(origin + best * unit), _vector(normal))

    def overlaps(self, centre_m: Vector3, radius_m: float) -> tuple[str, ...]:
        """Bodies and static colliders that a sphere touches."""
        self._require_open()
        centre = np.array(centre_m, dtype=float)
        self._data.geom_xpos[self._probe] = centre
        found = {
            path for path, corners in self._triangles.items() if distance_to_triangles(corners, centre) <= radius_m
        }
        for geom, owner in enumerate(self._geom_owner):
            if geom != self._probe and owner not in found and self._distance(geom, centre, radius_m) <= radius_m:
                found.add(owner)
        return tuple(sorted(found))

    def _distance(self, geom: int, centre: FloatArray, limit_m: float) -> float:
        if self._model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_PLANE:
            normal = self._data.geom_xmat[geom].reshape(3, 3)[:, 2]
            return float(normal @ (centre - self._data.geom_xpos[geom]))
        # Asked a little beyond the radius: at its limit the function returns the limit itself.
        return float(mujoco.mj_geomDistance(self._model, self._data, geom, self._probe, 2.0 * limit_m + 1e-6, None))

    def close(self) -> None:
        """Release the simulation."""
        self._model = self._data = None

    def __enter__(self) -> MujocoScene:
        """The scene itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        self.close()

    def _require_open(self) -> None:
        if self._model is None:
            raise EngineError("engine_scene_closed", "The simulation is closed.", "Open the stage again.")


def _matrix(row: FloatArray) -> FloatArray:
    return Pose(_vector(row[:3]), (float(row[3]), float(row[4]), float(row[5]), float(row[6]))).matrix()


def _vector(values: FloatArray) -> Vector3:
    return (float(values[0]), float(values[1]), float(values[2]))
