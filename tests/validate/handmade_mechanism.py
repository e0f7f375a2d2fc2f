"""A cabinet with a door and a drawer, made by hand with usd-core, independent of the project's own writer."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from handmade import (
    WHY,
    Piece,
    _label,
    _mass_properties,
    _part,
    _shape,
    _usd_mesh,
    _write_material,
    make_twin,
    record_hashes,
    steel,
)
from PIL import Image, ImageDraw

from physicl_twin.model import (
    Articulation,
    Body,
    BodyPair,
    Drive,
    Estimate,
    Joint,
    Pose,
    Semantics,
    Twin,
    dumps,
)

NAME = "cabinet"
DEGREE = math.pi / 180
#: (pieces with their colliders, place of the body frame) of each body.
Bodies = dict[str, tuple[tuple[Piece, ...], tuple[float, float, float]]]


def _block(name: str, size: tuple[float, float, float], at: tuple[float, float, float]) -> Piece:
    box = trimesh.creation.box(extents=size)
    grown = box.copy()
    grown.apply_scale(1.001)
    return Piece(name, box, at, "steel_carbon", (grown,))


def bodies() -> Bodies:
    """Base plate with a block on it, a door in front of the block, a drawer under it that stands open by 50 mm."""
    carcass = (_block("plate", (0.4, 0.4, 0.02), (0, 0, 0.01)), _block("block", (0.3, 0.3, 0.2), (0, 0, 0.35)))
    door = (_block("leaf", (0.02, 0.38, 0.25), (0, 0.19, 0)),)
    drawer = (_block("tray", (0.3, 0.3, 0.1), (0, 0, 0)),)
    return {
        "carcass": (carcass, (0.0, 0.0, 0.0)),
        "door": (door, (0.22, -0.19, 0.375)),
        "drawer": (drawer, (0.05, 0.0, 0.1)),
    }


def joints() -> tuple[Joint, ...]:
    """The hinge opens outwards by a negative turn; the slide is driven."""

    def known(value: float, unit: str) -> Estimate:
        return Estimate.lognormal(value, 0.5, unit, "handbook", WHY)

    hinge = Joint(
        "hinge", "revolute", "carcass", "door", Pose((0.22, -0.19, 0.375)), Pose(), "z", -1.9, 0.0,
        friction=known(0.02, "N m"), damping=known(0.01, "N m s/rad"), role="door", evidence=WHY,
    )  # fmt: skip
    slide = Joint(
        "slide", "prismatic", "carcass", "drawer", Pose((0.0, 0.0, 0.1)), Pose(), "x", 0.0, 0.25, 0.05,
        friction=known(1.5, "N"), armature=known(0.2, "kg"), role="drawer", evidence=WHY,
        drive=Drive("position", known(2000.0, "N/m"), known(100.0, "N s/m"), known(50.0, "N"), 0.1),
    )  # fmt: skip
    return hinge, slide


def make(made: Bodies | None = None, jointed: tuple[Joint, ...] | None = None) -> Twin:
    """The twin's record."""
    made, jointed = made or bodies(), joints() if jointed is None else jointed
    pieces = tuple(piece for parts, _ in made.values() for piece in parts)
    twin = make_twin(NAME, pieces)
    listed = []
    for name, (own, at) in made.items():
        parts = tuple(_part(piece, steel()) for piece in own)
        listed.append(Body(name, parts, Pose(at), _mass_properties(parts, own)))
    filters = tuple(BodyPair(j.body0, j.body1, "adjacent") for j in jointed if j.body0)
    return dataclasses.replace(
        twin,
        bodies=tuple(listed),
        shapes=tuple(_shape(piece) for piece in pieces),
        joints=jointed,
        articulation=Articulation("prop", "carcass", False, True, filters, 32, evidence=WHY),
        semantics=Semantics("object", "Q488383", "object", WHY),
    )


