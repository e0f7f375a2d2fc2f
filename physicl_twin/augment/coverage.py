"""What a set covers: marginals against what the spec asked for, pairs, duplicates, rejections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from physicl_twin.augment.distributions import Choice, Distribution, Fixed, Posterior
from physicl_twin.augment.family import Family
from physicl_twin.model import Estimate
from physicl_twin.model.geometry import FloatArray

#: Rest poses that differ less than this (metres; radians are metres over a metre) are duplicates.
DUPLICATE_M = 1e-3


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
        for where, name, key, what, unit in _SCENE
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


_SCENE = (
    ("light", "dome_intensity", "dome_nits", "intensity of the dome light", "nit"),
    ("light", "dome_kelvin", "dome_kelvin", "colour of the dome light", "K"),
    ("light", "key_intensity", "key_nits", "intensity of the key light", "nit"),
    ("light", "key_kelvin", "key_kelvin", "colour of the key light", "K"),
    ("camera", "focal_length_mm", "focal_length_mm", "focal length of the camera", "mm"),
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
    if isinstance(asked, Posterior | Fixed | Choice):
        return Marginal(title, unit, np.array(values, dtype=float), None, 0.0)
    return _against(title, unit, values, lambda u: float(asked.quantile(u)))


def _against(title: str, unit: str, values: list[float], quantile: Callable[[float], float]) -> Marginal:
    """Kolmogorov-Smirnov distance to a distribution that is known by its quantiles."""
    ordered: FloatArray = np.sort(np.array(values, dtype=float))
    shares = np.linspace(0.0005, 0.9995, 2000)
    points = np.array([quantile(float(u)) for u in shares])
    expected = np.interp(ordered, points, shares)
    count = len(ordered)
    if not count:
        return Marginal(title, unit, ordered, None, 0.0)
    upper, lower = np.arange(1, count + 1) / count, np.arange(count) / count
    distance = float(np.maximum(np.abs(upper - expected), np.abs(lower - expected)).max())
    # Critical value of the Kolmogorov-Smirnov test at 5 %, for many values (Smirnov 1948: 1.358 / sqrt(N)).
    return Marginal(title, unit, ordered, distance, 1.358 / float(np.sqrt(count)))


def duplicates(rows: Sequence[dict[str, Any]]) -> int:
    """Members whose objects all rest where those of an earlier member do."""
    seen: set[tuple[Any, ...]] = set()
    twice = 0
    for row in rows:
        key = tuple(
            (item["name"], *(round(item[axis] / DUPLICATE_M) for axis in ("x", "y", "z", "qw", "qx", "qy", "qz")))
            for item in row["objects"]
        )
        twice += key in seen
        seen.add(key)
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
