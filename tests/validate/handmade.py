"""Twins made by hand with usd-core, independent of the project's own writer."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image, ImageDraw

from physicl_twin.model import (
    Appearance,
    Body,
    Collider,
    Collision,
    CollisionFit,
    Decision,
    Estimate,
    Evidence,
    Frame,
    GeometrySummary,
    MassProperties,
    Material,
    Mesh,
    Part,
    Pose,
    Semantics,
    Shape,
    SolidProperties,
    Source,
    Twin,
    dumps,
)

WHY = (Evidence("table", "Steel from the part name.", "handbook"),)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A part: its mesh (own frame), its place, its material, its convex colliders (own frame)."""

    name: str
    mesh: trimesh.Trimesh
    position: tuple[float, float, float]
    material: str
    colliders: tuple[trimesh.Trimesh, ...]
    cavity_kept: bool | None = None


def steel() -> Material:
    return Material(
        "steel_carbon",
        "Carbon steel",
        "steel_carbon",
        "metal",
        Estimate.interval(7800, 7900, "kg/m3", "handbook interval", WHY),
        Estimate.interval(0.4, 0.6, "1", "handbook interval", WHY),
        Estimate.interval(0.3, 0.5, "1", "handbook interval", WHY),
        Estimate.interval(0.3, 0.6, "1", "handbook interval", WHY),
        evidence=WHY,
        nonvisual="steel",
    )


def beech() -> Material:
    return Material(
        "wood_beech",
        "Beech",
        "wood_beech",
        "wood",
        Estimate.interval(650, 760, "kg/m3", "handbook interval", WHY),
        Estimate.interval(0.3, 0.6, "1", "handbook interval", WHY),
        Estimate.interval(0.2, 0.5, "1", "handbook interval", WHY),
        Estimate.interval(0.2, 0.5, "1", "handbook interval", WHY),
        evidence=WHY,
        nonvisual="wood",
    )


def _grown(shape: trimesh.Trimesh) -> trimesh.Trimesh:
    """A thousandth larger: NVIDIA refuses two identical meshes at one place."""
    larger = shape.copy()
    larger.apply_scale(1.001)
    return larger


def hammer() -> tuple[Piece, ...]:
    handle = trimesh.creation.cylinder(radius=0.015, height=0.25, sections=24)
    head = trimesh.creation.box(extents=(0.10, 0.03, 0.03))
    return (
        Piece("handle", handle, (0.0, 0.0, 0.125), "wood_beech", (_grown(handle),)),
        Piece("head", head, (0.0, 0.0, 0.265), "steel_carbon", (_grown(head),)),
    )


def tray() -> tuple[Piece, ...]:
    """An open box whose colliders are its five walls."""
    walls = [((0.2, 0.2, 0.01), (0, 0, 0.005))]
    walls += [((0.01, 0.2, 0.09), (s * 0.095, 0, 0.055)) for s in (-1, 1)]
    walls += [((0.18, 0.01, 0.09), (0, s * 0.095, 0.055)) for s in (-1, 1)]
    boxes = [trimesh.creation.box(extents=e, transform=trimesh.transformations.translation_matrix(p)) for e, p in walls]
    return (Piece("tray", trimesh.boolean.union(boxes), (0, 0, 0), "steel_carbon", tuple(boxes), cavity_kept=True),)


def _mesh(shape: trimesh.Trimesh) -> Mesh:
    return Mesh(np.asarray(shape.vertices, float), np.asarray(shape.faces, np.int32))


def _shape(piece: Piece) -> Shape:
    mesh = _mesh(piece.mesh)
    low, high = mesh.bounds()
    inertia = piece.mesh.moment_inertia
    volume = Estimate.normal(float(piece.mesh.volume), 1e-4 * float(piece.mesh.volume), "m3", "divergence theorem", WHY)
    return Shape(
        piece.name,
        (f"look_{piece.name}",),
        GeometrySummary(
            mesh.sha256(), len(mesh.vertices), len(mesh.faces), float(piece.mesh.area), tuple(low), tuple(high), True, 1
        ),
        None,
        SolidProperties(volume, tuple(map(float, piece.mesh.center_mass)), tuple(map(tuple, inertia.tolist())), WHY),
        mesh,
    )


def _part(piece: Piece, material: Material) -> Part:
    colliders = tuple(
        Collider(f"{piece.name}_{i}", "hull", hull_sha256=_mesh(c).sha256(), hull=_mesh(c))
        for i, c in enumerate(piece.colliders)
    )
    mass = material.density.scaled(float(piece.mesh.volume), "kg", "density times volume")
    fit = CollisionFit(0.0002, 0.0005, 0.001, 1.0, piece.cavity_kept, len(colliders))
    return Part(
        piece.name,
        piece.name,
        Pose(piece.position),
        material=material.name,
        mass=mass,
        collision=Collision("hull", colliders, fit, evidence=WHY),
    )


