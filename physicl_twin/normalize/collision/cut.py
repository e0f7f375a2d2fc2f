"""Cut a solid by planes into cells that are almost convex: where the solid is most hollow, first."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.sampling import cross

#: Flat concave facets of a cell that are tried as cutting planes, largest first.
_FACETS = 3
#: Share of a cell's surface that a facet must have to be tried: below, the surface is curved and any cut is as good.
_FACET_SHARE = 0.03
#: Two faces meet sharply when the cosine between their normals is below this (30 degrees); curved walls do not.
_SHARP = 0.866
#: A cut that leaves less than this share of the extent on one side would make a sliver.
_SLIVER = 0.02
#: A cell thinner than this (diagonals) with less than this share of the volume is a shaving.
_FILM = 5e-4
_FILM_VOLUME = 1e-3
#: A cell of more triangles is not tried with several planes: joining repairs what was cut badly.
_LARGE = 3000


@dataclass(frozen=True, slots=True)
class Cell:
    """A connected piece of the solid.

    Attributes:
        solid: The manifold.
        hull: (V, 3) vertices of its convex hull.
        volume: Of the solid.
        excess: Hull volume minus volume: what a convex collider would add.
    """

    solid: Any
    hull: FloatArray
    volume: float
    excess: float


def make_cell(solid: Any) -> Cell | None:
    """Cell of a manifold, or None when it has no volume to speak of."""
    volume = float(solid.volume())
    hull = solid.hull()
    if not volume > 1e-12 or hull.is_empty():
        return None
    points = np.asarray(hull.to_mesh64().vert_properties)[:, :3]
    return Cell(solid, points, volume, max(float(hull.volume()) - volume, 0.0))


def cut(solid: Any, cells: int, tolerance: float, first: Sequence[FloatArray] = ()) -> list[Cell]:
    """Almost convex cells whose union is the solid.

    Flat concave facets are cut along first (crates, brackets, chairs come apart exactly there); curved cells are halved
    until they are nearly convex. Cells are meant to be joined again: many is fine, concave is not.

    Args:
        solid: Manifold of diagonal about 1.
        cells: Stop at this many.
        tolerance: A cell whose excess per surface area is below this is convex enough (a length, diagonals).
        first: (4,) planes along which to cut before anything else (the wedges of a body of revolution).

    Returns:
        Cells, largest first; empty only when the solid is.
    """
    heap: list[tuple[float, int, Cell]] = []
    done: list[Cell] = []
    serial = 0
    whole = float(solid.volume())

    def add(piece: Any) -> None:
        nonlocal serial
        for part in piece.decompose():
            cell = make_cell(part)
            if cell is None or _is_film(cell, whole):
                continue
            if cell.excess <= tolerance * float(part.surface_area()):
                done.append(cell)
            else:
                heapq.heappush(heap, (-cell.excess, serial, cell))
                serial += 1

    for piece in _slice(solid, first):
        add(piece)
    while heap and len(heap) + len(done) < cells:
        _, _, cell = heapq.heappop(heap)
        halves = _facet_cut(cell) or _halve(cell)
        if halves is None:
            done.append(cell)
            continue
        for half in halves:
            add(half)
    return sorted([*done, *(cell for _, _, cell in heap)], key=lambda c: -c.volume)


def _is_film(cell: Cell, whole: float) -> bool:
    """True for a shaving that a cut beside a face left: nobody misses it, and its hull would stand in the way."""
    return cell.volume < _FILM_VOLUME * whole and 2 * cell.volume < _FILM * float(cell.solid.surface_area())


def _slice(solid: Any, planes: Sequence[FloatArray]) -> list[Any]:
    """The solid cut by each plane in turn."""
    pieces = [solid]
    for plane in planes:
        halves = [half for piece in pieces for half in piece.split_by_plane(plane[:3].tolist(), float(plane[3]))]
        pieces = [half for half in halves if not half.is_empty()]
    return pieces


def _facet_cut(cell: Cell) -> tuple[Any, Any] | None:
    """The halves along the best of the large concave facets, or None when each does harm."""
    best: tuple[float, tuple[Any, Any]] | None = None
    for plane in _facet_planes(cell):
        upper, lower = cell.solid.split_by_plane(plane[:3].tolist(), float(plane[3]))
        if upper.is_empty() or lower.is_empty():
            continue
        excess = _excess(upper) + _excess(lower)
        if best is None or excess < best[0]:
            best = (excess, (upper, lower))
        if cell.solid.num_tri() > _LARGE:
            break
    # The first wall cut off a ring lessens nothing yet: no gain is asked for, only no loss.
    if best is None or best[0] > (1 + 1e-6) * cell.excess:
        return None
    return best[1]


def _halve(cell: Cell) -> tuple[Any, Any] | None:
    """The halves across the longest principal extent, or None when the plane does not split the cell."""
    centre = cell.hull.mean(axis=0)
    _, _, axes = np.linalg.svd(cell.hull - centre, full_matrices=False)
    extents = np.ptp(cell.hull @ axes.T, axis=0)
    for index in np.argsort(-extents, kind="stable"):
        along = cell.hull @ axes[index]
        upper, lower = cell.solid.split_by_plane(axes[index].tolist(), 0.5 * float(along.min() + along.max()))
        if not upper.is_empty() and not lower.is_empty():
            return upper, lower
    return None


def _excess(solid: Any) -> float:
    """Excess of the connected parts of a solid."""
    total = -float(solid.volume())
    for part in solid.decompose():
        total += float(part.hull().volume())
    return total


def _facet_planes(cell: Cell) -> list[FloatArray]:
    """Planes of the largest flat facets at sharp concave edges, with a good part of the cell on both sides."""
    mesh = cell.solid.to_mesh64()
    faces = np.asarray(mesh.tri_verts).astype(np.int64)
    corners = np.asarray(mesh.vert_properties)[:, :3][faces]
    normal_area = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal_area, axis=1)
    normals = normal_area / np.maximum(length, 1e-300)[:, None]
    inner = _at_concave_edges(faces, corners, normals)
    if not inner.any():
        return []
    offsets = np.einsum("ij,ij->i", normals, corners[:, 0])
    keys = np.round(np.column_stack([normals * 500, offsets * 2000])).astype(np.int64)
    _, index, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    total = np.bincount(inverse, weights=length)
    total *= np.bincount(inverse, weights=inner) > 0
    planes: list[FloatArray] = []
    for group in np.argsort(-total, kind="stable"):
        if total[group] < _FACET_SHARE * length.sum() or len(planes) == _FACETS:
            break
        normal, offset = normals[index[group]], offsets[index[group]]
        along = cell.hull @ normal - offset
        room = _SLIVER * float(np.ptp(along))
        if along.max() > room and along.min() < -room:
            planes.append(np.append(normal, offset))
    return planes


def _at_concave_edges(faces: NDArray[np.int64], corners: FloatArray, normals: FloatArray) -> NDArray[np.bool_]:
    """(F,) True for triangles of a closed mesh that have an edge with a sharp inner corner."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    order = np.lexsort((np.maximum(start, end), np.minimum(start, end)))
    one, two = order[0::2] // 3, order[1::2] // 3
    sharp = np.einsum("ij,ij->i", normals[one], normals[two]) < _SHARP
    # Concave: the other triangle rises in front of this one's plane.
    rise = np.einsum("ij,ij->i", normals[one], corners[two].mean(axis=1) - corners[one].mean(axis=1))
    found = np.zeros(len(faces), dtype=bool)
    concave = sharp & (rise > 0)
    found[one[concave]] = found[two[concave]] = True
    return found
