"""Convex hulls and the mass integrals of triangulated solids."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, IntArray


def convex_hull(points: FloatArray, name: str) -> tuple[FloatArray, IntArray]:
    """Vertices (V, 3) and outward triangles (F, 3) of the convex hull of points (P, 3).

    Args:
        points: Metres.
        name: Of the collider, for the message.

    Raises:
        EngineError: ``engine_refused_stage`` when the points span no volume.
    """
    from scipy.spatial import ConvexHull, QhullError

    low, high = points.min(axis=0), points.max(axis=0)
    size = float((high - low).max())
    try:
        if size == 0.0:
            raise QhullError("all points are one")
        # Qhull's tolerances are absolute: work at unit size, so that a 1 mm screw is as good as a 10 m beam.
        hull = ConvexHull((points - low) / size)
    except QhullError as error:
        raise EngineError(
            "engine_refused_stage",
            f"The collider {name} spans no volume, so it has no convex hull.",
            "Give it a thickness or leave the collider out.",
        ) from error
    vertices = points[hull.vertices]
    renumber = np.zeros(len(points), np.int32)
    renumber[hull.vertices] = np.arange(len(hull.vertices))
    faces = renumber[hull.simplices]
    corner = vertices[faces]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    inward = np.einsum("ij,ij->i", normal, hull.equations[:, :3]) < 0
    faces[inward] = faces[inward][:, ::-1]
    return vertices, faces.astype(np.int32)


def extreme_points(points: FloatArray, count: int) -> FloatArray:
    """At most ``count`` of points (P, 3): the farthest along ``count`` directions spread evenly over the sphere."""
    # Fibonacci lattice: equal steps in height, golden-angle steps around.
    k = np.arange(count) + 0.5
    height, angle = 1.0 - 2.0 * k / count, np.pi * (1.0 + np.sqrt(5.0)) * k
    radius = np.sqrt(1.0 - height**2)
    directions = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])
    chosen = {int(np.argmax(points @ direction)) for direction in directions}
    return points[sorted(chosen)]


def solid_integrals(vertices: FloatArray, faces: IntArray) -> tuple[float, FloatArray, FloatArray]:
    """Volume (m3), centroid (3,) and second moment (3, 3) about it (integral of r r^T dV, m5) of a closed mesh.

    Sums signed tetrahedra from a point inside: V = det/6, and the second moment of a tetrahedron (0, a, b, c) is
    V/20 (a a^T + b b^T + c c^T + s s^T) with s = a + b + c.
    """
    reference = vertices.mean(axis=0)
    a, b, c = (vertices[faces[:, k]] - reference for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0
    total = float(volume.sum())
    s = a + b + c
    centroid = (volume[:, None] * s).sum(axis=0) / (4.0 * total)
    moment = sum(np.einsum("i,ij,ik->jk", volume, x, x) for x in (a, b, c, s)) / 20.0
    moment = moment - total * np.outer(centroid, centroid)
    return total, centroid + reference, moment