def _mass_properties(parts: tuple[Part, ...], pieces: tuple[Piece, ...]) -> MassProperties:
    masses = [p.mass.value for p in parts if p.mass]
    centres = [np.array(piece.position) + piece.mesh.center_mass for piece in pieces]
    total = sum(masses)
    com = sum(m * c for m, c in zip(masses, centres, strict=True)) / total
    inertia = np.zeros((3, 3))
    for mass, centre, piece in zip(masses, centres, pieces, strict=True):
        d = centre - com
        own = piece.mesh.moment_inertia * mass / piece.mesh.volume
        inertia += own + mass * (d @ d * np.eye(3) - np.outer(d, d))
    std = float(np.sqrt(sum(p.mass.std**2 for p in parts if p.mass)))
    spread = tuple(map(tuple, (0.01 * np.abs(inertia)).tolist()))
    return MassProperties(
        Estimate.normal(total, std, "kg", "sum of the parts", WHY),
        tuple(map(float, com)),
        (0.0001, 0.0001, 0.0004),
        tuple(map(tuple, inertia.tolist())),
        spread,
        WHY,
    )


def make_twin(name: str, pieces: tuple[Piece, ...], licence: str = "CC-BY-4.0") -> Twin:
    materials = {m.name: m for m in (steel(), beech()) if m.name in {p.material for p in pieces}}
    parts = tuple(_part(p, materials[p.material]) for p in pieces)
    source = Source(f"{name}.step", "step", "0" * 64, 1234, "main", licence)
    return Twin(
        name,
        name.capitalize(),
        (source,),
        Frame(Decision("mm", 0.999, (("m", 0.001),), WHY), 0.001, Decision("z", 1.0, (), WHY)),
        tuple(_shape(p) for p in pieces),
        (Body(name, parts, mass_properties=_mass_properties(parts, pieces)),),
        tuple(Appearance(f"look_{p.name}", (0.6, 0.4, 0.2)) for p in pieces),
        materials=tuple(materials.values()),
        semantics=Semantics("hammer", "Q25294", "hammer", WHY),
        licence=licence,
    )


def write(
    root: Path, name: str = "hammer", pieces: tuple[Piece, ...] | None = None, licence: str = "CC-BY-4.0"
) -> Path:
    """Write a twin folder that passes everything; returns it."""
    pieces = pieces or hammer()
    twin = make_twin(name, pieces, licence)
    folder = root / name
    (folder / "simready" / ".thumbs" / "256x256").mkdir(parents=True)
    usd = folder / "simready" / f"{name}.usda"
    _write_stage(usd, twin, pieces)
    picture = Image.new("RGB", (256, 256), (40, 41, 43))
    ImageDraw.Draw(picture).rectangle((60, 90, 190, 160), fill=(160, 120, 70))
    picture.save(folder / "simready" / ".thumbs" / "256x256" / f"{usd.name}.png")
    picture.resize((64, 64)).save(folder / "simready" / "wood.png")
    (folder / "twin.json").write_text(dumps(twin))
    record_hashes(folder)
    return folder


