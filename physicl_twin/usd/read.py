"""A twin read back from its stage: attributes say what is, customData says how well it is known and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdPhysics, UsdShade

from physicl_twin.model import (
    Appearance,
    Body,
    Collider,
    Collision,
    GeometrySummary,
    MassProperties,
    Material,
    Part,
    Pose,
    Shape,
    Site,
    SolidProperties,
    Twin,
    UsdError,
)
from physicl_twin.model.geometry import FloatArray, Matrix3, Vector3
from physicl_twin.usd.agreement import SINGLE, agreed, same_pose
from physicl_twin.usd.attach import fill
from physicl_twin.usd.dictionary import from_dictionary
from physicl_twin.usd.inertia import tensor
from physicl_twin.usd.read_joints import read_articulation, read_joints
from physicl_twin.usd.stage_geometry import open_stage, prims, read_geometry, recorded


def read(path: Path) -> Twin:
    """The twin of an interface layer or folder; see ``usd.read_twin``."""
    stage = open_stage(path)
    root = stage.GetDefaultPrim()
    identity = recorded(root).get("twin")
    if identity is None:
        raise UsdError(
            "usd_not_a_twin", f"{path.name} was not written by physicl_twin.", "Build a twin from it: ingest reads USD."
        )
    everything = list(prims(stage))
    transforms = UsdGeom.XformCache(Usd.TimeCode.Default())
    shapes: dict[str, Shape] = {}
    for prim in everything:
        data = recorded(prim)
        # A part that only collides may name a shape whose mesh stands elsewhere; the mesh's own prim has a name.
        if "shape" in data and "name" in data and data["shape"] not in shapes:
            shapes[data["shape"]] = _shape(data)
    skeleton: dict[str, Any] = {**identity, "shapes": {}, "bodies": {}}
    twin: Twin = from_dictionary(Twin, skeleton)
    bodies = {str(p.GetPath()): recorded(p).get("body", p.GetName()) for p in everything if _is_body(p)}
    joints = read_joints(everything, bodies, stage)
    return fill(
        replace(
            twin,
            shapes=tuple(shapes.values()),
            bodies=tuple(_body(p, root, transforms) for p in everything if str(p.GetPath()) in bodies),
            materials=tuple(_material(p) for p in everything if p.HasAPI(UsdPhysics.MaterialAPI)),
            appearances=_appearances(everything),
            joints=joints,
            articulation=read_articulation(twin, everything, bodies, stage),
        ),
        read_geometry(stage),
    )


def _shape(data: dict[str, Any]) -> Shape:
    optional: dict[str, Any] = {}
    for key, kind in (("geometry", GeometrySummary), ("brep", SolidProperties), ("solid", SolidProperties)):
        if key in data:
            optional[key] = from_dictionary(kind, data[key], key)
    return Shape(data["shape"], tuple(data.get("appearances", ())), **optional)


def _is_body(prim: Usd.Prim) -> bool:
    """True for a body of the twin: recorded as one, or made one by hand; not for what only holds it to the world."""
    data = recorded(prim)
    return "body" in data or (prim.HasAPI(UsdPhysics.RigidBodyAPI) and "anchor" not in data)


def _body(prim: Usd.Prim, root: Usd.Prim, transforms: UsdGeom.XformCache) -> Body:
    data = recorded(prim)
    colliders: dict[str, list[Usd.Prim]] = {}
    parts, sites = [], []
    subtree = iter(Usd.PrimRange(prim))
    for child in subtree:
        if child != prim and _is_body(child):
            subtree.PruneChildren()
            continue
        record = recorded(child)
        if "collider" in record:
            colliders.setdefault(record["part"], []).append(child)
        elif "part" in record:
            parts.append((child, record))
        elif "site" in record:
            sites.append(Site(record["site"], _told_pose(record, _pose(child, prim, transforms))))
    # A static body is no rigid body on the stage, unless joints hang on it.
    static = bool(data.get("static")) or not prim.HasAPI(UsdPhysics.RigidBodyAPI)
    return Body(
        data.get("body", prim.GetName()),
        tuple(_part(p, prim, record, colliders.get(record["part"], []), transforms) for p, record in parts),
        _told_pose(data, _pose(prim, root, transforms)),
        _static_mass(data) if static else _mass_properties(prim, data),
        static,
        tuple(sites),
    )


def _static_mass(data: dict[str, Any]) -> MassProperties | None:
    """What was told of a static body's mass: what stands on the stage is only there because PhysX wants a number."""
    if "mass_properties" not in data:
        return None
    told: MassProperties = from_dictionary(MassProperties, data["mass_properties"], "mass_properties")
    return told


