"""Make the shipped samples: a STEP assembly, a textured GLB and a broken STL, each with known truth.

Run it with the packages of the extra ``cad``; it writes into ``data/samples`` and prints the true volumes and masses
that ``data/samples/README.md`` states. The output is the same on every run, but for the
order in which the CAD kernel writes the STEP file's colours.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from manifold3d import CrossSection, Manifold
from PIL import Image, ImageDraw

SAMPLES = Path(__file__).with_name("samples")


# --- the mallet: STEP, millimetres, Z up ---


def make_mallet(path: Path) -> None:
    """A joiner's mallet: beech head, ash handle, walnut wedge, two rubber faces and four brass studs (instances)."""
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut
    from OCP.BRepBuilderAPI import BRepBuilderAPI_MakeFace, BRepBuilderAPI_MakePolygon
    from OCP.BRepFilletAPI import BRepFilletAPI_MakeChamfer, BRepFilletAPI_MakeFillet
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeCylinder, BRepPrimAPI_MakePrism
    from OCP.gp import gp_Ax1, gp_Dir, gp_Pnt, gp_Trsf, gp_Vec

    def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Any:
        return BRepPrimAPI_MakeBox(gp_Pnt(*low), gp_Pnt(*high)).Shape()

    def rounded(shape: Any, radius: float, keep: Callable[[Any], bool] = lambda edge: True) -> Any:
        fillet = BRepFilletAPI_MakeFillet(shape)
        for edge in _edges(shape):
            if keep(edge):
                fillet.Add(radius, edge)
        return fillet.Shape()

    def chamfered(shape: Any, width: float) -> Any:
        chamfer = BRepFilletAPI_MakeChamfer(shape)
        for edge in _edges(shape):
            chamfer.Add(width, edge)
        return chamfer.Shape()

    upright = lambda edge: abs(_direction(edge)[2]) > 0.9  # noqa: E731 - a one-line predicate
    head = BRepAlgoAPI_Cut(
        chamfered(box((-65, -32, 0), (65, 32, 86)), 5.0), rounded(box((-18, -12, -1), (18, 12, 87)), 4.0, upright)
    ).Shape()
    grip = rounded(box((-17, -13, -250), (17, 13, -20)), 9.0)
    handle = _fused(grip, rounded(box((-18, -12, -60), (18, 12, 84)), 4.0, upright))
    outline = BRepBuilderAPI_MakePolygon(gp_Pnt(-3, -11, 92), gp_Pnt(3, -11, 92), gp_Pnt(0, -11, 84), True).Wire()
    wedge = BRepPrimAPI_MakePrism(BRepBuilderAPI_MakeFace(outline).Face(), gp_Vec(0, 22, 0)).Shape()
    pad = rounded(BRepPrimAPI_MakeCylinder(27.0, 9.0).Shape(), 3.0, lambda edge: _height(edge) > 8.9)
    stud = rounded(BRepPrimAPI_MakeCylinder(4.0, 2.5).Shape(), 1.2, lambda edge: _height(edge) > 2.4)

    def placed(x: float, y: float, z: float, turn_about: tuple[float, float, float], angle: float) -> gp_Trsf:
        turn, move = gp_Trsf(), gp_Trsf()
        turn.SetRotation(gp_Ax1(gp_Pnt(0, 0, 0), gp_Dir(*turn_about)), angle)
        move.SetTranslation(gp_Vec(x, y, z))
        return move.Multiplied(turn)

    quarter = math.pi / 2
    here = [gp_Trsf()]
    pads = [placed(65, 0, 43, (0, 1, 0), quarter), placed(-65, 0, 43, (0, 1, 0), -quarter)]
    corners = [(x, y, z) for y in (-32, 32) for x, z in ((-42, 20), (42, 66))]
    studs = [placed(x, y, z, (1, 0, 0), math.copysign(quarter, -y)) for x, y, z in corners]
    _write_step(
        path,
        "Joiner's mallet",
        [
            ("Head", head, here, ("European beech", 0.72), (0.62, 0.40, 0.22)),
            ("Handle", handle, here, ("European ash", 0.69), (0.80, 0.66, 0.44)),
            ("Wedge", wedge, here, ("Walnut", 0.64), (0.24, 0.13, 0.08)),
            ("Face", pad, pads, ("Natural rubber", 1.10), (0.06, 0.06, 0.07)),
            ("Stud", stud, studs, ("Brass CW614N", 8.47), (0.78, 0.57, 0.18)),
        ],
    )


