"""Node: write a twin or a set for other tools."""

from __future__ import annotations

from typing import Any

from physicl_twin.kit import settings
from physicl_twin.kit.nodes import flow, requests
from physicl_twin.kit.nodes.state import WorkNode


class OgnDeployTwin(WorkNode):
    """See OgnDeployTwin.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Begin the export when triggered, look how far it is, name its files when it is done."""
        OgnDeployTwin.remember(db)
        return flow.advance(
            db,
            flow.action_graph(),
            lambda: requests.deploy_request(db.inputs, settings.current()),
            lambda result: OgnDeployTwin.finish(db, result),
        )

    @staticmethod
    def finish(db: Any, result: Any) -> str:
        """Outputs from the records of ``deploy``; returns which targets failed.

        Raises:
            PhysiclError: When none could be written.
        """
        db.outputs.files, db.outputs.passed, errors = requests.deployed(result)
        return errors
