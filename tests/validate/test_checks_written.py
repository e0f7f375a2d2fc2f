"""What the project's own writer writes passes; what its runtime layers may not do fails."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from handmade import hammer, make_twin, record_hashes, tray
from pxr import Sdf

from physicl_twin import ingest, normalize, settings, usd
from physicl_twin.model import dumps
from physicl_twin.validate import checks, simready
from physicl_twin.validate.checks.registry import REGISTRY, run_check
from physicl_twin.validate.subject import Subject, locate

checks.load()
SETTINGS = settings.pipeline()["checks"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("written")
    for name, pieces in (("hammer", hammer()), ("tray", tray())):
        twin = make_twin(name, pieces)
        usd.write_twin(twin, root, generated="2026-11-01")
        (root / name / "twin.json").write_text(dumps(twin), encoding="utf-8")
        record_hashes(root / name)
    return root


def subject(folder: Path) -> Subject:
    twin_dir, stage = locate(folder)
    return Subject(twin_dir, stage, SETTINGS)


@pytest.mark.parametrize("name", ["hammer", "tray"])
def test_the_writers_twin_passes_everything(written: Path, name: str):
    results = checks.run_all(subject(written / name))
    unknown = {"mass.usual"} if name == "tray" else set()  # no usual mass of trays was found
    assert [(r.id, r.target, r.message) for r in results if r.status != "passed" and r.id not in unknown] == []
    nvidia, _ = simready.check(written / name / "simready" / f"{name}.usda", "Robotics-Prop 4.0.0", written / name)
    assert [(r.id, r.target, r.message) for r in nvidia if r.status != "passed"] == []


def layer(folder: Path, engine: str) -> Any:
    return Sdf.Layer.FindOrOpen(str(folder / "simready" / "runnables" / "physics" / f"{engine}.usda"))


def heavier(folder: Path) -> None:
    edited = layer(folder, "physx")
    Sdf.AttributeSpec(edited.GetPrimAtPath("/hammer"), "physics:mass", Sdf.ValueTypeNames.Float).default = 3.0
    edited.Save()


def first_collider(prim: Any) -> Any:
    for child in prim.nameChildren:
        if "PhysxCollisionAPI" in str(child.GetInfo("apiSchemas")):
            return child
        below = first_collider(child)
        if below is not None:
            return below
    return None


def raw_triangles(folder: Path) -> None:
    edited = layer(folder, "physx")
    collider = first_collider(edited.GetPrimAtPath("/hammer"))
    Sdf.AttributeSpec(
        collider, "physics:approximation", Sdf.ValueTypeNames.Token, Sdf.VariabilityUniform
    ).default = "meshSimplification"
    edited.Save()


def ghost(folder: Path) -> None:
    edited = layer(folder, "physx")
    Sdf.PrimSpec(edited.GetPrimAtPath("/hammer"), "ghost", Sdf.SpecifierOver)
    edited.Save()


@pytest.mark.parametrize(
    ("check_id", "change"),
    [
        ("runtimes.mass", heavier),
        ("runtimes.colliders", raw_triangles),
        ("runtimes.open", ghost),
        ("files.intact", heavier),
    ],
)
def test_runtime_layers_may_not_redefine_the_object(
    written: Path, tmp_path: Path, check_id: str, change: Callable[[Path], None]
):
    shutil.copytree(written / "hammer", tmp_path / "hammer")
    change(tmp_path / "hammer")
    results = run_check(REGISTRY[check_id], subject(tmp_path / "hammer"))
    assert {r.status for r in results} == {"failed"}, results
    assert not any("The check itself broke" in r.message for r in results)


@pytest.mark.parametrize(("joint", "status"), [("fixed", "passed"), ("revolute", "failed")])
def test_what_only_collides_is_drawn_by_what_it_is_welded_to(tmp_path: Path, joint: str, status: str):
    inertial = (
        '<inertial><mass value="1"/><inertia ixx="0.01" iyy="0.01" izz="0.01" ixy="0" ixz="0" iyz="0"/></inertial>'
    )
    box = '<geometry><box size="0.1 0.2 0.3"/></geometry>'
    (tmp_path / "guarded.urdf").write_text(
        f'<robot name="guarded"><link name="base">{inertial}<visual>{box}</visual></link>'
        f'<link name="guard">{inertial}<collision>{box}</collision></link>'
        f'<joint name="weld" type="{joint}"><parent link="base"/><child link="guard"/><origin xyz="0 0 0.5"/>'
        '<axis xyz="0 0 1"/><limit lower="-1" upper="1" effort="1" velocity="1"/></joint></robot>',
        encoding="utf-8",
    )
    twin = ingest.read(tmp_path / "guarded.urdf")
    base, guard = twin.bodies
    guard = dataclasses.replace(guard, parts=(dataclasses.replace(guard.parts[0], role="collision"),))
    twin = normalize.normalize(dataclasses.replace(twin, bodies=(base, guard)))
    usd.write_twin(twin, tmp_path, generated="2026-11-01")
    (result,) = run_check(REGISTRY["geometry.drawn"], subject(tmp_path / "guarded"))
    assert result.status == status


def test_a_single_link_weighs_what_its_description_states(tmp_path: Path):
    """A motor that nobody drew makes the parts' sum wrong, and not the statement."""
    inertia = '<inertia ixx="0.05" iyy="0.06" izz="0.07" ixy="0" ixz="0" iyz="0"/>'
    (tmp_path / "drone.urdf").write_text(
        f'<robot name="drone"><link name="base"><inertial><origin xyz="0.01 0 0"/><mass value="3"/>{inertia}</inertial>'
        '<visual><geometry><box size="0.4 0.4 0.02"/></geometry></visual></link></robot>',
        encoding="utf-8",
    )
    twin = normalize.normalize(ingest.read(tmp_path / "drone.urdf"))
    usd.write_twin(twin, tmp_path, generated="2026-11-01")
    (tmp_path / "drone" / "twin.json").write_text(dumps(twin), encoding="utf-8")
    for name in ("mass.sum", "mass.density"):
        assert [
            (r.status, r.message)
            for r in run_check(REGISTRY[name], subject(tmp_path / "drone"))
            if r.status != "passed"
        ] == []


