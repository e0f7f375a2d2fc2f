"""Join cells bottom-up into few convex pieces, the cheapest join first: one run gives every number of pieces."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.cluster import Clusters, Join
from physicl_twin.normalize.collision.probe import Probe


def merge(
    cells: Sequence[FloatArray], wanted: Sequence[int], gap: float, probe: Probe
) -> dict[int, tuple[FloatArray, ...]]:
    """Join neighbours until one piece is left and keep the states asked for.

    Each step takes the pair whose common hull fills the least free space that neither piece had filled: filled volume
    over surface is the mean distance that the join costs. A pair waits with a lower bound of that cost and its hull is
    made only when no other pair is cheaper, so that the order is that of the exact costs.

    Args:
        cells: (V, 3) hull vertices of each cell.
        wanted: Numbers of pieces to report.
        gap: Boxes nearer than this are neighbours (diagonals).
        probe: Free space.

    Returns:
        For each wanted number the (V, 3) vertices of the cells of each cluster, one and the same array for a cluster in
        all states (the start itself for numbers that it does not reach).
    """
    clusters = Clusters(cells, probe)
    alive: dict[int, FloatArray | None] = dict(enumerate(cells))
    heap: list[tuple[float, int, int]] = []
    exact: dict[tuple[int, int], Join] = {}

    def consider(number: int, others: NDArray[np.int64]) -> None:
        if len(others):
            for bound, other in zip(clusters.added_at_least(number, others).tolist(), others.tolist(), strict=True):
                heapq.heappush(heap, (bound, other, number))

    def state() -> tuple[FloatArray, ...]:
        for number, points in alive.items():
            if points is None:
                alive[number] = clusters.points(number)
        return tuple(points for points in alive.values() if points is not None)

    for number in range(len(cells)):
        consider(number, clusters.neighbours(number, gap))
    states = {n: state() for n in wanted if n >= len(alive)}
    lowest = max(min(wanted), 1)
    while len(alive) > lowest:
        if not heap:
            # What is left touches nothing: each may go with all others.
            numbers = np.array(list(alive))
            for place in range(1, len(numbers)):
                consider(int(numbers[place]), numbers[:place])
        _, one, other = heapq.heappop(heap)
        if one not in alive or other not in alive:
            continue
        join = exact.pop((one, other), None)
        if join is None:
            added, exact[(one, other)] = clusters.added(one, other)
            heapq.heappush(heap, (added, one, other))
            continue
        number = clusters.join(one, other, join)
        del alive[one], alive[other]
        alive[number] = None
        consider(number, clusters.neighbours(number, gap))
        if len(alive) in wanted:
            states[len(alive)] = state()
    return states
