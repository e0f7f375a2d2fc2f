"""Settings of the rollouts: the tables ``[rollouts.*]`` of config/pipeline.toml."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

from physicl_twin.settings import pipeline

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TimeStep:
    """How the time step follows the size of the twin; rows of ``[rollouts.time_step.ENGINE]``."""

    steps_per_time_scale: float
    shortest_s: float
    longest_s: float

    def of(self, time_scale_s: float) -> float:
        """Time step for a twin whose own time scale sqrt(size / g) is given, seconds."""
        return min(self.longest_s, max(self.shortest_s, time_scale_s / self.steps_per_time_scale))


@dataclass(frozen=True, slots=True)
class DropSettings:
    """Rows of ``[rollouts.drop]``, explained there."""

    height_ratio: float
    tilt_deg: float
    seed: int
    longest_time_scales: float
    rest_time_scales: float
    rest_move_ratio: float
    roll_time_scales: float
    rolling_slip_ratio: float
    sliding_power_ratio: float
    penetration_ratio: float
    penetration_floor_m: float
    impact_steps: float
    energy_gain_ratio: float
    samples_per_time_scale: float


@dataclass(frozen=True, slots=True)
class SlideSettings:
    """Rows of ``[rollouts.slide]``, explained there."""

    tolerance_deg: float
    static_offsets_deg: tuple[float, ...]
    between: int
    dynamic_offsets_deg: tuple[float, ...]
    time_step_s: float
    settle_s: float
    measure_s: float
    samples: int
    push_margin_mps: float
    contact_margin_ratio: float
    directions: int
    most_probes: int


@dataclass(frozen=True, slots=True)
class JointSettings:
    """Rows of ``[rollouts.joints]``, explained there."""

    seed: int
    test_frequency_hz: float
    test_damping_ratio: float
    test_friction_share: float
    sweep_s: float
    sweep_drive_periods: float
    sweep_longest_s: float
    sweep_speed_share: float
    sweep_effort_share: float
    reach_ratio: float
    reach_floor: float
    penetration_floor_m: float
    penetration_ratio: float
    drift: float
    gap_ratio: float
    free_turn: float
    free_slide_ratio: float
    loop_share: float
    most_series: int
    passive_speed: float
    passive_s: float
    passive_gain_ratio: float
    passive_step_share: float
    hold_s: float
    hold_sag: float
    hold_sag_ratio: float
    rest_longest_s: float
    rest_speed: float
    rest_loss_ratio: float
    track_range_share: float
    track_amplitude: float
    track_effort_share: float
    track_s: float
    track_first_hz: float
    track_last_share: float
    track_last_hz: float
    track_error_ratio: float
    track_lag_deg: float
    kinematics_count: int
    kinematics_physx: float
    kinematics_mujoco: float
    kinematics_record: float
    momentum_s: float
    momentum_ratio: float


@dataclass(frozen=True, slots=True)
class RolloutSettings:
    """All of them.

    Attributes:
        gravity_mps2: Gravity of the rollouts.
        time_steps: Time step by engine.
        drop: drop_and_settle.
        slide: tilt_to_slide.
        mass_tolerance: Largest relative difference of mass properties between the twin and an engine.
        joints: The rollouts over joints.
    """

    gravity_mps2: float
    time_steps: dict[str, TimeStep]
    drop: DropSettings
    slide: SlideSettings
    mass_tolerance: float
    joints: JointSettings

    @classmethod
    def from_pipeline(cls, config: dict[str, Any] | None = None) -> Self:
        """Settings from ``settings.pipeline()`` (or a config already read)."""
        table = (config if config is not None else pipeline())["rollouts"]
        return cls(
            float(table["gravity_mps2"]),
            {engine: _from_table(TimeStep, row) for engine, row in table["time_step"].items()},
            _from_table(DropSettings, table["drop"]),
            _from_table(SlideSettings, table["slide"]),
            float(table["mass_tolerance"]),
            _from_table(JointSettings, table["joints"]),
        )


def _from_table(kind: type[T], table: dict[str, Any]) -> T:  # noqa: UP047 - Isaac Sim 5.1 has Python 3.11
    values = {field.name: table[field.name] for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
