"""Files: all there, inside the twin, readable, and unchanged since they were hashed."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.subject import NotChecked, Subject

_IMAGES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tga", ".tif", ".tiff", ".exr", ".hdr"}
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|[A-Za-z][A-Za-z0-9+.\-]*://")


def _dependencies(subject: Subject) -> tuple[list[Any], list[str], list[str]]:
    """(layers, assets, unresolved) of the USD file over all its variants."""
    from pxr import Sdf, UsdUtils

    subject.stage  # noqa: B018 - raises NotChecked when it does not open
    delegate = UsdUtils.CoalescingDiagnosticDelegate()
    layers, assets, unresolved = UsdUtils.ComputeAllDependencies(Sdf.AssetPath(str(subject.usd)))
    delegate.TakeUncoalescedDiagnostics()
    return list(layers), [str(a) for a in assets], [str(u) for u in unresolved]


def _authored_paths(layer: Any) -> list[str]:
    from pxr import UsdUtils

    sublayers, references, payloads = UsdUtils.ExtractExternalReferences(layer.realPath or layer.identifier)
    return [str(path) for path in (*sublayers, *references, *payloads) if path]


@check("files.relative", "All asset paths are relative and stay inside the twin", "Copy the file into the twin.")
def relative(subject: Subject) -> Findings:
    """No absolute path, drive, URL, or way out of the asset's folder."""
    found = Findings()
    base = (subject.twin_dir or subject.usd.parent).resolve()
    layers, _, _ = _dependencies(subject)
    count = 0
    for layer in layers:
        folder = Path(layer.realPath).resolve().parent if layer.realPath else base
        for text in _authored_paths(layer):
            count += 1
            absolute = text.startswith(("/", "\\")) or bool(_DRIVE.match(text))
            if not found.require(
                not absolute, Path(layer.realPath).name, f"{PurePosixPath(text).name}: absolute or remote."
            ):
                continue
            anchored = text.startswith(("./", "../")) or "[" in text
            found.require(anchored, Path(layer.realPath).name, f"{text} is not anchored with ./ or ../.")
            inside = (folder / text.split("[")[0]).resolve().is_relative_to(base)
            found.require(inside, Path(layer.realPath).name, f"{text} leaves the twin's folder.")
    found.summary = f"{count} asset paths in {len(layers)} layers."
    return found


@check("files.resolve", "Every file that the stage names exists", "Restore the missing file or build the twin again.")
def resolve(subject: Subject) -> Findings:
    """Over all variants."""
    layers, assets, unresolved = _dependencies(subject)
    found = Findings(f"{len(layers)} layers, {len(assets)} other files.")
    for path in unresolved:
        found.require(False, PurePosixPath(path).name, "It is named by the stage and does not exist.")
    return found


@check("files.textures", "Every texture can be decoded", "Replace the broken image and build the twin again.")
def textures(subject: Subject) -> Findings:
    """Each image is decoded to its last pixel."""
    from PIL import Image, UnidentifiedImageError

    found = Findings()
    _, assets, _ = _dependencies(subject)
    images = sorted({a for a in assets if Path(a.split("[")[-1].rstrip("]")).suffix.lower() in _IMAGES})
    for path in images:
        name = PurePosixPath(path.rstrip("]")).name
        if "[" in path or Path(path).suffix.lower() in (".exr", ".hdr"):
            raise NotChecked(f"{name}: images inside a package and EXR or HDR images are not decoded here.")
        try:
            with Image.open(io.BytesIO(Path(path).read_bytes())) as image:
                image.load()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            found.require(False, name, f"It cannot be decoded: {type(error).__name__}.")
    found.summary = f"{len(images)} textures." if images else "There are no textures."
    return found


@check("files.thumbnail", "There is a thumbnail of the asset", "Build the twin again.")
def thumbnail(subject: Subject) -> Findings:
    """A decodable 256 x 256 PNG at the place where SimReady looks for it."""
    from PIL import Image, UnidentifiedImageError

    found = Findings("256 × 256.")
    path = subject.usd.parent / ".thumbs" / "256x256" / f"{subject.usd.name}.png"
    if not found.require(path.is_file(), path.name, "It is missing."):
        return found
    try:
        with Image.open(path) as image:
            image.load()
            found.require(image.size == (256, 256), path.name, f"It is {image.width} × {image.height}.")
            extrema = image.convert("L").getextrema()
            found.require(extrema[0] != extrema[1], path.name, "It is a single colour: nothing is to be seen.")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        found.require(False, path.name, f"It cannot be decoded: {type(error).__name__}.")
    return found


@check("files.intact", "All files have the hash that was recorded", "Restore the file, or build the twin again.")
def intact(subject: Subject) -> Findings:
    """Against provenance.json, and the certificate of an earlier validation of this version."""
    if subject.twin_dir is None:
        raise NotChecked("A loose USD file has no recorded hashes.")
    found = Findings()
    counted: dict[str, str] = {}
    for record in ("provenance.json", "certificate.json"):
        counted.update(_recorded_hashes(subject, record))
    if not counted:
        raise NotChecked("There is no provenance.json and no earlier certificate with hashes.")
    for name, wanted in sorted(counted.items()):
        path = subject.twin_dir / name
        if found.require(path.is_file(), name, "It is missing."):
            actual = hashlib.sha256(path.read_bytes()).hexdigest()
            found.require(actual == wanted, name, "It was changed after it was recorded.")
    found.summary = f"{len(counted)} files."
    return found


def _recorded_hashes(subject: Subject, record: str) -> dict[str, str]:
    """path → sha256 of a record's ``files``; a certificate of another version speaks of other files."""
    assert subject.twin_dir is not None
    path = subject.twin_dir / record
    if not path.is_file():
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    if record == "certificate.json" and subject.has_twin and data.get("twin_version") != subject.twin.version:
        return {}
    hashes = {str(f["path"]): str(f["sha256"]) for f in data.get("files", ())}
    for name in hashes:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{record} names a file outside the twin")
    return hashes
