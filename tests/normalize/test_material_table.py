"""Every row of the material base is sane, cited and found by its own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from physicl_twin.model import ConfigError
from physicl_twin.normalize.material_clues import MaterialSettings
from physicl_twin.normalize.material_mixture import expand, mixture, property_estimate, unknown_density
from physicl_twin.normalize.material_page import render
from physicl_twin.normalize.material_table import FAMILIES, LIMITS, NONVISUAL, PROPERTIES, MaterialTable
from physicl_twin.normalize.material_text import words
from physicl_twin.settings import PACKAGE_ROOT, shipped


@pytest.fixture(scope="module")
def table() -> MaterialTable:
    return MaterialTable.load()


def test_the_table_is_large_and_covers_every_family(table: MaterialTable):
    assert len(table.rows) >= 70
    assert {row.family for row in table.rows.values()} == set(FAMILIES)
    assert set(FAMILIES) <= set(table.groups)


def test_every_number_is_an_interval_within_reason_and_cited(table: MaterialTable):
    for target in (*table.rows.values(), *table.groups.values()):
        assert target.nonvisual in NONVISUAL
        for prop, value in target.values.items():
            low, high = LIMITS[prop]
            assert low <= value.low <= value.high <= high, (target.id, prop)
            assert value.low < value.high or prop == "restitution", (target.id, prop)
            assert value.sources and all(source in table.sources for source in value.sources)
            if "friction" in prop:
                assert value.against, f"{target.id}.{prop} names no counterface"


def test_every_source_is_used_and_says_where_it_is(table: MaterialTable):
    cited = {s for t in (*table.rows.values(), *table.groups.values()) for v in t.values.values() for s in v.sources}
    for name in ("makeup.toml", "friction_pairs.toml", "typical_masses.toml"):  # they share the file of sources
        text = shipped("config", name).read_text(encoding="utf-8")
        cited |= {s.strip() for found in re.findall(r'source = "([^"]*)"', text) for s in found.split(",")}
    assert set(table.sources) == cited - {"judgement"}
    assert all(source.title and source.where and source.kind for source in table.sources.values())


@pytest.mark.parametrize(
    ("row", "density"),
    [  # well-known figures, to catch a slipped decimal point
        ("steel_carbon", 7850), ("aluminium_6061", 2700), ("copper", 8930), ("lead", 11340), ("gold", 19300), ("brass", 8500),
        ("abs", 1050), ("pp", 905), ("ptfe", 2170), ("water", 998), ("ice", 917), ("glass_borosilicate", 2230), ("granite", 2700),
        ("concrete", 2300), ("wood_oak", 700), ("cork", 240), ("titanium", 4505), ("magnesium", 1740), ("alumina", 3950),
    ],
)  # fmt: skip
def test_known_densities_lie_in_their_rows_interval(table: MaterialTable, row: str, density: float):
    value = table.row(row).values["density"]
    assert value.low * 0.995 <= density <= value.high * 1.005


def test_aliases_are_unique_and_resolve_to_their_own_row(table: MaterialTable):
    owners: dict[tuple[str, ...], str] = {}
    for target in (*table.rows.values(), *table.groups.values()):
        for alias in target.aliases:
            assert owners.setdefault(words(alias), target.id) == target.id, alias
            matches = table.match(alias)
            assert [match.row.id for match in matches] == [target.id], (alias, [m.row.id for m in matches])


def test_codes_and_symbols_resolve_to_their_own_row(table: MaterialTable):
    for row in table.rows.values():
        for code in (*row.codes, *row.symbols):
            assert [match.row.id for match in table.match(code)] == [row.id], code


def test_every_row_can_be_named_by_its_title(table: MaterialTable):
    for row in table.rows.values():
        assert row.id in [match.row.id for match in table.match(row.title)], row.title


def test_every_row_has_friction_and_restitution_even_if_a_stand_in(table: MaterialTable):
    for row in table.rows:
        for prop in ("density", "static_friction", "dynamic_friction", "restitution"):
            estimate = property_estimate(table, prop, ((row, 1.0),))
            assert estimate is not None and estimate.evidence
            from_pairs = any(item.source == "friction_pairs.toml" for item in estimate.evidence)
            if prop not in table.rows[row].values and not from_pairs:
                assert estimate.flags, (row, prop)


def test_a_group_is_at_least_as_wide_as_its_commonest_member(table: MaterialTable):
    steel = property_estimate(table, "density", (("steel", 1.0),))
    carbon = property_estimate(table, "density", (("steel_carbon", 1.0),))
    assert steel is not None and carbon is not None
    assert steel.high - steel.low >= carbon.high - carbon.low


def test_expand_sums_to_one_and_is_sorted(table: MaterialTable):
    rows = expand(table, (("steel", 0.5), ("polymer", 0.5)))
    assert sum(p for _, p in rows) == pytest.approx(1.0)
    assert [p for _, p in rows] == sorted((p for _, p in rows), reverse=True)


def test_mixture_of_equals_is_the_same_interval(table: MaterialTable):
    one = property_estimate(table, "density", (("wood_oak", 1.0),))
    assert one is not None
    both = mixture([(0.3, one), (0.7, one)], "kg/m3", "test", (), ())
    assert both.low == pytest.approx(one.low, rel=1e-6) and both.high == pytest.approx(one.high, rel=1e-6)


def test_unknown_density_is_wide_and_not_water_in_disguise(table: MaterialTable):
    prior = unknown_density(table, MaterialSettings.from_config().unknown)
    assert prior.high / prior.low > 10
    assert "unknown_material" in prior.flags and prior.evidence[0].kind == "prior"
    assert prior.low < 300 and prior.high > 2700


def test_user_file_adds_and_overrides_rows(tmp_path: Path):
    user = tmp_path / "mine.toml"
    user.write_text(
        """
