"""The randomization spec: what the user's TOML file says, checked, with the line of what is wrong."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from physicl_twin import settings
from physicl_twin.augment.distributions import Choice, Distribution, Fixed, Normal, Posterior, parse
from physicl_twin.augment.keyed import Design
from physicl_twin.model import ConfigError, SupportKind

SPEC_VERSION = 1

Orientation = Literal["any", "upright"]

#: Values that are no distributions, by table; what else the shipped file holds is one.
_PLAIN = {
    "sampling": {"design"},
    "scene": {"support", "size_m", "fill", "wall_m", "objects", "left_out"},
    "placement": {"orientation", "clearance"},
    "object": {"weight"},
    "look": set(),
    "light": set(),
    "camera": set(),
    "occlusion": {"target", "range"},
    "settle": {
        "window_s",
        "rest_move_m",
        "rest_turn_deg",
        "longest_s",
        "time_step_s",
        "penetration_m",
        "retries",
    },
}
#: Plain values that may also be distributions of whole numbers.
_COUNTS = {("scene", "objects"), ("scene", "left_out")}
#: Bounds within which a distribution must stay: (lowest, highest).
_BOUNDS: dict[tuple[str, str], tuple[float, float]] = {
    ("scene", "static_friction"): (0.0, 5.0),
    ("scene", "dynamic_ratio"): (0.0, 1.0),
    ("scene", "restitution"): (0.0, 1.0),
    ("placement", "spread"): (1e-3, 1.0),
    ("object", "scale"): (1e-3, 1e3),
    ("light", "dome_kelvin"): (1000.0, 10000.0),
    ("light", "key_kelvin"): (1000.0, 10000.0),
    ("light", "key_elevation_deg"): (0.0, 90.0),
    ("camera", "distance"): (0.1, 100.0),
    ("camera", "elevation_deg"): (-90.0, 90.0),
    ("camera", "focal_length_mm"): (1.0, 1000.0),
}
#: Where ``posterior`` means something.
_WITH_ESTIMATE = {("object", "density"), ("object", "friction"), ("object", "restitution")}
#: Tables that may be stated for one twin.
_PER_TWIN = ("object", "look")


@dataclass(frozen=True, slots=True)
class SettleSpec:
    """When a variation counts as settled.

    Attributes:
        window_s: How long nothing may move.
        rest_move_m: How far it may.
        rest_turn_deg: And turn.
        longest_s: Time after which a variation that still moves is given up.
        time_step_s: Of the simulation.
        penetration_m: Deepest overlap that is accepted.
        retries: Further draws after a rejection.
    """

    window_s: float
    rest_move_m: float
    rest_turn_deg: float
    longest_s: float
    time_step_s: float
    penetration_m: float
    retries: int


@dataclass(frozen=True, slots=True)
class Spec:
    """A checked spec.

    Attributes:
        design: How numbers are spread.
        support: Kind of support.
        size_m: Its inner size; zeros for "from the objects".
        fill: Share of the floor that the objects cover, when the size is chosen.
        wall_m: Thickness of the bin.
        objects: Number of instances in the scene; 0 for one of each twin.
        left_out: How many of them a variation lacks.
        orientation: How they are dropped.
        clearance: Gap between bounding boxes before the fall, over half their longest side.
        values: Distributions by (table, key) for all twins.
        by_twin: The same by twin name, where a twin has its own.
        weights: By twin name; 1 for the others.
        target: Instance or twin to occlude; empty for none.
        occlusion: Bounds of the share to hide.
        settle: When a variation counts as settled.
        sha256: Of the spec's meaning: equal for two files that say the same.
        raw: All values, for the record.
    """

    design: Design
    support: SupportKind
    size_m: tuple[float, float, float]
    fill: float
    wall_m: float
    objects: int
    left_out: Distribution
    orientation: Orientation
    clearance: float
    values: dict[tuple[str, str], Distribution]
    by_twin: dict[str, dict[tuple[str, str], Distribution]]
    weights: dict[str, float]
    target: str
    occlusion: tuple[float, float]
    settle: SettleSpec
    sha256: str
    raw: dict[str, Any]

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> Spec:
        """The spec of a record (``raw``)."""
        merged = {name: value for name, value in raw.items() if name != "twin"}
        return _Reader("manifest.json", "", merged, raw.get("twin", {})).spec()

    def value(self, table: str, name: str, twin: str = "") -> Distribution:
        """The distribution of a property, the twin's own first."""
        return self.by_twin.get(twin, {}).get((table, name), self.values[(table, name)])


