"""tracking: do the drives follow a chirp, in time and within their efforts?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from physicl_twin.engines.protocol import Engine, EngineScene
from physicl_twin.model import Measure, RolloutResult, Series
from physicl_twin.model.geometry import FloatArray
from physicl_twin.validate.rollouts.joint_run import Begun, begin, range_of, span_of, unit_of
from physicl_twin.validate.rollouts.moving import MovingTwin
from physicl_twin.validate.rollouts.moving_stage import Setup, open_moving
from physicl_twin.validate.rollouts.settings import RolloutSettings

NAME = "tracking"
QUESTION = "Told to follow a chirp, do its drives follow in time and within their efforts?"

#: Commands and looks a second.
_COMMANDS, _LOOKS = 120, 40


@dataclass(frozen=True, slots=True)
class Chirp:
    """A sine whose frequency rises linearly, about where a joint stands.

    Attributes:
        row: Of the joint.
        centre: Radians or metres.
        amplitude: Likewise.
        first_hz: Frequency at the start.
        last_hz: At the end.
        length_s: Of the run.
    """

    row: int
    centre: float
    amplitude: float
    first_hz: float
    last_hz: float
    length_s: float

    def phase(self, times_s: FloatArray) -> FloatArray:
        """Of the sine, radians."""
        t = np.asarray(times_s, dtype=float)
        turned: FloatArray = (
            2.0 * np.pi * (self.first_hz * t + 0.5 * (self.last_hz - self.first_hz) * t**2 / self.length_s)
        )
        return turned

    def at(self, time_s: float) -> float:
        """Where the joint should be; the first quarter second fades in, for a jump of speed is none of the question."""
        fade = min(max(time_s / 0.25, 0.0), 1.0)
        return self.centre + self.amplitude * fade * math.sin(float(self.phase(np.array(time_s))))


def tracking(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Let all drives follow chirps at once, without gravity and contacts, the base held.

    Whether a joint meets another body on its way is what ``joint_sweep`` asks.

    Arguments and errors are those of ``begin``.
    """
    begun = begin(usd, engine, settings)
    twin = begun.twin
    chirps = [_chirp(twin, int(row), settings) for row in np.flatnonzero(twin.positioned & twin.steered)]
    record = _Record([], [], [], [])
    if chirps:
        with open_moving(twin, engine, Setup(contacts=False)) as scene:
            _follow(scene, twin, chirps, begun.dt_s, record)
    verdicts = [_verdict(twin, chirp, record) for chirp in chirps]
    return _result(begun, verdicts, record, settings)


