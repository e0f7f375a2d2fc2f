"""Reader of tracked poses: CSV, TUM, JSON, NPZ and Parquet, one table or one column group a body."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.ingest.pose_columns import Samples, from_columns
from physicl_twin.ingest.pose_times import aligned
from physicl_twin.model import Note, PhysiclError, Source, SourceError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.pose_tracks import PoseTracks, TrackFrame, TrackUp

#: Larger files are refused (judgement: an hour of twenty bodies at 120 Hz is 700 MB of text).
MAX_BYTES = 2_000_000_000
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "in": 0.0254}
_FRAMES = ("parts", "displacements", "first")
_HINT = "Columns: time, body, x, y, z, qw, qx, qy, qz; docs/articulation.md has the variants."


def read_pose_tracks(path: Path) -> PoseTracks:
    """Read tracked poses.

    Args:
        path: ``.csv``, ``.txt`` or ``.tum`` (text), ``.json``, ``.npz`` or ``.parquet``.

    Raises:
        SourceError: ``file_not_found``, ``file_too_large``, ``tracks_format_unknown``, ``tracks_columns_missing``,
            ``tracks_number_invalid``, ``tracks_empty``, ``tracks_unit_unknown``, ``tracks_frame_unknown``,
            ``tracks_damaged``, ``package_missing``.
    """
    data = _bytes(path)
    kind = path.suffix.lower()
    readers = {".csv": _text, ".txt": _text, ".tum": _text, ".json": _json, ".npz": _npz, ".parquet": _parquet}
    if kind not in readers:
        known = ", ".join(readers)
        raise SourceError("tracks_format_unknown", f"{path.name} is no file of tracked poses.", f"Known are {known}.")
    try:
        samples, said = readers[kind](path, data)
    except PhysiclError:
        raise
    except (ValueError, KeyError, TypeError, OSError, UnicodeDecodeError) as error:
        raise SourceError("tracks_damaged", f"{path.name} cannot be read: {str(error)[:200]}.", _HINT) from error
    scale = _scale(path, said)
    if not samples:
        raise SourceError("tracks_empty", f"{path.name} holds no poses.", _HINT)
    notes: list[Note] = []
    cleaned = {name: _cleaned(times, poses, scale, name, notes) for name, (times, poses) in samples.items()}
    if not any(np.isfinite(poses).all(axis=1).any() for _, poses in cleaned.values()):
        raise SourceError("tracks_empty", f"{path.name} holds no complete pose.", _HINT)
    times, bodies, shifted = aligned(cleaned)
    if shifted:
        message = "The bodies were seen at different times; poses between two sightings are interpolated."
        notes.append(Note("tracks_interpolated", "info", message))
    frame: TrackFrame = str(said.get("frame", "")).strip().lower()  # type: ignore[assignment]
    if frame and frame not in _FRAMES:
        raise SourceError(
            "tracks_frame_unknown", f"{path.name} says frame: {frame}.", f"Known are {', '.join(_FRAMES)}."
        )
    up: TrackUp = str(said.get("up", "")).strip().lower()  # type: ignore[assignment]
    if up not in ("", "y", "z"):
        raise SourceError("tracks_frame_unknown", f"{path.name} says up: {up}.", "Known are y and z.")
    source = Source(path.name, kind.lstrip("."), hashlib.sha256(data).hexdigest(), len(data), "reference")
    position, orientation = _noise(path, said, scale)
    return PoseTracks(times, tuple(bodies.items()), source, frame, up, position, orientation, tuple(notes))


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise SourceError("file_not_found", f"{path.name} is not there.", "Check the name.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        message = f"{path.name} has {size / 1e9:.1f} GB of poses."
        raise SourceError("file_too_large", message, "Give every tenth row; some thousand rows are plenty.")
    return path.read_bytes()


def _text(path: Path, data: bytes) -> tuple[Samples, dict[str, Any]]:
    """Comma, semicolon, tab or space separated; ``# key: value`` lines before the header; TUM has none."""
    lines = data.decode("utf-8-sig").splitlines()
    said: dict[str, Any] = {}
    rows: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            key, colon, value = stripped.lstrip("# ").partition(":")
            if colon:
                said[key.strip().lower()] = value.strip()
        elif stripped:
            rows.append((number, stripped))
    if not rows:
        return {}, said
    separator = next((s for s in (",", ";", "\t") if s in rows[0][1]), None)
    table = [(number, [cell.strip().strip('"') for cell in row.split(separator)]) for number, row in rows]
    if _is_number(table[0][1][0]) and all(_is_number(cell) for cell in table[0][1]):
        if len(table[0][1]) != 8:
            raise SourceError("tracks_columns_missing", f"{path.name} has no header and not 8 columns.", _HINT)
        # The TUM format (J. Sturm et al., IROS 2012): time x y z qx qy qz qw, one body a file.
        header = ["time", "x", "y", "z", "qx", "qy", "qz", "qw"]
    else:
        header, table = table[0][1], table[1:]
    for number, row in table:
        if len(row) != len(header):
            message = f"Line {number} of {path.name} has {len(row)} columns, the header {len(header)}."
            raise SourceError("tracks_damaged", message, "Write a gap as nan or as nothing between two separators.")
    columns = {name: [row[k] for _, row in table] for k, name in enumerate(header)}
    return from_columns(columns, path, [number for number, _ in table]), said


