"""The state of each stage in a word: always visible, whatever tab is in view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from physicl_twin.workbench.cards import Tone
from physicl_twin.workbench.session import TITLES, Stage
from physicl_twin.workbench.texts import count

if TYPE_CHECKING:
    from physicl_twin.workbench.workspace import Workspace

State = tuple[Tone, str]


@dataclass(frozen=True, slots=True)
class StageState:
    """A stage as its tab's head shows it.

    Attributes:
        stage: Which.
        title: Its name.
        tone: Of its icon.
        word: What there is, or what is missing.
    """

    stage: Stage
    title: str
    tone: Tone
    word: str


def _ingest(work: Workspace) -> State:
    reports = work.ingest.reports
    if not work.ingest.empty:
        if any(report.error is not None for report in reports):
            return "stop", "a source cannot be read"
        return "plain", f"{count(len(work.ingest.sources), 'source')} to build"
    return ("good", "built") if work.normalize.twin is not None else ("plain", "add a source")


def _normalize(work: Workspace) -> State:
    model = work.normalize
    if model.twin is None:
        return "muted", "no twin yet"
    if model.edited:
        return "look", model.changes
    unsure = sum(row.tone == "look" for row in model.rows)
    return ("look", f"{count(unsure, 'part')} to look at") if unsure else ("good", "every part is known")


def _augment(work: Workspace) -> State:
    shown = work.augment.members.shown
    if work.augment.members.is_preview or shown is None:
        return ("plain", "no variations yet") if work.normalize.twin is not None else ("muted", "no twin yet")
    tone: Tone = "good" if shown.complete and not shown.rejected else "look" if shown.members else "stop"
    return tone, f"{len(shown.members)} of {count(shown.asked, 'variation')}"


def _validate(work: Workspace) -> State:
    certificate = work.normalize.certificate
    if work.normalize.twin is None:
        return "muted", "no twin yet"
    if certificate is None:
        return "plain", "not checked"
    if work.validate.stale:
        return "look", f"check again: {work.validate.stale}"
    failed = certificate.count("failed")
    if failed:
        return "stop", f"{failed} failed"
    return ("good", "passed") if certificate.passed else ("look", "not checked")


def _deploy(work: Workspace) -> State:
    if not work.deploy.subject:
        return "muted", "no twin yet"
    tones = [row.tone for row in work.deploy.targets]
    made = sum(tone in ("good", "look") for tone in tones)
    if "stop" in tones:
        return "stop", "an export is wrong or missing"
    if not made:
        return "plain", "not exported"
    return ("look" if "look" in tones else "good"), f"exported to {count(made, 'target')}"


#: A stage's state; a new stage is a function and a line here.
STATES: Mapping[Stage, Callable[[Workspace], State]] = {
    "ingest": _ingest,
    "normalize": _normalize,
    "augment": _augment,
    "validate": _validate,
    "deploy": _deploy,
}


def stage_states(work: Workspace) -> tuple[StageState, ...]:
    """All stages in their order."""
    return tuple(StageState(stage, TITLES[stage], *state(work)) for stage, state in STATES.items())
