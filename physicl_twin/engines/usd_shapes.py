"""Colliders of a USD stage as collision shapes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from pxr import UsdGeom, UsdPhysics

from physicl_twin.engines.hull import convex_hull, extreme_points
from physicl_twin.engines.scene_description import CollisionShape, SurfaceMaterial
from physicl_twin.engines.usd_frames import SplitTransform, split
from physicl_twin.model.errors import EngineError
from physicl_twin.model.geometry import FloatArray, IntArray, Pose

#: Rotation that turns local z into the axis of a USD primitive, wxyz.
_AXIS_WXYZ = {
    "X": (np.sqrt(0.5), 0.0, np.sqrt(0.5), 0.0),
    "Y": (np.sqrt(0.5), -np.sqrt(0.5), 0.0, 0.0),
    "Z": (1.0, 0.0, 0.0, 0.0),
}
#: Columns of the scale that act along and across the axis of a USD primitive.
_AXIS_COLUMNS = {"X": (0, (1, 2)), "Y": (1, (0, 2)), "Z": (2, (0, 1))}
#: Relative difference of scales that counts as equal.
_UNIFORM_TOLERANCE = 1e-5
#: Segments of a circle where a primitive must become a hull.
_SEGMENTS = 32

_CONVEX = {"convexHull", "convexDecomposition", "boundingCube", "boundingSphere"}


class ShapeReader:
    """Reads collider prims; keeps notes of what it had to replace.

    Args:
        metres_per_unit: Of the stage.
        max_hull_vertices: Hulls with more are thinned.
        notes: Receives a sentence for each replacement.
    """

    def __init__(self, metres_per_unit: float, max_hull_vertices: int, notes: list[str]) -> None:
        self._mpu = metres_per_unit
        self._max_hull_vertices = max_hull_vertices
        self._notes = notes

    def read(self, prim: Any, to_owner: FloatArray, material: SurfaceMaterial, dynamic: bool) -> CollisionShape | None:
        """The shape of a collider prim.

        Args:
            prim: Prim with CollisionAPI.
            to_owner: (4, 4) transform from the prim (with its scale) to its body's frame or the world, metres.
            material: Its surface.
            dynamic: True when a body that moves owns it.

        Returns:
            None (and a note) for a prim without geometry that can collide.

        Raises:
            EngineError: ``engine_refused_stage`` for geometry that is not finite or not a solid.
        """
        placed = split(to_owner)
        path = str(prim.GetPath())
        shape = self._geometry(prim, path, to_owner, placed, material, dynamic)
        if shape is None:
            self._notes.append(f"{path}: a collider of type {prim.GetTypeName() or 'none'} was left out.")
            return None
        mass = UsdPhysics.MassAPI(prim) if prim.HasAPI(UsdPhysics.MassAPI) else None
        if mass is None:
            return shape
        return replace(
            shape, density=_positive(mass.GetDensityAttr().Get()), mass_kg=_positive(mass.GetMassAttr().Get())
        )

    def _geometry(
        self,
        prim: Any,
        path: str,
        to_owner: FloatArray,
        placed: SplitTransform,
        material: SurfaceMaterial,
        dynamic: bool,
    ) -> CollisionShape | None:
        scale = np.abs(placed.scale) * self._mpu
        if prim.IsA(UsdGeom.Mesh):
            return self._mesh(prim, path, to_owner, material, dynamic)
        if prim.IsA(UsdGeom.Cube):
            size = float(UsdGeom.Cube(prim).GetSizeAttr().Get())
            if placed.sheared:
                corners = 0.5 * size * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
                return self._hull(path, corners, to_owner, material)
            return CollisionShape(path, "box", placed.pose, material, tuple(float(size * s) for s in scale))
        if prim.IsA(UsdGeom.Sphere):
            radius = float(UsdGeom.Sphere(prim).GetRadiusAttr().Get())
            if placed.sheared or not _equal(scale):
                return self._hull(path, radius * _unit_sphere(), to_owner, material)
            return CollisionShape(path, "sphere", placed.pose, material, (radius * float(scale[0]),))
        if prim.IsA(UsdGeom.Plane):
            axis = str(UsdGeom.Plane(prim).GetAxisAttr().Get())
            return CollisionShape(path, "plane", _turned(placed.pose, axis), material)
        for schema, kind in ((UsdGeom.Capsule, "capsule"), (UsdGeom.Cylinder, "cylinder"), (UsdGeom.Cone, "cone")):
            if prim.IsA(schema):
                return self._round(schema(prim), kind, path, to_owner, placed, scale, material)
        return None

    def _round(
        self,
        geometry: Any,
        kind: str,
        path: str,
        to_owner: FloatArray,
        placed: SplitTransform,
        scale: FloatArray,
        material: SurfaceMaterial,
    ) -> CollisionShape:
        radius, height = float(geometry.GetRadiusAttr().Get()), float(geometry.GetHeightAttr().Get())
        axis = str(geometry.GetAxisAttr().Get())
        along, across = _AXIS_COLUMNS[axis]
        must_match = scale if kind == "capsule" else scale[list(across)]
        if kind == "cone" or placed.sheared or not _equal(must_match):
            points = _round_points(kind, radius, height) @ Pose((0, 0, 0), _AXIS_WXYZ[axis]).rotation().T
            return self._hull(path, points, to_owner, material)
        size = (radius * float(scale[across[0]]), height * float(scale[along]))
        pose = _turned(placed.pose, axis)
        return CollisionShape(path, "capsule" if kind == "capsule" else "cylinder", pose, material, size)

    def _mesh(
        self, prim: Any, path: str, to_owner: FloatArray, material: SurfaceMaterial, dynamic: bool
    ) -> CollisionShape:
        mesh, points = UsdGeom.Mesh(prim), mesh_points(prim)
        approximation = "none"
        if prim.HasAPI(UsdPhysics.MeshCollisionAPI):
            approximation = str(UsdPhysics.MeshCollisionAPI(prim).GetApproximationAttr().Get() or "none")
        exact = approximation not in _CONVEX or (approximation == "convexDecomposition" and not dynamic)
        if exact and not dynamic:
            faces = _triangles(mesh, len(points), path)
            points = _moved(points * self._mpu, to_owner)
            return CollisionShape(path, "mesh", Pose(), material, vertices=points, faces=faces)
        if approximation in ("boundingCube", "boundingSphere"):
            self._notes.append(f"{path}: the approximation {approximation} was replaced by the convex hull.")
        elif approximation != "convexHull":
            self._notes.append(f"{path}: a moving body's {approximation} collider was replaced by its convex hull.")
        return self._hull(path, points, to_owner, material)

    def _hull(
        self, path: str, points_units: FloatArray, to_owner: FloatArray, material: SurfaceMaterial
    ) -> CollisionShape:
        # The hull of the moved points is the moved hull, and the copies of a twin share theirs.
        vertices, faces, full = _hull_of(points_units.tobytes(), self._max_hull_vertices, path)
        if full > self._max_hull_vertices:
            self._notes.append(f"{path}: a hull of {full} vertices was thinned to {self._max_hull_vertices}.")
        moved = _moved(vertices * self._mpu, to_owner)
        turned = faces if np.linalg.det(to_owner[:3, :3]) > 0 else faces[:, ::-1]
        return CollisionShape(path, "hull", Pose(), material, vertices=moved, faces=turned)


class _Hulls:
    """Remembers the hulls of the latest point sets."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[bytes, int], tuple[FloatArray, IntArray, int]] = {}

    def __call__(self, points: bytes, max_vertices: int, path: str) -> tuple[FloatArray, IntArray, int]:
        """Vertices, triangles and the number of vertices before thinning, of (P, 3) doubles."""
        key = (hashlib.sha256(points).digest(), max_vertices)
        if key not in self._known:
            vertices, faces = convex_hull(np.frombuffer(points).reshape(-1, 3), path)
            full = len(vertices)
            if full > max_vertices:
                vertices, faces = convex_hull(extreme_points(vertices, max_vertices), path)
            if len(self._known) >= self._most:
                self._known.pop(next(iter(self._known)))
            self._known[key] = (vertices, faces, full)
        return self._known[key]