def _part(
    prim: Usd.Prim, body: Usd.Prim, data: dict[str, Any], colliders: list[Usd.Prim], transforms: UsdGeom.XformCache
) -> Part:
    pose = _told_pose(data, _pose(prim, body, transforms))
    # The hints, the mass and the fit are not on any schema; they come as they were recorded.
    whole = {"name": data["part"], "pose": {"position_m": pose.position_m, "quaternion_wxyz": pose.quaternion_wxyz}}
    whole.update({key: data[key] for key in ("shape", "material", "hints", "mass", "makeup", "role") if key in data})
    part: Part = from_dictionary(Part, whole, str(prim.GetPath()))
    if "collision" not in data:
        return part
    collision: Collision = from_dictionary(Collision, {**data["collision"], "colliders": {}}, "collision")
    found = tuple(_collider(collider, prim, transforms) for collider in colliders)
    return replace(part, collision=replace(collision, colliders=found))


def _collider(prim: Usd.Prim, part: Usd.Prim, transforms: UsdGeom.XformCache) -> Collider:
    told: Collider = from_dictionary(Collider, recorded(prim)["collider"], str(prim.GetPath()))
    seen = replace(told, pose=_pose(prim, part, transforms), size_m=_size(prim))
    agree = same_pose(told.pose, seen.pose) and np.allclose(told.size_m, seen.size_m, rtol=SINGLE, atol=0.0)
    return told if agree else seen


def _size(prim: Usd.Prim) -> tuple[float, ...]:
    if prim.IsA(UsdGeom.Cube):
        edge = float(UsdGeom.Cube(prim).GetSizeAttr().Get())
        local = UsdGeom.Xformable(prim).GetLocalTransformation()
        return tuple(edge * float(local.GetRow3(axis).GetLength()) for axis in range(3))
    if prim.IsA(UsdGeom.Sphere):
        return (float(UsdGeom.Sphere(prim).GetRadiusAttr().Get()),)
    for kind in (UsdGeom.Capsule, UsdGeom.Cylinder):
        if prim.IsA(kind):
            return float(kind(prim).GetRadiusAttr().Get()), float(kind(prim).GetHeightAttr().Get())
    return ()


def _pose(prim: Usd.Prim, frame: Usd.Prim, transforms: UsdGeom.XformCache) -> Pose:
    """Pose of a prim in the frame of another (USD's matrices act on rows)."""
    if prim == frame:
        return Pose()
    to_world, frame_to_world = transforms.GetLocalToWorldTransform(prim), transforms.GetLocalToWorldTransform(frame)
    matrix = np.asarray(to_world * frame_to_world.GetInverse(), dtype=float).T.copy()
    matrix[:3, :3] /= np.linalg.norm(matrix[:3, :3], axis=0)
    return Pose.from_matrix(matrix)


def _told_pose(data: dict[str, Any], seen: Pose) -> Pose:
    """The recorded pose while it is the one that stands there (a matrix rounds the last digit)."""
    told = from_dictionary(Pose, data["pose"], "pose") if "pose" in data else seen
    return told if same_pose(told, seen) else seen


