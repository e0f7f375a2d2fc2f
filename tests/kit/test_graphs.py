"""The ready-made graphs: their nodes and attributes exist, and run as a graph they do what their titles say."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pxr import UsdGeom

from physicl_twin.kit import graphs, menu
from physicl_twin.kit.graphs import GraphPlan
from physicl_twin.model import dumps
from tests.kit.graph_editor import GraphEditor
from tests.kit.omnigraph import Keys, definition
from tests.kit.test_nodes import Job, a_set, built, jobs, kit, size  # noqa: F401 - fixtures among them
from tests.model.test_codec import full_twin

FACTS = json.loads((Path(__file__).parent / "contracts" / "ogn.json").read_text(encoding="utf-8"))["nodes"]
PLANS = [make() for make in graphs.PLANS]


def port(plan: GraphPlan, attribute: str) -> tuple[str, Any]:
    """(Type, allowed tokens) of ``node.inputs:name``."""
    name, _, rest = attribute.partition(".")
    side, _, what = rest.partition(":")
    node_type = dict(plan.nodes)[name]
    if node_type in FACTS:
        return FACTS[node_type][side][what], FACTS[node_type].get("tokens", {}).get(what)
    one = definition(node_type.removeprefix("physicl_twin."))[side][what]
    return one["type"], one.get("metadata", {}).get("allowedTokens")


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_nodes_and_attributes_exist_and_types_agree(plan: GraphPlan) -> None:
    for source, target in plan.connections:
        assert port(plan, source)[0] == port(plan, target)[0], (source, target)
    for attribute, value in plan.values:
        kind, tokens = port(plan, attribute)
        assert tokens is None or value in tokens
        wanted = {"token": str, "string": str, "bool": bool, "int": int, "double": float, "token[]": list}[kind]
        assert isinstance(value, wanted), attribute


def test_names_and_titles_are_different() -> None:
    assert len({plan.name for plan in PLANS}) == len({plan.title for plan in PLANS}) == len(PLANS)


def test_on_play_the_twins_are_randomized_and_settled(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:  # noqa: F811
    kit.graph.edit(graphs.randomize_on_play([str(tmp_path / "mug")]).edits(Keys))
    kit.graph.fire("OnPlay")
    jobs[0].finish(a_set(tmp_path / "set"))
    kit.graph.update()
    assert size(kit.stage, "/World/Variation/Box") == 1.0
    kit.stop()
    assert not kit.stage.GetPrimAtPath("/World/Variation")
    kit.graph.fire("OnPlay")
    assert jobs[1].request == jobs[0].request


def test_each_event_shows_the_next_variation(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:  # noqa: F811
    kit.graph.edit(graphs.next_variation_on_event([str(tmp_path / "mug")]).edits(Keys))
    kit.graph.fire("OnEvent")
    jobs[0].finish(a_set(tmp_path / "set"))
    kit.graph.update()
    shown = [kit.graph.nodes["Spawn"].outputs.member]
    for _ in range(3):
        kit.graph.fire("OnEvent")
        shown.append(kit.graph.nodes["Spawn"].outputs.member)
    assert shown == [0, 2, 3, 0]
    assert len(jobs) == 1


def test_joints_are_swept_while_it_plays_and_stand_as_before_after(kit: GraphEditor) -> None:  # noqa: F811
    from tests.in_stage.mechanisms import agrees, planar_arm

    kit.stage = planar_arm()
    before = [layer.ExportToString() for layer in (kit.stage.GetRootLayer(), kit.stage.GetSessionLayer())]
    kit.graph.edit(graphs.play_joints().edits(Keys))
    lower, upper = (-math.pi / 2, -math.radians(120)), (math.pi / 2, math.radians(120))
    for time, share in ((0.0, 0.0), (1.0, 0.5), (2.0, 1.0), (3.5, 0.25)):
        kit.graph.values["OnTick.outputs:time"] = time
        kit.graph.fire("OnTick", "tick")
        assert kit.graph.visited[-1] == "Move.outputs:finished", kit.graph.nodes["Move"].outputs.error
        agrees(kit.stage, *(low + share * (high - low) for low, high in zip(lower, upper, strict=True)))
    kit.stop()
    assert [layer.ExportToString() for layer in (kit.stage.GetRootLayer(), kit.stage.GetSessionLayer())] == before


def test_an_import_is_checked_and_its_mass_read(kit: GraphEditor, jobs: list[Job], tmp_path: Path) -> None:  # noqa: F811
    kit.graph.edit(graphs.import_and_check("crate.stl").edits(Keys))
    kit.graph.fire("OnImpulse")
    record = built(tmp_path)
    (Path(record["twin"]) / "twin.json").write_text(dumps(full_twin()), encoding="utf-8")
    jobs[0].finish({"records": [record]})
    kit.graph.update()
    assert jobs[1].request.verb == "validate"
    assert jobs[1].request.arguments["target"] == record["twin"]
    checks = {"passed": 1, "failed": 0, "not_checked": 0}
    jobs[1].finish({"passed": True, "checks": checks, "certificate": {"checks": [], "rollouts": []}})
    kit.graph.update()
    assert kit.graph.visited == ["Import.outputs:finished", "Rollout.outputs:finished", "Mass.outputs:finished"]
    assert kit.graph.nodes["Mass"].outputs.value > 0


def test_a_graph_is_put_where_there_is_room(kit: GraphEditor, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    import sys
    from types import ModuleType

    edited: list[tuple[dict[str, str], dict[str, Any]]] = []

    class Controller:
        Keys = Keys

        @staticmethod
        def edit(graph_id: dict[str, str], edit_commands: dict[str, Any]) -> None:
            edited.append((graph_id, edit_commands))

    core = ModuleType("omni.graph.core")
    core.Controller = Controller  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "omni.graph.core", core)
    monkeypatch.setattr(sys.modules["omni.graph"], "core", core, raising=False)
    UsdGeom.Scope.Define(kit.stage, "/World/Physicl/RandomizeOnPlay")
    assert graphs.create(PLANS[0], kit.stage) == "/World/Physicl/RandomizeOnPlay_01"
    assert edited == [
        ({"graph_path": "/World/Physicl/RandomizeOnPlay_01", "evaluator_name": "execution"}, PLANS[0].edits(Keys))
    ]


def test_the_menu_offers_the_panel_and_every_graph() -> None:
    opened: list[str] = []
    entries = menu.entries(lambda: opened.append("panel"), lambda plan: opened.append(plan.name))
    for entry in entries:
        assert entry.folder[0] == "Robotics"
        assert entry.description.endswith(".")
        entry.run()
    assert opened == ["panel", *(plan.name for plan in PLANS)]
