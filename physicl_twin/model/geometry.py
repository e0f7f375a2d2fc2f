"""Geometry as the stages hand it along: meshes in metres, poses, and the integrals of a solid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.estimate import Estimate, Evidence

Vector3 = tuple[float, float, float]
Matrix3 = tuple[Vector3, Vector3, Vector3]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Pose:
    """A rigid placement.

    Attributes:
        position_m: Translation, metres.
        quaternion_wxyz: Unit quaternion, scalar first.
    """

    position_m: Vector3 = (0.0, 0.0, 0.0)
    quaternion_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)

    @classmethod
    def from_matrix(cls, matrix: FloatArray) -> Pose:
        """Pose of a (4, 4) homogeneous rigid transform (column vectors)."""
        r = np.asarray(matrix, dtype=float)[:3, :3]
        # Shepperd's method: divide by the largest component, so that no rotation is near a singularity.
        choices = np.array([np.trace(r), r[0, 0], r[1, 1], r[2, 2]])
        i = int(np.argmax(choices))
        if i == 0:
            q = np.array([1 + choices[0], r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
        else:
            j, k, m = i - 1, i % 3, (i + 1) % 3
            q = np.zeros(4)
            q[0] = r[m, k] - r[k, m]
            q[1 + j] = 1 + r[j, j] - r[k, k] - r[m, m]
            q[1 + k] = r[k, j] + r[j, k]
            q[1 + m] = r[m, j] + r[j, m]
        q = q / np.linalg.norm(q)
        if q[0] < 0:
            q = -q
        p = np.asarray(matrix, dtype=float)[:3, 3]
        return cls((float(p[0]), float(p[1]), float(p[2])), (float(q[0]), float(q[1]), float(q[2]), float(q[3])))

    def rotation(self) -> FloatArray:
        """(3, 3) rotation matrix."""
        w, x, y, z = self.quaternion_wxyz
        return np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )

    def matrix(self) -> FloatArray:
        """(4, 4) homogeneous transform (column vectors)."""
        m = np.eye(4)
        m[:3, :3] = self.rotation()
        m[:3, 3] = self.position_m
        return m

    def apply(self, points: FloatArray) -> FloatArray:
        """Transform points (N, 3) from the local frame to the parent frame."""
        moved: FloatArray = np.asarray(points, dtype=float) @ self.rotation().T + np.asarray(self.position_m)
        return moved

    def compose(self, child: Pose) -> Pose:
        """Pose of ``child`` (given in this frame) in the parent frame."""
        return Pose.from_matrix(self.matrix() @ child.matrix())

    @property
    def is_identity(self) -> bool:
        """True for the exact identity."""
        return self.position_m == (0.0, 0.0, 0.0) and self.quaternion_wxyz == (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A triangle mesh. Arrays are read-only by convention; equality is by content.

    Attributes:
        vertices: (V, 3) positions, metres once the units are decided (source units straight from a reader).
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        uvs: (F, 3, 2) texture coordinates per face corner (USD orientation: v up), or None.
        normals: (F, 3, 3) unit normals per face corner, or None (then they are derived).
        face_appearance: (F,) index into ``Shape.appearances``, or None when the shape has one.
        vertex_colors: (V, 3) linear RGB in 0..1, or None.
    """

    vertices: FloatArray
    faces: IntArray
    uvs: FloatArray | None = None
    normals: FloatArray | None = None
    face_appearance: IntArray | None = None
    vertex_colors: FloatArray | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mesh) and self.sha256() == other.sha256()

    def __hash__(self) -> int:
        return hash(self.sha256())

    def sha256(self) -> str:
        """Hash of positions (as float32) and topology: equal for two meshes that draw the same triangles."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.vertices, dtype=np.float32).tobytes())
        digest.update(np.ascontiguousarray(self.faces, dtype=np.int32).tobytes())
        return digest.hexdigest()

    def bounds(self) -> FloatArray:
        """(2, 3) minimum and maximum corner."""
        return np.array([self.vertices.min(axis=0), self.vertices.max(axis=0)])


@dataclass(frozen=True, slots=True)
class GeometrySummary:
    """What is worth knowing of a mesh without loading it (it lives in the USD payload, not in twin.json).

    Attributes:
        sha256: ``Mesh.sha256`` of the mesh.
        vertices: Vertex count.
        faces: Triangle count.
        area_m2: Surface area.
        low_m: Minimum corner, shape frame.
        high_m: Maximum corner, shape frame.
        watertight: True when each edge has exactly two faces.
        bodies: Number of connected shells.
        repairs: What was done to the source geometry, in order, in words.
    """

    sha256: str
    vertices: int
    faces: int
    area_m2: float
    low_m: Vector3
    high_m: Vector3
    watertight: bool
    bodies: int
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SolidProperties:
    """Integrals of a solid region at unit density.

    Attributes:
        volume: m3, with its uncertainty.
        com_m: Centroid, shape frame.
        inertia_m5: (3, 3) inertia about the centroid at density 1 kg/m3 (multiply by density for kg m2).
        evidence: How it was computed.
    """

    volume: Estimate
    com_m: Vector3
    inertia_m5: Matrix3
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """A piece of geometry that one or more parts place (an instance each).

    Attributes:
        name: Unique in the twin.
        geometry: Summary of the mesh; set by normalize.
        appearances: Names of ``Appearance`` entries that the mesh's faces use; one for most shapes.
        brep: Exact integrals from a CAD kernel, when the source has them.
        solid: The integrals that mass is derived from; set by normalize.
        mesh: The triangles; not part of twin.json and not compared (the summary's hash is).
    """

    name: str
    appearances: tuple[str, ...] = ()
    geometry: GeometrySummary | None = None
    brep: SolidProperties | None = None
    solid: SolidProperties | None = None
    mesh: Mesh | None = field(default=None, compare=False, repr=False, metadata={"json": False})
