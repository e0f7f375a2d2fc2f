"""Rows of a mesh kept together: each change of faces or vertices carries UVs, normals, appearances, colours along."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Mesh
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.topology import Indices, Mask


def take_faces(mesh: Mesh, index: NDArray[np.generic]) -> Mesh:
    """The mesh with only the faces of an index or mask, in that order."""
    return replace(
        mesh,
        faces=mesh.faces[index],
        uvs=None if mesh.uvs is None else mesh.uvs[index],
        normals=None if mesh.normals is None else mesh.normals[index],
        face_appearance=None if mesh.face_appearance is None else mesh.face_appearance[index],
    )


def join_faces(first: Mesh, second: Mesh) -> Mesh:
    """Faces of two meshes over the same vertices, the first's in front; both have the same attributes."""

    def joined[Scalar: np.generic](a: NDArray[Scalar] | None, b: NDArray[Scalar] | None) -> NDArray[Scalar] | None:
        return None if a is None or b is None else np.concatenate([a, b])

    return replace(
        first,
        faces=np.concatenate([first.faces, second.faces]),
        uvs=joined(first.uvs, second.uvs),
        normals=joined(first.normals, second.normals),
        face_appearance=joined(first.face_appearance, second.face_appearance),
    )


def flip_faces(mesh: Mesh, mask: Mask) -> Mesh:
    """Reverse the winding of some faces. Their corner normals turn round only where they point to the new inside."""
    order = np.array([0, 2, 1])

    def swapped[Array: NDArray[np.generic]](rows: Array) -> Array:
        rows = rows.copy()
        rows[mask] = rows[mask][:, order]
        return rows

    faces = swapped(mesh.faces)
    uvs = None if mesh.uvs is None else swapped(mesh.uvs)
    normals = mesh.normals
    if normals is not None:
        normals = swapped(normals)
        corners = mesh.vertices[faces[mask]]
        outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        against = np.einsum("fj,fj->f", normals[mask].sum(axis=1), outward) < 0
        rows = np.flatnonzero(mask)[against]
        normals[rows] = -normals[rows]
    return replace(mesh, faces=faces, uvs=uvs, normals=normals)


def map_vertices(mesh: Mesh, new_index: Indices, keep: Indices) -> Mesh:
    """The mesh over the vertices ``keep``, face corners renumbered by ``new_index`` (old vertex to new)."""
    return replace(
        mesh,
        vertices=mesh.vertices[keep],
        faces=new_index[mesh.faces].astype(np.int32),
        vertex_colors=None if mesh.vertex_colors is None else mesh.vertex_colors[keep],
    )


def patch_faces(mesh: Mesh, faces: Indices, donor_half: Indices, normal: FloatArray) -> Mesh:
    """A mesh of new faces whose corners take their attributes from existing ones.

    Args:
        mesh: The mesh that is patched.
        faces: (P, 3) vertex indices of the new faces.
        donor_half: (P, 3) corner (3 f + c) of an existing face that has the same vertex: gives the UV; the first
            corner's face gives the appearance.
        normal: (P, 3) flat normals.
    """
    return replace(
        mesh,
        faces=faces.astype(np.int32),
        uvs=None if mesh.uvs is None else mesh.uvs.reshape(-1, 2)[donor_half],
        normals=None if mesh.normals is None else np.repeat(normal[:, None, :], 3, axis=1),
        face_appearance=None if mesh.face_appearance is None else mesh.face_appearance[donor_half[:, 0] // 3],
    )
