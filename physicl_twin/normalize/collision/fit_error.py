"""How far collision geometry is from the true surface, measured the same way for every method and every rival."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import CollisionFit
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.cavity import Cavities, find_cavities
from physicl_twin.normalize.collision.narrowing import Walls, find_walls
from physicl_twin.normalize.collision.piece import Piece
from physicl_twin.normalize.collision.sampling import kronecker
from physicl_twin.normalize.collision.surface import TrueSurface

#: A sample is covered when a point this far outside it lies inside another piece (diagonals): faces where two pieces
#: meet are inside the union, faces that two overlapping pieces share on the outside are not.
_LIFT = 2e-4
#: Colliders cover a surface when 99 % of it is no farther than this from one (diagonals; judgement: three quarters of
#: what the check ``collision.covers`` allows the whole body, ``uncovered_max``, because a shape's samples are others).
UNCOVERED = 0.015
#: Likewise of one convex piece: all that the check allows.
UNCOVERED_BY_ONE = 0.02


@dataclass(frozen=True, slots=True)
class Target:
    """What colliders are measured against.

    Attributes:
        surface: The true surface, bounding diagonal 1.
        samples: (N, 3) points on its outer part.
        cavities: Its open cavities.
        walls: The samples around them.
        scale_m: Metres per diagonal.
        filled_limit: Share of a cavity that colliders may fill before it counts as closed.
    """

    surface: TrueSurface
    samples: FloatArray
    cavities: Cavities
    walls: Walls
    scale_m: float
    filled_limit: float


@dataclass(frozen=True, slots=True)
class Fit:
    """Measured error in diagonals.

    Attributes:
        mean: Mean distance from the outer surface of the union of pieces to the true surface.
        p99: 99th percentile of it.
        worst: Largest seen.
        missed_mean: Mean distance from the true outer surface to the surface of the union of pieces.
        missed_p99: 99th percentile of it: large when a part of the object has no collider or lies deep inside one.
        volume_ratio: Volume of the union over the volume of the solid; None for a sheet.
        filled: Largest share of a cavity that lies inside colliders; None without cavities.
        pieces: Number of pieces.
        narrowed: How far colliders bulge from a cavity's wall over the cavity's radius, the worst cavity's; 0 without.
        uncovered: 99th percentile of the distance from the true outer surface to the nearest piece, 0 inside one.
    """

    mean: float
    p99: float
    worst: float
    missed_mean: float
    missed_p99: float
    volume_ratio: float | None
    filled: float | None
    pieces: int
    narrowed: float = 0.0
    uncovered: float = 0.0

    @property
    def error(self) -> float:
        """The larger of the two mean distances."""
        return max(self.mean, self.missed_mean)

    @property
    def tail(self) -> float:
        """The larger of the two 99th percentiles."""
        return max(self.p99, self.missed_p99)

    def record(self, target: Target) -> CollisionFit:
        """As the twin keeps it, in metres."""
        kept = None if self.filled is None else self.filled <= target.filled_limit
        scale = target.scale_m
        return CollisionFit(
            mean_m=self.mean * scale,
            p99_m=self.p99 * scale,
            max_m=self.worst * scale,
            volume_ratio=self.volume_ratio,
            cavity_kept=kept,
            colliders=self.pieces,
            missed_mean_m=self.missed_mean * scale,
            missed_p99_m=self.missed_p99 * scale,
        )


def make_target(surface: TrueSurface, scale_m: float, samples: int, clearance: float, filled_limit: float) -> Target:
    """Sample the true surface and look for cavities, once per shape.

    Args:
        surface: True surface, diagonal 1.
        scale_m: Metres per diagonal.
        samples: Points on the surface, and points thrown into the bounding box.
        clearance: Free space nearer to the surface than this is no cavity (diagonals).
        filled_limit: Share of a cavity that may be filled.
    """
    points, normals = surface.outer_samples(samples)
    cavities = find_cavities(surface, samples, clearance)
    walls = find_walls(surface, cavities, points, normals)
    return Target(surface, points, cavities, walls, scale_m, filled_limit)


def measure(pieces: Sequence[Piece], target: Target, samples: int, with_volume: bool = True) -> Fit:
    """Error of a union of pieces against the true surface, both ways, on fixed samples (volume only when asked)."""
    points = outer_samples(pieces, samples)
    forward = target.surface.distance(points)
    backward, inside = surface_distance(pieces, target.samples)
    volume = target.surface.volume
    return Fit(
        mean=float(forward.mean()),
        p99=float(np.quantile(forward, 0.99)),
        worst=float(forward.max()),
        missed_mean=float(backward.mean()),
        missed_p99=float(np.quantile(backward, 0.99)),
        volume_ratio=union_volume(pieces, samples) / volume if volume and with_volume else None,
        filled=target.cavities.filled(pieces) if target.cavities.count else None,
        pieces=len(pieces),
        narrowed=target.walls.narrowed(pieces),
        uncovered=float(np.quantile(np.where(inside, 0.0, backward), 0.99)),
    )


def outer_samples(pieces: Sequence[Piece], count: int) -> FloatArray:
    """Area-uniform points (≤ count, 3) on the outer surface of the union of pieces."""
    areas = np.array([piece.area for piece in pieces])
    shares = np.maximum(np.round(count * areas / areas.sum()).astype(int), 8)
    drawn = [piece.surface_samples(int(share)) for piece, share in zip(pieces, shares, strict=True)]
    if len(pieces) == 1:
        return drawn[0][0]
    points = np.vstack([p for p, _ in drawn])
    lifted = points + _LIFT * np.vstack([n for _, n in drawn])
    owner = np.repeat(np.arange(len(pieces)), shares)
    covered = np.zeros(len(points), dtype=bool)
    for index, piece in enumerate(pieces):
        open_points = np.flatnonzero(~covered & (owner != index))
        covered[open_points] = piece.contains(lifted[open_points])
    return points[~covered] if not covered.all() else points


def surface_distance(pieces: Sequence[Piece], points: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Distance (N,) of points to the surface of the union, exact outside and the depth in the deepest piece inside.

    Returns:
        The distances, and (N,) True for points inside a piece.
    """
    import igl

    offsets = np.cumsum([0] + [len(p.vertices) for p in pieces])
    vertices = np.vstack([p.vertices for p in pieces])
    faces = np.vstack([p.faces + o for p, o in zip(pieces, offsets[:-1], strict=True)])
    squared = igl.point_mesh_squared_distance(
        np.ascontiguousarray(points), np.ascontiguousarray(vertices), np.ascontiguousarray(faces.astype(np.int64))
    )[0]
    outside = np.sqrt(np.maximum(np.asarray(squared, dtype=float).reshape(-1), 0.0))
    depth = np.zeros(len(points))
    exact: NDArray[np.bool_] = np.zeros(len(points), dtype=bool)
    for piece in pieces:
        near = piece.contains(points)
        if near.any():
            depth[near] = np.maximum(depth[near], -piece.signed_distance(points[near]))
            exact |= near
        if piece.kind not in ("hull", "box"):
            # A round primitive's triangles are only a drawing: its own distance is exact.
            outside = (
                np.minimum(outside, np.abs(piece.signed_distance(points)))
                if len(pieces) > 1
                else np.abs(piece.signed_distance(points))
            )
    return np.where(exact, depth, outside), exact


