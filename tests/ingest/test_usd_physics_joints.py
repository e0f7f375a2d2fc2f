"""Mechanisms of USD stages: kinematics with a known answer, dynamics in SI from every family of schemas, repairs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin import ingest
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.ingest.usd import read_usd
from physicl_twin.normalize.kinematics import body_poses

OPTIONS = ReadOptions()
Types = Sdf.ValueTypeNames


@pytest.fixture
def stage(tmp_path):
    """A stage in centimetres and grams."""
    stage = Usd.Stage.CreateNew(str(tmp_path / "a.usda"))
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 0.001)
    UsdGeom.SetStageUpAxis(stage, "Z")
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Root").GetPrim())
    return stage


def path_of(stage):
    stage.GetRootLayer().Save()
    return Path(stage.GetRootLayer().realPath)


def read(stage):
    return read_usd(path_of(stage), OPTIONS)


def notes(scene, code):
    return [note.message for note in scene.notes if note.code == code]


def body(stage, path, position=(0.0, 0.0, 0.0), degrees=0.0, mass=None):
    xform = UsdGeom.Xform.Define(stage, path)
    xform.AddTranslateOp().Set(Gf.Vec3d(*position))
    xform.AddRotateYOp().Set(degrees)
    UsdPhysics.RigidBodyAPI.Apply(xform.GetPrim())
    UsdGeom.Cube.Define(stage, f"{path}/Cube").CreateSizeAttr(10.0)
    if mass is not None:
        api = UsdPhysics.MassAPI.Apply(xform.GetPrim())
        api.CreateMassAttr(mass)
        api.CreateCenterOfMassAttr(Gf.Vec3f(0, 0, 0))
        api.CreateDiagonalInertiaAttr(Gf.Vec3f(1000, 2000, 3000))
    return xform.GetPrim()


def joint(stage, kind, name, body0, body1, axis="Z", lower=None, upper=None, pos0=(0, 0, 0), pos1=(0, 0, 0)):
    made = getattr(UsdPhysics, kind).Define(stage, f"/Root/{name}")
    made.CreateBody0Rel().SetTargets([Sdf.Path(body0)] if body0 else [])
    made.CreateBody1Rel().SetTargets([Sdf.Path(body1)] if body1 else [])
    made.CreateLocalPos0Attr(Gf.Vec3f(*pos0))
    made.CreateLocalPos1Attr(Gf.Vec3f(*pos1))
    if kind in ("RevoluteJoint", "PrismaticJoint"):
        made.CreateAxisAttr(axis)
        if lower is not None:
            made.CreateLowerLimitAttr(lower)
            made.CreateUpperLimitAttr(upper)
    return made.GetPrim()


def put(prim, schemas=(), **values):
    """Write attributes by name (``__`` for ``:``) and applied schemas, as tools without those schemas do."""
    for schema in schemas:
        prim.AddAppliedSchema(schema)
    for name, value in values.items():
        name = name.replace("__", ":")
        kind = Types.Bool if isinstance(value, bool) else Types.Token if isinstance(value, str) else Types.Float
        if isinstance(value, list):
            kind = Types.DoubleArray
        prim.CreateAttribute(name, kind).Set(value)
    return prim


def two_links(stage, **kwargs):
    """A base and an arm that stands at 30 degrees about y; returns the joint."""
    body(stage, "/Root/Base", mass=1000.0)
    body(stage, "/Root/Arm", (50, 0, 0), 30.0, mass=500.0)
    return joint(stage, "RevoluteJoint", "Hinge", "/Root/Base", "/Root/Arm", "Y", -90, 100, (50, 0, 0), **kwargs)


def test_the_coordinate_is_where_the_bodies_stand_and_kinematics_follow(stage):
    two_links(stage)
    body(stage, "/Root/Slider", (50 + 10 * math.sin(math.radians(30)), 0, 10 * math.cos(math.radians(30))), 30.0)
    joint(stage, "PrismaticJoint", "Rail", "/Root/Arm", "/Root/Slider", "Z", 0, 20)
    twin = ingest.read(path_of(stage), OPTIONS)
    positions = {j.name: j.position for j in twin.joints}
    assert positions == {"Hinge": pytest.approx(math.radians(30)), "Rail": pytest.approx(0.1)}
    stood = body_poses(twin, {})
    for body_, pose in zip(twin.bodies, stood, strict=True):
        np.testing.assert_allclose(pose.matrix(), body_.pose.matrix(), atol=1e-7)
    moved = dict(zip((b.name for b in twin.bodies), body_poses(twin, {"Hinge": math.pi / 2, "Rail": 0.2}), strict=True))
    np.testing.assert_allclose(moved["Slider"].position_m, (0.7, 0, 0), atol=1e-7)
    assert (twin.articulation.root, twin.articulation.fixed, twin.articulation.kind) == ("Base", False, "prop")


def test_a_joint_that_was_authored_backwards(stage):
    body(stage, "/Root/Base")
    body(stage, "/Root/Arm", (50, 0, 0), 30.0)
    prim = joint(stage, "RevoluteJoint", "Hinge", "/Root/Arm", "/Root/Base", "Y", -100, 90, pos1=(50, 0, 0))
    put(
        prim,
        ["PhysicsDriveAPI:angular"],
        drive__angular__physics__stiffness=2.0,
        drive__angular__physics__targetPosition=-40.0,
    )
    stage.GetPrimAtPath("/Root/Base").AddAppliedSchema("PhysicsArticulationRootAPI")
    twin = ingest.read(path_of(stage), OPTIONS)
    (hinge,) = twin.joints
    assert (hinge.body0, hinge.body1) == ("Base", "Arm")
    assert (hinge.lower, hinge.upper) == (pytest.approx(math.radians(-90)), pytest.approx(math.radians(100)))
    assert hinge.position == pytest.approx(math.radians(30))
    assert hinge.drive.target == pytest.approx(math.radians(40))
    np.testing.assert_allclose(body_poses(twin, {"Hinge": 0.0})[1].quaternion_wxyz, (1, 0, 0, 0), atol=1e-7)


def test_a_drive_in_stage_units(stage):
    prim = two_links(stage)
    put(
        prim, ["PhysicsDriveAPI:angular", "PhysicsJointStateAPI:angular"],
        drive__angular__physics__stiffness=1e6, drive__angular__physics__damping=2e5, drive__angular__physics__maxForce=3e8,
        drive__angular__physics__targetPosition=45.0, drive__angular__physics__type="force", state__angular__physics__position=30.0,
    )  # fmt: skip
    scene = read(stage)
    (hinge,) = scene.joints
    # g cm2/s2 per degree: 1e-3 kg · 1e-4 m2 · 180/π.
    assert hinge.drive.stiffness.value == pytest.approx(1e6 * 1e-7 * 180 / math.pi)
    assert (hinge.drive.stiffness.unit, hinge.drive.damping.unit, hinge.drive.max_force.unit) == (
        "N m/rad",
        "N m s/rad",
        "N m",
    )
    assert hinge.drive.damping.value == pytest.approx(2e5 * 1e-7 * 180 / math.pi)
    assert hinge.drive.max_force.value == pytest.approx(30.0)
    assert hinge.drive.target == pytest.approx(math.pi / 4)
    assert scene.articulation.kind == "robot"
    assert not notes(scene, "joint_state_disagrees")


def test_a_linear_drive_of_velocity(stage):
    body(stage, "/Root/A")
    body(stage, "/Root/B")
    prim = joint(stage, "PrismaticJoint", "Rail", "/Root/A", "/Root/B", "X", -10, 10)
    put(
        prim,
        ["PhysicsDriveAPI:linear"],
        drive__linear__physics__damping=5000.0,
        drive__linear__physics__targetVelocity=20.0,
    )
    drive = read(stage).joints[0].drive
    assert (drive.mode, drive.damping.unit) == ("velocity", "N s/m")
    assert drive.damping.value == pytest.approx(5.0)
    assert drive.target == pytest.approx(0.2)


def test_gains_of_acceleration_are_multiplied_by_the_inertia_behind(stage):
    prim = two_links(stage)
    put(
        prim,
        ["PhysicsDriveAPI:angular"],
        drive__angular__physics__stiffness=100.0,
        drive__angular__physics__type="acceleration",
    )
    body(stage, "/Root/Tip", (50, 0, 20), 30.0, mass=250.0)
    joint(stage, "FixedJoint", "Weld", "/Root/Arm", "/Root/Tip")
    weld = stage.GetPrimAtPath("/Root/Weld")
    turn = Gf.Rotation(Gf.Vec3d(0, 1, 0), -30).TransformDir(Gf.Vec3d(0, 0, 20))
    UsdPhysics.Joint(weld).GetLocalPos0Attr().Set(Gf.Vec3f(turn))
    scene = read(stage)
    hinge = next(j for j in scene.joints if j.name == "Hinge")
    inertia = 2 * 2000e-7 + 0.25 * 0.2**2
    assert hinge.drive.stiffness.value == pytest.approx(100.0 * 180 / math.pi * inertia, rel=1e-6)
    assert notes(scene, "drive_converted")


def test_gains_of_acceleration_without_masses_are_left_out(stage):
    body(stage, "/Root/A")
    body(stage, "/Root/B")
    prim = joint(stage, "RevoluteJoint", "Hinge", "/Root/A", "/Root/B")
    put(
        prim,
        ["PhysicsDriveAPI:angular"],
        drive__angular__physics__stiffness=100.0,
        drive__angular__physics__type="acceleration",
    )
    scene = read(stage)
    assert scene.joints[0].drive is None
    assert any("'B'" in message for message in notes(scene, "drive_left_out"))


@pytest.mark.parametrize(
    ("attributes", "friction", "damping", "armature", "speed"),
    [
        ({"physxJointAxis__angular__dynamicFrictionEffort": 1e6, "physxJointAxis__angular__viscousFrictionCoefficient": 1e5,
          "physxJointAxis__angular__armature": 1e4, "physxJointAxis__angular__maxJointVelocity": 180.0},
         0.1, 1e-2 * 180 / math.pi, 1e-3, math.pi),
        ({"physxJoint__armature": 1e4, "physxJoint__maxJointVelocity": 90.0}, None, None, 1e-3, math.pi / 2),
        ({"newton__friction": 1e6, "newton__damping": 1e5, "newton__armature": 1e4, "newton__velocityLimit": 180.0},
         0.1, 1e-2 * 180 / math.pi, 1e-3, math.pi),
        ({"mjc__frictionloss": 1e6, "mjc__damping": 1e5, "mjc__armature": 1e4}, 0.1, 1e-2, 1e-3, None),
        ({"urdf__limit__velocity": 2.0, "newton__armature": 0.0}, None, None, None, 2.0),
    ],
)  # fmt: skip
def test_losses_of_every_family(stage, attributes, friction, damping, armature, speed):
    put(two_links(stage), **attributes)
    hinge = read(stage).joints[0]
    for estimate, expected, unit in (
        (hinge.friction, friction, "N m"), (hinge.damping, damping, "N m s/rad"),
        (hinge.armature, armature, "kg m2"), (hinge.max_velocity, speed, "rad/s"),
    ):  # fmt: skip
        assert (estimate is None) == (expected is None)
        assert estimate is None or (estimate.value, estimate.unit) == (pytest.approx(expected), unit)


def test_a_spring_of_mujoco(stage):
    put(two_links(stage), mjc__stiffness=1e6, mjc__springref=20.0)
    hinge = read(stage).joints[0]
    assert hinge.stiffness.value == pytest.approx(0.1)
    assert hinge.rest == pytest.approx(math.radians(20))


def actuator(stage, kind, relation, target, schemas=(), **values):
    prim = stage.DefinePrim("/Root/Motor", kind)
    prim.CreateRelationship(relation).SetTargets([Sdf.Path(target)])
    return put(prim, schemas, **values)


def test_an_actuator_of_newton(stage):
    two_links(stage)
    actuator(stage, "NewtonActuator", "newton:targets", "/Root/Hinge", ["NewtonPDControlAPI", "NewtonMaxEffortClampingAPI"],
             newton__kp=1e7, newton__kd=1e6, newton__maxEffort=5e7)  # fmt: skip
    drive = read(stage).joints[0].drive
    assert (drive.name, drive.stiffness.value, drive.damping.value, drive.max_force.value) == (
        "Motor", pytest.approx(1.0), pytest.approx(0.1), pytest.approx(5.0),
    )  # fmt: skip


def test_an_actuator_of_mujoco(stage):
    two_links(stage)
    actuator(stage, "MjcActuator", "mjc:target", "/Root/Hinge", mjc__gainType="fixed", mjc__biasType="affine",
             mjc__gainPrm=[1e7, 0.0, 0.0], mjc__biasPrm=[0.0, -1e7, -1e6], mjc__gear=[2.0, 0.0], mjc__forceRange__min=-3e7,
             mjc__forceRange__max=3e7)  # fmt: skip
    drive = read(stage).joints[0].drive
    assert drive.stiffness.value == pytest.approx(4.0)
    assert drive.damping.value == pytest.approx(0.4)
    assert drive.max_force.value == pytest.approx(6.0)


def test_an_actuator_without_a_joint_is_named(stage):
    two_links(stage)
    actuator(stage, "MjcActuator", "mjc:target", "/Root/Nothing")
    scene = read(stage)
    assert scene.joints[0].drive is None
    assert any("Motor" in message for message in notes(scene, "actuator_left_out"))


@pytest.mark.parametrize("family", ["physx", "newton", "mujoco"])
def test_joints_that_follow(stage, family):
    two_links(stage)
    body(stage, "/Root/Other", (0, 50, 0), 0.0)
    follower = joint(stage, "RevoluteJoint", "Follower", "/Root/Base", "/Root/Other", "Y", -90, 90, (0, 50, 0))
    if family == "physx":
        put(
            follower,
            ["PhysxMimicJointAPI:rotY"],
            physxMimicJoint__rotY__gearing=2.0,
            physxMimicJoint__rotY__offset=-60.0,
        )
        follower.CreateRelationship("physxMimicJoint:rotY:referenceJoint").SetTargets([Sdf.Path("/Root/Hinge")])
    elif family == "newton":
        put(follower, ["NewtonMimicAPI"], newton__mimicCoef0=60.0, newton__mimicCoef1=-2.0)
        follower.CreateRelationship("newton:mimicJoint").SetTargets([Sdf.Path("/Root/Hinge")])
    else:
        put(
            follower,
            ["MjcEqualityJointAPI"],
            mjc__coef0=math.radians(60) - math.radians(20) + math.radians(20),
            mjc__coef1=-2.0,
        )
        follower.CreateRelationship("mjc:target").SetTargets([Sdf.Path("/Root/Hinge")])
    mimic = next(j.mimic for j in read(stage).joints if j.name == "Follower")
    assert (mimic.joint, mimic.multiplier) == ("Hinge", pytest.approx(-2.0))
    assert mimic.offset == pytest.approx(math.radians(60), rel=1e-6)


def test_circles_of_followers_are_broken_and_chains_name_the_leader(stage):
    two_links(stage)
    for number in range(3):
        body(stage, f"/Root/B{number}")
        joint(stage, "RevoluteJoint", f"J{number}", "/Root/Base", f"/Root/B{number}", "Y")
    for follower, leader in (("J0", "J1"), ("J1", "J0"), ("J2", "J1")):
        prim = put(stage.GetPrimAtPath(f"/Root/{follower}"), ["NewtonMimicAPI"], newton__mimicCoef1=3.0)
        prim.CreateRelationship("newton:mimicJoint").SetTargets([Sdf.Path(f"/Root/{leader}")])
    scene = read(stage)
    mimics = {j.name: j.mimic for j in scene.joints}
    assert mimics["J0"] is None
    assert (mimics["J1"].joint, mimics["J2"].joint, mimics["J2"].multiplier) == ("J0", "J0", pytest.approx(9.0))
    assert notes(scene, "mimic_left_out")


def general(stage, free):
    """A joint of the general type that leaves some axes free, with limits."""
    body(stage, "/Root/A")
    body(stage, "/Root/B")
    made = UsdPhysics.Joint.Define(stage, "/Root/D6")
    made.CreateBody0Rel().SetTargets([Sdf.Path("/Root/A")])
    made.CreateBody1Rel().SetTargets([Sdf.Path("/Root/B")])
    for axis in ("transX", "transY", "transZ", "rotX", "rotY", "rotZ"):
        low, high = free.get(axis, (1.0, -1.0))
        if (low, high) != (None, None):
            api = UsdPhysics.LimitAPI.Apply(made.GetPrim(), axis)
            api.CreateLowAttr(low)
            api.CreateHighAttr(high)
    return made.GetPrim()


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        ({}, ("fixed", None, None)),
        ({"rotY": (-90.0, 45.0)}, ("revolute", -math.pi / 2, math.pi / 4)),
        ({"transX": (-10.0, 20.0)}, ("prismatic", -0.1, 0.2)),
        ({"rotX": (None, None), "rotY": (None, None), "rotZ": (None, None)}, ("spherical", None, None)),
        ({"rotX": (-10.0, 10.0), "rotY": (-10.0, 10.0)}, None),
    ],
)
def test_joints_of_the_general_type(stage, free, expected):
    general(stage, free)
    scene = read(stage)
    if expected is None:
        assert scene.joints == ()
        assert any("2 axes free (rotX, rotY)" in message for message in notes(scene, "joint_ignored"))
        return
    (found,) = scene.joints
    assert (found.type, found.lower, found.upper) == (
        expected[0],
        *(v if v is None else pytest.approx(v) for v in expected[1:]),
    )
    if len(free) == 1:
        assert found.axis == next(iter(free))[-1].lower()


def ring(stage, excluded):
    for number in range(3):
        body(stage, f"/Root/B{number}")
    for number in range(3):
        prim = joint(stage, "RevoluteJoint", f"J{number}", f"/Root/B{number}", f"/Root/B{(number + 1) % 3}")
        if number == excluded:
            UsdPhysics.Joint(prim).CreateExcludeFromArticulationAttr(True)


@pytest.mark.parametrize(("excluded", "opened"), [(0, "J0"), (None, "J2")])
def test_loops_are_opened_where_the_stage_says_or_at_the_last_joint(stage, excluded, opened):
    ring(stage, excluded)
    scene = read(stage)
    assert [j.name for j in scene.joints if j.closes_loop] == [opened]
    children = [j.body1 for j in scene.joints if not j.closes_loop]
    assert len(set(children)) == len(children) == 2
    assert bool(notes(scene, "loop_opened")) == (excluded is None)


def test_an_excluded_joint_that_closes_nothing_stays(stage):
    UsdPhysics.Joint(two_links(stage)).CreateExcludeFromArticulationAttr(True)
    scene = read(stage)
    assert [j.closes_loop for j in scene.joints] == [False]
    assert notes(scene, "excluded_joint_kept")


def test_the_articulation(stage):
    two_links(stage)
    body(stage, "/Root/Hand", (50, 0, 0), 30.0)
    joint(stage, "FixedJoint", "Weld", "/Root/Arm", "/Root/Hand")
    joint(stage, "FixedJoint", "Root", "", "/Root/Base")
    put(stage.GetPrimAtPath("/Root/Root"), ["PhysicsArticulationRootAPI", "PhysxArticulationAPI"],
        physxArticulation__enabledSelfCollisions=False)  # fmt: skip
    for name, value in (("Position", 64), ("Velocity", 2)):
        attribute = f"physxArticulation:solver{name}IterationCount"
        stage.GetPrimAtPath("/Root/Root").CreateAttribute(attribute, Types.Int).Set(value)
    pairs = stage.GetPrimAtPath("/Root/Base/Cube").CreateRelationship("physics:filteredPairs")
    pairs.SetTargets([Sdf.Path("/Root/Hand")])
    UsdPhysics.CollisionGroup.Define(stage, "/Root/Group")
    scene = read(stage)
    articulation = scene.articulation
    assert (articulation.root, articulation.fixed, articulation.self_collision) == ("Base", True, False)
    assert (articulation.position_iterations, articulation.velocity_iterations) == (64, 2)
    assert [(f.body0, f.body1, f.reason) for f in articulation.filters] == [("Base", "Hand", "stated")]
    assert [j.name for j in scene.joints] == ["Hinge", "Weld"]
    # What the stage says of the base is a statement, which nothing later overrules.
    assert [e.field for e in articulation.evidence] == ["base"]
    assert any("Group" in message for message in notes(scene, "physics_left_out"))


def test_a_link_without_surface_is_a_body_when_joints_name_it(stage):
    body(stage, "/Root/A")
    body(stage, "/Root/B")
    middle = UsdGeom.Xform.Define(stage, "/Root/Middle").GetPrim()
    UsdPhysics.RigidBodyAPI.Apply(middle)
    joint(stage, "RevoluteJoint", "One", "/Root/A", "/Root/Middle", "X")
    joint(stage, "RevoluteJoint", "Two", "/Root/Middle", "/Root/B", "Y")
    scene = read(stage)
    assert [(j.body0, j.body1) for j in scene.joints] == [("A", "Middle"), ("Middle", "B")]
    assert {b.name for b in scene.bodies} == {"A", "B", "Middle"}


@pytest.mark.parametrize("target", ["/Root/Gone", "/Root/Off"])
def test_targets_that_are_not_there(stage, target):
    body(stage, "/Root/A")
    body(stage, "/Root/Off")
    stage.GetPrimAtPath("/Root/Off").SetActive(False)
    joint(stage, "RevoluteJoint", "Hinge", "/Root/A", target)
    scene = read(stage)
    assert scene.joints == ()
    assert any(target in message for message in notes(scene, "joint_ignored"))


def test_repairs_are_named(stage):
    prim = two_links(stage)
    UsdPhysics.RevoluteJoint(prim).GetLowerLimitAttr().Set(120.0)
    put(prim, state__angular__physics__position=-50.0, physxJoint__jointFriction=0.2)
    off = joint(stage, "RevoluteJoint", "Off", "/Root/Base", "/Root/Arm")
    UsdPhysics.Joint(off).CreateJointEnabledAttr(False)
    body(stage, "/Root/Far", (0, 0, 90))
    joint(stage, "PrismaticJoint", "Torn", "/Root/Base", "/Root/Far", "X")
    scene = read(stage)
    hinge = next(j for j in scene.joints if j.name == "Hinge")
    assert (hinge.lower, hinge.upper) == (pytest.approx(math.radians(100)), pytest.approx(math.radians(120)))
    assert hinge.position == pytest.approx(math.radians(30))
    assert notes(scene, "joint_state_disagrees")
    assert any("exchanged" in m for m in notes(scene, "joint_simplified"))
    assert any("friction coefficient" in m for m in notes(scene, "joint_simplified"))
    assert any("'Off' is switched off" in m for m in notes(scene, "joint_ignored"))
    assert any("'Torn'" in m and "900 mm" in m for m in notes(scene, "joint_frames_disagree"))
    np.testing.assert_allclose(next(b for b in scene.bodies if b.name == "Far").transform[:3, 3], (0, 0, 0), atol=1e-9)


def test_seen_and_touched(stage):
    prim = body(stage, "/Root/A")
    body(stage, "/Root/B", (50, 0, 0))
    hull = UsdGeom.Capsule.Define(stage, "/Root/A/Hull")
    hull.CreateRadiusAttr(3.0)
    hull.CreateHeightAttr(8.0)
    hull.CreateAxisAttr("X")
    hull.CreatePurposeAttr("guide")
    UsdPhysics.CollisionAPI.Apply(hull.GetPrim())
    scene = read(stage)
    roles = {(p.name, p.body): p.role for p in scene.parts}
    assert roles == {("Cube", "A"): "visual", ("Hull", "A"): "collision", ("Cube", "B"): "solid"}
    (collider,) = next(p.collision for p in scene.parts if p.name == "Hull").colliders
    assert (collider.kind, collider.size_m) == ("capsule", (pytest.approx(0.03), pytest.approx(0.08)))
    np.testing.assert_allclose(collider.pose.apply(np.array([[0, 0, 1.0]]))[0], (1, 0, 0), atol=1e-12)
    UsdPhysics.CollisionAPI.Apply(stage.GetPrimAtPath(f"{prim.GetPath()}/Cube"))
    assert {p.role for p in read(stage).parts if p.name == "Cube"} == {"solid"}


def test_bodies_that_are_held(stage):
    UsdPhysics.RigidBodyAPI(body(stage, "/Root/Wall")).CreateKinematicEnabledAttr(True)
    body(stage, "/Root/Box", (0, 50, 0))
    scene = read(stage)
    assert {b.name: b.static for b in scene.bodies} == {"Wall": True, "Box": False}
    joint(stage, "RevoluteJoint", "Hinge", "/Root/Wall", "/Root/Box", pos0=(0, 50, 0))
    scene = read(stage)
    assert {b.name: b.static for b in scene.bodies} == {"Wall": False, "Box": False}
    assert (scene.articulation.root, scene.articulation.fixed) == ("Wall", True)
    assert notes(scene, "kinematic_body")


def test_physics_in_a_variant(stage):
    """Isaac Sim's importers leave the set without a selection: no body, no joint until one is made."""
    for name in ("A", "B"):
        UsdGeom.Cube.Define(stage, f"/Root/{name}/Cube")
        UsdGeom.Xform.Define(stage, f"/Root/{name}")
    variants = stage.GetDefaultPrim().GetVariantSets().AddVariantSet("Physics")
    for name in ("none", "physx", "physics"):
        variants.AddVariant(name)
    variants.SetVariantSelection("physics")
    with variants.GetVariantEditContext():
        for name in ("A", "B"):
            UsdPhysics.RigidBodyAPI.Apply(stage.GetPrimAtPath(f"/Root/{name}"))
        joint(stage, "RevoluteJoint", "Hinge", "/Root/A", "/Root/B")
    variants.ClearVariantSelection()
    scene = read(stage)
    assert [j.name for j in scene.joints] == ["Hinge"]
    assert any("'physics' of 'Physics'" in m for m in notes(scene, "variant_selected"))


