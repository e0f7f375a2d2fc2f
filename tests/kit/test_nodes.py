"""The graph nodes: from the trigger to the outputs and the stage, over many frames, with and without mishaps."""

from __future__ import annotations

import gc
import json
import math
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pxr import Sdf, Usd, UsdGeom

from physicl_twin.kit.nodes import place, state, work
from physicl_twin.kit.nodes.work import NodeWork, Request, Signal
from physicl_twin.model import ConfigError, dumps
from physicl_twin.workbench import TaskState
from tests.in_stage.mechanisms import agrees, planar_arm
from tests.ingest.mesh_files import box, stl_binary
from tests.kit import graph_editor
from tests.kit.graph_editor import GraphEditor


class Job:
    """A job that goes on as the test says."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.state = TaskState("running", "normalize", 0.25)
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True
        if not self.state.finished:
            error = {"code": "cancelled", "message": "The job was cancelled.", "hint": ""}
            self.state = replace(self.state, status="cancelled", error=error)

    def finish(self, result: Any) -> None:
        self.state = TaskState("done", "validate", 1.0, result=result)

    def fail(self, message: str, hint: str) -> None:
        self.state = TaskState("failed", error={"code": "x", "message": message, "hint": hint})


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GraphEditor:
    kit = graph_editor.install(monkeypatch)
    kit.settings["/persistent/exts/physicl_twin/output_folder"] = str(tmp_path / "out")
    return kit


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Jobs that nodes begin, in place of workers."""
    begun: list[Job] = []

    def start(request: Request) -> Job:
        begun.append(Job(request))
        return begun[-1]

    monkeypatch.setattr(state, "NodeWork", lambda: NodeWork(start))
    return begun


def single(kit: GraphEditor, node: str, **inputs: Any) -> Any:
    """A graph of one node behind an event."""
    kit.graph.edit(
        {
            "CREATE_NODES": [("Go", "omni.graph.action.OnCustomEvent"), ("N", f"physicl_twin.{node}")],
            "SET_VALUES": [(f"N.inputs:{name}", value) for name, value in inputs.items()],
            "CONNECT": [("Go.outputs:execOut", "N.inputs:execIn")],
        }
    )
    return kit.graph.nodes["N"]


def built(tmp_path: Path, name: str = "crate", *, failed: int = 0) -> dict[str, Any]:
    """A record of ``build`` with a small USD file behind it."""
    usd = tmp_path / name / "simready" / f"{name}.usda"
    usd.parent.mkdir(parents=True, exist_ok=True)
    stage = Usd.Stage.CreateNew(str(usd))
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, f"/{name}").GetPrim())
    UsdGeom.Cube.Define(stage, f"/{name}/Box")
    stage.Save()
    return {
        "source": f"{name}.stl",
        "status": "built",
        "twin": str(tmp_path / name),
        "usd": str(usd),
        "mass_kg": {"value": 1.25, "std": 0.1, "low": 1.1, "high": 1.4},
        "checks": {"passed": 5, "failed": failed, "not_checked": 0},
        "error": None,
    }


# The work of a node, without a graph


def request(**arguments: Any) -> Request:
    return Request("build", arguments)


def test_work_begins_once_and_ends_once(jobs: list[Job]) -> None:
    one = state.NodeWork()
    assert one.step(False, request).signal is Signal.IDLE
    assert one.step(True, request).signal is Signal.RUNNING
    assert one.step(False, request).progress == 0.25
    assert one.step(True, request).signal is Signal.RUNNING  # asked again for what is under way
    jobs[0].finish(7)
    assert one.step(False, request).result == 7
    assert one.step(False, request).signal is Signal.IDLE
    assert one.step(True, request).result == 7  # done already
    assert len(jobs) == 1


def test_the_newest_request_wins(jobs: list[Job]) -> None:
    one = state.NodeWork()
    one.step(True, lambda: request(seed=1))
    one.step(True, lambda: request(seed=2))
    assert jobs[0].cancelled
    jobs[0].state = TaskState("done", result="old")
    jobs[1].finish("new")
    assert one.step(False, request).result == "new"


