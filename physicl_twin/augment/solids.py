"""The colliders of a member as triangles in the world, for ray casts and pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from physicl_twin.augment.draw import Draft
from physicl_twin.augment.family import Family
from physicl_twin.augment.motion import pose_of
from physicl_twin.model.geometry import FloatArray, IntArray

#: Corners and triangles of a unit box about the origin.
BOX = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
BOX_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4],
     [1, 5, 7], [1, 7, 3]], dtype=np.int32,
)  # fmt: skip


def world_triangles(
    family: Family, draft: Draft, poses: FloatArray, which: npt.NDArray[np.bool_], *, support: bool = False
) -> tuple[FloatArray, IntArray, IntArray]:
    """Triangles of some instances.

    Args:
        family: The family.
        draft: Scales.
        poses: (N, 7).
        which: (N,) the instances wanted.
        support: True for the bin's boxes too.

    Returns:
        Vertices (V, 3), faces (F, 3), and for each face the row of its instance, -1 for the support.
    """
    vertices, faces, owner, start = [], [], [], 0

    def add(points: FloatArray, triangles: IntArray, row: int) -> None:
        nonlocal start
        vertices.append(points)
        faces.append(triangles + start)
        owner.append(np.full(len(triangles), row, dtype=np.int32))
        start += len(points)

    for row in np.flatnonzero(which):
        member = family.members[family.instances[row][1]]
        for hull in member.hulls:
            add(pose_of(poses[row]).apply(draft.states[row].scale * hull.vertices), hull.faces, int(row))
    if support:
        for _, centre, size in family.support.boxes():
            add(BOX * np.array(size) + np.array(centre), BOX_FACES, -1)
    if not vertices:
        return np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int32), np.zeros(0, dtype=np.int32)
    return np.vstack(vertices), np.vstack(faces).astype(np.int32), np.concatenate(owner)
