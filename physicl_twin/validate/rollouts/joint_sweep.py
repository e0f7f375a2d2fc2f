"""joint_sweep: does every joint reach both ends of its range, with nothing overlapping, drifting or coming apart?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from physicl_twin.engines.protocol import Engine, EngineScene
from physicl_twin.model import Measure, RolloutResult
from physicl_twin.model.geometry import FloatArray
from physicl_twin.validate.rollouts.joint_run import (
    Begun,
    Curves,
    begin,
    gains_of,
    range_of,
    smooth,
    span_of,
    trial_drives,
    unit_of,
)
from physicl_twin.validate.rollouts.moving import MovingTwin
from physicl_twin.validate.rollouts.moving_stage import Gains, Setup, open_moving
from physicl_twin.validate.rollouts.settings import JointSettings, RolloutSettings

NAME = "joint_sweep"
QUESTION = "Moved by its drive, does each joint reach both ends of its range, and does nothing overlap or come apart?"

#: Looks on each way, commands a second, and settling at its end in periods over 2 pi of the drive.
_LOOKS, _COMMANDS_HZ, _SETTLE = 6, 60.0, 4.0
_SETTLING_LOOKS = 4
#: The same of the slowest drive, until joints that were pushed are back where drift is judged.
_COME_BACK = 1.5
#: How much longer than the longest way one may take whose joint has a limit of speed (judgement).
_PATIENCE = 10.0


@dataclass(slots=True)
class Swept:
    """What a joint did.

    Attributes:
        row: Of the joint.
        missed: How far it stayed from the ends of its range.
        allowed: How far it may.
        ends: The coordinates that it came to.
        stopped: Where another body stopped it, which is no fault of a robot's joint: its limits are its own, and in
            another pose of the arm there is room. What no drive moves has its limits, where it has any, from where it
            touches.
        judged: False in a loop whose drive is another joint: how far it can go is the loop's affair.
    """

    row: int
    missed: float = 0.0
    allowed: float = 0.0
    ends: list[float] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    judged: bool = True


@dataclass(slots=True)
class _Worst:
    """The worst of the run: depth of an overlap and whose, drift of held joints over what is allowed, and so on."""

    depth_m: float = 0.0
    pair: tuple[str, str] = ("", "")
    drift: float = 0.0
    drifter: int = -1
    base_m: float = 0.0
    gap_m: float = 0.0
    gap_rad: float = 0.0
    ratio: float = 0.0


def joint_sweep(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Move one joint after the other through its range and back, the others held, without gravity, the base held.

    Arguments and errors are those of ``begin``.
    """
    begun = begin(usd, engine, settings)
    twin = begun.twin
    drives = trial_drives(twin, settings.joints)
    with open_moving(twin, engine, Setup(drives=drives)) as scene:
        run = _Run(twin, scene, drives, settings, begun.dt_s)
        swept = [run.sweep(int(row)) for row in np.flatnonzero(twin.steered) if int(row) in run.movable]
    return _result(begun, swept, run, settings.joints)


