"""Isaac Sim 5.1 has Python 3.11: what runs inside its process must be importable there. Workers bring their own 3.12."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What runs in the host's process; ``jobs`` only as far as the pool goes.
HOST = ("kit", "workbench", "in_stage", "model")
#: Run by workers only.
WORKERS = {"live_worker", "viewport_scene", "playback", "preview", "restate"}
#: Packages that Isaac Sim's Python brings along.
BUNDLED = ("numpy", "psutil", "usd-core")


def old_python() -> str | None:
    places = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")]
    found = [shutil.which("python3.11"), *(str(p) for place in places for p in place.glob("3.11*/bin/python"))]
    return next((one for one in found if one), None)


def test_the_host_side_is_python_311_by_its_grammar() -> None:
    wrong = []
    for room in HOST:
        for path in sorted((ROOT / "physicl_twin" / room).rglob("*.py")):
            if path.stem in WORKERS:
                continue
            try:
                ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 11))
            except SyntaxError as error:
                wrong.append(f"{path.relative_to(ROOT)}:{error.lineno}: {error.msg}")
    assert not wrong


PROGRAM = """
import importlib, pkgutil, sys
rooms, workers = sys.argv[1].split(","), set(sys.argv[2].split(","))
count, wrong = 0, []
for room in rooms:
    package = importlib.import_module("physicl_twin." + room)
    for one in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if one.name.rsplit(".", 1)[-1] in workers:
            continue
        try:
            importlib.import_module(one.name)
        except ModuleNotFoundError as error:
            if error.name.split(".")[0] in ("omni", "carb", "isaacsim"):
                continue  # exist in Kit only
            wrong.append(f"{one.name}: {error}")
        except Exception as error:
            wrong.append(f"{one.name}: {error!r}")
        else:
            count += 1
print(count)
sys.exit("; ".join(wrong) or 0)
"""


def test_the_host_side_is_imported_by_a_real_python_311(tmp_path: Path) -> None:
    python = old_python()
    if python is None:
        pytest.skip("there is no Python 3.11 here")
    lock = (ROOT / "config" / "requirements" / "base.lock").read_text(encoding="utf-8")
    pinned = [re.search(rf"^{name}==[^ ]+", lock, re.MULTILINE) for name in BUNDLED]
    subprocess.run([python, "-m", "venv", tmp_path / "old"], check=True, capture_output=True)
    old = tmp_path / "old" / "bin" / "python"
    wanted = [match.group() for match in pinned if match]
    assert len(wanted) == len(BUNDLED)
    got = subprocess.run(
        [old, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    if got.returncode:
        pytest.skip("Isaac Sim's packages cannot be had for 3.11 here")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [old, "-c", PROGRAM, ",".join(HOST), ",".join(WORKERS)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 60
    assert sys.version_info[:2] == (3, 12)
