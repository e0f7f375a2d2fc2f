"""A stage of cells in which variations settle: each cell a physics scene of its own with the support and the objects.

Cells share nothing, so what happens in one depends on no other. The objects are the twins' own bodies and colliders,
without what physics does not look at; each may have a coarse double, with which it falls. Surfaces are told apart by a
friction that only serves as a mark: PhysX numbers the shapes of a body in an order of its own, and their true friction
is written when the stage is running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd, UsdPhysics, UsdShade, Vt

from physicl_twin.model import Mesh, Pose, Support, UsdError
from physicl_twin.usd import layers
from physicl_twin.usd.geometry import hull_unit_m
from physicl_twin.usd.layers import Types
from physicl_twin.usd.variation_scene import SOLVER_ITERATIONS

#: Friction that marks surface number k: (k + 1) of these.
MARK = 1.0 / 1024.0
#: Fastest that overlapping bodies are pushed apart. Slower is no gentler: with 0.03 m/s, heavy boxes in heaps of twenty
#: scanned things sank by up to 34 mm into what they lay on, and MuJoCo threw them out again; with 1 m/s the deepest
#: overlap of 28 heaps was 0.7 mm, with 0.3 m/s 2.5 mm, with 10 m/s 2.7 mm.
_DEPENETRATION_MPS = 1.0
_DROPPED = ("customData", "assetInfo", "documentation", "displayName")
_UNSEEN = ("normals", "primvars:displayColor", "primvars:st", "extent", "purpose")


@dataclass(frozen=True, slots=True, eq=False)
class LeanTwin:
    """A twin's body and colliders.

    Attributes:
        text: The layer, as USD text.
        root: Name of its root prim, the body.
        bound: Path of each collider relative to the root, and the name of its physics material.
        surfaces: Names of its physics materials, in the order of their marks.
        mass_kg: Mass.
        com_m: Centre of mass, body frame.
        moments_kgm2: Principal moments.
        axes_wxyz: Principal axes in the body frame.
        contact_offset_m: How far contacts are looked for around its colliders.
    """

    text: str
    root: str
    bound: tuple[tuple[str, str], ...]
    surfaces: tuple[str, ...]
    mass_kg: float
    com_m: tuple[float, float, float]
    moments_kgm2: tuple[float, float, float]
    axes_wxyz: tuple[float, float, float, float]
    contact_offset_m: float


def lean_twin(usd: Path, contact_offset_m: float) -> LeanTwin:
    """What physics needs of a twin, with the opinions of ``write_settled_twin``.

    Args:
        usd: Interface layer of a twin with one body, which is its root prim.
        contact_offset_m: How far contacts are looked for.

    Raises:
        UsdError: ``usd_unreadable``, ``twin_body_not_root``.
    """
    try:
        stage = Usd.Stage.Open(str(usd))
    except Exception as error:  # Tf has its own exception type
        raise UsdError("usd_unreadable", f"{usd.name} cannot be opened as USD.", "Check that it is whole.") from error
    root = stage.GetDefaultPrim()
    if not root.HasAPI(UsdPhysics.RigidBodyAPI):
        raise UsdError(
            "twin_body_not_root",
            f"The body of {usd.stem} is not its root prim.",
            "Variations are made of twins of one body.",
        )
    bound = _bound(root)
    surfaces = tuple(sorted({material for _, material in bound}))
    with Usd.EditContext(stage, stage.GetSessionLayer()):
        for child in root.GetChildren():
            if child.GetName() not in ("colliders", "PhysicsMaterials"):
                child.SetActive(False)
    flat = stage.Flatten()
    spec = flat.GetPrimAtPath(root.GetPath())
    _strip(spec)
    for number, name in enumerate(surfaces):
        material = flat.GetPrimAtPath(f"{root.GetPath()}/PhysicsMaterials/{name}")
        material.attributes["physics:staticFriction"].default = (number + 1) * MARK
    _settled(flat, str(root.GetPath()), bound, contact_offset_m)
    api = UsdPhysics.MassAPI(root)
    axes = api.GetPrincipalAxesAttr().Get()
    return LeanTwin(
        flat.ExportToString(),
        root.GetName(),
        bound,
        surfaces,
        float(api.GetMassAttr().Get()),
        _floats(api.GetCenterOfMassAttr().Get()),
        _floats(api.GetDiagonalInertiaAttr().Get()),
        (float(axes.GetReal()), *_floats(axes.GetImaginary())),
        contact_offset_m,
    )


def write_settled_twin(path: Path, asset: str, lean: LeanTwin) -> None:
    """Write the twin as it settled in a heap, over its interface layer: asleep, and with what a heap needs of PhysX.

    Args:
        path: File to write.
        asset: Interface layer, relative to it.
        lean: The twin.

    Raises:
        UsdError: ``usd_not_written``.
    """
    layer = layers.new_layer(".usda", lean.root)
    where = f"/{lean.root}"
    root = layers.define(layer, where, "Xform")
    layers.reference(root, asset, where)
    for name, _ in lean.bound:
        layers.over(layer, f"{where}/{name}")
    _settled(layer, where, lean.bound, lean.contact_offset_m)
    layers.attribute(root, "physics:startsAsleep", Types.Bool, True)
    layers.save(layer, path)


def _settled(layer: Any, root: str, bound: Sequence[tuple[str, str]], contact_offset_m: float) -> None:
    """What a body in a heap needs of PhysX: many iterations, and contacts that are looked for nearby.

    Far contacts are many among many pieces, and crowd out the near ones.
    """
    body = layer.GetPrimAtPath(root)
    layers.apply(body, "PhysxRigidBodyAPI")
    layers.attribute(body, "physxRigidBody:solverPositionIterationCount", Types.Int, SOLVER_ITERATIONS)
    layers.attribute(body, "physxRigidBody:maxDepenetrationVelocity", Types.Float, _DEPENETRATION_MPS)
    for name, _ in bound:
        collider = layer.GetPrimAtPath(f"{root}/{name}")
        layers.apply(collider, "PhysxCollisionAPI")
        layers.attribute(collider, "physxCollision:contactOffset", Types.Float, contact_offset_m)


def _floats(values: Any) -> tuple[float, float, float]:
    return (float(values[0]), float(values[1]), float(values[2]))


def _bound(root: Any) -> tuple[tuple[str, str], ...]:
    """Each collider's path relative to the root and the name of the physics material that is bound to it."""
    found = []
    for prim in Usd.PrimRange(root):
        if prim.HasAPI(UsdPhysics.CollisionAPI):
            material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial("physics")
            if not material:
                path = prim.GetPath()
                raise UsdError("collider_without_material", f"{path} has no physics material.", "Build the twin again.")
            found.append((str(prim.GetPath().MakeRelativePath(root.GetPath())), material.GetPrim().GetName()))
    return tuple(found)


