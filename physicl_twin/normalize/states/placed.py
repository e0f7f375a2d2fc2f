"""A part as it stands in one state, and what of its shape does not depend on where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from physicl_twin.model import Mesh, Pose, Twin
from physicl_twin.model.geometry import FloatArray, IntArray

#: Two shapes are alike when their areas, volumes and moments agree to this share (judgement: float32 coordinates, and
#: the tessellation of a CAD kernel, which is the same for the same shape).
_ALIKE = 2e-3
#: Points that stand for a surface.
_POINTS = 400


@dataclass(frozen=True, eq=False)
class Placed:
    """A part in one state, in the twin's frame.

    Attributes:
        name: Of the part.
        pose: Of the shape.
        mesh: Of the shape.
    """

    name: str
    pose: Pose
    mesh: Mesh

    @cached_property
    def vertices(self) -> FloatArray:
        """(V, 3) in the twin's frame."""
        return self.pose.apply(self.mesh.vertices)

    @property
    def faces(self) -> IntArray:
        """(F, 3)."""
        return self.mesh.faces

    @cached_property
    def sha256(self) -> str:
        """Of the mesh in its own frame."""
        return self.mesh.sha256()

    @cached_property
    def centre(self) -> FloatArray:
        """(3,) centroid of the surface."""
        weights, middles = self._weighted
        centre: FloatArray = weights @ middles / weights.sum()
        return centre

    @cached_property
    def features(self) -> FloatArray:
        """(8,) lengths that no rigid motion changes.

        Roots of area, of signed volume and of the sorted second moments of the surface, the farthest corner from the
        centre, and the root of the third moment about the centre (a mirrored part has the same; its fit tells).
        """
        weights, middles = self._weighted
        area = float(weights.sum())
        a, b, c = (self.vertices[self.faces[:, k]] - self.centre for k in range(3))
        volume = float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)
        off = middles - self.centre
        moments = np.linalg.eigvalsh((weights[:, None] * off).T @ off / area)
        far = np.linalg.norm(self.vertices - self.centre, axis=1)
        third = float((weights * np.linalg.norm(off, axis=1) ** 3).sum() / area)
        lengths = [np.sqrt(area), np.cbrt(abs(volume)), *np.sqrt(np.maximum(moments, 0)), far.max(), np.cbrt(third)]
        return np.array(lengths)

    @cached_property
    def size(self) -> float:
        """Diagonal of its bounds, metres."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))

    @cached_property
    def points(self) -> FloatArray:
        """(P, 3) corners and points of the surface, at most some hundreds."""
        weights, middles = self._weighted
        corners = np.unique(self.vertices, axis=0)
        if len(corners) > _POINTS:
            corners = corners[np.linspace(0, len(corners) - 1, _POINTS).astype(int)]
        if len(middles) > _POINTS:
            middles = middles[np.argsort(-weights, kind="stable")[:_POINTS]]
        return np.concatenate([corners, middles])

    def alike(self, other: Placed) -> bool:
        """True when a rigid motion (or a mirror) may take one shape to the other."""
        if self.sha256 == other.sha256:
            return True
        scale = max(float(self.features.max()), float(other.features.max()))
        return bool(np.abs(self.features - other.features).max() < _ALIKE * scale)

    def distance(self, points: FloatArray) -> FloatArray:
        """(N,) distance of points to the surface, metres."""
        squared = self._tree.squared_distance(self._rows, self._triangles, np.ascontiguousarray(points, float))[0]
        distances: FloatArray = np.sqrt(np.maximum(np.asarray(squared, float), 0.0))
        return distances

    def holds(self, points: FloatArray) -> bool:
        """True when one of the points lies inside (generalized winding number; Barill et al., ACM TOG 37, 2018)."""
        import igl

        tree = igl.FastWindingNumberBVH()
        tree.init(self._rows, self._triangles)
        numbers = np.asarray(tree.winding_number(np.ascontiguousarray(points, dtype=float)))
        return bool((numbers > 0.5).any())

    @cached_property
    def _rows(self) -> FloatArray:
        return np.ascontiguousarray(self.vertices, dtype=float)

    @cached_property
    def _triangles(self) -> Any:
        return np.ascontiguousarray(self.faces, dtype=np.int64)

    @cached_property
    def _tree(self) -> Any:
        import igl

        tree = igl.AABB()
        tree.init(self._rows, self._triangles)
        return tree

    @cached_property
    def _weighted(self) -> tuple[FloatArray, FloatArray]:
        """(F,) areas and (F, 3) centroids of the triangles."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        areas = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
        return np.maximum(areas, 1e-18), (a + b + c) / 3


def placed_parts(twin: Twin) -> list[Placed]:
    """The parts of a twin that have triangles, in its frame."""
    found = []
    for body in twin.bodies:
        for part in body.parts:
            mesh = twin.shape(part.shape).mesh
            if mesh is not None and len(mesh.faces):
                found.append(Placed(part.name, body.pose.compose(part.pose), mesh))
    return found
