"""The verbs augment and deploy as a script calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import physicl_twin as pt
from tests.augment.families import spec_file, twin_folder
from tests.usd import twins


def call(*arguments: object) -> tuple[int, list[dict], str]:
    command = [sys.executable, "-m", "physicl_twin.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture(scope="module")
def crate(tmp_path_factory) -> Path:
    return twin_folder(tmp_path_factory.mktemp("twins"), twins.textured())


def test_augment_then_deploy_through_the_command_line(crate, tmp_path):
    spec = spec_file(tmp_path, "[scene]\nobjects = 3\n")
    out = tmp_path / "set"
    status, (record,), _ = call(
        "augment", crate, "--spec", spec, "--count", 4, "--seed", 9, "--out", out, "--jobs", 1, "--json"
    )
    assert status == 0
    assert record["accepted"] == 4
    assert record["error"] is None
    assert {"coverage.html", "contact_sheet.jpg", "manifest.parquet"} <= {path.name for path in out.iterdir()}
    status, records, _ = call("deploy", out, "--target", "mujoco", "--out", tmp_path / "exports", "--json")
    assert status == 0
    assert records[0]["target"] == "mujoco"


def test_a_set_without_members_is_not_deployed(crate, tmp_path):
    spec = spec_file(tmp_path, '[occlusion]\ntarget = "crate"\nrange = [1.0, 1.0]\n[settle]\nretries = 0\n')
    status, (record,), _ = call("augment", crate, "--spec", spec, "--count", 1, "--out", tmp_path / "set", "--json")
    assert status == 1
    assert record["error"]["code"] == "spec_unsatisfiable"
    status, (record,), _ = call("deploy", tmp_path / "set", "--target", "mujoco", "--out", tmp_path / "x", "--json")
    assert status == 1
    assert record["error"]["code"] == "set_without_members"


def test_errors_are_one_json_object_and_status_1(crate, tmp_path):
    spec = spec_file(tmp_path, "[camera]\ndistanc = 1\n")
    status, (record,), words = call("augment", crate, "--spec", spec, "--out", tmp_path / "set", "--json")
    assert status == 1
    assert record["error"]["code"] == "spec_unknown_property"
    assert "line 2" in words
    assert not (tmp_path / "set").exists()


def test_the_functions_do_the_same(crate, tmp_path):
    spec = spec_file(tmp_path, "[scene]\nobjects = 2\n")
    made = pt.augment(crate, spec, tmp_path / "set", count=2, seed=3, report=False)
    assert made.accepted == 2
    assert made.scene.is_file()
