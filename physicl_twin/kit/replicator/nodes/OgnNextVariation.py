"""Node: show the next member of a set of variations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from physicl_twin.kit.replicator.member import Executor, show
from physicl_twin.kit.replicator.source import FinishedSet, Order
from physicl_twin.model import PhysiclError


@dataclass(slots=True)
class Turns:
    """How often the node was triggered, and the set that it shows."""

    asked: tuple[str, Order, int, int] | None = None
    source: FinishedSet | None = None
    turn: int = 0

    def next(self, folder: str, order: Order, seed: int, first: int) -> tuple[FinishedSet, int]:
        """The set and the number of the member whose turn it is; changed inputs begin anew.

        Raises:
            SourceError: When there is no such set.
        """
        asked = (folder, order, seed, first)
        if asked != self.asked or self.source is None:
            self.asked, self.turn, self.source = asked, first, FinishedSet(Path(folder), order, seed)
        number = self.source.number(self.turn)
        self.turn += 1
        return self.source, number


class OgnNextVariation:
    """See the module."""

    @staticmethod
    def internal_state() -> Turns:
        """Of one instance of the node."""
        return Turns()

    @staticmethod
    def compute(db: Any) -> bool:
        """Show the next member in the stage that the graph belongs to."""
        import omni.graph.core as og
        import omni.usd

        from physicl_twin.kit.replicator.apply import execute

        done = OgnNextVariation.advance(db, db.per_instance_state, omni.usd.get_context().get_stage(), execute)
        state = og.ExecutionAttributeState
        db.outputs.execOut = state.ENABLED if done else state.DISABLED
        return done

    @staticmethod
    def advance(db: Any, turns: Turns, stage: Any, execute: Executor) -> bool:
        """``compute`` without Kit: shows, and says on the outputs what came of it."""
        db.outputs.variation, db.outputs.error = -1, ""
        try:
            source, number = turns.next(db.inputs.folder, db.inputs.order, db.inputs.seed, db.inputs.first)
            show(stage, source, number, root=db.inputs.root, execute=execute)
        except PhysiclError as error:
            db.outputs.error = str(error)
            db.log_error(str(error))
            return False
        db.outputs.variation = number
        return True
