"""Whole sets: made in workers, read back, opened in both engines."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from pxr import Usd, UsdGeom, UsdPhysics

from physicl_twin.augment.table import read_rows
from physicl_twin.engines import ENGINES, engine
from physicl_twin.engines.physx_batch import open_batch
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.jobs.augment import AugmentOptions, augment
from physicl_twin.model import ConfigError, OutputError, PhysiclError, ValidationError
from physicl_twin.usd.variation_set import member_path, read_member, read_set
from tests.augment.families import spec_file, twin_folder
from tests.usd import twins

#: Three chunks.
COUNT = 132


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> list[Path]:
    where = tmp_path_factory.mktemp("twins")
    return [twin_folder(where, twins.single()), twin_folder(where, twins.textured())]


@pytest.fixture(scope="module")
def made(folders, tmp_path_factory) -> tuple[Path, dict]:
    where = tmp_path_factory.mktemp("set")
    spec = spec_file(where, "[scene]\nobjects = 6\nleft_out = { choice = [0, 1] }\n")
    record = augment(folders, where / "bin", AugmentOptions(spec, COUNT, 5, 2))
    return where / "bin", record


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_record_and_the_manifest_agree(made):
    out, record = made
    assert record["status"] == "built"
    assert record["accepted"] == COUNT
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["complete"]
    assert manifest["members"] == list(range(COUNT))
    assert not (out / ".physicl-work").exists()
    rows = read_rows(out / "manifest.parquet")
    assert [row["variation"] for row in rows] == list(range(COUNT))
    assert {len(row["objects"]) for row in rows} == {5, 6}
    assert all(row["overlap_m"] <= 1e-3 for row in rows)


def test_members_are_layers_of_a_few_kilobytes_that_open_without_a_word(made, capfd):
    out, _ = made
    sizes = [(out / member_path(index)).stat().st_size for index in range(COUNT)]
    assert max(sizes) < 10_000
    stage = Usd.Stage.Open(str(out / member_path(3)))
    bodies = [p for p in stage.Traverse() if p.HasAPI(UsdPhysics.RigidBodyAPI)]
    assert len(bodies) in (5, 6)
    assert capfd.readouterr().err == ""


def test_a_member_reads_back_as_its_row_says(made):
    out, _ = made
    shared = read_set(out)
    row = read_rows(out / "manifest.parquet")[77]
    member = read_member(out, shared, 77)
    assert [state.name for state in member.instances] == [item["name"] for item in row["objects"]]
    for state, item in zip(member.instances, row["objects"], strict=True):
        assert state.pose.position_m == pytest.approx((item["x"], item["y"], item["z"]), abs=1e-12)
        assert state.mass_factor == pytest.approx(item["mass_factor"], rel=1e-6)
        assert state.surfaces[0].static_friction == pytest.approx(item["surfaces"][0]["static_friction"], rel=1e-6)
    assert member.light.key_azimuth_rad == pytest.approx(row["light"]["key_azimuth_rad"], abs=1e-6)
    assert member.camera.focal_length_mm == pytest.approx(row["camera"]["focal_length_mm"], rel=1e-6)


def test_a_variant_set_holds_every_member(made, folders, tmp_path):
    out, record = made
    spec = spec_file(tmp_path, "[scene]\nobjects = 6\nleft_out = { choice = [0, 1] }\n")
    again = augment(folders, out, AugmentOptions(spec, COUNT, 5, 1, report=False, variants=True))
    assert again["accepted"] == record["accepted"]
    stage = Usd.Stage.Open(str(out / "variants.usda"))
    # Chosen in the session, so that the file goes on opening with its first member.
    stage.SetEditTarget(stage.GetSessionLayer())
    assert not stage.GetCompositionErrors()
    choice = stage.GetDefaultPrim().GetVariantSet("variation")
    assert len(choice.GetVariantNames()) == record["accepted"]
    for number in (0, 77):
        choice.SetVariantSelection(Path(member_path(number)).stem)
        alone = Usd.Stage.Open(str(out / member_path(number)))
        paths = [prim.GetPath() for prim in alone.Traverse()]
        assert [prim.GetPath() for prim in stage.Traverse()] == paths
        assert UsdGeom.GetStageUpAxis(stage) == UsdGeom.GetStageUpAxis(alone)
        for path in paths:
            for attribute in alone.GetPrimAtPath(path).GetAttributes():
                assert stage.GetAttributeAtPath(attribute.GetPath()).Get() == attribute.Get(), attribute.GetPath()
    with engine("physx").open(out / "variants.usda") as scene:
        assert len(scene.bodies) == len(read_member(out, read_set(out), 0).instances)
    (out / "variants.usda").unlink()


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("index", [0, 77, 131])
def test_members_rest_in_both_engines(made, name, index):
    out, _ = made
    with engine(name).open(out / member_path(index)) as scene:  # PhysX too begins awake here
        before = scene.poses()
        scene.step(2e-3, 500)
        after = scene.poses()
        masses = {mass.body.rpartition("/")[2]: mass.mass_kg for mass in scene.mass_properties()}
    way, turn = motion(before, after)
    assert way < 1e-3
    assert turn < 1.0
    row = read_rows(out / "manifest.parquet")[index]
    for item in row["objects"]:
        assert masses[item["name"]] == pytest.approx(item["mass_kg"], rel=1e-5)


def test_members_start_asleep(made):
    out, _ = made
    row = read_rows(out / "manifest.parquet")[77]
    bodies = [f"/World/objects/{item['name']}" for item in row["objects"]]
    with open_batch((out / member_path(77)).resolve(), bodies, EngineSettings.from_pipeline()) as scene:
        before = scene.poses()
        scene.step(1 / 60, 60)
        way, turn = motion(before, scene.poses())
    assert way == 0.0
    assert turn < 0.1, "PhysX's own orientations are float32"


def motion(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Largest way in metres and turn in degrees."""
    dots = np.abs(np.einsum("ij,ij->i", before[:, 3:], after[:, 3:])).clip(max=1.0)
    way = np.linalg.norm(after[:, :3] - before[:, :3], axis=1)
    return float(way.max()), float(np.degrees(2 * np.arccos(dots)).max())


