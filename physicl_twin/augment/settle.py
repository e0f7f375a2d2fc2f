"""Let drafts fall and come to rest in PhysX, several at a time, each in a cell of its own.

A cell is a physics scene that shares nothing with the others; members go through it one after the other, in an order
that depends on nothing but their numbers, so a member's rest is the same whoever settles beside it. Bodies are put in
place, weighed and surfaced by writing to the running simulation, which costs a thousandth of making a new one.

A draft falls with coarse colliders and comes to rest with the true ones. It goes on in MuJoCo until it rests there as
well. From there it starts afresh in PhysX, awake, and is watched for a window: what is accepted rests in both. In a
member its objects also start asleep, so that nothing moves at all until it is touched.
"""

from __future__ import annotations

import enum
import math
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from physicl_twin.augment.draw import Draft
from physicl_twin.augment.family import Family
from physicl_twin.augment.motion import middles, pose_of, turned_deg
from physicl_twin.augment.second_engine import SecondEngine
from physicl_twin.engines.physx_batch import PhysxBatch, open_batch
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import InstanceState
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.names import identifier
from physicl_twin.usd.settle_scene import MARK, SettleStage, write_settle_stage

#: Cells of a stage. More of them cost more memory and waiting for the slowest, fewer cost more reading.
CELLS = 8
#: Looks within the window in which nothing may move.
_LOOKS = 4
#: What may move between two looks at the end of the fall, over what may move within a window of rest (judgement).
_FALLEN = 10.0
#: Share of the longest time that the fall may take (judgement).
_FALL = 0.4
#: What may move while a member is watched, over what the spec allows: whoever opens it numbers its bodies otherwise,
#: and PhysX then solves a heap a little differently. (With 1.0, 2 of 12 members that were opened afresh moved up to
#: twice what is allowed; with 0.7, none of 10.)
_WATCHED = 0.7
#: How often a draft goes to the second engine before it is given up.
_ROUNDS = 3
#: How far contacts are looked for around the support and what falls, over the radius of the objects (judgement).
_REACH_FALLING = 0.05
#: The floor over the support's diagonal; what leaves it falls.
_GROUND = 8.0
_BOUNCE_THRESHOLD_MPS = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """How a draft ended.

    Attributes:
        draft: The draft.
        poses: (N, 7) position and wxyz of all instances; of absent ones without meaning.
        seconds: Simulated in PhysX.
        moved_m: Largest movement of an object within a window in PhysX that begins awake.
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


def settle(
    family: Family,
    queues: Sequence[Sequence[Draft]],
    second: Sequence[SecondEngine],
    judge: Judge,
    gravity_mps2: float,
) -> Iterator[Settled]:
    """Settle drafts; yields each as it ends.

    Args:
        family: Whose members.
        queues: One a cell: drafts that go through it in that order. All have the same scale in the same place.
        second: For each cell the second opinion on its drafts.
        judge: Told of each ended draft; returns the draft to try next in its place, or None to go on.
        gravity_mps2: Gravity.
    """
    cells = [
        _Cell(number, deque(queue), opinion) for number, (queue, opinion) in enumerate(zip(queues, second, strict=True))
    ]
    simpler = any(len(member.coarse) < len(member.hulls) for member in family.members)
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
            [member.coarse for member in family.members] if simpler else (),
        )
        with open_batch(stage.path, _everybody(stage), EngineSettings.from_pipeline()) as batch:
            yield from _Run(family, stage, batch, cells, judge).all()


def _everybody(stage: SettleStage) -> list[str]:
    return [path for bodies in (*stage.bodies, *stage.doubles) for path in bodies] + list(stage.supports)


class _Phase(enum.Enum):
    FALL = enum.auto()
    REST = enum.auto()
    WATCH = enum.auto()


class _Cell:
    """A cell at work.

    Args:
        number: Of the cell.
        waiting: Drafts to come.
        second: The second opinion on them.
    """

    def __init__(self, number: int, waiting: deque[Draft], second: SecondEngine) -> None:
        self.number, self.waiting, self.second = number, waiting, second
        self.draft: Draft | None = None
        self.phase = _Phase.FALL
        self.rounds = 0
        self.seconds = 0.0
        #: (N, 7) at the last look, or where the watch began.
        self.before: FloatArray = np.zeros((0, 7))
        self.moved = False
        #: The bodies of the phase do not have the draft's masses and surfaces yet.
        self.naked = True
        self.watched = 0
        self.way_m = self.turn_deg = 0.0

    def next(self) -> None:
        """Take the next draft, if there is one."""
        self.draft = self.waiting.popleft() if self.waiting else None
        self.rounds, self.seconds = 0, 0.0
        self.naked = True

    def enter(self, phase: _Phase, poses: FloatArray, *, moved: bool = True) -> None:
        """Begin a phase from poses; ``moved`` when they are not those of the running bodies."""
        # The fall has bodies of its own.
        self.naked |= _Phase.FALL in (phase, self.phase)
        self.phase, self.before, self.moved = phase, poses, moved
        self.watched, self.way_m, self.turn_deg = 0, 0.0, 0.0


class _Run:
    def __init__(self, family: Family, stage: SettleStage, batch: PhysxBatch, cells: list[_Cell], judge: Judge) -> None:
        self._family, self._batch, self._cells, self._judge = family, batch, cells, judge
        self._spec = family.spec.settle
        self._rows = [np.array([batch.row(path) for path in bodies]) for bodies in stage.bodies]
        self._doubles = [np.array([batch.row(path) for path in bodies], dtype=np.intp) for bodies in stage.doubles]
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
        self._reach()

    def _reach(self) -> None:
        """Look for contacts no farther than they are needed."""
        offset = np.nan_to_num(self._batch.read_by_shape("contactOffset"))
        radius = np.array([self._family.members[index].radius_m for _, index in self._family.instances])
        for number, support in enumerate(self._supports):
            offset[support] = _REACH_FALLING * radius.mean()
            offset[self._doubles[number]] = _REACH_FALLING * radius[: len(self._doubles[number]), None]
        self._batch.set_contact_offsets(offset)

    def all(self) -> Iterator[Settled]:
        """Until every cell is done."""
        spec = self._spec
        steps = max(1, round(spec.window_s / _LOOKS / spec.time_step_s))
        for cell in self._cells:
            self._begin(cell)
        self._put(self._cells)
        while any(cell.draft is not None for cell in self._cells):
            self._batch.step(spec.time_step_s, steps)
            poses = self._batch.poses()
            fresh = []
            for cell in self._cells:
                if cell.draft is None:
                    continue
                cell.seconds += steps * spec.time_step_s
                cell.moved = False
                result = self._look(cell, poses[self._bodies(cell)])
                if result is not None:
                    again = self._judge(result)
                    if again is not None:
                        cell.waiting.appendleft(again)
                    yield result
                    self._begin(cell)
                if result is not None or cell.moved:
                    fresh.append(cell)
            self._put(fresh)

    def _bodies(self, cell: _Cell) -> Rows:
        """Rows of the bodies with which the cell's draft moves now."""
        return self._doubles[cell.number] if cell.phase is _Phase.FALL else self._rows[cell.number]

    def _begin(self, cell: _Cell) -> None:
        """The next draft of a cell, if it has one, as it is dropped."""
        cell.next()
        if cell.draft is not None:
            start = np.array([[*state.pose.position_m, *state.pose.quaternion_wxyz] for state in cell.draft.states])
            cell.enter(_Phase.FALL if self._doubles[cell.number].size else _Phase.REST, start)

    def _look(self, cell: _Cell, now: FloatArray) -> Settled | None:
        """How the cell's draft ended, or None while it goes on, perhaps in another phase."""
        spec, draft = self._spec, cell.draft
        assert draft is not None
        here = np.flatnonzero(draft.present)
        lost = now[here, 2] < -0.5 * self._family.size_m
        outside = np.abs(now[here, :2]).max(axis=1) > 0.5 * _GROUND * self._family.size_m
        if (lost | outside).any():
            return Settled(draft, now, cell.seconds, math.inf, math.inf, "left_support")
        shift = middles(self._family, draft, now) - middles(self._family, draft, cell.before)
        way = float(np.linalg.norm(shift[here], axis=1).max(initial=0.0))
        turn = float(turned_deg(cell.before, now)[here].max(initial=0.0))
        if cell.phase is _Phase.WATCH:
            return self._watch(cell, now, way, turn)
        bound = _FALLEN if cell.phase is _Phase.FALL else 1.0
        calm = way <= bound * spec.rest_move_m and turn <= bound * spec.rest_turn_deg
        cell.before = now
        if cell.phase is _Phase.FALL:
            if calm or cell.seconds >= _FALL * spec.longest_s:
                reason = self._where(draft, now)
                if reason:
                    return Settled(draft, now, cell.seconds, math.inf, math.inf, reason)
                cell.enter(_Phase.REST, now)
        elif calm:
            return self._ask(cell, now)
        elif cell.seconds >= spec.longest_s:
            return Settled(draft, now, cell.seconds, way, turn, "still_moving")
        return None

    def _ask(self, cell: _Cell, now: FloatArray) -> Settled | None:
        """What has come to rest is shown to the second engine; where it rests there, it is watched here."""
        draft = cell.draft
        assert draft is not None
        reason = self._where(draft, now)
        if reason:
            return Settled(draft, now, cell.seconds, math.inf, math.inf, reason)
        cell.rounds += 1
        opinion = cell.second.opinion(draft, now)
        reason = self._where(draft, opinion.poses) if opinion.calm else "moves_in_mujoco"
        if reason:
            return Settled(draft, opinion.poses, cell.seconds, math.inf, math.inf, reason)
        cell.enter(_Phase.WATCH, opinion.poses)
        return None

    def _watch(self, cell: _Cell, now: FloatArray, way_m: float, turn_deg: float) -> Settled | None:
        """Whether everything stays where the watch began, for a whole window."""
        spec, draft = self._spec, cell.draft
        assert draft is not None
        cell.watched += 1
        cell.way_m, cell.turn_deg = max(cell.way_m, way_m), max(cell.turn_deg, turn_deg)
        if way_m > _WATCHED * spec.rest_move_m or turn_deg > _WATCHED * spec.rest_turn_deg:
            if cell.rounds >= _ROUNDS or cell.seconds >= spec.longest_s:
                return Settled(draft, now, cell.seconds, cell.way_m, cell.turn_deg, "engines_disagree")
            cell.enter(_Phase.REST, now, moved=False)
        elif cell.watched == _LOOKS:
            return Settled(draft, cell.before, cell.seconds, cell.way_m, cell.turn_deg, "")
        return None

    def _where(self, draft: Draft, now: FloatArray) -> str:
        """A reason to reject by place: out of the bin, or off the plane's area in use."""
        length, width, _ = self._family.support.inner_m
        centre = np.abs(middles(self._family, draft, now))[np.flatnonzero(draft.present)]
        return "left_support" if (centre[:, :2] > (0.5 * length, 0.5 * width)).any() else ""

    def _put(self, cells: list[_Cell]) -> None:
        """Set the bodies of these cells to where their phases begin."""
        if not cells:
            return
        batch, surface = self._batch, (self._static, self._dynamic, self._restitution)
        everybody = np.concatenate([rows for c in cells for rows in (self._rows[c.number], self._doubles[c.number])])
        before = self._off[everybody].copy()
        for cell in cells:
            self._author(cell)
        batch.switch(everybody[self._off[everybody] != before], self._off)
        there = [(cell, rows[self._off[rows] == 0.0]) for cell in cells for rows in (self._bodies(cell),)]
        fresh = [(cell, rows) for cell, rows in there if cell.naked and len(rows)]
        if fresh:
            batch.dress(np.concatenate([rows for _, rows in fresh]), self._mass, self._inertia, surface)
            batch.dress_fixed(self._supports[[cell.number for cell, _ in fresh]], surface)
        for cell, _ in fresh:
            cell.naked = False
        batch.put(np.concatenate([rows for _, rows in there]), self._pose)

    def _author(self, cell: _Cell) -> None:
        number, draft = cell.number, cell.draft
        self._off[self._rows[number]] = self._off[self._doubles[number]] = 1.0
        if draft is None:
            return
        falls = cell.phase is _Phase.FALL
        for index, (row, state) in enumerate(zip(self._bodies(cell), draft.states, strict=True)):
            self._off[row] = 0.0 if draft.present[index] else 1.0
            self._pose[row] = cell.before[index]
            # Scale is in the stage: its mass and inertia are of the true size.
            self._mass[row] = self._lean_mass[row] * state.mass_factor * state.scale**3
            self._inertia[row] = self._lean_inertia[row] * state.mass_factor * state.scale**5
            surfaces = {identifier(surface.material): surface for surface in state.surfaces}
            names = self._family.members[self._family.instances[index][1]].lean.surfaces
            for mark, name in enumerate(names):
                surface = surfaces.get(name)
                if surface is None:
                    continue
                # The double has one surface: the first.
                shapes = slice(None) if falls else self._material[row] == mark
                self._static[row, shapes] = surface.static_friction
                self._dynamic[row, shapes] = surface.dynamic_friction
                self._restitution[row, shapes] = surface.restitution
                if falls:
                    break
        support = self._supports[number]
        self._static[support] = draft.support.static_friction
        self._dynamic[support] = draft.support.dynamic_friction
        self._restitution[support] = draft.support.restitution
