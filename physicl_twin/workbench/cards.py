"""What a tab shows besides tables: headline cards, facts, actions, and problems that say what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

#: What a thing means; each tone has a colour, an icon and a word, never a colour alone.
Tone = Literal["plain", "good", "look", "stop", "muted"]


@dataclass(frozen=True, slots=True)
class Card:
    """A headline figure.

    Attributes:
        title: What it is.
        value: The figure or word.
        caption: Its spread, or where it comes from.
        tone: Whether it needs a look.
        why: The reasons, for the tooltip; empty for none.
    """

    title: str
    value: str
    caption: str = ""
    tone: Tone = "plain"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list: a fact, a check, a note, a rollout.

    Attributes:
        text: What is said.
        detail: More of it, muted.
        tone: Of its icon.
        word: The word that stands beside the icon (``passed``, ``look here``); empty for none.
        tooltip: The full text.
    """

    text: str
    detail: str = ""
    tone: Tone = "plain"
    word: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person can do now.

    Attributes:
        label: On the button.
        run: Does it.
        enabled: False when it cannot be done.
        why_not: What is missing, when it cannot.
        icon: Name of an icon.
        shortcut: How the keyboard reaches it, for people.
    """

    label: str
    run: Callable[[], None]
    enabled: bool = True
    why_not: str = ""
    icon: str = ""
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as a person can use it: what happened, to what, what to do next, and a button that does it.

    Attributes:
        title: What happened.
        subject: Which source or twin; empty for none.
        hint: What to do next.
        action: Does that; None when only closing the card is left.
        code: Of the error, for a bug report.
    """

    title: str
    subject: str
    hint: str
    action: Action | None = None
    code: str = ""


#: Options of the command line that hints speak of, as the panel calls them.
_PANEL_WORDS = {
    "--units": "the unit in Ingest",
    "--up": "the up axis in Ingest",
    "--licence SPDX": "its licence in Ingest",
    "--licence": "the licence in Ingest",
    '--material "PART=MATERIAL"': "a material in its row",
    "--material": "a material in its row",
    "--mass": "the known mass",
    "--name": "name",
    "--out": "output folder",
    "--force": "Export anyway",
}


def in_panel_words(text: str) -> str:
    """A hint of the command line in the words of the panel."""
    for option, words in _PANEL_WORDS.items():
        text = text.replace(option, words)
    return text


def problem_of(error: Mapping[str, str], subject: str, action: Action | None = None) -> Problem:
    """The card of a verb's error (``code``, ``message``, ``hint``)."""
    return Problem(
        error.get("message", "") or "Something went wrong.",
        subject,
        in_panel_words(error.get("hint", "")) or "Try again; if it happens again, run ./physicl.sh doctor.",
        action,
        error.get("code", ""),
    )
