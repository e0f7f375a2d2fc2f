"""Joints of the twin in view: looked at, moved by hand, played, stated otherwise, decided upon."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from physicl_twin.model import Joint, Pose, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.kinematics import body_poses
from physicl_twin.workbench.bench import Bench
from physicl_twin.workbench.joint_view import JointRow, coordinate, joint_rows
from physicl_twin.workbench.normalize_model import NormalizeModel
from physicl_twin.workbench.viewport import Moment

#: Seconds in which a joint goes through its range and back; a free one makes a turn, or goes the size of the twin.
#: Many joints together take no longer than the second figure.
_SWEEP_S, _LONGEST_S = 3.0, 24.0
#: Poses along each joint from which the camera's room is measured, and steps of the hand along a range.
_PLACES, _STEPS = 5, 200


class JointsModel:
    """Rows, the selected joint and how the joints are posed.

    Args:
        bench: The shared state.
        normalize: Whose twin is shown and edited.
        clock: Monotonic seconds; another one for tests.
    """

    def __init__(self, bench: Bench, normalize: NormalizeModel, clock: Callable[[], float] = time.monotonic) -> None:
        self._bench, self._normalize, self._clock = bench, normalize, clock
        self.selected = ""
        self.column = "joint"
        self._positions: dict[str, float] = {}
        self._playing: tuple[float, tuple[str, ...]] | None = None
        self._rows: tuple[tuple[Twin, Twin | None], tuple[JointRow, ...]] | None = None
        self._reach: tuple[Twin, FloatArray] | None = None
        bench.on_twin(self._other_twin)

    def _other_twin(self) -> None:
        self.selected, self._positions, self._playing = "", {}, None

    @property
    def twin(self) -> Twin | None:
        """The twin as it is shown, edits included."""
        return self._normalize.shown

    @property
    def rows(self) -> tuple[JointRow, ...]:
        """Joints that move, then proposals."""
        shown, on_disk = self._normalize.shown, self._normalize.twin
        if shown is None:
            return ()
        before = on_disk if shown is not on_disk else None
        if self._rows is None or self._rows[0] != (shown, before):
            self._rows = ((shown, before), joint_rows(shown, before))
        return self._rows[1]

    @property
    def undecided(self) -> int:
        """How many proposals wait for a person."""
        return sum(row.proposed for row in self.rows)

    @property
    def row(self) -> JointRow | None:
        """The selected one."""
        return next((row for row in self.rows if row.name == self.selected), None)

    def select(self, name: str, column: str = "joint") -> None:
        """Select a figure: its reasons are shown, its axis is drawn."""
        if (name, column) != (self.selected, self.column):
            self.selected, self.column = name, column
            self._bench.changed()

    @property
    def why(self) -> str:
        """The reasons of the selected figure, or what to do to see some."""
        return self.row.why(self.column) if self.row is not None else "Select a joint to see why it is one."

    # Moving by hand, and play.

    def span(self, name: str) -> tuple[float, float]:
        """Lowest and highest coordinate that a joint is moved to here."""
        joint = self._joint(name)
        if joint is None or joint.type not in ("revolute", "prismatic"):
            return 0.0, 0.0
        room = 2 * math.pi if joint.type == "revolute" else self._size_m()
        low = joint.lower if joint.lower is not None else joint.position - room / 2
        high = joint.upper if joint.upper is not None else joint.position + room / 2
        return low, high

    def fraction(self, name: str) -> float:
        """Where a joint stands in its span, 0 to 1."""
        low, high = self.span(name)
        joint = self._joint(name)
        at = self._positions.get(name, joint.position if joint is not None else 0.0)
        return min(1.0, max(0.0, (at - low) / (high - low))) if high > low else 0.0

    def place(self, name: str) -> str:
        """Where it stands, printed."""
        joint = self._joint(name)
        if joint is None:
            return ""
        return coordinate(self._positions.get(name, joint.position), joint.type)

    def pose(self, name: str, fraction: float) -> None:
        """Move a joint by hand; play stops."""
        low, high = self.span(name)
        if high <= low:
            return
        if self.playing or not self._positions:
            self._playing = None
            self._bench.changed()
        steps = round(min(1.0, max(0.0, fraction)) * _STEPS) / _STEPS
        self._positions[name] = low + steps * (high - low)
        self.select(name)

    def pose_at_rest(self) -> None:
        """Everything as in the source."""
        self._positions, self._playing = {}, None
        self._bench.changed()

    @property
    def posed(self) -> bool:
        """True while something stands elsewhere than in the source."""
        return bool(self._positions) or self.playing

    @property
    def playing(self) -> bool:
        """True while joints go through their range."""
        return self._playing is not None

    def play(self, name: str = "") -> None:
        """Let a joint, or one after the other, go through its range and back; again to stop."""
        if self._playing is not None:
            self._playing = None
        else:
            names = (name,) if name else tuple(row.name for row in self.rows if row.movable and not row.proposed)
            if names:
                self._positions = {}
                self._playing = (self._clock(), names)
        self._bench.changed()

    def poll(self) -> None:
        """Follow the clock while joints play."""
        if self._playing is None:
            return
        since_s, names = self._playing
        turn = (self._clock() - since_s) / min(_SWEEP_S, _LONGEST_S / len(names))
        number = int(turn)
        if number >= len(names):
            self.pose_at_rest()
            return
        low, high = self.span(names[number])
        joint = self._joint(names[number])
        start = (joint.position - low) / (high - low) if joint is not None and high > low else 0.0
        self._positions = {names[number]: low + (high - low) * _there_and_back(turn - number, start)}

    @property
    def moment(self) -> Moment | None:
        """What the viewport shows; None for the twin as authored without a mark."""
        shown = self.twin
        joint = self._joint(self.selected) or self._proposed(self.selected)
        if shown is None or (joint is None and not self._positions):
            return None
        poses = body_poses(shown, self._positions)
        low, high = self._corners(shown)
        standing = body_poses(shown, {})
        floor = _box(shown, standing)[0, 2]
        return Moment(
            tuple((*pose.position_m, *pose.quaternion_wxyz) for pose in poses),
            (tuple(map(float, low)), tuple(map(float, high))),
            float(floor),
            _axis(shown, joint, poses, float(np.linalg.norm(high - low))) if joint is not None else (),
            self._parts_of(shown, joint) if joint is not None else (),
        )

    # What a person says.

    def set_limit(self, name: str, which: str, text: str) -> None:
        """State a limit such as ``110°``, ``350 mm`` or ``free``; ``which`` is lower or upper."""
        if text.strip():
            self._normalize.set_joint(name, {which: text.strip()})

    def set_resistance(self, name: str, which: str, text: str) -> bool:
        """State friction (N m, N) or damping as a number.

        Returns:
            False when the text is no number.
        """
        try:
            value = float(text.strip().split()[0].replace(",", "."))
        except (ValueError, IndexError):
            return False
        self._normalize.set_joint(name, {which: value})
        return True

    def accept(self, name: str) -> None:
        """A proposal holds: its bodies are split and the joint is authored with the next version."""
        self._normalize.set_joint(name, {"decision": "accept"})

    def reject(self, name: str) -> None:
        """It does not move: a proposal is dropped, a joint becomes fixed."""
        self._normalize.set_joint(name, {"decision": "reject"})

    # Geometry.

    def _joint(self, name: str) -> Joint | None:
        shown = self.twin
        return next((joint for joint in shown.joints if joint.name == name), None) if shown is not None else None

    def _proposed(self, name: str) -> Joint | None:
        shown = self.twin
        found = (one.joint for one in shown.proposals) if shown is not None else iter(())
        return next((joint for joint in found if joint.name == name), None)

    def _parts_of(self, shown: Twin, joint: Joint) -> tuple[str, ...]:
        """Names of the parts that move with a joint."""
        for proposal in shown.proposals:
            if proposal.joint.name == joint.name and proposal.parts:
                return proposal.parts
        return tuple(part.name for body in shown.bodies if body.name == joint.body1 for part in body.parts)

    def _size_m(self) -> float:
        shown = self.twin
        return float(np.ptp(_box(shown, body_poses(shown, {})), axis=0).max()) if shown is not None else 0.1

    def _corners(self, shown: Twin) -> FloatArray:
        """(2, 3) room that the twin needs with each of its joints anywhere in its span."""
        if self._reach is None or self._reach[0] is not shown:
            boxes = [_box(shown, body_poses(shown, {}))]
            for joint in shown.joints:
                if joint.type in ("revolute", "prismatic") and joint.mimic is None:
                    low, high = self.span(joint.name)
                    places = np.linspace(low, high, _PLACES)
                    boxes += [_box(shown, body_poses(shown, {joint.name: float(at)})) for at in places]
            every = np.concatenate(boxes)
            self._reach = (shown, np.array([every.min(axis=0), every.max(axis=0)]))
        return self._reach[1]


def _there_and_back(turn: float, start: float) -> float:
    """Place in the span, 0 to 1, after a part of a sweep: from the start up, down and back, at a steady speed."""
    way = 2.0 * turn  # the whole way is there and back once: two lengths of the span
    up = 1.0 - start
    if way < up:
        return start + way
    return 1.0 - (way - up) if way < up + 1.0 else way - up - 1.0


def _box(twin: Twin, poses: tuple[Pose, ...]) -> FloatArray:
    """(2, 3) corners of the twin with its bodies at poses, from the bounds of its shapes."""
    summaries = {shape.name: shape.geometry for shape in twin.shapes}
    corners: list[FloatArray] = []
    for body, pose in zip(twin.bodies, poses, strict=True):
        for part in body.parts:
            summary = summaries.get(part.shape)
            if summary is not None:
                ends = np.array([summary.low_m, summary.high_m])
                box = np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
                corners.append(pose.apply(part.pose.apply(box)))
    every = np.concatenate(corners) if corners else np.array([[-0.05] * 3, [0.05] * 3])
    return np.array([every.min(axis=0), every.max(axis=0)])


def _axis(twin: Twin, joint: Joint, poses: tuple[Pose, ...], size_m: float) -> tuple[tuple[float, ...], ...]:
    """Two points of the joint's axis about its anchor; empty for a joint without one."""
    if joint.type not in ("revolute", "prismatic"):
        return ()
    placed = dict(zip((body.name for body in twin.bodies), poses, strict=True))
    frame = placed.get(joint.body0, Pose()).compose(joint.pose0)
    direction = frame.rotation()[:, {"x": 0, "y": 1, "z": 2}[joint.axis]]
    anchor = np.array(frame.position_m)
    return tuple(tuple(float(v) for v in anchor + way * 0.35 * size_m * direction) for way in (-1.0, 1.0))
