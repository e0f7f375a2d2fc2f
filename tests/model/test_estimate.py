from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physicl_twin.model import Estimate, PhysiclError

positive = st.floats(1e-6, 1e6)


def test_a_normal_interval_holds_ninety_percent() -> None:
    estimate = Estimate.normal(10.0, 2.0, "kg", "test")
    assert estimate.high - 10.0 == pytest.approx(1.6448536 * 2.0)
    assert estimate.quantile(0.05) == pytest.approx(estimate.low)


def test_a_lognormal_std_is_that_of_the_distribution() -> None:
    import numpy as np

    estimate = Estimate.lognormal(2.0, 0.5, "kg", "test")
    draws = 2.0 * np.exp(0.5 * np.random.default_rng(0).standard_normal(400_000))
    assert estimate.std == pytest.approx(draws.std(), rel=0.01)
    assert estimate.low == pytest.approx(np.quantile(draws, 0.05), rel=0.01)


@given(positive, positive)
def test_an_interval_is_its_own_ninety_percent(a: float, b: float) -> None:
    estimate = Estimate.interval(a, b, "1", "test")
    assert estimate.low == pytest.approx(min(a, b), rel=1e-9)
    assert estimate.high == pytest.approx(max(a, b), rel=1e-9)
    if a != b:
        assert estimate.quantile(0.05) == pytest.approx(min(a, b), rel=1e-6)
        assert estimate.quantile(0.95) == pytest.approx(max(a, b), rel=1e-6)


@given(positive, st.floats(0.001, 2.0), st.floats(0.01, 100.0))
def test_scaling_keeps_the_relative_spread(median: float, log_std: float, factor: float) -> None:
    estimate = Estimate.lognormal(median, log_std, "m3", "test")
    scaled = estimate.scaled(factor, "kg")
    assert scaled.log_std == pytest.approx(log_std, rel=1e-6)
    assert scaled.value == pytest.approx(median * factor)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(PhysiclError, match="not finite"):
        Estimate.exact(bad, "kg", "test")


def test_an_estimate_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(PhysiclError) as caught:
        Estimate(1.0, "kg", 0.1, 2.0, 3.0, "normal", "test")
    assert caught.value.code == "estimate_inconsistent"
