"""tilt_to_slide: does the twin start to slide at the angle that its friction says?

Copies stand on ramps of their own material about the expected angle. Their rotation is locked, so that neither toppling
nor rolling hides the friction: the probe is one of translation alone. Standing copies bracket the angle of static
friction; copies that are pushed give the dynamic coefficient from their acceleration,
a = g (sin(theta) - mu cos(theta)), fitted to their way: velocities of single steps hop in MuJoCo, whose relaxed contact
lifts what slides fast.

In PhysX each copy has a physics scene of its own. Four bodies that touch something are otherwise solved together in one
vector instruction, and there friction does not see tangential impulses below some 2e-5 N s in a step (measured with
ovphysx 0.7: among others, a 10 g box holds 2 degrees beyond its angle; alone, it starts to slide where it should).
"""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from physicl_twin.engines.friction import EffectiveFriction, effective_friction
from physicl_twin.engines.protocol import Engine, EngineScene
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import Measure, RolloutResult, Series
from physicl_twin.model.geometry import FloatArray, Pose
from physicl_twin.usd.rollout_scene import Clone, Ramp, write_rollout_scene
from physicl_twin.validate.rollouts.probes import Probe, probes
from physicl_twin.validate.rollouts.settings import RolloutSettings, SlideSettings
from physicl_twin.validate.rollouts.survey import Survey, surface_of, survey

NAME = "tilt_to_slide"
QUESTION = "On a tilting ramp of its own material, does the twin start to slide at the angle of its friction?"

#: Free gap under a copy at the start, in sizes of the twin: nothing overlaps, and the fall is too short to matter.
_GAP_RATIO = 1e-4
#: A collider that lies higher than this above the lowest point, in sizes of the twin, is left out on the ramp.
_CLEARANCE_RATIO = 0.03
#: Thickness of a ramp in sizes of the twin.
_RAMP_THICKNESS = 0.5
#: How often the copies are stopped while they come to bear, by engine; 0 for after every step, which in PhysX costs too
#: much (a write to thirty scenes takes as long as five hundred steps) and in MuJoCo stills elastic contacts.
SETTLE_STOPS = {"physx": 4, "mujoco": 0}


@dataclass(frozen=True, slots=True)
class Stand:
    """A copy on a ramp.

    Attributes:
        probe: Index of its probe.
        angle_rad: Of the ramp.
        push_mps: Speed down the ramp at the start of the measurement.
    """

    probe: int
    angle_rad: float
    push_mps: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """What a copy did: ways (m) down the ramp at times (s), and the acceleration (m/s2) that fits them."""

    acceleration_mps2: float
    times_s: tuple[float, ...]
    ways_m: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Angles:
    """Angles of one probe, degrees.

    Attributes:
        static_expected: atan of the effective static coefficient.
        holds: Steepest ramp on which a copy stands; -inf when none does.
        slides: Flattest ramp on which a copy slides; inf when none does.
        dynamic_expected: atan of the effective dynamic coefficient.
        dynamic: atan of the coefficient that the pushed copies show.
    """

    static_expected: float
    holds: float
    slides: float
    dynamic_expected: float
    dynamic: float

    @property
    def static(self) -> float:
        """Angle at which sliding starts: the middle of the bracket."""
        if math.isinf(self.slides):
            return self.holds
        return 0.5 * (max(self.holds, 0.0) + self.slides)

    def faults(self, tolerance_deg: float) -> list[str]:
        """Why the probe fails."""
        found = []
        if self.slides > self.static_expected + tolerance_deg:
            found.append(f"still holds at {self.holds:.2f} deg, {self.static_expected:.2f} deg was expected")
        # -inf: nothing holds, which is right where even the floor is as steep as the angle of friction.
        if max(self.holds, 0.0) < self.dynamic_expected - tolerance_deg:
            found.append(f"slides at {self.slides:.2f} deg already, {self.dynamic_expected:.2f} deg was expected")
        if self.holds > self.slides and self.static_expected == self.dynamic_expected:
            found.append(f"holds at {self.holds:.2f} deg but slides at {self.slides:.2f} deg")
        if not abs(self.dynamic - self.dynamic_expected) <= tolerance_deg:
            found.append(
                f"slides as at a friction angle of {self.dynamic:.2f} deg, not {self.dynamic_expected:.2f} deg"
            )
        return found


