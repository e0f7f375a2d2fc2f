from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from physicl_twin import ingest
from physicl_twin.jobs.record import whole_mass_properties
from physicl_twin.model import Estimate, MassProperties, Twin
from tests.contract.command import stl_box


def of_masses(tmp_path: Path, *masses: Estimate) -> Twin:
    """Boxes of these masses."""
    twin = ingest.read(stl_box(tmp_path / "box.stl", (40.0, 30.0, 20.0)), ingest.ReadOptions(units="mm", up_axis="z"))
    (body,) = twin.bodies
    inertia = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    properties = MassProperties(masses[0], (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), inertia, inertia)
    return replace(
        twin,
        bodies=tuple(
            replace(body, name=f"b{i}", mass_properties=replace(properties, mass=mass)) for i, mass in enumerate(masses)
        ),
    )


def test_the_interval_of_a_skewed_sum_stays_positive_and_skewed(tmp_path: Path) -> None:
    vague = Estimate.lognormal(20.0, 0.9, "kg", "test")
    told = whole_mass_properties(of_masses(tmp_path, vague, Estimate.normal(5.0, 0.1, "kg", "test")))["mass_kg"]
    assert told["value"] == pytest.approx(25.0)
    assert told["low"] == pytest.approx(vague.low + 5.0, abs=0.1)
    assert told["high"] == pytest.approx(vague.high + 5.0, abs=0.1)


def test_normal_masses_add_in_squares(tmp_path: Path) -> None:
    one = Estimate.normal(5.0, 0.3, "kg", "test")
    two = Estimate.normal(4.0, 0.4, "kg", "test")
    told = whole_mass_properties(of_masses(tmp_path, one, two))["mass_kg"]
    assert told["std"] == pytest.approx(0.5)
    assert told["high"] - 9.0 == pytest.approx(9.0 - told["low"])
    assert told["high"] - 9.0 == pytest.approx(1.645 * 0.5, rel=1e-3)
