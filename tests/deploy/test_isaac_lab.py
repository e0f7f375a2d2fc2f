"""The configuration for Isaac Lab, run against classes that have exactly the fields of the real ones."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pxr import Usd, UsdPhysics

from physicl_twin.deploy import deploy
from tests.usd import movers, twins

CONTRACT = json.loads((Path(__file__).parent / "contracts" / "isaac_lab.json").read_text())


def stand_in(name: str, fields: list[str]) -> type:
    """A class that takes these fields and no other."""
    made = dataclasses.make_dataclass(name, [(field, Any, dataclasses.field(default=None)) for field in fields])
    return made


def load(path: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The configuration of a file, run as Isaac Lab of that version would."""
    classes = {name: stand_in(name, fields) for name, fields in CONTRACT["versions"][version].items()}
    state = classes.pop("InitialStateCfg")
    for name in ("ArticulationCfg", "RigidObjectCfg", "AssetBaseCfg"):
        classes[name].InitialStateCfg = state
    modules = {
        name: types.ModuleType(name) for name in ("isaaclab", "isaaclab.sim", "isaaclab.actuators", "isaaclab.assets")
    }
    for name in ("UsdFileCfg", "RigidBodyPropertiesCfg", "ArticulationRootPropertiesCfg"):
        setattr(modules["isaaclab.sim"], name, classes[name])
    modules["isaaclab.actuators"].ImplicitActuatorCfg = classes["ImplicitActuatorCfg"]
    for name in ("ArticulationCfg", "RigidObjectCfg", "AssetBaseCfg"):
        setattr(modules["isaaclab.assets"], name, classes[name])
    modules["isaaclab"].sim = modules["isaaclab.sim"]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    space: dict[str, Any] = {"__file__": str(path), "__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), space)
    return next(value for key, value in space.items() if key.endswith("_CFG"))


def exported(twin, tmp_path: Path) -> Path:
    (path,) = deploy(twin, "isaac-sim", tmp_path, check=False).path.glob("*_cfg.py")
    return path


def movable(stage: Usd.Stage) -> set[str]:
    """Names of the joints of the articulation, as PhysX calls its degrees of freedom: by their prims."""
    kinds = (UsdPhysics.RevoluteJoint, UsdPhysics.PrismaticJoint)
    return {
        prim.GetName()
        for prim in stage.Traverse()
        if any(prim.IsA(kind) for kind in kinds) and not UsdPhysics.Joint(prim).GetExcludeFromArticulationAttr().Get()
    }


@pytest.mark.parametrize("version", CONTRACT["versions"])
@pytest.mark.parametrize("name", ["arm", "cabinet", "gripper", "four_bar"])
def test_a_mechanism_is_an_articulation(name: str, version: str, tmp_path: Path, monkeypatch) -> None:
    path = exported(movers.MOVERS[name](), tmp_path)
    cfg = load(path, version, monkeypatch)
    assert type(cfg).__name__ == "ArticulationCfg"
    stage = Usd.Stage.Open(cfg.spawn.usd_path)
    assert stage.GetDefaultPrim()
    joints = movable(stage)
    # Every joint is named once, by expressions that match in full, as Isaac Lab wants it.
    named = [j for a in cfg.actuators.values() for e in a.joint_names_expr for j in joints if re.fullmatch(e, j)]
    assert sorted(named) == sorted(joints)
    started = [j for e in cfg.init_state.joint_pos for j in joints if re.fullmatch(e, j)]
    assert sorted(started) == sorted(joints)
    # What a mapping does not name would be zero there: each names all joints of its group.
    for actuator in cfg.actuators.values():
        for field in dataclasses.fields(actuator):
            value = getattr(actuator, field.name)
            if isinstance(value, dict):
                assert set(value) == set(actuator.joint_names_expr), field.name


def test_numbers_are_the_twins(tmp_path: Path, monkeypatch) -> None:
    made = movers.arm()
    cfg = load(exported(made, tmp_path), "2.x", monkeypatch)
    (group,) = cfg.actuators.values()
    assert group.effort_limit_sim == 60.0 and group.velocity_limit_sim == 2.0
    assert group.stiffness == {"joint_0": 400.0, "joint_1": 200.0, "joint_2": pytest.approx(400 / 3)}
    assert group.damping == 20.0 and group.armature == 0.02 and group.friction == 0.4
    assert cfg.spawn.articulation_props.enabled_self_collisions is False
    assert cfg.spawn.articulation_props.solver_position_iteration_count == 32


def test_what_resists_without_a_motor_is_a_group_of_its_own(tmp_path: Path, monkeypatch) -> None:
    path = exported(movers.cabinet(), tmp_path)
    cfg = load(path, "2.x", monkeypatch)
    assert set(cfg.actuators) == {"passive"}
    passive = cfg.actuators["passive"]
    assert passive.effort_limit_sim is None  # the asset's
    assert passive.stiffness["slide"] == 20.0 and passive.damping["slide"] == 5.0 and passive.friction["slide"] == 2.0
    assert cfg.init_state.joint_pos["slide"] == -0.05
    assert "Springs are slack at slide -0.01" in path.read_text()
    followers = load(exported(movers.gripper(), tmp_path), "2.x", monkeypatch).actuators["followers"]
    assert followers.stiffness == followers.damping == 0.0


def test_joints_with_and_without_limits_are_apart(tmp_path: Path, monkeypatch) -> None:
    made = movers.arm()
    free = replace(made.joints[1], max_velocity=None)
    cfg = load(exported(replace(made, joints=(made.joints[0], free, *made.joints[2:])), tmp_path), "2.x", monkeypatch)
    limits = {tuple(g.joint_names_expr): g.velocity_limit_sim for g in cfg.actuators.values()}
    assert limits == {("joint_0", "joint_2"): 2.0, ("joint_1",): None}


def test_one_body_is_a_rigid_object(tmp_path: Path, monkeypatch) -> None:
    cfg = load(exported(twins.single(), tmp_path), "3.0", monkeypatch)
    assert type(cfg).__name__ == "RigidObjectCfg"
    assert Path(cfg.spawn.usd_path).is_file() and cfg.spawn.rigid_props.max_depenetration_velocity == 3.0


def test_several_mechanisms_are_only_spawned(tmp_path: Path, monkeypatch) -> None:
    made = movers.doorway()
    other = [replace(body, name=f"{body.name} 2", pose=replace(body.pose, position_m=(9.0, *body.pose.position_m[1:])),
                     parts=tuple(replace(p, name=f"{p.name} 2") for p in body.parts)) for body in made.bodies]  # fmt: skip
    joints = [replace(j, name=f"{j.name} 2", body0=f"{j.body0} 2", body1=f"{j.body1} 2") for j in made.joints]
    street = replace(made, bodies=(*made.bodies, *other), joints=(*made.joints, *joints))
    result = deploy(street, "isaac-sim", tmp_path, check=False)
    cfg = load(next(result.path.glob("*_cfg.py")), "2.x", monkeypatch)
    assert type(cfg).__name__ == "AssetBaseCfg"
    assert any("several mechanisms" in note for note in result.record.notes)


def test_a_title_that_would_break_the_file_does_not(tmp_path: Path, monkeypatch) -> None:
    cfg = load(exported(replace(twins.single(), title='a """ title \\ with\nall'), tmp_path), "2.x", monkeypatch)
    assert type(cfg).__name__ == "RigidObjectCfg"


def test_the_contract_itself_refuses_other_fields(monkeypatch, tmp_path: Path) -> None:
    path = exported(twins.single(), tmp_path)
    path.write_text(path.read_text().replace("linear_damping=", "no_such_field="))
    with pytest.raises(TypeError, match="no_such_field"):
        load(path, "2.x", monkeypatch)
