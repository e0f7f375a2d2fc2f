"""The panel on NVIDIA's standalone omni.ui: real widgets, real clicks and keys, real workers, no screen.

``PHYSICL_PICTURES=1`` writes the pictures of docs/images anew instead of comparing with them.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from physicl_twin import ingest, normalize, usd
from physicl_twin.model import dumps
from physicl_twin.validate import validate
from tests.usd import twins
from tests.workbench.test_joints_model import cabinet

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("omni") is None
    or importlib.util.find_spec("omni.ui") is None
    or ctypes.util.find_library("glfw") is None
    or not any(Path("/usr/share/vulkan/icd.d").glob("*lvp*")),
    reason="the panel's toolkit (./physicl.sh install panel) or a software Vulkan (mesa-vulkan-drivers) is missing",
)


def play(scene: str, folder: Path, **given: Any) -> dict[str, Any]:
    """Run a scene in a process of its own; what it told. The toolkit's own errors fail it: it goes on after them."""
    environment = {**os.environ, "OMNIUI_HEADLESS": "1", "PYTHONPATH": str(ROOT)}
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.desk", scene, str(folder), json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=420,
        cwd=folder,
        env=environment,
        check=False,
    )
    output = done.stdout + done.stderr
    told = dict(json.loads(line.removeprefix("TOLD ")) for line in output.splitlines() if line.startswith("TOLD "))
    assert told.get("done") == scene and done.returncode == 0, output[-6000:]
    wrong = [
        line for line in output.splitlines() if "[error]" in line or "Traceback" in line or "never awaited" in line
    ]
    assert not wrong, output[-6000:]
    return told


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = _demo() or tmp_path_factory.mktemp("panel") / "a folder"
    return folder, play("five_clicks", folder)


def _demo() -> Path | None:
    """Where the pictures of the documentation are made: its name is seen in them."""
    if not os.environ.get("PHYSICL_PICTURES"):
        return None
    folder = Path(tempfile.gettempdir()) / "physicl"
    shutil.rmtree(folder, ignore_errors=True)
    return folder


@pytest.fixture
def twin(walked: tuple[Path, dict[str, Any]]) -> str:
    return str(walked[0] / "out" / "twins" / "mug")


def test_two_clicks_make_a_validated_twin_and_three_more_export_it(walked: tuple[Path, dict[str, Any]]) -> None:
    folder, told = walked
    assert told["before"] == [False, 0], "nothing is built or started before the panel is shown"
    assert "113 × 82 × 138 mm" in told["report"] and "watertight" in told["report"]
    assert any("Making mug.glb sim-ready · " in text for text in told["building"])
    assert "Cancel" in told["building"]
    assert told["passed"] is True
    assert {"Mug", "Spoon", "sim-ready", "metres"} <= set(told["normalize"])
    (turn, near, colliders), (turned, nearer, shown) = told["turned"]
    assert abs(turned - turn) == pytest.approx(60 * 0.45, abs=1.0), "a drag turns the picture"
    assert nearer > near and shown is not colliders
    assert {"passed", "Open the report"} <= set(told["validate"])
    assert any(text.endswith("in PhysX") for text in told["validate"])
    (main,) = told["exports"]
    assert Path(main).is_file() and Path(main).is_relative_to(folder)
    assert told["after"] == 0, "no worker outlives the window"


@pytest.mark.slow
def test_a_step_file_is_edited_and_accepted(tmp_path: Path) -> None:
    told = play("edited", tmp_path / "edit", source="mallet.step")
    assert any("Take mallet.step" in text for text in told["marked"])
    first = next(iter(told["before"]))
    assert "kg" in told["why"] and "90 %" in told["why"]
    assert told["hits"] and all("titanium" in hit for hit in told["hits"][:1])
    assert told["after"][first] != told["before"][first]
    assert any("not accepted yet" in text for text in told["changed"])
    assert told["undone"] == told["before"]
    assert any(value.startswith("0.690") and value.endswith("kg") for value in told["weighed"])
    assert told["selected"][0] == told["selected"][1]
    title, still_edited, passed = told["version"]
    assert title.endswith("version 2") and not still_edited and passed
    assert told["restored"] == ["ingest", title]


def test_variations_are_specified_tried_made_and_stepped_through(tmp_path: Path, twin: str) -> None:
    folder = Path(twin).parents[2] if os.environ.get("PHYSICL_PICTURES") else tmp_path / "vary"
    told = play("variations", folder, twin=twin)
    assert told["fill"] == 0.4
    assert any("static friction of the support" in text for text in told["refused"])
    assert told["dismissed"] and told["preview"]
    assert "4 of 4" in told["made"]
    assert told["place"] == "2 of 4"
    _compare(folder / "augment.png", "panel_augment.png")


@pytest.mark.parametrize("width", [420, 980, 1600])
def test_nothing_sticks_out_of_the_window(tmp_path: Path, twin: str, width: int) -> None:
    told = play("widths", tmp_path / "wide", twin=twin, size=[width, 900])
    assert told["outside"] == {name: [] for name in told["outside"]}
    assert len(told["outside"]) == 6


