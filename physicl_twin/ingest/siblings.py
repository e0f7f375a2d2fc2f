"""Files beside the source that show the same object, and what their scale says about the source's unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from physicl_twin.ingest.extent import scene_bounds
from physicl_twin.ingest.formats import identify, load
from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT, IngestSettings
from physicl_twin.ingest.naming import words
from physicl_twin.ingest.ply import header_of, is_point_cloud, vertices_of
from physicl_twin.ingest.raw import Claim, ReadOptions
from physicl_twin.ingest.unit_text import claims_in_text
from physicl_twin.model import PhysiclError, silent
from physicl_twin.model.geometry import FloatArray

#: Formats that are worth measuring as a witness.
_WITNESSES = frozenset(["stl", "obj", "ply", "off", "gltf", "glb", "3mf", "dae", "step", "iges", "brep", "fbx"])
#: An extent below this share of the longest is thin: sampling and thickening change its proportion more.
_THIN = 0.02
_THIN_TOLERANCE = 0.25


@dataclass(frozen=True, slots=True)
class Sibling:
    """A measured neighbour.

    Attributes:
        name: File name.
        format: Its format.
        bounds: (2, 3) in its own units.
        claims: What it says about its unit.
    """

    name: str
    format: str
    bounds: FloatArray
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Witness:
    """A neighbour that shows the same object.

    Attributes:
        name: File name.
        ratio: Source units of the same length over neighbour's units; 1000 for a source in mm beside metres.
        likelihood: Per candidate scale (metres per source unit), how well the neighbour's own unit fits.
    """

    name: str
    ratio: float
    likelihood: Mapping[float, float]


def measure_siblings(path: Path, settings: IngestSettings) -> tuple[Sibling, ...]:
    """Measure the files in the source's folder that may show the same object.

    Neighbours count when their name shares a word with the source's, or, among few geometry files, when one of the two
    names says nothing (``mesh``, ``scan``). One that cannot be read is no witness.
    """
    limit = int(settings.siblings["max_count"])
    try:
        neighbours = sorted(
            p
            for p in path.absolute().parent.iterdir()
            if p.is_file() and p.name != path.name and not p.name.startswith(".")
        )
    except OSError:
        return ()
    if len(neighbours) > settings.max_files:
        return ()
    candidates = []
    for neighbour in neighbours:
        if neighbour.stat().st_size > settings.siblings["max_bytes"]:
            continue
        kind = identify(neighbour).format
        if kind in _WITNESSES:
            candidates.append((neighbour, kind))
    own = set(words(path.stem)) - settings.generic_words
    few = len(candidates) <= limit

    def related(stem: str) -> bool:
        other = set(words(stem)) - settings.generic_words
        return stem == path.stem or bool(own & other) or (few and not (own and other))

    chosen = [c for c in candidates if related(c[0].stem)]
    return tuple(s for neighbour, kind in chosen[:limit] if (s := _measure(neighbour, kind, settings)) is not None)


def _measure(path: Path, kind: str, settings: IngestSettings) -> Sibling | None:
    try:
        if kind == "ply" and is_point_cloud(header := header_of(path)):
            points = vertices_of(path)
            points = points[np.isfinite(points).all(axis=1)].astype(np.float64)
            if len(points) < 2:
                return None
            claims = claims_in_text("\n".join(header.comments), f"comment of {path.name}", settings)
            return Sibling(path.name, kind, np.array([points.min(axis=0), points.max(axis=0)]), claims)
        raw = load(path, replace(ReadOptions(), max_bytes=int(settings.siblings["max_bytes"])), silent, settings)
        return Sibling(path.name, kind, scene_bounds(raw), raw.unit_claims)
    except PhysiclError:  # Its own build says what is wrong with it; here it just cannot testify.
        return None


def witnesses(
    bounds: FloatArray, format_id: str, siblings: Sequence[Sibling], scales: Sequence[float], settings: IngestSettings
) -> tuple[Witness, ...]:
    """Which neighbours show the same object, and what they say.

    The object has one size: a candidate scale of the source implies one of the neighbour, and the neighbour's own
        evidence weighs that.

    Args:
        bounds: (2, 3) of the source, its units.
        format_id: Format of the source.
        siblings: Measured neighbours.
        scales: Candidate scales of the source, metres per unit.
        settings: Tolerances and priors.
    """
    found = []
    for sibling in siblings:
        ratio = same_object_ratio(bounds, sibling.bounds, settings.siblings["proportion_tolerance"])
        if ratio is None:
            continue
        equal = abs(math.log(ratio)) < settings.siblings["ratio_tolerance"]
        if equal and not sibling.claims:
            continue  # A copy at the same scale that states nothing adds nothing.
        own = _unit_weights(sibling, settings, use_prior=not equal)
        likelihood = {}
        for scale in scales:
            implied = scale * ratio
            near = [w for s, w in own.items() if abs(math.log(s / implied)) < settings.siblings["ratio_tolerance"]]
            likelihood[scale] = sum(near)
        # The neighbour's own evidence where it is the same object; where it is not, any of its units is as likely.
        r, chance = settings.siblings["reliability"], 1.0 / len(METRES_PER_UNIT)
        found.append(Witness(sibling.name, ratio, {s: r * w + (1.0 - r) * chance for s, w in likelihood.items()}))
    return tuple(found)


def same_object_ratio(one: FloatArray, other: FloatArray, tolerance: float) -> float | None:
    """Scale between two bounding boxes of equal proportions, ``one`` over ``other``; None for different objects.

    Args:
        one: (2, 3) bounds.
        other: (2, 3) bounds, perhaps with other axes.
        tolerance: Relative difference of the proportions that sampling may cause.
    """
    a, b = np.sort(one[1] - one[0])[::-1], np.sort(other[1] - other[0])[::-1]
    if not (a[0] > 0 and b[0] > 0):
        return None
    ratio = float(a[0] / b[0])
    informative = 1
    for mine, theirs, share in zip(a[1:], b[1:], np.maximum(a / a[0], b / b[0])[1:], strict=True):
        if mine <= 0 or theirs <= 0:
            if share > _THIN:
                return None
            continue
        informative += 1
        limit = tolerance if share > _THIN else _THIN_TOLERANCE
        if abs(math.log(mine / theirs / ratio)) > math.log1p(limit):
            return None
    return ratio if informative > 1 else None


def _unit_weights(sibling: Sibling, settings: IngestSettings, use_prior: bool) -> dict[float, float]:
    prior = settings.unit_prior.get(sibling.format, settings.unit_prior["other"])
    weights = {METRES_PER_UNIT[u]: (prior[u] if use_prior else 1.0 / len(METRES_PER_UNIT)) for u in METRES_PER_UNIT}
    for claim in sibling.claims:
        scale = claim.metres_per_unit or METRES_PER_UNIT[claim.value]
        weights.setdefault(scale, 0.0)
        named = {s: (1.0 - claim.reliability) * w for s, w in weights.items()}
        weights = {
            s: w + (claim.reliability if math.isclose(s, scale, rel_tol=1e-9) else 0.0) for s, w in named.items()
        }
    return weights
