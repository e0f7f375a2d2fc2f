"""How alike two spellings are. By rapidfuzz, or in a program that lacks it (Isaac Sim's own Python) by plain Python."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Collection, Iterable


def best(word: str, choices: Collection[str], cutoff: float) -> tuple[str, float] | None:
    """The choice that is most like a word.

    Args:
        word: To be looked up.
        choices: Known words.
        cutoff: Smallest score that counts, 0 to 100.

    Returns:
        (choice, score): twice the length of the longest common subsequence over the length of both, times 100 (the
        normalised indel similarity); of equal ones the first. None when none is so much alike.
    """
    if _has_rapidfuzz():
        from rapidfuzz import fuzz, process

        found = process.extractOne(word, choices, scorer=fuzz.ratio, score_cutoff=cutoff)
        return (str(found[0]), float(found[1])) if found is not None else None
    most: tuple[str, float] | None = None
    for choice in choices:
        longest = 200.0 * min(len(word), len(choice)) / max(1, len(word) + len(choice))
        if longest < cutoff or (most is not None and longest <= most[1]):
            continue
        score = 200.0 * common(word, choice) / max(1, len(word) + len(choice))
        if score >= cutoff and (most is None or score > most[1]):
            most = choice, score
    return most


def nearest(text: str, choices: Iterable[str], limit: int) -> tuple[str, ...]:
    """Choices that a person who wrote a text may have meant, the likeliest first.

    Args:
        text: As written.
        choices: What there is.
        limit: How many at most.
    """
    listed = list(choices)
    if _has_rapidfuzz():
        from rapidfuzz import fuzz, process

        return tuple(str(name) for name, _, _ in process.extract(text, listed, scorer=fuzz.WRatio, limit=limit))
    low = text.lower()
    scored = sorted(listed, key=lambda name: -difflib.SequenceMatcher(None, low, name.lower()).ratio())
    return tuple(scored[:limit])


def common(one: str, other: str) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for letter in one:
        corner = 0
        for index, against in enumerate(other, 1):
            corner, row[index] = row[index], corner + 1 if letter == against else max(row[index], row[index - 1])
    return row[-1]


def _has_rapidfuzz() -> bool:
    return importlib.util.find_spec("rapidfuzz") is not None
