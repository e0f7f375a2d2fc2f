"""The kinds of relative motion, what they predict, and how the prediction changes with their parameters.

A child's pose in its parent's frame is X(q) = exp(S q) X_ref: a screw S of the parent's frame, applied to the pose at
q = 0. The ball is the same with a rotation vector in place of axis times angle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.rotations import across, exponential, left_jacobian, logarithm, skew

MotionType = Literal["fixed", "revolute", "prismatic", "screw", "spherical", "free"]
#: Simplest first; of equally likely ones the first is meant.
MOTION_TYPES: tuple[MotionType, ...] = ("fixed", "revolute", "prismatic", "screw", "spherical", "free")
#: Coordinates of a pose that each type has.
FREEDOMS: dict[MotionType, int] = {"fixed": 0, "revolute": 1, "prismatic": 1, "screw": 1, "spherical": 3, "free": 6}


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A kind of motion with its parameters, in the parent's frame.

    Attributes:
        type: Kind.
        rotation: (3, 3) child's axes at q = 0.
        translation: (3,) child's origin at q = 0, metres.
        axis: (3,) unit direction; of a ball or a fixed pair without meaning.
        point: (3,) a point of the axis, or the centre of the ball, metres.
        pitch: Advance of a screw, metres per radian; 0 of the others.
    """

    type: MotionType
    rotation: FloatArray
    translation: FloatArray
    axis: FloatArray
    point: FloatArray
    pitch: float = 0.0

    def predict(self, coordinates: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(N, 3, 3) rotations and (N, 3) translations at (N, m) coordinates, radians or metres."""
        if self.type in ("fixed", "prismatic"):
            rotations = np.broadcast_to(self.rotation, (len(coordinates), 3, 3))
            slide = coordinates * self.axis if self.type == "prismatic" else np.zeros((len(coordinates), 3))
            return rotations, self.translation + slide
        turn = exponential(self._turns(coordinates))
        places = self.point + turn @ (self.translation - self.point)
        if self.type == "screw":
            places = places + self.pitch * coordinates * self.axis
        return turn @ self.rotation, places

    def slopes(self, coordinates: FloatArray) -> tuple[FloatArray, FloatArray]:
        """How the predicted pose moves.

        Args:
            coordinates: (N, m) of the samples.

        Returns:
            (N, 6, p) with the parameters in the order of ``moved`` and (N, 6, m) with the coordinates; rows are the
            left rotation vector and the translation.
        """
        count = len(coordinates)
        here = np.broadcast_to(np.eye(3), (count, 3, 3))
        zero = np.zeros((count, 3, 3))
        if self.type in ("fixed", "prismatic"):
            pose = np.block([[here, zero], [zero, here]])
            if self.type == "fixed":
                return pose, np.zeros((count, 6, 0))
            side, lead = np.zeros((count, 6, 2)), np.zeros((count, 6, 1))
            side[:, 3:] = coordinates[:, :, None] * across(self.axis)
            lead[:, 3:, 0] = self.axis
            return np.concatenate([pose, side], axis=2), lead
        turns = self._turns(coordinates)
        turn = exponential(turns)
        arm = skew(turn @ (self.translation - self.point))
        pose = np.block([[turn, zero], [zero, turn]])
        if self.type == "spherical":
            return np.concatenate([pose, np.concatenate([zero, here - turn], 1)], 2), np.concatenate([here, -arm], 1)
        sides = across(self.axis)
        tilt = left_jacobian(turns) @ sides * coordinates[:, :, None]
        slide = self.pitch * coordinates[:, :, None] * sides
        columns = [
            pose,
            np.concatenate([tilt, slide - arm @ tilt], 1),
            np.concatenate([zero[:, :, :2], (here - turn) @ sides], 1),
        ]
        if self.type == "screw":
            columns.append(np.concatenate([zero[:, :, :1], (coordinates * self.axis)[:, :, None]], 1))
        lead = np.concatenate([here @ self.axis, self.pitch * self.axis - arm @ self.axis], 1)[:, :, None]
        return np.concatenate(columns, axis=2), lead

    def moved(self, step: FloatArray) -> Motion:
        """The motion after a step (p,) of its parameters.

        They are: the pose at q = 0 (rotation vector, translation), then of a ball its centre, of the others the tilt of
        the axis (2), the shift of its point across it (2; not of a slide), and the pitch (1; of a screw).
        """
        turned = exponential(step[None, :3])[0] @ self.rotation
        motion = replace(self, rotation=turned, translation=self.translation + step[3:6])
        if self.type == "spherical":
            return replace(motion, point=self.point + step[6:9])
        if self.type == "fixed":
            return motion
        sides = across(self.axis)
        axis = self.axis + sides @ step[6:8]
        motion = replace(motion, axis=axis / np.linalg.norm(axis))
        if self.type == "prismatic":
            return motion
        motion = replace(motion, point=self.point + sides @ step[8:10])
        return replace(motion, pitch=self.pitch + float(step[10])) if self.type == "screw" else motion

    def advanced(self, coordinates: FloatArray, step: FloatArray) -> FloatArray:
        """Coordinates (N, m) after steps (N, m); of a ball the steps turn from the left."""
        if self.type != "spherical":
            return coordinates + step
        return logarithm(exponential(step) @ exponential(coordinates))

    def from_zero_at(self, coordinate: FloatArray) -> Motion:
        """The same motion with its zero at a coordinate (m,)."""
        rotations, translations = self.predict(np.asarray(coordinate, float)[None])
        return replace(self, rotation=rotations[0].copy(), translation=translations[0].copy())

    def anchored_near(self, place: FloatArray) -> Motion:
        """The same motion with the point of its axis that is nearest to a place (3,)."""
        if self.type not in ("revolute", "screw"):
            return self
        return replace(self, point=self.point + self.axis * float(self.axis @ (place - self.point)))

    def _turns(self, coordinates: FloatArray) -> FloatArray:
        turns: FloatArray = coordinates if self.type == "spherical" else coordinates * self.axis
        return turns