def test_a_y_up_stage_in_inches(tmp_path):
    stage = Usd.Stage.CreateNew(str(tmp_path / "y.usda"))
    UsdGeom.SetStageMetersPerUnit(stage, 0.0254)
    UsdGeom.SetStageUpAxis(stage, "Y")
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Root").GetPrim())
    body(stage, "/Root/Base")
    body(stage, "/Root/Arm", (10, 20, 0), 90.0)
    joint(stage, "RevoluteJoint", "Hinge", "/Root/Base", "/Root/Arm", "Y", -180, 180, (10, 20, 0))
    twin = ingest.read(path_of(stage), OPTIONS)
    poses = dict(zip((b.name for b in twin.bodies), body_poses(twin, {"Hinge": 0.0}), strict=True))
    np.testing.assert_allclose(poses["Arm"].position_m, (0.254, 0, 0.508), atol=1e-7)
    np.testing.assert_allclose(poses["Arm"].rotation(), poses["Base"].rotation(), atol=1e-7)


def test_a_stated_coordinate_moves_the_bodies_behind_the_joint(stage):
    """As PhysX does when it starts: Isaac's ant stands with straight legs and states bent ones."""
    body(stage, "/Root/Base")
    body(stage, "/Root/Arm", (10, 0, 0))
    body(stage, "/Root/Hand", (30, 0, 0))
    prim = joint(stage, "RevoluteJoint", "Hinge", "/Root/Base", "/Root/Arm", "Y", 30, 100, (10, 0, 0))
    joint(stage, "FixedJoint", "Weld", "/Root/Arm", "/Root/Hand", pos0=(20, 0, 0))
    put(prim, ["PhysicsJointStateAPI:angular"], state__angular__physics__position=90.0)
    scene = read(stage)
    assert notes(scene, "joint_state_disagrees") and not notes(scene, "joint_frames_disagree")
    hinge = next(j for j in scene.joints if j.name == "Hinge")
    assert hinge.position == pytest.approx(math.pi / 2)
    hand = next(b for b in scene.bodies if b.name == "Hand")
    np.testing.assert_allclose(hand.transform[:3, 3], (10, 0, -20), atol=1e-6)
    part = next(p for p in scene.parts if p.body == "Hand")
    np.testing.assert_allclose(part.transform, np.eye(4), atol=1e-9)


