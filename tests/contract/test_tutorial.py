"""The tutorial runs as it is printed, and ends where it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.command import ROOT

COUNT = 12
SCRIPT, PAGE = ROOT / "docs" / "tutorial.sh", ROOT / "docs" / "tutorial.md"
#: Objects of a scene, as the tutorial's spec says.
OBJECTS = 3
#: What a member at rest may move in one second.
REST_MM = 1.0


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory) -> tuple[Path, str]:
    """Folder and output of the script, without pictures: they are tested elsewhere and take half the time."""
    out = tmp_path_factory.mktemp("tutorial")
    environment = {
        "COUNT": str(COUNT),
        "OUT": str(out),
        "PHYSICL": f"{sys.executable} -m physicl_twin.cli",
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["bash", str(SCRIPT), "--no-report", "--jobs", "2"],
        capture_output=True,
        text=True,
        timeout=400,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done.stdout


def test_every_variation_settled(tutorial) -> None:
    out, _ = tutorial
    manifest = json.loads((out / "mallets" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["members"] == list(range(COUNT))
    assert len(manifest["instances"]) == OBJECTS
    assert len(list((out / "mallets" / "variations").rglob("*.usdc"))) == COUNT


def test_the_export_holds_every_member_and_agrees(tutorial) -> None:
    out, _ = tutorial
    export = out / "exports" / "mujoco" / "mallets"
    assert len(list(export.glob("variation_*.xml"))) == COUNT
    record = json.loads((export / "deploy.json").read_text(encoding="utf-8"))
    assert record["licence"] == "CC0-1.0"


@pytest.mark.parametrize("engine", ["PhysX", "MuJoCo"])
def test_three_members_rest_in_both_engines(tutorial, engine) -> None:
    _, told = tutorial
    moved = re.findall(rf"^{engine}: .* moved ([\d.]+) mm at most$", told, re.MULTILINE)
    assert len(moved) == 3
    assert max(map(float, moved)) < REST_MM


def test_the_page_prints_the_commands_of_the_script() -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    script = (
        SCRIPT.read_text(encoding="utf-8")
        .replace("$PHYSICL ", "./physicl.sh ")
        .replace("$PYTHON ", ".venv/bin/python ")
    )
    _, commands = script.split('OUT="${OUT:-tutorial}"\n')
    lines = [line.removesuffix(' "$@"') for line in commands.splitlines() if line]
    assert len(lines) > 40
    assert [line for line in lines if line not in page] == []
