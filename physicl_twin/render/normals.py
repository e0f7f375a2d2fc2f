"""Shading normals: given ones kept where they make sense, others derived with a crease angle."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Mesh
from physicl_twin.model.geometry import FloatArray


def face_normals(vertices: FloatArray, faces: NDArray[np.integer]) -> FloatArray:
    """(F, 3) unit normals by the right-hand rule; (0, 0, 1) for a triangle without area."""
    corners = np.asarray(vertices, dtype=float)[faces]
    return _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))


def corner_normals(mesh: Mesh, crease_angle_deg: float) -> FloatArray:
    """(F, 3, 3) unit normals per face corner.

    Given normals are kept, except where one points to the back of its own face: there the face's normal takes over.
    Derived normals are means over the faces around a vertex, weighted by the angle at the vertex, that can be reached
    over edges flatter than ``crease_angle_deg``; so a cube stays sharp and a sphere is smooth.

    Args:
        mesh: Triangles, any frame.
        crease_angle_deg: Edges whose faces turn by more than this stay sharp, degrees.
    """
    flat = face_normals(mesh.vertices, mesh.faces)
    if mesh.normals is not None:
        given = np.asarray(mesh.normals, dtype=float)
        length = np.linalg.norm(given, axis=2, keepdims=True)
        usable = np.isfinite(length) & (length > 1e-6)
        given = np.where(usable, given / np.where(usable, length, 1.0), 0.0)
        agrees = np.einsum("fcx,fx->fc", given, flat) > 0.0
        return np.where(agrees[:, :, None], given, flat[:, None, :])
    return _derived(mesh, flat, math.cos(math.radians(crease_angle_deg)))


def _derived(mesh: Mesh, flat: FloatArray, crease_cosine: float) -> FloatArray:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    faces = np.asarray(mesh.faces)
    count = len(faces)
    # Half-edges: corner c of a face starts the edge to corner c + 1.
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    low, high = np.minimum(start, end).astype(np.int64), np.maximum(start, end).astype(np.int64)
    order = np.argsort(low * (int(faces.max()) + 1) + high, kind="stable")
    key = (low * (int(faces.max()) + 1) + high)[order]
    twin = np.flatnonzero(key[1:] == key[:-1])
    first, second = order[twin], order[twin + 1]
    # Faces that share the edge in the same sense are flipped against each other and stay apart.
    smooth = (start[first] == end[second]) & (
        np.einsum("ij,ij->i", flat[first // 3], flat[second // 3]) > crease_cosine
    )
    first, second = first[smooth], second[smooth]
    following = np.arange(3 * count).reshape(count, 3)[:, [1, 2, 0]].ravel()
    rows, columns = np.concatenate([first, following[first]]), np.concatenate([following[second], second])
    links = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(3 * count, 3 * count))
    groups, label = connected_components(links, directed=False)
    weighted = (flat[:, None, :] * _corner_angles(mesh)[:, :, None]).reshape(-1, 3)
    total = np.zeros((groups, 3))
    for axis in range(3):
        total[:, axis] = np.bincount(label, weighted[:, axis], groups)
    corner = _unit(total)[label].reshape(count, 3, 3)
    agrees = np.einsum("fcx,fx->fc", corner, flat) > 0.0
    return np.where(agrees[:, :, None], corner, flat[:, None, :])


def _corner_angles(mesh: Mesh) -> FloatArray:
    """(F, 3) angle of each triangle at each corner, radians."""
    corners = np.asarray(mesh.vertices, dtype=float)[mesh.faces]
    ahead = _unit(np.roll(corners, -1, axis=1) - corners)
    back = _unit(np.roll(corners, 1, axis=1) - corners)
    angles: FloatArray = np.arccos(np.clip(np.einsum("fcx,fcx->fc", ahead, back), -1.0, 1.0))
    return angles


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    good = length > 1e-300
    unit: FloatArray = np.where(good, vectors / np.where(good, length, 1.0), np.array([0.0, 0.0, 1.0]))
    return unit