# --- the cabinet: STEP, millimetres, Z up, front towards -Y ---

#: Outer size of the carcass, its board, the back panel; the gap of doors and fronts; clearance of the drawers' runners.
WIDTH, DEPTH, HEIGHT, BOARD, BACK, GAP, CLEARANCE = 420.0, 360.0, 620.0, 18.0, 6.0, 2.0, 1.0
#: Floor of the door's compartment; height of a drawer's front.
DIVIDER, FRONT = 300.0, 136.0
#: Hinge: radius of the pin, of the eye and of its bore; where its axis stands before the carcass; height of an eye.
PIN, EYE, BORE, EYE_HEIGHT = 3.0, 7.0, 3.1, 20.0
AXIS_X, AXIS_Y = -WIDTH / 2 + 7.0, -DEPTH / 2 - GAP - BOARD - EYE - 1.5


def make_cabinet(path: Path) -> None:
    """A bedside cabinet: a door on two pin hinges above two drawers on runners; nothing in the file says what moves."""
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeCylinder
    from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt, gp_Trsf, gp_Vec

    def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Any:
        return BRepPrimAPI_MakeBox(gp_Pnt(*low), gp_Pnt(*high)).Shape()

    def upright(radius: float, length: float, x: float, y: float, z: float) -> Any:
        return BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(x, y, z), gp_Dir(0, 0, 1)), radius, length).Shape()

    def lying(radius: float, length: float) -> Any:
        return BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(-length / 2, 0, 0), gp_Dir(1, 0, 0)), radius, length).Shape()

    def at(*places: tuple[float, float, float]) -> list[gp_Trsf]:
        moves = []
        for place in places:
            move = gp_Trsf()
            move.SetTranslation(gp_Vec(*place))
            moves.append(move)
        return moves

    half, front, back = WIDTH / 2, -DEPTH / 2, DEPTH / 2
    inside = half - BOARD
    oak, birch, steel = ("European oak", 0.71), ("Birch plywood", 0.68), ("Steel 1.0330", 7.85)
    wood, pale, metal = (0.55, 0.36, 0.19), (0.78, 0.64, 0.44), (0.62, 0.63, 0.65)
    side = box((0, front, 0), (BOARD, back, HEIGHT))
    shelf = box((-inside, front, 0), (inside, back - BACK, BOARD))
    panel = box((-inside, back - BACK, BOARD), (inside, back, HEIGHT - BOARD))
    # The door lies on the carcass's edges and swings about pins before its left side.
    door_low, door_high = DIVIDER + GAP, HEIGHT
    door = box((-half + GAP, front - GAP - BOARD, door_low), (half, front - GAP, door_high))
    eye = _fused(upright(EYE, EYE_HEIGHT, 0, 0, 0), box((0, 0, 0), (EYE + 24.0, EYE + 1.5, EYE_HEIGHT)))
    eye = BRepAlgoAPI_Cut(eye, upright(BORE, EYE_HEIGHT, 0, 0, 0)).Shape()
    arm_y = front - AXIS_Y
    bracket = _fused(upright(EYE, EYE_HEIGHT, 0, 0, 0), box((-EYE - 3.0, 0, 0), (-EYE, arm_y + 40.0, EYE_HEIGHT)))
    bracket = _fused(bracket, box((-EYE - 3.0, -3.0, 0), (0, 3.0, EYE_HEIGHT)))
    pin = upright(PIN, 2 * EYE_HEIGHT + 1.0, 0, 0, 0)
    bracket = BRepAlgoAPI_Cut(bracket, upright(PIN, EYE_HEIGHT, 0, 0, 0)).Shape()
    hinges = [(AXIS_X, AXIS_Y, z) for z in (door_low + 40.0, door_high - 40.0 - 2 * EYE_HEIGHT)]
    above = [(x, y, z + EYE_HEIGHT + 1.0) for x, y, z in hinges]
    pull = lying(5.0, 120.0)
    post = BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(0, 0, 0), gp_Dir(0, -1, 0)), 4.0, 26.0).Shape()
    handle = _fused(_fused(pull, _moved(post, -50.0, 26.0, 0.0)), _moved(post, 50.0, 26.0, 0.0))
    floors = [BOARD + GAP, BOARD + GAP + FRONT + GAP]
    box_side, box_deep, box_wall = inside - CLEARANCE, DEPTH - BACK - 30.0, 12.0
    tray = box((-box_side, front, 0), (box_side, front + box_deep, 90.0))
    hollow = box((-box_side + box_wall, front + box_wall, 8.0), (box_side - box_wall, front + box_deep - box_wall, 91.0))
    tray = BRepAlgoAPI_Cut(tray, hollow).Shape()
    face = box((-half, front - BOARD, 0), (half, front, FRONT))
    runner = box((0, front + 4.0, 0), (12.0, front + box_deep, 10.0))
    runners = [place for z in floors for place in ((-inside, 0, z + 10.0), (inside - 12.0, 0, z + 10.0))]
    print(f"  hinge: through ({AXIS_X:g}, {AXIS_Y:g}) mm along z; drawers along -y")
    _write_step(
        path,
        "Bedside cabinet",
        [
            ("Side", side, at((-half, 0, 0), (inside, 0, 0)), oak, wood),
            ("Shelf", shelf, at((0, 0, 0), (0, 0, DIVIDER - BOARD), (0, 0, HEIGHT - BOARD)), oak, wood),
            ("Back panel", panel, at((0, 0, 0)), birch, pale),
            ("Hinge bracket", bracket, at(*hinges), steel, metal),
            ("Hinge pin", pin, at(*hinges), steel, metal),
            ("Door panel", door, at((0, 0, 0)), oak, wood),
            ("Hinge eye", eye, at(*above), steel, metal),
            ("Door handle", _turned(handle), at((half - 40.0, front - GAP - BOARD - 26.0, 460.0)), steel, metal),
            ("Runner", runner, at(*runners), steel, metal),
            ("Drawer box", tray, at(*((0, 0, z + 20.0 + CLEARANCE) for z in floors)), birch, pale),
            ("Drawer front", face, at(*((0, 0, z) for z in floors)), oak, wood),
            ("Drawer handle", handle, at(*((0, front - BOARD - 26.0, z + 90.0) for z in floors)), steel, metal),
        ],
    )


