"""Rollouts over joints in both engines: mechanisms that are right, and mechanisms that are wrong in a known way."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pxr import Sdf, Usd, UsdPhysics

from physicl_twin.engines import ENGINES, EngineSettings, engine
from physicl_twin.model import ValidationError, dumps
from physicl_twin.validate.rollouts import RolloutSettings, applicable, run
from physicl_twin.validate.rollouts.joint_run import energy_j, trial_drives
from physicl_twin.validate.rollouts.moving import survey_moving
from physicl_twin.validate.rollouts.moving_stage import Gains, Setup, open_moving
from tests.engines.mechanisms import MechanismBuilder, pendulum, slider
from tests.usd import movers, twins
from tests.validate.rollout_assets import thing

SETTINGS = RolloutSettings.from_pipeline()


@pytest.fixture(params=ENGINES)
def any_engine(request):
    return engine(request.param)


def surveyed(path, name="mujoco"):
    return survey_moving(path, name, EngineSettings.from_pipeline())


def cabinet(path, door_upper=1.5, post=False, fixed=False):
    """A carcass with a door on a hinge and a drawer; a post in the way of the door when asked."""
    builder = MechanismBuilder(path)
    builder.body("carcass", (0, 0, 0.5), mass=20, com=(0, 0, 0), inertia=(2, 2, 2))
    builder.box("/World/carcass/back", (0.6, 0.02, 1.0), position=(0, 0.25, 0))
    builder.body("door", (-0.3, -0.27, 0.5), mass=3, com=(0.3, 0, 0), inertia=(0.2, 0.25, 0.1))
    builder.box("/World/door/leaf", (0.58, 0.02, 0.9), position=(0.3, 0, 0))
    builder.body("drawer", (0, 0, 0.5), mass=2, com=(0, 0, 0), inertia=(0.02, 0.02, 0.02))
    builder.box("/World/drawer/box", (0.4, 0.3, 0.2))
    door = builder.joint(
        "hinge", "revolute", "carcass", "door", (-0.3, -0.27, 0), (0, 0, 0), axis="Z", lower=-door_upper, upper=0.0
    )
    slide = builder.joint(
        "slide", "prismatic", "carcass", "drawer", (0, 0, 0), (0, 0, 0), axis="X", lower=-0.2, upper=0.4
    )
    builder.losses(door, friction=0.1, damping=0.2)
    builder.losses(slide, friction=1.0, damping=5.0)
    if post:
        builder.body("post", (0.0, -0.75, 0.5), mass=20, com=(0, 0, 0), inertia=(1, 1, 1))
        builder.box("/World/post/pole", (0.05, 0.05, 0.4))
        builder.joint("held", "fixed", "carcass", "post", (0.0, -0.75, 0), (0, 0, 0))
    if fixed:
        builder.joint("anchor", "fixed", "", "carcass", (0, 0, 0.5), (0, 0, 0))
    return builder.save()


def arm(path, stiffness=(900.0, 300.0), damping=(60.0, 20.0), max_force=None):
    """Two links of 0.4 m that stand upright on a base, each with a drive."""
    builder = MechanismBuilder(path)
    builder.base()
    for name, height in (("upper", 0.1), ("lower", 0.5)):
        builder.link(name, (0, 0, height), mass=2, com=(0, 0, 0.2), inertia=(0.03, 0.03, 0.003))
    shoulder = builder.joint("shoulder", "revolute", "base", "upper", (0, 0, 0.1), (0, 0, 0), lower=-1.5, upper=2.0)
    elbow = builder.joint("elbow", "revolute", "upper", "lower", (0, 0, 0.4), (0, 0, 0), lower=-2.0, upper=2.0)
    for joint, k, d in zip((shoulder, elbow), stiffness, damping, strict=True):
        builder.drive(joint, stiffness=k, damping=d, max_force=max_force)
    builder.quiet()
    return builder.save()


def test_a_cabinet_passes_everything_that_is_asked_of_it(any_engine, tmp_path):
    path = cabinet(tmp_path / "cabinet.usda")
    reasons = applicable(path, any_engine.name)
    asked = [name for name, reason in reasons.items() if not reason]
    assert asked == [
        "drop_and_settle", "tilt_to_slide", "kinematics", "joint_sweep", "passivity", "gravity_hold", "momentum",
    ]  # fmt: skip
    for name in asked[2:]:
        result = run(name, path, any_engine)
        assert result.status == "passed", f"{name}: {result.message}"
        assert result.measures and result.criterion
    sweep = run("joint_sweep", path, any_engine)
    assert sweep.measure("lowest_hinge") == pytest.approx(-1.5, abs=0.015)
    assert sweep.measure("highest_slide") == pytest.approx(0.4, abs=0.006)
    curves = {series.name: series for series in sweep.series}
    assert curves.keys() == {"position hinge", "position slide"} and curves["position hinge"].unit == "rad"
    assert min(curves["position hinge"].values) == pytest.approx(-1.5, abs=0.02)


def test_what_has_no_joints_or_is_held_is_asked_other_questions(tmp_path):
    reasons = applicable(thing(tmp_path / "box.usda", "box"), "mujoco")
    assert [name for name, reason in reasons.items() if not reason] == ["drop_and_settle", "tilt_to_slide"]
    reasons = applicable(arm(tmp_path / "arm.usda"), "mujoco")
    asked = [name for name, reason in reasons.items() if not reason]
    assert asked == ["kinematics", "joint_sweep", "passivity", "gravity_hold", "tracking"]
    assert "not dropped" in reasons["drop_and_settle"]
    with pytest.raises(ValidationError) as error:
        run("joint_sweep", thing(tmp_path / "ball.usda", "sphere"), "mujoco")
    assert error.value.code == "rollout_no_joint"


def test_limits_of_speed_bind_the_command_in_every_engine(any_engine, tmp_path):
    """MuJoCo's variant has no word for them: told at once, the joints of an arm swing others out of place."""
    made = movers.arm()
    usd = Path(twins.write(made, tmp_path))
    result = run("joint_sweep", usd, any_engine)
    assert result.status == "passed", result.message
    # Three joints, from 0 to -2 and to 2.5; half a cosine is pi/2 times as fast in its middle as in the mean.
    least_s = sum(0.5 * math.pi * (2.0 + 2.5) / joint.max_velocity.value for joint in made.joints[:3])
    assert result.series[0].time_s[-1] > least_s


