"""Names become classes, and classes carry Wikidata codes that somebody looked up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from physicl_twin.model import Articulation, Body, ConfigError, Decision, Frame, Part, Semantics, Shape, Source, Twin
from physicl_twin.normalize import semantics
from physicl_twin.normalize.material_table import MaterialTable
from physicl_twin.normalize.semantics import ClassTable, class_materials, classify
from physicl_twin.settings import read_toml, shipped

TABLE = ClassTable.load()


def make_twin(title: str, *parts: str, file: str = "x.step", given_class: Semantics | None = None) -> Twin:
    sure = Decision("m", 1.0)
    body = Body("body", tuple(Part(name, "shape") for name in parts or ("p1",)))
    source = Source(file, "step", "0" * 64, 1)
    return Twin("x", title, (source,), Frame(sure, 1.0, sure), (Shape("shape"),), (body,), semantics=given_class)


def test_there_are_many_classes_and_every_code_is_sourced():
    assert len(TABLE.classes) >= 120
    verified = [found for found in TABLE.classes.values() if found.qcode]
    assert len(verified) >= 120
    for found in verified:
        assert found.qcode[0] == "Q" and found.qcode[1:].isdigit() and found.qcode_label and found.source


def test_no_two_classes_share_a_code():
    codes = [found.qcode for found in TABLE.classes.values() if found.qcode]
    assert len(codes) == len(set(codes))


def test_a_class_without_a_code_carries_its_nearest_verified_ancestors():
    bolt = TABLE.classes["bolt"]
    assert not bolt.qcode
    assert TABLE.verified("bolt").qcode
    for class_id in TABLE.classes:
        assert TABLE.verified(class_id).qcode


def test_the_materials_of_classes_exist_and_sum_to_one():
    materials = MaterialTable.load()
    for found in TABLE.classes.values():
        for target, probability in found.materials:
            assert target in materials.rows or target in materials.groups, (found.id, target)
            assert 0 < probability <= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hammer", "hammer"), ("Claw_Hammer_v2", "hammer"), ("006_mustard_bottle", "bottle"), ("Sechskantschraube M8x30", "bolt"),
        ("power drill", "drill"), ("Bohrmaschine", "drill"), ("clé à molette", "wrench"), ("mugs", "mug"), ("gear_pump", "pump"),
        ("Kaffeebecher blau", "mug"), ("wooden_spoon", "spoon"), ("table lamp", "lamp"), ("soup can", "tin_can"), ("Zahnrad_z24", "gear"),
        ("PhillipsScrewdriver", "screwdriver"), ("Schraubenzieher", "screwdriver"), ("chaise", "chair"), ("Küchenstuhl", "chair"),
        ("Flasche_500ml", "bottle"), ("wine glass", "wine_glass"), ("ball_bearing_6204", "bearing"), ("Kugellager", "bearing"),
        ("tournevis", "screwdriver"), ("Euro pallet", "pallet"), ("cardboard box", "box"), ("engrenage", "gear"), ("Tür", "door"), ("Tuer", "door"),
    ],
)  # fmt: skip
def test_names_find_their_class(text: str, expected: str):
    found = TABLE.find(text)
    assert found is not None and found[0].id == expected


@pytest.mark.parametrize(
    "text",
    [
        "Default",
        "chassis",
        "Head",
        "Body1",
        "mesh_001",
        "ironing",
        "tablet",
        "carpet",
        "capital",
        "",
        "123",
        "pantry",
        "bedrock",
    ],
)
def test_other_names_find_none(text: str):
    assert TABLE.find(text) is None


def test_the_title_gives_the_class_with_evidence():
    found = classify(make_twin("claw hammer")).semantics
    assert found is not None
    assert (found.label, found.qcode, found.qcode_label) == ("hammer", "Q25294", "hammer")
    assert "claw hammer" in found.evidence[0].statement and found.evidence[1].kind == "table"


def test_the_file_name_and_then_the_parts_are_asked():
    assert classify(make_twin("assembly 7", file="coffee_mug.glb")).semantics.label == "mug"  # type: ignore[union-attr]
    assert classify(make_twin("assembly 7", "gear_a", "gear_b", "plate 1")).semantics.label == "gear"  # type: ignore[union-attr]
    assert classify(make_twin("assembly 7", "gear_a", "x", "y")).semantics.label == "object"  # type: ignore[union-attr]


def test_unknown_is_an_object_with_a_verified_code():
    found = classify(make_twin("qwertz")).semantics
    assert found is not None
    assert (found.label, found.qcode, found.qcode_label) == ("object", "Q223557", "physical object")


def test_a_class_without_code_says_whose_code_it_carries():
    found = classify(make_twin("hex bolt")).semantics
    assert found is not None
    assert found.label == "bolt" and found.qcode == TABLE.verified("bolt").qcode
    assert "nearest ancestor" in found.evidence[1].statement


@pytest.mark.parametrize(
    ("title", "parts", "expected"),
    [
        ("adroit hammer", ("palm", "thumb", "hammer"), "robot"),
        ("x17", ("link_1", "link_2"), "robot"),
        ("welding robot", (), "robot"),
        ("parallel gripper", (), "robot gripper"),
        ("pickup car", (), "car"),
    ],
)
def test_what_drives_itself_is_a_robot(title: str, parts: tuple[str, ...], expected: str):
    twin = replace(make_twin(title, *parts), articulation=Articulation(kind="robot", root="body"))
    found = classify(twin).semantics
    assert found is not None
    assert found.label == expected
    if parts:
        assert classify(replace(twin, articulation=Articulation(kind="prop", root="body"))).semantics != found


def test_what_the_source_states_is_kept():
    stated = Semantics("flange coupling", "Q1", "universe")
    assert classify(make_twin("hammer", given_class=stated)).semantics == stated
    loose = Semantics("wrench", "", "")
    assert classify(make_twin("thing", given_class=loose)).semantics.qcode == "Q154411"  # type: ignore[union-attr]


def test_class_materials_fall_back_to_the_whole_and_to_the_parent():
    assert class_materials("x1", fallback="hammer")[0] == "hammer"
    assert class_materials("wire nail")[1] == (("steel", 1.0),)
    assert class_materials("qwertz") == ("", ())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"parent": "nowhere"}, "nowhere"),
        ({"qcode": "25294"}, "25294"),
        ({"source": "hearsay"}, "hearsay"),
        ({"materials": {"steel": 0.4}}, "sum"),
        ({"colour": "red"}, "colour"),
        ({"words": {"en": ["screwdriver"]}}, "screwdriver"),
    ],
)
def test_a_bad_class_is_refused_by_name(change: dict[str, object], word: str):
    data = read_toml(shipped("config", "classes.toml"))
    data["classes"]["hammer"] = {**data["classes"]["hammer"], **change}
    with pytest.raises(ConfigError) as caught:
        semantics._build(data)
    assert caught.value.code == "classes_bad_row" and word in caught.value.message


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_title_is_classified(title: str):
    found = classify(make_twin(title)).semantics
    assert found is not None and found.qcode.startswith("Q") and found.label
    assert classify(make_twin(title)).semantics == found
    assert classify(replace(make_twin(title), name="y")).semantics is not None
