"""What a STEP file's own text says, entity by entity: units, materials, densities with their units.

The CAD kernel hands over geometry in millimetres and densities with the unit lost, so the words that decide about units
are read from the ISO 10303-21 text itself. Only the entities named here are parsed; the geometry is skipped.
"""

from __future__ import annotations

import mmap
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

#: Entities that carry units, properties and products (ISO 10303-41, -43, -45).
_WANTED = frozenset(
    {
        *("CONVERSION_BASED_UNIT", "LENGTH_UNIT", "MASS_UNIT", "NAMED_UNIT", "SI_UNIT", "DERIVED_UNIT", "DENSITY_UNIT"),
        *("DERIVED_UNIT_ELEMENT", "LENGTH_MEASURE_WITH_UNIT", "MASS_MEASURE_WITH_UNIT", "MEASURE_WITH_UNIT"),
        *("GEOMETRIC_REPRESENTATION_CONTEXT", "GLOBAL_UNIT_ASSIGNED_CONTEXT", "GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT"),
        *("PROPERTY_DEFINITION", "PROPERTY_DEFINITION_REPRESENTATION", "REPRESENTATION", "MATERIAL_DESIGNATION"),
        *("MEASURE_REPRESENTATION_ITEM", "DESCRIPTIVE_REPRESENTATION_ITEM", "PRODUCT", "PRODUCT_DEFINITION"),
        *("PRODUCT_DEFINITION_FORMATION", "PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE"),
        "PRODUCT_DEFINITION_WITH_ASSOCIATED_DOCUMENTS",
    }
)
_ENTITY = re.compile(rb"#(\d+)\s*=\s*\(?\s*([A-Z][A-Z0-9_]*)")
_TOKEN = re.compile(
    rb"\s+|/\*.*?\*/|(?P<string>'(?:[^']|'')*')|(?P<ref>#\d+)|(?P<enum>\.[A-Za-z0-9_]+\.)"
    rb"|(?P<number>[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?)|(?P<word>[A-Z][A-Z0-9_]*)|(?P<mark>[(),$*;])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\X2\\((?:[0-9A-F]{4})+)\\X0\\|\\X4\\((?:[0-9A-F]{8})+)\\X0\\|\\X\\([0-9A-F]{2})|\\S\\(.)|\\\\")
#: SI prefixes as ISO 10303-41 spells them.
_PREFIX = {
    "EXA": 1e18, "PETA": 1e15, "TERA": 1e12, "GIGA": 1e9, "MEGA": 1e6, "KILO": 1e3, "HECTO": 1e2, "DECA": 1e1,
    "DECI": 1e-1, "CENTI": 1e-2, "MILLI": 1e-3, "MICRO": 1e-6, "NANO": 1e-9, "PICO": 1e-12, "FEMTO": 1e-15,
    "ATTO": 1e-18,
}  # fmt: skip
_MAX_DEPTH = 16

