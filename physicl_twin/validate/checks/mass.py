"""Mass and centre of mass: authored, possible, equal everywhere, and the sum of the parts."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.ingest.class_sizes import find_class_size
from physicl_twin.model import Body, Estimate, Makeup, Part
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.typical_mass import typical_masses
from physicl_twin.validate.checks.registry import Findings, check
from physicl_twin.validate.checks.stated import doubt, keeps_statement, stated_links
from physicl_twin.validate.measure import depth, volume
from physicl_twin.validate.stage_view import hull
from physicl_twin.validate.subject import NotChecked, Subject

#: Factor beyond the usual size of a class from which on its usual mass says nothing (judgement).
_USUAL_SIZE = 1.25
_REBUILD = "Build the twin again; do not edit the numbers by hand."


@check("mass.authored", "Every body has mass, centre of mass, inertia and principal axes", _REBUILD)
def authored(subject: Subject) -> Findings:
    """Nothing is left for an engine to infer (engines infer differently)."""
    found = Findings(f"{len(subject.bodies)} bodies.")
    for body in subject.bodies:
        values = {
            "mass": body.mass,
            "centre of mass": body.com,
            "diagonal inertia": body.diagonal_inertia,
            "principal axes": body.principal_axes_wxyz,
        }
        missing = [name for name, value in values.items() if value is None]
        found.require(not missing, body.name, f"Not authored: {', '.join(missing)}.")
        broken = [name for name, v in values.items() if v is not None and not np.isfinite(np.asarray(v, float)).all()]
        found.require(not broken, body.name, f"Not finite: {', '.join(broken)}.")
    return found


@check("mass.positive", "Every body's mass is positive and finite", _REBUILD)
def positive(subject: Subject) -> Findings:
    """0 < m < inf."""
    found = Findings()
    for body in subject.bodies:
        if found.require(body.mass is not None, body.name, "No mass is authored.") and body.mass is not None:
            found.require(bool(np.isfinite(body.mass) and body.mass > 0), body.name, f"Its mass is {body.mass:g} kg.")
    found.summary = f"{sum(b.mass or 0 for b in subject.bodies):.6g} kg in {len(subject.bodies)} bodies."
    return found


@check("mass.possible", "The mass fits the space that the body takes", "Check the unit of length and of mass.")
def possible(subject: Subject) -> Findings:
    """Mean density over the convex hull is not above the densest element nor below the lightest solids."""
    found = Findings()
    low, high = subject.number("density_min_kgm3"), subject.number("density_max_kgm3")
    texts, odd, stated = [], [], stated_links(subject)
    for body in subject.solid_bodies:
        around = hull(body.points()) if len(body.points()) >= 4 else None
        if around is None or body.mass is None:
            raise NotChecked(f"{body.name} has no volume or no mass.")
        mean = body.mass / volume(around)
        if body.path in stated and not low <= mean <= high:
            odd.append(body.name)
            continue
        found.require(mean <= high, body.name, f"{mean:.4g} kg/m³ over its convex hull; no solid is above {high:g}.")
        found.require(mean >= low, body.name, f"{mean:.4g} kg/m³ over its convex hull; below {low:g} is not a solid.")
        texts.append(f"{mean:.4g} kg/m³")
    found.summary = f"Mean density over the convex hull: {', '.join(texts[:4])}.{doubt(odd)}"
    return found


@check("mass.equal", "Stage, twin.json and metadata state one mass", _REBUILD)
def equal(subject: Subject) -> Findings:
    """The same kilograms in every place that states them."""
    found = Findings()
    tolerance = subject.number("mass_relative_tolerance")
    for view, body in subject.pairs:
        stated = body.mass.value if body.mass else None
        if found.require(stated is not None, body.name, "twin.json has no mass for it.") and stated is not None:
            same = view.mass is not None and abs(view.mass - stated) <= tolerance * abs(stated)
            found.require(same, body.name, f"The stage says {view.mass} kg, twin.json {stated:.8g} kg.")
    total = sum(body.mass.value for _, body in subject.pairs if body.mass)
    meta = subject.metadata.get("mass")
    agrees = isinstance(meta, (int, float)) and abs(meta - total) <= tolerance * abs(total)
    found.require(agrees, "metadata", f"The metadata says {meta} kg, twin.json {total:.8g} kg.")
    found.summary = f"{total:.6g} kg in all three."
    return found


@check("mass.com_equal", "Stage and twin.json state one centre of mass", _REBUILD)
def com_equal(subject: Subject) -> Findings:
    """The same point, to a fraction of the body's size."""
    found = Findings()
    worst = 0.0
    for view, body in subject.pairs:
        if body.mass_properties is None or view.com is None:
            found.require(False, body.name, "One of them has no centre of mass.")
            continue
        off = float(np.linalg.norm(view.com - np.array(body.mass_properties.com_m)))
        worst = max(worst, off)
        size = _diagonal(view.points()) or float(np.linalg.norm(body.mass_properties.com_m))
        limit = subject.number("mass_relative_tolerance") * size
        found.require(off <= limit, body.name, f"They are {off:.3g} m apart.")
    found.summary = f"Within {worst:.2g} m."
    return found


