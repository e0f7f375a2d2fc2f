"""The body of a wall or slab, cut where its material layers meet.

A layer set's usage (IfcMaterialLayerSetUsage, IFC 4.3) says along which axis of the element the layers lie, in which
sense they follow each other, and how far their base line is from the element's reference line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray

#: Layers may miss the body by this much whatever their thickness, metres (judgement: rounding of a drawing).
_SLACK_M = 0.001
#: Corners that agree to so many decimals of a metre are one (the kernel's own precision is 1e-5 m at best).
_WELD_DIGITS = 8
#: Cut pieces must add up to the whole to this fraction (double precision on either side).
_SUM = 1e-6


@dataclass(frozen=True, slots=True)
class SplitBody:
    """The pieces of a body.

    Attributes:
        vertices: (V, 3) metres.
        faces: (F, 3).
        layer: (F,) index of the layer that each face bounds.
    """

    vertices: FloatArray
    faces: NDArray[np.int64]
    layer: NDArray[np.int64]


def split_by_layers(
    vertices: FloatArray, faces: NDArray[np.int64], usage: Mapping[str, Any], tolerance: float
) -> SplitBody | None:
    """Cut a body where its layers meet.

    Args:
        vertices: (V, 3), element frame, metres.
        faces: (F, 3).
        usage: ``axis`` (0, 1 or 2), ``base`` (coordinate where the layers begin, metres), ``sense`` (1 or -1) and
            ``thickness`` (metres, one a layer), from ``ifc_facts.layer_usage``.
        tolerance: How far body and layers may disagree, as a fraction of the total thickness.

    Returns:
        The pieces, or None when the layers do not fit the body, or the body is not closed.
    """
    import manifold3d

    axis, sense = int(usage["axis"]), int(usage["sense"])
    ends = float(usage["base"]) + sense * np.concatenate([[0.0], np.cumsum(usage["thickness"])])
    low, high = float(vertices[:, axis].min()), float(vertices[:, axis].max())
    slack = max(_SLACK_M, tolerance * float(abs(ends[-1] - ends[0])))
    if low < min(ends[0], ends[-1]) - slack or high > max(ends[0], ends[-1]) + slack:
        return None
    # The kernel repeats corners where faces of different items or tools meet.
    _, first, index = np.unique(np.round(vertices, _WELD_DIGITS), axis=0, return_index=True, return_inverse=True)
    joined = index.reshape(-1)[faces].astype(np.uint64)
    solid = manifold3d.Manifold(manifold3d.Mesh64(np.ascontiguousarray(vertices[first]), joined))
    if solid.status() != manifold3d.Error.NoError or not solid.volume() > 0:
        return None
    normal = [0.0, 0.0, 0.0]
    normal[axis] = float(sense)
    rest, pieces = solid, []
    for end in ends[1:-1]:
        rest, piece = rest.split_by_plane(normal, float(sense * end))
        pieces.append(piece)
    pieces.append(rest)
    if abs(sum(piece.volume() for piece in pieces) - solid.volume()) > _SUM * solid.volume():
        return None
    points: list[FloatArray] = []
    triangles: list[NDArray[np.int64]] = []
    layer: list[NDArray[np.int64]] = []
    start = 0
    for number, piece in enumerate(pieces):
        if piece.is_empty():
            continue
        mesh = piece.to_mesh64()
        own = np.asarray(mesh.vert_properties, dtype=np.float64)[:, :3]
        tri = np.asarray(mesh.tri_verts, dtype=np.int64)
        points.append(own)
        triangles.append(tri + start)
        layer.append(np.full(len(tri), number, dtype=np.int64))
        start += len(own)
    return SplitBody(np.vstack(points), np.vstack(triangles), np.concatenate(layer))