_hull_of = _Hulls(4096)


def mesh_points(prim: Any) -> FloatArray:
    """(P, 3) points of a mesh prim in its own space.

    Raises:
        EngineError: ``engine_refused_stage`` when there are none or one is not finite.
    """
    points = np.asarray(UsdGeom.Mesh(prim).GetPointsAttr().Get() or [], dtype=float).reshape(-1, 3)
    if len(points) == 0 or not np.isfinite(points).all():
        problem = "is not finite" if len(points) else "has no points"
        raise EngineError(
            "engine_refused_stage", f"The collider mesh {prim.GetPath()} {problem}.", "Repair its geometry."
        )
    return points


def _moved(points: FloatArray, matrix: FloatArray) -> FloatArray:
    moved: FloatArray = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _turned(pose: Pose, axis: str) -> Pose:
    w, x, y, z = _AXIS_WXYZ[axis]
    return pose.compose(Pose((0.0, 0.0, 0.0), (float(w), float(x), float(y), float(z))))


def _equal(scale: FloatArray) -> bool:
    return bool(scale.max() - scale.min() <= _UNIFORM_TOLERANCE * scale.max())


def _positive(value: float | None) -> float | None:
    return float(value) if value is not None and value > 0 else None


def _unit_sphere() -> FloatArray:
    latitude = np.linspace(-np.pi / 2, np.pi / 2, _SEGMENTS // 2 + 1)
    longitude = np.linspace(0, 2 * np.pi, _SEGMENTS, endpoint=False)
    return np.array([[np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)] for a in latitude for b in longitude])