@check("mass.com_inside", "The centre of mass is inside the body's convex hull", _REBUILD)
def com_inside(subject: Subject) -> Findings:
    """No mass distribution has its centre outside the hull of what carries it."""
    found = Findings()
    texts, odd, stated = [], [], stated_links(subject)
    for body in subject.solid_bodies:
        around = hull(body.points()) if len(body.points()) >= 4 else None
        if body.com is None or around is None:
            raise NotChecked(f"{body.name} has no centre of mass or no geometry.")
        inside = float(depth(body.com[None], around)[0])
        limit = -1e-6 * _diagonal(body.points())
        if inside < limit and body.path in stated:
            odd.append(body.name)
            continue
        found.require(inside >= limit, body.name, f"It is {-inside:.4g} m outside.")
        texts.append(f"{inside:.3g} m deep")
    found.summary = f"{', '.join(texts[:4])}.{doubt(odd)}"
    return found


@check(
    "mass.usual",
    "The mass is that of such things",
    "Check the unit of length and the materials; or weigh it and give --mass, for an unusual one may be right.",
)
def usual(subject: Subject) -> Findings:
    """The twin's 90 % interval against what things of its class and size usually weigh."""
    semantics = subject.twin.semantics
    typical = typical_masses().get(semantics.label) if semantics is not None else None
    if semantics is None or typical is None:
        raise NotChecked("It is of no class whose usual mass is known.")
    masses = [body.mass for body in subject.twin.bodies if not body.static]
    if any(mass is None for mass in masses):
        raise NotChecked("A body has no mass.")
    if any(item.kind == "user" for mass in masses if mass for item in mass.evidence):
        raise NotChecked("Its mass was weighed or stated.")
    size = find_class_size([semantics.label])
    extent = max(float(np.ptp(body.points(), axis=0).max()) for body in subject.bodies if len(body.points()))
    if size is None or not size.low_m / _USUAL_SIZE <= extent <= size.high_m * _USUAL_SIZE:
        raise NotChecked(f"It is {extent:.3g} m long; the usual masses are those of a {semantics.label} of usual size.")
    low, high = sum(mass.low for mass in masses if mass), sum(mass.high for mass in masses if mass)
    margin = subject.number("usual_mass_factor")
    makeups = [part.makeup for part in subject.twin.parts if part.makeup is not None]
    filled = typical.empty and any(dict(makeup.kinds()).get("filled") for makeup in makeups)
    fits = high * margin >= typical.low_kg and (filled or low <= typical.high_kg * margin)
    said = f"a {semantics.label} usually has {typical.low_kg:.3g} to {typical.high_kg:.3g} kg{typical.origin}"
    found = Findings(f"{low:.3g} to {high:.3g} kg; {said}")
    found.require(fits, subject.twin.name, f"{low:.3g} to {high:.3g} kg, but {said}")
    return found


