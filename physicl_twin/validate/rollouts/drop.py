"""drop_and_settle: does the twin land, stay on the floor and come to rest, whichever way it falls?"""

from __future__ import annotations

import bisect
import math
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from physicl_twin.engines.protocol import Engine
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import Measure, RolloutResult, Series
from physicl_twin.model.geometry import FloatArray, Pose
from physicl_twin.usd.rollout_scene import Clone, write_rollout_scene
from physicl_twin.validate.rollouts.motion import Sample, Watcher
from physicl_twin.validate.rollouts.settings import RolloutSettings
from physicl_twin.validate.rollouts.survey import Survey, surface_of, survey

NAME = "drop_and_settle"
QUESTION = "Dropped upright, on two sides and upside down, does it land, stay on the floor and come to rest?"

#: Orientations of the copies: name, rotation axis, angle in degrees.
ORIENTATIONS: tuple[tuple[str, tuple[float, float, float], float], ...] = (
    ("upright", (1.0, 0.0, 0.0), 0.0),
    ("on_side_x", (1.0, 0.0, 0.0), 90.0),
    ("on_side_y", (0.0, 1.0, 0.0), 90.0),
    ("upside_down", (1.0, 0.0, 0.0), 180.0),
)
#: Distance of the copies in sizes of the twin: none rolls that far before its run ends.
_SPACING = 20.0

#: Samples for which energy must be kept to count as gained: half a time scale.
KEPT_SAMPLES = 4

