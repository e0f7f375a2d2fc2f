"""What a USD stage says about bodies, colliders and visible geometry, as numpy arrays in each body's frame."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray, Mesh, Pose

#: Meshes of a dynamic body that engines turn into a convex hull.
HULL_APPROXIMATION = "convexHull"


@dataclass(frozen=True, slots=True, eq=False)
class MeshView:
    """A mesh as authored and as triangles.

    Attributes:
        path: Prim path.
        local: Triangles in the mesh's own frame, as authored (fan-triangulated).
        body: The same triangles in the body's frame, metres.
        problem: Why the mesh cannot be used; empty when it can (then ``local`` and ``body`` hold it).
    """

    path: str
    local: Mesh
    body: Mesh
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PhysicsMaterialView:
    """The physics material that a collider is bound to; None where a value is not authored."""

    path: str
    static_friction: float | None
    dynamic_friction: float | None
    restitution: float | None
    density: float | None


@dataclass(frozen=True, slots=True, eq=False)
class ColliderView:
    """A prim with PhysicsCollisionAPI.

    Attributes:
        path: Prim path.
        kind: Prim type name: Mesh, Cube, Sphere, Capsule, Cylinder, Cone …
        approximation: ``physics:approximation`` of a mesh; ``none`` when the attribute or the schema is missing.
        authored: Triangles as authored, body frame (a primitive is tessellated).
        solid: Convex hull that a simulation sees, body frame; None when it cannot be built.
        problem: Why ``solid`` is None, or what is wrong with the shape.
        visible: True when the prim is also drawn (purpose default or render and not invisible).
        material: Bound physics material, or None.
    """

    path: str
    kind: str
    approximation: str
    authored: Mesh
    solid: Mesh | None
    problem: str
    visible: bool
    material: PhysicsMaterialView | None


@dataclass(frozen=True, slots=True, eq=False)
class BodyView:
    """A prim with PhysicsRigidBodyAPI. Lengths in metres, body frame.

    Attributes:
        path: Prim path.
        name: Readable name (display name, else the prim's name).
        world: (4, 4) body frame to world, column vectors.
        dynamic: False for a kinematic or disabled body.
        mass: Authored mass or None.
        com: (3,) authored centre of mass or None.
        diagonal_inertia: (3,) authored principal moments or None.
        principal_axes_wxyz: Authored quaternion or None.
        colliders: Enabled colliders.
        visuals: Meshes that are drawn.
        held: True for what the twin's writer marks as no body of its own: a wall that joints hang on, a base that it
            added. Nothing moves it, so its mass decides nothing.
    """

    path: str
    name: str
    world: FloatArray
    dynamic: bool
    mass: float | None
    com: FloatArray | None
    diagonal_inertia: FloatArray | None
    principal_axes_wxyz: tuple[float, float, float, float] | None
    colliders: tuple[ColliderView, ...] = ()
    visuals: tuple[MeshView, ...] = ()
    held: bool = False

    def inertia(self) -> FloatArray | None:
        """(3, 3) inertia about the centre of mass in body axes, or None when it is not authored."""
        if self.diagonal_inertia is None or self.principal_axes_wxyz is None:
            return None
        rotation = Pose(quaternion_wxyz=self.principal_axes_wxyz).rotation()
        tensor: FloatArray = rotation @ np.diag(self.diagonal_inertia) @ rotation.T
        return tensor

    def visual_points(self) -> FloatArray:
        """(N, 3) vertices of everything that is drawn."""
        return _stack([view.body.vertices for view in self.visuals if not view.problem])

    def points(self) -> FloatArray:
        """(N, 3) vertices of visible geometry and colliders."""
        return _stack([self.visual_points(), *(c.authored.vertices for c in self.colliders)])

    def visual_mesh(self) -> Mesh | None:
        """All drawn triangles as one mesh, or None when there are none."""
        return joined([view.body for view in self.visuals if not view.problem])


@dataclass(slots=True)
class _Found:
    prim: Any
    colliders: list[ColliderView] = field(default_factory=list)
    visuals: list[MeshView] = field(default_factory=list)


def joined(meshes: list[Mesh]) -> Mesh | None:
    """Several meshes as one (positions and triangles only), or None when there are no triangles."""
    offsets = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    faces = [m.faces + offset for m, offset in zip(meshes, offsets, strict=False) if len(m.faces)]
    if not faces:
        return None
    return Mesh(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces).astype(np.int32))


def read_bodies(stage: Any) -> tuple[BodyView, ...]:
    """Every rigid body of a stage with what hangs below it, in stage order (instances are looked into)."""
    from pxr import Usd, UsdGeom, UsdPhysics

    found: dict[str, _Found] = {}
    xforms = UsdGeom.XformCache(Usd.TimeCode.Default())
    for prim in Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies()):
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            found[str(prim.GetPath())] = _Found(prim)
        owner = _owner(prim, found)
        if owner is None or not prim.IsA(UsdGeom.Gprim):
            continue
        to_body = np.linalg.inv(rigid_world(xforms, owner.prim)) @ np.array(xforms.GetLocalToWorldTransform(prim)).T
        if prim.HasAPI(UsdPhysics.CollisionAPI) and _get(UsdPhysics.CollisionAPI(prim).GetCollisionEnabledAttr(), True):
            owner.colliders.append(_collider(prim, to_body))
        if prim.IsA(UsdGeom.Mesh) and _drawn(prim):
            owner.visuals.append(mesh_view(prim, to_body))
    return tuple(_body(path, item, xforms) for path, item in found.items())


def read_static_colliders(stage: Any) -> tuple[ColliderView, ...]:
    """Colliders that belong to no rigid body: what never moves, in the stage's frame."""
    from pxr import Usd, UsdGeom, UsdPhysics

    moving: dict[str, _Found] = {}
    found = []
    xforms = UsdGeom.XformCache(Usd.TimeCode.Default())
    for prim in Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies()):
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            moving[str(prim.GetPath())] = _Found(prim)
        if not prim.IsA(UsdGeom.Gprim) or not prim.HasAPI(UsdPhysics.CollisionAPI) or _owner(prim, moving) is not None:
            continue
        if _get(UsdPhysics.CollisionAPI(prim).GetCollisionEnabledAttr(), True):
            found.append(_collider(prim, np.array(xforms.GetLocalToWorldTransform(prim)).T))
    return tuple(found)


