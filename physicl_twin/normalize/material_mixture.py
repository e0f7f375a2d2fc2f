"""From what a part may be made of, with probabilities, to estimates of its properties."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from physicl_twin.model import Estimate, Evidence
from physicl_twin.normalize.material_table import MaterialGroup, MaterialRow, MaterialTable, Property, Value

#: (row or group id, probability); sums to 1.
Distribution = tuple[tuple[str, float], ...]

UNITS: Mapping[Property, str] = {
    "density": "kg/m3",
    "static_friction": "1",
    "dynamic_friction": "1",
    "restitution": "1",
    "youngs_modulus_gpa": "Pa",
    "poissons_ratio": "1",
}
_TO_SI: Mapping[Property, float] = {"youngs_modulus_gpa": 1e9}
_WORDS: Mapping[Property, str] = {
    "density": "Density",
    "static_friction": "Static friction",
    "dynamic_friction": "Dynamic friction",
    "restitution": "Restitution",
    "youngs_modulus_gpa": "Young's modulus",
    "poissons_ratio": "Poisson's ratio",
}
#: Relative standard deviation that relatives leave open at least (judgement): a few that happen to agree say less.
_RELATIVES_SPREAD = 0.25
_BISECTIONS = 60
#: Half-width of the 90 % interval of a density that no citation makes narrower, relative; fluids are exempt. It is that
#: of a single cited value (``[single_value_spread]``): the name of a material fixes its density no better (judgement).
_LEAST_DENSITY = 0.02


@dataclass(frozen=True, slots=True)
class UnknownPrior:
    """What is assumed of a part of which nothing is known (settings ``[materials.unknown]``).

    Attributes:
        family_weights: How often a part is of each family; relative.
        fill_low: Smallest share of the outer volume that is material (a thin shell).
        fill_high: Largest share (solid).
    """

    family_weights: Mapping[str, float]
    fill_low: float
    fill_high: float


def expand(table: MaterialTable, distribution: Distribution) -> Distribution:
    """The distribution over rows alone: groups spread over their members by weight. Likeliest first."""
    rows: dict[str, float] = {}
    for target_id, probability in distribution:
        target = table.target(target_id)
        members = [target] if isinstance(target, MaterialRow) else [table.rows[member] for member in target.members]
        total = sum(member.weight for member in members)
        for member in members:
            rows[member.id] = rows.get(member.id, 0.0) + probability * member.weight / total
    return tuple(sorted(rows.items(), key=lambda item: (-item[1], item[0])))


def mixture(
    components: Sequence[tuple[float, Estimate]],
    unit: str,
    method: str,
    evidence: tuple[Evidence, ...],
    flags: tuple[str, ...],
) -> Estimate:
    """One estimate whose 90 % interval is that of a weighted mixture of estimates.

    Args:
        components: (weight > 0, estimate), in one unit.
        unit: Their unit.
        method: How the mixture came about.
        evidence: Reasons.
        flags: Warnings.
    """
    total = sum(weight for weight, _ in components)
    low, high = (_mixture_quantile(components, u * total) for u in (0.05, 0.95))
    return Estimate.interval(low, high, unit, method, evidence, flags)


def _mixture_quantile(components: Sequence[tuple[float, Estimate]], mass: float) -> float:
    left = min(estimate.low - 3 * estimate.std for _, estimate in components)
    right = max(estimate.high + 3 * estimate.std for _, estimate in components)
    positive = all(estimate.low > 0 for _, estimate in components)
    left = max(left, min(estimate.low for _, estimate in components) / 10) if positive else left
    for _ in range(_BISECTIONS):
        middle = math.sqrt(left * right) if positive else 0.5 * (left + right)
        if sum(weight * _cdf(estimate, middle) for weight, estimate in components) < mass:
            left = middle
        else:
            right = middle
    return right


def _cdf(estimate: Estimate, x: float) -> float:
    if estimate.distribution == "exact" or estimate.std == 0:
        return 1.0 if x >= estimate.value else 0.0
    if estimate.distribution == "lognormal":
        return _standard_cdf(math.log(x / estimate.value) / estimate.log_std) if x > 0 else 0.0
    return _standard_cdf((x - estimate.value) / estimate.std)


def _standard_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def property_estimate(table: MaterialTable, prop: Property, distribution: Distribution) -> Estimate | None:
    """A property of something that is made as the distribution says, from the table.

    A row without a cited value takes its family's, flagged ``family_value``; a family without one takes the mixture of
    all rows, flagged ``no_source``.
    Young's modulus and Poisson's ratio have no such stand-in: None when no candidate has one.

    Args:
        table: The material base.
        prop: Which property.
        distribution: Rows and groups with probabilities.
    """
    key = ("distribution", prop, distribution)
    if key not in table.memo:
        table.memo[key] = _spread_over_rows(table, prop, distribution)
    known: Estimate | None = table.memo[key]
    return known


def _spread_over_rows(table: MaterialTable, prop: Property, distribution: Distribution) -> Estimate | None:
    optional = prop in ("youngs_modulus_gpa", "poissons_ratio")
    components: list[tuple[float, Estimate]] = []
    for row_id, probability in expand(table, distribution):
        key = ("row", prop, row_id)
        if key not in table.memo:
            table.memo[key] = _row_estimate(table, prop, table.rows[row_id], optional)
        estimate = table.memo[key]
        if estimate is not None:
            components.append((probability, estimate))
    if not components:
        return None
    if len(components) == 1:
        return components[0][1]
    flags = tuple(dict.fromkeys(flag for _, estimate in components for flag in estimate.flags))
    names = ", ".join(f"{table.target(target).title} {probability:.0%}" for target, probability in distribution[:3])
    return mixture(
        components, UNITS[prop], f"mixture of {len(components)} materials",
        (Evidence("table", f"{_WORDS[prop]} spread over {len(components)} rows ({names}).", "materials.toml", prop),),
        flags,
    )  # fmt: skip


def _row_estimate(table: MaterialTable, prop: Property, row: MaterialRow, optional: bool) -> Estimate | None:
    if prop in ("static_friction", "dynamic_friction"):
        fitted = _fitted_friction(table, prop, row)
        # What is cited of the row itself, against whatever it was, says more than its family's pairs.
        if fitted is not None and not (fitted.flags and "static_friction" in row.values):
            return fitted
    if prop in row.values:
        return _cited(table, prop, row.values[prop], row.title, row.id)
    if prop == "dynamic_friction" and "static_friction" in row.values:
        return _dynamic_from_static(table, row.values["static_friction"], row.title, row.id)
    if optional:
        return None
    family = table.groups[row.family]
    if prop in family.values:
        return _cited(table, prop, family.values[prop], family.title, family.id).with_evidence(flags=("family_value",))
    if prop == "dynamic_friction" and "static_friction" in family.values:
        return _dynamic_from_static(table, family.values["static_friction"], family.title, family.id).with_evidence(
            flags=("family_value",)
        )
    relatives = [table.rows[member] for member in family.members]
    for whose, rows, flag in (
        (f"the {family.title.lower()} family", relatives, "family_value"),
        ("all materials", list(table.rows.values()), "no_source"),
    ):
        key = ("pool", prop, whose)
        if key not in table.memo:
            table.memo[key] = _pooled(table, prop, rows, whose, flag)
        pooled: Estimate | None = table.memo[key]
        if pooled is not None:
            return pooled
    return None


def _fitted_friction(table: MaterialTable, prop: Property, row: MaterialRow) -> Estimate | None:
    """A body's own coefficient from the table of pairs, under PhysX's rule; None when its family is in no pair."""
    from physicl_twin.normalize.friction_pairs import FrictionTable, body_estimate, body_friction

    kind: Literal["static", "dynamic"] = "static" if prop == "static_friction" else "dynamic"
    key = ("fit", prop, "average")
    if key not in table.memo:
        table.memo[key] = body_friction(FrictionTable.load().pairs, table, kind, "average")
    return body_estimate(table.memo[key], row.id, table, kind)


def _pooled(
    table: MaterialTable, prop: Property, rows: Sequence[MaterialRow], whose: str, flag: str
) -> Estimate | None:
    components: list[tuple[float, Estimate]] = []
    for row in rows:
        if prop in row.values:
            components.append((row.weight, _cited(table, prop, row.values[prop], row.title, row.id)))
        elif prop == "dynamic_friction" and "static_friction" in row.values:
            components.append(
                (row.weight, _dynamic_from_static(table, row.values["static_friction"], row.title, row.id))
            )
    if not components:
        return None
    statement = f"{_WORDS[prop]}: no source was found; the range of {whose} ({len(components)} rows) stands in."
    evidence = (Evidence("table", statement, "materials.toml", prop),)
    pooled = mixture(components, UNITS[prop], "range of relatives", evidence, (flag,))
    if pooled.value > 0 and pooled.std < _RELATIVES_SPREAD * pooled.value:
        return Estimate.lognormal(
            pooled.value, _RELATIVES_SPREAD, UNITS[prop], "range of relatives, widened", evidence, (flag,)
        )
    return pooled


def _cited(table: MaterialTable, prop: Property, value: Value, title: str, target_id: str) -> Estimate:
    scale = _TO_SI.get(prop, 1.0)
    against = f" against {value.against}" if value.against else ""
    note = f" ({value.note})" if value.note else ""
    cited = "; ".join(table.sources[source].title for source in value.sources)
    unit = {"density": " kg/m3", "youngs_modulus_gpa": " GPa"}.get(prop, "")
    statement = f"{_WORDS[prop]} of {title}{against}: {value.low:g} to {value.high:g}{unit}{note}. {cited}."
    method = "cited value with the table's spread" if value.single else "cited interval"
    low, high = value.low, value.high
    middle = 0.5 * (low + high)
    if prop == "density" and table.target(target_id).family != "fluid" and high - low < 2 * _LEAST_DENSITY * middle:
        low, high = middle * (1 - _LEAST_DENSITY), middle * (1 + _LEAST_DENSITY)
        statement += f" Widened to ± {_LEAST_DENSITY:.0%}: grades, lots and finish of a real part differ by as much."
    return Estimate.interval(
        low * scale,
        high * scale,
        UNITS[prop],
        method,
        (Evidence("table", statement, f"materials.toml:{target_id}", prop),),
    )


def _dynamic_from_static(table: MaterialTable, static: Value, title: str, target_id: str) -> Estimate:
    factor = table.dynamic_from_static
    rule = table.sources[table.dynamic_source].title
    statement = f"Dynamic friction of {title}: {factor:g} of the static one. {rule}."
    evidence = Evidence("rule", statement, f"materials.toml:{target_id}", "static_friction")
    return Estimate.interval(
        static.low * factor, static.high * factor, "1", "rule from static friction", (evidence,),
        ("dynamic_from_static",),
    )  # fmt: skip


def unknown_density(table: MaterialTable, prior: UnknownPrior) -> Estimate:
    """Effective density (mass over outer volume) of a part of unknown material and unknown hollowness.

    The logarithm of the effective density is the sum of two independent terms: ln(density of the material), spread over
    the families by ``family_weights`` and over each family's rows by weight, and ln(filled share), uniform between
    ``fill_low`` and ``fill_high``. Mean and variance add; the result is the lognormal with those moments.

    Args:
        table: The material base.
        prior: The judgement, from the settings.
    """
    total = sum(prior.family_weights.values())
    mean = second = 0.0
    for family, weight in sorted(prior.family_weights.items()):
        group = table.groups[family]
        members = [row for row in (table.rows[member] for member in group.members) if "density" in row.values]
        member_total = sum(row.weight for row in members)
        for row in members:
            estimate = _cited(table, "density", row.values["density"], row.title, row.id)
            share = weight / total * row.weight / member_total
            middle, spread = math.log(estimate.value), estimate.log_std
            mean += share * middle
            second += share * (middle * middle + spread * spread)
    variance = second - mean * mean
    low, high = math.log(prior.fill_low), math.log(prior.fill_high)
    median = math.exp(mean + 0.5 * (low + high))
    log_std = math.sqrt(variance + (high - low) ** 2 / 12.0)
    statement = (
        f"Nothing says what this is made of. Any common material, {prior.fill_low:.0%} to {prior.fill_high:.0%} of the "
        "outer volume filled: "
        f"within a factor {math.exp(1.645 * log_std):.1f} of {median:.0f} kg/m3 (90 %)."
    )
    return Estimate.lognormal(
        median,
        log_std,
        "kg/m3",
        "prior over materials and hollowness",
        (Evidence("prior", statement, "pipeline.toml", "materials.unknown"),),
        ("unknown_material",),
    )


def unknown_distribution(prior: UnknownPrior) -> Distribution:
    """The families by the prior's weights, as a distribution."""
    total = sum(prior.family_weights.values())
    return tuple(
        sorted(
            ((family, weight / total) for family, weight in prior.family_weights.items()),
            key=lambda item: (-item[1], item[0]),
        )
    )


def target_of(table: MaterialTable, distribution: Distribution) -> MaterialRow | MaterialGroup:
    """The likeliest row or group."""
    return table.target(max(distribution, key=lambda item: item[1])[0])
