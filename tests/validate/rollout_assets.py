"""USD files of single things for rollouts, made with plain usd-core; mass properties follow from their shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from pxr import Gf, UsdGeom, UsdPhysics

from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe
from tests.engines.stages import StageBuilder


class AssetBuilder(StageBuilder):
    """A stage whose default prim is one rigid body, as a prop's is, or holds several."""

    def __init__(self, path: Path, **stage):
        super().__init__(path, gravity_mps2=None, **stage)
        self.stage.RemovePrim("/World/scene")

    def finish(self, density=1000.0) -> Path:
        """Author mass, com and inertia of every body from its colliders, and save."""
        bodies = [p for p in self.stage.Traverse() if p.HasAPI(UsdPhysics.RigidBodyAPI)]
        for prim in bodies:
            UsdPhysics.MassAPI.Apply(prim).CreateDensityAttr(density * UsdGeom.GetStageMetersPerUnit(self.stage) ** 3)
        metre = UsdGeom.GetStageMetersPerUnit(self.stage)
        for body in describe(self.stage, EngineSettings.from_pipeline()).bodies:
            api = UsdPhysics.MassAPI(self.stage.GetPrimAtPath(body.path))
            api.GetDensityAttr().Clear()
            api.CreateMassAttr(body.mass_kg)
            api.CreateCenterOfMassAttr(Gf.Vec3f(*(c / metre for c in body.com_m)))
            api.CreateDiagonalInertiaAttr(Gf.Vec3f(*(i / metre**2 for i in body.principal_inertia_kgm2)))
            api.CreatePrincipalAxesAttr(Gf.Quatf(*body.principal_wxyz))
        return self.save()


def thing(path, kind, size=0.1, static=0.5, dynamic=None, restitution=0.0) -> Path:
    """box, sphere, cylinder, ring (sixteen hulls) or plate of a size in metres."""
    builder = AssetBuilder(path)
    material = builder.material("surface", static, dynamic, restitution)
    builder.body("thing")
    where = "/World/thing/shape"
    if kind == "box":
        builder.box(where, (size, 0.6 * size, 0.3 * size), material)
    elif kind == "sphere":
        builder.sphere(where, 0.5 * size, material)
    elif kind == "cylinder":
        builder.round(where, "cylinder", 0.25 * size, size, material=material)
    elif kind == "plate":
        builder.box(where, (size, 0.8 * size, 0.005 * size), material)
    elif kind == "ring":
        for i in range(16):
            angles = 2 * np.pi * np.array([i, i + 1]) / 16
            corners = [
                (r * size * np.cos(a), r * size * np.sin(a), z * size)
                for a in angles
                for r in (0.4, 0.5)
                for z in (-0.1, 0.1)
            ]
            hull = trimesh.convex.convex_hull(np.array(corners))
            builder.mesh(f"{where}_{i}", hull.vertices, hull.faces, material=material)
    return builder.finish()
