"""The time step and the drop of an export: as the validation's rollouts take them from config/pipeline.toml."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DropSettings:
    """Rows of ``[rollouts]`` that a drop needs; explained there.

    Attributes:
        gravity_mps2: Gravity.
        height_ratio: Free height under the twin over its size.
        tilt_deg: Tilt at the start.
        seed: Of the tilt's direction.
        longest_time_scales: Longest run.
        rest_time_scales: What moves less in that many time scales is at rest …
        rest_move_ratio: … than this fraction of its size.
        samples_per_time_scale: How often it is looked at.
        penetration_ratio: Depth in the floor that is allowed, over the smallest extent.
    """

    gravity_mps2: float
    height_ratio: float
    tilt_deg: float
    seed: int
    longest_time_scales: float
    rest_time_scales: float
    rest_move_ratio: float
    samples_per_time_scale: float
    penetration_ratio: float

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> DropSettings:
        """Parse the whole pipeline's settings."""
        table = settings["rollouts"]
        drop = table["drop"]
        return cls(
            float(table["gravity_mps2"]),
            float(drop["height_ratio"]),
            float(drop["tilt_deg"]),
            int(drop["seed"]),
            float(drop["longest_time_scales"]),
            float(drop["rest_time_scales"]),
            float(drop["rest_move_ratio"]),
            float(drop["samples_per_time_scale"]),
            float(drop["penetration_ratio"]),
        )


def time_step_s(engine: str, size_m: float, settings: dict[str, Any]) -> float:
    """Time step for a thing of that size, seconds (``[rollouts.time_step.ENGINE]``)."""
    table = settings["rollouts"]
    row = table["time_step"][engine]
    wanted = math.sqrt(size_m / float(table["gravity_mps2"])) / float(row["steps_per_time_scale"])
    return min(float(row["longest_s"]), max(float(row["shortest_s"]), wanted))
