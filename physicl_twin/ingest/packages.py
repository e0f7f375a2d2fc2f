"""References of robot descriptions: ``package://``, ``model://``, ``file://`` and relative paths, inside their area."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.model import SourceError

#: Folders above the description that are searched for a package (judgement: ``ws/src/stack/package/urdf/arm/x.urdf``).
_LEVELS = 6
_SCHEMES = ("package", "model", "file", "")
#: Files that mark the root of a package.
_MARKS = ("package.xml", "model.config", "manifest.xml")


class Resolver:
    """Finds the files that a description refers to.

    A reference may name anything inside the description's own package: the nearest folder above it with a
    ``package.xml`` or ``model.config``, else the folder above the one that it lies in (``urdf/arm.urdf`` beside
    ``meshes/``). ``package://name/…`` may also name a package that lies beside one of the folders above.

    Args:
        builder: Of the description: notes go there.
        folder: Folder that relative references start from; that of the main file by default.
    """

    def __init__(self, builder: SceneBuilder, folder: Path | None = None) -> None:
        self._builder = builder
        #: Folder that relative references start from.
        self.folder = (folder or builder.path.parent).resolve()
        above = [self.folder, *self.folder.parents][: _LEVELS + 1]
        marked = next((p for p in above if any((p / mark).is_file() for mark in _MARKS)), None)
        #: That folder and those above it, nearest first.
        self.above = above
        #: The folder that everything relative must stay in.
        self.area = marked or (self.folder.parent if len(above) > 1 else self.folder)

    def find(self, uri: str, owner: str, extra: tuple[Path, ...] = (), what: str = "mesh") -> Path | None:
        """The file that a reference names, or None with a note when it is not there or on another machine.

        Args:
            uri: As written.
            owner: Who refers, for messages.
            extra: Further folders, inside the area, that relative references may start from (MJCF's ``meshdir``).
            what: What the file is, for the code of the note: ``mesh`` … becomes ``mesh_missing``; empty for no note.

        Raises:
            SourceError: ``reference_escapes``.
        """
        text = unquote(uri.strip()).replace("\\", "/")
        scheme = urlsplit(text).scheme if "://" in text else ""
        if scheme not in _SCHEMES:
            message = f"{owner} refers to {uri[:120]!r} on another machine; it is not fetched."
            self._builder.note(
                "remote_reference_ignored", "warning", message, "Download it yourself and put it beside the file."
            )
            return None
        rest = text.split("://", 1)[1] if scheme else text
        if "\0" in rest or PureWindowsPath(rest).drive:
            raise self._escapes(uri, owner)
        for candidate, area in self._candidates(scheme, rest, extra):
            if not candidate.resolve().is_relative_to(area.resolve()):
                raise self._escapes(uri, owner)
            if (found := _existing(candidate)) is not None:
                return found
        if not what:
            return None
        message = f"{owner} refers to {uri[:120]!r}, which is not there."
        hint = "Keep the package's folders together, or put the file beside the description."
        self._builder.note(f"{what}_missing", "warning", message, hint)
        return None

    def package(self, name: str) -> Path | None:
        """The folder of a package by its name: one of those above, or one that lies beside them; None when neither."""
        if name in ("", ".", "..") or not _is_name(name):
            return None
        for folder in self.above:
            if folder.name == name:
                return folder
            if (folder / name).is_dir():
                return folder / name
        return None

    def _candidates(self, scheme: str, rest: str, extra: tuple[Path, ...]) -> Iterator[tuple[Path, Path]]:
        """Where a reference may lie, with the folder that it must not leave."""
        pieces = PurePosixPath(rest)
        if scheme in ("package", "model"):
            name, *inside = [p for p in pieces.parts if p != "/"] or [""]
            for folder in self.above:
                if folder.name == name:
                    yield folder.joinpath(*inside), folder
                if name not in ("", ".", "..") and (folder / name).is_dir():
                    yield folder.joinpath(name, *inside), folder / name
            # A package that was renamed or flattened: the same path below the description's own area.
            yield self.area.joinpath(*inside), self.area
            yield self.folder.joinpath(*inside), self.area
            for folder in extra:
                yield folder / pieces.name, self.area
            return
        if pieces.is_absolute():
            # An absolute path of the machine that wrote the file: what it ends in may lie here.
            parts = pieces.parts[1:]
            for start in range(len(parts)):
                tail = parts[start:]
                if ".." not in tail:
                    yield self.area.joinpath(*tail), self.area
                    yield self.folder.joinpath(*tail), self.area
            return
        for folder in (*extra, self.folder):
            yield folder.joinpath(*pieces.parts), self.area

    def _escapes(self, uri: str, owner: str) -> SourceError:
        return SourceError(
            "reference_escapes",
            f"{owner} refers to {uri[:200]!r}, outside its own package.",
            "Copy the referenced file into the package and use a reference inside it.",
        )


def _is_name(name: str) -> bool:
    """True for a single step of a path."""
    return "/" not in name and "\\" not in name and "\0" not in name


def _existing(path: Path) -> Path | None:
    """The file, or the one that differs from it in case only."""
    try:
        if path.is_file():
            return path
        if not path.parent.is_dir():
            return None
        alike = sorted(p for p in path.parent.iterdir() if p.name.casefold() == path.name.casefold() and p.is_file())
    except OSError:
        return None
    return alike[0] if len(alike) == 1 else None
