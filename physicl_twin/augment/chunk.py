"""A chunk: the members that one worker makes together, always the same ones, so that workers and restarts agree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from physicl_twin.augment.distributions import Fixed
from physicl_twin.augment.draw import Draft, Drawer
from physicl_twin.augment.family import Family
from physicl_twin.augment.occlusion import hidden_share
from physicl_twin.augment.second_engine import SecondEngine, common_engine, second_engine
from physicl_twin.augment.settle import CELLS, Judge, Settled, settle
from physicl_twin.model import CameraState, Variation
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.names import identifier
from physicl_twin.usd.variation_layer import Kind, VariationLayers
from physicl_twin.usd.variation_set import member_path

#: Objects that settle side by side in a process, and members that go through a cell.
_OBJECTS, _QUEUE = 160, 8
#: Cameras that are tried before a settled scene is given up for its occlusion.
_CAMERAS = 12


@dataclass(slots=True, eq=False)
class Outcome:
    """What became of a member.

    Attributes:
        variation: Its number.
        reasons: Why earlier draws, or all of them, were rejected.
        settled: The accepted rest; None when every draw was rejected.
        overlap_m: Deepest overlap at rest.
        occlusion: Share of the target that is hidden; None when nobody asked.
        camera: The camera that was accepted.
        target: Instance that the occlusion speaks of.
        file: Its layer, relative to the set.
        sha256: Of that file.
        draft: The last draft.
    """

    variation: int
    reasons: list[str] = field(default_factory=list)
    settled: Settled | None = None
    overlap_m: float = 0.0
    occlusion: float | None = None
    camera: CameraState | None = None
    target: str = ""
    file: str = ""
    sha256: str = ""
    draft: Draft | None = None


def cells_of(family: Family) -> int:
    """How many members settle side by side."""
    return max(1, min(CELLS, _OBJECTS // max(1, len(family.instances))))


def chunk_size(family: Family) -> int:
    """How many members a chunk holds: a function of the family alone."""
    return cells_of(family) * _QUEUE


def is_scaled(family: Family) -> bool:
    """True when sizes differ between members."""
    return any(not isinstance(family.spec.value("object", "scale", member.name), Fixed) for member in family.members)


def is_painted(family: Family) -> bool:
    """True when looks differ between members."""
    same = {"hue_deg": 0.0, "saturation": 1.0, "brightness": 1.0, "roughness": 0.0}
    return any(
        family.spec.value("look", name, member.name) != Fixed(value)
        for member in family.members
        for name, value in same.items()
    )


def make_chunk(
    family: Family, numbers: range, out: Path, gravity_mps2: float, on_end: Callable[[int], None]
) -> list[Outcome]:
    """Draw, settle, check and write members.

    Args:
        family: The family.
        numbers: Their numbers.
        out: Folder of the set; layers go below it.
        gravity_mps2: Gravity.
        on_end: Told how many are finished.

    Returns:
        One outcome a member, in the order of their numbers.
    """
    maker = _Maker(family, out, on_end)
    drafts = maker.drawer.draw_many(list(numbers))
    outcomes = {draft.variation: Outcome(draft.variation) for draft in drafts}
    maker.outcomes = outcomes
    cells = cells_of(family)
    if not is_scaled(family):
        second = common_engine(family, gravity_mps2)
        queues = [drafts[cell::cells] for cell in range(min(cells, len(drafts)))]
        for _ in settle(family, queues, [second] * len(queues), maker.judge_with(second), gravity_mps2):
            pass
    else:
        # Sizes are part of the stage: each draft needs one of its own, and so does each new try.
        waiting = list(drafts)
        while waiting:
            batch, waiting = waiting[:cells], waiting[cells:]
            again: list[Draft] = []
            with ExitStack() as stack:
                engines = [stack.enter_context(closing(second_engine(family, draft, gravity_mps2))) for draft in batch]
                own = {draft.variation: engine for draft, engine in zip(batch, engines, strict=True)}
                for ended in settle(family, [[draft] for draft in batch], engines, lambda _: None, gravity_mps2):
                    if (fresh := maker.judge(ended, own[ended.draft.variation])) is not None:
                        again.append(fresh)
            waiting = sorted(again, key=lambda draft: draft.variation) + waiting
    return [outcomes[number] for number in numbers]


class _Maker:
    """Judges what has settled and writes what is accepted."""

    def __init__(self, family: Family, out: Path, on_end: Callable[[int], None]) -> None:
        self._family, self._out, self._on_end = family, out, on_end
        self.drawer = Drawer(family)
        self.outcomes: dict[int, Outcome] = {}
        self._ended = 0
        self._layers = VariationLayers(
            "../../scene.usda",
            [(name, _kind(family, index)) for name, index in family.instances],
            scaled=is_scaled(family),
            painted=is_painted(family),
        )

    def judge_with(self, second: SecondEngine) -> Judge:
        """``judge`` for drafts that have one second engine in common."""
        return lambda settled: self.judge(settled, second)

    def judge(self, settled: Settled, second: SecondEngine) -> Draft | None:
        """Accept and write, or reject: the next draft of the member then, unless there were enough."""
        draft, spec = settled.draft, self._family.spec
        outcome = self.outcomes[draft.variation]
        outcome.draft = draft
        reason = settled.reason or self._check(settled, outcome, second)
        if not reason:
            self._write(settled, outcome)
        else:
            outcome.reasons.append(reason)
            if draft.attempt < spec.settle.retries:
                return self.drawer.draw(draft.variation, draft.attempt + 1)
        self._ended += 1
        self._on_end(self._ended)
        return None

    def _check(self, settled: Settled, outcome: Outcome, second: SecondEngine) -> str:
        """Overlap and occlusion; a reason to reject, or nothing."""
        spec = self._family.spec
        outcome.overlap_m = second.deepest(settled.draft, settled.poses)
        if outcome.overlap_m > spec.settle.penetration_m:
            return "penetration"
        outcome.camera = settled.draft.camera
        if not spec.target:
            return ""
        target = self._target(settled.draft)
        if target is None:
            return "target_left_out"
        outcome.target = self._family.instances[target][0]
        low, high = spec.occlusion
        for camera in self._cameras(settled.draft):
            share = hidden_share(self._family, settled.draft, settled.poses, camera, target)
            if share is not None and low <= share <= high:
                outcome.camera, outcome.occlusion = camera, share
                return ""
        return "occlusion"

    def _cameras(self, draft: Draft) -> Iterator[CameraState]:
        yield draft.camera
        for attempt in range(1, _CAMERAS):
            yield self.drawer.camera(draft.variation, attempt + _CAMERAS * draft.attempt)

    def _target(self, draft: Draft) -> int | None:
        """Row of the instance to hide: the one named, or the first of the twin named."""
        for row, (name, index) in enumerate(self._family.instances):
            if self._family.spec.target in (name, self._family.members[index].name) and draft.present[row]:
                return row
        return None

    def _write(self, settled: Settled, outcome: Outcome) -> None:
        draft = settled.draft
        assert outcome.camera is not None
        variation = Variation(
            draft.variation, settled.states(), draft.light, outcome.camera, outcome.target, outcome.occlusion
        )
        outcome.settled = settled
        outcome.file = member_path(draft.variation)
        facts: dict[str, object] = {
            "variation": draft.variation,
            "attempt": draft.attempt,
            "seed": str(self._family.seed),
            "spec_sha256": self._family.spec.sha256,
        }
        if outcome.occlusion is not None:
            facts |= {"target": outcome.target, "occlusion": outcome.occlusion}
        path = self._out / outcome.file
        self._layers.write(path, variation, draft.support, facts)
        outcome.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()


def _kind(family: Family, index: int) -> Kind:
    member = family.members[index]
    surfaces = tuple(
        (material.name, identifier(material.name))
        for material in member.materials
        if identifier(material.name) in member.lean.surfaces
    )
    return Kind(member.lean.mass_kg, member.lean.moments_kgm2, surfaces, member.looks)


def rest_of(outcome: Outcome) -> FloatArray:
    """(N, 7) poses at rest of an accepted member's instances."""
    assert outcome.settled is not None
    return np.asarray(outcome.settled.poses)
