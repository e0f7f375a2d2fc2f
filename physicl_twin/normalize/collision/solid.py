"""A closed solid of few triangles from whatever the mesh is: for cutting only, never for drawing or for mass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.sampling import sample_triangles
from physicl_twin.normalize.collision.shells import shells
from physicl_twin.normalize.collision.surface import TrueSurface

#: Tolerances (diagonals) with which a solid is simplified, until it has few enough triangles.
_TOLERANCES = (0.0003, 0.0006, 0.0012, 0.002, 0.003)
#: Triangles with which cutting is quick.
_FEW = 3500
#: A solid of less volume (cubed diagonals) is dust.
_NO_VOLUME = 1e-9
#: Below this volume (cubes of its own diagonal) a part of a mesh is a sheet, as in ``choice``.
_SHEET = 1e-6
#: The grid of a small part is that of a part of this size (diagonals): finer walls than that are sheets.
_FINEST = 0.25
#: Points that mark which nodes of a grid lie near a surface.
_DENSE = 60_000
#: Points that are looked for after rebuilding, and the share of them that may be gone: the 99th percentile of the
#: distance that colliders miss is to be small, so that half of a hundredth would already be much.
_LOST_SAMPLES = 4000
_LOST_SHARE = 0.002


def weld_grid(vertices: FloatArray, faces: NDArray[np.int64], cells: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Mesh with all vertices of one grid cell drawn together at their mean; linear in time, for millions of triangles.

    Args:
        vertices: (V, 3) diagonal 1.
        faces: (F, 3).
        cells: Grid cells along the diagonal.
    """
    grid = np.floor((vertices - vertices.min(axis=0)) * cells).astype(np.int64)
    key = (grid[:, 0] * (cells + 1) + grid[:, 1]) * (cells + 1) + grid[:, 2]
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    merged = np.column_stack([np.bincount(inverse, weights=vertices[:, k]) / count for k in range(3)])
    welded = inverse[faces]
    a, b, c = welded.T
    return merged, welded[(a != b) & (b != c) & (c != a)].astype(np.int64)


