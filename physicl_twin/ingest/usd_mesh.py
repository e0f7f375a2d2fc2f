"""A UsdGeomMesh as triangles: polygons, holes, left-handed winding, primvars, subsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.guards import damaged
from physicl_twin.ingest.triangles import triangulate
from physicl_twin.model.geometry import FloatArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class UsdMesh:
    """Triangles of a mesh.

    Attributes:
        points: (V, 3), stage units, prim frame.
        faces: (F, 3) vertex indices, counter-clockwise from outside.
        polygon: (F,) polygon that each triangle comes from.
        uvs: (F, 3, 2) or None.
        normals: (F, 3, 3) or None.
        colors: (V, 3) linear RGB, or None.
        subdivided: The author asked for a subdivision surface; these are its control polygons.
        extra_uv_sets: Texture coordinate sets beyond the first.
    """

    points: FloatArray
    faces: Indices
    polygon: Indices
    uvs: FloatArray | None
    normals: FloatArray | None
    colors: FloatArray | None
    subdivided: bool
    extra_uv_sets: int


def read_mesh(prim: Any, time: Any, owner: str) -> UsdMesh | None:
    """Triangulate a mesh prim; None when it has no faces.

    Args:
        prim: ``Usd.Prim`` of type Mesh.
        time: ``Usd.TimeCode``.
        owner: File name, for messages.

    Raises:
        SourceError: ``file_damaged`` when counts and indices contradict each other.
    """
    from pxr import UsdGeom

    mesh = UsdGeom.Mesh(prim)
    points = np.array(mesh.GetPointsAttr().Get(time) or [], dtype=np.float64).reshape(-1, 3)
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get(time) or [], dtype=np.int64)
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get(time) or [], dtype=np.int64)
    if not len(counts) or not len(points):
        return None
    if counts.min() < 0 or counts.sum() != len(corners) or corners.min() < 0 or corners.max() >= len(points):
        raise damaged(owner, f"the mesh {prim.GetName()!r} has face counts and indices that do not fit together.")
    triangles, polygon = triangulate(points, counts, corners)
    holes = np.array(mesh.GetHoleIndicesAttr().Get(time) or [], dtype=np.int64)
    keep = ~np.isin(polygon, holes)
    triangles, polygon = triangles[keep], polygon[keep]
    if mesh.GetOrientationAttr().Get(time) == UsdGeom.Tokens.leftHanded:
        triangles = triangles[:, ::-1]
    if not len(triangles):
        return None
    scheme = mesh.GetSubdivisionSchemeAttr()
    subdivided = scheme.HasAuthoredValue() and scheme.Get(time) != UsdGeom.Tokens.none
    spread = _Spread(corners, triangles, polygon, len(points), len(counts))
    uvs, extra = _uvs(prim, time, spread)
    return UsdMesh(
        points,
        corners[triangles],
        polygon,
        uvs,
        None if subdivided else _normals(mesh, time, spread),
        _colors(mesh, time, spread),
        subdivided,
        extra,
    )


@dataclass(frozen=True, slots=True)
class _Spread:
    """Brings primvars of any interpolation to the corners of the triangles."""

    corners: Indices
    triangles: Indices
    polygon: Indices
    point_count: int
    polygon_count: int

    def to_corners(self, values: FloatArray, interpolation: str) -> FloatArray | None:
        """(F, 3, n) values, or None when there are fewer values than the interpolation needs."""
        if interpolation == "constant" and len(values) >= 1:
            return np.broadcast_to(values[0], (*self.triangles.shape, values.shape[1])).copy()
        if interpolation == "uniform" and len(values) >= self.polygon_count:
            return np.repeat(values[self.polygon][:, None, :], 3, axis=1)
        if interpolation in ("vertex", "varying") and len(values) >= self.point_count:
            spread: FloatArray = values[self.corners[self.triangles]]
            return spread
        if interpolation == "faceVarying" and len(values) >= len(self.corners):
            spread = values[self.triangles]
            return spread
        return None


def _flattened(primvar: Any, time: Any, width: int) -> FloatArray | None:
    values = primvar.ComputeFlattened(time)
    if values is None:
        return None
    array = np.array(values, dtype=np.float64)
    return array.reshape(-1, width) if array.size and array.size % width == 0 else None


def _uvs(prim: Any, time: Any, spread: _Spread) -> tuple[FloatArray | None, int]:
    """Texture coordinates: the set named st, else the first of that type."""
    from pxr import UsdGeom

    sets = [
        p for p in UsdGeom.PrimvarsAPI(prim).FindPrimvarsWithInheritance()
        if str(p.GetTypeName()) in ("texCoord2f[]", "float2[]", "texCoord2h[]", "texCoord2d[]", "double2[]")
    ]  # fmt: skip
    sets.sort(key=lambda p: (p.GetPrimvarName() != "st", "texCoord" not in str(p.GetTypeName()), p.GetPrimvarName()))
    for primvar in sets:
        values = _flattened(primvar, time, 2)
        if values is not None and np.isfinite(values).all():
            uvs = spread.to_corners(values, primvar.GetInterpolation())
            if uvs is not None:
                return uvs, len(sets) - 1
    return None, 0


def _normals(mesh: Any, time: Any, spread: _Spread) -> FloatArray | None:
    from pxr import UsdGeom

    primvar = UsdGeom.PrimvarsAPI(mesh.GetPrim()).GetPrimvar("normals")
    if primvar and primvar.HasValue():
        values, interpolation = _flattened(primvar, time, 3), primvar.GetInterpolation()
    else:
        stored = mesh.GetNormalsAttr().Get(time)
        values = np.array(stored, dtype=np.float64).reshape(-1, 3) if stored else None
        interpolation = mesh.GetNormalsInterpolation()
    return None if values is None else spread.to_corners(values, interpolation)


def _colors(mesh: Any, time: Any, spread: _Spread) -> FloatArray | None:
    """Painted colours of the vertices; a single colour is a look and not a painting."""
    primvar = mesh.GetDisplayColorPrimvar()
    if not primvar.HasValue() or primvar.GetInterpolation() == "constant":
        return None
    values = _flattened(primvar, time, 3)
    corner = None if values is None else spread.to_corners(values, primvar.GetInterpolation())
    if corner is None:
        return None
    total, count = np.zeros((spread.point_count, 3)), np.zeros(spread.point_count)
    index = spread.corners[spread.triangles].reshape(-1)
    np.add.at(total, index, corner.reshape(-1, 3))
    np.add.at(count, index, 1.0)
    mean: FloatArray = np.clip(total / np.maximum(count, 1.0)[:, None], 0.0, 1.0)
    return mean


def display_color(prim: Any, time: Any) -> tuple[float, float, float] | None:
    """The one colour of a gprim, linear RGB, or None."""
    from pxr import UsdGeom

    primvar = UsdGeom.PrimvarsAPI(prim).FindPrimvarWithInheritance("displayColor")
    if not primvar or not primvar.HasValue() or primvar.GetInterpolation() != "constant":
        return None
    values = _flattened(primvar, time, 3)
    if values is None or not np.isfinite(values[0]).all():
        return None
    red, green, blue = np.clip(values[0], 0.0, 1.0)
    return float(red), float(green), float(blue)