def _moved(shape: Any, x: float, y: float, z: float) -> Any:
    from OCP.BRepBuilderAPI import BRepBuilderAPI_Transform
    from OCP.gp import gp_Trsf, gp_Vec

    move = gp_Trsf()
    move.SetTranslation(gp_Vec(x, y, z))
    return BRepBuilderAPI_Transform(shape, move, True).Shape()


def _turned(shape: Any) -> Any:
    """A quarter turn about y: what lay along x stands upright."""
    from OCP.BRepBuilderAPI import BRepBuilderAPI_Transform
    from OCP.gp import gp_Ax1, gp_Dir, gp_Pnt, gp_Trsf

    turn = gp_Trsf()
    turn.SetRotation(gp_Ax1(gp_Pnt(0, 0, 0), gp_Dir(0, 1, 0)), math.pi / 2)
    return BRepBuilderAPI_Transform(shape, turn, True).Shape()


def _edges(shape: Any) -> list[Any]:
    from OCP.TopAbs import TopAbs_EDGE
    from OCP.TopExp import TopExp
    from OCP.TopoDS import TopoDS
    from OCP.TopTools import TopTools_IndexedMapOfShape

    found = TopTools_IndexedMapOfShape()
    TopExp.MapShapes_s(shape, TopAbs_EDGE, found)
    return [TopoDS.Edge_s(found.FindKey(i)) for i in range(1, found.Extent() + 1)]


