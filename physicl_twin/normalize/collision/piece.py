"""One convex piece of collision geometry while it is being fitted: inside tests, surface samples, volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Collider, Mesh, Pose
from physicl_twin.model.collision import ColliderKind
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.sampling import cross, kronecker, sample_triangles

FaceArray = NDArray[np.int64]

#: Corner signs of a unit cube and its twelve outward triangles.
_CUBE = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_CUBE_FACES = np.array(
    [
        [0, 1, 3],
        [0, 3, 2],
        [4, 6, 7],
        [4, 7, 5],
        [0, 4, 5],
        [0, 5, 1],
        [2, 3, 7],
        [2, 7, 6],
        [0, 2, 6],
        [0, 6, 4],
        [1, 5, 7],
        [1, 7, 3],
    ]
)
#: Segments around a primitive when it is drawn or given to a routine that wants triangles.
_SEGMENTS = 48


@dataclass(frozen=True, slots=True)
class Piece:
    """A convex solid.

    Attributes:
        kind: Collider kind.
        pose: Frame of the piece in the shape frame; identity for a hull.
        size: As ``Collider.size_m``.
        vertices: (V, 3) shape frame: the hull's vertices, or a tessellation of the primitive.
        faces: (F, 3) outward triangles.
        planes: (P, 4) unit outward normals and offsets, n·x ≤ d inside (hull only; empty for a round primitive).
    """

    kind: ColliderKind
    pose: Pose
    size: tuple[float, ...]
    vertices: FloatArray
    faces: FaceArray
    planes: FloatArray

    def signed_distance(self, points: FloatArray) -> FloatArray:
        """(N,) distance to the surface, negative inside.

        Exact inside and for primitives; outside a hull or a box it is the largest plane distance, a lower bound.
        """
        if self.kind in ("hull", "box"):
            slack: FloatArray = points @ self.planes[:, :3].T - self.planes[:, 3]
            return np.asarray(slack.max(axis=1), dtype=float)
        local = (points - np.asarray(self.pose.position_m)) @ self.pose.rotation()
        if self.kind == "sphere":
            return np.asarray(np.linalg.norm(local, axis=1) - self.size[0], dtype=float)
        radius, half = self.size[0], 0.5 * self.size[1]
        if self.kind == "capsule":
            local[:, 2] -= np.clip(local[:, 2], -half, half)
            return np.asarray(np.linalg.norm(local, axis=1) - radius, dtype=float)
        side = np.hypot(local[:, 0], local[:, 1]) - radius
        cap = np.abs(local[:, 2]) - half
        outside = np.hypot(np.maximum(side, 0.0), np.maximum(cap, 0.0))
        return np.asarray(outside + np.minimum(np.maximum(side, cap), 0.0), dtype=float)

    def contains(self, points: FloatArray, margin: float = 0.0) -> NDArray[np.bool_]:
        """(N,) True for points deeper than ``margin`` inside; points outside the bounding box cost next to nothing."""
        low, high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        slack = 0.02 * float((high - low).max())
        near = np.all((points >= low - slack) & (points <= high + slack), axis=1)
        inside = np.zeros(len(points), dtype=bool)
        if near.any():
            inside[near] = self.signed_distance(points[near]) < -margin
        return inside

    @property
    def volume(self) -> float:
        """Volume, exact."""
        if self.kind == "sphere":
            return 4 / 3 * math.pi * self.size[0] ** 3
        if self.kind == "cylinder":
            return math.pi * self.size[0] ** 2 * self.size[1]
        if self.kind == "capsule":
            return math.pi * self.size[0] ** 2 * (self.size[1] + 4 / 3 * self.size[0])
        corners = self.vertices[self.faces] - self.vertices.mean(axis=0)
        return float(np.einsum("ij,ij->i", corners[:, 0], cross(corners[:, 1], corners[:, 2])).sum() / 6)

    @property
    def area(self) -> float:
        """Surface area, exact."""
        if self.kind == "sphere":
            return 4 * math.pi * self.size[0] ** 2
        if self.kind == "cylinder":
            return 2 * math.pi * self.size[0] * (self.size[0] + self.size[1])
        if self.kind == "capsule":
            return 2 * math.pi * self.size[0] * (self.size[1] + 2 * self.size[0])
        corners = self.vertices[self.faces]
        normal_area = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return float(np.linalg.norm(normal_area, axis=1).sum() / 2)

    def surface_samples(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Area-uniform points (count, 3) on the surface and their outward normals, the same ones each time."""
        if self.kind in ("hull", "box"):
            return sample_triangles(self.vertices, self.faces, count)
        u = kronecker(count, 2)
        angle = 2 * np.pi * u[:, 1]
        ring = np.column_stack([np.cos(angle), np.sin(angle)])
        order = (np.arange(count) + 0.5) / count
        if self.kind == "cylinder":
            local, normals = _cylinder_samples(ring, order, u[:, 0], self.size[0], self.size[1])
        else:
            length = self.size[1] if self.kind == "capsule" else 0.0
            # A capsule's side has the area of a sphere's belt of the same height: sample one height over both.
            height = (order - 0.5) * (length + 2 * self.size[0])
            core = np.clip(height, -0.5 * length, 0.5 * length)
            rise = (height - core) / self.size[0]
            normals = np.column_stack([ring * np.sqrt(np.maximum(1 - rise**2, 0.0))[:, None], rise])
            local = normals * self.size[0] + np.column_stack([np.zeros((count, 2)), core])
        return self.pose.apply(local), normals @ self.pose.rotation().T

    def scaled(self, scale: float, origin: FloatArray) -> Piece:
        """The piece at ``scale`` · x + ``origin``."""
        position = scale * np.asarray(self.pose.position_m) + (origin if self.kind != "hull" else 0.0)
        planes = self.planes.copy()
        if len(planes):
            planes[:, 3] = scale * planes[:, 3] + planes[:, :3] @ origin
        return replace(
            self,
            pose=Pose((float(position[0]), float(position[1]), float(position[2])), self.pose.quaternion_wxyz),
            size=tuple(scale * s for s in self.size),
            vertices=scale * self.vertices + origin,
            planes=planes,
        )

    def collider(self, name: str) -> Collider:
        """The piece as a collider of the twin, under that name."""
        if self.kind != "hull":
            return Collider(name, self.kind, self.pose, self.size)
        mesh = Mesh(self.vertices, self.faces.astype(np.int32))
        return Collider(name, "hull", Pose(), (), mesh.sha256(), mesh)


