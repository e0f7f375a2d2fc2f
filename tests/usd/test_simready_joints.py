"""NVIDIA's validator on what moves: every feature about joints, and that breaking a joint is noticed."""

from __future__ import annotations

import inspect
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pxr import Sdf, Usd, UsdPhysics

from physicl_twin import usd
from physicl_twin.model import Mimic
from physicl_twin.usd.rollout_scene import ENGINE_VARIANTS
from physicl_twin.validate import simready
from physicl_twin.validate.simready_joints import FEATURES
from tests.usd.movers import MOVERS, arm, cabinet, chain, gripper
from tests.usd.twins import write

#: What nobody can decide without Kit.
UNDECIDED = {"simready.FET_024_PHYSX", "simready.rule.CheckRobotRelationships"}
ROBOTS = {"arm", "gripper"}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("movers")
    return {name: write(make(), root / name, generated="2026-01-02") for name, make in MOVERS.items()}


@pytest.fixture(autouse=True)
def _installed():
    pytest.importorskip("simready.validate")


@pytest.mark.parametrize("name", list(MOVERS))
def test_the_profile_and_every_feature_about_joints_are_met(name, written):
    results, label = simready.check(written[name], "")
    assert label == ("Robot-Body 3.0.0" if name in ROBOTS else "Robotics-Prop 4.0.0")
    assert [f"{r.id}: {r.message}" for r in results if r.status == "failed"] == []
    assert {r.id for r in results if r.status == "not_checked"} <= UNDECIDED
    assert {f"simready.{feature}" for feature in FEATURES} <= {r.id for r in results}


def test_a_handle_brings_the_grasp_feature_and_a_robot_its_isaac_core(written):
    def unmet(name: str) -> str:
        (line,) = [r for r in simready.check(written[name], "")[0] if r.id == "simready.optional"]
        return line.message

    assert "FET_005_STANDARD" not in unmet("cabinet") and "FET_005_STANDARD" not in unmet("doorway")
    assert "FET_021_ISAAC" not in unmet("arm")


def test_a_hinge_that_follows_a_slide_is_coupled_where_the_engine_can(tmp_path):
    """Newton's coupling is of joints of one type (NewtonMimicAPI): there the follower has a drive that waits."""
    joints = tuple(
        replace(joint, mimic=Mimic("left slide", 20.0, 0.0)) if joint.name == "thumb" else joint
        for joint in gripper().joints
    )
    told = replace(gripper(), joints=joints)
    path = write(told, tmp_path)
    assert [f"{r.id}: {r.message}" for r in simready.check(path, "")[0] if r.status == "failed"] == []
    stage = Usd.Stage.Open(str(path))
    applied = {}
    for engine in ENGINE_VARIANTS.values():
        for name in ENGINE_VARIANTS.values():
            chosen = "Enabled" if name == engine else "Disabled"
            assert stage.GetDefaultPrim().GetVariantSet(name).SetVariantSelection(chosen)
        applied[engine] = set(stage.GetPrimAtPath("/gripper/joints/thumb").GetMetadata("apiSchemas").GetAppliedItems())
    assert "PhysxMimicJointAPI:rotX" in applied["PhysX"] and "MjcEqualityJointAPI" in applied["MuJoCo"]
    assert "PhysicsDriveAPI:angular" in applied["Newton"] and "NewtonMimicAPI" not in applied["Newton"]
    assert "PhysicsDriveAPI:angular" not in applied["PhysX"] | applied["MuJoCo"]
    assert usd.read_twin(path).joints == told.joints


def broken(twin, tmp_path: Path, change) -> set[str]:
    """Failed features after a change of the base layer."""
    path = write(twin, tmp_path)
    layer = Sdf.Layer.FindOrOpen(str(path.parent / "payloads/base.usda"))
    change(layer)
    layer.Save()
    return {r.id.removeprefix("simready.") for r in simready.check(path, "")[0] if r.status == "failed"}


def test_a_second_root_is_noticed(tmp_path):
    def add(layer):
        layer.GetPrimAtPath("/cabinet/drawer").SetInfo(
            "apiSchemas",
            Sdf.TokenListOp.Create(
                prependedItems=["PhysicsRigidBodyAPI", "PhysicsMassAPI", "PhysicsArticulationRootAPI"]
            ),
        )

    assert {"FET_024_STANDARD", "FET_024_NEWTON"} <= broken(cabinet(), tmp_path, add)


def test_a_frame_that_is_off_is_noticed(tmp_path):
    def shift(layer):
        layer.GetAttributeAtPath("/arm/joints/joint_1.physics:localPos0").default = (0.0, 0.3, 0.3)

    assert {"FET_022_STANDARD", "FET_022_PHYSX"} <= broken(arm(), tmp_path, shift)


@pytest.mark.parametrize("factor", [-1.0, 2.0])
def test_a_state_that_is_not_the_bodies_is_noticed(factor, tmp_path):
    """Also one of the wrong sign, which NVIDIA's rule takes for right."""

    def change(layer):
        attribute = layer.GetAttributeAtPath("/cabinet/joints/slide.state:linear:physics:position")
        attribute.default = factor * attribute.default

    assert broken(cabinet(), tmp_path, change) == {"FET_022_STANDARD", "FET_022_PHYSX"}


def test_a_drive_without_bound_and_a_joint_without_drive_are_noticed(tmp_path):
    def unbound(layer):
        layer.GetAttributeAtPath("/gripper/joints/left_slide.drive:linear:physics:maxForce").default = float("inf")

    assert "FET_022_NEWTON" in broken(gripper(), tmp_path / "unbound", unbound)

    def undriven(layer):
        prim = layer.GetPrimAtPath("/gripper/joints/left_slide")
        prim.SetInfo("apiSchemas", Sdf.TokenListOp.Create(prependedItems=["PhysicsJointStateAPI:linear"]))

    assert {"FET_022_PHYSX", "FET_022_NEWTON"} <= broken(gripper(), tmp_path / "undriven", undriven)


def test_a_stated_profile_is_taken_as_it_is(written):
    results, label = simready.check(written["cabinet"], "Robotics-Prop 4.0.0")
    assert label == "Robotics-Prop 4.0.0" and not any(".FET_" in r.id for r in results)


def test_the_stand_in_leaves_usd_as_it_was(written):
    before = Usd.Prim.HasAPI
    simready.check(written["gripper"], "")
    assert Usd.Prim.HasAPI is before
    stage = Usd.Stage.Open(str(written["gripper"]))
    assert stage.GetPrimAtPath("/gripper/left").HasAPI(UsdPhysics.RigidBodyAPI)


def test_a_long_chain_does_not_break_the_rule_that_recurses_from_link_to_link(tmp_path, monkeypatch):
    path = write(chain(120), tmp_path)
    depth = sys.getrecursionlimit()
    try:
        # Enough for everything but 120 links.
        sys.setrecursionlimit(len(inspect.stack(0)) + 90)
        results, _ = simready.check(path, "")
    finally:
        sys.setrecursionlimit(depth)
    assert {r.id: r.status for r in results}["simready.FET_022_MUJOCO"] == "passed"


def test_writing_and_reading_take_time_in_proportion_to_the_joints(tmp_path):
    """Four times the links take at most six times as long (a search through all bodies for every joint took sixteen)."""
    seconds = []
    for links in (60, 240):
        twin = chain(links)
        start = time.process_time()
        usd.read_twin(write(twin, tmp_path / str(links)))
        seconds.append(time.process_time() - start)
    assert seconds[1] < 6 * seconds[0]
