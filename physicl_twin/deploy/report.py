"""What the command line says of an export."""

from __future__ import annotations

from typing import Any

from physicl_twin.deploy.record import DeployResult
from physicl_twin.model import to_json


def as_json(result: DeployResult) -> dict[str, Any]:
    """The object of ``deploy --json``; the whole record stands in the export's deploy.json."""
    record = result.record
    return {
        "status": "deployed",
        "target": record.target,
        "twin": record.twin,
        "path": str(result.path),
        "main": str(result.main),
        "passed": result.passed,
        "checked": record.checked,
        "forced": record.forced,
        "licence": record.licence,
        "comparisons": {
            "passed": sum(c.passed for c in record.comparisons),
            "failed": [to_json(c) for c in record.comparisons if not c.passed],
        },
        "drop": to_json(record.drop),
        "warnings": [to_json(note) for note in record.warnings],
        "losses": [to_json(note) for note in record.losses],
        "error": None,
    }


def as_text(result: DeployResult) -> str:
    """A few lines for people."""
    record = result.record
    mark = "✓" if result.passed else "✗"
    lines = [f"{mark} {record.twin} for {record.target}: {result.main}"]
    if record.checked:
        good = sum(c.passed for c in record.comparisons)
        lines.append(f"  round trip: {good} of {len(record.comparisons)} comparisons agree")
    for c in record.comparisons:
        if not c.passed:
            error = "missing" if c.error is None else f"off by {c.error:.3g}, allowed {c.tolerance:.3g}"
            lines.append(f"  ✗ {c.quantity} of {c.subject}: {error}")
    if record.drop is not None:
        lines.append(f"  drop in {record.drop.engine}: {record.drop.status}. {record.drop.message}")
    lines += [f"  ! {note.message} {note.hint}".rstrip() for note in record.warnings]
    lines += [f"  - {note.message}" for note in record.losses]
    return "\n".join(lines)
