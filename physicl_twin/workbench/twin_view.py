"""A twin as the panel shows it: headline cards and a row a part, every figure with its spread and its reasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Certificate, Estimate, Material, Part, Twin
from physicl_twin.model.estimate import Z90
from physicl_twin.page import numbers
from physicl_twin.workbench.cards import Card, Tone
from physicl_twin.workbench.layout import Column
from physicl_twin.workbench.texts import count, explained, figure, reasons, sure, unit_word

#: Columns of the table of parts, the most important first to stay.
COLUMNS = (
    Column("part", "part", 1.25),
    Column("material", "material", 1.5),
    Column("density", "density kg/m³", 1.0, least=760, right=True),
    Column("mass", "mass kg", 1.05, right=True),
    Column("friction", "friction µs / µk", 1.35, least=900, right=True),
    Column("collider", "collider · mean error", 1.25, least=560, right=True),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of a row.

    Attributes:
        text: As printed.
        why: In full, with its reasons.
        changed: True when an edit changed it and nobody has accepted it yet.
        tone: ``look`` for a flagged one.
    """

    text: str
    why: str
    changed: bool = False
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part.

    Attributes:
        name: Of the part.
        material: Title of its material.
        alternatives: (title or id, probability) of other candidates, likeliest first.
        cells: By column key: density, mass, friction, collider.
        tone: Of the row's icon: good, or look when something needs one.
        word: Beside or behind the icon.
        changed: True when an edit touched it.
    """

    name: str
    material: str
    alternatives: tuple[tuple[str, float], ...]
    cells: dict[str, Cell]
    tone: Tone
    word: str
    changed: bool

    def why(self, column: str) -> str:
        """The reasons of a column's figure."""
        return self.cells[column].why if column in self.cells else ""


def total_mass(twin: Twin) -> Estimate | None:
    """Mass of all bodies; independent spreads add in squares."""
    masses = [body.mass for body in twin.bodies if body.mass is not None]
    if len(masses) <= 1:
        return masses[0] if masses else None
    value, std = sum(m.value for m in masses), float(np.sqrt(sum(m.std**2 for m in masses)))
    low, high = max(0.0, value - Z90 * std), value + Z90 * std
    return Estimate(value, "kg", std, low, high, "normal", "sum of the bodies")


def cards(twin: Twin, certificate: Certificate | None, edited: bool) -> tuple[Card, ...]:
    """Mass, centre of mass, units, colliders, SimReady: is it right?

    Args:
        twin: As it is shown, perhaps edited.
        certificate: Of the version on disk; None when there is none.
        edited: True when the certificate speaks of figures that were changed since.
    """
    return (_mass(twin), _com(twin), _units(twin), _colliders(twin), _simready(certificate, edited))


def _mass(twin: Twin) -> Card:
    mass = total_mass(twin)
    if mass is None:
        return Card("mass", "not known", "no part could be weighed", "look")
    tone: Tone = "look" if mass.flags or numbers.is_skewed(mass) else "plain"
    return Card("mass", numbers.estimate(mass), f"90 %: {numbers.interval(mass)}", tone, explained(mass, "mass"))


def _com(twin: Twin) -> Card:
    known = [(body.pose, body.mass_properties) for body in twin.bodies if body.mass_properties is not None]
    if not known:
        return Card("centre of mass", "not known", "", "look")
    if len(known) > 1:
        return Card("centre of mass", f"of {len(known)} bodies", "each in the report")
    _, properties = known[0]
    value, spread = numbers.vector(properties.com_m, properties.com_std_m, "m")
    return Card("centre of mass", value, f"{spread}, x y z", "plain", reasons(properties.evidence))


def _units(twin: Twin) -> Card:
    units = twin.frame.units
    caption = f"{sure(units)} · {twin.frame.up_axis.value.upper()} up"
    tone: Tone = "look" if units.flags else "plain"
    return Card("units", unit_word(units.value), caption, tone, reasons(units.evidence, units.flags))


def _colliders(twin: Twin) -> Card:
    fits = [(part.name, part.collision) for part in twin.parts if part.collision is not None]
    if not fits:
        return Card("colliders", "none", "nothing touches it", "stop")
    pieces = sum(len(collision.colliders) for _, collision in fits)
    worst = max(collision.fit.p99_m for _, collision in fits)
    kept = [collision.fit.cavity_kept for _, collision in fits if collision.fit.cavity_kept is not None]
    cavity = "" if not kept else " · cavities kept" if all(kept) else " · a cavity is filled"
    why = "\n".join(f"{name}: {reasons(collision.evidence)}" for name, collision in fits[:6])
    tone: Tone = "plain" if all(kept) else "look"
    return Card(
        "colliders", count(pieces, "shape"), f"99 % within {numbers.quantity(worst, 'm', 2)}{cavity}", tone, why
    )


