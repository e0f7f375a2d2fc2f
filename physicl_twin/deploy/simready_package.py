"""A SimReady package on disk: definition, bill of materials, root layers, declared conformance.

The formats are those of the requirements PKG.DEF.001, PKG.META.001, PKG.HASH.001, PKG.BOM.001, PKG.CONF.001 and
PKG.CONF.002 (SimReady Foundations 2026.8); ``simready-package --post-validate-only`` is the check.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from physicl_twin.deploy.staging import hash_files
from physicl_twin.deploy.subject import licence_unknown
from physicl_twin.model import FileHash

DEFINITION = "com.nvidia.simready.packaging.json"
METADATA = ".metadata"
_BOM = "com.nvidia.simready.packaging.bom.json"
_ROOTS = "com.nvidia.simready.root_usds.json"
_FORMAT = "1.0"
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Conformance:
    """What a validation found, as PKG.CONF.001 wants it.

    Attributes:
        profile: Of the asset.
        version: Of the profile.
        timestamp: ISO 8601.
        features: One entry a feature: ``{id: {version, passed, failing_requirements, dependencies}}``.
    """

    profile: str
    version: str
    timestamp: str
    features: tuple[dict[str, Any], ...]


def write_package(
    root: Path, package_id: str, licence: str, description: str, entry: str, declared: Conformance | None
) -> Path:
    """Write the records of a package around the content that stands in ``root``.

    Args:
        root: Folder of the package.
        package_id: Unique and immutable: another content is another id.
        licence: SPDX expression; NOASSERTION when unknown.
        description: Of the content.
        entry: The USD file to open, relative to ``root``.
        declared: Conformance that becomes part of the package; None for none.

    Returns:
        Path of the package definition.
    """
    files = hash_files(root)
    content = content_hash(files)
    records: dict[str, dict[str, Any]] = {
        _BOM: {"format_version": _FORMAT, "items": [_item(root, file) for file in files]},
        _ROOTS: {"format_version": _FORMAT, "description": "The layer to open.", "entries": [entry]},
    }
    if declared is not None:
        profile, version = (quote(text, safe="") for text in (declared.profile, declared.version))
        name = f"com.nvidia.simready.conformance.{profile}@{version}.json"
        records[name] = {
            "format_version": _FORMAT,
            "profile": declared.profile,
            "profile_version": declared.version,
            "timestamp": declared.timestamp,
            "content_hash": {"sha256": content},
            "assets": [{"asset": entry, "features": list(declared.features)}],
        }
    folder = root / METADATA
    folder.mkdir()
    entries = []
    for name in sorted(records):
        data = _text(records[name])
        (folder / name).write_bytes(data)
        entries.append({"name": name, "hash": {"sha256": hashlib.sha256(data).hexdigest()}})
    stated = "NOASSERTION" if licence_unknown(licence) else licence
    definition = {
        "format_version": _FORMAT,
        "package_id": package_id,
        "license": stated,
        "description": description[:499],
        "content_hash": {"sha256": content},
        "package_hash": {"sha256": package_hash(package_id, stated, content, entries)},
        "metadata": entries,
    }
    path = root / DEFINITION
    path.write_bytes(_text(definition))
    return path


def content_hash(files: tuple[FileHash, ...]) -> str:
    """PKG.HASH.001, content: SHA-256 over path, a null byte and the raw digest of each file, in order."""
    digest = hashlib.sha256()
    for file in sorted(files, key=lambda f: f.path.encode()):
        digest.update(file.path.encode() + b"\0" + bytes.fromhex(file.sha256))
    return digest.hexdigest()


def package_hash(package_id: str, licence: str, content: str, entries: list[dict[str, Any]]) -> str:
    """PKG.HASH.001, package: identity, licence, content and the records that are part of it."""
    digest = hashlib.sha256(package_id.encode() + b"\0" + licence.encode() + b"\0" + bytes.fromhex(content))
    for entry in sorted(entries, key=lambda e: str(e["name"]).encode()):
        digest.update(str(entry["name"]).encode() + b"\0" + bytes.fromhex(entry["hash"]["sha256"]))
    return digest.hexdigest()


def _item(root: Path, file: FileHash) -> dict[str, Any]:
    digests = {"sha256": file.sha256}
    if file.size_bytes > _MEBIBYTE:
        with (root / file.path).open("rb") as stream:
            digests["sha256-first1m"] = hashlib.sha256(stream.read(_MEBIBYTE)).hexdigest()
    return {"relative_path": file.path, "size": file.size_bytes, "hash": digests}


def _text(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