Entity = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to another entity."""

    id: int


@dataclass(frozen=True, slots=True)
class StatedMaterial:
    """A material statement about a product.

    Attributes:
        product: Name of the product it is about.
        name: Material name; empty when only a density is stated.
        description: Further text.
        density: Number as written, or None.
        kgm3_per_unit: Factor from the written number to kg/m3 by the file's own unit, or None when the unit is
            missing or is not a density.
    """

    product: str
    name: str
    description: str
    density: float | None
    kgm3_per_unit: float | None


@dataclass(frozen=True, slots=True)
class StepText:
    """What the text of a STEP file says.

    Attributes:
        schema: FILE_SCHEMA, such as ``AUTOMOTIVE_DESIGN``.
        system: Originating system of FILE_NAME.
        metres_per_unit: Length unit of most geometric contexts, metres; None when the file declares none.
        other_units: Other length units that geometric contexts of the same file declare, metres.
        materials: Statements, in file order.
    """

    schema: str
    system: str
    metres_per_unit: float | None
    other_units: tuple[float, ...]
    materials: tuple[StatedMaterial, ...]


def decode(text: str) -> str:
    """Plain Unicode of a STEP string (ISO 10303-21, 6.4.3: the X, X2, X4 and S directives, doubled quotes)."""

    def replace(match: re.Match[str]) -> str:
        two, four, one, shifted = match.groups()
        if two:
            return bytes.fromhex(two).decode("utf-16-be", "replace")
        if four:
            return bytes.fromhex(four).decode("utf-32-be", "replace")
        if one:
            return chr(int(one, 16))
        return chr(ord(shifted) + 128) if shifted else "\\"

    return _ESCAPE.sub(replace, text.replace("''", "'"))


def read_step_text(data: bytes | mmap.mmap) -> StepText:
    """Scan the text of a STEP file.

    Args:
        data: The whole file.
    """
    head = bytes(data[: 1 << 16])
    entities = dict(_entities(data))
    contexts = Counter(_context_units(entities))
    units = [unit for unit, _ in contexts.most_common()]
    return StepText(
        schema=_header_string(head, rb"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'"),
        system=_originating_system(head),
        metres_per_unit=units[0] if units else None,
        other_units=tuple(units[1:]),
        materials=tuple(_materials(entities)),
    )


def _header_string(head: bytes, pattern: bytes) -> str:
    match = re.search(pattern, head)
    return decode(match.group(1).decode("utf-8", "replace")).strip() if match else ""


def _originating_system(head: bytes) -> str:
    match = re.search(rb"FILE_NAME\s*(\()", head)
    if not match:
        return ""
    values = _Parser(head, match.start(1)).arguments()
    return values[5] if len(values) > 5 and isinstance(values[5], str) else ""


def _entities(data: bytes | mmap.mmap) -> Iterator[tuple[int, Entity]]:
    for match in _ENTITY.finditer(data):
        if match.group(2).decode() in _WANTED:
            start = data.find(b"=", match.start()) + 1
            entity = _Parser(data, start).entity()
            if entity:
                yield int(match.group(1)), entity


class _Parser:
    """Recursive descent over one entity; damaged text ends the entity early and never raises."""

    def __init__(self, data: bytes | mmap.mmap, position: int) -> None:
        self._data = data
        self._position = position

    def _next(self) -> tuple[str, str]:
        while match := _TOKEN.match(self._data, self._position):
            self._position = match.end()
            if match.lastgroup:
                return match.lastgroup, match.group().decode("utf-8", "replace")
        return "mark", ";"

    def entity(self) -> Entity:
        """``KEYWORD(...)`` or ``(KEYWORD(...) KEYWORD(...))`` as keyword to arguments."""
        entity: Entity = {}
        while True:
            kind, text = self._next()
            if kind == "word":
                entity[text] = self.arguments()
                if len(entity) > _MAX_DEPTH:
                    return entity
            elif text != "(":
                return entity

    def arguments(self, depth: int = 0) -> list[Any]:
        """The values between the next pair of parentheses; a typed value ``WORD(x)`` becomes its x."""
        if depth == 0 and self._next()[1] != "(":
            return []
        values: list[Any] = []
        while True:
            kind, text = self._next()
            if text in (")", ";"):
                return values
            if text == "(":
                values.append(self.arguments(depth + 1) if depth < _MAX_DEPTH else None)
            elif kind == "string":
                values.append(decode(text[1:-1]))
            elif kind == "ref":
                values.append(Ref(int(text[1:])))
            elif kind == "number":
                values.append(float(text))
            elif kind == "enum":
                values.append(text.strip("."))
            elif kind == "word":
                inner = self.arguments() if depth < _MAX_DEPTH else []
                values.append(inner[0] if len(inner) == 1 else inner)
            elif text in "$*":
                values.append(None)


def _argument(entities: dict[int, Entity], ref: Any, keywords: str, index: int) -> Any:
    """Argument ``index`` of the entity that ``ref`` points to, if it is one of ``keywords``; else None."""
    if not isinstance(ref, Ref):
        return None
    entity = entities.get(ref.id, {})
    for keyword in keywords.split():
        values = entity.get(keyword)
        if values is not None:
            return values[index] if len(values) > index else None
    return None


def _unit(entities: dict[int, Entity], ref: Any, depth: int = 0) -> tuple[str, float] | None:
    """Dimension (``length`` or ``mass``) and SI factor of a named unit."""
    if not isinstance(ref, Ref) or depth > _MAX_DEPTH:
        return None
    entity = entities.get(ref.id, {})
    if "SI_UNIT" in entity:
        values = entity["SI_UNIT"]
        prefix, name = (values[-2] if len(values) > 1 else None), (values[-1] if values else None)
        factor = _PREFIX.get(str(prefix), 1.0)
        if name == "METRE":
            return "length", factor
        return ("mass", factor * 1e-3) if name == "GRAM" else None
    measure = next(iter(entity.get("CONVERSION_BASED_UNIT", [])[1:]), None)
    keywords = "LENGTH_MEASURE_WITH_UNIT MASS_MEASURE_WITH_UNIT MEASURE_WITH_UNIT"
    number = _argument(entities, measure, keywords, 0)
    base = _unit(entities, _argument(entities, measure, keywords, 1), depth + 1)
    if base is None or not isinstance(number, float) or number <= 0:
        return None
    return base[0], base[1] * number


def _context_units(entities: dict[int, Entity]) -> Iterator[float]:
    """Length unit of each three-dimensional geometric context, metres."""
    for entity in entities.values():
        context, assigned = entity.get("GEOMETRIC_REPRESENTATION_CONTEXT"), entity.get("GLOBAL_UNIT_ASSIGNED_CONTEXT")
        if not assigned or not isinstance(assigned[0], list) or (context and context[0] not in (3.0, None)):
            continue
        for ref in assigned[0]:
            unit = _unit(entities, ref)
            if unit and unit[0] == "length":
                yield unit[1]


def _density_factor(entities: dict[int, Entity], ref: Any) -> float | None:
    """kg/m3 per written unit of a derived unit mass / length³; None when it is no density."""
    elements = _argument(entities, ref, "DERIVED_UNIT DENSITY_UNIT", 0)
    factor, exponents = 1.0, Counter[str]()
    for element in elements if isinstance(elements, list) else []:
        unit = _unit(entities, _argument(entities, element, "DERIVED_UNIT_ELEMENT", 0))
        exponent = _argument(entities, element, "DERIVED_UNIT_ELEMENT", 1)
        if unit is None or not isinstance(exponent, float) or abs(exponent) > 9:
            return None
        factor *= unit[1] ** exponent
        exponents[unit[0]] += int(exponent)
    return factor if exponents["mass"] == 1 and exponents["length"] == -3 else None


def _product(entities: dict[int, Entity], definition: Any) -> str:
    formation = _argument(entities, definition, "PRODUCT_DEFINITION PRODUCT_DEFINITION_WITH_ASSOCIATED_DOCUMENTS", 2)
    product = _argument(
        entities, formation, "PRODUCT_DEFINITION_FORMATION PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE", 2
    )
    names = [_argument(entities, product, "PRODUCT", i) for i in (1, 0)]
    return next((name for name in names if isinstance(name, str) and name), "")


def _materials(entities: dict[int, Entity]) -> Iterator[StatedMaterial]:
    """Material statements, one a product definition, in the order of their ids."""
    facts: dict[int, dict[str, Any]] = {}
    for _, entity in sorted(entities.items()):
        for values in (entity.get("PROPERTY_DEFINITION_REPRESENTATION"),):
            if not values or len(values) < 2:
                continue
            target = _argument(entities, values[0], "PROPERTY_DEFINITION", 2)
            label = _argument(entities, values[0], "PROPERTY_DEFINITION", 0)
            items = _argument(entities, values[1], "REPRESENTATION", 1)
            if isinstance(target, Ref) and "material" in str(label).lower() and isinstance(items, list):
                found = facts.setdefault(target.id, {})
                for item in items:
                    _collect_item(entities, item, found)
        designation = entity.get("MATERIAL_DESIGNATION")
        if designation and len(designation) > 1 and isinstance(designation[1], list):
            for target in designation[1]:
                if isinstance(target, Ref):
                    facts.setdefault(target.id, {}).setdefault("name", str(designation[0] or ""))
    for target_id, found in facts.items():
        if found:
            yield StatedMaterial(
                product=_product(entities, Ref(target_id)),
                name=found.get("name", ""),
                description=found.get("description", ""),
                density=found.get("density"),
                kgm3_per_unit=found.get("factor"),
            )


def _collect_item(entities: dict[int, Entity], item: Any, found: dict[str, Any]) -> None:
    """Add what one representation item says (a name with description, or a density) to ``found``."""
    if not isinstance(item, Ref):
        return
    entity = entities.get(item.id, {})
    if "DESCRIPTIVE_REPRESENTATION_ITEM" in entity:
        name, text, *_ = [*entity["DESCRIPTIVE_REPRESENTATION_ITEM"], "", ""]
        found["name"], found["description"] = str(name or ""), str(text or "")
    elif "MEASURE_REPRESENTATION_ITEM" in entity:
        values = entity["MEASURE_REPRESENTATION_ITEM"] or [
            *entity.get("REPRESENTATION_ITEM", [""])[:1],
            *entity.get("MEASURE_WITH_UNIT", []),
        ]
        if len(values) > 2 and "density" in str(values[0]).lower() and isinstance(values[1], float):
            found["density"], found["factor"] = values[1], _density_factor(entities, values[2])
