"""Join cells bottom-up into few convex pieces, the cheapest join first: one run gives every number of pieces."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.probe import Probe
from physicl_twin.normalize.collision.sampling import cross, fibonacci_directions

#: Weight of the plain hull volume beside the probe: it decides between joins that the probe cannot tell apart.
_VOLUME_WEIGHT = 0.1
#: Directions in which a cluster's extreme points are kept while joining.
_DIRECTIONS = fibonacci_directions(42)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Cells that one convex piece stands for.

    Attributes:
        points: (V, 3) vertices of the cells' convex hulls.
        support: (S, 3) the extreme ones among them in fixed directions, which stand for the hull while joining.
        low: (3,) minimum corner.
        high: (3,) maximum corner.
        cost: Free space that the hull fills, weighted.
    """

    points: FloatArray
    support: FloatArray
    low: FloatArray
    high: FloatArray
    cost: float


def make_cluster(points: FloatArray, support: FloatArray, probe: Probe) -> Cluster:
    """Cluster of points whose hull is near the hull of ``support``."""
    from manifold3d import Manifold

    low, high = points.min(axis=0), points.max(axis=0)
    extreme = support[np.unique(np.argmax(support @ _DIRECTIONS.T, axis=0))]
    hull = Manifold.hull_points(extreme)
    if hull.is_empty():
        return Cluster(points, extreme, low, high, 0.0)
    mesh = hull.to_mesh64()
    corners = np.asarray(mesh.vert_properties)[:, :3][np.asarray(mesh.tri_verts).astype(np.int64)]
    normals = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    planes = np.column_stack([normals, np.einsum("ij,ij->i", normals, corners[:, 0])])
    cost = probe.cost(low, high, planes) + _VOLUME_WEIGHT * float(hull.volume())
    return Cluster(points, extreme, low, high, cost)


def merge(clusters: Sequence[Cluster], wanted: Sequence[int], gap: float, probe: Probe) -> dict[int, list[Cluster]]:
    """Join neighbours until one piece is left and keep the states asked for.

    Each step takes the pair whose common hull fills the least free space that neither piece had filled: filled volume
    over surface is the mean distance that the join costs.

    Args:
        clusters: Start.
        wanted: Numbers of pieces to report.
        gap: Boxes nearer than this are neighbours (diagonals).
        probe: Free space.

    Returns:
        Clusters for each wanted number (the start itself for numbers that it does not reach).
    """
    alive: dict[int, Cluster] = dict(enumerate(clusters))
    heap: list[tuple[float, int, int]] = []
    joined: dict[tuple[int, int], Cluster] = {}
    # Boxes of all clusters that ever live; a dead one is moved out of reach.
    boxes = np.full((2 * len(clusters), 6), np.inf)
    for i, cluster in alive.items():
        boxes[i] = np.concatenate([cluster.low, -cluster.high])

    def consider(i: int, j: int) -> None:
        a, b = alive[i], alive[j]
        both = make_cluster(np.vstack([a.points, b.points]), np.vstack([a.support, b.support]), probe)
        joined[(i, j)] = both
        heapq.heappush(heap, (both.cost - a.cost - b.cost, i, j))

    def neighbours(i: int) -> list[int]:
        """Living clusters numbered below ``i`` whose boxes touch its box."""
        reach = np.concatenate([alive[i].high, -alive[i].low]) + gap
        return [int(k) for k in np.flatnonzero((boxes[:i] <= reach).all(axis=1))]

    for i in range(len(clusters)):
        for k in neighbours(i):
            consider(k, i)
    states: dict[int, list[Cluster]] = {n: list(alive.values()) for n in wanted if n >= len(alive)}
    serial = len(clusters)
    lowest = min(wanted)
    while len(alive) > max(lowest, 1):
        while heap and not (heap[0][1] in alive and heap[0][2] in alive):
            heapq.heappop(heap)
        if not heap:
            _consider_far(alive, consider)
            continue
        _, i, j = heapq.heappop(heap)
        alive[serial] = joined.pop((i, j))
        del alive[i], alive[j]
        boxes[i] = boxes[j] = np.inf
        boxes[serial] = np.concatenate([alive[serial].low, -alive[serial].high])
        for k in neighbours(serial):
            consider(k, serial)
        serial += 1
        if len(alive) in wanted:
            states[len(alive)] = list(alive.values())
    return states


def _consider_far(alive: dict[int, Cluster], consider: Callable[[int, int], None]) -> None:
    """Pieces that touch nothing: pair each with all others."""
    keys = list(alive)
    for a in range(len(keys)):
        for b in range(a + 1, len(keys)):
            consider(keys[a], keys[b])