def test_a_joint_that_moves_asks_of_the_others_what_they_can_give(any_engine, tmp_path):
    """Of a light forearm at the end of a long arm, whose drive of 5 Hz is soft against what the arm does to it."""
    builder = MechanismBuilder(tmp_path / "flail.usda")
    builder.base()
    builder.link("upper", (0, 0, 0.1), mass=2, com=(0, 0, 0.2), inertia=(0.03, 0.03, 0.003))
    builder.link("lower", (0, 0, 0.5), mass=2, com=(0, 0, 0.05), inertia=(0.003, 0.003, 0.003))
    shoulder = builder.joint("shoulder", "revolute", "base", "upper", (0, 0, 0.1), (0, 0, 0), lower=-1.5, upper=2.0)
    elbow = builder.joint("elbow", "revolute", "upper", "lower", (0, 0, 0.4), (0, 0, 0), lower=-2.0, upper=2.0)
    own = {shoulder: 0.03 + 2 * 0.2**2 + 0.003 + 2 * 0.45**2, elbow: 0.003 + 2 * 0.05**2}
    omega = 2 * math.pi * 5.0
    for joint, inertia in own.items():
        builder.drive(joint, stiffness=inertia * omega**2, damping=2 * inertia * omega)
    builder.quiet()
    path = builder.save()
    twin = surveyed(path, any_engine.name)
    by_name = [twin.names.index(name) for name in ("shoulder", "elbow")]
    expected = np.array([[own[shoulder], 0.003 + 2 * 0.05 * 0.45], [0.003 + 2 * 0.05 * 0.45, own[elbow]]])
    np.testing.assert_allclose(twin.mass_matrix[np.ix_(by_name, by_name)], expected, rtol=1e-6)
    result = run("joint_sweep", path, any_engine)
    assert result.status == "passed", result.message


