"""Files of part labels: points in space, each with the label of the part that it lies on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.extent import placed_meshes
from physicl_twin.ingest.formats import load
from physicl_twin.ingest.guards import check_file
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.ply import header_of, polygons, positions_of, srgb_of
from physicl_twin.ingest.ply_format import Table, check_counts, read_tables
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import Source, SourceError, silent
from physicl_twin.model.geometry import FloatArray

#: Names of a column that holds labels, as segmentation tools write them; the first that is there wins.
_COLUMNS = (
    "segmentation", "label", "labels", "part", "part_id", "partid", "part_label", "segment", "segment_id", "seg",
    "semantic", "class", "category", "object", "object_id", "instance", "instance_id", "scalar_label", "scalar_part",
    "scalar_segmentation", "scalar_class", "scalar_classification", "classification", "group",
)  # fmt: skip
#: Columns of whole numbers that are no labels.
_NO_LABELS = ("red", "green", "blue", "alpha", "r", "g", "b", "a", "intensity", "flags", "curvature")
#: A colour is a part's when at least this share of the points has it; the others count as the nearest such colour.
_COLOUR_SHARE = 0.01
#: More parts than this are no parts (judgement).
_MOST = 256


#: Points, the label of each, and what it was read from.
_Labelled = tuple[FloatArray, NDArray[np.generic], str]


@dataclass(frozen=True, slots=True, eq=False)
class LabelCloud:
    """Labelled points in the units and axes of their file.

    Attributes:
        points: (N, 3).
        labels: (N,) index into ``names``.
        names: Of the parts.
        what: What the labels were read from, in words.
        source: The file.
    """

    points: FloatArray
    labels: NDArray[np.intp]
    names: tuple[str, ...]
    what: str
    source: Source


def read_labels(path: Path, options: ReadOptions, settings: IngestSettings) -> LabelCloud:
    """Read a labelled point cloud or mesh: PLY with a column of labels or with colours; else the named parts of a mesh.

    Raises:
        SourceError: ``labels_missing``, ``file_not_found``, ``file_damaged`` …
    """
    import hashlib

    size = check_file(path, options)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        ply = stream.read(3) == b"ply"
    source = Source(path.name, path.suffix.lower().lstrip("."), digest, size, "sidecar")
    points, values, what = _of_ply(path, size) if ply else _of_parts(path, options, settings)
    finite = np.isfinite(points).all(axis=1)
    points, values = points[finite], values[finite]
    names, labels = np.unique(values, return_inverse=True)
    if not len(points) or len(names) > _MOST:
        raise _missing(path.name, f"it has {len(names)} different labels" if len(points) else "it has no points")
    return LabelCloud(points, labels.astype(np.intp), tuple(str(name) for name in names.tolist()), what, source)


def _of_ply(path: Path, size: int) -> _Labelled:
    header = header_of(path)
    with path.open("rb") as stream:
        check_counts(header, size - header.size, path.name)
        stream.seek(header.size)
        tables = read_tables(stream, header, path.name)
    vertex, face = tables.get("vertex", {}), tables.get("face", {})
    points = positions_of(vertex, path.name).astype(float)
    found = _column(vertex)
    if found is not None:
        return points, found[1], f"the property {found[0]!r} of its points"
    centres, owner = _face_centres(tables, points, path.name)
    found = _column(face)
    if found is not None and len(centres):
        return centres, found[1][owner], f"the property {found[0]!r} of its faces"
    colours = srgb_of(vertex)
    if colours is not None:
        return points, _palette(colours, path.name), "the colours of its points"
    colours = srgb_of(face)
    if colours is not None and len(centres):
        return centres, _palette(colours[owner], path.name), "the colours of its faces"
    raise _missing(path.name, "its points have neither a column of labels nor colours")


def _of_parts(
    path: Path, options: ReadOptions, settings: IngestSettings
) -> tuple[FloatArray, NDArray[np.generic], str]:
    """The parts of any mesh: centres of its triangles, labelled with the parts' names."""
    points, labels = [], []
    for name, mesh in placed_meshes(load(path, options, silent, settings)):
        centres = mesh.vertices[mesh.faces].mean(axis=1)
        points.append(centres)
        labels += [name] * len(centres)
    if not points:
        raise _missing(path.name, "it has no triangles")
    return np.concatenate(points), np.array(labels), "the names of its parts"


def _face_centres(tables: dict[str, Table], points: FloatArray, name: str) -> tuple[FloatArray, NDArray[np.intp]]:
    """Centre of every face, and the row of the face element that it belongs to."""
    if "face" not in tables or not tables["face"]:
        return np.empty((0, 3)), np.empty(0, dtype=np.intp)
    counts, corners, has_rows = polygons(tables, name)
    if not has_rows or not len(counts) or (len(corners) and not 0 <= corners.min() <= corners.max() < len(points)):
        return np.empty((0, 3)), np.empty(0, dtype=np.intp)
    owner = np.repeat(np.arange(len(counts)), counts)
    sums = np.column_stack([np.bincount(owner, points[corners, axis], len(counts)) for axis in range(3)])
    there = np.flatnonzero(counts > 0)
    return sums[there] / counts[there, None], there


def _column(table: Table) -> tuple[str, NDArray[np.int64]] | None:
    """Name and values of the column that holds labels."""
    whole = {name: values for name, values in table.items() if isinstance(values, np.ndarray) and _is_whole(values)}
    by_lower = {name.lower(): name for name in whole}
    for wanted in _COLUMNS:
        if wanted in by_lower:
            return by_lower[wanted], whole[by_lower[wanted]].astype(np.int64)
    others = (*_NO_LABELS, "x", "y", "z")
    left = [name for name, values in whole.items() if values.dtype.kind in "iu" and name.lower() not in others]
    return (left[0], whole[left[0]].astype(np.int64)) if len(left) == 1 else None


def _is_whole(values: NDArray[np.generic]) -> bool:
    if values.dtype.kind in "iu":
        return True
    if values.dtype.kind != "f":
        return False
    numbers = values.astype(float)
    return bool(np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all())


def _palette(colours: FloatArray, name: str) -> NDArray[np.generic]:
    """A name such as ``#c0392b`` for every point: the commonest colour nearest to its own."""
    levels = np.clip(np.rint(np.nan_to_num(colours) * 255.0), 0, 255).astype(np.int64)
    found, inverse, counts = np.unique(levels, axis=0, return_inverse=True, return_counts=True)
    common = found[counts >= max(1.0, _COLOUR_SHARE * len(levels))]
    if not len(common) or len(common) > _MOST:
        raise _missing(name, "its colours are those of a picture and not of parts")
    nearest = ((found[:, None] - common[None]) ** 2).sum(axis=2).argmin(axis=1)
    names = np.array([f"#{r:02x}{g:02x}{b:02x}" for r, g, b in common])
    chosen: NDArray[np.generic] = names[nearest[inverse.ravel()]]
    return chosen


def _missing(name: str, why: str) -> SourceError:
    return SourceError(
        "labels_missing",
        f"{name} tells no parts apart: {why}.",
        "Give a PLY whose points have a whole number each (segmentation, label, part …), or one colour a part.",
    )
