"""Writes CAD files with known content through the CAD kernel, for the tests of its reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

#: Kernel names of units, and millimetres in one.
UNITS = {"mm": ("MM", 1.0), "cm": ("CM", 10.0), "m": ("M", 1000.0), "in": ("INCH", 25.4)}


@dataclass
class Item:
    """A thing to write: a shape (mm), or an assembly of placed items."""

    name: str
    shape: Any = None
    colour: tuple[float, float, float] | None = None
    material: tuple[str, str, float] | None = None
    layer: str = ""
    members: list[tuple[Item, np.ndarray, str]] = field(default_factory=list)
    face_colours: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    volume: float | None = None


def location(matrix: np.ndarray) -> Any:
    from OCP.gp import gp_Trsf
    from OCP.TopLoc import TopLoc_Location

    transform = gp_Trsf()
    transform.SetValues(*(float(v) for v in np.asarray(matrix)[:3].ravel()))
    return TopLoc_Location(transform)


def placement(translation=(0.0, 0.0, 0.0), axis=(0.0, 0.0, 1.0), degrees=0.0) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(degrees) * np.asarray(axis) / np.linalg.norm(axis)).as_matrix()
    matrix[:3, 3] = translation
    return matrix


def _document(root: Item) -> Any:
    from OCP.Quantity import Quantity_Color, Quantity_TypeOfColor
    from OCP.TCollection import TCollection_ExtendedString, TCollection_HAsciiString
    from OCP.TDataStd import TDataStd_Name
    from OCP.TDocStd import TDocStd_Document
    from OCP.XCAFDoc import XCAFDoc_ColorType, XCAFDoc_DocumentTool, XCAFDoc_Volume

    from physicl_twin.ingest.cad_tessellate import faces_of

    document = TDocStd_Document(TCollection_ExtendedString("XCAF"))
    XCAFDoc_DocumentTool.SetLengthUnit_s(document, 0.001)
    shapes = XCAFDoc_DocumentTool.ShapeTool_s(document.Main())
    colours = XCAFDoc_DocumentTool.ColorTool_s(document.Main())
    materials = XCAFDoc_DocumentTool.MaterialTool_s(document.Main())
    layers = XCAFDoc_DocumentTool.LayerTool_s(document.Main())
    made: dict[int, Any] = {}

    def name(label: Any, text: str) -> None:
        TDataStd_Name.Set_s(label, TCollection_ExtendedString(text, True))

    def colour(rgb: tuple[float, float, float]) -> Any:
        return Quantity_Color(*rgb, Quantity_TypeOfColor.Quantity_TOC_RGB)

    def add(item: Item) -> Any:
        if id(item) in made:
            return made[id(item)]
        label = shapes.NewShape() if item.members else shapes.AddShape(item.shape, False)
        made[id(item)] = label
        name(label, item.name)
        if item.colour:
            colours.SetColor(label, colour(item.colour), XCAFDoc_ColorType.XCAFDoc_ColorSurf)
        for index, rgb in item.face_colours.items():
            sub = shapes.AddSubShape(label, faces_of(item.shape)[index])
            colours.SetColor(sub, colour(rgb), XCAFDoc_ColorType.XCAFDoc_ColorSurf)
        if item.material:
            title, text, density = item.material
            strings = [TCollection_HAsciiString(s) for s in (title, text, "density measure", "POSITIVE_RATIO_MEASURE")]
            materials.SetMaterial(label, materials.AddMaterial(strings[0], strings[1], density, strings[2], strings[3]))
        if item.layer:
            layers.SetLayer(label, TCollection_ExtendedString(item.layer))
        if item.volume is not None:
            XCAFDoc_Volume.Set_s(label, item.volume)
        for member, matrix, text in item.members:
            component = shapes.AddComponent(label, add(member), location(matrix))
            if text:
                name(component, text)
        return label

    add(root)
    shapes.UpdateAssemblies()
    return document


def write_step(root: Item, path: Path, unit: str = "mm") -> Path:
    from OCP.IFSelect import IFSelect_ReturnStatus
    from OCP.Interface import Interface_Static
    from OCP.STEPCAFControl import STEPCAFControl_Writer

    from physicl_twin.ingest.cad_document import require_kernel

    require_kernel()
    writer = STEPCAFControl_Writer()
    Interface_Static.SetCVal_s("write.step.unit", UNITS[unit][0])
    writer.SetPropsMode(True)
    writer.SetColorMode(True)
    writer.SetLayerMode(True)
    assert writer.Transfer(_document(root))
    assert writer.Write(str(path)) == IFSelect_ReturnStatus.IFSelect_RetDone
    Interface_Static.SetCVal_s("write.step.unit", "MM")
    return path


def write_iges(shapes: list[Any], path: Path, unit: str = "mm", solids: bool = True) -> Path:
    from OCP.IGESControl import IGESControl_Controller, IGESControl_Writer

    from physicl_twin.ingest.cad_document import require_kernel

    require_kernel()
    IGESControl_Controller.Init_s()
    writer = IGESControl_Writer({"mm": "MM", "cm": "CM", "m": "M", "in": "IN"}[unit], int(solids))
    for shape in shapes:
        writer.AddShape(shape)
    writer.ComputeModel()
    assert writer.Write(str(path))
    return path


def write_brep(shape: Any, path: Path, binary: bool = False) -> Path:
    from OCP.BinTools import BinTools
    from OCP.BRepTools import BRepTools

    assert (BinTools if binary else BRepTools).Write_s(shape, str(path))
    return path


@dataclass(frozen=True)
class Truth:
    """A solid with its exact integrals at unit density, mm."""

    name: str
    shape: Any
    volume: float
    com: np.ndarray
    inertia: np.ndarray


def solids() -> list[Truth]:
    """Analytic solids; the formulas are the textbook integrals of each body, inertia about the centroid."""
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut
    from OCP.BRepPrimAPI import (
        BRepPrimAPI_MakeBox,
        BRepPrimAPI_MakeCone,
        BRepPrimAPI_MakeCylinder,
        BRepPrimAPI_MakeSphere,
        BRepPrimAPI_MakeTorus,
    )
    from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt

    pi = np.pi

    def box_inertia(v, a, b, c):
        return v / 12 * np.diag([b * b + c * c, a * a + c * c, a * a + b * b])

    def cylinder_inertia(v, r, h):
        side = v * (3 * r * r + h * h) / 12
        return np.diag([side, side, v * r * r / 2])

    box = Truth("box", BRepPrimAPI_MakeBox(gp_Pnt(1, 2, 3), 10, 20, 30).Shape(), 6000.0, np.array([6.0, 12.0, 18.0]),
                box_inertia(6000.0, 10, 20, 30))  # fmt: skip
    v = pi * 25 * 40
    cylinder = Truth(
        "cylinder", BRepPrimAPI_MakeCylinder(5, 40).Shape(), v, np.array([0, 0, 20.0]), cylinder_inertia(v, 5, 40)
    )
    v = 4 / 3 * pi * 343
    sphere = Truth("sphere", BRepPrimAPI_MakeSphere(7).Shape(), v, np.zeros(3), np.eye(3) * 0.4 * v * 49)
    v = pi * 25 * 10 / 3
    side = 3 / 80 * v * (4 * 25 + 100)
    cone = Truth(
        "cone", BRepPrimAPI_MakeCone(5, 0, 10).Shape(), v, np.array([0, 0, 2.5]), np.diag([side, side, 0.3 * v * 25])
    )
    v = 2 * pi**2 * 10 * 9
    side = v * (5 / 8 * 9 + 100 / 2)
    torus = Truth(
        "torus", BRepPrimAPI_MakeTorus(10, 3).Shape(), v, np.zeros(3), np.diag([side, side, v * (0.75 * 9 + 100)])
    )
    hole = BRepPrimAPI_MakeCylinder(gp_Ax2(gp_Pnt(20, 20, -1), gp_Dir(0, 0, 1)), 6, 20).Shape()
    v = pi * 36 * 8
    plate = Truth(
        "plate", BRepAlgoAPI_Cut(BRepPrimAPI_MakeBox(40, 40, 8).Shape(), hole).Shape(), 12800 - v, np.array([20, 20, 4.0]),
        box_inertia(12800, 40, 40, 8) - cylinder_inertia(v, 6, 8),
    )  # fmt: skip
    return [box, cylinder, sphere, cone, torus, plate]
