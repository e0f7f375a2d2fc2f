"""Figures, reasons and names as the panel writes them; the report uses the same helpers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from physicl_twin.model import Decision, Estimate, Evidence
from physicl_twin.page import numbers
from physicl_twin.page.markup import elide as elide

#: Reasons that a tooltip lists before it says how many more there are.
_LISTED = 4
_UNITS = {"m": "metres", "cm": "centimetres", "mm": "millimetres", "in": "inches", "ft": "feet"}


def name_of(path: str) -> str:
    """File or folder name of a path."""
    return Path(path).name or path


def unit_word(unit: str) -> str:
    """A unit of length in full."""
    return _UNITS.get(unit, unit)


def count(number: int, one: str, many: str = "") -> str:
    """``1 part``, ``4 parts``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\u202f")


def duration(seconds: float) -> str:
    """``41 s`` or ``2 min 40 s``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def sure(decision: Decision) -> str:
    """How certain a choice is."""
    return "certain" if decision.probability >= 0.9995 else f"{100 * decision.probability:.3g} % sure"


def reasons(evidence: Iterable[Evidence], flags: Sequence[str] = ()) -> str:
    """Why a figure is what it is: a line a reason, warnings first."""
    lines = [f"look here: {flag.replace('_', ' ')}" for flag in flags]
    listed = list(dict.fromkeys(_reason(item) for item in evidence))
    lines += listed[:_LISTED]
    if len(listed) > _LISTED:
        lines.append(f"and {len(listed) - _LISTED} more reasons in the report")
    return "\n".join(lines)


def _reason(item: Evidence) -> str:
    source = " · ".join(word for word in (item.source, item.field) if word)
    return f"{item.statement} [{source}]" if source and source not in item.statement else item.statement


def explained(item: Estimate | None, what: str) -> str:
    """An estimate in full: name, value, 90 % interval, method, reasons."""
    if item is None:
        return f"{what}: not known"
    head = f"{what}: {numbers.estimate(item)}   90 %: {numbers.interval(item)}   ({item.method})"
    return "\n".join(part for part in (head, reasons(item.evidence, item.flags)) if part)


def figure(item: Estimate | None) -> str:
    """``0.318 ± 0.003`` without unit; ``not known`` without an estimate."""
    return numbers.figures(item) if item is not None else "not known"


def size(extents_m: Sequence[float]) -> str:
    """``342 × 120 × 88 mm``: one unit for all three."""
    scale = numbers.scale_for(max(extents_m), "m")
    return " × ".join(numbers.significant(v * scale.factor, 3) for v in extents_m) + f" {scale.unit}"
