"""What an IFC element says of the material of its pieces, as hints with their evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from physicl_twin.model import Estimate, Evidence, PartHints

#: Constituents of doors and windows: the frame, the moving panels, the glass (IFC 4.3, IfcDoor, Material Set).
LINING, FRAMING, GLAZING = "lining", "framing", "glazing"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the hints of one file.

    Attributes:
        source: Name of the file.
        density_relative_std: Standard deviation of a stated density, as a fraction.
        unit_stated: False when the project names no unit of density.
    """

    source: str
    density_relative_std: float
    unit_stated: bool = True

    def of_entry(self, entry: dict[str, Any], path: tuple[str, ...], layer: str = "") -> PartHints:
        """Hints of one material."""
        density = None
        if entry["density"] is not None:
            density = self._density(entry["density"], f"{entry['name']!r} has {entry['density']:g} kg/m3.")
        return PartHints(entry["name"], entry["description"], density, layer, path)

    def of_mix(self, entries: list[dict[str, Any]], path: tuple[str, ...], layer: str = "") -> PartHints:
        """Hints of layers that could not be told apart in the geometry: their mean, weighted with their thicknesses."""
        thick = [entry for entry in entries if entry["thickness"]]
        if not thick:
            return PartHints(layer=layer, path=path)
        main = max(thick, key=lambda entry: entry["thickness"])
        words = ", ".join(f"{e['name'] or 'unnamed'} {e['thickness'] * 1e3:g} mm" for e in thick)
        density = None
        if all(entry["density"] is not None for entry in thick):
            total = sum(entry["thickness"] for entry in thick)
            mean = sum(entry["thickness"] * entry["density"] for entry in thick) / total
            density = self._density(mean, f"Mean of the layers, weighted with their thicknesses: {words}.")
        return PartHints(main["name"], f"layers: {words}", density, layer, path)

    def _density(self, value: float, statement: str) -> Estimate:
        if not self.unit_stated:
            statement += " The project names no unit of density: the standard's is kg/m3."
        evidence = Evidence("source", statement, self.source, "Pset_MaterialCommon.MassDensity")
        std = self.density_relative_std * value
        return Estimate.normal(value, std, "kg/m3", "density in the IFC file", (evidence,))

    def of_piece(
        self, material: dict[str, Any], words: tuple[str, ...], role: str, path: tuple[str, ...], layer: str
    ) -> PartHints:
        """Hints of a piece of an element with one body or several.

        Args:
            material: Of the element, from ``ifc_materials.material_of``.
            words: What the file calls the piece: aspect, style.
            role: ``lining``, ``framing`` or ``glazing`` for a piece of a door or window, else empty.
            path: Names of what the element stands in.
            layer: Presentation layer.
        """
        entries = material["entries"]
        if material["kind"] == "single" and entries:
            return self.of_entry(entries[0], path, layer)
        if material["kind"] == "layers":
            return self.of_entry(entries[0], path, layer) if len(entries) == 1 else self.of_mix(entries, path, layer)
        wanted = [word.casefold() for word in words if word]
        for entry in entries:
            if entry["role"].casefold() in wanted or entry["name"].casefold() in wanted:
                return self.of_entry(entry, path, layer)
        # Without a framing of its own a panel is of the lining's material (IFC 4.3, IfcDoor, Material Set).
        for name in {LINING: (LINING,), FRAMING: (FRAMING, LINING), GLAZING: (GLAZING,)}.get(role, ()):
            for entry in entries:
                if entry["role"].casefold() == name:
                    return self.of_entry(entry, path, layer)
        if len(entries) > 1:
            names = ", ".join(entry["name"] for entry in entries if entry["name"])
            return PartHints("", f"one of: {names}", None, layer, path)
        return self.of_entry(entries[0], path, layer) if entries else PartHints(layer=layer, path=path)


def class_word(ifc_class: str) -> str:
    """A class as words: ``IfcWallStandardCase`` → ``wall``, ``IfcSanitaryTerminal`` → ``sanitary terminal``."""
    bare = re.sub(r"(StandardCase|ElementedCase)$", "", ifc_class.removeprefix("Ifc"))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare).lower()