def _round_points(kind: str, radius: float, height: float) -> FloatArray:
    """Points (P, 3) whose hull is a cone, a cylinder or a capsule along z."""
    angle = np.linspace(0, 2 * np.pi, _SEGMENTS, endpoint=False)
    circle = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    low = np.column_stack([circle, np.full(_SEGMENTS, -0.5 * height)])
    if kind == "cone":
        return np.vstack([low, [[0.0, 0.0, 0.5 * height]]])
    if kind == "cylinder":
        return np.vstack([low, low * [1, 1, -1]])
    ball = radius * _unit_sphere()
    up = np.array([0.0, 0.0, 0.5 * height])
    return np.vstack([ball + up, ball - up])


def _triangles(mesh: Any, points: int, path: str) -> IntArray:
    counts = np.asarray(mesh.GetFaceVertexCountsAttr().Get() or [], dtype=np.int64)
    indices = np.asarray(mesh.GetFaceVertexIndicesAttr().Get() or [], dtype=np.int64)
    if counts.sum() != len(indices) or len(counts) == 0 or (counts < 3).any():
        raise EngineError(
            "engine_refused_stage", f"The faces of the collider mesh {path} are malformed.", "Repair its geometry."
        )
    if indices.min() < 0 or indices.max() >= points:
        raise EngineError(
            "engine_refused_stage", f"The collider mesh {path} refers to points that it lacks.", "Repair its geometry."
        )
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    # A fan about each face's first corner: corner k of the fan's triangle j is at start + j + k.
    fans = counts - 2
    start = np.repeat(starts, fans)
    j = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans)
    triangles: IntArray = indices[np.column_stack([start, start + j + 1, start + j + 2])].astype(np.int32)
    if str(mesh.GetOrientationAttr().Get()) == "leftHanded":
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    return triangles