def test_a_limit_beyond_what_is_in_the_way_fails(any_engine, tmp_path):
    """The door and what it hangs on do not collide, as USD says of joints; a post that is a body of its own stops it."""
    assert run("joint_sweep", cabinet(tmp_path / "free.usda"), any_engine).status == "passed"
    result = run("joint_sweep", cabinet(tmp_path / "stopped.usda", post=True), any_engine)
    assert result.status == "failed" and "hinge" in result.message and "short of an end" in result.message


def test_a_joint_without_limits_may_be_stopped(any_engine, tmp_path):
    """A door that nobody limits, in front of a post: a whole turn is the rollout's wish, not the door's."""
    path = cabinet(tmp_path / "cabinet.usda", post=True)
    stage = Usd.Stage.Open(str(path))
    for name in ("lowerLimit", "upperLimit"):
        stage.GetPrimAtPath("/World/joints/hinge").RemoveProperty(f"physics:{name}")
    stage.GetRootLayer().Save()
    result = run("joint_sweep", path, any_engine)
    # MuJoCo's soft contacts may let its test drive press it into the post; that is another fault.
    assert "short of an end" not in result.message, result.message
    assert any_engine.name == "mujoco" or (result.status == "passed" and "hinge at" in result.message), result.message


def test_a_joint_of_a_robot_may_be_stopped_by_its_own_arm(any_engine, tmp_path):
    """The lower link folds onto the base: a limit that only this pose cannot reach is no fault, but is told."""
    builder = MechanismBuilder(tmp_path / "arm.usda")
    builder.body("base", mass=5, com=(0, 0, 0), inertia=(0.1, 0.1, 0.1))
    builder.box("/World/base/block", (0.3, 0.3, 0.3))
    builder.joint("anchor", "fixed", "", "base", (0, 0, 0), (0, 0, 0))
    builder.link("upper", (0, 0, 0.2), com=(0, 0, 0.2))
    builder.body("lower", (0, 0, 0.6), mass=1, com=(0, 0, 0.2), inertia=(0.02, 0.02, 0.002))
    builder.box("/World/lower/bar", (0.05, 0.05, 0.5), position=(0, 0, 0.25))
    shoulder = builder.joint("shoulder", "revolute", "base", "upper", (0, 0, 0.2), (0, 0, 0), lower=-0.5, upper=0.5)
    elbow = builder.joint("elbow", "revolute", "upper", "lower", (0, 0, 0.4), (0, 0, 0), lower=-1.0, upper=3.1)
    builder.drive(shoulder, stiffness=2000, damping=200)
    builder.drive(elbow, stiffness=300, damping=25)
    result = run("joint_sweep", builder.save(), any_engine)
    assert result.status == "passed" and "stopped in the pose of the stage: elbow at" in result.message
    assert "base and lower" in result.message


def test_bodies_that_overlap_are_found(any_engine, tmp_path):
    """A slide on which a body is pushed into a wall of its base that the stage keeps from colliding: nothing; without: failed."""
    statuses = {}
    for filtered in (True, False):
        builder = MechanismBuilder(tmp_path / f"{filtered}.usda")
        builder.base()
        builder.link("sled", (0.5, 0, 0))
        builder.joint("slide", "prismatic", "base", "sled", (0.5, 0, 0), (0, 0, 0), axis="X", lower=-0.2, upper=0.2)
        builder.body("wall", (0.68, 0, 0), mass=5, com=(0, 0, 0), inertia=(0.1, 0.1, 0.1))
        builder.box("/World/wall/slab", (0.1, 0.3, 0.3))
        builder.joint("held", "fixed", "base", "wall", (0.68, 0, 0), (0, 0, 0))
        if filtered:
            sled = builder.stage.GetPrimAtPath("/World/sled")
            UsdPhysics.FilteredPairsAPI.Apply(sled).CreateFilteredPairsRel().SetTargets(["/World/wall"])
        statuses[filtered] = run("joint_sweep", builder.save(), any_engine).status
    assert statuses == {True: "passed", False: "failed"}


