"""Solver settings of the engines: the table ``[engines]`` of config/pipeline.toml."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from physicl_twin.model.errors import ConfigError
from physicl_twin.settings import pipeline


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engines are told beyond the stage. Every field is a row of ``[engines]``, explained there.

    Attributes:
        physx_threads: Worker threads of PhysX; 0 steps in the calling thread.
        mujoco_impratio: Ratio of frictional to normal constraint impedance.
        mujoco_iterations: Newton iterations per step.
        mujoco_tolerance: Termination tolerance of the solver.
        mujoco_noslip_iterations: Post-solver iterations that remove slip.
        mujoco_stiffness_steps: Time constant of a contact, in time steps.
        mujoco_rolling_m: Rolling friction of what rolls, as a length.
        default_friction: Of a collider without physics material.
        max_hull_vertices: Convex hulls with more vertices are thinned for MuJoCo and for our own geometry.
    """

    physx_threads: int
    mujoco_impratio: float
    mujoco_iterations: int
    mujoco_tolerance: float
    mujoco_noslip_iterations: int
    mujoco_stiffness_steps: float
    mujoco_rolling_m: float
    default_friction: float
    max_hull_vertices: int

    @classmethod
    def from_pipeline(cls, config: dict[str, Any] | None = None) -> EngineSettings:
        """Settings from ``settings.pipeline()`` (or a config already read).

        Raises:
            ConfigError: ``engine_setting_invalid`` when a value is out of its range.
        """
        table = (config or pipeline())["engines"]
        settings = cls(**{field.name: table[field.name] for field in fields(cls)})
        if settings.mujoco_stiffness_steps < 2.0:
            raise ConfigError(
                "engine_setting_invalid",
                f"engines.mujoco_stiffness_steps is {settings.mujoco_stiffness_steps}; contacts need at least 2 steps.",
                "MuJoCo's documentation asks for a contact time constant of at least twice the time step.",
            )
        return settings
