"""gravity_hold: do drives hold the pose against gravity, and does what has none come to rest?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from physicl_twin.engines.protocol import Engine, EngineScene
from physicl_twin.model import Measure, RolloutResult
from physicl_twin.model.geometry import FloatArray
from physicl_twin.validate.rollouts.joint_run import Begun, Curves, begin, energy_j, range_of, span_of, unit_of
from physicl_twin.validate.rollouts.moving import MovingTwin
from physicl_twin.validate.rollouts.moving_stage import Setup, open_moving
from physicl_twin.validate.rollouts.settings import JointSettings, RolloutSettings

NAME = "gravity_hold"
QUESTION = "Under gravity, do its drives hold the pose that it stands in, and does what has none come to rest?"

#: Looks in the time that a pose is held for.
_LOOKS = 30
#: How far leaning is from the pose of the stage, radians (or sizes; at most a quarter of the range): where gravity
#: pulls at an arm that stands upright (judgement).
_LEAN = 0.5


def gravity_hold(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Stand the twin on a held base, its drives aimed at where its joints are.

    Arguments and errors are those of ``begin``.
    """
    begun = begin(usd, engine, settings)
    stand = _Stand(begun.twin, settings, begun.dt_s)
    with open_moving(begun.twin, engine, Setup(settings.gravity_mps2)) as scene:
        stand.run(scene)
    return _result(begun, stand, settings)


class _Stand:
    """The twin under gravity, at home and (what drives hold) leaning: in a pose in which gravity pulls at it."""

    def __init__(self, twin: MovingTwin, settings: RolloutSettings, dt_s: float) -> None:
        self.twin, self._settings, self._dt_s = twin, settings, dt_s
        chosen, held = settings.joints, twin.positioned
        leads = np.isin(twin.leader, np.flatnonzero(held))
        # What a held joint leads is held, too, and a loop with a drive in it.
        self.bound: NDArray[np.bool_] = held | leads | (twin.in_loop & bool((held & twin.in_loop).any()))
        self.spans = np.array([span_of(twin, row) for row in range(len(twin.joints))])
        self.allowed = _allowed(twin, chosen, self.spans)
        self.sag, self.rate = np.zeros(len(self.spans)), np.zeros(len(self.spans))
        self.curves = Curves(twin, np.flatnonzero(twin.mechanism.in_tree)[: chosen.most_series].tolist())
        self.now_s, self.fastest, self.lost_j, self.swing_j = 0.0, 0.0, 0.0, 0.0

    def run(self, scene: EngineScene) -> None:
        """At home, what has no drive let go in the middle of its range; then leaning."""
        chosen, twin = self._settings.joints, self.twin
        home = twin.followed(twin.home)
        middle = twin.followed(np.array([sum(range_of(twin, row, chosen)) / 2.0 for row in range(len(home))]))
        free = ~self.bound
        begin = np.where(self.bound | twin.in_loop, home, middle)
        longest_s = chosen.hold_s if self.bound.all() else chosen.rest_longest_s
        first_j = self._put(scene, begin, home)
        while self.now_s < longest_s:
            self._step(scene)
            moving = scene.joint_velocities()
            rates = np.abs(moving) / self.spans
            self.swing_j = max(self.swing_j, float((0.5 * twin.inertia * moving**2)[free].sum()))
            self.fastest = float(rates[free].max(initial=0.0))
            if self.now_s >= chosen.hold_s and self.fastest <= chosen.rest_speed:
                break
        self.lost_j = first_j - energy_j(twin, scene, self._settings.gravity_mps2)
        self._judge(scene, home)
        if self.bound.any():
            leaning = np.where(twin.positioned & ~twin.in_loop, self._leaning(home, middle), home)
            targets = twin.followed(leaning)
            self._put(scene, np.where(self.bound, targets, begin), targets)
            end_s = self.now_s + chosen.hold_s
            while self.now_s < end_s:
                self._step(scene)
            self._judge(scene, targets)

    def _leaning(self, home: FloatArray, middle: FloatArray) -> FloatArray:
        """Towards the roomier side of each range."""
        found = home.copy()
        for row, span in enumerate(self.spans):
            low, high = range_of(self.twin, row, self._settings.joints)
            step = min(_LEAN * span, 0.25 * (high - low))
            found[row] += step if middle[row] >= home[row] else -step
        return found

    def _put(self, scene: EngineScene, begin: FloatArray, targets: FloatArray) -> float:
        scene.set_joint_positions(begin)
        scene.set_joint_velocities(np.zeros(len(begin)))
        scene.set_joint_targets(targets)
        return energy_j(self.twin, scene, self._settings.gravity_mps2)

    def _step(self, scene: EngineScene) -> None:
        count = max(1, round(self._settings.joints.hold_s / _LOOKS / self._dt_s))
        scene.step(self._dt_s, count)
        self.now_s += count * self._dt_s
        self.curves.add(self.now_s, scene.joint_positions())

    def _judge(self, scene: EngineScene, targets: FloatArray) -> None:
        self.sag = np.maximum(self.sag, np.abs(scene.joint_positions() - targets))
        self.rate = np.maximum(self.rate, np.abs(scene.joint_velocities()) / self.spans)


