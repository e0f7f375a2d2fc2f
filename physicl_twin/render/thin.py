"""Huge meshes thinned for a picture: vertices gathered in grid cells finer than a pixel, memory linear and bounded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Mesh, Pose
from physicl_twin.model.geometry import FloatArray

#: First grid, in cells along the diagonal of the scene; finer than the pixels of the pictures that we make.
_CELLS = 1600


def thinned(placed: list[tuple[Mesh, Pose]], max_faces: int) -> list[Mesh]:
    """The meshes, as they are or with together about ``max_faces`` triangles at most.

    Args:
        placed: Meshes with their placement in the scene; one mesh may be placed many times.
        max_faces: Budget for all placements together.
    """
    if sum(len(mesh.faces) for mesh, _ in placed) <= max_faces:
        return [mesh for mesh, _ in placed]
    corners = np.concatenate([pose.apply(_corners(mesh)) for mesh, pose in placed])
    diagonal = float(np.linalg.norm(np.ptp(corners, axis=0)))
    cells = _CELLS
    while True:
        known: dict[int, Mesh] = {}
        result = []
        for mesh, _ in placed:
            if id(mesh) not in known:
                known[id(mesh)] = clustered(mesh, diagonal / cells)
            result.append(known[id(mesh)])
        if sum(len(mesh.faces) for mesh in result) <= max_faces or cells < 32:
            return result
        cells //= 2


def clustered(mesh: Mesh, cell_m: float) -> Mesh:
    """The mesh with one vertex a grid cell; triangles that collapse or coincide go, the others stay as they are."""
    low = mesh.vertices.min(axis=0)
    keys = np.zeros(len(mesh.vertices), dtype=np.int64)
    for axis in range(3):
        keys <<= 20
        keys += np.minimum((mesh.vertices[:, axis] - low[axis]) / cell_m, (1 << 20) - 1).astype(np.int64)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    faces: NDArray[np.int64] = inverse[mesh.faces]
    alive = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    kept = np.flatnonzero(alive)
    ordered = np.sort(faces[kept], axis=1)
    # Two stable passes: a single key of three vertex numbers would overflow.
    order = np.lexsort((ordered[:, 2], ordered[:, 1], ordered[:, 0]))
    ordered = ordered[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    kept = np.sort(kept[order[fresh]])
    return replace(
        mesh,
        vertices=mesh.vertices[first],
        faces=faces[kept].astype(np.int32),
        uvs=None if mesh.uvs is None else mesh.uvs[kept],
        normals=None if mesh.normals is None else mesh.normals[kept],
        face_appearance=None if mesh.face_appearance is None else mesh.face_appearance[kept],
        vertex_colors=None if mesh.vertex_colors is None else mesh.vertex_colors[first],
    )


def _corners(mesh: Mesh) -> FloatArray:
    low, high = mesh.bounds()
    return np.array([(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
