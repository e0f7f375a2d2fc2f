"""What the user says about materials: ``PART=MATERIAL``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from physicl_twin.model import Estimate, Evidence, MaterialError, Part, Twin
from physicl_twin.normalize.likeness import nearest
from physicl_twin.normalize.material_mixture import Distribution
from physicl_twin.normalize.material_table import MaterialTable
from physicl_twin.normalize.material_text import fold

#: A density in place of a material: "1200 kg/m3", "1.2 g/cm3".
_DENSITY = re.compile(
    r"^\s*([0-9]+(?:[.,][0-9]+)?)\s*(kg/m3|kg/m\^3|kg/m³|g/cm3|g/cm\^3|g/cm³|g/cc)\s*$", re.IGNORECASE
)
#: Spread of a density that a user states without one, relative standard deviation (judgement).
STATED_DENSITY_STD = 0.01


@dataclass(frozen=True, slots=True)
class Statement:
    """One resolved statement.

    Attributes:
        distribution: What the words mean in the table; empty for a bare density.
        density: The stated density, or None.
        evidence: Who said it.
    """

    distribution: Distribution
    density: Estimate | None
    evidence: Evidence


def resolve_statements(
    twin: Twin, statements: Sequence[tuple[str, str]], table: MaterialTable, where: str = "--material"
) -> dict[str, Statement]:
    """Which statement holds for which part; a later one overrules an earlier one.

    Args:
        twin: The twin.
        statements: (PART, MATERIAL). PART is a part's name, its label, its path, its number from 1, or a pattern with *
            and ?, all without regard to case and accents; empty or ``*`` means every part. MATERIAL is a row id, words,
            a code or a density.
        table: The material base.
        where: The option or the file that states them.

    Returns:
        Statement by part name.

    Raises:
        MaterialError: ``material_unknown`` or ``material_part_unknown``, with what is nearest.
    """
    result: dict[str, Statement] = {}
    for pattern, text in statements:
        statement = _statement(pattern, text, table, where)
        result.update((part.name, statement) for part in parts_meant(twin, pattern, text))
    return result


def parts_meant(twin: Twin, pattern: str, text: str) -> tuple[Part, ...]:
    """The parts that a user's PART means (see ``resolve_statements``).

    Raises:
        MaterialError: ``material_part_unknown`` when it means none; ``text`` is what was said of it.
    """
    matched = tuple(part for i, part in enumerate(twin.parts, 1) if _is_meant(part, i, pattern))
    if not matched:
        raise _unknown_part(twin, pattern, text)
    return matched


def _statement(pattern: str, text: str, table: MaterialTable, where: str) -> Statement:
    words = f'The user states "{pattern or "*"} = {text}".'
    value = stated_density(text)
    if value is not None:
        evidence = Evidence("user", words, where, pattern)
        return Statement(
            (), Estimate.normal(value, STATED_DENSITY_STD * value, "kg/m3", "stated density", (evidence,)), evidence
        )
    if text in table.rows or text in table.groups:
        return Statement(((text, 1.0),), None, Evidence("user", words, where, pattern))
    matches = table.match(text)
    if not matches:
        nearest = ", ".join(table.suggestions(text))
        raise MaterialError(
            "material_unknown",
            f'The material "{text}" is not in the table.',
            f"Nearest: {nearest}. A density such as 1200 kg/m3 works too.",
        )
    total = sum(match.score for match in matches)
    found = ", ".join(f"{match.row.title} ({match.how})" for match in matches)
    return Statement(
        tuple((match.row.id, match.score / total) for match in matches),
        None,
        Evidence("user", f"{words[:-1]}: {found}.", where, pattern),
    )


def stated_density(text: str) -> float | None:
    """The density in kg/m3 that a text such as ``1.2 g/cm3`` states; None when it is none."""
    found = _DENSITY.match(text)
    if found is None:
        return None
    value = float(found.group(1).replace(",", ".")) * (1000.0 if found.group(2).lower().startswith("g") else 1.0)
    return value if value > 0 else None


def part_names(part: Part) -> tuple[str, ...]:
    """The texts by which a user may mean a part: name, label, path with and without the root."""
    path = "/".join((*part.hints.path, part.name))
    return tuple(dict.fromkeys(name for name in (part.name, part.hints.label, path) if name))


def _is_meant(part: Part, number: int, pattern: str) -> bool:
    wanted = fold(pattern.strip())
    if wanted in ("", "*"):
        return True
    if part.hints.label and fold(part.hints.label) == wanted:
        return True
    if wanted.isdigit() and not part.hints.label:
        return int(wanted) == number or fold(part.name) == wanted
    return any(
        fold(name) == wanted or fnmatchcase(fold(name), wanted) or fold(name).endswith(f"/{wanted}")
        for name in part_names(part)
    )


def _unknown_part(twin: Twin, pattern: str, text: str) -> MaterialError:
    names = list(dict.fromkeys(name for part in twin.parts for name in (part.hints.label or part.name,)))
    return MaterialError(
        "material_part_unknown",
        f'No part is called "{pattern}" (in "{pattern}={text}").',
        f"Parts: {', '.join(nearest(pattern, names, 5))}. Patterns such as bolt* are allowed.",
    )
