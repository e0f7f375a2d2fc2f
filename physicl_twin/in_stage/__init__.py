"""Operations on a stage that is open: selected prims become sim-ready, in its own units, in one step with an undo.

Only pxr is used (usd-core here, Kit's own in Isaac Sim). Commands and graph nodes stand on these functions.
"""

from physicl_twin.in_stage.colliders import set_collider as set_collider
from physicl_twin.in_stage.joints import StageJoint as StageJoint
from physicl_twin.in_stage.joints import joints_of as joints_of
from physicl_twin.in_stage.moving import PosedJoints as PosedJoints
from physicl_twin.in_stage.moving import move_joints as move_joints
from physicl_twin.in_stage.operations import make_sim_ready as make_sim_ready
from physicl_twin.in_stage.operations import renormalize as renormalize
from physicl_twin.in_stage.report import InStageOptions as InStageOptions
from physicl_twin.in_stage.report import InStageReport as InStageReport
from physicl_twin.in_stage.reset import reset_to_authored as reset_to_authored
