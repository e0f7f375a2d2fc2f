"""The clues of what a part is made of, and how they are weighed against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from physicl_twin.model import Appearance, Estimate, Evidence, Part, Twin
from physicl_twin.normalize.material_advisor import MaterialAdvisor, advisors, opinions
from physicl_twin.normalize.material_mixture import Distribution, UnknownPrior, property_estimate, unknown_density
from physicl_twin.normalize.material_table import Match, MaterialGroup, MaterialTable, Property
from physicl_twin.normalize.material_text import COLOUR_FACTOR, fold
from physicl_twin.normalize.semantics import class_materials, is_robot
from physicl_twin.settings import pipeline

_EXHAUSTED = 0.02
MAX_EVIDENCE = 6


@dataclass(frozen=True, slots=True)
class MaterialSettings:
    """The judgements of ``[materials]`` in config/pipeline.toml."""

    reliability: Mapping[str, float]
    trusted_probability: float
    default_densities: tuple[float, ...]
    density_conflict_factor: float
    metallic_look: float
    alternative_probability: float
    unknown: UnknownPrior
    advisors: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, table: Mapping[str, Any] | None = None) -> MaterialSettings:
        """From the ``[materials]`` table; the shipped one by default."""
        table = pipeline()["materials"] if table is None else table
        unknown = table["unknown"]
        return cls(
            reliability=dict(table["reliability"]),
            trusted_probability=float(table["trusted_probability"]),
            default_densities=tuple(float(density) for density in table["default_densities"]),
            density_conflict_factor=float(table["density_conflict_factor"]),
            metallic_look=float(table["metallic_look"]),
            alternative_probability=float(table["alternative_probability"]),
            unknown=UnknownPrior(
                dict(unknown["family_weights"]), float(unknown["fill_low"]), float(unknown["fill_high"])
            ),
            advisors=tuple(str(name) for name in table["advisors"]),
        )


@dataclass(frozen=True, slots=True)
class Context:
    """The table and the judgements of one run, with what was already looked up."""

    table: MaterialTable
    settings: MaterialSettings
    matches: dict[tuple[str, bool], tuple[Match, ...]] = field(default_factory=dict)
    unknown: dict[str, Estimate] = field(default_factory=dict)
    advisors: list[tuple[str, MaterialAdvisor]] = field(default_factory=list)

    def asked(self) -> Sequence[tuple[str, MaterialAdvisor]]:
        """The advisors that the settings name, loaded once."""
        if self.settings.advisors and not self.advisors:
            self.advisors.extend(advisors(self.settings.advisors))
        return self.advisors

    def match(self, text: str, field_is_material: bool) -> tuple[Match, ...]:
        """``MaterialTable.match``, remembered."""
        key = (text, field_is_material)
        if key not in self.matches:
            self.matches[key] = self.table.match(text, field_is_material)
        return self.matches[key]

    def estimate(self, prop: Property, distribution: Distribution) -> Estimate | None:
        """``property_estimate`` from this table."""
        return property_estimate(self.table, prop, distribution)

    def unknown_density(self) -> Estimate:
        """The prior for a part of which nothing is known."""
        if not self.unknown:
            self.unknown["density"] = unknown_density(self.table, self.settings.unknown)
        return self.unknown["density"]


@dataclass(frozen=True, slots=True)
class _Clue:
    """A text or a look that may name a material."""

    layer: str
    text: str
    where: str
    field_is_material: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What all clues of a part say together.

    ``known`` is the probability that any of them is right; ``trusted`` is False when that rests on what things of this
    class are usually made of, or on a look.
    """

    distribution: Distribution
    known: float
    trusted: bool
    evidence: tuple[Evidence, ...]
    flags: tuple[str, ...] = ()


def _clues(twin: Twin, part: Part, appearances: Mapping[str, Appearance]) -> Iterator[_Clue]:
    hints = part.hints
    yield _Clue("attribute", hints.material, "material", True)
    yield _Clue("description", hints.material_description, "material description", True)
    shape = next((shape for shape in twin.shapes if shape.name == part.shape), None)
    for name in shape.appearances if shape else ():
        look = appearances.get(name)
        if look is not None:
            yield _Clue("appearance", look.source_name or look.name, "appearance", True)
    yield _Clue("part_name", hints.label, "part label", False)
    yield _Clue("part_name", part.name, "part name", False)
    yield _Clue("path", hints.layer, "layer", False)
    for node in reversed(hints.path):
        yield _Clue("path", node, "assembly path", False)
    whole = "twin_name" if len(twin.parts) == 1 else "twin_name_of_many"
    yield _Clue(whole, twin.title, "title", False)
    for source in twin.sources[:1]:
        yield _Clue(whole, source.name.rsplit("/", 1)[-1].rsplit(".", 1)[0], "file name", False)