def _strip(spec: Any) -> None:
    for name in _DROPPED:
        if spec.HasInfo(name):
            spec.ClearInfo(name)
    for attribute in list(spec.properties):
        if attribute.name in _UNSEEN or attribute.name.startswith("semantics:"):
            spec.RemoveProperty(attribute)
    for child in list(spec.nameChildren):
        if child.HasInfo("active") and not child.active:
            del spec.nameChildren[child.name]
        else:
            _strip(child)


@dataclass(frozen=True, slots=True)
class SettleStage:
    """The stage that was written.

    Attributes:
        path: Its file.
        bodies: For each cell the prim paths of its instances, in their order.
        doubles: For each cell the prim paths of their coarse doubles; empty without any.
        supports: For each cell the prim path of its support, a kinematic body.
    """

    path: Path
    bodies: tuple[tuple[str, ...], ...]
    doubles: tuple[tuple[str, ...], ...]
    supports: tuple[str, ...]


def write_settle_stage(
    folder: Path,
    twins: Sequence[LeanTwin],
    cells: Sequence[Sequence[tuple[int, float]]],
    support: Support,
    gravity_mps2: float,
    bounce_threshold_mps: float,
    ground_m: float,
    coarse: Sequence[Sequence[Mesh]] = (),
) -> SettleStage:
    """Write the stage.

    Args:
        folder: Of the caller, who removes it.
        twins: Lean twins.
        cells: For each cell, (index of the twin, scale) of each instance.
        support: What they rest on.
        gravity_mps2: Gravity, downwards.
        bounce_threshold_mps: Approach speed below which nothing bounces.
        ground_m: Length and width of the floor.
        coarse: For each twin, the convex pieces of its coarse double; empty for no doubles.
    """
    for index, twin in enumerate(twins):
        (folder / f"twin_{index}.usda").write_text(twin.text, encoding="utf-8")
    for index, pieces in enumerate(coarse):
        _double(folder / f"double_{index}.usda", twins[index], pieces)
    layer = Sdf.Layer.CreateNew(str(folder / "settle.usda"))
    root = layer.pseudoRoot
    root.SetInfo("metersPerUnit", 1.0)
    root.SetInfo("kilogramsPerUnit", 1.0)
    root.SetInfo("upAxis", "Z")
    layer.defaultPrim = "World"
    bodies, doubles, supports = [], [], []
    with Sdf.ChangeBlock():
        layers.define(layer, "/World", "Xform")
        _surface(layer)
        for number, cell in enumerate(cells):
            here = f"/World/cell_{number:03d}"
            layers.define(layer, here, "Xform")
            scene = f"{here}/physics"
            prim = layers.define(layer, scene, "PhysicsScene", apis=("PhysxSceneAPI",))
            layers.attribute(prim, "physics:gravityDirection", Types.Vector3f, (0.0, 0.0, -1.0))
            layers.attribute(prim, "physics:gravityMagnitude", Types.Float, gravity_mps2)
            layers.attribute(prim, "physxScene:bounceThreshold", Types.Float, bounce_threshold_mps)
            supports.append(_support(layer, here, scene, support, ground_m))
            once = tuple(
                _instance(layer, f"{here}/object_{row:04d}", scene, row, f"twin_{index}", twins[index].root, scale)
                for row, (index, scale) in enumerate(cell)
            )
            bodies.append(once)
            twice = tuple(
                _instance(layer, f"{here}/double_{row:04d}", scene, row, f"double_{index}", "double", scale)
                for row, (index, scale) in enumerate(cell if coarse else ())
            )
            for path in twice:
                layers.bind(layer.GetPrimAtPath(path), "/World/surface", physics=True)
            doubles.append(twice)
    layer.Save()
    return SettleStage(Path(layer.realPath), tuple(bodies), tuple(doubles), tuple(supports))


