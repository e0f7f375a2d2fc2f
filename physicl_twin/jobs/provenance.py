"""provenance.json: what a twin was made from, with what and how; enough to rebuild it and to know when not to."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from physicl_twin import __version__
from physicl_twin.model import FileHash, PhysiclError, Source, ToolVersion
from physicl_twin.model.codec import dumps, from_json
from physicl_twin.store import sha256_file

#: Version of provenance.json.
PROVENANCE_VERSION = 1

#: Libraries whose version can change a twin's numbers.
_TOOLS = (
    "numpy",
    "scipy",
    "trimesh",
    "usd-core",
    "cadquery-ocp-novtk",
    "libigl",
    "manifold3d",
    "fast-simplification",
    "coacd",
    "vhacdx",
    "embreex",
    "mujoco",
    "ovphysx",
    "simready-validate",
    "simready-foundation-tier-core",
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a twin came to be.

    Attributes:
        twin: Name.
        version: Version of the twin, 1 for the first.
        request_sha256: Hash of the request (sources' bytes, options, settings, tools): equal requests need no rebuild.
        location_sha256: Hash of where the source lay, so that a changed file becomes a new version of its twin and not
            another twin, without writing the place down.
        generated: Date (ISO) written into the USD metadata.
        sources: The files.
        options: What the user stated, as JSON text.
        settings: Pipeline settings in force, as JSON text.
        seed: Random seed.
        tools: Versions of what took part.
        files: Hashes of the twin's files, certificate and report excepted.
        schema_version: Of this record.
    """

    twin: str
    version: int
    request_sha256: str
    location_sha256: str
    generated: str
    sources: tuple[Source, ...]
    options: str
    settings: str
    seed: int
    tools: tuple[ToolVersion, ...]
    files: tuple[FileHash, ...] = ()
    schema_version: int = PROVENANCE_VERSION


def tool_versions() -> tuple[ToolVersion, ...]:
    """Versions of physicl_twin, Python and the installed libraries that matter."""
    found = [ToolVersion("physicl_twin", __version__), ToolVersion("python", platform.python_version())]
    for name in _TOOLS:
        try:
            found.append(ToolVersion(name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


def request_hash(files: list[Path], options: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Hash of everything that decides a twin: bytes of the source and its companions, options, settings, tools."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\0{sha256_file(path)}\n".encode())
    for part in (options, settings, {tool.name: tool.version for tool in tool_versions()}):
        digest.update(json.dumps(part, sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def hash_files(twin_dir: Path, exclude: tuple[str, ...]) -> tuple[FileHash, ...]:
    """Hashes of all files of a twin, sorted by path, without the named ones at the top level."""
    return tuple(
        FileHash(path.relative_to(twin_dir).as_posix(), sha256_file(path), path.stat().st_size)
        for path in sorted(p for p in twin_dir.rglob("*") if p.is_file())
        if path.relative_to(twin_dir).as_posix() not in exclude
    )


def write(provenance: Provenance, twin_dir: Path) -> None:
    """Write provenance.json with the hashes of the twin's files as they are now."""
    files = hash_files(twin_dir, ("provenance.json", "certificate.json", "report.html"))
    (twin_dir / "provenance.json").write_text(dumps(replace(provenance, files=files)), encoding="utf-8")


def read(twin_dir: Path) -> Provenance | None:
    """The provenance of a twin folder, or None when it has none that can be read."""
    try:
        text = (twin_dir / "provenance.json").read_text(encoding="utf-8")
        provenance: Provenance = from_json(Provenance, json.loads(text))
    except (OSError, ValueError, PhysiclError):
        return None
    return provenance


def intact(twin_dir: Path, provenance: Provenance) -> bool:
    """True when every file of the twin still has the hash that was recorded, and the certificate is there."""
    if not (twin_dir / "certificate.json").is_file():
        return False
    return all(
        (twin_dir / file.path).is_file() and sha256_file(twin_dir / file.path) == file.sha256
        for file in provenance.files
    )
