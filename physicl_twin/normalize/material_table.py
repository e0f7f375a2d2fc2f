"""The material base: rows of cited intervals, families, vague words, and what a text means in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from physicl_twin.model import ConfigError
from physicl_twin.normalize.likeness import nearest
from physicl_twin.normalize.material_text import How, TextIndex

Property = Literal[
    "density", "static_friction", "dynamic_friction", "restitution", "youngs_modulus_gpa", "poissons_ratio"
]
PROPERTIES: tuple[Property, ...] = get_args(Property)
FAMILIES = (
    "metal",
    "polymer",
    "wood",
    "glass",
    "ceramic",
    "rubber",
    "foam",
    "composite",
    "paper",
    "textile",
    "stone",
    "food",
    "fluid",
)
#: Non-visual base materials of SimReady (requirement NVM.002, tier-core 2026.8.0).
NONVISUAL = frozenset(
    [
        "none",
        "aluminum",
        "steel",
        "oxidized_steel",
        "iron",
        "oxidized_iron",
        "silver",
        "brass",
        "bronze",
        "oxidized_Bronze_Patina",
        "tin",
        "plastic",
        "fiberglass",
        "carbon_fiber",
        "vinyl",
        "plexiglass",
        "pvc",
        "nylon",
        "polyester",
        "clear_glass",
        "frosted_glass",
        "one_way_mirror",
        "mirror",
        "ceramic_glass",
        "asphalt",
        "concrete",
        "leaf_grass",
        "dead_leaf_grass",
        "rubber",
        "wood",
        "bark",
        "cardboard",
        "paper",
        "fabric",
        "skin",
        "fur_hair",
        "leather",
        "marble",
        "brick",
        "stone",
        "gravel",
        "dirt",
        "mud",
        "water",
        "salt_water",
        "snow",
        "ice",
        "calibration_lambertian",
    ]
)
#: What a property may be: (lowest, highest) in the table's unit; outside it a row is a typing error.
LIMITS: Mapping[Property, tuple[float, float]] = {
    "density": (1.0, 23_000.0),
    "static_friction": (0.0, 2.0),
    "dynamic_friction": (0.0, 2.0),
    "restitution": (0.0, 1.0),
    "youngs_modulus_gpa": (1e-5, 1300.0),
    "poissons_ratio": (-1.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class Value:
    """A cited 90 % interval of a property.

    Attributes:
        low: Lower bound, in the table's unit (kg/m3, GPa or 1).
        high: Upper bound.
        sources: Ids of the sources, the main one first.
        note: What exactly was cited.
        against: Counterface of a friction measurement.
        single: True when one cited value was widened by the table's spread.
    """

    low: float
    high: float
    sources: tuple[str, ...]
    note: str = ""
    against: str = ""
    single: bool = False


@dataclass(frozen=True, slots=True)
class MaterialRow:
    """One material of the table.

    Attributes:
        id: Row id.
        title: Readable name.
        family: One of FAMILIES.
        nonvisual: SimReady non-visual base.
        weight: How common it is among the members of a vague word; relative.
        values: Cited properties; those without a source are absent.
        aliases: Words that name it, all languages.
        codes: Standard designations.
        symbols: Short signs.
    """

    id: str
    title: str
    family: str
    nonvisual: str
    weight: float
    values: Mapping[Property, Value]
    aliases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MaterialGroup:
    """A vague word ("steel", "plastic"): several rows of one family, weighed.

    Attributes:
        id: Group or family id.
        title: Readable name.
        family: Family of all members.
        nonvisual: SimReady non-visual base.
        members: Row ids.
        values: Properties cited for the whole family, for members without their own.
        aliases: Words that name it.
        symbols: Short signs.
    """

    id: str
    title: str
    family: str
    nonvisual: str
    members: tuple[str, ...]
    values: Mapping[Property, Value] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of numbers."""

    id: str
    title: str
    where: str
    kind: str


@dataclass(frozen=True, slots=True)
class Match:
    """What a text means: a row, or a group when the word is vague.

    Attributes:
        row: The row or the group.
        score: Confidence, 0..1.
        how: Kind of finding.
        text: The alias or code that was found.
    """

    row: MaterialRow | MaterialGroup
    score: float
    how: How
    text: str


@dataclass(frozen=True, slots=True)
class MaterialTable:
    """The material base, validated.

    Attributes:
        rows: Materials by id, in the order of the file.
        groups: Families and vague words by id.
        sources: Citations by id.
        dynamic_from_static: Dynamic over static friction where only the static one is cited.
        dynamic_source: Source id of that rule.
        index: Words of the table.
        memo: Estimates that were derived from the rows before; not part of the table's value.
    """

    rows: Mapping[str, MaterialRow]
    groups: Mapping[str, MaterialGroup]
    sources: Mapping[str, Citation]
    dynamic_from_static: float
    dynamic_source: str
    index: TextIndex
    memo: dict[tuple[str, str, object], Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def load(cls, user_files: Sequence[Path] = ()) -> MaterialTable:
        """The shipped table with users' files laid over it.

        Args:
            user_files: TOML files like ``config/materials.toml``; a new ``[materials.ID]`` is added, keys of a
                known one are replaced.

        Raises:
            ConfigError: ``materials_*`` naming file, row and field when something is not as it must be.
        """
        from physicl_twin.normalize.material_reader import read_table, shipped_table

        return read_table(user_files) if user_files else shipped_table()

    def row(self, row_id: str) -> MaterialRow:
        """The row of that id.

        Raises:
            ConfigError: ``materials_unknown_row``.
        """
        try:
            return self.rows[row_id]
        except KeyError:
            raise ConfigError(
                "materials_unknown_row", f"There is no material {row_id!r} in the table.", "See docs/materials.md."
            ) from None

    def target(self, target_id: str) -> MaterialRow | MaterialGroup:
        """Row or group of that id (KeyError when there is neither)."""
        return self.rows[target_id] if target_id in self.rows else self.groups[target_id]

    def match(self, text: str, field_is_material: bool = True) -> tuple[Match, ...]:
        """What a text says about materials, surest first; empty when it says nothing.

        A vague word is dropped when the same text names one of its members ("Holz Kiefer" is pine).

        Args:
            text: Any text.
            field_is_material: False for names of parts, files and classes, which are read with more care.
        """
        targets = {hit.target: hit for hit in self.index.find(text, field_is_material)}
        named = {target for target in targets if target in self.rows}
        families = {
            group.family for target, group in self.groups.items() if target in targets and target not in FAMILIES
        }
        kept: list[Match] = []
        for target, hit in targets.items():
            if any(other.startswith(f"{target}_") for other in named):  # steel_stainless beside steel_stainless_316
                continue
            if target in self.groups:
                group = self.groups[target]
                specific = named & set(group.members)
                vaguer = target in FAMILIES and target in families
                if specific or vaguer:
                    continue
            kept.append(Match(self.target(target), hit.score, hit.how, hit.text))
        return tuple(kept)

    def suggestions(self, text: str, count: int = 3) -> tuple[str, ...]:
        """Titles of the rows whose names are most like a text that matched nothing."""
        names = {alias: row.title for row in self.rows.values() for alias in (row.title, *row.aliases)}
        found = nearest(text, names, 4 * count)
        return tuple(dict.fromkeys(names[name] for name in found))[:count]