Ending = Literal["falling", "at rest", "rolling", "sliding", "restless"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is allowed, in the twin's own scale.

    Attributes:
        rest_move_m: What moves less is at rest.
        rest_s: For this long.
        roll_s: Rolling and sliding on are believed after this long: toppling and braking are over by then.
        rest_depth_m: Depth and height off the floor at the end.
        impact_depth_m: Depth on impact.
        energy_gain_j: Energy above the start's, per kilogram.
        noise_j: What single-precision heights leave uncertain in it, per kilogram.
        longest_s: Of the run.
    """

    rest_move_m: float
    rest_s: float
    roll_s: float
    rest_depth_m: float
    impact_depth_m: float
    energy_gain_j: float
    noise_j: float
    longest_s: float


@dataclass(slots=True)
class Fall:
    """What one copy does."""

    name: str
    mass_kg: float
    friction: float
    times_s: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    touched_s: float | None = None
    settled_s: float | None = None
    ending: Ending = "falling"

    def see(self, now_s: float, sample: Sample, touch_m: float) -> None:
        """Record a sample."""
        self.times_s.append(now_s)
        self.samples.append(sample)
        if self.touched_s is None and sample.lowest_m <= touch_m:
            self.touched_s = now_s

    def judge(self, bounds: Bounds, settings: RolloutSettings) -> None:
        """Decide from the last stretch of the run whether the copy has come to its end."""
        if self.touched_s is None:
            return
        now = self.times_s[-1]
        if now - bounds.rest_s < self.touched_s:
            return
        last = self._since(now - bounds.rest_s)
        # The last sample first: what still moves has usually moved by then.
        if all(s.moved_m(last[0]) <= bounds.rest_move_m for s in reversed(last)):
            self.settled_s = now - bounds.rest_s - self.touched_s
            self.ending = "at rest"
            return
        self.ending = "restless"
        if now - bounds.roll_s < self.touched_s:
            return
        last = self._since(now - bounds.roll_s)
        if self._rolls(last, bounds, settings):
            self.ending = "rolling"
        elif self._slides(last, bounds, settings):
            self.ending = "sliding"

    def _since(self, start_s: float) -> list[Sample]:
        return self.samples[bisect.bisect_left(self.times_s, start_s) :]

    def _rolls(self, last: list[Sample], bounds: Bounds, settings: RolloutSettings) -> bool:
        """On the floor, turning about the point of contact, with energy that does not grow."""
        return (
            self._stays(last, bounds)
            and last[-1].energy_j <= last[0].energy_j + 0.01 * last[0].kinetic_j + bounds.noise_j * self.mass_kg
            and all(s.slip_mps <= settings.drop.rolling_slip_ratio * s.speed_mps for s in last)
        )

    def _slides(self, last: list[Sample], bounds: Bounds, settings: RolloutSettings) -> bool:
        """On the floor, braked by the friction that there should be (which may be none)."""
        way_m = float(np.mean([s.slip_mps for s in last])) * bounds.roll_s
        due_j = self.friction * self.mass_kg * settings.gravity_mps2 * way_m
        lost_j = last[0].energy_j - last[-1].energy_j
        return (
            self._stays(last, bounds)
            and all(s.slip_mps > settings.drop.rolling_slip_ratio * s.speed_mps for s in last)
            and lost_j >= settings.drop.sliding_power_ratio * due_j - bounds.noise_j * self.mass_kg
        )

    @staticmethod
    def _stays(last: list[Sample], bounds: Bounds) -> bool:
        return all(abs(s.lowest_m) <= bounds.rest_depth_m for s in last)

    @property
    def over(self) -> bool:
        """True when nothing new will come."""
        return self.ending in ("at rest", "rolling", "sliding")

    @property
    def depth_m(self) -> float:
        """Largest depth below the floor."""
        return max(0.0, -min(s.lowest_m for s in self.samples))

    @property
    def energy_gain_j_per_kg(self) -> float:
        """Largest energy above the start's that is kept for a while, per kilogram.

        A spike while several points strike one after the other is not one: nothing flies off with it.
        """
        energy: FloatArray = np.array([s.energy_j for s in self.samples])
        count = min(KEPT_SAMPLES, len(energy))
        kept = np.lib.stride_tricks.sliding_window_view(energy, count).min(axis=1)
        return max(0.0, float(kept.max() - energy[0])) / self.mass_kg

    @property
    def final_tilt_deg(self) -> float:
        """Angle between the first body's z axis at the start and at the end."""
        cosine = float(np.clip(self.samples[0].up @ self.samples[-1].up, -1.0, 1.0))
        return math.degrees(math.acos(cosine))

    def faults(self, bounds: Bounds) -> list[str]:
        """Why the copy fails, in words; empty when it passes."""
        if self.touched_s is None:
            return [f"{self.name}: never touched the floor (ended {self.samples[-1].lowest_m * 1e3:.2f} mm above it)"]
        found = []
        if self.depth_m > bounds.impact_depth_m:
            found.append(f"{self.name}: sank {self.depth_m * 1e3:.2f} mm into the floor")
        elif (rest_m := -self.samples[-1].lowest_m) > bounds.rest_depth_m:
            found.append(f"{self.name}: stays {rest_m * 1e3:.2f} mm deep in the floor")
        if self.ending == "at rest" and self.samples[-1].lowest_m > bounds.rest_depth_m:
            found.append(f"{self.name}: rests {self.samples[-1].lowest_m * 1e3:.2f} mm above the floor")
        if self.energy_gain_j_per_kg > bounds.energy_gain_j:
            found.append(f"{self.name}: gained {self.energy_gain_j_per_kg:.3g} J/kg out of nothing")
        if self.ending in ("restless", "falling"):
            found.append(
                f"{self.name}: still moves at {self.samples[-1].speed_mps:.3g} m/s after {bounds.longest_s:.1f} s"
            )
        return found


def drop_and_settle(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Drop four copies and watch them.

    Args:
        usd: The twin's interface layer, or any USD file.
        engine: Where to run it.
        settings: Of the rollouts.

    Raises:
        EngineError: When the engine refuses or loses the scene.
        ValidationError: When the twin has nothing that moves or collides.
    """
    start = time.perf_counter()
    twin = survey(usd, engine.name, EngineSettings.from_pipeline())
    drop, scale_s = settings.drop, twin.time_scale_s(settings.gravity_mps2)
    height_m = drop.height_ratio * twin.size_m
    dt_s = settings.time_steps[engine.name].of(scale_s)
    bounds = _bounds(twin, settings, height_m, dt_s)
    poses = _poses(twin, settings, height_m)
    material = twin.lowest_material(poses[0])
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        stage = write_rollout_scene(
            Path(folder) / "drop.usda",
            usd,
            engine.name,
            [Clone(pose) for pose in poses],
            ground=surface_of(material),
            gravity_mps2=settings.gravity_mps2,
            bounce_threshold_mps=_bounce_threshold(twin, settings),
        )
        with engine.open(stage.path) as scene:
            watcher = Watcher(scene, twin, stage.clones, settings.gravity_mps2)
            falls = [
                Fall(name, mass, material.dynamic_friction)
                for (name, _, _), mass in zip(ORIENTATIONS, watcher.masses_kg, strict=True)
            ]
            count = max(1, round(scale_s / drop.samples_per_time_scale / dt_s))
            now_s = 0.0
            while True:
                for fall, sample in zip(falls, watcher.look(), strict=True):
                    fall.see(now_s, sample, bounds.rest_depth_m)
                    fall.judge(bounds, settings)
                if all(fall.over for fall in falls) or now_s >= bounds.longest_s:
                    break
                scene.step(dt_s, count)
                now_s += dt_s * count
    return _result(engine.name, falls, bounds, settings, height_m, time.perf_counter() - start)


def _bounds(twin: Survey, settings: RolloutSettings, height_m: float, dt_s: float) -> Bounds:
    drop, gravity = settings.drop, settings.gravity_mps2
    scale_s = twin.time_scale_s(gravity)
    depth_m = max(drop.penetration_floor_m, drop.penetration_ratio * float(twin.extents_m.min()))
    # Single-precision engines and contact offsets leave a tenth of a percent of the largest extent at the far end.
    depth_m = max(depth_m, 1e-3 * twin.size_m)
    return Bounds(
        rest_move_m=drop.rest_move_ratio * twin.size_m,
        rest_s=drop.rest_time_scales * scale_s,
        roll_s=drop.roll_time_scales * scale_s,
        rest_depth_m=depth_m,
        impact_depth_m=depth_m + drop.impact_steps * math.sqrt(2.0 * gravity * height_m) * dt_s,
        energy_gain_j=drop.energy_gain_ratio * gravity * (height_m + twin.size_m),
        noise_j=1e-4 * gravity * twin.size_m,
        longest_s=drop.longest_time_scales * scale_s,
    )


def _bounce_threshold(twin: Survey, settings: RolloutSettings) -> float:
    """Speed below which PhysX lets nothing bounce: its default of 0.2 m/s, less for small things that fall slower."""
    return min(0.2, 0.1 * math.sqrt(settings.gravity_mps2 * twin.size_m))


def _poses(twin: Survey, settings: RolloutSettings, height_m: float) -> list[Pose]:
    """Each copy in its orientation, tilted a little, its lowest point at the height of the drop."""
    random = np.random.default_rng(settings.drop.seed)
    spacing, poses = _SPACING * twin.size_m, []
    for index, (_, axis, angle_deg) in enumerate(ORIENTATIONS):
        direction = random.uniform(0.0, 2.0 * math.pi)
        tilt = _about((math.cos(direction), math.sin(direction), 0.0), math.radians(settings.drop.tilt_deg))
        turned = tilt.compose(_about(axis, math.radians(angle_deg)))
        x, y = spacing * (index % 2), spacing * (index // 2)
        lift = height_m - twin.placed_low_m(turned)
        poses.append(Pose((x, y, lift), turned.quaternion_wxyz))
    return poses


def _about(axis: tuple[float, float, float], angle_rad: float) -> Pose:
    s = math.sin(0.5 * angle_rad)
    return Pose((0.0, 0.0, 0.0), (math.cos(0.5 * angle_rad), s * axis[0], s * axis[1], s * axis[2]))


def _result(
    engine: str, falls: list[Fall], bounds: Bounds, settings: RolloutSettings, height_m: float, seconds: float
) -> RolloutResult:
    faults = [fault for fall in falls for fault in fall.faults(bounds)]
    endings: dict[str, list[str]] = {}
    for fall in falls:
        endings.setdefault(fall.ending, []).append(fall.name)
    told = "; ".join(f"{ending}: {', '.join(names)}" for ending, names in endings.items())
    settled = [fall.settled_s for fall in falls if fall.settled_s is not None]
    measures = [
        Measure("drop_height", height_m, "m"),
        Measure("largest_depth", max(fall.depth_m for fall in falls), "m"),
        Measure("largest_energy_gain", max(fall.energy_gain_j_per_kg for fall in falls), "J/kg"),
        Measure("residual_speed", max(fall.samples[-1].speed_mps for fall in falls), "m/s"),
    ]
    if settled:
        measures.append(Measure("settle_time", max(settled), "s"))
    for fall in falls:
        measures.append(Measure(f"final_tilt_{fall.name}", fall.final_tilt_deg, "deg"))
        measures.append(Measure(f"final_com_height_{fall.name}", fall.samples[-1].com_height_m, "m"))
    series = [
        Series(f"{quantity} {fall.name}", unit, tuple(fall.times_s), values)
        for fall in falls
        for quantity, unit, values in (
            ("height of the lowest point", "m", tuple(s.lowest_m for s in fall.samples)),
            ("kinetic energy", "J", tuple(s.kinetic_j for s in fall.samples)),
        )
    ]
    criterion = (
        f"Each copy touches the floor, sinks at most {bounds.rest_depth_m * 1e3:.2f} mm at rest and "
        f"{bounds.impact_depth_m * 1e3:.2f} mm on impact, gains no energy (at most {bounds.energy_gain_j:.3g} J/kg), "
        f"and within {bounds.longest_s:.1f} s moves less than {bounds.rest_move_m * 1e3:.2f} mm in "
        f"{bounds.rest_s:.2f} s, or rolls without slipping or slides under friction on the floor."
    )
    message = "; ".join(faults) if faults else f"All four copies landed and ended {told}."
    return RolloutResult(
        NAME,
        engine,
        QUESTION,
        criterion,
        "failed" if faults else "passed",
        message,
        tuple(measures),
        tuple(_thinned(one) for one in series),
        seconds,
    )


def _thinned(series: Series, most: int = 120) -> Series:
    """At most that many points, the last one kept."""
    count = len(series.time_s)
    if count <= most:
        return series
    keep: FloatArray = np.unique(np.linspace(0, count - 1, most).round())
    chosen = [int(index) for index in keep]
    return Series(
        series.name,
        series.unit,
        tuple(series.time_s[i] for i in chosen),
        tuple(series.values[i] for i in chosen),
    )