def _mass_properties(prim: Usd.Prim, data: dict[str, Any]) -> MassProperties | None:
    api = UsdPhysics.MassAPI(prim)
    if not api or not api.GetMassAttr().HasAuthoredValue():
        return None
    com = _vector(api.GetCenterOfMassAttr().Get())
    moments = np.asarray(_vector(api.GetDiagonalInertiaAttr().Get()))
    inertia = tensor(moments, _quaternion(api.GetPrincipalAxesAttr().Get()))
    told: MassProperties | None = None
    if "mass_properties" in data:
        told = from_dictionary(MassProperties, data["mass_properties"], str(prim.GetPath()))
    mass = agreed(told.mass if told else None, float(api.GetMassAttr().Get()), "kg", prim)
    if told is None:
        zero = (0.0, 0.0, 0.0)
        return MassProperties(mass, com, zero, _matrix(inertia), (zero, zero, zero))
    if not _close(np.asarray(told.com_m), np.asarray(com), scale=max(1e-3, float(np.abs(told.com_m).max()))):
        told = replace(told, com_m=com)
    if not _close(np.asarray(told.inertia_kgm2), inertia, scale=float(np.abs(inertia).max())):
        told = replace(told, inertia_kgm2=_matrix(inertia))
    return replace(told, mass=mass)


def _material(prim: Usd.Prim) -> Material:
    data = recorded(prim)
    if "material" not in data or isinstance(data["material"], str):
        raise UsdError("usd_not_a_twin", f"{prim.GetPath()} has no record of its material.", "Build the twin again.")
    told: Material = from_dictionary(Material, data["material"], str(prim.GetPath()))
    api = UsdPhysics.MaterialAPI(prim)
    return replace(
        told,
        static_friction=agreed(told.static_friction, float(api.GetStaticFrictionAttr().Get()), "1", prim),
        dynamic_friction=agreed(told.dynamic_friction, float(api.GetDynamicFrictionAttr().Get()), "1", prim),
        restitution=agreed(told.restitution, float(api.GetRestitutionAttr().Get()), "1", prim),
        density=agreed(told.density, float(api.GetDensityAttr().Get()), "kg/m3", prim),
    )


def _appearances(everything: list[Usd.Prim]) -> tuple[Appearance, ...]:
    found: dict[str, Appearance] = {}
    for prim in everything:
        data = recorded(prim)
        if prim.IsA(UsdShade.Material) and "appearance" in data:
            told: Appearance = from_dictionary(Appearance, data["appearance"], str(prim.GetPath()))
            found.setdefault(told.name, _seen_appearance(prim, told))
    return tuple(found[name] for name in sorted(found))


def _seen_appearance(prim: Usd.Prim, told: Appearance) -> Appearance:
    """Constant inputs that were changed on the stage count; connected ones are the textures' business."""
    surface = UsdShade.Shader(prim.GetStage().GetPrimAtPath(prim.GetPath().AppendChild("preview")))
    changes: dict[str, Any] = {}
    for name, field in (
        ("diffuseColor", "base_color"),
        ("emissiveColor", "emissive"),
        ("metallic", "metallic"),
        ("roughness", "roughness"),
        ("opacity", "opacity"),
    ):
        value = surface.GetInput(name)
        if not value or value.HasConnectedSource() or value.Get() is None:
            continue
        seen = _vector(value.Get()) if field in ("base_color", "emissive") else float(value.Get())
        if not np.allclose(seen, getattr(told, field), rtol=SINGLE, atol=1e-7):
            changes[field] = seen
    return replace(told, **changes) if changes else told


def _close(told: FloatArray, seen: FloatArray, scale: float) -> bool:
    return bool(np.abs(told - seen).max() <= 4 * SINGLE * scale)


def _vector(value: Any) -> Vector3:
    return float(value[0]), float(value[1]), float(value[2])


def _quaternion(value: Gf.Quatf) -> tuple[float, float, float, float]:
    return (float(value.GetReal()), *_vector(value.GetImaginary()))


def _matrix(values: FloatArray) -> Matrix3:
    return _vector(values[0]), _vector(values[1]), _vector(values[2])