def _ends(edge: Any) -> tuple[np.ndarray, np.ndarray]:
    """First and middle point of an edge."""
    from OCP.BRepAdaptor import BRepAdaptor_Curve

    curve = BRepAdaptor_Curve(edge)
    start, end = curve.FirstParameter(), curve.LastParameter()
    first, middle = curve.Value(start), curve.Value(0.5 * (start + end))
    return np.array([first.X(), first.Y(), first.Z()]), np.array([middle.X(), middle.Y(), middle.Z()])


def _direction(edge: Any) -> np.ndarray:
    first, middle = _ends(edge)
    along = middle - first
    return along / max(float(np.linalg.norm(along)), 1e-12)


def _height(edge: Any) -> float:
    """Height of an edge that lies in a horizontal plane; 0 for any other."""
    first, middle = _ends(edge)
    return float(first[2]) if abs(first[2] - middle[2]) < 1e-9 else 0.0


def _fused(a: Any, b: Any) -> Any:
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Fuse

    return BRepAlgoAPI_Fuse(a, b).Shape()


def _write_step(path: Path, title: str, parts: list[tuple[Any, ...]]) -> None:
    """An assembly of (name, shape, placements, (material, density g/cm3), linear RGB) with shared prototypes."""
    from OCP.BRepGProp import BRepGProp
    from OCP.GProp import GProp_GProps
    from OCP.IFSelect import IFSelect_RetDone
    from OCP.Quantity import Quantity_Color, Quantity_TOC_RGB
    from OCP.STEPCAFControl import STEPCAFControl_Writer
    from OCP.TCollection import TCollection_ExtendedString, TCollection_HAsciiString
    from OCP.TDataStd import TDataStd_Name
    from OCP.TDocStd import TDocStd_Document
    from OCP.TopLoc import TopLoc_Location
    from OCP.XCAFDoc import XCAFDoc_ColorGen, XCAFDoc_DocumentTool

    document = TDocStd_Document(TCollection_ExtendedString("XCAF"))
    shapes = XCAFDoc_DocumentTool.ShapeTool_s(document.Main())
    colours = XCAFDoc_DocumentTool.ColorTool_s(document.Main())
    materials = XCAFDoc_DocumentTool.MaterialTool_s(document.Main())
    text = TCollection_HAsciiString
    assembly = shapes.NewShape()
    TDataStd_Name.Set_s(assembly, TCollection_ExtendedString(title))
    total_kg = 0.0
    for name, shape, placements, (material, density), colour in parts:
        prototype = shapes.AddShape(shape, False)
        TDataStd_Name.Set_s(prototype, TCollection_ExtendedString(name))
        colours.SetColor(prototype, Quantity_Color(*colour, Quantity_TOC_RGB), XCAFDoc_ColorGen)
        materials.SetMaterial(prototype, text(material), text(""), density, text("density"), text("g/cm3"))
        properties = GProp_GProps()
        BRepGProp.VolumeProperties_s(shape, properties, 1e-9)
        kilograms = properties.Mass() * 1e-3 * density * 1e-3
        total_kg += kilograms * len(placements)
        print(f"  {name}: {len(placements)} x {properties.Mass():.3f} mm3 of {material}, {kilograms:.6f} kg each")
        for number, transform in enumerate(placements, 1):
            component = shapes.AddComponent(assembly, prototype, TopLoc_Location(transform))
            label = name if len(placements) == 1 else f"{name} {number}"
            TDataStd_Name.Set_s(component, TCollection_ExtendedString(label))
    shapes.UpdateAssemblies()
    writer = STEPCAFControl_Writer()
    writer.SetNameMode(True), writer.SetColorMode(True), writer.SetMaterialMode(True)
    writer.Transfer(document)
    if writer.Write(str(path)) != IFSelect_RetDone:
        raise SystemExit(f"{path.name} could not be written")
    # The kernel writes the time and the folder into the header; a sample is the same on every run and everywhere.
    header = path.read_text(encoding="utf-8")
    header = re.sub(r"FILE_NAME\('[^']*','[^']*'", f"FILE_NAME('{path.name}','2026-01-01T00:00:00'", header, count=1)
    path.write_text(header, encoding="utf-8")
    print(f"{path.name}: {total_kg:.6f} kg")


