"""An export as the panel shows it: what was compared, how it fell, what its format cannot hold."""

from __future__ import annotations

from physicl_twin.deploy.record import Comparison, DeployRecord
from physicl_twin.model import Note
from physicl_twin.page import numbers
from physicl_twin.page.style import WORDS
from physicl_twin.workbench.cards import Line, Tone, in_panel_words
from physicl_twin.workbench.certificate_view import TONES, engine_name

#: Numbers of one comparison, and comparisons of one quantity, that are listed.
_LISTED = 4
_QUANTITIES = {
    "com": "centre of mass",
    "collider_count": "number of colliders",
    "collider_volume": "volume of colliders",
    "collider_position": "place of colliders",
    "static_friction": "static friction",
    "joint_frame": "joint frames",
    "joint_limits": "joint limits",
    "opens": "opens without a warning",
}


def export_verdict(record: DeployRecord, version: int) -> tuple[Tone, str]:
    """Icon and word of an export.

    Args:
        record: Of the export.
        version: Of the twin that is in view; 0 for a set.
    """
    if not record.passed:
        return "stop", "differs"
    if record.twin_version != version:
        return "look", f"of version {record.twin_version}"
    if record.forced:
        return "look", "exported anyway"
    return ("good", "agrees") if record.checked else ("look", "not compared")


def export_lines(record: DeployRecord) -> tuple[Line, ...]:
    """What differs first, then what agrees, the drop, warnings and losses."""
    lines = [_differs(one) for one in record.comparisons if not one.passed]
    good = [one for one in record.comparisons if one.passed]
    by_quantity: dict[str, list[Comparison]] = {}
    for one in good:
        by_quantity.setdefault(one.quantity, []).append(one)
    lines += [_agrees(quantity, found) for quantity, found in by_quantity.items()]
    if not record.checked:
        lines.append(Line("The round trip was not made.", "", "look", "not compared"))
    if record.drop is not None:
        drop = record.drop
        lines.append(Line(f"drop in {engine_name(drop.engine)}", drop.message, TONES[drop.status], WORDS[drop.status]))
    lines += [_note(note, "look", "look here") for note in record.warnings]
    lines += [_note(note, "muted", "cannot hold") for note in record.losses]
    return tuple(lines)


def _differs(one: Comparison) -> Line:
    name = f"{_named(one.quantity)} of {one.subject}"
    if one.error is None:
        return Line(name, "missing in the export", "stop", "differs")
    said = f"off by {numbers.significant(one.error, 3)}, allowed {numbers.significant(one.tolerance, 3)}"
    full = f"twin: {_values(one.expected, one.unit)}\nexport: {_values(one.actual, one.unit)}"
    return Line(name, said, "stop", "differs", full)


def _agrees(quantity: str, found: list[Comparison]) -> Line:
    worst = max(one.error or 0.0 for one in found)
    limit = min(one.tolerance for one in found)
    first = found[0]
    value = _brief(first.expected, first.unit) if len(found) == 1 else f"all {len(found)}"
    said = f"{value}, off by at most {numbers.significant(worst, 2)}" if worst > 0 else f"{value}, the same to the bit"
    full = "\n".join(f"{one.subject}: {_values(one.expected, one.unit)}" for one in found[:_LISTED])
    allowed = f"allowed: {numbers.significant(limit, 2)}"
    return Line(_named(quantity), said, "good", "agrees", f"{full}\n{allowed}")


def _named(quantity: str) -> str:
    return _QUANTITIES.get(quantity, quantity.replace("_", " "))


def _values(values: tuple[float, ...], unit: str) -> str:
    """All of them, in one unit that suits the largest."""
    scale = numbers.scale_for(max((abs(value) for value in values), default=0.0), unit)
    listed = ", ".join(numbers.significant(value * scale.factor, 4) for value in values)
    return f"{listed} {scale.unit}".rstrip()


def _brief(values: tuple[float, ...], unit: str) -> str:
    """The values, or only the largest of many."""
    if len(values) <= _LISTED:
        return _values(values, unit)
    largest = max(values, key=abs)
    return f"up to {_values((largest,), unit)}"


def _note(note: Note, tone: Tone, word: str) -> Line:
    return Line(note.message, in_panel_words(note.hint), tone, word)
