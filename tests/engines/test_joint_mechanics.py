"""Jointed bodies in both engines against mechanics whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.engines.mechanisms import MechanismBuilder, crossings_s, energy_j, momenta, pendulum, slider

G = 9.81


def _period_s(scene, amplitude, seconds, dt=1e-3, every=16):
    scene.set_joint_positions(np.array([amplitude]))
    angles = [amplitude]
    for _ in range(int(seconds / dt / every)):
        scene.step(dt, every)
        angles.append(float(scene.joint_positions()[0]))
    rises = crossings_s(angles, dt * every)
    return (rises[-1] - rises[0]) / (len(rises) - 1)


@pytest.mark.parametrize("articulated", [True, False])
@pytest.mark.parametrize("amplitude", [0.05, 2.0])
def test_the_period_of_a_pendulum_small_and_large(any_engine, tmp_path, amplitude, articulated):
    builder, _ = pendulum(tmp_path / "s.usda", articulated=articulated)
    # Each where it is exact: see the next test; loose joints are softer under PGS.
    builder.solver("PGS" if articulated else "TGS")
    # T = 2 pi sqrt(I / m g l) / agm(1, cos(amplitude / 2)), exact for any amplitude.
    inertia, mean, other = 0.25 + 1e-4, 1.0, math.cos(amplitude / 2)
    for _ in range(8):
        mean, other = 0.5 * (mean + other), math.sqrt(mean * other)
    exact = 2 * math.pi * math.sqrt(inertia / (G * 0.5)) / mean
    with any_engine.open(builder.save()) as scene:
        assert _period_s(scene, amplitude, 3.0 * exact) == pytest.approx(exact, rel=2e-3)


def test_physx_default_solver_feeds_energy_into_articulations_in_proportion_to_the_time_step(tmp_path):
    """What the documentation says of TGS, so that we notice when it is mended; PGS keeps the energy."""
    from physicl_twin.engines import engine

    gained = {}
    for solver, dt in (("PGS", 4e-3), ("TGS", 4e-3), ("TGS", 2e-3)):
        builder, _ = pendulum(tmp_path / f"{solver}{dt}.usda")
        builder.solver(solver)
        with engine("physx").open(builder.save()) as scene:
            scene.set_joint_positions(np.array([2.0]))
            start = energy_j(scene)
            scene.step(dt, round(4.0 / dt))
            gained[solver, dt] = energy_j(scene) - start
    assert abs(gained["PGS", 4e-3]) < 0.07
    assert 0.2 < gained["TGS", 4e-3] < 1.5
    assert gained["TGS", 4e-3] / gained["TGS", 2e-3] == pytest.approx(2.0, rel=0.2)


def test_turns_of_a_free_hinge_are_counted(any_engine, tmp_path):
    builder, _ = pendulum(tmp_path / "s.usda", gravity_mps2=0.0)
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_velocities(np.array([5.0]))
        for _ in range(8):
            scene.step(1e-3, 250)
            reached = scene.joint_positions()[0]
        assert reached == pytest.approx(10.0, abs=5e-3)


def test_joint_coordinates_have_the_sign_of_usd_whichever_body_comes_first(any_engine, tmp_path):
    builder = MechanismBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    builder.base()
    builder.link("arm", (0, 0, 1))
    builder.joint("hinge", "revolute", "arm", "base", (0, 0, 0), (0, 0, 1), axis="X")
    builder.link("sled", (0, 0, 1))
    builder.joint("rail", "prismatic", "sled", "arm", (0, 0, 0), (0, 0, 0), axis="Y")
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_positions(np.array([0.4, 0.2]))
        assert scene.joint_positions() == pytest.approx([0.4, 0.2], abs=1e-6)
        # body0 . pose0 . motion = body1 . pose1: the arm, body 0, is turned back, and the sled lies behind.
        arm, _, sled = scene.poses()
        assert arm[3:] == pytest.approx([math.cos(0.2), -math.sin(0.2), 0, 0], abs=1e-6)
        assert sled[:3] == pytest.approx([0, -0.2 * math.cos(0.4), 1 + 0.2 * math.sin(0.4)], abs=1e-6)
        scene.set_joint_velocities(np.array([1.0, 0.5]))
        assert scene.joint_velocities() == pytest.approx([1.0, 0.5], abs=1e-5)
        scene.step(1e-4, 100)
        assert scene.joint_positions() == pytest.approx([0.41, 0.205], abs=3e-4)


def _double_pendulum(path, articulated=True):
    builder = MechanismBuilder(path, articulated=articulated)
    builder.base(position=(0, 0, 2))
    builder.link("upper", (0, 0, 2), com=(0, 0, -0.5), inertia=(0.02, 0.02, 0.002))
    builder.link("lower", (0, 0, 1), com=(0, 0, -0.5), inertia=(0.02, 0.02, 0.002))
    builder.joint("elbow", "revolute", "upper", "lower", (0, 0, -1), (0, 0, 0))
    builder.joint("shoulder", "revolute", "base", "upper", (0, 0, 0), (0, 0, 0))
    return builder


@pytest.mark.parametrize("articulated", [True, False])
def test_a_double_pendulum_keeps_its_energy(any_engine, tmp_path, articulated):
    builder = _double_pendulum(tmp_path / "s.usda", articulated)
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_positions(np.array([1.0, 1.0]))
        start, span = energy_j(scene), 3.0 * 1.0 * G
        worst = 0.0
        for _ in range(20):
            scene.step(2.5e-4, 400)
            worst = max(worst, abs(energy_j(scene) - start))
    assert worst < 4e-3 * span


def test_the_engines_agree_on_a_swing_down(tmp_path):
    """The motion of both hinges for the 1.2 s in which the arm falls and swings through: within 2 % of its range."""
    from physicl_twin.engines import engine

    paths = {}
    for name in ("physx", "mujoco"):
        builder = _double_pendulum(tmp_path / f"{name}.usda")
        with engine(name).open(builder.save()) as scene:
            scene.set_joint_positions(np.array([0.3, 1.6]))
            path = []
            for _ in range(60):
                scene.step(5e-4, 40)
                path.append(scene.joint_positions())
            paths[name] = np.array(path)
    spread = np.ptp(paths["mujoco"], axis=0)
    assert (np.abs(paths["physx"] - paths["mujoco"]).max(axis=0) < 0.02 * spread).all()


@pytest.mark.parametrize("family", ["newton", "physx"])
def test_viscous_damping_slows_exponentially(any_engine, tmp_path, family):
    builder, rail = slider(tmp_path / "s.usda")
    builder.losses(rail, damping=3.0, family=family)
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_velocities(np.array([1.0]))
        scene.step(1e-3, 800)
        assert scene.joint_velocities()[0] == pytest.approx(math.exp(-3.0 / 2.0 * 0.8), rel=5e-3)


def test_viscous_damping_of_a_hinge_is_per_radian(any_engine, tmp_path):
    builder = MechanismBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    builder.base()
    builder.link("wheel", inertia=(0.2, 0.3, 0.4))
    hinge = builder.joint("hinge", "revolute", "base", "wheel", (0, 0, 0), (0, 0, 0))
    builder.losses(hinge, damping=0.6)
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_velocities(np.array([1.0]))
        scene.step(1e-3, 500)
        assert scene.joint_velocities()[0] == pytest.approx(math.exp(-0.6 / 0.3 * 0.5), rel=5e-3)


@pytest.mark.parametrize("family", ["newton", "physx"])
def test_coulomb_friction_brakes_linearly_and_then_holds(any_engine, tmp_path, family):
    builder, rail = slider(tmp_path / "s.usda")
    builder.losses(rail, friction=4.0, family=family)  # 2 m/s2 on 2 kg
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_velocities(np.array([1.0]))
        scene.step(1e-3, 250)
        assert scene.joint_velocities()[0] == pytest.approx(0.5, abs=0.01)
        scene.step(1e-3, 500)
        assert scene.joint_velocities()[0] == pytest.approx(0.0, abs=1e-3)
        assert scene.joint_positions()[0] == pytest.approx(0.25, abs=2e-3)


def test_coulomb_friction_holds_what_pulls_less(any_engine, tmp_path):
    """A horizontal arm of 0.5 m and 1 kg pulls with 4.9 N m: a friction of 6 holds it, one of 4 does not."""
    for friction, falls in ((6.0, False), (4.0, True)):
        builder, hinge = pendulum(tmp_path / f"{friction}.usda")
        builder.losses(hinge, friction=friction)
        with any_engine.open(builder.save()) as scene:
            scene.set_joint_positions(np.array([math.pi / 2]))
            scene.step(1e-3, 500)
            moved = abs(scene.joint_positions()[0] - math.pi / 2)
        assert moved > 0.3 if falls else moved < 2e-3


def test_armature_adds_to_the_inertia(any_engine, tmp_path):
    """A drive of unbounded damping is a motor of constant effort below its speed: here by its bound."""
    speeds = {}
    for armature in (0.0, 6.0):
        builder, rail = slider(tmp_path / f"{armature}.usda")
        builder.losses(rail, armature=armature)
        builder.drive(rail, damping=1e4, max_force=8.0, velocity=100.0)
        with any_engine.open(builder.save()) as scene:
            scene.step(1e-3, 200)
            speeds[armature] = scene.joint_velocities()[0]
    assert speeds[0.0] == pytest.approx(8.0 / 2.0 * 0.2, rel=0.01)
    assert speeds[6.0] == pytest.approx(8.0 / 8.0 * 0.2, rel=0.01)


@pytest.mark.parametrize("kind", ["force", "acceleration"])
def test_the_step_response_of_a_drive(any_engine, tmp_path, kind):
    """Natural frequency 20 rad/s, damping ratio 0.3: overshoot exp(-pi z / sqrt(1 - z^2)), at time pi / w_d."""
    omega, ratio, mass = 20.0, 0.3, 2.0
    scale = mass if kind == "force" else 1.0
    builder, rail = slider(tmp_path / "s.usda", mass=mass)
    builder.drive(rail, stiffness=scale * omega**2, damping=scale * 2 * ratio * omega, kind=kind)
    dt, path = 2.5e-4, []
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_targets(np.array([0.1]))
        for _ in range(150):
            scene.step(dt, 8)
            path.append(float(scene.joint_positions()[0]))
    peak = int(np.argmax(path))
    damped = omega * math.sqrt(1 - ratio**2)
    assert (peak + 1) * 8 * dt == pytest.approx(math.pi / damped, abs=5e-3)
    assert max(path) / 0.1 - 1.0 == pytest.approx(math.exp(-math.pi * ratio / math.sqrt(1 - ratio**2)), abs=0.012)
    assert path[-1] == pytest.approx(0.1, abs=0.02)


def test_a_bounded_drive_gives_no_more(any_engine, tmp_path):
    builder, rail = slider(tmp_path / "s.usda")
    builder.drive(rail, stiffness=1e5, damping=1e3, max_force=4.0, target=1.0)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 200)
        assert scene.joint_velocities()[0] == pytest.approx(0.4, rel=0.01)


@pytest.mark.parametrize("stiffness", [1e4, 1e7])
def test_a_stiff_drive_holds_still(any_engine, tmp_path, stiffness):
    builder, hinge = pendulum(tmp_path / "s.usda")
    builder.drive(hinge, stiffness=stiffness, damping=0.01 * stiffness, target=1.0)
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_positions(np.array([1.0]))
        scene.step(1e-3, 1000)
        sag = -0.5 * G * math.sin(1.0) / stiffness
        assert scene.joint_positions()[0] - 1.0 == pytest.approx(sag, abs=2e-5)
        assert abs(scene.joint_velocities()[0]) < 1e-3


def test_a_limit_stops_what_runs_into_it(any_engine, tmp_path):
    builder = MechanismBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    builder.base()
    builder.link("cart", mass=2.0)
    builder.joint("rail", "prismatic", "base", "cart", (0, 0, 0), (0, 0, 0), axis="X", lower=-0.1, upper=0.3)
    for speed, limit in ((1.0, 0.3), (-1.0, -0.1)):
        with any_engine.open(builder.save()) as scene:
            scene.set_joint_velocities(np.array([speed]))
            furthest = 0.0
            for _ in range(100):
                scene.step(1e-3, 5)
                furthest = max(furthest, math.copysign(1.0, speed) * float(scene.joint_positions()[0]))
            assert furthest == pytest.approx(abs(limit), abs=6e-3)
            assert abs(scene.joint_velocities()[0]) < 0.1


def test_a_pendulum_rests_on_its_limit(any_engine, tmp_path):
    builder = MechanismBuilder(tmp_path / "s.usda")
    builder.base(position=(0, 0, 1))
    builder.link("bob", (0, 0, 1), com=(0, 0, -0.5), inertia=(1e-3, 1e-3, 1e-3))
    builder.joint("hinge", "revolute", "base", "bob", (0, 0, 0), (0, 0, 0), lower=0.5, upper=2.0)
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_positions(np.array([1.0]))
        scene.step(1e-3, 3000)
        assert scene.joint_positions()[0] == pytest.approx(0.5, abs=2e-3)
        assert abs(scene.joint_velocities()[0]) < 1e-3


def test_a_mimic_follows_its_leader(any_engine, tmp_path):
    builder = MechanismBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    builder.base()
    for name in ("left", "right"):
        builder.link(name)
    leader = builder.joint("leader", "revolute", "base", "left", (0, 0, 0), (0, 0, 0), lower=-1.0, upper=1.0)
    follower = builder.joint("follower", "revolute", "base", "right", (0, 0, 0), (0, 0, 0), lower=-2.0, upper=2.0)
    builder.mimic(follower, leader, -1.5, 0.2)
    builder.drive(leader, stiffness=40.0, damping=2.0, target=0.6)
    builder.quiet()
    with any_engine.open(builder.save()) as scene:
        assert scene.joints == ("/World/joints/follower", "/World/joints/leader")
        scene.set_joint_positions(np.array([0.2, 0.0]))
        scene.step(1e-3, 1500)
        follows, leads = scene.joint_positions()
        assert leads == pytest.approx(0.6, abs=5e-3)
        assert follows == pytest.approx(-1.5 * leads + 0.2, abs=5e-3)


def _four_bar(path):
    """A parallelogram: cranks of 0.4 m stand on the ground 1 m apart, a coupler joins their tips."""
    builder = MechanismBuilder(path, gravity_mps2=0.0)
    builder.base()
    for name, x in (("crank", 0.0), ("rocker", 1.0)):
        builder.link(name, (x, 0, 0), com=(0, 0, 0.2))
    builder.link("coupler", (0, 0, 0.4), com=(0.5, 0, 0))
    drive = builder.joint("a", "revolute", "base", "crank", (0, 0, 0), (0, 0, 0))
    builder.joint("b", "revolute", "crank", "coupler", (0, 0, 0.4), (0, 0, 0))
    builder.joint("c", "revolute", "base", "rocker", (1, 0, 0), (0, 0, 0))
    builder.joint("d", "revolute", "coupler", "rocker", (1, 0, 0), (0, 0, 0.4), loop=True)
    builder.drive(drive, stiffness=200.0, damping=20.0, target=0.8)
    builder.quiet()
    return builder


def test_a_four_bar_loop_stays_closed(any_engine, tmp_path):
    with any_engine.open(_four_bar(tmp_path / "s.usda").save()) as scene:
        scene.step(1e-3, 1500)
        a, b, c, d = scene.joint_positions()
        assert (a, b, c, d) == pytest.approx((0.8, -0.8, 0.8, 0.8), abs=2e-3)
        coupler = scene.poses()[scene.bodies.index("/World/coupler")]
        assert coupler[:3] == pytest.approx([0.4 * math.sin(0.8), 0, 0.4 * math.cos(0.8)], abs=2e-3)


def test_a_sliding_joint_closes_a_loop(any_engine, tmp_path):
    """A crank of 0.2 m turns a rod of 0.5 m whose end slides: x = r cos a + sqrt(l^2 - r^2 sin^2 a)."""
    builder = MechanismBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    builder.base()
    builder.link("crank", com=(0.1, 0, 0))
    builder.link("rod", (0.2, 0, 0), com=(0.25, 0, 0))
    builder.link("piston", (0.7, 0, 0))
    drive = builder.joint("a", "revolute", "base", "crank", (0, 0, 0), (0, 0, 0))
    builder.joint("b", "revolute", "crank", "rod", (0.2, 0, 0), (0, 0, 0))
    builder.joint("c", "revolute", "rod", "piston", (0.5, 0, 0), (0, 0, 0))
    builder.joint("rail", "prismatic", "base", "piston", (0, 0, 0), (0, 0, 0), axis="X", loop=True)
    builder.drive(drive, stiffness=200.0, damping=20.0, target=1.0)
    builder.quiet()
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 1500)
        a, _, _, rail = scene.joint_positions()
        exact = 0.2 * math.cos(a) + math.sqrt(0.25 - 0.04 * math.sin(a) ** 2)
        assert a == pytest.approx(1.0, abs=2e-3)
        assert rail == pytest.approx(exact, abs=2e-3)
        piston = scene.poses()[scene.bodies.index("/World/piston")]
        assert piston[:3] == pytest.approx([exact, 0, 0], abs=2e-3)


@pytest.mark.parametrize("articulated", [True, False])
def test_a_floating_mechanism_keeps_its_momenta(any_engine, tmp_path, articulated):
    builder = MechanismBuilder(tmp_path / "s.usda", articulated=articulated, gravity_mps2=0.0)
    builder.link("trunk", (0, 0, 1), mass=3.0, inertia=(0.05, 0.08, 0.06))
    builder.link("arm", (0.3, 0, 1), com=(0.2, 0, 0), inertia=(0.002, 0.01, 0.01))
    builder.link("hand", (0.7, 0, 1), com=(0.1, 0, 0.05), mass=0.5)
    builder.joint("shoulder", "revolute", "trunk", "arm", (0.3, 0, 0), (0, 0, 0))
    builder.joint("wrist", "revolute", "arm", "hand", (0.4, 0, 0), (0, 0, 0), axis="Z")
    with any_engine.open(builder.save()) as scene:
        scene.set_joint_velocities(np.array([2.0, -3.0]))
        linear, angular = momenta(scene)
        energy = energy_j(scene, 0.0)
        assert np.linalg.norm(linear) > 0.3 and np.linalg.norm(angular) > 0.3
        scene.step(5e-4, 1000)
        after = momenta(scene)
        assert after[0] == pytest.approx(linear, abs=2e-3)
        assert after[1] == pytest.approx(angular, abs=6e-3)
        assert energy_j(scene, 0.0) == pytest.approx(energy, rel=0.01)


def test_links_do_not_collide_where_the_articulation_says_so(any_engine, tmp_path):
    """Two arms swing towards each other on hinges 0.5 m apart: with self-collision they meet, without they pass."""
    for quiet in (True, False):
        builder = MechanismBuilder(tmp_path / f"{quiet}.usda", gravity_mps2=0.0)
        builder.base()
        for name, x in (("left", 0.0), ("right", 0.5)):
            builder.body(name, (x, 0, 0), mass=1.0, com=(0, 0, 0.2), inertia=(0.01, 0.01, 0.01))
            builder.box(f"/World/{name}/bar", (0.05, 0.05, 0.4), position=(0, 0, 0.25))
            builder.joint(name, "revolute", "base", name, (x, 0, 0), (0, 0, 0))
        if quiet:
            builder.quiet()
        with any_engine.open(builder.save()) as scene:
            scene.set_joint_velocities(np.array([1.0, -1.0]))
            scene.step(1e-3, 1200)
            left, right = scene.joint_positions()
        if quiet:
            assert left == pytest.approx(1.2, abs=0.01) and right == pytest.approx(-1.2, abs=0.01)
        else:
            assert left < 0.8 and right > -0.8


def test_the_pose_of_the_stage_may_be_another_than_its_joint_state(any_engine, tmp_path):
    from pxr import Sdf

    builder, hinge = pendulum(tmp_path / "s.usda", gravity_mps2=0.0)
    hinge.AddAppliedSchema("PhysicsJointStateAPI:angular")
    hinge.CreateAttribute("state:angular:physics:position", Sdf.ValueTypeNames.Float).Set(30.0)
    hinge.CreateAttribute("state:angular:physics:velocity", Sdf.ValueTypeNames.Float).Set(90.0)
    with any_engine.open(builder.save()) as scene:
        assert scene.joint_positions()[0] == pytest.approx(math.pi / 6, abs=1e-5)
        scene.step(1e-3, 100)
        assert scene.joint_positions()[0] == pytest.approx(math.pi / 6 + 0.1 * math.pi / 2, abs=1e-3)
        bob = scene.poses()[scene.bodies.index("/World/bob")]
        assert 2 * math.atan2(bob[5], bob[3]) == pytest.approx(scene.joint_positions()[0], abs=1e-5)