def _diagonal(points: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(np.linalg.norm(np.ptp(points, axis=0))) if len(points) else 0.0


@check(
    "mass.density",
    "Each part's density is within its material's interval",
    "Check the material, or whether the part is hollow.",
)
def density(subject: Subject) -> Findings:
    """Mass over volume of each part against the 90 % interval of its material (volume uncertainty allowed for)."""
    found = Findings()
    checked = 0
    bodies = [body for body in subject.twin.bodies if not body.static]
    kept = [body for body in bodies if keeps_statement(subject, body)]
    for part in (part for body in bodies if body not in kept for part in body.matter):
        if not found.require(part.mass is not None, part.name, "It has no mass."):
            continue
        if not found.require(bool(part.material), part.name, "It has no material."):
            continue
        solid = subject.twin.shape(part.shape).solid
        if not found.require(solid is not None, part.name, "Its volume is not known."):
            continue
        assert part.mass is not None and solid is not None
        weighed = any(item.kind in ("user", "source") for item in part.mass.evidence)
        slack = subject.number("weighed_density_relative_tolerance" if weighed else "density_relative_tolerance")
        value = part.mass.value / solid.volume.value
        if part.makeup is not None:
            low, high = _mean_density_bounds(part.makeup, subject, part)
            fits = low * (1 - slack) <= part.mass.value / solid.volume.low and value <= high * (1 + slack)
            words = f"{value:.4g} kg/m³, but what it may hold allows {low:.4g}–{high:.4g} kg/m³."
            found.require(fits, part.name, words)
            checked += 1
            continue
        allowed = subject.twin.material(part.material).density
        lightest, heaviest = part.mass.value / solid.volume.high, part.mass.value / max(solid.volume.low, 1e-18)
        fits = heaviest >= allowed.low * (1 - slack) and lightest <= allowed.high * (1 + slack)
        interval = f"{allowed.low:.4g}–{allowed.high:.4g}"
        title = subject.twin.material(part.material).title
        found.require(fits, part.name, f"{value:.4g} kg/m³, but {title} is {interval} kg/m³.")
        checked += 1
    found.summary = f"{checked} parts."
    if kept:
        found.summary += f" {len(kept)} bodies weigh what their source states, whatever is inside of them."
    return found


def _mean_density_bounds(makeup: Makeup, subject: Subject, part: Part) -> tuple[float, float]:
    """Least and greatest mass over volume that a recorded makeup leaves, kg/m3: the 90 % bounds of its possibilities.

    A sheet has no bound of its own here: its volume is an assumed thickness, which a known wall replaces.
    """
    material = subject.twin.material(part.material)
    rows = [material.density.low, material.density.high]
    lows, highs = [], []
    for p in makeup.possibilities:
        density = p.effective_density
        if density is not None:
            lows.append(density.low)
            highs.append(density.high)
            continue
        if p.wall_m is None:
            lows.append(rows[0])
            highs.append(rows[1])
            continue
        # Twice volume over area is the mean wall; 1 - (1 - t A / 3V)³ of the volume is wall (normalize.inside).
        shares = [1 - max(0.0, 1 - 2 * t / (3 * makeup.mean_wall_m)) ** 3 for t in (p.wall_m.low, p.wall_m.high)]
        held = (
            [p.level * d for d in (p.contents_density.low, p.contents_density.high)] if p.contents_density else [0, 0]
        )
        ends = [row * share + h * (1 - share) for row in rows for share in shares for h in held]
        sheet = "open_surface" in subject.twin.shape(part.shape).solid.volume.flags  # type: ignore[union-attr]
        lows.append(0.0 if sheet else min(ends))
        highs.append(math.inf if sheet else max(ends))
    return min(lows), max(highs)


@check("mass.sum", "Each body's mass properties are the sum of its parts", _REBUILD)
def parts_sum(subject: Subject) -> Findings:
    """Mass, centre of mass and inertia recomputed from the parts with the parallel-axis theorem."""
    found = Findings()
    tolerance = subject.number("sum_relative_tolerance")
    worst, kept = 0.0, 0
    for body in (body for body in subject.twin.bodies if not body.static):
        stated = body.mass_properties
        if stated is not None and (not body.parts or keeps_statement(subject, body)):
            kept += 1
            continue
        if not found.require(stated is not None, body.name, "It has no mass properties.") or stated is None:
            continue
        mass, com, inertia = recompute(subject, body)
        size = np.sqrt(np.trace(inertia) / mass)
        errors = {
            "mass": abs(stated.mass.value - mass) / mass,
            "centre of mass": float(np.linalg.norm(np.array(stated.com_m) - com)) / size,
            "inertia": float(np.abs(np.array(stated.inertia_kgm2) - inertia).max() / np.abs(inertia).max()),
        }
        worst = max(worst, *errors.values())
        for name, error in errors.items():
            found.require(error <= tolerance, body.name, f"{name} differs by {100 * error:.3g} % from the parts' sum.")
    found.summary = f"Largest relative difference {worst:.2g}."
    if kept:
        found.summary += f" {kept} links keep what their source states of them, or have no parts."
    return found


def recompute(subject: Subject, body: Body) -> tuple[float, FloatArray, FloatArray]:
    """Mass (kg), com (3,) and inertia about it (3, 3) of a body from its parts, body frame.

    Raises:
        NotChecked: When a part has no mass or its shape no integrals.
    """
    masses, coms, inertias = [], [], []
    for part in body.matter:
        solid = subject.twin.shape(part.shape).solid
        if part.mass is None or solid is None:
            raise NotChecked(f"{part.name} has no mass or no volume.")
        rotation = part.pose.rotation()
        masses.append(part.mass.value)
        made = part.makeup
        com_m = made.com_m if made is not None else solid.com_m
        per_mass = np.array(made.inertia_per_mass_m2 if made else solid.inertia_m5) / (
            1.0 if made else solid.volume.value
        )
        coms.append(part.pose.apply(np.array([com_m]))[0])
        inertias.append(rotation @ per_mass @ rotation.T * part.mass.value)
    total = sum(masses)
    com = sum((m * c for m, c in zip(masses, coms, strict=True)), np.zeros(3)) / total
    inertia = np.zeros((3, 3))
    for m, c, own in zip(masses, coms, inertias, strict=True):
        d = c - com
        inertia += own + m * (d @ d * np.eye(3) - np.outer(d, d))
    return total, com, inertia


@check("mass.spread", "Each mass has a spread that its parts explain", "Build the twin again.")
def spread(subject: Subject) -> Findings:
    """A body's mass is not more certain than the measurement or the parts that it was added up from allow."""
    found = Findings()
    texts = []
    for body in (body for body in subject.twin.bodies if not body.static):
        mass: Estimate | None = body.mass
        if not found.require(mass is not None, body.name, "It has no mass.") or mass is None:
            continue
        inside = mass.low <= mass.value <= mass.high
        found.require(inside and mass.low > 0, body.name, f"{mass.value:g} kg in {mass.low:g}–{mass.high:g} kg.")
        measured = any(e.kind in ("user", "source", "fit") for e in mass.evidence)
        widest = max((p.mass.std for p in body.parts if p.mass), default=0.0)
        enough = measured or mass.std >= 0.5 * widest
        found.require(enough, body.name, f"± {mass.std:.3g} kg, though one part alone has ± {widest:.3g} kg.")
        texts.append(f"± {mass.std:.2g} kg")
    found.summary = ", ".join(texts[:4]) + "."
    return found
