"""What cannot be done is refused by a stable code, in words, and the stage is as it was."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import trimesh
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage import (
    InStageOptions,
    make_sim_ready,
    operations,
    renormalize,
    reset_to_authored,
    set_collider,
)
from physicl_twin.model import UsdError
from tests.in_stage.scenes import asset, bowl, cube, mesh, stage, text, value


def refused(work: Callable[[], object]) -> UsdError:
    """What an operation is refused with; it says what to do."""
    with pytest.raises(UsdError) as caught:
        work()
    assert caught.value.message and caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (InStageOptions(approximation="hull"), "approximation_unknown"),  # type: ignore[arg-type]
        (InStageOptions(approximation="none"), "triangle_mesh_on_body"),
        (InStageOptions(bodies="all"), "bodies_unknown"),  # type: ignore[arg-type]
        (InStageOptions(mass_kg=0.0), "mass_malformed"),
        (InStageOptions(mass_kg=-1.0), "mass_malformed"),
        (InStageOptions(mass_kg=math.nan), "mass_malformed"),
        (InStageOptions(mass_kg=math.inf), "mass_malformed"),
    ],
)
def test_senseless_options_are_refused(options: InStageOptions, code: str) -> None:
    made = stage()
    mesh(made, "/World/bowl", bowl())
    before = text(made)
    assert refused(lambda: make_sim_ready(made, ["/World/bowl"], options)).code == code
    assert text(made) == before


def test_without_a_stage_every_operation_says_so() -> None:
    for operation in (
        lambda: make_sim_ready(None, ["/World"]),
        lambda: renormalize(None, ["/World"]),
        lambda: set_collider(None, ["/World"], "sdf"),
        lambda: reset_to_authored(None, ["/World"]),
    ):
        assert refused(operation).code == "no_stage"


def test_a_kinematic_body_may_collide_as_triangles() -> None:
    made = stage()
    prim = mesh(made, "/World/bowl", bowl())
    UsdPhysics.RigidBodyAPI.Apply(prim).CreateKinematicEnabledAttr(True)
    make_sim_ready(made, ["/World/bowl"], InStageOptions(approximation="none"))
    assert value(prim, "physics:approximation") == "none"


def test_a_stronger_layer_that_lists_the_schemas_itself_is_told_of() -> None:
    made = stage()
    prim = cube(made, "/World/block", 0.1)
    prim.SetMetadata("apiSchemas", Sdf.TokenListOp.CreateExplicit(["PhysicsCollisionAPI"]))
    weak = Sdf.Layer.CreateAnonymous(".usda")
    made.GetRootLayer().subLayerPaths.append(weak.identifier)
    before = weak.ExportToString()
    made.SetEditTarget(Usd.EditTarget(weak))
    assert refused(lambda: make_sim_ready(made, ["/World/block"])).code == "overruled"
    assert weak.ExportToString() == before


def test_points_that_stand_for_copies_are_no_bodies() -> None:
    made = stage()
    UsdGeom.Xform.Define(made, "/World/shelf")
    cube(made, "/World/shelf/board", 0.1)
    UsdGeom.PointInstancer.Define(made, "/World/shelf/screws")
    cube(made, "/World/shelf/screws/screw", 0.1)
    report = make_sim_ready(made, ["/World/shelf/screws", "/World/shelf/screws/screw"])
    assert [skip.code for skip in report.skipped] == ["point_instancer"] * 2 and not report.changed
    (body,) = make_sim_ready(made, ["/World/shelf"]).bodies
    assert body.colliders == 1


@pytest.mark.parametrize("edge_m", [1e-9, 1e9])
def test_numbers_that_single_precision_cannot_hold_are_not_written(edge_m: float) -> None:
    made = stage()
    mesh(made, "/World/odd", trimesh.creation.box((1, 1, 1)), edge_m)
    cube(made, "/World/block", 0.1)
    report = make_sim_ready(made, ["/World/odd", "/World/block"])
    assert [skip.code for skip in report.skipped] == ["size_out_of_range"]
    assert [body.path for body in report.bodies] == ["/World/block"]


@pytest.mark.parametrize(
    ("points", "faces", "code"),
    [
        ([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [0, 1, 9], "file_damaged"),
        ([(math.nan, 0, 0), (1, 0, 0), (0, 1, 0)], [0, 1, 2], "mesh_not_finite"),
        ([(0, 0, 0), (1, 0, 0), (2, 0, 0)], [0, 1, 2], "mesh_zero_area"),
    ],
)
def test_a_damaged_mesh_is_left_alone_and_the_others_are_made_ready(points, faces, code: str) -> None:
    made = stage()
    odd = UsdGeom.Mesh.Define(made, "/World/odd")
    odd.CreatePointsAttr([Gf.Vec3f(*point) for point in points])
    odd.CreateFaceVertexCountsAttr([3])
    odd.CreateFaceVertexIndicesAttr(faces)
    cube(made, "/World/block", 0.1)
    report = make_sim_ready(made, ["/World/odd", "/World/block"])
    assert [(skip.path, skip.code) for skip in report.skipped] == [("/World/odd", code)]
    assert [body.path for body in report.bodies] == ["/World/block"]


def test_flat_scale_is_left_alone() -> None:
    made = stage()
    cube(made, "/World/flat", 0.1, scale=(0, 1, 1))
    assert [skip.code for skip in make_sim_ready(made, ["/World/flat"]).skipped] == ["engine_refused_stage"]


def test_a_body_may_hold_a_mesh_without_triangles() -> None:
    made = stage()
    UsdGeom.Xform.Define(made, "/World/tool")
    UsdGeom.Mesh.Define(made, "/World/tool/a_nothing").CreatePointsAttr([])
    cube(made, "/World/tool/steel_head", 0.1)
    (body,) = make_sim_ready(made, ["/World/tool"]).bodies
    assert body.colliders == 1
    assert made.GetPrimAtPath("/World/tool/steel_head").HasAPI(UsdPhysics.CollisionAPI)
    assert not made.GetPrimAtPath("/World/tool/a_nothing").HasAPI(UsdPhysics.CollisionAPI)


def test_a_prim_that_is_deleted_while_others_are_weighed_is_left_alone(monkeypatch) -> None:
    made = stage()
    cube(made, "/World/a", 0.1)
    cube(made, "/World/b", 0.2, at=(1, 0, 0))
    weigh = operations.Scale.weigh

    def and_delete(self, target, mass_kg):
        found = weigh(self, target, mass_kg)
        if target.path == "/World/b":
            made.RemovePrim("/World/a")
        return found

    monkeypatch.setattr(operations.Scale, "weigh", and_delete)
    report = make_sim_ready(made, ["/World/a", "/World/b"])
    assert [(skip.path, skip.code) for skip in report.skipped] == [("/World/a", "prim_gone")]
    assert [body.path for body in report.bodies] == ["/World/b"]
    assert not made.GetRootLayer().GetPrimAtPath("/World/a")


def test_a_failure_while_writing_takes_everything_back(monkeypatch) -> None:
    made = stage()
    for name in "abc":
        cube(made, f"/World/{name}", 0.1)
    before = text(made)
    body = operations.BodyWriter.body

    def fail_at_the_third(self, target, weighed):
        if target.path == "/World/c":
            raise MemoryError
        return body(self, target, weighed)

    monkeypatch.setattr(operations.BodyWriter, "body", fail_at_the_third)
    with pytest.raises(MemoryError):
        make_sim_ready(made, ["/World/a", "/World/b", "/World/c"])
    assert text(made) == before


def test_an_undo_on_a_locked_layer_is_refused_and_can_be_done_later() -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    before, layer = text(made), made.GetRootLayer()
    report = make_sim_ready(made, ["/World/block"])
    after = text(made)
    layer.SetPermissionToEdit(False)
    assert refused(report.undo).code == "layer_locked"
    assert text(made) == after
    layer.SetPermissionToEdit(True)
    report.undo()
    assert text(made) == before


def test_a_read_only_file_is_worked_on_with_a_warning(tmp_path: Path) -> None:
    made = Usd.Stage.Open(str(asset(tmp_path)))
    made.GetRootLayer().SetPermissionToSave(False)
    report = make_sim_ready(made, ["/crate"])
    (warning,) = report.warnings
    assert "crate.usda is read-only" in warning and len(report.bodies) == 1
    assert make_sim_ready(stage(), []).warnings == ()


def test_every_operation_refuses_locked_and_muted_layers() -> None:
    made = stage()
    cube(made, "/World/block", 0.1)
    locked, muted = Sdf.Layer.CreateAnonymous(".usda"), Sdf.Layer.CreateAnonymous(".usda")
    made.GetRootLayer().subLayerPaths = [locked.identifier, muted.identifier]
    locked.SetPermissionToEdit(False)
    for layer, code in ((locked, "layer_locked"), (muted, "layer_muted")):
        made.SetEditTarget(Usd.EditTarget(layer))
        if layer is muted:
            made.MuteLayer(layer.identifier)
        for operation in (
            lambda: make_sim_ready(made, ["/World/block"]),
            lambda: renormalize(made, ["/World/block"]),
            lambda: set_collider(made, ["/World/block"], "sdf"),
            lambda: reset_to_authored(made, ["/World/block"]),
        ):
            assert refused(operation).code == code
