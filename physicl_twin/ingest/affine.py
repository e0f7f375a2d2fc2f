"""Placements that are not rigid: the part of a transform that goes into the geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.ingest.raw import RawIntegrals
from physicl_twin.model import Mesh
from physicl_twin.model.geometry import FloatArray, Matrix3

#: A linear map nearer to a rotation than this is one (files keep matrices as 32-bit decimals).
_RIGID_TOLERANCE = 1e-5
#: Principal stretches nearer to each other than this are one uniform scale.
_UNIFORM_TOLERANCE = 1e-6
#: A stretch below this share of the largest flattens the geometry.
_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Split:
    """A transform as ``rigid @ stretch``.

    Attributes:
        rigid: (4, 4) rotation and translation.
        stretch: (3, 3) symmetric map to bake into the shape, negative definite for a mirrored placement; None for none.
    """

    rigid: FloatArray
    stretch: FloatArray | None


def split_transform(matrix: FloatArray) -> Split | None:
    """Split an affine transform by its polar decomposition; None when it flattens the geometry.

    A mirror is baked as a point reflection, so that all mirrored placements of a shape share one baked shape whatever
    plane they mirror at.
    """
    linear = matrix[:3, :3]
    u, s, vt = np.linalg.svd(linear)
    if not s[0] > 0 or s[2] <= _FLAT * s[0]:
        return None
    rotation = u @ vt
    mirrored = np.linalg.det(rotation) < 0
    if mirrored:
        rotation = -rotation
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = rotation, matrix[:3, 3]
    if abs(s[0] - 1.0) < _RIGID_TOLERANCE and abs(s[2] - 1.0) < _RIGID_TOLERANCE:
        stretch = None if not mirrored else -np.eye(3)
    elif s[0] - s[2] < _UNIFORM_TOLERANCE * s[0]:
        stretch = (-1.0 if mirrored else 1.0) * float(s.mean()) * np.eye(3)
    else:
        stretch = (-1.0 if mirrored else 1.0) * (vt.T @ np.diag(s) @ vt)
    if stretch is None and np.allclose(linear, np.eye(3), rtol=0.0, atol=1e-12):
        rigid[:3, :3] = np.eye(3)
    return Split(rigid, stretch)


def map_mesh(mesh: Mesh, linear: FloatArray) -> Mesh:
    """The mesh under a linear map; the winding is turned where the map mirrors, so that faces stay outward.

    Args:
        mesh: Any mesh.
        linear: (3, 3), invertible.
    """
    flip = np.linalg.det(linear) < 0
    corners = [0, 2, 1] if flip else [0, 1, 2]
    normals = mesh.normals
    if normals is not None:
        moved = normals[:, corners] @ np.linalg.inv(linear)
        normals = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
    return Mesh(
        mesh.vertices @ linear.T,
        np.ascontiguousarray(mesh.faces[:, corners]) if flip else mesh.faces,
        uvs=None if mesh.uvs is None else mesh.uvs[:, corners],
        normals=normals,
        face_appearance=mesh.face_appearance,
        vertex_colors=mesh.vertex_colors,
    )


def map_integrals(integrals: RawIntegrals, linear: FloatArray) -> RawIntegrals:
    """Integrals of a solid under a linear map, exactly.

    The central second moment S (integral of r r^T) becomes |det A| A S A^T, and the inertia is tr(S) 1 - S.
    """
    scale = abs(float(np.linalg.det(linear)))
    inertia = np.array(integrals.inertia)
    second = 0.5 * np.trace(inertia) * np.eye(3) - inertia
    second = scale * linear @ second @ linear.T
    com = linear @ np.array(integrals.com)
    return RawIntegrals(
        integrals.volume * scale,
        (float(com[0]), float(com[1]), float(com[2])),
        matrix3(np.trace(second) * np.eye(3) - second),
        integrals.relative_error,
        integrals.exact_by,
    )


def matrix3(values: FloatArray) -> Matrix3:
    """A (3, 3) array as nested tuples, symmetrized in the last bit."""
    m = 0.5 * (values + values.T)
    rows = [(float(r[0]), float(r[1]), float(r[2])) for r in m]
    return rows[0], rows[1], rows[2]
