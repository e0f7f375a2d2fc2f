"""What is authored about joints does in real engines what the twin says: periods, limits, drives, followers, loops."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from physicl_twin import engines, usd
from physicl_twin.model import Drive, Estimate, Mimic, Pose
from physicl_twin.usd.rollout_scene import Clone, Ramp, Surface, write_rollout_scene
from tests.usd.movers import arm, cabinet, doorway, estimate, four_bar, gripper, pendulum, terrace
from tests.usd.twins import quaternion, write

G = 9.81
#: Where the copies stand: an anchor must go with them.
ASIDE = Pose((3.0, -2.0, 1.5), quaternion((0, 0, 1), 40))


#: It gives an effort, and has no gains.
MOTOR = Drive(
    "force",
    Estimate.exact(0.0, "N m/rad", "a motor"),
    Estimate.exact(0.0, "N m s/rad", "a motor"),
    Estimate.exact(40.0, "N m", "a motor"),
)


@pytest.fixture(scope="module", params=["physx", "mujoco"])
def engine(request):
    pytest.importorskip({"physx": "ovphysx", "mujoco": "mujoco"}[request.param])
    return engines.engine(request.param)


def opened(twin, tmp_path: Path, engine, *, gravity: float = 0.0, pose: Pose = ASIDE, fixed: bool = False):
    file = write(twin, tmp_path)
    clones = [Clone(pose, fixed=fixed)]
    return engine.open(write_rollout_scene(tmp_path / "s.usda", file, engine.name, clones, gravity_mps2=gravity).path)


def named(scene) -> dict[str, int]:
    return {path.rsplit("/", 1)[1]: row for row, path in enumerate(scene.joints)}


def positions(scene) -> dict[str, float]:
    return dict(zip(named(scene), scene.joint_positions().tolist(), strict=True))


def test_a_pendulum_on_the_world_swings_with_its_period(engine, tmp_path):
    """A pin straight to the world: PhysX would freeze it without the body that the writer adds."""
    length, start = 0.5, 0.1
    with opened(pendulum(length, position=start), tmp_path, engine, gravity=G) as scene:
        assert positions(scene)["pin"] == pytest.approx(start, abs=1e-4)
        angles = [start]
        for _ in range(1500):
            scene.step(1e-3, 2)
            angles.append(positions(scene)["pin"])
    rises = [i + a / (a - b) for i, (a, b) in enumerate(itertools.pairwise(angles)) if a < 0 <= b]
    period = 2e-3 * (rises[-1] - rises[0]) / (len(rises) - 1)
    inertia = length**2 / 3 + (0.02**2) / 12
    assert period == pytest.approx(2 * math.pi * math.sqrt(inertia / (G * length / 2)), rel=5e-3)


def test_armature_friction_and_damping_of_the_layers_count(engine, tmp_path):
    """An armature of the bar's own inertia makes it sqrt(2) slower; Coulomb friction holds it up to its effort."""
    length, mass = 0.5, 7850 * 0.02 * 0.02 * 0.5
    inertia = mass * length**2 / 3
    heavy = pendulum(length, position=0.1, armature=estimate(inertia, "kg m2"))
    with opened(heavy, tmp_path / "armature", engine, gravity=G) as scene:
        times = []
        for i in range(1500):
            scene.step(1e-3, 2)
            if len(times) < 1 and positions(scene)["pin"] < 0:
                times.append(2e-3 * (i + 1))
    assert times[0] == pytest.approx(math.pi / 2 * math.sqrt(2 * inertia / (mass * G * length / 2)), rel=0.02)
    torque = mass * G * length / 2 * math.sin(0.5)
    for factor, moves in ((1.5, False), (0.5, True)):
        twin = pendulum(length, position=0.5, friction=estimate(factor * torque, "N m"))
        with opened(twin, tmp_path / f"friction{factor}", engine, gravity=G) as scene:
            scene.step(2e-3, 200)
            assert (abs(positions(scene)["pin"] - 0.5) > 0.05) == moves


