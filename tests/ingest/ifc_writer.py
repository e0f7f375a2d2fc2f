"""Small IFC files with known content, written with ifcopenshell: IFC2X3, IFC4 and IFC4X3, in millimetres or metres."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Corner = tuple[float, float, float]


class House:
    """Writes a project with a site, a building and a storey; all lengths are given in metres.

    Args:
        schema: ``IFC2X3``, ``IFC4`` or ``IFC4X3``.
        unit: Metres per unit of the file: 1 or 0.001; None to state no unit.
        storey: 4 x 4 placement of the storey.
    """

    def __init__(self, schema: str = "IFC4", unit: float | None = 0.001, storey: np.ndarray | None = None) -> None:
        import ifcopenshell

        self.file = ifcopenshell.file(schema=schema)
        self.schema = schema
        self.scale = 1.0 if unit is None else unit
        self._ids = 0
        make = self.make
        owner = {}
        if schema == "IFC2X3":
            person = make("IfcPersonAndOrganization", ThePerson=make("IfcPerson", FamilyName="N"),
                          TheOrganization=make("IfcOrganization", Name="N"))  # fmt: skip
            application = make("IfcApplication", ApplicationDeveloper=person.TheOrganization, Version="1",
                               ApplicationFullName="test", ApplicationIdentifier="test")  # fmt: skip
            owner = {"OwnerHistory": make("IfcOwnerHistory", OwningUser=person, OwningApplication=application,
                                          ChangeAction="ADDED", CreationDate=0)}  # fmt: skip
        self.owner = owner
        self.context = make("IfcGeometricRepresentationContext", ContextType="Model", CoordinateSpaceDimension=3,
                            Precision=1e-5, WorldCoordinateSystem=self._axes(np.eye(4)))  # fmt: skip
        self.body = make("IfcGeometricRepresentationSubContext", ContextIdentifier="Body", ContextType="Model",
                         ParentContext=self.context, TargetView="MODEL_VIEW")  # fmt: skip
        assignment = None
        if unit is not None:
            prefix = {1.0: None, 0.001: "MILLI"}[unit]
            units = [make("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE", Prefix=prefix),
                     make("IfcSIUnit", UnitType="PLANEANGLEUNIT", Name="RADIAN")]  # fmt: skip
            assignment = make("IfcUnitAssignment", Units=units)
        self.project = self.rooted("IfcProject", "Test project", RepresentationContexts=[self.context],
                                   UnitsInContext=assignment)  # fmt: skip
        self.site = self.spatial("IfcSite", "Site", None, np.eye(4))
        self.building = self.spatial("IfcBuilding", "House", self.site, np.eye(4))
        self.storey = self.spatial("IfcBuildingStorey", "Ground floor", self.building,
                                   np.eye(4) if storey is None else storey)  # fmt: skip
        self.aggregate(self.project, [self.site])

    def make(self, kind: str, *plain: Any, **values: Any) -> Any:
        return self.file.create_entity(kind, *plain, **{k: v for k, v in values.items() if v is not None})

    def rooted(self, kind: str, name: str, **values: Any) -> Any:
        import ifcopenshell.guid

        return self.make(kind, GlobalId=ifcopenshell.guid.new(), Name=name, **self.owner, **values)

    def aggregate(self, whole: Any, pieces: list[Any]) -> None:
        self.rooted("IfcRelAggregates", "", RelatingObject=whole, RelatedObjects=pieces)

    def spatial(self, kind: str, name: str, parent: Any, matrix: np.ndarray, **values: Any) -> Any:
        placement = self.placement(matrix, parent.ObjectPlacement if parent is not None else None)
        if kind in ("IfcSite", "IfcBuilding", "IfcBuildingStorey", "IfcSpace"):
            values.setdefault("CompositionType", "ELEMENT")
        if kind == "IfcSpace" and self.schema == "IFC2X3":
            values.setdefault("InteriorOrExteriorSpace", "INTERNAL")
        made = self.rooted(kind, name, ObjectPlacement=placement, **values)
        if parent is not None:
            self.aggregate(parent, [made])
        return made

    def point(self, values: Any) -> Any:
        return self.make("IfcCartesianPoint", Coordinates=[float(v) / self.scale for v in values])

    def direction(self, values: Any) -> Any:
        return self.make("IfcDirection", DirectionRatios=[float(v) for v in values])

    def _axes(self, matrix: np.ndarray) -> Any:
        return self.make("IfcAxis2Placement3D", Location=self.point(matrix[:3, 3]),
                         Axis=self.direction(matrix[:3, 2]), RefDirection=self.direction(matrix[:3, 0]))  # fmt: skip

    def placement(self, matrix: np.ndarray, relative_to: Any = None) -> Any:
        return self.make("IfcLocalPlacement", PlacementRelTo=relative_to, RelativePlacement=self._axes(matrix))

    def box(self, low: Corner, high: Corner) -> Any:
        """A block from corner to corner, in the element's frame."""
        size = [b - a for a, b in zip(low, high, strict=True)]
        middle = self.make("IfcAxis2Placement2D", Location=self.point([0.0, 0.0]))
        profile = self.make("IfcRectangleProfileDef", ProfileType="AREA", XDim=size[0] / self.scale,
                            YDim=size[1] / self.scale, Position=middle)  # fmt: skip
        start = np.eye(4)
        start[:3, 3] = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]
        return self.make("IfcExtrudedAreaSolid", SweptArea=profile, Position=self._axes(start),
                         ExtrudedDirection=self.direction([0, 0, 1]), Depth=size[2] / self.scale)  # fmt: skip

    def ring(self, low: Corner, high: Corner, width: float) -> Any:
        """A frame about the opening from corner to corner: a block without its middle, along y."""
        across = [(low[0], low[2]), (high[0], low[2]), (high[0], high[2]), (low[0], high[2]), (low[0], low[2])]
        inner = [(low[0] + width, low[2] + width), (low[0] + width, high[2] - width),
                 (high[0] - width, high[2] - width), (high[0] - width, low[2] + width),
                 (low[0] + width, low[2] + width)]  # fmt: skip
        curves = [self.make("IfcPolyline", Points=[self.point(p) for p in line]) for line in (across, inner)]
        profile = self.make("IfcArbitraryProfileDefWithVoids", ProfileType="AREA", OuterCurve=curves[0],
                            InnerCurves=curves[1:])  # fmt: skip
        # The profile's x is the element's x, its y the element's z: the extrusion runs along -y.
        frame = np.array([[1, 0, 0, 0], [0, 0, -1, high[1]], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=float)
        return self.make("IfcExtrudedAreaSolid", SweptArea=profile, Position=self._axes(frame),
                         ExtrudedDirection=self.direction([0, 0, 1]),
                         Depth=(high[1] - low[1]) / self.scale)  # fmt: skip

    def representation(self, items: list[Any], identifier: str = "Body", kind: str = "SweptSolid") -> Any:
        return self.make("IfcShapeRepresentation", ContextOfItems=self.body, RepresentationIdentifier=identifier,
                         RepresentationType=kind, Items=items)  # fmt: skip

    def element(self, kind: str, name: str, matrix: np.ndarray, items: list[Any], parent: Any = None, contain: bool = True,
                **values: Any) -> Any:  # fmt: skip
        """A product with a body in its storey."""
        shape = None
        if items:
            shape = self.make("IfcProductDefinitionShape", Representations=[self.representation(items)])
        home = self.storey if parent is None else parent
        made = self.rooted(kind, name, ObjectPlacement=self.placement(matrix, home.ObjectPlacement),
                           Representation=shape, **values)  # fmt: skip
        if contain:
            self.rooted("IfcRelContainedInSpatialStructure", "", RelatedElements=[made], RelatingStructure=self.storey)
        return made

    def opening(self, wall: Any, low: Corner, high: Corner) -> Any:
        """Cut a block, given in the wall's frame, out of it."""
        made = self.element("IfcOpeningElement", "Opening", np.eye(4), [self.box(low, high)], wall, contain=False)
        self.rooted("IfcRelVoidsElement", "", RelatingBuildingElement=wall, RelatedOpeningElement=made)
        return made

    def material(self, name: str, density: float | None = None) -> Any:
        made = self.make("IfcMaterial", Name=name)
        if density is not None:
            value = self.make("IfcPropertySingleValue", Name="MassDensity",
                              NominalValue=self.make("IfcMassDensityMeasure", density))  # fmt: skip
            if self.schema == "IFC2X3":
                self.make("IfcGeneralMaterialProperties", Material=made, MassDensity=density)
            else:
                self.make("IfcMaterialProperties", Name="Pset_MaterialCommon", Properties=[value], Material=made)
        return made

    def associate(self, elements: list[Any], material: Any) -> None:
        self.rooted("IfcRelAssociatesMaterial", "", RelatedObjects=elements, RelatingMaterial=material)

    def layers(self, element: Any, layers: list[tuple[Any, float]], offset: float | None, sense: str = "POSITIVE",
               axis: str = "AXIS2") -> None:  # fmt: skip
        """Give an element a layer set, with a usage unless ``offset`` is None."""
        made = [self.make("IfcMaterialLayer", Material=m, LayerThickness=t / self.scale) for m, t in layers]
        chosen = self.make("IfcMaterialLayerSet", MaterialLayers=made, LayerSetName="Layers")
        if offset is not None:
            chosen = self.make("IfcMaterialLayerSetUsage", ForLayerSet=chosen, LayerSetDirection=axis,
                               DirectionSense=sense, OffsetFromReferenceLine=offset / self.scale)  # fmt: skip
        self.associate([element], chosen)

    def typed(self, element: Any, kind: str, name: str, **values: Any) -> Any:
        made = self.rooted(kind, name, **values)
        self.rooted("IfcRelDefinesByType", "", RelatedObjects=[element], RelatingType=made)
        return made

    def door(self, name: str, matrix: np.ndarray, operation: str, width: float = 1.0, height: float = 2.1,
             leaves: int = 1, frame: bool = True, parent: Any = None) -> Any:  # fmt: skip
        """A door with a lining of 50 mm about it and leaves of 40 mm, y from 0 to 0.04, and an operation."""
        items = [self.ring((0, -0.03, -0.0), (width, 0.05, height), 0.05)] if frame else []
        edge = 0.05 if frame else 0.0
        clear = (width - 2 * edge) / leaves
        for number in range(leaves):
            items.append(
                self.box((edge + number * clear, 0.0, edge), (edge + (number + 1) * clear, 0.04, height - edge))
            )
        values = {"OverallHeight": height / self.scale, "OverallWidth": width / self.scale}
        if self.schema == "IFC2X3":
            door = self.element("IfcDoor", name, matrix, items, parent, **values)
            self.typed(door, "IfcDoorStyle", f"{name} style", OperationType=operation, ConstructionType="WOOD",
                       ParameterTakesPrecedence=False, Sizeable=False)  # fmt: skip
            return door
        door = self.element("IfcDoor", name, matrix, items, parent, **values)
        self.typed(door, "IfcDoorType", f"{name} type", OperationType=operation, PredefinedType="DOOR")
        return door

    def window(self, name: str, matrix: np.ndarray, panels: list[tuple[str, str]], width: float = 1.2,
               height: float = 1.0, position: tuple[float, ...] = ()) -> Any:  # fmt: skip
        """A window with a frame, and a sash with a pane for each (position, operation)."""
        items = [self.ring((0, -0.04, 0), (width, 0.03, height), 0.05)]
        clear = (width - 0.1) / len(panels)
        for number in range(len(panels)):
            left = 0.05 + number * clear
            items.append(self.ring((left, 0.0, 0.05), (left + clear, 0.04, height - 0.05), 0.06))
            items.append(self.box((left + 0.06, 0.015, 0.11), (left + clear - 0.06, 0.025, height - 0.11)))
        window = self.element("IfcWindow", name, matrix, items, OverallHeight=height / self.scale,
                              OverallWidth=width / self.scale)  # fmt: skip
        sets = [self.rooted("IfcWindowPanelProperties", "panel", PanelPosition=where, OperationType=how)
                for where, how in panels]  # fmt: skip
        if self.schema == "IFC2X3":
            self.typed(window, "IfcWindowStyle", f"{name} style", HasPropertySets=sets, ConstructionType="WOOD",
                       OperationType="SINGLE_PANEL", ParameterTakesPrecedence=False, Sizeable=False)  # fmt: skip
        else:
            self.typed(window, "IfcWindowType", f"{name} type", HasPropertySets=sets, PredefinedType="WINDOW",
                       PartitioningType="SINGLE_PANEL" if len(panels) == 1 else "DOUBLE_PANEL_VERTICAL")  # fmt: skip
        return window

    def write(self, path: Path) -> Path:
        self.file.write(str(path))
        return path


def turned(angle_deg: float = 0.0, at: Corner = (0.0, 0.0, 0.0), tilt_deg: float = 0.0) -> np.ndarray:
    """A placement: turned about z, then tilted about x, then moved, metres."""
    a, b = np.radians(angle_deg), np.radians(tilt_deg)
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = x @ z
    matrix[:3, 3] = at
    return matrix
