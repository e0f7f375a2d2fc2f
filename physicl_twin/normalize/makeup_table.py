"""The tables behind hollow or solid: how walls are made, what is packed, and what things of a class hold inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from physicl_twin.model import ConfigError, Estimate, Evidence
from physicl_twin.normalize.cited import cited_interval, require_keys
from physicl_twin.normalize.material_table import FAMILIES
from physicl_twin.normalize.material_text import spellings, words
from physicl_twin.normalize.semantics import ClassTable, shipped_classes, singular
from physicl_twin.settings import read_toml, shipped

SCHEMA_VERSION = 1
FILE = "makeup.toml"
KINDS = ("solid", "shell", "filled", "assembly")
#: Last words of German compounds that say how something is packed ("Senfflasche", "Milchtüte").
_PACKAGES = (
    "flasche", "dose", "tute", "tuete", "karton", "packung", "glas", "becher", "schachtel", "kanister", "sack",
    "beutel", "tube", "box", "kiste", "eimer", "fass",
)  # fmt: skip
_STATES = ("full", "half", "empty")
#: Source of a number that is this project's judgement and not a citation.
JUDGEMENT = "judgement"


@dataclass(frozen=True, slots=True)
class Wall:
    """A way to make walls.

    Attributes:
        id: Row id.
        title: Readable name.
        families: Material families that are made this way.
        thickness: m.
        materials: Rows of the material base that they are usually made of, alike in weight; empty for any.
    """

    id: str
    title: str
    families: tuple[str, ...]
    thickness: Estimate
    materials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """Something that is packed.

    Attributes:
        id: Row id.
        title: Readable name.
        density: Bulk density as packed, kg/m3.
        package: Class of its usual package, or empty.
    """

    id: str
    title: str
    density: Estimate
    package: str


@dataclass(frozen=True, slots=True)
class Build:
    """What things of a class hold inside their outer surface.

    Attributes:
        class_id: Of ``classes.toml``.
        kinds: Probability of each of KINDS; they sum to 1.
        walls: (wall id, weight).
        contents: (contents id, weight), when no name says what is inside.
        states: Probability of ``full``, ``half`` and ``empty``.
        effective_density: Of an assembly, kg/m3, or None.
        of_hull: True when that is mass over the volume of the convex hull and not of the surface: for housings that
            are drawn now as shells and now as lumps.
        slenderness_exponent: The mean density goes with this power of the longest over the shortest edge of the
            bounding box.
    """

    class_id: str
    kinds: Mapping[str, float]
    walls: tuple[tuple[str, float], ...] = ()
    contents: tuple[tuple[str, float], ...] = ()
    states: tuple[tuple[str, float], ...] = ()
    effective_density: Estimate | None = None
    of_hull: bool = False
    slenderness_exponent: float = 0.0


@dataclass(frozen=True, slots=True)
class MakeupTable:
    """``config/makeup.toml``, validated.

    Attributes:
        walls: By id.
        contents: By id.
        builds: By class id.
        phrases: Word sequence → contents id.
    """

    walls: Mapping[str, Wall]
    contents: Mapping[str, Contents]
    builds: Mapping[str, Build]
    phrases: Mapping[tuple[str, ...], str]

    @classmethod
    def load(cls) -> MakeupTable:
        """The shipped tables, read once.

        Raises:
            ConfigError: ``makeup_bad_row`` naming the row and what is wrong with it.
        """
        return _shipped()

    def build_of(self, class_id: str, classes: ClassTable | None = None) -> Build | None:
        """The build of a class or of its nearest ancestor that has one."""
        classes = classes or shipped_classes()
        current = class_id
        while current:
            if current in self.builds:
                return self.builds[current]
            current = classes.classes[current].parent
        return None

    def contents_in(self, text: str) -> tuple[Contents, str] | None:
        """What a name says is inside, and the words that say so; the longest phrase, then the first."""
        tokens = singular(words(text))
        longest = max(map(len, self.phrases), default=0)
        for length in range(min(longest, len(tokens)), 0, -1):
            for start in range(len(tokens) - length + 1):
                found = self.phrases.get(tokens[start : start + length])
                if found is not None:
                    return self.contents[found], " ".join(tokens[start : start + length])
        for token in tokens:  # German compounds: Senfflasche
            for package in _PACKAGES:
                inside = self.phrases.get((token.removesuffix(package),)) if token.endswith(package) else None
                if inside is not None:
                    return self.contents[inside], token
        return None


@lru_cache(maxsize=1)
def _shipped() -> MakeupTable:
    data = read_toml(shipped("config", FILE))
    sources = read_toml(shipped("config", str(data["sources_file"])))["sources"]
    return read_makeup(data, {key: str(row["title"]) for key, row in sources.items()}, shipped_classes())


def read_makeup(data: Mapping[str, Any], sources: Mapping[str, str], classes: ClassTable) -> MakeupTable:
    """The tables from parsed TOML.

    Args:
        data: The file.
        sources: Titles of the citations by id.
        classes: The classes that builds may name.

    Raises:
        ConfigError: ``makeup_bad_row``.
    """
    if data.get("schema_version") != SCHEMA_VERSION:
        raise _fail("schema_version", f"is {data.get('schema_version')!r}, this version reads {SCHEMA_VERSION}")
    require_keys("the file", data, ("schema_version", "sources_file", "walls", "contents", "builds"), _fail)
    walls = {key: _wall(key, raw, sources) for key, raw in data.get("walls", {}).items()}
    contents: dict[str, Contents] = {}
    phrases: dict[tuple[str, ...], str] = {}
    for key, raw in data.get("contents", {}).items():
        require_keys(f"contents.{key}", raw, {"title", "words", "density", "default_in"}, _fail)
        package = str(raw.get("default_in", ""))
        if package and package not in classes.classes:
            raise _fail(f"contents.{key}", f"default_in names no class: {package!r}")
        density = _interval(f"contents.{key}.density", raw["density"], sources, "kg/m3", 1.0, "Bulk density")
        contents[key] = Contents(key, str(raw["title"]), density, package)
        for word in (str(word) for items in raw.get("words", {}).values() for word in items):
            for sequence in spellings(word):
                owner = phrases.setdefault(singular(sequence), key)
                if owner != key:
                    raise _fail(f"contents.{key}", f"{word!r} already belongs to {owner}")
    builds = {key: _build(key, raw, walls, contents, sources) for key, raw in data.get("builds", {}).items()}
    for key in builds:
        if key not in classes.classes:
            raise _fail(f"builds.{key}", "is no class of classes.toml")
    return MakeupTable(walls, contents, builds, phrases)


def _wall(key: str, raw: Mapping[str, Any], sources: Mapping[str, str]) -> Wall:
    where = f"walls.{key}"
    require_keys(where, raw, {"title", "families", "materials", "wall_mm"}, _fail)
    families = tuple(str(family) for family in raw["families"])
    for family in families:
        if family not in FAMILIES:
            raise _fail(where, f"{family!r} is no material family")
    thickness = _interval(where, raw["wall_mm"], sources, "m", 1e-3, f"{raw['title']}: wall thickness")
    return Wall(key, str(raw["title"]), families, thickness, tuple(str(row) for row in raw.get("materials", ())))


def _build(
    key: str,
    raw: Mapping[str, Any],
    walls: Mapping[str, Wall],
    contents: Mapping[str, Contents],
    sources: Mapping[str, str],
) -> Build:
    where = f"builds.{key}"
    optional = {"walls", "contents", "state", "effective_density", "of_hull", "slenderness_exponent"}
    require_keys(where, raw, {*KINDS, *optional}, _fail)
    kinds = {kind: float(raw.get(kind, 0.0)) for kind in KINDS}
    if min(kinds.values()) < 0 or abs(sum(kinds.values()) - 1.0) > 1e-6:
        raise _fail(where, f"its probabilities sum to {sum(kinds.values()):g}")
    wall_weights = _weights(f"{where}.walls", raw.get("walls", {}), walls)
    content_weights = _weights(f"{where}.contents", raw.get("contents", {}), contents)
    states = _weights(f"{where}.state", raw.get("state", {}), dict.fromkeys(_STATES))
    if kinds["shell"] + kinds["filled"] > 0 and not wall_weights:
        raise _fail(where, "it has a wall but names no walls")
    if kinds["filled"] > 0 and not (content_weights and states):
        raise _fail(where, "it is filled but names no contents or no state")
    effective = None
    if "effective_density" in raw:
        effective = _interval(
            where, raw["effective_density"], sources, "kg/m3", 1.0, f"Mean density of a {key.replace('_', ' ')}"
        )
    elif kinds["assembly"] > 0:
        raise _fail(where, "it may be an assembly but has no effective_density")
    of_hull, exponent = bool(raw.get("of_hull", False)), float(raw.get("slenderness_exponent", 0.0))
    if exponent and not of_hull:
        raise _fail(where, "slenderness_exponent is that of a mean density of the hull (of_hull = true)")
    return Build(key, kinds, wall_weights, content_weights, states, effective, of_hull, exponent)


def _weights(where: str, raw: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    for key, weight in raw.items():
        if key not in known:
            raise _fail(where, f"there is no {key!r}")
        if not float(weight) >= 0:
            raise _fail(where, f"the weight of {key!r} is {weight!r}")
    total = sum(float(weight) for weight in raw.values())
    return tuple((str(key), float(weight) / total) for key, weight in raw.items() if weight > 0) if total > 0 else ()


def _interval(
    where: str, raw: Mapping[str, Any], sources: Mapping[str, str], unit: str, factor: float, words_: str
) -> Estimate:
    low, high, origin, cited = cited_interval(where, raw, {**sources, JUDGEMENT: "this project's judgement"}, _fail)
    if not low > 0:
        raise _fail(where, f"the interval {low:g} to {high:g} is not positive")
    judged = cited == (JUDGEMENT,)
    shown = f"{low:g} to {high:g} {'mm' if unit == 'm' else unit}"
    evidence = Evidence("prior" if judged else "table", f"{words_} {shown}{origin}", FILE, where)
    method, flags = ("judged interval", ("judgement",)) if judged else ("cited interval", ())
    return Estimate.interval(low * factor, high * factor, unit, method, (evidence,), flags)


def _fail(where: str, message: str) -> ConfigError:
    return ConfigError("makeup_bad_row", f"{FILE}: {where}: {message}.", f"See the head of config/{FILE}.")
