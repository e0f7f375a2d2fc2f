"""How much volume may lie between flat facets and the smooth surface that they stand for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.topology import Edges

_CHUNK = 1_000_000


def facet_gap(vertices: FloatArray, faces: NDArray[np.integer], edges: Edges, smooth_angle_rad: float) -> float:
    """Standard deviation of the volume between facets and the smooth surface that they stand for, m3.

    Across an edge of length L a surface that turns by the small angle θ between facets of width h is an arc over chords
    of length h; the segment between arc and chord has the area h² θ / 12 (c³ / 12 R with θ = c / R), hence the volume
    L h² θ / 12, h being the narrower of the two facets (beside a fillet may lie a wide flat face). The sum over the
    edges of an equilateral tessellation of a sphere is exactly its mean gap times its area, and over the strips of a
    cylinder exactly theirs. Edges that bend by ``smooth_angle_rad`` or more are real edges and count nothing; so do the
    diagonals of flat faces.

    Vertices on the surface put the gap outside where it is convex and inside where it is hollow, so that the two walls
    of a tube cancel in part; whether they are on the surface is unknown. The result is the magnitude of the signed sum,
    and not less than a quarter of the sum of magnitudes (our judgement).

    Args:
        vertices: (V, 3).
        faces: (F, 3).
        edges: Edges of the faces by place.
        smooth_angle_rad: Limit between a facet's edge and a real one.
    """
    first, second = edges.pairs()
    signed = magnitude = 0.0
    for start in range(0, len(first), _CHUNK):
        a, b = first[start : start + _CHUNK], second[start : start + _CHUNK]
        normal_a, normal_b = _area_vectors(vertices, faces[a // 3]), _area_vectors(vertices, faces[b // 3])
        corner = faces[a // 3]
        rows = np.arange(len(a))
        side = vertices[corner[rows, (a + 1) % 3]] - vertices[corner[rows, a % 3]]
        # An unoriented pair shows its angle once the second normal is turned to the first one's sense.
        sense = np.where(edges.forward[a] != edges.forward[b], 1.0, -1.0)
        sine = np.linalg.norm(np.cross(normal_a, normal_b), axis=1)
        angle = np.arctan2(sine, sense * np.einsum("ij,ij->i", normal_a, normal_b))
        length = np.maximum(np.linalg.norm(side, axis=1), np.finfo(float).tiny)
        width_squared = np.minimum(
            np.einsum("ij,ij->i", normal_a, normal_a), np.einsum("ij,ij->i", normal_b, normal_b)
        )  # times length squared
        gap = width_squared / length * angle / 12
        gap = np.where(angle < smooth_angle_rad, gap, 0.0)
        tip = vertices[faces[b // 3][rows, (b + 2) % 3]]
        hollow = np.einsum("ij,ij->i", normal_a, tip - vertices[corner[:, 0]]) > 0
        signed += float(np.where(hollow, -gap, gap).sum())
        magnitude += float(gap.sum())
    return max(abs(signed), 0.25 * magnitude)


def _area_vectors(vertices: FloatArray, faces: NDArray[np.integer]) -> FloatArray:
    """(F, 3) normals of twice the area's length."""
    a = vertices[faces[:, 0]]
    vectors: FloatArray = np.cross(vertices[faces[:, 1]] - a, vertices[faces[:, 2]] - a)
    return vectors
