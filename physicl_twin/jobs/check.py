"""``validate`` in a worker: a broken asset or engine cannot take the caller down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from physicl_twin import settings
from physicl_twin.jobs.limits import Limits
from physicl_twin.jobs.pool import Job
from physicl_twin.jobs.pool import run as run_jobs
from physicl_twin.model import Progress, to_json
from physicl_twin.model.errors import SourceError
from physicl_twin.validate import validate


def validate_in_worker(
    target: Path, engines: list[str], rollouts: list[str] | None, profile: str, config: Path | None
) -> dict[str, Any]:
    """Validate a twin folder or a USD file; return the certificate as JSON with ``passed`` and the counts.

    Raises:
        PhysiclError: When the validation cannot be carried out.
    """
    if not target.exists():
        raise SourceError("file_not_found", f"{target.name} does not exist.", "Check the path.")
    in_force = settings.pipeline(config)
    arguments = {
        "target": str(target.resolve()),
        "engines": engines,
        "rollouts": rollouts,
        "profile": profile,
        "in_force": in_force,
    }
    job = Job(str(target), "physicl_twin.jobs.check:run", arguments, Limits.from_settings(in_force["jobs"]))
    outcome = next(iter(run_jobs([job])))
    if outcome.error is not None:
        raise outcome.error
    record: dict[str, Any] = outcome.result
    return record


def run(
    *,
    target: str,
    engines: list[str],
    rollouts: list[str] | None,
    profile: str,
    in_force: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    """Worker entry."""
    certificate = validate(
        Path(target),
        engines=tuple(engines),
        rollouts=tuple(rollouts) if rollouts is not None else None,
        profile=profile,
        settings=in_force,
        progress=progress,
    )
    counts = {status: certificate.count(status) for status in ("passed", "failed", "not_checked")}
    return {"target": target, "passed": certificate.passed, "checks": counts, "certificate": to_json(certificate)}


def summary(record: dict[str, Any]) -> list[str]:
    """The lines that tell a person the verdict: what failed, what was not checked, what ran."""
    counts, certificate = record["checks"], record["certificate"]
    lines = [
        f"{'✓ PASSED' if record['passed'] else '✗ FAILED'} {Path(record['target']).name}: {counts['passed']} passed, "
        f"{counts['failed']} failed, {counts['not_checked']} not checked ({certificate['profile']})"
    ]
    for status, mark in (("failed", "✗"), ("not_checked", "–")):
        for check in certificate["checks"]:
            if check["status"] == status:
                target = f" [{check['target']}]" if check["target"] else ""
                lines.append(f"  {mark} {check['id']}{target}: {check['message'] or check['title']}")
                if check["hint"]:
                    lines.append(f"    → {check['hint']}")
    for rollout in certificate["rollouts"]:
        mark = {"passed": "✓", "failed": "✗", "not_checked": "–"}[rollout["status"]]
        lines.append(f"  {mark} {rollout['name']} in {rollout['engine']}: {rollout['message']}")
    return lines
