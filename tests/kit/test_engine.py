"""The editor's engine on real physics: agreement with the embedded one, and a stage that is left as it was."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom

from physicl_twin.engines import engine
from physicl_twin.kit.engine import KitEngine
from physicl_twin.kit.engine_async import LoopedEngine, MainLoop, roll_out
from physicl_twin.model import EngineError
from physicl_twin.validate.rollouts import RolloutSettings, run
from tests.engines.mechanisms import MechanismBuilder
from tests.engines.stages import StageBuilder
from tests.kit import fake_kit
from tests.kit.editor_port import OvphysxPort
from tests.usd import twins


@pytest.fixture
def port(tmp_path):
    made = OvphysxPort(tmp_path)
    yield made
    made.detach()


def scene_file(path, metres_per_unit=1.0):
    """A box that falls on a floor beside a ball, in any unit."""
    unit = metres_per_unit
    builder = StageBuilder(path, metres_per_unit=unit)
    stone = builder.material("stone", 0.5)
    builder.ground(stone)
    builder.body(
        "box",
        (0.0, 0.0, 0.2 / unit),
        mass=2,
        com=(0, 0, 0.01 / unit),
        inertia=[v / unit**2 for v in (0.02, 0.03, 0.04)],
    )
    builder.box("/World/box/shape", [v / unit for v in (0.2, 0.2, 0.2)], stone)
    builder.body("ball", (1.0 / unit, 0.0, 0.5 / unit), mass=1, com=(0, 0, 0), inertia=[0.004 / unit**2] * 3)
    builder.sphere("/World/ball/shape", 0.1 / unit, stone)
    return builder.save()


@pytest.mark.parametrize("unit", [1.0, 0.01], ids=["metres", "centimetres"])
def test_it_says_what_the_embedded_engine_says(port, tmp_path, unit):
    path = scene_file(tmp_path / "s.usda", unit)
    with engine("physx").open(path) as expected:
        expected.step(1 / 240, 240)
        truth = (
            expected.bodies,
            expected.poses(),
            expected.velocities(),
            expected.contacts(),
            expected.mass_properties(),
            expected.raycast((0.0, 0.0, 2.0), (0.0, 0.0, -3.0), 5.0),
            expected.overlaps((0.0, 0.0, 0.05), 0.02),
        )
    with KitEngine(port=port).open(path) as scene:
        scene.step(1 / 240, 240)
        assert scene.bodies == truth[0] == ("/World/ball", "/World/box")
        np.testing.assert_allclose(scene.poses(), truth[1], atol=1e-7)
        np.testing.assert_allclose(scene.velocities(), truth[2], atol=1e-7)
        assert {(one.body0, one.body1) for one in scene.contacts()} == {(one.body0, one.body1) for one in truth[3]}
        for mine, theirs in zip(scene.contacts(), truth[3], strict=True):
            np.testing.assert_allclose(mine.position_m, theirs.position_m, atol=1e-7)
            np.testing.assert_allclose(mine.normal, theirs.normal, atol=1e-7)
            assert mine.separation_m == pytest.approx(theirs.separation_m, abs=1e-9)
            assert mine.impulse_ns == pytest.approx(theirs.impulse_ns, rel=1e-5)
        for mine, theirs in zip(scene.mass_properties(), truth[4], strict=True):
            assert mine.mass_kg == pytest.approx(theirs.mass_kg)
            np.testing.assert_allclose(mine.com_m, theirs.com_m, atol=1e-9)
            np.testing.assert_allclose(mine.inertia_kgm2, theirs.inertia_kgm2, rtol=1e-6)
        hit = scene.raycast((0.0, 0.0, 2.0), (0.0, 0.0, -3.0), 5.0)
        assert hit.body == truth[5].body == "/World/box"
        assert hit.distance_m == pytest.approx(truth[5].distance_m, rel=1e-6)
        assert scene.overlaps((0.0, 0.0, 0.05), 0.02) == truth[6] == ("/World/box",)


def test_bodies_can_be_placed_and_pushed(port, tmp_path):
    with KitEngine(port=port).open(scene_file(tmp_path / "s.usda", 0.01)) as scene:
        poses = scene.poses()
        poses[0, :3] = (3.0, 1.0, 2.0)
        poses[0, 3:] = (math.cos(0.5), 0.0, 0.0, math.sin(0.5))
        scene.set_poses(poses)
        speed = np.zeros((2, 6))
        speed[0, 0], speed[0, 5] = 1.5, 2.0
        scene.set_velocities(speed)
        np.testing.assert_allclose(scene.poses(), poses, atol=1e-6)
        np.testing.assert_allclose(scene.velocities(), speed, atol=1e-6)
        scene.step(0.01, 10)
        assert scene.poses()[0, 0] == pytest.approx(3.15, abs=1e-4)


def layers_of(stage):
    return {layer.identifier: layer.ExportToString() for layer in stage.GetLayerStack()}


def placed(stage):
    return {
        str(prim.GetPath()): np.array(UsdGeom.Xformable(prim).ComputeLocalToWorldTransform(Usd.TimeCode.Default()))
        for prim in stage.Traverse()
        if prim.IsA(UsdGeom.Xformable)
    }


def live_stage(tmp_path):
    """A stage as an editor has it: unsaved edits in the session layer, a scaled body below a turned parent."""
    stage = Usd.Stage.Open(str(scene_file(tmp_path / "live.usda")))
    parent = UsdGeom.Xform(stage.GetPrimAtPath("/World"))
    parent.AddRotateZOp().Set(30.0)
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        box = UsdGeom.Xformable(stage.GetPrimAtPath("/World/box"))
        box.AddScaleOp(opSuffix="own").Set(Gf.Vec3f(1.0, 1.5, 1.0))
        ball = stage.GetPrimAtPath("/World/ball")
        ball.SetCustomDataByKey("note", "unsaved")
        ball.GetAttribute("physics:startsAsleep").Set(True)
    return stage


def test_the_open_stage_shows_the_motion_and_is_then_as_it_was(port, tmp_path):
    stage = live_stage(tmp_path)
    target = stage.GetEditTarget().GetLayer().identifier
    layers, where = layers_of(stage), placed(stage)
    with KitEngine(port=port).open_stage(stage) as scene:
        before = placed(stage)
        for path in where:
            np.testing.assert_allclose(before[path], where[path], atol=1e-9)
        scene.set_poses(scene.poses())  # shows the bodies where they are: nothing may jump, scales stay
        for path, matrix in placed(stage).items():
            np.testing.assert_allclose(matrix, where[path], atol=1e-5, err_msg=path)
        scene.step(1 / 240, 60)
        poses = scene.poses()
        shown = placed(stage)
        np.testing.assert_allclose(shown["/World/ball"][3, :3], poses[0, :3], atol=1e-6)
        assert where["/World/ball"][3, 2] - shown["/World/ball"][3, 2] > 0.2
        np.testing.assert_allclose(shown["/World/box"][3, :3], poses[1, :3], atol=1e-6)
        assert np.linalg.norm(shown["/World/box"][1, :3]) == pytest.approx(1.5, rel=1e-5)
        assert where["/World/box"][3, 2] - shown["/World/box"][3, 2] > 0.05
        assert stage.GetEditTarget().GetLayer().identifier == target
    assert layers_of(stage) == layers
    for path, matrix in placed(stage).items():
        np.testing.assert_array_equal(matrix, where[path])
    scene.close()  # harmless
    with pytest.raises(EngineError) as caught:
        scene.step(0.01)
    assert caught.value.code == "engine_scene_closed"


def test_a_refused_stage_is_left_as_it_was(port, tmp_path):
    stage = live_stage(tmp_path)
    layers = layers_of(stage)
    port.attach = lambda stage, bodies: bodies[:1]
    with pytest.raises(EngineError, match="made no rigid body of /World/ball") as caught:
        KitEngine(port=port).open_stage(stage)
    assert caught.value.code == "engine_refused_stage"
    assert layers_of(stage) == layers


def test_a_step_that_breaks_leaves_the_stage_as_it_was(port, tmp_path):
    stage = live_stage(tmp_path)
    layers = layers_of(stage)
    with pytest.raises(EngineError) as caught, KitEngine(port=port).open_stage(stage) as scene:
        port.transforms = lambda: np.full((2, 7), np.nan)
        scene.step(0.01)
    assert caught.value.code == "engine_step_failed"
    assert layers_of(stage) == layers
    assert port.scene is None


def test_a_playing_timeline_is_left_alone(port, tmp_path):
    port.reason = "the timeline is playing or paused."
    stage = live_stage(tmp_path)
    layers = layers_of(stage)
    with pytest.raises(EngineError, match="timeline is playing") as caught:
        KitEngine(port=port).open_stage(stage)
    assert caught.value.code == "engine_busy"
    assert layers_of(stage) == layers
    assert port.attached == 0


def test_one_scene_at_a_time(port, tmp_path):
    path = scene_file(tmp_path / "s.usda")
    kit = KitEngine(port=port)
    with kit.open(path):
        with pytest.raises(EngineError) as caught:
            kit.open(path)
        assert caught.value.code == "engine_busy"
    kit.open(path).close()


def test_a_stage_without_bodies_is_refused(port):
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.Cube.Define(stage, "/Cube")
    with pytest.raises(EngineError) as caught:
        KitEngine(port=port).open_stage(stage)
    assert caught.value.code == "engine_refused_stage"
    assert list(stage.GetSessionLayer().subLayerPaths) == []


def test_outside_kit_the_running_engine_says_so():
    with pytest.raises(EngineError) as caught:
        KitEngine()
    assert caught.value.code == "engine_not_installed"
    assert "physx" in caught.value.hint


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    made = twins.single()
    return twins.write(made, folder)


def test_the_same_rollout_gives_the_same_answer(port, twin):
    """The port hands on what ovphysx computes: more than what rounding does to a fall is a fault in between."""
    settings = RolloutSettings.from_pipeline(None)
    mine = run("drop_and_settle", twin, KitEngine(port=port), settings)
    theirs = run("drop_and_settle", twin, "physx", settings)
    assert mine.status == theirs.status == "passed"
    assert [(m.name, m.value) for m in mine.measures] == [
        (m.name, pytest.approx(m.value, rel=1e-3, abs=1e-6)) for m in theirs.measures
    ]
    assert port.scene is None


def test_a_rollout_between_frames_never_holds_one_up(port, twin):
    settings = RolloutSettings.from_pipeline(None)
    frames, threads = [], set()
    step = port.simulate
    port.simulate = lambda dt: (threads.add(threading.get_ident()), step(dt))

    async def frame():
        frames.append(time.perf_counter())
        await asyncio.sleep(0)

    result = asyncio.run(roll_out(lambda it: run("drop_and_settle", twin, it, settings), KitEngine(port=port), frame))
    assert result.status == "passed"
    assert threads == {threading.get_ident()}, "PhysX belongs to the thread that draws"
    gaps = np.diff(frames)
    assert len(gaps) > 10
    assert np.median(gaps) < 0.03


def test_a_rollout_can_be_stopped_at_any_frame(port, twin):
    settings = RolloutSettings.from_pipeline(None)
    frames = []

    async def frame():
        frames.append(port.scene)
        await asyncio.sleep(0)

    with pytest.raises(EngineError) as caught:
        asyncio.run(
            roll_out(
                lambda it: run("drop_and_settle", twin, it, settings),
                KitEngine(port=port),
                frame,
                cancelled=lambda: sum(scene is not None for scene in frames) > 3,
            )
        )
    assert caught.value.code == "engine_stopped"
    assert port.scene is None
    assert "physicl-rollout" not in {thread.name for thread in threading.enumerate()}


def test_what_a_rollout_raises_arrives(port, tmp_path):
    async def frame():
        await asyncio.sleep(0)

    with pytest.raises(EngineError) as caught:
        asyncio.run(roll_out(lambda it: it.open(tmp_path / "missing.usda"), KitEngine(port=port), frame))
    assert caught.value.code == "engine_refused_stage"


def test_a_closed_loop_refuses(port):
    loop = MainLoop()
    loop.close()
    caught = []

    def ask():
        try:
            LoopedEngine(KitEngine(port=port), loop).open("nowhere")
        except EngineError as error:
            caught.append(error.code)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(5.0)
    assert caught == ["engine_stopped"]


@pytest.fixture
def kit(port, monkeypatch):
    """The real adapter, above a Kit whose PhysX is ovphysx."""
    made = fake_kit.Kit(port)
    fake_kit.install(monkeypatch, made)
    monkeypatch.delitem(sys.modules, "physicl_twin.kit.engine_omni", raising=False)
    yield made
    sys.modules.pop("physicl_twin.kit.engine_omni", None)


def test_the_adapter_hands_on_what_physx_says(kit, tmp_path):
    path = scene_file(tmp_path / "s.usda", 0.01)
    with engine("physx").open(path) as truth:
        truth.step(1 / 240, 200)
        expected = truth.poses(), truth.velocities(), truth.contacts(), truth.mass_properties()
    held = dict(kit.settings.values)
    with KitEngine().open(path) as scene:
        assert kit.gpu == 0
        assert not kit.tracking
        assert set(kit.settings.values.values()) == {False}
        scene.step(1 / 240, 200)
        np.testing.assert_allclose(kit.log, np.arange(200) / 240, atol=1e-9)
        np.testing.assert_allclose(scene.poses(), expected[0], atol=1e-5)
        np.testing.assert_allclose(scene.velocities(), expected[1], atol=1e-5)
        assert [(c.body0, c.body1) for c in scene.contacts()] == [(c.body0, c.body1) for c in expected[2]]
        for mine, theirs in zip(scene.mass_properties(), expected[3], strict=True):
            assert (mine.body, mine.mass_kg) == (theirs.body, pytest.approx(theirs.mass_kg))
            np.testing.assert_allclose(mine.com_m, theirs.com_m, atol=1e-6)
            np.testing.assert_allclose(mine.inertia_kgm2, theirs.inertia_kgm2, rtol=1e-5)
        assert scene.raycast((0.0, 0.0, 2.0), (0.0, 0.0, -1.0), 5.0).body == "/World/box"
        assert scene.raycast((9.0, 9.0, 2.0), (0.0, 0.0, 1.0), 5.0) is None
        assert scene.overlaps((0.0, 0.0, 0.05), 0.02) == ("/World/box",)
        poses = scene.poses()
        poses[1, :3] = (0.3, 0.4, 3.0)
        scene.set_poses(poses)
        np.testing.assert_allclose(scene.poses(), poses, atol=1e-5)
    assert KitEngine().version == "omni.physx-1.2.3"
    assert kit.settings.values == held
    assert (kit.gpu, kit.tracking, kit.attached, kit.listeners) == (-1, True, 0, [])


def test_what_physx_complains_about_is_an_error_with_its_words(kit, tmp_path):
    held = dict(kit.settings.values)
    with KitEngine().open(scene_file(tmp_path / "s.usda")) as scene:
        kit.complain("Illegal  mass\non /World/box")
        with pytest.raises(EngineError, match="Illegal mass on /World/box") as caught:
            scene.step(0.01)
    assert caught.value.code == "engine_step_failed"
    assert kit.settings.values == held
    attach = kit.attach_stage
    kit.attach_stage = lambda identity: attach(identity) and False
    with pytest.raises(EngineError) as caught:
        KitEngine().open(scene_file(tmp_path / "t.usda"))
    assert caught.value.code == "engine_refused_stage"
    assert kit.settings.values == held


def test_it_is_found_by_name_inside_kit_only(kit, twin, monkeypatch):
    with engine("kit").open(twin) as scene:
        scene.step(1 / 240, 2)
        assert kit.attached
    assert engine("kit").version == "omni.physx-1.2.3"
    monkeypatch.delitem(sys.modules, "carb")
    with pytest.raises(EngineError) as caught:
        engine("kit")
    assert caught.value.code == "engine_not_installed"


def test_the_adapter_leaves_a_busy_kit_alone(kit, tmp_path):
    path = scene_file(tmp_path / "s.usda")
    kit.stopped = False
    with pytest.raises(EngineError, match="timeline"):
        KitEngine().open(path)
    kit.stopped, kit.attached = True, 5
    with pytest.raises(EngineError, match="another extension"):
        KitEngine().open(path)
    assert kit.attached == 5


def mechanism_file(path, unit=1.0, articulated=True):
    """A hinge whose first body is the child, and a slide on it, on a held base."""
    builder = MechanismBuilder(path, articulated=articulated, metres_per_unit=unit, gravity_mps2=0.0)
    builder.base()
    builder.link("arm", (0, 0, 1 / unit), inertia=[0.01 / unit**2] * 3)
    hinge = builder.joint("hinge", "revolute", "arm", "base", (0, 0, 0), (0, 0, 1 / unit), axis="X")
    builder.link("sled", (0, 0, 1 / unit), inertia=[0.01 / unit**2] * 3)
    builder.joint("rail", "prismatic", "sled", "arm", (0, 0, 0), (0, 0, 0), axis="Y")
    builder.drive(hinge, stiffness=400.0 / unit**2, damping=40.0 / unit**2)
    builder.quiet()
    return builder.save()


@pytest.mark.parametrize("unit", [1.0, 0.01], ids=["metres", "centimetres"])
@pytest.mark.parametrize("articulated", [True, False], ids=["articulated", "loose"])
def test_joints_are_set_and_told_as_by_the_embedded_engine(port, tmp_path, unit, articulated):
    path = mechanism_file(tmp_path / "s.usda", unit, articulated)
    found = []
    for made in (engine("physx"), KitEngine(port=port)):
        with made.open(path) as scene:
            assert scene.joints == ("/World/joints/hinge", "/World/joints/rail")
            scene.set_joint_positions(np.array([0.4, 0.2]))
            scene.set_joint_velocities(np.array([1.0, 0.5]))
            found.append([scene.joint_positions(), scene.joint_velocities(), scene.poses(), scene.velocities()])
            if articulated:
                scene.set_joint_targets(np.array([0.7, 0.0]))
                scene.step(0.002, 1000)
                assert scene.joint_positions()[0] == pytest.approx(0.7, abs=5e-3)
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-5)
    np.testing.assert_allclose(found[1][0], [0.4, 0.2], atol=1e-5)
    np.testing.assert_allclose(found[1][1], [1.0, 0.5], atol=1e-5)


def test_the_editor_says_which_joints_it_cannot_steer(port, tmp_path):
    with KitEngine(port=port).open(mechanism_file(tmp_path / "s.usda", articulated=False)) as scene:
        with pytest.raises(EngineError) as error:
            scene.set_joint_targets(np.zeros(2))
        assert error.value.code == "engine_cannot" and "PhysicsArticulationRootAPI" in error.value.hint


def test_the_adapter_finds_the_joints_of_the_view_of_articulations(tmp_path, monkeypatch):
    port = OvphysxPort(tmp_path)
    kit = fake_kit.Kit(port)
    fake_kit.install(monkeypatch, kit)
    monkeypatch.delitem(sys.modules, "physicl_twin.kit.engine_omni", raising=False)
    with KitEngine().open(mechanism_file(tmp_path / "s.usda")) as scene:
        scene.set_joint_positions(np.array([0.4, 0.2]))
        np.testing.assert_allclose(scene.joint_positions(), [0.4, 0.2], atol=1e-5)
        scene.set_joint_velocities(np.array([1.0, 0.5]))
        np.testing.assert_allclose(scene.joint_velocities(), [1.0, 0.5], atol=1e-5)
        scene.set_joint_targets(np.array([0.6, 0.0]))
        scene.step(0.002, 1000)
        assert scene.joint_positions()[0] == pytest.approx(0.6, abs=5e-3)
