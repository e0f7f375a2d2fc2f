"""Drop an export in the engine that it is for, and compare where it comes to lie with the twin's certificate.

The start is that of the validation's drop_and_settle, its copy ``upright``. Where a thing topples is chaos: a bottle
stays up or falls over by a hair. What counts is that it comes to lie at a height of the centre of mass that the
certificate knows for that engine, in whatever orientation it was reached there; when it does not, the copy
``on_side_x``, which starts lower, has the last word.
"""

from __future__ import annotations

import math
import pickle
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import mujoco
import numpy as np

from physicl_twin.deploy.description import extents, lowest
from physicl_twin.deploy.record import DropAgreement
from physicl_twin.deploy.time_step import DropSettings, time_step_s
from physicl_twin.engines import EngineSettings, engine
from physicl_twin.engines.mujoco_contact import solref
from physicl_twin.engines.mujoco_spec import SOLIMP
from physicl_twin.engines.protocol import EngineScene
from physicl_twin.engines.scene_description import SceneDescription, SurfaceMaterial
from physicl_twin.model import Certificate, EngineError, Pose, Status
from physicl_twin.model.geometry import FloatArray
from physicl_twin.settings import child_environment, worker_python
from physicl_twin.usd.rollout_scene import Clone, Surface, write_rollout_scene

#: What Python runs in the process in which mechanisms fall in PhysX.
WORKER = ("-m", "physicl_twin.deploy.drop_worker")
ORIENTATIONS = ("upright", "on_side_x")
_ROLLOUT, _HEIGHT = "drop_and_settle", "final_com_height_"
#: Difference of heights that agrees, over the size of the twin: what is at rest moves less in the certificate's drop.
_AGREES = 0.02


@dataclass(frozen=True, slots=True)
class Fall:
    """How a fall ended.

    Attributes:
        height_m: Of the centre of mass above the floor at the end.
        rests: True when it hardly moved any more.
        seconds: Simulated time.
    """

    height_m: float
    rests: bool
    seconds: float


class _Run(Protocol):
    """A simulation of one thing that falls."""

    def step(self, count: int) -> None:
        """Advance by time steps."""

    def com(self) -> FloatArray:
        """(3,) centre of mass, world."""


def start_pose(scene: SceneDescription, settings: DropSettings, orientation: str) -> Pose:
    """Pose of the twin's frame at the start: tilted a little, its lowest point at the height of the drop.

    Args:
        scene: The twin.
        settings: Of the drop.
        orientation: ``upright`` or ``on_side_x``, the first two of the validation's copies.
    """
    low, high = extents(scene)
    index = ORIENTATIONS.index(orientation)
    direction = float(np.random.default_rng(settings.seed).uniform(0.0, 2.0 * math.pi, index + 1)[index])
    half = 0.5 * math.radians(settings.tilt_deg)
    s = math.sin(half)
    tilt = Pose(quaternion_wxyz=(math.cos(half), s * math.cos(direction), s * math.sin(direction), 0.0))
    quarter = 0.25 * math.pi * index
    turned = tilt.compose(Pose(quaternion_wxyz=(math.cos(quarter), math.sin(quarter), 0.0, 0.0)))
    lift = settings.height_ratio * float((high - low).max()) - lowest(scene, turned)
    return Pose((0.0, 0.0, lift), turned.quaternion_wxyz)


def lowest_surface(scene: SceneDescription, pose: Pose) -> SurfaceMaterial:
    """Surface that touches the floor first: the floor is made of it."""
    heights = [
        (float(pose.compose(body.pose).apply(points)[:, 2].min()) - radius, index, shape.material)
        for body in scene.bodies
        for index, shape in enumerate(body.shapes)
        for points, radius in (shape.support_points(),)
    ]
    return min(heights, key=lambda h: h[:2])[2]


def fall(run: _Run, size_m: float, step_s: float, settings: DropSettings) -> Fall:
    """Let it fall until it rests or its time is over."""
    scale_s = math.sqrt(size_m / settings.gravity_mps2)
    count = max(1, round(scale_s / settings.samples_per_time_scale / step_s))
    kept = max(2, round(settings.rest_time_scales * scale_s / (count * step_s)))
    seen = [run.com()]
    start = seen[0]
    while len(seen) * count * step_s < settings.longest_time_scales * scale_s:
        run.step(count)
        seen.append(run.com())
        last = np.array(seen[-kept:])
        fell = start[2] - last[-1][2] > 0.25 * settings.height_ratio * size_m
        if fell and len(last) == kept and float(np.ptp(last, axis=0).max()) <= settings.rest_move_ratio * size_m:
            return Fall(float(last[-1][2]), True, len(seen) * count * step_s)
    # Something round rolls on: its height is what rests.
    steady = float(np.ptp(np.array(seen[-kept:])[:, 2])) <= settings.rest_move_ratio * size_m
    return Fall(float(seen[-1][2]), steady, len(seen) * count * step_s)


