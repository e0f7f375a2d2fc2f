"""Mass, centre of mass and inertia of parts and bodies from their solids and materials, with one joint uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.model import Body, ConfigError, Estimate, Evidence, MassProperties, Note, Twin
from physicl_twin.model.geometry import Matrix3
from physicl_twin.normalize.joining import joined, load_of, matrix3, weighed_parts
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.stated import objection
from physicl_twin.normalize.weighing import Load, Weighing

#: Evidence source of mass properties that this module derived, and may derive anew.
DERIVED = "physicl_twin.normalize.mass"
#: From this many standard deviations on prior and scale are said to contradict each other.
CONTRADICTION_Z = 3.0
_LEAST_MODEL_LOG_STD = 1e-6


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a source states of a body and how much of it holds."""

    properties: MassProperties
    only_mass: bool = False


def derive_mass(
    twin: Twin, anchor: Estimate | None = None, seed: int = 0, settings: NormalizeSettings | None = None
) -> Twin:
    """Give every part its mass and every body its mass properties.

    A part's mass is its solid's volume times its material's density; a body joins its parts by parallel axes
    (``joining``). The values come from the central volumes and densities, the spreads from joint samples in which parts
    of one material share the density and instances of one shape the volume (``weighing``).

    Mass properties that the source states are kept where they are possible (``stated``). Where only its inertia or
    centre of mass is impossible, the mass is kept and the rest derived. The parts of such a body share its mass.

    A total mass (``anchor``) conditions the joint distribution (``Weighing.given_total``). It speaks of the whole twin:
    what the source states of some bodies is taken off first; where it states all of them, they are scaled to it.

    Args:
        twin: Shapes with solids, parts with materials.
        anchor: Mass of the whole twin, kg, or None.
        seed: Key of the samples.
        settings: ``[normalize]``; the shipped ones when None.

    Returns:
        The twin with masses, and notes about what was contradicted or replaced.

    Raises:
        GeometryError: ``solid_missing`` when a shape has no solid.
        MaterialError: ``material_missing`` when a part has no material.
        ConfigError: ``mass_below_stated`` when the total is less than what the source states of some of the bodies.
    """
    settings = settings or NormalizeSettings.shipped()
    notes: list[Note] = []
    statements = {body.name: _statement(body, twin, notes) for body in twin.bodies}
    known = [s.properties.mass for s in statements.values() if s is not None]
    loads = tuple(load_of(p, twin) for b in twin.bodies if statements[b.name] is None for p in b.parts)
    weighing, reasons = _weigh(loads, anchor, known, seed, settings, notes)
    factor = 1.0
    if anchor is not None and known and not loads:
        factor = anchor.value / math.fsum(mass.value for mass in known)
    bodies = []
    for body in twin.bodies:
        statement = statements[body.name]
        if statement is not None:
            bodies.append(_stated_body(body, twin, statement, _scaling(factor, anchor), seed, settings))
        elif body.parts:
            properties = joined(body, twin, weighing, seed, (_derived(body), *reasons))
            parts = weighed_parts(body, twin, weighing, reasons)
            bodies.append(replace(body, parts=parts, mass_properties=properties))
        else:
            notes.append(_no_geometry(body))
            bodies.append(body)
    fresh = [note for note in notes if note not in twin.notes]
    return replace(twin, bodies=tuple(bodies)).with_notes(*fresh)


def _derived(body: Body) -> Evidence:
    axes = "parallel axes over its parts" if len(body.parts) > 1 else "the part's own integrals"
    return Evidence("rule", f"Centre of mass and inertia by {axes}, uniform density in each part.", DERIVED)


def _no_geometry(body: Body) -> Note:
    return Note(
        "body_without_mass",
        "warning",
        f"{body.name} has no geometry, and the source states no possible mass of it.",
        "Give it a part, or state its mass in the source.",
    )


def _statement(body: Body, twin: Twin, notes: list[Note]) -> _Statement | None:
    """What the source states of a body, as far as it is possible; None when everything is to be derived."""
    found = body.mass_properties
    if found is None or any(evidence.source == DERIVED for evidence in found.evidence):
        return None
    problem = objection(found, body, twin)
    if not problem:
        return _Statement(found)
    keeps_mass = math.isfinite(found.mass.value) and found.mass.value > 0 and bool(body.parts)
    consequence = "its mass is kept and the rest derived" if keeps_mass else "all of them are derived"
    notes.append(
        Note(
            "stated_mass_impossible",
            "warning",
            f"{body.name}: the source's mass properties are impossible, {problem}; {consequence} from the geometry.",
            "Correct them in the source.",
        )
    )
    return _Statement(found, only_mass=True) if keeps_mass else None


