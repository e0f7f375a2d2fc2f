"""Prims of an open stage become sim-ready: right in its units, once, whole, and taken back to the byte."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.engines import engine
from physicl_twin.in_stage import InStageOptions, make_sim_ready, renormalize, reset_to_authored, set_collider
from physicl_twin.in_stage.author import applied_schemas
from physicl_twin.model import MaterialError, UsdError
from physicl_twin.normalize.material_table import MaterialTable
from tests.in_stage.scenes import asset, bowl, cube, mesh, stage, text, value


def density(row: str) -> float:
    """Middle of the table's interval, kg/m3."""
    value = MaterialTable.load().rows[row].values["density"]
    return (value.low + value.high) / 2


#: A solid of it weighs this times its volume.
OAK = density("wood_oak")
SOLID_OAK = InStageOptions(materials=(("*", "oak"),))


@pytest.mark.parametrize(
    ("metres", "up", "kilograms"), [(1.0, "Z", 1.0), (0.01, "Y", 1.0), (0.001, "Z", 0.001), (0.0254, "Y", 0.453592)]
)
def test_mass_and_inertia_are_in_the_units_of_the_stage(metres: float, up: str, kilograms: float) -> None:
    made = stage(metres, up, kilograms)
    edge_m = 0.3
    prim = cube(made, "/World/block", edge_m / metres, at=(5 / metres, 0, 0))
    report = make_sim_ready(made, ["/World/block"], InStageOptions(mass_kg=8.1))
    (body,) = report.bodies
    assert body.mass is not None and body.mass.value == pytest.approx(8.1, rel=1e-3)
    assert value(prim, "physics:mass") * kilograms == pytest.approx(8.1, rel=1e-3)
    by_hand = 8.1 * edge_m**2 / 6  # a solid cube: m a^2 / 6 about each axis
    moments = np.array(value(prim, "physics:diagonalInertia")) * kilograms * metres**2
    assert moments == pytest.approx([by_hand] * 3, rel=5e-3)
    assert np.array(value(prim, "physics:centerOfMass")) == pytest.approx([0, 0, 0], abs=1e-6)
    assert prim.HasAPI(UsdPhysics.RigidBodyAPI) and prim.HasAPI(UsdPhysics.CollisionAPI)


def test_a_stated_material_weighs_what_its_density_says() -> None:
    made = stage(0.01, "Y")
    prim = cube(made, "/World/plank", 1.0, scale=(40.0, 2.0, 10.0))
    make_sim_ready(made, ["/World/plank"], SOLID_OAK)
    volume_m3 = 0.4 * 0.02 * 0.1
    assert value(prim, "physics:mass") == pytest.approx(OAK * volume_m3, rel=0.02)
    material = UsdPhysics.MaterialAPI.Get(made, _bound(prim))
    row = MaterialTable.load().rows["wood_oak"]
    assert 0.05 < material.GetStaticFrictionAttr().Get() < 1.2
    assert row.title in str(prim.GetCustomDataByKey("physicl"))


def _bound(prim: Usd.Prim) -> Sdf.Path:
    (target,) = prim.GetRelationship("material:binding:physics").GetTargets()
    return target


@pytest.mark.parametrize("name", ["physx", "mujoco"])
def test_it_falls_and_rests_with_its_mass_in_a_centimetre_y_up_stage(name: str, tmp_path) -> None:
    made = stage(0.01, "Y")
    cube(made, "/World/block", 20.0, at=(0, 30, 0))
    ground = UsdGeom.Cube.Define(made, "/World/ground")
    ground.CreateSizeAttr(1.0)
    ground.AddTranslateOp().Set(Gf.Vec3d(0, -5, 0))
    ground.AddScaleOp().Set(Gf.Vec3f(500, 10, 500))
    UsdPhysics.CollisionAPI.Apply(ground.GetPrim())
    UsdPhysics.Scene.Define(made, "/World/scene")
    make_sim_ready(made, ["/World/block"], SOLID_OAK)
    path = tmp_path / "rest.usda"
    made.Export(str(path))
    with engine(name).open(path) as scene:
        assert scene.bodies == ("/World/block",)
        mass = scene.mass_properties()[0]
        assert mass.mass_kg == pytest.approx(OAK * 0.008, rel=0.02)
        scene.step(1 / 240, 480)
        height = scene.poses()[0, 1]
    assert height == pytest.approx(0.1, abs=2e-3)