def union_volume(pieces: Sequence[Piece], count: int) -> float:
    """Volume of the union: each piece's volume, weighted by how many pieces share its interior (Karp and Luby 1985)."""
    volumes = np.array([piece.volume for piece in pieces])
    if len(pieces) == 1:
        return float(volumes[0])
    shares = np.maximum(np.round(count * volumes / volumes.sum()).astype(int), 16)
    points = np.vstack([_volume_samples(p, int(n)) for p, n in zip(pieces, shares, strict=True)])
    owner = np.repeat(np.arange(len(pieces)), shares)
    cover = np.ones(len(points))
    for index, piece in enumerate(pieces):
        others = np.flatnonzero(owner != index)
        cover[others] += piece.contains(points[others])
    return float((volumes[owner] / shares[owner] / cover).sum())


def _volume_samples(piece: Piece, count: int) -> FloatArray:
    """Uniform points (count, 3) in a convex piece: tetrahedra from its centre to its triangles."""
    centre = piece.vertices.mean(axis=0)
    corners = piece.vertices[piece.faces] - centre
    cumulative = np.cumsum(np.abs(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))))
    index = np.searchsorted(cumulative, (np.arange(count) + 0.5) / count * cumulative[-1])
    chosen = corners[np.minimum(index, len(corners) - 1)]
    u = kronecker(count, 3)
    # Distances to the apex go as the cube root, barycentric coordinates in the triangle as for a triangle.
    flip = u[:, :2].sum(axis=1) > 1
    u[flip, :2] = 1 - u[flip, :2]
    on_face = chosen[:, 0] + u[:, :1] * (chosen[:, 1] - chosen[:, 0]) + u[:, 1:2] * (chosen[:, 2] - chosen[:, 0])
    return np.asarray(centre + np.cbrt(u[:, 2:3]) * on_face, dtype=float)