def test_joints_and_bodies_count_in_the_same_unit(stage):
    """A mechanism of implausible size keeps the unit of its stage; a stated unit holds for its joints, too."""
    body(stage, "/Root/Base")
    body(stage, "/Root/Arm", (0, 0, 900000))
    joint(stage, "PrismaticJoint", "Rail", "/Root/Base", "/Root/Arm", "Z", 0, 1000000)
    path = path_of(stage)
    for units, metres in ((None, 0.01), ("mm", 0.001)):
        twin = ingest.read(path, ReadOptions(units=units))
        assert twin.joints[0].position == pytest.approx(900000 * metres)
        assert twin.bodies[1].pose.position_m[2] == pytest.approx(900000 * metres)


def test_joints_side_by_side_act_one_after_the_other(stage):
    """MuJoCo's converter writes a body with several joints so; two hinges of a door stay what they are."""
    body(stage, "/Root/Base")
    body(stage, "/Root/Leg", (50, 0, 0))
    for name, axis in (("X", "X"), ("Y", "Y")):
        joint(stage, "RevoluteJoint", name, "/Root/Base", "/Root/Leg", axis, -90, 90, (50, 0, 0))
    twin = ingest.read(path_of(stage), OPTIONS)
    assert [(j.body0, j.body1) for j in twin.joints] == [("Base", "Leg X"), ("Leg X", "Leg")]
    assert not any(j.closes_loop for j in twin.joints)
    poses = dict(zip((b.name for b in twin.bodies), body_poses(twin, {"X": 0.3, "Y": 0.4}), strict=True))
    about_x, about_y = np.eye(3), np.eye(3)
    about_x[1:, 1:] = [[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]]
    about_y[::2, ::2] = [[math.cos(0.4), math.sin(0.4)], [-math.sin(0.4), math.cos(0.4)]]
    np.testing.assert_allclose(poses["Leg"].rotation(), about_x @ about_y, atol=1e-7)
    np.testing.assert_allclose(poses["Leg"].position_m, (0.5, 0, 0), atol=1e-7)
    assert twin.bodies[[b.name for b in twin.bodies].index("Leg X")].parts == ()


