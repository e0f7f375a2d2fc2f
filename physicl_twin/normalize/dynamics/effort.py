"""What a joint has to move and to hold: its effective inertia and the effort of gravity, over poses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Joint, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.dynamics.mass_matrix import mass_matrix
from physicl_twin.normalize.dynamics.settings import DynamicsSettings
from physicl_twin.normalize.dynamics.tree import Tree

#: Range of a joint without limits that is sampled, to either side: half a turn, or a metre.
_FREE = {"revolute": np.pi, "prismatic": 1.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What a joint moves and holds.

    Attributes:
        inertia: Largest effective inertia that was seen, kg m2 or kg, with what follows it (mimic), base held.
        gravity: Largest effort of gravity, N m or N.
    """

    inertia: float
    gravity: float


def loads_of(twin: Twin, tree: Tree, settings: DynamicsSettings) -> dict[str, Load]:
    """Largest inertia and effort of gravity of each joint of one coordinate, over sampled poses.

    The diagonal of the mass matrix is the inertia that a joint feels while the others hold. It is largest when what it
    carries is stretched out; poses are a low-discrepancy sequence over all ranges, besides the one that stands.
    """
    following = {joint.name: [(joint.name, 1.0)] for joint in twin.joints}
    for joint in twin.joints:
        if joint.mimic is not None and joint.mimic.joint in following:
            following[joint.mimic.joint].append((joint.name, joint.mimic.multiplier))
    found: dict[str, Load] = {}
    for positions in _poses(twin, settings.worst_pose_samples):
        state = mass_matrix(twin, positions, tree)
        order = {name: i for i, name in enumerate(state.joints)}
        for name in state.joints:
            # The leader, and what follows it directly, each at its speed per unit of the leader's.
            rows = [(order[other], weight) for other, weight in following[name] if other in order]
            index, weights = [i for i, _ in rows], np.array([w for _, w in rows])
            inertia = float(weights @ state.matrix[np.ix_(index, index)] @ weights)
            gravity = abs(float(weights @ state.gravity[index])) * settings.gravity_mps2
            before = found.get(name, Load(0.0, 0.0))
            found[name] = Load(max(before.inertia, inertia), max(before.gravity, gravity))
    return found


def _poses(twin: Twin, count: int) -> Iterator[dict[str, float] | None]:
    """The pose that stands, then points of the additive recurrence of square roots of primes over the ranges."""
    yield None
    moving = [joint for joint in twin.joints if joint.type in _FREE and joint.mimic is None]
    if not moving:
        return
    steps = np.sqrt(np.array(_primes(len(moving)), dtype=float)) % 1.0
    bounds = np.array([_range(joint) for joint in moving])
    for k in range(1, count + 1):
        share: FloatArray = (k * steps) % 1.0
        values = bounds[:, 0] + share * (bounds[:, 1] - bounds[:, 0])
        yield {joint.name: float(value) for joint, value in zip(moving, values, strict=True)}


def _range(joint: Joint) -> tuple[float, float]:
    free = _FREE[joint.type]
    low = joint.position - free if joint.lower is None else joint.lower
    high = joint.position + free if joint.upper is None else joint.upper
    return (low, high) if low <= high else (high, low)


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % p for p in found if p * p <= number):
            found.append(number)
        number += 1
    return found
