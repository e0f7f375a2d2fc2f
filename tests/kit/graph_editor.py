"""The few modules of Kit that the nodes import in ``compute``, for a test without Kit."""

from __future__ import annotations

import importlib
import sys
import weakref
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pxr import Usd, UsdGeom

from tests.kit.omnigraph import Graph


class GraphEditor:
    """A running editor as the nodes see it.

    Attributes:
        graph: The action graph.
        stage: The open stage.
        settings: Kit's settings by path.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.stage = Usd.Stage.CreateInMemory()
        UsdGeom.SetStageMetersPerUnit(self.stage, 1.0)
        UsdGeom.SetStageUpAxis(self.stage, UsdGeom.Tokens.z)
        self.settings: dict[str, Any] = {}
        self._observers: weakref.WeakSet[_Subscription] = weakref.WeakSet()

    def stop(self) -> None:
        """The timeline stops."""
        for subscription in tuple(self._observers):
            subscription.call(SimpleNamespace())

    def observe(self, call: Callable[[Any], None]) -> _Subscription:
        """Listen to the timeline's stop for as long as the result is held."""
        subscription = _Subscription(call)
        self._observers.add(subscription)
        return subscription

    @property
    def observers(self) -> int:
        """How many listen."""
        return len(self._observers)


class _Subscription:
    """Held by the observer; dropped, it is over."""

    def __init__(self, call: Callable[[Any], None]) -> None:
        self.call = call


def install(monkeypatch: pytest.MonkeyPatch) -> GraphEditor:
    """Put the modules in place for one test."""
    editor = GraphEditor()

    class Dispatcher:
        def observe_event(self, *, event_name: str, on_event: Callable[[Any], None], observer_name: str) -> object:
            assert event_name == "omni.timeline.stop"
            assert observer_name.startswith("physicl_twin.")
            return editor.observe(on_event)

    modules: dict[str, dict[str, Any]] = {
        "carb": {},
        "carb.eventdispatcher": {"get_eventdispatcher": Dispatcher},
        "carb.settings": {"get_settings": lambda: SimpleNamespace(get=editor.settings.get)},
        "carb.tokens": {"get_tokens_interface": lambda: SimpleNamespace(resolve=lambda text: text)},
        "omni.graph": {},
        "omni.graph.action_core": {"get_interface": lambda: editor.graph},
        "omni.timeline": {"GLOBAL_EVENT_STOP": "omni.timeline.stop"},
        "omni.usd": {"get_context": lambda: SimpleNamespace(get_stage=lambda: editor.stage)},
    }
    try:
        importlib.import_module("omni")
    except ImportError:
        monkeypatch.setitem(sys.modules, "omni", ModuleType("omni"))
    for name, members in modules.items():
        module = ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
        parent, _, child = name.rpartition(".")
        if parent:
            monkeypatch.setattr(sys.modules[parent], child, module, raising=False)
    return editor