def test_one_worker_and_two_and_a_stop_between_make_the_same_bytes(made, folders, tmp_path):
    out, _ = made
    spec = tmp_path / "spec.toml"
    spec.write_text("[scene]\nobjects = 6\nleft_out = { choice = [0, 1] }\n")
    again = tmp_path / "bin"
    stop = threading.Event()
    options = AugmentOptions(spec, COUNT, 5, 1)
    cut = augment(folders, again, options, on_progress=lambda *_: stop.set(), cancel=stop)
    assert cut["error"]["code"] == "cancelled"
    assert json.loads((again / "manifest.json").read_text())["complete"] is False
    record = augment(folders, again, options)
    assert record["status"] == "built"
    assert files(again) == files(out)
    layers = sorted((again / "variations").rglob("*.usdc"))
    stamp = [layer.stat().st_mtime_ns for layer in layers]
    assert augment(folders, again, options)["accepted"] == COUNT
    assert [layer.stat().st_mtime_ns for layer in layers] == stamp, "a finished set is not made again"


def test_scale_takes_mass_and_inertia_along(folders, tmp_path):
    text = "[scene]\nobjects = 2\n[object]\nscale = { uniform = [0.7, 1.4] }\ndensity = { choice = [1.0] }\n"
    out = tmp_path / "scaled"
    record = augment(folders, out, AugmentOptions(spec_file(tmp_path, text), 3, 1, 1, report=False))
    assert record["accepted"] == 3
    row = read_rows(out / "manifest.parquet")[1]
    with engine("physx").open(out / member_path(1)) as scene:
        real = {mass.body.rpartition("/")[2]: mass for mass in scene.mass_properties()}
    true = {"block": twins.single().bodies[0].mass_properties, "crate": twins.textured().bodies[0].mass_properties}
    for item in row["objects"]:
        assert 0.7 < item["scale"] < 1.4
        stated = true[item["twin"]]
        mass = real[item["name"]]
        assert mass.mass_kg == pytest.approx(stated.mass.value * item["scale"] ** 3, rel=1e-5)
        assert mass.com_m == pytest.approx(np.array(stated.com_m) * item["scale"], abs=1e-6)
        trace = np.trace(np.array(stated.inertia_kgm2)) * item["scale"] ** 5
        assert np.trace(mass.inertia_kgm2) == pytest.approx(trace, rel=1e-4)


