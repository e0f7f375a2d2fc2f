"""Which files of a folder are pieces of a robot description: meshes, macro files, older versions, expanded macros."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from physicl_twin.ingest.description_xml import parse
from physicl_twin.ingest.sniffing import sniff
from physicl_twin.model import SourceError

#: Extensions under which robot descriptions stand.
_DESCRIPTIONS = frozenset([".urdf", ".xacro", ".xml", ".mjcf", ".sdf", ".world"])
_KINDS = ("urdf", "xacro", "mjcf", "sdf")
#: Bytes of a description that are searched for the names of its pieces.
_SEARCHED_BYTES = 16_000_000
#: Names of the folders in which packages keep their meshes.
_MESH_FOLDERS = frozenset(["mesh", "meshes"])


def described(mains: Iterable[Path], root: Path) -> dict[Path, str]:
    """Files that belong to a robot description and are no sources by themselves, with the reason.

    Args:
        mains: Files that could be sources.
        root: Folder that names are relative to.
    """
    kinds = {main: _kind(main) for main in mains}
    texts = {main: _text(main) for main, kind in kinds.items() if kind}
    owned: dict[Path, str] = {}
    for file, kind in kinds.items():
        for owner, text in texts.items():
            # A scene that includes a robot shows another thing than the robot alone: both are sources.
            is_piece = not kind or (kind == "xacro" and kinds[owner] == "xacro")
            if owner != file and is_piece and _mentions(text, file):
                owned[file] = f"a piece of {_shown(owner, root)}"
                break
    owned |= _unused_meshes(kinds, owned, root)
    owned |= _expanded_macros(kinds, root)
    return owned | _older_versions(kinds, root)


def _kind(file: Path) -> str:
    """The format of a robot description; empty for any other file."""
    if file.suffix.lower() not in _DESCRIPTIONS:
        return ""
    kind = sniff(file).id
    return kind if kind in _KINDS else ""


def _text(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_SEARCHED_BYTES)


def _mentions(text: bytes, path: Path) -> bool:
    return path.name.encode("utf-8") in text or path.name.replace(" ", "%20").encode("utf-8") in text


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _unused_meshes(kinds: dict[Path, str], owned: dict[Path, str], root: Path) -> dict[Path, str]:
    """Meshes beside those that a description names, and in the mesh folder of a package of macros."""
    beside = {file.parent: why for file, why in owned.items() if not kinds[file]}
    macros = [file for file, kind in kinds.items() if kind == "xacro"]
    found = {}
    for file, kind in kinds.items():
        if kind or file in owned:
            continue
        if file.parent in beside:
            found[file] = f"beside what is {beside[file.parent]}"
            continue
        packages = [p.parent for p in file.parents if p.name.lower() in _MESH_FOLDERS and p.is_relative_to(root)]
        owner = next((m for m in macros for package in packages if m.is_relative_to(package)), None)
        if owner is not None:
            found[file] = f"a mesh of the package of {_shown(owner, root)}"
    return found


def _expanded_macros(kinds: dict[Path, str], root: Path) -> dict[Path, str]:
    """Macro files whose expansion lies beside them."""
    found = {}
    for file, kind in kinds.items():
        stem = file.name.removesuffix(".xacro").removesuffix(".urdf")
        expanded = file.with_name(f"{stem}.urdf")
        if kind == "xacro" and expanded != file and kinds.get(expanded) == "urdf":
            found[file] = f"expanded already as {_shown(expanded, root)}"
    return found


def _older_versions(kinds: dict[Path, str], root: Path) -> dict[Path, str]:
    """SDFormat files of a model of which its ``model.config`` names one of a later version."""
    found = {}
    for folder in {file.parent for file, kind in kinds.items() if kind == "sdf"}:
        config = folder / "model.config"
        if not config.is_file():
            continue
        try:
            named = [element for element in parse(_text(config), config.name).all("sdf") if element.text]
        except SourceError:
            continue  # The description itself is what is read; a broken catalogue entry loses nothing.
        ranked = sorted(named, key=lambda element: _version(element.get("version") or "1.0"))
        for older in ranked[:-1]:
            file, latest = folder / older.text, folder / ranked[-1].text
            if file in kinds and latest in kinds and file != latest:
                found[file] = f"an older version of {_shown(latest, root)}"
    return found


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(".") if word.isdigit())
