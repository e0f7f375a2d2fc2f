"""A temporary stage with copies of a twin on prepared ground, for rollouts and for settling scenes.

The copies refer to the twin's own file, so what is simulated is what was shipped. The stage is Z up in the twin's own
length and mass units; poses given here are metres, and turn with the twin when its file is Y up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics, UsdShade

from physicl_twin.model import Pose, UsdError

#: Variant that an engine's runnable is behind, in SimReady's layout.
ENGINE_VARIANTS = {"physx": "PhysX", "newton": "Newton", "mujoco": "MuJoCo"}


@dataclass(frozen=True, slots=True)
class Surface:
    """What the ground is made of.

    Attributes:
        static_friction: Coefficient, 1.
        dynamic_friction: Coefficient, 1.
        restitution: Coefficient, 1.
        friction_combine: PhysX's combine mode of friction.
        restitution_combine: PhysX's combine mode of restitution.
    """

    static_friction: float
    dynamic_friction: float
    restitution: float = 0.0
    friction_combine: str = "average"
    restitution_combine: str = "average"


@dataclass(frozen=True, slots=True)
class Ramp:
    """A static slab; an infinite plane in isolated scenes.

    Attributes:
        pose: Frame of its top face: z is the outward normal, the slab lies below.
        size_m: Length along x, width along y, thickness.
        surface: Its material.
    """

    pose: Pose
    size_m: tuple[float, float, float]
    surface: Surface


@dataclass(frozen=True, slots=True)
class Clone:
    """A copy of the twin.

    Attributes:
        pose: Of the twin's own frame (Z up) in the world.
        rotation_locked: True to let its bodies translate only.
        only_body: Path of the one body to keep, relative to the asset's root (``.`` for the root itself); the other
            bodies and all joints are switched off. Empty for all.
    """

    pose: Pose
    rotation_locked: bool = False
    only_body: str = ""


@dataclass(frozen=True, slots=True)
class RolloutScene:
    """The stage that was written.

    Attributes:
        path: The file.
        clones: Prim path of each copy's asset root; its bodies are at or below it.
    """

    path: Path
    clones: tuple[str, ...]


def write_rollout_scene(
    path: Path,
    usd: Path,
    engine: str,
    clones: Sequence[Clone],
    *,
    ground: Surface | None = None,
    ramps: Sequence[Ramp] = (),
    gravity_mps2: float = 9.81,
    bounce_threshold_mps: float = 0.2,
    isolated: bool = False,
) -> RolloutScene:
    """Write the stage.

    Args:
        path: File to write, in a folder of the caller's that he removes.
        usd: The twin's interface layer, or any USD file with a default prim.
        engine: Whose variant to select: ``physx``, ``newton`` or ``mujoco``.
        clones: Copies of the twin.
        ground: Material of an infinite floor at z = 0; None for no floor.
        ramps: Slabs.
        gravity_mps2: Gravity, downwards.
        bounce_threshold_mps: Approach speed below which PhysX lets nothing bounce.
        isolated: True to give each copy, with the ramp of the same number, a physics scene of its own. Ramps are
            then infinite planes (a slab that is a hundred times as long as the copy is missed by PhysX's collision of
            small hulls with large boxes).

    Raises:
        UsdError: ``usd_no_default_prim``, ``usd_unreadable``.
    """
    asset = _open(usd)
    root = asset.GetDefaultPrim()
    author = _Author(path, asset)
    scenes = [
        author.scene(f"/World/physics_{index:03d}", gravity_mps2, bounce_threshold_mps)
        for index in range(max(1, len(clones)) if isolated else 1)
    ]
    if ground is not None:
        author.floor(ground)
    for index, ramp in enumerate(ramps):
        author.ramp(f"/World/ramp_{index:03d}", ramp, scenes[index] if isolated else "")
    roots = tuple(f"/World/clone_{index:03d}/asset" for index in range(len(clones)))
    for index, (where, clone) in enumerate(zip(roots, clones, strict=True)):
        author.clone(where, clone, usd, root, engine, scenes[index] if isolated else "")
    author.stage.Save()
    return RolloutScene(path, roots)


def _open(usd: Path) -> Any:
    try:
        asset = Usd.Stage.Open(str(usd))
    except Exception as error:  # Tf has its own exception type
        raise UsdError("usd_unreadable", f"{usd.name} cannot be opened as USD.", "Check that it is whole.") from error
    if not asset.GetDefaultPrim():
        raise UsdError("usd_no_default_prim", f"{usd.name} has no default prim.", "Set defaultPrim in its root layer.")
    return asset


class _Author:
    def __init__(self, path: Path, asset: Any) -> None:
        self.stage = Usd.Stage.CreateNew(str(path))
        self._mpu = float(UsdGeom.GetStageMetersPerUnit(asset))
        self._y_up = str(UsdGeom.GetStageUpAxis(asset)) == "Y"
        UsdGeom.SetStageUpAxis(self.stage, UsdGeom.Tokens.z)
        UsdGeom.SetStageMetersPerUnit(self.stage, self._mpu)
        UsdPhysics.SetStageKilogramsPerUnit(self.stage, UsdPhysics.GetStageKilogramsPerUnit(asset))
        self.stage.SetDefaultPrim(UsdGeom.Xform.Define(self.stage, "/World").GetPrim())
        self._surfaces: dict[Surface, Any] = {}

    def scene(self, where: str, gravity_mps2: float, bounce_threshold_mps: float) -> str:
        scene = UsdPhysics.Scene.Define(self.stage, where)
        scene.CreateGravityDirectionAttr(Gf.Vec3f(0, 0, -1))
        scene.CreateGravityMagnitudeAttr(gravity_mps2 / self._mpu)
        prim = scene.GetPrim()
        prim.AddAppliedSchema("PhysxSceneAPI")
        threshold = prim.CreateAttribute("physxScene:bounceThreshold", Sdf.ValueTypeNames.Float)
        threshold.Set(bounce_threshold_mps / self._mpu)
        return where

    def floor(self, surface: Surface) -> None:
        plane = UsdGeom.Plane.Define(self.stage, "/World/ground")
        plane.CreateAxisAttr("Z")
        self._collide(plane.GetPrim(), surface)

    def ramp(self, where: str, ramp: Ramp, scene: str) -> None:
        frame = UsdGeom.Xform.Define(self.stage, where)
        self._place(frame, ramp.pose)
        if scene:
            plane = UsdGeom.Plane.Define(self.stage, f"{where}/slab")
            plane.CreateAxisAttr("Z")
            self._collide(plane.GetPrim(), ramp.surface)
            UsdPhysics.CollisionAPI(plane).CreateSimulationOwnerRel().SetTargets([scene])
            return
        cube = UsdGeom.Cube.Define(self.stage, f"{where}/slab")
        cube.CreateSizeAttr(1.0)
        length, width, thickness = (size / self._mpu for size in ramp.size_m)
        cube.AddTranslateOp().Set(Gf.Vec3d(0, 0, -0.5 * thickness))
        cube.AddScaleOp().Set(Gf.Vec3f(length, width, thickness))
        self._collide(cube.GetPrim(), ramp.surface)

    def clone(self, where: str, clone: Clone, usd: Path, root: Any, engine: str, scene: str) -> None:
        self._place(UsdGeom.Xform.Define(self.stage, Sdf.Path(where).GetParentPath()), clone.pose)
        prim = self.stage.DefinePrim(where, root.GetTypeName())
        if self._y_up:
            self._turn_up(Sdf.Path(where).GetParentPath())
        prim.GetReferences().AddReference(str(usd.resolve()))
        variants = prim.GetVariantSets()
        for name, variant in ENGINE_VARIANTS.items():
            if variants.HasVariantSet(variant):
                variants.GetVariantSet(variant).SetVariantSelection("Enabled" if name == engine else "Disabled")
        if prim.IsInstanceable():
            prim.SetInstanceable(False)
        keep = prim.GetPath() if clone.only_body == "." else prim.GetPath().AppendPath(clone.only_body or ".")
        for inner in [*Usd.PrimRange(prim)]:
            self._adapt(inner, clone, keep, scene)

    def _adapt(self, prim: Any, clone: Clone, keep: Any, scene: str) -> None:
        """Switch off what would disturb: the asset's own physics scene, and bodies that are not asked for."""
        if not prim.IsValid() or not prim.IsActive():
            return
        if prim.IsA(UsdPhysics.Scene) or (clone.only_body and prim.IsA(UsdPhysics.Joint)):
            prim.SetActive(False)
        elif prim.HasAPI(UsdPhysics.RigidBodyAPI):
            if clone.only_body and prim.GetPath() != keep:
                prim.SetActive(False)
                return
            if clone.rotation_locked:
                prim.AddAppliedSchema("PhysxRigidBodyAPI")
                prim.CreateAttribute("physxRigidBody:lockedRotAxis", Sdf.ValueTypeNames.Int).Set(7)
            if scene:
                UsdPhysics.RigidBodyAPI(prim).CreateSimulationOwnerRel().SetTargets([scene])

    def _turn_up(self, path: Any) -> None:
        """Y up to Z up: a quarter turn about x, after the clone's pose."""
        UsdGeom.Xformable(self.stage.GetPrimAtPath(path)).AddRotateXOp(opSuffix="up").Set(90.0)

    def _place(self, xform: Any, pose: Pose) -> None:
        xform.AddTranslateOp().Set(Gf.Vec3d(*(value / self._mpu for value in pose.position_m)))
        xform.AddOrientOp(UsdGeom.XformOp.PrecisionDouble).Set(Gf.Quatd(*pose.quaternion_wxyz))

    def _collide(self, prim: Any, surface: Surface) -> None:
        UsdPhysics.CollisionAPI.Apply(prim)
        if surface not in self._surfaces:
            self._surfaces[surface] = self._material(surface)
        UsdShade.MaterialBindingAPI.Apply(prim).Bind(self._surfaces[surface], materialPurpose="physics")

    def _material(self, surface: Surface) -> Any:
        material = UsdShade.Material.Define(self.stage, f"/World/surface_{len(self._surfaces):03d}")
        prim = material.GetPrim()
        api = UsdPhysics.MaterialAPI.Apply(prim)
        api.CreateStaticFrictionAttr(surface.static_friction)
        api.CreateDynamicFrictionAttr(surface.dynamic_friction)
        api.CreateRestitutionAttr(surface.restitution)
        prim.AddAppliedSchema("PhysxMaterialAPI")
        for quantity, mode in (("friction", surface.friction_combine), ("restitution", surface.restitution_combine)):
            prim.CreateAttribute(f"physxMaterial:{quantity}CombineMode", Sdf.ValueTypeNames.Token).Set(mode)
        return material
