"""Which bodies overlap, and how deep, by their colliders."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Body, Pose, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.dynamics.convex import Convex, collider_points, convex, penetration


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two bodies of which colliders overlap.

    Attributes:
        body0: Index of one body, the smaller.
        body1: Index of the other.
        depth_m: Depth of the deepest pair of colliders.
    """

    body0: int
    body1: int
    depth_m: float


class Hulls:
    """The colliders of some bodies as polyhedra, each built when it is first asked for.

    Args:
        pieces: For each body, (P, 3) corners of each of its colliders in the body's frame.
    """

    def __init__(self, pieces: tuple[tuple[FloatArray, ...], ...]) -> None:
        self._corners = pieces
        self._built: dict[tuple[int, int], Convex | None] = {}
        self._boxes = tuple(_boxes(corners) for corners in pieces)

    @classmethod
    def of(cls, twin: Twin) -> Hulls:
        """Of the bodies of a twin, with the meshes of its hulls; a hull whose mesh is gone is left out."""
        return cls(tuple(tuple(_corners(body)) for body in twin.bodies))

    def piece(self, body: int, index: int) -> Convex | None:
        """A collider as a polyhedron, body frame; None when it has no volume."""
        if (body, index) not in self._built:
            self._built[body, index] = convex(self._corners[body][index])
        return self._built[body, index]

    def has(self, body: int) -> bool:
        """True for a body with colliders."""
        return bool(self._corners[body])

    def overlaps(
        self,
        poses: tuple[Pose, ...],
        deeper_than_m: float,
        skip: Collection[frozenset[int]] = (),
        only: Collection[int] | None = None,
    ) -> tuple[Overlap, ...]:
        """Pairs of bodies that overlap by more than a depth, in order of the bodies.

        Args:
            poses: Of the bodies.
            deeper_than_m: Depths up to this are contact.
            skip: Pairs of indices that are not looked at.
            only: Bodies of which exactly one must be in each pair (what moved against what did not); None for all.
        """
        matrices = [pose.matrix() for pose in poses]
        boxes = [_moved_boxes(box, matrix) for box, matrix in zip(self._boxes, matrices, strict=True)]
        found = []
        for i, j in self._near(boxes, deeper_than_m):
            if frozenset((i, j)) in skip or (only is not None and (i in only) == (j in only)):
                continue
            depth = self._depth(i, j, matrices, boxes, deeper_than_m)
            if depth > deeper_than_m:
                found.append(Overlap(i, j, depth))
        return tuple(found)

    def _near(self, boxes: list[FloatArray], margin_m: float) -> Iterator[tuple[int, int]]:
        """Pairs of bodies whose boxes overlap by more than the margin along every axis."""
        whole = np.array(
            [[b[:, 0].min(axis=0), b[:, 1].max(axis=0)] if len(b) else np.full((2, 3), np.nan) for b in boxes]
        ).reshape(-1, 2, 3)
        for i in range(len(boxes)):
            with np.errstate(invalid="ignore"):
                share = np.minimum(whole[i, 1], whole[i + 1 :, 1]) - np.maximum(whole[i, 0], whole[i + 1 :, 0])
            for j in np.flatnonzero((share > margin_m).all(axis=1)):
                yield i, i + 1 + int(j)

    def _depth(self, i: int, j: int, matrices: list[FloatArray], boxes: list[FloatArray], margin_m: float) -> float:
        """Depth of the deepest pair of colliders of two bodies, or minus infinity."""
        share = np.minimum(boxes[i][:, None, 1], boxes[j][None, :, 1]) - np.maximum(
            boxes[i][:, None, 0], boxes[j][None, :, 0]
        )
        deepest = -np.inf
        relative = np.linalg.inv(matrices[i]) @ matrices[j]
        moved: dict[int, Convex] = {}
        for a, b in np.argwhere((share > margin_m).all(axis=2)):
            first, second = self.piece(i, int(a)), self.piece(j, int(b))
            if first is None or second is None:
                continue
            if int(b) not in moved:
                moved[int(b)] = second.moved(relative)
            deepest = max(deepest, penetration(first, moved[int(b)]))
        return float(deepest)


def _corners(body: Body) -> Iterator[FloatArray]:
    for part in body.parts:
        for collider in part.collision.colliders if part.collision is not None else ():
            if collider.kind != "hull" or collider.hull is not None:
                yield part.pose.apply(collider.pose.apply(collider_points(collider)))


def _boxes(corners: tuple[FloatArray, ...]) -> FloatArray:
    """(P, 2, 3) boxes around the pieces, body frame."""
    if not corners:
        return np.zeros((0, 2, 3))
    return np.array([[points.min(axis=0), points.max(axis=0)] for points in corners])


def _moved_boxes(boxes: FloatArray, matrix: FloatArray) -> FloatArray:
    """(P, 2, 3) boxes along the axes around boxes that were moved."""
    centre, half = boxes.mean(axis=1), 0.5 * (boxes[:, 1] - boxes[:, 0])
    centre = centre @ matrix[:3, :3].T + matrix[:3, 3]
    half = half @ np.abs(matrix[:3, :3]).T
    return np.stack([centre - half, centre + half], axis=1)


def tolerance_m(twin: Twin, ratio: float, floor_m: float) -> float:
    """Depth up to which colliders that overlap are only in contact: a share of its size, a floor at least."""
    points = [
        body.pose.apply(part.pose.apply(np.array([shape.geometry.low_m, shape.geometry.high_m])))
        for body in twin.bodies
        for part in body.parts
        if (shape := twin.shape(part.shape)).geometry is not None
    ]
    if not points:
        return floor_m
    return max(floor_m, ratio * float(np.linalg.norm(np.ptp(np.concatenate(points), axis=0))))
