"""What a person says of joints."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from physicl_twin.model import ConfigError, Joint, Proposal
from physicl_twin.normalize.joint_statement import JointStatement, parse_coordinate, with_joint_statements
from physicl_twin.normalize.kinematics import body_poses
from tests.normalize.test_kinematics import ELBOW, SHOULDER, arm, heading


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("110°", "revolute", math.radians(110)),
        ("-10", "revolute", math.radians(-10)),
        ("−10 deg", "revolute", math.radians(-10)),
        ("1,9 rad", "revolute", 1.9),
        ("350 mm", "prismatic", 0.35),
        (" 2 in ", "prismatic", 0.0508),
        ("free", "prismatic", None),
    ],
)
def test_coordinates_are_read(text: str, kind: str, value: float | None) -> None:
    assert parse_coordinate(text, kind) == (None if value is None else pytest.approx(value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [
        ("350", "prismatic", "coordinate_unit"),
        ("10 mm", "revolute", "coordinate_unit"),
        ("far", "revolute", "coordinate_unreadable"),
        ("1e999°", "revolute", "coordinate_unreadable"),
        ("", "prismatic", "coordinate_unreadable"),
    ],
)
def test_what_is_no_coordinate_is_refused(text: str, kind: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_coordinate(text, kind)  # type: ignore[arg-type]
    assert caught.value.code == code and caught.value.hint


def test_limits_and_resistance_are_stated() -> None:
    said = JointStatement("elbow", lower="-10°", upper="120°", friction=0.3, damping=0.01)
    joint = with_joint_statements(arm(SHOULDER, ELBOW), [said]).joints[1]
    assert (joint.lower, joint.upper) == pytest.approx((math.radians(-10), math.radians(120)))
    assert joint.friction is not None and (joint.friction.value, joint.friction.unit) == (0.3, "N m")
    assert joint.damping is not None and joint.damping.unit == "N m s/rad"
    assert joint.evidence[0].kind == "user"
    freed = with_joint_statements(arm(SHOULDER, joint), [JointStatement("elbow", upper="free")]).joints[1]
    assert freed.upper is None and freed.lower == pytest.approx(math.radians(-10))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (JointStatement("wrist", lower="0"), "joint_unknown"),
        (JointStatement("elbow", lower="20°", upper="10°"), "joint_limits_inverted"),
        (JointStatement("elbow", lower="20°", upper="40°"), "joint_limits_exclude_pose"),
        (JointStatement("elbow", friction=-1.0), "joint_resistance_negative"),
        (JointStatement("elbow", damping=math.nan), "joint_resistance_negative"),
        (JointStatement("weld", lower="0°"), "joint_without_limits"),
    ],
)
def test_what_cannot_be_is_refused(said: JointStatement, code: str) -> None:
    twin = arm(SHOULDER, ELBOW, Joint("weld", "fixed", "", "base"))
    with pytest.raises(ConfigError) as caught:
        with_joint_statements(twin, [said])
    assert caught.value.code == code and caught.value.hint


def test_a_rejected_joint_holds_the_bodies_where_they_stand() -> None:
    bent = replace(ELBOW, position=0.4, lower=0.0, upper=1.0)
    twin = arm(SHOULDER, bent)
    standing = body_poses(twin, {})
    fixed = with_joint_statements(twin, [JointStatement("elbow", "reject")])
    assert fixed.joints[1].type == "fixed" and fixed.joints[1].upper is None
    for one, other in zip(body_poses(fixed, {"elbow": 0.9}), standing, strict=True):
        assert one.position_m == pytest.approx(other.position_m) and heading(one) == pytest.approx(heading(other))


def test_a_rejected_proposal_is_gone() -> None:
    twin = replace(arm(SHOULDER), proposals=(Proposal(replace(ELBOW, probability=0.6), ("arm",)),))
    assert with_joint_statements(twin, [JointStatement("elbow", "reject")]).proposals == ()