# --- the mug: GLB, metres, Y up ---


def make_mug(path: Path) -> None:
    """A stoneware mug with a printed band, and a steel spoon standing in it."""
    outer = [(0, 0), (36, 0), (39, 3), (41, 95), (40, 97), (38, 97), (37, 95), (35.5, 7), (33, 5), (0, 5)]
    wall = Manifold.revolve(CrossSection([outer]), 96)
    ring = CrossSection.circle(5.0, 24).scale((0.8, 1.0)).translate((24.0, 0.0))
    handle = Manifold.revolve(ring, 64).rotate((90, 0, 0)).scale((1.0, 1.0, 1.35)).translate((44, 0, 50))
    inside = Manifold.revolve(CrossSection([[(0, 5), (33, 5), (35.5, 7), (37, 95), (38, 120), (0, 120)]]), 96)
    mug = (wall + (handle - inside)).scale((0.001, 0.001, 0.001))
    print(f"{path.name}: mug {mug.volume() * 1e6:.4f} cm3")
    scene = trimesh.Scene()
    scene.add_geometry(_textured(_mesh(mug)), node_name="Mug", geom_name="Mug")
    spoon = _spoon()
    print(f"{path.name}: spoon {spoon.volume * 1e6:.4f} cm3")
    steel = trimesh.visual.material.PBRMaterial(
        name="Stainless steel 1.4301", baseColorFactor=[200, 202, 205, 255], metallicFactor=1.0, roughnessFactor=0.25
    )
    spoon.visual = trimesh.visual.TextureVisuals(material=steel)
    scene.add_geometry(spoon, node_name="Spoon", geom_name="Spoon")
    up = trimesh.transformations.rotation_matrix(-math.pi / 2, [1, 0, 0])
    for geometry in scene.geometry.values():
        geometry.apply_transform(up)
    path.write_bytes(scene.export(file_type="glb"))


def _mesh(solid: Manifold) -> trimesh.Trimesh:
    data = solid.to_mesh()
    vertices = np.asarray(data.vert_properties)[:, :3].astype(float)
    return trimesh.Trimesh(vertices, np.asarray(data.tri_verts), process=False)


def _spoon() -> trimesh.Trimesh:
    """A tea spoon: a shallow bowl and a tapered stem, bent as it leans on the mug's rim."""
    bowl = Manifold.sphere(1.0, 64).scale((11.0, 17.0, 6.0))
    bowl -= Manifold.sphere(1.0, 64).scale((10.0, 16.0, 5.4)).translate((0, 0, 1.8))
    bowl = bowl.trim_by_plane((0, 0, -1), 0.0)
    widths = ((15.5, 2.2), (60.0, 2.4), (118.0, 4.2))
    stem = Manifold.hull_points([(x * w, y, z * 0.9 - 0.9) for y, w in widths for x in (-1, 1) for z in (-1, 1)])
    spoon = (bowl + stem).translate((0, 0, 0)).rotate((80, 0, 0)).rotate((0, 0, 90))
    low = spoon.bounding_box()[2]
    return _mesh(spoon.translate((6.0, 0.0, 5.2 - low)).scale((0.001, 0.001, 0.001)))


