"""In whatever layer it is written: once, only what is needed, and taken back to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage import InStageOptions, make_sim_ready, renormalize, reset_to_authored, set_collider
from tests.in_stage.scenes import asset, bowl, cube, mesh, stage, text, value


def schemas(prim: Usd.Prim) -> list[str]:
    """Applied schemas, those of PhysX, too."""
    return list(prim.GetMetadata("apiSchemas").GetAddedOrExplicitItems())


def block_in_session(made: Usd.Stage, _: Path) -> str:
    cube(made, "/World/block", 0.1)
    made.SetEditTarget(Usd.EditTarget(made.GetSessionLayer()))
    return "/World/block"


def payload_in_session(made: Usd.Stage, folder: Path) -> str:
    made.DefinePrim("/World/crate", "Xform").GetPayloads().AddPayload(str(asset(folder)))
    made.SetEditTarget(Usd.EditTarget(made.GetSessionLayer()))
    return "/World/crate"


def referenced_cube_in_session(made: Usd.Stage, folder: Path) -> str:
    path = folder / "block.usda"
    other = Usd.Stage.CreateNew(str(path))
    other.SetDefaultPrim(cube(other, "/block", 0.1))
    other.Save()
    made.DefinePrim("/World/block").GetReferences().AddReference(str(path))
    made.SetEditTarget(Usd.EditTarget(made.GetSessionLayer()))
    return "/World/block"


def inside_a_variant(made: Usd.Stage, _: Path) -> str:
    thing = UsdGeom.Xform.Define(made, "/World/thing").GetPrim()
    variants = thing.GetVariantSets().AddVariantSet("look")
    variants.AddVariant("red")
    variants.SetVariantSelection("red")
    with variants.GetVariantEditContext():
        cube(made, "/World/thing/block", 0.1)
    made.SetEditTarget(variants.GetVariantEditTarget())
    return "/World/thing"


def declared_mass(made: Usd.Stage, _: Path) -> str:
    prim = cube(made, "/World/block", 0.1)
    UsdPhysics.MassAPI.Apply(prim).CreateMassAttr().Clear()
    return "/World/block"


def default_prim_itself(made: Usd.Stage, _: Path) -> str:
    cube(made, "/World/block", 0.1)
    return "/World"


SITUATIONS = (
    block_in_session,
    payload_in_session,
    referenced_cube_in_session,
    inside_a_variant,
    declared_mass,
    default_prim_itself,
)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_twice_changes_nothing_and_reset_and_undo_leave_every_byte(situation, tmp_path: Path) -> None:
    made = stage()
    path = situation(made, tmp_path)
    layers = made.GetUsedLayers()
    before = {layer.identifier: layer.ExportToString() for layer in layers}
    report = make_sim_ready(made, [path])
    assert report.changed and made.GetPrimAtPath(path).HasAPI(UsdPhysics.RigidBodyAPI)
    after = text(made)
    again = make_sim_ready(made, [path])
    assert not again.changed and text(made) == after
    reset = reset_to_authored(made, [path])
    assert {layer.identifier: layer.ExportToString() for layer in layers} == before
    reset.undo()
    assert text(made) == after
    report.undo()
    assert {layer.identifier: layer.ExportToString() for layer in layers} == before


def test_what_stands_in_one_layer_is_not_written_again_into_another() -> None:
    made = stage()
    prim = cube(made, "/World/block", 0.1)
    make_sim_ready(made, ["/World/block"])
    made.SetEditTarget(Usd.EditTarget(made.GetSessionLayer()))
    before = text(made)
    assert not make_sim_ready(made, ["/World/block"]).changed
    assert text(made) == before
    (skip,) = reset_to_authored(made, ["/World/block"]).skipped
    assert skip.code == "written_elsewhere" and made.GetRootLayer().GetDisplayName() in skip.hint
    assert prim.HasAPI(UsdPhysics.RigidBodyAPI) and text(made) == before


def test_a_new_statement_in_a_stronger_layer_wins_there_and_leaves_the_other_alone() -> None:
    made = stage()
    prim = cube(made, "/World/block", 0.1)
    make_sim_ready(made, ["/World/block"], InStageOptions(materials=(("*", "oak"),)))
    root, oak = text(made), value(prim, "physics:mass")
    made.SetEditTarget(Usd.EditTarget(made.GetSessionLayer()))
    renormalize(made, ["/World/block"], materials={"*": "carbon steel"})
    assert value(prim, "physics:mass") > 5 * oak
    assert made.GetRootLayer().ExportToString() == root
    reset_to_authored(made, ["/World/block"])
    assert value(prim, "physics:mass") == oak


def test_a_swap_over_a_reference_is_taken_back_in_the_layer_that_made_it(tmp_path: Path) -> None:
    path = tmp_path / "bowl.usda"
    source = Usd.Stage.CreateNew(str(path))
    source.SetDefaultPrim(UsdGeom.Xform.Define(source, "/thing").GetPrim())
    mesh(source, "/thing/bowl", bowl())
    make_sim_ready(source, ["/thing"])
    source.Save()
    made = stage()
    made.DefinePrim("/World/thing", "Xform").GetReferences().AddReference(str(path))
    prim, before = made.GetPrimAtPath("/World/thing/bowl"), text(made)
    set_collider(made, ["/World/thing"], "sdf")
    assert value(prim, "physics:approximation") == "sdf"
    assert "PhysxSDFMeshCollisionAPI" in schemas(prim)
    assert "PhysxConvexDecompositionCollisionAPI" not in schemas(prim)
    reset_to_authored(made, ["/World/thing"])
    assert text(made) == before
    assert value(prim, "physics:approximation") == "convexDecomposition"
    assert "PhysxConvexDecompositionCollisionAPI" in schemas(prim)


def test_colliders_of_others_come_back_whole_after_many_swaps() -> None:
    made = stage()
    prim = mesh(made, "/World/bowl", bowl())
    for name in ("PhysicsCollisionAPI", "PhysxConvexHullCollisionAPI", "PhysicsMeshCollisionAPI", "MaterialBindingAPI"):
        prim.AddAppliedSchema(name)
    UsdPhysics.MeshCollisionAPI(prim).CreateApproximationAttr("convexHull")
    before = text(made)
    for approximation in ("sdf", "none", "boundingCube", "convexDecomposition"):
        set_collider(made, ["/World/bowl"], approximation)  # type: ignore[arg-type]
    after = text(made)
    report = reset_to_authored(made, ["/World/bowl"])
    assert text(made) == before
    report.undo()
    assert text(made) == after


def test_what_others_list_note_and_write_meanwhile_survives_the_undo() -> None:
    made = stage()
    prim = cube(made, "/World/block", 0.1)
    made.SetEditTarget(Usd.EditTarget(made.GetSessionLayer()))
    report = make_sim_ready(made, ["/World/block"])
    prim.AddAppliedSchema("PhysxRigidBodyAPI")
    prim.SetCustomDataByKey("mine", 1)
    prim.CreateAttribute("speed", Sdf.ValueTypeNames.Int).Set(7)
    report.undo()
    assert schemas(prim) == ["PhysxRigidBodyAPI"]
    assert prim.GetCustomDataByKey("mine") == 1 and prim.GetCustomDataByKey("physicl") is None
    assert value(prim, "speed") == 7 and value(prim, "physics:mass") is None


def test_an_edit_is_undone_after_its_prim_was_deleted() -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    report = make_sim_ready(made, ["/World/block"])
    made.RemovePrim("/World/block")
    report.undo()
    assert not made.GetRootLayer().GetPrimAtPath("/World/block")
    assert not made.GetRootLayer().GetPrimAtPath("/World/PhysicsMaterials")


def test_a_swapped_collider_is_kept_and_a_stated_one_is_taken() -> None:
    made = stage()
    prim = mesh(made, "/World/bowl", bowl())
    make_sim_ready(made, ["/World/bowl"])
    set_collider(made, ["/World/bowl"], "sdf")
    assert not make_sim_ready(made, ["/World/bowl"]).changed
    assert value(prim, "physics:approximation") == "sdf"
    make_sim_ready(made, ["/World/bowl"], InStageOptions(approximation="convexHull"))
    assert value(prim, "physics:approximation") == "convexHull"
    assert [name for name in schemas(prim) if name.startswith("Physx")] == ["PhysxConvexHullCollisionAPI"]


def test_geometry_that_came_later_gets_its_collider() -> None:
    made = stage()
    UsdGeom.Xform.Define(made, "/World/tool")
    cube(made, "/World/tool/head", 0.1)
    make_sim_ready(made, ["/World/tool"])
    cube(made, "/World/tool/handle", 0.1, at=(1, 0, 0))
    (body,) = make_sim_ready(made, ["/World/tool"]).bodies
    assert body.colliders == 2
    assert made.GetPrimAtPath("/World/tool/handle").HasAPI(UsdPhysics.CollisionAPI)
