"""The panel in Kit: its stage, its frames, its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import omni.kit.app
import omni.usd

from physicl_twin.kit import settings
from physicl_twin.kit.nodes.place import add_reference
from physicl_twin.kit.panel.host import show_file
from physicl_twin.model import UsdError
from physicl_twin.workbench.workspace import Workspace


async def next_update() -> None:
    """The next frame."""
    await omni.kit.app.get_app().next_update_async()


def kit_workspace() -> Workspace:
    """View models with the output folder of the settings."""
    folder = settings.current().output_folder
    return Workspace(out=Path(folder) if folder else None)


def _stage() -> Any:
    stage = omni.usd.get_context().get_stage()
    if stage is None:
        raise UsdError("no_stage", "There is no stage.", "Open or make one first.")
    return stage


class KitHost:
    """Kit around the panel; see ``host.Host``."""

    has_stage = True

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
        return path

    def show_file(self, path: str) -> None:
        """By the desktop's own means."""
        show_file(path)