def _double(path: Path, twin: LeanTwin, pieces: Sequence[Mesh]) -> None:
    """A layer with the twin's body on convex pieces of one surface."""
    layer = Sdf.Layer.CreateNew(str(path))
    with Sdf.ChangeBlock():
        root = layers.define(layer, "/double", "Xform", apis=("PhysicsRigidBodyAPI", "PhysicsMassAPI"))
        layers.attribute(root, "physics:mass", Types.Float, twin.mass_kg)
        layers.attribute(root, "physics:centerOfMass", Types.Point3f, twin.com_m)
        layers.attribute(root, "physics:diagonalInertia", Types.Float3, twin.moments_kgm2)
        layers.attribute(root, "physics:principalAxes", Types.Quatf, Gf.Quatf(*twin.axes_wxyz))
        for number, piece in enumerate(pieces):
            apis = ("PhysicsCollisionAPI", "PhysicsMeshCollisionAPI")
            mesh = layers.define(layer, f"/double/piece_{number}", "Mesh", apis=apis)
            unit = hull_unit_m(piece)
            layers.place(mesh, Pose(), (unit,) * 3 if unit != 1.0 else None)
            points = Vt.Vec3fArray.FromNumpy(np.asarray(piece.vertices / unit, dtype=np.float32))
            layers.attribute(mesh, "physics:approximation", Types.Token, "convexHull", uniform=True)
            layers.attribute(mesh, "points", Types.Point3fArray, points)
            layers.attribute(mesh, "faceVertexCounts", Types.IntArray, [3] * len(piece.faces))
            layers.attribute(mesh, "faceVertexIndices", Types.IntArray, piece.faces.ravel().tolist())
    layer.Save()


def _surface(layer: Any) -> None:
    prim = layers.define(layer, "/World/surface", "Material", apis=("PhysicsMaterialAPI",))
    for name, value in (("staticFriction", 0.5), ("dynamicFriction", 0.4), ("restitution", 0.0)):
        layers.attribute(prim, f"physics:{name}", Types.Float, value)


def _support(layer: Any, here: str, scene: str, support: Support, ground_m: float) -> str:
    """A kinematic body, whose friction can be written while the stage runs."""
    where = f"{here}/support"
    prim = layers.define(layer, where, "Xform", apis=("PhysicsRigidBodyAPI",))
    layers.attribute(prim, "physics:kinematicEnabled", Types.Bool, True)
    layers.relationship(prim, "physics:simulationOwner", scene)
    thickness = 0.2 * ground_m
    floor = ("floor", (0.0, 0.0, -0.5 * thickness), (ground_m, ground_m, thickness))
    for name, centre, size in (floor, *support.boxes()):
        box = layers.define(layer, f"{where}/{name}", "Cube", apis=("PhysicsCollisionAPI", "MaterialBindingAPI"))
        layers.attribute(box, "size", Types.Double, 1.0)
        layers.place(box, Pose(centre), size)
        layers.bind(box, "/World/surface", physics=True)
    return where


def _instance(layer: Any, where: str, scene: str, row: int, file: str, root: str, scale: float) -> str:
    prim = layers.define(layer, where, "Xform")
    layers.reference(prim, f"./{file}.usda", f"/{root}")
    # Far apart until they are put where they belong.
    layers.place(prim, Pose((50.0 + 10.0 * row, 0.0, 50.0)), (scale,) * 3 if scale != 1.0 else None)
    layers.relationship(prim, "physics:simulationOwner", scene)
    return where
