"""Joints read back: exactly what was written, and what was edited by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin import usd
from physicl_twin.model import BodyPair, Drive, Estimate, dumps, loads_twin
from tests.usd.movers import MOVERS, arm, cabinet, doorway, estimate, gripper, pendulum
from tests.usd.twins import write


@pytest.mark.parametrize("name", list(MOVERS))
def test_reading_back_gives_the_same_twin(name, tmp_path):
    twin = MOVERS[name]()
    path = write(twin, tmp_path)
    assert usd.read_twin(path) == twin
    assert usd.attach_geometry(loads_twin(dumps(twin)), path) == twin


def edited(twin, tmp_path: Path, changes: dict[str, object], layer: str = "payloads/base.usda"):
    path = write(twin, tmp_path)
    opened = Sdf.Layer.FindOrOpen(str(path.parent / layer))
    for where, value in changes.items():
        attribute = opened.GetAttributeAtPath(where)
        assert attribute is not None, where
        attribute.default = value
    opened.Save()
    back = usd.read_twin(path)
    return back, {joint.name: joint for joint in back.joints}


def test_an_edited_drive_counts_and_is_marked(tmp_path):
    back, joints = edited(
        arm(),
        tmp_path,
        {
            "/arm/joints/joint_0.drive:angular:physics:stiffness": 500.0 * math.pi / 180,
            "/arm/joints/joint_0.drive:angular:physics:maxForce": 33.0,
            "/arm/joints/joint_0.drive:angular:physics:targetPosition": 45.0,
        },
    )
    drive, told = joints["joint_0"].drive, arm().joints[0].drive
    assert drive.stiffness.value == pytest.approx(500.0, rel=1e-6) and drive.stiffness.flags == ("edited",)
    assert drive.max_force.value == 33.0 and drive.target == pytest.approx(math.pi / 4)
    assert drive.damping == told.damping and drive.name == told.name
    assert back.joints[1:] == arm().joints[1:]


def test_an_edited_spring_and_damper_of_a_joint_that_nothing_drives_stay_passive(tmp_path):
    _, joints = edited(
        cabinet(),
        tmp_path,
        {
            "/cabinet/joints/slide.drive:linear:physics:damping": 7.0,
            "/cabinet/joints/slide.drive:linear:physics:targetPosition": -0.02,
        },
    )
    slide = joints["slide"]
    assert slide.drive is None and slide.damping.value == 7.0 and slide.damping.flags == ("edited",)
    assert slide.rest == pytest.approx(-0.02) and slide.stiffness == cabinet().joints[1].stiffness


def test_the_spring_beside_a_motor_is_read_back_as_one_and_so_is_the_motors_bound(tmp_path):
    nothing, bound = (Estimate.exact(value, "N m", "a motor") for value in (0.0, 40.0))
    motor = Drive("force", nothing, nothing, bound, name="m")
    twin = pendulum(stiffness=estimate(3.0, "N m/rad"), damping=estimate(0.2, "N m s/rad"), rest=0.3, drive=motor)
    assert usd.read_twin(write(twin, tmp_path / "as_it_was")) == twin
    drive = "/pendulum/joints/pin.drive:angular:physics"
    changes = {f"{drive}:stiffness": 5.0 * math.pi / 180, f"{drive}:maxForce": 12.0}
    pin = edited(twin, tmp_path / "edited", changes)[1]["pin"]
    assert pin.stiffness.value == pytest.approx(5.0, rel=1e-6) and pin.damping == twin.joints[0].damping
    assert pin.drive.max_force.value == 12.0 and replace(pin.drive, max_force=bound) == motor


def test_gains_given_to_an_idle_drive_make_a_drive(tmp_path):
    twin = pendulum(max_force=estimate(4.0, "N m"))
    _, joints = edited(twin, tmp_path, {"/pendulum/joints/pin.drive:angular:physics:stiffness": 100.0 * math.pi / 180})
    drive = joints["pin"].drive
    assert drive.mode == "position" and drive.stiffness.value == pytest.approx(100.0, rel=1e-6)
    assert drive.damping.value == 0.0 and joints["pin"].max_force == twin.joints[0].max_force


def test_edited_limits_axis_state_and_bodies_count(tmp_path):
    path = write(cabinet(), tmp_path)
    layer = Sdf.Layer.FindOrOpen(str(path.parent / "payloads/base.usda"))
    hinge = "/cabinet/joints/Turscharnier"
    layer.GetAttributeAtPath(f"{hinge}.physics:lowerLimit").default = -90.0
    layer.GetAttributeAtPath(f"{hinge}.physics:axis").default = "X"
    layer.GetAttributeAtPath(f"{hinge}.state:angular:physics:position").default = -10.0
    layer.GetRelationshipAtPath(f"{hinge}.physics:body0").targetPathList.explicitItems = [Sdf.Path("/cabinet/drawer")]
    layer.Save()
    joint = usd.read_twin(path).joints[0]
    assert joint.lower == pytest.approx(-math.pi / 2) and joint.upper == 0.0 and joint.axis == "x"
    assert joint.position == pytest.approx(math.radians(-10)) and joint.body0 == "drawer" and joint.body1 == "door"


def test_a_cone_that_was_opened_and_a_turned_ball_joint_come_back_in_the_models_frame(tmp_path):
    _, joints = edited(
        arm(),
        tmp_path,
        {"/arm/joints/wrist.physics:coneAngle0Limit": -1.0, "/arm/joints/wrist.physics:localPos0": (0.01, 0.0, 0.3)},
    )
    wrist, told = joints["wrist"], arm().joints[-1]
    assert wrist.lower is None and wrist.upper is None and wrist.axis == told.axis
    assert wrist.pose0.position_m == pytest.approx((0.01, 0.0, 0.3))
    assert wrist.pose0.quaternion_wxyz == pytest.approx(told.pose0.quaternion_wxyz, abs=1e-6)
    assert wrist.pose1 == told.pose1


@pytest.mark.parametrize(
    ("layer", "attribute", "value", "field", "expected"),
    [
        ("physx", "physxJointAxis:angular:armature", 0.05, "armature", 0.05),
        ("physx", "physxJointAxis:angular:dynamicFrictionEffort", 0.9, "friction", 0.9),
        ("physx", "physxJointAxis:angular:maxJointVelocity", 90.0, "max_velocity", math.pi / 2),
        ("newton", "newton:damping", 0.02, "damping", 0.02 * 180 / math.pi),
        ("mujoco", "mjc:frictionloss", 0.7, "friction", 0.7),
    ],
)
def test_an_engines_word_that_was_edited_counts(layer, attribute, value, field, expected, tmp_path):
    where = f"/arm/joints/joint_1.{attribute}"
    _, joints = edited(arm(), tmp_path, {where: value}, f"runnables/physics/{layer}.usda")
    found: Estimate = getattr(joints["joint_1"], field)
    assert found.value == pytest.approx(expected, rel=1e-6) and found.flags == ("edited",)
    assert replace(joints["joint_1"], **{field: getattr(arm().joints[1], field)}) == arm().joints[1]


def test_an_edited_ratio_of_a_follower_counts(tmp_path):
    _, joints = edited(
        gripper(),
        tmp_path,
        {"/gripper/joints/thumb.physxMimicJoint:rotX:gearing": -3.0},
        "runnables/physics/physx.usda",
    )
    assert joints["thumb"].mimic.multiplier == 3.0 and joints["right slide"] == gripper().joints[1]


def test_filters_that_were_added_or_taken_away_count(tmp_path):
    path = write(cabinet(), tmp_path)
    layer = Sdf.Layer.FindOrOpen(str(path.parent / "payloads/base.usda"))
    layer.GetRelationshipAtPath("/cabinet/door.physics:filteredPairs").targetPathList.explicitItems = []
    layer.GetRelationshipAtPath("/cabinet/carcass.physics:filteredPairs").targetPathList.explicitItems = [
        Sdf.Path("/cabinet/door"),
        Sdf.Path("/cabinet/drawer"),
    ]
    layer.Save()
    told = cabinet().articulation.filters
    assert usd.read_twin(path).articulation.filters == (told[0], BodyPair("carcass", "drawer", "stated"))


def test_a_static_body_is_no_rigid_body_unless_joints_hang_on_it(tmp_path):
    stage = Usd.Stage.Open(str(write(doorway(), tmp_path)))
    sill, wall = (stage.GetPrimAtPath(f"/doorway/{name}") for name in ("sill", "wall"))
    assert not sill.HasAPI(UsdPhysics.RigidBodyAPI)
    assert stage.GetPrimAtPath("/doorway/sill/colliders/sill_00").HasAPI(UsdPhysics.CollisionAPI)
    # 1 m x 0.2 m x 2 m of oak at 700 kg/m3, held by the root joint, not counted as the doorway's mass.
    assert wall.HasAPI(UsdPhysics.RigidBodyAPI) and wall.GetAttribute("physics:mass").Get() == pytest.approx(280.0)
    assert stage.GetPrimAtPath("/doorway/joints/root_joint").HasAPI(UsdPhysics.ArticulationRootAPI)
    moving = sum(body.mass.value for body in doorway().bodies if body.mass is not None)
    data = stage.GetRootLayer().customLayerData["SimReady_Metadata"]
    assert data["mass"] == pytest.approx(moving) and data["rigid_body_count"] == 3


def test_a_pair_with_a_static_body_names_its_colliders(tmp_path):
    """A filtered pair has to name bodies or colliders, and a static body without joints is no rigid body."""
    twin = doorway()
    pairs = (
        BodyPair("sill", "door", "overlap"),
        BodyPair("wall", "door", "adjacent"),
        BodyPair("wall", "sill", "overlap"),
    )
    twin = replace(twin, articulation=replace(twin.articulation, filters=pairs))
    path = write(twin, tmp_path)
    stage = Usd.Stage.Open(str(path))

    def targets(body: str) -> list[str]:
        api = UsdPhysics.FilteredPairsAPI(stage.GetPrimAtPath(f"/doorway/{body}"))
        return [str(target) for target in api.GetFilteredPairsRel().GetTargets()]

    assert targets("door") == ["/doorway/sill/colliders/sill_00"]
    assert targets("wall") == ["/doorway/door", "/doorway/sill/colliders/sill_00"]
    assert usd.read_twin(path) == twin


def test_parts_that_are_only_seen_or_only_collide(tmp_path):
    stage = Usd.Stage.Open(str(write(gripper(), tmp_path)))
    seen, touched = (stage.GetPrimAtPath(f"/gripper/thumb/geometry/{n}") for n in ("thumb", "thumb_contact"))
    assert UsdGeom.Imageable(seen).ComputePurpose() == "default"
    assert UsdGeom.Imageable(touched.GetChild("mesh")).ComputePurpose() == "guide"
    colliders = [p.GetName() for p in stage.GetPrimAtPath("/gripper/thumb/colliders").GetChildren()]
    assert colliders == ["thumb_contact_00"]


def test_a_collision_mesh_that_is_seen_elsewhere_is_not_drawn_twice(tmp_path):
    """Robot descriptions often name one mesh twice: SimReady refuses coincident meshes."""
    twin = gripper()
    thumb = twin.body("thumb")
    again = replace(thumb.parts[1], shape=thumb.parts[0].shape)
    bodies = tuple(replace(b, parts=(thumb.parts[0], again)) if b.name == "thumb" else b for b in twin.bodies)
    shapes = tuple(s for s in twin.shapes if s.name != "thumb hull")
    twin = replace(twin, bodies=bodies, shapes=shapes)
    path = write(twin, tmp_path)
    stage = Usd.Stage.Open(str(path))
    assert not stage.GetPrimAtPath("/gripper/thumb/geometry/thumb_contact/mesh")
    assert usd.read_twin(path) == twin


def test_bodies_and_handles_have_labels_and_handles_have_grasps(tmp_path):
    stage = Usd.Stage.Open(str(write(cabinet(), tmp_path)))

    def labels(path: str) -> tuple[str, ...]:
        prim = stage.GetPrimAtPath(path)
        return tuple(
            str(label)
            for taxonomy in ("class", "wikidata_qcode")
            if (attribute := prim.GetAttribute(f"semantics:labels:{taxonomy}"))
            for label in attribute.Get()
        )

    assert labels("/cabinet/door") == ("door", "Q36794")
    # The class table has no verified item for these two.
    assert labels("/cabinet/drawer") == ("drawer",) and labels("/cabinet/door/geometry/Turgriff") == ("handle",)
    curves = [p for p in stage.Traverse() if p.GetName().startswith("grasp_identifier")]
    assert [str(p.GetPath()) for p in curves] == [
        "/cabinet/door/grasp_identifier_01",
        "/cabinet/drawer/grasp_identifier_02",
    ]
    # Across the bar: 12 mm thick and 36 mm before the panel, so along x, not against the door.
    start, end = (list(p) for p in UsdGeom.BasisCurves(curves[0]).GetPointsAttr().Get())
    width = 0.012 + 2 * 0.01
    assert abs(start[0] - end[0]) == pytest.approx(width, abs=1e-4)
    assert start[1:] == pytest.approx([-0.045, 0.0], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("door handle", True), ("DoorKnob", True), ("Schubladengriff", True), ("Türklinke_2", True), ("poignée droite", True),
        ("bouton", True), ("lever-arm", True), ("Angriffspunkt", False), ("gripper", False), ("panel", False), ("Begriff", False),
    ],
)  # fmt: skip
def test_handles_are_told_by_name(name, expected):
    from physicl_twin.usd.handles import is_handle

    assert is_handle(name) is expected