def test_the_centre_of_mass_of_a_scaled_body_is_where_the_engine_finds_it(tmp_path) -> None:
    made = stage()
    body = UsdGeom.Xform.Define(made, "/World/tool")
    body.AddTranslateOp().Set(Gf.Vec3d(1, 2, 3))
    body.AddScaleOp().Set(Gf.Vec3f(2, 2, 2))
    cube(made, "/World/tool/steel_head", 0.1, at=(0.3, 0, 0))
    cube(made, "/World/tool/pine_handle", 0.1)
    UsdPhysics.Scene.Define(made, "/World/scene")
    make_sim_ready(
        made, ["/World/tool"], InStageOptions(materials=(("steel_head", "carbon steel"), ("pine_handle", "pine")))
    )
    steel, pine = density("steel_carbon"), density("wood_pine")
    by_hand = 1 + 2 * 0.3 * steel / (steel + pine)
    path = tmp_path / "tool.usda"
    made.Export(str(path))
    with engine("physx").open(path) as scene:
        found = scene.mass_properties()[0]
        pose = scene.poses()[0]
    assert pose[0] + found.com_m[0] == pytest.approx(by_hand, abs=0.01)
    assert found.mass_kg == pytest.approx((steel + pine) * 0.008, rel=0.03)


def test_a_second_time_changes_no_byte() -> None:
    made = stage(0.01, "Y")
    mesh(made, "/World/bowl", bowl(), 100.0)
    cube(made, "/World/block", 10.0)
    make_sim_ready(made, ["/World/bowl", "/World/block"])
    before = text(made)
    again = make_sim_ready(made, ["/World/bowl", "/World/block"])
    assert not again.changed and [body.changed for body in again.bodies] == [False, False]
    assert text(made) == before


def test_undo_brings_every_byte_back_and_doing_it_again_makes_the_same() -> None:
    made = stage(default=False)
    mesh(made, "/World/bowl", bowl())
    cube(made, "/World/block", 0.1)
    before = text(made)
    report = make_sim_ready(made, ["/World/bowl", "/World/block"])
    after = text(made)
    report.undo()
    assert text(made) == before
    report.undo()
    assert text(made) == before
    make_sim_ready(made, ["/World/bowl", "/World/block"])
    assert text(made) == after


def test_what_others_wrote_meanwhile_survives_the_undo() -> None:
    made = stage()
    prim = cube(made, "/World/block", 0.1)
    report = make_sim_ready(made, ["/World/block"])
    prim.CreateAttribute("mine", Sdf.ValueTypeNames.Int).Set(7)
    report.undo()
    assert prim.GetAttribute("mine").Get() == 7
    assert not prim.HasAPI(UsdPhysics.RigidBodyAPI)


def test_nothing_else_on_the_stage_is_changed() -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    cube(made, "/World/other", 0.1, at=(1, 0, 0))
    other = made.GetRootLayer().GetPrimAtPath("/World/other")
    before = {p.name: str(p) for p in other.properties}, dict(other.customData)
    make_sim_ready(made, ["/World/block"])
    other = made.GetRootLayer().GetPrimAtPath("/World/other")
    assert ({p.name: str(p) for p in other.properties}, dict(other.customData)) == before
    assert not other.HasInfo("apiSchemas")


def test_what_somebody_has_authored_stays_and_the_rest_follows_from_it() -> None:
    made = stage()
    prim = cube(made, "/World/block", 0.2)
    UsdPhysics.MassAPI.Apply(prim).CreateMassAttr(12.5)
    UsdPhysics.CollisionAPI.Apply(prim).CreateCollisionEnabledAttr(False)
    make_sim_ready(made, ["/World/block"])
    assert value(prim, "physics:mass") == 12.5
    assert value(prim, "physics:collisionEnabled") is False
    assert np.array(value(prim, "physics:diagonalInertia")) == pytest.approx([12.5 * 0.04 / 6] * 3, rel=0.01)


