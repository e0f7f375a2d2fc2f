"""The operations: make sim-ready, derive anew, change colliders, take everything back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin import settings as shipped_settings
from physicl_twin.in_stage.author import APIS, MADE, NOTES, PHYSX_API, PROPERTIES, Author, Types, notes_of, single
from physicl_twin.in_stage.report import Approximation, InStageOptions, InStageReport, ReadyBody, Skip
from physicl_twin.in_stage.selection import Target, targets
from physicl_twin.in_stage.weighing import NEAR_HULL, Scale, Weighed
from physicl_twin.model import EngineError, GeometryError, Material, UsdError
from physicl_twin.model.errors import SourceError

MATERIALS = "PhysicsMaterials"


def make_sim_ready(
    stage: Usd.Stage,
    paths: Sequence[str],
    options: InStageOptions | None = None,
    settings: dict[str, Any] | None = None,
) -> InStageReport:
    """Give prims rigid bodies, colliders, mass properties and physics materials.

    What somebody else has authored stays: a mass is taken as weighed and everything else derived from it, existing
    colliders, bindings and approximations are kept. Doing it twice changes nothing more. Values are in the stage's own
    units; a failure takes everything back.

    Args:
        stage: The stage; its edit target is written to.
        paths: Selected prims.
        options: What is wanted.
        settings: Of the pipeline; the shipped ones by default.

    Raises:
        UsdError: ``layer_locked``, ``layer_muted``, ``edit_target_elsewhere``.
        MaterialError: A statement that names no material.
    """
    options = options or InStageOptions()
    author = Author(stage)
    found, skipped, assemblies = targets(stage, paths, options.bodies)
    scale = Scale(stage, found, options, settings if settings is not None else shipped_settings.pipeline())
    weighed: list[tuple[Target, Weighed]] = []
    for target in found:
        try:
            weighed.append((target, scale.weigh(target, _stated_mass(stage, target, options))))
        except (GeometryError, EngineError, SourceError) as error:
            skipped.append(Skip(str(target.prim.GetPath()), error.code, error.message, error.hint))
    writer = _Writer(stage, author, options)

    def write() -> list[ReadyBody]:
        done = [writer.body(target, one) for target, one in weighed]
        for prim in assemblies if options.articulation else ():
            if not _has_articulation(prim):
                author.write(prim, ["PhysicsArticulationRootAPI"], [])
        return done

    return _written(author, skipped, write)


def renormalize(
    stage: Usd.Stage,
    paths: Sequence[str],
    *,
    materials: Mapping[str, str] | None = None,
    mass_kg: float | None = None,
    settings: dict[str, Any] | None = None,
) -> InStageReport:
    """Derive the physics of sim-ready bodies anew, with what the user states now.

    Args:
        stage: The stage.
        paths: Bodies, or prims in them.
        materials: Name of a piece of geometry (or ``*``) to material.
        mass_kg: Mass of each body, kg.
        settings: Of the pipeline.

    Raises:
        UsdError: As ``make_sim_ready``.
        MaterialError: A material that is not in the table.
    """
    bodies: list[str] = []
    skipped: list[Skip] = []
    for path in paths:
        body = _body_of(stage, path)
        if body is None:
            skipped.append(Skip(path, "no_body", f"{path} is part of no rigid body.", "Make it sim-ready first."))
        else:
            bodies.append(str(body.GetPath()))
    options = InStageOptions(materials=tuple((materials or {}).items()), mass_kg=mass_kg)
    report = make_sim_ready(stage, bodies, options, settings)
    return replace(report, skipped=(*skipped, *report.skipped))


def set_collider(stage: Usd.Stage, paths: Sequence[str], approximation: Approximation) -> InStageReport:
    """Change how meshes collide.

    Args:
        stage: The stage.
        paths: Bodies, colliders, or prims above them.
        approximation: Any but ``auto``.

    Raises:
        UsdError: As ``make_sim_ready``; ``approximation_unknown``, ``triangle_mesh_on_body``.
    """
    if approximation not in (*PHYSX_API, "boundingCube", "boundingSphere"):
        raise UsdError("approximation_unknown", f"There is no approximation {approximation!r}.", "Take convexHull.")
    author = Author(stage)
    skipped: list[Skip] = []
    chosen: list[Usd.Prim] = []
    for path in dict.fromkeys(paths):
        prim = stage.GetPrimAtPath(path) if Sdf.Path.IsValidPathString(path) else None
        meshes = [
            p
            for p in (Usd.PrimRange(prim, Usd.TraverseInstanceProxies()) if prim else ())
            if p.IsA(UsdGeom.Mesh) and p.HasAPI(UsdPhysics.CollisionAPI)
        ]
        own = [p for p in meshes if not p.IsInstanceProxy()]
        if not own:
            words = "is shared by instances" if meshes else "holds no mesh that collides"
            skipped.append(Skip(path, "no_mesh_collider", f"{path} {words}.", "Make it sim-ready first."))
        chosen += [p for p in own if p not in chosen]
    if approximation == "none" and (moving := next((p for p in chosen if _is_moving(p)), None)):
        raise UsdError(
            "triangle_mesh_on_body",
            f"{moving.GetName()} moves, and PhysX collides moving meshes as convex shapes or distance fields only.",
            "Take sdf or convexDecomposition.",
        )

    def write() -> list[ReadyBody]:
        done = []
        for prim in chosen:
            before = author.journal.steps
            if str(prim.GetAttribute("physics:approximation").Get()) != approximation:
                apis = ["PhysicsMeshCollisionAPI", *filter(None, [PHYSX_API.get(approximation)])]
                author.replace(prim, "physics:approximation", Types.Token, approximation, apis)
            done.append(ReadyBody(str(prim.GetPath()), None, (), 1, author.journal.steps > before))
        return done

    return _written(author, skipped, write)


def reset_to_authored(stage: Usd.Stage, paths: Sequence[str]) -> InStageReport:
    """Take back what these operations wrote, and nothing else.

    Physics materials of ours that nothing uses any more go, too.

    Args:
        stage: The stage.
        paths: Prims; everything below them is looked at.

    Raises:
        UsdError: As ``make_sim_ready``.
    """
    author = Author(stage)
    skipped: list[Skip] = []
    ours: list[Usd.Prim] = []
    for path in dict.fromkeys(paths):
        prim = stage.GetPrimAtPath(path) if Sdf.Path.IsValidPathString(path) else None
        if not prim:
            skipped.append(Skip(path, "prim_gone", f"There is no prim at {path} any more.", "Select it again."))
            continue
        noted = [p for p in Usd.PrimRange(prim) if _is_ours(p) and not _is_support(p)]
        if not noted:
            skipped.append(Skip(path, "nothing_ours", f"Nothing at {path} was written by Physicl Twin."))
        ours += [p for p in noted if p not in ours]
    reset = {p.GetPath() for p in ours}
    used = {
        target
        for p in stage.TraverseAll()
        if p.GetPath() not in reset and (binding := p.GetRelationship("material:binding:physics"))
        for target in binding.GetTargets()
    }
    bound = {t for p in ours if (b := p.GetRelationship("material:binding:physics")) for t in b.GetTargets()}

    def write() -> list[ReadyBody]:
        done = [ReadyBody(str(p.GetPath()), None, (), 0, author.forget(p)) for p in ours]
        # Those that an earlier statement bound stand beside them.
        beside = {
            child.GetPath()
            for home in {path.GetParentPath() for path in bound}
            if stage.GetPrimAtPath(home)
            for child in stage.GetPrimAtPath(home).GetChildren()
        }
        for path in sorted(beside - used):
            material = stage.GetPrimAtPath(path)
            if material and _is_material(material) and _is_ours(material):
                author.remove(path)
                home = author.layer.GetPrimAtPath(author.mapped(path.GetParentPath()))
                if home and not home.nameChildren and dict(home.customData).get(NOTES, {}).get(PROPERTIES) == MADE:
                    author.remove(path.GetParentPath())
        return done

    return _written(author, skipped, write)


class _Writer:
    """Writes bodies on a stage."""

    def __init__(self, stage: Usd.Stage, author: Author, options: InStageOptions) -> None:
        self._stage, self._author, self._options = stage, author, options
        self._metres = UsdGeom.GetStageMetersPerUnit(stage)
        self._kilograms = UsdPhysics.GetStageKilogramsPerUnit(stage)
        self._materials: dict[object, Sdf.Path] = {}
        self._taken: set[str] = set()

    def body(self, target: Target, weighed: Weighed) -> ReadyBody:
        """A body with its colliders."""
        before = self._author.journal.steps
        prim, properties = target.prim, weighed.properties
        unit = self._kilograms * self._metres**2
        axes = weighed.axes
        com = np.round(np.asarray(properties.com_m), 12) / (self._metres * np.asarray(weighed.scale))
        mass = properties.mass
        apis = ["PhysicsRigidBodyAPI", "PhysicsMassAPI"]
        if target.joints and self._options.articulation and not _has_articulation(prim):
            apis.append("PhysicsArticulationRootAPI")
        why = next((item.statement for item in mass.evidence), mass.method)
        self._author.write(
            prim,
            apis,
            [
                ("physics:rigidBodyEnabled", Types.Bool, True),
                ("physics:mass", Types.Float, single(mass.value / self._kilograms)),
                ("physics:centerOfMass", Types.Point3f, Gf.Vec3f(*(single(v) for v in com))),
                ("physics:diagonalInertia", Types.Float3, Gf.Vec3f(*(single(v / unit) for v in axes.moments_kgm2))),
                ("physics:principalAxes", Types.Quatf, Gf.Quatf(*axes.quaternion_wxyz)),
            ],
            {
                "mass_kg": mass.value,
                "mass_low_kg": mass.low,
                "mass_high_kg": mass.high,
                "mass_why": why,
                "mass_flags": " ".join(mass.flags),
                "materials": ", ".join(dict.fromkeys(m.title for m in weighed.materials)),
            },
        )
        colliders = self._colliders(target, weighed)
        titles = tuple(dict.fromkeys(material.title for material in weighed.materials))
        return ReadyBody(str(prim.GetPath()), mass, titles, colliders, self._author.journal.steps > before)

    def _colliders(self, target: Target, weighed: Weighed) -> int:
        materials = dict(zip((p.GetPath() for p in target.geometry), weighed.materials, strict=False))
        if target.colliders:
            for prim in target.colliders:
                if not prim.IsInstanceProxy():
                    self._surface(prim, materials.get(prim.GetPath(), weighed.materials[0]))
            return len(target.colliders)
        for prim, fill in zip(target.geometry, weighed.fills, strict=False):
            values: list[tuple[str, Any, Any]] = [("physics:collisionEnabled", Types.Bool, True)]
            apis = ["PhysicsCollisionAPI"]
            if prim.IsA(UsdGeom.Mesh):
                chosen = self._options.approximation
                if chosen == "auto":
                    chosen = "convexHull" if fill >= NEAR_HULL else "convexDecomposition"
                apis += ["PhysicsMeshCollisionAPI", *filter(None, [PHYSX_API.get(chosen)])]
                values.append(("physics:approximation", Types.Token, chosen))
            self._author.write(prim, apis, values)
            self._surface(prim, materials[prim.GetPath()])
        return len(target.geometry)

    def _surface(self, prim: Usd.Prim, material: Material) -> None:
        self._author.bind(prim, self._material(material))

    def _material(self, material: Material) -> Sdf.Path:
        """The physics material of a substance; one for all that have the same surface."""
        numbers = tuple(
            single(e.value) for e in (material.static_friction, material.dynamic_friction, material.restitution)
        )
        key = (material.name, numbers)
        if key in self._materials:
            return self._materials[key]
        home = self._home()
        base = Sdf.Path(home).AppendChild(MATERIALS)
        name, number = material.name, 1
        while True:
            path = base.AppendChild(name)
            there = self._stage.GetPrimAtPath(path)
            if str(path) not in self._taken and (not there or _same_surface(there, numbers)):
                break
            number += 1
            name = f"{material.name}_{number}"
        self._taken.add(str(path))
        self._materials[key] = path
        if not there:
            self._author.make_material(path, numbers, material)
        return path

    def _home(self) -> Sdf.Path:
        """Where physics materials go: below the default prim, where that is a plain place, else at the root."""
        default = self._stage.GetDefaultPrim()
        if default and not default.IsInstance() and not default.IsA(UsdGeom.Gprim):
            body = default.HasAPI(UsdPhysics.RigidBodyAPI)
            return Sdf.Path.absoluteRootPath if body else default.GetPath()
        return Sdf.Path.absoluteRootPath


def _written(author: Author, skipped: list[Skip], write: Any) -> InStageReport:
    """Carry out the writing in one change; a failure takes back what was written."""
    try:
        with Sdf.ChangeBlock():
            done = write()
    except BaseException:
        author.journal.undo()
        raise
    return InStageReport(tuple(done), tuple(skipped), author.journal)


def _stated_mass(stage: Usd.Stage, target: Target, options: InStageOptions) -> float | None:
    """What the body weighs, kg, where the user or somebody else on the stage says so."""
    if options.mass_kg is not None:
        return options.mass_kg
    attribute = target.prim.GetAttribute("physics:mass")
    if not attribute or not attribute.HasAuthoredValue():
        return None
    if "physics:mass" in str(notes_of(target.prim).get(PROPERTIES, "")).split():
        return None
    value = float(attribute.Get())
    return value * float(UsdPhysics.GetStageKilogramsPerUnit(stage)) if value > 0 else None


def _body_of(stage: Usd.Stage, path: str) -> Usd.Prim | None:
    prim = stage.GetPrimAtPath(path) if Sdf.Path.IsValidPathString(path) else None
    while prim and not prim.IsPseudoRoot():
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            return prim
        prim = prim.GetParent()
    return None


def _is_moving(prim: Usd.Prim) -> bool:
    body = _body_of(prim.GetStage(), str(prim.GetPath()))
    return body is not None and not UsdPhysics.RigidBodyAPI(body).GetKinematicEnabledAttr().Get()


def _has_articulation(prim: Usd.Prim) -> bool:
    above = prim
    while above and not above.IsPseudoRoot():
        if above.HasAPI(UsdPhysics.ArticulationRootAPI):
            return True
        above = above.GetParent()
    return any(p.HasAPI(UsdPhysics.ArticulationRootAPI) for p in Usd.PrimRange(prim))


def _is_ours(prim: Usd.Prim) -> bool:
    notes = notes_of(prim)
    return APIS in notes or PROPERTIES in notes


def _is_material(prim: Usd.Prim) -> bool:
    return bool(prim.GetTypeName() == "Material")


def _is_support(prim: Usd.Prim) -> bool:
    """Materials of ours, and where they stand: they go when nothing uses them any more."""
    return _is_material(prim) or notes_of(prim).get(PROPERTIES) == MADE


def _same_surface(prim: Usd.Prim, numbers: tuple[float, ...]) -> bool:
    names = ("physics:staticFriction", "physics:dynamicFriction", "physics:restitution")
    return _is_ours(prim) and all(
        prim.GetAttribute(name).Get() == number for name, number in zip(names, numbers, strict=True)
    )
