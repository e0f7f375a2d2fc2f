"""Let drafts fall and come to rest in PhysX, several at a time, each in a cell of its own.

A cell is a physics scene that shares nothing with the others; members go through it one after the other, in an order
that depends on nothing but their numbers, so a member's rest is the same whoever settles beside it. Bodies are put in
place, weighed and surfaced by writing to the running simulation, which costs a thousandth of making a new one.
"""

from __future__ import annotations

import math
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from physicl_twin.augment.draw import Draft
from physicl_twin.augment.family import Family
from physicl_twin.engines.physx_batch import PhysxBatch, open_batch
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import InstanceState
from physicl_twin.model.geometry import FloatArray, Pose
from physicl_twin.usd.names import identifier
from physicl_twin.usd.settle_scene import MARK, SettleStage, write_settle_stage

#: Cells of a stage. More of them cost more memory and waiting for the slowest, fewer cost more reading.
CELLS = 8
#: Looks within the window in which nothing may move.
_LOOKS = 4
#: The floor over the support's diagonal; what leaves it falls.
_GROUND = 8.0
_BOUNCE_THRESHOLD_MPS = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """How a draft ended.

    Attributes:
        draft: The draft.
        poses: (N, 7) position and wxyz of all instances; of absent ones without meaning.
        seconds: Simulated.
        moved_m: Largest movement within the last window.
        turned_deg: Largest turn within it.
        reason: Why it is rejected; empty when it is not.
    """

    draft: Draft
    poses: FloatArray
    seconds: float
    moved_m: float
    turned_deg: float
    reason: str

    def states(self) -> tuple[InstanceState, ...]:
        """The present instances where they rest."""
        return tuple(
            replace(state, pose=pose_of(self.poses[row]))
            for row, (state, there) in enumerate(zip(self.draft.states, self.draft.present, strict=True))
            if there
        )


Rows = npt.NDArray[np.intp]
Judge = Callable[[Settled], Draft | None]


def settle(family: Family, queues: Sequence[Sequence[Draft]], judge: Judge, gravity_mps2: float) -> Iterator[Settled]:
    """Settle drafts; yields each as it ends.

    Args:
        family: Whose members.
        queues: One a cell: drafts that go through it in that order. All have the same scale in the same place.
        judge: Told of each ended draft; returns the draft to try next in its place, or None to go on.
        gravity_mps2: Gravity.
    """
    cells = [_Cell(deque(queue)) for queue in queues]
    with tempfile.TemporaryDirectory(prefix="physicl_") as scratch:
        stage = write_settle_stage(
            Path(scratch),
            [member.lean for member in family.members],
            [
                [(index, queue[0].states[row].scale) for row, (_, index) in enumerate(family.instances)]
                for queue in queues
            ],
            family.support,
            gravity_mps2,
            _BOUNCE_THRESHOLD_MPS,
            _GROUND * family.size_m,
        )
        with open_batch(stage.path, _everybody(stage), EngineSettings.from_pipeline()) as batch:
            yield from _Run(family, stage, batch, cells, judge).all()


def _everybody(stage: SettleStage) -> list[str]:
    return [path for bodies in stage.bodies for path in bodies] + list(stage.supports)


@dataclass(slots=True)
class _Cell:
    """A cell at work.

    Attributes:
        waiting: Drafts to come.
        draft: The one that settles; None when the cell is done.
        seconds: Simulated so far.
        looks: Poses at the last looks, (N, 7) each.
    """

    waiting: deque[Draft]
    draft: Draft | None = None
    seconds: float = 0.0
    looks: deque[FloatArray] = field(default_factory=lambda: deque(maxlen=_LOOKS + 1))


