"""Small physics stages for tests, written with plain usd-core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, UsdShade, Vt


class StageBuilder:
    """A stage with gravity; prims are added under /World."""

    def __init__(self, path: Path, up: str = "Z", metres_per_unit: float = 1.0, gravity_mps2: float | None = 9.81):
        self.path = path
        self.stage = Usd.Stage.CreateNew(str(path))
        UsdGeom.SetStageUpAxis(self.stage, up)
        UsdGeom.SetStageMetersPerUnit(self.stage, metres_per_unit)
        UsdPhysics.SetStageKilogramsPerUnit(self.stage, 1.0)
        world = UsdGeom.Xform.Define(self.stage, "/World")
        self.stage.SetDefaultPrim(world.GetPrim())
        scene = UsdPhysics.Scene.Define(self.stage, "/World/scene")
        if gravity_mps2 is not None:
            scene.CreateGravityDirectionAttr(Gf.Vec3f(0, 0, -1) if up == "Z" else Gf.Vec3f(0, -1, 0))
            scene.CreateGravityMagnitudeAttr(gravity_mps2 / metres_per_unit)

    def material(self, name, static, dynamic=None, restitution=0.0):
        prim = UsdShade.Material.Define(self.stage, f"/World/{name}").GetPrim()
        api = UsdPhysics.MaterialAPI.Apply(prim)
        api.CreateStaticFrictionAttr(static)
        api.CreateDynamicFrictionAttr(static if dynamic is None else dynamic)
        api.CreateRestitutionAttr(restitution)
        return UsdShade.Material(prim)

    def ground(self, material=None, height=0.0):
        plane = UsdGeom.Plane.Define(self.stage, "/World/ground")
        plane.CreateAxisAttr("Z")
        plane.AddTranslateOp().Set(Gf.Vec3d(0, 0, height))
        self.collider(plane.GetPrim(), material)

    def body(
        self, name, position=(0, 0, 0), wxyz=(1, 0, 0, 0), scale=None, mass=None, com=None, inertia=None, axes=None
    ):
        xform = UsdGeom.Xform.Define(self.stage, f"/World/{name}")
        xform.AddTranslateOp().Set(Gf.Vec3d(*(float(p) for p in position)))
        xform.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(*(float(q) for q in wxyz)))
        if scale is not None:
            xform.AddScaleOp().Set(Gf.Vec3f(*scale))
        prim = xform.GetPrim()
        UsdPhysics.RigidBodyAPI.Apply(prim)
        # Omniverse damps spinning bodies by default; these tests compare with undamped mechanics.
        prim.AddAppliedSchema("PhysxRigidBodyAPI")
        prim.CreateAttribute("physxRigidBody:angularDamping", Sdf.ValueTypeNames.Float).Set(0.0)
        if mass is not None:
            api = UsdPhysics.MassAPI.Apply(prim)
            api.CreateMassAttr(mass)
            if com is not None:
                api.CreateCenterOfMassAttr(Gf.Vec3f(*com))
            if inertia is not None:
                api.CreateDiagonalInertiaAttr(Gf.Vec3f(*inertia))
                api.CreatePrincipalAxesAttr(Gf.Quatf(*(axes or (1, 0, 0, 0))))
        return prim

    def collider(self, prim, material=None, approximation=None):
        UsdPhysics.CollisionAPI.Apply(prim)
        if approximation:
            UsdPhysics.MeshCollisionAPI.Apply(prim).CreateApproximationAttr(approximation)
        if material is not None:
            UsdShade.MaterialBindingAPI.Apply(prim).Bind(material, materialPurpose="physics")
        return prim

    def box(self, path, size, material=None, position=(0, 0, 0)):
        cube = UsdGeom.Cube.Define(self.stage, path)
        cube.CreateSizeAttr(1.0)
        cube.AddTranslateOp().Set(Gf.Vec3d(*(float(p) for p in position)))
        cube.AddScaleOp().Set(Gf.Vec3f(*(float(s) for s in size)))
        return self.collider(cube.GetPrim(), material)

    def sphere(self, path, radius, material=None):
        sphere = UsdGeom.Sphere.Define(self.stage, path)
        sphere.CreateRadiusAttr(radius)
        return self.collider(sphere.GetPrim(), material)

    def round(self, path, kind, radius, height, axis="Z", material=None):
        shape = {"cylinder": UsdGeom.Cylinder, "capsule": UsdGeom.Capsule, "cone": UsdGeom.Cone}[kind]
        prim = shape.Define(self.stage, path)
        prim.CreateRadiusAttr(radius)
        prim.CreateHeightAttr(height)
        prim.CreateAxisAttr(axis)
        return self.collider(prim.GetPrim(), material)

    def mesh(self, path, vertices, faces, approximation="convexHull", material=None):
        mesh = UsdGeom.Mesh.Define(self.stage, path)
        mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(vertices, np.float32)))
        mesh.CreateFaceVertexCountsAttr(Vt.IntArray([3] * len(faces)))
        mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(faces, np.int32).ravel()))
        return self.collider(mesh.GetPrim(), material, approximation)

    def save(self) -> Path:
        self.stage.Save()
        return self.path
