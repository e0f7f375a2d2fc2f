"""Numbers as people read them: digits that match the uncertainty, sensible units, real minus signs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from physicl_twin.model import Estimate

#: A lognormal 90 % interval wider than this factor is printed as an interval, not with ± (judgement).
_SKEWED_RATIO = 3.0
#: Thin space that does not break, between groups of three digits.
_THIN = "\u202f"
_MINUS = "\u2212"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Units as text in the model, and as they are printed.
_PRINTED = {"1": "", "m2": "m²", "m3": "m³", "kg/m3": "kg/m³", "kg m2": "kg m²", "deg": "°", "rad": "rad"}
#: Smaller or larger units: (lower bound of the magnitude in the SI unit, factor, printed unit), largest first.
_SCALES: dict[str, tuple[tuple[float, float, str], ...]] = {
    "kg": ((1000.0, 1e-3, "t"), (0.1, 1.0, "kg"), (1e-4, 1e3, "g"), (0.0, 1e6, "mg")),
    "m": ((1.0, 1.0, "m"), (1e-4, 1e3, "mm"), (0.0, 1e6, "µm")),
    "m2": ((0.1, 1.0, "m²"), (1e-5, 1e4, "cm²"), (0.0, 1e6, "mm²")),
    "m3": ((0.1, 1.0, "m³"), (1e-4, 1e3, "l"), (1e-7, 1e6, "cm³"), (0.0, 1e9, "mm³")),
    "Pa": ((1e9, 1e-9, "GPa"), (1e6, 1e-6, "MPa"), (1e3, 1e-3, "kPa"), (0.0, 1.0, "Pa")),
    "s": ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "µs")),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit to print in.

    Attributes:
        factor: Printed number = SI number × factor.
        unit: Printed unit; empty for a ratio.
    """

    factor: float
    unit: str


def scale_for(magnitude: float, unit: str) -> Scale:
    """The unit in which a magnitude of an SI unit reads best."""
    for bound, factor, printed in _SCALES.get(unit, ()):
        if abs(magnitude) >= bound:
            return Scale(factor, printed)
    return Scale(1.0, _PRINTED.get(unit, unit))


def decimals_for(std: float) -> int:
    """Decimals that a standard deviation justifies: one digit of it, two when it begins with 1.

    Negative for rounding to tens, hundreds and so on.

    Raises:
        ValueError: When ``std`` is not positive and finite.
    """
    if not (math.isfinite(std) and std > 0):
        raise ValueError(f"A standard deviation must be positive and finite, not {std}.")
    exponent = math.floor(math.log10(std))
    leading = round(std / 10**exponent, 1)
    if leading >= 9.5:  # rounds up to the next power of ten
        exponent, leading = exponent + 1, 1.0
    return -exponent + (1 if leading < 2 else 0)


def fixed(value: float, decimals: int) -> str:
    """A number rounded to ``decimals`` (negative: to tens …), grouped in threes, with a true minus sign."""
    if not math.isfinite(value):
        return "∞" if value == math.inf else f"{_MINUS}∞" if value == -math.inf else "not a number"
    rounded = round(value, decimals)
    text = f"{abs(rounded):.{max(decimals, 0)}f}"
    whole, dot, fraction = text.partition(".")
    if len(whole) > 4 or (len(whole) == 4 and not fraction):
        groups = []
        while whole:
            whole, group = whole[:-3], whole[-3:]
            groups.append(group)
        whole = _THIN.join(reversed(groups))
    negative = rounded < 0 and float(text) != 0
    return f"{_MINUS if negative else ''}{whole}{dot}{fraction}"


def significant(value: float, digits: int = 3) -> str:
    """A number with that many significant digits; powers of ten outside 0.001 … 99 999."""
    if not math.isfinite(value):
        return fixed(value, 0)
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if -4 < exponent < 5:
        decimals = max(digits - 1 - exponent, 0)
        while decimals and round(value, decimals) == round(value, decimals - 1):
            decimals -= 1  # no trailing zeros; whole numbers are then grouped
        return fixed(value, decimals)
    mantissa, _, exponent_text = f"{value:.{digits - 1}e}".partition("e")
    return power(float(mantissa), int(exponent_text), digits - 1)


def power(mantissa: float, exponent: int, decimals: int) -> str:
    """``1.23·10⁻⁵``."""
    text = fixed(mantissa, decimals)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text}·10{str(exponent).translate(_SUPERSCRIPT)}"


def _with_unit(text: str, unit: str) -> str:
    return text if not unit else f"{text}{unit}" if unit == "°" else f"{text} {unit}"


