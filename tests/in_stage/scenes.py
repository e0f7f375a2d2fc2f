"""Stages as people have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, Vt


def stage(
    metres_per_unit: float = 1.0, up: str = "Z", kilograms_per_unit: float = 1.0, default: bool = True
) -> Usd.Stage:
    """An empty stage with /World."""
    made = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageMetersPerUnit(made, metres_per_unit)
    UsdGeom.SetStageUpAxis(made, up)
    UsdPhysics.SetStageKilogramsPerUnit(made, kilograms_per_unit)
    world = UsdGeom.Xform.Define(made, "/World")
    if default:
        made.SetDefaultPrim(world.GetPrim())
    return made


def cube(made: Usd.Stage, path: str, size: float, at: tuple[float, float, float] = (0, 0, 0), scale=None) -> Usd.Prim:
    """A cube of an edge in stage units."""
    shape = UsdGeom.Cube.Define(made, path)
    shape.CreateSizeAttr(size)
    shape.CreateExtentAttr([(-size / 2,) * 3, (size / 2,) * 3])
    shape.AddTranslateOp().Set(Gf.Vec3d(*at))
    if scale is not None:
        shape.AddScaleOp().Set(Gf.Vec3f(*scale))
    return shape.GetPrim()


def mesh(made: Usd.Stage, path: str, shape: trimesh.Trimesh, scale: float = 1.0) -> Usd.Prim:
    """A mesh; its points times a scale."""
    prim = UsdGeom.Mesh.Define(made, path)
    prim.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(shape.vertices * scale, np.float32)))
    prim.CreateFaceVertexCountsAttr(Vt.IntArray([3] * len(shape.faces)))
    prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(shape.faces, np.int32).ravel()))
    return prim.GetPrim()


def bowl() -> trimesh.Trimesh:
    """Far from its hull: a thick half sphere with a hollow, in metres."""
    outer, inner = trimesh.creation.icosphere(3, 0.1), trimesh.creation.icosphere(3, 0.09)
    half = trimesh.creation.box((0.4, 0.4, 0.2), trimesh.transformations.translation_matrix((0, 0, 0.1)))
    return trimesh.boolean.difference([outer, inner, half])


def text(made: Usd.Stage) -> str:
    """The edit target's layer as it would be saved."""
    return str(made.GetEditTarget().GetLayer().ExportToString())


def value(prim: Usd.Prim, name: str):
    """An attribute's value; None when it has none."""
    attribute = prim.GetAttribute(name)
    return attribute.Get() if attribute else None


def asset(folder: Path, metres_per_unit: float = 1.0) -> Path:
    """A crate in a file of its own, as it is referenced."""
    path = folder / "crate.usda"
    made = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageMetersPerUnit(made, metres_per_unit)
    root = UsdGeom.Xform.Define(made, "/crate")
    made.SetDefaultPrim(root.GetPrim())
    cube(made, "/crate/wood_box", 0.4 / metres_per_unit)
    made.Save()
    return path


__all__ = ["Sdf", "asset", "bowl", "cube", "mesh", "stage", "text", "value"]