def test_a_hollow_mesh_is_decomposed_and_a_block_gets_its_hull() -> None:
    made = stage()
    hollow, block = mesh(made, "/World/bowl", bowl()), mesh(made, "/World/box", trimesh.creation.box((0.1, 0.1, 0.1)))
    make_sim_ready(made, ["/World/bowl", "/World/box"])
    assert value(hollow, "physics:approximation") == "convexDecomposition"
    assert "PhysxConvexDecompositionCollisionAPI" in applied_schemas(hollow)
    assert value(block, "physics:approximation") == "convexHull"


@pytest.mark.parametrize(
    "approximation",
    ["convexHull", "convexDecomposition", "sdf", "sphereFill", "boundingCube", "boundingSphere", "meshSimplification"],
)
def test_colliders_are_swapped_and_only_they(approximation: str) -> None:
    made = stage()
    prim = mesh(made, "/World/bowl", bowl())
    make_sim_ready(made, ["/World/bowl"])
    mass, before = value(prim, "physics:mass"), text(made)
    report = set_collider(made, ["/World/bowl"], approximation)  # type: ignore[arg-type]
    assert value(prim, "physics:approximation") == approximation
    own = [api for api in applied_schemas(prim) if api.startswith("Physx") and "Collision" in api]
    assert len(own) == (0 if approximation.startswith("bounding") else 1)
    assert value(prim, "physics:mass") == mass
    report.undo()
    assert text(made) == before


def test_a_moving_triangle_mesh_is_refused() -> None:
    made = stage()
    mesh(made, "/World/bowl", bowl())
    make_sim_ready(made, ["/World/bowl"])
    before = text(made)
    with pytest.raises(UsdError) as caught:
        set_collider(made, ["/World/bowl"], "none")
    assert caught.value.code == "triangle_mesh_on_body" and text(made) == before
    with pytest.raises(UsdError) as caught:
        set_collider(made, ["/World/bowl"], "auto")
    assert caught.value.code == "approximation_unknown"


def test_colliders_of_what_has_none_are_left_alone() -> None:
    made = stage()
    mesh(made, "/World/bowl", bowl())
    report = set_collider(made, ["/World/bowl", "/World/nothing"], "sdf")
    assert not report.changed and {skip.code for skip in report.skipped} == {"no_mesh_collider"}


def test_bodies_are_derived_anew_with_what_is_stated_now() -> None:
    made = stage()
    prim = cube(made, "/World/block", 0.1)
    make_sim_ready(made, ["/World/block"], SOLID_OAK)
    oak = value(prim, "physics:mass")
    report = renormalize(made, ["/World/block"], materials={"*": "carbon steel"})
    assert report.changed
    assert value(prim, "physics:mass") / oak == pytest.approx(density("steel_carbon") / OAK, rel=0.03)
    renormalize(made, ["/World/block"], mass_kg=3.0)
    assert value(prim, "physics:mass") == pytest.approx(3.0, rel=1e-3)
    report = renormalize(made, ["/World"], mass_kg=3.0)
    assert [skip.code for skip in report.skipped] == ["no_body"]


def test_reset_leaves_what_was_there_before() -> None:
    made = stage()
    prim = mesh(made, "/World/bowl", bowl())
    UsdPhysics.CollisionAPI.Apply(prim)
    UsdPhysics.MeshCollisionAPI.Apply(prim).CreateApproximationAttr("convexHull")
    before = text(made)
    make_sim_ready(made, ["/World/bowl"])
    set_collider(made, ["/World/bowl"], "sdf")
    ready = text(made)
    report = reset_to_authored(made, ["/World"])
    assert text(made) == before
    report.undo()
    assert text(made) == ready
    reset_to_authored(made, ["/World"])
    assert [skip.code for skip in reset_to_authored(made, ["/World"]).skipped] == ["nothing_ours"]
    assert [skip.code for skip in reset_to_authored(made, ["/Gone"]).skipped] == ["prim_gone"]


def test_a_physics_material_that_others_use_stays() -> None:
    made = stage()
    first, second = cube(made, "/World/a", 0.1), cube(made, "/World/b", 0.1, at=(1, 0, 0))
    make_sim_ready(made, ["/World/a", "/World/b"], SOLID_OAK)
    assert _bound(first) == _bound(second)
    reset_to_authored(made, ["/World/a"])
    assert made.GetPrimAtPath(_bound(second))
    shared = _bound(second)
    reset_to_authored(made, ["/World/b"])
    assert not made.GetPrimAtPath(shared)