def _textured(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Cylindrical texture coordinates (seam cut by splitting corners) and a printed band."""
    smooth = trimesh.graph.smooth_shade(mesh, angle=math.radians(40))
    corners = smooth.vertices[smooth.faces].reshape(-1, 3)
    normals = smooth.vertex_normals[smooth.faces].reshape(-1, 3)
    u = np.arctan2(corners[:, 1], corners[:, 0]) / (2 * np.pi) + 0.5
    u = u.reshape(-1, 3)
    seam = (u.max(axis=1) - u.min(axis=1)) > 0.5
    u[seam] += u[seam] < 0.5
    uv = np.column_stack([u.ravel(), corners[:, 2] / 0.1])
    material = trimesh.visual.material.PBRMaterial(
        name="Glazed stoneware", baseColorTexture=_band(), metallicFactor=0.0, roughnessFactor=0.35
    )
    return trimesh.Trimesh(
        corners,
        np.arange(len(corners)).reshape(-1, 3),
        vertex_normals=normals,
        visual=trimesh.visual.TextureVisuals(uv=uv, material=material),
        process=False,
    )


def _band() -> Image.Image:
    """The glaze: warm white above a blue band with a row of triangles."""
    image = Image.new("RGB", (512, 256), (238, 232, 220))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 150, 512, 215), fill=(36, 74, 110))
    for x in range(0, 512, 32):
        draw.polygon([(x, 150), (x + 16, 120), (x + 32, 150)], fill=(36, 74, 110))
        draw.polygon([(x + 4, 200), (x + 16, 168), (x + 28, 200)], fill=(226, 171, 74))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return Image.open(io.BytesIO(stream.getvalue()))


# --- the bracket: a broken binary STL, millimetres ---


def make_bracket(path: Path) -> None:
    """An angle bracket as a bad exporter leaves it: holes, flipped faces, doubled faces, split corners."""
    plate = Manifold.cube((60, 40, 5)) + Manifold.cube((5, 40, 50))
    gusset = Manifold.extrude(CrossSection([[(0, 0), (28, 0), (0, 28)]]), 6).rotate((90, 0, 0)).translate((5, 23, 5))
    solid = plate + gusset
    for x, y in ((25, 10), (25, 30), (48, 20)):
        solid -= Manifold.cylinder(20, 3.3, 3.3, 48).translate((x, y, -5))
    for y in (10, 30):
        solid -= Manifold.cylinder(20, 3.3, 3.3, 48).rotate((0, 90, 0)).translate((-5, y, 36))
    print(f"{path.name}: {solid.volume():.4f} mm3 when whole")
    mesh = _mesh(solid)
    triangles = mesh.vertices[mesh.faces]
    rng = np.random.default_rng(20260101)
    small = np.argsort(mesh.area_faces)[: len(triangles) // 2]
    lost = rng.choice(small, 6, replace=False)
    flipped = rng.choice(len(triangles), len(triangles) // 8, replace=False)
    triangles[flipped] = triangles[flipped][:, ::-1]
    doubled = triangles[rng.choice(len(triangles), 10, replace=False)]
    kept = np.concatenate([np.delete(triangles, lost, axis=0), doubled])
    soup = trimesh.Trimesh(kept.reshape(-1, 3), np.arange(3 * len(kept)).reshape(-1, 3), process=False)
    path.write_bytes(soup.export(file_type="stl"))


def main() -> None:
    """Write all samples."""
    SAMPLES.mkdir(exist_ok=True)
    make_mallet(SAMPLES / "mallet.step")
    make_cabinet(SAMPLES / "cabinet.step")
    make_mug(SAMPLES / "mug.glb")
    make_bracket(SAMPLES / "broken_bracket.stl")


if __name__ == "__main__":
    main()
