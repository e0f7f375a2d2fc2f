"""``config/joints.toml``: what resists in joints, what robots' joints carry, and the words of roles."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from physicl_twin.model import ConfigError, Estimate, Evidence
from physicl_twin.model.joint import JointType
from physicl_twin.normalize.cited import cited_interval, require_keys
from physicl_twin.settings import read_toml, shipped

FILE = "joints.toml"
SCHEMA_VERSION = 1
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Role:
    """What a joint is for people.

    Attributes:
        name: ``door``, ``drawer`` …
        types: Of joints that can be it.
        bearing: Row of the bearings that resists in it.
        kind: ``robot`` or ``prop`` when a mechanism of such joints is one; empty when it tells nothing.
        words: Lower-case words of names that tell it.
    """

    name: str
    types: tuple[JointType, ...]
    bearing: str
    kind: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio that was seen on actuators of robots: its geometric mean and spread.

    Attributes:
        median: Geometric mean.
        log_std: Standard deviation of the logarithm of one more actuator's.
        count: Number of actuators.
        origin: Their sources, in words.
    """

    median: float
    log_std: float
    count: int
    origin: str


@dataclass(frozen=True, slots=True)
class JointTable:
    """The table.

    Attributes:
        bearings: Title and coefficient of friction by name.
        sizes: What the geometry does not show, by name.
        friction_per_effort: Coulomb friction over the limit of effort, 1.
        damping_per_effort: Viscous effort at full speed over the limit of effort, 1.
        armature_per_effort: Armature over the limit of effort, s2 (kg m2 per N m).
        roles: In order; the first that fits counts.
        words: ``robot``, ``legged``, ``flying``, ``hand_held``, ``built_in``.
    """

    bearings: Mapping[str, tuple[str, Estimate]]
    sizes: Mapping[str, Estimate]
    friction_per_effort: Ratio
    damping_per_effort: Ratio
    armature_per_effort: Ratio
    roles: tuple[Role, ...]
    words: Mapping[str, frozenset[str]]

    def role_of(self, type_: JointType, *names: str) -> Role | None:
        """The role that names tell of a joint of a type; None when they tell none."""
        said = {word for name in names for word in words_of(name)}
        return next((role for role in self.roles if type_ in role.types and said & role.words), None)

    def role(self, name: str) -> Role | None:
        """The role of that name, else the one that the name's words tell (a caster is a wheel); None for neither."""
        named = next((role for role in self.roles if role.name == name), None)
        return named or next((role for role in self.roles if words_of(name) & role.words), None)


def words_of(name: str) -> frozenset[str]:
    """Lower-case words of a name: ``leftDoor_2`` has ``left`` and ``door``."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return frozenset(word.lower() for word in _WORD.findall(apart))


@lru_cache(maxsize=1)
def joint_table() -> JointTable:
    """The shipped table.

    Raises:
        ConfigError: ``joints_bad_row``.
    """
    return read_joint_table(read_toml(shipped("config", FILE)))


def read_joint_table(data: Mapping[str, Any]) -> JointTable:
    """The table from parsed TOML.

    Raises:
        ConfigError: ``joints_bad_row``.
    """
    known = ("schema_version", "sources", "bearings", "sizes", "robot", "role", "words")
    require_keys("the file", data, known, _fail)
    if data.get("schema_version") != SCHEMA_VERSION:
        raise _fail("schema_version", f"is {data.get('schema_version')!r}, this version reads {SCHEMA_VERSION}")
    sources = {key: str(row["title"]) for key, row in data["sources"].items()}
    bearings = {
        name: (str(row["title"]), _interval(f"bearings.{name}", row["coefficient"], sources))
        for name, row in data["bearings"].items()
    }
    sizes = {name: _interval(f"sizes.{name}", row, sources) for name, row in data["sizes"].items()}
    roles = tuple(_role(row, bearings) for row in data["role"])
    words = {name: frozenset(listed) for name, listed in data["words"].items()}
    rows = data["robot"]
    return JointTable(
        bearings,
        sizes,
        _ratio(rows, "friction", sources, lambda row: 1.0),
        _ratio(rows, "damping", sources, lambda row: float(row["speed"])),
        _ratio(rows, "armature", sources, lambda row: 1.0),
        roles,
        words,
    )


def _interval(where: str, raw: Mapping[str, Any], sources: Mapping[str, str]) -> Estimate:
    low, high, origin, cited = cited_interval(where, raw, sources, _fail)
    if not 0 < low < high:
        raise _fail(where, f"the interval {low:g} to {high:g} is none")
    evidence = Evidence(
        "prior" if set(cited) == {"judgement"} else "table", f"{low:g} to {high:g}{origin}", FILE, where
    )
    return Estimate.interval(low, high, "1", "90 % interval of the table", (evidence,))


def _role(row: Mapping[str, Any], bearings: Mapping[str, Any]) -> Role:
    where = f"role {row.get('name')}"
    require_keys(where, row, ("name", "types", "bearing", "kind", "words"), _fail)
    if row["bearing"] not in bearings:
        raise _fail(where, f"there is no bearing {row['bearing']!r}")
    if row["kind"] not in ("", "robot", "prop"):
        raise _fail(where, f"its kind {row['kind']!r} is neither robot nor prop")
    return Role(row["name"], tuple(row["types"]), row["bearing"], row["kind"], frozenset(row["words"]))


def _ratio(rows: Any, quantity: str, sources: Mapping[str, str], factor: Any) -> Ratio:
    """Geometric mean and predictive spread of a quantity over the limit of effort."""
    used = [row for row in rows if quantity in row and (quantity != "damping" or "speed" in row)]
    for row in used:
        where = f"robot of {row.get('source')}"
        require_keys(where, row, ("source", "effort", "speed", "armature", "friction", "damping"), _fail)
        if row["source"] not in sources:
            raise _fail(where, f"there is no source {row['source']!r}")
        if min(float(row["effort"]), float(row[quantity])) <= 0:
            raise _fail(where, "its numbers must be above zero")
    if len(used) < 3:
        raise _fail("robot", f"fewer than three rows state {quantity}")
    logs = [math.log(float(row[quantity]) * factor(row) / float(row["effort"])) for row in used]
    mean = math.fsum(logs) / len(logs)
    variance = math.fsum((x - mean) ** 2 for x in logs) / (len(logs) - 1)
    origin = "; ".join(dict.fromkeys(sources[row["source"]] for row in used))
    return Ratio(math.exp(mean), math.sqrt(variance * (1 + 1 / len(logs))), len(used), origin)


def _fail(where: str, message: str) -> ConfigError:
    return ConfigError("joints_bad_row", f"{FILE}: {where}: {message}.", f"See the head of config/{FILE}.")
