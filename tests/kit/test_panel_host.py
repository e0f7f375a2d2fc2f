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
