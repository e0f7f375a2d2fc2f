"""The assembly tree of a CAD document, flattened to placed leaves with names, colours, layers and materials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from physicl_twin.ingest.cad_tessellate import matrix_of
from physicl_twin.model.geometry import FloatArray, Vector3


@dataclass(frozen=True, slots=True)
class Look:
    """Colour of a CAD surface: linear RGB and opacity."""

    rgb: Vector3
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class CadMaterial:
    """Material attribute of a label; ``density`` is the kernel's number, whose unit it has lost (0 when absent)."""

    name: str
    description: str
    density: float


@dataclass(frozen=True, slots=True)
class Leaf:
    """One placed prototype.

    Attributes:
        key: Entry of the prototype's label: equal for instances of the same thing.
        label: ``TDF_Label`` of the prototype.
        name: Name of the instance, or of the prototype where the instance has none.
        prototype_name: Name of the prototype.
        path: Names of the assemblies above, root first.
        transform: (4, 4) prototype to root, kernel units (mm).
        look: Colour that instance, assemblies and prototype give together, or None.
        layer: Layers, comma separated.
        material: Material attribute, or None.
    """

    key: str
    label: Any
    name: str
    prototype_name: str
    path: tuple[str, ...]
    transform: FloatArray
    look: Look | None
    layer: str
    material: CadMaterial | None


def leaves(document: Any) -> Iterator[Leaf]:
    """All visible placed prototypes of a document, in the order of the tree."""
    from OCP.XCAFDoc import XCAFDoc_DocumentTool
    from OCP.XCAFPrs import XCAFPrs_DocumentExplorer

    only_leaves = 1  # XCAFPrs_DocumentExplorerFlags_OnlyLeafNodes
    layers = XCAFDoc_DocumentTool.LayerTool_s(document.Main())
    explorer = XCAFPrs_DocumentExplorer(document, only_leaves)
    while explorer.More():
        node = explorer.Current()
        depth = explorer.CurrentDepth()
        above = [explorer.Current(level) for level in range(depth)]
        prototype_name = label_name(node.RefLabel)
        yield Leaf(
            key=_entry(node.RefLabel),
            label=node.RefLabel,
            name=label_name(node.Label) or prototype_name,
            prototype_name=prototype_name,
            path=tuple(label_name(a.Label) or label_name(a.RefLabel) for a in above),
            transform=matrix_of(node.Location.Transformation()),
            look=look_of(node.Style),
            layer=", ".join(dict.fromkeys(_layers(layers, node.Label) + _layers(layers, node.RefLabel))),
            material=label_material(node.Label) or label_material(node.RefLabel),
        )
        explorer.Next()


def shape_of(label: Any) -> Any:
    """The ``TopoDS_Shape`` of a label."""
    from OCP.XCAFDoc import XCAFDoc_ShapeTool

    return XCAFDoc_ShapeTool.GetShape_s(label)


def sub_labels(label: Any) -> list[Any]:
    """Labels of the named or coloured members of a prototype."""
    from OCP.TDF import TDF_LabelSequence
    from OCP.XCAFDoc import XCAFDoc_ShapeTool

    sequence = TDF_LabelSequence()
    XCAFDoc_ShapeTool.GetSubShapes_s(label, sequence)
    return [sequence.Value(i) for i in range(1, sequence.Length() + 1)]


def styles(label: Any) -> list[tuple[Any, Look]]:
    """(shape, colour) of the prototype and of each member that has a colour of its own, the whole first."""
    from OCP.TopLoc import TopLoc_Location
    from OCP.XCAFPrs import XCAFPrs, XCAFPrs_IndexedDataMapOfShapeStyle

    found = XCAFPrs_IndexedDataMapOfShapeStyle()
    XCAFPrs.CollectStyleSettings_s(label, TopLoc_Location(), found)
    pairs = [(found.FindKey(i), look_of(found.FindFromIndex(i))) for i in range(1, found.Extent() + 1)]
    return [(shape, look) for shape, look in pairs if look is not None]


def look_of(style: Any) -> Look | None:
    """Surface colour of an ``XCAFPrs_Style``; OpenCASCADE keeps colours as linear RGB."""
    if not style.IsSetColorSurf():
        return None
    rgba = style.GetColorSurfRGBA()
    rgb = rgba.GetRGB()
    return Look((float(rgb.Red()), float(rgb.Green()), float(rgb.Blue())), float(rgba.Alpha()))


def label_name(label: Any) -> str:
    """Name of a label; empty where it has none, or only the pointer text that the kernel makes up for an instance."""
    for attribute in _attributes(label):
        if attribute.DynamicType().Name() == "TDataStd_Name":
            name = str(attribute.Get().ToExtString()).strip()
            return "" if name.startswith("=>[") or name.upper() in ("NONE", "SOLID", "COMPOUND", "SHELL") else name
    return ""


def label_material(label: Any) -> CadMaterial | None:
    """Material attribute that a label refers to.

    The attributes are walked rather than looked up: OCP's handle out-parameters crash the interpreter.
    """
    for attribute in _attributes(label):
        if attribute.DynamicType().Name() != "TDataStd_TreeNode" or not attribute.HasFather():
            continue
        for other in _attributes(attribute.Father().Label()):
            if other.DynamicType().Name() == "XCAFDoc_Material":
                return CadMaterial(_text(other.GetName()), _text(other.GetDescription()), float(other.GetDensity()))
    return None


def stated_validation(label: Any) -> tuple[float | None, tuple[float, float, float] | None]:
    """Geometric validation properties of a label: volume (mm3) and centroid (mm), None where the file states none."""
    volume, centroid = None, None
    for attribute in _attributes(label):
        kind = attribute.DynamicType().Name()
        if kind == "XCAFDoc_Volume":
            volume = float(attribute.Get())
        elif kind == "XCAFDoc_Centroid":
            point = attribute.Get()
            centroid = (float(point.X()), float(point.Y()), float(point.Z()))
    return volume, centroid


def _text(handle: Any) -> str:
    return str(handle.ToCString()).strip() if handle is not None else ""


def _entry(label: Any) -> str:
    from OCP.TCollection import TCollection_AsciiString
    from OCP.TDF import TDF_Tool

    entry = TCollection_AsciiString()
    TDF_Tool.Entry_s(label, entry)
    return str(entry.ToCString())


def _layers(tool: Any, label: Any) -> list[str]:
    names = tool.GetLayers(label)
    return [str(names.Value(i).ToExtString()) for i in range(1, names.Length() + 1)] if names is not None else []


def _attributes(label: Any) -> Iterator[Any]:
    from OCP.TDF import TDF_AttributeIterator

    if label.IsNull():
        return
    iterator = TDF_AttributeIterator(label, True)
    while iterator.More():
        yield iterator.Value()
        iterator.Next()
