"""NOTICE.txt: whose work an export is, under which licence, and what its user must know."""

from __future__ import annotations

from collections.abc import Sequence

from physicl_twin.deploy.record import DeployRecord
from physicl_twin.deploy.subject import licence_unknown
from physicl_twin.model import Twin


def notice(record: DeployRecord, twins: Sequence[Twin]) -> str:
    """The text.

    Args:
        record: Of the export.
        twins: What is in it.
    """
    lines = [f"{record.twin}, exported for {record.target} by {record.tool}", ""]
    for twin in twins:
        licence = "UNKNOWN (nobody said)" if licence_unknown(twin.licence) else twin.licence
        lines += [f"Twin: {twin.title} ({twin.name}, version {twin.version})", f"Licence: {licence}", "Made from:"]
        for source in twin.sources:
            of = f", licence {source.licence}" if source.licence else ""
            lines.append(f"  {source.name} ({source.format}, sha256 {source.sha256}{of})")
        lines.append("")
    for title, notes in (("Warnings", record.warnings), ("What this format cannot hold", record.losses)):
        if notes:
            lines.append(f"{title}:")
            lines += [f"  - {note.message} {note.hint}".rstrip() + f" [{note.code}]" for note in notes]
            lines.append("")
    if record.notes:
        lines.append("Notes:")
        lines += [f"  - {note}" for note in record.notes]
        lines.append("")
    return "\n".join(lines)
