"""Numbers read as a metrologist would write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from physicl_twin.model import Estimate
from physicl_twin.page import numbers

T = "\u202f"


@pytest.mark.parametrize(
    ("value", "std", "unit", "wanted"),
    [
        (0.317842, 0.0031, "kg", "0.318 ± 0.003 kg"),
        (0.317842, 0.0131, "kg", "0.318 ± 0.013 kg"),
        (0.0432, 0.0038, "kg", "43 ± 4 g"),
        (7850, 40, "kg/m3", f"7{T}850 ± 40 kg/m³"),
        (2700, 14, "kg/m3", f"2{T}700 ± 14 kg/m³"),
        (1150, 210, "kg/m3", f"1{T}200 ± 200 kg/m³"),
        (0.45, 0.06, "1", "0.45 ± 0.06"),
        (0.0121, 0.0006, "m", "12.1 ± 0.6 mm"),
        (-0.0003, 0.0006, "m", "−0.3 ± 0.6 mm"),
        (2.1e11, 5e9, "Pa", "210 ± 5 GPa"),
        (3.2e-6, 1e-8, "kg m2", "(3.200 ± 0.010)·10⁻⁶ kg m²"),
        (1.25e-4, 2e-6, "m3", "0.125 ± 0.002 l"),
        (0.1, 0.4, "kg", "0.1 ± 0.4 kg"),
        (5.0, 0.0, "kg", "5 kg"),
        (0.0, 0.2, "m", "0 ± 200 mm"),
    ],
)
def test_value_and_spread(value: float, std: float, unit: str, wanted: str):
    assert numbers.with_spread(value, std, unit) == wanted


@pytest.mark.parametrize(
    ("std", "decimals"),
    [(0.003, 3), (0.0031, 3), (0.0013, 4), (0.0096, 2 + 1), (0.00951, 3), (40, -1), (14, 0), (1, 1), (0.96, 1)],
)
def test_decimals(std: float, decimals: int):
    # 0.0096 rounds to 0.010, which begins with 1 and keeps two digits: 0.010 has three decimals.
    assert numbers.decimals_for(std) == decimals


@pytest.mark.parametrize("std", [0.0, -1.0, math.nan, math.inf])
def test_a_spread_that_is_none_is_refused(std: float):
    with pytest.raises(ValueError, match="positive"):
        numbers.decimals_for(std)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e5))
def test_rounding_never_moves_a_value_by_more_than_half_of_its_last_digit(value: float, std: float):
    decimals = numbers.decimals_for(std)
    text = numbers.fixed(value, decimals).replace("−", "-").replace(T, "")
    assert abs(float(text) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-9)
    assert 10.0**-decimals <= std < 200 * 10.0**-decimals, "one or two digits of the spread"


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(1, 6))
def test_significant_writes_any_number(value: float, digits: int):
    text = numbers.significant(value, digits)
    assert text and "-" not in text and "nan" not in text


@given(
    st.floats(1e-9, 1e9), st.floats(1e-6, 1e3), st.sampled_from(["kg", "m", "m3", "Pa", "1", "kg m2", "kg/m3", "rad"])
)
def test_every_unit_is_written(value: float, ratio: float, unit: str):
    std = value * ratio
    assert "±" in numbers.with_spread(value, std, unit)
    item = Estimate.normal(value, std, unit, "test")
    assert "–" in numbers.interval(item)


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        (Estimate.interval(0.491, 0.527, "kg", "x"), "0.491 – 0.527 kg"),
        (Estimate.exact(5, "kg", "x"), "exact"),
        (Estimate.interval(7800, 7900, "kg/m3", "x"), f"7{T}800 – 7{T}900 kg/m³"),
        (Estimate.interval(0.02, 0.05, "kg", "x"), "20 – 50 g"),
        (Estimate.interval(0.14, 4.9, "kg", "x"), "0.14 – 4.9 kg"),
    ],
)
def test_intervals(item: Estimate, wanted: str):
    assert numbers.interval(item) == wanted


def test_a_point_is_written_in_one_unit_with_the_digits_of_its_spread():
    assert numbers.vector((0.01213, -0.00031, 0.04178), (0.0002, 0.0001, 0.0006), "m") == (
        "12.1, −0.3, 41.8 mm",
        "± 0.6 mm",
    )
    assert numbers.vector((0.5, 0.0, 0.25), (0.0, 0.0, 0.0), "m") == ("500.0, 0.0, 250.0 mm", "exact")


def test_minus_zero_is_zero():
    assert numbers.fixed(-0.0001, 2) == "0.00"


def test_what_is_known_to_within_a_factor_has_no_plus_minus():
    mass = Estimate.lognormal(0.83, 1.08, "kg", "prior over materials")
    assert numbers.is_skewed(mass)
    assert numbers.estimate(mass) == "about 0.83 kg"
    assert numbers.figures(mass) == "0.83 (0.14 – 4.9)"
    assert numbers.figures(Estimate.normal(0.318, 0.003, "kg", "x")) == "0.318 ± 0.003"


def test_a_wide_density_is_rounded_above_the_decimal_point_too():
    density = Estimate.interval(69, 4128, "kg/m3", "prior over materials")
    assert numbers.figures(density) == f"530 (69 – 4{T}100)"
    assert numbers.interval(density) == f"69 – 4{T}100 kg/m³"


def test_a_fit_below_the_files_resolution_is_not_a_power_of_ten():
    assert numbers.fit_error(1.3e-18) == "under 0.01 µm"
    assert numbers.fit_error(0.0) == "under 0.01 µm"
    assert numbers.fit_error(6.5e-5) == "65 µm"
