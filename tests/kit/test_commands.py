"""The undoable commands on real stages; ``omni.kit.commands`` is on no index, and a stand-in with its undo stack takes its place."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import pytest
from pxr import Usd, UsdGeom, UsdPhysics

from physicl_twin.model import PhysiclError
from tests.in_stage.mechanisms import agrees, planar_arm
from tests.in_stage.scenes import bowl as bowl_mesh
from tests.in_stage.scenes import cube, mesh, stage, text, value
from tests.kit.fake_kit import modules


class Undo:
    """As Kit does it: a command that raises is not kept; undo and redo go through a stack."""

    class Command:
        def __init__(self):
            pass

        def do(self): ...

        def undo(self): ...

    def __init__(self):
        self.known, self.done, self.undone = {}, [], []

    def register(self, command_class):
        self.known[command_class.__name__.removesuffix("Command")] = command_class

    def unregister(self, command_class):
        del self.known[command_class.__name__.removesuffix("Command")]

    def execute(self, name, **kwargs):
        command = self.known[name](**kwargs)
        try:
            result = command.do()
        except Exception:
            return False, None
        self.done.append(command)
        self.undone.clear()
        return True, result

    def undo(self):
        command = self.done.pop()
        command.undo()
        self.undone.append(command)

    def redo(self):
        command = self.undone.pop()
        command.do()
        self.done.append(command)


@pytest.fixture
def kit(monkeypatch):
    undo = Undo()
    log = []
    context = SimpleNamespace(
        stage=stage(0.01, "Y"),
        selected=[],
        get_stage=lambda: context.stage,
        get_selection=lambda: SimpleNamespace(get_selected_prim_paths=lambda: list(context.selected)),
    )
    modules(
        monkeypatch,
        {
            "carb": {
                name: (lambda said, level=name: log.append((level, said)))
                for name in ("log_error", "log_warn", "log_info")
            },
            "omni": {},
            "omni.kit": {},
            "omni.kit.commands": {"Command": Undo.Command, "register": undo.register, "unregister": undo.unregister},
            "omni.usd": {"get_context": lambda name="": context},
        },
    )
    sys.modules.pop("physicl_twin.kit.commands", None)
    commands = importlib.import_module("physicl_twin.kit.commands")
    commands.register()
    yield SimpleNamespace(undo=undo, log=log, context=context, commands=commands)
    commands.unregister()
    assert undo.known == {}
    sys.modules.pop("physicl_twin.kit.commands", None)


def test_make_sim_ready_is_one_step_of_undo(kit) -> None:
    made = kit.context.stage
    cube(made, "/World/a", 10.0)
    cube(made, "/World/b", 20.0, at=(50, 0, 0))
    before = text(made)
    done, report = kit.undo.execute("PhysiclMakeSimReady", paths=["/World/a", "/World/b"], materials={"*": "oak"})
    after = text(made)
    assert done and len(report.bodies) == 2 and len(kit.undo.done) == 1
    assert made.GetPrimAtPath("/World/b").HasAPI(UsdPhysics.RigidBodyAPI)
    kit.undo.undo()
    assert text(made) == before
    kit.undo.redo()
    assert text(made) == after
    kit.undo.undo()
    assert text(made) == before


def test_the_selection_is_meant_when_no_path_is_given_and_a_redo_means_the_same(kit) -> None:
    made = kit.context.stage
    cube(made, "/World/a", 10.0)
    cube(made, "/World/b", 10.0, at=(50, 0, 0))
    kit.context.selected = ["/World/a"]
    kit.undo.execute("PhysiclMakeSimReady")
    kit.undo.undo()
    kit.context.selected = ["/World/b"]
    kit.undo.redo()
    assert made.GetPrimAtPath("/World/a").HasAPI(UsdPhysics.RigidBodyAPI)
    assert not made.GetPrimAtPath("/World/b").HasAPI(UsdPhysics.RigidBodyAPI)


def test_all_four_one_after_the_other_and_back(kit) -> None:
    made = kit.context.stage
    prim = mesh(made, "/World/bowl", bowl_mesh(), 100.0)
    states = [text(made)]
    for name, arguments in (
        ("PhysiclMakeSimReady", {}),
        ("PhysiclRenormalize", {"materials": {"*": "oak"}}),
        ("PhysiclSetCollider", {"approximation": "sdf"}),
        ("PhysiclResetToAuthored", {}),
    ):
        done, report = kit.undo.execute(name, paths=["/World/bowl"], **arguments)
        assert done and report.changed, name
        states.append(text(made))
    assert states[-1] == states[0]
    for state in reversed(states[:-1]):
        kit.undo.undo()
        assert text(made) == state
    for state in states[1:]:
        kit.undo.redo()
        assert text(made) == state
    assert value(prim, "physics:mass") is None


def test_what_fails_leaves_the_stage_and_the_undo_stack_alone(kit) -> None:
    made = kit.context.stage
    cube(made, "/World/a", 10.0)
    before = text(made)
    made.GetRootLayer().SetPermissionToEdit(False)
    done, _ = kit.undo.execute("PhysiclMakeSimReady", paths=["/World/a"])
    made.GetRootLayer().SetPermissionToEdit(True)
    assert not done and not kit.undo.done and text(made) == before
    (said,) = [said for level, said in kit.log if level == "log_error"]
    assert "locked" in said and "\n" not in said
    with pytest.raises(ValueError, match="bodies"):
        kit.undo.execute("PhysiclMakeSimReady", paths=["/World/a"], bodies="all")


def test_prims_that_are_left_alone_are_told_and_many_are_counted(kit) -> None:
    done, report = kit.undo.execute("PhysiclMakeSimReady", paths=[f"/World/gone_{n}" for n in range(14)])
    assert done and not report.changed and len(report.skipped) == 14
    told = [said for level, said in kit.log if level == "log_warn"]
    assert len(told) == 11 and told[-1].startswith("4 more prims")


def test_a_closed_stage_is_told(kit) -> None:
    kit.context.stage = None
    done, _ = kit.undo.execute("PhysiclMakeSimReady", paths=["/World/a"])
    assert not done and "There is no stage." in kit.log[-1][1]


def test_a_stage_can_be_given_and_prims_may_vanish_before_the_undo(kit) -> None:
    made = Usd.Stage.CreateInMemory()
    UsdGeom.Cube.Define(made, "/a")
    command = kit.commands.PhysiclMakeSimReadyCommand(paths="/a", stage=made)
    assert command.do().changed
    made.RemovePrim("/a")
    command.undo()
    assert not made.GetPrimAtPath("/a")
    with pytest.raises(PhysiclError):
        kit.commands.PhysiclSetColliderCommand("none_such", paths=["/a"], stage=made).do()


def test_joints_are_moved_in_one_step_of_undo(kit) -> None:
    made = kit.context.stage = planar_arm()
    before = text(made)
    done, report = kit.undo.execute("PhysiclMoveJoints", positions={"/World/arm/elbow": 0.5})
    assert done and [one.path for one in report.bodies] == ["/World/arm/fore"]
    agrees(made, 0.0, 0.5)
    kit.undo.undo()
    assert text(made) == before
    kit.undo.redo()
    agrees(made, 0.0, 0.5)
    done, _ = kit.undo.execute("PhysiclMoveJoints", positions={"/World/arm/elbow": float("nan")})
    assert not done and kit.log[-1][0] == "log_error"
