"""What a picture of the viewport shows and from where; said by the window, drawn by a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shot:
    """What a picture shows and from where.

    Attributes:
        width: Pixels.
        height: Pixels.
        azimuth_deg: Direction to the camera around Z; None for a three-quarter view.
        elevation_deg: Above the horizon; None for one that suits the proportions.
        zoom: 1 fills the frame; larger is nearer.
        colliders: Draw the colliders over a pale surface.
        selected: Name of the part that is marked; empty for none.
        marked: Names of further parts that are marked.
        samples: Rays along one side of a pixel: 1 while it turns, 2 when it stands.
        poses: (N) of (position, wxyz) of the bodies, world frame, of a moment of a run; empty for the authored ones.
        reach: Poses over the run, so that the camera holds still: low and high corner; empty for the twin's own box.
        floor_m: Height of the floor; None for the ground of a run, and for what the twin stands on without one.
        axis: Two points of the axis of a joint that is drawn over all; empty for none.
    """

    width: int
    height: int
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    zoom: float = 1.0
    colliders: bool = False
    selected: str = ""
    samples: int = 1
    poses: tuple[tuple[float, ...], ...] = ()
    reach: tuple[tuple[float, ...], ...] = ()
    floor_m: float | None = None
    axis: tuple[tuple[float, ...], ...] = ()
    marked: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Shot:
        """From the names of the attributes."""
        poses = tuple(tuple(float(v) for v in pose) for pose in record.get("poses", ()))
        reach = tuple(tuple(float(v) for v in corner) for corner in record.get("reach", ()))
        axis = tuple(tuple(float(v) for v in point) for point in record.get("axis", ()))
        marked = tuple(str(name) for name in record.get("marked", ()))
        return cls(**{**dict(record), "poses": poses, "reach": reach, "axis": axis, "marked": marked})

    def to_json(self) -> dict[str, Any]:
        """The names of the attributes."""
        return {name: getattr(self, name) for name in self.__slots__}
