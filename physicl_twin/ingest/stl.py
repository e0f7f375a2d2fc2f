"""STL, binary and ASCII."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup, parse_floats
from physicl_twin.ingest.guards import check_face_count, check_file, damaged, no_geometry
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.raw import Claim, RawScene, ReadOptions
from physicl_twin.ingest.unit_text import claims_in_text
from physicl_twin.model import Progress

_HEADER_BYTES = 80
#: A record of the binary format: normal, three corners, attribute bytes.
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_ASCII_SOLID = re.compile(rb"^[ \t]*solid\b[ \t]*([^\r\n]*)", re.MULTILINE)
_ASCII_VERTEX = re.compile(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", re.IGNORECASE)
_ASCII_FACET_END = re.compile(rb"\bendfacet\b", re.IGNORECASE)


def read_stl(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> RawScene:
    """Read an STL file; an ASCII file's ``solid`` blocks become parts.

    Raises:
        SourceError: ``file_damaged``, ``no_geometry``, ``too_many_faces``.
    """
    settings = settings or shipped_settings()
    size = check_file(path, options)
    builder = SceneBuilder(path, "stl", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    with path.open("rb") as stream:
        head = stream.read(4096)
    claims = (
        _read_ascii(path, builder, settings)
        if _is_ascii(head, size)
        else _read_binary(path, head, size, builder, settings)
    )
    return builder.scene(unit_claims=claims)


def _is_ascii(head: bytes, size: int) -> bool:
    if len(head) >= 84 and size == 84 + 50 * int.from_bytes(head[80:84], "little"):
        return False
    text = head.lstrip().lower()
    return text.startswith(b"solid") and (b"facet" in text or b"endsolid" in text) and b"\0" not in head


def _read_binary(
    path: Path, head: bytes, size: int, builder: SceneBuilder, settings: IngestSettings
) -> tuple[Claim, ...]:
    if size < 84:
        raise damaged(path.name, f"{size} bytes are too few for an STL file.")
    declared = int.from_bytes(head[80:84], "little")
    held = (size - 84) // _FACET.itemsize
    if declared > held:
        raise damaged(path.name, f"its header promises {declared:,} triangles, the file holds {held:,}.")
    if declared == 0:
        raise no_geometry(path.name)
    check_face_count(path.name, declared, builder.options)
    if size > 84 + declared * _FACET.itemsize:
        builder.note(
            "trailing_bytes_ignored", "info", f"{size - 84 - declared * 50} bytes after the last triangle are ignored."
        )
    facets = np.memmap(path, dtype=_FACET, mode="r", offset=84, shape=(declared,))
    positions = np.ascontiguousarray(facets["corners"]).reshape(-1, 3)
    del facets
    faces = np.arange(3 * declared, dtype=np.int32).reshape(-1, 3)
    text = head[:_HEADER_BYTES].split(b"\0")[0].decode("latin-1").strip()
    name = re.sub(r"^solid\b", "", text, flags=re.IGNORECASE).strip()
    usable = name if re.fullmatch(r"[\w\-. ()]{2,60}", name) and "binary" not in name.lower() else builder.title
    builder.place(usable, builder.shapes(usable, Soup(positions, faces)))
    return claims_in_text(text, f"header of {path.name}", settings)


def _read_ascii(path: Path, builder: SceneBuilder, settings: IngestSettings) -> tuple[Claim, ...]:
    data = path.read_bytes()
    starts = [match for match in _ASCII_SOLID.finditer(data)]
    ends = [match.start() for match in starts[1:]] + [len(data)]
    texts = []
    for match, end in zip(starts, ends, strict=True):
        name = match.group(1).decode("utf-8", "replace").strip()
        texts.append(name)
        body = data[match.end() : end]
        numbers = b" ".join(b" ".join(vertex) for vertex in _ASCII_VERTEX.findall(body))
        positions = parse_floats(numbers, path.name, f"the solid {name[:60]!r}").reshape(-1, 3)
        facets = len(_ASCII_FACET_END.findall(body))
        if len(positions) != 3 * facets or b"endsolid" not in body.lower():
            raise damaged(
                path.name, f"the solid {name[:60]!r} breaks off: {len(positions)} corners for {facets} whole facets."
            )
        faces = np.arange(len(positions)).reshape(-1, 3)
        title = name if name and len(starts) > 1 else name or builder.title
        builder.place(title, builder.shapes(title, Soup(positions, faces)))
    return claims_in_text("\n".join(texts), f"header of {path.name}", settings)
