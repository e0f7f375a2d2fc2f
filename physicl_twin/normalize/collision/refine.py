"""Move the faces of convex pieces so that their error against the true surface is balanced around zero.

The hull of a piece of curved wall is exact outside and bulges inside, by the sagitta of the arc; the hull of a
rounded piece with few vertices is exact at its vertices and sunk between them. Both errors have one sign. Shifting each
outer face by its mean signed error more than halves the mean distance, and puts a ball in a bowl at the right height on
average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.hull import MIN_THICKNESS, HullLimits, hull_mesh, planes_of
from physicl_twin.normalize.collision.piece import Piece
from physicl_twin.normalize.collision.sampling import sample_triangles
from physicl_twin.normalize.collision.surface import TrueSurface

#: Samples on each piece; each sees a patch of its face.
_SAMPLES = 220
#: A sample is inside another piece when a point this far outside it is (diagonals), as in fit_error.
_LIFT = 2e-4
#: Share of a piece's smallest extent by which a face may move.
_MOST = 0.35
#: Pull of each vertex towards where it is, against the weight 1 of a typical face.
_STIFFNESS = 1e-3


@dataclass(frozen=True, slots=True)
class _Faces:
    """Polygons of a hull: outward normal, mean signed error and how sure of it we are."""

    normals: FloatArray
    errors: FloatArray
    weights: FloatArray
    corners: NDArray[np.bool_]


def refine(pieces: Sequence[Piece], surface: TrueSurface, limits: HullLimits) -> list[Piece]:
    """Hulls with balanced error; a piece that would break the limits or lose its body stays as it is.

    Args:
        pieces: Hull pieces of one decomposition (primitives are returned unchanged).
        surface: True surface with an inside.
        limits: Vertex and polygon limits.
    """
    drawn = [sample_triangles(p.vertices, p.faces, _SAMPLES) for p in pieces]
    points = np.vstack([d[0] for d in drawn])
    lifted = points + _LIFT * np.vstack([d[1] for d in drawn])
    owner = np.repeat(np.arange(len(pieces)), _SAMPLES)
    outer = np.ones(len(points), dtype=bool)
    for index, piece in enumerate(pieces):
        others = np.flatnonzero(outer & (owner != index))
        outer[others] = ~piece.contains(lifted[others])
    signed = np.zeros(len(points))
    distance = surface.distance(points[outer])
    signed[outer] = np.where(surface.inside(points[outer]), -distance, distance)
    return [
        _moved(piece, points[owner == i], signed[owner == i], limits) if piece.kind == "hull" else piece
        for i, piece in enumerate(pieces)
    ]


def _moved(piece: Piece, points: FloatArray, signed: FloatArray, limits: HullLimits) -> Piece:
    faces = _faces(piece, points, signed)
    before = piece.vertices
    share = faces.corners * faces.weights[:, None]
    systems = np.einsum("fv,fi,fj->vij", share, faces.normals, faces.normals, optimize=True) + _STIFFNESS * np.eye(3)
    wishes = -share.T @ (faces.normals * faces.errors[:, None])
    step = np.linalg.solve(systems, wishes[:, :, None])[:, :, 0]
    most = _MOST * _thickness(piece)
    length = np.linalg.norm(step, axis=1)
    step *= np.minimum(1.0, most / np.maximum(length, 1e-300))[:, None]
    hull = hull_mesh(before + step)
    if hull is None or len(hull[0]) > limits.vertices:
        return piece
    moved = Piece("hull", Pose(), (), hull[0], hull[1], planes_of(*hull))
    if len(moved.planes) > limits.polygons or _thickness(moved) < MIN_THICKNESS * float(np.ptp(hull[0], axis=0).max()):
        return piece
    return moved


def _faces(piece: Piece, points: FloatArray, signed: FloatArray) -> _Faces:
    """Which vertices make each plane of the piece, and the mean signed error of the samples on it."""
    normals, offsets = piece.planes[:, :3], piece.planes[:, 3]
    extent = float(np.ptp(piece.vertices, axis=0).max())
    corners = (offsets[:, None] - normals @ piece.vertices.T) < 1e-3 * extent
    face = np.argmax(points @ normals.T - offsets, axis=1)
    count = np.bincount(face, minlength=len(normals)).astype(float)
    total = np.bincount(face, weights=signed, minlength=len(normals))
    errors = total / np.maximum(count, 1)
    largest = max(float(np.abs(errors).max()), 1e-9)
    # A face without error (a flat base, a cut towards a neighbour) outweighs those that want to move.
    weights = (0.02 + count / len(points)) / (np.abs(errors) + 0.05 * largest) ** 2
    return _Faces(normals, errors, weights / weights.max(), corners)


def _thickness(piece: Piece) -> float:
    """Smallest width of the piece along its face normals."""
    along = piece.vertices @ piece.planes[:, :3].T
    return float(np.ptp(along, axis=0).min())