def test_references_are_written_over_and_never_into(tmp_path) -> None:
    path = asset(tmp_path)
    before = path.read_bytes()
    made = stage()
    prim = made.DefinePrim("/World/crate", "Xform")
    prim.GetReferences().AddReference(str(path))
    make_sim_ready(made, ["/World/crate"])
    assert prim.HasAPI(UsdPhysics.RigidBodyAPI)
    assert made.GetPrimAtPath("/World/crate/wood_box").HasAPI(UsdPhysics.CollisionAPI)
    assert path.read_bytes() == before
    assert not Sdf.Layer.FindOrOpen(str(path)).dirty


def test_instances_stay_instances(tmp_path) -> None:
    path = asset(tmp_path)
    ready = Usd.Stage.Open(str(path))
    make_sim_ready(ready, ["/crate"])
    ready.Save()
    made = stage()
    for name in ("a", "b"):
        prim = made.DefinePrim(f"/World/{name}", "Xform")
        prim.GetReferences().AddReference(str(path))
        prim.SetInstanceable(True)
    report = make_sim_ready(made, ["/World/a", "/World/b", "/World/a/wood_box"])
    assert all(made.GetPrimAtPath(f"/World/{name}").IsInstance() for name in ("a", "b"))
    assert {skip.code for skip in report.skipped} <= {"inside_instance"}
    assert len(report.bodies) == 2


def test_an_instance_without_colliders_is_told(tmp_path) -> None:
    made = stage()
    prim = made.DefinePrim("/World/a", "Xform")
    prim.GetReferences().AddReference(str(asset(tmp_path)))
    prim.SetInstanceable(True)
    before = text(made)
    report = make_sim_ready(made, ["/World/a", "/World/a/wood_box"])
    assert sorted(skip.code for skip in report.skipped) == ["inside_instance", "instance_without_colliders"]
    assert all(skip.hint for skip in report.skipped)
    assert text(made) == before and prim.IsInstance()


@pytest.mark.parametrize("where", ["session", "sublayer"])
def test_the_edit_target_is_written_and_no_other_layer(where: str) -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    root = made.GetRootLayer().ExportToString()
    layer = made.GetSessionLayer()
    if where == "sublayer":
        layer = Sdf.Layer.CreateAnonymous(".usda")
        made.GetRootLayer().subLayerPaths.append(layer.identifier)
        root = made.GetRootLayer().ExportToString()
    made.SetEditTarget(Usd.EditTarget(layer))
    before = layer.ExportToString()
    report = make_sim_ready(made, ["/World/block"])
    assert made.GetPrimAtPath("/World/block").HasAPI(UsdPhysics.RigidBodyAPI)
    assert made.GetRootLayer().ExportToString() == root
    assert layer.ExportToString() != before
    report.undo()
    assert layer.ExportToString() == before


def test_locked_and_muted_layers_are_refused() -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    layer = made.GetRootLayer()
    layer.SetPermissionToEdit(False)
    with pytest.raises(UsdError) as caught:
        make_sim_ready(made, ["/World/block"])
    assert caught.value.code == "layer_locked" and caught.value.hint
    layer.SetPermissionToEdit(True)
    sub = Sdf.Layer.CreateAnonymous(".usda")
    layer.subLayerPaths.append(sub.identifier)
    made.SetEditTarget(Usd.EditTarget(sub))
    made.MuteLayer(sub.identifier)
    with pytest.raises(UsdError) as caught:
        make_sim_ready(made, ["/World/block"])
    assert caught.value.code == "layer_muted"


def test_an_edit_target_that_does_not_hold_the_prim_is_refused(tmp_path) -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    crate = made.DefinePrim("/World/crate", "Xform")
    crate.GetReferences().AddReference(str(asset(tmp_path)))
    before = text(made)
    (node,) = crate.GetPrimIndex().rootNode.children
    made.SetEditTarget(Usd.EditTarget(node.layerStack.layers[0], node))
    inside = text(made)
    with pytest.raises(UsdError) as caught:
        make_sim_ready(made, ["/World/crate", "/World/block"])
    assert caught.value.code == "edit_target_elsewhere"
    assert text(made) == inside, "what was written before the refusal is taken back"
    made.SetEditTarget(Usd.EditTarget(made.GetRootLayer()))
    assert text(made) == before