def _simready(certificate: Certificate | None, edited: bool) -> Card:
    if certificate is None:
        return Card("SimReady", "not checked", "no certificate", "look")
    if edited:
        return Card(
            "SimReady", "check again", "figures were edited", "look", "Accept the edits to check the new version."
        )
    failed, unchecked = certificate.count("failed"), certificate.count("not_checked")
    words = f"{certificate.count('passed')} passed · {unchecked} not checked"
    if failed:
        return Card(
            "SimReady", "not sim-ready", f"{failed} failed · {words}", "stop", "Open Validate to see what failed."
        )
    if not certificate.passed:
        return Card("SimReady", "not checked", words, "look")
    return Card("SimReady", "sim-ready", words, "good", f"Profile {certificate.profile}.")


def part_rows(twin: Twin, before: Twin | None = None) -> tuple[PartRow, ...]:
    """A row a part.

    Args:
        twin: As it is shown.
        before: The version on disk, when figures were edited since.
    """
    old = {part.name: (part, _material(before, part)) for part in before.parts} if before is not None else {}
    return tuple(_row(part, _material(twin, part), *old.get(part.name, (None, None))) for part in twin.parts)


def _material(twin: Twin | None, part: Part) -> Material | None:
    return next((m for m in twin.materials if m.name == part.material), None) if twin is not None else None


def _row(part: Part, material: Material | None, old: Part | None, old_material: Material | None) -> PartRow:
    texts = _texts(part, material)
    before = _texts(old, old_material) if old is not None else texts
    flagged = _flags(part, material)
    cells = {
        key: Cell(text, why, text != before[key][0], "look" if flagged.get(key) else "plain")
        for key, (text, why) in texts.items()
    }
    title = material.title if material is not None else "not known"
    changed = old is not None and (
        any(cell.changed for cell in cells.values()) or title != (old_material.title if old_material else "not known")
    )
    alternatives = tuple((a.material, a.probability) for a in material.alternatives[:4]) if material is not None else ()
    needs_look = any(flagged.values())
    word = "look here" if needs_look else ""
    return PartRow(part.name, title, alternatives, cells, "look" if needs_look else "good", word, changed)


#: Flags that mean that a person should look, not only that a figure has a wide interval.
_SERIOUS = frozenset(
    ["unknown_material", "weak_material_evidence", "density_conflict", "open_surface", "methods_disagree"]
)


def _flags(part: Part, material: Material | None) -> dict[str, bool]:
    of_material = set(material.flags) | set(material.density.flags) if material is not None else {"unknown_material"}
    of_mass = set(part.mass.flags) if part.mass is not None else {"unknown_material"}
    return {
        "material": bool(of_material & _SERIOUS),
        "density": bool(of_material & _SERIOUS),
        "mass": bool(of_mass & _SERIOUS),
        "collider": part.collision is None,
    }


def _texts(part: Part, material: Material | None) -> dict[str, tuple[str, str]]:
    """(Printed figure, reasons) by column."""
    if material is None:
        why = "Nothing says what it is made of."
        friction, density = ("not known", why), ("not known", why)
        made = why
    else:
        static, dynamic = material.static_friction, material.dynamic_friction
        friction = (
            f"{_coefficient(static)} / {_coefficient(dynamic)}",
            f"{explained(static, 'static friction µs')}\n{explained(dynamic, 'dynamic friction µk')}",
        )
        density = (figure(material.density), explained(material.density, "density"))
        made = f"{material.title}: {reasons(material.evidence, material.flags)}"
    return {
        "material": (material.title if material is not None else "not known", made),
        "density": density,
        "mass": (figure(part.mass), explained(part.mass, "mass")),
        "friction": friction,
        "collider": _collider(part),
    }


def _coefficient(item: Estimate) -> str:
    return (
        numbers.figures(item)
        if not numbers.is_skewed(item)
        else f"{numbers.rounded(item.low)} – {numbers.rounded(item.high)}"
    )


def _collider(part: Part) -> tuple[str, str]:
    collision = part.collision
    if collision is None:
        return "none", "Nothing touches it."
    kinds = [collider.kind for collider in collision.colliders]
    shape = (
        kinds[0]
        if len(kinds) == 1
        else count(len(kinds), "hull")
        if set(kinds) == {"hull"}
        else count(len(kinds), "shape")
    )
    fit = collision.fit
    detail = f"mean {numbers.fit_error(fit.mean_m)}, 99 % within {numbers.quantity(fit.p99_m, 'm', 2)}"
    tried = "; ".join(f"{c.method} {numbers.fit_error(c.fit.mean_m)}" for c in collision.candidates)
    why = "\n".join(
        text for text in (f"{collision.method}: {detail}", reasons(collision.evidence), f"tried: {tried}") if text
    )
    return f"{shape} · {numbers.fit_error(fit.mean_m)}", why
