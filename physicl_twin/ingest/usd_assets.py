"""Files that a USD asset draws in: only those below its own folder, none from another machine."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from physicl_twin.ingest.guards import damaged, is_remote
from physicl_twin.model import Note, SourceError

#: What a Tf error says stands in quotes after its position in USD's sources.
_MESSAGE = re.compile(r" : '(.*)")
_CRATE = b"PXR-USDC"
#: Layers beyond this number are no asset (judgement).
_MAX_LAYERS = 10_000


@dataclass(slots=True)
class AssetArea:
    """The folder that an asset may read from.

    Attributes:
        root: Folder of the root layer.
        owner: Name of the file that the user gave, for messages.
        notes: References that were not followed.
    """

    root: Path
    owner: str
    notes: dict[str, Note] = field(default_factory=dict)

    def locate(self, layer_folder: Path, uri: str) -> Path | None:
        """The file that a layer refers to; None with a note when it is remote or absent.

        Args:
            layer_folder: Folder of the referring layer.
            uri: As written.

        Raises:
            SourceError: ``reference_escapes`` when it lies outside the area.
        """
        if is_remote(uri):
            self._note("remote_reference_ignored", uri, "on another machine; it is not fetched")
            return None
        text = unquote(uri).replace("\\", "/")
        text = text.removeprefix("file://")
        try:
            target = (layer_folder / text).resolve()
            inside = "\0" not in text and target.is_relative_to(self.root.resolve())
        except (OSError, ValueError, RuntimeError):
            inside = False
        if not inside:
            raise SourceError(
                "reference_escapes",
                f"{self.owner} refers to {uri[:200]!r}, outside its own folder.",
                "Copy the referenced file beside it and use a relative reference.",
            )
        if not target.is_file():
            self._note("reference_missing", uri, "which is not there")
            return None
        return target

    def _note(self, code: str, uri: str, why: str) -> None:
        message = f"{self.owner} refers to {uri[:120]!r}, {why}."
        self.notes.setdefault(f"{code}:{uri}", Note(code, "warning", message, "Put the file beside the asset."))


def layers_of(root: Path, area: AssetArea) -> list[Path]:
    """All layers that a root layer draws in, checked before anything is composed; the root first.

    Args:
        root: Root layer.
        area: Where references may lead.

    Raises:
        SourceError: ``reference_escapes``, ``file_damaged``, ``too_many_layers``.
    """
    found: dict[Path, None] = {root: None}
    waiting = [root]
    while waiting:
        path = waiting.pop()
        layer = open_layer(path, area.owner if path == root else path.name)
        for uri in _composed(layer):
            target = area.locate(path.parent, uri)
            if target is not None and target not in found and target != root.resolve():
                found[target] = None
                waiting.append(target)
        if len(found) > _MAX_LAYERS:
            raise SourceError(
                "too_many_layers", f"{area.owner} draws in more than {_MAX_LAYERS} layers.", "Give one asset of it."
            )
    return list(found)


def open_layer(path: Path, name: str) -> Any:
    """The layer of a file, as it stands on disk now.

    Raises:
        SourceError: ``file_truncated`` or ``file_damaged``.
    """
    from pxr import Sdf, Tf

    check_crate(path, name)
    try:
        layer = Sdf.Layer.FindOrOpen(str(path))
        if layer is None:
            raise damaged(name, "it cannot be read as USD.")
        layer.Reload()
    except Tf.ErrorException as error:
        raise damaged(name, f"it cannot be read as USD ({first_line(error)}).") from error
    return layer


def first_line(error: Exception) -> str:
    """What a Tf error says, without source positions and paths of this machine."""
    try:
        text = str(error).strip().splitlines()
    except UnicodeDecodeError:  # A message that quotes the damaged bytes.
        return type(error).__name__
    match = _MESSAGE.search(text[0]) if text else None
    reason = match.group(1) if match else type(error).__name__
    return " ".join(word for word in reason.split() if "/" not in word and "@" not in word)[:160].rstrip("',. ")


def check_crate(path: Path, name: str) -> None:
    """Refuse a binary layer whose table of contents points outside the file: USD allocates what damaged numbers say.

    The crate's head is the mark ``PXR-USDC``, eight bytes of version and the table's offset: a count, and for each
    section 16 bytes of name, its start and its size (little-endian, 64 bits).

    Raises:
        SourceError: ``file_truncated`` or ``file_damaged``.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(24)
        if not head.startswith(_CRATE):
            return
        (table,) = struct.unpack_from("<q", head, 16) if len(head) == 24 else (-1,)
        file.seek(max(table, 0))
        block = file.read(8)
        count = struct.unpack("<Q", block)[0] if len(block) == 8 else 0
        rows = file.read(32 * count) if 0 < count < 64 else b""
    if not (24 <= table < size and rows and len(rows) == 32 * count):
        raise SourceError(
            "file_truncated", f"{name} ends before its table of contents.", "Copy or export the file again."
        )
    for start, length in struct.iter_unpack("<16xqq", rows):
        if not (0 < start <= size and 0 <= length <= size - start):
            raise damaged(name, "its table of contents points outside the file.")


def _composed(layer: Any) -> list[str]:
    """Asset paths of sublayers, references, payloads and value clips of one layer, in a fixed order."""
    paths = set(layer.GetCompositionAssetDependencies())
    clips: list[Any] = []

    def visit(path: Any) -> None:
        spec = layer.GetPrimAtPath(path) if path.IsPrimPath() else None
        if spec is not None and spec.HasInfo("clips"):
            clips.append(spec.GetInfo("clips"))

    layer.Traverse(layer.pseudoRoot.path, visit)
    for value in clips:
        for one in dict(value).values():
            assets = [*(one.get("assetPaths") or ()), *filter(None, [one.get("manifestAssetPath")])]
            paths.update(asset.path for asset in assets)
            paths.update(filter(None, [one.get("templateAssetPath")]))
    return sorted(path for path in paths if path)
