"""The examples: short, nothing of Kit imported too early, and run in a plain Python where they can be."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import trimesh

from physicl_twin.kit import headless
from physicl_twin.model import PhysiclError
from tests.augment.families import twin_folder
from tests.usd import twins

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.py"))
#: What a script may import before there is a SimulationApp.
EARLY = {"physicl_twin", "__future__", "sys", "pathlib", "argparse", "json"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_import_nothing_too_early(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        assert {name.split(".")[0] for name in names} <= EARLY
    loaded = subprocess.run(
        [sys.executable, "-c", EARLY_CODE, str(path)], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT
    )
    assert loaded.stdout.split() == ["clean"]


EARLY_CODE = """
import runpy, sys
sys.argv = [sys.argv[1]]
runpy.run_path(sys.argv[0], run_name="looked_at")
early = [name for name in sys.modules if name.split(".")[0] in ("omni", "carb", "isaacsim", "pxr", "mujoco", "ovphysx")]
print("clean" if not early else early)
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_short_and_say_how_they_are_run(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert f"./python.sh docs/examples/{path.name}" in ast.get_docstring(ast.parse(text))
    asked = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert asked.returncode == 1
    assert "./python.sh" in asked.stderr, "without arguments they say how they are used"


def test_only_the_app_that_a_script_started_is_ended(monkeypatch):
    ended = []

    class App:
        def __init__(self, settings):
            assert settings["headless"] is True

        def close(self, exit_code=0):
            ended.append(exit_code)

        def run_coroutine(self, work):
            work.close()
            return "done"

    fake = type(sys)("isaacsim")
    fake.SimulationApp = App
    fake.__spec__ = __import__("importlib.machinery").machinery.ModuleSpec("isaacsim", None)
    monkeypatch.setitem(sys.modules, "isaacsim", fake)
    with headless.simulation_app() as host:
        assert host.owned
        assert host.run(work()) == "done"
    assert ended == [0]
    with pytest.raises(RuntimeError), headless.simulation_app():
        raise RuntimeError("broken")
    assert ended == [0, 1]
    monkeypatch.setitem(sys.modules, "omni.kit.app", type(sys)("omni.kit.app"))
    with headless.simulation_app() as host:
        assert not host.owned
    assert ended == [0, 1]


async def work():
    return None


def test_without_isaac_sim_it_says_so(monkeypatch):
    monkeypatch.setattr(headless, "has_isaac_sim", lambda: False)
    with pytest.raises(PhysiclError) as caught, headless.simulation_app():
        raise AssertionError("never reached")
    assert caught.value.code == "isaac_sim_missing"


def run(name, *arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "examples" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env=environment,
    )


def test_build_runs_in_a_plain_python(tmp_path):
    trimesh.creation.box((0.1, 0.2, 0.05)).export(tmp_path / "steel block.stl")
    done = run("headless_build.py", tmp_path / "steel block.stl", tmp_path / "twins", cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert ".usda: " in done.stdout and " kg" in done.stdout


def test_validate_runs_in_a_plain_python(tmp_path):
    folder = twin_folder(tmp_path, twins.single())
    done = run("headless_validate.py", folder, cwd=tmp_path)
    assert "checks passed" in done.stdout, done.stderr[-2000:]
    # A twin made by hand lacks its report and sources: that it fails is known, and must be told.
    assert done.returncode == (0 if " 0 failed" in done.stdout else 1)