@pytest.mark.parametrize("motor", [None, MOTOR])
def test_passive_spring_and_damper_settle_where_statics_says(motor, engine, tmp_path):
    """k (rest - q) = m g l / 2 sin q, reached without drive, and beside a motor."""
    length, mass, k, rest = 0.5, 7850 * 0.02 * 0.02 * 0.5, 10.0, 0.8
    stated = {"stiffness": estimate(k, "N m/rad"), "damping": estimate(3.0, "N m s/rad"), "rest": rest}
    twin = pendulum(length, drive=motor, **stated)
    q = rest
    for _ in range(100):
        q = rest - mass * G * length / 2 * math.sin(q) / k
    with opened(twin, tmp_path, engine, gravity=G) as scene:
        scene.step(2e-3, 2500)
        assert positions(scene)["pin"] == pytest.approx(q, abs=2e-3)


def test_drives_reach_their_targets_and_not_beyond_their_effort(engine, tmp_path):
    twin = arm()
    with opened(twin, tmp_path / "reach", engine) as scene:
        rows = named(scene)
        wanted = {"joint_0": 0.4, "joint_1": -0.3, "joint_2": 0.5}
        targets = np.zeros(len(rows))
        for name, target in wanted.items():
            targets[rows[name]] = target
        scene.set_joint_targets(targets)
        scene.step(2e-3, 2000)
        # Coulomb friction leaves at most its effort over the stiffness.
        for index, (name, target) in enumerate(wanted.items()):
            assert positions(scene)[name] == pytest.approx(target, abs=0.4 / (400.0 / (index + 1)) + 2e-3)
    # A pendulum held out by a drive that is too weak: m g l / 2 = 3.85 N m against 2 N m. Its saturated damping is none;
    # that of the joint itself, besides the drive, brings it to rest.
    weak = Drive("position", estimate(1e3, "N m/rad"), estimate(10.0, "N m s/rad"), estimate(2.0, "N m"), math.pi / 2)
    twin = pendulum(0.5, drive=weak, damping=estimate(0.5, "N m s/rad"))
    with opened(twin, tmp_path / "weak", engine, gravity=G) as scene:
        scene.step(2e-3, 2000)
        assert positions(scene)["pin"] == pytest.approx(math.asin(2.0 / (7850 * 0.02**2 * 0.5 * G * 0.25)), abs=0.01)


def test_limits_hold_and_a_door_in_a_wall_swings(engine, tmp_path):
    """The door hangs on a body that never moves; tilted so that gravity swings it shut and open."""
    tilted = Pose((0.0, 0.0, 0.0), quaternion((0, 1, 0), -60))
    twin = replace(doorway(), joints=tuple(replace(j, friction=None) for j in doorway().joints))
    with opened(twin, tmp_path, engine, gravity=G, pose=tilted) as scene:
        rows = named(scene)
        assert set(rows) == {"hinge", "spindle"}
        start = np.zeros(2)
        start[rows["hinge"]] = 0.8
        scene.set_joint_positions(start)
        seen = []
        for _ in range(150):
            scene.step(2e-3, 10)
            seen.append(positions(scene)["hinge"])
    assert max(seen) - min(seen) > 0.5
    assert min(seen) > -0.02 and max(seen) < 1.6 + 0.02


@pytest.mark.parametrize("bound", [{"lower": -0.2}, {"upper": 0.2}])
def test_a_joint_may_be_bound_on_one_side_only(engine, tmp_path, bound):
    """PhysX refuses a stage with one limit; the twin read back has it still."""
    twin = pendulum(0.5, **bound)
    reached = {}
    with opened(twin, tmp_path, engine) as scene:
        for rate in (2.0, -2.0):
            scene.set_joint_positions(np.zeros(1))
            scene.set_joint_velocities(np.array([rate]))
            scene.step(1e-3, 600)
            reached[rate] = positions(scene)["pin"]
    (side,) = bound.values()
    assert abs(reached[math.copysign(2.0, side)]) < 0.25
    assert reached[-math.copysign(2.0, side)] == pytest.approx(-math.copysign(1.2, side), abs=0.05)
    assert usd.read_twin(tmp_path / "pendulum") == twin


