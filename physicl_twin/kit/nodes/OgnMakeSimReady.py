"""Node: make prims that are on the stage ready for simulation."""

from __future__ import annotations

from typing import Any

from physicl_twin.kit import settings
from physicl_twin.kit.nodes import flow, requests
from physicl_twin.model import UsdError


class OgnMakeSimReady:
    """See OgnMakeSimReady.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Do it, when triggered; a stage may be edited from its own thread only, so nothing runs in the background."""
        import omni.usd

        stage = omni.usd.get_context().get_stage()
        return flow.at_once(db, flow.action_graph(), lambda: OgnMakeSimReady.act(db, stage, settings.current()))

    @staticmethod
    def act(db: Any, stage: Any, in_force: settings.KitSettings) -> str:
        """Stage and outputs; returns why prims were left alone.

        Raises:
            PhysiclError: When an input is malformed, or no prim became ready.
        """
        from physicl_twin.in_stage import make_sim_ready

        paths, options = requests.sim_ready(db.inputs, in_force)
        report = make_sim_ready(stage, paths, options)
        errors = requests.left_alone(report)
        db.outputs.readyPrims = [body.path for body in report.bodies]
        db.outputs.massesKg = [body.mass.value if body.mass is not None else 0.0 for body in report.bodies]
        db.outputs.skippedPrims = [one.path for one in report.skipped]
        db.outputs.changed = report.changed
        if not report.bodies:
            raise UsdError("nothing_made_ready", errors or "There is nothing to make ready.", "")
        return errors
