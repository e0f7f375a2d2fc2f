"""The geometry layer: each shape's mesh once, each distinct collision hull once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pxr import Sdf, Vt

from physicl_twin.model import Appearance, Collider, GeometrySummary, Mesh, SolidProperties, UsdError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.normals import corner_normals, face_normals
from physicl_twin.usd import layers
from physicl_twin.usd.dictionary import to_dictionary
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import Layout, ShapePlan

#: Root of the shapes and of the hulls in the geometry layer.
SHAPES = "/Geometries"
HULLS = "/Hulls"
#: Name of the mesh prim under a shape.
MESH = "mesh"
#: Face-varying values are indexed up to this many corners; beyond, finding equal ones takes longer than it saves.
_MAX_INDEXED = 6_000_000


def geometry_layer(layout: Layout, colors: dict[str, tuple[float, float, float]], crease_angle_deg: float) -> Sdf.Layer:
    """The layer of meshes.

    Args:
        layout: What goes where.
        colors: Display colour of each visual material, by its prim name.
        crease_angle_deg: For meshes without normals.
    """
    layer = layers.new_layer(".usdc", SHAPES[1:])
    layers.define(layer, SHAPES, "Scope")
    shown = {part.shape.shape.name: part.looks for body in layout.bodies for part in body.parts if part.prototype}
    for plan in layout.shapes:
        looks = shown[plan.shape.name]
        _shape(layer, plan, crease_angle_deg)
        _display_color(
            layer.GetPrimAtPath(f"{SHAPES}/{plan.prim}/{MESH}"),
            plan,
            [colors[look.prim] for look in looks],
            [look.appearance for look in looks],
        )
    if layout.hulls:
        layers.define(layer, HULLS, "Scope")
    for name, collider in layout.hulls:
        _hull(layer, f"{HULLS}/{name}", collider)
    return layer


def _shape(layer: Sdf.Layer, plan: ShapePlan, crease_angle_deg: float) -> None:
    shape, path = plan.shape, f"{SHAPES}/{plan.prim}"
    prim = layers.define(layer, path, "Xform", title=shape.name, identity=shape.name)
    _record_integrals(prim, shape.geometry, shape.brep, shape.solid)
    if shape.appearances:
        layers.record(prim, "appearances", Vt.StringArray(list(shape.appearances)))
    assert shape.mesh is not None  # layout.require_complete
    mesh = define_mesh(layer, f"{path}/{MESH}", shape.mesh, corner_normals(shape.mesh, crease_angle_deg))
    if shape.mesh.normals is None:
        layers.record(mesh, "normals_derived_crease_deg", float(crease_angle_deg))
    if shape.mesh.uvs is not None:
        values, indices = _indexed(np.asarray(shape.mesh.uvs, dtype=np.float32).reshape(-1, 2))
        layers.primvar(
            mesh, "st", Types.TexCoord2fArray, Vt.Vec2fArray.FromNumpy(values), "faceVarying", _vt_indices(indices)
        )
    if plan.subsets:
        _subsets(layer, f"{path}/{MESH}", shape.mesh, plan)


def _record_integrals(
    prim: Sdf.PrimSpec, geometry: GeometrySummary | None, brep: SolidProperties | None, solid: SolidProperties | None
) -> None:
    for key, value in (("geometry", geometry), ("brep", brep), ("solid", solid)):
        if value is not None:
            layers.record(prim, key, to_dictionary(value))


def define_mesh(layer: Sdf.Layer, path: str, mesh: Mesh, normals: FloatArray) -> Sdf.PrimSpec:
    """A polygonal mesh prim with points, topology, extent and face-varying normals (F, 3, 3).

    Raises:
        UsdError: ``mesh_beyond_float32`` when a position is not finite or overflows USD's single precision.
    """
    prim = layers.define(layer, path, "Mesh")
    with np.errstate(over="ignore"):
        points = np.ascontiguousarray(mesh.vertices, dtype=np.float32)
    if not np.isfinite(points).all():
        raise UsdError(
            "mesh_beyond_float32", "A mesh has positions that USD cannot store.", "Check the unit of the file."
        )
    faces = np.ascontiguousarray(mesh.faces, dtype=np.int32)
    layers.attribute(prim, "points", Types.Point3fArray, Vt.Vec3fArray.FromNumpy(points))
    layers.attribute(
        prim, "faceVertexCounts", Types.IntArray, Vt.IntArray.FromNumpy(np.full(len(faces), 3, dtype=np.int32))
    )
    layers.attribute(prim, "faceVertexIndices", Types.IntArray, Vt.IntArray.FromNumpy(faces.ravel()))
    layers.attribute(prim, "subdivisionScheme", Types.Token, "none", uniform=True)
    layers.attribute(prim, "orientation", Types.Token, "rightHanded", uniform=True)
    layers.attribute(prim, "extent", Types.Float3Array, layers.extent(points.min(axis=0), points.max(axis=0)))
    values, indices = _indexed(np.asarray(normals, dtype=np.float32).reshape(-1, 3))
    layers.primvar(
        prim, "normals", Types.Normal3fArray, Vt.Vec3fArray.FromNumpy(values), "faceVarying", _vt_indices(indices)
    )
    return prim


def _subsets(layer: Sdf.Layer, path: str, mesh: Mesh, plan: ShapePlan) -> None:
    assert mesh.face_appearance is not None  # a plan with subsets has it
    for index, name in plan.subsets:
        subset = layers.define(layer, f"{path}/{name}", "GeomSubset", title=plan.shape.appearances[index])
        layers.attribute(subset, "elementType", Types.Token, "face", uniform=True)
        layers.attribute(subset, "familyName", Types.Token, "materialBind", uniform=True)
        members = np.flatnonzero(mesh.face_appearance == index).astype(np.int32)
        layers.attribute(subset, "indices", Types.IntArray, Vt.IntArray.FromNumpy(members))
    layers.attribute(
        layer.GetPrimAtPath(path), "subsetFamily:materialBind:familyType", Types.Token, "partition", uniform=True
    )


def _display_color(
    prim: Sdf.PrimSpec,
    plan: ShapePlan,
    colors: list[tuple[float, float, float]],
    appearances: list[Appearance],
) -> None:
    """Colour for viewers that evaluate no materials: of the vertices, of the faces, or one."""
    mesh = plan.shape.mesh
    assert mesh is not None  # layout.require_complete
    if mesh.vertex_colors is not None:
        values = np.ascontiguousarray(np.clip(mesh.vertex_colors, 0.0, 1.0), dtype=np.float32)
        layers.primvar(prim, "displayColor", Types.Color3fArray, Vt.Vec3fArray.FromNumpy(values), "vertex")
    elif plan.subsets and mesh.face_appearance is not None:
        position = np.zeros(max(index for index, _ in plan.subsets) + 1, dtype=np.int32)
        for place, (index, _) in enumerate(plan.subsets):
            position[index] = place
        layers.primvar(
            prim,
            "displayColor",
            Types.Color3fArray,
            Vt.Vec3fArray.FromNumpy(np.asarray(colors, dtype=np.float32)),
            "uniform",
            Vt.IntArray.FromNumpy(np.ascontiguousarray(position[mesh.face_appearance])),
        )
    else:
        values = np.asarray(colors[:1], dtype=np.float32)
        layers.primvar(prim, "displayColor", Types.Color3fArray, Vt.Vec3fArray.FromNumpy(values), "constant")
    opacity = min(appearance.opacity for appearance in appearances)
    if opacity < 1.0 and not plan.subsets:
        layers.primvar(prim, "displayOpacity", Types.FloatArray, Vt.FloatArray([opacity]), "constant")


def hull_unit_m(hull: Mesh) -> float:
    """Metres per unit of a hull's points on the stage: the power of two next to its size, at most 1.

    PhysX cooks a hull in the units of its points and drops what is nearer than 0.0007 of them to the hull so far
    (PxCookingParams::planeTolerance): in metres a piece of 8 mm lost corners of 0.4 mm (measured with ovphysx 0.7).
    Points of about unit size under a scale keep them all. With a power of two no digit is lost.
    """
    extent = float(np.ptp(hull.vertices, axis=0).max())
    return min(1.0, 2.0 ** round(math.log2(extent))) if extent > 0 else 1.0


def _hull(layer: Sdf.Layer, path: str, collider: Collider) -> None:
    assert collider.hull is not None  # layout.require_complete
    flat = face_normals(collider.hull.vertices, collider.hull.faces)
    enlarged = Mesh(collider.hull.vertices / hull_unit_m(collider.hull), collider.hull.faces)
    define_mesh(layer, path, enlarged, np.repeat(flat[:, None, :], 3, axis=1))


def _indexed(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
    """Equal rows once, with the index of each; the rows as they are when there are too many or nothing is saved."""
    values = np.ascontiguousarray(values) + np.float32(0.0)  # -0 and 0 are one value
    if len(values) > _MAX_INDEXED:
        return values, None
    rows = values.view(np.dtype((np.void, values.dtype.itemsize * values.shape[1]))).ravel()
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    if 2 * len(first) > len(values):
        return values, None
    # In the order of first appearance, which neighbours in memory like better than the order of the bits.
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return np.ascontiguousarray(values[first[order]]), np.ascontiguousarray(rank[inverse])


def _vt_indices(indices: NDArray[np.int32] | None) -> Vt.IntArray | None:
    return None if indices is None else Vt.IntArray.FromNumpy(indices)
