"""Opening stages: many of them, awkward ones, broken ones."""

from __future__ import annotations

import math
import time

import numpy as np
import psutil
import pytest
import trimesh
from pxr import Gf, Usd, UsdGeom, UsdPhysics

from physicl_twin.engines import engine
from physicl_twin.model.errors import EngineError
from tests.engines.stages import StageBuilder


def ball(path, height=1.0):
    builder = StageBuilder(path)
    builder.ground()
    builder.body("ball", (0, 0, height), mass=1, com=(0, 0, 0), inertia=(0.004, 0.004, 0.004))
    builder.sphere("/World/ball/shape", 0.1)
    return builder.save()


def test_unknown_engine():
    with pytest.raises(EngineError) as caught:
        engine("bullet")
    assert caught.value.code == "engine_unknown"


def test_missing_package_is_named(monkeypatch):
    from physicl_twin.engines import registry

    monkeypatch.setitem(
        registry._ENGINES, "mujoco", ("physicl_twin.engines.mujoco_engine", "MujocoEngine", ("no_such",))
    )
    with pytest.raises(EngineError, match="no_such") as caught:
        engine("mujoco")
    assert caught.value.code == "engine_not_installed"


def test_twenty_scenes_in_one_process(any_engine, tmp_path):
    path = ball(tmp_path / "s.usda")
    process = psutil.Process()
    results, memory = [], []
    for _ in range(20):
        with any_engine.open(path) as scene:
            scene.step(1 / 240, 60)
            results.append(scene.poses())
        memory.append(process.memory_info().rss)
    assert all(np.array_equal(result, results[0]) for result in results)
    assert memory[-1] - memory[4] < 20e6


def test_scenes_side_by_side(any_engine, tmp_path):
    scenes = [any_engine.open(ball(tmp_path / f"s{i}.usda", 1.0 + i)) for i in range(4)]
    for i, scene in enumerate(scenes):
        scene.step(1e-3, 10 * (i + 1))
    for i, scene in enumerate(scenes):
        t = 0.01 * (i + 1)
        assert scene.poses()[0, 2] == pytest.approx(1 + i - 0.5 * 9.81 * t * t, abs=2e-4)
        scene.close()


def test_a_drop_is_cheap_once_warm(any_engine, tmp_path):
    path = ball(tmp_path / "s.usda")
    any_engine.open(path).close()
    start = time.perf_counter()
    with any_engine.open(path) as scene:
        for _ in range(60):
            scene.step(1 / 240, 4)
            scene.poses()
    assert time.perf_counter() - start < 1.5


def test_bowl_of_hulls_keeps_a_ball_inside(any_engine, tmp_path):
    """A moving bowl of sixteen wedges and a floor: its hull would carry the ball on top of the rim."""
    builder = StageBuilder(tmp_path / "s.usda")
    material = builder.material("m", 0.4)
    builder.ground(material)
    builder.body("bowl", (0, 0, 0.001), mass=2, com=(0, 0, 0.08), inertia=(0.02, 0.02, 0.03))
    floor = trimesh.creation.cylinder(0.1, 0.01, sections=16)
    builder.mesh("/World/bowl/floor", floor.vertices + np.array([0, 0, 0.005]), floor.faces, material=material)
    for i in range(16):
        a, b = 2 * np.pi * i / 16, 2 * np.pi * (i + 1) / 16
        ring = [
            (r * math.cos(t), r * math.sin(t), z)
            for t in (a, b)
            for r, z in ((0.1, 0), (0.11, 0), (0.2, 0.15), (0.21, 0.15))
        ]
        wedge = trimesh.convex.convex_hull(np.array(ring))
        builder.mesh(f"/World/bowl/wedge{i}", wedge.vertices, wedge.faces, material=material)
    builder.body("ball", (0.1, 0, 0.3), mass=0.2, com=(0, 0, 0), inertia=(7e-5, 7e-5, 7e-5))
    builder.sphere("/World/ball/shape", 0.03, material)
    with any_engine.open(builder.save()) as scene:
        scene.step(1 / 500, 1500)
        ball_pose, bowl_pose = scene.poses()
    assert abs(bowl_pose[2]) < 5e-3
    assert math.hypot(*(ball_pose[:2] - bowl_pose[:2])) < 0.11
    assert ball_pose[2] < 0.09


