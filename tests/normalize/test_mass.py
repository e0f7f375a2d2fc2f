"""Masses, centres of mass and inertias with their joint uncertainty, and what a scale does to them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.model import (
    Body,
    ConfigError,
    Estimate,
    Evidence,
    GeometryError,
    MassProperties,
    MaterialError,
    Part,
    Pose,
    Shape,
)
from physicl_twin.model.estimate import Z90
from physicl_twin.normalize.mass import derive_mass
from physicl_twin.normalize.options import parse_length, parse_mass
from physicl_twin.normalize.sampling import keyed_normals
from tests.normalize.solids import SETTINGS, box, dumbbell, material, solid, twin_of


def only(twin) -> MassProperties:
    return twin.bodies[0].mass_properties


def assert_physical(properties: MassProperties) -> None:
    moments = np.linalg.eigvalsh(properties.inertia_kgm2)
    assert moments[0] > 0 and moments[2] <= (moments[0] + moments[1]) * (1 + 1e-9)


def test_dumbbell_of_two_materials_by_hand() -> None:
    found = only(derive_mass(dumbbell()))
    assert found.mass.value == pytest.approx(9.0, rel=1e-12) and found.mass.std == 0
    np.testing.assert_allclose(found.com_m, (1 / 9, 0, 0), atol=1e-12)
    own = 9 * 0.1**2 / 6
    across = own + 8 * (1 / 9) ** 2 + 1 * (8 / 9) ** 2
    np.testing.assert_allclose(found.inertia_kgm2, np.diag([own, across, across]), atol=1e-12)
    np.testing.assert_array_equal(found.com_std_m, (0, 0, 0))
    np.testing.assert_array_equal(found.inertia_std_kgm2, np.zeros((3, 3)))
    assert_physical(found)


def test_rotated_part_turns_its_inertia() -> None:
    rod = replace(solid(1e-3), inertia_m5=((1e-6, 0.0, 0.0), (0.0, 8e-6, 0.0), (0.0, 0.0, 8e-6)))
    quarter = Pose((0, 0, 0), (math.sqrt(0.5), 0, 0, math.sqrt(0.5)))
    part = Part("p", "rod", quarter, material="m")
    found = only(derive_mass(twin_of((Shape("rod", solid=rod),), (Body("b", (part,)),), (material("m", 1000.0),))))
    np.testing.assert_allclose(found.inertia_kgm2, np.diag([8e-3, 1e-3, 8e-3]), atol=1e-15)


def test_one_material_means_one_density_error() -> None:
    spread = 0.1
    same = only(derive_mass(dumbbell((spread, spread), ("steel", "steel"))))
    assert same.mass.log_std == pytest.approx(spread, rel=0.01)
    assert max(same.com_std_m) == 0  # both ends scale together
    different = only(derive_mass(dumbbell((spread, spread), volumes=(1e-3, 8e-3))))
    assert different.mass.log_std == pytest.approx(spread / math.sqrt(2), rel=0.03)
    # d com = w (1 - w) (δ_1 - δ_2) * 1 m with equal weights: 1/4 * sqrt(2) * spread.
    assert different.com_std_m[0] == pytest.approx(0.25 * math.sqrt(2) * spread, rel=0.05)


def test_instances_share_the_volume_error_and_distinct_shapes_do_not() -> None:
    def twin(names):
        shapes = tuple(Shape(n, solid=solid(1e-3, 0.1)) for n in dict.fromkeys(names))
        parts = tuple(Part(f"p{i}", n, Pose((float(i), 0, 0)), material="m") for i, n in enumerate(names))
        return twin_of(shapes, (Body("b", parts),), (material("m", 1000.0),))

    assert only(derive_mass(twin(["a"] * 4))).mass.log_std == pytest.approx(0.1, rel=0.01)
    assert only(derive_mass(twin(["a", "b", "c", "d"]))).mass.log_std == pytest.approx(0.05, rel=0.04)


def test_part_mass_joins_both_spreads_and_says_why() -> None:
    shape = Shape("s", solid=replace(solid(4.05e-5), volume=Estimate.lognormal(4.05e-5, 0.03, "m3", "CAD kernel")))
    steel = replace(
        material("steel", 7850.0, 0.04),
        title="Carbon steel",
        density=Estimate.lognormal(7850, 0.04, "kg/m3", "table", (Evidence("table", "EN 10025-2 row."),)),
    )
    twin = derive_mass(twin_of((shape,), (Body("b", (Part("p", "s", material="steel"),)),), (steel,)))
    mass = twin.parts[0].mass
    assert mass.value == pytest.approx(0.317925)
    assert mass.log_std == pytest.approx(0.05, rel=0.03)
    assert mass.evidence[0].statement == (
        "0.3179 kg = 4.05e-5 m3 (exact CAD volume) x 7850 kg/m3 (Carbon steel: EN 10025-2 row)."
    )


def test_inertia_spread_of_an_uncertain_size() -> None:
    spread = 0.03
    part = Part("p", "s", material="m")
    twin = twin_of((Shape("s", solid=solid(1e-3, spread)),), (Body("b", (part,)),), (material("m", 1000.0),))
    found = only(derive_mass(twin))
    # I ~ volume^(5/3) at given density.
    assert found.inertia_std_kgm2[0][0] / found.inertia_kgm2[0][0] == pytest.approx(5 / 3 * spread, rel=0.03)
    gyration = 0.1 / math.sqrt(12)
    np.testing.assert_allclose(found.com_std_m, spread * gyration, rtol=0.02)


def test_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Draw true densities and volumes from the priors: 90 % intervals must hold about 90 % of the true masses."""
    found = only(derive_mass(dumbbell((0.2, 0.3), volumes=(1e-3, 8e-3))))
    generator = np.random.default_rng(0)
    truth = 8 * np.exp(0.2 * generator.normal(size=20_000)) + 8 * np.exp(0.3 * generator.normal(size=20_000))
    share = np.mean((truth >= found.mass.low) & (truth <= found.mass.high))
    assert 0.88 < share < 0.92


