"""What the panel asks of the program around it: Kit, or a desk without one."""

from __future__ import annotations

import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import Protocol


class Host(Protocol):
    """The program around the panel."""

    #: True where there is a stage to take from and to put on.
    has_stage: bool

    def selection(self, folder: Path) -> list[str]:
        """Write the selected prims into files.

        Args:
            folder: Where to.

        Returns:
            Their paths; empty when nothing is selected.

        Raises:
            PhysiclError: When they cannot be written.
        """

    def place(self, asset: str, name: str) -> str:
        """Put a twin on the stage by reference.

        Args:
            asset: Its USD file.
            name: Wished name of the prim.

        Returns:
            Path of the prim.

        Raises:
            PhysiclError: When the stage refuses it.
        """

    def show_file(self, path: str) -> None:
        """Open a page, picture or folder with what the computer opens it with."""


class Desk:
    """No Kit around: there is no stage."""

    has_stage = False

    def selection(self, folder: Path) -> list[str]:
        """Nothing is ever selected."""
        return []

    def place(self, asset: str, name: str) -> str:
        """There is no stage to put it on.

        Raises:
            UsdError: ``no_stage``.
        """
        from physicl_twin.model import UsdError

        raise UsdError("no_stage", "There is no stage here.", "Open the panel in Isaac Sim.")

    def show_file(self, path: str) -> None:
        """By the desktop's own means."""
        show_file(path)


def show_file(path: str) -> None:
    """Open a file or folder with what the computer opens it with; where it has nothing, nothing happens."""
    if path.endswith((".html", ".htm")):
        webbrowser.open(Path(path).as_uri())
    elif sys.platform == "win32":
        os.startfile(path)
    else:
        opener = "open" if sys.platform == "darwin" else "xdg-open"
        try:
            subprocess.Popen([opener, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            webbrowser.open(Path(path).as_uri())
