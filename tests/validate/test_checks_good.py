"""A twin without fault passes everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade import tray, write

from physicl_twin import settings
from physicl_twin.validate import checks, simready
from physicl_twin.validate.subject import Subject, locate


def run(folder: Path):
    twin_dir, usd = locate(folder)
    return checks.run_all(Subject(twin_dir, usd, settings.pipeline()["checks"]))


@pytest.mark.parametrize("name", ["hammer", "tray"])
def test_a_good_twin_passes_every_check(tmp_path: Path, name: str):
    results = run(write(tmp_path, name, tray() if name == "tray" else None))
    unknown = {"mass.usual"} if name == "tray" else set()  # no usual mass of trays was found
    assert [(r.id, r.target, r.message) for r in results if r.status != "passed" and r.id not in unknown] == []
    assert len(results) == len(checks.load())
    assert all(r.message for r in results), "a pass says with numbers what was found"


def test_a_good_twin_passes_nvidias_profile(tmp_path: Path):
    folder = write(tmp_path)
    results, label = simready.check(folder / "simready" / "hammer.usda", "Robotics-Prop 4.0.0", folder)
    assert label == "Robotics-Prop 4.0.0"
    assert [(r.id, r.message) for r in results if r.status != "passed"] == []
    assert len([r for r in results if r.id != "simready.optional"]) == 46


def test_a_twin_without_licence_is_not_checked_rather_than_failed(tmp_path: Path):
    by_id = {r.id: r for r in run(write(tmp_path, licence=""))}
    assert by_id["licence.stated"].status == "not_checked"
    assert by_id["licence.stated"].hint
    assert not [r for r in by_id.values() if r.status == "failed"]