def test_a_changed_source_is_a_new_request(jobs: list[Job], tmp_path: Path) -> None:
    source = tmp_path / "a.stl"
    source.write_text("1")
    one = state.NodeWork()
    ask = lambda: Request("build", {}, (str(source),))  # noqa: E731
    one.step(True, ask)
    jobs[0].finish(1)
    one.step(False, ask)
    source.write_text("another length")
    assert one.step(True, ask).signal is Signal.RUNNING
    assert len(jobs) == 2


def test_reset_stops_the_job_and_forgets_the_result(jobs: list[Job]) -> None:
    one = state.NodeWork()
    one.step(True, request)
    one.reset()
    assert jobs[0].cancelled
    assert one.step(False, request).signal is Signal.IDLE
    one.step(True, request)
    jobs[1].finish(1)
    one.step(False, request)
    one.reset()
    assert one.step(True, request).signal is Signal.RUNNING


def test_bad_inputs_fail_with_the_fix_and_stop_what_ran(jobs: list[Job]) -> None:
    def bad() -> Request:
        raise ConfigError("input_missing", "Source is empty.", "Give a file.")

    one = state.NodeWork()
    one.step(True, request)
    step = one.step(True, bad)
    assert step.signal is Signal.FAILED
    assert step.error == "Source is empty. Give a file."
    assert jobs[0].cancelled


def test_a_job_ends_with_the_node_that_wanted_it(jobs: list[Job]) -> None:
    one = state.NodeWork()
    one.step(True, request)
    del one
    gc.collect()
    assert jobs[0].cancelled


def test_the_end_of_the_extension_stops_every_node(jobs: list[Job]) -> None:
    several = [state.NodeWork() for _ in range(3)]
    for one in several:
        one.step(True, request)
    work.reset_all()
    assert all(job.cancelled for job in jobs)


# Import Source