def test_two_hinges_of_a_door_are_one(stage):
    body(stage, "/Root/Frame")
    body(stage, "/Root/Door", (50, 0, 0))
    for name, height in (("Low", 10), ("High", 90)):
        joint(stage, "RevoluteJoint", name, "/Root/Frame", "/Root/Door", "Z", 0, 90, (45, 0, height), (-5, 0, height))
    scene = read(stage)
    assert [(j.name, j.closes_loop) for j in scene.joints] == [("Low", False), ("High", True)]


def test_sites(stage):
    two_links(stage)
    site = UsdGeom.Sphere.Define(stage, "/Root/Arm/grip")
    site.AddTranslateOp().Set(Gf.Vec3d(0, 0, 15))
    site.CreatePurposeAttr("guide")
    put(site.GetPrim(), ["MjcSiteAPI"])
    own = UsdGeom.Xform.Define(stage, "/Root/Arm/sites/tool")
    own.AddTranslateOp().Set(Gf.Vec3d(0, 5, 0))
    scene = read(stage)
    arm = next(b for b in scene.bodies if b.name == "Arm")
    found = {name: frame[:3, 3] for name, frame in arm.sites}
    np.testing.assert_allclose(found["grip"], (0, 0, 15), atol=1e-9)
    np.testing.assert_allclose(found["tool"], (0, 5, 0), atol=1e-9)
    assert not notes(scene, "guide_geometry")


