"""Node: build the twin of a source and put it on the stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from physicl_twin.kit import settings
from physicl_twin.kit.nodes import flow, requests
from physicl_twin.kit.nodes.place import add_reference
from physicl_twin.kit.nodes.state import WorkNode


class OgnImportSource(WorkNode):
    """See OgnImportSource.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Begin the build when triggered, look how far it is, reference the twins when it is done."""
        import omni.usd

        OgnImportSource.remember(db)
        stage = omni.usd.get_context().get_stage()
        return flow.advance(
            db,
            flow.action_graph(),
            lambda: requests.build_request(db.inputs, settings.current()),
            lambda result: OgnImportSource.finish(db, stage, result),
        )

    @staticmethod
    def finish(db: Any, stage: Any, result: Any) -> str:
        """Outputs and stage from the records of ``build``; returns what could not be built.

        Raises:
            PhysiclError: When nothing was built, or the stage cannot take it.
        """
        records, errors = requests.built(result)
        prims = []
        if db.inputs.parent:
            prims = [add_reference(stage, db.inputs.parent, Path(one["twin"]).name, one["usd"]) for one in records]
        db.outputs.twin = records[0]["twin"]
        db.outputs.twins = [one["twin"] for one in records]
        db.outputs.prims = prims
        db.outputs.massKg = records[0]["mass_kg"]["value"]
        db.outputs.massStdKg = records[0]["mass_kg"]["std"]
        db.outputs.passed = not errors and all(one["checks"]["failed"] == 0 for one in records)
        return errors
