"""The panel's side of Kit: selection, placing, frames and settings, with stand-ins for Kit's modules over real stages."""

from __future__ import annotations

import asyncio
import importlib
import sys
from types import SimpleNamespace

import pytest
from pxr import UsdGeom

from physicl_twin.model import UsdError
from tests.in_stage.scenes import asset, cube, stage
from tests.kit.fake_kit import modules


@pytest.fixture
def kit(monkeypatch, tmp_path):
    selected: list[str] = []
    selection = SimpleNamespace(
        get_selected_prim_paths=lambda: list(selected),
        set_selected_prim_paths=lambda paths, expand: selected.__setitem__(slice(None), paths),
    )
    context = SimpleNamespace(stage=stage(0.01, "Y"), get_stage=lambda: context.stage, get_selection=lambda: selection)
    frames = []

    async def next_update_async():
        frames.append(1)

    app = SimpleNamespace(next_update_async=next_update_async)
    values = {"/persistent/exts/physicl_twin/output_folder": str(tmp_path / "out")}
    modules(
        monkeypatch,
        {
            "carb": {},
            "carb.settings": {"get_settings": lambda: SimpleNamespace(get=values.get)},
            "carb.tokens": {"get_tokens_interface": lambda: SimpleNamespace(resolve=lambda text: text)},
            "omni": {},
            "omni.kit": {},
            "omni.kit.app": {"get_app": lambda: app},
            "omni.usd": {"get_context": lambda name="": context},
        },
    )
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    sys.modules.pop("physicl_twin.kit.panel.kit_host", None)
    made = importlib.import_module("physicl_twin.kit.panel.kit_host")
    yield SimpleNamespace(module=made, context=context, selected=selected, frames=frames, folder=tmp_path)
    sys.modules.pop("physicl_twin.kit.panel.kit_host", None)


def test_the_selection_becomes_files_and_a_twin_is_placed_and_selected(kit) -> None:
    host = kit.module.KitHost()
    cube(kit.context.stage, "/World/crate", 10.0)
    kit.selected.append("/World/crate")
    (file,) = host.selection(kit.folder / "sources")
    assert file.endswith("crate.usdc")
    path = host.place(str(asset(kit.folder)), "crate")
    assert path == "/World/crate_01" and kit.selected == [path]
    box = (
        UsdGeom.BBoxCache(0, ["default"]).ComputeWorldBound(kit.context.stage.GetPrimAtPath(path)).ComputeAlignedRange()
    )
    assert box.GetSize()[0] == pytest.approx(40.0), "0.4 m are 40 units of a centimetre stage"


def test_without_a_stage_it_says_so(kit) -> None:
    kit.context.stage = None
    with pytest.raises(UsdError) as caught:
        kit.module.KitHost().selection(kit.folder)
    assert caught.value.code == "no_stage"


def test_frames_and_folders_are_kits_own(kit) -> None:
    asyncio.run(kit.module.next_update())
    assert kit.frames == [1]
    work = kit.module.kit_workspace()
    try:
        assert work.bench.session.out == str(kit.folder / "out")
    finally:
        work.release()


def test_rows_and_the_stages_selection_follow_each_other(kit) -> None:
    host = kit.module.KitHost()
    assert host.selected() == ""
    file = kit.folder / "mug.usda"
    twin = stage()
    root = UsdGeom.Xform.Define(twin, "/mug")
    twin.SetDefaultPrim(root.GetPrim())
    for path in ("/mug/geometry/Cup", "/mug/geometry/Spoon", "/mug/colliders/Cup_00"):
        cube(twin, path, 0.1)
    twin.Export(str(file))
    placed = host.place(str(file), "mug")
    host.select("Spoon")
    assert kit.selected == [f"{placed}/geometry/Spoon"] and host.selected() == "Spoon"
    kit.selected[:] = [f"{placed}/colliders/Cup_00"]
    assert host.selected() == "Cup"
    host.select("Nothing")
    assert kit.selected == [f"{placed}/colliders/Cup_00"], "a part that is not there changes nothing"
    kit.selected[:] = ["/World"]
    assert host.selected() == ""


def test_the_editors_rollouts_are_a_task_that_can_be_cancelled(kit, tmp_path) -> None:
    from physicl_twin.kit.engine import KitEngine
    from physicl_twin.kit.panel.editor_run import make_task_with
    from tests.augment.families import twin_folder
    from tests.kit.editor_port import OvphysxPort
    from tests.usd import twins

    folder = twin_folder(tmp_path, twins.single())
    usd = next((folder / "simready").glob("*.usda"))
    port = OvphysxPort(tmp_path)

    async def frame():
        await asyncio.sleep(0)

    async def whole(cancel_after: int | None):
        task = make_task_with(lambda: KitEngine(port=port), frame)("editor_rollouts", {"usd": str(usd)})
        frames = 0
        while not task.state.finished:
            frames += 1
            if frames == cancel_after:
                task.cancel()
            await frame()
        return task.state

    state = asyncio.run(whole(None))
    assert state.status == "done", state.error
    assert [run["name"] for run in state.result["rollouts"]] == ["drop_and_settle", "tilt_to_slide"]
    assert {run["status"] for run in state.result["rollouts"]} == {"passed"}
    assert asyncio.run(whole(5)).status == "cancelled"
    assert port.scene is None
    port.reason = "the timeline plays."
    state = asyncio.run(whole(None))
    assert state.status == "failed" and state.error["hint"]
    port.detach()
