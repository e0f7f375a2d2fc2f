"""Every call into Kit against the signatures of Isaac Sim 6.2: names, number of arguments, keywords."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

import pytest

from tests.kit.contracts.walk import Use, sources, uses_of

ROOT = Path(__file__).parents[2]
CONTRACT = json.loads((Path(__file__).parent / "contracts" / "calls.json").read_text(encoding="utf-8"))
FILES = list(sources(ROOT))


def returns(name):
    entry = CONTRACT.get(name.removesuffix("@"))
    if entry is None or (entry["kind"] == "value") is not name.endswith("@"):
        return None
    return entry.get("returns")


@cache
def uses(path: Path) -> tuple[Use, ...]:
    return tuple(uses_of(path, ROOT, returns))


def fault(use: Use) -> str:
    """Why a use breaks the contract; empty when it keeps it."""
    entry = CONTRACT.get(use.name)
    if entry is None:
        return f"{use.where}: {use.name} is not in the contract; run python -m tests.kit.contracts.extract"
    if not use.called or entry["kind"] in ("value", "module"):
        return "" if not use.called or entry["kind"] == "value" else f"{use.where}: {use.name} is a module"
    if entry["kind"] == "usage":
        strange = set(use.keywords) - set(entry["keywords"]) - {"**"}
        if strange:
            return f"{use.where}: {use.name} was never seen with {sorted(strange)}, only {entry['keywords']}"
        if use.positional > entry["positional"]:
            return f"{use.where}: {use.name} was never seen with {use.positional} positional arguments"
        return ""
    signatures = entry["signatures"]
    if not signatures or any(fits(use, signature) for signature in signatures):
        return ""
    return f"{use.where}: {use.name}({use.positional} positional, {list(use.keywords)}) fits none of {signatures}"


def fits(use: Use, signature) -> bool:
    names, rest = signature["arguments"], signature["rest"]
    if use.positional > len(names) and rest in ("", "**"):
        return False
    known = set(names[max(use.positional, 0) :]) | set(signature["keyword_only"])
    if "**" not in rest and set(use.keywords) - known - {"**"}:
        return False
    needed = set(names[max(use.positional, 0) : signature["required"]])
    return use.positional < 0 or "**" in use.keywords or needed <= set(use.keywords)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_calls_keep_the_contract(path):
    assert [found for use in uses(path) if (found := fault(use))] == []


def test_enough_is_looked_at():
    """The walk resolves what matters: names through imports, variables, self, return types."""
    names = {use.name for path in FILES for use in uses(path)}
    assert {
        "omni.physx.get_physx_simulation_interface",
        "omni.physx.bindings._physx.IPhysxSimulation.attach_stage",
        "omni.physics.tensors.api.RigidBodyView.get_transforms",
        "omni.replicator.core.functional.modify.attribute",
        "omni.replicator.core.Writer",
        "omni.timeline.Timeline.is_stopped",
        "omni.usd.UsdContext.get_stage",
        "carb.settings.ISettings.get",
    } <= {canonical(name) for name in names}


def canonical(name: str) -> str:
    return name.replace("carb.settings._settings.", "carb.settings.").replace("omni.kit.app._app.", "omni.kit.app.")


def test_every_entry_says_where_it_comes_from():
    for name, entry in CONTRACT.items():
        assert entry["origin"], name
        assert not entry["origin"].startswith("/"), name
        assert entry["kind"] in ("function", "class", "value", "module", "usage"), name


def test_nothing_in_the_contract_is_left_over():
    used = {use.name for path in FILES for use in uses(path)}
    types = {entry.get("returns") for entry in CONTRACT.values()}
    assert sorted(set(CONTRACT) - used - types) == []


SNIPPET = """
import omni.usd
import omni.timeline as tl
from omni.physx import get_physx_simulation_interface
import omni.replicator.core as rep

class Holder:
    def __init__(self):
        self._sim = get_physx_simulation_interface()

    def go(self):
        {line}
"""


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("self._sim.attach_stge(1)", "attach_stge"),
        ("self._sim.attach_stage(1, 2)", "fits none"),
        ("self._sim.attach_stage(stage=1)", "fits none"),
        ("self._sim.attach_stage()", "fits none"),
        ("omni.usd.get_context().get_stge()", "get_stge"),
        ("omni.usd.get_contxt()", "get_contxt"),
        ("tl.get_timeline_interface().is_stoped()", "is_stoped"),
        ("rep.functional.modify.attribute([], 'a', 1, mode='x')", "never seen"),
        ("rep.functional.modify.attribut([], 'a', 1)", "attribut"),
    ],
)
def test_a_wrong_call_is_found(tmp_path, line, word):
    path = tmp_path / "wrong.py"
    path.write_text(SNIPPET.format(line=line), encoding="utf-8")
    faults = [found for use in uses_of(path, tmp_path, returns) if (found := fault(use))]
    assert len([text for text in faults if word in text]) >= 1, faults


def test_a_right_call_passes(tmp_path):
    path = tmp_path / "right.py"
    path.write_text(SNIPPET.format(line="self._sim.attach_stage(stage_id=1)"), encoding="utf-8")
    assert [found for use in uses_of(path, tmp_path, returns) if (found := fault(use))] == []


def test_only_the_kit_room_imports_kit():
    """And at the top of a module only where the module exists for Kit: everything else is imported when it is used."""
    for path in sorted((ROOT / "physicl_twin").rglob("*.py")):
        if "kit" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split(".")[0] in ("omni", "carb", "isaacsim")], path
