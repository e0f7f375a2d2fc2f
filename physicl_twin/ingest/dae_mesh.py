"""Meshes of COLLADA: sources, inputs and the six kinds of primitives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.builder import parse_floats
from physicl_twin.ingest.guards import damaged
from physicl_twin.ingest.triangles import triangulate
from physicl_twin.model.geometry import FloatArray

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Indices = NDArray[np.int64]
_KINDS = ("triangles", "polylist", "polygons", "tristrips", "trifans")


@dataclass(frozen=True, slots=True)
class DaePrimitive:
    """Triangles of one material symbol, with their own positions.

    Attributes:
        symbol: Material symbol, to be bound by the instance.
        positions: (V, 3).
        faces: (F, 3).
        uvs: (F, 3, 2) v up, or None.
        normals: (F, 3, 3), or None.
        colors: (F, 3, 3) per corner as written, or None.
    """

    symbol: str
    positions: FloatArray
    faces: Indices
    uvs: FloatArray | None
    normals: FloatArray | None
    colors: FloatArray | None


def primitives_of(mesh: Element, by_id: dict[str, Element], name: str) -> list[DaePrimitive]:
    """Triangulated primitives of a ``mesh`` element; lines are left out.

    Raises:
        SourceError: ``file_damaged``.
    """
    reader = _MeshReader(by_id, name)
    return [
        p for kind in _KINDS for element in mesh.findall(kind) if (p := reader.primitive(element, kind)) is not None
    ]


class _MeshReader:
    """Reads sources once."""

    def __init__(self, by_id: dict[str, Element], name: str) -> None:
        self._by_id = by_id
        self._name = name
        self._sources: dict[str, FloatArray] = {}

    def _source(self, reference: str) -> FloatArray:
        """(N, stride) values of a source."""
        key = reference.lstrip("#")
        if key not in self._sources:
            element = self._by_id.get(key)
            if element is None:
                raise damaged(self._name, f"the source {key[:60]!r} is missing.")
            values = parse_floats(
                (element.findtext("float_array") or "").encode(), self._name, f"the source {key[:60]!r}"
            )
            accessor = element.find(".//accessor")
            stride = self._integer(accessor.get("stride", "1") if accessor is not None else "3", "a stride")
            offset = self._integer(accessor.get("offset", "0") if accessor is not None else "0", "an offset")
            if stride < 1 or offset < 0:
                raise damaged(self._name, f"the source {key[:60]!r} has a broken accessor.")
            values = values[offset:]
            self._sources[key] = values[: len(values) // stride * stride].reshape(-1, stride)
        return self._sources[key]

    def _integer(self, text: str, what: str) -> int:
        try:
            return int(text)
        except ValueError as error:
            raise damaged(self._name, f"{what} is {text[:30]!r}.") from error

    def _indices(self, element: Element | None) -> Indices:
        text = (element.text or "") if element is not None else ""
        values = parse_floats(text.encode(), self._name, "a list of indices")
        if len(values) and not (np.isfinite(values).all() and (np.abs(values) < 2.0**53).all()):
            raise damaged(self._name, "a list of indices holds something that is no index.")
        return values.astype(np.int64)

    def primitive(self, element: Element, kind: str) -> DaePrimitive | None:
        inputs = self._inputs(element)
        if "POSITION" not in inputs:
            return None
        width = 1 + max(self._integer(i.get("offset", "0"), "an offset") for i in element.findall("input"))
        counts, table = self._corners(element, kind, width)
        if not len(counts):
            return None
        reference, offset = inputs["POSITION"]
        positions = self._source(reference)
        if positions.shape[1] < 3:
            raise damaged(self._name, "positions have fewer than three coordinates.")
        positions = np.ascontiguousarray(positions[:, :3])
        corners = table[:, offset]
        if corners.min() < 0 or corners.max() >= len(positions):
            raise damaged(self._name, f"a face names vertex {int(corners.max())} of {len(positions)}.")
        triangles, _ = triangulate(positions, counts, corners)
        if not len(triangles):
            return None

        def values(semantic: str, columns: int) -> FloatArray | None:
            if semantic not in inputs:
                return None
            source = self._source(inputs[semantic][0])
            index = table[:, inputs[semantic][1]][triangles]
            fits = len(source) and source.shape[1] >= columns and index.min() >= 0 and index.max() < len(source)
            return source[:, :columns][index] if fits else None

        return DaePrimitive(
            element.get("material", ""),
            positions,
            corners[triangles],
            values("TEXCOORD", 2),
            values("NORMAL", 3),
            values("COLOR", 3),
        )

    def _inputs(self, element: Element) -> dict[str, tuple[str, int]]:
        """Source and offset by semantic, with VERTEX replaced by what it stands for; the first set of each counts."""
        found: dict[str, tuple[str, int]] = {}
        for item in element.findall("input"):
            offset = self._integer(item.get("offset", "0"), "an offset")
            if offset < 0:
                raise damaged(self._name, "an input has a negative offset.")
            if item.get("semantic") == "VERTEX":
                vertices = self._by_id.get((item.get("source") or "").lstrip("#"))
                for inner in vertices.findall("input") if vertices is not None else ():
                    found.setdefault(inner.get("semantic", ""), (inner.get("source", ""), offset))
            else:
                found.setdefault(item.get("semantic", ""), (item.get("source", ""), offset))
        return found

    def _corners(self, element: Element, kind: str, width: int) -> tuple[Indices, Indices]:
        """Corner counts per polygon and (C, width) indices."""
        if kind in ("triangles", "polylist"):
            flat = self._indices(element.find("p"))
            table = flat[: len(flat) // width * width].reshape(-1, width)
            if kind == "triangles":
                table = table[: len(table) // 3 * 3]
                return np.full(len(table) // 3, 3, np.int64), table
            counts = self._indices(element.find("vcount"))
            if (counts < 0).any() or counts.sum() != len(table):
                raise damaged(self._name, f"a polylist needs {int(counts.sum())} corners and has {len(table)}.")
            return counts, table
        lists = [self._indices(p) for p in element.iter("p")]  # A polygon with holes keeps its outline in ph/p.
        tables = [flat[: len(flat) // width * width].reshape(-1, width) for flat in lists]
        if kind == "polygons":
            tables = [t for t in tables if len(t) >= 3]
            return np.array([len(t) for t in tables], np.int64), np.concatenate(tables) if tables else np.zeros(
                (0, width), np.int64
            )
        pieces = []
        for t in tables:
            i = np.arange(max(0, len(t) - 2))
            odd = i % 2
            order = np.column_stack([i * 0, i + 1, i + 2] if kind == "trifans" else [i, i + 1 + odd, i + 2 - odd])
            pieces.append(t[order.reshape(-1)])
        table = np.concatenate(pieces) if pieces else np.zeros((0, width), np.int64)
        return np.full(len(table) // 3, 3, np.int64), table
