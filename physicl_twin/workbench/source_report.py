"""The dry run in words: what a source is, what it would become, and what needs a look before it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from physicl_twin.model import Decision, Estimate, Evidence, Note, from_json
from physicl_twin.page import numbers
from physicl_twin.workbench.cards import Card, Line, Tone, in_panel_words
from physicl_twin.workbench.texts import count, reasons, size, sure, unit_word

#: Below this probability that its clues are right, a material needs a look.
_UNSURE = 0.5


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What is known of one source.

    Attributes:
        name: Of the file.
        path: Of the file.
        title: Of the thing.
        error: ``code``, ``message``, ``hint`` when it cannot be read.
        cards: Headline facts.
        parts: A line a part, with its material.
        notes: What needs a look, then what is good to know.
        picture: Path of a picture; empty for none.
    """

    name: str
    path: str
    title: str = ""
    error: Mapping[str, str] | None = None
    cards: tuple[Card, ...] = ()
    parts: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    picture: str = ""

    @property
    def summary(self) -> str:
        """One line."""
        if self.error is not None:
            return str(self.error["message"])
        return " · ".join(card.value for card in self.cards[:4]) or "not looked into"


def report_of(record: Mapping[str, Any]) -> SourceReport:
    """The report of a record of the ``preview`` verb."""
    name, path = str(record["name"]), str(record["path"])
    if record.get("error"):
        return SourceReport(name, path, error=record["error"])
    if "units" not in record:
        return SourceReport(name, path)
    units, up = from_json(Decision, record["units"]), from_json(Decision, record["up_axis"])
    mass = from_json(Estimate, record["mass"]) if record["mass"] else None
    notes = [from_json(Note, note) for note in record["notes"]]
    cards = (
        _units(units),
        Card("size", size(record["extents_m"]), _size_caption(units), "look" if units.flags else "plain", _why(units)),
        Card("up axis", up.value.upper(), sure(up), "look" if up.flags else "plain", _why(up)),
        _parts(record),
        _surface(record),
        _mass(mass),
    )
    return SourceReport(
        name,
        path,
        str(record["title"]),
        cards=cards,
        parts=tuple(_part(part) for part in record["parts"]),
        notes=tuple(_note(note) for note in sorted(notes, key=lambda note: note.severity != "warning")),
        picture=str(record.get("picture", "")),
    )


def _why(decision: Decision) -> str:
    other = ", ".join(f"{value} {100 * p:.2g} %" for value, p in decision.alternatives[:3] if p >= 0.001)
    return "\n".join(
        part for part in (reasons(decision.evidence, decision.flags), f"or {other}" if other else "") if part
    )


def _units(units: Decision) -> Card:
    return Card("units", unit_word(units.value), sure(units), "look" if units.flags else "plain", _why(units))


def _size_caption(units: Decision) -> str:
    return "check the scale" if units.flags else "scale is plausible"


def _parts(record: Mapping[str, Any]) -> Card:
    parts, joints = len(record["parts"]), int(record["joints"])
    bodies = count(int(record["bodies"]), "rigid body", "rigid bodies")
    known = len({part["material"] for part in record["parts"] if part["known"]})
    caption = f"{bodies}, {count(joints, 'joint')}" if joints else f"{bodies} · {count(known, 'material')}"
    return Card("parts", str(parts), caption)


def _surface(record: Mapping[str, Any]) -> Card:
    total, closed, repairs = len(record["parts"]), int(record["watertight"]), list(record["repairs"])
    value = "watertight" if closed >= total else f"{total - closed} of {total} open" if total > 1 else "open"
    caption = count(int(record["triangles"]), "triangle")
    if repairs:
        caption = f"after {count(len(repairs), 'repair')}"
    return Card("surface", value, caption, "plain" if closed >= total else "look", "\n".join(repairs[:6]))


def _mass(mass: Estimate | None) -> Card:
    if mass is None:
        return Card("expected mass", "not known", "several bodies, or nothing closed", "look")
    tone: Tone = "look" if mass.flags else "plain"
    return Card(
        "expected mass", numbers.estimate(mass), f"90 %: {numbers.interval(mass)}", tone, reasons(mass.evidence)
    )


def _part(part: Mapping[str, Any]) -> Line:
    evidence = [from_json(Evidence, item) for item in part["evidence"]]
    if not part["known"]:
        return Line(part["name"], "material not known", "look", "look here", reasons(evidence, part["flags"]))
    unsure = float(part["confidence"]) < _UNSURE
    detail = f"{part['material']} ({100 * float(part['confidence']):.0f} %)" if unsure else str(part["material"])
    return Line(part["name"], detail, "look" if unsure else "good", "a guess" if unsure else "", reasons(evidence))


def _note(note: Note) -> Line:
    warning = note.severity == "warning"
    hint = in_panel_words(note.hint)
    return Line(note.message, hint, "look" if warning else "muted", "look here" if warning else "note", hint)
