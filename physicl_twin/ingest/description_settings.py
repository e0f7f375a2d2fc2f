"""Settings of the readers of robot descriptions, and the numbers that they take as stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from physicl_twin.model import Estimate, Evidence

#: Coefficients beyond it mean "does not slip" to a solver and are no friction of any surface (judgement, see
#: ``checks.friction_max`` in config/pipeline.toml).
HIGHEST_FRICTION = 2.5


@dataclass(frozen=True, slots=True)
class DescriptionSettings:
    """``[descriptions]`` of config/pipeline.toml; see the comments there."""

    stated_relative_std: float
    xacro_time_limit_s: float
    xacro_memory_mb: int
    xacro_max_bytes: int
    max_links: int

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> DescriptionSettings:
        """From the parsed ``[descriptions]`` table."""
        return cls(
            stated_relative_std=float(table["stated_relative_std"]),
            xacro_time_limit_s=float(table["xacro_time_limit_s"]),
            xacro_memory_mb=int(table["xacro_memory_mb"]),
            xacro_max_bytes=int(table["xacro_max_bytes"]),
            max_links=int(table["max_links"]),
        )


@dataclass(frozen=True, slots=True)
class Stating:
    """Turns the numbers of one description into estimates.

    Attributes:
        source: File name.
        relative_std: Standard deviation of what it states, as a fraction.
    """

    source: str
    relative_std: float

    def measured(self, value: float, unit: str, what: str, field: str) -> Estimate:
        """A physical property; a zero, which is often nobody's measurement, has the flag ``stated_zero``."""
        evidence = (self.evidence(f"The description states {what} {value:.6g} {unit}.", field),)
        method = "stated by the description"
        if value == 0.0:
            return Estimate.exact(0.0, unit, method, evidence, ("stated_zero",))
        return Estimate.normal(value, abs(value) * self.relative_std, unit, method, evidence)

    def limit(self, value: float, unit: str, what: str, field: str) -> Estimate:
        """A bound that somebody set."""
        evidence = (self.evidence(f"The description states {what} {value:.6g} {unit}.", field),)
        return Estimate.exact(value, unit, "stated by the description", evidence)

    def friction(self, values: tuple[float, ...], field: str) -> Estimate | None:
        """A coefficient of friction from those along one or two directions of a surface; None for what is none."""
        if not values or not all(0.0 <= v <= HIGHEST_FRICTION for v in values):
            return None
        mean = sum(values) / len(values)
        shown = " and ".join(f"{v:.4g}" for v in values)
        evidence = (self.evidence(f"The description states a coefficient of friction of {shown}.", field),)
        std = max(mean * self.relative_std, 0.5 * (max(values) - min(values)))
        return Estimate.normal(mean, std, "1", "stated by the description", evidence)

    def evidence(self, statement: str, field: str) -> Evidence:
        """Evidence of the description."""
        return Evidence("source", statement, self.source, field)