def test_import_source_builds_and_references_the_twin(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:
    node = single(
        kit, "ImportSource", source=str(tmp_path / "crate.stl"), materials=["handle=beech"], units="cm", seed=5
    )
    kit.graph.fire("Go")
    assert node.latent
    assert jobs[0].request.verb == "build"
    asked = jobs[0].request.arguments
    assert (asked["sources"], asked["units"], asked["up"]) == ([str(tmp_path / "crate.stl")], "cm", None)
    assert (asked["materials"], asked["seed"], asked["mass"]) == ({"handle": "beech"}, 5, None)
    assert asked["out"] == str(tmp_path / "out" / "twins")
    kit.graph.update()
    assert (node.outputs.stage, node.outputs.progress) == ("normalize", 0.25)
    assert kit.graph.visited == []
    jobs[0].finish({"records": [built(tmp_path)]})
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:finished"]
    assert not node.latent
    assert node.outputs.prims == ["/World/crate"]
    assert (node.outputs.massKg, node.outputs.massStdKg, node.outputs.passed) == (1.25, 0.1, True)
    assert node.outputs.progress == 1.0
    assert kit.stage.GetPrimAtPath("/World/crate/Box").IsA(UsdGeom.Cube)
    assert not kit.stage.GetPrimAtPath("/World/crate").GetAttribute("xformOpOrder").HasAuthoredValue()
    assert node.errors == []
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:finished"]


def test_the_seed_of_the_settings_counts_where_the_node_states_none(kit: GraphEditor, jobs: list[Job]) -> None:
    kit.settings["/exts/physicl_twin/seed"] = 42
    single(kit, "ImportSource", source="a.stl")
    kit.graph.fire("Go")
    assert jobs[0].request.arguments["seed"] == 42


def test_a_failed_build_leaves_the_stage_alone(kit: GraphEditor, jobs: list[Job]) -> None:
    before = kit.stage.GetRootLayer().ExportToString()
    node = single(kit, "ImportSource", source="a.stl")
    kit.graph.fire("Go")
    jobs[0].fail("a.stl is damaged.", "Export it again.")
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:failed"]
    assert node.outputs.error == "a.stl is damaged. Export it again."
    assert node.errors == ["a.stl is damaged. Export it again."]
    assert kit.stage.GetRootLayer().ExportToString() == before
    kit.graph.fire("Go")  # a failure is tried again
    assert len(jobs) == 2


def test_of_a_folder_what_can_be_built_is_built(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:
    node = single(kit, "ImportSource", source=str(tmp_path))
    kit.graph.fire("Go")
    bad = {"source": "b.stl", "error": {"code": "x", "message": "b.stl is empty.", "hint": "Export it again."}}
    jobs[0].finish({"records": [built(tmp_path, "a"), bad, built(tmp_path, "c")]})
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:finished"]
    assert node.outputs.prims == ["/World/a", "/World/c"]
    assert node.outputs.error == "b.stl is empty. Export it again."
    assert not node.outputs.passed


def test_nothing_is_put_on_the_stage_without_a_parent(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:
    node = single(kit, "ImportSource", source="a.stl", parent="")
    kit.graph.fire("Go")
    jobs[0].finish({"records": [built(tmp_path)]})
    kit.graph.update()
    assert node.outputs.prims == []
    assert not kit.stage.GetPrimAtPath("/World")


def test_a_stop_cancels_and_the_next_play_begins_anew(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:
    node = single(kit, "ImportSource", source="a.stl")
    kit.graph.fire("Go")
    kit.stop()
    assert jobs[0].cancelled
    kit.graph.update()  # the latent node notices that there is nothing to wait for
    assert not node.latent
    assert kit.graph.visited == []
    kit.graph.fire("Go")
    jobs[1].finish({"records": [built(tmp_path)]})
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:finished"]


def test_a_deleted_node_leaves_no_job_and_no_subscription(kit: GraphEditor, jobs: list[Job]) -> None:
    node = single(kit, "ImportSource", source="a.stl")
    kit.graph.fire("Go")
    assert kit.observers == 1
    node.release()
    gc.collect()
    assert jobs[0].cancelled
    assert kit.observers == 0


def test_a_real_build_behind_the_node(kit: GraphEditor, tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    source = folder / "crate_mm.stl"
    source.write_bytes(stl_binary(box((200.0, 300.0, 400.0))))
    node = single(kit, "ImportSource", source=str(source), out=str(folder / "twins"), fast=True, mass="2.0±0.1 kg")
    kit.graph.fire("Go")
    deadline = time.monotonic() + 120
    stages = set()
    while node.latent and time.monotonic() < deadline:
        time.sleep(0.02)
        kit.graph.update()
        stages.add(node.outputs.stage)
    assert kit.graph.visited == ["N.outputs:finished"], node.outputs.error
    assert node.outputs.massKg == pytest.approx(2.0, abs=0.2)
    assert len(stages) > 2
    (prim,) = node.outputs.prims
    assert "PhysicsRigidBodyAPI" in kit.stage.GetPrimAtPath(prim).GetAppliedSchemas()


# Spawn Variations


def a_set(folder: Path, members: tuple[int, ...] = (0, 2, 3)) -> dict[str, Any]:
    """A set of variations as it lies on disk, as far as the node looks at it."""
    from physicl_twin.usd.variation_set import MANIFEST_VERSION, member_path

    folder.mkdir(parents=True)
    base = Usd.Stage.CreateNew(str(folder / "scene.usda"))
    base.SetDefaultPrim(UsdGeom.Xform.Define(base, "/World").GetPrim())
    UsdGeom.Cube.Define(base, "/World/Box")
    base.Save()
    for index in members:
        path = folder / member_path(index)
        path.parent.mkdir(parents=True, exist_ok=True)
        layer = Sdf.Layer.CreateNew(str(path))
        layer.subLayerPaths.append("../../scene.usda")
        layer.defaultPrim = "World"
        Sdf.AttributeSpec(Sdf.CreatePrimInLayer(layer, "/World/Box"), "size", Sdf.ValueTypeNames.Double).default = (
            index + 1.0
        )
        layer.Save()
    manifest = {"schema_version": MANIFEST_VERSION, "members": list(members)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return {"scene": str(folder / "scene.usda"), "accepted": len(members), "rejected": 1, "error": None}


def size(stage: Usd.Stage, path: str) -> float:
    return float(stage.GetPrimAtPath(path).GetAttribute("size").Get())


def test_spawn_shows_the_turns_member_for_the_time_of_the_play(
    kit: GraphEditor, jobs: list[Job], tmp_path: Path
) -> None:
    UsdGeom.Xform.Define(kit.stage, "/World")
    before = (kit.stage.GetRootLayer().ExportToString(), kit.stage.GetSessionLayer().ExportToString())
    node = single(kit, "SpawnVariations", twins=[str(tmp_path / "mug")], count=4, seed=7)
    kit.graph.fire("Go")
    asked = jobs[0].request.arguments
    assert (asked["count"], asked["seed"], asked["twins"]) == (4, 7, [str(tmp_path / "mug")])
    assert Path(asked["out"]).parent == tmp_path / "out" / "variations"
    record = a_set(tmp_path / "set")
    jobs[0].finish(record)
    kit.graph.update()
    assert (node.outputs.member, node.outputs.accepted, node.outputs.rejected) == (0, 3, 1)
    assert node.outputs.prim == "/World/Variation"
    assert size(kit.stage, "/World/Variation/Box") == 1.0
    shown = []
    for turn in (2, 3, 4):
        node.inputs.put("turn", turn)
        kit.graph.fire("Go")
        shown.append((node.outputs.member, size(kit.stage, "/World/Variation/Box")))
    assert shown == [(2, 3.0), (3, 4.0), (0, 1.0)]
    assert len(jobs) == 1  # the set is not made again
    assert kit.stage.GetRootLayer().ExportToString() == before[0]
    kit.stop()
    assert (kit.stage.GetRootLayer().ExportToString(), kit.stage.GetSessionLayer().ExportToString()) == before


def test_the_folder_of_a_set_follows_from_what_is_asked(kit: GraphEditor, jobs: list[Job]) -> None:
    node = single(kit, "SpawnVariations", twins=["mug"])
    folders = []
    for inputs in ({"seed": 1}, {"seed": 2}, {"seed": 1}, {"seed": 1, "count": 3}):
        for name, value in {"count": 10, **inputs}.items():
            node.inputs.put(name, value)
        kit.graph.fire("Go")
        folders.append(jobs[-1].request.arguments["out"])
        kit.stop()
        kit.graph.update()
    assert folders[0] == folders[2]
    assert len(set(folders)) == 3


def test_a_closed_stage_is_not_touched(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:
    node = single(kit, "SpawnVariations", twins=["mug"])
    kit.graph.fire("Go")
    jobs[0].finish(a_set(tmp_path / "set"))
    kit.graph.update()
    kit.stage = Usd.Stage.CreateInMemory()
    kit.graph.fire("Go")
    assert kit.stage.GetPrimAtPath(node.outputs.prim + "/Box")
    kit.stop()
    assert not kit.stage.GetPrimAtPath("/World")


def test_an_empty_set_is_an_error_with_a_hint(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:
    node = single(kit, "SpawnVariations", twins=["mug"])
    kit.graph.fire("Go")
    jobs[0].finish(a_set(tmp_path / "set", ()))
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:failed"]
    assert "manifest.json" in node.outputs.error


# Run Rollout, Deploy Twin, Read Twin Estimate


def test_a_rollout_that_fails_is_a_verdict_not_an_error(kit: GraphEditor, jobs: list[Job]) -> None:
    node = single(kit, "RunRollout", twin="mug", engines=["mujoco"], rollouts=["drop"])
    kit.graph.fire("Go")
    assert jobs[0].request.arguments["engines"] == ["mujoco"]
    assert jobs[0].request.arguments["rollouts"] == ["drop"]
    jobs[0].finish(
        {
            "passed": False,
            "checks": {"passed": 9, "failed": 1, "not_checked": 2},
            "certificate": {
                "checks": [{"id": "mass.positive", "status": "failed"}, {"id": "x", "status": "passed"}],
                "rollouts": [{"name": "drop", "engine": "mujoco", "status": "failed"}],
            },
        }
    )
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:finished"]
    assert not node.outputs.passed
    assert node.outputs.failedChecks == ["mass.positive", "drop (mujoco)"]
    assert (node.outputs.checksPassed, node.outputs.checksNotDone) == (9, 2)
    assert json.loads(node.outputs.certificate)["rollouts"][0]["name"] == "drop"
    assert node.errors == []


def test_deploy_names_files_and_what_failed(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:
    node = single(kit, "DeployTwin", twin="mug", targets=["isaac-sim", "urdf"])
    kit.graph.fire("Go")
    assert jobs[0].request.arguments["out"] == str(tmp_path / "out" / "deployed")
    good = {"target": "isaac-sim", "main": "mug.usda", "passed": True, "error": None}
    bad = {"target": "urdf", "error": {"code": "x", "message": "A loop has no URDF.", "hint": "Open it."}}
    jobs[0].finish({"records": [good, bad]})
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:finished"]
    assert node.outputs.files == ["mug.usda"]
    assert not node.outputs.passed
    assert node.outputs.error == "urdf: A loop has no URDF. Open it."


def test_deploy_of_nothing_fails(kit: GraphEditor, jobs: list[Job]) -> None:
    node = single(kit, "DeployTwin", twin="mug", targets=["urdf"])
    kit.graph.fire("Go")
    bad = {"target": "urdf", "error": {"code": "x", "message": "A loop has no URDF.", "hint": "Open it."}}
    jobs[0].finish({"records": [bad]})
    kit.graph.update()
    assert kit.graph.visited == ["N.outputs:failed"]
    assert "Open it." in node.outputs.error


@pytest.mark.parametrize(
    ("node", "inputs", "what"),
    [
        ("ImportSource", {}, "Source is empty."),
        ("ImportSource", {"source": "a.stl", "materials": ["beech"]}, "no PART=MATERIAL"),
        ("SpawnVariations", {}, "Twin Folders is empty."),
        ("RunRollout", {}, "Twin is empty."),
        ("MakeSimReady", {}, "Prims is empty."),
        ("MakeSimReady", {"prims": [Sdf.Path("/a")], "massKg": -1.0}, "The mass is -1.0 kg."),
        ("DeployTwin", {}, "Twin is empty."),
        ("DeployTwin", {"twin": "mug", "targets": []}, "Targets is empty."),
    ],
)
def test_a_missing_input_is_said_at_once(
    kit: GraphEditor, jobs: list[Job], node: str, inputs: dict[str, Any], what: str
) -> None:
    made = single(kit, node, **inputs)
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:failed"]
    assert what in made.outputs.error
    assert jobs == []
    assert not made.latent


def twin_folder(tmp_path: Path) -> Path:
    """A twin's record on disk, of one body."""
    from tests.model.test_codec import full_twin

    twin = full_twin()
    (tmp_path / "twin.json").write_text(dumps(twin), encoding="utf-8")
    return tmp_path


def test_an_estimate_is_read_with_its_spread_and_its_reasons(kit: GraphEditor, tmp_path: Path) -> None:
    from physicl_twin.api import load_record
    from physicl_twin.inspect import rows

    folder = twin_folder(tmp_path)
    wanted = next(iter(rows(load_record(folder))))
    node = single(kit, "ReadTwinEstimate", twin=str(folder), quantity=wanted.quantity, owner=wanted.owner)
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:finished"], node.outputs.error
    assert (node.outputs.value, node.outputs.std) == (wanted.estimate.value, wanted.estimate.std)
    assert (node.outputs.unit, node.outputs.owner) == (wanted.estimate.unit, wanted.owner)
    assert node.outputs.why.splitlines() == [one.statement for one in wanted.estimate.evidence]


def test_an_unknown_estimate_says_which_there_are(kit: GraphEditor, tmp_path: Path) -> None:
    node = single(kit, "ReadTwinEstimate", twin=str(twin_folder(tmp_path)), quantity="colour")
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:failed"]
    assert "There are" in node.outputs.error


def test_reading_what_is_no_twin_fails_with_a_hint(kit: GraphEditor, tmp_path: Path) -> None:
    node = single(kit, "ReadTwinEstimate", twin=str(tmp_path / "nothing"))
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:failed"]
    assert "is not a twin" in node.outputs.error


# Make Sim-Ready


def a_box(stage: Usd.Stage, path: str = "/World/Steel_Box") -> Sdf.Path:
    cube = UsdGeom.Cube.Define(stage, path)
    cube.GetSizeAttr().Set(0.1)
    return Sdf.Path(path)


def test_prims_on_the_stage_become_sim_ready_and_nothing_twice(kit: GraphEditor) -> None:
    path = a_box(kit.stage)
    node = single(kit, "MakeSimReady", prims=[path], materials=["*=steel"], massKg=2.5)
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:finished"], node.outputs.error
    assert node.outputs.readyPrims == [str(path)]
    assert node.outputs.changed
    assert node.outputs.massesKg == [pytest.approx(2.5, rel=1e-3)]
    assert "PhysicsRigidBodyAPI" in kit.stage.GetPrimAtPath(path).GetAppliedSchemas()
    after = kit.stage.GetRootLayer().ExportToString()
    kit.graph.fire("Go")
    assert not node.outputs.changed
    assert kit.stage.GetRootLayer().ExportToString() == after


def test_a_prim_that_is_not_there_is_named_and_the_others_are_made_ready(kit: GraphEditor) -> None:
    path = a_box(kit.stage)
    node = single(kit, "MakeSimReady", prims=[path, Sdf.Path("/World/Gone")])
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:finished"]
    assert node.outputs.skippedPrims == ["/World/Gone"]
    assert "/World/Gone" in node.outputs.error


def test_nothing_to_make_ready_is_an_error(kit: GraphEditor) -> None:
    node = single(kit, "MakeSimReady", prims=[Sdf.Path("/World/Gone")])
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:failed"]
    assert "/World/Gone" in node.outputs.error


# Joints


def test_joints_are_read_with_their_limits(kit: GraphEditor) -> None:
    kit.stage = planar_arm()
    node = single(kit, "ReadJoints")
    kit.graph.fire("Go")
    assert node.outputs.joints == ["/World/arm/shoulder", "/World/arm/elbow"]
    assert node.outputs.positions == pytest.approx([0.0, 0.0])
    assert node.outputs.upper == pytest.approx([math.pi / 2, math.radians(120)])
    assert node.outputs.lower == pytest.approx([-math.pi / 2, -math.radians(120)])
    assert node.outputs.types == ["revolute", "revolute"]
    node.inputs.put("prims", [Sdf.Path("/World/arm/fore")])
    kit.graph.fire("Go")
    assert node.outputs.joints == ["/World/arm/elbow"]


@pytest.mark.parametrize(
    ("measure", "numbers", "shoulder", "elbow"),
    [
        ("si", [0.3, -0.5], 0.3, -0.5),
        ("degrees", [30.0], math.radians(30), math.radians(30)),
        ("range", [0.75, 0.5], math.radians(45), 0.0),
    ],
)
def test_joints_are_posed_until_the_stop(
    kit: GraphEditor, measure: str, numbers: list[float], shoulder: float, elbow: float
) -> None:
    kit.stage = planar_arm()
    root, session = kit.stage.GetRootLayer().ExportToString(), kit.stage.GetSessionLayer().ExportToString()
    node = single(kit, "MoveJoints", positions=numbers, measure=measure)
    for _ in range(2):
        kit.graph.fire("Go")
        assert kit.graph.visited[-1] == "N.outputs:finished", node.outputs.error
        agrees(kit.stage, shoulder, elbow)
    assert node.outputs.joints == ["/World/arm/shoulder", "/World/arm/elbow"]
    assert kit.stage.GetRootLayer().ExportToString() == root
    kit.stop()
    assert kit.stage.GetSessionLayer().ExportToString() == session
    agrees(kit.stage, 0.0, 0.0)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "Positions is empty"),
        ({"positions": [0.1, 0.2, 0.3]}, "3 positions for 2 joints"),
        ({"positions": [9.0]}, "beyond_limit|-90° to 90°"),
        ({"positions": [0.1], "way": "drive"}, "Nothing drives"),
        ({"sweepSeconds": -1.0}, "cannot be"),
        ({"positions": [0.1], "prims": [Sdf.Path("/World/nothing")]}, "no joints"),
    ],
)
def test_joints_that_cannot_be_moved_are_an_error(kit: GraphEditor, inputs: dict[str, Any], said: str) -> None:
    kit.stage = planar_arm()
    node = single(kit, "MoveJoints", **inputs)
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:failed"]
    assert re.search(said, node.outputs.error), node.outputs.error
    agrees(kit.stage, 0.0, 0.0)


def test_a_joint_that_cannot_is_named_and_the_other_moves(kit: GraphEditor) -> None:
    kit.stage = planar_arm()
    node = single(kit, "MoveJoints", positions=[2.0, 1.0])
    kit.graph.fire("Go")
    assert kit.graph.visited == ["N.outputs:finished"]
    assert node.outputs.skipped == ["/World/arm/shoulder"] and "shoulder" in node.outputs.error
    agrees(kit.stage, 0.0, 1.0)


# What is put on the stage


def test_a_twin_keeps_its_size_and_stands_upright_in_a_centimetre_y_up_stage(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    path = place.add_reference(stage, "/World", "crate", built(tmp_path)["usd"])
    matrix = UsdGeom.Xformable(stage.GetPrimAtPath(path)).ComputeLocalToWorldTransform(0)
    top = matrix.Transform((0.0, 0.0, 1.0))  # one metre up in the twin
    assert tuple(round(value, 6) for value in top) == (0.0, 100.0, 0.0)


def test_taken_names_get_a_number(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    usd = built(tmp_path)["usd"]
    assert [place.add_reference(stage, "/World", "crate", usd) for _ in range(3)] == [
        "/World/crate",
        "/World/crate_01",
        "/World/crate_02",
    ]


def test_a_locked_layer_is_an_error_card_and_nothing_changes(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    stage.GetRootLayer().SetPermissionToEdit(False)
    with pytest.raises(place.UsdError) as caught:
        place.add_reference(stage, "/World", "crate", built(tmp_path)["usd"])
    assert caught.value.code == "stage_refused"
    assert not stage.GetPrimAtPath("/World")


def test_nothing_is_put_inside_an_instance(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    prim = UsdGeom.Xform.Define(stage, "/World/Shelf").GetPrim()
    prim.GetReferences().AddReference(built(tmp_path)["usd"])
    prim.SetInstanceable(True)
    with pytest.raises(place.UsdError) as caught:
        place.add_reference(stage, "/World/Shelf", "crate", "x.usda")
    assert caught.value.code == "prim_in_instance"


@pytest.mark.parametrize("parent", ["World", "/World.size", "", "/World/a b"])
def test_a_parent_that_is_no_prim_path_is_refused(parent: str) -> None:
    with pytest.raises(place.UsdError) as caught:
        place.add_reference(Usd.Stage.CreateInMemory(), parent, "crate", "x.usda")
    assert caught.value.code == "prim_path_invalid"


def test_an_edit_target_in_a_variant_gets_the_reference(tmp_path: Path) -> None:
    stage = Usd.Stage.CreateInMemory()
    world = UsdGeom.Xform.Define(stage, "/World").GetPrim()
    variants = world.GetVariantSets().AddVariantSet("dressing")
    variants.AddVariant("full")
    variants.SetVariantSelection("full")
    with variants.GetVariantEditContext():
        place.add_reference(stage, "/World", "crate", built(tmp_path)["usd"])
    assert stage.GetPrimAtPath("/World/crate/Box")
    variants.ClearVariantSelection()
    assert not stage.GetPrimAtPath("/World/crate")
