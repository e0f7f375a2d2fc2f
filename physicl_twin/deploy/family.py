"""A set of variations that is to be exported: what all members share, its twins, and how a member is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from physicl_twin.deploy.subject import Subject, read_subject
from physicl_twin.model import ConfigError, Support, Variation, VariationSet


@dataclass(frozen=True, slots=True)
class Family:
    """The set.

    Attributes:
        shared: What all members have in common.
        subjects: Its twins by name.
        folder: Where it stands; None in memory.
        read: A member and the support with its surface, by the member's number.
    """

    shared: VariationSet
    subjects: dict[str, Subject]
    folder: Path | None
    read: Callable[[int], tuple[Variation, Support]]


def read_family(folder: Path) -> Family:
    """The set of a folder that ``augment`` made.

    Raises:
        SourceError: ``set_not_found``, ``set_invalid``, ``twin_not_found``.
    """
    from physicl_twin.usd import variation_set

    shared = variation_set.read_set(folder)
    subjects = {name: read_subject(folder / where) for name, where in shared.twins}

    def read(index: int) -> tuple[Variation, Support]:
        return variation_set.read_member(folder, shared, index), variation_set.support_of(folder, shared, index)

    return Family(shared, subjects, folder, read)


def is_family(folder: Path) -> bool:
    """True for a folder that ``augment`` made."""
    return (folder / "manifest.json").is_file() and not (folder / "twin.json").is_file()


def chosen_members(shared: VariationSet, text: str | None) -> tuple[int, ...]:
    """The members that ``0-9,12`` names; all of them for None.

    Raises:
        ConfigError: ``members_unreadable``, ``members_absent``.
    """
    if text is None:
        return shared.members
    wanted: list[int] = []
    for piece in text.split(","):
        first, dash, last = piece.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise ConfigError("members_unreadable", f"{text!r} names no members.", "Examples: 7, 0-9, 0-9,42.")
        wanted += range(int(first), int(last or first) + 1)
    present = set(shared.members)
    found = tuple(index for index in dict.fromkeys(wanted) if index in present)
    if not found:
        raise ConfigError(
            "members_absent",
            f"{shared.name} has no member among {text}.",
            f"It has {len(present)} members, up to number {max(present, default=0)}.",
        )
    return found
