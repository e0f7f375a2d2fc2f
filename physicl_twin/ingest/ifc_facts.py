"""What an IFC file says besides geometry: units, structure, materials, doors and windows. Runs in the child process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from physicl_twin.ingest.ifc_materials import Densities, material_of

#: Steps up the spatial structure and the aggregation before a file counts as circular.
_MAX_DEPTH = 64
#: Elements that are no matter: what cuts others, and what only thinks a border.
_NO_MATTER = ("IfcFeatureElement", "IfcVirtualElement")
#: Things with no physical counterpart, which are counted.
_COUNTED = ("IfcBuildingStorey", "IfcSpace", "IfcZone", "IfcSystem", "IfcOpeningElement", "IfcVirtualElement",
            "IfcGrid", "IfcAnnotation", "IfcPort", "IfcStructuralItem", "IfcStructuralActivity", "IfcTask",
            "IfcWorkControl", "IfcCostItem", "IfcActor", "IfcPermit", "IfcProjectOrder",
            "IfcSpatialZone", "IfcAlignment")  # fmt: skip


class FileFacts:
    """Answers questions about one open file.

    Args:
        model: The ``ifcopenshell.file``.
    """

    def __init__(self, model: Any) -> None:
        import ifcopenshell.util.unit

        self._model = model
        self._length_stated = any(
            getattr(unit, "UnitType", "") == "LENGTHUNIT"
            for assignment in model.by_type("IfcUnitAssignment")
            for unit in assignment.Units
        )
        #: Metres per unit of length.
        self.length_unit_m = float(ifcopenshell.util.unit.calculate_unit_scale(model)) if self._length_stated else 1.0
        self._densities = Densities(model)
        self._aspects = {
            item.id(): _text(aspect.Name)
            for aspect in self._all("IfcShapeAspect")
            for representation in aspect.ShapeRepresentations
            for item in representation.Items
        }

    def circle(self) -> str:
        """What is a piece of itself or placed by itself, in words; empty when nothing is. The kernel would not end."""
        above: dict[int, int] = {}
        for kind in ("IfcRelAggregates", "IfcRelNests"):
            for relation in self._all(kind):
                if relation.RelatingObject is None:
                    continue
                for piece in relation.RelatedObjects or ():
                    above.setdefault(piece.id(), relation.RelatingObject.id())
        for placement in self._all("IfcLocalPlacement"):
            if placement.PlacementRelTo is not None:
                above[placement.id()] = placement.PlacementRelTo.id()
        ends: set[int] = set()
        for start in above:
            seen: list[int] = []
            current = start
            while current in above and current not in ends:
                if current in seen:
                    return f"#{current} is a piece of itself"
                seen.append(current)
                current = above[current]
            ends.update(seen)
        return ""

    def elements(self) -> list[Any]:
        """Everything that may be matter: building elements, furniture, equipment, proxies, and a site with a body."""
        found = [*self._all("IfcElement"), *self._all("IfcProxy")]
        found = [e for e in found if not any(self._is(e, kind) for kind in _NO_MATTER)]
        return [*found, *(site for site in self._all("IfcSite") if site.Representation is not None)]

    def _all(self, kind: str) -> list[Any]:
        try:
            return list(self._model.by_type(kind))
        except RuntimeError:  # this version of the schema has no such class
            return []

    def _is(self, entity: Any, kind: str) -> bool:
        try:
            return bool(entity.is_a(kind))
        except RuntimeError:
            return False

    def description(self) -> dict[str, Any]:
        """What is said of the file as a whole."""
        projects, buildings = self._all("IfcProject"), self._all("IfcBuilding")
        counts = Counter({kind: len(self._all(kind)) for kind in _COUNTED})
        titles = [
            t for t in (_text(getattr(e, "LongName", None)) or _text(e.Name) for e in [*buildings, *projects]) if t
        ]
        return {
            "length_unit_m": self.length_unit_m,
            "length_stated": self._length_stated,
            "project": bool(projects),
            "title": titles[0] if titles else "",
            "buildings": len(buildings),
            "counts": {kind: n for kind, n in counts.items() if n},
            "density_unit": self._densities.unit_stated,
        }

    def element(self, element: Any) -> dict[str, Any]:
        """What is said of an element."""
        import ifcopenshell.util.element

        kind = ifcopenshell.util.element.get_type(element)
        owner = self._assembly(element)
        record: dict[str, Any] = {
            "id": element.id(),
            "class": element.is_a(),
            "name": _text(element.Name) or _text(getattr(element, "ObjectType", None)),
            "type": _text(kind.Name) if kind is not None and kind != element else "",
            "path": list(reversed([_text(e.Name) or e.is_a() for e in self._above(element)])),
            "assembly": None if owner is None else owner.id(),
            "material": material_of(element, self._densities, self.length_unit_m),
            "matrix": None,
            "shape": None,
            "body": element.Representation is not None,
        }
        if self._is(element, "IfcDoor") or self._is(element, "IfcWindow"):
            record["opening"] = self._opening(element, kind)
        return record

    def placement(self, element: Any) -> list[list[float]]:
        """(4, 4) placement of an element that has no body, metres."""
        import ifcopenshell.util.placement

        if element.ObjectPlacement is None:
            return [[float(i == j) for j in range(4)] for i in range(4)]
        matrix = ifcopenshell.util.placement.get_local_placement(element.ObjectPlacement)
        matrix[:3, 3] *= self.length_unit_m
        return [[float(v) for v in row] for row in matrix]

    def item(self, number: int) -> dict[str, str]:
        """Aspect and layer of a representation item."""
        try:
            entity = self._model.by_id(number)
        except RuntimeError:
            return {"aspect": "", "layer": ""}
        layers = getattr(entity, "LayerAssignment", None) or getattr(entity, "LayerAssignments", None) or ()
        return {"aspect": self._aspects.get(number, ""), "layer": _text(layers[0].Name) if layers else ""}

    def _above(self, element: Any) -> Iterator[Any]:
        """The element's assemblies, storey, building, site: nearest first."""
        current = element
        for _ in range(_MAX_DEPTH):
            relations = [*getattr(current, "Decomposes", ()), *getattr(current, "Nests", ())]
            inside = getattr(current, "ContainedInStructure", ())
            if inside:
                current = inside[0].RelatingStructure
            elif relations:
                current = relations[0].RelatingObject
            else:
                return
            if current is None or current.is_a("IfcProject"):
                return
            yield current

    def _assembly(self, element: Any) -> Any:
        """The outermost element that this one is a piece of; None when it stands alone, as what may move does."""
        if self._is(element, "IfcDoor") or self._is(element, "IfcWindow"):
            return None
        owner = None
        current = element
        for _ in range(_MAX_DEPTH):
            above = [r.RelatingObject for r in getattr(current, "Decomposes", ()) if r.is_a("IfcRelAggregates")]
            if not above or not self._is(above[0], "IfcElement") or above[0] == element:
                return owner
            owner = current = above[0]
        return None

    def _opening(self, element: Any, kind: Any) -> dict[str, Any]:
        """How a door or window opens, as the file says, and what it stands in."""
        import ifcopenshell.util.element

        own = str(getattr(element, "OperationType", None) or "")
        typed = str(getattr(kind, "OperationType", None) or "") if kind is not None else ""
        sets = [*(getattr(kind, "HasPropertySets", None) or ()), *ifcopenshell.util.element.get_psets(element).values()]
        sets = [s if not isinstance(s, dict) else self._by_id(s.get("id")) for s in sets]
        sets = list({s.id(): s for s in sets if s is not None}.values())
        panels = [s for s in sets if s.is_a() in ("IfcWindowPanelProperties", "IfcDoorPanelProperties")]
        host = None
        for relation in getattr(element, "FillsVoids", ()):
            for voids in getattr(relation.RelatingOpeningElement, "VoidsElements", ()):
                host = voids.RelatingBuildingElement.id()
        return {
            "operation": typed if typed and typed != "NOTDEFINED" else own or typed,
            "where": "type" if typed and typed != "NOTDEFINED" else "occurrence",
            "panels": [
                {
                    "position": str(p.PanelPosition or ""),
                    "operation": str(getattr(p, "OperationType", None) or getattr(p, "PanelOperation", None) or ""),
                }
                for p in panels
            ],
            "host": host,
        }

    def _by_id(self, number: Any) -> Any:
        try:
            return self._model.by_id(int(number))
        except (RuntimeError, TypeError, ValueError):
            return None


