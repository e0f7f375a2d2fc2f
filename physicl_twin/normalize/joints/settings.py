"""The ``[joints]`` table of ``config/pipeline.toml``; each number's meaning and source stands there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from physicl_twin.model import ConfigError


@dataclass(frozen=True, slots=True)
class JointSettings:
    """What inference of joints is asked for, and how it decides."""

    infer: bool
    rigid: tuple[str, ...]
    confident: float
    proposed: float
    max_pieces: int
    max_shells: int
    max_candidates: int
    tolerance_relative: float
    tolerance_least_m: float
    tolerance_most_m: float
    angle_step_deg: float
    slide_steps: int
    least_angle_deg: float
    least_stroke: float
    most_play: float
    guided_share: float
    weights: Mapping[str, float]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> JointSettings:
        """Settings from the parsed table.

        Raises:
            ConfigError: ``config_missing_key``, ``config_out_of_range``.
        """
        values: dict[str, Any] = {}
        for entry in dataclasses.fields(cls):
            if entry.name not in table:
                raise ConfigError(
                    "config_missing_key",
                    f"The setting joints.{entry.name} is missing.",
                    "Start from the shipped config/pipeline.toml.",
                )
            value = table[entry.name]
            if isinstance(value, list):
                value = tuple(str(item) for item in value)
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                if not math.isfinite(value) or value < 0:
                    raise ConfigError(
                        "config_out_of_range",
                        f"joints.{entry.name} is {value!r}.",
                        "It must be finite and not negative.",
                    )
                value = int(value) if entry.type == "int" else float(value)
            values[entry.name] = value
        for name in ("confident", "proposed"):
            if not 0 < values[name] <= 1:
                raise ConfigError(
                    "config_out_of_range", f"joints.{name} is {values[name]!r}.", "It is a probability, 0 to 1."
                )
        return cls(**values)
