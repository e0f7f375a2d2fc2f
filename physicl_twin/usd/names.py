"""Identifiers and file names that USD and SimReady accept, from names in any script."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

#: Longest identifier; longer ones are cut and end in a hash, so that they stay apart.
MAX_LENGTH = 64

#: Letters that Unicode's decomposition leaves whole, as they are commonly transcribed.
_TRANSCRIBED = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "Æ": "AE",
        "ø": "o",
        "Ø": "O",
        "œ": "oe",
        "Œ": "OE",
        "đ": "d",
        "Đ": "D",
        "ł": "l",
        "Ł": "L",
        "µ": "u",
    }
)
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


def identifier(text: str, fallback: str = "unnamed") -> str:
    """A USD identifier ``[A-Za-z_][A-Za-z0-9_]*`` that resembles the text.

    Accents are dropped; characters without a Latin base become ``u`` and their code point (``齿`` is ``u9f7f``); runs
    of anything else become one underscore.
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_TRANSCRIBED))
    pieces = []
    for character in decomposed:
        if character.isascii():
            pieces.append(character if character.isalnum() else "_")
        elif unicodedata.combining(character):
            continue
        else:
            pieces.append(f"_u{ord(character):x}_" if character.isalnum() or ord(character) > 0xFFFF else "_")
    name = re.sub(r"_+", "_", "".join(pieces)).strip("_") or fallback
    if name[0].isdigit():
        name = f"_{name}"
    if len(name) > MAX_LENGTH:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = f"{name[: MAX_LENGTH - 9]}_{digest}"
    return name


def safe_file_name(text: str) -> str:
    """A file name ``[A-Za-z0-9._-]`` that keeps the extension (SimReady NP.002)."""
    stem, dot, extension = text.rpartition(".")
    if not dot:
        stem, extension = text, ""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) and len(text) <= 120 and not _WINDOWS_DEVICES.match(stem):
        return text
    name = identifier(stem, "file")
    if _WINDOWS_DEVICES.match(name):
        name = f"_{name}"
    suffix = re.sub(r"[^A-Za-z0-9]", "", extension).lower()
    return f"{name}.{suffix}" if suffix else name


class Names:
    """Hands out names that are unique among those that it handed out, also where case does not count.

    Args:
        reserved: Names that are taken from the start.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = {name.casefold() for name in reserved}

    def unique(self, text: str, fallback: str = "unnamed") -> str:
        """An identifier for ``text``; ``_2``, ``_3`` … tells namesakes apart."""
        return self._take(identifier(text, fallback), "")

    def unique_file(self, text: str) -> str:
        """A file name for ``text``, likewise."""
        name = safe_file_name(text)
        stem, dot, extension = name.rpartition(".")
        return self._take(stem, f".{extension}") if dot else self._take(name, "")

    def _take(self, stem: str, suffix: str) -> str:
        name, count = f"{stem}{suffix}", 1
        while name.casefold() in self._taken:
            count += 1
            name = f"{stem}_{count}{suffix}"
        self._taken.add(name.casefold())
        return name
