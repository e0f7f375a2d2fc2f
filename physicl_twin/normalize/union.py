"""Closed shells together: which of them bound the solid, and the exact union of those that interpenetrate."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.nesting import Nesting
from physicl_twin.normalize.topology import Indices


def shell_weights(sign: Indices, relations: Nesting) -> FloatArray:
    """Factor of each closed shell in the signed sum, for shells that do not cut each other.

    The winding number in a shell is the sum of the senses of the shells around it and its own. The solid is where it is
    not zero. A shell across which that does not change counts nothing: an outward shell inside a solid is an internal
    duplicate. One across which it does counts with the sense that makes it so: an inward shell inside a solid is a
    cavity, an outward one inside a cavity an island.

    Args:
        sign: (S,) +1 for a shell that faces outwards, -1 inwards.
        relations: Which shells lie inside which.

    Returns:
        (S,) 1 to count the shell's triangles as they are wound, -1 reversed, 0 not at all.
    """
    outside = sign @ relations.inside
    inside = outside + sign
    change = (inside != 0).astype(int) - (outside != 0).astype(int)
    weights: FloatArray = (change * sign).astype(float)
    return weights


def united(
    vertices: FloatArray, faces: Indices, label: Indices, sign: Indices, relations: Nesting
) -> tuple[FloatArray, Indices] | None:
    """Surface of the union of interpenetrating closed shells (manifold3d, double precision).

    Each inward shell is taken out of the smallest outward shell around it; the results are united.

    Args:
        vertices: (V, 3), equal places already one vertex.
        faces: (F, 3).
        label: (F,) shell of each face.
        sign: (S,) sense of each shell.
        relations: Which shells lie inside which.

    Returns:
        Vertices and faces, or None when a shell is not a manifold or stands inwards in the open.
    """
    import manifold3d

    middle = 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
    extent = float(np.ptp(vertices, axis=0).max())

    def solid(shell: int, reverse: bool) -> manifold3d.Manifold | None:
        rows = faces[label == shell]
        used, compact = np.unique(rows, return_inverse=True)
        triangles = compact.reshape(-1, 3)
        triangles = triangles[:, ::-1] if reverse else triangles
        mesh = manifold3d.Mesh64(
            np.ascontiguousarray((vertices[used] - middle) / extent), np.ascontiguousarray(triangles, dtype=np.uint64)
        )
        body = manifold3d.Manifold(mesh)
        return body if body.status() == manifold3d.Error.NoError else None

    size = relations.inside.sum(axis=0)  # the more shells around it, the smaller and the deeper a shell
    bodies: dict[int, manifold3d.Manifold] = {}
    for shell in np.flatnonzero(sign > 0):
        body = solid(int(shell), False)
        if body is None:
            return None
        bodies[int(shell)] = body
    for shell in np.flatnonzero(sign < 0):
        around = np.flatnonzero(relations.inside[:, shell] & (sign > 0))
        cavity = solid(int(shell), True)
        if cavity is None or len(around) == 0:
            return None
        host = int(around[np.argmax(size[around])])
        bodies[host] = bodies[host] - cavity
    union = manifold3d.Manifold.batch_boolean(list(bodies.values()), manifold3d.OpType.Add)
    if union.status() != manifold3d.Error.NoError or union.is_empty():
        return None
    mesh = union.to_mesh64()
    return np.asarray(mesh.vert_properties)[:, :3] * extent + middle, np.asarray(mesh.tri_verts, dtype=np.int64)
