"""Node: check a twin and run its rollouts."""

from __future__ import annotations

import json
from typing import Any

from physicl_twin.kit import settings
from physicl_twin.kit.nodes import flow, requests
from physicl_twin.kit.nodes.state import WorkNode


class OgnRunRollout(WorkNode):
    """See OgnRunRollout.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Begin the validation when triggered, look how far it is, give the verdict when it is done."""
        OgnRunRollout.remember(db)
        return flow.advance(
            db,
            flow.action_graph(),
            lambda: requests.rollout_request(db.inputs, settings.current()),
            lambda result: OgnRunRollout.finish(db, result),
        )

    @staticmethod
    def finish(db: Any, result: Any) -> str:
        """Outputs from the record of ``validate``; a twin that did not pass is a result, not an error."""
        db.outputs.passed = bool(result["passed"])
        db.outputs.failedChecks = requests.failures(result)
        db.outputs.checksPassed = result["checks"]["passed"]
        db.outputs.checksNotDone = result["checks"]["not_checked"]
        db.outputs.certificate = json.dumps(result["certificate"], ensure_ascii=False)
        return ""
