"""The certificate: what was checked, run and signed of one twin version, bound to content hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Version of certificate.json.
CERTIFICATE_VERSION = 1

Status = Literal["passed", "failed", "not_checked"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Outcome of one static check.

    Attributes:
        id: Stable identifier such as ``mass.inertia_triangle`` or ``simready.SL.001``.
        title: What the check asks, as a statement that holds when it passes.
        status: passed, failed, or not_checked (with the reason in ``message``).
        message: What was found, with numbers.
        target: Part, body or file that it is about; empty for the whole twin.
        hint: What to do when it failed.
    """

    id: str
    title: str
    status: Status
    message: str = ""
    target: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that a rollout produced."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Series:
    """A curve over time that a rollout recorded (thinned for the record)."""

    name: str
    unit: str
    time_s: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RolloutResult:
    """Outcome of one physics run.

    Attributes:
        name: ``drop_and_settle``, ``tilt_to_slide`` …
        engine: ``physx`` or ``mujoco``.
        question: What the run asks.
        criterion: When it passes.
        status: passed, failed or not_checked.
        message: What happened, in one sentence with numbers.
        measures: Numbers.
        series: Curves for the report.
        seconds: Wall time.
    """

    name: str
    engine: str
    question: str
    criterion: str
    status: Status
    message: str
    measures: tuple[Measure, ...] = ()
    series: tuple[Series, ...] = ()
    seconds: float = 0.0

    def measure(self, name: str) -> float:
        """The measure of that name (KeyError when absent)."""
        for measure in self.measures:
            if measure.name == name:
                return measure.value
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class FileHash:
    """Hash of a file of the twin, path relative to the twin's folder."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ToolVersion:
    """A program or library that took part."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """The record of checks and rollouts of one twin version.

    Attributes:
        twin: Name of the twin.
        twin_version: Its version.
        created_utc: ISO 8601 time.
        profile: SimReady profile and version that was asked for, such as ``Robotics-Prop 4.0.0``.
        files: Hashes of every file that the certificate speaks of.
        checks: Static checks, ours and SimReady's.
        rollouts: Physics runs.
        tools: What ran them.
        schema_version: Of this record.
    """

    twin: str
    twin_version: int
    created_utc: str
    profile: str
    files: tuple[FileHash, ...]
    checks: tuple[CheckResult, ...]
    rollouts: tuple[RolloutResult, ...] = ()
    tools: tuple[ToolVersion, ...] = ()
    schema_version: int = CERTIFICATE_VERSION

    def count(self, status: Status) -> int:
        """How many checks and rollouts have that status."""
        return sum(c.status == status for c in self.checks) + sum(r.status == status for r in self.rollouts)

    @property
    def passed(self) -> bool:
        """True when nothing failed and something was checked (fail closed: no checks, no pass)."""
        return self.count("failed") == 0 and self.count("passed") > 0
