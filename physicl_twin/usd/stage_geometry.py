"""Meshes, hulls and image bytes as they stand on a twin's stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Sdf, Tf, Usd, UsdGeom, UsdPhysics, UsdShade

from physicl_twin.model import Mesh, UsdError
from physicl_twin.usd.geometry import MESH


@dataclass(frozen=True, slots=True)
class StageGeometry:
    """What twin.json leaves out.

    Attributes:
        meshes: By the name of the shape.
        hulls: By the name of the collider.
        textures: Encoded images by the name of their file in the model.
    """

    meshes: dict[str, Mesh]
    hulls: dict[str, Mesh]
    textures: dict[str, bytes]


def find_interface(path: Path) -> Path:
    """The interface layer of a twin's folder, or the path itself when it is a file.

    Raises:
        UsdError: ``usd_not_found``.
    """
    if path.is_file():
        return path
    candidates = [path / "simready" / f"{path.name}.usda", *sorted(path.glob("simready/*.usd[ac]"))]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise UsdError("usd_not_found", f"{path.name} holds no simready/*.usda.", "Give a twin's folder or its USD file.")


def open_stage(path: Path) -> Usd.Stage:
    """Open a twin's interface layer with everything loaded.

    Raises:
        UsdError: ``usd_not_found`` or ``usd_unreadable``.
    """
    file = find_interface(path)
    try:
        stage = Usd.Stage.Open(str(file), Usd.Stage.LoadAll)
    except Tf.ErrorException as error:
        raise UsdError("usd_unreadable", f"{file.name} cannot be opened as USD.", "The file is damaged.") from error
    if not stage.GetDefaultPrim():
        raise UsdError("usd_not_a_twin", f"{file.name} has no default prim.", "Build a twin from it first.")
    return stage


def recorded(prim: Usd.Prim) -> dict[str, Any]:
    """What physicl_twin keeps in the prim's customData."""
    return dict(prim.GetCustomDataByKey("physicl") or {})


def prims(stage: Usd.Stage) -> Iterator[Usd.Prim]:
    """Every prim below the default prim and itself, also inside instances."""
    yield from Usd.PrimRange(stage.GetDefaultPrim(), Usd.TraverseInstanceProxies())


def read_geometry(stage: Usd.Stage) -> StageGeometry:
    """Collect the geometry of a stage; each shape once, however often it is placed."""
    meshes: dict[str, Mesh] = {}
    hulls: dict[str, Mesh] = {}
    textures: dict[str, bytes] = {}
    for prim in prims(stage):
        data = recorded(prim)
        if "shape" in data and data["shape"] not in meshes:
            mesh = stage.GetPrimAtPath(prim.GetPath().AppendChild(MESH))
            if mesh:
                meshes[data["shape"]] = read_mesh(UsdGeom.Mesh(mesh), tuple(data.get("appearances", ())))
        elif "collider" in data and prim.IsA(UsdGeom.Mesh) and prim.HasAPI(UsdPhysics.CollisionAPI):
            bare = _bare_mesh(UsdGeom.Mesh(prim))
            hulls[data["collider"]["name"]] = Mesh(bare.vertices * _scale(prim), bare.faces)
        elif "appearance" in data and prim.IsA(UsdShade.Material):
            textures.update(_images(prim, data["appearance"]))
    return StageGeometry(meshes, hulls, textures)


def _scale(prim: Usd.Prim) -> float:
    """The uniform scale of a hull (see ``geometry.hull_unit_m``)."""
    for operation in UsdGeom.Xformable(prim).GetOrderedXformOps():
        if operation.GetOpType() == UsdGeom.XformOp.TypeScale:
            return float(operation.Get()[0])
    return 1.0


def _bare_mesh(mesh: UsdGeom.Mesh) -> Mesh:
    counts = np.asarray(mesh.GetFaceVertexCountsAttr().Get())
    if not len(counts) or (counts != 3).any():
        raise UsdError(
            "usd_not_a_twin", f"{mesh.GetPath()} is not a triangle mesh.", "Build a twin from the file first."
        )
    points = np.asarray(mesh.GetPointsAttr().Get(), dtype=np.float64).reshape(-1, 3)
    faces = np.asarray(mesh.GetFaceVertexIndicesAttr().Get(), dtype=np.int32).reshape(-1, 3)
    return Mesh(points, faces)


def read_mesh(mesh: UsdGeom.Mesh, appearances: tuple[str, ...]) -> Mesh:
    """A mesh with its normals, texture coordinates, colours and looks.

    Args:
        mesh: The prim.
        appearances: Names of the shape's looks, which the subsets' display names repeat.
    """
    bare = _bare_mesh(mesh)
    primvars = UsdGeom.PrimvarsAPI(mesh)
    count = len(bare.faces)
    normals = None
    if "normals_derived_crease_deg" not in recorded(mesh.GetPrim()):
        normals = _face_varying(primvars, "normals", count, 3)
    colors = None
    color = primvars.GetPrimvar("displayColor")
    if color and color.GetInterpolation() == UsdGeom.Tokens.vertex:
        colors = np.asarray(color.ComputeFlattened(), dtype=np.float64)
    looks = None
    for subset in UsdGeom.Subset.GetGeomSubsets(mesh, UsdGeom.Tokens.face, "materialBind"):
        name = subset.GetPrim().GetDisplayName() or subset.GetPrim().GetName()
        if name in appearances:
            looks = np.zeros(count, dtype=np.int32) if looks is None else looks
            looks[np.asarray(subset.GetIndicesAttr().Get(), dtype=np.int64)] = appearances.index(name)
    return Mesh(bare.vertices, bare.faces, _face_varying(primvars, "st", count, 2), normals, looks, colors)


def _face_varying(primvars: UsdGeom.PrimvarsAPI, name: str, faces: int, width: int) -> Any:
    primvar = primvars.GetPrimvar(name)
    if not primvar or not primvar.HasAuthoredValue():
        return None
    return np.asarray(primvar.ComputeFlattened(), dtype=np.float64).reshape(faces, 3, width)


def _images(material: Usd.Prim, appearance: Any) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for texture in (appearance.get("textures") or {}).values():
        reader = material.GetStage().GetPrimAtPath(material.GetPath().AppendChild(texture["slot"]))
        asset = reader.GetAttribute("inputs:file").Get() if reader else None
        if isinstance(asset, Sdf.AssetPath) and asset.resolvedPath:
            found[texture["file"]] = Path(asset.resolvedPath).read_bytes()
    return found
