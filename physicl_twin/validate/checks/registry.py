"""How a check is written, collected and run: fail closed, never silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from physicl_twin.model import CheckResult
from physicl_twin.validate.subject import NotChecked, Subject

#: Failures that one check lists one by one; the rest are counted.
LISTED_FAILURES = 20


@dataclass(slots=True)
class Findings:
    """What one check found.

    Attributes:
        summary: One sentence with numbers for the case that everything is right.
        failures: (target, message) of everything that is not.
    """

    summary: str = ""
    failures: list[tuple[str, str]] = field(default_factory=list)

    def require(self, condition: bool, target: str, message: str) -> bool:
        """Note a failure unless ``condition`` holds; returns the condition."""
        if not condition:
            self.failures.append((target, message))
        return bool(condition)


@dataclass(frozen=True, slots=True)
class Check:
    """One registered check."""

    id: str
    title: str
    hint: str
    run: Callable[[Subject], Findings]


REGISTRY: dict[str, Check] = {}


def check(id: str, title: str, hint: str) -> Callable[[Callable[[Subject], Findings]], Callable[[Subject], Findings]]:
    """Register a check.

    Args:
        id: Stable identifier ``noun.what``.
        title: A statement that holds when it passes.
        hint: What to do when it fails.
    """

    def register(function: Callable[[Subject], Findings]) -> Callable[[Subject], Findings]:
        if id in REGISTRY:
            raise ValueError(f"Check {id} is registered twice.")
        REGISTRY[id] = Check(id, title, hint, function)
        return function

    return register


def run_check(item: Check, subject: Subject) -> tuple[CheckResult, ...]:
    """Run one check: one result when it passes or cannot be made, one per failure otherwise (fail closed)."""
    try:
        findings = item.run(subject)
    except NotChecked as reason:
        return (CheckResult(item.id, item.title, "not_checked", str(reason), hint=item.hint),)
    except Exception as error:  # A check that breaks has shown nothing: that is a failure with its text, not a pass.
        text = f"The check itself broke: {type(error).__name__}: {error}"
        return (CheckResult(item.id, item.title, "failed", text, hint="Please report this with the asset."),)
    if not findings.failures:
        return (CheckResult(item.id, item.title, "passed", findings.summary),)
    listed = findings.failures[:LISTED_FAILURES]
    results = [CheckResult(item.id, item.title, "failed", text, target, item.hint) for target, text in listed]
    if len(findings.failures) > len(listed):
        rest = len(findings.failures) - len(listed)
        results.append(CheckResult(item.id, item.title, "failed", f"And {rest} more.", hint=item.hint))
    return tuple(results)
