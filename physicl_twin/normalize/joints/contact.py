"""Which pieces touch, where, and in which directions the places face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.pieces import Piece
from physicl_twin.normalize.joints.sweep import touching_depth
from physicl_twin.normalize.joints.twist import Twist

#: Faces are against each other when their normals are opposed to within 45°.
_FACING = -0.7
#: Normal speed over speed up to which a contact slides: facets of a round face stand off it (judgement: 15°).
_SLIDES = {"revolute": 0.27, "prismatic": 0.06}
#: A normal is along the axis from this cosine on; those across it are one flat face's while they agree to this (18°)
_AXIAL, _FLAT = 0.95, 0.95
#: Overlaps up to this depth, metres and share of the thinner piece, are faces drawn into each other (judgement).
_SHALLOW_M, _SHALLOW = 1.2e-3, 0.2
#: Share of a contact's places that must slide (judgement: a few samples sit on chamfers).
_MOST = 0.97


@dataclass(frozen=True, slots=True, eq=False)
class Contact:
    """Where two pieces touch or are in each other.

    Attributes:
        a: Index of one piece.
        b: Index of the other.
        points: (N, 3) places.
        normals: (N, 3) unit, from a to b.
        depths: (N,) how deep the places are in the other piece, metres; 0 where they only touch.
        knotted: True when they cut each other at corners only, which says nothing of how they could move.
    """

    a: int
    b: int
    points: FloatArray
    normals: FloatArray
    depths: FloatArray
    knotted: bool = False

    def slides(self, twist: Twist) -> bool:
        """True when a motion of one piece moves it along the contact, neither into the other nor away from it."""
        if self.knotted:
            return False
        velocity = twist.velocity(self.points)
        speed = np.linalg.norm(velocity, axis=1)
        floor = 0.2 * float(speed.max(initial=0.0))
        if not floor > 0:
            return True
        normal = np.abs(np.einsum("ij,ij->i", velocity, self.normals)) / np.maximum(speed, floor)
        if (normal <= _SLIDES[twist.kind]).mean() < _MOST:
            return False
        return twist.kind == "prismatic" or self._is_round_about(twist)

    def _is_round_about(self, twist: Twist) -> bool:
        """False for a flat contact that only looks round since it is small and beside the axis."""
        along = self.normals @ twist.axis
        across = self.normals[np.abs(along) < _AXIAL]
        if len(across) == 0:
            return True
        across = across - np.outer(across @ twist.axis, twist.axis)
        across /= np.linalg.norm(across, axis=1)[:, None]
        return bool((np.abs(across @ across[0]) < _FLAT).any())

    def parts_with(self, twist: Twist, moving: int) -> bool:
        """True when the motion of ``moving`` leaves or follows the contact everywhere: it opens."""
        if self.knotted:
            return False
        outward = self.normals if moving == self.a else -self.normals
        velocity = twist.velocity(self.points)
        speed = np.maximum(np.linalg.norm(velocity, axis=1), 1e-12)
        return bool((np.einsum("ij,ij->i", velocity, outward) / speed <= _SLIDES[twist.kind]).mean() >= _MOST)

    def lets_go(self, away: Twist, moving: int) -> bool:
        """True when a slide of ``moving`` leaves the contact or goes along it everywhere: nothing is pushed."""
        if self.knotted:
            return False
        outward = self.normals if moving == self.a else -self.normals
        return bool((outward @ away.axis <= _SLIDES["prismatic"]).mean() >= _MOST)


def touch_distance(one: Piece, other: Piece) -> float:
    """Gap up to which two pieces touch, metres (judgement: a thousandth of the smaller, 0.02 to 0.2 mm)."""
    return float(np.clip(1e-3 * min(one.diagonal, other.diagonal), 2e-5, 2e-4))


def contacts_of(pieces: Sequence[Piece]) -> list[Contact]:
    """All contacts between pieces whose bounds touch."""
    low = np.array([piece.bounds[0] for piece in pieces])
    high = np.array([piece.bounds[1] for piece in pieces])
    found = []
    for a in range(len(pieces)):
        reach = 2e-4
        meets = ((low[a] - reach <= high[a + 1 :]) & (high[a] + reach >= low[a + 1 :])).all(axis=1)
        for b in a + 1 + np.flatnonzero(meets):
            contact = contact_between(pieces[a], pieces[int(b)])
            if contact is not None:
                found.append(contact)
    return found


def contact_between(one: Piece, other: Piece) -> Contact | None:
    """The contact of two pieces; None when they do not touch."""
    reach = touch_distance(one, other)
    first = _against(one, other, reach)
    second = _against(other, one, reach)
    points = np.concatenate([first[0], second[0]])
    if len(points) == 0:
        deep = touching_depth(one, other)
        if deep <= reach:
            return None
        inside = other.depth(one.probes) > reach
        points = np.concatenate([one.probes[inside], other.probes[one.depth(other.probes) > reach]])
        return Contact(one.index, other.index, points, np.zeros_like(points), np.full(len(points), deep), True)
    normals = np.concatenate([first[1], -second[1]])
    return Contact(one.index, other.index, points, normals, np.concatenate([first[2], second[2]]))


def _against(one: Piece, other: Piece, reach: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Samples of one piece on or in the other: places, outward normals, depths."""
    points, normals = one.surface
    low, high = other.bounds
    rows = np.flatnonzero(((points >= low - reach) & (points <= high + reach)).all(axis=1))
    if len(rows) == 0:
        return np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0)
    points, normals = points[rows], normals[rows]
    distance, face, _ = other.distance(points)
    facing = np.einsum("ij,ij->i", normals, other.normals[face]) <= _FACING
    touching = (distance <= reach) & facing
    within = (distance > reach) & (other.inside(points) > 0.5)
    kept = touching | within
    deepest = float(distance[within].max(initial=0.0))
    if 0 < deepest <= min(_SHALLOW_M, _SHALLOW * min(one.thickness, other.thickness)) and (kept & facing).any():
        kept &= facing  # drawn a little into each other: the rims that are in the other one say nothing
    return points[kept], normals[kept], np.where(within, distance, 0.0)[kept]
