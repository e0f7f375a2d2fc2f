"""What a stage says about joints: units, whose attributes win, who follows whom, who does not collide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pxr import Sdf, UsdPhysics

from physicl_twin.engines.joint_tree import spanning_tree
from physicl_twin.engines.mechanism import Mechanism
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe, open_stage
from tests.engines.mechanisms import MechanismBuilder, pendulum, slider

FLOAT, DOUBLE = Sdf.ValueTypeNames.Float, Sdf.ValueTypeNames.Double


def joints_of(builder, reader="mujoco"):
    scene = describe(open_stage(builder.save()), EngineSettings.from_pipeline(), reader)
    return {joint.path.rsplit("/", 1)[-1]: joint for joint in scene.joints}


@pytest.mark.parametrize(("reader", "value"), [("physx", 3.0), ("newton", 2.0), ("mujoco", 1.0)])
def test_the_family_of_the_engine_wins(tmp_path, reader, value):
    builder, hinge = pendulum(tmp_path / "s.usda")
    per_degree = math.radians(1.0)
    for name, number in (
        ("physxJointAxis:angular:dynamicFrictionEffort", 3.0),
        ("physxJointAxis:angular:viscousFrictionCoefficient", 3.0 * per_degree),
        ("physxJointAxis:angular:armature", 3.0),
        ("newton:friction", 2.0),
        ("newton:damping", 2.0 * per_degree),
        ("newton:armature", 2.0),
        ("mjc:frictionloss", 1.0),
        ("mjc:damping", 1.0),
        ("mjc:armature", 1.0),
    ):
        hinge.CreateAttribute(name, FLOAT).Set(number)
    joint = joints_of(builder, reader)["hinge"]
    assert (joint.friction, joint.damping, joint.armature) == pytest.approx((value, value, value))


def test_zero_of_a_family_leaves_the_word_to_the_next(tmp_path):
    builder, hinge = pendulum(tmp_path / "s.usda")
    hinge.CreateAttribute("mjc:frictionloss", FLOAT).Set(0.0)
    hinge.CreateAttribute("newton:friction", FLOAT).Set(2.0)
    hinge.CreateAttribute("newton:velocityLimit", FLOAT).Set(math.inf)
    hinge.CreateAttribute("physxJointAxis:angular:maxJointVelocity", FLOAT).Set(90.0)
    joint = joints_of(builder)["hinge"]
    assert joint.friction == 2.0
    assert joint.max_velocity == pytest.approx(math.pi / 2)


def test_units_of_a_centimetre_gram_stage(tmp_path):
    """k in dyn cm/deg, force in dyn: 1e-7 and 1e-5 of the SI units."""
    builder = MechanismBuilder(tmp_path / "s.usda", metres_per_unit=0.01, gravity_mps2=0.0)
    UsdPhysics.SetStageKilogramsPerUnit(builder.stage, 0.001)
    builder.base()
    builder.link("arm")
    builder.link("cart")
    hinge = builder.joint("hinge", "revolute", "base", "arm", (0, 0, 0), (0, 0, 0))
    rail = builder.joint("rail", "prismatic", "base", "cart", (0, 0, 0), (0, 0, 0), lower=-20.0, upper=30.0)
    builder.drive(hinge, stiffness=5.0, max_force=7.0, target=0.5)
    builder.drive(rail, stiffness=5.0, damping=2.0, max_force=7.0, target=4.0)
    found = joints_of(builder)
    assert found["hinge"].drive_stiffness == pytest.approx(5e-7)
    assert found["hinge"].drive_max_force == pytest.approx(7e-7)
    assert found["hinge"].drive_target == pytest.approx(0.5)
    assert (found["rail"].lower, found["rail"].upper) == pytest.approx((-0.2, 0.3))
    assert (found["rail"].drive_stiffness, found["rail"].drive_damping) == pytest.approx((5e-3, 2e-3))
    assert found["rail"].drive_max_force == pytest.approx(7e-5)
    assert found["rail"].drive_target == pytest.approx(0.04)


def test_an_unbounded_drive_and_a_drive_in_accelerations(tmp_path):
    builder, rail = slider(tmp_path / "s.usda")
    builder.drive(rail, stiffness=9.0, max_force=3.4e38, kind="acceleration")
    joint = joints_of(builder)["rail"]
    assert joint.driven and joint.drive_acceleration and joint.drive_max_force is None
    assert joint.drive_stiffness == 9.0


def test_a_mujoco_spring_and_actuator(tmp_path):
    builder, hinge = pendulum(tmp_path / "s.usda")
    hinge.CreateAttribute("mjc:stiffness", DOUBLE).Set(4.0)
    hinge.CreateAttribute("mjc:springref", DOUBLE).Set(45.0)
    actuator = builder.stage.DefinePrim("/World/actuators/motor", "MjcActuator")
    actuator.CreateRelationship("mjc:target").SetTargets([hinge.GetPath()])
    for name, values in (("gain", [50.0]), ("bias", [0.0, -50.0, -3.0])):
        actuator.CreateAttribute(f"mjc:{name}Prm", Sdf.ValueTypeNames.DoubleArray).Set(values + [0.0] * 7)
    actuator.CreateAttribute("mjc:biasType", Sdf.ValueTypeNames.Token).Set("affine")
    actuator.CreateAttribute("mjc:forceRange:max", DOUBLE).Set(12.0)
    joint = joints_of(builder)["hinge"]
    assert (joint.stiffness, joint.rest) == pytest.approx((4.0, math.pi / 4))
    assert (joint.drive_stiffness, joint.drive_damping, joint.drive_max_force) == (50.0, 3.0, 12.0)
    # A drive of the joint's own, which every engine reads, wins.
    builder.drive(hinge, stiffness=8.0)
    assert joints_of(builder)["hinge"].drive_stiffness == pytest.approx(8.0)


def test_followers_of_each_family(tmp_path):
    for reader in ("newton", "physx"):
        builder = MechanismBuilder(tmp_path / f"{reader}.usda")
        builder.base()
        for name in ("a", "b"):
            builder.link(name)
        leader = builder.joint("leader", "revolute", "base", "a", (0, 0, 0), (0, 0, 0), lower=-1, upper=1)
        follower = builder.joint("follower", "revolute", "base", "b", (0, 0, 0), (0, 0, 0), lower=-1, upper=1)
        if reader == "newton":
            builder.mimic(follower, leader, -2.0, 0.1)
        else:
            follower.CreateRelationship("physxMimicJoint:rotX:referenceJoint").SetTargets([leader.GetPath()])
            follower.CreateAttribute("physxMimicJoint:rotX:gearing", FLOAT).Set(2.0)
            follower.CreateAttribute("physxMimicJoint:rotX:offset", FLOAT).Set(-math.degrees(0.1))
        joint = joints_of(builder, reader)["follower"]
        assert joint.mimic_of == "/World/joints/leader"
        assert (joint.mimic_multiplier, joint.mimic_offset) == pytest.approx((-2.0, 0.1))


def test_groups_and_filtered_pairs_keep_bodies_apart(tmp_path):
    builder = MechanismBuilder(tmp_path / "s.usda")
    builder.ground()
    for name in ("a", "b", "c"):
        builder.link(name)
    group = UsdPhysics.CollisionGroup.Define(builder.stage, "/World/group")
    group.GetCollidersCollectionAPI().CreateIncludesRel().SetTargets(["/World/a", "/World/b"])
    group.CreateFilteredGroupsRel().SetTargets(["/World/group"])
    pairs = UsdPhysics.FilteredPairsAPI.Apply(builder.stage.GetPrimAtPath("/World/c"))
    pairs.CreateFilteredPairsRel().SetTargets(["/World/ground"])
    scene = describe(open_stage(builder.save()), EngineSettings.from_pipeline())
    assert scene.filtered_pairs == (("/World/a", "/World/b"), ("/World/c", "/World/ground"))


def test_trees_are_hung_anew_where_chains_meet_in_the_middle(tmp_path):
    """a -> b and c -> d, then b -> d: no loop, whatever the order and the direction in which the joints are told."""
    builder = MechanismBuilder(tmp_path / "s.usda")
    for index, name in enumerate("abcd"):
        builder.link(name, (index, 0, 0))
    builder.joint("j1", "revolute", "a", "b", (0.5, 0, 0), (-0.5, 0, 0))
    builder.joint("j2", "revolute", "c", "d", (0.5, 0, 0), (-0.5, 0, 0))
    builder.joint("j3", "revolute", "b", "d", (1, 0, 0), (-1, 0, 0))
    scene = describe(open_stage(builder.save()), EngineSettings.from_pipeline())
    tree = spanning_tree(scene)
    assert not tree.loops
    assert tree.parents == {"/World/b": "/World/a", "/World/d": "/World/b", "/World/c": "/World/d"}


def test_forward_and_backward_kinematics_agree(tmp_path):
    random = np.random.default_rng(3)
    builder = MechanismBuilder(tmp_path / "s.usda")
    builder.link("l0")
    for index in range(1, 6):
        builder.link(f"l{index}", (0.3 * index, 0, 0), com=(0.1, 0.02, 0))
        kind = ("revolute", "prismatic")[index % 2]
        ends = (f"l{index - 1}", f"l{index}") if index % 3 else (f"l{index}", f"l{index - 1}")
        at = ((0.15, 0, 0), (-0.15, 0, 0)) if index % 3 else ((-0.15, 0, 0), (0.15, 0, 0))
        builder.joint(f"j{index}", kind, *ends, *at, axis="XYZ"[index % 3])
    mechanism = Mechanism(describe(open_stage(builder.save()), EngineSettings.from_pipeline()))
    q, rate = random.uniform(-1, 1, 5), random.uniform(-1, 1, 5)
    poses = mechanism.placed(mechanism.home, q)
    assert mechanism.positions(poses) == pytest.approx(q)
    assert max(map(np.max, mechanism.gaps(poses))) < 1e-7
    moving = mechanism.moved(poses, np.zeros((6, 6)), rate)
    assert mechanism.rates(poses, moving) == pytest.approx(rate)
    # Velocities are the derivative of the poses.
    ahead = mechanism.placed(mechanism.home, q + 1e-6 * rate)
    origin = moving[:, :3] + np.cross(moving[:, 3:], poses[:, :3] - mechanism._coms(poses)[:6])
    assert (ahead[:, :3] - poses[:, :3]) / 1e-6 == pytest.approx(origin, abs=1e-5)