@pytest.mark.parametrize(("friction", "status"), [("<mu1>0</mu1><mu2>0</mu2>", "passed"), ("", "failed")])
def test_a_ball_that_stands_in_for_a_caster_may_have_no_friction(tmp_path: Path, friction: str, status: str):
    """Where the source says so; a zero that came to the stage otherwise fails."""
    inertial = (
        '<inertial><mass value="1"/><inertia ixx="1e-3" iyy="1e-3" izz="1e-3" ixy="0" ixz="0" iyz="0"/></inertial>'
    )
    shape = "<geometry><sphere radius='0.05'/></geometry>"
    (tmp_path / "caster.urdf").write_text(
        f'<robot name="caster"><link name="ball">{inertial}<visual>{shape}</visual><collision>{shape}</collision></link>'
        f'<gazebo reference="ball">{friction}</gazebo></robot>',
        encoding="utf-8",
    )
    twin = normalize.normalize(ingest.read(tmp_path / "caster.urdf"))
    path = usd.write_twin(twin, tmp_path, generated="2026-11-01")
    (tmp_path / "caster" / "twin.json").write_text(dumps(twin), encoding="utf-8")
    edited = Sdf.Layer.FindOrOpen(str(path.parent / "payloads" / "base.usda"))
    (material,) = edited.GetPrimAtPath("/caster/PhysicsMaterials").nameChildren
    for name in ("staticFriction", "dynamicFriction"):
        edited.GetAttributeAtPath(f"{material.path}.physics:{name}").default = 0.0
    edited.Save()
    (result,) = {run.status for run in run_check(REGISTRY["friction.range"], subject(tmp_path / "caster"))}
    assert result == status
