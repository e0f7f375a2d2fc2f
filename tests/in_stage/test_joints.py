"""Joints of an open stage: read, moved by known kinematics, followed, refused, taken back to the byte."""

from __future__ import annotations

import math

import pytest
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage import PosedJoints, joints_of, move_joints
from physicl_twin.model import UsdError
from tests.in_stage.mechanisms import agrees, body, joint, planar_arm, pose
from tests.in_stage.scenes import stage, text, value

SHOULDER, ELBOW = "/World/arm/shoulder", "/World/arm/elbow"


def positions(made: Usd.Stage) -> dict[str, float]:
    return {one.path: one.position for one in joints_of(made)}


def test_joints_are_read_in_metres_and_radians() -> None:
    made = planar_arm(0.01)
    found = joints_of(made)
    assert [one.name for one in found] == ["shoulder", "elbow"]
    assert found[0].lower == pytest.approx(-math.pi / 2) and found[0].upper == pytest.approx(math.pi / 2)
    assert found[0].position == pytest.approx(0.0, abs=1e-9) and found[0].target is None
    assert joints_of(made, ["/World/arm/fore"]) == found[1:]
    assert joints_of(made, [ELBOW, "/World/not_there"]) == found[1:]
    assert joints_of(made, ["/World/not_there"]) == ()


@pytest.mark.parametrize("metres_per_unit", (1.0, 0.01))
@pytest.mark.parametrize("fixed", (True, False))
def test_an_arm_goes_where_its_kinematics_say(metres_per_unit: float, fixed: bool) -> None:
    made = planar_arm(metres_per_unit, fixed)
    report = move_joints(made, {ELBOW: 1.1, SHOULDER: -0.4})
    assert [one.path for one in report.bodies] == ["/World/arm/fore", "/World/arm/upper"] and not report.skipped
    agrees(made, -0.4, 1.1)
    assert positions(made) == pytest.approx({SHOULDER: -0.4, ELBOW: 1.1}, abs=1e-6)
    move_joints(made, {SHOULDER: 0.7})
    agrees(made, 0.7, 1.1)


def test_a_joint_written_the_other_way_round_moves_what_is_free() -> None:
    made = planar_arm()
    elbow = UsdPhysics.RevoluteJoint(made.GetPrimAtPath(ELBOW))
    zero, one = elbow.GetBody0Rel().GetTargets(), elbow.GetBody1Rel().GetTargets()
    elbow.GetBody0Rel().SetTargets(one)
    elbow.GetBody1Rel().SetTargets(zero)
    at0, at1 = elbow.GetLocalPos0Attr().Get(), elbow.GetLocalPos1Attr().Get()
    elbow.GetLocalPos0Attr().Set(at1)
    elbow.GetLocalPos1Attr().Set(at0)
    move_joints(made, {ELBOW: -1.1, SHOULDER: 0.3})
    agrees(made, 0.3, 1.1)


def test_nothing_held_and_joints_either_way_round_stay_together() -> None:
    made = planar_arm(fixed=False)
    elbow = UsdPhysics.RevoluteJoint(made.GetPrimAtPath(ELBOW))
    elbow.GetBody0Rel().SetTargets(["/World/arm/fore"])
    elbow.GetBody1Rel().SetTargets(["/World/arm/upper"])
    elbow.GetLocalPos0Attr().Set(Gf.Vec3f(-0.25, 0, 0))
    elbow.GetLocalPos1Attr().Set(Gf.Vec3f(0.5, 0, 0))
    move_joints(made, {ELBOW: 0.9, SHOULDER: -0.2})
    assert positions(made) == pytest.approx({SHOULDER: -0.2, ELBOW: 0.9}, abs=1e-6)
    agrees(made, -0.2, -0.9)


