"""The .ogn files against the format's keywords, Isaac Sim's rules, the shipped nodes, and the code behind them."""

from __future__ import annotations

import ast
import inspect
import json
import keyword
import re
from pathlib import Path
from typing import Any

import pytest

from physicl_twin.kit.nodes import flow
from tests.kit.omnigraph import NODES

FACTS = json.loads((Path(__file__).parent / "contracts" / "ogn.json").read_text(encoding="utf-8"))
FILES = sorted(NODES.glob("Ogn*.ogn"))
NAMES = [
    "DeployTwin", "ImportSource", "MakeSimReady", "MoveJoints", "ReadJoints", "ReadTwinEstimate", "RunRollout",
    "SpawnVariations",
]  # fmt: skip
PORTS = ("inputs", "outputs", "state")


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def attributes(path: Path) -> list[tuple[str, str, dict[str, Any]]]:
    (node,) = read(path).values()
    return [(port, name, one) for port in PORTS for name, one in node.get(port, {}).items()]


def test_all_nodes_are_there_with_their_code() -> None:
    assert [path.stem.removeprefix("Ogn") for path in FILES] == NAMES
    assert all(path.with_suffix(".py").is_file() for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_keywords_and_required_fields(path: Path) -> None:
    ((name, node),) = read(path).items()
    assert path.stem == f"Ogn{name}"
    assert set(node) <= set(FACTS["node_keywords"])
    assert set(node) <= set(FACTS["node_keys_seen"]), "no shipped node uses this keyword"
    assert set(FACTS["node_required"]) <= set(node)
    assert node["language"] in FACTS["languages"]
    assert ("icon" in node) == ("categoryDefinitions" in node)
    assert (NODES / node["icon"]).is_file()
    defined = json.loads((NODES / node["categoryDefinitions"]).read_text())["categoryDefinitions"]
    assert node["categories"] in {one for one in defined if not one.startswith("$")}
    assert node["metadata"]["uiName"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_attributes_are_of_types_that_shipped_nodes_use(path: Path) -> None:
    for port, name, one in attributes(path):
        assert set(one) <= set(FACTS["attribute_keywords"]), name
        assert set(FACTS["attribute_required"]) <= set(one), name
        assert one["type"] in FACTS["types_seen"], f"{name}: {one['type']}"
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name), name
        assert not keyword.iskeyword(name), name
        assert one["description"].strip(), name
        if one["type"] not in ("execution", "target"):
            assert "default" in one, name
        for token, value in one.get("metadata", {}).get("allowedTokens", {}).items():
            # The generator makes Python names of them.
            assert token.isidentifier(), token
            assert not keyword.iskeyword(token), token
            assert value, token
        if "allowedTokens" in one.get("metadata", {}):
            assert one["default"] in one["metadata"]["allowedTokens"].values(), name
        if port == "outputs":
            assert name not in ("inputs", "outputs"), name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_node_has_the_pins_that_flow_drives(path: Path) -> None:
    (node,) = read(path).values()
    kinds = {f"{port}:{name}": one["type"] for port, name, one in attributes(path)}
    for pin in (flow.TRIGGER, flow.FINISHED, flow.FAILED):
        assert kinds[pin] == "execution"
    assert kinds["outputs:progress"] == "float"
    assert kinds["outputs:error"] == "string"
    assert node["version"] == 1


def used(path: Path) -> set[str]:
    """``inputs.x`` and ``outputs.x`` as the code behind a node names them."""
    found = set()
    for source in (path, NODES / "flow.py", NODES / "requests.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                if node.value.attr in ("inputs", "outputs"):
                    found.add((source.name, f"{node.value.attr}:{node.attr}"))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "inputs":
                found.add((source.name, f"inputs:{node.attr}"))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_code_and_ogn_name_the_same_attributes(path: Path) -> None:
    """What the code reads exists, and what exists is read or set: the rest is exec pins, driven by name."""
    declared = {f"{port}:{name}" for port, name, one in attributes(path) if one["type"] != "execution"}
    names = used(path.with_suffix(".py"))
    own = {name for source, name in names if source == path.with_suffix(".py").name}
    assert own <= declared, f"not in the .ogn: {own - declared}"
    assert declared <= {name for _, name in names}, f"nobody uses {declared - {name for _, name in names}}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_compute_is_static_and_of_one_argument(path: Path) -> None:
    """The generated code calls a ``compute`` of more arguments with (context, node)."""
    module = __import__(f"physicl_twin.kit.nodes.{path.stem}", fromlist=[path.stem])
    cls = getattr(module, path.stem)
    assert isinstance(inspect.getattr_static(cls, "compute"), staticmethod)
    assert cls.compute.__code__.co_argcount == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_compute_is_thin(path: Path) -> None:
    tree = ast.parse(path.with_suffix(".py").read_text(encoding="utf-8"))
    compute = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "compute")
    assert compute.end_lineno is not None
    assert compute.end_lineno - compute.lineno <= 14


def test_no_name_of_a_node_type_is_taken_twice() -> None:
    everywhere = [one for path in (NODES.parent).rglob("Ogn*.ogn") for one in read(path)]
    assert len(everywhere) == len(set(everywhere))