def pair(value: float, std: float) -> str:
    """``0.318 ± 0.003`` without unit; an exact number has no ±."""
    if std == 0 or not math.isfinite(std):
        return significant(value, 5)
    exponent = math.floor(math.log10(max(abs(value), std)))
    if not -4 < exponent < 6:
        factor = 10.0**-exponent
        decimals = max(decimals_for(std * factor), 0)
        inner = f"{fixed(value * factor, decimals)} ± {fixed(std * factor, decimals)}"
        return f"({inner})·10{str(exponent).translate(_SUPERSCRIPT)}"
    decimals = decimals_for(std)
    return f"{fixed(value, decimals)} ± {fixed(std, decimals)}"


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """A number in the unit that suits it: ``43.1 g``."""
    scale = scale_for(value, unit)
    return _with_unit(significant(value * scale.factor, digits), scale.unit)


def with_spread(value: float, std: float, unit: str) -> str:
    """``0.318 ± 0.003 kg`` in the unit that suits the value (or the spread, when that is larger)."""
    scale = scale_for(max(abs(value), std), unit)
    return _with_unit(pair(value * scale.factor, std * scale.factor), scale.unit)


def rounded(value: float, digits: int = 2) -> str:
    """A number rounded to that many significant digits also above the decimal point: 4128 is ``4 100``."""
    return significant(float(f"{value:.{digits - 1}e}"), max(digits, 6)) if math.isfinite(value) else fixed(value, 0)


def is_skewed(item: Estimate) -> bool:
    """True for a quantity known to within a factor: ± would reach below zero or say too much."""
    return item.distribution == "lognormal" and item.low > 0 and item.high / item.low > _SKEWED_RATIO


def figures(item: Estimate) -> str:
    """An estimate without its unit: ``0.318 ± 0.003``, or ``1.2 (0.14 – 4.9)`` when it is known to within a factor."""
    if is_skewed(item):
        return f"{rounded(item.value)} ({rounded(item.low)} – {rounded(item.high)})"
    return pair(item.value, item.std)


def estimate(item: Estimate) -> str:
    """An estimate as ``value ± std unit``; ``about value unit`` when it is known to within a factor."""
    if is_skewed(item):
        scale = scale_for(item.value, item.unit)
        return _with_unit(f"about {rounded(item.value * scale.factor)}", scale.unit)
    return with_spread(item.value, item.std, item.unit)


def interval(item: Estimate) -> str:
    """The 90 % interval as ``0.313 – 0.323 kg``; ``exact`` for a number without spread."""
    if item.low == item.high:
        return "exact"
    scale = scale_for(max(abs(item.value), item.std), item.unit)
    low, high = item.low * scale.factor, item.high * scale.factor
    if is_skewed(item):
        return _with_unit(f"{rounded(low)} – {rounded(high)}", scale.unit)
    exponent = math.floor(math.log10(max(abs(low), abs(high))))
    if not -4 < exponent < 6:
        factor = 10.0**-exponent
        decimals = max(decimals_for((high - low) * factor / 4), 0)
        text = f"({fixed(low * factor, decimals)} – {fixed(high * factor, decimals)})"
        return _with_unit(f"{text}·10{str(exponent).translate(_SUPERSCRIPT)}", scale.unit)
    decimals = decimals_for((high - low) / 4)
    return _with_unit(f"{fixed(low, decimals)} – {fixed(high, decimals)}", scale.unit)


def vector(values: tuple[float, ...], stds: tuple[float, ...], unit: str) -> tuple[str, str]:
    """(``12.1, −0.3, 41.8 mm``, ``± 0.6 mm``): a point in one unit with digits for its largest standard deviation."""
    largest, std = max(abs(v) for v in values), max(stds)
    scale = scale_for(max(largest, std), unit)
    if std > 0:
        decimals = decimals_for(std * scale.factor)
        spread = f"± {_with_unit(fixed(std * scale.factor, decimals), scale.unit)}"
    else:
        exponent = math.floor(math.log10(largest * scale.factor)) if largest else 0
        decimals, spread = max(0, 3 - exponent), "exact"
    listed = ", ".join(fixed(v * scale.factor, decimals) for v in values)
    return _with_unit(listed, scale.unit), spread


def fit_error(mean_m: float) -> str:
    """A measured distance between surfaces; what is below the resolution of the files is said to be so."""
    return "under 0.01 µm" if mean_m < 1e-8 else quantity(mean_m, "m", 2)
