"""Triangles without area: removed so that no crack opens where they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from physicl_twin.model import Mesh
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.attributes import join_faces, take_faces
from physicl_twin.normalize.topology import Edges, Indices, Mask

#: Spacing of float32 numbers relative to their size: USD stores points as float32, so a triangle lower than this times
#: the coordinates has no area there.
FLOAT32_SPACING = float(np.finfo(np.float32).eps)
_ROUNDS = 16


def collapsed(faces: Indices) -> Mask:
    """(F,) True for a face that names a vertex twice."""
    same: Mask = (faces[:, 0] == faces[:, 1]) | (faces[:, 1] == faces[:, 2]) | (faces[:, 2] == faces[:, 0])
    return same


def flat(vertices: FloatArray, faces: Indices) -> tuple[Mask, Indices]:
    """Faces whose height over their longest side vanishes in float32, and the corner where that side starts."""
    corners = vertices[faces]
    sides = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    longest = np.argmax(sides, axis=1)
    double_area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]),
        axis=1,
    )
    spacing = FLOAT32_SPACING * float(np.abs(vertices).max(initial=0.0))
    length = np.take_along_axis(sides, longest[:, None], axis=1)[:, 0]
    return double_area <= spacing * length, longest.astype(np.int64)


def dissolve_slivers(mesh: Mesh, ids: Indices) -> Mesh:
    """Remove flat triangles of three distinct corners.

    A flat triangle lies on its longest side, its third corner in between. Taken out alone it would leave that side
    facing two shorter ones: a crack. So the neighbour across the long side is split at the third corner first. Where
    there is no single neighbour the triangle is simply taken out.

    Args:
        mesh: The mesh.
        ids: (V,) place of each vertex (``position_ids``).
    """
    for _ in range(_ROUNDS):
        places = ids[mesh.faces]
        is_flat, longest = flat(mesh.vertices, mesh.faces.astype(np.int64))
        if not is_flat.any():
            return mesh
        slivers = np.flatnonzero(is_flat)
        edges = Edges.of(places)
        side = 3 * slivers + longest[slivers]
        edge = edges.of_half[side]
        first = edges.order[edges.start[edge]]
        second = edges.order[np.minimum(edges.start[edge] + 1, len(edges.order) - 1)]
        across = np.where(first == side, second, first)
        neighbour = across // 3
        splits = (edges.count[edge] == 2) & ~is_flat[neighbour]
        # One split a neighbour and a round; a sliver on a sliver waits until the other one is gone.
        order = np.flatnonzero(splits)
        order = order[np.unique(neighbour[order], return_index=True)[1]]
        if len(order) == 0:
            return take_faces(mesh, ~is_flat)
        mesh = _split(mesh, slivers[order], longest[slivers[order]], neighbour[order], across[order] % 3)
    is_flat, _ = flat(mesh.vertices, mesh.faces.astype(np.int64))
    return take_faces(mesh, ~is_flat)


def _split(mesh: Mesh, slivers: Indices, longest: Indices, neighbour: Indices, corner: Indices) -> Mesh:
    """Split each neighbour's side (from ``corner``) at the sliver's third corner and drop the slivers."""
    rows = np.arange(len(slivers))
    tip = mesh.faces[slivers, (longest + 2) % 3]
    after = (corner + 1) % 3
    start_point = mesh.vertices[mesh.faces[neighbour, corner]]
    side = mesh.vertices[mesh.faces[neighbour, after]] - start_point
    along = np.einsum("ij,ij->i", mesh.vertices[tip] - start_point, side) / np.einsum("ij,ij->i", side, side)
    near, far = take_faces(mesh, neighbour), take_faces(mesh, neighbour)

    def blended(values: FloatArray) -> FloatArray:
        mixed: FloatArray = values[rows, corner] * (1 - along[:, None]) + values[rows, after] * along[:, None]
        return mixed

    for half, replaced in ((near, after), (far, corner)):
        half.faces[rows, replaced] = tip
        if mesh.uvs is not None and half.uvs is not None:
            half.uvs[rows, replaced] = blended(mesh.uvs[neighbour])
        if mesh.normals is not None and half.normals is not None:
            direction = blended(mesh.normals[neighbour])
            half.normals[rows, replaced] = direction / np.maximum(
                np.linalg.norm(direction, axis=1, keepdims=True), np.finfo(float).tiny
            )
    keep = np.ones(len(mesh.faces), dtype=bool)
    keep[slivers] = False
    # The near halves take the neighbours' rows, so that the order of the other faces stays as it was.
    base = replace(
        mesh,
        faces=mesh.faces.copy(),
        uvs=None if mesh.uvs is None else mesh.uvs.copy(),
        normals=None if mesh.normals is None else mesh.normals.copy(),
    )
    base.faces[neighbour] = near.faces
    if base.uvs is not None and near.uvs is not None:
        base.uvs[neighbour] = near.uvs
    if base.normals is not None and near.normals is not None:
        base.normals[neighbour] = near.normals
    return join_faces(take_faces(base, keep), far)