def test_a_motor_of_mujoco_with_nothing_but_its_range(stage):
    two_links(stage)
    actuator(stage, "MjcActuator", "mjc:target", "/Root/Hinge", mjc__ctrlRange__min=-8e7, mjc__ctrlRange__max=8e7)
    drive = read(stage).joints[0].drive
    assert (drive.mode, drive.max_force.value) == ("force", pytest.approx(8.0))


def test_a_group_that_keeps_its_members_apart(stage):
    two_links(stage)
    group = UsdPhysics.CollisionGroup.Define(stage, "/Root/Group")
    group.CreateFilteredGroupsRel().SetTargets([group.GetPath()])
    scene = read(stage)
    assert not scene.articulation.self_collision
    assert not notes(scene, "physics_left_out")


def frame(stage, path, position):
    """A rigid body without surface and mass."""
    xform = UsdGeom.Xform.Define(stage, path)
    xform.AddTranslateOp().Set(Gf.Vec3d(*position))
    UsdPhysics.RigidBodyAPI.Apply(xform.GetPrim())


def test_bodies_that_only_name_a_frame_become_sites(stage):
    frame(stage, "/Root/Footprint", (0, 0, -5))
    body(stage, "/Root/Base")
    frame(stage, "/Root/Mount", (0, 0, 20))
    body(stage, "/Root/Arm", (0, 0, 30))
    frame(stage, "/Root/Tool", (0, 0, 60))
    joint(stage, "FixedJoint", "A", "/Root/Footprint", "/Root/Base", pos0=(0, 0, 5))
    joint(stage, "FixedJoint", "B", "/Root/Base", "/Root/Mount", pos0=(0, 0, 20))
    joint(stage, "RevoluteJoint", "Hinge", "/Root/Mount", "/Root/Arm", "X", -90, 90, pos0=(0, 0, 10))
    joint(stage, "FixedJoint", "C", "/Root/Arm", "/Root/Tool", pos0=(0, 0, 30))
    twin = ingest.read(path_of(stage), OPTIONS)
    assert [(b.name, [s.name for s in b.sites]) for b in twin.bodies] == [
        ("Base", ["Footprint", "Mount"]),
        ("Arm", ["Tool"]),
    ]
    assert [(j.name, j.body0, j.body1) for j in twin.joints] == [("Hinge", "Base", "Arm")]
    assert twin.articulation.root == "Base"
    np.testing.assert_allclose(twin.joints[0].pose0.position_m, (0, 0, 0.3), atol=1e-9)
    sites = {s.name: s.pose.position_m for b in twin.bodies for s in b.sites}
    np.testing.assert_allclose(sites["Footprint"], (0, 0, -0.05), atol=1e-9)
    np.testing.assert_allclose(sites["Tool"], (0, 0, 0.3), atol=1e-9)
