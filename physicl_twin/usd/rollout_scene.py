"""A temporary stage with copies of a twin on prepared ground, for rollouts and for settling scenes.

The copies refer to the twin's own file, so what is simulated is what was shipped. The stage is Z up in the twin's own
length and mass units; poses given here are metres, and turn with the twin when its file is Y up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        without: Paths of prims to leave out, relative to the asset's root.
        only_body: Path of the one body to keep, relative to the asset's root (``.`` for the root itself); the other
            bodies and all joints are switched off. Empty for all.
        fixed: True to hold what nothing holds to the world: the first link of every tree of joints, or the only body.
    """

    pose: Pose
    rotation_locked: bool = False
    only_body: str = ""
    without: tuple[str, ...] = ()
    fixed: bool = False


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
            then infinite planes: PhysX misses a slab a hundred times as long as the copy, and MuJoCo's normals between
            a slab and hulls are off by degrees (3 measured under a bowl).

    Raises:
        UsdError: ``usd_no_default_prim``, ``usd_unreadable``.
    """
    asset = _open(usd)
    author = _Author(path, asset, usd, engine)
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
        author.clone(where, clone, scenes[index] if isolated else "")
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


@dataclass(frozen=True, slots=True)
class _Asset:
    """What a copy must know of the asset; paths are relative to its root, ``.`` for the root itself.

    Attributes:
        file: The asset's file.
        type_name: Of its root.
        instanceable: Whether the root is.
        variants: Selections that put one engine in force.
        bodies: Rigid bodies.
        joints: Joints.
        scenes: Physics scenes of its own.
        roots: Prims with an articulation's root schema.
        loose: What nothing holds: a body of every tree without a joint to the world, and its pose on the asset's stage.
    """

    file: str
    type_name: str
    instanceable: bool
    variants: tuple[tuple[str, str], ...]
    bodies: tuple[str, ...]
    joints: tuple[str, ...]
    scenes: tuple[str, ...]
    roots: tuple[str, ...]
    loose: tuple[tuple[str, Any], ...]

    @classmethod
    def look(cls, stage: Any, usd: Path, engine: str) -> _Asset:
        """The asset on its own stage with the engine's variant chosen in the session layer."""
        root = stage.GetDefaultPrim()
        sets = root.GetVariantSets()
        variants = tuple(
            (variant, "Enabled" if name == engine else "Disabled")
            for name, variant in ENGINE_VARIANTS.items()
            if sets.HasVariantSet(variant)
        )
        with Usd.EditContext(stage, stage.GetSessionLayer()):
            for variant, option in variants:
                sets.GetVariantSet(variant).SetVariantSelection(option)
        prims = [prim for prim in Usd.PrimRange(root) if prim.IsActive()]

        def paths(wanted: Callable[[Any], bool]) -> tuple[str, ...]:
            return tuple(str(p.GetPath().MakeRelativePath(root.GetPath())) for p in prims if wanted(p))

        return cls(
            str(usd.resolve()),
            root.GetTypeName(),
            root.IsInstanceable(),
            variants,
            paths(lambda prim: prim.HasAPI(UsdPhysics.RigidBodyAPI)),
            paths(lambda prim: prim.IsA(UsdPhysics.Joint)),
            paths(lambda prim: prim.IsA(UsdPhysics.Scene)),
            paths(lambda prim: prim.HasAPI(UsdPhysics.ArticulationRootAPI)),
            _loose(root, prims),
        )


def _loose(root: Any, prims: Sequence[Any]) -> tuple[tuple[str, Any], ...]:
    """One body of everything that hangs together and that no joint ties to the world; its pose on the asset's stage."""
    rigid = {str(prim.GetPath()): prim for prim in prims if prim.HasAPI(UsdPhysics.RigidBodyAPI)}
    parent = {path: path for path in ["", *rigid]}

    def find(path: str) -> str:
        while parent[path] != path:
            parent[path] = parent[parent[path]]
            path = parent[path]
        return path

    children = set()
    for joint in (UsdPhysics.Joint(prim) for prim in prims if prim.IsA(UsdPhysics.Joint)):
        ends = [relation.GetTargets() for relation in (joint.GetBody0Rel(), joint.GetBody1Rel())]
        one, other = (str(targets[0]) if targets and str(targets[0]) in rigid else "" for targets in ends)
        parent[find(one)] = find(other)
        children.add(other)
    first: dict[str, str] = {}
    for path in sorted(rigid, key=lambda path: path in children):
        first.setdefault(find(path), path)
    first.pop(find(""), None)
    transforms = UsdGeom.XformCache(Usd.TimeCode.Default())

    def placed(path: str) -> tuple[str, Any]:
        relative = str(Sdf.Path(path).MakeRelativePath(root.GetPath()))
        return relative, transforms.GetLocalToWorldTransform(rigid[path]).RemoveScaleShear()

    return tuple(placed(path) for path in first.values())


