"""Materials of IFC elements: single ones, layers, constituents, profiles, lists, with their densities in SI."""

from __future__ import annotations

from typing import Any

#: Judgement, as for CAD files: beyond the densest elements and the lightest aerogels a number is no density, kg/m3.
_MIN_DENSITY, _MAX_DENSITY = 0.5, 25_000.0


class Densities:
    """Densities of a file's materials, kg/m3.

    Args:
        model: The ``ifcopenshell.file``.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        project = next(
            (
                unit
                for assignment in model.by_type("IfcUnitAssignment")
                for unit in assignment.Units
                if unit.is_a("IfcDerivedUnit") and unit.UnitType == "MASSDENSITYUNIT"
            ),
            None,
        )
        #: Whether the project states a unit of density; without one it is the schema's default, kg/m3.
        self.unit_stated = project is not None
        self._factor = 1.0 if project is None else si_scale(project)
        self._stated: dict[int, float] = {}
        for group in model.by_type("IfcMaterialProperties"):
            material = group.Material
            if material is None:
                continue
            own = getattr(group, "MassDensity", None)  # IfcGeneralMaterialProperties of IFC2X3
            if own is not None:
                self._stated[material.id()] = float(own) * self._factor
            for single in [
                *(getattr(group, "Properties", None) or ()),
                *(getattr(group, "ExtendedProperties", None) or ()),
            ]:
                if (
                    single.is_a("IfcPropertySingleValue")
                    and single.Name == "MassDensity"
                    and single.NominalValue is not None
                ):
                    factor = si_scale(single.Unit) if single.Unit is not None else self._factor
                    self._stated[material.id()] = float(single.NominalValue.wrappedValue) * factor

    def of(self, material: Any) -> float | None:
        """What the file states of a material, or None; also for what no density can be."""
        value = self._stated.get(material.id()) if material is not None else None
        return value if value is not None and _MIN_DENSITY <= value <= _MAX_DENSITY else None

    def impossible(self, material: Any) -> float | None:
        """A stated number that no density can be."""
        value = self._stated.get(material.id()) if material is not None else None
        return value if value is not None and not _MIN_DENSITY <= value <= _MAX_DENSITY else None


def si_scale(unit: Any) -> float:
    """SI units (metre, kilogram …) in one of this unit."""
    import ifcopenshell.util.unit

    if unit.is_a("IfcSIUnit"):
        prefix = float(ifcopenshell.util.unit.get_prefix_multiplier(unit.Prefix))
        return prefix * (1e-3 if unit.Name == "GRAM" else 1.0)
    if unit.is_a("IfcConversionBasedUnit"):
        factor = unit.ConversionFactor
        return float(factor.ValueComponent.wrappedValue) * si_scale(factor.UnitComponent)
    if unit.is_a("IfcDerivedUnit"):
        product = 1.0
        for element in unit.Elements:
            product *= si_scale(element.Unit) ** int(element.Exponent)
        return product
    return 1.0


def material_of(element: Any, densities: Densities, length_unit_m: float) -> dict[str, Any]:
    """What an element is made of.

    Returns:
        kind: ``none``, ``single``, ``layers``, ``constituents``, ``profiles`` or ``list``.
        entries: For each material its ``name``, ``description``, ``density`` (kg/m3 or None), ``impossible`` (a stated
            number that is no density), ``role`` (of a constituent), ``thickness`` (of a layer, metres; else None) and
            ``rgb`` (its own colour, or None).
    """
    import ifcopenshell.util.element

    found = ifcopenshell.util.element.get_material(element, should_skip_usage=True)
    if found is None:
        return {"kind": "none", "entries": []}
    if found.is_a("IfcMaterial"):
        return {"kind": "single", "entries": [_entry(found, densities)]}
    if found.is_a("IfcMaterialLayerSet"):
        layers = [
            _entry(
                layer.Material,
                densities,
                getattr(layer, "Name", None),
                float(layer.LayerThickness or 0) * length_unit_m,
            )
            for layer in found.MaterialLayers
        ]
        return {"kind": "layers", "entries": layers}
    if found.is_a("IfcMaterialLayer"):
        return {"kind": "single", "entries": [_entry(found.Material, densities)]}
    if found.is_a("IfcMaterialConstituentSet"):
        pieces = [_entry(c.Material, densities, c.Name) for c in found.MaterialConstituents or ()]
        return {"kind": "constituents", "entries": pieces}
    if found.is_a("IfcMaterialProfileSet"):
        pieces = [_entry(p.Material, densities, p.Name) for p in found.MaterialProfiles]
        return {"kind": "single" if len(pieces) == 1 else "profiles", "entries": pieces}
    if found.is_a("IfcMaterialList"):
        pieces = [_entry(m, densities) for m in found.Materials]
        return {"kind": "single" if len(pieces) == 1 else "list", "entries": pieces}
    return {"kind": "none", "entries": []}


def _entry(material: Any, densities: Densities, role: Any = None, thickness: float | None = None) -> dict[str, Any]:
    texts = [getattr(material, field, None) for field in ("Category", "Description")] if material is not None else []
    return {
        "name": str(material.Name).strip() if material is not None and material.Name else "",
        "description": " ".join(str(text) for text in texts if text),
        "density": densities.of(material),
        "impossible": densities.impossible(material),
        "role": str(role) if role else "",
        "thickness": thickness,
        "rgb": _colour(material),
    }


def _colour(material: Any) -> list[float] | None:
    """Surface colour that a material states for itself."""
    for definition in getattr(material, "HasRepresentation", None) or ():
        for representation in definition.Representations:
            for item in representation.Items:
                for style in _styles(item):
                    for side in getattr(style, "Styles", ()):
                        colour = getattr(side, "SurfaceColour", None)
                        if colour is not None:
                            return [float(colour.Red), float(colour.Green), float(colour.Blue)]
    return None


def _styles(item: Any) -> list[Any]:
    """Presentation styles of a styled item, in the way of IFC2X3 (assignments) and later."""
    found: list[Any] = []
    for style in getattr(item, "Styles", ()):
        found += style.Styles if style.is_a("IfcPresentationStyleAssignment") else [style]
    return found
