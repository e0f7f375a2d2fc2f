"""What free text in a file (headers, comments, names) says about its unit."""

from __future__ import annotations

import re

from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.raw import Claim
from physicl_twin.model import Evidence

_NAMES: tuple[tuple[str, str], ...] = (
    ("mm", r"mm|millimet(?:er|re)s?|millimètres?"),
    ("cm", r"cm|centimet(?:er|re)s?|centimètres?"),
    ("in", r"in|inch|inches|zoll"),
    ("ft", r"ft|foot|feet"),
    ("m", r"m|met(?:er|re)s?|mètres?"),
)
_ANY = "|".join(pattern for _, pattern in _NAMES)
#: "length unit = millimeters", "UNITS: mm", "uom=IN", "unit mm".
_STATEMENT = re.compile(
    rf"\b(?:length[\s_-]*)?(?:units?|uom|einheit(?:en)?|unités?)\b(?:[\s_-]*(?:of[\s_-]*)?(?:length|measure(?:ment)?))?"
    rf"(?:\s*(?:[:=]|is|are|in)+\s*|\s+)[\"']?(?P<unit>{_ANY})\b",
    re.IGNORECASE,
)
#: "dimensions in mm", "vertices in metres", "exported in inches".
_PHRASE = re.compile(
    rf"\b(?:dimensions?|vertices|coordinates?|lengths?|values|exported|measured|scale|maße)\s+(?:are\s+)?in\s+(?P<unit>{_ANY})\b",
    re.IGNORECASE,
)
#: A unit as a word of its own in a file name: "bracket_mm", "plate-inches"; "in" and "m" alone are too common as words.
_FILE_NAME = re.compile(
    r"(?:^|[\s_.\-(\[])(?P<unit>mm|cm|inch|inches|meters?|metres?|millimeters?|millimetres?|centimeters?|centimetres?)(?:$|[\s_.\-)\]])",
    re.I,
)


def unit_of_word(word: str) -> str:
    """Unit id of a word such as ``millimeters``, or empty."""
    for unit, pattern in _NAMES:
        if re.fullmatch(pattern, word.strip(), re.IGNORECASE):
            return unit
    return ""


def claims_in_text(text: str, where: str, settings: IngestSettings) -> tuple[Claim, ...]:
    """Claims in a header or comment.

    Args:
        text: The text.
        where: What it is, for the evidence ("header of part.stl").
        settings: Reliabilities and the habits of writing programs.
    """
    for pattern in (_STATEMENT, _PHRASE):
        if match := pattern.search(text):
            unit = unit_of_word(match.group("unit"))
            said = " ".join(match.group(0).split())[:80]
            statement = f"The {where} says {said!r}."
            return (Claim(unit, settings.unit_reliability["header_text"], Evidence("source", statement, where, said)),)
    lower = text.lower()
    for writer, unit in settings.writer_units.items():
        if re.search(rf"\b{re.escape(writer)}\b", lower):
            statement = f"The {where} names {writer}, which leaves {unit} unless told otherwise."
            return (Claim(unit, settings.unit_reliability["writer_habit"], Evidence("rule", statement, where, writer)),)
    return ()


def claims_in_name(stem: str, settings: IngestSettings) -> tuple[Claim, ...]:
    """Claims in a file name such as ``bracket_mm``."""
    units = {unit_of_word(match.group("unit")) for match in _FILE_NAME.finditer(stem)}
    if len(units) != 1:
        return ()
    unit = units.pop()
    statement = f"The file name says {unit}."
    return (
        Claim(unit, settings.unit_reliability["file_name"], Evidence("source", statement, stem[:120], "file name")),
    )