def test_bodies_below_bodies_and_other_operations_are_placed_right() -> None:
    made = stage()
    body(made, "/World/door", (0.0, 0.0, 0.0))
    handle = UsdGeom.Xform.Define(made, "/World/door/handle")
    handle.AddTranslateOp().Set(Gf.Vec3d(0.8, 0.0, 0.0))
    handle.AddRotateZOp().Set(30.0)
    handle.AddScaleOp().Set(Gf.Vec3f(2, 2, 2))
    UsdPhysics.RigidBodyAPI.Apply(handle.GetPrim())
    joint(made, "/World/hinge", "revolute", "", "/World/door", (0, 0, 0), (0, 0, 0), (0, 100))
    joint(made, "/World/turn", "revolute", "/World/door", "/World/door/handle", (0.8, 0, 0), (0, 0, 0), (-90, 90))
    start = positions(made)["/World/turn"]
    move_joints(made, {"/World/hinge": math.pi / 2, "/World/turn": start + 0.5})
    x, y, heading = pose(made, "/World/door/handle")
    assert (x, y) == pytest.approx((0.0, 0.8), abs=1e-6)
    assert heading == pytest.approx(math.pi / 2 + math.radians(30) + 0.5, abs=1e-6)
    scale = UsdGeom.XformCache().GetLocalToWorldTransform(handle.GetPrim()).ExtractRotationMatrix()
    assert UsdGeom.XformCache().GetLocalToWorldTransform(handle.GetPrim()).GetDeterminant() == pytest.approx(8, 1e-6)
    assert scale is not None


def test_a_drawer_slides_in_centimetres_under_y_up() -> None:
    made = stage(0.01, "Y")
    body(made, "/World/drawer", (10.0, 20.0, 0.0))
    joint(made, "/World/slide", "prismatic", "", "/World/drawer", (10, 20, 0), (0, 0, 0), (0, 35), axis="Z")
    move_joints(made, {"/World/slide": 0.25})
    world = UsdGeom.XformCache().GetLocalToWorldTransform(made.GetPrimAtPath("/World/drawer"))
    assert tuple(world.ExtractTranslation()) == pytest.approx((10.0, 20.0, 25.0))
    assert joints_of(made)[0].at_fraction(1.0) == pytest.approx(0.35)


def test_followers_are_moved_along() -> None:
    made = stage()
    for name, x in (("palm", 0.0), ("left", -0.1), ("right", 0.1)):
        body(made, f"/World/{name}", (x, 0.0, 0.0))
    joint(made, "/World/root", "fixed", "", "/World/palm", (0, 0, 0), (0, 0, 0))
    joint(made, "/World/l", "prismatic", "/World/palm", "/World/left", (-0.1, 0, 0), (0, 0, 0), (-1, 1), axis="X")
    follower = joint(
        made, "/World/r", "prismatic", "/World/palm", "/World/right", (0.1, 0, 0), (0, 0, 0), (-1, 1), axis="X"
    )
    follower.AddAppliedSchema("NewtonMimicAPI")
    follower.CreateRelationship("newton:mimicJoint").SetTargets(["/World/l"])
    follower.CreateAttribute("newton:mimicCoef1", Sdf.ValueTypeNames.Float).Set(-1.0)
    move_joints(made, {"/World/l": -0.05})
    assert positions(made) == pytest.approx({"/World/l": -0.05, "/World/r": 0.05}, abs=1e-7)
    (skip,) = move_joints(made, {"/World/r": 0.0}).skipped
    assert skip.code == "follows_another" and "/World/l" in skip.message


def test_the_older_schema_of_followers_has_the_other_sign() -> None:
    made = planar_arm()
    prim = made.GetPrimAtPath(ELBOW)
    prim.CreateRelationship("physxMimicJoint:rotZ:referenceJoint").SetTargets([SHOULDER])
    prim.CreateAttribute("physxMimicJoint:rotZ:gearing", Sdf.ValueTypeNames.Float).Set(0.5)
    prim.CreateAttribute("physxMimicJoint:rotZ:offset", Sdf.ValueTypeNames.Float).Set(-10.0)
    move_joints(made, {SHOULDER: 0.4})
    assert positions(made)[ELBOW] == pytest.approx(-0.2 + math.radians(10), abs=1e-6)


