"""The panel without Kit: the same window on NVIDIA's standalone omni.ui (``./physicl.sh panel``)."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from physicl_twin.model import ConfigError
from physicl_twin.workbench.workspace import Workspace, user_folder

#: One of these is set where a window can be opened, or none is wanted (the toolkit's own switch, for tests).
_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "OMNIUI_HEADLESS")


def run(sources: list[str], out: str | None = None) -> None:
    """Open the window; returns when it is closed.

    Args:
        sources: Files and folders to begin with.
        out: Folder of twins, sets and exports; the remembered one by default.

    Raises:
        ConfigError: ``extra_missing``, ``no_display``.
    """
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _SCREENS):
        hint = "Open it in a desktop session; without one, use ./physicl.sh build."
        raise ConfigError("no_display", "No window can be opened: there is no screen (DISPLAY is not set).", hint)
    given = [str(Path(source).resolve()) for source in sources]
    folder = Path(out).resolve() if out else None
    # The toolkit keeps the places of windows in a file of the current folder.
    user_folder().mkdir(parents=True, exist_ok=True)
    os.chdir(user_folder())
    try:
        import omni.ui as ui
    except ImportError as error:
        hint = "Run ./physicl.sh install panel; on Debian and Ubuntu also: apt install libglfw3 libvulkan1."
        raise ConfigError("extra_missing", f"The panel's toolkit cannot be loaded: {error}.", hint) from error
    from physicl_twin.kit.panel.host import Desk
    from physicl_twin.kit.panel.window import HEIGHT, TITLE, PanelWindow

    work = Workspace(out=folder)
    if given:
        work.go("ingest")
        work.ingest.add(given)
    panel = PanelWindow(Desk(), lambda: work, ui.next_frame, fill=True)
    ui.init(TITLE, 1180, HEIGHT)

    async def stay() -> None:
        panel.show()
        try:
            await ui.run_async()
        finally:
            panel.destroy()

    try:
        asyncio.run(stay())
    finally:
        ui.shutdown()
