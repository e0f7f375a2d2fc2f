"""isaac-sim and omniverse: the layered asset, the USDZ, the SimReady package."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from pxr import Usd, UsdPhysics

from physicl_twin.deploy import deploy
from physicl_twin.deploy.read_usd import open_quietly
from physicl_twin.deploy.record import DeployResult
from physicl_twin.deploy.simready_package import DEFINITION, content_hash, package_hash
from physicl_twin.model import FileHash
from tests.usd import twins


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> DeployResult:
    return deploy(twins.textured(), "omniverse", tmp_path_factory.mktemp("packed"))


@pytest.mark.parametrize("name", ["multi_part", "sdf", "hinged"])
def test_isaac_sim_gets_the_asset_with_physx_selected(name: str, tmp_path: Path) -> None:
    result = deploy(twins.FAMILY[name](), "isaac-sim", tmp_path)
    assert result.passed, [c for c in result.round_trip if not c.passed]
    assert {"friction", "static_friction", "mass"} <= {c.quantity for c in result.round_trip}
    stage = Usd.Stage.Open(str(result.main))
    root = stage.GetDefaultPrim()
    assert root.GetVariantSet("PhysX").GetVariantSelection() == "Enabled"
    assert any(prim.GetAttribute("physxRigidBody:solverPositionIterationCount") for prim in stage.Traverse())
    neutral = Usd.Stage.Open(str(result.path / "simready" / result.main.name))
    assert neutral.GetDefaultPrim().GetVariantSet("PhysX").GetVariantSelection() == "Disabled"


def test_the_usdz_stands_alone(packed: DeployResult, tmp_path: Path) -> None:
    assert packed.passed, [c for c in packed.round_trip if not c.passed]
    alone = tmp_path / "elsewhere.usdz"
    shutil.copyfile(packed.main, alone)
    stage, problems = open_quietly(alone)
    assert not problems
    assert any(prim.HasAPI(UsdPhysics.RigidBodyAPI) for prim in stage.Traverse())
    names = zipfile.ZipFile(alone).namelist()
    assert names[0] == "crate.usda" and any(name.endswith(".png") for name in names)
    assert any("physx" in name for name in names), "the variants' payloads are packed, too"


def test_equal_twins_give_equal_bytes(packed: DeployResult, tmp_path: Path) -> None:
    again = deploy(twins.textured(), "omniverse", tmp_path, check=False)
    assert again.main.read_bytes() == packed.main.read_bytes()
    definition = Path("package") / DEFINITION
    assert (again.path / definition).read_bytes() == (packed.path / definition).read_bytes()


def test_the_bill_of_materials_lists_every_file_with_its_hash(packed: DeployResult) -> None:
    package = packed.path / "package"
    bom = json.loads((package / ".metadata" / "com.nvidia.simready.packaging.bom.json").read_text())
    listed = {item["relative_path"]: item for item in bom["items"]}
    content = {p.relative_to(package).as_posix(): p for p in package.rglob("*") if p.is_file()}
    content = {name: p for name, p in content.items() if name != DEFINITION and not name.startswith(".metadata/")}
    assert set(listed) == set(content)
    for name, path in content.items():
        assert listed[name]["hash"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert listed[name]["size"] == path.stat().st_size
    definition = json.loads((package / DEFINITION).read_text())
    assert definition["license"] == "CC0-1.0"
    for entry in definition["metadata"]:
        data = (package / ".metadata" / entry["name"]).read_bytes()
        assert entry["hash"]["sha256"] == hashlib.sha256(data).hexdigest()


def test_the_declared_conformance_is_nvidia_s_verdict(packed: DeployResult) -> None:
    name = "com.nvidia.simready.conformance.Robotics-Prop@4.0.0.json"
    record = json.loads((packed.path / "package" / ".metadata" / name).read_text())
    assert record["profile"] == "Robotics-Prop" and record["profile_version"] == "4.0.0"
    (asset,) = record["assets"]
    assert (packed.path / "package" / asset["asset"]).is_file()
    features = {key: value for entry in asset["features"] for key, value in entry.items()}
    assert features["FET_003_STANDARD"]["passed"] and features["FET_001_STANDARD"]["passed"]


def test_hashes_follow_the_specification() -> None:
    """PKG.HASH.001, computed here by hand from its text."""
    files = (FileHash("b.usd", "22" * 32, 2), FileHash("a.usd", "11" * 32, 1))
    content = hashlib.sha256(b"a.usd\0" + b"\x11" * 32 + b"b.usd\0" + b"\x22" * 32).hexdigest()
    assert content_hash(files) == content
    entries = [{"name": "z.json", "hash": {"sha256": "33" * 32}}]
    whole = b"id.1\0MIT\0" + bytes.fromhex(content) + b"z.json\0" + b"\x33" * 32
    assert package_hash("id.1", "MIT", content, entries) == hashlib.sha256(whole).hexdigest()
    assert content_hash(()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_simready_package_accepts_it(packed: DeployResult) -> None:
    """NVIDIA's own tool, where it is installed (PATH, or its path in SIMREADY_PACKAGE)."""
    tool = os.environ.get("SIMREADY_PACKAGE") or shutil.which("simready-package")
    if tool is None:
        pytest.skip("simready-package is not installed")
    python = Path(tool).parent / "python"
    tier = subprocess.run(
        [python, "-c", "import simready.foundation.tier_core as t; print(list(t.__path__)[0])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    paths = [f"--{name}-path={tier}/{folder}" for name, folder in (("rules", "capabilities"), ("features", "features"))]
    definition = packed.path / "package" / DEFINITION
    done = subprocess.run(
        [tool, "--post-validate-only", "--package-def", definition, *paths, f"--profiles-path={tier}/profiles"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "[PASSED]" in done.stdout + done.stderr, done.stderr[-2000:]
