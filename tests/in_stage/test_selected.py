"""The stage's selection as sources: whole, in place, with its materials, in files that a build can read."""

from __future__ import annotations

import pytest
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade

from physicl_twin import ingest
from physicl_twin.in_stage.selected import write_selected
from physicl_twin.model import UsdError
from tests.in_stage.scenes import asset, cube, stage, text


def test_each_selected_prim_becomes_a_file_that_reads_back(tmp_path) -> None:
    made = stage(0.01, "Y")
    cube(made, "/World/crate", 40.0, at=(100, 0, 0))
    cube(made, "/World/other", 10.0)
    paint = UsdShade.Material.Define(made, "/World/Looks/oak")
    UsdShade.MaterialBindingAPI.Apply(made.GetPrimAtPath("/World/crate")).Bind(paint)
    before = text(made)
    files = write_selected(made, ["/World/crate", "/World/other"], tmp_path)
    assert [path.rsplit("/", 1)[1] for path in files] == ["crate.usdc", "other.usdc"]
    assert text(made) == before
    alone = Usd.Stage.Open(files[0])
    assert UsdGeom.GetStageMetersPerUnit(alone) == 0.01 and UsdGeom.GetStageUpAxis(alone) == "Y"
    assert not alone.GetPrimAtPath("/World/other")
    assert alone.GetPrimAtPath("/World/Looks/oak")
    world = UsdGeom.XformCache().GetLocalToWorldTransform(alone.GetPrimAtPath("/World/crate"))
    assert world.ExtractTranslation() == Gf.Vec3d(100, 0, 0)
    twin = ingest.read(files[0])
    assert len(twin.parts) == 1 and twin.frame.units.value == "cm"


def test_references_unsaved_edits_and_the_session_layer_go_with_it(tmp_path) -> None:
    made = stage()
    prim = made.DefinePrim("/World/crate", "Xform")
    prim.GetReferences().AddReference(str(asset(tmp_path)))
    made.SetEditTarget(made.GetSessionLayer())
    made.GetPrimAtPath("/World/crate/wood_box").GetAttribute("size").Set(0.7)
    (file,) = write_selected(made, ["/World/crate"], tmp_path / "out folder")
    alone = Usd.Stage.Open(file)
    assert alone.GetPrimAtPath("/World/crate/wood_box").GetAttribute("size").Get() == 0.7
    assert not alone.GetRootLayer().subLayerPaths


def test_what_is_below_another_goes_with_it_and_what_is_gone_is_left_out(tmp_path) -> None:
    made = stage()
    cube(made, "/World/a/box", 1.0)
    cube(made, "/World/b/box", 1.0)
    files = write_selected(made, ["/World/a", "/World/a/box", "/World/b/box", "/World/gone", "no path"], tmp_path)
    assert [path.rsplit("/", 1)[1] for path in files] == ["a.usdc", "box.usdc"]
    files = write_selected(made, ["/World/a/box", "/World/b/box"], tmp_path)
    assert [path.rsplit("/", 1)[1] for path in files] == ["box.usdc", "box_2.usdc"]
    assert write_selected(made, [], tmp_path) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path) -> None:
    made = stage()
    cube(made, "/World/a", 1.0)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsdError) as caught:
        write_selected(made, ["/World/a"], tmp_path / "file" / "below")
    assert caught.value.code == "selection_not_written" and caught.value.hint


def test_the_whole_stage_is_one_source(tmp_path) -> None:
    made = stage()
    cube(made, "/World/a", 1.0)
    (file,) = write_selected(made, ["/", "/World/a"], tmp_path)
    assert Usd.Stage.Open(file).GetPrimAtPath("/World/a")
    assert Sdf.Layer.FindOrOpen(file)
