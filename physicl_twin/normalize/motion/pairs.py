"""Which of many tracked bodies are fast to each other, and which hang on which: the tree of the plainest joints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from physicl_twin.model import GeometryError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.infer import MotionVerdict, infer_motion
from physicl_twin.normalize.motion.noise import PoseNoise
from physicl_twin.normalize.states.tree import GAP_COST, KIND_COST, MOST, NOT_BASE

#: Samples on which pairs are compared.
_SCREEN_SAMPLES = 60
#: Bodies are fast to each other from this probability.
_FAST = 0.5
#: What it costs when a joint needs play to fit (judgement).
_PLAY = 1.0


@dataclass(eq=False)
class Pairs:
    """Verdicts about pairs of tracked bodies, made once.

    Attributes:
        poses: (N, 7) of each body; None for the world.
        noise: Of the poses; None to estimate it.
    """

    poses: Sequence[FloatArray | None]
    noise: PoseNoise | None

    @cached_property
    def _verdicts(self) -> dict[tuple[int, int], MotionVerdict | None]:
        return {}

    def verdict(self, parent: int, child: int) -> MotionVerdict | None:
        """How a child moves against a parent, on a few samples; None when they were not seen together often enough."""
        key = (parent, child)
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(parent, child, _SCREEN_SAMPLES)
        return self._verdicts[key]

    def whole(self, parent: int, child: int) -> MotionVerdict | None:
        """The same on all samples."""
        return self._judge(parent, child, None)

    def _judge(self, parent: int, child: int, samples: int | None) -> MotionVerdict | None:
        moving = self.poses[child]
        assert moving is not None  # the world is nobody's child
        try:
            if samples is None:
                return infer_motion(self.poses[parent], moving, self.noise)
            return infer_motion(self.poses[parent], moving, self.noise, samples=samples)
        except GeometryError as error:
            if error.code == "too_few_poses":
                return None
            raise

    def cost(self, parent: int, child: int) -> float:
        """How far-fetched a joint is: by its kind and by how sure that is.

        How far it moves does not count, or two drawers that were moved alike would hang on each other.
        """
        verdict = self.verdict(parent, child)
        if verdict is None:
            return 2 * KIND_COST["free"]
        unsure = -math.log(max(verdict.probability, 1e-6))
        return KIND_COST[verdict.type] + unsure + (_PLAY if "play" in verdict.flags else 0.0)


def rigid_sets(pairs: Pairs) -> list[list[int]]:
    """Bodies in sets of those that are fast to each other; the world (number 0 without poses) may be in one."""
    count = len(pairs.poses)
    label = list(range(count))
    for child in range(count):
        for parent in range(count):
            if label[parent] == label[child] or pairs.poses[child] is None or parent > child:
                continue
            verdict = pairs.verdict(parent, child)
            if verdict is not None and verdict.type == "fixed" and verdict.probability >= _FAST:
                old, new = label[child], label[parent]
                label = [new if one == old else one for one in label]
    return [[i for i in range(count) if label[i] == one] for one in sorted(set(label))]


def tree_of(pairs: Pairs, sets: Sequence[Sequence[int]], root: int, gaps: FloatArray) -> list[tuple[int, int]]:
    """(parent, child) numbers of sets, parents first: the spanning tree of the plainest joints between neighbours.

    Args:
        pairs: Of the bodies.
        sets: From ``rigid_sets``; the first body of each stands for it.
        root: Number of the base's set.
        gaps: (S, S) distance between the sets over the size of the smaller one.
    """

    def cost(a: int, b: int) -> float:
        first, second = sets[a][0], sets[b][0]
        parent, child = (first, second) if pairs.poses[second] is not None else (second, first)
        extra = min(MOST, GAP_COST * float(gaps[a, b])) + (NOT_BASE if a != root else 0.0)
        return pairs.cost(parent, child) + extra

    inside, outside, edges = [root], [n for n in range(len(sets)) if n != root], []
    while outside:
        best = min(((cost(a, b), a, b) for a in inside for b in outside), key=lambda found: found)
        edges.append((best[1], best[2]))
        inside.append(best[2])
        outside.remove(best[2])
    return edges


def apart(a: FloatArray, b: FloatArray) -> float:
    """Least distance between two clouds of points (N, 3) over the extent of the smaller."""
    from scipy.spatial import cKDTree

    extent = min(float(np.linalg.norm(np.ptp(points, axis=0))) for points in (a, b))
    return float(cKDTree(a).query(b)[0].min()) / max(extent, 1e-9)
