"""The head of the report: name, picture, verdict, the cards that answer "is it right?", and what needs a look."""

from __future__ import annotations

import numpy as np

from physicl_twin.model import Certificate, CheckResult, Estimate, RolloutResult, Twin
from physicl_twin.model.estimate import Z90
from physicl_twin.page import numbers
from physicl_twin.page.markup import Markup, join, named, tag
from physicl_twin.page.style import ENGINES as _ENGINES
from physicl_twin.page.style import icon, status


def header(certificate: Certificate, twin: Twin | None, picture: str) -> Markup:
    """Name, class, source, picture and verdict."""
    title = twin.title if twin else certificate.twin
    lines = []
    if twin and twin.semantics:
        lines.append(f"{twin.semantics.label} · {twin.semantics.qcode} ({twin.semantics.qcode_label})")
    if twin and twin.sources:
        more = f" and {len(twin.sources) - 1} more" if len(twin.sources) > 1 else ""
        lines.append(f"from {twin.sources[0].name}{more}")
    lines.append(f"version {certificate.twin_version} · {certificate.created_utc.replace('T', ' ')[:16]} UTC")
    who = tag("div", tag("h1", named(title, 60)), *(tag("div", line, class_="muted") for line in lines), class_="who")
    image = tag("img", src=picture, alt=f"Picture of {title}", width="128", height="128") if picture else None
    return tag("header", image, who, verdict(certificate))


def verdict(certificate: Certificate) -> Markup:
    """Passed, failed or nothing checked, with counts; never by colour alone."""
    failed, unchecked = certificate.count("failed"), certificate.count("not_checked")
    if failed:
        tone, symbol, words = "stop", "failed", "Not sim-ready"
    elif not certificate.passed:
        tone, symbol, words = "look", "warning", "Nothing was checked"
    elif certificate.rollouts and any(r.status == "passed" for r in certificate.rollouts):
        tone, symbol, words = "good", "passed", "Sim-ready"
    else:
        tone, symbol, words = "look", "warning", "Checks passed, not simulated"
    counts = f"{certificate.count('passed')} passed · {failed} failed · {unchecked} not checked"
    return tag(
        "div",
        tag("strong", icon(symbol), words),
        tag("span", counts, class_="caption"),
        tag("span", f"SimReady {certificate.profile}: {_profile_words(certificate)}", class_="caption"),
        tag("span", _rollout_words(certificate.rollouts), class_="caption"),
        class_=f"verdict {tone}",
    )


def _profile_words(certificate: Certificate) -> str:
    own = [c for c in certificate.checks if c.id.startswith("simready.")]
    failed = sum(c.status == "failed" for c in own)
    unchecked = sum(c.status == "not_checked" for c in own)
    if failed:
        return f"{failed} requirements not met"
    return (
        "not checked"
        if not own or unchecked == len(own)
        else "met" + (f", {unchecked} not checked" if unchecked else "")
    )


def cards(twin: Twin | None) -> Markup:
    """Mass, centre of mass, size, friction and collision error, each with its spread."""
    shown = [_card(*content) for content in _twin_cards(twin)] if twin else []
    return tag("section", shown, class_="cards") if shown else Markup("")


def _card(title: str, value: str, sub: str) -> Markup:
    return tag(
        "div",
        tag("span", title, class_="caption"),
        tag("b", value, class_="num"),
        tag("span", sub, class_="caption"),
        class_="card",
    )


def _twin_cards(twin: Twin) -> list[tuple[str, str, str]]:
    return [c for c in (_mass(twin), _com(twin), _size(twin), _friction(twin), _collision(twin)) if c]


def total_mass(twin: Twin) -> Estimate | None:
    """Mass of all bodies; independent spreads add in squares."""
    masses = [body.mass for body in twin.bodies if body.mass]
    if len(masses) == 1:
        return masses[0]
    if not masses:
        return None
    value, std = sum(m.value for m in masses), float(np.sqrt(sum(m.std**2 for m in masses)))
    low, high = max(0.0, value - Z90 * std), value + Z90 * std
    return Estimate(value, "kg", std, low, high, "normal", "sum of the bodies")


def _mass(twin: Twin) -> tuple[str, str, str] | None:
    mass = total_mass(twin)
    return ("mass", numbers.estimate(mass), f"90 %: {numbers.interval(mass)}") if mass else None


def _com(twin: Twin) -> tuple[str, str, str] | None:
    properties = twin.bodies[0].mass_properties if len(twin.bodies) == 1 else None
    if properties is None:
        return None
    value, spread = numbers.vector(properties.com_m, properties.com_std_m, "m")
    return "centre of mass", value, spread


