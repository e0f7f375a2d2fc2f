"""The randomization spec as knobs: what may differ between variations, within which bounds, and why."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from physicl_twin.augment.distributions import (
    Choice,
    Distribution,
    Fixed,
    LogUniform,
    Normal,
    Posterior,
    Uniform,
    parse,
)
from physicl_twin.model import ConfigError
from physicl_twin.page import numbers
from physicl_twin.workbench.knob_table import GROUPS, KNOWN, Known

#: Significant digits of a range that is replaced by its middle.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Field:
    """A number or word of a knob that can be typed over.

    Attributes:
        name: ``value``, ``from``, ``to``, ``mean``, ``spread``, ``width``, ``values`` …; see ``edited``.
        text: What stands there.
    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Knob:
    """One property of the spec.

    Attributes:
        key: ``table.name`` of the spec.
        group: Heading that it stands under.
        title: What it is, for people.
        unit: Printed unit; empty for a ratio or a word.
        text: The value or range as one reads it, with its unit.
        fields: What can be typed over, in order.
        options: (value, words) of a knob that is a choice of words; empty otherwise.
        can_vary: True for one that may differ between variations.
        on: True while it does.
        changed: True when it is not what the base (the shipped spec, or the user's file) says.
        why: What it does and why its range is what it is.
    """

    key: str
    group: str
    title: str
    unit: str
    text: str
    fields: tuple[Field, ...]
    options: tuple[tuple[str, str], ...]
    can_vary: bool
    on: bool
    changed: bool
    why: str


_BY_KEY = {known.key: known for known in KNOWN}
KEYS: tuple[str, ...] = tuple(_BY_KEY)


def value_of(raw: Mapping[str, Any], key: str) -> Any:
    """The value of a key in a spec's tables."""
    table, name = key.split(".", 1)
    return raw[table][name]


