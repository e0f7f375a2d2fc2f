"""Densities in CAD files: the number that stands there, and the unit that it must be in."""

from __future__ import annotations

from collections.abc import Sequence

from physicl_twin.ingest.cad_assembly import CadMaterial
from physicl_twin.ingest.step_text import StatedMaterial
from physicl_twin.model import Estimate, Evidence

#: Judgement: beyond the densest elements (osmium, iridium) and the lightest aerogels a number is no density.
MIN_DENSITY, MAX_DENSITY = 0.5, 25_000.0

#: Where the unit is missing: from this value on the number can only be kg/m3, g/cm3, g/mm3, kg/mm3 or t/mm3 (judgement
#: from the densities of foams, 15 kg/m3, to osmium in each unit; 30 separates g/cm3 from kg/m3).
_UNIT_BY_SIZE = (
    (30.0, 1.0, "kg/m3"),
    (0.03, 1e3, "g/cm3"),
    (5e-5, 1e6, "g/mm3"),
    (5e-8, 1e9, "kg/mm3"),
    (1e-11, 1e12, "t/mm3"),
)


def stated_density(
    material: CadMaterial, statements: Sequence[StatedMaterial], product: str, relative_std: float, source: str
) -> Estimate | None:
    """Density that the file states for a material, kg/m3; None when it states none or an impossible one.

    Args:
        material: The kernel's attribute.
        statements: What the file's text says, with units (empty for formats other than STEP).
        product: Name of the prototype, to choose between statements of the same material name.
        relative_std: Standard deviation of a stated density, as a fraction.
        source: File name.
    """
    same = [s for s in statements if s.density is not None and s.name == material.name] or [
        s for s in statements if s.density is not None and not s.name and s.product == product
    ]
    chosen = next((s for s in same if s.product == product), same[0] if same else None)
    number = chosen.density if chosen and chosen.density is not None else material.density
    if not number > 0:
        return None
    if chosen and chosen.kgm3_per_unit is not None and MIN_DENSITY <= number * chosen.kgm3_per_unit <= MAX_DENSITY:
        statement = f"The file states {number:g} for {material.name!r}, in a unit of {chosen.kgm3_per_unit:g} kg/m3."
        return _estimate(number * chosen.kgm3_per_unit, relative_std, statement, source, ())
    for threshold, factor, unit in _UNIT_BY_SIZE:
        if number >= threshold:
            value = number * factor
            if not MIN_DENSITY <= value <= MAX_DENSITY:
                return None
            statement = (
                f"The file states {number:g} for {material.name!r} without a usable unit; of that size it is {unit}."
            )
            return _estimate(value, relative_std, statement, source, ("density_unit_assumed",))
    return None


def _estimate(value: float, relative_std: float, statement: str, source: str, flags: tuple[str, ...]) -> Estimate:
    evidence = Evidence("source", statement, source, "density")
    return Estimate.normal(value, value * relative_std, "kg/m3", "density in the CAD file", (evidence,), flags)
