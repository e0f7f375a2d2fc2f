"""The URDF of twins made by hand."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest

from physicl_twin.deploy import deploy
from physicl_twin.deploy.urdf_tree import roll_pitch_yaw
from physicl_twin.model import Joint, Pose, Twin
from tests.usd import twins


def chest() -> Twin:
    """The hinged chest without its ball joint (and the knob that hangs on it)."""
    made = twins.hinged()
    return replace(
        made,
        bodies=tuple(body for body in made.bodies if body.name != "knob"),
        joints=tuple(joint for joint in made.joints if joint.type != "spherical"),
    )


@pytest.mark.parametrize("name", sorted(set(twins.FAMILY) - {"hinged"}))
def test_every_kind_of_twin_comes_back(name: str, tmp_path: Path) -> None:
    result = deploy(twins.FAMILY[name](), "urdf", tmp_path)
    assert result.passed, [c for c in result.round_trip if not c.passed]
    root = ET.parse(result.main).getroot()
    for mesh in root.iter("mesh"):
        assert (result.path / mesh.get("filename", "")).is_file()


def test_jointed_bodies_come_back(tmp_path: Path) -> None:
    result = deploy(chest(), "urdf", tmp_path)
    assert result.passed, [c for c in result.round_trip if not c.passed]
    assert {c.subject for c in result.round_trip if c.quantity == "mass"} == {"box", "lid", "drawer", "foot"}
    root = ET.parse(result.main).getroot()
    joints = {joint.get("name"): joint for joint in root.iter("joint")}
    assert {joint.get("type") for joint in joints.values()} == {"revolute", "prismatic", "fixed"}
    limit = joints["Deckel_Scharnier"].find("limit")
    assert limit is not None and float(limit.get("upper", "")) == pytest.approx(math.radians(110))
    assert "joint_effort" in {note.code for note in result.losses}


def test_a_body_on_the_world_hangs_on_a_link_of_its_own(tmp_path: Path) -> None:
    made = chest()
    anchor = Joint("base", "fixed", "", "box", made.bodies[0].pose, Pose())
    result = deploy(replace(made, joints=(*made.joints, anchor)), "urdf", tmp_path)
    assert result.passed, [c for c in result.round_trip if not c.passed]
    root = ET.parse(result.main).getroot()
    assert next(link.get("name") for link in root.iter("link")) == "world"


def test_a_ball_joint_is_held_and_named(tmp_path: Path) -> None:
    result = deploy(twins.hinged(), "urdf", tmp_path)
    assert [c for c in result.round_trip if not c.passed] == []
    assert "ball_joint" in {note.code for note in result.losses}
    assert {j.get("name"): j.get("type") for j in ET.parse(result.main).getroot().iter("joint")}[
        "knob_joint"
    ] == "fixed"


def test_friction_stands_in_both_extensions_and_a_lost_one_is_seen(tmp_path: Path) -> None:
    made = twins.single()
    result = deploy(made, "urdf", tmp_path)
    root = ET.parse(result.main).getroot()
    wanted = made.materials[0].dynamic_friction.value
    assert float(root.findtext("gazebo/mu1", "")) == float(root.findtext("gazebo/mu2", "")) == wanted
    stated = root.find("link/contact/lateral_friction")
    assert stated is not None and float(stated.get("value", "")) == wanted


def test_free_bodies_stand_in_files_of_their_own(tmp_path: Path) -> None:
    made = replace(chest(), joints=())
    result = deploy(made, "urdf", tmp_path)
    assert result.passed, [c for c in result.round_trip if not c.passed]
    assert len(list(result.path.glob("*.urdf"))) == 4
    assert result.record.drop is not None and result.record.drop.status == "not_checked"


def test_mujoco_reads_it_as_it_is(tmp_path: Path) -> None:
    result = deploy(twins.instanced(2), "urdf", tmp_path, check=False)
    model = mujoco.MjModel.from_xml_path(str(result.main))
    assert model.body_mass.sum() == pytest.approx(twins.instanced(2).bodies[0].mass.value, rel=1e-9)


def test_angles_turn_as_urdf_says() -> None:
    def about(axis: int, angle: float) -> np.ndarray:
        c, s = math.cos(angle), math.sin(angle)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        r = np.eye(3)
        r[i, i], r[i, j], r[j, i], r[j, j] = c, -s, s, c
        return r

    for quaternion in [*np.random.default_rng(1).normal(size=(20, 4)), [1, 0, 1, 0], [1, 0, -1, 0], [1, 1, 1, -1]]:
        unit = np.asarray(quaternion, float) / np.linalg.norm(quaternion)
        pose = Pose(quaternion_wxyz=tuple(map(float, unit)))
        roll, pitch, yaw = roll_pitch_yaw(pose)
        assert np.allclose(about(2, yaw) @ about(1, pitch) @ about(0, roll), pose.rotation(), atol=1e-9)


def test_the_inertia_of_a_tiny_twin_comes_back(tmp_path: Path) -> None:
    """MuJoCo's own reader keeps three digits of it, which is not the file's fault."""
    made = twins.single()
    (body,) = made.bodies
    assert body.mass_properties is not None
    tiny = 1e-9 * np.array([[3.06, -0.528, 0.038], [-0.528, 2.77, 0.341], [0.038, 0.341, 3.51]])
    mass = replace(body.mass_properties.mass, value=2.8e-4, std=1e-5, low=2.6e-4, high=3e-4)
    light = replace(body.mass_properties, mass=mass, inertia_kgm2=tuple(map(tuple, tiny.tolist())))
    result = deploy(replace(made, bodies=(replace(body, mass_properties=light),)), "urdf", tmp_path)
    assert [c for c in result.round_trip if not c.passed] == []
