"""The extension's life in Kit: what it adds when it is enabled, and that all of it is gone when it is disabled."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import carb
import omni.ext
import omni.kit.app

from physicl_twin.kit import settings
from physicl_twin.kit.parts import Part, Parts, Registered


class Extension(omni.ext.IExt):  # type: ignore[misc]
    """physicl_twin in Isaac Sim. Nothing that it makes refers to this object, so that Kit can let go of it."""

    def on_startup(self, ext_id: str) -> None:
        """Called by Kit when the extension is enabled.

        Args:
            ext_id: Name and version.
        """
        self._release = contextlib.ExitStack()
        name = omni.ext.get_extension_name(ext_id)
        folder = Path(omni.kit.app.get_app().get_extension_manager().get_extension_path(ext_id))
        found = settings.current()
        panel = Panel()
        self._release.callback(settings.WorkerPython(found.worker_python, folder).release)
        self._release.callback(panel.release)
        self._release.callback(_release_nodes)
        self._release.callback(Parts(name, _offers(name, panel, found)).release)
        if found.open_panel:
            panel.show()

    def on_shutdown(self) -> None:
        """Called by Kit when the extension is disabled or reloaded."""
        self._release.close()


class Panel:
    """The panel's window; it is built when it is first shown."""

    def __init__(self) -> None:
        self._window: Any = None

    def show(self) -> None:
        """Open it, or bring it to the front."""
        if self._window is None:
            try:
                from physicl_twin.kit.panel.window import PanelWindow
            except ModuleNotFoundError as error:
                if not (error.name or "").startswith("omni.ui"):
                    raise
                carb.log_warn("There are no windows here (omni.ui is not enabled), so there is no panel.")
                return
            self._window = PanelWindow()
        self._window.show()

    def release(self) -> None:
        """Close it for good."""
        window, self._window = self._window, None
        if window is not None:
            window.destroy()


def _offers(name: str, panel: Panel, found: settings.KitSettings) -> Mapping[str, Callable[[], Part]]:
    """What is added, by the extension that it is added to; a new stage's part is a line here."""
    from physicl_twin.kit import importers

    offers: dict[str, Callable[[], Part]] = {
        "omni.kit.commands": _commands,
        "omni.kit.menu.utils": functools.partial(_menu, name, panel),
        "omni.replicator.core": _replicator,
    }
    if found.import_formats != "none":
        offers["omni.kit.tool.asset_importer"] = functools.partial(importers.FileImport, found.import_formats)
        offers["omni.kit.window.content_browser"] = importers.BrowserMenu
    return offers


def _commands() -> Part:
    from physicl_twin.kit import commands

    commands.register()
    return Registered(commands.unregister)


def _replicator() -> Part:
    from physicl_twin.kit.replicator.registration import Registration

    return Registration()


def _menu(name: str, panel: Panel) -> Part:
    from physicl_twin.kit import menu

    return menu.Menu(name, menu.entries(panel.show, _create_graph))


def _create_graph(plan: Any) -> None:
    import omni.usd

    from physicl_twin.kit import graphs

    stage = omni.usd.get_context().get_stage()
    if stage is None:
        carb.log_warn("There is no stage to put the graph on. Open or make one first.")
        return
    carb.log_info(f"{plan.title} is at {graphs.create(plan, stage)}")


def _release_nodes() -> None:
    """Graphs may go on holding our nodes; their jobs end now."""
    from physicl_twin.kit.nodes import state, work

    state.release_all()
    work.reset_all()
