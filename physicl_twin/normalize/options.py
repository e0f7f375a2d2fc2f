"""What the user asks of normalize: material statements, a mass on the label, effort and seed."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from physicl_twin.model import ConfigError, Estimate, Evidence
from physicl_twin.normalize.joint_statement import JointStatement

#: Kilograms per unit. Pound and ounce by the international agreement of 1959 (0.45359237 kg exactly; 16 oz = 1 lb).
KILOGRAMS_PER_UNIT = {
    "kg": 1.0,
    "g": 1e-3,
    "mg": 1e-6,
    "t": 1e3,
    "lb": 0.45359237,
    "lbs": 0.45359237,
    "oz": 0.45359237 / 16,
}

#: Metres per unit; the inch by the same agreement (25.4 mm exactly).
METRES_PER_UNIT = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "in": 0.0254, "ft": 0.3048}

_NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_UNIT = r"[A-Za-zµ]+"
_MASS = re.compile(
    rf"\(?\s*(?P<value>{_NUMBER})\s*\)?\s*(?P<unit>{_UNIT})?\s*"
    rf"(?:(?:±|\+/-|\+-)\s*(?P<spread>{_NUMBER})\s*\)?\s*(?P<spread_unit>{_UNIT}|%)?)?"
)
_LENGTH = re.compile(rf"(?P<value>{_NUMBER})\s*(?P<unit>{_UNIT})")
_HINT = 'Write it like "0.603 kg", "603 g", "1.3 lb" or "0.60±0.02 kg".'


@dataclass(frozen=True, slots=True)
class NormalizeSettings:
    """The ``[normalize]`` table of ``config/pipeline.toml``; each number's meaning and source stands there."""

    weld_tolerance: float
    hole_area_fraction: float
    hole_planarity: float
    hole_loops_max: int
    smooth_angle_deg: float
    shells_max: int
    union_faces_max: int
    opening_fraction_max: float
    sheet_thickness_low_m: float
    sheet_thickness_high_m: float
    sheet_thickness_fraction_max: float
    occupancy_columns: int
    occupancy_columns_fast: int
    parity_columns: int
    brep_disagreement: float
    mass_samples: int
    anchor_model_log_std: float

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> NormalizeSettings:
        """Settings from the parsed table.

        Raises:
            ConfigError: ``config_missing_key`` when the table lacks one, ``config_out_of_range`` for a negative number.
        """
        values: dict[str, Any] = {}
        for entry in dataclasses.fields(cls):
            if entry.name not in table:
                raise ConfigError(
                    "config_missing_key",
                    f"The setting normalize.{entry.name} is missing.",
                    "Start from the shipped config/pipeline.toml.",
                )
            number = table[entry.name]
            if not math.isfinite(number) or number < 0:
                raise ConfigError(
                    "config_out_of_range",
                    f"normalize.{entry.name} is {number!r}.",
                    "It must be a finite number that is not negative.",
                )
            values[entry.name] = int(number) if entry.type == "int" else float(number)
        return cls(**values)

    @classmethod
    def shipped(cls) -> NormalizeSettings:
        """The shipped defaults."""
        from physicl_twin import settings

        return cls.from_table(settings.pipeline()["normalize"])


