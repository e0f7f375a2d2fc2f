"""Friction belongs to pairs of surfaces: the table of cited pairs, and what a body's own coefficient can say of them.

Engines want one number a body and combine the two of a contact by a rule. Under PhysX's ``average`` a pair has
(x_a + x_b) / 2, under ``multiply`` x_a x_b. The values x that reproduce the cited pairs best (least squares, each pair
weighted by its interval) are what a body gets; what no choice of them can reproduce stays as the residual, which is
reported and widens the estimate. Rows without a pair of their own lean on their group's and family's value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np

from physicl_twin.model import ConfigError, Estimate, Evidence
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.cited import cited_interval, require_keys
from physicl_twin.normalize.material_table import MaterialGroup, MaterialRow, MaterialTable, Value
from physicl_twin.settings import read_toml, shipped

FILE = "friction_pairs.toml"
SCHEMA_VERSION = 1
State = Literal["dry", "wet", "lubricated", "dusty"]
STATES: tuple[State, ...] = get_args(State)
Rule = Literal["average", "multiply"]
Kind = Literal["static", "dynamic"]
#: Standard deviation of a row's value about its group's or family's, and of a family's about the mean of all: in the
#: coefficient for ``average``, in its logarithm for ``multiply`` (judgements: what stands in where no pair is cited).
_ROW_SPREAD: Mapping[Rule, float] = {"average": 0.15, "multiply": 0.3}
_FAMILY_SPREAD: Mapping[Rule, float] = {"average": 0.3, "multiply": 0.6}
#: Standard deviation of a body's value about the mean of its own pairs (judgement): a body behaves as it usually meets,
#: and one odd partner does not make it slippery or sticky.
_OWN_SPREAD: Mapping[Rule, float] = {"average": 0.07, "multiply": 0.12}
#: No cited pair counts as more certain than this (judgement: surfaces of one name differ by so much).
_LEAST_SPREAD: Mapping[Rule, float] = {"average": 0.08, "multiply": 0.15}
#: That mean is drawn to the one of what the id belongs to as if one more pair said so (judgement): granite that is
#: cited on ice alone is not slippery.
_BORROWED_PAIRS = 1.0
#: A family's or group's value stands in for a row from this many pairs on.
_FAMILY_PAIRS = 3
#: Smallest coefficient of a body.
_LEAST = 0.005
_KEYS = {"a", "b", "state", "static", "dynamic"}


@dataclass(frozen=True, slots=True)
class FrictionPair:
    """Cited friction between two materials.

    Attributes:
        a: Row, group or family of the material base.
        b: Likewise.
        state: Of the surfaces.
        static: Coefficient of static friction, or None.
        dynamic: Coefficient of sliding friction, or None.
    """

    a: str
    b: str
    state: State
    static: Estimate | None
    dynamic: Estimate | None

    def of(self, kind: Kind) -> Estimate | None:
        """Its static or its dynamic coefficient."""
        return self.static if kind == "static" else self.dynamic


@dataclass(frozen=True, slots=True)
class BodyFriction:
    """The coefficients of single bodies that reproduce the pairs best under a combine rule.

    Attributes:
        rule: The rule.
        values: Coefficient by row, group and family id.
        std: Its spread: how well the pairs fix it, and how badly they agree.
        misfit: Root mean square of what no choice reproduces, over the pairs with each id.
        pairs: Number of pairs with each id.
        residual: Root mean square over all pairs, in the coefficient.
    """

    rule: Rule
    values: Mapping[str, float]
    std: Mapping[str, float]
    misfit: Mapping[str, float]
    pairs: Mapping[str, int]
    residual: float


@dataclass(frozen=True, slots=True)
class FrictionTable:
    """``config/friction_pairs.toml``, validated.

    Attributes:
        pairs: All of them.
    """

    pairs: tuple[FrictionPair, ...]

    @classmethod
    def load(cls) -> FrictionTable:
        """The shipped table, read once.

        Raises:
            ConfigError: ``friction_bad_row`` naming the row.
        """
        return _shipped()

    def pair(self, first: str, second: str, table: MaterialTable, state: State = "dry") -> FrictionPair | None:
        """The most specific cited pair of two materials; None when even their families have none.

        Args:
            first: Row, group or family id.
            second: Likewise.
            table: The material base, for groups and families.
            state: Of the surfaces.
        """
        best: tuple[int, FrictionPair] | None = None
        one, two = _line(first, table), _line(second, table)
        for pair in self.pairs:
            if pair.state != state:
                continue
            for a, b in ((pair.a, pair.b), (pair.b, pair.a)):
                if a in one and b in two:
                    distance = one.index(a) + two.index(b)
                    if best is None or distance < best[0]:
                        best = distance, pair
        return best[1] if best is not None else None


def _line(target: str, table: MaterialTable) -> tuple[str, ...]:
    """An id and what it belongs to, nearest first: the row, its groups from the smallest on, its family."""
    if target in table.groups:
        group = table.groups[target]
        return (target,) if target == group.family else (target, group.family)
    groups = [g for g in table.groups.values() if target in g.members and g.id != g.family]
    groups.sort(key=lambda g: len(g.members))
    return (target, *(g.id for g in groups), table.rows[target].family)


def body_friction(
    pairs: Sequence[FrictionPair], table: MaterialTable, kind: Kind = "static", rule: Rule = "average"
) -> BodyFriction:
    """Coefficients of single bodies by regularised least squares over the dry pairs.

    Minimises Σ_pairs (½(x_a + x_b) - μ)² / σ² + Σ_ids (x - m)² / s² with x ≥ 0.005, m being the mean of the pairs
    that the id (or a member of it) is in, drawn to that of its group, family and of all pairs where it is in few; for
    ``multiply`` the same in logarithms without the ½. The spread of x is that of the quadratic form's inverse, scaled
    up where the pairs scatter more than their intervals say.

    Args:
        pairs: Cited pairs; those of other states are left out.
        table: The material base.
        kind: Static or dynamic.
        rule: Combine rule of the engine.
    """
    from scipy.optimize import lsq_linear

    cited = [(p, e) for p in pairs if p.state == "dry" and (e := p.of(kind)) is not None]
    ids = list(dict.fromkeys(name for p, _ in cited for end in (p.a, p.b) for name in reversed(_line(end, table))))
    place = {name: index for index, name in enumerate(ids)}
    logarithmic = rule == "multiply"
    share = 1.0 if logarithmic else 0.5
    rows: list[FloatArray] = []
    wanted: list[float] = []
    targets = [math.log(max(e.value, _LEAST)) if logarithmic else e.value for _, e in cited]
    mean = float(np.mean(targets)) * (0.5 if logarithmic else 1.0)
    for (pair, estimate), target in zip(cited, targets, strict=True):
        spread = max(estimate.log_std if logarithmic else estimate.std, _LEAST_SPREAD[rule])
        row = np.zeros(len(ids))
        row[place[pair.a]] += share / spread
        row[place[pair.b]] += share / spread
        rows.append(row)
        wanted.append(target / spread)
    met: dict[str, list[float]] = {}
    for (pair, _), target in zip(cited, targets, strict=True):
        for name in {*_line(pair.a, table), *_line(pair.b, table)}:
            met.setdefault(name, []).append(target * (0.5 if logarithmic else 1.0))

    def usual(line: Sequence[str]) -> float:
        """The mean of what the first of a line meets with, drawn to that of the rest of the line."""
        if not line:
            return mean
        own = met.get(line[0], [])
        return (sum(own) + _BORROWED_PAIRS * usual(line[1:])) / (len(own) + _BORROWED_PAIRS)

    for name in ids:
        line = [above for above in _line(name, table)[1:] if above in place]
        row = np.zeros(len(ids))
        if name in met:  # what it usually meets with; a family's members count for it
            row[place[name]] = 1 / _OWN_SPREAD[rule]
            wanted.append(usual((name, *line)) / _OWN_SPREAD[rule])
        else:
            spread = _ROW_SPREAD[rule] if line else _FAMILY_SPREAD[rule]
            row[place[name]] = 1 / spread
            if line:
                row[place[line[0]]] = -1 / spread
            wanted.append(0.0 if line else mean / spread)
        rows.append(row)
    matrix, right = np.array(rows), np.array(wanted)
    low = math.log(_LEAST) if logarithmic else _LEAST
    found = lsq_linear(matrix, right, bounds=(low, np.inf), method="bvls").x
    count = len(cited)
    scatter = float(np.mean((matrix[:count] @ found - right[:count]) ** 2))
    covariance = np.linalg.inv(matrix.T @ matrix) * max(1.0, scatter)
    values = np.exp(found) if logarithmic else found
    std = np.sqrt(np.diag(covariance)) * (values if logarithmic else 1.0)
    made = [
        (values[place[p.a]] * values[place[p.b]] if logarithmic else 0.5 * (values[place[p.a]] + values[place[p.b]]))
        for p, _ in cited
    ]
    misses = [(p, m - e.value) for (p, e), m in zip(cited, made, strict=True)]
    squares: dict[str, list[float]] = {}
    for pair, miss in misses:
        for name in {*_line(pair.a, table), *_line(pair.b, table)}:
            squares.setdefault(name, []).append(miss * miss)
    return BodyFriction(
        rule,
        {name: float(values[i]) for name, i in place.items()},
        {name: float(std[i]) for name, i in place.items()},
        {name: math.sqrt(float(np.mean(found))) for name, found in squares.items()},
        {name: len(found) for name, found in squares.items()},
        math.sqrt(float(np.mean([miss * miss for _, miss in misses]))) if misses else 0.0,
    )


def body_estimate(fit: BodyFriction, target: str, table: MaterialTable, kind: Kind) -> Estimate | None:
    """A body's own coefficient from the pairs; None when not even its family is in one.

    Args:
        fit: From ``body_friction``.
        target: Row, group or family id.
        table: The material base.
        kind: For the words.
    """
    for name in _line(target, table):
        own = name == target
        if name not in fit.values or (not own and fit.pairs.get(name, 0) < _FAMILY_PAIRS):
            continue
        spread = math.hypot(fit.std[name], fit.misfit.get(name, fit.residual), 0.0 if own else _ROW_SPREAD["average"])
        title = table.target(name).title
        evidence = Evidence(
            "table",
            f"{kind.capitalize()} friction of {title} as one number a body: fitted to {fit.pairs[name]} cited pairs "
            f"under the rule {fit.rule}; the pairs with it are missed by {fit.misfit[name]:.2f} on average.",
            FILE,
            name,
        )
        value = fit.values[name]
        log_std = min(spread / value, 1.0)
        flags = () if own else ("family_value",)
        return Estimate.lognormal(value, log_std, "1", "least squares over friction pairs", (evidence,), flags)
    return None


@lru_cache(maxsize=1)
def _shipped() -> FrictionTable:
    data = read_toml(shipped("config", FILE))
    sources = read_toml(shipped("config", str(data["sources_file"])))["sources"]
    table = MaterialTable.load()
    found = read_friction(data, {key: str(row["title"]) for key, row in sources.items()}, table)
    return replace(found, pairs=found.pairs + pairs_of_rows(table, found.pairs))


def pairs_of_rows(table: MaterialTable, known: Sequence[FrictionPair] = ()) -> tuple[FrictionPair, ...]:
    """The pairs that rows of the material base cite against a named counterface, but for those that are known.

    Args:
        table: The material base.
        known: Pairs that stand in the table of pairs.
    """
    taken = {frozenset((pair.a, pair.b)) for pair in known if pair.state == "dry"}
    found: list[FrictionPair] = []
    rows: list[MaterialRow | MaterialGroup] = [*table.rows.values(), *table.groups.values()]
    for row in rows:
        static, dynamic = row.values.get("static_friction"), row.values.get("dynamic_friction")
        against = next((v.against for v in (static, dynamic) if v is not None), "")
        other = row.id if against == "self" else against
        if (other not in table.rows and other not in table.groups) or frozenset((row.id, other)) in taken:
            continue
        words = f"{row.title} on {table.target(other).title}, dry"
        cited = [
            _cited_value(value, f"{name}, {words}", row.id, table)
            if value is not None and value.against == against
            else None
            for name, value in (("Static friction", static), ("Sliding friction", dynamic))
        ]
        found.append(FrictionPair(row.id, other, "dry", cited[0], cited[1]))
    return tuple(found)


def _cited_value(value: Value, words: str, row: str, table: MaterialTable) -> Estimate:
    cited = "; ".join(table.sources[source].title for source in value.sources)
    evidence = Evidence("table", f"{words}: {value.low:g} to {value.high:g}. {cited}.", "materials.toml", row)
    return Estimate.interval(value.low, value.high, "1", "cited interval", (evidence,))


def read_friction(data: Mapping[str, Any], sources: Mapping[str, str], table: MaterialTable) -> FrictionTable:
    """The table from parsed TOML.

    Args:
        data: The file.
        sources: Titles of the citations by id.
        table: The material base that the ids belong to.

    Raises:
        ConfigError: ``friction_bad_row``.
    """
    if data.get("schema_version") != SCHEMA_VERSION:
        raise _fail("schema_version", f"is {data.get('schema_version')!r}, this version reads {SCHEMA_VERSION}")
    require_keys("the file", data, ("schema_version", "sources_file", "pair"), _fail)
    pairs: list[FrictionPair] = []
    known: set[tuple[str, str, str]] = set()
    for number, raw in enumerate(data.get("pair", ()), 1):
        where = f"pair {number} ({raw.get('a')}, {raw.get('b')})"
        require_keys(where, raw, _KEYS, _fail)
        a, b = _target(where, raw["a"], table), _target(where, raw["b"], table)
        state = raw.get("state", "dry")
        if state not in STATES:
            raise _fail(where, f"its state {state!r} is none of {', '.join(STATES)}")
        if (min(a, b), max(a, b), state) in known:
            raise _fail(where, "stands in the table twice")
        known.add((min(a, b), max(a, b), state))
        words = f"{table.target(a).title} on {table.target(b).title}, {state}"
        static = _number(where, raw.get("static"), f"Static friction, {words}", sources)
        dynamic = _number(where, raw.get("dynamic"), f"Sliding friction, {words}", sources)
        if static is None and dynamic is None:
            raise _fail(where, "has neither a static nor a dynamic coefficient")
        pairs.append(FrictionPair(a, b, state, static, dynamic))
    return FrictionTable(tuple(pairs))


def _target(where: str, name: object, table: MaterialTable) -> str:
    if not isinstance(name, str) or (name not in table.rows and name not in table.groups):
        raise _fail(where, f"the material base has no {name!r}")
    return name


def _number(where: str, raw: Mapping[str, Any] | None, words: str, sources: Mapping[str, str]) -> Estimate | None:
    if raw is None:
        return None
    low, high, origin, _ = cited_interval(where, raw, sources, _fail)
    evidence = Evidence("table", f"{words}: {low:g} to {high:g}{origin}", FILE, where)
    return Estimate.interval(low, high, "1", "cited interval", (evidence,))


def _fail(where: str, message: str) -> ConfigError:
    return ConfigError("friction_bad_row", f"{FILE}: {where}: {message}.", f"See the head of config/{FILE}.")
