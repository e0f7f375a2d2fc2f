"""The PLY container: its header and its elements as columns, ASCII or binary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.builder import parse_floats
from physicl_twin.ingest.guards import damaged

_TYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}
_MAX_HEADER_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Property:
    """A column in numpy's types without byte order; ``count_type`` is that of a list's length, empty for a scalar."""

    name: str
    type: str
    count_type: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """A table of the file."""

    name: str
    count: int
    properties: tuple[Property, ...]

    def row_bytes(self) -> int:
        """Least size of a binary row: lists may be empty."""
        return sum(np.dtype(p.count_type or p.type).itemsize for p in self.properties)


@dataclass(frozen=True, slots=True)
class PlyHeader:
    """What a file says before its data. ``order`` is ``<``, ``>`` or empty for ASCII."""

    order: str
    elements: tuple[Element, ...]
    comments: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class ListColumn:
    """Rows of different length: ``values`` holds all, row after row, and ``counts`` says how many each row has."""

    counts: NDArray[np.int64]
    values: NDArray[np.float64]


Column = NDArray[np.generic] | ListColumn
Table = dict[str, Column]


def read_header(stream: IO[bytes], name: str) -> PlyHeader:
    """Parse the header and leave the stream at the data.

    Raises:
        SourceError: ``file_damaged``.
    """
    order: str | None = None
    elements: list[tuple[str, int, list[Property]]] = []
    comments: list[str] = []
    if stream.readline(_MAX_HEADER_BYTES).strip() != b"ply":
        raise damaged(name, "it does not start as a PLY file.")
    while stream.tell() < _MAX_HEADER_BYTES:
        line = stream.readline(_MAX_HEADER_BYTES).decode("utf-8", "replace").strip()
        words = line.split()
        try:
            if not words:
                if stream.read(1) == b"":
                    break
                stream.seek(-1, 1)
            elif words[0] in ("comment", "obj_info"):
                comments.append(line[len(words[0]) :].strip())
            elif words[0] == "format":
                order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}[words[1]]
            elif words[0] == "element":
                elements.append((words[1], int(words[2]), []))
            elif words[0] == "property" and words[1] == "list":
                elements[-1][2].append(Property(words[4], _TYPES[words[3]], _TYPES[words[2]]))
            elif words[0] == "property":
                elements[-1][2].append(Property(words[2], _TYPES[words[1]]))
            elif words[0] == "end_header":
                if order is None or any(count < 0 for _, count, _ in elements):
                    break
                found = tuple(Element(n, count, tuple(columns)) for n, count, columns in elements)
                return PlyHeader(order, found, tuple(comments), stream.tell())
            else:
                break
        except (IndexError, KeyError, ValueError) as error:
            raise damaged(name, f"its header line {line[:80]!r} means nothing.") from error
    raise damaged(name, "its header is broken.")


def check_counts(header: PlyHeader, data_bytes: int, name: str) -> None:
    """Refuse counts that the file cannot hold, before anything is allocated.

    Raises:
        SourceError: ``file_damaged``.
    """
    least = sum(e.count * (e.row_bytes() if header.order else 2 * len(e.properties)) for e in header.elements)
    if least > data_bytes + 1:  # An ASCII file may lack its last line feed.
        counts = ", ".join(f"{e.count:,} {e.name}" for e in header.elements)
        raise damaged(name, f"its header promises {counts}, but only {data_bytes:,} bytes follow.")


def read_tables(stream: IO[bytes], header: PlyHeader, name: str) -> dict[str, Table]:
    """All elements as tables of columns.

    Raises:
        SourceError: ``file_damaged``.
    """
    if header.order:
        data = stream.read()
        offset = 0
        tables = {}
        for element in header.elements:
            tables[element.name], offset = _binary_table(data, offset, element, header.order, name)
        return tables
    numbers = parse_floats(stream.read(), name, "its data")
    position = 0
    tables = {}
    for element in header.elements:
        tables[element.name], position = _text_table(numbers, position, element, name)
    return tables


def _binary_table(data: bytes, offset: int, element: Element, order: str, name: str) -> tuple[Table, int]:
    if not element.count:
        return {}, offset
    lengths = _first_lengths(data, offset, element, order)
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for i, p in enumerate(element.properties):
        if p.count_type:
            fields.append((f"n{i}", order + p.count_type))
            fields.append((f"v{i}", order + p.type, (lengths[i],)))
        else:
            fields.append((f"v{i}", order + p.type))
    row = np.dtype(fields)
    end = offset + row.itemsize * element.count
    if end <= len(data):
        rows = np.frombuffer(data, row, element.count, offset)
        if all((rows[f"n{i}"] == lengths[i]).all() for i in lengths):
            table: Table = {}
            for i, p in enumerate(element.properties):
                if p.count_type:
                    counts = np.full(element.count, lengths[i], np.int64)
                    table[p.name] = ListColumn(counts, rows[f"v{i}"].reshape(-1))
                else:
                    table[p.name] = rows[f"v{i}"]
            return table, end
    if not lengths:
        raise damaged(name, f"it breaks off among its {element.count:,} {element.name} rows.")
    return _ragged_table(data, offset, element, order, name)


def _first_lengths(data: bytes, offset: int, element: Element, order: str) -> dict[int, int]:
    """Lengths of the lists of the first row, by column (zero where the data end)."""
    lengths = {}
    for i, p in enumerate(element.properties):
        if p.count_type:
            size = np.dtype(p.count_type).itemsize
            piece = data[offset : offset + size]
            n = int(np.frombuffer(piece, order + p.count_type)[0]) if len(piece) == size else 0
            lengths[i] = max(0, min(n, len(data)))
            offset += size + lengths[i] * np.dtype(p.type).itemsize
        else:
            offset += np.dtype(p.type).itemsize
    return lengths


def _ragged_table(data: bytes, offset: int, element: Element, order: str, name: str) -> tuple[Table, int]:
    """Rows one by one, for lists of different lengths."""
    kinds = [
        (np.dtype(order + (p.count_type or p.type)), np.dtype(order + p.type), bool(p.count_type))
        for p in element.properties
    ]
    counts: list[list[int]] = [[] for _ in kinds]
    pieces: list[list[bytes]] = [[] for _ in kinds]
    for _ in range(element.count):
        for i, (head, value, is_list) in enumerate(kinds):
            n = 1
            if is_list:
                raw = data[offset : offset + head.itemsize]
                if len(raw) < head.itemsize:
                    raise damaged(name, f"it breaks off among its {element.count:,} {element.name} rows.")
                n = int(np.frombuffer(raw, head)[0])
                offset += head.itemsize
                counts[i].append(n)
            end = offset + n * value.itemsize
            if n < 0 or end > len(data):
                raise damaged(name, f"it breaks off among its {element.count:,} {element.name} rows.")
            pieces[i].append(data[offset:end])
            offset = end
    table: Table = {}
    for i, (p, (_, value, is_list)) in enumerate(zip(element.properties, kinds, strict=True)):
        values = np.frombuffer(b"".join(pieces[i]), value)
        table[p.name] = ListColumn(np.array(counts[i], np.int64), values) if is_list else values
    return table, offset


def _text_table(numbers: NDArray[np.float64], position: int, element: Element, name: str) -> tuple[Table, int]:
    if not element.count:
        return {}, position
    broken = damaged(name, f"it breaks off among its {element.count:,} {element.name} rows.")
    columns = element.properties
    if not any(p.count_type for p in columns):
        end = position + element.count * len(columns)
        if end > len(numbers):
            raise broken
        rows = numbers[position:end].reshape(element.count, len(columns))
        return {p.name: _typed(rows[:, i], p.type) for i, p in enumerate(columns)}, end
    starts: list[list[int]] = [[] for _ in columns]
    counts: list[list[int]] = [[] for _ in columns]
    total = len(numbers)
    for _ in range(element.count):
        for i, p in enumerate(columns):
            n = 1
            if p.count_type:
                if position >= total or not 0 <= numbers[position] <= total:
                    raise broken
                n = int(numbers[position])
                position += 1
            starts[i].append(position)
            counts[i].append(n)
            position += n
        if position > total:
            raise broken
    table: Table = {}
    for i, p in enumerate(columns):
        start, count = np.array(starts[i], np.int64), np.array(counts[i], np.int64)
        if p.count_type:
            first = np.repeat(start - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
            table[p.name] = ListColumn(count, numbers[first + np.arange(count.sum())])
        else:
            table[p.name] = _typed(numbers[start], p.type)
    return table, position


def _typed(values: NDArray[np.float64], kind: str) -> NDArray[np.generic]:
    """Text numbers as the declared kind: whole numbers where it is an integer type, float32 where it is that."""
    if kind[0] in "iu":
        return np.clip(np.nan_to_num(values), -(2.0**53), 2.0**53).astype(np.int64)
    with np.errstate(over="ignore"):
        return values.astype(kind)