def test_scale_fixes_the_sum_and_moves_what_is_least_certain() -> None:
    twin = dumbbell((0.02, 0.5))
    before = derive_mass(twin)
    after = derive_mass(twin, parse_mass("9.500 kg"))
    assert only(after).mass.value == pytest.approx(9.5, rel=1e-4)
    assert sum(part.mass.value for part in after.parts) == pytest.approx(only(after).mass.value, rel=1e-12)
    steel, plastic = (a.mass.value / b.mass.value for a, b in zip(after.parts, before.parts, strict=True))
    assert plastic > 1.2 > 1.05 > steel >= 1
    assert only(after).com_m[0] > only(before).com_m[0]
    assert only(after).mass.high - only(after).mass.low < 0.01 * (only(before).mass.high - only(before).mass.low)
    assert after.parts[1].mass.std < before.parts[1].mass.std
    assert only(after).com_std_m[0] < only(before).com_std_m[0]
    assert after.notes == ()
    assert_physical(only(after))


def test_vague_scale_is_weighed_against_the_prior() -> None:
    twin = dumbbell((0.1, 0.1), ("steel", "steel"))
    settings = replace(SETTINGS, anchor_model_log_std=0.0)
    found = only(derive_mass(twin, Estimate.normal(17.6, 1.76, "kg", "scale"), settings=settings))
    # Prior ln 16 ± 0.1 and scale ln 17.6 ± 0.1 weigh the same: the mean in between, the spread smaller by sqrt(2).
    assert found.mass.value == pytest.approx(math.sqrt(16 * 17.6), rel=0.002)
    assert found.mass.log_std == pytest.approx(0.1 / math.sqrt(2), rel=0.04)


