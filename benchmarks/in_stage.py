"""Making many prims of an open stage sim-ready, against the loop that applies the schemas and weighs nothing.

Usage: python benchmarks/in_stage.py [COUNT]        (10,000 prims of mixed kinds by default; a centimetre, Y-up stage)

Prints seconds of both, of the undo, whether the layer's bytes are the same after it, and the ratio. The rival is what
scripts do: RigidBodyAPI, CollisionAPI, MeshCollisionAPI and MassAPI with a constant mass, prim by prim, through pxr's
own functions; its numbers are the same for every prim.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import trimesh
from pxr import Gf, Usd, UsdGeom, UsdPhysics, Vt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from physicl_twin.in_stage import make_sim_ready


def build(count: int) -> tuple[Usd.Stage, list[str]]:
    """Blocks, balls, cans and meshes of a dozen sizes, as a warehouse has them."""
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdGeom.SetStageUpAxis(stage, "Y")
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, "/World").GetPrim())
    shapes = [
        trimesh.creation.icosphere(2, 6.0),
        trimesh.creation.cylinder(4.0, 12.0),
        trimesh.creation.torus(8.0, 2.0),
    ]
    paths = []
    for number in range(count):
        size, kind = 8.0 + number % 12, number % 4
        path = f"/World/{('crate', 'ball', 'can', 'bracket')[kind]}_{number}"
        if kind == 0:
            prim = UsdGeom.Cube.Define(stage, path)
            prim.CreateSizeAttr(size)
        elif kind == 1:
            prim = UsdGeom.Sphere.Define(stage, path)
            prim.CreateRadiusAttr(size / 2)
        elif kind == 2:
            prim = UsdGeom.Cylinder.Define(stage, path)
            prim.CreateRadiusAttr(size / 3)
            prim.CreateHeightAttr(size)
        else:
            shape = shapes[number // 4 % 3]
            prim = UsdGeom.Mesh.Define(stage, path)
            points = np.ascontiguousarray(shape.vertices * size / 10, np.float32)
            prim.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
            prim.CreateFaceVertexCountsAttr(Vt.IntArray([3] * len(shape.faces)))
            indices = np.ascontiguousarray(shape.faces, np.int32).ravel()
            prim.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(indices))
        prim.AddTranslateOp().Set(Gf.Vec3d(30.0 * (number % 100), 0.0, 30.0 * (number // 100)))
        paths.append(path)
    return stage, paths


def plain(stage: Usd.Stage, paths: list[str]) -> None:
    """The rival."""
    for path in paths:
        prim = stage.GetPrimAtPath(path)
        UsdPhysics.RigidBodyAPI.Apply(prim).CreateRigidBodyEnabledAttr(True)
        UsdPhysics.CollisionAPI.Apply(prim).CreateCollisionEnabledAttr(True)
        if prim.IsA(UsdGeom.Mesh):
            UsdPhysics.MeshCollisionAPI.Apply(prim).CreateApproximationAttr("convexHull")
        mass = UsdPhysics.MassAPI.Apply(prim)
        mass.CreateMassAttr(1.0)
        mass.CreateCenterOfMassAttr(Gf.Vec3f(0))
        mass.CreateDiagonalInertiaAttr(Gf.Vec3f(1))
        mass.CreatePrincipalAxesAttr(Gf.Quatf(1))


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    stage, paths = build(8)
    make_sim_ready(stage, paths)  # tables are read, libraries imported
    stage, paths = build(count)
    start = time.perf_counter()
    plain(stage, paths)
    rival_s = time.perf_counter() - start
    stage, paths = build(count)
    before = stage.GetRootLayer().ExportToString()
    start = time.perf_counter()
    report = make_sim_ready(stage, paths)
    ours_s = time.perf_counter() - start
    start = time.perf_counter()
    report.undo()
    undo_s = time.perf_counter() - start
    same = stage.GetRootLayer().ExportToString() == before
    print(f"prims                                   {count:>9,}")
    print(f"sim-ready bodies                        {len(report.bodies):>9,}")
    print(f"make_sim_ready, s                       {ours_s:>9.2f}")
    print(f"one undo, s                             {undo_s:>9.2f}")
    print(f"layer the same to the byte afterwards   {'yes' if same else 'NO':>9}")
    print(f"schemas in a loop, nothing weighed, s   {rival_s:>9.2f}")
    print(f"ratio                                   {ours_s / rival_s:>9.2f}")


if __name__ == "__main__":
    main()
