"""Damaged CAD files: a clear error or a valid scene, never anything else. The kernel runs in a child, as it does in production."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from physicl_twin.ingest.cad import read_cad
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import SourceError
from tests.ingest.cad_writer import Item, placement, solids, write_brep, write_iges, write_step

ROOT = Path(__file__).parents[2]

#: Reads each file named on standard input and prints one line for each; a native crash or the alarm leaves the rest without a line.
_CHILD = """
import sys, json, signal, numpy
from pathlib import Path
from physicl_twin.ingest.cad import read_cad
from physicl_twin.ingest.raw import ReadOptions
from physicl_twin.model import PhysiclError

for line in sys.stdin:
    name = line.strip()
    signal.alarm(LIMIT)
    try:
        scene = read_cad(Path(name), ReadOptions(max_faces=200000))
        ok = all(numpy.isfinite(s.mesh.vertices).all() and len(s.mesh.faces) for s in scene.shapes) and bool(scene.parts)
        outcome = "valid" if ok else "invalid scene"
    except PhysiclError as error:
        outcome = error.code
    except Exception as error:
        outcome = f"raised {type(error).__name__}: {error}"
    print(json.dumps([name, outcome]), flush=True)
"""


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("originals")
    truths = {t.name: t for t in solids()}
    pin = Item("Pin", truths["cylinder"].shape, colour=(0.8, 0.1, 0.1), material=("Steel", "S235", 7.85))
    plate = Item("Plate", truths["plate"].shape, layer="Base", face_colours={1: (0, 1, 0)})
    root = Item("Root", members=[(pin, placement(), "A"), (pin, placement((40, 0, 0)), "B"), (plate, placement(), "")])
    return {
        "step": write_step(root, folder / "original.step"),
        "igs": write_iges([truths["plate"].shape], folder / "original.igs"),
        "brep": write_brep(truths["plate"].shape, folder / "original.brep"),
    }


def outcomes(files: list[Path]) -> dict[str, str]:
    """Outcome for each file; a file on which the child died natively is ``native crash`` and the rest goes on in a new child."""
    results: dict[str, str] = {}
    left = [str(f) for f in files]
    while left:
        child = subprocess.run(
            [sys.executable, "-c", _CHILD.replace("LIMIT", "5")], input="\n".join(left), capture_output=True, text=True, timeout=300, cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        seen = [json.loads(line) for line in child.stdout.splitlines() if line.startswith("[")]
        results.update(dict(seen))
        left = left[len(seen) :]
        if left:
            assert child.returncode < 0, child.stderr[-2000:]
            results[left[0]] = "time limit" if child.returncode == -signal.SIGALRM else "native crash"
            left = left[1:]
    return results


def assert_clear(results: dict[str, str], crashes_allowed: int) -> None:
    wrong = {k: v for k, v in results.items() if v.startswith(("raised", "invalid"))}
    assert not wrong, wrong
    crashes = sum(v in ("native crash", "time limit") for v in results.values())
    assert crashes <= crashes_allowed, f"{crashes} native crashes and endless loops of {len(results)}"


@pytest.mark.parametrize("kind", ["step", "igs", "brep"])
def test_truncated_at_ten_points(originals, tmp_path, kind):
    data = originals[kind].read_bytes()
    codes = []
    for number, fraction in enumerate(np.linspace(0.0, 0.99, 10)):
        path = tmp_path / f"cut{number}.{kind}"
        path.write_bytes(data[: int(fraction * len(data))])
        with pytest.raises(SourceError) as error:
            read_cad(path, ReadOptions())
        codes.append(error.value.code)
        assert error.value.hint
    assert codes[0] == "file_empty"
    assert set(codes[1:]) <= {"file_truncated", "file_damaged", f"not_{kind}", "not_iges"}


@pytest.mark.parametrize("kind", ["step", "igs", "brep"])
def test_flipped_bits(originals, tmp_path, kind):
    rng = np.random.default_rng(20240501)
    data = bytearray(originals[kind].read_bytes())
    files = []
    for number in range(120):
        flipped = bytearray(data)
        for position in rng.integers(0, len(data), size=1 + number % 8):
            flipped[position] ^= 1 << int(rng.integers(0, 8))
        path = tmp_path / f"flip{number}.{kind}"
        path.write_bytes(flipped)
        files.append(path)
    results = outcomes(files)
    assert len(results) == 120
    # The kernel itself dies on a few of them; the worker process turns that into an error for the one source.
    assert_clear(results, crashes_allowed=3)
    assert any(v == "valid" for v in results.values())


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("a.step", b"solid ascii\nendsolid", "not_step"), ("b.igs", b"hello\n" * 20, "not_iges"), ("c.brep", b"\x00" * 500, "not_brep"),
     ("d.stpz", b"not gzip", "not_step"),
     ("e.step", b"ISO-10303-21;\nHEADER;\nENDSEC;\nDATA;\nENDSEC;\nEND-ISO-10303-21;\n", "file_damaged")],
)  # fmt: skip
def test_something_else_in_disguise(tmp_path, name, content, code):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        read_cad(path, ReadOptions())
    assert error.value.code == code
    assert str(tmp_path) not in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(SourceError) as error:
        read_cad(tmp_path / "absent.step", ReadOptions())
    assert error.value.code == "file_not_found"
