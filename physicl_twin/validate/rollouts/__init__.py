"""Physics runs with a question and a criterion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from physicl_twin.engines.protocol import Engine
from physicl_twin.engines.registry import engine as engine_of
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import RolloutResult, ValidationError
from physicl_twin.validate.rollouts.drop import drop_and_settle
from physicl_twin.validate.rollouts.gravity_hold import gravity_hold
from physicl_twin.validate.rollouts.joint_sweep import joint_sweep
from physicl_twin.validate.rollouts.kinematics import kinematics
from physicl_twin.validate.rollouts.mass_readback import compare_mass_properties as compare_mass_properties
from physicl_twin.validate.rollouts.momentum import momentum
from physicl_twin.validate.rollouts.moving import has_moving_joint as has_moving_joint
from physicl_twin.validate.rollouts.moving import survey_moving
from physicl_twin.validate.rollouts.passivity import passivity
from physicl_twin.validate.rollouts.settings import RolloutSettings as RolloutSettings
from physicl_twin.validate.rollouts.slide import tilt_to_slide
from physicl_twin.validate.rollouts.tracking import tracking

Rollout = Callable[[Path, Engine, RolloutSettings], RolloutResult]

#: Name to rollout, in the order in which reports list them.
ROLLOUTS: dict[str, Rollout] = {
    "drop_and_settle": drop_and_settle,
    "tilt_to_slide": tilt_to_slide,
    "kinematics": kinematics,
    "joint_sweep": joint_sweep,
    "passivity": passivity,
    "gravity_hold": gravity_hold,
    "tracking": tracking,
    "momentum": momentum,
}
#: Those about things that move as a whole.
_OF_LOOSE_THINGS = ("drop_and_settle", "tilt_to_slide")


def applicable(usd: Path, engine: str) -> dict[str, str]:
    """Which rollouts ask something of a twin, and of the others why not.

    Things without joints are dropped and slid; what the world holds is not, but its joints are moved; what neither is
    held nor has joints only falls.

    Args:
        usd: The twin's interface layer, or any USD file.
        engine: Whose variant of it.

    Returns:
        Name to reason; the empty text for one that applies.

    Raises:
        EngineError: When the stage cannot be read.
    """
    none = dict.fromkeys(ROLLOUTS, "")
    of_joints = [name for name in ROLLOUTS if name not in _OF_LOOSE_THINGS]
    if not has_moving_joint(usd):
        return none | dict.fromkeys(of_joints, "It has no joint that moves.")
    twin = survey_moving(usd, engine, EngineSettings.from_pipeline())
    if twin.held:
        none |= dict.fromkeys(_OF_LOOSE_THINGS, "The world holds it: it is not dropped.")
    if not twin.positioned.any():
        none["tracking"] = "No drive holds a joint at a position."
    if not twin.floating:
        none["momentum"] = "The world holds it: it keeps no momentum."
    return none


def run(
    name: str, usd: Path, engine: Engine | str, settings: RolloutSettings | dict[str, Any] | None = None
) -> RolloutResult:
    """Run one rollout.

    Args:
        name: One of ``ROLLOUTS``.
        usd: The twin's interface layer, or any USD file with a default prim.
        engine: An engine or its name.
        settings: Of the rollouts, or the whole pipeline's, or None for the shipped ones.

    Returns:
        What happened; a twin that fails the criterion is a result, not an error.

    Raises:
        ValidationError: ``rollout_unknown``, or when the twin has nothing that moves or collides, or a joint that
            starts outside of its limits.
        EngineError: When the engine is missing, refuses the twin or loses the simulation.
        UsdError: When the file cannot be composed.
    """
    if name not in ROLLOUTS:
        raise ValidationError("rollout_unknown", f"There is no rollout {name!r}.", f"Known: {', '.join(ROLLOUTS)}.")
    if not isinstance(settings, RolloutSettings):
        settings = RolloutSettings.from_pipeline(settings)
    chosen = engine_of(engine) if isinstance(engine, str) else engine
    if has_moving_joint(usd):
        # Refused here, before an engine sees it: joints that start beyond their limits.
        survey_moving(usd, chosen.name, EngineSettings.from_pipeline())
    return ROLLOUTS[name](usd, chosen, settings)