def weigh(twin: Twin, part: Part, context: Context) -> Finding:
    """Go through the clues from the strongest on; each takes its share of the probability that is left."""
    table, settings = context.table, context.settings
    source = twin.sources[0].name if twin.sources else twin.name
    appearances = {look.name: look for look in twin.appearances}
    shares: dict[str, float] = {}
    evidence: list[Evidence] = []
    left = 1.0
    seen: set[tuple[str, str]] = set()
    for clue in _clues(twin, part, appearances):
        if left < _EXHAUSTED or not clue.text.strip() or (clue.layer, fold(clue.text)) in seen:
            continue
        seen.add((clue.layer, fold(clue.text)))
        matches = context.match(clue.text, clue.field_is_material)
        weighed = [(match.row.id, match.score * _colour(clue, match.text, table)) for match in matches]
        scores = {row: score for row, score in weighed if score > 0}
        if not scores:
            continue
        trust = settings.reliability[clue.layer] * max(scores.values())
        left = _share_out(scores, trust, left, shares, table)
        said = [match for match in matches if match.row.id in scores]
        found = ", ".join(f"{match.row.title} ({match.how})" for match in said[:3])
        evidence.append(Evidence("source", f'The {clue.where} "{clue.text}" says {found}.', source, clue.where))
    if left >= _EXHAUSTED:
        left = _advice(twin, part, context, shares, evidence, left)
    trusted = 1.0 - left >= settings.trusted_probability
    if not trusted:
        left = _weak_clues(twin, part, appearances, context, shares, evidence, left)
    total = sum(shares.values())
    if total <= 0:
        return Finding((), 0.0, False, ())
    ranked = sorted(((target, share / total) for target, share in shares.items()), key=lambda item: (-item[1], item[0]))
    return Finding(tuple(ranked), 1.0 - left, trusted, tuple(evidence[:MAX_EVIDENCE]))


def _advice(
    twin: Twin, part: Part, context: Context, shares: dict[str, float], evidence: list[Evidence], left: float
) -> float:
    """What outside advisors think, where the configuration names any."""
    for name, advisor in context.asked():
        for opinion in opinions(name, advisor, twin, part):
            matches = context.match(opinion.material, True)
            known = context.table.rows.keys() | context.table.groups.keys()
            scores = {match.row.id: match.score for match in matches} or {
                key: 1.0 for key in known & {opinion.material}
            }
            if not scores:
                continue
            trust = context.settings.reliability["advisor"] * opinion.probability
            left = _share_out(scores, trust, left, shares, context.table)
            words = f"The advisor {name} says {opinion.material} ({opinion.probability:.0%}): {opinion.reason}"
            evidence.append(Evidence("rule", words, "pipeline.toml", "materials.advisors"))
    return left


def _colour(clue: _Clue, alias: str, table: MaterialTable) -> float:
    """An appearance called Gold or Silver is a colour more often than a metal, and one called Orange is no fruit."""
    if clue.layer != "appearance":
        return 1.0
    if fold(alias) in table.index.noise_words:
        return 0.0
    return COLOUR_FACTOR if fold(alias) in table.index.colour_words else 1.0


def _share_out(
    scores: Mapping[str, float], trust: float, left: float, shares: dict[str, float], table: MaterialTable
) -> float:
    """Give findings their share of what is left and return the rest; a row refines a vaguer word before it."""
    total = sum(scores.values())
    for target_id, score in scores.items():
        share = left * trust * score / total
        target = table.target(target_id)
        if isinstance(target, MaterialGroup):
            inside = [known for known in shares if known in target.members or _is_inside(known, target, table)]
            if inside:  # says less than is known already: it confirms it
                before = sum(shares[known] for known in inside)
                for known in inside:
                    shares[known] += share * shares[known] / before
                continue
        else:
            for vague in [
                known for known in shares if known in table.groups and target_id in table.groups[known].members
            ]:
                moved = shares[vague] * trust * score / total
                shares[vague] -= moved
                share += moved
        shares[target_id] = shares.get(target_id, 0.0) + share
    return left * (1.0 - trust)


def _is_inside(known: str, target: MaterialGroup, table: MaterialTable) -> bool:
    return known in table.groups and set(table.groups[known].members) <= set(target.members)


def _weak_clues(
    twin: Twin,
    part: Part,
    appearances: Mapping[str, Appearance],
    context: Context,
    shares: dict[str, float],
    evidence: list[Evidence],
    left: float,
) -> float:
    """What things of this class are usually made of, and what the surface looks like."""
    table, settings = context.table, context.settings
    label, usual = class_materials(
        part.name if len(twin.parts) > 1 else f"{part.name} {twin.title}", fallback=twin.title, robot=is_robot(twin)
    )
    usual = tuple((target, p) for target, p in usual if target in table.rows or target in table.groups)
    if usual:
        trust = settings.reliability["class"]
        for target, probability in usual:
            shares[target] = shares.get(target, 0.0) + left * trust * probability
        left *= 1.0 - trust
        names = ", ".join(table.target(target).title for target, _ in usual)
        evidence.append(
            Evidence("rule", f"Things of the class {label} are usually made of: {names}.", "classes.toml", label)
        )
    shape = next((shape for shape in twin.shapes if shape.name == part.shape), None)
    looks = [appearances[name] for name in (shape.appearances if shape else ()) if name in appearances]
    if looks and all(look.metallic >= settings.metallic_look for look in looks):
        trust = settings.reliability["look"]
        shares["metal"] = shares.get("metal", 0.0) + left * trust
        left *= 1.0 - trust
        evidence.append(
            Evidence(
                "source", f'The look "{looks[0].name}" is metallic ({looks[0].metallic:g}).', "appearance", "metallic"
            )
        )
    return left