def test_scale_wins_over_an_exact_model() -> None:
    found = only(derive_mass(dumbbell(), parse_mass("8.10 kg")))
    assert found.mass.value == pytest.approx(8.1, rel=1e-3)
    np.testing.assert_allclose(found.com_m, (1 / 9, 0, 0), atol=1e-9)  # nothing says where the difference sits


def test_contradiction_is_said() -> None:
    twin = derive_mass(dumbbell((0.02, 0.02)), parse_mass("90 g"))
    assert [note.code for note in twin.notes] == ["mass_contradicts_materials"]
    assert "standard deviations" in twin.notes[0].message
    assert only(twin).mass.value == pytest.approx(0.09, rel=0.05)
    assert only(derive_mass(dumbbell((0.02, 0.02)), parse_mass("9.1 kg"))).mass.value == pytest.approx(9.1, rel=0.01)


def stated(mass=2.0, com=(0.0, 0.0, 0.0), moments=(1e-2, 1e-2, 1e-2)) -> MassProperties:
    inertia = tuple(tuple(moments[i] if i == j else 0.0 for j in range(3)) for i in range(3))
    zero = ((0.0,) * 3,) * 3
    reason = (Evidence("source", "physics:mass of the file.", "a.usda", "physics:mass"),)
    return MassProperties(Estimate.exact(mass, "kg", "source", reason), com, (0.0,) * 3, inertia, zero, reason)


def cube_twin(properties: MassProperties | None):
    shape = Shape("s", solid=solid(1e-3), mesh=box((0.1, 0.1, 0.1)))
    body = Body("b", (Part("p", "s", material="m"),), mass_properties=properties)
    return twin_of((shape,), (body,), (material("m", 1000.0, 0.2),))


def test_stated_mass_is_kept() -> None:
    twin = derive_mass(cube_twin(stated()))
    assert only(twin) == stated() and twin.notes == ()
    assert twin.parts[0].mass.value == pytest.approx(2.0, rel=1e-9)
    assert derive_mass(twin) == twin


