"""Names: identifiers that every file system and USD accept, and readable names that are unique."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Set
from pathlib import Path

#: Longest identifier; leaves room for suffixes below the 255 bytes of file systems.
MAX_IDENTIFIER = 64
#: Longest readable name of a part.
MAX_READABLE = 120
#: Names that Windows keeps for devices.
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))])
#: Letters that have no decomposition in Unicode, as their alphabets' own conventions write them in ASCII.
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "đ": "d",
        "Đ": "D",
        "ł": "l",
        "Ł": "L",
        "þ": "th",
        "Þ": "Th",
        "ð": "d",
        "Ð": "D",
        "ı": "i",
        "ħ": "h",
        "Ħ": "H",
        "µ": "u",
    }
)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def identifier(text: str, limit: int = MAX_IDENTIFIER) -> str:
    """A file-safe identifier ``[A-Za-z_][A-Za-z0-9_]*`` of at most ``limit`` characters.

    Accents are dropped; where letters of other scripts are lost or the name is cut, a hash of the original keeps
    different names apart. Deterministic.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    lost = any(ord(c) > 127 and unicodedata.category(c)[0] in "LNS" for c in plain)
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    if not name or lost:
        name = f"{name or 'twin'}_{_digest(text)}"
    if name[0].isdigit():
        name = f"_{name}"
    if name.lower() in _DEVICES:
        name = f"{name}_"
    if len(name) > limit:
        name = f"{name[: limit - 9].rstrip('_')}_{_digest(text)}"
    return name


def readable(text: str, fallback: str) -> str:
    """A name for people: any script, without control characters, of at most 120 characters."""
    clean = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text if unicodedata.category(c) != "Cs"
    )
    clean = " ".join(unicodedata.normalize("NFC", clean).split())
    if len(clean) > MAX_READABLE:
        clean = f"{clean[: MAX_READABLE - 9].rstrip()} {_digest(text)}"
    return clean or fallback


def unique(names: Iterable[str], taken: Set[str] = frozenset()) -> tuple[str, ...]:
    """The names with ``_2``, ``_3`` … where one occurs again (ignoring case, as some file systems do)."""
    wanted = list(names)
    used = {name.casefold() for name in taken}
    reserved = {name.casefold() for name in wanted}
    result = []
    for name in wanted:
        candidate, number = name, 2
        while candidate.casefold() in used or (candidate is not name and candidate.casefold() in reserved):
            candidate = f"{name}_{number}"
            number += 1
        used.add(candidate.casefold())
        result.append(candidate)
    return tuple(result)


def words(text: str) -> tuple[str, ...]:
    """Lower-case words of a file or part name: split at punctuation, digits' borders and camel case."""
    spaced = re.sub(r"(?<=[a-zß-ÿ])(?=[A-Z])", " ", text)
    return tuple(w.lower() for w in re.findall(r"[^\W_]+", spaced))


def subject(path: Path, generic_words: Set[str]) -> str:
    """What a file is called after: its stem, or its folder's name where the stem only says how it was made."""
    stem_words = words(path.stem)
    if stem_words and not all(w in generic_words or w.isdigit() for w in stem_words):
        return path.stem
    folder = path.absolute().parent.name
    folder_words = words(folder)
    if folder_words and not all(w in generic_words or w.isdigit() for w in folder_words):
        return folder
    grand = path.absolute().parent.parent.name
    grand_words = words(grand)
    if folder_words and grand_words and not all(w in generic_words or w.isdigit() for w in grand_words):
        return grand
    return path.stem
