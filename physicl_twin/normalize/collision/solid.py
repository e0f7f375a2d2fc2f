"""A closed solid of few triangles from whatever the mesh is: for cutting only, never for drawing or for mass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.sampling import sample_triangles
from physicl_twin.normalize.collision.surface import TrueSurface

#: Tolerances (diagonals) with which a solid is simplified, until it has few enough triangles.
_TOLERANCES = (0.0003, 0.0006, 0.0012, 0.002, 0.003)
#: Triangles with which cutting is quick.
_FEW = 3500


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

    Args:
        surface: True surface, diagonal 1.
        resolution: Cells along the diagonal when the surface has holes and must be rebuilt.
    """
    from manifold3d import Error, Manifold, Mesh64

    if surface.volume is not None:
        solid = Manifold(Mesh64(surface.vertices, surface.faces.astype(np.uint64)))
        if solid.status() == Error.NoError and solid.volume() > 1e-9:
            return _simplified(solid), "cut"
    rebuilt = _rebuild(surface, resolution)
    if rebuilt is None:
        return None
    vertices, faces = rebuilt
    solid = Manifold(Mesh64(vertices, faces.astype(np.uint64)))
    if solid.status() != Error.NoError or not solid.volume() > 1e-9:
        return None
    return _simplified(solid), "rebuilt and cut"


def _simplified(solid: Any) -> Any:
    smaller = solid
    for tolerance in _TOLERANCES:
        smaller = solid.simplify(tolerance)
        if smaller.num_tri() <= _FEW:
            break
    return smaller if smaller.volume() > 0 else solid


def _rebuild(surface: TrueSurface, resolution: int) -> tuple[FloatArray, NDArray[np.int64]] | None:
    """Closed surface around the inside (winding number), or around the sheets when there is no inside."""
    import igl
    from scipy import ndimage

    step = 1.0 / resolution
    low = surface.vertices.min(axis=0) - 2.5 * step
    shape = np.ceil((surface.vertices.max(axis=0) + 2.5 * step - low) / step).astype(int) + 1
    axes = [low[k] + step * np.arange(shape[k]) for k in range(3)]
    # igl.marching_cubes wants x to run fastest.
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    nodes = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    dims = (int(shape[2]), int(shape[1]), int(shape[0]))
    dense, _ = sample_triangles(surface.vertices, surface.faces, 60_000)
    marks = np.zeros(dims, dtype=bool)
    index = np.rint((dense - low) / step).astype(int)
    marks[index[:, 2], index[:, 1], index[:, 0]] = True
    near = ndimage.binary_dilation(marks, iterations=2).ravel()
    value = np.full(len(nodes), 3 * step)
    value[near] = surface.distance(nodes[near])
    if surface.volume is not None:
        value[surface.inside(nodes)] *= -1
    else:
        # A sheet gets the thickness of a cell and a half: what its colliders need to be bodies.
        value -= 0.75 * step
    vertices, faces, _ = igl.marching_cubes(value, nodes, dims[2], dims[1], dims[0], 0.0)
    if not len(faces):
        return None
    faces = np.asarray(faces, dtype=np.int64)
    corners = np.asarray(vertices)[faces]
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()
    return np.asarray(vertices, dtype=float), faces if volume > 0 else faces[:, ::-1].copy()
