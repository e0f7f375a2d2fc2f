"""The connected shells of a mesh: closed ones, closed ones inside out, and what has holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.sampling import cross

FaceArray = NDArray[np.int64]

#: A shell with holes stands on its own when the sum of its faces' area vectors, zero for a closed one, is below this
#: share of its area (judgement: a tube that is open at both ends has none, one with a lid on one end that of the lid) …
_NEARLY_CLOSED = 0.1
#: … and when it is at least this long (diagonals); smaller ones are rebuilt together with all the others.
_OWN_GRID = 0.1
#: Most shells with a grid of their own, the largest ones: a mesh may fall into thousands.
_MOST = 12


@dataclass(frozen=True, slots=True)
class Shells:
    """Faces of a mesh by the shell that they belong to.

    Attributes:
        closed: (F, 3) each, closed and oriented outward.
        inverted: (F, 3) each, closed and inside out: the walls of voids.
        open: (F, 3) each: single shells with holes, and at last all that no other group holds.
    """

    closed: tuple[FaceArray, ...]
    inverted: tuple[FaceArray, ...]
    open: tuple[FaceArray, ...]


def shells(vertices: FloatArray, faces: FaceArray) -> Shells:
    """Shells of a mesh whose triangles share vertices where they meet.

    Args:
        vertices: (V, 3) diagonal 1.
        faces: (F, 3) counter-clockwise from outside.
    """
    label = _labels(len(vertices), faces)
    count = int(label.max()) + 1 if len(label) else 0
    corners = vertices[faces]
    normal_area = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    area = np.linalg.norm(normal_area, axis=1)
    volume = np.bincount(label, weights=np.einsum("ij,ij->i", corners[:, 0], normal_area) / 3, minlength=count)
    total = np.bincount(label, weights=area, minlength=count)
    vector = np.column_stack([np.bincount(label, weights=normal_area[:, k], minlength=count) for k in range(3)])
    is_open = np.bincount(label, weights=~_paired(faces), minlength=count) > 0
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1])
    alone: list[int] = []
    for number in np.argsort(-total, kind="stable"):
        if is_open[number] and np.linalg.norm(vector[number]) < _NEARLY_CLOSED * total[number]:
            size = np.linalg.norm(np.ptp(vertices[faces[groups[number]]].reshape(-1, 3), axis=0))
            if size >= _OWN_GRID and len(alone) < _MOST:
                alone.append(int(number))
    rest = np.flatnonzero(is_open[label] & ~np.isin(label, alone))
    return Shells(
        tuple(faces[groups[n]] for n in range(count) if not is_open[n] and volume[n] > 0),
        tuple(faces[groups[n]] for n in range(count) if not is_open[n] and volume[n] < 0),
        (*(faces[groups[n]] for n in alone), *((faces[rest],) if len(rest) else ())),
    )


def _labels(vertices: int, faces: FaceArray) -> NDArray[np.int64]:
    """(F,) number of the connected shell of each face."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    start, end = faces[:, (0, 1)].ravel(), faces[:, (1, 2)].ravel()
    graph = coo_matrix((np.ones(len(start), dtype=np.int8), (start, end)), shape=(vertices, vertices))
    _, label = connected_components(graph, directed=False)
    _, dense = np.unique(label[faces[:, 0]], return_inverse=True)
    return dense.reshape(-1).astype(np.int64)


def _paired(faces: FaceArray) -> NDArray[np.bool_]:
    """(F,) True for faces each of whose edges has exactly one partner, which runs the other way."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    last = np.int64(faces.max()) + 1 if len(faces) else np.int64(1)
    there, back = start * last + end, end * last + start
    keys, counts = np.unique(there, return_counts=True)
    place = np.minimum(np.searchsorted(keys, back), len(keys) - 1)
    own = counts[np.searchsorted(keys, there)]
    paired = (keys[place] == back) & (counts[place] == 1) & (own == 1)
    result: NDArray[np.bool_] = paired.reshape(-1, 3).all(axis=1)
    return result
