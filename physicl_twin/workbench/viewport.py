"""What the viewport shows: the twin, turned by hand, with or without colliders, or a moment of a run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.live import Answer
from physicl_twin.workbench.shot import Shot

#: Degrees per pixel of dragging; how near and far one may go; after this long the good picture is drawn.
_TURN_DEG = 0.45
_NEAREST, _FARTHEST = 4.0, 0.5
_SETTLE_S = 0.15
#: Longest side of a picture while it turns, pixels.
_QUICK_PX = 360
#: A three-quarter view, from which turning begins.
_AZIMUTH_DEG, _ELEVATION_DEG = -50.0, 22.0


@dataclass(frozen=True, slots=True)
class Moment:
    """Poses of the bodies at a time of a run, or with joints moved by hand.

    Attributes:
        poses: (N) of (x, y, z, w, i, j, k), metres and wxyz.
        reach: Low and high corner of what the run covers, metres.
        floor_m: Height of the floor; None for the ground of a run.
        axis: Two points of the axis of the joint that moves; empty for none.
        marked: Names of parts that are marked.
    """

    poses: tuple[tuple[float, ...], ...]
    reach: tuple[tuple[float, ...], ...]
    floor_m: float | None = None
    axis: tuple[tuple[float, ...], ...] = ()
    marked: tuple[str, ...] = ()


class Viewport:
    """The view of the twin on the bench.

    Args:
        bench: Whose twin is drawn.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        kept = bench.session.kept_value("normalize", "view", {})
        self.azimuth_deg = _number(kept, "azimuth_deg", _AZIMUTH_DEG)
        self.elevation_deg = _number(kept, "elevation_deg", _ELEVATION_DEG)
        self.zoom = min(_NEAREST, max(_FARTHEST, _number(kept, "zoom", 1.0)))
        self.colliders = bool(kept.get("colliders", False))
        self.selected = ""
        #: RGBA bytes and (width, height) of the latest picture.
        self.pixels = b""
        self.size = (0, 0)
        #: Grows with each picture.
        self.frame = 0
        self.error = ""
        self._moment: Moment | None = None
        self._fine_at_s: float | None = None
        self._asked: tuple[str, Shot] | None = None
        self._drawing = False
        self._next: Shot | None = None
        self._room = (0, 0)
        bench.on_twin(self._other_twin)

    def resize(self, width: int, height: int) -> None:
        """The room for the picture, pixels; called on every layout, cheap when nothing changed."""
        room = (max(32, min(width, 1600)), max(32, min(height, 1200)))
        if room != self._room:
            self._room = room
            self.refresh()

    def orbit(self, right_px: float, down_px: float) -> None:
        """Turn by a drag."""
        self.azimuth_deg = (self.azimuth_deg - _TURN_DEG * right_px + 180.0) % 360.0 - 180.0
        self.elevation_deg = min(89.0, max(-20.0, self.elevation_deg + _TURN_DEG * down_px))
        self._keep()
        self.refresh(quick=True)

    def nearer(self, steps: float) -> None:
        """Zoom; positive is nearer."""
        self.zoom = min(_NEAREST, max(_FARTHEST, self.zoom * 1.15**steps))
        self._keep()
        self.refresh(quick=True)

    def reset(self) -> None:
        """Back to the first view."""
        self.azimuth_deg, self.elevation_deg, self.zoom = _AZIMUTH_DEG, _ELEVATION_DEG, 1.0
        self._keep()
        self.refresh()

    def toggle_colliders(self) -> None:
        """Draw the colliders, or no more."""
        self.colliders = not self.colliders
        self._keep()
        self._bench.changed()
        self.refresh()

    def select(self, part: str) -> None:
        """Mark a part; empty for none."""
        if part != self.selected:
            self.selected = part
            self.refresh()

    def show(self, moment: Moment | None) -> None:
        """Show a moment of a run; None for the twin as authored."""
        if moment != self._moment:
            self._moment = moment
            self.refresh(quick=moment is not None)

    def refresh(self, quick: bool = False) -> None:
        """Draw again: small at first while it turns, well when it stands."""
        if not self._bench.session.twin or 0 in self._room:
            return
        width, height = self._room
        if quick:
            factor = min(1.0, _QUICK_PX / max(width, height))
            self._ask(self._shot(round(width * factor), round(height * factor), 1))
            self._fine_at_s = time.monotonic() + _SETTLE_S
        else:
            self._ask(self._shot(width, height, 1))
            self._fine_at_s = time.monotonic()

    def poll(self) -> None:
        """Ask for the good picture once the view stands still."""
        if self._fine_at_s is not None and time.monotonic() >= self._fine_at_s and not self._bench.live.waiting:
            self._fine_at_s = None
            self._ask(self._shot(*self._room, 2))

    @property
    def moving(self) -> bool:
        """True while a better picture is due."""
        return self._fine_at_s is not None or self._bench.live.waiting

    def _shot(self, width: int, height: int, samples: int) -> Shot:
        poses: Sequence[tuple[float, ...]] = self._moment.poses if self._moment else ()
        reach: Sequence[tuple[float, ...]] = self._moment.reach if self._moment else ()
        return Shot(
            width,
            height,
            self.azimuth_deg,
            self.elevation_deg,
            self.zoom,
            self.colliders and self._moment is None,
            self.selected,
            samples,
            tuple(poses),
            tuple(reach),
            *((self._moment.floor_m, self._moment.axis, self._moment.marked) if self._moment else ()),
        )

    def _ask(self, shot: Shot) -> None:
        """Ask for a picture; while one is being drawn, the next waits, or else a quick hand would never see any."""
        asked = (self._bench.session.twin, shot)
        if asked == self._asked and self.pixels:
            self._next = None
            return
        if self._drawing:
            self._next = shot
            return
        self._asked, self._drawing, self._next = asked, True, None
        self._bench.live.ask(
            "picture", {"twin": asked[0], "shot": shot.to_json()}, lambda answer: self._drawn(asked, answer)
        )

    def _drawn(self, asked: tuple[str, Shot], answer: Answer) -> None:
        self._drawing, following = False, self._next
        if asked[0] == self._bench.session.twin:
            if answer.error is not None:
                self.error, self._asked = answer.error["message"], None
            else:
                self.error, self.pixels, self.size = "", answer.pixels, answer.size
            self.frame += 1
        if following is not None:
            self._ask(following)

    def _other_twin(self) -> None:
        self.pixels, self.size, self.error, self._moment, self._asked = b"", (0, 0), "", None, None
        self.selected = ""
        self.frame += 1
        self.refresh()

    def _keep(self) -> None:
        view = {"azimuth_deg": self.azimuth_deg, "elevation_deg": self.elevation_deg, "zoom": self.zoom}
        self._bench.session.keep("normalize", "view", {**view, "colliders": self.colliders})


def _number(kept: Mapping[str, Any], name: str, default: float) -> float:
    """A remembered number; the default where a damaged session has something else."""
    value = kept.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else default
