"""Pockets, bores and handles of an object: the free space that colliders must leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.piece import Piece
from physicl_twin.normalize.collision.sampling import fibonacci_directions
from physicl_twin.normalize.collision.surface import TrueSurface

#: Planes that are tried through each point besides the coordinate planes and the object's principal planes.
_PLANES = 18
#: Rays in each plane. The first four decide for most points that they are not ringed.
_RAYS = 12
#: A pocket with fewer sample points is noise of the sampling.
_FEWEST_POINTS = 8


@dataclass(frozen=True, slots=True)
class Cavities:
    """Sample points in the open cavities of an object.

    Attributes:
        points: (N, 3) diagonals.
        pocket: (N,) which cavity each belongs to, 0 … count - 1.
        count: Number of cavities.
    """

    points: FloatArray
    pocket: NDArray[np.int64]
    count: int

    def thinned(self, most: int) -> tuple[NDArray[np.int64], FloatArray]:
        """Pocket numbers (M,) and points (M, 3) with at most ``most`` points in each pocket."""
        kept = [np.flatnonzero(self.pocket == p) for p in range(self.count)]
        index = np.concatenate([own[:: max(1, -(-len(own) // max(most, 8)))] for own in kept])
        return self.pocket[index], self.points[index]

    def filled(self, pieces: Sequence[Piece]) -> float:
        """Largest share of a cavity's points that lies inside a collider, 0..1; 0 when there is no cavity."""
        if not self.count:
            return 0.0
        inside = np.zeros(len(self.points), dtype=bool)
        for piece in pieces:
            inside |= piece.contains(self.points)
        share = np.bincount(self.pocket, weights=inside, minlength=self.count) / np.bincount(
            self.pocket, minlength=self.count
        )
        return float(share.max())


def find_cavities(surface: TrueSurface, samples: int, clearance: float) -> Cavities:
    """Open cavities: free space inside the hull that the object closes around like a ring.

    A point is in a cavity when there is a plane through it in which every ray hits the object: that holds inside cups,
    crates, bottles, bores, bolt holes and handles, and not in the corner of an angle or beside a chair's leg. Sealed
    voids do not count: nothing can get in.

    Args:
        surface: The object.
        samples: Points to throw into the bounding box.
        clearance: Points nearer to the surface are not used (diagonals): a collider may bulge that much.
    """
    points = surface.free_points(samples, clearance)
    if not len(points):
        return _NONE
    ringed = _ringed(points, surface)
    points = points[ringed]
    return _pockets(points[surface.sees_outside(points)], surface, samples) if len(points) else _NONE


def _ringed(points: FloatArray, surface: TrueSurface) -> NDArray[np.bool_]:
    """(N,) True when in some plane through the point every ray hits the object."""
    _, _, principal = np.linalg.svd(surface.vertices - surface.vertices.mean(axis=0), full_matrices=False)
    normals = np.vstack([np.eye(3), principal, fibonacci_directions(2 * _PLANES)[:_PLANES]])
    ringed = np.zeros(len(points), dtype=bool)
    for normal in normals:
        side = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
        side /= np.linalg.norm(side)
        angles = 2 * np.pi * np.arange(_RAYS) / _RAYS
        rays = np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * np.cross(normal, side)
        quarter = np.arange(0, _RAYS, _RAYS // 4)
        alive = np.flatnonzero(~ringed)
        for group in (quarter, np.setdiff1d(np.arange(_RAYS), quarter)):
            hits = surface.hits(np.repeat(points[alive], len(group), axis=0), np.tile(rays[group], (len(alive), 1)))
            alive = alive[hits.reshape(len(alive), len(group)).all(axis=1)]
        ringed[alive] = True
    return ringed


def _pockets(points: FloatArray, surface: TrueSurface, samples: int) -> Cavities:
    """Group points that see their neighbours into cavities; tiny groups are dropped."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    if len(points) < _FEWEST_POINTS:
        return _NONE
    box = float(np.prod(np.maximum(np.ptp(surface.vertices, axis=0), 1e-3)))
    # Three times the mean spacing of the samples: neighbours in one pocket are nearer than that.
    pairs = cKDTree(points).query_pairs(3.0 * (box / samples) ** (1 / 3), output_type="ndarray")
    pairs = pairs[~surface.blocked(points[pairs[:, 0]], points[pairs[:, 1]])]
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points)))
    _, label = connected_components(graph, directed=False)
    kept = np.flatnonzero(np.bincount(label) >= _FEWEST_POINTS)
    own = np.isin(label, kept)
    return Cavities(points[own], np.searchsorted(kept, label[own]).astype(np.int64), len(kept))


_NONE = Cavities(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), 0)