def record_hashes(folder: Path) -> None:
    """provenance.json with the hashes of the files as they are."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "provenance.json")
    listed = [
        {"path": p.relative_to(folder).as_posix(), "sha256": hashlib.sha256(p.read_bytes()).hexdigest()} for p in files
    ]
    (folder / "provenance.json").write_text(json.dumps({"files": listed}))


def _label(prim: Any, taxonomy: str, value: str) -> None:
    from pxr import Sdf, Vt

    prim.AddAppliedSchema(f"SemanticsLabelsAPI:{taxonomy}")
    attribute = prim.CreateAttribute(f"semantics:labels:{taxonomy}", Sdf.ValueTypeNames.TokenArray, False)
    attribute.Set(Vt.TokenArray([value]))


def _write_stage(usd: Path, twin: Twin, pieces: tuple[Piece, ...]) -> None:
    from pxr import Gf, Kind, Usd, UsdGeom, UsdPhysics

    stage = Usd.Stage.CreateNew(str(usd))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdPhysics.SetStageKilogramsPerUnit(stage, 1.0)
    root = UsdGeom.Xform.Define(stage, f"/{twin.name}").GetPrim()
    stage.SetDefaultPrim(root)
    Usd.ModelAPI(root).SetKind(Kind.Tokens.component)
    _label(root, "wikidata_qcode", twin.semantics.qcode)
    UsdPhysics.RigidBodyAPI.Apply(root)
    properties = twin.bodies[0].mass_properties
    values, vectors = np.linalg.eigh(np.array(properties.inertia_kgm2))
    if np.linalg.det(vectors) < 0:
        vectors[:, 0] *= -1
    matrix = np.eye(4)
    matrix[:3, :3] = vectors
    quaternion = Pose.from_matrix(matrix).quaternion_wxyz
    mass = UsdPhysics.MassAPI.Apply(root)
    mass.CreateMassAttr(properties.mass.value)
    mass.CreateCenterOfMassAttr(Gf.Vec3f(*properties.com_m))
    mass.CreateDiagonalInertiaAttr(Gf.Vec3f(*map(float, values)))
    mass.CreatePrincipalAxesAttr(Gf.Quatf(*quaternion))
    for material in twin.materials:
        _write_material(stage, twin.name, material)
    corners = [_write_piece(stage, twin.name, piece) for piece in pieces]
    extents = np.ptp(np.concatenate(corners), axis=0)
    stage.GetRootLayer().customLayerData = {
        "SimReady_Metadata": {
            "author": "physicl_twin",
            "asset_name": twin.name,
            "asset_type": "prop",
            "asset_license": twin.licence or "NOASSERTION",
            "category": "tool",
            "source_file": twin.sources[0].name,
            "usd_date_generated": "2026-11-01",
            "qcode": twin.semantics.qcode,
            "rigid_body_count": 1,
            "asset_extents": Gf.Vec3f(*map(float, extents)),
            "mass": properties.mass.value,
        }
    }
    stage.GetRootLayer().Save()


def _write_material(stage: Any, name: str, material: Material) -> None:
    from pxr import Sdf, UsdPhysics, UsdShade

    look = UsdShade.Material.Define(stage, f"/{name}/Looks/look_{material.name}")
    shader = UsdShade.Shader.Define(stage, f"/{name}/Looks/look_{material.name}/preview")
    shader.CreateIdAttr("UsdPreviewSurface")
    texture = UsdShade.Shader.Define(stage, f"/{name}/Looks/look_{material.name}/texture")
    texture.CreateIdAttr("UsdUVTexture")
    texture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set("./wood.png")
    texture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(
        texture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    )
    look.CreateSurfaceOutput().ConnectToSource(shader.CreateOutput("surface", Sdf.ValueTypeNames.Token))
    physics = UsdShade.Material.Define(stage, f"/{name}/Looks/physics_{material.name}")
    api = UsdPhysics.MaterialAPI.Apply(physics.GetPrim())
    api.CreateStaticFrictionAttr(material.static_friction.value)
    api.CreateDynamicFrictionAttr(material.dynamic_friction.value)
    api.CreateRestitutionAttr(material.restitution.value)
    api.CreateDensityAttr(material.density.value)
    for prim in (look.GetPrim(), physics.GetPrim()):
        _label(prim, "material", material.family)


def _usd_mesh(stage: Any, path: str, shape: trimesh.Trimesh) -> Any:
    from pxr import Sdf, UsdGeom

    mesh = UsdGeom.Mesh.Define(stage, path)
    points = np.asarray(shape.vertices, np.float32)
    mesh.CreatePointsAttr(points)
    mesh.CreateFaceVertexCountsAttr([3] * len(shape.faces))
    mesh.CreateFaceVertexIndicesAttr(np.asarray(shape.faces).reshape(-1).tolist())
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr([tuple(map(float, points.min(axis=0))), tuple(map(float, points.max(axis=0)))])
    normals = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(
        "normals", Sdf.ValueTypeNames.Normal3fArray, UsdGeom.Tokens.faceVarying
    )
    normals.Set(np.repeat(np.asarray(shape.face_normals, np.float32), 3, axis=0))
    return mesh


def _write_piece(stage: Any, name: str, piece: Piece) -> np.ndarray:
    from pxr import Gf, UsdGeom, UsdPhysics, UsdShade

    parent = UsdGeom.Xform.Define(stage, f"/{name}/{piece.name}")
    parent.AddTranslateOp().Set(Gf.Vec3d(*map(float, piece.position)))
    visual = _usd_mesh(stage, f"/{name}/{piece.name}/visual", piece.mesh)
    look = UsdShade.Material.Get(stage, f"/{name}/Looks/look_{piece.material}")
    physics = UsdShade.Material.Get(stage, f"/{name}/Looks/physics_{piece.material}")
    UsdShade.MaterialBindingAPI.Apply(visual.GetPrim()).Bind(look)
    for index, shape in enumerate(piece.colliders):
        collider = _usd_mesh(stage, f"/{name}/{piece.name}/collider_{index}", shape)
        collider.CreatePurposeAttr(UsdGeom.Tokens.guide)
        prim = collider.GetPrim()
        UsdPhysics.CollisionAPI.Apply(prim)
        UsdPhysics.MeshCollisionAPI.Apply(prim).CreateApproximationAttr(UsdPhysics.Tokens.convexHull)
        UsdShade.MaterialBindingAPI.Apply(prim).Bind(physics, materialPurpose="physics")
    return np.asarray(piece.mesh.vertices) + piece.position


def edit_stage(folder: Path, change: Callable[[Any], None]) -> None:
    """Open the asset's stage, change it, save it."""
    from pxr import Usd

    stage = Usd.Stage.Open(str(folder / "simready" / f"{folder.name}.usda"))
    stage.Reload()
    change(stage)
    stage.GetRootLayer().Save()


def edit_record(folder: Path, change: Callable[[dict[str, Any]], None], file: str = "twin.json") -> None:
    """Read a JSON record, change it, write it."""
    data = json.loads((folder / file).read_text())
    change(data)
    (folder / file).write_text(json.dumps(data))