def with_values(raw: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of a spec with other values, by key."""
    result = {name: dict(table) if isinstance(table, dict) else table for name, table in raw.items()}
    for key, value in values.items():
        table, name = key.split(".", 1)
        result[table][name] = value
    return result


def knobs(raw: Mapping[str, Any], base: Mapping[str, Any]) -> tuple[Knob, ...]:
    """The knobs of a spec, group by group.

    Args:
        raw: Its tables (``Spec.raw``), with what was edited.
        base: Without.
    """
    order = list(GROUPS)
    found = [_knob(known, value_of(raw, known.key), value_of(base, known.key)) for known in KNOWN]
    return tuple(sorted(found, key=lambda one: order.index(one.key.split(".")[0])))


def _knob(known: Known, value: Any, base: Any) -> Knob:
    table = known.key.split(".")[0]
    text = _words(known, value)
    fields = () if known.options else tuple(Field(name, text) for name, text in _fields(known, value))
    can_vary = not known.plain
    on = can_vary and varies(value)
    return Knob(
        known.key,
        GROUPS[table],
        known.title,
        known.unit,
        text,
        fields,
        known.options,
        can_vary,
        on,
        value != base,
        known.why,
    )


def varies(value: Any) -> bool:
    """True when a value differs between variations."""
    found = parse(value)
    match found:
        case Fixed():
            return False
        case Uniform() | LogUniform():
            return found.low < found.high
        case Normal():
            return found.std > 0.0
        case Choice():
            return sum(weight > 0.0 for weight in found.weights) > 1
        case Posterior():
            return found.width > 0.0


def held(value: Any) -> Any:
    """The value that stays the same: the middle of the range, or the best estimate."""
    found = parse(value)
    if isinstance(found, Posterior):
        return {"posterior": 0.0}
    middle = found.quantile(0.5)
    return float(f"{middle:.{_DIGITS}g}") if isinstance(middle, float) else middle


def spread(key: str, value: Any, shipped: Any) -> Any:
    """A range for a value that shall vary: the shipped one, or a tenth to either side.

    Args:
        key: Of the knob.
        value: That stays the same now.
        shipped: What the shipped spec says.
    """
    if varies(shipped):
        return shipped
    if key == "scene.left_out":
        return {"choice": [0, 1]}
    found = parse(value)
    middle = found.quantile(0.5) if not isinstance(found, Posterior) else 1.0
    size = middle if isinstance(middle, float) else 1.0
    return {"uniform": [float(f"{0.9 * size:.{_DIGITS}g}"), float(f"{1.1 * size:.{_DIGITS}g}")]}


def edited(key: str, value: Any, field: str, text: str) -> Any:
    """The value with one of its fields typed over.

    Args:
        key: Of the knob.
        value: As it is.
        field: Name of the field (``Knob.fields``), or ``value`` for a knob of options.
        text: What was typed.

    Raises:
        ConfigError: ``spec_not_a_number`` when the text is none.
    """
    known = _BY_KEY[key]
    if known.options or (isinstance(value, str) and value != "posterior"):
        return text.strip()
    if isinstance(value, list):
        at = [name for name, _ in _fields(known, value)].index(field)
        return [_number(text) if index == at else one for index, one in enumerate(value)]
    if not isinstance(value, dict):
        if field == "width":
            return {"posterior": _number(text)}
        number = _number(text)
        return int(number) if isinstance(value, int) and number == int(number) else number
    kind = next(name for name in ("uniform", "log_uniform", "normal", "choice", "posterior") if name in value)
    if kind == "posterior":
        return {"posterior": _number(text)}
    if kind == "choice":
        listed = [_number(word) for word in text.replace(",", " ").split()]
        if field == "values":
            weights = value.get("weights")
            return {"choice": listed} if weights is None or len(weights) != len(listed) else {**value, "choice": listed}
        return {**value, "weights": listed}
    if field in ("at least", "at most"):
        return {**value, "low" if field == "at least" else "high": _number(text)}
    at = {"from": 0, "to": 1, "mean": 0, "spread": 1}[field]
    return {**value, kind: [_number(text) if index == at else one for index, one in enumerate(value[kind])]}


def _number(text: str) -> float:
    try:
        found = float(text.strip().replace("\u2212", "-").replace("\u202f", ""))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ConfigError("spec_not_a_number", f"{text.strip()!r} is no number.", "Type a number, such as 0.35.")
    return found


def _fields(known: Known, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        names = ("from", "to") if len(value) == 2 else ("length", "width", "height")
        return [(name, _plain(one)) for name, one in zip(names, value, strict=True)]
    if isinstance(value, str) and value != "posterior":
        return [("value", value)]
    found = parse(value)
    match found:
        case Fixed():
            return [("value", _plain(found.value))]
        case Uniform() | LogUniform():
            return [("from", _plain(found.low)), ("to", _plain(found.high))]
        case Normal():
            ends = [("at least", found.low), ("at most", found.high)]
            more = [(name, _plain(end)) for name, end in ends if math.isfinite(end)]
            return [("mean", _plain(found.mean)), ("spread", _plain(found.std)), *more]
        case Choice():
            listed = ", ".join(_plain(one) for one in found.values)
            return [("values", listed), ("weights", ", ".join(_plain(one) for one in found.weights))]
        case Posterior():
            return [("width", _plain(found.width))]


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _words(known: Known, value: Any) -> str:
    if known.options:
        return dict(known.options).get(value, str(value))
    unit = known.unit if known.unit in ("", "°") else f" {known.unit}"
    if isinstance(value, list):
        if known.key == "scene.size_m" and not any(value):
            return "as the objects need"
        joint = " – " if len(value) == 2 else " × "
        return joint.join(_figure(one) for one in value) + unit
    if isinstance(value, str) and value != "posterior":
        return value or "none"
    return _of(parse(value), unit)


def _of(found: Distribution, unit: str) -> str:
    match found:
        case Fixed():
            return f"{_figure(found.value)}{unit}"
        case Uniform():
            return f"{_figure(found.low)} – {_figure(found.high)}{unit}"
        case LogUniform():
            return f"{_figure(found.low)} – {_figure(found.high)}{unit}, evenly in the logarithm"
        case Normal():
            return f"{_figure(found.mean)} ± {_figure(found.std)}{unit}"
        case Choice():
            total = sum(found.weights)
            listed = zip(found.values, found.weights, strict=True)
            return ", ".join(f"{_figure(value)}{unit} ({100 * weight / total:.0f} %)" for value, weight in listed)
        case Posterior():
            if found.width == 0.0:
                return "the best estimate"
            return "as the estimate" if found.width == 1.0 else f"as the estimate, {_figure(found.width)} × as wide"


def _figure(value: Any) -> str:
    return numbers.significant(value, 4) if isinstance(value, int | float) else str(value)


def toml_text(raw: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    """A spec file with what differs from the shipped spec.

    Args:
        raw: Tables of the spec (``Spec.raw``).
        base: Those of the shipped one.
    """
    lines = ["# Randomization spec, written by the panel of physicl_twin; see docs/augment.md.", "schema_version = 1"]
    for table in GROUPS:
        changed = {name: value for name, value in raw[table].items() if value != base[table][name]}
        lines += _table(table, changed)
    for twin, tables in raw.get("twin", {}).items():
        for table, values in tables.items():
            lines += _table(f"twin.{json.dumps(twin, ensure_ascii=False)}.{table}", values)
    return "\n".join(lines) + "\n"


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    return ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items())] if values else []


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # TOML's texts, numbers and truth values are written as JSON's
