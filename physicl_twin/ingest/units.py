"""The length unit of a source, inferred from all that speaks about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from physicl_twin.ingest.class_sizes import ClassSize
from physicl_twin.ingest.ingest_settings import METRES_PER_UNIT as CANDIDATES
from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.length_units import METRES_PER_UNIT
from physicl_twin.ingest.raw import Claim
from physicl_twin.ingest.siblings import Witness
from physicl_twin.model import ConfigError, Decision, Evidence, Note

#: Alternatives below this probability are not listed.
_LISTED = 1e-4


@dataclass(frozen=True, slots=True)
class UnitEvidence:
    """All that speaks about the unit of a source.

    Attributes:
        format: Format id.
        claims: Statements of the file and its name.
        longest: Longest extent, source units, > 0.
        class_size: Size of the class that the name mentions, or None.
        witnesses: Neighbours that show the same object; their keys are scales in metres per unit.
        stated: What the user states, or None.
    """

    format: str
    claims: tuple[Claim, ...]
    longest: float
    class_size: ClassSize | None = None
    witnesses: tuple[Witness, ...] = ()
    stated: str | None = None


@dataclass(frozen=True, slots=True)
class UnitDecision:
    """The unit that was decided, its scale, and what the user should know."""

    decision: Decision
    metres_per_unit: float
    notes: tuple[Note, ...] = ()


def candidate_scales(claims: Sequence[Claim]) -> dict[str, float]:
    """Metres per unit of every unit that can be meant: the usual ones and those that the file claims."""
    scales = dict(CANDIDATES)
    for claim in claims:
        scales.setdefault(claim.value, claim.metres_per_unit or METRES_PER_UNIT.get(claim.value, 1.0))
    return scales


def size_density(extent_m: float, settings: IngestSettings) -> float:
    """Prior density of the natural logarithm of an object's longest extent, with its floor."""
    size = settings.size
    total = float(size["floor"])
    for median, std, weight in zip(size["median_m"], size["log_std"], size["weight"], strict=True):
        total += weight * math.exp(-0.5 * (math.log(extent_m / median) / std) ** 2) / (std * math.sqrt(2.0 * math.pi))
    return total


def decide_units(evidence: UnitEvidence, settings: IngestSettings) -> UnitDecision:
    """Posterior over units: prior of the format or claims, times size, class and neighbours.

    A claim is right with its reliability; otherwise the data are in the units that hide behind wrong labels. Claims
    of one file are independent given the unit; this is a judgement that the reliabilities allow for.

    Raises:
        ConfigError: ``unit_unknown`` when the user states a unit that there is none of.
    """
    if evidence.stated is not None:
        return _stated(evidence, settings)
    scales = candidate_scales(evidence.claims)
    weights = _claim_weights(evidence, scales, settings)
    for unit, scale in scales.items():
        extent = evidence.longest * scale
        density = size_density(extent, settings)
        if evidence.class_size:
            r = float(settings.size["class_word_reliability"])
            density = r * evidence.class_size.log_density(extent) + (1.0 - r) * density
        weights[unit] *= density
        for witness in evidence.witnesses:
            weights[unit] *= witness.likelihood.get(scale, 0.0)
    total = sum(weights.values())
    posterior = sorted(((u, w / total) for u, w in weights.items()), key=lambda item: (-item[1], item[0]))
    unit, probability = posterior[0]
    ambiguous = posterior[1][1] > settings.ambiguous_probability
    decision = Decision(
        unit,
        probability,
        tuple((u, p) for u, p in posterior[1:] if p > _LISTED),
        _reasons(evidence, scales, unit, settings),
        ("ambiguous",) if ambiguous else (),
    )
    notes = _notes(evidence, decision, scales, settings)
    return UnitDecision(decision, scales[unit], notes)


def _claim_weights(evidence: UnitEvidence, scales: dict[str, float], settings: IngestSettings) -> dict[str, float]:
    """Weights before the geometry speaks."""
    if not evidence.claims:
        prior = settings.unit_prior.get(evidence.format, settings.unit_prior["other"])
        return {unit: prior.get(unit, 0.0) for unit in scales}
    weights = dict.fromkeys(scales, 1.0)
    for claim in evidence.claims:
        for unit in scales:
            wrong = (1.0 - claim.reliability) * settings.mislabelled_unit.get(unit, 0.0)
            weights[unit] *= wrong + (claim.reliability if unit == claim.value else 0.0)
    return weights


