"""What a tab is built with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from physicl_twin.kit.panel.host import Host
from physicl_twin.workbench.file_browser import FileBrowser
from physicl_twin.workbench.workspace import Workspace


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
        moving: Widgets of the tab in view that follow something; released before the next build.
    """

    work: Workspace
    host: Host
    again: Callable[[], None]
    width: float = 0.0
    files: FileBrowser | None = None
    opened: str = ""
    moving: list[Moving] = field(default_factory=list)

    def close_files(self) -> None:
        """Put the file browser away."""
        self.files = None
        self.again()

    def fold(self, heading: str) -> None:
        """Open a heading, or close it."""
        self.opened = "" if self.opened == heading else heading
        self.again()

    def release(self) -> None:
        """Let go of the moving widgets."""
        for widget in self.moving:
            widget.release()
        self.moving.clear()