def rigid_world(xforms: Any, prim: Any) -> FloatArray:
    """(4, 4) world placement of a prim with its scale taken out (physics frames have none)."""
    matrix = np.array(xforms.GetLocalToWorldTransform(prim)).T
    u, _, vt = np.linalg.svd(matrix[:3, :3])
    rotation = u @ vt
    result = np.eye(4)
    result[:3, :3] = rotation if np.linalg.det(rotation) > 0 else u @ np.diag([1.0, 1.0, -1.0]) @ vt
    result[:3, 3] = matrix[:3, 3]
    return result


def mesh_view(prim: Any, to_body: FloatArray) -> MeshView:
    """A UsdGeomMesh as triangles; ``problem`` names what makes it unusable."""
    from pxr import UsdGeom

    mesh = UsdGeom.Mesh(prim)
    points = np.array(mesh.GetPointsAttr().Get() or [], dtype=np.float64).reshape(-1, 3)
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get() or [], dtype=np.int64)
    indices = np.array(mesh.GetFaceVertexIndicesAttr().Get() or [], dtype=np.int64)
    problem = _mesh_problem(points, counts, indices)
    faces = np.zeros((0, 3), dtype=np.int32) if problem else triangulate(counts, indices)
    local = Mesh(points, faces)
    return MeshView(str(prim.GetPath()), local, Mesh(_moved(points, to_body), faces), problem)


def triangulate(counts: NDArray[np.int64], indices: NDArray[np.int64]) -> NDArray[np.int32]:
    """Fan triangulation of polygons, (F, 3)."""
    if np.all(counts == 3):
        return indices.reshape(-1, 3).astype(np.int32)
    triangles: list[tuple[int, int, int]] = []
    start = 0
    for count in counts:
        corners = indices[start : start + count]
        triangles.extend((corners[0], corners[k], corners[k + 1]) for k in range(1, count - 1))
        start += int(count)
    return np.array(triangles, dtype=np.int32).reshape(-1, 3)


