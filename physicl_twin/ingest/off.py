"""OFF, the text format, with its colour, normal and texture variants."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder, Soup, parse_floats
from physicl_twin.ingest.guards import check_face_count, check_file, damaged, no_geometry, point_cloud
from physicl_twin.ingest.ingest_settings import IngestSettings, shipped_settings
from physicl_twin.ingest.looks import linear_from_srgb
from physicl_twin.ingest.raw import RawScene, ReadOptions
from physicl_twin.ingest.triangles import triangulate
from physicl_twin.ingest.unit_text import claims_in_text
from physicl_twin.model import Progress

_KEYWORD = re.compile(rb"^(ST)?(C)?(N)?(4)?(n)?OFF\b")
_COMMENT = re.compile(rb"#[^\n]*")


def read_off(path: Path, options: ReadOptions, progress: Progress, settings: IngestSettings | None = None) -> RawScene:
    """Read an OFF file (OFF, COFF, NOFF, STOFF and their mixtures; not the binary or the 4D ones).

    Raises:
        SourceError: ``file_damaged``, ``no_geometry``, ``feature_unsupported``, ``point_cloud_without_surface`` …
    """
    settings = settings or shipped_settings()
    check_file(path, options)
    builder = SceneBuilder(path, "off", options, settings)
    progress("ingest", 0.1, f"reading {path.name}")
    data = path.read_bytes()
    comments = b"\n".join(_COMMENT.findall(data[:4096])).decode("utf-8", "replace")
    lines = [line for raw in data.splitlines() if (line := raw.split(b"#", 1)[0].strip())]
    columns, counts_line, start = _header(lines, path.name)
    try:
        vertices_declared, faces_declared = int(counts_line[0]), int(counts_line[1])
    except (IndexError, ValueError) as error:
        raise damaged(path.name, "its counts of vertices and faces are missing.") from error
    available = len(lines) - start
    if vertices_declared < 0 or faces_declared < 0 or vertices_declared + faces_declared > available:
        raise damaged(
            path.name,
            f"it promises {vertices_declared:,} vertices and {faces_declared:,} faces, but {available:,} lines follow.",
        )
    if vertices_declared and not faces_declared:
        raise point_cloud(path.name, vertices_declared)
    if not faces_declared:
        raise no_geometry(path.name)
    check_face_count(path.name, faces_declared, options)
    rows = [line.split() for line in lines[start : start + vertices_declared]]
    if any(len(row) < 3 for row in rows):
        raise damaged(path.name, "a vertex has fewer than three coordinates.")
    positions = parse_floats(b" ".join(b" ".join(row[:3]) for row in rows), path.name, "the list of vertices").reshape(
        -1, 3
    )
    colors = None
    if "color" in columns and all(len(row) >= columns["color"] + 3 for row in rows):
        first = columns["color"]
        text = b" ".join(b" ".join(row[first : first + 3]) for row in rows)
        rgb = parse_floats(text, path.name, "the list of colours").reshape(-1, 3)
        colors = linear_from_srgb(rgb / (255.0 if rgb.max() > 1.0 else 1.0))
    counts, corners, rgba = _faces(
        lines[start + vertices_declared : start + vertices_declared + faces_declared], path.name
    )
    if len(corners) and (corners.min() < 0 or corners.max() >= len(positions)):
        raise damaged(path.name, f"a face names vertex {int(corners.max())}, but there are {len(positions)}.")
    triangles, owner = triangulate(positions, counts, corners)
    soup = Soup(positions, corners[triangles], vertex_colors=colors, face_rgba=None if rgba is None else rgba[owner])
    builder.place(builder.title, builder.shapes(builder.title, soup))
    return builder.scene(unit_claims=claims_in_text(comments, f"comment of {path.name}", settings))


def _header(lines: list[bytes], name: str) -> tuple[dict[str, int], list[bytes], int]:
    """Column of the colour in a vertex line, the line of counts, and the first line of vertices."""
    if not lines:
        raise damaged(name, "it holds nothing but comments.")
    match = _KEYWORD.match(lines[0])
    if not match:
        if re.fullmatch(rb"\d+\s+\d+(\s+\d+)?", lines[0]):  # The keyword may be left out.
            return {}, lines[0].split(), 1
        raise damaged(name, "it does not start with OFF.")
    if match.group(4) or match.group(5) or b"BINARY" in lines[0].upper():
        from physicl_twin.model import SourceError

        raise SourceError(
            "feature_unsupported", f"{name} is a binary or a 4D OFF file.", "Save it as plain text OFF or as PLY."
        )
    columns = {"color": 3 + (3 if match.group(3) else 0)} if match.group(2) else {}
    rest = lines[0][match.end() :].split()
    if rest:
        return columns, rest, 1
    if len(lines) < 2:
        raise damaged(name, "it ends after its first line.")
    return columns, lines[1].split(), 2


def _faces(lines: list[bytes], name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Corner counts, corners, and RGBA of each face when all have one."""
    counts = np.zeros(len(lines), np.int64)
    corners: list[int] = []
    colors: list[list[float]] = []
    try:
        for i, line in enumerate(lines):
            row = line.split()
            n = int(row[0])
            if n < 1 or len(row) < n + 1:
                raise ValueError(f"face {i} is incomplete")
            counts[i] = n
            corners.extend(map(int, row[1 : n + 1]))
            if len(row) >= n + 4:
                colors.append([float(v) for v in row[n + 1 : n + 5]])
    except ValueError as error:
        raise damaged(name, f"the list of faces is broken ({error}).") from error
    rgba = None
    if lines and len(colors) == len(lines) and len({len(c) for c in colors}) == 1:
        values = np.nan_to_num(np.array(colors))
        rgba = np.clip(np.rint(values * (255.0 if values.max() <= 1.0 else 1.0)), 0, 255).astype(np.uint8)
    try:
        return counts, np.array(corners, np.int64), rgba
    except OverflowError as error:
        raise damaged(name, "a face names a vertex beyond all counts.") from error
