"""What a set covers: marginals against what the spec asked for, pairs, discrepancy, duplicates."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from physicl_twin.augment.distributions import Choice, Distribution, Fixed, Posterior, Uniform
from physicl_twin.augment.family import Family, Member
from physicl_twin.model import Estimate
from physicl_twin.model.geometry import FloatArray

Quantile = Callable[[float], float]


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """Values of one property over the accepted members.

    Attributes:
        title: What it is.
        unit: Of the values.
        values: (N,).
        distance: Largest gap between their distribution and the one asked for (Kolmogorov-Smirnov), 0..1; None where
            nothing was asked for.
        even: Gap that a plain random draw of as many members exceeds in one case of twenty.
    """

    title: str
    unit: str
    values: FloatArray
    distance: float | None
    even: float


def marginals(family: Family, rows: Sequence[dict[str, Any]]) -> list[Marginal]:
    """The properties that differ between members.

    Args:
        family: What was asked for.
        rows: Accepted rows of the manifest.
    """
    spec = family.spec
    found = [
        _marginal(what, unit, [row[where][name] for row in rows], spec.value(where, key))
        for where, name, key, _, what, unit in _SCENE
    ]
    found.append(
        _marginal(
            "static friction of the support",
            "1",
            [row["support"]["static_friction"] for row in rows],
            spec.value("scene", "static_friction"),
        )
    )
    for member in family.members:
        there = [item for row in rows for item in row["objects"] if item["twin"] == member.name]
        if not there:
            continue
        scale = spec.value("object", "scale", member.name)
        found.append(_marginal(f"scale of {member.name}", "1", [item["scale"] for item in there], scale))
        mass = spec.value("object", "density", member.name)
        factors = [item["mass_factor"] for item in there]
        found.append(_posterior(f"mass of {member.name} over its best estimate", "1", factors, mass, member.mass, True))
        for material in member.materials:
            friction = spec.value("object", "friction", member.name)
            values = [
                s["static_friction"] for item in there for s in item["surfaces"] if s["material"] == material.name
            ]
            title = f"static friction of {member.name}, {material.title or material.name}"
            found.append(_posterior(title, "1", values, friction, material.static_friction, False))
    return [one for one in found if len(one.values) and np.ptp(one.values) > 0.0]


#: Table and column of the rows, key of the spec, the property in few words and in more, its unit.
_SCENE = (
    ("light", "dome_intensity", "dome_nits", "dome light", "intensity of the dome light", "nit"),
    ("light", "dome_kelvin", "dome_kelvin", "dome colour", "colour of the dome light", "K"),
    ("light", "key_intensity", "key_nits", "key light", "intensity of the key light", "nit"),
    ("light", "key_kelvin", "key_kelvin", "key colour", "colour of the key light", "K"),
    ("camera", "focal_length_mm", "focal_length_mm", "focal length", "focal length of the camera", "mm"),
)


def _posterior(
    title: str, unit: str, values: list[float], asked: Distribution, estimate: Estimate, relative: bool
) -> Marginal:
    """A marginal of what may be drawn from an estimate."""
    if not isinstance(asked, Posterior):
        return _marginal(title, unit, values, asked)
    over = estimate.value if relative else 1.0
    return _against(title, unit, values, lambda u: asked.of(estimate, u) / over)


def _marginal(title: str, unit: str, values: list[float], asked: Distribution) -> Marginal:
    quantile = _quantile(asked)
    if quantile is None:
        return Marginal(title, unit, np.array(values, dtype=float), None, 0.0)
    return _against(title, unit, values, quantile)


def _against(title: str, unit: str, values: list[float], quantile: Quantile) -> Marginal:
    """Kolmogorov-Smirnov distance to a distribution that is known by its quantiles."""
    ordered: FloatArray = np.sort(np.array(values, dtype=float))
    expected = _shares(ordered, quantile)
    count = len(ordered)
    if not count:
        return Marginal(title, unit, ordered, None, 0.0)
    upper, lower = np.arange(1, count + 1) / count, np.arange(count) / count
    distance = float(np.maximum(np.abs(upper - expected), np.abs(lower - expected)).max())
    # Critical value of the Kolmogorov-Smirnov test at 5 %, for many values (Smirnov 1948: 1.358 / sqrt(N)).
    return Marginal(title, unit, ordered, distance, 1.358 / float(np.sqrt(count)))


def _shares(values: FloatArray, quantile: Quantile) -> FloatArray:
    """Share of the distribution that lies below each value, 0..1."""
    shares = np.linspace(0.0005, 0.9995, 2000)
    return np.interp(values, np.array([quantile(float(u)) for u in shares]), shares)


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One property with one value a member.

    Attributes:
        title: What it is, in a few words.
        unit: Of the values.
        values: (N,).
        shares: (N,) share of the distribution asked for that lies below each value: even when the set covers it.
    """

    title: str
    unit: str
    values: FloatArray
    shares: FloatArray


