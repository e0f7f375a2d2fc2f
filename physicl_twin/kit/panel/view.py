"""What a tab is built with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from physicl_twin.kit.panel import widgets
from physicl_twin.kit.panel.host import Host
from physicl_twin.workbench.file_browser import FileBrowser
from physicl_twin.workbench.workspace import Workspace

#: How long a click takes, from press to release, seconds.
_CLICK_S = 0.3


class Moving(Protocol):
    """A widget that follows something from frame to frame."""

    def update(self) -> None:
        """Look whether there is something new; cheap when there is not."""

    def release(self) -> None:
        """Let go of it."""


@dataclass(slots=True)
class View:
    """A tab's surroundings.

    Attributes:
        work: The view models.
        host: The program around the panel.
        again: Builds the tab anew, at the next frame.
        width: Room, pixels.
        files: The file browser while it is open.
        opened: Heading that was opened besides those that are open anyway; empty for none.
        hold_until_s: The tab is not built anew before this monotonic time.
        moving: Widgets of the tab in view that follow something; released before the next build.
    """

    work: Workspace
    host: Host
    again: Callable[[], None]
    width: float = 0.0
    files: FileBrowser | None = None
    opened: str = ""
    hold_until_s: float = 0.0
    moving: list[Moving] = field(default_factory=list)

    def field(self, text: str, entered: Callable[[str], None], *more: Any, **options: Any) -> Any:
        """A line to type in; see ``widgets.field``.

        It is left by pressing the mouse elsewhere, perhaps on a button: what was typed is taken at once, but the tab is
        built anew only when that button has had its release.
        """

        def taken(said: str) -> None:
            self.hold_until_s = time.monotonic() + _CLICK_S
            entered(said)

        return widgets.field(text, taken, *more, **options)

    def fold(self, heading: str) -> None:
        """Open a heading, or close it."""
        self.opened = "" if self.opened == heading else heading
        self.again()

    def release(self) -> None:
        """Let go of the moving widgets."""
        for widget in self.moving:
            widget.release()
        self.moving.clear()
