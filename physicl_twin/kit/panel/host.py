"""What the panel asks of the program around it: Kit, or a desk without one."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol


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

    def select(self, part: str) -> None:
        """Select a part of the twin that was placed, on the stage.

        Args:
            part: Identifier of the part's prim.
        """

    def selected(self) -> str:
        """Identifier of the part that is selected on the stage; empty for none, or where there is no stage."""

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

    def select(self, part: str) -> None:
        """There is no stage to select on."""

    def selected(self) -> str:
        """Nothing is ever selected."""
        return ""

    def show_file(self, path: str) -> None:
        """By the desktop's own means."""
        show_file(path)


#: Where a twin keeps what is seen, and what touches (``usd.layout``).
_PARTS = ("geometry", "colliders")


def part_path(stage: Any, placed: str, part: str) -> str:
    """Path of a part of a twin on a stage.

    Args:
        stage: ``Usd.Stage``, or None.
        placed: Path of the twin.
        part: Identifier of the part's prim.

    Returns:
        Empty when it is not there.
    """
    top = stage.GetPrimAtPath(placed) if stage is not None and placed and part else None
    waiting = [top] if top else []
    while waiting:
        prim = waiting.pop()
        if prim.GetName() == part and prim.GetParent().GetName() == _PARTS[0]:
            return str(prim.GetPath())
        waiting += prim.GetChildren()
    return ""


def part_of(placed: str, selected: Sequence[str]) -> str:
    """Identifier of the part that a selection means: its prim, what is in it, or one of its colliders.

    Args:
        placed: Path of the twin.
        selected: Selected prims.
    """
    for path in selected:
        names = path[len(placed) :].split("/") if path.startswith(f"{placed}/") else []
        for group, name in itertools.pairwise(names):
            if group in _PARTS:
                return name if group == _PARTS[0] else re.sub(r"_\d+$", "", name)
    return ""


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
