"""What things of a class usually weigh: the table, and its refusals."""

from __future__ import annotations

import copy

import pytest

from physicl_twin.model import ConfigError
from physicl_twin.normalize.semantics import shipped_classes
from physicl_twin.normalize.typical_mass import read_typical_masses, typical_masses

SOURCES = {"book": "A handbook"}
GOOD = {
    "schema_version": 1,
    "sources_file": "materials_sources.toml",
    "mass": [
        {"class": "mug", "state": "empty", "kg": {"low": 0.2, "high": 0.7, "source": "book"}},
        {"class": "wine_bottle", "state": "empty", "kg": {"low": 0.4, "high": 0.9, "source": "book"}},
        {"class": "wine_bottle", "state": "full", "kg": {"low": 1.1, "high": 1.7, "source": "book"}},
    ],
}


def test_the_shipped_table_knows_tools_food_and_vessels() -> None:
    masses = typical_masses()
    assert len(masses) > 70
    assert masses["banana"].low_kg > 0.05 and masses["banana"].high_kg < 0.4
    assert masses["mug"].empty and not masses["wine bottle"].empty
    assert all(0 < one.low_kg < one.high_kg for one in masses.values())


def test_empty_and_full_are_one_range() -> None:
    found = read_typical_masses(GOOD, SOURCES, shipped_classes())
    assert (found["wine bottle"].low_kg, found["wine bottle"].high_kg) == (0.4, 1.7)
    assert not found["wine bottle"].empty and found["mug"].empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(schema_version=9), "schema_version"),
        (lambda d: d.update(masses=[]), "masses"),
        (lambda d: d["mass"][0].update({"class": "gizmo"}), "no such class"),
        (lambda d: d["mass"][0].update(state="half"), "half"),
        (lambda d: d["mass"].append(d["mass"][0]), "twice"),
        (lambda d: d["mass"][0]["kg"].update(low=0.0), "interval"),
        (lambda d: d["mass"][0]["kg"].update(source="nobody"), "nobody"),
        (lambda d: d["mass"][0].update(colour="red"), "colour"),
    ],
)
def test_a_wrong_row_is_named(change, words: str) -> None:
    data = copy.deepcopy(GOOD)
    change(data)
    with pytest.raises(ConfigError) as error:
        read_typical_masses(data, SOURCES, shipped_classes())
    assert error.value.code == "typical_mass_bad_row" and words in error.value.message
