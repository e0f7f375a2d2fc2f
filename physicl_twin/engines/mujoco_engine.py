"""MuJoCo behind the Engine protocol."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import mujoco

from physicl_twin.engines.mujoco_scene import MujocoScene
from physicl_twin.engines.mujoco_spec import build_spec
from physicl_twin.engines.protocol import EngineScene
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe, open_stage
from physicl_twin.model.errors import EngineError

LOGGER_NAME = "physicl_twin.mujoco"
_logger = logging.getLogger(LOGGER_NAME)
_logger.addHandler(logging.NullHandler())
_logger.propagate = False


def _warned(text: str | bytes) -> None:
    """MuJoCo's warnings go to our logger, not to standard error and a log file in the working directory.

    Those that mean a lost simulation are counted in its data too, where ``MujocoScene.step`` looks.
    """
    _logger.warning("%s", text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


mujoco.set_mju_user_warning(_warned)


class MujocoEngine:
    """MuJoCo on the CPU, built from the stage's physics without an intermediate file.

    Args:
        settings: Solver settings.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """``mujoco``."""
        return "mujoco"

    @property
    def version(self) -> str:
        """Version of MuJoCo."""
        return str(mujoco.__version__)

    def open(self, stage: Path) -> EngineScene:
        """Load a stage; see ``Engine.open``."""
        scene = describe(open_stage(stage), self._settings)
        if not scene.dynamic_bodies:
            raise EngineError(
                "engine_refused_stage",
                f"{stage.name} has no rigid body that could move.",
                "Apply PhysicsRigidBodyAPI to the twin's body, or select the variant that does.",
            )
        spec, notes = build_spec(scene, self._settings)
        try:
            model: Any = spec.compile()
        except (ValueError, mujoco.FatalError) as error:
            raise EngineError(
                "engine_refused_stage",
                f"MuJoCo refused {stage.name}: {' '.join(str(error).split())}.",
                "Repair what the message names; it speaks of prim paths.",
            ) from error
        return MujocoScene(model, scene, scene.notes + notes, self._settings)
