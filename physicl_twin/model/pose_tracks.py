"""Tracked poses of named things over time: what a motion capture, a tag tracker or a simulator recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from physicl_twin.model.geometry import FloatArray
from physicl_twin.model.twin import Note, Source

#: What a tracked pose is the pose of: the part's own frame as the file places it (``parts``), how far the part is from
#: its place in the file (``displacements``), or any frame on it, the first row showing the file's state in the twin's
#: own axes (``first``). Empty: found out.
TrackFrame = Literal["", "parts", "displacements", "first"]
#: Up axis of the axes that the poses are written in; empty for those of the file that describes the thing.
TrackUp = Literal["", "y", "z"]


@dataclass(frozen=True, slots=True, eq=False)
class PoseTracks:
    """Poses of named bodies at common times. Arrays are read-only by convention.

    Attributes:
        times_s: (N,) seconds, ascending.
        bodies: Name and (N, 7) poses in one world: position in metres and unit quaternion wxyz; NaN where not seen.
        source: The file.
        frame: What is tracked of each body.
        up: Up axis of their axes.
        position_std_m: Noise of each coordinate, when the file states it; else None.
        orientation_std_rad: Noise of the rotation about each axis, likewise.
        notes: Repairs and losses of reading.
    """

    times_s: FloatArray
    bodies: tuple[tuple[str, FloatArray], ...]
    source: Source
    frame: TrackFrame = ""
    up: TrackUp = ""
    position_std_m: float | None = None
    orientation_std_rad: float | None = None
    notes: tuple[Note, ...] = ()