def test_what_cannot_be_a_body_is_named_and_the_others_are_made_ready() -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    cube(made, "/World/off", 0.1).SetActive(False)
    UsdGeom.Xform.Define(made, "/World/empty")
    made.DefinePrim("/World/scope", "Scope")
    cube(made, "/World/mirrored", 0.1, scale=(-1, 1, 1))
    ready = cube(made, "/World/body", 0.1)
    UsdPhysics.RigidBodyAPI.Apply(ready)
    cube(made, "/World/body/part", 0.1)
    flat = UsdGeom.Mesh.Define(made, "/World/nothing")
    flat.CreatePointsAttr([])
    paths = [
        "/World/block", "/World/block", "/World/off", "/World/empty", "/World/scope", "/World/mirrored",
        "/World/body/part", "/World/nothing", "/World/gone", "no path", "/",
    ]  # fmt: skip
    report = make_sim_ready(made, paths)
    assert [body.path for body in report.bodies] == ["/World/block"]
    codes = {skip.path: skip.code for skip in report.skipped}
    assert codes == {
        "/World/off": "prim_off",
        "/World/empty": "no_geometry",
        "/World/scope": "not_transformable",
        "/World/mirrored": "mirrored_body",
        "/World/body/part": "inside_body",
        "/World/nothing": "no_triangles",
        "/World/gone": "prim_gone",
        "no path": "prim_gone",
        "/": "whole_stage",
    }


def test_a_material_that_nobody_knows_changes_nothing() -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    before = text(made)
    with pytest.raises(MaterialError):
        make_sim_ready(made, ["/World/block"], InStageOptions(materials=(("*", "unobtainium"),)))
    assert text(made) == before


def test_joints_make_an_articulation_root() -> None:
    made = stage()
    cabinet = UsdGeom.Xform.Define(made, "/World/cabinet").GetPrim()
    for name, at in (("carcass", (0, 0, 0)), ("door", (0.5, 0, 0))):
        UsdPhysics.RigidBodyAPI.Apply(cube(made, f"/World/cabinet/{name}", 0.4, at=at))
    joint = UsdPhysics.RevoluteJoint.Define(made, "/World/cabinet/hinge")
    joint.CreateBody0Rel().SetTargets(["/World/cabinet/carcass"])
    joint.CreateBody1Rel().SetTargets(["/World/cabinet/door"])
    report = make_sim_ready(made, ["/World/cabinet"])
    assert {body.path for body in report.bodies} == {"/World/cabinet/carcass", "/World/cabinet/door"}
    assert cabinet.HasAPI(UsdPhysics.ArticulationRootAPI)
    report.undo()
    assert not cabinet.HasAPI(UsdPhysics.ArticulationRootAPI)
    make_sim_ready(made, ["/World/cabinet"], InStageOptions(articulation=False))
    assert not cabinet.HasAPI(UsdPhysics.ArticulationRootAPI)


def test_a_thousand_prims_are_one_step() -> None:
    made = stage(0.01, "Y")
    ball = trimesh.creation.icosphere(2, 5.0)
    for number in range(500):
        cube(made, f"/World/block_{number}", 10.0 + number % 7, at=(20 * number, 0, 0))
        mesh(made, f"/World/ball_{number}", ball)
    before = text(made)
    paths = [str(prim.GetPath()) for prim in made.GetPrimAtPath("/World").GetChildren()]
    report = make_sim_ready(made, paths)
    assert len(report.bodies) == 1000 and not report.skipped
    masses = [value(made.GetPrimAtPath(path), "physics:mass") for path in paths]
    assert all(mass is not None and mass > 0 and math.isfinite(mass) for mass in masses)
    report.undo()
    assert text(made) == before


def test_one_body_a_piece_of_geometry() -> None:
    made = stage()
    UsdGeom.Xform.Define(made, "/World/shelf")
    for number in range(3):
        cube(made, f"/World/shelf/box_{number}", 0.1, at=(number, 0, 0))
    report = make_sim_ready(made, ["/World/shelf"], InStageOptions(bodies="geometry"))
    assert sorted(body.path for body in report.bodies) == [f"/World/shelf/box_{n}" for n in range(3)]
    assert not made.GetPrimAtPath("/World/shelf").HasAPI(UsdPhysics.RigidBodyAPI)
