"""Which column of a table of poses is what: names that trackers, ROS and simulators use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.model import SourceError
from physicl_twin.model.geometry import FloatArray

#: Times (N,) in seconds and poses (N, 7) by body.
Samples = dict[str, tuple[FloatArray, FloatArray]]

FIELDS = ("x", "y", "z", "qw", "qx", "qy", "qz")
_TIME = {"time": 1.0, "t": 1.0, "times": 1.0, "timestamp": 1.0, "stamp": 1.0, "time_s": 1.0, "seconds": 1.0}
_TIME |= {"time_ms": 1e-3, "timestamp_ms": 1e-3, "time_us": 1e-6, "time_ns": 1e-9, "timestamp_ns": 1e-9}
_BODY = ("body", "name", "object", "link", "part", "rigid_body", "child_frame_id", "frame_id", "id")
_ALIASES = {
    **{f"{prefix}{c}": c for c in "xyz" for prefix in ("", "p", "t", "pos_", "position_", "translation_")},
    **{
        f"{prefix}{c}": f"q{c}"
        for c in "wxyz"
        for prefix in ("q", "q_", "rot_", "quat_", "quaternion_", "orientation_")
    },
}


def from_columns(columns: Mapping[str, Sequence[Any]], path: Path, lines: Sequence[int] | None) -> Samples:
    """Samples of a table: a row a body and time (with a column ``body``), or a row a time (``door.x``, ``door.qw`` …).

    Args:
        columns: By name.
        path: Of the file, for messages; its stem names the only body of a table without names.
        lines: Line number of each row, for messages.

    Raises:
        SourceError: ``tracks_columns_missing``, ``tracks_number_invalid``.
    """
    named = {_plain(name): name for name in columns}
    time = next((named[key] for key in _TIME if key in named), None)
    if time is None:
        raise _missing(path, "no column of the time", columns)
    times = _numbers(columns[time], time, path, lines) * _TIME[_plain(time)]
    fields = {_ALIASES[key]: column for key, column in named.items() if key in _ALIASES and column != time}
    body = next((named[key] for key in _BODY if key in named), None)
    if set(FIELDS) <= set(fields):
        poses = np.stack([_numbers(columns[fields[field]], fields[field], path, lines) for field in FIELDS], axis=1)
        if body is None:
            return {path.stem: (times, poses)}
        names = np.array([str(value).strip() for value in columns[body]])
        return {str(name): (times[names == name], poses[names == name]) for name in dict.fromkeys(names)}
    wide: dict[str, dict[str, str]] = {}
    for column in columns:
        for body_name, field in _readings(column):
            wide.setdefault(body_name, {}).setdefault(field, column)
    whole = {name: found for name, found in wide.items() if set(FIELDS) <= set(found)}
    if not whole:
        lacking = [field for field in FIELDS if field not in fields]
        raise _missing(path, f"no column for {', '.join(lacking)}", columns)
    return {
        name: (times, np.stack([_numbers(columns[found[f]], found[f], path, lines) for f in FIELDS], axis=1))
        for name, found in whole.items()
    }


def _readings(column: str) -> list[tuple[str, str]]:
    """(body, field) that the name of a column of a wide table may mean: the longest name of a field first."""
    found = []
    for cut in range(1, len(column)):
        if column[cut] in "./:|_ ":
            field = _ALIASES.get(_plain(column[cut + 1 :]))
            if field is not None and column[:cut].strip():
                found.append((column[:cut].strip(), field))
    return found


def _plain(name: str) -> str:
    return re.sub(r"[./:\s]+", "_", name.strip().lower())


def _numbers(values: Sequence[Any], column: str, path: Path, lines: Sequence[int] | None) -> FloatArray:
    found = np.full(len(values), math.nan)
    for row, value in enumerate(values):
        if value is None or (isinstance(value, str) and value.strip().lower() in ("", "nan", "null", "none")):
            continue
        try:
            found[row] = float(value)
        except (TypeError, ValueError) as error:
            where = f"line {lines[row]}" if lines is not None else f"row {row + 1}"
            message = f"{column} in {where} of {path.name} is {str(value)[:40]!r}."
            raise SourceError("tracks_number_invalid", message, "Write numbers, and nan for a gap.") from error
    return found


def _missing(path: Path, what: str, columns: Mapping[str, Sequence[Any]]) -> SourceError:
    shown = ", ".join(list(columns)[:12]) or "nothing"
    return SourceError(
        "tracks_columns_missing",
        f"{path.name} has {what}; it has {shown}.",
        "Columns: time, body, x, y, z, qw, qx, qy, qz; docs/articulation.md has the variants.",
    )