def _json(path: Path, data: bytes) -> tuple[Samples, dict[str, Any]]:
    """``{"time": […], "bodies": {name: [[x, y, z, qw, qx, qy, qz], …]}}``, or a list of records."""
    import json

    read = json.loads(data.decode("utf-8-sig"))
    if isinstance(read, list):
        return from_columns(_records(read), path, None), {}
    if not isinstance(read, Mapping):
        raise SourceError("tracks_damaged", f"{path.name} is neither a list nor an object.", _HINT)
    said = {key: value for key, value in read.items() if key not in ("time", "bodies", "samples")}
    if "samples" in read:
        return from_columns(_records(read["samples"]), path, None), said
    times = np.asarray(read["time"], dtype=float)
    return {str(name): (times, _array(poses, len(times), name, path)) for name, poses in read["bodies"].items()}, said


def _records(records: list[Any]) -> dict[str, list[Any]]:
    """Columns of records; ``position`` and ``orientation_wxyz`` (or ``_xyzw``) may be lists."""
    columns: dict[str, list[Any]] = {}
    flat: list[dict[str, Any]] = []
    for record in records:
        row: dict[str, Any] = {}
        for key, value in dict(record).items():
            if isinstance(value, list):
                order = {"position": "xyz", "orientation_wxyz": "wxyz", "orientation_xyzw": "xyzw"}[key]
                names = [f"q{c}" for c in order] if key != "position" else list(order)
                row |= dict(zip(names, value, strict=True))
            else:
                row[key] = value
        flat.append(row)
    for key in dict.fromkeys(key for row in flat for key in row):
        columns[key] = [row.get(key, math.nan) for row in flat]
    return columns


def _npz(path: Path, data: bytes) -> tuple[Samples, dict[str, Any]]:
    """``time`` (N,) and one (N, 7) array a body; texts ``units`` and ``frame``, numbers of the noise."""
    import io
    import zipfile

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except zipfile.BadZipFile as error:
        raise SourceError("tracks_damaged", f"{path.name} is no NPZ archive.", _HINT) from error
    said = {name: array.item() for name, array in arrays.items() if array.ndim == 0}
    times = np.asarray(arrays["time"], dtype=float)
    bodies = {name: array for name, array in arrays.items() if array.ndim == 2}
    return {name: (times, _array(array, len(times), name, path)) for name, array in bodies.items()}, said


def _parquet(path: Path, data: bytes) -> tuple[Samples, dict[str, Any]]:
    """Columns as in CSV; metadata of the schema as its comment lines."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        message = "Reading Parquet needs pyarrow."
        raise SourceError("package_missing", message, "pip install 'physicl-twin[augment]', or write CSV.") from error
    try:
        table = pq.read_table(pa.BufferReader(data))
    except pa.ArrowException as error:
        raise SourceError("tracks_damaged", f"{path.name} is no Parquet file.", _HINT) from error
    metadata = table.schema.metadata or {}
    said = {
        key.decode("utf-8"): value.decode("utf-8") for key, value in metadata.items() if not key.startswith(b"ARROW")
    }
    return from_columns({name: table.column(name).to_pylist() for name in table.column_names}, path, None), said


def _array(poses: Any, count: int, name: object, path: Path) -> FloatArray:
    array = np.array([[math.nan] * 7 if row is None else row for row in poses], dtype=float)
    if array.shape != (count, 7):
        message = f"{name} in {path.name} has the shape {array.shape}, not ({count}, 7)."
        raise SourceError("tracks_columns_missing", message, "Give x, y, z, qw, qx, qy, qz at every time.")
    return array


def _cleaned(
    times: FloatArray, poses: FloatArray, scale: float, name: str, notes: list[Note]
) -> tuple[FloatArray, FloatArray]:
    """Metres, unit quaternions, ascending times; poses of no length or that are not finite are gaps."""
    poses = np.array(poses, dtype=float)
    poses[:, :3] *= scale
    lengths = np.linalg.norm(poses[:, 3:], axis=1)
    bad = ~(np.isfinite(poses).all(axis=1) & (lengths > 0.1) & (lengths < 10.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        poses[:, 3:] /= lengths[:, None]
    poses[bad] = math.nan
    timed = np.isfinite(times)
    order = np.argsort(times[timed], kind="stable")
    times, poses = times[timed][order], poses[timed][order]
    fresh = np.append(True, np.diff(times) > 0) if len(times) else np.zeros(0, dtype=bool)
    gaps, twice = int(bad.sum()), int((~fresh).sum())
    if gaps:
        notes.append(Note("tracks_gaps", "info", f"{name} was not seen in {gaps} of {len(bad)} rows."))
    if twice:
        notes.append(
            Note("tracks_repeated", "info", f"{twice} rows of {name} repeat a time; the first of each counts.")
        )
    return times[fresh], poses[fresh]


def _scale(path: Path, said: Mapping[str, Any]) -> float:
    unit = str(said.get("units", said.get("unit", "m"))).strip().lower()
    if unit not in _METRES:
        message = f"{path.name} states the unit {unit!r}."
        raise SourceError("tracks_unit_unknown", message, f"Known are {', '.join(_METRES)}.")
    return _METRES[unit]


def _noise(path: Path, said: Mapping[str, Any], scale: float) -> tuple[float | None, float | None]:
    """Noise that the file states: ``position_std`` in its unit, ``orientation_std_deg`` in degrees."""
    found: list[float | None] = []
    for key, factor in (("position_std", scale), ("orientation_std_deg", math.pi / 180)):
        if key not in said:
            found.append(None)
            continue
        value = float(said[key]) * factor if _is_number(str(said[key])) else math.nan
        if not (math.isfinite(value) and value > 0):
            message = f"{path.name} states {key} {said[key]!r}."
            raise SourceError("tracks_number_invalid", message, "Give a number above 0, or leave it out.")
        found.append(value)
    return found[0], found[1]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
