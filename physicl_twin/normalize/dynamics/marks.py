"""What tells a number that this room derived from one that the source states."""

from __future__ import annotations

from collections.abc import Iterable

from physicl_twin.model import Drive, Estimate, Evidence

#: Flag of a friction or damping that the source writes as 0: what fills a field, for no real joint has none.
STATED_ZERO = "stated_zero"
#: Flag of a stated friction or damping that would stall the joint's own motor: one of the two numbers is none.
STALLS = "stalls_its_motor"
#: Evidence source of everything that this room derived, and may derive anew.
DERIVED = "physicl_twin.normalize.dynamics"


def rule(statement: str) -> Evidence:
    """The reason of a derived number."""
    return Evidence("rule", statement, DERIVED)


def derived(evidence: Iterable[Evidence]) -> bool:
    """True when this room wrote it."""
    return any(item.source == DERIVED for item in evidence)


def stated(estimate: Estimate | None) -> Estimate | None:
    """An estimate that does not come from this room and is more than a number that fills a field; None otherwise."""
    if estimate is None or derived(estimate.evidence) or not {STATED_ZERO, STALLS}.isdisjoint(estimate.flags):
        return None
    return estimate


def untouched(estimate: Estimate | None) -> Estimate | None:
    """An estimate that does not come from this room, also a 0; None otherwise."""
    return None if estimate is None or derived(estimate.evidence) else estimate


def besides(estimate: Estimate, before: Estimate | None) -> Estimate:
    """A derived estimate with what the source says of the same quantity, though it says nothing (it fills a field)."""
    said = [item for item in before.evidence if item.kind == "source"] if before is not None else []
    return estimate.with_evidence(*(item for item in said if item not in estimate.evidence))


def stated_drive(drive: Drive | None) -> Drive | None:
    """A drive that does not come from this room; None otherwise."""
    return None if drive is None or derived(drive.stiffness.evidence + drive.damping.evidence) else drive