def test_pendulum_swings_with_its_period(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda")
    start = math.radians(5)
    wxyz = (math.cos(start / 2), 0, math.sin(start / 2), 0)
    builder.body("bob", (0, 0, 2), wxyz, mass=1, com=(0, 0, -0.5), inertia=(1e-3, 1e-3, 1e-3))
    sphere = builder.sphere("/World/bob/shape", 0.05)
    UsdGeom.Xformable(sphere).AddTranslateOp().Set(Gf.Vec3d(0, 0, -0.5))
    hinge = UsdPhysics.RevoluteJoint.Define(builder.stage, "/World/hinge")
    hinge.CreateBody1Rel().SetTargets(["/World/bob"])
    hinge.CreateAxisAttr("Y")
    hinge.CreateLocalPos0Attr(Gf.Vec3f(0, 0, 2))
    period = 2 * math.pi * math.sqrt((1e-3 + 0.25) / (9.81 * 0.5))
    with any_engine.open(builder.save()) as scene:
        steps = 1000
        scene.step(period / steps, steps // 2)
        _, _, _, w, _, y, _ = scene.poses()[0]
        assert 2 * math.atan2(y, w) == pytest.approx(-start, rel=0.03)
        assert scene.poses()[0, :3] == pytest.approx([0, 0, 2], abs=1e-3)


@pytest.mark.parametrize("reverse", [False, True])
def test_prismatic_limit_stops_a_slider(any_engine, tmp_path, reverse):
    builder = StageBuilder(tmp_path / "s.usda")
    builder.body("slider", (0, 0, 2), mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
    builder.box("/World/slider/shape", (0.1, 0.1, 0.1))
    rail = UsdPhysics.PrismaticJoint.Define(builder.stage, "/World/rail")
    rail.CreateAxisAttr("Z")
    if reverse:
        rail.CreateBody0Rel().SetTargets(["/World/slider"])
        rail.CreateLocalPos1Attr(Gf.Vec3f(0, 0, 2))
        rail.CreateLowerLimitAttr(-1.0)
        rail.CreateUpperLimitAttr(0.3)
    else:
        rail.CreateBody1Rel().SetTargets(["/World/slider"])
        rail.CreateLocalPos0Attr(Gf.Vec3f(0, 0, 2))
        rail.CreateLowerLimitAttr(-0.3)
        rail.CreateUpperLimitAttr(1.0)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 1500)
        assert scene.poses()[0, 2] == pytest.approx(1.7, abs=5e-3)


def test_fixed_joint_holds_two_bodies_together(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda")
    for name, x in (("a", 0.0), ("b", 0.3)):
        builder.body(name, (x, 0, 1), mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
        builder.box(f"/World/{name}/shape", (0.1, 0.1, 0.1))
    joint = UsdPhysics.FixedJoint.Define(builder.stage, "/World/weld")
    joint.CreateBody0Rel().SetTargets(["/World/a"])
    joint.CreateBody1Rel().SetTargets(["/World/b"])
    joint.CreateLocalPos0Attr(Gf.Vec3f(0.3, 0, 0))
    with any_engine.open(builder.save()) as scene:
        scene.set_velocities(np.array([[0, 0.6, 0, 0, 0, 2.0], [0, 1.2, 0, 0, 0, 2.0]]))
        scene.step(1e-3, 300)
        a, b = scene.poses()[:, :3]
    assert np.linalg.norm(b - a) == pytest.approx(0.3, abs=2e-3)
    assert abs(b[1] - a[1]) > 0.1


def test_instances_scale_and_nesting_place_colliders(any_engine, tmp_path):
    """A leg mesh instanced twice under a mirrored, scaled, nested body stands where USD says."""
    builder = StageBuilder(tmp_path / "s.usda")
    builder.ground()
    prototype = builder.stage.CreateClassPrim("/Leg")
    box = trimesh.creation.box((0.1, 0.1, 0.4))
    UsdGeom.Xform.Define(builder.stage, "/Leg/geo")
    builder.mesh("/Leg/geo/mesh", box.vertices, box.faces)
    assert prototype
    UsdGeom.Xform.Define(builder.stage, "/World/group").AddTranslateOp().Set(Gf.Vec3d(1, 2, 0))
    builder.body("group/table", (0, 0, 0.41), scale=(2, 1, 2), mass=4, com=(0.1, 0, 0), inertia=(0.1, 0.1, 0.1))
    for i, x in enumerate((-0.2, 0.2)):
        leg = UsdGeom.Xform.Define(builder.stage, f"/World/group/table/leg{i}")
        leg.AddTranslateOp().Set(Gf.Vec3d(x, 0, 0))
        leg.AddScaleOp().Set(Gf.Vec3f(-1, 1, 1))
        leg.GetPrim().GetReferences().AddInternalReference("/Leg")
        leg.GetPrim().SetInstanceable(True)
    with any_engine.open(builder.save()) as scene:
        (mass,) = scene.mass_properties()
        assert mass.com_m == pytest.approx([0.2, 0, 0], abs=1e-6)
        assert scene.poses()[0, :3] == pytest.approx([1, 2, 0.41], abs=1e-6)
        hit = scene.raycast((1.4, 2, 3), (0, 0, -1), 10)
        assert hit is not None and hit.body == "/World/group/table" and hit.distance_m == pytest.approx(2.19, abs=1e-3)
        gap = scene.raycast((1.0, 2, 3), (0, 0, -1), 10)
        assert gap is not None and gap.body == "/World/ground"
        scene.step(1 / 500, 500)
        assert scene.poses()[0, :3] == pytest.approx([1, 2, 0.4], abs=2e-3)


def broken(tmp_path, what):
    builder = StageBuilder(tmp_path / "s.usda")
    builder.ground()
    if what == "no rigid body":
        builder.box("/World/wall", (1, 1, 1))
    elif what == "nan mass":
        builder.body("thing", mass=float("nan"), com=(0, 0, 0), inertia=(1, 1, 1))
        builder.sphere("/World/thing/shape", 0.1)
    elif what == "negative inertia":
        builder.body("thing", mass=1.0, com=(0, 0, 0), inertia=(1, -1, 1))
        builder.sphere("/World/thing/shape", 0.1)
    elif what == "nan points":
        builder.body("thing", mass=1.0, com=(0, 0, 0), inertia=(1, 1, 1))
        box = trimesh.creation.box((1, 1, 1))
        vertices = box.vertices.copy()
        vertices[3, 1] = np.nan
        builder.mesh("/World/thing/shape", vertices, box.faces)
    elif what == "no points":
        builder.body("thing", mass=1.0, com=(0, 0, 0), inertia=(1, 1, 1))
        builder.mesh("/World/thing/shape", np.zeros((0, 3)), np.zeros((0, 3)))
    elif what == "missing layer":
        builder.body("thing", mass=1.0, com=(0, 0, 0), inertia=(1, 1, 1)).GetReferences().AddReference("./gone.usda")
    path = builder.save()
    if what == "truncated":
        path.write_text(path.read_text()[:200])
    elif what == "missing":
        path.unlink()
    return path


BROKEN = [
    "no rigid body",
    "nan mass",
    "negative inertia",
    "nan points",
    "no points",
    "missing layer",
    "truncated",
    "missing",
]


@pytest.mark.parametrize("what", BROKEN)
def test_broken_stages_are_refused_with_a_reason(any_engine, tmp_path, what):
    with pytest.raises(EngineError) as caught:
        any_engine.open(broken(tmp_path, what))
    assert caught.value.code == "engine_refused_stage"
    assert caught.value.hint
    assert str(tmp_path) not in str(caught.value)
    # and the engine still works
    with any_engine.open(ball(tmp_path / "good.usda")) as scene:
        scene.step(1e-3)


def test_body_without_collider_falls_through(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda")
    builder.ground()
    builder.body("ghost", (0, 0, 0.5), mass=1, com=(0, 0, 0), inertia=(1, 1, 1))
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-2, 100)
        assert scene.poses()[0, 2] < -4


def test_huge_hull_is_handled(any_engine, tmp_path):
    """Forty thousand points on a sphere as one convex hull."""
    builder = StageBuilder(tmp_path / "s.usda")
    builder.ground()
    builder.body("thing", (0, 0, 0.5), mass=1, com=(0, 0, 0), inertia=(0.04, 0.04, 0.04))
    mesh = trimesh.creation.icosphere(6, 0.3)
    builder.mesh("/World/thing/shape", mesh.vertices, mesh.faces)
    start = time.perf_counter()
    with any_engine.open(builder.save()) as scene:
        scene.step(1 / 240, 120)
        assert scene.poses()[0, 2] == pytest.approx(0.3, abs=0.02)
    assert time.perf_counter() - start < 20


def test_stage_is_not_changed_by_opening_it(any_engine, tmp_path):
    path = ball(tmp_path / "s.usda")
    before, listing = path.read_bytes(), sorted(tmp_path.iterdir())
    any_engine.open(path).close()
    assert path.read_bytes() == before and sorted(tmp_path.iterdir()) == listing
    assert not Usd.Stage.Open(str(path)).GetPrimAtPath("/World/ball").HasAPI("PhysxContactReportAPI")


def test_a_hinge_stops_at_its_limit(any_engine, tmp_path):
    """A bar that falls about a hinge comes to hang at the limit, 50 degrees below the horizon."""
    builder = StageBuilder(tmp_path / "s.usda")
    builder.body("bar", (0, 0, 2), mass=1.0, com=(0.5, 0, 0), inertia=(1e-3, 2e-2, 2e-2))
    builder.box("/World/bar/shape", (1.0, 0.05, 0.05), position=(0.5, 0, 0))
    hinge = UsdPhysics.RevoluteJoint.Define(builder.stage, "/World/hinge")
    hinge.CreateBody1Rel().SetTargets(["/World/bar"])
    hinge.CreateLocalPos0Attr(Gf.Vec3f(0, 0, 2))
    hinge.CreateAxisAttr("Y")
    hinge.CreateLowerLimitAttr(-90.0)
    hinge.CreateUpperLimitAttr(50.0)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 4000)
        w, _, y, _ = scene.poses()[0, 3:]
    fallen_deg = math.degrees(2 * math.atan2(abs(y), abs(w)))
    assert fallen_deg == pytest.approx(50.0, abs=1.0)