def _weigh(
    loads: tuple[Load, ...],
    anchor: Estimate | None,
    known: list[Estimate],
    seed: int,
    settings: NormalizeSettings,
    notes: list[Note],
) -> tuple[Weighing, tuple[Evidence, ...]]:
    """Joint samples of all parts that are derived, and the reason that a total mass adds."""
    prior = Weighing.prior(loads, seed, settings.mass_samples)
    if anchor is None or not loads:
        return prior, ()
    total = _less_stated(anchor, known)
    log_prior = prior.log_total()
    prior_kg, spread = math.exp(log_prior[0]), float(log_prior[1:].std())
    difference = math.log(total.value) - float(log_prior[0])
    sigma = math.hypot(spread, total.log_std)
    if sigma > 0:
        z = difference / sigma
    else:
        z = 0.0 if abs(difference) < 1e-9 else math.copysign(math.inf, difference)
    weighing = Weighing.prior(
        loads, seed, settings.mass_samples, max(settings.anchor_model_log_std, _LEAST_MODEL_LOG_STD)
    )
    reason = Evidence(
        "user",
        f"Conditioned on a total mass of {total.value:.4g} kg ± {total.std:.2g} kg; volumes and densities alone gave "
        f"{prior_kg:.4g} kg ± {spread:.2%} (z = {z:+.1f}).",
        total.evidence[0].source if total.evidence else "",
    )
    if abs(z) > CONTRADICTION_Z:
        notes.append(
            Note(
                "mass_contradicts_materials",
                "warning",
                f"The total mass of {total.value:.4g} kg lies {z:+.1f} standard deviations from the {prior_kg:.4g} kg "
                "that volumes and densities give.",
                "Check the unit of the mass, the units of the geometry, hollow or missing parts, and the materials.",
            )
        )
    return weighing.given_total(total, seed), (reason,)


def _less_stated(anchor: Estimate, known: list[Estimate]) -> Estimate:
    """What a total mass leaves for the bodies of which the source states nothing."""
    if not known:
        return anchor
    stated = math.fsum(mass.value for mass in known)
    left = anchor.value - stated
    if left <= 0:
        raise ConfigError(
            "mass_below_stated",
            f"The total mass of {anchor.value:.4g} kg is below the {stated:.4g} kg that the source states of bodies.",
            "Check the unit of the mass, or remove the masses from the source.",
        )
    std = math.sqrt(anchor.std**2 + math.fsum(mass.std**2 for mass in known))
    return Estimate.lognormal(left, std / left, "kg", "total mass less what the source states", anchor.evidence)


def _scaling(factor: float, anchor: Estimate | None) -> tuple[float, tuple[Evidence, ...]]:
    """Factor on what a source states, and the reason for it; 1 and nothing when it agrees with the total."""
    if anchor is None or abs(factor - 1) <= 1e-9:
        return 1.0, ()
    reason = f"Scaled by {factor:.6g} to the total mass of {anchor.value:.4g} kg."
    return factor, (Evidence("user", reason, anchor.evidence[0].source if anchor.evidence else ""),)


def _stated_body(
    body: Body,
    twin: Twin,
    statement: _Statement,
    scaling: tuple[float, tuple[Evidence, ...]],
    seed: int,
    settings: NormalizeSettings,
) -> Body:
    """A body whose mass the source states; its parts share it as volume, density and their spreads suggest."""
    factor, reasons = scaling
    stated = statement.properties
    mass = stated.mass.scaled(factor, "kg").with_evidence(*reasons)
    properties = replace(
        stated,
        mass=mass,
        inertia_kgm2=_times(stated.inertia_kgm2, factor),
        inertia_std_kgm2=_times(stated.inertia_std_kgm2, factor),
        evidence=stated.evidence + reasons,
    )
    if not body.parts:
        return replace(body, mass_properties=properties)
    loads = tuple(load_of(part, twin) for part in body.parts)
    spread = max(settings.anchor_model_log_std, _LEAST_MODEL_LOG_STD)
    weighing = Weighing.prior(loads, seed, settings.mass_samples, spread).given_total(mass, seed)
    share = Evidence("source", f"Its share of the {mass.value:.4g} kg that the source states of {body.name}.")
    if statement.only_mass:
        # Without the mark of derived properties: the next pass finds them possible and keeps them.
        why = Evidence("rule", "Mass as the source states it; centre of mass and inertia from the geometry.")
        properties = replace(joined(body, twin, weighing, seed, (*stated.evidence, why, *reasons)), mass=mass)
        correction = mass.value / math.fsum(float(weighing.masses(load)[0]) for load in loads)
        properties = replace(properties, inertia_kgm2=_times(properties.inertia_kgm2, correction))
    return replace(body, parts=weighed_parts(body, twin, weighing, (share,)), mass_properties=properties)


def _times(matrix: Matrix3, factor: float) -> Matrix3:
    if factor == 1.0:
        return matrix
    return matrix3(np.array(matrix) * factor)
