"""What tells a number that this room derived from one that the source states."""

from __future__ import annotations

from collections.abc import Iterable

from physicl_twin.model import Drive, Estimate, Evidence

#: Evidence source of everything that this room derived, and may derive anew.
DERIVED = "physicl_twin.normalize.dynamics"


def rule(statement: str) -> Evidence:
    """The reason of a derived number."""
    return Evidence("rule", statement, DERIVED)


def derived(evidence: Iterable[Evidence]) -> bool:
    """True when this room wrote it."""
    return any(item.source == DERIVED for item in evidence)


def stated(estimate: Estimate | None) -> Estimate | None:
    """An estimate that does not come from this room; None otherwise."""
    return None if estimate is None or derived(estimate.evidence) else estimate


def stated_drive(drive: Drive | None) -> Drive | None:
    """A drive that does not come from this room; None otherwise."""
    return None if drive is None or derived(drive.stiffness.evidence + drive.damping.evidence) else drive
