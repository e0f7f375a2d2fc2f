"""A small OmniGraph for tests: nodes of ours run from their .ogn as the generated databases run them.

What it takes from the shipped ``Ogn*Database.py`` (isaacsim wheels 6.2.0.0): inputs are prefetched before and outputs
committed after ``compute``; ``compute`` of more than one argument is called as (context, node); what it raises is logged as
"Assertion raised in compute" and means False; state is made per instance by ``internal_state`` and dropped after
``release_instance``. What it takes from ``IActionGraph``'s documentation: the interface may be used in ``compute`` only,
latent nodes are evaluated at every update.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pxr import Sdf

NODES = Path(__file__).parents[2] / "physicl_twin" / "kit" / "nodes"
_EMPTY = {"execution": None, "string": "", "token": "", "bool": False, "int": 0, "float": 0.0, "double": 0.0}
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "token": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "double": (float, int),
    "target": (Sdf.Path,),
}


def definition(node: str) -> dict[str, Any]:
    """The .ogn of a node of ours."""
    found: dict[str, Any] = json.loads((NODES / f"Ogn{node}.ogn").read_text(encoding="utf-8"))[node]
    return found


def check(name: str, kind: str, value: Any) -> None:
    """Refuse what the generated accessors would refuse."""
    if kind.endswith("[]") or kind == "target":
        assert isinstance(value, list | tuple), f"{name} is {kind}, not {value!r}"
        for one in value:
            check(name, kind.removesuffix("[]"), one) if kind != "target" else None
        return
    wanted = _KINDS[kind]
    assert isinstance(value, wanted), f"{name} is {kind}, not {value!r}"
    assert bool in wanted or not isinstance(value, bool), f"{name} is {kind}, not {value!r}"


class Ports:
    """The inputs or the outputs of a database: the attributes of the .ogn and no others."""

    def __init__(self, attributes: dict[str, Any], *, writable: bool) -> None:
        initial = {
            name: one.get("default", [] if "[]" in one["type"] or one["type"] == "target" else _EMPTY[one["type"]])
            for name, one in attributes.items()
        }
        object.__setattr__(self, "_kinds", {name: one["type"] for name, one in attributes.items()})
        object.__setattr__(self, "_values", initial)
        object.__setattr__(self, "_writable", writable)

    def __getattr__(self, name: str) -> Any:
        if name not in self._kinds:
            raise AttributeError(f"there is no attribute {name!r} in the .ogn")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._writable:
            raise AttributeError(f"{name!r} is an input and locked during compute")
        self.put(name, value)

    def put(self, name: str, value: Any) -> None:
        """Set a value from outside ``compute``."""
        if name not in self._kinds:
            raise AttributeError(f"there is no attribute {name!r} in the .ogn")
        check(name, self._kinds[name], value)
        self._values[name] = value


class Node:
    """A node of ours in a graph; also what the database calls ``node``."""

    _next = 0

    def __init__(self, name: str, node_type: str) -> None:
        Node._next += 1
        self._id, self.name = Node._next, name
        spec = definition(node_type.removeprefix("physicl_twin."))
        short = node_type.removeprefix("physicl_twin.")
        self.implementation = getattr(importlib.import_module(f"physicl_twin.kit.nodes.Ogn{short}"), f"Ogn{short}")
        self.inputs = Ports(spec.get("inputs", {}), writable=False)
        self.outputs = Ports(spec.get("outputs", {}), writable=True)
        self.errors: list[str] = []
        self.latent = False
        self._states: dict[str, Any] = {}

    def node_id(self) -> int:
        return self._id

    def get_graph_instance_id(self) -> str:
        return "/graph"

    @property
    def per_instance_state(self) -> Any:
        make = getattr(self.implementation, "internal_state", None)
        if make is not None and "/graph" not in self._states:
            self._states["/graph"] = make()
        return self._states.get("/graph")

    @property
    def node(self) -> Node:
        return self

    def log_error(self, message: str, add_context: bool = True) -> None:
        self.errors.append(message)

    def release(self) -> None:
        release = getattr(self.implementation, "release_instance", None)
        if callable(release):
            release(self, "/graph")
        self._states.pop("/graph", None)


class Graph:
    """An action graph: events push execution through it, latent nodes are evaluated at every update."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.events: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.values: dict[str, Any] = {}
        self.connections: list[tuple[str, str]] = []
        self.visited: list[str] = []
        self._computing: tuple[Node, str | None, list[str]] | None = None

    def edit(self, edits: dict[str, list[tuple[str, Any]]]) -> Graph:
        """As ``og.Controller.edit`` does it."""
        for name, node_type in edits.get("CREATE_NODES", []):
            if node_type.startswith("physicl_twin."):
                self.nodes[name] = Node(name, node_type)
            else:
                self.events[name] = node_type
        for attribute, value in edits.get("SET_VALUES", []):
            name, _, port = attribute.partition(".inputs:")
            if name in self.nodes:
                self.nodes[name].inputs.put(port, value)
            self.values[attribute] = value
        self.connections += edits.get("CONNECT", [])
        return self

    # What IActionGraph gives to a node, during its compute only.
    def _now(self) -> tuple[Node, str | None, list[str]]:
        if self._computing is None:
            raise RuntimeError("not during compute")
        return self._computing

    def get_execution_enabled(self, name: str, /) -> bool:
        return self._now()[1] == name

    def get_latent_state(self) -> bool:
        return self._now()[0].latent

    def start_latent_state(self) -> None:
        node = self._now()[0]
        if node.latent:
            raise RuntimeError("the node is already latent")
        node.latent = True

    def end_latent_state(self) -> None:
        node = self._now()[0]
        if not node.latent:
            raise RuntimeError("the node is not latent")
        node.latent = False

    def set_execution_enabled(self, name: str, /) -> None:
        node, _, enabled = self._now()
        assert name.startswith("outputs:"), name
        assert getattr(node.outputs, name.removeprefix("outputs:")) is None, f"{name} is no execution output"
        enabled.append(name)

    def compute(self, name: str, pin: str | None = None) -> bool:
        """Evaluate a node and go on behind the pins that it enables.

        Args:
            name: The node.
            pin: Pin through which the execution comes in; None for the evaluation of a latent node.
        """
        node = self.nodes[name]
        self._pull(name)
        compute: Callable[..., Any] = node.implementation.compute
        self._computing = (node, pin, [])
        try:
            result = compute(None, node) if compute.__code__.co_argcount > 1 else compute(node)  # as the generated code
        except Exception as error:
            node.log_error(f"Assertion raised in compute - {error!r}")
            result = False
        finally:
            enabled = self._computing[2]
            self._computing = None
        assert len(enabled) <= 1, "only one output may be activated in a compute"
        for output in enabled:
            self.visited.append(f"{name}.{output}")
            self._push(f"{name}.{output}")
        return bool(result)

    def fire(self, event: str, pin: str = "execOut") -> None:
        """An event node sends execution out."""
        self._push(f"{event}.outputs:{pin}")

    def update(self) -> None:
        """One update of the application."""
        for name, node in self.nodes.items():
            if node.latent:
                self.compute(name)

    def _push(self, output: str) -> None:
        for source, target in self.connections:
            name, _, pin = target.partition(".")
            if source != output:
                continue
            if self.events.get(name, "").endswith(".Counter"):
                self.counts[name] = self.counts.get(name, 0) + 1
                self._push(f"{name}.outputs:execOut")
            else:
                self.compute(name, pin)

    def _pull(self, name: str) -> None:
        for source, target in self.connections:
            owner, _, port = source.partition(".outputs:")
            to, _, into = target.partition(".inputs:")
            if to != name or self.nodes[name].inputs._kinds[into] == "execution":
                continue
            if owner in self.events:
                value = self.values.get(source, self.counts.get(owner, 0))
            else:
                value = getattr(self.nodes[owner].outputs, port)
            self.nodes[name].inputs.put(into, value)


class Keys:
    """``og.Controller.Keys``, by name."""

    CREATE_NODES = "CREATE_NODES"
    SET_VALUES = "SET_VALUES"
    CONNECT = "CONNECT"