class _Run:
    def __init__(
        self,
        twin: MovingTwin,
        scene: EngineScene,
        drives: Mapping[int, Gains],
        settings: RolloutSettings,
        dt_s: float,
    ) -> None:
        self.twin, self.scene, self.drives = twin, scene, drives
        self.settings, self._dt_s = settings.joints, dt_s
        self.movable = set(drives) | {int(row) for row in np.flatnonzero(twin.positioned)}
        self._slow = {row: self._pole(row) for row in self.movable}
        self._slowest = min(self._together(), min(self._slow.values(), default=math.inf))
        self.home = twin.followed(twin.home)
        self._targets: FloatArray = self.home.copy()
        self._start: FloatArray = scene.poses()
        self.worst, self.now_s = _Worst(), 0.0
        shown = [row for row in range(len(twin.joints)) if row in self.movable][: self.settings.most_series]
        self.curves = Curves(twin, shown)
        scene.set_joint_targets(self._targets)
        self._look()

    def sweep(self, row: int) -> Swept:
        """To both ends of the range and back."""
        low, high = range_of(self.twin, row, self.settings)
        span = span_of(self.twin, row)
        allowed = max(self.settings.reach_ratio * (high - low), self.settings.reach_floor * span)
        if row not in self.drives:
            # What dry friction holds off a drive that does not integrate its error is no news at the end of a range.
            standing = self.twin.joints[row].friction / self.twin.driven_stiffness(row)[0]
            allowed += min(standing, self.settings.hold_sag * span)
        swept = Swept(row, allowed=allowed, judged=not self.twin.in_loop[row] or bool(self.twin.positioned[row]))
        for end in (low, high):
            # An end that nobody states is a question of ours, and something in the way is an answer.
            stated = end in (self.twin.joints[row].lower, self.twin.joints[row].upper)
            stopper = self._way(row, float(self.home[row]), end)
            reached = float(self.scene.joint_positions()[row])
            swept.ends.append(reached)
            if stopper and abs(reached - end) > allowed and (self.twin.positioned[row] or not stated):
                swept.stopped.append(f"at {reached:.3g} {unit_of(self.twin, row)} by {stopper}")
            else:
                swept.missed = max(swept.missed, abs(reached - end))
            self._return()
        return swept

    def _return(self) -> None:
        """Back to where the joints stood, at once: the way back would show nothing new."""
        self._targets[:] = self.home
        self.scene.set_joint_positions(self.home)
        self.scene.set_joint_velocities(np.zeros(len(self.home)))
        self.scene.set_joint_targets(self._targets)

    def _way(self, row: int, start: float, end: float) -> str:
        """Go there; returns what it leans on at the end, if anything."""
        whole_s, settle_s = self._times_s(row, abs(end - start))
        looks = _LOOKS if abs(end - start) > 0.0 else 1
        # The command moves on a few times between two looks, as a controller's would.
        between = max(3, min(8, round(whole_s / looks * _COMMANDS_HZ)))
        count = max(1, round(whole_s / (between * looks) / self._dt_s))
        for part in range(1, between * looks + 1):
            self._targets[row] = smooth(start, end, part / (between * looks))
            self.scene.set_joint_targets(self._targets)
            self._step(count)
            if part % between == 0 and part < between * looks:
                self._look()
        # What leans on something may bounce there: any push while it settles counts.
        stopper = ""
        for _ in range(_SETTLING_LOOKS):
            self._step(max(1, round(settle_s / _SETTLING_LOOKS / self._dt_s)))
            stopper = self._look() or stopper
        self._judge(row, judge_drift=not stopper)
        return stopper

    def _times_s(self, row: int, way: float) -> tuple[float, float]:
        """Time for a way, and for settling at its end."""
        settings, joint, slow = self.settings, self.twin.joints[row], self._slow[row]
        inertia = max(float(self.twin.inertia[row]), 1e-12)
        whole = [settings.sweep_s, settings.sweep_drive_periods / slow]
        if joint.drive_max_force and row not in self.drives:
            whole.append(
                math.pi * math.sqrt(0.5 * way * inertia / (settings.sweep_effort_share * joint.drive_max_force))
            )
        longest = settings.sweep_longest_s
        # The others are pushed out of place meanwhile and come back as slowly as their own drives are.
        settle = min(max(_SETTLE / slow, _COME_BACK / self._slowest), longest)
        whole += [math.pi * math.sqrt(0.5 * way * push) for push in self._pushes(row, settle)]
        # What may not move faster takes its time, as far as anybody would wait for it.
        speed = settings.sweep_speed_share * (joint.max_velocity or math.inf)
        return max(min(max(whole), longest), min(0.5 * math.pi * way / speed, _PATIENCE * longest)), settle

    def _pushes(self, moving: int, settle_s: float) -> list[float]:
        """Of each held joint, the inertia by which the moving one pushes it over the effort that may answer.

        That is a share of the most that its drive gives, and what it gives at an error of which no more than half of
        the drift is left after settling: critically damped drives leave (1 + x) exp(-x), x the time in their periods.
        """
        found = []
        for row in self.movable - {moving}:
            stiffness, _ = gains_of(self.twin, row, self.drives)
            phase = settle_s * self._slowest
            error = 0.5 * self.settings.drift * span_of(self.twin, row) * math.exp(phase) / (1.0 + phase)
            answers = [stiffness * error]
            most = self.twin.joints[row].drive_max_force
            if most and row not in self.drives:
                answers.append(self.settings.sweep_effort_share * most)
            found.append(abs(float(self.twin.mass_matrix[row, moving])) / max(min(answers), 1e-12))
        return found

    def _pole(self, row: int) -> float:
        """Of a joint's drive, the slower one, rad/s: an overdamped drive creeps with k / d."""
        stiffness, damping = gains_of(self.twin, row, self.drives)
        inertia = max(float(self.twin.inertia[row]), 1e-12)
        # Around a loop it carries more than what hangs on it.
        inertia *= 4.0 if self.twin.in_loop[row] else 1.0
        omega = math.sqrt(max(stiffness, 1e-12) / inertia)
        return min(omega, stiffness / damping) if damping > 2.0 * math.sqrt(stiffness * inertia) else omega

    def _together(self) -> float:
        """The slowest decay of all drives at once, 1/s, outside of loops: along a chain they push each other.

        Of M q" + D q' + K q = 0, with the mass matrix of the stage's pose.
        """
        rows = [row for row in sorted(self.movable) if not self.twin.in_loop[row]]
        if not rows:
            return math.inf
        gains = np.array([gains_of(self.twin, row, self.drives) for row in rows])
        own = np.array([self.twin.joints[row].damping for row in rows])
        mass = self.twin.mass_matrix[np.ix_(rows, rows)]
        # What leads carries its followers, too; a trace of inertia keeps what weighs nothing from being singular.
        mass = mass + np.diag(np.maximum(self.twin.inertia[rows] * (1.0 + 1e-9) - np.diagonal(mass), 1e-12))
        count = len(rows)
        state = np.zeros((2 * count, 2 * count))
        state[:count, count:] = np.eye(count)
        state[count:] = -np.linalg.solve(mass, np.hstack([np.diag(gains[:, 0]), np.diag(gains[:, 1] + own)]))
        return max(-float(np.linalg.eigvals(state).real.max()), 1e-3)

    def _step(self, count: int) -> None:
        self.scene.step(self._dt_s, count)
        self.now_s += count * self._dt_s

    def _look(self) -> str:
        """Look at overlaps; returns the pair of bodies that push hardest on each other, empty when none do."""
        self.curves.add(self.now_s, self.scene.joint_positions())
        contacts = self.scene.contacts()
        for contact in contacts:
            if -contact.separation_m > self.worst.depth_m:
                self.worst.depth_m, self.worst.pair = -contact.separation_m, (contact.body0, contact.body1)
        pushing = [contact for contact in contacts if contact.impulse_ns > 0.0]
        leaning = max(pushing, key=lambda contact: contact.impulse_ns, default=None)
        return "" if leaning is None else _pair((leaning.body0, leaning.body1))

    def _judge(self, moving: int, *, judge_drift: bool) -> None:
        """At the end of a way: held joints may give way while another one speeds up, not when it stands.

        What leans on another body is pushed out of place, and pushes: then they are not judged.
        """
        twin, worst = self.twin, self.worst
        positions, poses = self.scene.joint_positions(), self.scene.poses()
        expected = twin.followed(np.where(np.arange(len(positions)) == moving, positions, self.home))
        for row in range(len(positions)) if judge_drift else ():
            if row == moving or (twin.in_loop[row] and twin.in_loop[moving]):
                continue
            drift = abs(float(positions[row] - expected[row])) / (self.settings.drift * span_of(twin, row))
            if drift > worst.drift:
                worst.drift, worst.drifter = drift, row
        for path in twin.floating:
            row = twin.mechanism.bodies.index(path)
            worst.base_m = max(worst.base_m, float(np.linalg.norm(poses[row, :3] - self._start[row, :3])))
        apart, askew = twin.mechanism.gaps(poses)
        worst.gap_m, worst.gap_rad = max(worst.gap_m, float(apart.max())), max(worst.gap_rad, float(askew.max()))


