"""``import physicl_twin as pt``: the lines that users copy, in a fresh interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.contract.command import ROOT, stl_box

SCRIPT = """
import dataclasses, json, sys
import physicl_twin as pt

if __name__ == "__main__":
    source, out = sys.argv[1:]
    result = pt.build(source, out=out, units="mm", materials={"*": "AISI 4140"}, mass=None)
    twin = pt.load(result.path)
    mass = twin.bodies[0].mass
    body = twin.bodies[0]
    wrong = dataclasses.replace(body.mass_properties, mass=pt.Estimate.exact(9 * mass.value, "kg", "test", mass.evidence))
    heavier = dataclasses.replace(twin, bodies=(dataclasses.replace(body, mass_properties=wrong),))
    print(json.dumps({
        "built": result.certificate.passed,
        "same": result.twin == twin,
        "usd": result.usd.name,
        "mass": [mass.value, mass.std, mass.unit, len(mass.evidence)],
        "validated": pt.validate(twin, engines=()).passed,
        "heavier": [c.id for c in pt.validate(heavier, engines=()).checks if c.status == "failed"],
    }))
"""


def test_the_lines_of_the_readme_work(tmp_path: Path) -> None:
    source = stl_box(tmp_path / "gear.stl", (40.0, 30.0, 20.0))
    script = tmp_path / "use.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script, source, tmp_path / "twins"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["built"] is True and seen["same"] is True and seen["usd"] == "gear.usda"
    value, std, unit, evidence = seen["mass"]
    assert abs(value - 7850 * 24e-6) < 0.02 * value and std > 0 and unit == "kg" and evidence >= 1
    assert seen["validated"] is True
    assert "mass.sum" in seen["heavier"], "a twin changed in memory is judged as it stands, not as it was built"
