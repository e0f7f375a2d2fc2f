"""The glTF 2.0 container: JSON, buffers and accessors, each checked before it is believed.

Section numbers in this file and its neighbours are those of the Khronos glTF 2.0 specification.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.guards import damaged, is_remote
from physicl_twin.model import SourceError

#: Component types (3.6.2.2) and element widths (3.6.2.3).
_COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_GLB_MAGIC = b"glTF"
_CHUNK_JSON, _CHUNK_BIN = 0x4E4F534A, 0x004E4942
#: Extensions that change what the geometry is and that this reader understands.
UNDERSTOOD = frozenset(
    [
        "KHR_mesh_quantization",
        "KHR_texture_transform",
        "KHR_materials_pbrSpecularGlossiness",
        "KHR_materials_unlit",
        "KHR_texture_basisu",
    ]
)


def integer(value: Any, low: int, high: int, name: str, what: str) -> int:
    """``value`` as a whole number in [low, high).

    Raises:
        SourceError: ``file_damaged``.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or not low <= value < high:
        raise damaged(name, f"{what} is {str(value)[:40]!r}.")
    return int(value)


class GltfFile:
    """A parsed .gltf or .glb with lazily loaded buffers.

    Args:
        data: Bytes of the main file.
        builder: Resolves and records files beside it.

    Raises:
        SourceError: ``file_damaged``, ``format_mismatch`` (glTF 1), ``feature_unsupported``.
    """

    def __init__(self, data: bytes, builder: SceneBuilder) -> None:
        self.name = builder.path.name
        self.builder = builder
        self._buffers: dict[int, bytes] = {}
        text, self._embedded = self._split(data)
        try:
            document = json.loads(text.decode("utf-8-sig"))
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise damaged(self.name, f"its JSON is broken ({str(error)[:80]}).") from error
        if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
            raise damaged(self.name, "it has no asset entry, so it is no glTF file.")
        version = str(document["asset"].get("version", ""))
        if not version.startswith("2"):
            raise SourceError(
                "format_mismatch", f"{self.name} is glTF {version[:10] or '1'}.", "Export it as glTF 2.0."
            )
        self.document: dict[str, Any] = document
        required = document.get("extensionsRequired", [])
        missing = sorted(str(e) for e in required if e not in UNDERSTOOD) if isinstance(required, list) else []
        if missing:
            raise SourceError(
                "feature_unsupported",
                f"{self.name} needs {', '.join(missing)[:200]}, which this reader does not have.",
                "Export it without compression or special extensions.",
            )

    def _split(self, data: bytes) -> tuple[bytes, bytes | None]:
        """JSON and the embedded buffer (chapter 4)."""
        if data[:4] != _GLB_MAGIC:
            return data, None
        if len(data) < 20:
            raise damaged(self.name, "it breaks off in its header.")
        version, length = struct.unpack_from("<II", data, 4)
        if version != 2:
            raise SourceError("format_mismatch", f"{self.name} is GLB version {version}.", "Export it as glTF 2.0.")
        if length > len(data):
            raise damaged(self.name, f"its header promises {length:,} bytes, it has {len(data):,}.")
        chunks: dict[int, bytes] = {}
        offset = 12
        while offset + 8 <= length:
            size, kind = struct.unpack_from("<II", data, offset)
            offset += 8
            if offset + size > length:
                raise damaged(self.name, "a chunk reaches beyond the end.")
            chunks.setdefault(kind, data[offset : offset + size])
            offset += size + (-size) % 4
        if _CHUNK_JSON not in chunks:
            raise damaged(self.name, "it has no JSON chunk.")
        return chunks[_CHUNK_JSON].rstrip(b"\0 "), chunks.get(_CHUNK_BIN)

    def items(self, key: str) -> list[dict[str, Any]]:
        """A top-level array of objects; empty when absent."""
        value = self.document.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise damaged(self.name, f"{key!r} is no list of objects.")
        return value

    def item(self, key: str, index: Any) -> dict[str, Any]:
        """One entry of a top-level array."""
        items = self.items(key)
        return items[integer(index, 0, len(items), self.name, f"an index into {key}")]

    def buffer(self, index: int) -> bytes:
        """Bytes of a buffer (3.6.1)."""
        if index not in self._buffers:
            entry = self.item("buffers", index)
            uri = entry.get("uri")
            data = (self._embedded if index == 0 else None) if uri is None else self._load(str(uri))
            if data is None:
                raise damaged(self.name, f"buffer {index} has no data.")
            self._buffers[index] = data
        return self._buffers[index]

    def _load(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            return self.data_uri(uri)
        if is_remote(uri):
            raise SourceError(
                "remote_reference_refused",
                f"{self.name} keeps its geometry at {uri[:100]!r} on another machine; it is not fetched.",
                "Download the buffer yourself and put it beside the file.",
            )
        target = self.builder.sidecar(uri, self.name, "sidecar")
        if target is None:
            raise SourceError(
                "reference_missing", f"{self.name} needs {uri[:100]!r}, which is not there.", "Put it beside the file."
            )
        return target.read_bytes()

    def data_uri(self, uri: str) -> bytes:
        """Bytes of a ``data:`` URI."""
        head, _, body = uri.partition(",")
        try:
            return base64.b64decode(body, validate=False) if head.endswith(";base64") else unquote_to_bytes(body)
        except (binascii.Error, ValueError) as error:
            raise damaged(self.name, "an embedded data URI is broken.") from error

    def view(self, index: Any) -> tuple[memoryview, int]:
        """Bytes of a buffer view and its stride (0 for packed), 3.6.1.2."""
        entry = self.item("bufferViews", index)
        data = self.buffer(integer(entry.get("buffer"), 0, 1 << 31, self.name, "the buffer of a view"))
        start = integer(entry.get("byteOffset", 0), 0, len(data) + 1, self.name, "the offset of a buffer view")
        length = integer(entry.get("byteLength"), 0, len(data) - start + 1, self.name, "the length of a buffer view")
        stride = integer(entry.get("byteStride", 0), 0, 4096, self.name, "the stride of a buffer view")
        return memoryview(data)[start : start + length], stride

    def accessor(self, index: Any) -> NDArray[np.generic]:
        """Values of an accessor as (count, width), normalized integers as floats (3.6.2).

        Raises:
            SourceError: ``file_damaged`` when it reaches beyond its buffer.
        """
        entry = self.item("accessors", index)
        kind = _COMPONENTS.get(entry.get("componentType", 0))
        width = _WIDTHS.get(str(entry.get("type")))
        if kind is None or width is None:
            raise damaged(self.name, "an accessor has an unknown type.")
        dtype = np.dtype(kind)
        count = integer(entry.get("count"), 0, 1 << 32, self.name, "the count of an accessor")
        if "bufferView" in entry:
            values = self._strided(entry["bufferView"], entry.get("byteOffset", 0), dtype, width, count)
        else:
            limit = self.builder.options.max_faces * 3
            if count > limit:
                raise damaged(self.name, f"an accessor without data promises {count:,} elements.")
            values = np.zeros((count, width), dtype)
        if isinstance(entry.get("sparse"), dict):
            values = self._with_sparse(values.copy(), entry["sparse"], dtype, width)
        if entry.get("normalized") and dtype.kind in "iu":
            return np.maximum(values.astype(np.float64) / np.iinfo(dtype).max, -1.0)
        return values

    def _strided(self, view: Any, offset: Any, dtype: np.dtype[Any], width: int, count: int) -> NDArray[np.generic]:
        data, stride = self.view(view)
        start = integer(offset, 0, len(data) + 1, self.name, "the offset of an accessor")
        item = dtype.itemsize * width
        stride = stride or item
        if stride < item or (count and start + stride * (count - 1) + item > len(data)):
            raise damaged(self.name, f"an accessor of {count:,} elements reaches beyond its buffer view.")
        return np.ndarray((count, width), dtype, data, start, (stride, dtype.itemsize))

    def _with_sparse(
        self, values: NDArray[np.generic], sparse: dict[str, Any], dtype: np.dtype[Any], width: int
    ) -> NDArray[np.generic]:
        count = integer(sparse.get("count"), 0, len(values) + 1, self.name, "the count of a sparse accessor")
        indices, replacements = sparse.get("indices"), sparse.get("values")
        if not isinstance(indices, dict) or not isinstance(replacements, dict):
            raise damaged(self.name, "a sparse accessor is incomplete.")
        kind = _COMPONENTS.get(indices.get("componentType", 0), "<u4")
        where = self._strided(
            indices.get("bufferView"), indices.get("byteOffset", 0), np.dtype(kind), 1, count
        ).reshape(-1)
        if count and where.max() >= len(values):
            raise damaged(self.name, "a sparse accessor names an element beyond its count.")
        values[where] = self._strided(
            replacements.get("bufferView"), replacements.get("byteOffset", 0), dtype, width, count
        )
        return values