class _Author:
    def __init__(self, path: Path, asset: Any, usd: Path, engine: str) -> None:
        self.stage = Usd.Stage.CreateNew(str(path))
        self._layer = self.stage.GetRootLayer()
        self._asset = _Asset.look(asset, usd, engine)
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

    def clone(self, where: str, clone: Clone, scene: str) -> None:
        """Author a copy as bare specs: composing each of many copies here would take most of a rollout's time."""
        parent = Sdf.Path(where).GetParentPath()
        self._place(UsdGeom.Xform.Define(self.stage, parent), clone.pose)
        if self._y_up:
            self._turn_up(parent)
        with Sdf.ChangeBlock():
            root = Sdf.CreatePrimInLayer(self._layer, where)
            root.specifier, root.typeName = Sdf.SpecifierDef, self._asset.type_name
            root.referenceList.Prepend(Sdf.Reference(self._asset.file))
            for name, option in self._asset.variants:
                root.variantSelections[name] = option
            if self._asset.instanceable:
                root.SetInfo("instanceable", False)
            for path in (*clone.without, *self._asset.scenes, *(self._asset.joints if clone.only_body else ())):
                self._over(where, path).active = False
            for path in self._asset.bodies:
                body = self._over(where, path)
                if clone.only_body and path != clone.only_body:
                    body.active = False
                    continue
                if clone.rotation_locked:
                    apis = body.GetInfo("apiSchemas") if body.HasInfo("apiSchemas") else Sdf.TokenListOp()
                    apis.prependedItems = [*apis.prependedItems, "PhysxRigidBodyAPI"]
                    body.SetInfo("apiSchemas", apis)
                    Sdf.AttributeSpec(body, "physxRigidBody:lockedRotAxis", Sdf.ValueTypeNames.Int).default = 7
                if scene:
                    owner = Sdf.RelationshipSpec(body, "physics:simulationOwner")
                    owner.targetPathList.explicitItems = [scene]
            if clone.only_body:
                self._without_root(where)
            for number, (path, pose) in enumerate(self._asset.loose if clone.fixed else ()):
                self._hold(f"{parent}/hold_{number:03d}", where, path, pose)

    def _without_root(self, where: str) -> None:
        """A body alone is no mechanism."""
        for path in self._asset.roots:
            prim = self._layer.GetPrimAtPath(where if path == "." else f"{where}/{path}") or self._over(where, path)
            there = prim.GetInfo("apiSchemas") if prim.HasInfo("apiSchemas") else Sdf.TokenListOp()
            there.deletedItems = [*there.deletedItems, "PhysicsArticulationRootAPI"]
            prim.SetInfo("apiSchemas", there)

    def _hold(self, joint: str, where: str, path: str, pose: Any) -> None:
        """A fixed joint between the copy's frame and one of its bodies."""
        prim = Sdf.CreatePrimInLayer(self._layer, joint)
        prim.specifier, prim.typeName = Sdf.SpecifierDef, "PhysicsFixedJoint"
        turn = pose.ExtractRotationQuat()
        for name, target in (("body0", where), ("body1", where if path == "." else f"{where}/{path}")):
            relation = Sdf.RelationshipSpec(prim, f"physics:{name}", False)
            relation.targetPathList.explicitItems = [Sdf.Path(target).GetParentPath() if name == "body0" else target]
        for name, kind, value in (
            ("localPos0", Sdf.ValueTypeNames.Point3f, Gf.Vec3f(pose.ExtractTranslation())),
            ("localRot0", Sdf.ValueTypeNames.Quatf, Gf.Quatf(turn)),
            ("localPos1", Sdf.ValueTypeNames.Point3f, Gf.Vec3f(0.0)),
            ("localRot1", Sdf.ValueTypeNames.Quatf, Gf.Quatf(1.0)),
        ):
            Sdf.AttributeSpec(prim, f"physics:{name}", kind).default = value

    def _over(self, where: str, relative: str) -> Any:
        return Sdf.CreatePrimInLayer(self._layer, where if relative == "." else f"{where}/{relative}")

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