@dataclass(slots=True)
class _Record:
    """Samples of a run: times, and what joints were told, where they were and how fast, (J,) each."""

    times_s: list[float]
    told: list[FloatArray]
    found: list[FloatArray]
    rates: list[FloatArray]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a joint followed.

    Attributes:
        chirp: What it was told.
        error_ratio: Root mean square error over that of the chirp itself.
        lag_deg: Phase behind the chirp over its second half.
        gain: Amplitude over the chirp's there.
        effort_ratio: Largest effort over the most that its drive gives; 0 when that is unbounded.
    """

    chirp: Chirp
    error_ratio: float
    lag_deg: float
    gain: float
    effort_ratio: float


def _chirp(twin: MovingTwin, row: int, settings: RolloutSettings) -> Chirp:
    chosen, joint = settings.joints, twin.joints[row]
    low, high = range_of(twin, row, chosen)
    amplitude = min(chosen.track_range_share * (high - low), chosen.track_amplitude * span_of(twin, row))
    stiffness, damping = twin.driven_stiffness(row)
    inertia = max(float(twin.inertia[row]), 1e-12)
    omega = math.sqrt(stiffness / inertia)
    slow = min(omega, stiffness / damping) if damping > 0.0 else omega
    last = min(chosen.track_last_hz, max(chosen.track_last_share * slow / (2.0 * math.pi), chosen.track_first_hz))
    if joint.drive_max_force:
        most = chosen.track_effort_share * max(joint.drive_max_force - joint.friction, 0.0)
        amplitude = min(amplitude, most / (inertia * (2.0 * math.pi * last) ** 2))
        # A chirp that dry friction swallows says nothing of the drive.
        amplitude = max(amplitude, min(2.0 * joint.friction / stiffness, chosen.track_range_share * (high - low)))
    if joint.max_velocity:  # a slow joint is asked for little rather than for what its limit of speed forbids
        amplitude = min(amplitude, 0.8 * joint.max_velocity / (2.0 * math.pi * chosen.track_first_hz))
    centre = min(max(joint.position, low + amplitude), high - amplitude)
    if joint.max_velocity:
        last = min(last, max(0.8 * joint.max_velocity / (2.0 * math.pi * amplitude), chosen.track_first_hz))
    return Chirp(row, centre, amplitude, min(chosen.track_first_hz, last), last, chosen.track_s)


def _follow(scene: EngineScene, twin: MovingTwin, chirps: list[Chirp], dt_s: float, record: _Record) -> None:
    targets = twin.followed(twin.home)
    for chirp in chirps:
        targets[chirp.row] = chirp.centre
    scene.set_joint_positions(twin.followed(targets))
    scene.set_joint_targets(targets)
    count = max(1, round(1.0 / _COMMANDS / dt_s))
    now_s, length_s = 0.0, chirps[0].length_s
    while True:
        record.times_s.append(now_s)
        record.told.append(targets.copy())
        record.found.append(scene.joint_positions())
        record.rates.append(scene.joint_velocities())
        if now_s >= length_s:
            return
        for _ in range(_COMMANDS // _LOOKS):
            # Told in advance for the middle of the steps that it holds for.
            for chirp in chirps:
                targets[chirp.row] = chirp.at(now_s + 0.5 * count * dt_s)
            scene.set_joint_targets(targets)
            scene.step(dt_s, count)
            now_s += count * dt_s


def _verdict(twin: MovingTwin, chirp: Chirp, record: _Record) -> Verdict:
    joint, row = twin.joints[chirp.row], chirp.row
    times = np.array(record.times_s)
    told = np.array([chirp.at(t) for t in record.times_s])
    found = np.array([sample[row] for sample in record.found])
    rates = np.array([sample[row] for sample in record.rates])
    error = float(np.sqrt(np.mean((found - told) ** 2)) / max(float(np.std(told)), 1e-12))
    late = times >= 0.5 * chirp.length_s
    phase = chirp.phase(times[late])
    basis = np.column_stack([np.sin(phase), np.cos(phase), np.ones(len(phase))])
    (a, b, _), *_ = np.linalg.lstsq(basis, found[late], rcond=None)
    stiffness, damping = twin.driven_stiffness(row)
    sent = np.array([sample[row] for sample in record.told])
    effort = np.abs(stiffness * (sent - found) - damping * rates)
    most = joint.drive_max_force
    return Verdict(
        chirp,
        error,
        -math.degrees(math.atan2(b, a)),
        float(math.hypot(a, b)) / chirp.amplitude,
        float(effort.max()) / most if most else 0.0,
    )


def _result(begun: Begun, verdicts: list[Verdict], record: _Record, settings: RolloutSettings) -> RolloutResult:
    twin, chosen = begun.twin, settings.joints
    faults = []
    for one in verdicts:
        name = twin.names[one.chirp.row]
        if one.error_ratio > chosen.track_error_ratio:
            faults.append(f"{name} is off by {100 * one.error_ratio:.0f} % of the chirp (root mean square)")
        if one.lag_deg > chosen.track_lag_deg:
            faults.append(f"{name} lags by {one.lag_deg:.0f} deg at up to {one.chirp.last_hz:.2g} Hz")
        if one.effort_ratio > 1.0:
            faults.append(f"{name} asks for {one.effort_ratio:.1f} times the most that its drive gives")
    worst = max(verdicts, key=lambda one: one.error_ratio, default=None)
    told = (
        "No joint is held by a position drive."
        if worst is None
        else (
            f"{len(verdicts)} drives follow; the worst is off by {100 * worst.error_ratio:.0f} % and lags by "
            f"{max(one.lag_deg for one in verdicts):.0f} deg."
        )
    )
    criterion = (
        f"A chirp of {chosen.track_amplitude} rad (or sizes) or {100 * chosen.track_range_share:.0f} % of the range, "
        f"up to {chosen.track_last_hz:g} Hz or {100 * chosen.track_last_share:.0f} % of the drive's own frequency: "
        f"root mean square error below {100 * chosen.track_error_ratio:.0f} % of the chirp's, lag below "
        f"{chosen.track_lag_deg:.0f} deg, effort below the drive's bound; all drives at once, no gravity, no contacts."
    )
    measures = [Measure("drives", float(len(verdicts)), "1")]
    if verdicts:
        measures += [
            Measure("worst_error_of_chirp", max(one.error_ratio for one in verdicts), "1"),
            Measure("worst_lag", max(one.lag_deg for one in verdicts), "deg"),
            Measure("lowest_gain", min(one.gain for one in verdicts), "1"),
            Measure("largest_effort_of_bound", max(one.effort_ratio for one in verdicts), "1"),
        ]
    series = []
    for one in verdicts[: chosen.most_series // 2]:
        row, name = one.chirp.row, twin.names[one.chirp.row].replace(" ", "_")
        for word, values in (("position", record.found), ("target", record.told)):
            unit = unit_of(twin, row)
            series.append(Series(f"{word} {name}", unit, tuple(record.times_s), tuple(float(v[row]) for v in values)))
    return begun.ended((NAME, QUESTION, criterion), faults, told, measures, series)
