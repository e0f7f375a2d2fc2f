"""Node: move joints of the stage for the time of the play."""

from __future__ import annotations

from typing import Any

from physicl_twin.kit.nodes import flow, requests
from physicl_twin.kit.nodes.state import WorkNode
from physicl_twin.model import UsdError


class OgnMoveJoints(WorkNode):
    """See OgnMoveJoints.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Move them, when triggered."""
        import omni.usd

        OgnMoveJoints.remember(db)
        stage = omni.usd.get_context().get_stage()
        return flow.at_once(db, flow.action_graph(), lambda: OgnMoveJoints.act(db, stage))

    @staticmethod
    def act(db: Any, stage: Any) -> str:
        """Stage and outputs; returns why joints were left alone.

        Raises:
            PhysiclError: When an input is malformed, or no joint could be moved.
        """
        from physicl_twin.in_stage import PosedJoints

        state = db.per_instance_state
        if state.posed is not None and state.posed.stage != stage:
            state.posed = None  # that stage was closed, and the session layer with it
        if state.posed is not None:
            state.posed.release()  # limits and positions are those of the stage itself
        wanted = requests.joint_positions(db.inputs, stage)
        state.posed = state.posed or PosedJoints(stage)
        report = state.posed.pose(wanted, drive=db.inputs.way == "drive")
        db.outputs.joints = list(wanted)
        db.outputs.moved = [body.path for body in report.bodies]
        db.outputs.skipped = [one.path for one in report.skipped]
        errors = requests.left_alone(report)
        if len(report.skipped) == len(wanted):
            raise UsdError("no_joint_moved", errors, "")
        return errors