def axes(family: Family, rows: Sequence[dict[str, Any]]) -> list[Axis]:
    """The properties that span what a set covers: of the scene, and of the first object of each twin.

    Args:
        family: What was asked for.
        rows: Accepted rows of the manifest.
    """
    spec, found = family.spec, []

    def add(title: str, unit: str, values: Sequence[float] | FloatArray, asked: Distribution | Quantile) -> None:
        quantile = _quantile(asked) if isinstance(asked, Distribution) else asked
        column = np.array(values, dtype=float)
        if quantile is not None and len(column) and np.ptp(column) > 0.0:
            found.append(Axis(title, unit, column, _shares(column, quantile)))

    friction = [row["support"]["static_friction"] for row in rows]
    add("support friction", "1", friction, spec.value("scene", "static_friction"))
    for index, member in enumerate(family.members):
        name = next((name for name, of in family.instances if of == index), "")
        there = [item for row in rows for item in row["objects"] if item["name"] == name]
        if len(there) != len(rows):
            continue
        add(f"mass of {name}", "1", [item["mass_factor"] for item in there], _mass(family, member))
        add(f"size of {name}", "1", [item["scale"] for item in there], spec.value("object", "scale", member.name))
    lamps = np.degrees([[row["light"]["key_azimuth_rad"], row["light"]["key_elevation_rad"]] for row in rows])
    for table, what, turns in (("light", "key", lamps.reshape(-1, 2)), ("camera", "camera", views(rows))):
        for angle, turned in zip(("azimuth", "elevation"), turns.T, strict=True):
            asked = spec.value(table, f"key_{angle}_deg" if table == "light" else f"{angle}_deg")
            if isinstance(asked, Uniform):
                turned = asked.low + (turned - asked.low) % 360.0
            add(f"{what} {angle}", "°", turned, asked)
    for table, where, key, what, _, unit in _SCENE:
        add(what, unit, [row[table][where] for row in rows], spec.value(table, key))
    return found


def _mass(family: Family, member: Member) -> Distribution | Quantile:
    """What the mass over its best estimate is drawn from."""
    asked = family.spec.value("object", "density", member.name)
    if isinstance(asked, Posterior):
        return lambda u: asked.of(member.mass, u) / member.mass.value
    return asked


def _quantile(asked: Distribution) -> Quantile | None:
    """The quantiles of a continuous distribution; None of another, or of one that needs an estimate."""
    if isinstance(asked, Posterior | Fixed | Choice):
        return None
    return lambda u: float(asked.quantile(u))


@dataclass(frozen=True, slots=True)
class Evenness:
    """How evenly members fill the space that the axes span.

    Attributes:
        found: Centred L2 discrepancy of the members.
        random: The same of as many plain random points, mean of ``_RANDOM_SETS`` sets.
        members: Points that were looked at.
    """

    found: float
    random: float
    members: int


#: Members of which the discrepancy is taken (its cost grows with their square), and random sets to compare it with.
LOOKED_AT, _RANDOM_SETS = 1024, 16


def evenness(found: Sequence[Axis]) -> Evenness | None:
    """The centred discrepancy (Hickernell 1998, "A generalized discrepancy and quadrature error bound").

    Args:
        found: Axes of consecutive members: an even design is even in every run of them, not in every selection.
    """
    from scipy.stats import qmc

    if not found or len(found[0].shares) < 2:
        return None
    points = np.column_stack([axis.shares for axis in found])[:LOOKED_AT]
    dice = np.random.default_rng(0)
    by_chance = [qmc.discrepancy(dice.random(points.shape), method="CD") for _ in range(_RANDOM_SETS)]
    return Evenness(float(qmc.discrepancy(points, method="CD")), float(np.mean(by_chance)), len(points))


@dataclass(frozen=True, slots=True)
class Tie:
    """The two axes that hang together most.

    Attributes:
        first: Title of one.
        second: Title of the other.
        correlation: Spearman's rank correlation.
        chance: What the largest of all pairs exceeds by chance in one case of twenty (normal approximation, as many
            tests as there are pairs).
    """

    first: str
    second: str
    correlation: float
    chance: float


def closest_tie(found: Sequence[Axis]) -> Tie | None:
    """The largest rank correlation among all pairs; None when there is no pair."""
    from scipy.stats import rankdata

    count = len(found[0].values) if found else 0
    if len(found) < 2 or count < 4:
        return None
    table = np.corrcoef([rankdata(axis.values) for axis in found])
    rows, columns = np.triu_indices(len(found), 1)
    worst = int(np.argmax(np.abs(table[rows, columns])))
    pairs = len(rows)
    chance = NormalDist().inv_cdf(1.0 - 0.025 / pairs) / math.sqrt(count - 1)
    first, second = found[rows[worst]], found[columns[worst]]
    return Tie(first.title, second.title, float(table[rows[worst], columns[worst]]), min(chance, 1.0))


def duplicates(rests: Iterable[Sequence[bytes]]) -> int:
    """Members whose objects all rest where those of an earlier member do.

    Args:
        rests: See ``table.rests``.
    """
    seen: set[bytes] = set()
    twice = 0
    for batch in rests:
        for rest in batch:
            digest = hashlib.blake2b(rest, digest_size=16).digest()
            twice += digest in seen
            seen.add(digest)
    return twice


def places(rows: Sequence[dict[str, Any]]) -> FloatArray:
    """(N, 2) where objects rest, x and y."""
    found: FloatArray = np.array([[item["x"], item["y"]] for row in rows for item in row["objects"]], dtype=float)
    return found.reshape(-1, 2)


def views(rows: Sequence[dict[str, Any]]) -> FloatArray:
    """(N, 2) azimuth and elevation of the cameras, degrees."""
    result = []
    for row in rows:
        c = row["camera"]
        w, x, y, z = c["qw"], c["qx"], c["qy"], c["qz"]
        back = (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y))
        result.append([np.degrees(np.arctan2(back[1], back[0])), np.degrees(np.arcsin(np.clip(back[2], -1, 1)))])
    found: FloatArray = np.array(result, dtype=float).reshape(-1, 2)
    return found
