"""The one long thing that runs: what it is, how far it is, in a bar that never runs backwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from physicl_twin.workbench.task import TaskState
from physicl_twin.workbench.texts import duration

#: After this many seconds progress is shown, and cancelling offered.
SHOWN_AFTER_S, CANCEL_AFTER_S = 0.5, 2.0

#: Where a stage begins and ends in the bar of a verb, and how people call it.
_PLANS: dict[str, tuple[tuple[str, float, float, str], ...]] = {
    "build": (
        ("ingest", 0.0, 0.05, "reading the source"),
        ("normalize", 0.05, 0.06, "understanding the geometry"),
        ("shapes", 0.06, 0.10, "cleaning the shapes"),
        ("joints", 0.10, 0.12, "looking for joints"),
        ("materials", 0.12, 0.15, "finding the materials"),
        ("mass", 0.15, 0.18, "weighing the parts"),
        ("collision", 0.18, 0.5, "fitting colliders"),
        ("semantics", 0.5, 0.51, "naming it"),
        ("usd", 0.51, 0.58, "writing the USD"),
        ("validate", 0.58, 0.6, "checking"),
        ("checks", 0.6, 0.66, "checking"),
        ("simready", 0.66, 0.72, "asking NVIDIA's SimReady validator"),
        ("rollouts", 0.72, 0.96, "running it in physics engines"),
        ("certificate", 0.96, 0.98, "writing the certificate"),
        ("publish", 0.98, 1.0, "putting it in place"),
    ),
    "certify": (
        ("checks", 0.0, 0.15, "checking"),
        ("simready", 0.15, 0.3, "asking NVIDIA's SimReady validator"),
        ("rollouts", 0.3, 0.97, "running it in physics engines"),
        ("certificate", 0.97, 1.0, "writing the certificate"),
    ),
    "preview": (
        ("ingest", 0.0, 0.4, "reading the source"),
        ("shapes", 0.4, 0.7, "looking at the shapes"),
        ("materials", 0.7, 0.8, "finding the materials"),
        ("mass", 0.8, 0.9, "weighing the parts"),
        ("picture", 0.9, 1.0, "drawing a picture"),
    ),
    "augment": (("settle", 0.0, 1.0, "letting it fall and come to rest"),),
    "member_preview": (("settle", 0.0, 1.0, "letting it fall and come to rest"),),
    "deploy": (("deploy", 0.0, 1.0, "writing it and reading it back"),),
}
_PLANS["accept"] = (
    ("restate", 0.0, 0.05, "weighing the parts"),
    ("usd", 0.05, 0.15, "writing the USD"),
    *((name, 0.15 + 0.85 * low, 0.15 + 0.85 * high, words) for name, low, high, words in _PLANS["certify"]),
)


class Running(Protocol):
    """What an activity needs of a task."""

    @property
    def state(self) -> TaskState:
        """The latest snapshot."""

    def cancel(self) -> None:
        """Stop."""


@dataclass(slots=True)
class Activity:
    """A task that is under way.

    Attributes:
        title: What is being done, for people.
        verb: Of the task.
        subject: Source or twin that it is about.
        task: The task.
        done: Called with the result when it ends well.
        failed: Called with the error when it does not; not after a cancel.
        started_s: Monotonic time of its start.
        reached: Largest fraction shown so far.
    """

    title: str
    verb: str
    subject: str
    task: Running
    done: Callable[[Any], None]
    failed: Callable[[Mapping[str, str]], None]
    started_s: float = field(default_factory=time.monotonic)
    reached: float = 0.0

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started_s

    @property
    def shown(self) -> bool:
        """True when it takes long enough to be shown."""
        return self.seconds >= SHOWN_AFTER_S

    @property
    def can_cancel(self) -> bool:
        """True when cancelling is offered."""
        return self.seconds >= CANCEL_AFTER_S

    def fraction(self) -> float:
        """How far it is, 0 to 1; never less than before."""
        state = self.task.state
        plan = _PLANS.get(self.verb)
        found = state.fraction
        if plan is not None:
            found = self.reached
            for name, low, high, _ in plan:
                if _is(state.stage, name):
                    found = low + (high - low) * state.fraction
        self.reached = max(self.reached, min(found, 1.0))
        return self.reached

    def words(self) -> str:
        """What it is doing now."""
        state = self.task.state
        known = next((words for name, _, _, words in _PLANS.get(self.verb, ()) if _is(state.stage, name)), "")
        doing = known or state.stage.replace("_", " ")
        more = state.message if state.message and state.message != self.subject else ""
        listed = [word for word in (doing, _short(more)) if word]
        return " · ".join([*listed, duration(self.seconds)]) if listed else f"starting · {duration(self.seconds)}"


def _is(stage: str, name: str) -> bool:
    """``rollouts`` stands for the stages that are called after a rollout and its engine (``drop in physx``)."""
    return stage == name or (name == "rollouts" and " in " in stage)


def _short(message: str) -> str:
    return message if len(message) <= 60 else ""
