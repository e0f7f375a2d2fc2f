"""Coarse colliders for the fall: an object's convex pieces joined into few, which hold the true ones.

How a heap falls together hardly depends on the last millimetre of its shapes, but costs what its pieces cost. So the
objects fall with coarse pieces and come to rest with the true ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from physicl_twin.engines.hull import convex_hull, extreme_points
from physicl_twin.model import Mesh
from physicl_twin.model.geometry import FloatArray

#: Most pieces, and the share of the object's volume that a join may add when there are no more
#: (judgements).
MOST, _ADDED = 6, 0.03
#: Corners of a piece. Its triangles are then at most 64, as many polygons as a hull for PhysX's GPU may have
#: (PhysX 5.6 documentation, PxConvexMeshDesc).
_CORNERS = 34
#: Those along fixed directions, with which it begins (judgement). All along fixed directions left a scanned bottle
#: 8 mm too small.
_FIRST = 14
#: Nearest pieces with which a join is weighed.
_NEAR = 12


def coarse_hulls(hulls: Sequence[Mesh]) -> tuple[Mesh, ...]:
    """Few convex pieces that hold the given ones.

    The two pieces whose common hull adds the least volume are joined, as long as there are more than ``MOST`` or the
    join adds next to nothing.

    Args:
        hulls: Convex pieces of one object.
    """
    points = {index: _reduced(hull.vertices) for index, hull in enumerate(hulls)}
    volume = {index: _volume(corners) for index, corners in points.items()}
    allowed = _ADDED * sum(volume.values())
    costs: dict[tuple[int, int], float] = {}

    def consider(piece: int) -> None:
        middle = points[piece].mean(axis=0)
        others = [other for other in points if other != piece]
        others.sort(key=lambda other: float(np.linalg.norm(points[other].mean(axis=0) - middle)))
        for other in others[:_NEAR]:
            pair = (min(piece, other), max(piece, other))
            if pair not in costs:
                costs[pair] = _volume(np.vstack([points[piece], points[other]])) - volume[piece] - volume[other]

    for piece in points:
        consider(piece)
    for fresh in itertools.count(len(hulls)):
        if len(points) == 1:
            break
        i, j = min(costs, key=lambda pair: (costs[pair], pair))
        if len(points) <= MOST and costs[(i, j)] > allowed:
            break
        points[fresh] = _reduced(np.vstack([points.pop(i), points.pop(j)]))
        volume[fresh] = _volume(points[fresh])
        costs = {pair: cost for pair, cost in costs.items() if i not in pair and j not in pair}
        consider(fresh)
    return tuple(Mesh(*convex_hull(corners, "coarse")) for corners in points.values())


def _reduced(corners: FloatArray) -> FloatArray:
    """At most ``_CORNERS`` corners whose hull holds the given ones: the farthest out join, and the rest is swelling."""
    if len(corners) <= _CORNERS:
        return corners
    chosen = extreme_points(corners, _FIRST)
    while True:
        vertices, faces = convex_hull(chosen, "coarse")
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        normals = np.cross(b - a, c - a)
        centre = vertices.mean(axis=0)
        reach = np.einsum("ij,ij->i", normals, a - centre)
        # How far each corner is out, in distances of the faces from the centre.
        out = ((corners - centre) @ normals.T / reach).max(axis=1)
        if len(chosen) >= _CORNERS or out.max() <= 1.0:
            return np.asarray(centre + max(1.0, float(out.max())) * (vertices - centre), dtype=float)
        chosen = np.vstack([chosen, corners[int(np.argmax(out))]])


def _volume(corners: FloatArray) -> float:
    from manifold3d import Manifold

    return float(Manifold.hull_points(corners).volume())