def _stated(evidence: UnitEvidence, settings: IngestSettings) -> UnitDecision:
    unit = (evidence.stated or "").strip().lower()
    if unit not in METRES_PER_UNIT:
        raise ConfigError(
            "unit_unknown", f"There is no unit {evidence.stated!r}.", f"Units: {', '.join(METRES_PER_UNIT)}."
        )
    decision = Decision(unit, 1.0, (), (Evidence("user", f"The user states that the file is in {unit}.", "--units"),))
    scale = METRES_PER_UNIT[unit]
    notes = _size_note(evidence.longest * scale, unit, settings)
    contrary = [c for c in evidence.claims if c.value != unit]
    if contrary:
        notes += (
            Note("unit_claim_overruled", "info", f"The user's {unit} overrules: {contrary[0].evidence.statement}"),
        )
    return UnitDecision(decision, scale, notes)


def _length(metres: float) -> str:
    """A length as people say it."""
    for unit, scale in (("km", 1e3), ("m", 1.0), ("cm", 1e-2), ("mm", 1e-3), ("µm", 1e-6)):
        if metres >= scale:
            return f"{metres / scale:.3g} {unit}"
    return f"{metres:.3g} m"


def _reasons(
    evidence: UnitEvidence, scales: dict[str, float], unit: str, settings: IngestSettings
) -> tuple[Evidence, ...]:
    reasons = [witness_evidence(w, unit, scales[unit]) for w in evidence.witnesses]
    reasons += [c.evidence for c in sorted(evidence.claims, key=lambda c: -c.reliability)]
    extent = evidence.longest * scales[unit]
    if evidence.class_size:
        c = evidence.class_size
        reasons.append(
            Evidence(
                "prior",
                f"The name says {c.word!r}, usually {_length(c.low_m)} to {_length(c.high_m)}; "
                f"in {unit} it is {_length(extent)}.",
                "config/class_sizes.toml",
                c.word,
            )
        )
    sizes = ", ".join(f"{_length(evidence.longest * scales[u])} in {u}" for u in CANDIDATES)
    reasons.append(
        Evidence(
            "geometry", f"The longest extent of {evidence.longest:.4g} units would be {sizes}.", "", "bounding box"
        )
    )
    if not evidence.claims:
        prior = settings.unit_prior.get(evidence.format, settings.unit_prior["other"])
        reasons.append(
            Evidence(
                "prior",
                f"{evidence.format.upper()} states no unit; {100 * prior.get(unit, 0.0):.0f} % of them are in {unit} "
                "(judgement).",
                "config/pipeline.toml",
                "ingest.unit_prior",
            )
        )
    return tuple(reasons)


def witness_evidence(witness: Witness, unit: str, scale: float) -> Evidence:
    """The sentence of a neighbour."""
    implied = scale * witness.ratio
    other = next((u for u, s in METRES_PER_UNIT.items() if abs(math.log(s / implied)) < 0.05), f"{implied:.3g} m")
    return Evidence(
        "source",
        f"{witness.name} shows the same object at a scale of {witness.ratio:.4g}: {unit} here is {other} there.",
        witness.name,
    )


def _size_note(extent_m: float, unit: str, settings: IngestSettings) -> tuple[Note, ...]:
    if settings.size["unusual_low_m"] <= extent_m <= settings.size["unusual_high_m"]:
        return ()
    message = f"In {unit} the object is {_length(extent_m)} long, which is unusual."
    return (Note("size_unusual", "warning", message, "Check the unit; --units overrules it."),)


def _notes(
    evidence: UnitEvidence, decision: Decision, scales: dict[str, float], settings: IngestSettings
) -> tuple[Note, ...]:
    notes = list(_size_note(evidence.longest * scales[decision.value], decision.value, settings))
    contrary = [c for c in evidence.claims if c.value != decision.value]
    if contrary:
        would = _length(evidence.longest * scales[contrary[0].value])
        notes.append(
            Note(
                "unit_label_overruled",
                "warning",
                f"{contrary[0].evidence.statement} That would make it {would} long; {decision.value} is likelier.",
                "State the unit with --units if the file is right.",
            )
        )
    if "ambiguous" in decision.flags:
        choices = ", ".join(
            f"{u} ({100 * p:.0f} %, {_length(evidence.longest * scales[u])})"
            for u, p in ((decision.value, decision.probability), *decision.alternatives[:3])
        )
        notes.append(
            Note(
                "units_ambiguous",
                "warning",
                f"The unit is not certain: {choices}.",
                f"State it, such as --units {decision.value}.",
            )
        )
    return tuple(notes)