def extents(twin: Twin) -> tuple[float, float, float] | None:
    """Size along x, y, z of the twin at its authored pose, from the shapes' bounds (exact for unrotated parts)."""
    corners = []
    for body in twin.bodies:
        for part in body.parts:
            shape = twin.shape(part.shape)
            if shape.mesh is not None:
                points = shape.mesh.vertices
            elif shape.geometry is not None:
                box = np.array([shape.geometry.low_m, shape.geometry.high_m])
                points = np.array([[box[i, 0], box[j, 1], box[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
            else:
                continue
            moved = body.pose.apply(part.pose.apply(points))
            corners += [moved.min(axis=0), moved.max(axis=0)]
    if not corners:
        return None
    x, y, z = np.ptp(np.array(corners), axis=0)
    return float(x), float(y), float(z)


def _size(twin: Twin) -> tuple[str, str, str] | None:
    size = extents(twin)
    if size is None:
        return None
    scale = numbers.scale_for(max(size), "m")
    value = " × ".join(numbers.significant(s * scale.factor, 4) for s in size) + f" {scale.unit}"
    units = twin.frame.units
    sure = "stated" if units.probability >= 0.9995 else f"{100 * units.probability:.3g} % sure"
    return "size", value, f"source in {units.value}, {sure}"


def _friction(twin: Twin) -> tuple[str, str, str] | None:
    used = {part.material for part in twin.parts}
    materials = [m for m in twin.materials if m.name in used]
    if not materials:
        return None
    if len(materials) == 1:
        item = materials[0]
        value = f"µs {numbers.figures(item.static_friction)}"
        return (
            "friction",
            value,
            f"µk {numbers.figures(item.dynamic_friction)} · {item.title}",
        )
    low = min(m.static_friction.value for m in materials)
    high = max(m.static_friction.value for m in materials)
    value = f"µs {numbers.fixed(low, 2)} – {numbers.fixed(high, 2)}"
    return "friction", value, f"{len(materials)} materials, each ± in the table"


def _collision(twin: Twin) -> tuple[str, str, str] | None:
    fits = [part.collision.fit for part in twin.parts if part.collision]
    if not fits:
        return None
    pieces = sum(fit.colliders for fit in fits)
    mean, worst = max(fit.mean_m for fit in fits), max(fit.max_m for fit in fits)
    kept = [fit.cavity_kept for fit in fits if fit.cavity_kept is not None]
    cavity = "" if not kept else " · cavities kept" if all(kept) else " · a cavity is filled"
    words = f"{pieces} collider{'s' if pieces != 1 else ''} · worst {numbers.quantity(worst, 'm', 2)}{cavity}"
    return "collision error", f"{numbers.quantity(mean, 'm', 2)} mean", words


def _rollout_words(rollouts: tuple[RolloutResult, ...]) -> str:
    if not rollouts:
        return "no rollout was run"
    passed = sum(r.status == "passed" for r in rollouts)
    engines = " and ".join(dict.fromkeys(_ENGINES.get(r.engine, r.engine) for r in rollouts))
    return f"{passed} of {len(rollouts)} rollouts passed in {engines}"


#: Flags of a material that stand at the top of the report: what is said of the parts, before and after their names.
_MATERIAL_FLAGS = {
    "unknown_material": ("Nothing says what", "made of: density and friction are wide assumptions."),
    "density_conflict": ("The source states a density that contradicts the material that", "said to be made of."),
    "weak_material_evidence": ("Only weak evidence says what", "made of: the interval is wide."),
}
_MATERIAL_HINT = 'State it with --material "PART=MATERIAL", or weigh it and give --mass.'


def notes(twin: Twin | None, checks: tuple[CheckResult, ...]) -> Markup:
    """What the user must know before anything else: doubts and warnings, each with what to do."""
    shown = [*_doubts(twin), *_material_doubts(twin)] if twin else []
    shown += [(note.message, note.hint) for note in twin.notes if note.severity == "warning"] if twin else []
    shown += [(c.message, c.hint) for c in checks if c.id == "licence.stated" and c.status == "not_checked"]
    cards_ = [
        tag("div", status("warning"), tag("p", text, " ", tag("span", hint, class_="muted")), class_="card note")
        for text, hint in dict.fromkeys(shown)
    ]
    return tag("section", cards_, class_="notes", aria_label="What needs a look") if cards_ else Markup("")


def _doubts(twin: Twin) -> list[tuple[str, str]]:
    """Flagged decisions about the frame that no note of the twin speaks of."""
    shown = []
    for words, option, decision in (("unit", "--units", twin.frame.units), ("up axis", "--up", twin.frame.up_axis)):
        told = any(words.split()[0] in note.code for note in twin.notes if note.severity == "warning")
        if decision.flags and not told:
            other = ", ".join(f"{v} ({100 * p:.0f} %)" for v, p in decision.alternatives[:3])
            text = f"The {words} of the source is not certain: {decision.value} was taken, it could be {other}."
            shown.append((text, f"State it with {option} and build again."))
    return shown


def _material_doubts(twin: Twin) -> list[tuple[str, str]]:
    """For each serious flag of a material, one sentence with the parts that it concerns (the worst flag of a part)."""
    concerned: dict[str, list[str]] = {}
    told = {note.code for note in twin.notes if note.severity == "warning"}
    for part in twin.parts:
        material = next((m for m in twin.materials if m.name == part.material), None)
        raised = set(material.flags) | set(material.density.flags) if material else set()
        flag = next((f for f in _MATERIAL_FLAGS if f in raised), "")
        if flag and flag not in told:
            concerned.setdefault(flag, []).append(part.name)
    shown = []
    for flag, names in concerned.items():
        before, after = _MATERIAL_FLAGS[flag]
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        verb = "are" if len(names) > 1 else "is"
        shown.append((f"{before} {listed} {verb} {after}", _MATERIAL_HINT))
    return shown


def minor_notes(twin: Twin | None) -> Markup:
    """Repairs, losses and choices that are good to know; folded."""
    listed = [note for note in twin.notes if note.severity == "info"] if twin else []
    if not listed:
        return Markup("")
    rows = [
        tag("tr", tag("td", status("info")), tag("td", join(n.message, " ", tag("span", n.hint, class_="muted"))))
        for n in listed
    ]
    head = tag("summary", "Notes on the way", tag("span", f"{len(listed)}", class_="caption"))
    return tag("details", head, tag("div", tag("table", rows), class_="table"))
