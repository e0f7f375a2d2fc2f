"""A recorded run, played at the speed at which it happened: play, pause, scrub, step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from physicl_twin.workbench.viewport import Moment

#: Part of a frame by which differences of clock readings may be off.
_ROUNDING = 1e-6


class Player:
    """Holds one recording (``workbench.playback``) and says which moment of it is in view.

    Args:
        clock: Monotonic seconds; another one for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._poses: tuple[tuple[tuple[float, ...], ...], ...] = ()
        self._reach: tuple[tuple[float, ...], ...] = ()
        self._floor_m: float | None = None
        self._per_s = 30.0
        self._at = 0
        self._started: tuple[float, int] | None = None
        #: Engine that it was recorded in; empty without a recording.
        self.engine = ""

    def load(self, recording: Mapping[str, Any]) -> None:
        """Take a recording; it stands at its beginning."""
        self._poses = tuple(
            tuple(tuple(float(value) for value in pose) for pose in frame) for frame in recording["frames"]
        )
        self._reach = tuple(tuple(float(value) for value in corner) for corner in recording["reach"])
        self._floor_m = float(recording["floor_m"]) if "floor_m" in recording else None
        self._per_s = float(recording["frames_per_s"])
        self.engine = str(recording["engine"])
        self._at, self._started = 0, None

    def clear(self) -> None:
        """Without a recording."""
        self._poses, self._reach, self.engine, self._at, self._started = (), (), "", 0, None

    @property
    def loaded(self) -> bool:
        """True when there is something to play."""
        return bool(self._poses)

    @property
    def frames(self) -> int:
        """How many moments were recorded."""
        return len(self._poses)

    @property
    def frame(self) -> int:
        """Number of the moment in view."""
        return self._at

    @property
    def playing(self) -> bool:
        """True while it goes on by itself."""
        return self._started is not None

    @property
    def seconds(self) -> float:
        """Time of the moment in view, from the beginning of the run."""
        return self._at / self._per_s

    @property
    def duration_s(self) -> float:
        """Time of the last moment."""
        return max(0, self.frames - 1) / self._per_s

    @property
    def fraction(self) -> float:
        """Place of the moment in view, 0 to 1."""
        return self._at / (self.frames - 1) if self.frames > 1 else 0.0

    @property
    def moment(self) -> Moment | None:
        """Poses in view; None without a recording."""
        return Moment(self._poses[self._at], self._reach, self._floor_m) if self._poses else None

    def play(self) -> None:
        """Go on at the speed at which it happened; from the beginning when it stands at the end."""
        if self.frames < 2:
            return
        if self._at >= self.frames - 1:
            self._at = 0
        self._started = (self._clock(), self._at)

    def pause(self) -> None:
        """Stand still."""
        self._started = None

    def toggle(self) -> None:
        """Play, or pause."""
        self.pause() if self.playing else self.play()

    def step(self, by: int = 1) -> None:
        """Another moment, forwards or (negative) backwards; stands still there."""
        self.pause()
        self._at = self._within(self._at + by)

    def scrub(self, fraction: float) -> None:
        """The moment at a place, 0 to 1; while it plays, it goes on from there."""
        self._at = self._within(round(fraction * (self.frames - 1)))
        if self._started is not None:
            self._started = (self._clock(), self._at)

    def poll(self) -> bool:
        """Follow the clock.

        Returns:
            True when another moment is in view, or it came to its end.
        """
        if self._started is None:
            return False
        since_s, first = self._started
        before, self._at = self._at, self._within(first + int((self._clock() - since_s) * self._per_s + _ROUNDING))
        if self._at >= self.frames - 1:
            self._started = None
            return True
        return self._at != before

    def _within(self, at: int) -> int:
        return max(0, min(at, self.frames - 1))