def test_every_tree_of_a_building_moves(engine, tmp_path):
    """One root schema, two articulations; the doors open each on its own."""
    with opened(terrace(), tmp_path, engine) as scene:
        rows = named(scene)
        assert set(rows) == {"hinge", "spindle", "hinge_2", "spindle_2"}
        rates = np.zeros(4)
        rates[rows["hinge"]], rates[rows["hinge_2"]] = 0.5, 1.0
        scene.set_joint_velocities(rates)
        scene.step(1e-3, 200)
        at = positions(scene)
    # Slowed by 1 N m of friction on about 15 kg m2 (and carried a little by the levers).
    assert at["hinge"] == pytest.approx(0.1, abs=0.01) and at["hinge_2"] == pytest.approx(0.2, abs=0.01)


def test_followers_follow_with_their_sign_and_ratio(engine, tmp_path):
    with opened(gripper(), tmp_path, engine, fixed=True) as scene:
        rows = named(scene)
        targets = np.zeros(len(rows))
        targets[rows["left_slide"]] = 0.015
        scene.set_joint_targets(targets)
        turning = np.zeros(len(rows))
        turning[rows["crank"]], turning[rows["thumb"]] = 0.3, 0.6
        scene.set_joint_velocities(turning)
        scene.step(2e-3, 800)
        at = positions(scene)
    assert at["left_slide"] == pytest.approx(0.015, abs=2e-4)
    assert at["right_slide"] == pytest.approx(-at["left_slide"], abs=2e-4)
    assert at["thumb"] == pytest.approx(2.0 * at["crank"], abs=2e-3)


def test_a_hinge_follows_a_slide(engine, tmp_path):
    joints = tuple(
        replace(joint, mimic=Mimic("left slide", 20.0, 0.0)) if joint.name == "thumb" else joint
        for joint in gripper().joints
    )
    with opened(replace(gripper(), joints=joints), tmp_path, engine, fixed=True) as scene:
        rows = named(scene)
        targets = np.zeros(len(rows))
        targets[rows["left_slide"]] = 0.015
        scene.set_joint_targets(targets)
        scene.step(2e-3, 800)
        at = positions(scene)
    assert at["left_slide"] == pytest.approx(0.015, abs=5e-4)
    assert at["thumb"] == pytest.approx(20.0 * at["left_slide"], abs=4e-3)


def test_a_loop_stays_closed_while_it_is_driven(engine, tmp_path):
    with opened(four_bar(), tmp_path, engine) as scene:
        rows, paths = named(scene), [path.rsplit("/", 1)[1] for path in scene.bodies]
        targets = np.zeros(len(rows))
        targets[rows["a"]] = 0.5
        scene.set_joint_targets(targets)
        scene.step(1e-3, 2000)
        poses = {name: Pose(tuple(p[:3]), tuple(p[3:])) for name, p in zip(paths, scene.poses().tolist(), strict=True)}
        assert positions(scene)["a"] == pytest.approx(0.5, abs=0.02)
    corner = poses["coupler"].apply(np.array([[0.4, 0.0, 0.0]])), poses["rocker"].apply(np.array([[0.0, -0.03, 0.2]]))
    assert np.linalg.norm(corner[0] - corner[1]) < 2e-3
    # A parallelogram: the rocker turns as the crank does.
    assert abs(np.dot(poses["crank"].quaternion_wxyz, poses["rocker"].quaternion_wxyz)) == pytest.approx(1.0, abs=1e-4)


def test_filtered_pairs_pass_through_each_other_and_others_do_not(engine, tmp_path):
    """The gripper's fingers overlap when both close: filtered they do, else they stop each other."""
    together = {}
    for filtered in (True, False):
        twin = gripper()
        joints = tuple(replace(j, lower=-0.1, upper=0.1) if j.type == "prismatic" else j for j in twin.joints)
        pairs = twin.articulation.filters if filtered else ()
        twin = replace(twin, joints=joints, articulation=replace(twin.articulation, filters=pairs))
        with opened(twin, tmp_path / str(filtered), engine, fixed=True) as scene:
            targets = np.zeros(len(scene.joints))
            targets[named(scene)["left_slide"]] = 0.04
            scene.set_joint_targets(targets)
            scene.step(2e-3, 500)
            together[filtered] = positions(scene)["left_slide"]
    assert together[True] == pytest.approx(0.04, abs=1e-3)
    # 60 mm between the fingers' middles, 10 mm thick: they meet at 25 mm.
    assert together[False] == pytest.approx(0.025, abs=2e-3)


