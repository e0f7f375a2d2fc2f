"""What is refused before a parser sees it: files that are none, references that escape, XML entities, absurd data."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO
from urllib.parse import unquote

import numpy as np

from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.model import Source, SourceError
from physicl_twin.model.twin import SourceRole

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")


def check_file(path: Path, options: ReadOptions) -> int:
    """Size of a readable, regular, non-empty file, bytes.

    Raises:
        SourceError: ``file_not_found``, ``is_a_folder``, ``not_a_file``, ``file_unreadable``, ``file_empty``,
            ``file_too_large``.
    """
    try:
        if not path.exists():
            raise SourceError(
                "file_not_found", f"{path.name}: there is no such file.", "Check the path and its spelling."
            )
        if path.is_dir():
            raise SourceError("is_a_folder", f"{path.name} is a folder where a file is expected.", "Name a file in it.")
        if not path.is_file():
            raise SourceError("not_a_file", f"{path.name} is a device or a pipe.", "Save its content to a file first.")
        size = path.stat().st_size
        with path.open("rb") as stream:
            stream.read(1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(
            "file_unreadable", f"{path.name[:200]} cannot be read: {reason}.", "Check the file's permissions and name."
        ) from error
    if size == 0:
        raise SourceError("file_empty", f"{path.name} is empty.", "Export or copy it again.")
    if size > options.max_bytes:
        raise SourceError(
            "file_too_large",
            f"{path.name} has {size / 1e9:.2f} GB; the limit is {options.max_bytes / 1e9:.2f} GB.",
            "Simplify the model, or raise the limit.",
        )
    return size


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def source_of(path: Path, role: SourceRole = "main", folder: Path | None = None, format_id: str = "") -> Source:
    """Record of a file that was read, named relative to ``folder`` (the main file's)."""
    name = path.relative_to(folder).as_posix() if folder and path.is_relative_to(folder) else path.name
    return Source(name, format_id or path.suffix.lower().lstrip("."), sha256_of(path), path.stat().st_size, role)


def damaged(name: str, what: str) -> SourceError:
    """The error of a file whose content contradicts itself or its format."""
    return SourceError("file_damaged", f"{name}: {what}", "Export or copy the file again.")


def no_geometry(name: str, what: str = "the file holds no triangles.") -> SourceError:
    """The error of a file without any surface."""
    return SourceError("no_geometry", f"{name}: {what}", "Export a triangle mesh or a solid.")


def point_cloud(name: str, points: int) -> SourceError:
    """The error of a file of points without faces."""
    return SourceError(
        "point_cloud_without_surface",
        f"{name} is a cloud of {points} points without faces.",
        "Reconstruct a surface first (Poisson, for instance) and give the mesh.",
    )


def check_face_count(name: str, faces: int, options: ReadOptions) -> None:
    """Refuse more triangles than the options allow.

    Raises:
        SourceError: ``too_many_faces``.
    """
    if faces > options.max_faces:
        raise SourceError(
            "too_many_faces",
            f"{name} has {faces:,} triangles; the limit is {options.max_faces:,}.",
            "Decimate the mesh, or raise the limit.",
        )


def is_remote(uri: str) -> bool:
    """True for a reference to another machine (http, https, ftp, data excluded)."""
    scheme = _SCHEME.match(uri.strip())
    return scheme is not None and len(scheme.group(1)) > 1 and scheme.group(1).lower() not in ("file", "data")


def local_reference(folder: Path, uri: str, owner: str) -> Path:
    """The file beside ``owner`` that ``uri`` names; it need not exist.

    Args:
        folder: Folder of the owner; the reference must stay inside it.
        uri: Relative reference as written in the file, perhaps percent-encoded, with either slash.
        owner: Name of the referring file, for the message.

    Raises:
        SourceError: ``reference_escapes`` for an absolute reference, one that leaves the folder, or a link out of it.
    """
    text = unquote(uri.strip()).replace("\\", "/")
    windows, posix = PureWindowsPath(text), PurePosixPath(text)
    scheme = _SCHEME.match(text)
    depth = 0
    escapes = bool(windows.drive or windows.root) or posix.is_absolute() or scheme is not None or "\0" in text
    for piece in posix.parts:
        depth += -1 if piece == ".." else 1
        escapes = escapes or depth < 0
    if not escapes:
        try:
            target = folder.joinpath(*posix.parts)
            escapes = not target.resolve().is_relative_to(folder.resolve())
        except (OSError, ValueError, RuntimeError):
            escapes = True
    if escapes:
        raise SourceError(
            "reference_escapes",
            f"{owner} refers to {text[:200]!r}, outside its own folder.",
            "Copy the referenced file beside it and use a relative reference.",
        )
    return target


class _PrologEnd(Exception):
    """Raised inside the parser when the first element starts: no entity can be declared after it."""


def refuse_entities(stream: IO[bytes], name: str) -> None:
    """Read the prolog of an XML document and refuse entity declarations, before any tree is built.

    Args:
        stream: At the start of the document; left anywhere.
        name: For the message.

    Raises:
        SourceError: ``xml_entities_refused``, or ``file_damaged`` when the prolog is not XML.
    """
    from xml.parsers import expat

    parser = expat.ParserCreate()

    def refuse(*_: object) -> int:
        raise SourceError(
            "xml_entities_refused",
            f"{name} declares XML entities, which can expand without limit or read other files.",
            "Remove the DOCTYPE from the file.",
        )

    def stop(*_: object) -> None:
        raise _PrologEnd

    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = stop
    try:
        while block := stream.read(1 << 16):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except _PrologEnd:
        return
    except expat.ExpatError as error:
        raise damaged(name, f"the XML is broken ({error}).") from error


def check_scene(raw: RawScene, options: ReadOptions, max_coordinate: float) -> None:
    """Refuse geometry that no later stage could give a meaning.

    Args:
        raw: What a reader returned.
        options: Limits.
        max_coordinate: Largest magnitude that is geometry and not damage, source units.

    Raises:
        SourceError: ``no_geometry``, ``vertices_not_finite``, ``index_out_of_range``, ``coordinates_out_of_range``,
            ``zero_area`` or ``too_many_faces``.
    """
    name = raw.sources[0].name if raw.sources else raw.title
    if not raw.parts or not raw.shapes:
        raise no_geometry(name)
    faces = 0
    area = 0.0
    for shape in raw.shapes:
        mesh = shape.mesh
        if len(mesh.faces) == 0 or len(mesh.vertices) == 0:
            raise no_geometry(name, f"{shape.name!r} has no triangles.")
        if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
            raise SourceError(
                "index_out_of_range",
                f"{name}: a face of {shape.name!r} names vertex {mesh.faces.max()} of {len(mesh.vertices)}.",
                "The file is damaged; export it again.",
            )
        bad = int(np.count_nonzero(~np.isfinite(mesh.vertices).all(axis=1)))
        if bad:
            raise SourceError(
                "vertices_not_finite",
                f"{name}: {bad} vertices of {shape.name!r} are not numbers (NaN or infinite).",
                "Repair the mesh in the program that made it, and export it again.",
            )
        largest = float(np.abs(mesh.vertices).max())
        if largest > max_coordinate:
            raise SourceError(
                "coordinates_out_of_range",
                f"{name}: {shape.name!r} reaches {largest:.3g} units from the origin.",
                "The file is damaged, or its unit is far too small; export it again.",
            )
        faces += len(mesh.faces)
        check_face_count(name, faces, options)
        area += surface_area(mesh.vertices, mesh.faces)
    if not area > 0.0:
        raise SourceError(
            "zero_area", f"{name}: all triangles have zero area.", "Export the model with its full extent in 3D."
        )


def surface_area(vertices: np.ndarray, faces: np.ndarray, block: int = 1_000_000) -> float:
    """Area of a triangle mesh, units squared; in blocks, so that memory stays flat."""
    total = 0.0
    for start in range(0, len(faces), block):
        a, b, c = (vertices[faces[start : start + block, k]] for k in range(3))
        total += 0.5 * float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())
    return total
