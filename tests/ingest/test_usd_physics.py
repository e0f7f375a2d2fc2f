"""Physics that a USD asset already carries comes out in SI units, in body frames."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, UsdShade

from physicl_twin.ingest.description_settings import HIGHEST_FRICTION
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.ingest.usd import read_usd
from physicl_twin.settings import pipeline

OPTIONS = ReadOptions()


@pytest.fixture
def stage(tmp_path):
    """A stage in centimetres."""
    stage = Usd.Stage.CreateNew(str(tmp_path / "a.usda"))
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdGeom.SetStageUpAxis(stage, "Z")
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/Root").GetPrim())
    return stage


def read(stage):
    stage.GetRootLayer().Save()
    from pathlib import Path

    return read_usd(Path(stage.GetRootLayer().realPath), OPTIONS)


def body(stage, path, position=(0.0, 0.0, 0.0), degrees=0.0, scale=None):
    xform = UsdGeom.Xform.Define(stage, path)
    xform.AddTranslateOp().Set(Gf.Vec3d(*position))
    xform.AddRotateZOp().Set(degrees)
    if scale is not None:
        xform.AddScaleOp().Set(Gf.Vec3f(*scale))
    UsdPhysics.RigidBodyAPI.Apply(xform.GetPrim())
    cube = UsdGeom.Cube.Define(stage, f"{path}/Cube")
    cube.CreateSizeAttr(10.0)
    return xform.GetPrim()


def physics_material(stage, path, prim, density=None, static=None, dynamic=None, restitution=None):
    material = UsdShade.Material.Define(stage, path)
    api = UsdPhysics.MaterialAPI.Apply(material.GetPrim())
    for value, create in ((density, api.CreateDensityAttr), (static, api.CreateStaticFrictionAttr),
                          (dynamic, api.CreateDynamicFrictionAttr), (restitution, api.CreateRestitutionAttr)):  # fmt: skip
        if value is not None:
            create(value)
    UsdShade.MaterialBindingAPI.Apply(prim).Bind(material, UsdShade.Tokens.weakerThanDescendants, "physics")


def test_complete_mass_properties_with_rotated_axes(stage):
    prim = body(stage, "/Root/Body", (100, 0, 0), 90)
    mass = UsdPhysics.MassAPI.Apply(prim)
    mass.CreateMassAttr(2.0)
    mass.CreateCenterOfMassAttr(Gf.Vec3f(1, 2, 3))
    mass.CreateDiagonalInertiaAttr(Gf.Vec3f(10, 20, 30))
    mass.CreatePrincipalAxesAttr(Gf.Quatf(math.cos(math.pi / 8), 0, 0, math.sin(math.pi / 8)))
    scene = read(stage)
    (found,) = scene.bodies
    np.testing.assert_allclose(found.transform[:3, 3], (100, 0, 0))
    properties = found.mass_properties
    assert properties.mass.value == pytest.approx(2.0)
    assert properties.mass.evidence[0].kind == "source"
    np.testing.assert_allclose(properties.com_m, (0.01, 0.02, 0.03), rtol=1e-6)
    # Turned by 45 degrees about z: the mean of the first two moments, and half their difference beside it.
    expected = np.array([[15, -5, 0], [-5, 15, 0], [0, 0, 30]]) * 1e-4
    np.testing.assert_allclose(properties.inertia_kgm2, expected, atol=1e-9)
    assert scene.parts[0].body == "Body"
    np.testing.assert_allclose(scene.parts[0].transform, np.eye(4), atol=1e-9)


def test_mass_alone_becomes_the_density_of_the_parts(stage):
    prim = body(stage, "/Root/Body")
    UsdPhysics.MassAPI.Apply(prim).CreateMassAttr(2.7)
    scene = read(stage)
    assert scene.bodies[0].mass_properties is None
    assert scene.parts[0].hints.density.value == pytest.approx(2700.0)
    assert scene.parts[0].hints.density.unit == "kg/m3"


@pytest.mark.parametrize(("written", "flags"), [(0.00785, ()), (7850.0, ("density_unit_assumed",))])
def test_density_in_stage_units_or_plain_si(stage, written, flags):
    prim = body(stage, "/Root/Body")
    physics_material(stage, "/Root/Steel", prim, written, 0.6, 0.5, 0.3)
    hints = read(stage).parts[0].hints
    assert hints.density.value == pytest.approx(7850.0, rel=1e-6)
    assert hints.density.flags == flags
    assert hints.material == "Steel"
    values = [hints.static_friction.value, hints.dynamic_friction.value, hints.restitution.value]
    assert values == pytest.approx([0.6, 0.5, 0.3])


def test_what_no_surface_can_have_is_left_out_and_said(stage):
    physics_material(stage, "/Root/Glue", body(stage, "/Root/Body"), 0.00785, 4.0, 0.5, 1.5)
    scene = read(stage)
    hints = scene.parts[0].hints
    assert hints.static_friction is None and hints.dynamic_friction.value == 0.5 and hints.restitution is None
    said = {note.code: note.message for note in scene.notes}
    assert "'Glue' has a static friction of 4" in said["friction_implausible"]
    assert "restitution of 1.5" in said["restitution_implausible"]


def test_readers_and_checks_agree_on_what_no_surface_has():
    assert pipeline()["checks"]["friction_max"] == HIGHEST_FRICTION


def test_density_of_the_prim_is_stronger_than_that_of_its_material(stage):
    prim = body(stage, "/Root/Body")
    physics_material(stage, "/Root/Steel", prim, 0.00785)
    UsdPhysics.MassAPI.Apply(stage.GetPrimAtPath("/Root/Body/Cube")).CreateDensityAttr(0.001)
    assert read(stage).parts[0].hints.density.value == pytest.approx(1000.0, rel=1e-6)


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
        if upper is not None:
            made.CreateUpperLimitAttr(upper)
    return made


def test_joints_in_si_and_body_frames(stage):
    body(stage, "/Root/A")
    body(stage, "/Root/B", (50, 0, 0), 90)
    body(stage, "/Root/C", (50, 0, 0))
    body(stage, "/Root/D")
    joint(stage, "RevoluteJoint", "Hinge", "/Root/A", "/Root/B", "Z", -90, 45, (50, 0, 0))
    joint(stage, "PrismaticJoint", "Slide", "/Root/A", "/Root/C/Cube", "X", -10, None, (50, 0, 0))
    joint(stage, "SphericalJoint", "Ball", "/Root/A", "/Root/D")
    joint(stage, "FixedJoint", "Weld", "", "/Root/A", pos0=(10, 0, 0))
    joint(stage, "DistanceJoint", "Rope", "/Root/A", "/Root/B")
    scene = read(stage)
    joints = {j.name: j for j in scene.joints}
    hinge = joints["Hinge"]
    assert (hinge.type, hinge.body0, hinge.body1, hinge.axis) == ("revolute", "A", "B", "z")
    assert (hinge.lower, hinge.upper) == (pytest.approx(-math.pi / 2), pytest.approx(math.pi / 4))
    np.testing.assert_allclose(hinge.pose0.position_m, (0.5, 0, 0), atol=1e-9)
    slide = joints["Slide"]
    assert (slide.axis, slide.body1, slide.upper) == ("x", "C", None)
    assert slide.lower == pytest.approx(-0.1)
    assert joints["Ball"].type == "spherical"
    # The weld to the world is how the root of the mechanism is held.
    assert "Weld" not in joints
    assert (scene.articulation.root, scene.articulation.fixed) == ("A", True)
    assert "Rope" not in joints
    assert "joint_ignored" in [n.code for n in scene.notes]


def test_joint_of_a_scaled_body_scales_with_it(stage):
    """Two frames of one joint must meet in the world, scales included."""
    body(stage, "/Root/A", scale=(2, 2, 2))
    body(stage, "/Root/B", (40, 0, 0))
    joint(stage, "FixedJoint", "Weld", "/Root/A", "/Root/B", pos0=(20, 0, 0))
    scene = read(stage)
    (weld,) = scene.joints
    places = []
    for name, pose in ((weld.body0, weld.pose0), (weld.body1, weld.pose1)):
        frame = next(b.transform for b in scene.bodies if b.name == name).copy()
        np.testing.assert_allclose(frame[:3, :3] @ frame[:3, :3].T, np.eye(3), atol=1e-9)
        frame[:3, 3] *= 0.01
        places.append((frame @ pose.matrix())[:3, 3])
    np.testing.assert_allclose(places[0], places[1], atol=1e-9)
    np.testing.assert_allclose(places[0], (0.4, 0, 0), atol=1e-9)


def test_joint_to_the_world_on_the_wrong_side_is_turned(stage):
    body(stage, "/Root/A")
    body(stage, "/Root/B", (50, 0, 0))
    joint(stage, "RevoluteJoint", "Hinge", "/Root/A", "", "Y", -30, 60)
    scene = read(stage)
    (hinge,) = scene.joints
    # What moves on the world hangs on a body that stands for it.
    assert (hinge.body0, hinge.body1, hinge.axis) == ("world", "A", "y")
    assert (scene.bodies[0].name, scene.articulation.root, scene.articulation.fixed) == ("world", "world", True)
    assert (hinge.lower, hinge.upper) == (pytest.approx(-math.pi / 3), pytest.approx(math.pi / 6))


def test_geometry_outside_of_bodies(stage):
    body(stage, "/Root/A", (50, 0, 0))
    UsdGeom.Cube.Define(stage, "/Root/Loose")
    scene = read(stage)
    assert [p.body for p in scene.parts] == ["A", "A"]
    np.testing.assert_allclose(scene.parts[1].transform[:3, 3], (-50, 0, 0), atol=1e-9)
    body(stage, "/Root/B")
    scene = read(stage)
    assert sorted({p.body for p in scene.parts}) == ["A", "B", "static"]


def test_semantic_labels(stage):
    prim = body(stage, "/Root/Body")
    UsdPhysics.RigidBodyAPI(prim)
    cube = stage.GetPrimAtPath("/Root/Body/Cube")
    cube.AddAppliedSchema("SemanticsLabelsAPI:class")
    cube.CreateAttribute("semantics:labels:class", Sdf.ValueTypeNames.TokenArray).Set(["handle"])
    stage.GetPrimAtPath("/Root").CreateAttribute("semantics:labels:class", Sdf.ValueTypeNames.TokenArray).Set(
        ["hammer"]
    )
    scene = read(stage)
    assert scene.parts[0].hints.label == "handle"
    assert any(n.code == "semantic_label" and "hammer" in n.message for n in scene.notes)


def test_a_prop_without_physics_has_no_bodies(stage):
    UsdGeom.Cube.Define(stage, "/Root/Cube")
    scene = read(stage)
    assert scene.bodies == ()
    assert scene.joints == ()
    assert scene.parts[0].hints.density is None