def test_energy_counts_springs_rotors_and_what_damping_takes(any_engine, tmp_path):
    builder, rail = slider(tmp_path / "slider.usda", mass=2.0)
    builder.losses(rail, damping=1.0, armature=3.0)
    path = builder.save()
    twin = surveyed(path, any_engine.name)
    assert twin.inertia == pytest.approx([5.0])
    with open_moving(twin, any_engine, Setup()) as scene:
        scene.set_joint_velocities(np.array([0.8]))
        start = energy_j(twin, scene, 0.0)
        assert start == pytest.approx(0.5 * 5.0 * 0.64, rel=1e-5)
        scene.step(1e-3, 500)
        assert energy_j(twin, scene, 0.0) == pytest.approx(start * math.exp(-2.0 * 1.0 / 5.0 * 0.5), rel=5e-3)
    result = run("passivity", path, any_engine)
    assert result.status == "passed" and result.measure("energy_lost") > 0.0


def test_passivity_fails_when_energy_is_fed(any_engine, tmp_path, monkeypatch):
    """A motor that the survey takes for a passive part: its drive stays on and pulls."""
    from physicl_twin.validate.rollouts import passivity

    builder, rail = slider(tmp_path / "slider.usda")
    builder.drive(rail, damping=5.0, velocity=3.0)
    path = builder.save()
    assert run("passivity", path, any_engine).status == "passed"
    module = __import__("sys").modules["physicl_twin.validate.rollouts.joint_run"]
    passive = replace(surveyed(path, any_engine.name), driven=np.array([False]))
    monkeypatch.setattr(module, "survey_moving", lambda *arguments: passive)
    result = passivity(path, any_engine, SETTINGS)
    assert result.status == "failed" and "gained" in result.message


def test_drives_that_are_too_weak_sag(any_engine, tmp_path):
    assert run("gravity_hold", arm(tmp_path / "strong.usda"), any_engine).status == "passed"
    weak = run("gravity_hold", arm(tmp_path / "weak.usda", (40.0, 300.0), (20.0, 20.0)), any_engine)
    assert weak.status == "failed" and "shoulder sags" in weak.message and "elbow" not in weak.message


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_what_nothing_drives_must_lose_energy(any_engine, tmp_path, damping):
    builder, hinge = pendulum(tmp_path / "pendulum.usda")
    # A pendulum that starts from the middle of its range, off its lowest point.
    UsdPhysics.RevoluteJoint(hinge).CreateLowerLimitAttr(-80.0)
    UsdPhysics.RevoluteJoint(hinge).CreateUpperLimitAttr(160.0)
    if damping:
        builder.losses(hinge, damping=damping)
    result = run("gravity_hold", builder.save(), any_engine)
    if damping:
        assert result.status == "passed" and "come to rest" in result.message
    else:
        assert result.status == "failed" and "damping of its joints are missing" in result.message


def test_drives_that_are_slow_or_weak_do_not_follow(any_engine, tmp_path):
    good = run("tracking", arm(tmp_path / "good.usda"), any_engine)
    assert good.status == "passed" and good.measure("drives") == 2
    assert good.measure("worst_lag") < 30.0
    weak = run("tracking", arm(tmp_path / "weak.usda", max_force=0.05), any_engine)
    assert weak.status == "failed" and "shoulder" in weak.message


