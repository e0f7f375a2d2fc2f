"""What each part turns out to be made of, and what is said when nothing is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.model import (
    Appearance,
    Body,
    Decision,
    Estimate,
    Frame,
    Material,
    MaterialError,
    Part,
    PartHints,
    Shape,
    Source,
    Twin,
    dumps,
)
from physicl_twin.normalize.material_table import MaterialTable
from physicl_twin.normalize.materials import resolve_materials

TABLE = MaterialTable.load()


def make_twin(*parts: Part, title: str = "thing", looks: tuple[Appearance, ...] = ()) -> Twin:
    sure = Decision("m", 1.0)
    return Twin(
        name="thing",
        title=title,
        sources=(Source("thing.step", "step", "0" * 64, 1),),
        frame=Frame(sure, 1.0, replace(sure, value="z")),
        shapes=(Shape("shape", tuple(look.name for look in looks)),),
        bodies=(Body("body", parts),),
        appearances=looks,
    )


def part(name: str, **hints: object) -> Part:
    return Part(name, "shape", hints=PartHints(**hints))  # type: ignore[arg-type]


def resolve(twin: Twin, *statements: tuple[str, str]) -> Twin:
    return resolve_materials(twin, statements, TABLE)


def material(twin: Twin, name: str) -> Material:
    wanted = next(part for part in twin.parts if part.name == name)
    return twin.material(wanted.material)


def density(value: float) -> Estimate:
    return Estimate.exact(value, "kg/m3", "file")


def test_the_attribute_of_the_source_decides():
    twin = resolve(make_twin(part("Head", material="Alloy Steel"), part("Handle", material="Oak"), title="hammer"))
    head, handle = material(twin, "Head"), material(twin, "Handle")
    assert (head.table_id, handle.table_id) == ("steel_alloy", "wood_oak")
    assert head.density.low <= 7850 <= head.density.high and head.density.high / head.density.low < 1.1
    assert (head.nonvisual, handle.nonvisual) == ("steel", "wood")
    assert head.flags == () and head.evidence[0].source == "thing.step"
    assert head.youngs_modulus is not None and head.youngs_modulus.low <= 207e9 <= head.youngs_modulus.high


def test_attribute_beats_part_name_and_part_name_beats_title():
    twin = resolve(
        make_twin(part("steel_plate", material="Messing"), part("oak_board"), part("p3"), title="glass table")
    )
    assert material(twin, "steel_plate").table_id == "brass"
    assert material(twin, "oak_board").table_id == "wood_oak"
    assert material(twin, "p3").table_id == "glass"
    assert {a.material for a in material(twin, "steel_plate").alternatives} >= {"brass", "steel_carbon"}


def test_a_vague_word_is_a_wider_mixture_with_alternatives():
    twin = resolve(make_twin(part("a", material="steel"), part("b", material="S235JR"), part("c", material="plastic")))
    steel, exact, plastic = (material(twin, name) for name in "abc")
    assert "vague_material" in steel.flags and "vague_material" in plastic.flags and exact.flags == ()
    assert steel.density.high - steel.density.low > exact.density.high - exact.density.low
    assert sum(a.probability for a in steel.alternatives) == pytest.approx(1, abs=0.02)
    assert plastic.density.low < 920 and plastic.density.high > 1300


def test_a_later_word_refines_a_vaguer_one():
    twin = resolve(make_twin(part("oak_panel", material="Wood")))
    found = material(twin, "oak_panel")
    assert found.table_id == "wood_oak"
    assert found.alternatives[0].probability > 0.7


def test_the_density_of_the_source_wins_and_the_name_gives_friction():
    twin = resolve(make_twin(part("a", material="Oak", density=density(722.0))))
    found = material(twin, "a")
    assert found.density.value == 722.0
    oak = TABLE.row("wood_oak").values["static_friction"]
    assert oak.low <= found.static_friction.value <= oak.high


def test_a_density_that_contradicts_the_name_is_kept_and_flagged():
    twin = resolve(make_twin(part("a", material="Steel", density=density(2700.0))))
    assert material(twin, "a").density.value == 2700.0
    assert "density_conflict" in material(twin, "a").flags


def test_a_density_alone_suggests_what_has_it():
    found = material(resolve(make_twin(part("a", density=density(7850.0)))), "a")
    assert found.family == "metal" and "material_from_density" in found.flags
    assert found.density.value == 7850.0


def test_a_default_density_without_a_name_is_not_believed():
    found = material(resolve(make_twin(part("a", density=density(1000.0)))), "a")
    assert found.flags == ("unknown_material",)
    assert found.density.high / found.density.low > 10
    assert any("default" in evidence.statement for evidence in found.evidence)


def test_nothing_known_is_admitted_with_a_reason():
    found = material(resolve(make_twin(part("x1"), title="blob")), "x1")
    assert found.table_id == "" and found.family == "unknown" and found.flags == ("unknown_material",)
    assert found.density.distribution == "lognormal" and found.density.high / found.density.low > 10
    assert found.density.evidence[0].kind == "prior" and "Nothing says" in found.density.evidence[0].statement
    assert 0 < found.dynamic_friction.value <= found.static_friction.value < 1.5


def test_the_class_is_a_weak_clue():
    found = material(resolve(make_twin(part("x1"), title="coffee mug")), "x1")
    assert found.family == "ceramic" and {"several_materials", "weak_material_evidence"} <= set(found.flags)
    assert found.confidence == pytest.approx(0.55), "the rest of the mass is the prior for unknown parts"
    assert any(evidence.source == "classes.toml" for evidence in found.evidence)


def test_the_name_of_the_whole_counts_for_less_when_there_are_many_parts():
    alone = material(resolve(make_twin(part("x1"), title="steel bracket")), "x1")
    many = material(resolve(make_twin(part("x1"), part("x2"), title="steel bracket")), "x1")
    assert alone.table_id == many.table_id == "steel"
    assert "weak_material_evidence" in many.flags and "weak_material_evidence" not in alone.flags
    assert many.density.high / many.density.low > alone.density.high / alone.density.low


def test_a_look_names_a_material_but_a_colour_does_not_count_fully():
    oak = resolve(make_twin(part("x"), looks=(Appearance("m0", source_name="Oak_polished"),)))
    assert material(oak, "x").table_id == "wood_oak"
    gold = material(resolve(make_twin(part("x"), looks=(Appearance("Gold"),), title="blob")), "x")
    assert "weak_material_evidence" in gold.flags and gold.confidence < 0.5


@pytest.mark.parametrize(
    "colour", ["Orange", "orange", "PAL/Orange", "Dark Orange", "steel blue", "Slate Grey", "BrickRed"]
)
def test_a_look_that_is_only_a_colour_names_nothing(colour):
    """Orange is the fifth most frequent material of the URDFs of example-robot-data, and none of them is a fruit."""
    plain = material(resolve(make_twin(part("x"), looks=(Appearance("Grey"),), title="blob")), "x")
    found = material(resolve(make_twin(part("x"), looks=(Appearance(colour),), title="blob")), "x")
    assert (found.name, found.density.value) == (plain.name, plain.density.value)


def test_a_metallic_look_is_the_weakest_clue():
    found = material(resolve(make_twin(part("x"), looks=(Appearance("m0", metallic=1.0),), title="blob")), "x")
    assert found.family == "metal" and "weak_material_evidence" in found.flags


def test_friction_and_restitution_of_the_source_are_kept():
    mu = Estimate.exact(0.31, "1", "file")
    found = material(
        resolve(make_twin(part("x", material="Oak", static_friction=mu, dynamic_friction=mu, restitution=mu))), "x"
    )
    assert found.static_friction is mu and found.dynamic_friction is mu and found.restitution is mu


def test_the_user_overrules_everything():
    twin = make_twin(part("Head", material="Alloy Steel", density=density(7700.0)), part("Handle", material="Oak"))
    twin = resolve(twin, ("HEAD", "Messing"), ("handle", "Nylon"))
    assert material(twin, "Head").table_id == "brass" and material(twin, "Head").density.low > 8000
    assert material(twin, "Handle").table_id == "nylon"
    assert material(twin, "Head").evidence[0].kind == "user"


@pytest.mark.parametrize("pattern", ["", "*", "bolt*", "BOLT_?", "assembly/bolt_1", "Bölt_1", "1"])
def test_how_a_part_may_be_meant(pattern: str):
    name = "Bölt_1" if "ö" in pattern else "bolt_1"
    twin = resolve(make_twin(part(name, path=("assembly",)), part("plate")), (pattern, "Titan"))
    assert material(twin, name).table_id == "titanium"
    assert (material(twin, "plate").table_id == "titanium") == (pattern in ("", "*"))


def test_a_label_is_a_part_and_comes_before_the_number():
    twin = resolve(
        make_twin(part("segment_a", label="2"), part("segment_b", label="1")), ("2", "Oak"), ("1", "Alloy Steel")
    )
    assert material(twin, "segment_a").table_id == "wood_oak"
    assert material(twin, "segment_b").table_id == "steel_alloy"


def test_a_later_statement_overrules_an_earlier_one():
    twin = resolve(make_twin(part("a"), part("b")), ("*", "Oak"), ("b", "Glass"))
    assert (material(twin, "a").table_id, material(twin, "b").table_id) == ("wood_oak", "glass")


def test_a_density_may_be_stated_instead():
    twin = resolve(make_twin(part("a", material="Oak"), part("b")), ("a", "650 kg/m3"), ("b", "1.2 g/cm³"))
    assert material(twin, "a").density.value == 650.0 and material(twin, "a").table_id == "wood_oak"
    assert material(twin, "b").density.value == pytest.approx(1200.0)


def test_an_unknown_part_or_material_is_an_error_with_suggestions():
    twin = make_twin(part("Handle"), part("Head"))
    with pytest.raises(MaterialError) as caught:
        resolve(twin, ("Handel", "Oak"))
    assert caught.value.code == "material_part_unknown" and "Handle" in caught.value.hint
    with pytest.raises(MaterialError) as caught:
        resolve(twin, ("Handle", "Unobtainium"))
    assert caught.value.code == "material_unknown" and "Nearest: " in caught.value.hint


def test_parts_of_the_same_share_one_material_and_names_are_unique():
    twin = resolve(
        make_twin(
            *(part(f"bolt_{i}", material="1.4301") for i in range(5)),
            part("x", material="1.4301", density=density(7900.0)),
        )
    )
    assert [m.name for m in twin.materials] == ["steel_stainless_304", "steel_stainless_304_2"]
    assert len({p.material for p in twin.parts}) == 2
    assert all(p.material for p in twin.parts)


def test_the_result_is_the_same_each_time():
    twin = make_twin(part("steel arm"), part("cover", material="plastic"), part("x"), title="robot gripper")
    assert dumps(resolve(twin)) == dumps(resolve(twin))


def test_dynamic_friction_never_exceeds_static_for_any_row():
    parts = tuple(part(f"p{i}", material=row.title) for i, row in enumerate(TABLE.rows.values()))
    for found in resolve(make_twin(*parts)).materials:
        assert found.dynamic_friction.value <= found.static_friction.value, found.name
        assert found.restitution.value <= 1


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_names_resolve(name: str, text: str, title: str):
    twin = resolve(make_twin(part(name or "p", material=text), title=title))
    assert twin.materials[0].density.value > 0
