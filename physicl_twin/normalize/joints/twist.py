"""One-parameter motions: a turn about a line or a slide along a direction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from physicl_twin.model.geometry import FloatArray

TwistKind = Literal["revolute", "prismatic"]


@dataclass(frozen=True, slots=True, eq=False)
class Twist:
    """A motion in the twin's frame, positive by the right-hand rule or along the axis.

    Attributes:
        kind: ``revolute`` or ``prismatic``.
        axis: (3,) unit direction.
        point: (3,) a point of the axis, metres; of a slide where it is drawn.
        before: (3,) a shift that comes first, metres.
    """

    kind: TwistKind
    axis: FloatArray
    point: FloatArray
    before: FloatArray = field(default_factory=lambda: np.zeros(3))

    @property
    def reversed(self) -> Twist:
        """The same motion with its positive sense turned round."""
        return Twist(self.kind, -self.axis, self.point, self.before)

    def velocity(self, points: FloatArray) -> FloatArray:
        """(N, 3) velocities of points (N, 3) per unit of the coordinate."""
        if self.kind == "prismatic":
            return np.broadcast_to(self.axis, points.shape)
        return np.asarray(np.cross(self.axis, points - self.point))

    def rotation(self, coordinate: float) -> FloatArray:
        """(3, 3) rotation at a coordinate, by Rodrigues' formula; the identity of a slide."""
        if self.kind == "prismatic":
            return np.eye(3)
        x, y, z = self.axis
        cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        turned: FloatArray = np.eye(3) + np.sin(coordinate) * cross + (1.0 - np.cos(coordinate)) * (cross @ cross)
        return turned

    def moved(self, points: FloatArray, coordinate: float) -> FloatArray:
        """(N, 3) points at a coordinate, radians or metres."""
        if self.kind == "prismatic":
            return np.asarray(points + (coordinate * self.axis + self.before))
        return np.asarray((points + (self.before - self.point)) @ self.rotation(coordinate).T + self.point)

    def moved_back(self, points: FloatArray, coordinate: float) -> FloatArray:
        """(N, 3) where points that stand still are seen from what moved: the inverse of ``moved``."""
        if self.kind == "prismatic":
            return np.asarray(points - (coordinate * self.axis + self.before))
        return np.asarray((points - self.point) @ self.rotation(coordinate) + (self.point - self.before))

    def distances(self, points: FloatArray) -> FloatArray:
        """(N,) distances of points from the axis line."""
        arms = points - self.point
        return np.asarray(np.linalg.norm(arms - np.outer(arms @ self.axis, self.axis), axis=1))

    def reach(self, points: FloatArray) -> float:
        """Largest speed of the points per unit of the coordinate: metres per radian, or 1."""
        return 1.0 if self.kind == "prismatic" else float(self.distances(points).max(initial=0.0))
