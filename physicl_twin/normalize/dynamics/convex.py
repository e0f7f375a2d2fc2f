"""How deep two convex polyhedra overlap: the separating axis test, exact for polyhedra.

The depth is the least overlap over all directions in which two polyhedra can touch: the face normals of either, and the
cross products of two edges that form a face of the Minkowski difference (D. Gregorius, The Separating Axis Test between
Convex Polyhedra, Game Developers Conference 2013: such edges' arcs cross on the Gauss map). Round shapes are polyhedra
of enough corners.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Collider
from physicl_twin.model.geometry import FloatArray

#: Cosine from which two neighbouring triangles are one face.
_SAME_FACE = 1 - 1e-7
#: A polyhedron with more corners is reduced to those that are farthest in so many directions.
_CORNERS = 96
#: Corners on each circle of a cylinder or capsule, and of a sphere in all.
_CIRCLE, _SPHERE = 24, 96


@dataclass(frozen=True, slots=True, eq=False)
class Convex:
    """A convex polyhedron.

    Attributes:
        vertices: (V, 3).
        normals: (F, 3) outward unit normals of its faces, each once.
        offsets: (F,) n · x = offset on the face.
        edges: (E, 3) unit directions.
        points: (E, 3) a point of each edge.
        sides: (E, 2, 3) normals of the two faces at each edge.
    """

    vertices: FloatArray
    normals: FloatArray
    offsets: FloatArray
    edges: FloatArray
    points: FloatArray
    sides: FloatArray

    def moved(self, matrix: FloatArray) -> Convex:
        """The same polyhedron after a rigid (4, 4) motion."""
        r, t = matrix[:3, :3], matrix[:3, 3]
        normals = self.normals @ r.T
        return Convex(
            self.vertices @ r.T + t,
            normals,
            self.offsets + normals @ t,
            self.edges @ r.T,
            self.points @ r.T + t,
            self.sides @ r.T,
        )

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Least and greatest corner of the box around it."""
        return self.vertices.min(axis=0), self.vertices.max(axis=0)


def convex(points: FloatArray) -> Convex | None:
    """The convex hull of points (P, 3), or None when they span no volume."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(points)
        if len(hull.vertices) > _CORNERS:
            kept = np.unique(np.argmax(points[hull.vertices] @ _directions(_CORNERS).T, axis=0))
            hull = ConvexHull(points[hull.vertices][kept])
    except (QhullError, ValueError):
        return None
    corners = hull.points
    normals, face_of = _faces(hull.equations)
    edges, places, sides = [], [], []
    for face, neighbours in enumerate(hull.neighbors):
        for slot, other in enumerate(neighbours):
            if other <= face or face_of[face] == face_of[other]:
                continue
            a, b = (corners[hull.simplices[face][k]] for k in range(3) if k != slot)
            length = float(np.linalg.norm(b - a))
            if length > 0:
                edges.append((b - a) / length)
                places.append(a)
                sides.append((normals[face_of[face]], normals[face_of[other]]))
    offsets = (corners @ normals.T).max(axis=0)
    return Convex(corners[hull.vertices], normals, offsets, np.array(edges), np.array(places), np.array(sides))


def _faces(equations: FloatArray) -> tuple[FloatArray, list[int]]:
    """Distinct normals of a hull's triangles, and the index of each triangle's."""
    normals: list[FloatArray] = []
    index: list[int] = []
    for row in equations:
        alike = np.array(normals).reshape(-1, 3) @ row[:3] >= _SAME_FACE
        if alike.any():
            index.append(int(alike.argmax()))
        else:
            index.append(len(normals))
            normals.append(row[:3])
    return np.array(normals), index


def penetration(first: Convex, second: Convex) -> float:
    """Depth to which two polyhedra overlap, metres: how far one must be moved, at least, for them to part.

    Zero or negative when they are apart; then it is minus a lower bound of their distance.
    """
    low0, high0 = first.bounds
    low1, high1 = second.bounds
    box = float(np.minimum(high0 - low1, high1 - low0).min())
    if box <= 0:
        return box
    depth = min(box, _over_faces(first, second), _over_faces(second, first))
    if depth <= 0:
        return depth
    return min(depth, _over_edges(first, second))


def _over_faces(first: Convex, second: Convex) -> float:
    """Least overlap along the face normals of the first."""
    return float((first.offsets - (second.vertices @ first.normals.T).min(axis=0)).min())


def _over_edges(first: Convex, second: Convex) -> float:
    """Least overlap along the cross products of edges that meet on the Gauss map; infinite when there are none."""
    if not len(first.edges) or not len(second.edges):
        return np.inf
    # Arc a-b of the first and arc c-d of the second, mirrored, cross when each separates the other's ends.
    a, b = first.sides[:, 0], first.sides[:, 1]
    c, d = -second.sides[:, 0], -second.sides[:, 1]
    ab, cd = np.cross(a, b), np.cross(c, d)
    ca, da = ab @ c.T, ab @ d.T
    ac, bc = a @ cd.T, b @ cd.T
    meet = (ca * da < 0) & (ac * bc < 0) & (ca * bc > 0)
    i, j = np.nonzero(meet)
    if not len(i):
        return np.inf
    axes = np.cross(first.edges[i], second.edges[j])
    length = np.linalg.norm(axes, axis=1)
    good = length > 1e-9
    i, j, axes = i[good], j[good], axes[good] / length[good, None]
    if not len(i):
        return np.inf
    outward = np.einsum("ka,ka->k", axes, a[i] + b[i])
    axes = np.where(outward[:, None] < 0, -axes, axes)
    overlap = np.einsum("ka,ka->k", axes, first.points[i] - second.points[j])
    return float(overlap.min())


def _directions(count: int) -> FloatArray:
    """(count, 3) directions spread over the sphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    radius, angle = np.sqrt(1 - z * z), np.pi * (1 + 5**0.5) * k
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), z])


def collider_points(collider: Collider) -> FloatArray:
    """(P, 3) corners of a collider in its own frame; round ones reach a per cent of their radius in or out of the true
    surface.

    Raises:
        ValueError: For a hull whose mesh is not there.
    """
    if collider.kind == "hull":
        if collider.hull is None:
            raise ValueError(f"The hull of {collider.name} is not there.")
        return collider.hull.vertices
    if collider.kind == "box":
        half = 0.5 * np.array(collider.size_m)
        corners: FloatArray = half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return corners
    radius = collider.size_m[0]
    if collider.kind == "sphere":
        return radius * _directions(_SPHERE)
    length = collider.size_m[1]
    if collider.kind == "capsule":
        ball = radius * _directions(_SPHERE)
        ends = [ball[s * ball[:, 2] > 0] + [0, 0, s * length / 2] for s in (-1, 1)]
        rims = [_circle(radius, s * length / 2) for s in (-1, 1)]
        return np.concatenate(ends + rims)
    return np.concatenate([_circle(radius, s * length / 2) for s in (-1, 1)])


def _circle(radius: float, z: float) -> FloatArray:
    angle = np.linspace(0.0, 2 * np.pi, _CIRCLE, endpoint=False)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.full(_CIRCLE, z)])
