"""What a part looks like when its source does not say: a look by material family."""

from __future__ import annotations

from typing import Any

from physicl_twin.model import Appearance, Part, Twin

#: Prefix of the names of derived looks; no source appearance of a twin starts with it.
DERIVED_PREFIX = "look of "


def family_look(family: str, looks: dict[str, Any]) -> Appearance:
    """The look of a material family, from the table ``[render.looks]``."""
    row = looks.get(family, looks["other"])
    red, green, blue = row["base_color"]
    return Appearance(
        name=f"{DERIVED_PREFIX}{family or 'unknown'}",
        base_color=(float(red), float(green), float(blue)),
        metallic=float(row["metallic"]),
        roughness=float(row["roughness"]),
    )


def part_looks(twin: Twin, part: Part, looks: dict[str, Any]) -> tuple[Appearance, ...]:
    """The appearances of a part's shape, in the order of ``Shape.appearances`` (at least one).

    Where the twin lacks one, the look of the part's material family stands in.
    """
    named = {appearance.name: appearance for appearance in twin.appearances}
    families = {material.name: material.family for material in twin.materials}
    derived = family_look(families.get(part.material, ""), looks)
    return tuple(named.get(name, derived) for name in twin.shape(part.shape).appearances) or (derived,)