def test_objects_rest_on_a_plane(folders, tmp_path):
    out = tmp_path / "plane"
    spec = spec_file(tmp_path, '[scene]\nsupport = "plane"\nobjects = 2\n[placement]\norientation = "upright"\n')
    record = augment(folders, out, AugmentOptions(spec, 2, 1, 1, report=False))
    assert record["accepted"] == 2
    for item in read_rows(out / "manifest.parquet")[0]["objects"]:
        up = 1 - 2 * (item["qx"] ** 2 + item["qy"] ** 2)
        assert up == pytest.approx(1.0, abs=1e-3), "what is put down upright stays upright"


def test_a_target_is_hidden_as_much_as_was_asked_for(folders, tmp_path):
    text = '[scene]\nobjects = 6\nfill = 1.2\n[occlusion]\ntarget = "block_1"\nrange = [0.1, 0.7]\n'
    out = tmp_path / "hidden"
    record = augment(folders, out, AugmentOptions(spec_file(tmp_path, text), 4, 2, 1, report=False))
    rows = [row for row in read_rows(out / "manifest.parquet") if row["accepted"]]
    assert record["accepted"] == len(rows) >= 3
    assert all(0.1 <= row["occlusion"] <= 0.7 for row in rows)
    assert read_member(out, read_set(out), rows[0]["variation"]).occlusion == pytest.approx(rows[0]["occlusion"])


def test_what_cannot_be_satisfied_says_so(folders, tmp_path):
    text = '[scene]\nobjects = 2\n[occlusion]\ntarget = "block"\nrange = [1.0, 1.0]\n[settle]\nretries = 1\n'
    out = tmp_path / "never"
    record = augment(folders, out, AugmentOptions(spec_file(tmp_path, text), 2, 2, 1))
    assert record["error"]["code"] == "spec_unsatisfiable"
    assert "occlusion 4" in record["error"]["message"]
    assert json.loads((out / "manifest.json").read_text())["rejected"] == [0, 1]


def test_a_folder_of_another_set_is_left_alone(made, folders):
    out, _ = made
    before = files(out)
    with pytest.raises(OutputError) as refused:
        augment(folders, out, AugmentOptions(None, COUNT, 5, 1))
    assert refused.value.code == "output_of_another_set"
    assert "spec" in refused.value.message
    assert files(out) == before


def test_a_folder_with_other_files_is_left_alone(folders, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError) as refused:
        augment(folders, tmp_path, AugmentOptions(None, 1, 5, 1))
    assert refused.value.code == "output_not_empty"


def test_a_twin_that_failed_is_refused_unless_forced(tmp_path):
    folder = twin_folder(tmp_path / "twins", twins.single(), passed=False)
    with pytest.raises(ValidationError) as refused:
        augment([folder], tmp_path / "out", AugmentOptions(None, 1))
    assert refused.value.code == "twin_failed_validation"
    assert not (tmp_path / "out").exists()
    record = augment([folder], tmp_path / "out", AugmentOptions(None, 1, force=True, report=False))
    assert record["accepted"] == 1
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["twins"][0]["certificate_passed"] is False


@pytest.mark.parametrize("count", [0, -3, 1 << 25])
def test_counts_out_of_range_are_refused(folders, tmp_path, count):
    with pytest.raises(ConfigError) as refused:
        augment(folders, tmp_path / "out", AugmentOptions(None, count))
    assert refused.value.code == "count_out_of_range"


def test_the_same_twin_twice_and_a_twin_with_joints_are_refused(folders, tmp_path):
    with pytest.raises(ConfigError, match="called"):
        augment([folders[0], folders[0]], tmp_path / "out", AugmentOptions())
    hinged = twin_folder(tmp_path / "twins", twins.hinged())
    with pytest.raises(PhysiclError) as refused:
        augment([hinged], tmp_path / "out", AugmentOptions())
    assert refused.value.code == "twin_not_single_body"