def test_what_cannot_be_done_is_named_and_the_rest_is_done() -> None:
    made = planar_arm()
    report = move_joints(made, {SHOULDER: 1.7, ELBOW: 0.5, "/World/arm/base": 0.0, "/World/arm/root": 1.0})
    assert [one.code for one in report.skipped] == ["beyond_limit", "no_joint", "no_joint"]
    assert "-90° to 90°" in report.skipped[0].message
    agrees(made, 0.0, 0.5)
    (skip,) = move_joints(made, {ELBOW: 0.1}, drive=True).skipped
    assert skip.code == "no_drive"
    for bad in (math.nan, math.inf):
        with pytest.raises(UsdError) as caught:
            move_joints(made, {ELBOW: bad})
        assert caught.value.code == "position_malformed"


@pytest.mark.parametrize("held_twice", (False, True))
def test_a_loop_is_left_to_the_engine(held_twice: bool) -> None:
    made = planar_arm()
    first = "" if held_twice else "/World/arm/base"
    closing = joint(made, "/World/arm/tip", "revolute", first, "/World/arm/fore", (1.5, 0, 0), (0.25, 0, 0))
    before = text(made)
    (skip,) = move_joints(made, {ELBOW: 0.5}).skipped
    assert skip.code == "closed_loop" and text(made) == before
    UsdPhysics.Joint(closing).CreateExcludeFromArticulationAttr(True)
    assert not move_joints(made, {ELBOW: 0.5}).skipped


def test_drives_are_told_and_bodies_left_alone() -> None:
    made = planar_arm()
    UsdPhysics.DriveAPI.Apply(made.GetPrimAtPath(ELBOW), "angular").CreateTargetPositionAttr(0.0)
    before = pose(made, "/World/arm/fore")
    report = move_joints(made, {ELBOW: math.pi / 3}, drive=True)
    assert value(made.GetPrimAtPath(ELBOW), "drive:angular:physics:targetPosition") == pytest.approx(60.0, abs=1e-4)
    assert pose(made, "/World/arm/fore") == before and [one.path for one in report.bodies] == [ELBOW]
    assert joints_of(made)[1].target == pytest.approx(math.pi / 3)


def test_everything_is_taken_back_to_the_byte() -> None:
    made = planar_arm()
    before = text(made)
    report = move_joints(made, {SHOULDER: 0.5, ELBOW: 0.5})
    assert report.changed and text(made) != before
    report.undo()
    assert text(made) == before
    assert not move_joints(made, {SHOULDER: 0.0}).changed


def test_posed_for_a_time_leaves_no_trace() -> None:
    made = planar_arm()
    root, session = made.GetRootLayer().ExportToString(), made.GetSessionLayer().ExportToString()
    posed = PosedJoints(made)
    for step in range(5):
        posed.pose({SHOULDER: 0.1 * step, ELBOW: -0.1 * step})
        agrees(made, 0.1 * step, -0.1 * step)
    assert made.GetRootLayer().ExportToString() == root and made.GetEditTarget().GetLayer() == made.GetRootLayer()
    posed.release()
    posed.release()
    assert made.GetSessionLayer().ExportToString() == session
    agrees(made, 0.0, 0.0)


def test_several_turns_and_free_joints() -> None:
    made = planar_arm()
    prim = UsdPhysics.RevoluteJoint(made.GetPrimAtPath(SHOULDER))
    prim.GetLowerLimitAttr().Set(300.0)
    prim.GetUpperLimitAttr().Set(420.0)
    assert joints_of(made)[0].position == pytest.approx(2 * math.pi)
    prim.GetLowerLimitAttr().Set(-math.inf)
    prim.GetUpperLimitAttr().Set(math.inf)
    (free, _) = joints_of(made)
    assert free.lower is None and free.at_fraction(0.25) == pytest.approx(math.pi / 2)
    move_joints(made, {SHOULDER: 4.0})
    agrees(made, 4.0 - 2 * math.pi, 0.0)


def test_a_target_that_is_not_there_is_the_world() -> None:
    made = planar_arm()
    UsdPhysics.Joint(made.GetPrimAtPath(ELBOW)).GetBody0Rel().SetTargets(["/World/gone"])
    assert joints_of(made)[1].body0 == ""


def test_no_stage() -> None:
    with pytest.raises(UsdError) as caught:
        joints_of(None)
    assert caught.value.code == "no_stage"
