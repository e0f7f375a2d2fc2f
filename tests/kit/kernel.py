"""Runs inside the Kit kernel's own environment: a scenario with the extension, told line by line on standard output.

Usage: kernel.py SCENARIO JSON, of an object with ``folders`` of extensions, ``portable`` root, ``arguments`` of Kit, the
``others`` to enable in a full editor, and what else the scenario wants.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omni.kit_app import KitApp

NAME = "physicl_twin"
FRAMES = 5


class Running:
    """The application, as it is while its own loop runs."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def is_running(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Kernel:
    """The running kernel."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self._app = KitApp()
        folders = [one for folder in given["folders"] for one in ("--ext-folder", folder)]
        fixed = ["--empty", "--allow-root", "--no-window", "--/app/extensions/registryEnabled=0"]
        self._app.startup([*fixed, "--portable-root", given["portable"], *folders, *given["arguments"]])
        self.manager = self._app.extension_manager
        # An application that is driven by update() says that it does not run, and only a running one unloads modules.
        import omni.kit.app

        real = omni.kit.app.get_app()
        omni.kit.app.get_app = lambda: Running(real)
        self.enable("omni.kit.pip_archive")  # numpy and psutil, which Isaac Sim's Python has and the kernel's lacks

    def update(self, frames: int = FRAMES) -> None:
        for _ in range(frames):
            self._app.update()

    def enable(self, name: str, wanted: bool = True) -> None:
        self.manager.set_extension_enabled_immediate(name, wanted)
        self.update()

    def watch(self, seconds: float, until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + seconds
        while not until() and time.monotonic() < deadline:
            self.update(1)
            time.sleep(0.02)

    def shutdown(self) -> None:
        self._app.shutdown()


def tell(what: str, value: Any) -> None:
    print(f"TOLD {json.dumps([what, value])}", flush=True)


def added() -> dict[str, Any]:
    """What the extension has added to the others, as they know it."""
    import omni.kit.actions.core as actions
    import omni.kit.commands as commands
    import omni.kit.menu.utils as menus
    import omni.kit.tool.asset_importer as importer
    import omni.kit.window.content_browser as browser
    import omni.replicator.core as rep

    return {
        "menu": sorted(path for path, _ in menus.leaves()),
        "actions": sorted(action for owner, action in actions.get_action_registry().actions if owner == NAME),
        "commands": sorted(name for name in commands.COMMANDS if name.startswith("Physicl")),
        "importers": [one.name for one in importer.IMPORTERS],
        "browser": sorted(browser.get_content_window().entries),
        "writers": sorted(rep.WriterRegistry.known),
    }


def processes() -> list[str]:
    import psutil

    children = psutil.Process().children(recursive=True)
    return [child.name() for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def everything(kernel: Kernel) -> None:
    """Enable all other extensions first, as an editor has them."""
    for name in kernel.given["others"]:
        kernel.enable(name)


def life(kernel: Kernel) -> None:
    """Enable, disable, enable again, reload, disable: nothing is left, nothing is there twice."""
    everything(kernel)
    import numpy  # noqa: F401 - Isaac Sim has imported it long before
    from pxr import UsdGeom  # noqa: F401 - likewise

    before = added()
    threads = sorted(thread.name for thread in threading.enumerate())
    kernel.enable(NAME)
    import physicl_twin

    tell("version", physicl_twin.__version__)
    tell("ids", [one["id"] for one in kernel.manager.get_extensions() if one["enabled"] and one["name"] == NAME])
    tell("enabled", added())

    import carb.settings
    import omni.graph.core as og
    import omni.kit.actions.core as actions
    import omni.kit.tool.asset_importer as importer

    from physicl_twin.kit import settings

    get = carb.settings.get_settings().get
    tell("settings", {name: get(path) for name, path in settings.paths()})
    tell("output_folder", settings.current().output_folder)
    tell("filters", importer.IMPORTERS[0].filter_descriptions)
    for name in [action for action in added()["actions"] if action.startswith("create_graph:")]:
        actions.get_action_registry().execute_action(NAME, name)
    tell("graphs", [path for path, _ in og.Controller.graphs])

    del physicl_twin, settings
    kernel.enable(NAME, False)
    tell("disabled", added() == before)
    tell("modules", [name for name in sys.modules if name.split(".")[0] == NAME])
    # Timed now that Python has compiled the modules, which it does once in the life of an installation.
    wall, cpu = time.perf_counter(), time.process_time()
    kernel.manager.set_extension_enabled_immediate(NAME, True)
    tell("startup_s", [time.perf_counter() - wall, time.process_time() - cpu])
    kernel.update()
    tell("again", added())
    kernel.enable(NAME, False)
    gc.collect()
    tell("disabled_again", added() == before)
    tell("threads", sorted(thread.name for thread in threading.enumerate()) == threads)


def reload(kernel: Kernel) -> None:
    """A file changes while the extension runs: Kit loads it anew."""
    everything(kernel)
    kernel.enable(NAME)
    first = added()
    changed = Path(kernel.given["folders"][0]) / NAME / "physicl_twin" / "kit" / "menu.py"
    text = changed.read_text(encoding="utf-8").replace("{TITLE} Graphs", "New Graphs")
    changed.write_text(text, encoding="utf-8")
    kernel.watch(30, lambda: added()["menu"] != first["menu"])
    kernel.update()
    tell("first", first)
    tell("reloaded", added())
    kernel.enable(NAME, False)
    tell("disabled", added()["menu"])


def headless(kernel: Kernel) -> None:
    """Without any window: the extension starts; a part comes and goes with the extension that it belongs to."""
    kernel.enable(NAME)
    tell("enabled", kernel.manager.is_extension_enabled(NAME))
    tell("imported", sorted(name for name in sys.modules if name.startswith(("omni.ui", "omni.kit.menu"))))
    kernel.enable("omni.kit.actions.core")
    kernel.enable("omni.kit.menu.utils")
    import omni.kit.menu.utils as menus

    tell("menu", sorted(path for path, _ in menus.leaves()))
    kernel.enable("omni.kit.menu.utils", False)
    tell("menu_without_its_owner", sorted(path for path, _ in menus.leaves()))
    kernel.enable(NAME, False)
    kernel.enable("omni.kit.menu.utils")
    tell("menu_of_a_disabled_extension", sorted(path for path, _ in menus.leaves()))


def node(kernel: Kernel) -> None:
    """A node works in a worker process, the timeline stops it, and the extension's end does, too."""
    kernel.enable(NAME)
    import carb.eventdispatcher
    import omni.graph.action_core as action_core
    import omni.timeline

    sys.path.append(str(Path(__file__).parents[2]))
    from tests.kit.omnigraph import Graph

    graph = action_core.INTERFACE = Graph()
    source = kernel.given["source"]
    graph.edit(
        {
            "CREATE_NODES": [
                ("Go", "omni.graph.action.OnCustomEvent"),
                ("Check", "omni.graph.action.OnCustomEvent"),
                ("N", "physicl_twin.ImportSource"),
                ("R", "physicl_twin.RunRollout"),
            ],
            "SET_VALUES": [
                ("N.inputs:source", source),
                ("N.inputs:fast", True),
                ("R.inputs:twin", f"{source}.missing"),
            ],
            "CONNECT": [("Go.outputs:execOut", "N.inputs:execIn"), ("Check.outputs:execOut", "R.inputs:execIn")],
        }
    )
    slowest = 0.0

    def work(until: Callable[[], bool]) -> None:
        nonlocal slowest
        deadline = time.monotonic() + 60
        while not until() and time.monotonic() < deadline:
            kernel.update(1)
            began = time.perf_counter()
            graph.update()
            slowest = max(slowest, time.perf_counter() - began)
            time.sleep(0.01)

    graph.fire("Check")
    work(lambda: not graph.nodes["R"].latent)
    tell("visited", graph.visited)
    tell("error", graph.nodes["R"].outputs.error)

    graph.fire("Go")
    work(lambda: graph.nodes["N"].outputs.stage != "")
    tell("working", [len(processes()), graph.nodes["N"].outputs.stage])
    carb.eventdispatcher.get_eventdispatcher().dispatch_event(omni.timeline.GLOBAL_EVENT_STOP, payload={})
    work(lambda: not processes())
    tell("after_stop", processes())

    graph.fire("Go")
    work(lambda: bool(processes()))
    tell("working_again", len(processes()))
    kernel.enable(NAME, False)
    work_done = time.monotonic() + 10
    while processes() and time.monotonic() < work_done:
        time.sleep(0.02)
    tell("after_disable", processes())
    tell("slowest_update_s", slowest)
    time.sleep(0.3)
    tell("threads", [thread.name for thread in threading.enumerate() if thread.name.startswith("physicl")])


def settings(kernel: Kernel) -> None:
    """A setting that makes no sense is said in words."""
    kernel.manager.set_extension_enabled_immediate(NAME, True)
    kernel.update()


if __name__ == "__main__":
    scenarios = {"life": life, "reload": reload, "headless": headless, "node": node, "settings": settings}
    running = Kernel(json.loads(sys.argv[2]))
    scenarios[sys.argv[1]](running)
    tell("end", True)
    running.shutdown()
