"""Mechanisms for every target: what moves, resists, drives and follows comes back, and a change of it is seen."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from physicl_twin import settings
from physicl_twin.deploy import deploy, drop, mujoco_target, urdf_target
from physicl_twin.deploy.compare import compare
from physicl_twin.deploy.job import Job
from physicl_twin.deploy.motion import twin_facts
from physicl_twin.deploy.subject import Subject
from physicl_twin.model import BodyPair, Pose, Site
from physicl_twin.normalize.kinematics import body_poses
from physicl_twin.usd.layout import plan
from physicl_twin.usd.options import UsdOptions
from tests.usd import movers


def job_of(made, folder: Path) -> Job:
    table = settings.pipeline()
    return Job(Subject(made, None, None), plan(made, UsdOptions.from_settings(table)), folder, table)


def model_of(made, folder: Path):
    written = mujoco_target.write(job_of(made, folder))
    return mujoco.MjModel.from_xml_path(str(folder / written.main))


@pytest.mark.parametrize("target", ["mujoco", "urdf", "isaac-sim"])
@pytest.mark.parametrize("name", sorted(movers.MOVERS))
def test_every_mechanism_comes_back(name: str, target: str, tmp_path: Path) -> None:
    made = movers.MOVERS[name]()
    result = deploy(made, target, tmp_path)
    assert result.passed, [c for c in result.round_trip if not c.passed]
    quantities = {c.quantity for c in result.round_trip}
    assert {"joint_frame", "joint_friction", "collision_filters", "kinematics_1"} <= quantities or name == "pendulum"
    if target != "urdf":
        assert {"joint_stiffness", "joint_damping", "joint_armature"} <= quantities
        assert ("joint_effort" in quantities) == (name in ("arm", "gripper", "four_bar"))
    drop = result.record.drop
    assert drop is not None and drop.status == "not_checked"  # without a certificate nothing is known of its fall
    on_world = any("" in (joint.body0, joint.body1) for joint in made.joints)
    held = on_world or made.articulation.fixed or any(body.static for body in made.bodies)
    assert ("The world holds" in drop.message) == held
    assert held or "at rest" in drop.message


@pytest.mark.parametrize("target", ["mujoco", "urdf", "isaac-sim"])
def test_a_site_may_be_called_as_the_world(target: str, tmp_path: Path) -> None:
    """A robot that hangs on a link ``world`` has that link as a site."""
    made = movers.arm()
    base = replace(made.bodies[0], sites=(Site("world", Pose((0.0, 0.0, -0.05))),))
    result = deploy(replace(made, bodies=(base, *made.bodies[1:])), target, tmp_path)
    assert [c for c in result.round_trip if not c.passed] == []
    assert {c.subject for c in result.round_trip if c.quantity == "site"} == {"world_2", "tool0"}


@pytest.mark.parametrize("target", ["mujoco", "isaac-sim"])
def test_what_never_moves_may_be_filtered(target: str, tmp_path: Path) -> None:
    """The sill is no rigid body on the stage: the pair stands at its colliders."""
    made = movers.doorway()
    pairs = (BodyPair("door", "sill", "overlap"),)
    result = deploy(replace(made, articulation=replace(made.articulation, filters=pairs)), target, tmp_path)
    (filters,) = [c for c in result.round_trip if c.quantity == "collision_filters"]
    assert filters.expected == (3.0,) and filters.passed
    assert [c for c in result.round_trip if not c.passed] == []


def test_omniverse_holds_the_same(tmp_path: Path) -> None:
    result = deploy(movers.gripper(), "omniverse", tmp_path)
    assert [c for c in result.round_trip if not c.passed] == []
    assert "mimic_limits" in {note.code for note in result.losses}


def test_drives_are_servos_and_losses_those_of_the_twin(tmp_path: Path) -> None:
    model = model_of(movers.arm(), tmp_path)
    text = (tmp_path / "arm.xml").read_text()
    assert re.search(r'<position name="joint_0" joint="joint_0"[^>]*forcerange="-60 60" kp="400" kv="20"', text)
    assert re.search(r'ctrlrange="-2 2.5"', text)
    dof = model.joint("joint_1").dofadr[0]
    assert (model.dof_damping[dof], model.dof_frictionloss[dof], model.dof_armature[dof]) == (0.6, 0.4, 0.02)
    assert model.jnt_type[model.joint("wrist").id] == mujoco.mjtJoint.mjJNT_BALL
    assert model.nv == 3 + 3 and model.site("tool0").bodyid[0] == model.body("wrist").id  # bolted down
    # The control is the target: without gravity the arm comes to it, but for friction over stiffness.
    model.opt.gravity[:] = 0.0
    data = mujoco.MjData(model)
    data.ctrl[:] = [0.3, -0.2, 0.1]
    mujoco.mj_step(model, data, 20_000)
    error = data.qpos[:3] - data.ctrl
    assert np.abs(error).max() <= 0.4 / 133.0 and np.abs(data.qvel).max() < 1e-3


def test_a_spring_is_slack_where_the_twin_says(tmp_path: Path) -> None:
    model = model_of(movers.cabinet(), tmp_path)
    joint = model.joint("slide").id
    assert model.jnt_stiffness[joint] == 20.0 and model.qpos_spring[model.jnt_qposadr[joint]] == -0.01
    assert model.qpos0[model.jnt_qposadr[joint]] == -0.05  # the drawer stands open


def test_what_follows_follows(tmp_path: Path) -> None:
    model = model_of(movers.gripper(), tmp_path)
    data = mujoco.MjData(model)
    data.ctrl[model.actuator("left_slide").id] = 0.015
    model.opt.gravity[:] = 0
    mujoco.mj_step(model, data, 5_000)
    left, right = (data.joint(name).qpos[0] for name in ("left_slide", "right_slide"))
    assert left == pytest.approx(0.015, abs=1e-4) and right == pytest.approx(-left, abs=1e-4)


def test_a_loop_stays_closed(tmp_path: Path) -> None:
    model = model_of(movers.four_bar(), tmp_path)
    data = mujoco.MjData(model)
    data.ctrl[:] = 0.4
    mujoco.mj_step(model, data, 4_000)
    assert data.joint("a").qpos[0] == pytest.approx(0.4, abs=0.05)
    # A parallelogram: the rocker turns with the crank, the coupler stays level.
    assert data.joint("c").qpos[0] == pytest.approx(data.joint("a").qpos[0], abs=5e-3)
    assert abs(data.joint("a").qpos[0] + data.joint("b").qpos[0]) < 5e-3


def test_what_never_moves_has_no_joint_and_no_mass(tmp_path: Path) -> None:
    model = model_of(movers.doorway(), tmp_path)
    assert model.nv == 2 and model.body("wall").mass[0] == 0.0 and model.body("sill").mass[0] == 0.0
    urdf = ET.parse(deploy(movers.doorway(), "urdf", tmp_path / "u", check=False).main).getroot()
    bare = [link.get("name") for link in urdf.iter("link") if link.find("inertial") is None]
    assert sorted(bare) == ["sill", "wall", "world"]
    fixed = {j.find("child").get("link") for j in urdf.iter("joint") if j.get("type") == "fixed"}
    assert fixed == {"wall", "sill"}


def test_urdf_says_effort_speed_losses_and_who_follows(tmp_path: Path) -> None:
    root = ET.parse(deploy(movers.arm(), "urdf", tmp_path, check=False).main).getroot()
    joint = {j.get("name"): j for j in root.iter("joint")}["joint_0"]
    assert joint.find("limit").attrib == {"effort": "60", "velocity": "2", "lower": "-2", "upper": "2.5"}
    assert joint.find("dynamics").attrib == {"damping": "0.6", "friction": "0.4"}
    sites = [j for j in root.iter("joint") if j.get("name") == "tool0_mount"]
    assert len(sites) == 1 and sites[0].find("parent").get("link") == "wrist"
    made = movers.gripper()
    idle = replace(made.joints[1], max_force=movers.estimate(20.0, "N"))  # a follower whose motor is known
    result = deploy(replace(made, joints=(made.joints[0], idle, *made.joints[2:])), "urdf", tmp_path)
    assert [c for c in result.round_trip if not c.passed] == []
    joints = {j.get("name"): j for j in ET.parse(result.main).getroot().iter("joint")}
    assert joints["thumb"].find("mimic").attrib == {"joint": "crank", "multiplier": "2", "offset": "0"}
    assert joints["right_slide"].find("limit").get("effort") == "20"
    assert joints["thumb"].get("type") == "continuous" and joints["left_slide"].get("type") == "prismatic"


@pytest.mark.parametrize(
    ("name", "target", "codes"),
    [
        ("arm", "urdf", {"ball_joint", "joint_drive", "collision_filters"}),
        ("four_bar", "urdf", {"loop_joint", "joint_drive"}),
        ("arm", "mujoco", {"joint_in_part"}),
        ("gripper", "isaac-sim", {"mimic_limits"}),
    ],
)
def test_what_a_target_cannot_hold_is_named(name: str, target: str, codes: set[str], tmp_path: Path) -> None:
    assert codes <= {note.code for note in deploy(movers.MOVERS[name](), target, tmp_path, check=False).losses}


@pytest.mark.parametrize(
    ("name", "pattern", "quantity"),
    [
        ("arm", r'kp="400"', "joint_stiffness"),
        ("arm", r'name="joint_1"[^>]*damping="(0.6)"', "joint_damping"),
        ("arm", r'frictionloss="(0.4)"', "joint_friction"),
        ("arm", r'armature="(0.02)"', "joint_armature"),
        ("arm", r'forcerange="-60 (60)"', "joint_effort"),
        ("arm", r'<exclude body1="base" body2="(link_2)"', "collision_filters"),
        ("arm", r'<site name="tool0"[^>]*pos="0 0 (0.07)"', "site"),
        ("gripper", r'polycoef="0 (-1) ', "mimic"),
        ("cabinet", r'<joint name="Turscharnier"[^>]*range="(-[0-9.]+) 0"', "joint_limits"),
    ],
)
def test_a_change_of_the_mechanism_is_seen(name: str, pattern: str, quantity: str, tmp_path: Path) -> None:
    job = job_of(movers.MOVERS[name](), tmp_path)
    written = mujoco_target.write(job)
    path = tmp_path / written.main
    text = path.read_text()
    found = re.search(pattern, text)
    assert found, pattern
    start, end = found.span(1) if found.groups() else found.span()
    old = text[start:end]
    new = {'kp="400"': 'kp="401"', "link_2": "link_1"}.get(old) or repr(float(old) * 1.01)
    path.write_text(text[:start] + new + text[end:])
    failed = {c.quantity for c in mujoco_target.compare(job, written) if not c.passed}
    assert quantity in failed, failed


def test_an_axis_that_is_turned_is_seen_in_the_motion(tmp_path: Path) -> None:
    job = job_of(movers.arm(), tmp_path)
    written = urdf_target.write(job)
    path = tmp_path / written.main
    path.write_text(path.read_text().replace('xyz="0 1 0"', 'xyz="0 0.99 0.1"'))
    failed = {c.quantity for c in urdf_target.compare(job, written) if not c.passed}
    assert {"kinematics_1", "kinematics_2", "kinematics_3"} <= failed


def test_the_samples_lie_within_the_limits_and_move_the_twin(tmp_path: Path) -> None:
    made = movers.gripper()
    facts = twin_facts(job_of(made, tmp_path).layout)
    assert len(facts.samples) == 3
    for sample in facts.samples:
        assert 0.0 <= sample["left_slide"] <= 0.02 and sample["right_slide"] == -sample["left_slide"]
        assert sample["thumb"] == 2.0 * sample["crank"]
        moved = facts.motion(sample)
        poses = body_poses(made, {"left slide": sample["left_slide"], "crank": sample["crank"]})
        thumb = next(p for p, b in zip(poses, made.bodies, strict=True) if b.name == "thumb")
        assert np.allclose(moved["thumb"] @ made.body("thumb").pose.matrix(), thumb.matrix(), atol=1e-12)
    assert compare(facts, replace(facts, motion=lambda _: {"palm": np.eye(4)}))


def test_a_pendulum_swings_in_mujoco_as_the_formula_says(tmp_path: Path) -> None:
    """A slender rod on a pin: T = 2 pi sqrt(2 L / 3 g) for small swings, with the box's own thickness added."""
    length, start = 0.5, 0.05
    model = model_of(movers.pendulum(length, start), tmp_path)
    data = mujoco.MjData(model)
    assert data.qpos[0] == pytest.approx(start)  # the reference configuration is the twin's
    crossings, before = [], data.qpos[0]
    while len(crossings) < 5:
        mujoco.mj_step(model, data)
        if before > 0.0 >= data.qpos[0]:
            crossings.append(data.time)
        before = data.qpos[0]
    inertia_over_mass = (length**2 + 0.02**2) / 12 + (length / 2) ** 2
    period = 2 * math.pi * math.sqrt(inertia_over_mass / (9.81 * length / 2))
    assert np.diff(crossings).mean() == pytest.approx(period, rel=1e-3)


def test_an_engine_that_ends_its_process_fails_the_drop_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    """PhysX does that with some loops of joints; the export is written all the same."""
    dying = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(drop, "WORKER", ("-c", dying))
    made = next(one for one in (maker() for maker in movers.MOVERS.values()) if _falls(one))
    result = deploy(made, "isaac-sim", tmp_path)
    fallen = result.record.drop
    assert fallen is not None
    assert fallen.status == "failed"
    assert "SIGSEGV" in fallen.message
    assert not result.passed
    assert all(comparison.passed for comparison in result.round_trip)


def _falls(made) -> bool:
    on_world = any("" in (joint.body0, joint.body1) for joint in made.joints)
    return bool(made.joints) and not on_world and not made.articulation.fixed and not any(b.static for b in made.bodies)
