"""Bodies that planes along their axes bound, as exact boxes: a wall with its doorway, a slab, a frame.

Collision geometry that is found by measured error may close a doorway by a few centimetres, and the door stays shut.
What is drawn of blocks needs no measuring.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Collider, Collision, CollisionFit, Evidence, Pose
from physicl_twin.model.collision import CollisionMethod
from physicl_twin.model.geometry import FloatArray

#: Planes nearer than this are one, metres (the geometry kernel's precision is 1e-5 m).
_SAME_M = 1e-5
#: Sine of the angle by which a face may miss its axis.
_ALONG = 1e-6
#: More cells or boxes are no body of blocks (judgement: a wall has some windows).
_MOST_CELLS, _MOST_BOXES = 20_000, 64
#: Boxes must hold the volume of the body to this fraction.
_VOLUME = 1e-6
#: Where in its cell a point is tried, so that it lies on no diagonal of a rectangle.
_OFF_CENTRE = (0.5, 0.4871, 0.5317)


def exact_boxes(vertices: FloatArray, faces: NDArray[np.integer], source: str) -> Collision | None:
    """Collision geometry of a body of blocks.

    Args:
        vertices: (V, 3) metres.
        faces: (F, 3).
        source: Name of the file, for the evidence.

    Returns:
        Boxes in the body's frame; None for a body that is none of blocks, is not closed, or needs too many.
    """
    triangles = np.asarray(vertices, dtype=float)[np.asarray(faces)]
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    kept = areas > 0
    triangles, normals = triangles[kept], normals[kept] / areas[kept, None]
    if not len(triangles) or (np.sort(np.abs(normals), axis=1)[:, :2] > _ALONG).any():
        return None
    planes = [_planes(triangles[:, :, axis].ravel()) for axis in range(3)]
    if any(len(p) < 2 for p in planes) or np.prod([len(p) - 1 for p in planes]) > _MOST_CELLS:
        return None
    filled = _filled(triangles, normals, planes)
    sizes = [np.diff(p) for p in planes]
    volume = float(np.einsum("ijk,i,j,k->", filled.astype(float), *sizes))
    true = float(np.einsum("ij,ij->", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2]))) / 6.0
    if not true > 0 or abs(volume - true) > _VOLUME * true:
        return None
    boxes = min((_merged(filled, order) for order in itertools.permutations(range(3))), key=len)
    if len(boxes) > _MOST_BOXES:
        return None
    colliders = tuple(_collider(low, high, planes) for low, high in boxes)
    words = f"{len(boxes)} exact boxes" if len(boxes) > 1 else "an exact box"
    told = Evidence("source", f"The body is bounded by planes along its axes: it collides as {words}.", source)
    method: CollisionMethod = "primitive" if len(boxes) == 1 else "decomposition"
    fit = CollisionFit(0.0, 0.0, 0.0, 1.0, None, len(boxes))
    return Collision(method, colliders, fit, evidence=(told,))


def _planes(coordinates: FloatArray) -> FloatArray:
    """Distinct coordinates, ascending."""
    ordered = np.unique(coordinates)
    first = np.concatenate([[True], np.diff(ordered) > _SAME_M])
    found: FloatArray = ordered[first]
    return found


def _filled(triangles: FloatArray, normals: FloatArray, planes: list[FloatArray]) -> NDArray[np.bool_]:
    """Cells inside the body: from each one sees one face more along +x that looks away than that looks back."""
    middle = [p[:-1] + off * np.diff(p) for p, off in zip(planes, _OFF_CENTRE, strict=True)]
    y, z = (grid.ravel() for grid in np.meshgrid(middle[1], middle[2], indexing="ij"))
    winding = np.zeros((len(middle[0]), len(y)), dtype=np.int64)
    for corners, normal in zip(triangles, normals, strict=True):
        if abs(normal[0]) < 0.5:
            continue
        a, b, c = corners[:, 1:]
        sides = [
            (q[0] - p[0]) * (z - p[1]) - (q[1] - p[1]) * (y - p[0]) for p, q in ((a, b), (b, c), (c, a))
        ]  # fmt: skip
        hit = np.all([s > 0 for s in sides], axis=0) | np.all([s < 0 for s in sides], axis=0)
        before = middle[0] < corners[0, 0]
        winding += (1 if normal[0] > 0 else -1) * np.outer(before, hit)
    inside: NDArray[np.bool_] = (winding > 0).reshape(len(middle[0]), len(middle[1]), len(middle[2]))
    return inside


def _merged(filled: NDArray[np.bool_], order: tuple[int, ...]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Boxes of cells, each grown along the axes in that order as far as it is filled: (first, beyond the last) cell."""
    left = filled.copy()
    found = []
    while left.any():
        low = np.argwhere(left)[0]
        high = low + 1
        for axis in order:
            while high[axis] < left.shape[axis]:
                ahead = [slice(int(a), int(b)) for a, b in zip(low, high, strict=True)]
                ahead[axis] = slice(int(high[axis]), int(high[axis]) + 1)
                if not left[tuple(ahead)].all():
                    break
                high[axis] += 1
        left[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))] = False
        found.append((low, high))
    return found


def _collider(low: NDArray[np.int64], high: NDArray[np.int64], planes: list[FloatArray]) -> Collider:
    first = np.array([p[i] for p, i in zip(planes, low, strict=True)])
    last = np.array([p[i] for p, i in zip(planes, high, strict=True)])
    x, y, z = (float(v) for v in 0.5 * (first + last))
    a, b, c = (float(v) for v in last - first)
    return Collider("", "box", Pose((x, y, z)), (a, b, c))
