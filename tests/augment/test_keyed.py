"""Keyed sampling: a number depends on its key alone, and the designs keep their promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, qmc

from physicl_twin.augment import keyed

DESIGNS = ("random", "latin", "sobol")
NAMES = tuple((f"mug_{i}", name) for i in range(4) for name in ("placement.x", "placement.y", "density", "odd"))


@pytest.mark.parametrize("design", DESIGNS)
def test_member_7431_is_the_same_alone_and_among_others(design):
    alone = keyed.sample(11, 7431, "mug_2", "placement.y", design)
    many = keyed.table(11, [9999, 7431, 0], NAMES, design)
    fewer = keyed.table(11, [7431], NAMES[::-1], design)
    assert many[1, NAMES.index(("mug_2", "placement.y"))] == alone
    assert fewer[0, NAMES[::-1].index(("mug_2", "placement.y"))] == alone


@pytest.mark.parametrize("design", DESIGNS)
def test_every_part_of_the_key_counts(design):
    base = keyed.sample(1, 5, "a", "x", design)
    others = [
        keyed.sample(2, 5, "a", "x", design),
        keyed.sample(1, 6, "a", "x", design),
        keyed.sample(1, 5, "b", "x", design),
        keyed.sample(1, 5, "a", "y", design),
    ]
    assert len({base, *others}) == 5
    assert all(0.0 < value < 1.0 for value in (base, *others))


@pytest.mark.parametrize("design", ["latin", "sobol"])
@pytest.mark.parametrize("count", [8, 64, 1024])
def test_each_property_has_one_number_in_each_interval(design, count):
    table = keyed.table(3, range(count), NAMES, design)
    for column in table.T:
        assert np.array_equal(np.bincount((column * count).astype(int), minlength=count), np.ones(count))


def test_sobol_fills_the_plane_of_two_properties():
    table = keyed.table(3, range(1024), (("mug", "placement.x"), ("mug", "placement.y")), "sobol")
    cells = np.histogram2d(*table.T, bins=32, range=[[0, 1], [0, 1]])[0]
    assert (cells == 1).all()


def test_the_sequence_is_scipys():
    bits = 10
    points = qmc.Sobol(len(keyed.SOBOL_PROPERTIES), scramble=False, bits=bits).random(1 << bits)
    gray = np.arange(1 << bits, dtype=np.uint64) ^ (np.arange(1 << bits, dtype=np.uint64) >> np.uint64(1))
    for dimension, column in enumerate(points.T):
        ours = keyed._points(gray[:, None], np.array([dimension]))[:, 0]
        assert np.array_equal(ours, (column * float(keyed.MAX_MEMBERS)).astype(np.uint64))


@pytest.mark.parametrize("design", DESIGNS)
def test_targets_and_properties_are_independent(design):
    table = keyed.table(5, range(2048), NAMES, design)
    off = np.corrcoef(table.T) - np.eye(len(NAMES))
    assert np.abs(off).max() < 0.1
    assert all(kstest(column, "uniform").pvalue > 1e-3 for column in table.T)


def test_numbers_stay_the_same_from_one_version_to_the_next():
    """A seed that is written in a manifest is a promise."""
    values = [keyed.sample(7, 42, "mug_01", "scale", design) for design in DESIGNS]
    assert values == [0.7297758081346442, 0.44103102265452243, 0.021091921912182343]
