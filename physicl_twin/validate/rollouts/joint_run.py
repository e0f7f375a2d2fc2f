"""What the rollouts over joints share: beginning and end, test drives, smooth ways, curves, what a moving twin does."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from physicl_twin.engines.protocol import Engine, EngineScene
from physicl_twin.engines.quaternions import rotated
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import Measure, RolloutResult, Series
from physicl_twin.model.geometry import FloatArray, Pose
from physicl_twin.validate.rollouts.moving import MovingTwin, survey_moving
from physicl_twin.validate.rollouts.moving_stage import Gains
from physicl_twin.validate.rollouts.settings import JointSettings, RolloutSettings

#: Points of a curve in a record.
_POINTS = 120


@dataclass(frozen=True, slots=True)
class Begun:
    """A rollout over joints that has begun.

    Attributes:
        twin: As the engine's variant of it.
        engine: Where it runs.
        dt_s: Time step for a twin of this size.
        at_s: When it began, of the clock that ``perf_counter`` reads.
    """

    twin: MovingTwin
    engine: Engine
    dt_s: float
    at_s: float

    def ended(
        self,
        told: tuple[str, str, str],
        faults: Sequence[str],
        message: str,
        measures: Sequence[Measure],
        series: Sequence[Series] = (),
    ) -> RolloutResult:
        """The result, now.

        Args:
            told: Name, question and criterion.
            faults: What is wrong; none when it passed.
            message: What happened when nothing is.
            measures: Numbers of the run.
            series: Its curves.
        """
        status: Literal["passed", "failed"] = "failed" if faults else "passed"
        seconds = time.perf_counter() - self.at_s
        said = "; ".join(faults) or message
        return RolloutResult(
            told[0], self.engine.name, *told[1:], status, said, tuple(measures), tuple(series), seconds
        )


def begin(usd: Path, engine: Engine, settings: RolloutSettings) -> Begun:
    """What every rollout over joints begins with.

    Args:
        usd: The twin's interface layer, or any USD file.
        engine: Where to run it.
        settings: Of the rollouts.

    Raises:
        EngineError: When the engine refuses the scene.
        ValidationError: When the twin has no joint that moves, or one that starts outside of its limits.
    """
    at_s = time.perf_counter()
    twin = survey_moving(usd, engine.name, EngineSettings.from_pipeline())
    return Begun(twin, engine, time_step_s(twin, engine.name, settings), at_s)


def unit_of(twin: MovingTwin, row: int) -> str:
    """Of a joint's coordinate."""
    return "rad" if twin.joints[row].type == "revolute" else "m"


def span_of(twin: MovingTwin, row: int) -> float:
    """What an amount per radian, or per metre and size, means for a joint: 1 rad, or the twin's size in metres."""
    return 1.0 if twin.joints[row].type == "revolute" else twin.size_m


def time_step_s(twin: MovingTwin, engine: str, settings: RolloutSettings) -> float:
    """Of the rollouts, for a twin of this size."""
    return settings.time_steps[engine].of(math.sqrt(twin.size_m / settings.gravity_mps2))


def range_of(twin: MovingTwin, row: int, settings: JointSettings) -> tuple[float, float]:
    """Lower and upper end of a joint's way; of one without limits, a turn (or a slide) about where it stands."""
    joint = twin.joints[row]
    free = settings.free_turn if joint.type == "revolute" else settings.free_slide_ratio * twin.size_m
    if twin.in_loop[row]:
        # How far it can go is not said: near where it stands it can.
        free *= settings.loop_share
    if joint.lower is not None and joint.upper is not None:
        # Our writer gives free joints that lead others wide limits, which PhysX wants.
        wide = joint.upper - joint.lower > 8.0 * free
        return (joint.position - 0.5 * free, joint.position + 0.5 * free) if wide else (joint.lower, joint.upper)
    if joint.lower is not None:
        return joint.lower, joint.lower + free
    if joint.upper is not None:
        return joint.upper - free, joint.upper
    return joint.position - 0.5 * free, joint.position + 0.5 * free


def trial_gains(twin: MovingTwin, row: int, settings: JointSettings) -> Gains:
    """A drive that holds a joint where it stands; see ``[rollouts.joints]``."""
    joint = twin.joints[row]
    omega = 2.0 * math.pi * settings.test_frequency_hz
    inertia = max(float(twin.inertia[row]), 1e-12)
    low, high = range_of(twin, row, settings)
    allowed = max(settings.reach_ratio * (high - low), settings.reach_floor * span_of(twin, row))
    stiffness = max(inertia * omega**2, joint.friction / (settings.test_friction_share * allowed))
    # The passive spring pulls at the drive, too.
    stiffness += twin.spring(row)[0] / (settings.test_friction_share * settings.reach_ratio)
    return Gains(stiffness, 2.0 * settings.test_damping_ratio * math.sqrt(stiffness * inertia), joint.position)


