"""The statements of an OBJ file as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.builder import parse_floats
from physicl_twin.ingest.guards import damaged
from physicl_twin.model.geometry import FloatArray

Indices = NDArray[np.int64]


@dataclass(slots=True)
class ObjFile:
    """Content of an OBJ file.

    Attributes:
        positions: (V, 3).
        colors: (V, 3) as written, or None.
        uvs: (T, 2).
        normals: (N, 3).
        counts: (P,) corners per polygon.
        corners: (C, 3) position, texture and normal index per corner, 0-based; -1 where absent.
        object_of: (P,) index into ``objects``.
        group_of: (P,) index into ``groups``.
        material_of: (P,) index into ``materials``.
        objects: Names of ``o`` statements; the first is empty (before any).
        groups: Names of ``g`` statements; likewise.
        materials: Names of ``usemtl`` statements; likewise.
        libraries: Text of ``mtllib`` statements.
        comments: Comments near the top.
        other: Statements that are no polygons (lines, curves, surfaces).
    """

    positions: FloatArray
    colors: FloatArray | None
    uvs: FloatArray
    normals: FloatArray
    counts: Indices
    corners: Indices
    object_of: Indices
    group_of: Indices
    material_of: Indices
    objects: list[str]
    groups: list[str]
    materials: list[str]
    libraries: list[str]
    comments: list[str]
    other: set[str]


@dataclass(slots=True)
class _Names:
    """Names in the order of their first use; index 0 is the state before any statement."""

    names: list[str] = field(default_factory=lambda: [""])
    index: dict[str, int] = field(default_factory=lambda: {"": 0})
    current: int = 0

    def use(self, name: str) -> None:
        if name not in self.index:
            self.index[name] = len(self.names)
            self.names.append(name)
        self.current = self.index[name]


#: Comments of the first lines are read for units and programs.
_COMMENT_LINES = 200


def parse_obj(data: bytes, name: str) -> ObjFile:
    """Parse the text of an OBJ file.

    Raises:
        SourceError: ``file_damaged``.
    """
    if b"\\\n" in data or b"\\\r\n" in data:
        data = data.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    rows: dict[bytes, list[bytes]] = {b"v": [], b"vt": [], b"vn": []}
    polygons: list[bytes] = []
    tags: list[tuple[int, int, int]] = []
    objects, groups, materials = _Names(), _Names(), _Names()
    libraries: list[str] = []
    comments: list[str] = []
    other: set[str] = set()
    tag = (0, 0, 0)
    for line in data.splitlines():
        key, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
        if key in rows:
            rows[key].append(rest)
        elif key in (b"f", b"fo"):
            if b"-" in rest:
                rest = _absolute(rest, tuple(len(rows[k]) for k in (b"v", b"vt", b"vn")), name)
            polygons.append(rest)
            tags.append(tag)
        elif key in (b"o", b"g", b"usemtl"):
            names = objects if key == b"o" else groups if key == b"g" else materials
            names.use(rest.strip().decode("utf-8", "replace"))
            tag = (objects.current, groups.current, materials.current)
        elif key == b"mtllib":
            libraries.append(rest.strip().decode("utf-8", "replace"))
        elif key.startswith(b"#"):
            if len(comments) < _COMMENT_LINES:
                comments.append(line.decode("utf-8", "replace").strip("# \t\r"))
        elif key in (b"l", b"p", b"curv", b"curv2", b"surf"):
            other.add(key.decode())
    positions, colors = _positions(rows[b"v"], name)
    counts, corners = _corners(polygons, name)
    labels = np.array(tags, np.int64).reshape(-1, 3)
    return ObjFile(
        positions,
        colors,
        _columns(rows[b"vt"], 2, name, "vt"),
        _columns(rows[b"vn"], 3, name, "vn"),
        counts,
        corners,
        labels[:, 0],
        labels[:, 1],
        labels[:, 2],
        objects.names,
        groups.names,
        materials.names,
        libraries,
        comments,
        other,
    )


def _absolute(polygon: bytes, totals: tuple[int, ...], name: str) -> bytes:
    """The polygon with negative (relative) indices made absolute."""
    try:
        return b" ".join(
            b"/".join(
                b"%d" % (totals[k] + 1 + int(piece)) if piece.startswith(b"-") else piece
                for k, piece in enumerate(corner.split(b"/")[:3])
            )
            for corner in polygon.split()
        )
    except ValueError as error:
        raise damaged(name, f"the face {polygon[:60]!r} is no list of indices.") from error


def _columns(rows: list[bytes], width: int, name: str, what: str) -> FloatArray:
    """(N, width) numbers; further columns are dropped, a missing second texture coordinate is 0."""
    if not rows:
        return np.zeros((0, width))
    numbers = parse_floats(b"\n".join(rows), name, f"a {what} statement")
    first = len(rows[0].split())
    if first >= width and len(numbers) == first * len(rows):
        return np.ascontiguousarray(numbers.reshape(-1, first)[:, :width])
    table = np.zeros((len(rows), width))
    for i, row in enumerate(rows):
        values = parse_floats(row, name, f"a {what} statement")[:width]
        if len(values) < width and not (what == "vt" and len(values)):
            raise damaged(
                name, f"the statement {what} {bytes(row[:60]).decode(errors='replace')!r} has too few numbers."
            )
        table[i, : len(values)] = values
    return table


def _positions(rows: list[bytes], name: str) -> tuple[FloatArray, FloatArray | None]:
    if not rows:
        return np.zeros((0, 3)), None
    numbers = parse_floats(b"\n".join(rows), name, "a v statement")
    width = len(rows[0].split())
    if width >= 3 and len(numbers) == width * len(rows):
        table = numbers.reshape(-1, width)
        return np.ascontiguousarray(table[:, :3]), np.ascontiguousarray(table[:, 3:6]) if width >= 6 else None
    return _columns(rows, 3, name, "v"), None


def _corners(polygons: list[bytes], name: str) -> tuple[Indices, Indices]:
    tokens: list[bytes] = []
    counts = np.zeros(len(polygons), np.int64)
    for i, polygon in enumerate(polygons):
        words = polygon.split(b"#", 1)[0].split()
        counts[i] = len(words)
        tokens.extend(words)
    if not tokens:
        return counts, np.zeros((0, 3), np.int64)
    text = b" ".join(tokens)
    slashes, doubles, total = text.count(b"/"), text.count(b"//"), len(tokens)
    corners = np.zeros((total, 3), np.int64)
    layout = {(0, 0): (0,), (total, 0): (0, 1), (2 * total, total): (0, 2), (2 * total, 0): (0, 1, 2)}.get(
        (slashes, doubles)
    )
    if layout is not None:
        numbers = parse_floats(text.replace(b"/", b" "), name, "a face")
        if len(numbers) == total * len(layout):
            corners[:, layout] = _whole(numbers, name).reshape(total, len(layout))
            return counts, corners - 1
    try:
        for i, token in enumerate(tokens):
            for k, piece in enumerate(token.split(b"/")[:3]):
                corners[i, k] = int(piece) if piece else 0
    except (ValueError, OverflowError) as error:
        raise damaged(name, f"the face corner {tokens[i][:40]!r} is no index.") from error
    return counts, corners - 1


def _whole(numbers: FloatArray, name: str) -> Indices:
    if not (np.isfinite(numbers).all() and (np.abs(numbers) < 2.0**53).all() and (numbers == np.rint(numbers)).all()):
        raise damaged(name, "a face names a vertex by something that is no whole number.")
    return numbers.astype(np.int64)