@pytest.mark.parametrize(
    ("properties", "mass"),
    [
        (stated(moments=(1e-3, 1e-3, 5e-3)), 2.0),
        (stated(moments=(0.0, 0.0, 0.0)), 2.0),
        (stated(moments=(-1e-3, 1e-3, 1e-3)), 2.0),
        (stated(com=(0.5, 0.0, 0.0)), 2.0),
        (stated(mass=0.0), 1.0),
        (stated(mass=-3.0), 1.0),
    ],
)
def test_impossible_statements_are_replaced_and_said(properties, mass) -> None:
    twin = derive_mass(cube_twin(properties))
    assert [note.code for note in twin.notes] == ["stated_mass_impossible"]
    assert only(twin).mass.value == pytest.approx(mass)
    np.testing.assert_allclose(only(twin).inertia_kgm2, np.eye(3) * mass * 0.01 / 6, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(only(twin).com_m, (0, 0, 0), atol=1e-12)
    assert derive_mass(twin) == twin


def test_scale_and_stated_bodies() -> None:
    twin = cube_twin(stated())
    alone = derive_mass(twin, parse_mass("3.000 kg"))
    assert only(alone).mass.value == pytest.approx(3.0)
    np.testing.assert_allclose(only(alone).inertia_kgm2, np.eye(3) * 1.5e-2)
    again = derive_mass(alone, parse_mass("3.000 kg"))
    assert again == alone
    second = Body("c", (Part("q", "s", material="m"),))
    pair = replace(twin, bodies=(*twin.bodies, second))
    shared = derive_mass(pair, parse_mass("3.200 kg"))
    assert [body.mass.value for body in shared.bodies] == pytest.approx([2.0, 1.2], rel=1e-3)
    with pytest.raises(ConfigError) as caught:
        derive_mass(pair, parse_mass("1.5 kg"))
    assert caught.value.code == "mass_below_stated"


def test_body_without_geometry() -> None:
    kept = derive_mass(twin_of((), (Body("frame", (), mass_properties=stated()),)))
    assert only(kept) == stated()
    silent = derive_mass(twin_of((), (Body("frame", ()),)))
    assert only(silent) is None and [note.code for note in silent.notes] == ["body_without_mass"]


def test_missing_pieces_are_named() -> None:
    with pytest.raises(GeometryError) as caught:
        derive_mass(twin_of((Shape("s"),), (Body("b", (Part("p", "s", material="m"),)),), (material("m", 1.0),)))
    assert caught.value.code == "solid_missing"
    with pytest.raises(MaterialError) as missing:
        derive_mass(twin_of((Shape("s", solid=solid(1.0)),), (Body("b", (Part("p", "s"),)),)))
    assert missing.value.code == "material_missing"


def test_deriving_again_and_order_change_nothing() -> None:
    twin = dumbbell((0.1, 0.3))
    once = derive_mass(twin, parse_mass("9.0 kg"), seed=5)
    assert derive_mass(once, parse_mass("9.0 kg"), seed=5) == once
    body = twin.bodies[0]
    turned = replace(twin, bodies=(replace(body, parts=body.parts[::-1]),))
    other = only(derive_mass(turned))
    assert other.mass.std == pytest.approx(only(derive_mass(twin)).mass.std, rel=1e-9)
    assert derive_mass(twin, seed=6) != derive_mass(twin, seed=7)


def test_keyed_numbers_are_normal_and_independent() -> None:
    a, b = keyed_normals(1, "steel", "density", 4096), keyed_normals(1, "rubber", "density", 4096)
    assert a.mean() == pytest.approx(0, abs=1e-9) and a.std() == pytest.approx(1, abs=1e-3)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.06
    np.testing.assert_array_equal(a, keyed_normals(1, "steel", "density", 4096))
    assert np.quantile(a, 0.95) == pytest.approx(Z90, abs=2e-3)


@settings(max_examples=30, deadline=None)
@given(
    volumes=st.lists(st.floats(1e-6, 1e-1), min_size=1, max_size=4),
    places=st.lists(st.tuples(*[st.floats(-3, 3)] * 3), min_size=4, max_size=4),
    spread=st.floats(0, 1.0),
    total=st.one_of(st.none(), st.floats(0.1, 10)),
)
def test_always_physical(volumes, places, spread, total) -> None:
    shapes = tuple(Shape(f"s{i}", solid=solid(v, spread / 3)) for i, v in enumerate(volumes))
    parts = tuple(Part(f"p{i}", f"s{i}", Pose(places[i]), material=("a", "b")[i % 2]) for i in range(len(volumes)))
    twin = twin_of(shapes, (Body("b", parts),), (material("a", 1000.0, spread), material("b", 5000.0, spread / 2)))
    prior = math.fsum(v * (1000.0, 5000.0)[i % 2] for i, v in enumerate(volumes))
    anchor = None if total is None else Estimate.normal(prior * total, prior * total * 0.01, "kg", "scale")
    found = derive_mass(twin, anchor, settings=replace(SETTINGS, mass_samples=2048))
    assert_physical(only(found))
    assert only(found).mass.low <= only(found).mass.value <= only(found).mass.high
    low = np.min([places[i] for i in range(len(volumes))], axis=0)
    high = np.max([places[i] for i in range(len(volumes))], axis=0)
    assert (np.array(only(found).com_m) >= low - 1e-9).all() and (np.array(only(found).com_m) <= high + 1e-9).all()
    assert math.fsum(p.mass.value for p in found.parts) == pytest.approx(only(found).mass.value, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(angle=st.floats(-3, 3), shift=st.tuples(*[st.floats(-100, 100)] * 3))
def test_mass_and_principal_moments_do_not_depend_on_the_frame(angle, shift) -> None:
    twin = dumbbell((0.1, 0.2))
    move = Pose(shift, (math.cos(angle / 2), 0.0, math.sin(angle / 2), 0.0))
    body = twin.bodies[0]
    there = replace(
        twin, bodies=(replace(body, parts=tuple(replace(p, pose=move.compose(p.pose)) for p in body.parts)),)
    )
    one, other = only(derive_mass(twin)), only(derive_mass(there))
    assert other.mass == one.mass
    np.testing.assert_allclose(np.linalg.eigvalsh(other.inertia_kgm2), np.linalg.eigvalsh(one.inertia_kgm2), rtol=1e-8)
    np.testing.assert_allclose(other.com_m, move.apply(np.array([one.com_m]))[0], atol=1e-9)


@pytest.mark.parametrize(
    ("text", "value", "std"),
    [
        ("0.603 kg", 0.603, 0.0005 / math.sqrt(3)),
        ("603 g", 0.603, 0.0005 / math.sqrt(3)),
        ("600 g", 0.6, 0.0005 / math.sqrt(3)),
        ("0,603 kg", 0.603, 0.0005 / math.sqrt(3)),
        ("6.03e-1 kg", 0.603, 0.0005 / math.sqrt(3)),
        ("1.3 lb", 1.3 * 0.45359237, 0.05 * 0.45359237 / math.sqrt(3)),
        ("16 oz", 0.45359237, 0.5 * 0.45359237 / 16 / math.sqrt(3)),
        ("0.60±0.02 kg", 0.6, 0.02),
        ("0.60 +/- 0.02 kg", 0.6, 0.02),
        ("0.60 kg ± 20 g", 0.6, 0.02),
        ("(0.60 ± 0.02) kg", 0.6, 0.02),
        ("2 kg ± 5 %", 2.0, 0.1),
        ("2 kg ±5%", 2.0, 0.1),
    ],
)
def test_masses_are_read(text, value, std) -> None:
    found = parse_mass(text)
    assert found.unit == "kg" and found.value == pytest.approx(value) and found.std == pytest.approx(std)
    assert found.evidence[0].kind == "user" and text.split()[0][:3] in found.evidence[0].statement


def test_digits_give_a_uniform_interval() -> None:
    found = parse_mass("0.60 kg")
    assert found.distribution == "uniform"
    assert (found.low, found.high) == pytest.approx((0.6 - 0.0045, 0.6 + 0.0045))
    assert found.quantile(1e-12) == pytest.approx(0.595)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "mass_unreadable"),
        ("heavy", "mass_unreadable"),
        ("0.6", "mass_unit_missing"),
        ("0.6 stone", "mass_unit_unknown"),
        ("-0.6 kg", "mass_not_positive"),
        ("0 kg", "mass_not_positive"),
        ("1e999 kg", "mass_not_positive"),
        ("1,300 g", "mass_number_ambiguous"),
        ("0.6±0.7 kg", "mass_spread_too_large"),
        ("0.6 kg or so", "mass_unreadable"),
    ],
)
def test_unreadable_masses(text, code) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_mass(text)
    assert caught.value.code == code and caught.value.hint


def test_lengths_are_read() -> None:
    assert parse_length("3 mm") == pytest.approx(0.003)
    assert parse_length("0.25in") == pytest.approx(0.00635)
    for text in ("3", "thick", "-3 mm", "0 mm", "3 parsec"):
        with pytest.raises(ConfigError) as caught:
            parse_length(text)
        assert caught.value.code == "length_unreadable"


def test_draws_that_leave_nothing_do_not_break_the_estimate() -> None:
    from physicl_twin.normalize.weighing import positive_estimate

    samples = np.concatenate([[1.0], np.full(50, 1.0), np.full(50, 1e-200)])
    found = positive_estimate(samples, "kg", "share of a stated mass")
    assert 0.0 < found.low < 0.01 and found.high > 1.0 and np.isfinite(found.std)