schema_version = 1
[sources.lab]
title = "Our own scale"
where = "lab book 7"
kind = "measurement"
[materials.pp]
density = { low = 901, high = 903, source = "lab" }
[materials.unobtainium]
title = "Unobtainium"
family = "metal"
nonvisual = "steel"
density = { value = 4000, source = "lab" }
aliases = { en = ["unobtainium"] }
""",
        encoding="utf-8",
    )
    table = MaterialTable.load([user])
    assert (table.row("pp").values["density"].low, table.row("pp").values["density"].high) == (901, 903)
    assert table.row("pp").aliases, "untouched keys of the row stay"
    assert table.match("Unobtainium sheet")[0].row.id == "unobtainium"


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("schema_version = 9", "materials_schema_version", "schema_version"),
        ("schema_version = 1\n[material.x]\ntitle='x'", "materials_unknown_key", "material"),
        ("schema_version = 1\n[materials.x]\ntitle='x'\nfamily='metal'", "materials_bad_row", "nonvisual"),
        ("schema_version = 1\n[materials.pp]\nfamily='cheese'", "materials_bad_row", "cheese"),
        ("schema_version = 1\n[materials.pp]\nnonvisual='shiny'", "materials_bad_row", "shiny"),
        ("schema_version = 1\n[materials.pp]\nweight=0", "materials_bad_row", "weight"),
        ("schema_version = 1\n[materials.pp]\ndensity={low=900,high=910}", "materials_bad_row", "source"),
        ("schema_version = 1\n[materials.pp]\ndensity={low=900,high=910,source='nobody'}", "materials_bad_row", "nobody"),
        ("schema_version = 1\n[materials.pp]\ndensity={low=910,high=900,source='pymat'}", "materials_bad_row", "density"),
        ("schema_version = 1\n[materials.pp]\ndensity={value=0.9,source='pymat'}", "materials_bad_row", "density"),
        ("schema_version = 1\n[materials.pp]\ndensity={low=nan,high=900,source='pymat'}", "materials_bad_row", "density"),
        ("schema_version = 1\n[materials.pp]\ndensity=900", "materials_bad_row", "density"),
        ("schema_version = 1\n[materials.pp]\ncolour='red'", "materials_unknown_key", "colour"),
        ("schema_version = 1\n[materials.pp]\naliases={en=['ABS']}", "materials_bad_row", "ABS"),
        ("schema_version = 1\n[groups.mine]\ntitle='m'\nfamily='metal'\nnonvisual='steel'\nmembers=['pp']", "materials_bad_row", "pp"),
        ("schema_version = 1\n[materials.ice]\ndynamic_friction={low=0.5,high=0.6,against='steel',source='pymat'}", "materials_bad_row", "dynamic"),
    ],
)  # fmt: skip
def test_a_bad_user_file_is_refused_by_name(tmp_path: Path, text: str, code: str, word: str):
    user = tmp_path / "bad.toml"
    user.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        MaterialTable.load([user])
    assert caught.value.code == code
    assert word in caught.value.message


def test_the_docs_page_is_current(table: MaterialTable):
    page = PACKAGE_ROOT.parent / "docs" / "materials.md"
    assert page.read_text(encoding="utf-8") == render(table, MaterialSettings.from_config().unknown), (
        "run python -m physicl_twin.normalize.material_page"
    )


def test_properties_are_all_known():
    assert set(PROPERTIES) == set(LIMITS)
