"""Physics runs with a question and a criterion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from physicl_twin.engines.protocol import Engine
from physicl_twin.engines.registry import engine as engine_of
from physicl_twin.model import RolloutResult, ValidationError
from physicl_twin.validate.rollouts.drop import drop_and_settle
from physicl_twin.validate.rollouts.mass_readback import compare_mass_properties as compare_mass_properties
from physicl_twin.validate.rollouts.settings import RolloutSettings as RolloutSettings
from physicl_twin.validate.rollouts.slide import tilt_to_slide

Rollout = Callable[[Path, Engine, RolloutSettings], RolloutResult]

#: Name to rollout, in the order in which reports list them.
ROLLOUTS: dict[str, Rollout] = {"drop_and_settle": drop_and_settle, "tilt_to_slide": tilt_to_slide}


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
        ValidationError: ``rollout_unknown``, or when the twin has nothing that moves or collides.
        EngineError: When the engine is missing, refuses the twin or loses the simulation.
        UsdError: When the file cannot be composed.
    """
    if name not in ROLLOUTS:
        raise ValidationError("rollout_unknown", f"There is no rollout {name!r}.", f"Known: {', '.join(ROLLOUTS)}.")
    if not isinstance(settings, RolloutSettings):
        settings = RolloutSettings.from_pipeline(settings)
    return ROLLOUTS[name](usd, engine_of(engine) if isinstance(engine, str) else engine, settings)