def layer_usage(element: Any, length_unit_m: float) -> dict[str, Any] | None:
    """Where an element's material layers lie; None when it has none, or only one, or the file does not say where.

    Returns:
        axis: 0, 1 or 2 of the element's frame.
        base: Coordinate where the layers begin, metres.
        sense: 1 or -1.
        thickness: Of each layer, metres.
    """
    import ifcopenshell.util.element

    usage = ifcopenshell.util.element.get_material(element, should_skip_usage=False)
    if usage is None or not usage.is_a("IfcMaterialLayerSetUsage"):
        return None
    thickness = [float(layer.LayerThickness or 0.0) * length_unit_m for layer in usage.ForLayerSet.MaterialLayers]
    if len(thickness) < 2 or min(thickness) <= 0:
        return None
    reference = _reference(element, length_unit_m) if usage.LayerSetDirection == "AXIS2" else 0.0
    if reference is None:
        return None
    return {
        "axis": {"AXIS1": 0, "AXIS2": 1, "AXIS3": 2}[usage.LayerSetDirection],
        "base": reference + float(usage.OffsetFromReferenceLine) * length_unit_m,
        "sense": 1 if usage.DirectionSense == "POSITIVE" else -1,
        "thickness": thickness,
    }


def _reference(element: Any, length_unit_m: float) -> float | None:
    """y of a wall's axis, metres; 0 where it has no axis of its own, None where it is not straight along x."""
    representations = getattr(element.Representation, "Representations", None) or ()
    axis = next((r for r in representations if r.RepresentationIdentifier == "Axis" and r.Items), None)
    if axis is None:
        return 0.0
    item = axis.Items[0]
    if item.is_a("IfcTrimmedCurve") and item.BasisCurve.is_a("IfcLine"):
        line = item.BasisCurve
        if abs(line.Dir.Orientation.DirectionRatios[1]) > 1e-6:
            return None
        return float(line.Pnt.Coordinates[1]) * length_unit_m
    points: list[Any] = []
    if item.is_a("IfcPolyline"):
        points = [p.Coordinates for p in item.Points]
    elif item.is_a("IfcIndexedPolyCurve"):
        points = list(item.Points.CoordList)
    if len(points) != 2 or abs(points[0][1] - points[1][1]) > 1e-6 * max(1.0, abs(points[1][0] - points[0][0])):
        return None
    return float(points[0][1]) * length_unit_m


def _text(value: Any) -> str:
    return str(value).strip() if value else ""
