"""A pose in which loops close and all joints are within their limits, for descriptions whose own pose is none.

The description's pose (all coordinates 0) closes the loops but breaks limits. Wanted is the pose next to it that breaks
none: a bounded least-squares problem in the coordinates around the loops (trust region reflective: Branch, Coleman, Li,
SIAM J. Sci. Comput. 21, 1999; scipy's ``least_squares``), first with a weak pull to the start, then without.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.ingest.mechanism import inverse, motion_of
from physicl_twin.model import Joint
from physicl_twin.model.geometry import FloatArray

_MOVABLE = ("revolute", "prismatic")
_AXES = {"x": 0, "y": 1, "z": 2}
#: Pull towards the start against the gap of a loop: a way of a radian counts as a thousandth of the mechanism's size.
_PULL = 1e-3
#: A loop is closed when its frames are together within this share of the size, and this angle in radians: joint frames
#: in USD are in single precision.
_CLOSED = 1e-7
#: Where the solver stops: at rounding.
_EXACT = 1e-15


@dataclass(frozen=True, slots=True)
class Closing:
    """What was found.

    Attributes:
        positions: Coordinate of each joint by name.
        gap: Largest gap that is left, as a share of the size, or in radians.
        beyond: Joints that close loops and stand outside of their own limits then.
    """

    positions: dict[str, float]
    gap: float
    beyond: tuple[str, ...]

    @property
    def closed(self) -> bool:
        """True when the mechanism can stand so."""
        return self.gap <= _CLOSED and not self.beyond


def closed_within_limits(joints: tuple[Joint, ...], start: Mapping[str, float]) -> Closing:
    """Coordinates within limits that close all loops.

    Args:
        joints: Of the tree and of the loops, with mimics that follow leaders; frames agree at 0.
        start: Coordinate within the limits by name of each joint that follows none: where nothing of a loop moves it,
            it stays there.
    """
    from scipy.optimize import least_squares  # takes a third of a second, and few descriptions have loops

    solver = _Solver(joints, dict(start))
    free = solver.free
    low = np.array([-math.inf if joint.lower is None else joint.lower for joint in free])
    high = np.array([math.inf if joint.upper is None else joint.upper for joint in free])
    near = np.array([start[joint.name] for joint in free])
    found = near
    if free:
        pulled = least_squares(
            lambda x: np.concatenate([solver.gaps(x), _PULL * (x - near)]), near, bounds=(low, high), max_nfev=100
        )
        found = least_squares(
            solver.gaps, pulled.x, bounds=(low, high), xtol=_EXACT, ftol=_EXACT, gtol=_EXACT, max_nfev=100
        ).x
    positions = solver.coordinates(found)
    for joint in solver.loops:
        positions[joint.name] = _coordinate(joint, solver.across(joint, positions))
    beyond = [joint.name for joint in solver.loops if abs(_beyond(joint, positions[joint.name])) > _CLOSED]
    return Closing(positions, float(np.abs(solver.gaps(found)).max(initial=0.0)), tuple(beyond))


class _Solver:
    def __init__(self, joints: tuple[Joint, ...], start: dict[str, float]) -> None:
        self._joints, self._start = joints, start
        self.loops = tuple(joint for joint in joints if joint.closes_loop)
        self._above = {joint.body1: joint for joint in joints if not joint.closes_loop}
        around = {joint.name for loop in self.loops for joint in self._around(loop)}
        leading = around | {j.mimic.joint for j in joints if j.name in around and j.mimic is not None}
        # A joint that is held at a value has nothing to give.
        self.free = [
            joint
            for joint in joints
            if joint.name in leading
            and joint.type in _MOVABLE
            and joint.mimic is None
            and (joint.lower is None or joint.lower != joint.upper)
        ]
        reach = [np.linalg.norm(pose.position_m) for joint in joints for pose in (joint.pose0, joint.pose1)]
        self._size = max(float(max(reach, default=1.0)), 1e-3)

    def _way(self, link: str) -> list[Joint]:
        found = []
        while link in self._above:
            found.append(self._above[link])
            link = self._above[link].body0
        return found

    def _around(self, loop: Joint) -> list[Joint]:
        """The joints from its ends up to where they meet."""
        one, other = self._way(loop.body0), self._way(loop.body1)
        return [j for j in one if j not in other] + [j for j in other if j not in one]

    def coordinates(self, free: FloatArray) -> dict[str, float]:
        """Of every joint of the tree, followers where their leaders have them."""
        found = self._start | {joint.name: float(at) for joint, at in zip(self.free, free, strict=True)}
        for joint in self._joints:
            if joint.mimic is not None:
                found[joint.name] = joint.mimic.multiplier * found[joint.mimic.joint] + joint.mimic.offset
        return found

    def across(self, loop: Joint, positions: Mapping[str, float]) -> FloatArray:
        """(4, 4) second frame of a joint that closes a loop, seen from its first one."""
        around, ends = self._around(loop), []
        for link, frame in ((loop.body0, loop.pose0), (loop.body1, loop.pose1)):
            here = frame.matrix()
            for joint in self._way(link):
                if joint in around:
                    step = joint.pose0.matrix() @ motion_of(replace(joint, position=positions[joint.name]))
                    here = step @ inverse(joint.pose1.matrix()) @ here
            ends.append(here)
        apart: FloatArray = inverse(ends[0]) @ ends[1]
        return apart

    def gaps(self, free: FloatArray) -> FloatArray:
        """What keeps the loops open: lengths over the size, differences of directions, ways beyond their own limits."""
        positions, found = self.coordinates(free), [np.zeros(0)]
        for loop in self.loops:
            apart = self.across(loop, positions)
            axis = _AXES[loop.axis]
            shift, turn = apart[:3, 3] / self._size, apart[:3, :3] - np.eye(3)
            found.append(np.delete(shift, axis) if loop.type == "prismatic" else shift)
            if loop.type != "spherical":
                found.append(turn[:, axis] if loop.type == "revolute" else turn.ravel())
            found.append(np.array([_beyond(loop, _coordinate(loop, apart))]))
        return np.concatenate(found)


def _beyond(loop: Joint, at: float) -> float:
    """How far a coordinate is outside of a joint's limits."""
    low = -math.inf if loop.lower is None else loop.lower
    high = math.inf if loop.upper is None else loop.upper
    return at - min(max(at, low), high)


def _coordinate(loop: Joint, apart: FloatArray) -> float:
    axis = _AXES[loop.axis]
    if loop.type == "prismatic":
        return float(apart[axis, 3])
    if loop.type == "revolute":
        b, c = (axis + 1) % 3, (axis + 2) % 3
        return math.atan2(float(apart[c, b]), float(apart[b, b]))
    return 0.0
