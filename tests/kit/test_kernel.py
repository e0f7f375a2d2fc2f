"""The extension in the real Kit kernel. Needs ``./physicl.sh install kit`` and OMNI_KIT_ACCEPT_EULA=YES.

Real are the extension manager with its dependency solver, settings, tokens, events, hot reload and the import system;
extensions that PyPI lacks are stand-ins (``stubs``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from physicl_twin import __version__
from tests.ingest.mesh_files import box, stl_binary
from tests.kit import stubs

ROOT = Path(__file__).parents[2]
#: Kernel of Isaac Sim 6.2, and the one before.
KIT, OLDER = ROOT / ".venv-kit", ROOT / ".venv-kit-109"
TOML = tomllib.loads((ROOT / "extension.toml").read_text(encoding="utf-8"))

pytestmark = pytest.mark.skipif(
    not (KIT / "bin" / "python").exists() or os.environ.get("OMNI_KIT_ACCEPT_EULA") != "YES",
    reason="the Kit kernel is not installed (./physicl.sh install kit) or its licence is not accepted",
)

REQUIRED = [name for name, spec in TOML["dependencies"].items() if not spec.get("optional")]
OPTIONAL = [name for name, spec in TOML["dependencies"].items() if spec.get("optional")]
PIP = "omni.kit.pip_archive"
MENU = [
    "Robotics > Physicl Twin",
    "Robotics > Physicl Twin Graphs > On Custom Event: Next Variation",
    "Robotics > Physicl Twin Graphs > On Impulse: Import and Check",
    "Robotics > Physicl Twin Graphs > On Play: Randomize and Settle",
    "Robotics > Physicl Twin Graphs > On Play: Sweep Joints",
]


@dataclass(frozen=True)
class Run:
    """What a scenario told, and the lines that Kit logged."""

    told: dict[str, Any]
    log: list[str]

    @property
    def errors(self) -> list[str]:
        """Kit says "enabled" of an extension that failed to import: only the log tells."""
        return [line for line in self.log if "[Error]" in line]

    @property
    def leaks(self) -> list[str]:
        """Kit's warnings that the extension's object outlived its end.

        Of objects that only frames hold Kit 109 is itself the cause: its cache of file states keeps exceptions with their
        frames, and with them everybody who imported something.
        """
        held = [line for line in self.log if "is still alive" in line]
        return [line for line in held if set(re.findall(r"type: <class '(\w+)'>", line)) != {"frame"}]


def run(scenario: str, tmp_path: Path, *, kit: Path = KIT, without: tuple[str, ...] = (), **given: Any) -> Run:
    """Run a scenario of kernel.py on a copy of the extension, in a folder with a space."""
    place = tmp_path / "my extensions"
    copy = place / "physicl_twin"
    ignored = shutil.ignore_patterns("__pycache__", "samples")
    for part in ("physicl_twin", "config", "data", "docs"):
        shutil.copytree(ROOT / part, copy / part, ignore=ignored)
    shutil.copy(ROOT / "extension.toml", copy)
    packages = next((ROOT / ".venv" / "lib").glob("python3.12/site-packages"))
    names = [name for name in (*REQUIRED, *OPTIONAL, "omni.graph.action_core") if name not in without]
    stubs.write(tmp_path / "stubs", names, packages)
    arguments = {
        "folders": [str(place), str(tmp_path / "stubs")],
        "portable": str(tmp_path / "portable"),
        "arguments": [],
        "others": names,
        **given,
    }
    kernel_packages = next((kit / "lib").glob("python*/site-packages")) / "omni" / "kernel" / "py"
    environment = {
        **os.environ,
        "PYTHONPATH": str(kernel_packages),
        "PHYSICL_WORKER_PYTHON": str(ROOT / ".venv" / "bin" / "python"),
        "PYTHONPYCACHEPREFIX": str(tmp_path / "pycache"),
    }
    done = subprocess.run(
        [kit / "bin" / "python", str(Path(__file__).with_name("kernel.py")), scenario, json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=180,
        env=environment,
    )
    output = (done.stdout + done.stderr).splitlines()
    logs = [line for path in (tmp_path / "portable").rglob("*.log") for line in path.read_text().splitlines()]
    told = dict(json.loads(line.removeprefix("TOLD ")) for line in output if line.startswith("TOLD "))
    assert told.get("end"), "\n".join(output[-60:])
    return Run(told, output + logs)


@pytest.mark.parametrize("kit", [KIT, OLDER], ids=["kit-110", "kit-109"])
def test_enable_disable_enable_again_leaves_nothing_and_doubles_nothing(tmp_path: Path, kit: Path) -> None:
    done = run("life", tmp_path, kit=kit)
    assert done.errors == []
    told = done.told
    assert told["version"] == __version__
    assert told["ids"] == [f"physicl_twin-{__version__}"]
    enabled = told["enabled"]
    assert enabled["menu"] == MENU
    assert len(enabled["actions"]) == len(MENU)
    assert enabled["importers"] == ["Physicl Twin"]
    assert enabled["browser"] == ["Build a Physicl Twin"]
    assert enabled["writers"] == ["PhysiclVariationWriter"]
    assert told["settings"]["seed"] == 0
    assert told["settings"]["import_formats"] == "missing"
    assert "${" not in told["output_folder"]
    assert told["output_folder"].endswith("physicl_twin")
    assert any("*.step" in one for one in told["filters"])
    assert not any("*.stl" in one for one in told["filters"]), "Kit imports STL itself"
    assert len(told["graphs"]) == 4
    assert told["disabled"]
    assert told["modules"] == []
    assert told["again"] == enabled
    assert told["disabled_again"]
    assert told["threads"]
    assert done.leaks == []
    wall_s, cpu_s = told["startup_s"]
    assert cpu_s < 0.3, f"start-up took {cpu_s:.2f} s of processor time ({wall_s:.2f} s)"


def test_a_changed_file_reloads_the_extension(tmp_path: Path) -> None:
    done = run("reload", tmp_path, arguments=["--/app/extensions/fsWatcherEnabled=true"])
    assert done.errors == []
    assert done.told["first"]["menu"] == MENU
    assert sorted(done.told["reloaded"]["menu"]) == sorted(
        one.replace("Physicl Twin Graphs", "New Graphs") for one in MENU
    )
    for what in ("actions", "commands", "importers", "browser"):
        assert done.told["reloaded"][what] == done.told["first"][what], what
    assert done.told["disabled"] == []
    assert done.leaks == []


def test_without_a_window_the_extension_starts_and_parts_come_and_go(tmp_path: Path) -> None:
    done = run("headless", tmp_path, arguments=["--/persistent/exts/physicl_twin/open_panel=true"])
    assert done.errors == []
    assert any("There are no windows here" in line for line in done.log), "a panel that was left open stops nothing"
    assert done.told["enabled"]
    assert done.told["imported"] == []
    assert done.told["menu"] == MENU
    assert done.told["menu_without_its_owner"] == []
    assert done.told["menu_of_a_disabled_extension"] == []


def test_every_optional_extension_may_be_missing(tmp_path: Path) -> None:
    done = run("settings", tmp_path, without=tuple(name for name in OPTIONAL if name != PIP))
    assert done.errors == []


def test_a_node_works_in_a_worker_and_none_outlives_the_stop_or_the_extension(tmp_path: Path) -> None:
    source = tmp_path / "a source" / "crate_mm.stl"
    source.parent.mkdir()
    source.write_bytes(stl_binary(box((200.0, 300.0, 400.0))))
    done = run("node", tmp_path, source=str(source))
    assert done.errors == []
    assert done.told["visited"] == ["R.outputs:failed"]
    assert done.told["error"] == "crate_mm.stl.missing does not exist. Check the path."
    workers, stage = done.told["working"]
    assert workers >= 1
    assert stage
    assert done.told["slowest_update_s"] < 0.5, "the node held the application up"
    assert done.told["after_stop"] == []
    assert done.told["working_again"] >= 1
    assert done.told["after_disable"] == []
    assert done.told["threads"] == []


def test_a_senseless_setting_is_said_in_words(tmp_path: Path) -> None:
    done = run("settings", tmp_path, arguments=["--/exts/physicl_twin/jobs=0"])
    assert done.errors
    assert "The setting /exts/physicl_twin/jobs is 0. It must be 1 or more." in " ".join(done.log)
