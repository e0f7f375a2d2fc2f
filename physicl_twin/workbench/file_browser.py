"""Picking files and folders: what lies in a folder, sources first to be seen, without any toolkit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: Entries of a folder that are listed; the words above the list say when there are more.
MOST = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder.

    Attributes:
        path: Full path.
        name: Its name.
        is_folder: True for folders.
        detail: Size of a file.
    """

    path: str
    name: str
    is_folder: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to begin from.

    Attributes:
        title: For people.
        path: Of the folder.
    """

    title: str
    path: str


class FileBrowser:
    """One folder at a time, with what is marked in it.

    Args:
        is_source: True for a path that can be read.
        places: Where one can begin; the first is shown.
        picked: Called with what was marked.
    """

    def __init__(
        self, is_source: Callable[[str], bool], places: tuple[Place, ...], picked: Callable[[list[str]], None]
    ) -> None:
        self._is_source = is_source
        self._picked = picked
        self.places = places
        self.folder = ""
        self.entries: tuple[Entry, ...] = ()
        self.more = 0
        self.error = ""
        self.marked: list[str] = []
        self.every = False
        self.revision = 0
        self.open(places[0].path)

    def open(self, folder: str) -> None:
        """Show a folder; one that cannot be read is told and stays out of view."""
        path = Path(folder).expanduser()
        self.revision += 1
        try:
            found = [
                (item.name, item.path, item.is_dir()) for item in os.scandir(path) if not item.name.startswith(".")
            ]
        except OSError as error:
            self.error = f"{path.name or path} cannot be opened: {error.strerror or error}."
            return
        self.error, self.folder, self.marked = "", str(path.resolve()), []
        # Folders first; the dash keeps names that differ in case only in a fixed order.
        found.sort(key=lambda item: (not item[2], item[0].lower(), item[0]))
        shown = [item for item in found if item[2] or self.every or self._is_source(item[1])]
        self.more = max(0, len(shown) - MOST)
        self.entries = tuple(
            Entry(at, name, is_folder, "" if is_folder else _size(at)) for name, at, is_folder in shown[:MOST]
        )

    def up(self) -> None:
        """Show the folder above."""
        self.open(str(Path(self.folder).parent))

    def show_every(self, every: bool) -> None:
        """List all files, or only those that look like sources."""
        self.every = every
        self.open(self.folder)

    def mark(self, entry: Entry, add: bool = False) -> None:
        """Mark an entry, besides others when ``add``; marking it again takes the mark back."""
        if entry.path in self.marked:
            self.marked.remove(entry.path)
        else:
            self.marked = [*(self.marked if add else []), entry.path]
        self.revision += 1

    def enter(self, entry: Entry) -> None:
        """Open a folder, or take a file."""
        if entry.is_folder:
            self.open(entry.path)
        else:
            self._picked([entry.path])

    @property
    def words(self) -> str:
        """What would be taken."""
        if not self.marked:
            return f"the folder {Path(self.folder).name or self.folder}"
        return Path(self.marked[0]).name if len(self.marked) == 1 else f"{len(self.marked)} sources"

    def take(self) -> None:
        """Take what is marked, or else the folder in view."""
        self._picked(list(self.marked) or [self.folder])


def places_of(samples: str, recent: tuple[str, ...]) -> tuple[Place, ...]:
    """Where a person may want to begin: the folder of the latest source, the shipped samples, home."""
    found = [Place("recent", str(Path(path).parent)) for path in recent[:1]]
    if samples and Path(samples).is_dir():
        found.append(Place("samples", samples))
    found.append(Place("home", str(Path.home())))
    return tuple(found)


def _size(path: str) -> str:
    try:
        count = float(Path(path).stat().st_size)
    except OSError:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return ""
