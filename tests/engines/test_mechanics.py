"""Both engines against mechanics whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from pxr import Sdf, UsdPhysics

from physicl_twin.engines import engine
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model.geometry import Pose
from tests.engines.stages import StageBuilder

G = 9.81


def test_free_fall(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda")
    builder.body("ball", (0, 0, 10), mass=0.3, com=(0, 0, 0), inertia=(1e-3, 1e-3, 1e-3))
    builder.sphere("/World/ball/shape", 0.1)
    with any_engine.open(builder.save()) as scene:
        dt, n = 1e-3, 1000
        scene.step(dt, n)
        # Semi-implicit Euler falls by g t (t + dt) / 2 (MuJoCo); PhysX substeps gravity and comes closer to g t^2 / 2.
        fallen = 10 - scene.poses()[0, 2]
        assert 0.5 * G - 2e-4 < fallen < 0.5 * G * (1.0 + dt) + 2e-4
        assert scene.velocities()[0, 2] == pytest.approx(-G, rel=2e-4)  # PhysX adds up 1000 float32 increments


def test_what_starts_asleep_is_woken(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda")
    builder.body("ball", (0, 0, 10), mass=0.3, com=(0, 0, 0), inertia=(1e-3, 1e-3, 1e-3))
    builder.sphere("/World/ball/shape", 0.1)
    body = UsdPhysics.RigidBodyAPI(builder.stage.GetPrimAtPath("/World/ball"))
    body.CreateStartsAsleepAttr(True)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 500)
        assert scene.poses()[0, 2] == pytest.approx(10 - 0.5 * G * 0.25, abs=5e-3)


def test_free_fall_in_a_y_up_centimetre_stage_is_in_metres(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda", up="Y", metres_per_unit=0.01)
    builder.body("ball", (0, 1000, 0), mass=0.3, com=(1, 2, 3), inertia=(10, 20, 25))
    builder.sphere("/World/ball/shape", 10.0)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 500)
        assert scene.poses()[0, 1] == pytest.approx(10 - 0.5 * G * 0.25, abs=0.5 * G * 0.5 * 1e-3 + 2e-4)
        assert scene.velocities()[0, 1] == pytest.approx(-G / 2, rel=1e-4)
        mass = scene.mass_properties()[0]
        assert mass.com_m == pytest.approx([0.01, 0.02, 0.03], rel=1e-6)
        assert np.diag(mass.inertia_kgm2) == pytest.approx([1e-3, 2e-3, 2.5e-3], rel=1e-6)


def test_unstated_gravity_is_standard(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda", gravity_mps2=None)
    builder.body("ball", (0, 0, 5), mass=1, com=(0, 0, 0), inertia=(1, 1, 1))
    builder.sphere("/World/ball/shape", 0.1)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 100)
        assert scene.velocities()[0, 2] == pytest.approx(-0.981, rel=1e-4)


AXES = [(1, 0, 0, 0), (math.cos(0.3), 0, 0, math.sin(0.3)), (0.5, 0.5, -0.5, 0.5), (0.9, 0.1, -0.3, 0.3)]


@pytest.mark.parametrize("axes", AXES)
def test_mass_properties_read_back(any_engine, tmp_path, axes):
    axes = tuple(np.array(axes) / np.linalg.norm(axes))
    builder = StageBuilder(tmp_path / "s.usda")
    com, diagonal = (0.013, -0.02, 0.031), (0.011, 0.017, 0.022)
    builder.body("thing", (1, 2, 3), (0.9, 0.3, -0.3, 0.1), mass=1.37, com=com, inertia=diagonal, axes=axes)
    builder.box("/World/thing/shape", (0.2, 0.1, 0.05))
    rotation = Pose((0, 0, 0), axes).rotation()
    expected = rotation @ np.diag(diagonal) @ rotation.T
    with any_engine.open(builder.save()) as scene:
        (mass,) = scene.mass_properties()
    assert mass.body == "/World/thing"
    assert mass.mass_kg == pytest.approx(1.37, rel=1e-6)
    assert mass.com_m == pytest.approx(com, rel=1e-5)
    assert np.abs(mass.inertia_kgm2 - expected).max() < 1e-5 * np.abs(expected).max()


def test_mass_inferred_from_density_as_usd_says(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda")
    body = builder.body("thing", (0, 0, 1))
    builder.box("/World/thing/a", (0.2, 0.1, 0.05), position=(0.1, 0, 0))
    builder.box("/World/thing/b", (0.1, 0.1, 0.1), position=(-0.1, 0, 0))
    from pxr import UsdPhysics

    UsdPhysics.MassAPI.Apply(body).CreateDensityAttr(2000.0)
    boxes = [trimesh.creation.box((0.2, 0.1, 0.05)), trimesh.creation.box((0.1, 0.1, 0.1))]
    boxes[0].apply_translation((0.1, 0, 0))
    boxes[1].apply_translation((-0.1, 0, 0))
    solid = trimesh.util.concatenate(boxes)
    solid.density = 2000.0
    with any_engine.open(builder.save()) as scene:
        (mass,) = scene.mass_properties()
    assert mass.mass_kg == pytest.approx(solid.mass, rel=1e-4)
    assert mass.com_m == pytest.approx(solid.center_mass, abs=1e-5)
    assert np.abs(mass.inertia_kgm2 - solid.moment_inertia).max() < 1e-3 * solid.moment_inertia.max()


def test_torque_free_body_keeps_momentum_and_energy(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    builder.body("top", (0, 0, 0), mass=2, com=(0.1, 0, 0), inertia=(0.01, 0.02, 0.025))
    builder.box("/World/top/shape", (0.2, 0.1, 0.05))
    with any_engine.open(builder.save()) as scene:
        start = np.array([[0.3, -0.1, 0.2, 1.0, 2.0, 0.5]])
        scene.set_velocities(start)
        inertia = scene.mass_properties()[0].inertia_kgm2

        def momentum():
            pose, velocity = scene.poses()[0], scene.velocities()[0]
            rotation = Pose(tuple(pose[:3]), tuple(pose[3:])).rotation()
            return 2 * velocity[:3], rotation @ inertia @ rotation.T @ velocity[3:]

        linear0, angular0 = momentum()
        scene.step(5e-4, 2000)
        linear1, angular1 = momentum()
    # The engines integrate to first order: MuJoCo loses 0.1 % of the linear momentum of a body whose frame is not at its
    # com in a second, both lose up to 2 % of the angular momentum over a third of a turn.
    assert linear1 == pytest.approx(linear0, abs=2e-3 * np.linalg.norm(linear0))
    assert np.linalg.norm(angular1 - angular0) < 0.02 * np.linalg.norm(angular0)


def test_state_set_is_state_got(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    for i in range(5):
        builder.body(
            f"b{4 - i}", (i, 0, 0), mass=1 + i, com=(0.01 * i, 0.02, 0), inertia=(0.01, 0.01, 0.01 + 0.001 * i)
        )
        builder.sphere(f"/World/b{4 - i}/shape", 0.1)
    rng = np.random.default_rng(3)
    with any_engine.open(builder.save()) as scene:
        assert scene.bodies == tuple(f"/World/b{i}" for i in range(5))
        assert [m.mass_kg for m in scene.mass_properties()] == pytest.approx([5, 4, 3, 2, 1])
        poses = np.hstack([10 * rng.normal(size=(5, 3)), rng.normal(size=(5, 4))])
        poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1)[:, None]
        poses[:, 3:] *= np.sign(poses[:, 3:4])
        velocities = rng.normal(size=(5, 6))
        scene.set_poses(poses)
        scene.set_velocities(velocities)
        got = scene.poses()
        got[:, 3:] *= np.sign(got[:, 3:4])
        assert got == pytest.approx(poses, abs=1e-5)
        assert scene.velocities() == pytest.approx(velocities, abs=1e-5)
        scene.step(1e-3)
        # The centre of mass, not the frame's origin, moves with the linear velocity.
        com = np.array([m.com_m for m in scene.mass_properties()])
        before = np.array([Pose(tuple(p[:3]), tuple(p[3:])).apply(c[None])[0] for p, c in zip(poses, com, strict=True)])
        after = np.array(
            [Pose(tuple(p[:3]), tuple(p[3:])).apply(c[None])[0] for p, c in zip(scene.poses(), com, strict=True)]
        )
        assert after - before == pytest.approx(1e-3 * velocities[:, :3], abs=4e-5)


SETTLED = {
    "box": 0.05,
    "sphere": 0.1,
    "cylinder": 0.15,
    "capsule": 0.08,
    "cone": 0.1,
    "hull": 0.1,
}


@pytest.mark.parametrize("kind", SETTLED)
def test_settles_at_its_height(any_engine, tmp_path, kind):
    builder = StageBuilder(tmp_path / "s.usda")
    material = builder.material("wood", 0.6)
    builder.ground(material, height=0.25)
    wxyz = (math.sqrt(0.5), math.sqrt(0.5), 0, 0) if kind == "capsule" else (1, 0, 0, 0)
    builder.body("thing", (0, 0, 0.25 + SETTLED[kind] + 0.01), wxyz, mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
    path = "/World/thing/shape"
    if kind == "box":
        builder.box(path, (0.2, 0.2, 0.1), material)
    elif kind == "sphere":
        builder.sphere(path, 0.1, material)
    elif kind == "hull":
        box = trimesh.creation.box((0.2, 0.2, 0.2))
        builder.mesh(path, box.vertices, box.faces, material=material)
    else:
        radius, height = {"cylinder": (0.1, 0.3), "capsule": (0.08, 0.2), "cone": (0.1, 0.2)}[kind]
        builder.round(path, kind, radius, height, material=material)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 1500)
        assert scene.poses()[0, 2] == pytest.approx(0.25 + SETTLED[kind], abs=1e-3)
        assert np.abs(scene.velocities()).max() < 0.02


@pytest.mark.parametrize("mu", [0.05, 0.2, 0.5, 0.8, 1.2])
def test_box_slides_beyond_the_angle_of_friction(any_engine, tmp_path, mu):
    """Two boxes on ramps half a degree below and above atan(mu)."""
    critical = math.atan(mu)
    builder = StageBuilder(tmp_path / "s.usda")
    material = builder.material("m", mu)
    for i, offset in enumerate((-0.5, 0.5)):
        angle = critical + math.radians(offset)
        wxyz = (math.cos(angle / 2), 0, math.sin(angle / 2), 0)
        from pxr import Gf, UsdGeom

        ramp = UsdGeom.Xform.Define(builder.stage, f"/World/ramp{i}")
        ramp.AddTranslateOp().Set(Gf.Vec3d(0, 3 * i, 0))
        ramp.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(*wxyz))
        builder.box(f"/World/ramp{i}/top", (4, 1, 0.2), material, (0, 0, -0.1))
        rotation = Pose((0, 0, 0), wxyz).rotation()
        at = rotation @ [0, 0, 0.0201]
        builder.body(f"box{i}", (at[0], 3 * i, at[2]), wxyz, mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
        builder.box(f"/World/box{i}/shape", (0.2, 0.2, 0.04), material)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 100)  # to touch down
        scene.set_velocities(np.zeros((2, 6)))
        start = scene.poses()[:, :3]
        scene.step(1e-3, 1000)
        moved = np.linalg.norm(scene.poses()[:, :3] - start, axis=1)
        angle = critical + math.radians(0.5)
        expected = 0.5 * G * (math.sin(angle) - mu * math.cos(angle))
    assert moved[0] < 0.05 * expected
    assert moved[1] == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("threshold", [0.0, 0.2])
def test_bounces_end_below_the_threshold(tmp_path, threshold):
    """In MuJoCo, which has no such threshold of its own: a ball that returns 0.95 of its speed bounces on and on."""
    builder = StageBuilder(tmp_path / "s.usda")
    material = builder.material("m", 0.5, restitution=0.95)
    builder.ground(material)
    builder.body("ball", (0, 0, 0.11), mass=0.5, com=(0, 0, 0), inertia=(2e-3, 2e-3, 2e-3))
    builder.sphere("/World/ball/shape", 0.1, material)
    scene_prim = builder.stage.GetPrimAtPath("/World/scene")
    scene_prim.CreateAttribute("physxScene:bounceThreshold", Sdf.ValueTypeNames.Float).Set(threshold)
    with engine("mujoco").open(builder.save()) as scene:
        heights = []
        for _ in range(320):
            scene.step(1e-3, 5)
            heights.append(scene.poses()[0, 2])
    late = np.ptp(heights[240:])
    assert late > 4e-4 if threshold == 0.0 else late < 1e-4


@pytest.mark.parametrize("restitution", [0.0, 0.3, 0.6, 0.9])
def test_restitution(any_engine, tmp_path, restitution):
    builder = StageBuilder(tmp_path / "s.usda")
    material = builder.material("m", 0.5, restitution=restitution)
    builder.ground(material)
    builder.body("ball", (0, 0, 0.6), mass=0.5, com=(0, 0, 0), inertia=(2e-3, 2e-3, 2e-3))
    builder.sphere("/World/ball/shape", 0.1, material)
    with any_engine.open(builder.save()) as scene:
        speeds = []
        for _ in range(600):
            scene.step(1e-3)
            speeds.append(scene.velocities()[0, 2])
    assert max(speeds) / -min(speeds) == pytest.approx(restitution, abs=0.06)


@pytest.mark.parametrize("kind", ["sphere", "cylinder"])
def test_what_rolls_slowly_stops_in_mujoco(tmp_path, kind):
    """Rolling friction b takes m g b / r from what rolls: it stops after v^2 (1 + I / m r^2) r / (2 g b)."""
    radius, speed, rolling = 0.05, 0.02, EngineSettings.from_pipeline().mujoco_rolling_m
    builder = StageBuilder(tmp_path / "s.usda")
    builder.ground()
    ratio = 0.4 if kind == "sphere" else 0.5
    moment = ratio * 0.2 * radius**2
    builder.body("wheel", (0, 0, radius), mass=0.2, com=(0, 0, 0), inertia=(moment, moment, moment))
    if kind == "sphere":
        builder.sphere("/World/wheel/shape", radius)
    else:
        builder.round("/World/wheel/shape", kind, radius, 0.1, axis="Y")
    with engine("mujoco").open(builder.save()) as scene:
        scene.set_velocities(np.array([[speed, 0, 0, 0, speed / radius, 0]]))
        scene.step(2e-3, 2000)
        assert np.abs(scene.velocities()).max() < 2e-3
        expected = speed**2 * (1 + ratio) * radius / (2 * G * rolling)
        assert scene.poses()[0, 0] == pytest.approx(expected, rel=0.1)


def test_a_cylinder_bears_on_a_plane_however_both_are_turned(tmp_path):
    """MuJoCo takes what rounding leaves of the axis for a direction: some of these stood in the air or sank in."""
    from pxr import Gf, UsdGeom

    turned = Pose((0, 0, 0), (math.sqrt(0.5), math.sqrt(0.5), 0, 0))
    wrong = []
    for number in range(48):
        angle = math.radians(20 + 0.4137 * number)
        ramp = Pose((0, 0, 0), (math.cos(angle / 2), 0, math.sin(angle / 2), 0))
        builder = StageBuilder(tmp_path / f"{number}.usda")
        material = builder.material("m", 1.5)
        plane = UsdGeom.Plane.Define(builder.stage, "/World/ramp")
        plane.CreateAxisAttr("Z")
        plane.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(*ramp.quaternion_wxyz))
        builder.collider(plane.GetPrim(), material)
        body = ramp.compose(turned)
        at = ramp.rotation() @ [0, 0, 0.00452]
        builder.body("disc", tuple(at), body.quaternion_wxyz, mass=0.1, com=(0, 0, 0), inertia=(2e-5, 2e-5, 4e-5))
        builder.round("/World/disc/shape", "cylinder", 0.027, 0.009, material=material, axis="Y")
        with engine("mujoco").open(builder.save()) as scene:
            for _ in range(60):
                scene.step(2e-3, 1)
                scene.set_velocities(np.zeros((1, 6)))
            height = float((ramp.rotation().T @ scene.poses()[0, :3])[2])
        if abs(height - 0.0045) > 5e-5:
            wrong.append((math.degrees(angle), height))
    assert not wrong


def test_a_floor_that_deadens_lets_nothing_bounce(any_engine, tmp_path):
    """Combine mode min with a restitution of zero: MuJoCo by itself would take the mean of both springs."""
    builder = StageBuilder(tmp_path / "s.usda")
    rubber, dead = builder.material("rubber", 0.5, restitution=0.9), builder.material("dead", 0.5)
    prim = dead.GetPrim()
    prim.AddAppliedSchema("PhysxMaterialAPI")
    prim.CreateAttribute("physxMaterial:restitutionCombineMode", Sdf.ValueTypeNames.Token, False).Set("min")
    builder.ground(dead)
    builder.body("ball", (0, 0, 0.5), mass=1, com=(0, 0, 0), inertia=(0.004, 0.004, 0.004))
    builder.sphere("/World/ball/shape", 0.1, rubber)
    with any_engine.open(builder.save()) as scene:
        heights = []
        for _ in range(120):
            scene.step(1e-3, 10)
            heights.append(float(scene.poses()[0, 2]))
    landed = next(i for i, height in enumerate(heights) if height < 0.102)
    assert max(heights[landed:]) < 0.11