def reduced_mesh(vertices: FloatArray, faces: NDArray[np.int64], most: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Mesh of at most about ``most`` triangles, off by a few thousandths of the diagonal; small ones stay."""
    import fast_simplification

    if len(faces) <= most:
        return vertices, faces
    if len(faces) > 8 * most:
        welded = weld_grid(vertices, faces, 700)
        if len(welded[1]):
            vertices, faces = welded
    if len(faces) <= most:
        return vertices, faces
    points, triangles = fast_simplification.simplify(
        np.ascontiguousarray(vertices, dtype=np.float32),
        np.ascontiguousarray(faces, dtype=np.int32),
        target_reduction=1 - most / len(faces),
    )
    if len(triangles) < 4 or not np.isfinite(points).all():
        return vertices, faces
    return np.asarray(points, dtype=float), np.asarray(triangles).astype(np.int64)


def solid_of(surface: TrueSurface, resolution: int) -> tuple[Any, str] | None:
    """Manifold of the object and how it was made, or None when there is nothing solid.

    Closed shells are taken as they are. Only what has holes is rebuilt on a grid, each shell that nearly closes on its
    own grid and the rest together: on a grid for the whole, the wall of a tube may lie between two nodes and be lost.

    Args:
        surface: True surface, diagonal 1.
        resolution: Cells along the diagonal when a surface with holes must be rebuilt for cutting.
    """
    from manifold3d import Manifold, OpType

    if surface.volume is None:
        rebuilt = _rebuilt(surface, resolution)
        return None if rebuilt is None else (_simplified(rebuilt), "rebuilt and cut")
    whole = _manifold(surface.vertices, surface.faces)
    if whole is not None and whole.volume() > _NO_VOLUME:
        return _simplified(whole), "cut"
    found = shells(surface.vertices, surface.faces)
    closed = [solid for faces in found.closed if (solid := _manifold(surface.vertices, faces)) is not None]
    bodies = [solid for solid in closed if solid.volume() > _NO_VOLUME]
    voids = [_manifold(surface.vertices, faces[:, ::-1]) for faces in found.inverted]
    for faces in found.open:
        part = _part(surface, faces)
        solid = None if part is None else _rebuilt(part, resolution)
        if solid is not None:
            bodies.append(solid)
    if not bodies:
        return None
    solid = Manifold.batch_boolean(bodies, OpType.Add)
    for void in voids:
        if void is not None:
            solid = solid - void
    return (_simplified(solid), "rebuilt and cut") if solid.volume() > _NO_VOLUME else None


def _manifold(vertices: FloatArray, faces: NDArray[np.int64]) -> Any:
    """Manifold of the vertices that faces use; None when they do not close."""
    from manifold3d import Error, Manifold, Mesh64

    used, index = np.unique(faces, return_inverse=True)
    solid = Manifold(Mesh64(np.ascontiguousarray(vertices[used]), index.reshape(-1, 3).astype(np.uint64)))
    return solid if solid.status() == Error.NoError else None


def _part(surface: TrueSurface, faces: NDArray[np.int64]) -> TrueSurface | None:
    """Some faces of a surface as a surface; without an inside where they enclose next to nothing."""
    used, index = np.unique(faces, return_inverse=True)
    vertices, triangles = surface.vertices[used], index.reshape(-1, 3).astype(np.int64)
    size = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    if not size > 0:
        return None
    corners = vertices[triangles] - vertices.mean(axis=0)
    volume = float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)
    return TrueSurface(vertices, triangles, volume if volume > _SHEET * size**3 else None)


def _simplified(solid: Any) -> Any:
    smaller = solid
    for tolerance in _TOLERANCES:
        smaller = solid.simplify(tolerance)
        if smaller.num_tri() <= _FEW:
            break
    return smaller if smaller.volume() > 0 else solid


def _rebuilt(surface: TrueSurface, resolution: int) -> Any:
    """Manifold around the inside (winding number), or around the sheets when there is no inside; None when empty."""
    from scipy import ndimage

    size = float(np.linalg.norm(np.ptp(surface.vertices, axis=0)))
    grid = _Grid(surface.vertices, max(size, _FINEST) / resolution)
    dense, _ = sample_triangles(surface.vertices, surface.faces, _DENSE)
    near = ndimage.binary_dilation(grid.marks(dense), iterations=2).ravel()
    distance = np.full(len(grid.nodes), 3 * grid.step)
    distance[near] = surface.distance(grid.nodes[near])
    # A sheet gets the thickness of a cell and a half: what its colliders need to be bodies.
    around = distance - 0.75 * grid.step
    if surface.volume is None:
        return grid.solid(around)
    value = np.where(surface.inside(grid.nodes), -distance, distance)
    solid = grid.solid(value)
    lost = _lost(surface, solid, grid.step)
    if len(lost):
        near = ndimage.binary_dilation(grid.marks(lost), iterations=2).ravel()
        value[near] = np.minimum(value[near], around[near])
        solid = grid.solid(value)
    return solid


def _lost(surface: TrueSurface, solid: Any, reach: float) -> FloatArray:
    """(N, 3) points of the outer surface that are farther than ``reach`` from a rebuilt solid, when they are many."""
    import igl

    points, _ = surface.outer_samples(_LOST_SAMPLES)
    if solid is None:
        return points
    mesh = solid.to_mesh64()
    squared = igl.point_mesh_squared_distance(
        np.ascontiguousarray(points),
        np.ascontiguousarray(np.asarray(mesh.vert_properties)[:, :3]),
        np.ascontiguousarray(np.asarray(mesh.tri_verts).astype(np.int64)),
    )[0]
    lost = np.asarray(squared, dtype=float).reshape(-1) > reach**2
    return points[lost] if lost.mean() > _LOST_SHARE else points[:0]


class _Grid:
    """Nodes around vertices, x running fastest as marching cubes want it."""

    def __init__(self, vertices: FloatArray, step: float) -> None:
        self.step = step
        self._low = vertices.min(axis=0) - 2.5 * step
        shape = np.ceil((vertices.max(axis=0) + 2.5 * step - self._low) / step).astype(int) + 1
        axes = [self._low[k] + step * np.arange(shape[k]) for k in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        self.nodes: FloatArray = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
        self._shape = (int(shape[2]), int(shape[1]), int(shape[0]))

    def marks(self, points: FloatArray) -> NDArray[np.bool_]:
        """(Z, Y, X) True at the node nearest to a point."""
        marks = np.zeros(self._shape, dtype=bool)
        index = np.rint((points - self._low) / self.step).astype(int)
        marks[index[:, 2], index[:, 1], index[:, 0]] = True
        return marks

    def solid(self, value: FloatArray) -> Any:
        """Manifold of where values at the nodes are below zero; None when there is no such place."""
        import igl

        z, y, x = self._shape
        vertices, faces, _ = igl.marching_cubes(value, self.nodes, x, y, z, 0.0)
        if not len(faces):
            return None
        faces = np.asarray(faces, dtype=np.int64)
        corners = np.asarray(vertices)[faces]
        volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()
        solid = _manifold(np.asarray(vertices, dtype=float), faces if volume > 0 else faces[:, ::-1])
        return solid if solid is not None and solid.volume() > _NO_VOLUME else None
