"""Mass, centre of mass and inertia of parts and bodies from their solids and materials, with one joint uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.model import Body, ConfigError, Estimate, Evidence, MassProperties, Note, Part, Twin
from physicl_twin.model.geometry import Matrix3
from physicl_twin.normalize.insides import Insides
from physicl_twin.normalize.joining import joined, load_of, matrix3, weighed_parts
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.stated import com_outside, objection, possible_inertia
from physicl_twin.normalize.weighing import Anchor, Load, Weighing

#: Evidence source of mass properties that this module derived, and may derive anew.
DERIVED = "physicl_twin.normalize.mass"
#: Flag of a link between joints that has neither mass nor geometry (``dynamics.link_masses`` gives it a mass).
MASSLESS = "massless_link"
#: From this many standard deviations on prior and scale are said to contradict each other.
CONTRADICTION_Z = 3.0
_LEAST_MODEL_LOG_STD = 1e-6
_CHECK_COM = "Check the origin of its inertial frame in the source."


@dataclass(frozen=True, slots=True)
class _Statement:
    """What a source states of a body and how much of it holds."""

    properties: MassProperties
    only_mass: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """What the user weighed.

    Attributes:
        total: Mass of the whole twin, kg, or None.
        parts: (name of a part, its mass in kg).
    """

    total: Estimate | None = None
    parts: tuple[tuple[str, Estimate], ...] = ()


def derive_mass(
    twin: Twin,
    anchor: Estimate | Weights | None = None,
    seed: int = 0,
    settings: NormalizeSettings | None = None,
    insides: Insides | None = None,
) -> Twin:
    """Give every part its mass and every body its mass properties.

    A part's mass is its solid's volume times its material's density; a body joins its parts by parallel axes
    (``joining``). The values come from the central volumes and densities, the spreads from joint samples in which parts
    of one material share the density and instances of one shape the volume (``weighing``).

    Mass properties that the source states are kept where they are possible (``stated``). Where only its inertia or
    centre of mass is impossible, the mass is kept and the rest derived. The parts of such a body share its mass.

    Bodies that never move (walls) have no mass and are left out; the mass of the twin is that of the others. A link of
    a mechanism without geometry that the source gives no possible mass has none here; ``dynamics`` gives it one.

    Weighed masses (``anchor``) condition the joint distribution (``Weighing.given``). A total speaks of the whole twin:
    what the source states of some bodies is taken off first; where it states all of them, they are scaled to it. Each
    weighed mass that lies more than three standard deviations off what was expected is said to contradict it.

    Args:
        twin: Shapes with solids, parts with materials.
        anchor: Mass of the whole twin, kg, or masses of parts with it, or None.
        seed: Key of the samples.
        settings: ``[normalize]``; the shipped ones when None.
        insides: What parts may hold; None when all of them are solid.

    Returns:
        The twin with masses, and notes about what was contradicted or replaced.

    Raises:
        GeometryError: ``solid_missing`` when a shape has no solid.
        MaterialError: ``material_missing`` when a part has no material.
        ConfigError: ``mass_below_stated`` when the total is less than what the source states of some of the bodies.
    """
    settings = settings or NormalizeSettings.shipped()
    insides = insides or Insides({}, {})
    weights = anchor if isinstance(anchor, Weights) else Weights(anchor)
    total = weights.total
    notes: list[Note] = []
    statements = {body.name: _statement(body, twin, notes) for body in twin.bodies}
    known = [s.properties.mass for s in statements.values() if s is not None]
    loads = tuple(
        replace(load_of(p, twin, insides.sampled.get(p.name)), body=b.name)
        for b in twin.bodies
        if statements[b.name] is None and not b.static
        for p in b.matter
    )
    weighing, reasons = _weigh(loads, weights, known, seed, settings, notes)
    weighing = replace(weighing, whole=total is not None)
    factor = 1.0
    if total is not None and known and not loads:
        factor = total.value / math.fsum(mass.value for mass in known)
    bodies = []
    for body in twin.bodies:
        statement = statements[body.name]
        if body.static:
            bodies.append(_without_mass(body))
        elif statement is not None:
            bodies.append(_stated_body(body, twin, statement, _scaling(factor, total), seed, settings))
        elif body.parts:
            heavy = replace(body, parts=body.matter)
            properties = joined(heavy, twin, weighing, seed, (_derived(heavy), *reasons))
            parts = weighed_parts(heavy, twin, weighing, seed, reasons, insides.priors)
            bodies.append(replace(body, parts=_back(body, parts), mass_properties=properties))
        else:
            if not _jointed(body, twin):
                notes.append(_no_geometry(body))
            bodies.append(replace(body, mass_properties=None))
    fresh = [note for note in notes if note not in twin.notes]
    return replace(twin, bodies=tuple(bodies)).with_notes(*fresh)


def _without_mass(body: Body) -> Body:
    """A body that never moves: nothing of it is weighed."""
    return replace(body, parts=tuple(replace(part, mass=None) for part in body.parts), mass_properties=None)


def _jointed(body: Body, twin: Twin) -> bool:
    return any(body.name in (joint.body0, joint.body1) for joint in twin.joints)


def _back(body: Body, weighed: tuple[Part, ...]) -> tuple[Part, ...]:
    """All parts of a body in their order, those that were weighed with their mass."""
    found = {part.name: part for part in weighed}
    return tuple(found.get(part.name, part) for part in body.parts)


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
    if found is None or body.static or any(evidence.source == DERIVED for evidence in found.evidence):
        return None
    problem = objection(found)
    if not problem and (words := com_outside(found, body, twin)):
        if not twin.joints:
            problem = words
        else:  # a link may carry what is not drawn (a motor, a battery): its maker knows
            notes.append(Note("stated_com_outside", "warning", f"{body.name}: {words}; it is kept.", _CHECK_COM))
    if not problem:
        return _Statement(found)
    keeps_mass = math.isfinite(found.mass.value) and found.mass.value > 0
    if not body.parts:
        return _Statement(_repaired(body, found, problem, notes)) if keeps_mass else None
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


def _repaired(body: Body, found: MassProperties, problem: str, notes: list[Note]) -> MassProperties:
    """Mass as stated; an inertia that is possible in place of the stated one, for there is no geometry to derive it."""
    inertia, how = possible_inertia(found)
    words = f"{body.name}: the source's mass properties are impossible, {problem}, and it has no geometry; {how}."
    notes.append(Note("stated_inertia_repaired", "warning", words, "Correct them in the source."))
    com = found.com_m if np.isfinite(found.com_m).all() else (0.0, 0.0, 0.0)
    why = Evidence("rule", f"Mass as the source states it; {how}.")
    spread = matrix3(np.abs(np.array(inertia)))
    return replace(found, com_m=com, inertia_kgm2=inertia, inertia_std_kgm2=spread, evidence=(*found.evidence, why))


def _weigh(
    loads: tuple[Load, ...],
    weights: Weights,
    known: list[Estimate],
    seed: int,
    settings: NormalizeSettings,
    notes: list[Note],
) -> tuple[Weighing, tuple[Evidence, ...]]:
    """Joint samples of all parts that are derived, and the reasons that weighed masses add."""
    prior = Weighing.prior(loads, seed, settings.mass_samples)
    place = {load.part: index for index, load in enumerate(loads)}
    anchors = [Anchor((place[name],), mass, f"part {name}") for name, mass in weights.parts if name in place]
    for name in (name for name, _ in weights.parts if name not in place):
        words = f"The mass stated of {name} is not used: the source states the mass of its whole body."
        notes.append(Note("part_mass_unused", "warning", words, "State the mass of the whole instead."))
    if weights.total is not None and loads:
        anchors.append(Anchor(tuple(range(len(loads))), _less_stated(weights.total, known), "total"))
    if not anchors:
        return prior, ()
    reasons = []
    for anchor in anchors:
        log_prior = prior.log_sum(anchor.loads)
        prior_kg, spread = math.exp(log_prior[0]), float(log_prior[1:].std())
        z = prior.z_score(anchor)
        of = "a total mass" if anchor.name == "total" else f"a mass of {anchor.name.removeprefix('part ')}"
        reasons.append(
            Evidence(
                "user",
                f"Conditioned on {of} of {anchor.mass.value:.4g} kg ± {anchor.mass.std:.2g} kg; volumes and densities "
                f"alone gave {prior_kg:.4g} kg ± {spread:.2%} (z = {z:+.1f}).",
                anchor.mass.evidence[0].source if anchor.mass.evidence else "",
            )
        )
        if abs(z) > CONTRADICTION_Z:
            whose = "total mass" if anchor.name == "total" else f"mass of {anchor.name.removeprefix('part ')}"
            notes.append(
                Note(
                    "mass_contradicts_materials",
                    "warning",
                    f"The {whose} of {anchor.mass.value:.4g} kg lies {z:+.1f} standard deviations from the "
                    f"{prior_kg:.4g} kg that volumes and densities give.",
                    "Check the mass's unit, the units of the geometry, hollow or missing parts, and the materials.",
                )
            )
    spread = max(settings.anchor_model_log_std, _LEAST_MODEL_LOG_STD)
    weighing = Weighing.prior(loads, seed, settings.mass_samples, spread)
    return weighing.given(tuple(anchors), seed), tuple(reasons)


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
    heavy = replace(body, parts=body.matter)
    loads = tuple(load_of(part, twin) for part in heavy.parts)
    spread = max(settings.anchor_model_log_std, _LEAST_MODEL_LOG_STD)
    whole = Anchor(tuple(range(len(loads))), mass, "total")
    weighing = Weighing.prior(loads, seed, settings.mass_samples, spread).given((whole,), seed)
    share = Evidence("source", f"Its share of the {mass.value:.4g} kg that the source states of {body.name}.")
    if statement.only_mass:
        # Without the mark of derived properties: the next pass finds them possible and keeps them.
        why = Evidence("rule", "Mass as the source states it; centre of mass and inertia from the geometry.")
        properties = replace(joined(heavy, twin, weighing, seed, (*stated.evidence, why, *reasons)), mass=mass)
        correction = mass.value / math.fsum(float(weighing.masses(load)[0]) for load in loads)
        properties = replace(properties, inertia_kgm2=_times(properties.inertia_kgm2, correction))
    weighed = weighed_parts(heavy, twin, weighing, seed, (share,))
    shares = math.fsum(part.mass.value for part in weighed if part.mass is not None)
    # The statement stands, however little volume and density agree with it: the parts share all of it.
    parts = _back(body, tuple(_scaled(part, mass.value / shares) for part in weighed))
    return replace(body, parts=parts, mass_properties=properties)


def _scaled(part: Part, factor: float) -> Part:
    if part.mass is None or abs(factor - 1) <= 1e-12:
        return part
    return replace(part, mass=part.mass.scaled(factor, "kg"))


def _times(matrix: Matrix3, factor: float) -> Matrix3:
    if factor == 1.0:
        return matrix
    return matrix3(np.array(matrix) * factor)
