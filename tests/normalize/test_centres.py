from __future__ import annotations

import numpy as np
import pytest

from physicl_twin.normalize.centres import centres


def test_what_is_known_well_stays_beside_what_is_not() -> None:
    rng = np.random.default_rng(0)
    steel = rng.normal(0.024, 0.0002, 4000)
    panels = np.exp(rng.normal(1.0, 1.2, (6, 4000)))
    samples = np.vstack([steel, panels])
    found = centres(samples)
    assert found.sum() == pytest.approx(np.median(samples.sum(axis=0)))
    assert found.sum() > 1.3 * np.median(samples, axis=1).sum()
    assert steel.min() < found[0] < steel.max()
    assert (np.median(panels, axis=1) < found[1:]).all()
    assert (found[1:] < panels.mean(axis=1)).all()


def test_one_part_is_its_median() -> None:
    samples = np.exp(np.random.default_rng(1).normal(0.0, 1.0, (1, 1001)))
    assert centres(samples)[0] == pytest.approx(np.median(samples))


def test_parts_that_go_together_are_scaled_alike_when_no_mean_explains_the_sum() -> None:
    samples = np.array([[1.0, 2.0, 3.0], [30.0, 10.0, 20.0]])  # symmetric, yet the sum's median is 23 and not 22
    found = centres(samples)
    assert found.sum() == pytest.approx(23.0)
    assert found[1] / found[0] == pytest.approx(10.0)