def drop_mujoco(spec: Any, scene: SceneDescription, settings: dict[str, Any], orientation: str) -> Fall:
    """Drop a twin that MuJoCo has read from its export.

    Args:
        spec: MjSpec of the file; a floor is added to it.
        scene: What the twin says: where it starts, how large it is.
        settings: The pipeline's.
        orientation: At the start.
    """
    drop, solver = DropSettings.from_settings(settings), EngineSettings.from_pipeline(settings)
    low, high = extents(scene)
    size_m = float((high - low).max())
    pose = start_pose(scene, drop, orientation)
    step_s = time_step_s("mujoco", size_m, settings)
    surface = lowest_surface(scene, pose)
    floor = spec.worldbody.add_geom(name="physicl_floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1])
    floor.friction, floor.condim = [surface.dynamic_friction, 0, 0], 3
    floor.solref, floor.solimp = list(solref(surface.restitution, step_s, solver.mujoco_stiffness_steps)), list(SOLIMP)
    model = spec.compile()
    targets = {j.path: j.drive_target if j.drive_stiffness else j.drive_target_velocity for j in scene.joints}
    return fall(_MujocoRun(model, pose, targets), size_m, float(model.opt.timestep), drop)


class _MujocoRun:
    def __init__(self, model: Any, pose: Pose, targets: Mapping[str, float]) -> None:
        self._model, self._data = model, mujoco.MjData(model)
        for actuator in range(model.nu):
            self._data.ctrl[actuator] = targets.get(model.actuator(actuator).name, 0.0)
        for joint in range(model.njnt):
            if model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_FREE:
                at = int(model.jnt_qposadr[joint])
                q = self._data.qpos
                placed = pose.compose(_pose(q[at : at + 7]))
                q[at : at + 7] = [*placed.position_m, *placed.quaternion_wxyz]
        mujoco.mj_forward(model, self._data)

    def step(self, count: int) -> None:
        mujoco.mj_step(self._model, self._data, nstep=count)

    def com(self) -> FloatArray:
        mujoco.mj_comPos(self._model, self._data)
        found: FloatArray = self._data.subtree_com[0].copy()
        return found


def drop_physx(usd: Path, scene: SceneDescription, settings: dict[str, Any], orientation: str) -> Fall:
    """Drop an exported USD in PhysX.

    Raises:
        EngineError: ``engine_not_installed``, ``engine_refused_stage``.
    """
    drop = DropSettings.from_settings(settings)
    low, high = extents(scene)
    size_m = float((high - low).max())
    pose = start_pose(scene, drop, orientation)
    step_s = time_step_s("physx", size_m, settings)
    surface = lowest_surface(scene, pose)
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        stage = write_rollout_scene(
            Path(folder) / "drop.usda",
            usd,
            "physx",
            [Clone(pose)],
            ground=Surface(surface.static_friction, surface.dynamic_friction, surface.restitution),
            gravity_mps2=drop.gravity_mps2,
            bounce_threshold_mps=min(0.2, 0.1 * math.sqrt(drop.gravity_mps2 * size_m)),
        )
        with engine("physx", EngineSettings.from_pipeline(settings)).open(stage.path) as running:
            return fall(_EngineRun(running, step_s), size_m, step_s, drop)


def drop_physx_safely(usd: Path, scene: SceneDescription, settings: dict[str, Any], orientation: str) -> Fall:
    """``drop_physx``, of mechanisms in a process of its own: some loops of joints make PhysX end its process.

    Raises:
        EngineError: As ``drop_physx``; ``engine_crashed``.
    """
    if not scene.joints:
        return drop_physx(usd, scene, settings, orientation)
    done = subprocess.run(
        [worker_python(), *WORKER],
        input=pickle.dumps((usd.resolve(), scene, settings, orientation)),
        capture_output=True,
        env=child_environment(),
        check=False,
    )
    if done.returncode != 0 or not done.stdout:
        how = signal.Signals(-done.returncode).name if done.returncode < 0 else f"status {done.returncode}"
        raise EngineError(
            "engine_crashed",
            f"PhysX ended its process ({how}) while the export fell: it cannot simulate this mechanism.",
            "Loops of joints are the commonest cause: see the certificate's rollouts, or use MuJoCo.",
        )
    found = pickle.loads(done.stdout)
    if isinstance(found, EngineError):
        raise found
    assert isinstance(found, Fall)
    return found


class _EngineRun:
    def __init__(self, scene: EngineScene, step_s: float) -> None:
        self._scene, self._step_s, self._masses = scene, step_s, scene.mass_properties()

    def step(self, count: int) -> None:
        self._scene.step(self._step_s, count)

    def com(self) -> FloatArray:
        poses = self._scene.poses()
        moment: FloatArray = np.zeros(3)
        total = 0.0
        for pose, mass in zip(poses, self._masses, strict=True):
            moment = moment + mass.mass_kg * _pose(pose).apply(mass.com_m[None])[0]
            total += mass.mass_kg
        return moment / total


def _pose(values: FloatArray) -> Pose:
    """Position and wxyz quaternion (7,) as a pose."""
    x, y, z, qw, qx, qy, qz = (float(value) for value in values)
    return Pose((x, y, z), (qw, qx, qy, qz))


def agreement(
    engine_name: str, certificate: Certificate | None, scene: SceneDescription, run: Callable[[str], Fall]
) -> DropAgreement:
    """Drop and judge.

    Args:
        engine_name: ``mujoco`` or ``physx``.
        certificate: Of the twin, or None.
        scene: What the twin says.
        run: Drops the export in an orientation.
    """
    if not any(body.shapes for body in scene.bodies):
        return DropAgreement(engine_name, "not_checked", "The twin has no collider that could land.")
    if _held(scene):
        return DropAgreement(engine_name, "not_checked", "The world holds the twin: it does not fall.")
    known = _heights(engine_name, certificate)
    low, high = extents(scene)
    tolerance_m = _AGREES * float((high - low).max())
    found: list[DropAgreement] = []
    for orientation in ORIENTATIONS:
        try:
            ended = run(orientation)
        except EngineError as error:
            if error.code == "engine_not_installed":
                return DropAgreement(engine_name, "not_checked", error.message)
            if error.code == "engine_crashed":
                return DropAgreement(engine_name, "failed", error.message)
            raise
        found.append(_judge(engine_name, orientation, ended, known, tolerance_m))
        if found[-1].status != "failed":
            break
    return replace(found[-1], message=" ".join(one.message for one in found))


def _held(scene: SceneDescription) -> bool:
    """True for a twin of which something is held by the world."""
    return any(body.kinematic for body in scene.bodies) or any("" in (j.body0, j.body1) for j in scene.joints)


def _judge(
    engine_name: str, orientation: str, ended: Fall, known: dict[str, float], tolerance_m: float
) -> DropAgreement:
    told = f"Dropped {orientation}, the centre of mass is {ended.height_m * 1e3:.3f} mm up after {ended.seconds:.2f} s"
    if not ended.rests:
        message = f"{told}, and still moves."
        return DropAgreement(engine_name, "failed", message, known.get(orientation), ended.height_m, tolerance_m)
    if not known:
        message = f"{told}, at rest; the certificate has no drop in {engine_name} to compare it with."
        return DropAgreement(engine_name, "not_checked", message, None, ended.height_m, tolerance_m)
    names = [orientation, *(name for name in known if name != orientation)]
    agreeing = [name for name in names if name in known and abs(known[name] - ended.height_m) <= tolerance_m]
    nearest = agreeing[0] if agreeing else min(known, key=lambda name: abs(known[name] - ended.height_m))
    how = f"{'agrees with' if agreeing else 'differs from'} the certificate's {known[nearest] * 1e3:.3f} mm ({nearest})"
    status: Status = "passed" if agreeing else "failed"
    return DropAgreement(engine_name, status, f"{told}: {how}.", known[nearest], ended.height_m, tolerance_m)


def _heights(engine_name: str, certificate: Certificate | None) -> dict[str, float]:
    """Final heights by orientation in the certificate's drop."""
    for rollout in certificate.rollouts if certificate else ():
        if rollout.name == _ROLLOUT and rollout.engine == engine_name:
            return {m.name.removeprefix(_HEIGHT): m.value for m in rollout.measures if m.name.startswith(_HEIGHT)}
    return {}
