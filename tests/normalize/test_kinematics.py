"""Forward kinematics against closed forms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from physicl_twin.model import Articulation, Body, Joint, Mimic, Pose, Twin
from physicl_twin.normalize.kinematics import body_poses, coordinates
from tests.model.test_codec import full_twin


def arm(*joints: Joint, bodies: tuple[str, ...] = ("base", "upper", "fore"), **more) -> Twin:
    """Links of 1 m and 0.5 m along x, frames at their joints, about z."""
    at = {"base": 0.0, "upper": 0.0, "fore": 1.0}
    made = tuple(Body(name, (), Pose((at.get(name, 0.0), 0.0, 0.0))) for name in bodies)
    return replace(full_twin(), bodies=made, joints=joints, articulation=None, **more)


SHOULDER = Joint("shoulder", "revolute", "base", "upper", axis="z")
ELBOW = Joint("elbow", "revolute", "upper", "fore", pose0=Pose((1.0, 0.0, 0.0)), axis="z")


def heading(pose: Pose) -> float:
    rotation = pose.rotation()
    return math.atan2(rotation[1, 0], rotation[0, 0])


def test_a_planar_arm_stands_where_its_angles_say() -> None:
    base, upper, fore = body_poses(arm(SHOULDER, ELBOW), {"shoulder": 0.4, "elbow": -1.1})
    assert base == Pose()
    assert heading(upper) == pytest.approx(0.4)
    assert fore.position_m == pytest.approx((math.cos(0.4), math.sin(0.4), 0.0))
    assert heading(fore) == pytest.approx(-0.7)


def test_without_a_wish_everything_stays_even_off_zero() -> None:
    moved = arm(replace(SHOULDER, position=0.3), bodies=("base", "upper"))
    turned = Pose((0.0, 0.0, 0.0), (math.cos(0.15), 0.0, 0.0, math.sin(0.15)))
    moved = replace(moved, bodies=(moved.bodies[0], replace(moved.bodies[1], pose=turned)))
    assert heading(body_poses(moved, {})[1]) == pytest.approx(0.3)


def test_a_joint_written_from_child_to_parent_turns_the_other_way() -> None:
    reversed_elbow = replace(ELBOW, body0="fore", body1="upper", pose0=Pose(), pose1=Pose((1.0, 0.0, 0.0)))
    fore = body_poses(arm(SHOULDER, reversed_elbow), {"elbow": 0.5})[2]
    assert heading(fore) == pytest.approx(-0.5) and fore.position_m == pytest.approx((1.0, 0.0, 0.0))


def test_the_root_stays_and_what_is_static_before_it() -> None:
    twin = replace(arm(SHOULDER, ELBOW), articulation=Articulation(root="fore"))
    assert body_poses(twin, {"elbow": 0.5})[2].position_m == (1.0, 0.0, 0.0)
    wall = replace(twin, bodies=(replace(twin.bodies[0], static=True), *twin.bodies[1:]))
    assert body_poses(wall, {"shoulder": 0.5})[0] == Pose()
    assert heading(body_poses(wall, {"shoulder": 0.5})[2]) == pytest.approx(0.5)


def test_a_slide_goes_along_its_turned_axis() -> None:
    along_y = Pose((0.0, 0.0, 0.0), (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)))  # x of the frame is the body's y
    slide = Joint("slide", "prismatic", "", "base", pose0=along_y, pose1=along_y, axis="x")
    assert body_poses(arm(slide, bodies=("base",)), {"slide": 0.2})[0].position_m == pytest.approx((0.0, 0.2, 0.0))


def test_followers_follow_through_chains_and_loops_of_them_stand_still() -> None:
    first = Joint("a", "prismatic", "base", "upper")
    second = replace(ELBOW, name="b", mimic=Mimic("a", -2.0, 0.1))
    third = Joint("c", "fixed", "base", "x", mimic=Mimic("b", 0.5))
    found = coordinates(arm(third, second, first), {"a": 0.3, "b": 9.0})
    assert found == pytest.approx({"a": 0.3, "b": -0.5, "c": -0.25})
    circle = (replace(first, mimic=Mimic("b")), replace(second, mimic=Mimic("a"), position=0.7))
    assert coordinates(arm(*circle), {"a": 1.0}) == {"a": 0.0, "b": 0.7}


def test_loops_do_not_count_and_ball_joints_keep_their_pose() -> None:
    closing = Joint("loop", "revolute", "base", "fore", closes_loop=True)
    fore = body_poses(arm(SHOULDER, ELBOW, closing), {"shoulder": 0.2})[2]
    assert fore.position_m == pytest.approx((math.cos(0.2), math.sin(0.2), 0.0))
    ball = Joint("ball", "spherical", "upper", "fore", pose0=Pose((1.0, 0.0, 0.0)))
    turned = body_poses(arm(SHOULDER, ball), {"shoulder": 0.2})[2]
    assert np.allclose(turned.position_m, fore.position_m) and heading(turned) == pytest.approx(0.2)


def test_a_chain_of_five_hundred_links_is_no_matter() -> None:
    names = tuple(f"l{i}" for i in range(500))
    joints = tuple(Joint(f"j{i}", "revolute", names[i], names[i + 1], pose0=Pose((0.01, 0.0, 0.0))) for i in range(499))
    straight = Twin("t", "t", (), full_twin().frame, (), tuple(Body(n, ()) for n in names), joints=joints)
    assert body_poses(straight, {})[-1].position_m == pytest.approx((4.99, 0.0, 0.0))
