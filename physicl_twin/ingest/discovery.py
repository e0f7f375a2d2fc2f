"""Which files of a folder or an archive are sources, which belong to one, and why the others are neither."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from physicl_twin.ingest.archive import extract
from physicl_twin.ingest.discovery_descriptions import described
from physicl_twin.ingest.formats import BY_SUFFIX, identify
from physicl_twin.ingest.guards import check_file
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.naming import identifier, subject
from physicl_twin.ingest.ply import header_of, is_point_cloud
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.ingest.sniffing import sniff
from physicl_twin.model import PhysiclError, SourceError

#: Files that go with a main file.
_TEXTURES = frozenset(
    [".png", ".jpg", ".jpeg", ".tga", ".bmp", ".tif", ".tiff", ".webp", ".ktx2", ".dds", ".exr", ".hdr"]
)
_COMPANIONS = frozenset([".mtl", ".bin", *_TEXTURES])
_TEXTS = frozenset([".txt", ".md", ".yaml", ".yml", ".json", ".csv", ".toml", ".rst", ".pdf", ".html", ""])
_LICENCES = ("licence", "license", "copying", "copyright", "notice")
_POINTS = frozenset([".pcd", ".las", ".laz", ".e57", ".xyz", ".pts"])
_NEEDS_EXPORT = frozenset(
    [
        ".sldprt",
        ".sldasm",
        ".catpart",
        ".catproduct",
        ".ipt",
        ".iam",
        ".prt",
        ".asm",
        ".jt",
        ".x_t",
        ".x_b",
        ".sat",
        ".f3d",
        ".3dm",
        ".skp",
        ".max",
        ".ma",
        ".mb",
        ".c4d",
        ".dwg",
        ".fcstd",
        ".scad",
    ]
)
_SYSTEM = frozenset(["thumbs.db", "desktop.ini", "__macosx", ".ds_store"])
#: Bytes of a main file that are searched for the names of its companions.
_SEARCHED_BYTES = 4_000_000
_USD = frozenset(["usd", "usda", "usdc"])


@dataclass(frozen=True, slots=True)
class Discovered:
    """A file that discovery found.

    Attributes:
        path: Where it lies (in the workspace for a member of an archive).
        name: Name to show, relative to what was given.
        role: main for a source to build, skipped for any other.
        skipped: Why it is no source; empty for a main file.
        twin_name: Suggested twin name, file-safe and distinct among the main files; empty for others.
        companions: Files that belong to a main file: material libraries, textures, buffers, texts, licences, point
            clouds.
    """

    path: Path
    name: str
    role: Literal["main", "skipped"]
    skipped: str = ""
    twin_name: str = ""
    companions: tuple[Path, ...] = ()


def discover_sources(path: Path, workspace: Path, settings: IngestSettings | None = None) -> tuple[Discovered, ...]:
    """See ``physicl_twin.ingest.discover``."""
    settings = settings or shipped_settings()
    if path.is_dir():
        return _sort_out(path, _files(path, settings), settings)
    check_file(path, ReadOptions())
    if path.suffix.lower() == ".zip" or (sniff(path).id == "zip" and path.suffix.lower() not in BY_SUFFIX):
        folder = workspace / identifier(path.stem)
        number = 2
        while folder.exists():
            folder = workspace / f"{identifier(path.stem)}_{number}"
            number += 1
        folder.mkdir(parents=True)
        extract(path, folder, settings.archive)
        return _sort_out(folder, _files(folder, settings), settings)
    name = identifier(subject(path, settings.generic_words))
    return (Discovered(path, path.name, "main", twin_name=name, companions=_beside(path, settings)),)


def _files(folder: Path, settings: IngestSettings) -> list[Path]:
    """All files below a folder in a fixed order; links to folders are not followed.

    Raises:
        SourceError: ``folder_too_large``, ``file_unreadable``.
    """
    found: list[Path] = []

    def refuse(error: OSError) -> None:
        raise SourceError(
            "file_unreadable", f"{folder.name} cannot be listed: {error.strerror}.", "Check its permissions."
        ) from error

    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=False):
        folders.sort()
        found += [Path(root) / name for name in sorted(names)]
        if len(found) > settings.max_files:
            raise SourceError(
                "folder_too_large",
                f"{folder.name} holds more than {settings.max_files} files.",
                "Name a folder inside it.",
            )
    return found


def _beside(path: Path, settings: IngestSettings) -> tuple[Path, ...]:
    """Companions of a single file: those that it names, and those of its stem."""
    try:
        neighbours = sorted(p for p in path.absolute().parent.iterdir() if p.is_file() and p.name != path.name)
    except OSError:
        return ()
    possible = [p for p in neighbours[: settings.max_files] if p.suffix.lower() in _COMPANIONS]
    text = _searched(path)
    libraries = [p for p in possible if p.suffix.lower() == ".mtl" and _mentions(text, p)]
    text += b"".join(_searched(p) for p in libraries)
    return tuple(p for p in possible if p.stem == path.stem or _mentions(text, p))


def _searched(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_SEARCHED_BYTES)


def _mentions(text: bytes, path: Path) -> bool:
    return path.name.encode("utf-8") in text or path.name.replace(" ", "%20").encode("utf-8") in text


def _sort_out(root: Path, files: list[Path], settings: IngestSettings) -> tuple[Discovered, ...]:
    mains: list[Path] = []
    clouds: list[Path] = []
    others: list[Path] = []
    reasons: dict[Path, str] = {}
    for file in files:
        reason = _no_source(file, root)
        if reason == "point cloud":
            clouds.append(file)
        elif reason == "companion":
            others.append(file)
        elif reason:
            reasons[file] = reason
        else:
            mains.append(file)
    texts = {main: _searched(main) for main in mains if len(mains) <= 500}
    layers = _usd_layers(mains, texts)
    for layer, owner in layers.items():
        reasons[layer] = f"a layer of {owner.relative_to(root).as_posix()}"
        mains.remove(layer)
    for file, why in described(mains, root).items():
        reasons[file] = why
        mains.remove(file)
    companions: dict[Path, list[Path]] = {main: [] for main in mains}
    libraries = {p: _searched(p) for p in others if p.suffix.lower() == ".mtl"}
    for file in others + clouds:
        near = [m for m in mains if m.parent == file.parent] if file in clouds else mains
        owners = _owners(file, near, texts, libraries)
        for owner in owners:
            companions[owner].append(file)
        if not owners:
            reasons[file] = (
                "a point cloud without a surface" if file in clouds else "belongs to no source in its folder"
            )
    names = _twin_names(mains, settings)
    result = [
        Discovered(m, m.relative_to(root).as_posix(), "main", "", names[m], tuple(sorted(companions[m]))) for m in mains
    ] + [Discovered(p, p.relative_to(root).as_posix(), "skipped", why) for p, why in reasons.items()]
    return tuple(sorted(result, key=lambda d: d.name))


def _no_source(file: Path, root: Path) -> str:
    """Why a file is no main file: ``companion`` and ``point cloud`` may still belong to one; empty for a main file."""
    name, suffix = file.name.lower(), file.suffix.lower()
    parts = [p.lower() for p in file.relative_to(root).parts]
    if any(p in _SYSTEM or p.startswith("._") for p in parts) or name.startswith("."):
        return "a file of the operating system"
    if file.is_symlink() and not file.resolve().is_relative_to(root.resolve()):
        return "a link out of the folder"
    if not file.is_file():
        return "a broken link or a device"
    if suffix in _COMPANIONS or name.startswith(_LICENCES):
        return "companion"
    if suffix in _POINTS:
        return "a point cloud without a surface"
    if suffix in _NEEDS_EXPORT:
        return f"{suffix} files can only be read by their own program; export STEP from it"
    try:
        identity = identify(file)
        if identity.format == "ply" and is_point_cloud(header_of(file)):
            return "point cloud"
    except PhysiclError:
        return ""  # It claims to be a source: building it says what is wrong.
    if identity.format and (suffix not in _TEXTS or identity.format in ("gltf", "step", "obj", "off", "stl")):
        return "" if suffix not in (".txt", ".md", ".csv", ".yaml", ".yml") else "companion"
    if suffix in _TEXTS:
        return "companion"
    if suffix in BY_SUFFIX:
        return ""
    return f"looks like {identity.looks_like}" if identity.looks_like else "of no format that can be read"


def _usd_layers(mains: Iterable[Path], texts: dict[Path, bytes]) -> dict[Path, Path]:
    """USD files that another USD file names: layers of it and no sources of their own."""
    stages = [m for m in mains if m.suffix.lower().lstrip(".") in _USD and m in texts]
    owners: dict[Path, Path] = {}
    for layer in stages:
        for owner in stages:
            if owner != layer and owner.parent in (layer.parent, *layer.parents) and _mentions(texts[owner], layer):
                if owners.get(owner) != layer:  # Two that name each other are both sources.
                    owners[layer] = owner
                break
    return owners


def _owners(file: Path, mains: list[Path], texts: dict[Path, bytes], libraries: dict[Path, bytes]) -> list[Path]:
    """Main files of a companion: those that name it, else those of its stem, else all of the nearest folder above."""
    near = [m for m in mains if m.parent in (file.parent, *file.parents)]
    named = []
    for main in near:
        text = texts.get(main, b"")
        if _mentions(text, file) or any(
            _mentions(text, lib) and _mentions(content, file) for lib, content in libraries.items()
        ):
            named.append(main)
    if named:
        return named
    stem = [m for m in near if m.parent == file.parent and m.stem == file.stem]
    if stem or (file.suffix.lower() in _COMPANIONS and file.suffix.lower() not in _TEXTURES):
        return stem
    for folder in (file.parent, *file.parents):
        here = [m for m in near if m.parent == folder]
        if here:
            return here
    return []


def _twin_names(mains: list[Path], settings: IngestSettings) -> dict[Path, str]:
    """File-safe names, told apart by format where the stems agree, and by number at last."""
    wanted = {m: identifier(subject(m, settings.generic_words)) for m in mains}
    counts: dict[str, int] = {}
    for name in wanted.values():
        counts[name.casefold()] = counts.get(name.casefold(), 0) + 1
    result: dict[Path, str] = {}
    taken: set[str] = set()
    for main, name in wanted.items():
        candidates = (
            [name] if counts[name.casefold()] == 1 else [name, identifier(f"{name}_{main.suffix.lstrip('.').lower()}")]
        )
        free = [c for c in candidates if c.casefold() not in taken]
        number = 2
        while not free:
            numbered = identifier(f"{name}_{number}")
            free = [] if numbered.casefold() in taken else [numbered]
            number += 1
        taken.add(free[0].casefold())
        result[main] = free[0]
    return result
