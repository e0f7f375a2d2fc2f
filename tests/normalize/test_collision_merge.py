"""Joining cells: bounds against exact costs, exact costs against another hull, the order against plain search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from physicl_twin.normalize.collision.cluster import Clusters
from physicl_twin.normalize.collision.merge import merge
from physicl_twin.normalize.collision.probe import Probe

#: Half the edge of a cell of the grids.
HALF = 0.05
CUBE = HALF * np.array(list(itertools.product((-1, 1), repeat=3)), dtype=float)


def cells_of(places: list[tuple[int, int, int]]) -> list[np.ndarray]:
    return [CUBE + 2 * HALF * np.array(place, dtype=float) for place in places]


def free_space(cells: list[np.ndarray], count: int = 3000) -> Probe:
    """Random points outside the cells with random weights."""
    random = np.random.default_rng(5)
    every = np.vstack(cells)
    points = random.uniform(every.min(axis=0) - 0.05, every.max(axis=0) + 0.05, (count, 3))
    points = points[[not any((np.abs(p - c.mean(axis=0)) < HALF).all() for c in cells) for p in points]]
    return Probe(points, random.uniform(0.5, 1.5, len(points)) / count)


#: Seven cells of an L with a foot: some joins are convex, most are not.
ANGLE = cells_of([(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), (0, 1, 0), (0, 2, 0), (0, 0, 1)])


def cost_by_qhull(points: np.ndarray, probe: Probe) -> float:
    hull = ConvexHull(points)
    inside = (probe.points @ hull.equations[:, :3].T + hull.equations[:, 3] < 0).all(axis=1)
    return float(probe.weights[inside].sum()) + 0.1 * float(hull.volume)


def test_a_join_costs_what_its_hull_fills():
    probe = free_space(ANGLE)
    clusters = Clusters(ANGLE, probe)
    single = [cost_by_qhull(cell, probe) for cell in ANGLE]
    for one, other in ((0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (0, 6)):  # boxes: extreme in eight directions is all
        added, _ = clusters.added(one, other)
        expected = cost_by_qhull(np.vstack([ANGLE[one], ANGLE[other]]), probe) - single[one] - single[other]
        assert added == pytest.approx(expected, abs=1e-9)


def test_bounds_are_below_the_cost_for_overlapping_cells_of_any_shape():
    random = np.random.default_rng(2)
    cells = [random.normal(size=(30, 3)) * 0.1 + random.uniform(-0.2, 0.2, 3) for _ in range(14)]
    clusters = Clusters(cells, free_space(cells))
    for number in range(1, len(cells)):
        bounds = clusters.added_at_least(number, np.arange(number))
        exact = [clusters.added(other, number)[0] for other in range(number)]
        assert (bounds <= np.array(exact) + 1e-12).all()


def test_the_order_is_that_of_the_exact_costs():
    random = np.random.default_rng(8)
    cells = [random.normal(size=(12, 3)) * 0.04 + random.uniform(-0.2, 0.2, 3) for _ in range(24)]
    probe = free_space(cells)
    counts = (2, 5, 9, 16)
    states = merge(cells, counts, 1.0, probe)  # with such a gap all are neighbours
    clusters, alive = Clusters(cells, probe), list(range(len(cells)))
    while len(alive) > min(counts):
        every = {pair: clusters.added(*pair) for pair in itertools.combinations(alive, 2)}
        best = min(every, key=lambda pair: every[pair][0])
        alive = [number for number in alive if number not in best] + [clusters.join(*best, every[best][1])]
        if len(alive) in counts:
            wanted = sorted(clusters.points(number).sum() for number in alive)
            assert sorted(points.sum() for points in states[len(alive)]) == pytest.approx(wanted)


def test_cells_that_touch_nothing_are_joined_at_last():
    apart = cells_of([(0, 0, 0), (5, 0, 0), (9, 0, 0)])
    states = merge(apart, (1, 2), 1e-4, free_space(apart))
    assert [len(states[n]) for n in (1, 2)] == [1, 2]
    assert len(states[1][0]) == 3 * len(CUBE)