def _mesh_problem(points: FloatArray, counts: NDArray[np.int64], indices: NDArray[np.int64]) -> str:
    if not len(points) or not len(counts):
        return "it has no faces"
    if not np.isfinite(points).all():
        return f"{int((~np.isfinite(points)).any(axis=1).sum())} points are not finite"
    if counts.min() < 3:
        return "it has faces with fewer than three corners"
    if counts.sum() != len(indices):
        return f"its faces name {int(counts.sum())} corners but {len(indices)} are given"
    if indices.min() < 0 or indices.max() >= len(points):
        return f"face corners point outside its {len(points)} points"
    return ""


def _owner(prim: Any, found: dict[str, _Found]) -> _Found | None:
    path = prim.GetPath()
    return next((found[str(p)] for p in [path, *path.GetAncestorsRange()] if str(p) in found), None) if found else None


def _drawn(prim: Any) -> bool:
    from pxr import UsdGeom

    imageable = UsdGeom.Imageable(prim)
    drawn_purpose = imageable.ComputePurpose() in (UsdGeom.Tokens.default_, UsdGeom.Tokens.render)
    return bool(drawn_purpose and imageable.ComputeVisibility() != UsdGeom.Tokens.invisible)


def _body(path: str, item: _Found, xforms: Any) -> BodyView:
    from pxr import UsdPhysics

    rigid, mass = UsdPhysics.RigidBodyAPI(item.prim), UsdPhysics.MassAPI(item.prim)
    has_mass = item.prim.HasAPI(UsdPhysics.MassAPI)
    axes = _authored(mass.GetPrincipalAxesAttr()) if has_mass else None
    com = _authored(mass.GetCenterOfMassAttr()) if has_mass else None
    diagonal = _authored(mass.GetDiagonalInertiaAttr()) if has_mass else None
    value = _authored(mass.GetMassAttr()) if has_mass else None
    return BodyView(
        path=path,
        name=_name(item.prim),
        world=rigid_world(xforms, item.prim),
        dynamic=bool(_get(rigid.GetRigidBodyEnabledAttr(), True) and not _get(rigid.GetKinematicEnabledAttr(), False)),
        mass=None if value is None else float(value),
        com=None if com is None else np.array(com, dtype=float),
        diagonal_inertia=None if diagonal is None else np.array(diagonal, dtype=float),
        principal_axes_wxyz=None if axes is None else (float(axes.real), *_triple(axes.imaginary)),
        colliders=tuple(item.colliders),
        visuals=tuple(item.visuals),
        held=any((item.prim.GetCustomDataByKey("physicl") or {}).get(key, False) for key in ("anchor", "static")),
    )


def _name(prim: Any) -> str:
    """The name that the twin's writer recorded, else the display name, else the prim's."""
    recorded = (prim.GetCustomDataByKey("physicl") or {}).get("body", "")
    return str(recorded or prim.GetDisplayName() or prim.GetName())


def _triple(vector: Any) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])


def _authored(attribute: Any) -> Any:
    return attribute.Get() if attribute and attribute.HasAuthoredValue() else None


def _get(attribute: Any, default: Any) -> Any:
    value = attribute.Get() if attribute else None
    return default if value is None else value


def _collider(prim: Any, to_body: FloatArray) -> ColliderView:
    from pxr import UsdGeom, UsdPhysics

    approximation, problem = "", ""
    if prim.IsA(UsdGeom.Mesh):
        view = mesh_view(prim, to_body)
        authored, problem = view.body, view.problem
        approximation = "none"
        if prim.HasAPI(UsdPhysics.MeshCollisionAPI):
            approximation = str(_get(UsdPhysics.MeshCollisionAPI(prim).GetApproximationAttr(), "none"))
    else:
        try:
            local = primitive_mesh(prim)
        except ValueError as error:
            local, problem = Mesh(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int32)), str(error)
        authored = Mesh(_moved(local.vertices, to_body), local.faces)
    solid = None
    if not problem:
        solid = hull(authored.vertices)
        problem = "" if solid is not None else "its points lie in a plane"
    return ColliderView(
        str(prim.GetPath()), prim.GetTypeName(), approximation, authored, solid, problem, _drawn(prim), _material(prim)
    )


def hull(points: FloatArray) -> Mesh | None:
    """Convex hull with outward triangles, or None when the points span no volume."""
    return _hull(np.ascontiguousarray(points, dtype=np.float64).tobytes())