class _Run:
    def __init__(self, family: Family, stage: SettleStage, batch: PhysxBatch, cells: list[_Cell], judge: Judge) -> None:
        self._family, self._batch, self._cells, self._judge = family, batch, cells, judge
        self._spec = family.spec.settle
        self._rows = [np.array([batch.row(path) for path in bodies]) for bodies in stage.bodies]
        self._supports = np.array([batch.row(path) for path in stage.supports])
        self._shapes = batch.read_by_shape("staticFriction")
        self._material = np.round(np.nan_to_num(self._shapes) / MARK).astype(int) - 1
        count = len(self._shapes)
        self._pose: FloatArray = batch.poses()
        self._mass: FloatArray = batch.read("mass")
        self._inertia: FloatArray = batch.read("inertia")
        self._lean_inertia = self._inertia.copy()
        self._lean_mass = self._mass.copy()
        self._static = np.full(self._shapes.shape, 0.5)
        self._dynamic = np.full(self._shapes.shape, 0.4)
        self._restitution = np.zeros(self._shapes.shape)
        self._off = np.zeros(count)

    def all(self) -> Iterator[Settled]:
        """Until every cell is done."""
        spec = self._spec
        window = max(1, round(spec.window_s / _LOOKS / spec.time_step_s))
        self._fill([cell for cell in self._cells if cell.draft is None])
        while any(cell.draft is not None for cell in self._cells):
            self._batch.step(spec.time_step_s, window)
            poses = self._batch.poses()
            ended = []
            for number, cell in enumerate(self._cells):
                if cell.draft is None:
                    continue
                cell.seconds += window * spec.time_step_s
                cell.looks.append(poses[self._rows[number]])
                if (result := self._look(cell)) is not None:
                    again = self._judge(result)
                    if again is not None:
                        cell.waiting.appendleft(again)
                    cell.draft = None
                    ended.append(cell)
                    yield result
            if ended:
                self._fill(ended)

    def _look(self, cell: _Cell) -> Settled | None:
        """How the cell's draft ended, or None while it goes on."""
        spec, draft = self._spec, cell.draft
        assert draft is not None
        here = np.flatnonzero(draft.present)
        now = cell.looks[-1]
        lost = now[here, 2] < -0.5 * self._family.size_m
        outside = np.abs(now[here, :2]).max(axis=1) > 0.5 * _GROUND * self._family.size_m
        if (lost | outside).any():
            return self._end(cell, math.inf, math.inf, "left_support")
        if len(cell.looks) <= _LOOKS:
            return None
        way = max(float(moved(self._family, draft, here, look, now)) for look in list(cell.looks)[:-1])
        turn = max(float(turned(look[here], now[here])) for look in list(cell.looks)[:-1])
        if way <= spec.rest_move_m and turn <= spec.rest_turn_deg:
            return self._end(cell, way, turn, self._where(draft, here, now))
        if cell.seconds >= spec.longest_s:
            return self._end(cell, way, turn, "still_moving")
        return None

    def _where(self, draft: Draft, here: Rows, now: FloatArray) -> str:
        """A reason to reject by place: out of the bin, or off the plane's area in use."""
        length, width, _ = self._family.support.inner_m
        for row in here:
            member = self._family.members[self._family.instances[row][1]]
            centre = pose_of(now[row]).apply(draft.states[row].scale * member.centre_m[None])[0]
            if abs(centre[0]) > 0.5 * length or abs(centre[1]) > 0.5 * width:
                return "left_support"
        return ""

    def _end(self, cell: _Cell, way_m: float, turn_deg: float, reason: str) -> Settled:
        assert cell.draft is not None
        return Settled(cell.draft, cell.looks[-1], cell.seconds, way_m, turn_deg, reason)

    def _fill(self, cells: list[_Cell]) -> None:
        """The next draft of each of these cells, if it has one."""
        fresh = []
        for cell in cells:
            cell.draft = cell.waiting.popleft() if cell.waiting else None
            cell.seconds = 0.0
            cell.looks.clear()
            number = self._cells.index(cell)
            if cell.draft is None:
                self._off[self._rows[number]] = 1.0
            else:
                self._author(number, cell.draft)
            fresh.append(self._rows[number])
        if fresh:
            self._batch.put(
                np.concatenate(fresh),
                self._pose,
                self._mass,
                self._inertia,
                (self._static, self._dynamic, self._restitution),
                self._off,
                self._supports,
            )

    def _author(self, number: int, draft: Draft) -> None:
        for index, (row, state) in enumerate(zip(self._rows[number], draft.states, strict=True)):
            self._off[row] = 0.0 if draft.present[index] else 1.0
            self._pose[row] = [*state.pose.position_m, *state.pose.quaternion_wxyz]
            # Scale is in the stage: its mass and inertia are of the true size.
            self._mass[row] = self._lean_mass[row] * state.mass_factor * state.scale**3
            self._inertia[row] = self._lean_inertia[row] * state.mass_factor * state.scale**5
            surfaces = {identifier(surface.material): surface for surface in state.surfaces}
            names = self._family.members[self._family.instances[index][1]].lean.surfaces
            for mark, name in enumerate(names):
                surface = surfaces.get(name)
                if surface is None:
                    continue
                shapes = self._material[row] == mark
                self._static[row, shapes] = surface.static_friction
                self._dynamic[row, shapes] = surface.dynamic_friction
                self._restitution[row, shapes] = surface.restitution
        support = self._supports[number]
        self._static[support] = draft.support.static_friction
        self._dynamic[support] = draft.support.dynamic_friction
        self._restitution[support] = draft.support.restitution


def pose_of(row: FloatArray) -> Pose:
    """Pose of a row of position and wxyz."""
    x, y, z, qw, qx, qy, qz = (float(value) for value in row)
    length = math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz)
    return Pose((x, y, z), (qw / length, qx / length, qy / length, qz / length))


def moved(family: Family, draft: Draft, here: Rows, before: FloatArray, after: FloatArray) -> float:
    """Largest way of an object's middle."""
    largest = 0.0
    for row in here:
        member = family.members[family.instances[row][1]]
        centre = draft.states[row].scale * member.centre_m[None]
        way = pose_of(after[row]).apply(centre) - pose_of(before[row]).apply(centre)
        largest = max(largest, float(np.linalg.norm(way)))
    return largest


def turned(before: FloatArray, after: FloatArray) -> float:
    """Largest angle between two orientations, degrees."""
    if not len(before):
        return 0.0
    dots = np.abs(np.einsum("ij,ij->i", before[:, 3:], after[:, 3:]))
    norms = np.linalg.norm(before[:, 3:], axis=1) * np.linalg.norm(after[:, 3:], axis=1)
    return math.degrees(2.0 * math.acos(min(float((dots / norms).min()), 1.0)))
