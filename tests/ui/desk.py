"""Runs in a process of its own: the panel on the real omni.ui, used with a mouse and a keyboard that are not there.

Usage: python -m tests.ui.desk SCENE FOLDER [JSON]. What a scene finds is told line by line on standard output, pictures go to FOLDER.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import omni.ui as ui
from omni.ui import testing

from physicl_twin.kit.panel.host import Desk as NoKit
from physicl_twin.kit.panel.window import PanelWindow
from physicl_twin.workbench.workspace import Workspace

#: Seconds until something that was waited for is said to be missing.
PATIENCE_S = 240.0


class Desk:
    """The panel in a window without a screen.

    Args:
        folder: Of the session, of what is made, and of the pictures.
        host: The program around the panel.
    """

    def __init__(self, folder: Path, host: Any = None) -> None:
        self.folder = folder
        self.host = host if host is not None else NoKit()
        self.panel = self.opened()

    def opened(self) -> PanelWindow:
        """Another panel on the same session, as after a restart."""

        def work() -> Workspace:
            return Workspace(out=self.folder / "out", session=self.folder / "session.json")

        return PanelWindow(self.host, work, ui.next_frame, fill=True)

    @property
    def work(self) -> Workspace:
        return self.panel.work

    @staticmethod
    async def frames(count: int = 4) -> None:
        await testing.wait_frames(count)

    async def until(self, true: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
        """Let frames pass until something is so."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                self.shot("stuck")
                raise TimeoutError(f"{what}: not within {seconds:.0f} s")
            await testing.next_frame()
            await asyncio.sleep(0.005)
        await self.frames()

    async def idle(self) -> None:
        """Until nothing runs and the picture stands."""
        bench = self.work.bench
        await self.until(lambda: not bench.busy and not bench.live.waiting, "idle")
        await self.until(lambda: not self.work.viewport.moving, "the fine picture")

    def widgets(self) -> Iterator[Any]:
        """All widgets of the window, visible ones or not."""
        assert self.panel._window is not None
        waiting = [self.panel._window.frame]
        while waiting:
            widget = waiting.pop()
            yield widget
            waiting += ui.Inspector.get_children(widget)

    def find(self, identifier: str) -> Any:
        """The widget of that name.

        Raises:
            LookupError: When it is not there.
        """
        named = [widget.identifier for widget in self.widgets() if widget.identifier]
        found = [widget for widget in self.widgets() if widget.identifier == identifier and widget.computed_width > 0]
        if not found:
            raise LookupError(f"{identifier} is not among {named}")
        return found[0]

    def has(self, identifier: str) -> bool:
        return any(widget.identifier == identifier for widget in self.widgets())

    def shows(self, identifier: str) -> bool:
        """True when it can be clicked."""
        return any(widget.identifier == identifier and widget.computed_width > 0 for widget in self.widgets())

    def texts(self) -> list[str]:
        """What can be read."""
        return [widget.text for widget in self.widgets() if isinstance(widget, ui.Label) and widget.text.strip()]

    def outside(self) -> list[str]:
        """Widgets that stick out of the window at its right."""
        edge = ui.Workspace.get_main_window_width() + 1.0
        shown = [widget for widget in self.widgets() if widget.visible and widget.computed_width > 0]
        return [
            f"{type(widget).__name__} {widget.identifier or getattr(widget, 'text', '')}"
            for widget in shown
            if widget.screen_position_x + widget.computed_width > edge
        ]

    def middle(self, identifier: str) -> tuple[float, float]:
        widget = self.find(identifier)
        return (
            widget.screen_position_x + widget.computed_width / 2,
            widget.screen_position_y + widget.computed_height / 2,
        )

    async def click(self, identifier: str) -> None:
        """Click in the middle of a widget; scrolls to it first where it is out of sight."""
        await self.frames()
        scroll = self.panel._scroll
        low, high = 58.0, ui.Workspace.get_main_window_height() - 60.0
        x, y = self.middle(identifier)
        if (
            scroll is not None
            and not identifier.startswith(("stage_", "primary", "secondary", "cancel"))
            and not low < y < high
        ):
            scroll.scroll_y = max(0.0, scroll.scroll_y + y - (low + high) / 2)
            await self.frames()
            x, y = self.middle(identifier)
        await testing.mouse_click(x, y)
        await self.frames()

    async def top(self) -> None:
        """Scroll up."""
        if self.panel._scroll is not None:
            self.panel._scroll.scroll_y = 0.0
        await self.frames()

    async def type_into(self, identifier: str, text: str, enter: bool = True) -> None:
        """Click into a field, type over what stands in it, and press Enter."""
        await self.click(identifier)
        for _ in range(len(self.find(identifier).model.as_string)):
            await testing.press_key(8)
        await testing.type_text(text)
        if enter:
            await testing.press_key(13)
        await self.frames()

    async def picture(self, name: str) -> None:
        """A picture of the window without the mouse."""
        await testing.mouse_move(-40.0, -40.0)
        await self.frames(6)
        self.shot(name)

    def shot(self, name: str) -> str:
        """A picture of the window as it is."""
        path = self.folder / f"{name}.png"
        testing.capture_screenshot(str(path))
        return str(path)

    async def close(self) -> None:
        self.panel.destroy()
        await asyncio.sleep(0)


def tell(what: str, value: Any) -> None:
    print(f"TOLD {json.dumps([what, value])}", flush=True)


def main() -> None:
    """Run a scene."""
    from tests.ui import scenes

    name, folder, *more = sys.argv[1:]
    given = json.loads(more[0]) if more else {}
    ui.init("test", *given.pop("size", [980, 720]), max_fps=None)

    ended: list[BaseException] = []

    async def play() -> None:
        try:
            await getattr(scenes, name)(Path(folder), **given)
        except BaseException as error:  # the toolkit's loop drops it
            ended.append(error)

    ui.run(play())
    if ended:
        raise ended[0]
    tell("done", name)


if __name__ == "__main__":
    main()
