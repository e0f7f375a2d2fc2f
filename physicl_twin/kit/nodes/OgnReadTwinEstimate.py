"""Node: read an estimate of a twin, with its spread and its reasons."""

from __future__ import annotations

from typing import Any

from physicl_twin.api import load_record
from physicl_twin.inspect import Row, rows
from physicl_twin.kit.nodes import flow
from physicl_twin.model import SourceError, Twin


class OgnReadTwinEstimate:
    """See OgnReadTwinEstimate.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Read it, when triggered; the record is small, nothing is computed."""
        return flow.at_once(db, flow.action_graph(), lambda: OgnReadTwinEstimate.read(db))

    @staticmethod
    def read(db: Any) -> str:
        """Outputs from the twin's record; nothing goes wrong on the way.

        Raises:
            SourceError: When there is no such twin or estimate.
        """
        row = find(load_record(db.inputs.twin), db.inputs.owner, db.inputs.quantity)
        estimate = row.estimate
        db.outputs.value, db.outputs.std = estimate.value, estimate.std
        db.outputs.low, db.outputs.high = estimate.low, estimate.high
        db.outputs.unit, db.outputs.owner, db.outputs.method = estimate.unit, row.owner, estimate.method
        db.outputs.why = "\n".join(reason.statement for reason in estimate.evidence)
        return ""


def find(twin: Twin, owner: str, quantity: str) -> Row:
    """The first estimate of that quantity, of that owner where one is named.

    Raises:
        SourceError: ``estimate_not_found``, with those that there are.
    """
    found = list(rows(twin))
    for row in found:
        if row.quantity == quantity and owner in ("", row.owner):
            return row
    there = ", ".join(dict.fromkeys(f"{row.owner}: {row.quantity}" for row in found)) or "none"
    whose = f" of {owner}" if owner else ""
    raise SourceError("estimate_not_found", f"{twin.name} has no estimate {quantity!r}{whose}.", f"There are {there}.")