def test_without_self_collision_links_pass_through_each_other(engine, tmp_path):
    twin = gripper()
    joints = tuple(replace(j, lower=-0.1, upper=0.1) if j.type == "prismatic" else j for j in twin.joints)
    twin = replace(twin, joints=joints, articulation=replace(twin.articulation, filters=(), self_collision=False))
    with opened(twin, tmp_path, engine, fixed=True) as scene:
        targets = np.zeros(len(scene.joints))
        targets[named(scene)["left_slide"]] = 0.04
        scene.set_joint_targets(targets)
        scene.step(2e-3, 500)
        assert positions(scene)["left_slide"] == pytest.approx(0.04, abs=1e-3)


def test_bodies_start_where_the_twin_says_at_the_coordinates_that_it_says(engine, tmp_path):
    """Also with joints that do not stand at zero, in a copy that is placed and turned."""
    twin = cabinet()
    with opened(twin, tmp_path, engine, fixed=True) as scene:
        found = {p.rsplit("/", 1)[1]: pose for p, pose in zip(scene.bodies, scene.poses().tolist(), strict=True)}
        assert positions(scene)["slide"] == pytest.approx(-0.05, abs=1e-5)
        scene.step(1e-3, 300)
        held = {p.rsplit("/", 1)[1]: pose for p, pose in zip(scene.bodies, scene.poses().tolist(), strict=True)}
    for body in twin.bodies:
        placed = ASIDE.compose(body.pose)
        assert found[body.name][:3] == pytest.approx(placed.position_m, abs=1e-4)
        assert abs(np.dot(found[body.name][3:], placed.quaternion_wxyz)) == pytest.approx(1.0, abs=1e-6)
    assert held["carcass"][:3] == pytest.approx(found["carcass"][:3], abs=1e-4)


def test_one_body_of_many_can_be_dropped_alone(engine, tmp_path):
    file = write(cabinet(), tmp_path)
    clones = [Clone(Pose((0, 0, 2.0)), only_body="door"), Clone(Pose((3, 0, 2.0)), only_body="carcass")]
    written = write_rollout_scene(tmp_path / "s.usda", file, engine.name, clones, gravity_mps2=G)
    with engine.open(written.path) as scene:
        start = scene.poses()
        scene.set_poses(start)
        scene.step(1e-3, 100)
        np.testing.assert_allclose(scene.poses()[:, 2] - start[:, 2], -0.5 * G * 0.1**2, rtol=0.03)
        assert len(scene.bodies) == 2 and not scene.joints


def test_copies_in_scenes_of_their_own_pass_through_each_other(engine, tmp_path):
    """Rollouts put many copies into one stage; each falls onto the floor of its scene, none touches another."""
    file = write(cabinet(), tmp_path)
    clones = [Clone(Pose((0.1 * i, 0.0, 0.1))) for i in range(3)]
    ramp = Ramp(Pose(), (4.0, 4.0, 0.5), Surface(0.5, 0.5))
    written = write_rollout_scene(
        tmp_path / "s.usda", file, engine.name, clones, ramps=[ramp] * 3, gravity_mps2=G, isolated=True
    )
    with engine.open(written.path) as scene:
        scene.step(1e-3, 600)
        heights = {path: pose[2] for path, pose in zip(scene.bodies, scene.poses(), strict=True)}
        sideways = {path: pose[0] for path, pose in zip(scene.bodies, scene.poses(), strict=True)}
    for index, root in enumerate(written.clones):
        assert heights[f"{root}/carcass"] == pytest.approx(0.0, abs=0.01)
        assert sideways[f"{root}/carcass"] == pytest.approx(0.1 * index, abs=0.02)