def trial_drives(twin: MovingTwin, settings: JointSettings) -> dict[int, Gains]:
    """Test drives for the joints that no drive holds at a position."""
    return {
        int(row): trial_gains(twin, int(row), settings)
        for row in np.flatnonzero(twin.steered & ~twin.positioned)
        # In a closed loop one drive moves all.
        if not twin.in_loop[row] or not (twin.positioned & twin.in_loop).any()
    }


def gains_of(twin: MovingTwin, row: int, drives: Mapping[int, Gains]) -> tuple[float, float]:
    """Stiffness and damping of what holds a joint in a run."""
    if row in drives:
        return drives[row].stiffness, drives[row].damping
    return twin.driven_stiffness(row)


def smooth(start: float, end: float, fraction: float) -> float:
    """Where a smooth way (half a cosine) stands at a fraction of its time."""
    return start + (end - start) * 0.5 * (1.0 - math.cos(math.pi * min(max(fraction, 0.0), 1.0)))


def energy_j(twin: MovingTwin, scene: EngineScene, gravity_mps2: float) -> float:
    """Kinetic and potential energy of the bodies, of rotors (armature) and of passive springs."""
    poses, moving = scene.poses(), scene.velocities()
    kinetic = potential = 0.0
    for mass, pose, velocity in zip(scene.mass_properties(), poses, moving, strict=True):
        turn = Pose((0.0, 0.0, 0.0), (pose[3], pose[4], pose[5], pose[6])).rotation()
        spin = turn.T @ velocity[3:]
        kinetic += 0.5 * mass.mass_kg * float(velocity[:3] @ velocity[:3]) + 0.5 * float(
            spin @ mass.inertia_kgm2 @ spin
        )
        potential += mass.mass_kg * gravity_mps2 * float((pose[:3] + turn @ mass.com_m)[2])
    positions, rates = scene.joint_positions(), scene.joint_velocities()
    for row, joint in enumerate(twin.joints):
        if twin.mechanism.in_tree[row]:
            kinetic += 0.5 * joint.armature * float(rates[row]) ** 2
            stiffness, rest = twin.spring(row)
            potential += 0.5 * stiffness * (float(positions[row]) - rest) ** 2
    return kinetic + potential


def momenta(scene: EngineScene) -> tuple[FloatArray, FloatArray, float]:
    """Linear and angular momentum (about the common centre of mass), and the sum of the bodies' own linear ones."""
    masses, poses, moving = scene.mass_properties(), scene.poses(), scene.velocities()
    weights = np.array([mass.mass_kg for mass in masses])
    coms = poses[:, :3] + rotated(poses[:, 3:], np.array([mass.com_m for mass in masses]))
    own = weights[:, None] * moving[:, :3]
    centre = (weights[:, None] * coms).sum(axis=0) / weights.sum()
    angular = np.cross(coms - centre, own).sum(axis=0)
    for mass, pose, velocity in zip(masses, poses, moving, strict=True):
        turn = Pose((0.0, 0.0, 0.0), (pose[3], pose[4], pose[5], pose[6])).rotation()
        angular += turn @ mass.inertia_kgm2 @ turn.T @ velocity[3:]
    return own.sum(axis=0), angular, float(np.linalg.norm(own, axis=1).sum())


class Curves:
    """Coordinates of joints over a run.

    Args:
        twin: Whose joints.
        rows: Which.
    """

    def __init__(self, twin: MovingTwin, rows: Sequence[int]) -> None:
        self._twin, self._rows = twin, tuple(rows)
        self._times: list[float] = []
        self._values: list[FloatArray] = []

    def add(self, time_s: float, positions: FloatArray) -> None:
        """A sample."""
        self._times.append(time_s)
        self._values.append(positions)

    def series(self) -> tuple[Series, ...]:
        """``position NAME``, at most ``_POINTS`` long."""
        if not self._times:
            return ()
        last = len(self._times) - 1
        keep = [int(i) for i in np.unique(np.linspace(0, last, min(last + 1, _POINTS)).round())]
        return tuple(
            Series(
                f"position {self._twin.names[row].replace(' ', '_')}",
                unit_of(self._twin, row),
                tuple(self._times[i] for i in keep),
                tuple(float(self._values[i][row]) for i in keep),
            )
            for row in self._rows
        )