def _result(begun: Begun, stand: _Stand, settings: RolloutSettings) -> RolloutResult:
    chosen, twin, bound, sag, allowed = settings.joints, stand.twin, stand.bound, stand.sag, stand.allowed
    faults = [
        f"{twin.names[row]} sags by {sag[row]:.3g} {unit_of(twin, int(row))} ({allowed[row]:.3g} are allowed)"
        for row in np.flatnonzero(bound & (sag > allowed))
    ]
    faults += [f"{twin.names[row]} still moves" for row in np.flatnonzero(bound & (stand.rate > chosen.rest_speed))]
    swings = stand.fastest > chosen.rest_speed
    # Of the greatest kinetic energy of its swing.
    if swings and stand.lost_j < chosen.rest_loss_ratio * stand.swing_j:
        faults.append(
            f"what has no drive still moves at {stand.fastest:.3g} rad/s (or sizes/s) after "
            f"{chosen.rest_longest_s:.0f} s and loses no energy: friction and damping of its joints are missing"
        )
    worst = float((sag / allowed)[bound].max(initial=0.0))
    told = []
    if bound.any():
        told.append(f"Drives hold {int(bound.sum())} joints, the worst sags by {worst:.2f} of what is allowed")
    if not bound.all():
        ending = "still swing and lose energy" if swings else "come to rest"
        told.append(f"{int((~bound).sum())} without a drive {ending}")
    criterion = (
        f"With the base held and drives aimed at where the joints stand, in the stage's pose and leaning, driven "
        f"joints stay within {chosen.hold_sag} rad (or sizes), or {100 * chosen.hold_sag_ratio:.0f} % of their range, "
        f"for {chosen.hold_s} s; what has no drive, let go in the middle of its range, within "
        f"{chosen.rest_longest_s:.0f} s moves slower than {chosen.rest_speed} rad/s (or sizes/s), or loses energy."
    )
    measures = (
        Measure("joints_held", float(bound.sum()), "1"),
        Measure("worst_sag_of_allowed", worst, "1"),
        Measure("residual_speed", stand.fastest, "1/s"),
        Measure("energy_lost", stand.lost_j, "J"),
    )
    return begun.ended((NAME, QUESTION, criterion), faults, f"{'; '.join(told)}.", measures, stand.curves.series())


def _allowed(twin: MovingTwin, settings: JointSettings, spans: FloatArray) -> FloatArray:
    """(J,) sag that is allowed: an amount, or a share of the range when that is more."""
    found = settings.hold_sag * spans
    for row in range(len(found)):
        low, high = range_of(twin, row, settings)
        found[row] = max(found[row], settings.hold_sag_ratio * (high - low))
    return found