def tilt_to_slide(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Put copies on ramps and compare the angle of sliding with the angle of friction.

    Args:
        usd: The twin's interface layer, or any USD file.
        engine: Where to run it.
        settings: Of the rollouts.

    Raises:
        EngineError: When the engine refuses or loses the scene.
        ValidationError: When the twin has nothing that moves or collides.
    """
    start = time.perf_counter()
    slide = settings.slide
    twin = survey(usd, engine.name, EngineSettings.from_pipeline())
    found, hidden = probes(twin, slide.contact_margin_ratio, slide.directions)
    chosen = found[: slide.most_probes]
    left = [*hidden, *(_material_name(probe) for probe in found[slide.most_probes :])]
    friction = [effective_friction(engine.name, probe.material, probe.material) for probe in chosen]
    stands = [
        stand for index, pair in enumerate(friction) for stand in _stands(index, pair, slide, settings.gravity_mps2)
    ]
    runs = _run(usd, engine, twin, chosen, stands, settings) if stands else []
    angles = [
        _angles(pair, [(s, r) for s, r in zip(stands, runs, strict=True) if s.probe == index], settings)
        for index, pair in enumerate(friction)
    ]
    return _result(engine.name, chosen, angles, left, stands, runs, slide, time.perf_counter() - start)


def _stands(index: int, friction: EffectiveFriction, slide: SlideSettings, gravity: float) -> list[Stand]:
    """The ramps of a probe: standing copies about the static angle, pushed copies about the dynamic one."""
    static, dynamic = math.atan(friction.static), math.atan(friction.dynamic)
    offsets = [math.radians(offset) for offset in slide.static_offsets_deg]
    # Between the two angles an engine may give way (see friction.py): the ramps below belong to the dynamic angle.
    angles = [dynamic + offset for offset in offsets if offset < 0] + [
        static + offset for offset in offsets if offset > 0
    ]
    if static > dynamic:
        angles += list(np.linspace(dynamic, static, slide.between)[1:])
    stands = [Stand(index, float(angle)) for angle in sorted(angles) if 0.0 <= angle < 0.5 * math.pi]
    for offset in slide.dynamic_offsets_deg:
        # A ramp cannot be flatter than the floor: there a copy is pushed along it.
        angle = min(max(0.0, dynamic + math.radians(offset)), 0.49 * math.pi)
        braking = gravity * (friction.dynamic * math.cos(angle) - math.sin(angle))
        push = slide.push_margin_mps + max(0.0, braking) * slide.measure_s
        stands.append(Stand(index, angle, push))
    return stands


def _first_step_deg(slide: SlideSettings) -> float:
    return min(offset for offset in slide.static_offsets_deg if offset > 0)


def _run(
    usd: Path,
    engine: Engine,
    twin: Survey,
    chosen: tuple[Probe, ...],
    stands: list[Stand],
    settings: RolloutSettings,
) -> list[Run]:
    slide, gravity = settings.slide, settings.gravity_mps2
    whole_s = slide.settle_s + slide.measure_s
    clones, ramps = [], []
    for index, stand in enumerate(stands):
        probe = chosen[stand.probe]
        # Room for a copy without any friction: it must not fall off before the end.
        way_m = 0.5 * gravity * math.sin(stand.angle_rad) * whole_s**2 + stand.push_mps * whole_s
        clone, ramp = _place(twin, probe, stand, 3.0 * index * twin.size_m, way_m)
        clones.append(clone)
        ramps.append(ramp)
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        stage = write_rollout_scene(
            Path(folder) / "slide.usda",
            usd,
            engine.name,
            clones,
            ramps=ramps,
            gravity_mps2=gravity,
            isolated=True,
        )
        with engine.open(stage.path) as scene:
            order = [
                next(i for i, path in enumerate(scene.bodies) if path == root or path.startswith(root + "/"))
                for root in stage.clones
            ]
            return _measure(scene, stands, order, slide, SETTLE_STOPS[engine.name])


def _place(twin: Survey, probe: Probe, stand: Stand, y_m: float, way_m: float) -> tuple[Clone, Ramp]:
    """A ramp whose x axis points downhill, and the copy on it just clear of the surface."""
    half = 0.5 * stand.angle_rad
    tilt = Pose((0.0, y_m, 0.0), (math.cos(half), 0.0, math.sin(half), 0.0))
    body = probe.body.body
    com = probe.turn.apply(body.pose.apply(np.array([body.com_m])))[0]
    lowest = probe.turn.apply(np.array([body.pose.position_m]))[0][2] - probe.depth_m
    lift = _GAP_RATIO * twin.size_m - lowest
    on_ramp = Pose((-float(com[0]), -float(com[1]), float(lift)), probe.turn.quaternion_wxyz)
    clone = Clone(tilt.compose(on_ramp), True, probe.body.name, without=_clear_of_the_ramp(twin, probe))
    length_m = 2.0 * (way_m + 2.0 * twin.size_m)
    size = (length_m, 2.5 * twin.size_m, _RAMP_THICKNESS * twin.size_m)
    # The question is friction: a ramp that returns no bounce keeps rubber from hopping down it.
    surface = replace(surface_of(probe.material), restitution=0.0, restitution_combine="min")
    return clone, Ramp(tilt, size, surface)


def _clear_of_the_ramp(twin: Survey, probe: Probe) -> tuple[str, ...]:
    """Colliders that a copy which cannot turn never brings down to the ramp: only costs, and there may be hundreds."""
    least_m = probe.depth_m - _CLEARANCE_RATIO * twin.size_m
    reaches = [(path, at @ probe.down + radius) for path, at, radius in probe.body.colliders()]
    return tuple(path for path, reach in reaches if reach.max() < least_m)


def _measure(scene: EngineScene, stands: list[Stand], order: list[int], slide: SlideSettings, stops: int) -> list[Run]:
    """Let the copies come to bear, start them from rest or with their push, and follow them down."""
    downhill = np.array([[math.cos(s.angle_rad), 0.0, -math.sin(s.angle_rad)] for s in stands])
    dt_s = slide.time_step_s
    steps = max(1, round(slide.settle_s / dt_s))
    for _ in range(stops or steps):
        # Stopped again and again until it bears: what slips while it touches down would go on with dynamic friction.
        scene.step(dt_s, max(1, steps // (stops or steps)))
        scene.set_velocities(np.zeros((len(scene.bodies), 6)))
    velocities = scene.velocities()
    velocities[order] = np.hstack([downhill * [[s.push_mps] for s in stands], np.zeros((len(stands), 3))])
    scene.set_velocities(velocities)
    start = scene.poses()[order, :3]
    count = max(1, round(slide.measure_s / slide.samples / dt_s))
    times, ways = [0.0], [np.zeros(len(stands))]
    for sample in range(1, slide.samples + 1):
        scene.step(dt_s, count)
        times.append(sample * count * dt_s)
        ways.append(np.einsum("ij,ij->i", scene.poses()[order, :3] - start, downhill))
    table: FloatArray = np.array(ways)
    return [
        Run(_acceleration(np.array(times), table[:, i]), tuple(times), tuple(float(v) for v in table[:, i]))
        for i in range(len(stands))
    ]


def _acceleration(times_s: FloatArray, way_m: FloatArray) -> float:
    """Acceleration of the best parabola through the way, as long as the copy moves; nan when that is too short."""
    steps = np.diff(way_m)
    stopped = np.flatnonzero(steps < 0.1 * steps.max())
    moving = int(stopped[0]) + 1 if len(stopped) and steps[0] == steps.max() else len(way_m)
    return 2.0 * float(np.polyfit(times_s[:moving], way_m[:moving], 2)[0]) if moving >= 4 else math.nan


def _late_acceleration(run: Run) -> float:
    """Acceleration over the second half: about zero for a copy that creeps, as MuJoCo's soft friction lets it."""
    middle = len(run.times_s) // 2
    return 2.0 * float(np.polyfit(run.times_s[middle:], run.ways_m[middle:], 2)[0])


def _angles(friction: EffectiveFriction, told: list[tuple[Stand, Run]], settings: RolloutSettings) -> Angles:
    holds, slides, coefficients = -math.inf, math.inf, []
    gravity, slide = settings.gravity_mps2, settings.slide
    # Half of what a copy on the flattest ramp that must slide does; less is held.
    least_mps2 = 0.5 * gravity * math.sin(math.radians(_first_step_deg(slide)))
    least_m = 0.5 * least_mps2 * slide.measure_s**2
    for stand, run in told:
        angle = math.degrees(stand.angle_rad)
        if stand.push_mps > 0:
            coefficients.append(
                (gravity * math.sin(stand.angle_rad) - run.acceleration_mps2) / (gravity * math.cos(stand.angle_rad))
            )
        elif run.ways_m[-1] >= least_m and _late_acceleration(run) >= least_mps2:
            slides = min(slides, angle)
        else:
            holds = max(holds, angle)
    dynamic = math.degrees(math.atan(float(np.mean(coefficients)))) if coefficients else math.nan
    static, expected = math.degrees(math.atan(friction.static)), math.degrees(math.atan(friction.dynamic))
    return Angles(static, holds, slides, expected, dynamic)


def _material_name(probe: Probe) -> str:
    return probe.material.path.rsplit("/", 1)[-1] or "the default material"


def _result(
    engine: str,
    chosen: tuple[Probe, ...],
    angles: list[Angles],
    left: list[str],
    stands: list[Stand],
    runs: list[Run],
    slide: SlideSettings,
    seconds: float,
) -> RolloutResult:
    criterion = (
        f"With rotation locked, copies on ramps of the twin's own material hold up to the angle atan(static friction) "
        "and slide beyond it, and pushed copies slide with the dynamic friction, "
        f"both within {slide.tolerance_deg} deg; where the static coefficient is the larger one, sliding may start "
        "anywhere between the two angles, as PhysX's solver lets the static one act only in part."
    )
    faults, told, measures = [], [], []
    for index, (probe, angle) in enumerate(zip(chosen, angles, strict=True)):
        name = _material_name(probe)
        faults += [f"{name}: {fault}" for fault in angle.faults(slide.tolerance_deg)]
        told.append(
            f"{name}: starts at {angle.static:.2f} deg ({angle.static_expected:.2f} expected), "
            f"slides with {angle.dynamic:.2f} deg ({angle.dynamic_expected:.2f} expected)"
        )
        suffix = "" if index == 0 else f"_{index + 1}"
        measures += [
            Measure(f"{quantity}{suffix}", value, "deg")
            for quantity, value in (
                ("slide_angle", angle.static),
                ("slide_angle_expected", angle.static_expected),
                ("steepest_hold", angle.holds),
                ("flattest_slide", angle.slides),
                ("dynamic_angle", angle.dynamic),
                ("dynamic_angle_expected", angle.dynamic_expected),
                ("tip_angle", probe.tip_angle_deg),
            )
            if math.isfinite(value)
        ]
    series = tuple(
        Series(
            f"way down {math.degrees(s.angle_rad):.2f} deg{', pushed' if s.push_mps else ''}",
            "m",
            r.times_s,
            r.ways_m,
        )
        for s, r in zip(stands, runs, strict=True)
        if s.probe == 0
    )
    if not chosen:
        message = f"No material can be put on a ramp alone ({', '.join(left)})."
        return RolloutResult(NAME, engine, QUESTION, criterion, "not_checked", message, seconds=seconds)
    message = "; ".join(faults) if faults else "; ".join(told) + "."
    if left:
        message += f" Not probed: {', '.join(dict.fromkeys(left))}."
    return RolloutResult(
        NAME, engine, QUESTION, criterion, "failed" if faults else "passed", message, tuple(measures), series, seconds
    )
