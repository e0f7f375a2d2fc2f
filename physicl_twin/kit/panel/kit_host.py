"""The panel in Kit: its stage, its frames, its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import omni.kit.app
import omni.usd

from physicl_twin.kit import settings
from physicl_twin.kit.engine import KitEngine
from physicl_twin.kit.nodes.place import add_reference
from physicl_twin.kit.panel.editor_run import make_task_with
from physicl_twin.kit.panel.host import part_of, part_path, show_file
from physicl_twin.model import UsdError
from physicl_twin.workbench.workspace import Workspace


async def next_update() -> None:
    """The next frame."""
    await omni.kit.app.get_app().next_update_async()


def kit_workspace() -> Workspace:
    """View models with what the settings say, and the editor's PhysX beside the workers."""
    found = settings.current()
    make_task = make_task_with(KitEngine, next_update)
    work = Workspace(out=Path(found.output_folder) if found.output_folder else None, make_task=make_task)
    work.augment.jobs = found.jobs
    work.validate.has_editor = True
    return work


def _stage() -> Any:
    stage = omni.usd.get_context().get_stage()
    if stage is None:
        raise UsdError("no_stage", "There is no stage.", "Open or make one first.")
    return stage


def _open_stage_or_none() -> Any:
    return omni.usd.get_context().get_stage()


class KitHost:
    """Kit around the panel; see ``host.Host``."""

    has_stage = True

    def __init__(self) -> None:
        self._placed = ""

    def selection(self, folder: Path) -> list[str]:
        """The selected prims as files."""
        from physicl_twin.in_stage.selected import write_selected

        return write_selected(_stage(), omni.usd.get_context().get_selection().get_selected_prim_paths(), folder)

    def place(self, asset: str, name: str) -> str:
        """A reference below the default prim, or below /World."""
        stage = _stage()
        root = stage.GetDefaultPrim()
        path = add_reference(stage, str(root.GetPath()) if root else "/World", name, asset)
        omni.usd.get_context().get_selection().set_selected_prim_paths([path], True)
        self._placed = path
        return path

    def select(self, part: str) -> None:
        """The prim of that name below the twin that was placed last."""
        path = part_path(_open_stage_or_none(), self._placed, part)
        selection = omni.usd.get_context().get_selection()
        if path and selection.get_selected_prim_paths() != [path]:
            selection.set_selected_prim_paths([path], True)

    def selected(self) -> str:
        """Name of the part whose prim is selected."""
        if not self._placed:
            return ""
        return part_of(self._placed, omni.usd.get_context().get_selection().get_selected_prim_paths())

    def show_file(self, path: str) -> None:
        """By the desktop's own means."""
        show_file(path)
