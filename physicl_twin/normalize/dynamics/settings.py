"""The ``[dynamics]`` table of pipeline.toml."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from physicl_twin.model import ConfigError


@dataclass(frozen=True, slots=True)
class DynamicsSettings:
    """What each number means, and why it is what it is, stands in config/pipeline.toml."""

    gravity_mps2: float
    natural_frequency_hz: float
    damping_ratio: float
    saturation_angle_deg: float
    saturation_travel_m: float
    friction_error_share: float
    gravity_error_share: float
    gain_log_std: float
    worst_pose_samples: int
    massless_mass_ratio: float
    massless_least_kg: float
    massless_log_std: float
    overlap_ratio: float
    overlap_floor_m: float
    base_position_iterations: int
    most_position_iterations: int
    easy_chain: int
    easy_mass_ratio: float
    serial_chain: int

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> DynamicsSettings:
        """Settings from the parsed table.

        Raises:
            ConfigError: ``config_missing_key``, or ``config_out_of_range`` for a number that is not positive.
        """
        values: dict[str, Any] = {}
        for entry in dataclasses.fields(cls):
            if entry.name not in table:
                raise ConfigError(
                    "config_missing_key",
                    f"The setting dynamics.{entry.name} is missing.",
                    "Start from the shipped config/pipeline.toml.",
                )
            number = table[entry.name]
            if not math.isfinite(number) or number <= 0:
                raise ConfigError(
                    "config_out_of_range",
                    f"dynamics.{entry.name} is {number!r}.",
                    "It must be a finite number above zero.",
                )
            values[entry.name] = int(number) if entry.type == "int" else float(number)
        return cls(**values)

    @classmethod
    def shipped(cls) -> DynamicsSettings:
        """The shipped defaults."""
        from physicl_twin import settings

        return cls.from_table(settings.pipeline()["dynamics"])
