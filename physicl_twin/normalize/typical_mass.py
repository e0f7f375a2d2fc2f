"""What things of a class usually weigh: ``config/typical_masses.toml``, a check on the reckoning and never a prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from physicl_twin.model import ConfigError
from physicl_twin.normalize.cited import cited_interval, require_keys
from physicl_twin.normalize.semantics import ClassTable, shipped_classes
from physicl_twin.settings import read_toml, shipped

FILE = "typical_masses.toml"
SCHEMA_VERSION = 1
_STATES = ("any", "empty", "full")


@dataclass(frozen=True, slots=True)
class TypicalMass:
    """The masses of usual things of a class.

    Attributes:
        class_id: Of ``classes.toml``.
        low_kg: Lightest usual one.
        high_kg: Heaviest usual one.
        origin: Sources, in words.
        empty: True when only empty vessels were weighed: filled ones are heavier.
    """

    class_id: str
    low_kg: float
    high_kg: float
    origin: str
    empty: bool = False


@lru_cache(maxsize=1)
def typical_masses() -> Mapping[str, TypicalMass]:
    """The shipped table by label of the class; the states of a vessel (empty, full) are one range.

    Raises:
        ConfigError: ``typical_mass_bad_row``.
    """
    data = read_toml(shipped("config", FILE))
    sources = read_toml(shipped("config", str(data["sources_file"])))["sources"]
    return read_typical_masses(data, {key: str(row["title"]) for key, row in sources.items()}, shipped_classes())


def read_typical_masses(
    data: Mapping[str, Any], sources: Mapping[str, str], classes: ClassTable
) -> Mapping[str, TypicalMass]:
    """The table from parsed TOML.

    Args:
        data: The file.
        sources: Titles of the citations by id.
        classes: The classes that rows may name.

    Raises:
        ConfigError: ``typical_mass_bad_row``.
    """
    require_keys("the file", data, ("schema_version", "sources_file", "mass"), _fail)
    if data.get("schema_version") != SCHEMA_VERSION:
        raise _fail("schema_version", f"is {data.get('schema_version')!r}, this version reads {SCHEMA_VERSION}")
    found: dict[str, TypicalMass] = {}
    seen: set[tuple[str, str]] = set()
    for number, raw in enumerate(data.get("mass", ()), 1):
        where = f"mass {number} ({raw.get('class')})"
        require_keys(where, raw, ("class", "state", "kg"), _fail)
        class_id, state = raw.get("class"), raw.get("state", "any")
        if class_id not in classes.classes:
            raise _fail(where, "there is no such class in classes.toml")
        if state not in _STATES:
            raise _fail(where, f"its state {state!r} is none of {', '.join(_STATES)}")
        if (class_id, state) in seen:
            raise _fail(where, "stands in the table twice")
        seen.add((class_id, state))
        low, high, origin, _ = cited_interval(where, raw["kg"], sources, _fail)
        if not 0 < low < high:
            raise _fail(where, f"the interval {low:g} to {high:g} is none")
        label = classes.classes[class_id].label
        empty = state == "empty"
        if label in found:  # empty and full
            before = found[label]
            low, high, origin = min(low, before.low_kg), max(high, before.high_kg), f"{before.origin}{origin}"
            empty = empty and before.empty
        found[label] = TypicalMass(class_id, low, high, origin, empty)
    return found


def _fail(where: str, message: str) -> ConfigError:
    return ConfigError("typical_mass_bad_row", f"{FILE}: {where}: {message}.", f"See the head of config/{FILE}.")