def write(root: Path, made: Bodies | None = None, jointed: tuple[Joint, ...] | None = None) -> Path:
    """Write a twin folder that passes everything; returns it."""
    made = made or bodies()
    twin = make(made, jointed)
    folder = root / NAME
    (folder / "simready" / ".thumbs" / "256x256").mkdir(parents=True)
    usd = folder / "simready" / f"{NAME}.usda"
    picture = Image.new("RGB", (256, 256), (40, 41, 43))
    ImageDraw.Draw(picture).rectangle((60, 60, 190, 190), fill=(160, 120, 70))
    picture.save(folder / "simready" / ".thumbs" / "256x256" / f"{usd.name}.png")
    picture.resize((64, 64)).save(folder / "simready" / "wood.png")
    _write_stage(usd, twin, made)
    (folder / "twin.json").write_text(dumps(twin))
    record_hashes(folder)
    return folder


def _write_stage(usd: Path, twin: Twin, made: Bodies) -> None:
    from pxr import Gf, Kind, Usd, UsdGeom, UsdPhysics

    stage = Usd.Stage.CreateNew(str(usd))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    root = UsdGeom.Xform.Define(stage, f"/{NAME}").GetPrim()
    stage.SetDefaultPrim(root)
    Usd.ModelAPI(root).SetKind(Kind.Tokens.component)
    assert twin.semantics is not None
    _label(root, "wikidata_qcode", twin.semantics.qcode)
    for material in twin.materials:
        _write_material(stage, NAME, material)
    corners = []
    for body in twin.bodies:
        pieces, at = made[body.name]
        _write_body(stage, body, pieces)
        corners += [np.asarray(piece.mesh.vertices) + piece.position + np.array(at) for piece in pieces]
    for joint in twin.joints:
        _write_joint(stage, joint)
    if twin.joints:
        UsdPhysics.ArticulationRootAPI.Apply(stage.GetPrimAtPath(f"/{NAME}/carcass"))
        for pair in twin.articulation.filters if twin.articulation else ():
            prim = stage.GetPrimAtPath(f"/{NAME}/{pair.body0}")
            api = UsdPhysics.FilteredPairsAPI.Apply(prim)
            api.CreateFilteredPairsRel().AddTarget(f"/{NAME}/{pair.body1}")
        _write_variant(stage, twin)
    extents = np.ptp(np.concatenate(corners), axis=0)
    stage.GetRootLayer().customLayerData = {
        "SimReady_Metadata": {
            "author": "physicl_twin",
            "asset_name": NAME,
            "asset_type": "prop",
            "asset_license": twin.licence,
            "category": "furniture",
            "source_file": twin.sources[0].name,
            "usd_date_generated": "2026-11-01",
            "qcode": twin.semantics.qcode,
            "rigid_body_count": len(twin.bodies),
            "asset_extents": Gf.Vec3f(*map(float, extents)),
            "mass": sum(body.mass.value for body in twin.bodies if body.mass),
        }
    }
    stage.GetRootLayer().Save()


def _write_body(stage: Any, body: Body, pieces: tuple[Piece, ...]) -> None:
    from pxr import Gf, UsdGeom, UsdPhysics, UsdShade

    path = f"/{NAME}/{body.name}"
    xform = UsdGeom.Xform.Define(stage, path)
    xform.AddTranslateOp().Set(Gf.Vec3d(*body.pose.position_m))
    UsdPhysics.RigidBodyAPI.Apply(xform.GetPrim())
    properties = body.mass_properties
    assert properties is not None
    values, vectors = np.linalg.eigh(np.array(properties.inertia_kgm2))
    if np.linalg.det(vectors) < 0:
        vectors[:, 0] *= -1
    matrix = np.eye(4)
    matrix[:3, :3] = vectors
    mass = UsdPhysics.MassAPI.Apply(xform.GetPrim())
    mass.CreateMassAttr(properties.mass.value)
    mass.CreateCenterOfMassAttr(Gf.Vec3f(*properties.com_m))
    mass.CreateDiagonalInertiaAttr(Gf.Vec3f(*map(float, values)))
    mass.CreatePrincipalAxesAttr(Gf.Quatf(*Pose.from_matrix(matrix).quaternion_wxyz))
    look = UsdShade.Material.Get(stage, f"/{NAME}/Looks/look_steel_carbon")
    physics = UsdShade.Material.Get(stage, f"/{NAME}/Looks/physics_steel_carbon")
    for piece in pieces:
        parent = UsdGeom.Xform.Define(stage, f"{path}/{piece.name}")
        parent.AddTranslateOp().Set(Gf.Vec3d(*map(float, piece.position)))
        visual = _usd_mesh(stage, f"{path}/{piece.name}/visual", piece.mesh)
        UsdShade.MaterialBindingAPI.Apply(visual.GetPrim()).Bind(look)
        for index, shape in enumerate(piece.colliders):
            collider = _usd_mesh(stage, f"{path}/{piece.name}/collider_{index}", shape)
            collider.CreatePurposeAttr(UsdGeom.Tokens.guide)
            prim = collider.GetPrim()
            UsdPhysics.CollisionAPI.Apply(prim)
            UsdPhysics.MeshCollisionAPI.Apply(prim).CreateApproximationAttr(UsdPhysics.Tokens.convexHull)
            UsdShade.MaterialBindingAPI.Apply(prim).Bind(physics, materialPurpose="physics")


