"""Engines must believe the mass properties that twin.json states; written twins roll out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from physicl_twin.engines import ENGINES, engine
from physicl_twin.model import Estimate
from physicl_twin.usd import write_twin
from physicl_twin.validate.rollouts import applicable, compare_mass_properties, run
from tests.usd import twins

MADE = {
    "single": twins.single,
    "multi_part": twins.multi_part,
    "instanced": twins.instanced,
    "textured": twins.textured,
    "tray": twins.tray,
}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("make", MADE)
def test_engines_read_back_what_twin_json_says(tmp_path, name, make):
    twin = MADE[make]()
    results = compare_mass_properties(twin, write_twin(twin, tmp_path), engine(name), 1e-5)
    assert len(results) == len(twin.bodies)
    assert [r.status for r in results] == ["passed"] * len(results), results


@pytest.mark.parametrize("name", ENGINES)
def test_another_mass_com_or_inertia_is_noticed(tmp_path, name):
    twin = twins.multi_part()
    usd = write_twin(twin, tmp_path)
    body = twin.bodies[0]
    stated = body.mass_properties
    heavier = replace(stated, mass=Estimate.exact(stated.mass.value * 1.0001, "kg", "changed"))
    shifted = replace(stated, com_m=(stated.com_m[0] + 1e-5, *stated.com_m[1:]))
    turned = replace(stated, inertia_kgm2=tuple(row[::-1] for row in stated.inertia_kgm2[::-1]))
    for wrong in (heavier, shifted, turned):
        (result,) = compare_mass_properties(
            replace(twin, bodies=(replace(body, mass_properties=wrong),)), usd, engine(name), 1e-5
        )
        assert result.status == "failed", result
        assert result.target == body.name and result.hint


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("make", MADE)
def test_written_twins_roll_out(tmp_path, name, make):
    usd = write_twin(MADE[make](), tmp_path)
    for rollout in [rollout for rollout, reason in applicable(usd, name).items() if not reason]:
        result = run(rollout, usd, name)
        assert result.status == "passed", result.message
        print(make, name, rollout, round(result.seconds, 2), result.message)
