"""certificate.json: the record of one validation, bound to the bytes that it speaks of."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from physicl_twin.model import (
    CERTIFICATE_VERSION,
    Certificate,
    FileHash,
    OutputError,
    PhysiclError,
    ToolVersion,
    ValidationError,
    dumps,
    from_json,
)

FILE_NAME = "certificate.json"
REPORT_NAME = "report.html"
#: Written after the hashes are taken, so not among them.
_OWN = (FILE_NAME, REPORT_NAME)
_LIBRARIES = ("usd-core", "numpy", "scipy", "libigl", "trimesh")


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of the files that a certificate speaks of. Paths relative to the twin's folder.

    Attributes:
        changed: Files with other bytes.
        missing: Files that are gone.
        added: Files that were not there.
    """

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """True when every file is as it was and none came."""
        return not (self.changed or self.missing or self.added)


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_files(twin_dir: Path) -> tuple[FileHash, ...]:
    """Hashes of every file of a twin but the certificate and the report, sorted by relative path."""
    paths = sorted(p for p in twin_dir.rglob("*") if p.is_file() and not p.is_symlink())
    named = [(p, p.relative_to(twin_dir).as_posix()) for p in paths]
    return tuple(FileHash(name, sha256_file(p), p.stat().st_size) for p, name in named if name not in _OWN)


def hash_files_of(usd: Path) -> tuple[FileHash, ...]:
    """Hashes of a loose USD file and of the files beside and below it that its stage uses."""
    from pxr import Sdf, UsdUtils

    delegate = UsdUtils.CoalescingDiagnosticDelegate()
    layers, assets, _ = UsdUtils.ComputeAllDependencies(Sdf.AssetPath(str(usd)))
    delegate.TakeUncoalescedDiagnostics()
    paths = {usd.resolve(), *(Path(layer.realPath).resolve() for layer in layers if layer.realPath)}
    paths |= {Path(str(asset)).resolve() for asset in assets if Path(str(asset)).is_file()}
    base = usd.resolve().parent
    inside = sorted(p for p in paths if p.is_relative_to(base))
    return tuple(FileHash(p.relative_to(base).as_posix(), sha256_file(p), p.stat().st_size) for p in inside)


def tool_versions() -> tuple[ToolVersion, ...]:
    """physicl_twin, Python and the libraries that the checks stand on."""
    from physicl_twin import __version__

    found = [ToolVersion("physicl_twin", __version__), ToolVersion("python", platform.python_version())]
    for name in _LIBRARIES:
        try:
            found.append(ToolVersion(name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


def read(twin_dir: Path) -> Certificate:
    """The certificate of a twin.

    Raises:
        ValidationError: ``certificate_missing``, ``certificate_invalid`` or ``certificate_too_new``.
    """
    path = Path(twin_dir) / FILE_NAME
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValidationError(
            "certificate_missing", f"{path.parent.name} has no certificate.", "Run physicl-twin validate on it."
        ) from error
    except (OSError, ValueError) as error:
        raise ValidationError(
            "certificate_invalid", f"The certificate of {path.parent.name} cannot be read.", "Validate the twin again."
        ) from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version > CERTIFICATE_VERSION:
        raise ValidationError("certificate_too_new", f"The certificate has version {version}.", "Update physicl_twin.")
    try:
        certificate: Certificate = from_json(Certificate, data)
    except PhysiclError as error:
        raise ValidationError("certificate_invalid", error.message, "Validate the twin again.") from error
    return certificate


def verify(twin_dir: Path) -> Verification:
    """Hash the files of a twin again and compare them with its certificate.

    Raises:
        ValidationError: When there is no certificate that can be read.
    """
    twin_dir = Path(twin_dir)
    wanted = {f.path: f.sha256 for f in read(twin_dir).files}
    actual = {f.path: f.sha256 for f in hash_files(twin_dir)}
    return Verification(
        tuple(sorted(p for p in wanted if p in actual and wanted[p] != actual[p])),
        tuple(sorted(p for p in wanted if p not in actual)),
        tuple(sorted(p for p in actual if p not in wanted)),
    )


def write_text_atomic(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old or the new content and never half of it.

    Raises:
        OutputError: ``output_unwritable``.
    """
    handle = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False, newline="\n"
        ) as stream:
            handle = Path(stream.name)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        handle.chmod(0o644)
        handle.replace(path)
    except OSError as error:
        if handle is not None:
            handle.unlink(missing_ok=True)
        raise OutputError(
            "output_unwritable",
            f"{path.name} cannot be written: {error.strerror}.",
            "Free space or change permissions.",
        ) from error


def write(certificate: Certificate, twin_dir: Path) -> Path:
    """Write certificate.json; returns its path."""
    path = Path(twin_dir) / FILE_NAME
    write_text_atomic(path, dumps(certificate))
    return path
