"""The true surface that colliders are measured against: distance, inside test, ray visibility, samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.sampling import fibonacci_directions, kronecker, sample_triangles

#: Winding number from which a point counts as inside the solid (half a turn: the middle between out, 0, and in, 1).
_INSIDE = 0.5
#: A ray starts this far from its surface, and a point this near to a surface counts as on it (diagonals).
_TOUCH = 2e-4


class TrueSurface:
    """A triangle mesh with bounding diagonal 1 around the origin, and the queries that fitting needs.

    Args:
        vertices: (V, 3) in diagonals.
        faces: (F, 3) counter-clockwise from outside.
        volume: Volume of the solid in cubed diagonals; None when it has none (open sheets).
    """

    def __init__(self, vertices: FloatArray, faces: NDArray[np.integer], volume: float | None) -> None:
        import igl
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene

        self.vertices = np.ascontiguousarray(vertices, dtype=np.float64)
        self.faces = np.ascontiguousarray(faces, dtype=np.int64)
        self.volume = volume
        self._tree: Any = igl.AABB()
        self._tree.init(self.vertices, self.faces)
        self._winding: Any = igl.FastWindingNumberBVH()
        self._winding.init(self.vertices, self.faces)
        self._scene: Any = EmbreeScene()
        # The scene borrows the mesh: keep both alive.
        self._triangles: Any = TriangleMesh(self._scene, self.vertices[self.faces].astype(np.float32))

    def distance(self, points: FloatArray) -> FloatArray:
        """(N,) exact unsigned distance from points to the surface."""
        if not len(points):
            return np.zeros(0)
        squared = self._tree.squared_distance(self.vertices, self.faces, np.ascontiguousarray(points))[0]
        distance: FloatArray = np.sqrt(np.maximum(np.asarray(squared, dtype=float).reshape(-1), 0.0))
        return distance

    def inside(self, points: FloatArray) -> NDArray[np.bool_]:
        """(N,) True for points inside the solid by the generalised winding number (holes in the mesh do not matter)."""
        if not len(points):
            return np.zeros(0, dtype=bool)
        winding = self._winding.winding_number(np.ascontiguousarray(points))
        return np.asarray(winding, dtype=float).reshape(-1) > _INSIDE

    def hits(self, origins: FloatArray, directions: FloatArray) -> NDArray[np.bool_]:
        """(N,) True when the ray from each origin in its direction (any length) meets the surface."""
        if not len(origins):
            return np.zeros(0, dtype=bool)
        found = self._scene.run(origins.astype(np.float32), directions.astype(np.float32))
        return np.asarray(found) >= 0

    def blocked(self, starts: FloatArray, ends: FloatArray) -> NDArray[np.bool_]:
        """(N,) True when the surface stands between each start and its end."""
        if not len(starts):
            return np.zeros(0, dtype=bool)
        span = ends - starts
        length = np.linalg.norm(span, axis=1)
        unit = span / np.maximum(length, 1e-12)[:, None]
        reach = self._scene.run(starts.astype(np.float32), unit.astype(np.float32), query="DISTANCE")
        return np.asarray(np.asarray(reach) < length, dtype=bool)

    def sees_outside(self, points: FloatArray) -> NDArray[np.bool_]:
        """(N,) True for points in free space that a path, seen from point to point, joins with the outside.

        A bottle's inside is open: it sees its neck, the neck sees the sky. A sealed void sees neither.

        Args:
            points: (N, 3) outside the solid.
        """
        from scipy.spatial import cKDTree

        directions = fibonacci_directions(32)
        origins = np.repeat(points, len(directions), axis=0)
        hits = self.hits(origins, np.tile(directions, (len(points), 1))).reshape(len(points), -1)
        is_open = np.asarray((~hits).any(axis=1), dtype=np.bool_).reshape(-1)
        while is_open.any() and not is_open.all():
            closed = np.flatnonzero(~is_open)
            opened = np.flatnonzero(is_open)
            count = min(12, len(opened))
            _, nearest = cKDTree(points[opened]).query(points[closed], k=count)
            targets = opened[np.asarray(nearest).reshape(len(closed), count)]
            sight = ~self.blocked(np.repeat(points[closed], count, axis=0), points[targets].reshape(-1, 3))
            found = closed[sight.reshape(len(closed), count).any(axis=1)]
            if not len(found):
                break
            is_open[found] = True
        return is_open

    def outer_samples(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Points (≤ count, 3) and normals on the part of the surface that something outside can touch.

        Walls between overlapping shells and the walls of sealed voids are left out, unless that leaves nothing.
        """
        points, normals = sample_triangles(self.vertices, self.faces, count)
        if self.volume is None:
            return points, normals
        lifted = points + 2 * _TOUCH * normals
        free = ~self.inside(lifted)
        free[free] = self.sees_outside(lifted[free])
        return (points[free], normals[free]) if free.any() else (points, normals)

    def free_points(self, count: int, clearance: float) -> FloatArray:
        """Points (≤ count, 3) inside the convex hull, outside the solid, at least ``clearance`` from the surface."""
        from physicl_twin.normalize.collision.hull import HullLimits, hull_piece

        # A hull of few planes is near enough to tell where to look.
        planes = hull_piece(self.vertices, HullLimits(vertices=128, polygons=256)).planes
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        points = low + kronecker(count, 3) * (high - low)
        points = points[(points @ planes[:, :3].T < planes[:, 3] - clearance).all(axis=1)]
        if self.volume is not None:
            points = points[~self.inside(points)]
        return np.asarray(points[self.distance(points) > clearance], dtype=float)