@functools.lru_cache(maxsize=1024)
def _hull(data: bytes) -> Mesh | None:
    """See ``hull``; every runtime variant of an asset brings the same colliders again."""
    from scipy.spatial import ConvexHull, QhullError

    points = np.frombuffer(data).reshape(-1, 3)
    try:
        result = ConvexHull(points)
    except (QhullError, ValueError):
        return None
    used, faces = np.unique(result.simplices, return_inverse=True)
    corners, triangles = points[used], faces.reshape(-1, 3)
    a, b, c = (corners[triangles[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), result.equations[:, :3]) < 0
    triangles = np.where(inward[:, None], triangles[:, ::-1], triangles)
    return Mesh(corners, triangles.astype(np.int32))


def primitive_mesh(prim: Any) -> Mesh:
    """A USD primitive collider as triangles in its own frame.

    Raises:
        ValueError: For a shape that has no triangles here (Plane, Points …) or a size that is not positive.
    """
    import trimesh
    from pxr import UsdGeom

    def size(attribute: Any) -> float:
        value = float(attribute.Get())
        if not value > 0:
            raise ValueError(f"its size {value} is not positive")
        return value

    if prim.IsA(UsdGeom.Cube):
        shape = trimesh.creation.box(extents=[size(UsdGeom.Cube(prim).GetSizeAttr())] * 3)
    elif prim.IsA(UsdGeom.Sphere):
        shape = trimesh.creation.icosphere(subdivisions=3, radius=size(UsdGeom.Sphere(prim).GetRadiusAttr()))
    elif prim.IsA(UsdGeom.Capsule):
        item = UsdGeom.Capsule(prim)
        shape = trimesh.creation.capsule(
            height=size(item.GetHeightAttr()), radius=size(item.GetRadiusAttr()), count=[32, 32]
        )
        shape.apply_translation(-shape.bounds.mean(axis=0))
    elif prim.IsA(UsdGeom.Cylinder):
        item = UsdGeom.Cylinder(prim)
        shape = trimesh.creation.cylinder(
            radius=size(item.GetRadiusAttr()), height=size(item.GetHeightAttr()), sections=64
        )
    elif prim.IsA(UsdGeom.Cone):
        item = UsdGeom.Cone(prim)
        height = size(item.GetHeightAttr())
        shape = trimesh.creation.cone(radius=size(item.GetRadiusAttr()), height=height, sections=64)
        shape.apply_translation([0, 0, -height / 2])
    else:
        raise ValueError(f"a {prim.GetTypeName()} is not a shape that a dynamic body can have")
    if not prim.IsA(UsdGeom.Cube) and not prim.IsA(UsdGeom.Sphere):
        axis = str(prim.GetAttribute("axis").Get())
        order = {"X": [2, 0, 1], "Y": [1, 2, 0], "Z": [0, 1, 2]}[axis]
        return Mesh(np.asarray(shape.vertices)[:, order], np.asarray(shape.faces, dtype=np.int32))
    return Mesh(np.asarray(shape.vertices), np.asarray(shape.faces, dtype=np.int32))


def _material(prim: Any) -> PhysicsMaterialView | None:
    from pxr import UsdPhysics, UsdShade

    material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
    if not material or not material.GetPrim().HasAPI(UsdPhysics.MaterialAPI):
        return None
    api = UsdPhysics.MaterialAPI(material.GetPrim())
    values = [
        _authored(a)
        for a in (
            api.GetStaticFrictionAttr(),
            api.GetDynamicFrictionAttr(),
            api.GetRestitutionAttr(),
            api.GetDensityAttr(),
        )
    ]
    return PhysicsMaterialView(str(material.GetPath()), *(None if v is None else float(v) for v in values))


def all_prims(stage: Any) -> Iterator[Any]:
    """Every prim of the stage, prims inside instances included."""
    from pxr import Usd

    yield from Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies())


def _moved(points: FloatArray, matrix: FloatArray) -> FloatArray:
    moved: FloatArray = points @ matrix[:3, :3].T + matrix[:3, 3]
    return moved


def _stack(arrays: list[FloatArray]) -> FloatArray:
    filled = [a for a in arrays if len(a)]
    return np.concatenate(filled) if filled else np.zeros((0, 3))