def _pair(bodies: tuple[str, str]) -> str:
    return " and ".join(path.rsplit("/", 1)[-1] for path in bodies)


def _weakness(twin: MovingTwin, row: int) -> str:
    """Why a drive may not get there."""
    joint = twin.joints[row]
    if joint.drive_max_force is None or joint.friction < 0.5 * joint.drive_max_force:
        return ""
    return f": dry friction takes {joint.friction:.3g} of the {joint.drive_max_force:.3g} that its drive gives"


def _result(begun: Begun, swept: list[Swept], run: _Run, settings: JointSettings) -> RolloutResult:
    twin, worst = begun.twin, run.worst
    deepest_m = max(settings.penetration_floor_m, settings.penetration_ratio * twin.size_m)
    gap_m, base_m = settings.gap_ratio * twin.size_m, settings.drift * twin.size_m
    faults = [
        f"{twin.names[one.row]} stays {one.missed:.3g} {unit_of(twin, one.row)} short of an end of its range "
        f"(came to {one.ends[0]:.3g} and {one.ends[1]:.3g}){_weakness(twin, one.row)}"
        for one in swept
        if one.judged and one.missed > one.allowed
    ]
    if worst.depth_m > deepest_m:
        faults.append(f"{_pair(worst.pair)} overlap by {worst.depth_m * 1e3:.2f} mm")
    if worst.drift > 1.0:
        faults.append(f"{twin.names[worst.drifter]} drifts while another joint moves")
    if worst.base_m > base_m:
        faults.append(f"the base drifts by {worst.base_m * 1e3:.2f} mm")
    if worst.gap_m > gap_m or worst.gap_rad > settings.drift:
        faults.append(f"joint frames come apart by {worst.gap_m * 1e3:.2f} mm and {worst.gap_rad:.3g} rad")
    judged = [one for one in swept if one.judged]
    passive = len(swept) - len(judged)
    stops = [f"{twin.names[one.row]} {stop}" for one in swept for stop in one.stopped]
    whole = sum(not one.stopped for one in judged)
    told = f"{whole} of {len(judged)} joints reached both ends of their ranges"
    told += f"; stopped in the pose of the stage: {', '.join(stops)}" if stops else ""
    told += f"; {passive} in loops were moved without a verdict." if passive else "."
    measures = [
        Measure("joints_swept", float(len(swept)), "1"),
        Measure("worst_miss_of_allowed", max((one.missed / one.allowed for one in judged), default=0.0), "1"),
        Measure("deepest_overlap", worst.depth_m, "m"),
        Measure("worst_drift_of_allowed", worst.drift, "1"),
        Measure("largest_frame_gap", worst.gap_m, "m"),
        Measure("largest_frame_angle", worst.gap_rad, "rad"),
        Measure("base_drift", worst.base_m, "m"),
    ]
    for one in swept[: settings.most_series]:
        for word, value in zip(("lowest", "highest"), one.ends, strict=True):
            name = twin.names[one.row].replace(" ", "_")
            measures.append(Measure(f"{word}_{name}", value, unit_of(twin, one.row)))
    criterion = (
        f"Without gravity and with the base held, each joint comes within {100 * settings.reach_ratio:.0f} % of its "
        f"range of both ends (a turn for one without limits), moved by its drive or, without one, by a test drive of "
        f"{settings.test_frequency_hz:.0f} Hz; no bodies overlap by more than {deepest_m * 1e3:.1f} mm; the other "
        f"joints keep within {settings.drift} rad; joint frames stay within {gap_m * 1e3:.1f} mm. Another body may "
        "stop a driven joint, whose limits are its own whatever the pose of the others, and one that has no limits."
    )
    return begun.ended((NAME, QUESTION, criterion), faults, told, measures, run.curves.series())
