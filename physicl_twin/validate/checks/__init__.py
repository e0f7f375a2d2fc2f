"""Our own strict checks: physically possible, self-consistent, complete."""

from __future__ import annotations

from physicl_twin.model import CheckResult
from physicl_twin.validate.checks.registry import REGISTRY as REGISTRY
from physicl_twin.validate.checks.registry import Check as Check
from physicl_twin.validate.checks.registry import run_check as run_check
from physicl_twin.validate.subject import Subject


def load() -> tuple[Check, ...]:
    """All checks in report order."""
    from physicl_twin.validate.checks import (  # noqa: F401 - each module registers its checks
        articulation,
        collision,
        drives,
        estimates,
        files,
        friction,
        geometry,
        inertia,
        joint_range,
        joints,
        licence,
        mass,
        runtimes,
        stage,
    )

    rooms = (
        "stage",
        "files",
        "geometry",
        "mass",
        "inertia",
        "collision",
        "friction",
        "joints",
        "articulation",
        "drives",
        "runtimes",
        "estimates",
        "licence",
    )
    return tuple(sorted(REGISTRY.values(), key=lambda item: rooms.index(item.id.split(".")[0])))


def run_all(subject: Subject) -> tuple[CheckResult, ...]:
    """Run every check on a subject."""
    return tuple(result for item in load() for result in run_check(item, subject))
