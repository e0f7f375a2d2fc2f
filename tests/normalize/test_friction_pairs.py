"""Friction of pairs: the table, the nearest pair, and single bodies' coefficients fitted to the pairs."""

from __future__ import annotations

import copy

import pytest

from physicl_twin.model import ConfigError
from physicl_twin.normalize.friction_pairs import FrictionTable, body_estimate, body_friction, read_friction
from physicl_twin.normalize.material_table import MaterialTable

SOURCES = {"book": "A handbook"}
MATERIALS = MaterialTable.load()


def row(a: str, b: str, low: float, high: float, state: str = "dry", dynamic: tuple[float, float] | None = None):
    made = {"a": a, "b": b, "state": state, "static": {"low": low, "high": high, "source": "book"}}
    if dynamic:
        made["dynamic"] = {"low": dynamic[0], "high": dynamic[1], "source": "book"}
    return made


def table(*rows) -> FrictionTable:
    return read_friction({"schema_version": 1, "pair": list(rows)}, SOURCES, MATERIALS)


def test_pairs_that_two_numbers_explain_are_reproduced_under_the_average() -> None:
    """x_steel = 0.6, x_rubber = 1.0: steel on steel 0.6, rubber on rubber 1.0, steel on rubber 0.8."""
    made = table(
        row("steel_carbon", "steel_carbon", 0.599, 0.601),
        row("rubber_natural", "rubber_natural", 0.999, 1.001),
        row("steel_carbon", "rubber_natural", 0.799, 0.801),
    )
    fit = body_friction(made.pairs, MATERIALS, "static", "average")
    # Few pairs: what a body is drawn to (its group's and everybody's mean) is felt.
    assert fit.values["steel_carbon"] == pytest.approx(0.6, abs=0.08)
    assert fit.values["rubber_natural"] == pytest.approx(1.0, abs=0.08)
    assert fit.residual < 0.05, "but for the pull towards what each usually meets with"


def test_the_multiply_rule_fits_products() -> None:
    """x = 0.8 and 0.1: products 0.64, 0.01 and 0.08, which no average can make."""
    rows = (row("steel_carbon", "steel_carbon", 0.63, 0.65), row("ptfe", "ptfe", 0.0099, 0.0101),
            row("steel_carbon", "ptfe", 0.079, 0.081))  # fmt: skip
    made = table(*rows)
    multiply = body_friction(made.pairs, MATERIALS, "static", "multiply")
    average = body_friction(made.pairs, MATERIALS, "static", "average")
    assert multiply.values["steel_carbon"] == pytest.approx(0.8, rel=0.25)
    assert multiply.values["ptfe"] == pytest.approx(0.1, rel=0.5)
    assert multiply.residual < 0.75 * average.residual, "the residual says what the rule cannot do"


def test_what_cannot_be_reproduced_widens_the_estimate() -> None:
    """Steel slips on PTFE and grips on itself: an average needs a negative number for PTFE, so the misfit is large."""
    tight = table(row("steel_carbon", "steel_carbon", 0.59, 0.61))
    loose = table(row("steel_carbon", "steel_carbon", 0.59, 0.61), row("steel_carbon", "ptfe", 0.03, 0.05))
    widths = []
    for made in (tight, loose):
        fit = body_friction(made.pairs, MATERIALS)
        found = body_estimate(fit, "steel_carbon", MATERIALS, "static")
        assert found is not None
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


def test_a_row_without_a_pair_leans_on_its_family_and_says_so() -> None:
    rows = [row("wood", other, 0.3, 0.5) for other in ("wood", "wood_pine", "wood_beech")]
    fit = body_friction(table(*rows).pairs, MATERIALS)
    found = body_estimate(fit, "wood_oak", MATERIALS, "static")
    assert found is not None and found.flags == ("family_value",)
    assert found.value == pytest.approx(0.4, abs=0.1)
    assert body_estimate(fit, "glass_soda_lime", MATERIALS, "static") is None


def test_the_nearest_pair_wins_in_either_order_and_state() -> None:
    made = table(
        row("metal", "wood", 0.2, 0.6),
        row("steel", "wood_oak", 0.45, 0.5),
        row("metal", "wood", 0.1, 0.2, "wet"),
    )
    near = made.pair("wood_oak", "steel_stainless", MATERIALS)
    assert near is not None and near.static is not None and near.static.low == pytest.approx(0.45)
    family = made.pair("aluminium_6061", "wood_pine", MATERIALS)
    assert family is not None and family.static is not None and family.static.high == pytest.approx(0.6)
    wet = made.pair("steel_carbon", "wood_oak", MATERIALS, "wet")
    assert wet is not None and wet.state == "wet"
    assert made.pair("steel_carbon", "glass_soda_lime", MATERIALS) is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda p: p.update(a="unobtainium"), "unobtainium"),
        (lambda p: p.update(state="muddy"), "muddy"),
        (lambda p: p.update(kinetic={}), "kinetic"),
        (lambda p: p.pop("static"), "neither"),
        (lambda p: p["static"].update(low=0.9), "ascending"),
        (lambda p: p["static"].update(source="nobody"), "nobody"),
        (lambda p: p["static"].update(source=""), "no source"),
    ],
)
def test_a_row_that_cannot_be_is_named(change, word: str) -> None:
    bad = copy.deepcopy(row("steel_carbon", "steel_carbon", 0.5, 0.7))
    change(bad)
    with pytest.raises(ConfigError) as caught:
        table(bad)
    assert caught.value.code == "friction_bad_row" and word in caught.value.message


def test_a_pair_stands_once() -> None:
    with pytest.raises(ConfigError, match="twice"):
        table(row("steel_carbon", "ptfe", 0.03, 0.05), row("ptfe", "steel_carbon", 0.03, 0.05))


def test_the_shipped_table_covers_what_robots_touch() -> None:
    shipped = FrictionTable.load()
    assert len(shipped.pairs) >= 100
    assert {pair.state for pair in shipped.pairs} >= {"dry", "wet", "lubricated"}
    for first, second in (
        ("steel_carbon", "steel_carbon"), ("aluminium_6061", "steel_carbon"), ("rubber_natural", "concrete"),
        ("wood_oak", "wood_oak"), ("glass_soda_lime", "steel_carbon"), ("ptfe", "steel_carbon"), ("ice", "steel_carbon"),
    ):  # fmt: skip
        found = shipped.pair(first, second, MATERIALS)
        assert found is not None and (found.static or found.dynamic)
    fit = body_friction(shipped.pairs, MATERIALS)
    slippery, grippy = fit.values["ptfe"], fit.values["rubber_natural"]
    assert slippery < 0.2 < 0.8 < grippy
    assert 0.05 < fit.residual < 0.25, "an average cannot make a slippery pair of a grippy one; the residual says so"