def read_spec(path: Path | None = None) -> Spec:
    """Read a spec file on top of the shipped one; without a file, the shipped one.

    Raises:
        ConfigError: With file, line and fix.
    """
    base = settings.read_toml(settings.shipped("config", "randomization", "default.toml"))
    if path is None:
        return _Reader("default.toml", "", base, {}).spec()
    user = settings.read_toml(path)
    twins = user.pop("twin", {})
    text = path.read_text(encoding="utf-8")
    reader = _Reader(path.name, text, base, twins)
    reader.merge(user)
    return reader.spec()


class _Reader:
    def __init__(self, file: str, text: str, merged: dict[str, Any], twins: Any) -> None:
        self._file, self._lines, self._merged, self._twins = file, text.splitlines(), merged, twins

    def merge(self, user: dict[str, Any]) -> None:
        """The user's values on top."""
        version = user.get("schema_version", SPEC_VERSION)
        if version != SPEC_VERSION:
            raise self._error(
                "spec_version",
                (),
                "schema_version",
                f"is {version!r}, but this version of physicl_twin reads {SPEC_VERSION}",
                "Start from config/randomization/default.toml.",
            )
        for table, values in user.items():
            if table == "schema_version":
                continue
            self._known((), table, self._merged, "table")
            if not isinstance(values, dict):
                raise self._error("spec_wrong_type", (), table, "is no table", f"Write [{table}] and keys below it.")
            for name, value in values.items():
                self._known((table,), name, self._merged[table], "property")
                self._merged[table] = {**self._merged[table], name: value}

    def _known(self, where: tuple[str, ...], name: str, known: dict[str, Any], kind: str) -> None:
        if name in known and name != "schema_version":
            return
        near = difflib.get_close_matches(name, known, 1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known))}."
        raise self._error("spec_unknown_property", where, name, f"is no {kind} of a randomization spec", hint)

    def spec(self) -> Spec:
        merged = self._merged
        values = {
            (table, name): self._distribution((table,), table, name, merged[table][name])
            for table in _PLAIN
            for name in merged[table]
            if name not in _PLAIN[table]
        }
        scene, occlusion = merged["scene"], merged["occlusion"]
        by_twin, weights = self._per_twin()
        return Spec(
            self._choice("sampling", "design", get_args(Design)),
            self._choice("scene", "support", get_args(SupportKind)),
            self._size(scene["size_m"]),
            self._number("scene", "fill", 1e-3, 10.0),
            self._number("scene", "wall_m", 1e-4, 1.0),
            self._whole("scene", "objects", 0, 10000),
            self._count("scene", "left_out"),
            self._choice("placement", "orientation", get_args(Orientation)),
            self._number("placement", "clearance", 0.0, 10.0),
            values,
            by_twin,
            {"": float(merged["object"]["weight"]), **weights},
            self._text("occlusion", "target"),
            self._range(occlusion["range"]),
            self._settle(),
            _hash({**merged, "twin": self._twins}),
            {**merged, "twin": self._twins},
        )

    def _per_twin(self) -> tuple[dict[str, dict[tuple[str, str], Distribution]], dict[str, float]]:
        if not isinstance(self._twins, dict):
            raise self._error("spec_wrong_type", (), "twin", "is no table", "Write [twin.NAME.object].")
        result: dict[str, dict[tuple[str, str], Distribution]] = {}
        weights: dict[str, float] = {}
        for twin, tables in self._twins.items():
            for table, values in tables.items() if isinstance(tables, dict) else [("", None)]:
                if table not in _PER_TWIN or not isinstance(values, dict):
                    hint = f"Tables of a twin: {', '.join(_PER_TWIN)}."
                    raise self._error("spec_unknown_property", ("twin", twin), table, "is no table of a twin", hint)
                for name, value in values.items():
                    where = ("twin", twin, table)
                    self._known(where, name, self._merged[table], "property")
                    if name == "weight":
                        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e6:
                            raise self._error("spec_wrong_value", where, name, f"is {value!r}", "Give a number from 0.")
                        weights[twin] = float(value)
                    else:
                        distribution = self._distribution(where, table, name, value)
                        result.setdefault(twin, {})[(table, name)] = distribution
        return result, weights

    def _distribution(self, where: tuple[str, ...], table: str, name: str, value: Any) -> Distribution:
        try:
            found = parse(value)
        except ConfigError as error:
            problem = f"cannot be read: {error.message.rstrip('.')}"
            raise self._error("spec_distribution", where, name, problem, error.hint) from None
        if isinstance(found, Posterior):
            if (table, name) not in _WITH_ESTIMATE:
                hint = "Only density, friction and restitution of an object have a posterior; give numbers here."
                raise self._error("spec_distribution", where, name, "has no estimate to draw from", hint)
            return found
        if isinstance(found, Fixed | Choice):
            given = [found.value] if isinstance(found, Fixed) else list(found.values)
            if not all(isinstance(v, float) for v in given):
                raise self._error("spec_distribution", where, name, f"is {value!r}", "Give numbers.")
        low, high = _BOUNDS.get((table, name), (None, None))
        if low is not None and high is not None:
            ends = [found.low, found.high] if isinstance(found, Normal) else [found.quantile(0.0), found.quantile(1.0)]
            if isinstance(found, Choice):
                ends = [v for v in found.values if isinstance(v, float)]
            if isinstance(found, Normal) and not (found.low >= low and found.high <= high):
                hint = f"Write low = and high = within {low:g} to {high:g}: a normal distribution has no ends."
                raise self._error("spec_wrong_value", where, name, f"may be outside {low:g} to {high:g}", hint)
            if any(not low <= float(end) <= high for end in ends):
                hint = f"Keep it within {low:g} to {high:g}."
                raise self._error("spec_wrong_value", where, name, f"leaves {low:g} to {high:g}", hint)
        return found

    def _count(self, table: str, name: str) -> Distribution:
        found = self._distribution((table,), table, name, self._merged[table][name])
        return found

    def _choice(self, table: str, name: str, allowed: tuple[Any, ...]) -> Any:
        value = self._merged[table][name]
        if value not in allowed:
            options = ", ".join(f'"{option}"' for option in allowed)
            raise self._error("spec_wrong_value", (table,), name, f"is {value!r}", f"It may be {options}.")
        return value

    def _number(self, table: str, name: str, low: float, high: float) -> float:
        value = self._merged[table][name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            hint = f"Give a number from {low:g} to {high:g}."
            raise self._error("spec_wrong_value", (table,), name, f"is {value!r}", hint)
        return float(value)

    def _whole(self, table: str, name: str, low: int, high: int) -> int:
        value = self._merged[table][name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            hint = f"Give a whole number from {low} to {high}."
            raise self._error("spec_wrong_value", (table,), name, f"is {value!r}", hint)
        return value

    def _text(self, table: str, name: str) -> str:
        value = self._merged[table][name]
        if not isinstance(value, str):
            raise self._error("spec_wrong_value", (table,), name, f"is {value!r}", "Give a text in quotes.")
        return value

    def _size(self, value: Any) -> tuple[float, float, float]:
        if not (isinstance(value, list) and len(value) == 3 and all(_is_length(v) for v in value)):
            hint = "Give three lengths in metres."
            raise self._error("spec_wrong_value", ("scene",), "size_m", f"is {value!r}", hint)
        if any(v > 0 for v in value[:2]) and not all(v > 0 for v in value[:2]):
            raise self._error(
                "spec_wrong_value", ("scene",), "size_m", f"is {value!r}", "Give length and width, or neither."
            )
        return (float(value[0]), float(value[1]), float(value[2]))

    def _range(self, value: Any) -> tuple[float, float]:
        if (
            isinstance(value, list)
            and len(value) == 2
            and all(_is_length(v) for v in value)
            and value[0] <= value[1] <= 1.0
        ):
            return (float(value[0]), float(value[1]))
        raise self._error(
            "spec_wrong_value", ("occlusion",), "range", f"is {value!r}", "Give [low, high] within 0 and 1."
        )

    def _settle(self) -> SettleSpec:
        return SettleSpec(
            self._number("settle", "window_s", 0.05, 60.0),
            self._number("settle", "rest_move_m", 1e-6, 1.0),
            self._number("settle", "rest_turn_deg", 1e-3, 180.0),
            self._number("settle", "longest_s", 0.1, 600.0),
            self._number("settle", "time_step_s", 1e-4, 0.02),
            self._number("settle", "penetration_m", 1e-6, 1.0),
            self._whole("settle", "retries", 0, 1000),
        )

    def _error(self, code: str, where: tuple[str, ...], name: str, problem: str, hint: str) -> ConfigError:
        line = self._line(where, name)
        at = f"{self._file}, line {line}" if line else self._file
        return ConfigError(code, f"{at}: {'.'.join((*where, name))} {problem}.", hint)

    def _line(self, where: tuple[str, ...], name: str) -> int:
        """Line of a key in the user's file, 0 when it is not there."""
        table: tuple[str, ...] = ()
        for number, line in enumerate(self._lines, 1):
            if header := re.match(r"\s*\[([^\[\]]+)\]", line):
                table = tuple(word.strip().strip("\"'") for word in header[1].split("."))
                if table == (*where, name):
                    return number
            elif (key := re.match(r"\s*([^=#]+?)\s*=", line)) is not None:
                full = (*table, *(word.strip().strip("\"'") for word in key[1].split(".")))
                if full[: len(where) + 1] == (*where, name):
                    return number
        return 0


def _is_length(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and 0.0 <= value < 1e4


def _hash(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