@dataclass(frozen=True, slots=True)
class InsideText:
    """What a user writes of a part's inside.

    Attributes:
        part: Name or pattern, as in ``--material``.
        wall: Thickness such as ``"0.6 mm"``, or empty.
        contents: Words, a material or a density, or empty.
        level: Share of the inside that is filled, or None.
        where: File that says so.
    """

    part: str
    wall: str = ""
    contents: str = ""
    level: float | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class NormalizeOptions:
    """What the user states and how much effort is wanted.

    Attributes:
        materials: (part, statement) pairs in the user's order; ``*`` as part means every part.
        sidecar_materials: Likewise, as the file beside the source says; ``materials`` overrule them.
        sidecar: That file's name.
        mass: Mass of the whole twin from a scale or a label, kg; None when unknown.
        part_masses: (part, mass in kg) of parts that were weighed, or whose mass a parts list states.
        insides: What the user states of walls and contents.
        joints: What the user states of joints.
        settings: The pipeline's settings (``settings.pipeline()``); empty for the shipped ones.
        fast: Coarser collision search and fewer occupancy points.
        seed: Key of every random draw.
        processes: That may work at the same time; the result is the same.
    """

    materials: tuple[tuple[str, str], ...] = ()
    sidecar_materials: tuple[tuple[str, str], ...] = ()
    sidecar: str = ""
    mass: Estimate | None = None
    part_masses: tuple[tuple[str, Estimate], ...] = ()
    insides: tuple[InsideText, ...] = ()
    joints: tuple[JointStatement, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    fast: bool = False
    seed: int = 0
    processes: int = 1

    def pipeline(self) -> Mapping[str, Any]:
        """The settings given, or the shipped ones when none are."""
        if self.settings:
            return self.settings
        from physicl_twin import settings

        return settings.pipeline()


def parse_mass(text: str) -> Estimate:
    """Read a mass such as ``"0.603 kg"``, ``"603 g"``, ``"1.3 lb"``, ``"0.60±0.02 kg"`` or ``"0.6 kg +/- 3 %"``.

    A stated spread is taken as one standard deviation of a normal distribution: whoever meant a tolerance or an
    expanded uncertainty gets a wider interval than meant, never a narrower one. Without a spread the digits decide: the
    value is uniform within half a unit of the last digit written (zeros count: ``600 g`` is 600 ± 0.5 g), which is the
    resolution of the scale or label that it was read from.

    Raises:
        ConfigError: ``mass_unreadable``, ``mass_unit_missing``, ``mass_unit_unknown``, ``mass_not_positive``,
            ``mass_number_ambiguous`` or ``mass_spread_too_large``.
    """
    match = _MASS.fullmatch(text.strip())
    if match is None:
        raise ConfigError("mass_unreadable", f"The mass {text[:60]!r} cannot be read.", _HINT)
    value_unit, spread_unit = match["unit"], match["spread_unit"]
    unit = value_unit or (spread_unit if spread_unit != "%" else None)
    if unit is None:
        raise ConfigError("mass_unit_missing", f"The mass {text!r} has no unit.", _HINT)
    value_kg = _number(match["value"], text) * _kilograms(unit, text)
    if not (math.isfinite(value_kg) and value_kg > 0):
        raise ConfigError("mass_not_positive", f"The mass {text!r} is not positive and finite.", _HINT)
    if match["spread"] is None:
        half_kg = 0.5 * _last_digit(match["value"]) * _kilograms(unit, text)
        evidence = Evidence(
            "user",
            f"The user gave a mass of {text.strip()}; with no spread stated it is uniform within half a unit of the "
            f"last digit (± {half_kg:.3g} kg).",
            text.strip(),
        )
        return Estimate(
            value_kg,
            "kg",
            half_kg / math.sqrt(3),
            value_kg - 0.9 * half_kg,
            value_kg + 0.9 * half_kg,
            "uniform",
            "stated by the user",
            (evidence,),
        )
    spread = abs(_number(match["spread"], text))
    std_kg = spread / 100 * value_kg if spread_unit == "%" else spread * _kilograms(spread_unit or unit, text)
    if not std_kg < value_kg:
        raise ConfigError("mass_spread_too_large", f"The spread of the mass {text!r} is as large as the mass.", _HINT)
    evidence = Evidence(
        "user",
        f"The user gave a mass of {text.strip()}; the spread is taken as one standard deviation ({std_kg:.3g} kg).",
        text.strip(),
    )
    return Estimate.normal(value_kg, std_kg, "kg", "stated by the user", (evidence,))


def _kilograms(unit: str, text: str) -> float:
    factor = KILOGRAMS_PER_UNIT.get(unit) or KILOGRAMS_PER_UNIT.get(unit.lower())
    if factor is None:
        known = ", ".join(KILOGRAMS_PER_UNIT)
        raise ConfigError("mass_unit_unknown", f"The mass {text!r} has the unknown unit {unit!r}.", f"Units: {known}.")
    return factor


def _number(digits: str, text: str) -> float:
    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", digits):
        raise ConfigError(
            "mass_number_ambiguous",
            f"The comma in {text!r} may separate thousands or decimals.",
            "Write a decimal point, and thousands without a separator.",
        )
    return float(digits.replace(",", "."))


def _last_digit(digits: str) -> float:
    """Worth of one unit of the last digit written, in the number's own unit: 0.001 for ``0.603``."""
    mantissa, _, exponent = digits.replace(",", ".").lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(10.0 ** (int(exponent or 0) - decimals))


def parse_length(text: str) -> float:
    """Read a length such as ``"3 mm"`` or ``"0.25 in"``: metres.

    Raises:
        ConfigError: ``length_unreadable`` for anything that is not one positive number with a known unit.
    """
    match = _LENGTH.fullmatch(text.strip())
    factor = METRES_PER_UNIT.get(match["unit"].lower()) if match else None
    length_m = float(match["value"].replace(",", ".")) * factor if match and factor else math.nan
    if not (math.isfinite(length_m) and length_m > 0):
        known = ", ".join(METRES_PER_UNIT)
        raise ConfigError(
            "length_unreadable", f"The length {text[:60]!r} cannot be read.", f"A number and one of {known}."
        )
    return length_m
