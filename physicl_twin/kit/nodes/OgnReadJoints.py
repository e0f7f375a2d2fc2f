"""Node: read the joints of the stage."""

from __future__ import annotations

import math
from typing import Any

from physicl_twin.kit.nodes import flow
from physicl_twin.model import UsdError


class OgnReadJoints:
    """See OgnReadJoints.ogn."""

    @staticmethod
    def compute(db: Any) -> bool:
        """Read them, when triggered."""
        import omni.usd

        stage = omni.usd.get_context().get_stage()
        return flow.at_once(db, flow.action_graph(), lambda: OgnReadJoints.read(db, stage))

    @staticmethod
    def read(db: Any, stage: Any) -> str:
        """Outputs from the stage; nothing goes wrong on the way.

        Raises:
            UsdError: ``no_stage``, ``no_joints``.
        """
        from physicl_twin.in_stage import joints_of

        joints = joints_of(stage, [str(path) for path in db.inputs.prims])
        if not joints:
            raise UsdError("no_joints", "There are no joints that turn or slide.", "Name prims that hold some.")
        db.outputs.joints = [joint.path for joint in joints]
        db.outputs.positions = [joint.position for joint in joints]
        db.outputs.lower = [-math.inf if joint.lower is None else joint.lower for joint in joints]
        db.outputs.upper = [math.inf if joint.upper is None else joint.upper for joint in joints]
        db.outputs.types = [joint.type for joint in joints]
        return ""