def _write_joint(stage: Any, joint: Joint) -> None:
    from pxr import Gf, Sdf, UsdPhysics

    kind = {"revolute": "RevoluteJoint", "prismatic": "PrismaticJoint", "fixed": "FixedJoint"}[joint.type]
    made = getattr(UsdPhysics, kind).Define(stage, f"/{NAME}/joints/{joint.name}")
    prim = made.GetPrim()
    made.CreateBody0Rel().SetTargets([f"/{NAME}/{joint.body0}" if joint.body0 else f"/{NAME}"])
    made.CreateBody1Rel().SetTargets([f"/{NAME}/{joint.body1}"])
    for side, pose in (("0", joint.pose0), ("1", joint.pose1)):
        prim.GetAttribute(f"physics:localPos{side}").Set(Gf.Vec3f(*pose.position_m))
        prim.GetAttribute(f"physics:localRot{side}").Set(Gf.Quatf(*pose.quaternion_wxyz))
    if joint.closes_loop:
        made.CreateExcludeFromArticulationAttr(True)
    if joint.type == "fixed":
        return
    made.CreateAxisAttr(joint.axis.upper())
    unit = 1.0 if joint.type == "prismatic" else 1 / DEGREE
    if joint.lower is not None and joint.upper is not None:
        made.CreateLowerLimitAttr(joint.lower * unit)
        made.CreateUpperLimitAttr(joint.upper * unit)
    axis = "linear" if joint.type == "prismatic" else "angular"
    prim.CreateAttribute(f"state:{axis}:physics:position", Sdf.ValueTypeNames.Float).Set(joint.position * unit)
    drive = UsdPhysics.DriveAPI.Apply(prim, axis)
    driven = joint.drive
    stiffness, damping = (driven.stiffness, driven.damping) if driven else (joint.stiffness, joint.damping)
    drive.CreateStiffnessAttr((stiffness.value if stiffness else 0.0) / unit)
    drive.CreateDampingAttr((damping.value if damping else 0.0) / unit)
    drive.CreateTargetPositionAttr((driven.target if driven else 0.0) * unit)
    if driven and driven.max_force:
        drive.CreateMaxForceAttr(driven.max_force.value)


def _write_variant(stage: Any, twin: Twin) -> None:
    """PhysX's words for friction and armature, as a variant of the root."""
    from pxr import Sdf

    variants = stage.GetPrimAtPath(f"/{NAME}").GetVariantSets().AddVariantSet("PhysX")
    for option in ("Disabled", "Enabled"):
        variants.AddVariant(option)
    variants.SetVariantSelection("Enabled")
    with variants.GetVariantEditContext():
        for joint in (j for j in twin.joints if j.type != "fixed"):
            prim = stage.OverridePrim(f"/{NAME}/joints/{joint.name}")
            axis = "linear" if joint.type == "prismatic" else "angular"
            for name, value in (("dynamicFrictionEffort", joint.friction), ("armature", joint.armature)):
                if value is not None:
                    attribute = f"physxJointAxis:{axis}:{name}"
                    prim.CreateAttribute(attribute, Sdf.ValueTypeNames.Float).Set(value.value)
    variants.SetVariantSelection("Disabled")
