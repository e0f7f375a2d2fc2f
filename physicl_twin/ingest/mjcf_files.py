"""The XML files of an MJCF description, followed through its includes before MuJoCo opens any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from physicl_twin.ingest.guards import damaged, refuse_entities
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import SourceError

#: More included files are no description of one thing (judgement; the largest scenes of public collections have 40).
_MAX_FILES = 1000
#: MuJoCo reads a file that is included with this root element.
_ROOTS = ("mujoco", "mujocoinclude")


def description_files(path: Path, area: Path, options: ReadOptions) -> list[Path]:
    """Every XML file that a description is made of, the main one first.

    Args:
        path: The main file.
        area: Folder that no reference may leave.
        options: Limits.

    Raises:
        SourceError: ``file_damaged``, ``xml_entities_refused``, ``include_missing``, ``include_recursive``,
            ``reference_escapes``, ``too_many_includes``, ``file_too_large``.
    """
    found: list[Path] = []
    _follow(path.resolve(), path.resolve().parent, area.resolve(), options, (), found)
    return found


def _follow(
    path: Path, main: Path, area: Path, options: ReadOptions, above: tuple[Path, ...], found: list[Path]
) -> None:
    """Add a file and what it includes; ``main`` is the folder that references start from."""
    if path in above:
        raise SourceError(
            "include_recursive", f"{path.name} includes itself.", "Take the include out that closes the circle."
        )
    if path in found:
        return  # MuJoCo says what it thinks of a file that is included twice.
    if len(found) >= _MAX_FILES:
        raise SourceError(
            "too_many_includes", f"{found[0].name} includes more than {_MAX_FILES} files.", "Split the description."
        )
    found.append(path)
    root = _parsed(path, options)
    if above and root.tag not in _ROOTS:
        raise damaged(path.name, f"an included file starts with <{root.tag[:60]}> and not with <mujocoinclude>.")
    for element in root.iter():
        reference = element.get("file", "")
        if element.tag not in ("include", "model") or not reference:
            continue
        target = _target(reference, path, main, area)
        if element.tag == "include":
            _follow(target, main, area, options, (*above, path), found)
        elif target.suffix.lower() in (".xml", ".mjcf"):
            # An attached model: what it refers to starts from its own folder.
            _follow(target, target.parent, area, options, (*above, path), found)


def _parsed(path: Path, options: ReadOptions) -> Any:
    if path.stat().st_size > options.max_bytes:
        raise SourceError(
            "file_too_large", f"{path.name} is larger than the limit.", "Simplify it, or raise the limit."
        )
    with path.open("rb") as stream:
        refuse_entities(stream, path.name)
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeDecodeError, LookupError) as error:
        raise damaged(path.name, f"the XML is broken ({error}).") from error


def _target(reference: str, path: Path, main: Path, area: Path) -> Path:
    """The file that an include names: MuJoCo looks from the main file's folder, then from the including file's."""
    plain = reference.strip().replace("\\", "/")
    for folder in (main, path.parent):
        try:
            target = (folder / plain).resolve()
            present = target.is_file()
        except (OSError, ValueError, RuntimeError):
            continue
        if not target.is_relative_to(area):
            raise escapes(path.name, reference)
        if present:
            return target
    raise SourceError(
        "include_missing",
        f"{path.name} includes {reference[:200]!r}, which is not there.",
        "Keep the files of the description together.",
    )


def escapes(owner: str, reference: str) -> SourceError:
    """The error of a reference out of the description's own folders."""
    return SourceError(
        "reference_escapes",
        f"{owner} refers to {reference[:200]!r}, outside its own folders.",
        "Copy the referenced file into the description's folder, or put a package.xml into the folder of both.",
    )
