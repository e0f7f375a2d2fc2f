"""Round faces of a piece: pins and holes, found on the facets that a tessellated cylinder leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.pieces import Piece
from physicl_twin.normalize.topology import Indices, components

#: Triangles that bend less than this lie in one plane, radians (judgement: 0.5°, rounding of a file).
_FLAT = np.radians(0.5)
#: Facets of a cylinder bend at most so much, radians (judgement: 7 facets on a circle and more).
_MOST_BEND = np.radians(52.0)
#: Edges of one cylinder are parallel to within this cosine (1.5°).
_PARALLEL = float(np.cos(np.radians(1.5)))
#: Corners lie this near the circle, as a share of its radius (judgement).
_ROUNDNESS = 0.02
#: A round face goes at least so far round, radians (judgement: a knuckle is open on one side, a fillet is a quarter).
_LEAST_COVERAGE = np.radians(150.0)
#: Radius over the piece's diagonal beyond which a bend is a bulge of the shape and no bearing (judgement).
_LARGEST = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Cylinder:
    """A round face.

    Attributes:
        piece: Index of the piece.
        point: (3,) on its axis, in the middle.
        axis: (3,) unit direction; its sign means nothing.
        radius: Metres, of the corners.
        low: Where it begins along the axis, from ``point``.
        high: Where it ends.
        convex: True for a pin, False for a hole.
        coverage: How far it goes round, radians.
    """

    piece: int
    point: FloatArray
    axis: FloatArray
    radius: float
    low: float
    high: float
    convex: bool
    coverage: float

    @property
    def length(self) -> float:
        """Along the axis, metres."""
        return self.high - self.low


def cylinders_of(piece: Piece) -> list[Cylinder]:
    """All round faces of a piece that go at least 150° round, largest first."""
    pair, ends, angle = piece.bends
    flat = angle < _FLAT
    facet = components(len(piece.faces), pair[flat, 0], pair[flat, 1])
    bend = np.flatnonzero((angle >= _FLAT) & (angle <= _MOST_BEND) & (facet[pair[:, 0]] != facet[pair[:, 1]]))
    if len(bend) < 4:
        return []
    tail, head = piece.vertices[ends[bend, 0]], piece.vertices[ends[bend, 1]]
    lengths = np.linalg.norm(head - tail, axis=1)
    usable = lengths > 1e-9 * max(piece.diagonal, 1e-9)
    bend, tail, head, lengths = bend[usable], tail[usable], head[usable], lengths[usable]
    direction = (head - tail) / lengths[:, None]
    group = _strips(facet, pair[bend], direction)
    found = []
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        if len(rows) >= 4:
            made = _fitted(piece, pair[bend[rows]], tail[rows], head[rows], direction[rows])
            if made is not None:
                found.append(made)
    return sorted(found, key=lambda one: -one.radius * one.length)


def _strips(facet: Indices, faces: Indices, direction: FloatArray) -> Indices:
    """(B,) group of each bent edge: edges of one facet that are parallel belong to one cylinder."""
    count = len(faces)
    edge = np.tile(np.arange(count), 2)
    owner = facet[np.concatenate([faces[:, 0], faces[:, 1]])]
    order = np.argsort(owner, kind="stable")
    edge, owner = edge[order], owner[order]
    a: list[Indices] = []
    b: list[Indices] = []
    for gap in (1, 2, 3):
        same = np.flatnonzero(owner[gap:] == owner[:-gap])
        first, second = edge[same], edge[same + gap]
        parallel = np.abs(np.einsum("ij,ij->i", direction[first], direction[second])) > _PARALLEL
        a.append(first[parallel])
        b.append(second[parallel])
    return components(count, np.concatenate(a), np.concatenate(b))


def _fitted(piece: Piece, faces: Indices, tail: FloatArray, head: FloatArray, direction: FloatArray) -> Cylinder | None:
    """The cylinder through bent edges; None when they lie on none."""
    axis = direction[0] * 1.0
    signs = np.sign(direction @ axis)
    axis = (direction * signs[:, None]).sum(axis=0)
    axis /= np.linalg.norm(axis)
    if np.abs(direction @ axis).min() < _PARALLEL:
        return None
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    points = np.concatenate([tail, head])
    origin = points.mean(axis=0)
    flat = np.stack([(points - origin) @ side, (points - origin) @ other], axis=1)
    circle = _circle(flat)
    if circle is None:
        return None
    centre, radius = circle
    if radius > _LARGEST * piece.diagonal:
        return None
    off = np.abs(np.linalg.norm(flat - centre, axis=1) - radius)
    if off.max() > _ROUNDNESS * radius:
        return None
    coverage = _coverage(np.arctan2(flat[:, 1] - centre[1], flat[:, 0] - centre[0]))
    if coverage < _LEAST_COVERAGE:
        return None
    middle = origin + centre[0] * side + centre[1] * other
    along = (points - middle) @ axis
    low, high = float(along.min()), float(along.max())
    outward = piece.normals[faces[:, 0]]
    arms = piece.corners[faces[:, 0]].mean(axis=1) - middle
    convex = float(np.einsum("ij,ij->", outward, arms - np.outer(arms @ axis, axis))) > 0
    half = 0.5 * (high - low)
    return Cylinder(piece.index, middle + 0.5 * (low + high) * axis, axis, radius, -half, half, convex, coverage)


def _circle(points: FloatArray) -> tuple[FloatArray, float] | None:
    """Least-squares circle (Kåsa 1976): x² + y² + a x + b y + c = 0."""
    scale = float(np.abs(points).max())
    if not scale > 0:
        return None
    unit = points / scale
    system = np.column_stack([unit, np.ones(len(unit))])
    solved, _, rank, _ = np.linalg.lstsq(system, -(unit**2).sum(axis=1), rcond=None)
    if rank < 3:
        return None
    centre = -0.5 * solved[:2]
    squared = float(centre @ centre - solved[2])
    return (centre * scale, float(np.sqrt(squared)) * scale) if squared > 0 else None


def _coverage(angles: FloatArray) -> float:
    """How far round the angles go: all the way when no gap is much wider than the others."""
    unique = np.unique(np.round(np.mod(angles, 2 * np.pi), 4))
    if len(unique) < 4:
        return 0.0
    gaps = np.diff(np.append(unique, unique[0] + 2 * np.pi))
    widest = float(gaps.max())
    return 2 * np.pi if widest < 1.7 * float(np.median(gaps)) else 2 * np.pi - widest
