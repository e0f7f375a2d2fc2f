"""A joint as it was seen in several poses of the same thing: its axis, its coordinates and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Evidence
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.motion import MotionType


@dataclass(frozen=True, slots=True, eq=False)
class SeenJoint:
    """How one rigid group moves against another, in the twin's frame with everything where the main file has it.

    Attributes:
        parent: Number of the group that holds.
        child: Number of the group that moves.
        type: Kind of motion.
        axis: (3,) unit direction; positive coordinates move the child along or around it.
        point: (3,) of the axis or the ball's centre, metres.
        lower: Least coordinate seen, radians or metres; 0 is where the file has it.
        upper: Largest.
        limit_std: Standard deviation of both.
        pitch: Of a screw, metres per radian.
        probability: That it is this joint.
        evidence: Reasons.
        flags: Warnings.
    """

    parent: int
    child: int
    type: MotionType
    axis: FloatArray
    point: FloatArray
    lower: float
    upper: float
    limit_std: float
    pitch: float
    probability: float
    evidence: tuple[Evidence, ...]
    flags: tuple[str, ...] = ()

    @property
    def turns(self) -> bool:
        """True of what has an axis with a place."""
        return self.type in ("revolute", "screw")


def opening_positively(axis: FloatArray, lower: float, upper: float) -> tuple[FloatArray, float, float]:
    """Axis and range turned so that the wider side of the range is positive."""
    if -lower > upper + 1e-9:
        return -np.asarray(axis, float), -upper, -lower
    return np.asarray(axis, float), lower, upper