def test_kinematics_and_momentum_of_a_floating_mechanism(any_engine, tmp_path):
    builder = MechanismBuilder(tmp_path / "floating.usda")
    builder.link("trunk", (0, 0, 1), mass=3.0, inertia=(0.05, 0.08, 0.06))
    builder.link("arm", (0.3, 0, 1), com=(0.2, 0, 0), inertia=(0.002, 0.01, 0.01))
    builder.link("hand", (0.7, 0, 1), com=(0.1, 0, 0.05), mass=0.5)
    # Seen from the hand: USD allows either body to be the first.
    builder.joint("wrist", "revolute", "hand", "arm", (0, 0, 0), (0.4, 0, 0), axis="Z")
    builder.joint("shoulder", "revolute", "trunk", "arm", (0.3, 0, 0), (0, 0, 0))
    for name in ("trunk", "arm", "hand"):
        # Omniverse's own damping of bodies, as drag would be: no part of the mechanism.
        prim = builder.stage.GetPrimAtPath(f"/World/{name}")
        prim.CreateAttribute("physxRigidBody:angularDamping", Sdf.ValueTypeNames.Float).Set(2.0)
    path = builder.save()
    kinematics = run("kinematics", path, any_engine)
    assert kinematics.status == "passed", kinematics.message
    assert kinematics.measure("largest_position_error") < (1e-5 if any_engine.name == "physx" else 1e-7)
    momentum = run("momentum", path, any_engine)
    assert momentum.status == "passed", momentum.message
    assert momentum.measure("momentum_exchanged") > 0.1


def test_joints_of_the_usd_are_those_of_the_record(tmp_path):
    """A record whose hinge stands 10 mm elsewhere than in the USD that was written."""
    made = movers.cabinet()
    usd = Path(twins.write(made, tmp_path))
    record = usd.parent.parent / "twin.json"
    record.write_text(dumps(made), encoding="utf-8")
    right = run("kinematics", usd, "mujoco")
    assert right.status == "passed" and right.measure("largest_distance_from_record") < 1e-6
    hinge = made.joints[0]
    x, y, z = hinge.pose0.position_m
    moved = replace(hinge, pose0=replace(hinge.pose0, position_m=(x + 0.01, y, z)))
    record.write_text(dumps(replace(made, joints=(moved, *made.joints[1:]))), encoding="utf-8")
    wrong = run("kinematics", usd, "mujoco")
    assert wrong.status == "failed" and "The USD puts door 1.00e-02 m" in wrong.message


def test_test_drives_have_the_frequency_that_is_set(any_engine, tmp_path):
    builder, _ = slider(tmp_path / "slider.usda", mass=2.0)
    path = builder.save()
    twin = surveyed(path, any_engine.name)
    drives = trial_drives(twin, SETTINGS.joints)
    omega = 2 * math.pi * SETTINGS.joints.test_frequency_hz
    assert drives == {0: Gains(pytest.approx(2 * omega**2), pytest.approx(2 * 2 * omega), 0.0)}
    with open_moving(twin, any_engine, Setup(drives=drives)) as scene:
        scene.set_joint_targets(np.array([0.1]))
        scene.step(5e-4, round(1.0 / omega / 5e-4))
        # Critically damped: 1 - 2/e after a time of 1/omega.
        assert scene.joint_positions()[0] == pytest.approx(0.1 * (1 - 2 / math.e), abs=2e-3)


def test_a_twin_that_stands_elsewhere_keeps_its_anchor(any_engine, tmp_path):
    """A base that is held in the world's frame: in the rollouts it stands in the twin's own."""
    result = run("joint_sweep", cabinet(tmp_path / "held.usda", fixed=True), any_engine)
    assert result.status == "passed" and result.measure("base_drift") == 0.0


@pytest.mark.parametrize("rollout", ["joint_sweep", "drop_and_settle"])
def test_a_joint_that_starts_beyond_its_limits_is_refused_before_an_engine_sees_it(tmp_path, rollout):
    builder = MechanismBuilder(tmp_path / "beyond.usda")
    builder.link("trunk", (0, 0, 1))
    builder.link("arm", (0, 0, 1))
    builder.joint("hinge", "revolute", "trunk", "arm", (0, 0, 0), (0, 0, 0), lower=-2.4, upper=-0.6)
    with pytest.raises(ValidationError) as error:
        run(rollout, builder.save(), "physx")
    assert error.value.code == "rollout_beyond_limits" and "hinge starts at 0, outside" in error.value.message
