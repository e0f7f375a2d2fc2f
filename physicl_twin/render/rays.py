"""Rays against triangles: embree where it is installed, trimesh's own caster where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.normals import face_normals

#: Rays handed over at once; bounds the memory of a large picture.
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Hits:
    """Nearest hits of N rays.

    Attributes:
        hit: (N,) True where something was hit; the other arrays mean nothing elsewhere.
        face: (N,) triangle.
        distance: (N,) along the ray, in its direction's unit.
        barycentric: (N, 3) weights of the triangle's corners.
    """

    hit: NDArray[np.bool_]
    face: NDArray[np.int64]
    distance: FloatArray
    barycentric: FloatArray


class Caster:
    """A triangle soup that rays can be shot at.

    Args:
        vertices: (V, 3) positions, any frame and unit.
        faces: (F, 3) indices.
        use_embree: False forces the slow caster (tests).
    """

    def __init__(self, vertices: FloatArray, faces: NDArray[np.integer], *, use_embree: bool = True) -> None:
        self.vertices = np.asarray(vertices, dtype=float)
        self.faces = np.asarray(faces, dtype=np.int64)
        self.face_normal = face_normals(self.vertices, self.faces)
        # Single precision works best around 1: the scene is moved and scaled there.
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        self._centre = 0.5 * (low + high)
        self._scale = 1.0 / max(float(np.linalg.norm(high - low)), 1e-30)
        self._scene: Any = None
        if use_embree:
            self._scene = _embree_scene((self.vertices - self._centre) * self._scale, self.faces)
        self._slow: Any = None
        if self._scene is None:
            import trimesh

            mesh = trimesh.Trimesh(self.vertices, self.faces, process=False)
            self._slow = trimesh.ray.ray_triangle.RayMeshIntersector(mesh)

    @property
    def fast(self) -> bool:
        """True with embree: millions of rays a second instead of thousands."""
        return self._scene is not None

    def closest(self, origins: FloatArray, directions: FloatArray) -> Hits:
        """Nearest hit of each ray; (N, 3) origins and directions."""
        origins, directions = np.broadcast_arrays(np.asarray(origins, float), np.asarray(directions, float))
        if self._scene is None:
            return self._closest_slow(origins, directions)
        parts = [
            self._closest_embree(origins[i : i + _CHUNK], directions[i : i + _CHUNK])
            for i in range(0, max(len(origins), 1), _CHUNK)
        ]
        return Hits(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in ("hit", "face", "distance", "barycentric"))
        )

    def blocked(self, origins: FloatArray, directions: FloatArray, reach: float = np.inf) -> NDArray[np.bool_]:
        """True for each ray that hits anything within ``reach`` (in the directions' unit)."""
        if self._scene is None:
            hits = self.closest(origins, directions)
            return hits.hit & (hits.distance <= reach)
        origins, directions = np.broadcast_arrays(np.asarray(origins, float), np.asarray(directions, float))
        found = np.empty(len(origins), dtype=bool)
        far = float(min(reach * self._scale, 1e30)) if np.isfinite(reach) else 1e30
        for i in range(0, len(origins), _CHUNK):
            start, along = self._local(origins[i : i + _CHUNK], directions[i : i + _CHUNK])
            # embree's own occlusion query does not skip the rest of the bookkeeping in this binding; a bounded closest
            # hit costs the same and has one meaning.
            identifiers = self._scene.run(start, along, dists=np.full(len(start), far, np.float32), query="INTERSECT")
            found[i : i + _CHUNK] = np.asarray(identifiers) >= 0
        return found

    def _local(self, origins: FloatArray, directions: FloatArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        start = np.ascontiguousarray((origins - self._centre) * self._scale, dtype=np.float32)
        return start, np.ascontiguousarray(directions, dtype=np.float32)

    def _closest_embree(self, origins: FloatArray, directions: FloatArray) -> Hits:
        start, along = self._local(origins, directions)
        result = self._scene.run(start, along, query="INTERSECT", output=True)
        face = np.asarray(result["primID"], dtype=np.int64)
        hit = face >= 0
        u, v = np.asarray(result["u"], dtype=float), np.asarray(result["v"], dtype=float)
        distance = np.asarray(result["tfar"], dtype=float) / self._scale
        return Hits(hit, np.where(hit, face, 0), distance, np.stack([1.0 - u - v, u, v], axis=1))

    def _closest_slow(self, origins: FloatArray, directions: FloatArray) -> Hits:
        count = len(origins)
        face, ray, place = self._slow.intersects_id(origins, directions, multiple_hits=False, return_locations=True)
        hits = Hits(np.zeros(count, bool), np.zeros(count, np.int64), np.full(count, np.inf), np.zeros((count, 3)))
        if not len(ray):
            return hits
        hits.hit[ray], hits.face[ray] = True, face
        hits.distance[ray] = np.linalg.norm(place - origins[ray], axis=1) / np.linalg.norm(directions[ray], axis=1)
        hits.barycentric[ray] = _barycentric(self.vertices[self.faces[face]], place)
        return hits


def _embree_scene(vertices: FloatArray, faces: NDArray[np.int64]) -> Any:
    try:
        from embreex.mesh_construction import TriangleMesh
        from embreex.rtcore_scene import EmbreeScene
    except ImportError:
        return None
    scene = EmbreeScene()
    TriangleMesh(scene, np.ascontiguousarray(vertices, dtype=np.float32), np.ascontiguousarray(faces, dtype=np.int32))
    return scene


def _barycentric(triangles: FloatArray, points: FloatArray) -> FloatArray:
    """(N, 3) weights of the corners of (N, 3, 3) triangles at points on them."""
    first, second = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    normal = np.cross(first, second)
    square = np.maximum(np.einsum("ij,ij->i", normal, normal), 1e-300)
    to_point = points - triangles[:, 0]
    v = np.einsum("ij,ij->i", np.cross(to_point, second), normal) / square
    w = np.einsum("ij,ij->i", np.cross(first, to_point), normal) / square
    return np.stack([1.0 - v - w, v, w], axis=1)