def _cylinder_samples(
    ring: FloatArray, order: FloatArray, radial: FloatArray, radius: float, length: float
) -> tuple[FloatArray, FloatArray]:
    cap_share = radius / (2 * (radius + length))
    low, high = order < cap_share, order > 1 - cap_share
    cap = low | high
    along = np.where(cap, np.sign(order - 0.5) * 0.5, (order - 0.5) / max(1 - 2 * cap_share, 1e-12))
    reach = np.where(cap, np.sqrt(radial), 1.0)
    local = np.column_stack([ring * (radius * reach)[:, None], along * length])
    normals = np.where(
        cap[:, None], np.column_stack([0 * ring, np.sign(order - 0.5)]), np.column_stack([ring, 0 * order])
    )
    return local, normals


def box_piece(pose: Pose, size: tuple[float, float, float]) -> Piece:
    """A box from its pose and full edge lengths."""
    rotation, centre = pose.rotation(), np.asarray(pose.position_m)
    normals = np.vstack([rotation.T, -rotation.T])
    offsets = normals @ centre + 0.5 * np.asarray(size * 2)
    return Piece(
        "box", pose, size, pose.apply(_CUBE * np.asarray(size)), _CUBE_FACES, np.column_stack([normals, offsets])
    )


def round_piece(kind: ColliderKind, pose: Pose, size: tuple[float, ...]) -> Piece:
    """A sphere, cylinder or capsule from its pose (axis z) and size."""
    radius, half = size[0], 0.5 * (size[1] if len(size) > 1 else 0.0)
    if kind == "cylinder":
        levels = [(radius, -half), (radius, half)]
    else:
        quarter = np.linspace(0, 0.5 * np.pi, 13)[:-1]
        # A capsule has a ring at both ends of its side, a sphere one at its equator.
        below = quarter[::-1] if half > 0 else quarter[:0:-1]
        levels = [(radius * math.cos(a), -radius * math.sin(a) - half) for a in below]
        levels += [(radius * math.cos(a), radius * math.sin(a) + half) for a in quarter]
    angle = 2 * np.pi * np.arange(_SEGMENTS) / _SEGMENTS
    rings = [np.column_stack([r * np.cos(angle), r * np.sin(angle), np.full(_SEGMENTS, z)]) for r, z in levels]
    poles = np.array([[0, 0, -half], [0, 0, half]]) + np.array([[0, 0, -1], [0, 0, 1]]) * (
        0 if kind == "cylinder" else radius
    )
    vertices = np.vstack([*rings, poles])
    k, n = np.arange(_SEGMENTS), (np.arange(_SEGMENTS) + 1) % _SEGMENTS
    last = len(levels) * _SEGMENTS
    faces = [
        np.column_stack([k * 0 + last, n, k]),
        np.column_stack([k * 0 + last + 1, last - _SEGMENTS + k, last - _SEGMENTS + n]),
    ]
    for i in range(len(levels) - 1):
        a, b = i * _SEGMENTS, (i + 1) * _SEGMENTS
        faces += [np.column_stack([a + k, a + n, b + n]), np.column_stack([a + k, b + n, b + k])]
    return Piece(kind, pose, size, pose.apply(vertices), np.vstack(faces), np.zeros((0, 4)))