@pytest.mark.parametrize("width", [420, 1180])
def test_joints_are_shown_moved_played_and_limited(tmp_path: Path, width: int) -> None:
    made = cabinet()
    folder = tmp_path / "out" / "twins"
    twins.write(made, folder)
    (folder / made.name / "twin.json").write_text(dumps(made), encoding="utf-8")
    told = play("joints", tmp_path / "joints", twin=str(folder / made.name), joint="hinge", size=[width, 900])
    assert told["outside"] == []
    assert {"hinge (door)", "proposed, 61 %", "1 proposed: decide", "0° … 110°"} <= set(told["texts"])
    assert "Two pins are coaxial." in told["why"]
    assert 0.5 < told["dragged"] < 1.0 and told["rests"]
    assert told["refused"] == "coordinate_unreadable"
    assert told["range"] == "0° … 75°" and "1 joint" in told["changes"]
    assert told["edited"] is False


def test_the_joints_of_a_cabinet_look_as_in_the_documentation(tmp_path: Path) -> None:
    options = normalize.NormalizeOptions(fast=True)
    made = normalize.normalize(ingest.read(ROOT / "data" / "samples" / "cabinet.step"), options)
    folder = usd.write_twin(made, tmp_path, generated="2026-11-29").parent.parent
    (folder / "twin.json").write_text(dumps(made), encoding="utf-8")
    certificate = validate(folder, engines=())
    (folder / "certificate.json").write_text(dumps(certificate), encoding="utf-8")
    told = play("joints_shown", tmp_path / "shown", twin=str(folder), joint="door_hinge", size=[1180, 860])
    assert told["outside"] == []
    assert "door · carcass" in told["texts"]
    _compare(tmp_path / "shown" / "joints.png", "panel_joints.png")


def test_mistakes_have_a_way_out_and_leave_nothing_behind(tmp_path: Path) -> None:
    told = play("mistakes", tmp_path / "wrong")
    assert "nowhere.step is no file here." in told["missing"]
    assert any("broken.step" in text for text in told["broken"]) and "Choose another" in told["broken"]
    assert told["way_out"] is True
    assert any("was cancelled. Nothing was changed." in text for text in told["cancelled"])
    assert not [path for path in told["left"] if "mallet" in path]
    assert told["children"] == []
    assert not [path for path in told["left_by_closing"] if path.endswith("twin.json")]


def test_a_hidden_panel_costs_nothing(tmp_path: Path) -> None:
    told = play("hidden", tmp_path / "hide")
    assert told == {"ticking": True, "still": True, "again": True, "windows": True, "done": "hidden"}


def test_the_keyboard_reaches_stages_rows_and_buttons(tmp_path: Path, twin: str) -> None:
    told = play("keys", tmp_path / "keys", twin=twin)
    assert told["stages"] == ["deploy", "validate", "augment", "normalize", "ingest"]
    assert told["row"] == ["Spoon", ["Mug", "Spoon"]]
    assert told["primary"] == "validate"
    assert told["files"] and told["put_away"] and told["closed"]


@pytest.mark.parametrize("name", ["ingest_empty", "ingest", "normalize", "validate", "deploy"])
def test_it_looks_as_in_the_documentation(walked: tuple[Path, dict[str, Any]], name: str) -> None:
    _compare(walked[0] / f"{name}.png", f"panel_{name}.png")


def _compare(shot: Path, name: str) -> None:
    """Like the picture in the documentation, but for paths, times and the last digits."""
    made = Image.open(shot).convert("RGB")
    kept = IMAGES / name
    if os.environ.get("PHYSICL_PICTURES"):
        made.save(kept, optimize=True)
        return
    before = Image.open(kept).convert("RGB")
    assert made.size == before.size
    size = (made.width // 8, made.height // 8)
    one, other = (np.asarray(image.resize(size, Image.Resampling.BOX), dtype=float) for image in (made, before))
    off = np.abs(one - other).max(axis=2)
    assert off.mean() < 2.5 and (off > 40).mean() < 0.02, (
        f"{name}: mean {off.mean():.2f}, {100 * (off > 40).mean():.1f} %"
    )


def test_the_command_opens_the_window_and_leaves_with_it(tmp_path: Path) -> None:
    """``./physicl.sh panel``: what it writes lies in the user's own folder, and an interrupt ends it and its workers."""
    import signal

    environment = {
        **os.environ,
        "OMNIUI_HEADLESS": "1",
        "PYTHONPATH": str(ROOT),
        "XDG_DATA_HOME": str(tmp_path / "user"),
    }
    source = ROOT / "data" / "samples" / "mug.glb"
    command = [sys.executable, "-m", "physicl_twin.cli", "panel", str(source), "--out", str(tmp_path / "out")]
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    state = tmp_path / "user" / "physicl_twin"
    deadline = time.monotonic() + 60
    while not (state / "imgui.ini").exists() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.2)
    children = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert "Traceback" not in output, output[-3000:]
    assert str(source) in json.loads((state / "session.json").read_text())["sources"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["user"], "nothing lies where it was started"
    assert not psutil.wait_procs(children, timeout=10)[1]


def test_without_a_screen_the_command_says_so(tmp_path: Path) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "OMNIUI_HEADLESS")
    environment = {k: v for k, v in os.environ.items() if k not in hidden} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "physicl_twin.cli", "panel"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1 and "[no_display]" in done.stderr
