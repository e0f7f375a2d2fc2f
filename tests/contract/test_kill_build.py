"""``kill -9`` in the middle of a batch: what was finished stays, nothing is half, the same command does the rest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.contract.command import ROOT, physicl, stl_box


def test_a_killed_batch_goes_on_where_it_stopped(tmp_path: Path) -> None:
    sources = [stl_box(tmp_path / f"block_{i}.stl", (40.0 + i, 30.0, 20.0)) for i in range(4)]
    out = tmp_path / "twins"
    arguments = [*map(str, sources), "--out", str(out), "--units", "mm", "--material", "*=oak", "--fast", "--jobs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "physicl_twin.cli", "build", *arguments, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())  # as soon as one is reported as done
    time.sleep(0.5)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, "workers die with their parent"
    assert Path(first["twin"]).is_dir()
    for twin in (p for p in out.iterdir() if not p.name.startswith(".")):
        assert (twin / "certificate.json").is_file(), "a twin that is there is whole"
    before = {path: path.stat().st_mtime_ns for path in Path(first["twin"]).rglob("*") if path.is_file()}

    again = physicl("build", *arguments, "--json")
    records = {Path(record["source"]).name: record for record in again.records}
    assert again.status == 0, again.stderr[-2000:]
    assert len(records) == 4
    assert records[Path(first["source"]).name].get("resumed") is True
    assert {path: path.stat().st_mtime_ns for path in before} == before, "finished twins are kept as they were"
    assert sorted(p.name for p in out.iterdir()) == sorted(Path(r["twin"]).name for r in records.values())


def test_a_finished_twin_that_was_damaged_since_is_built_again(tmp_path: Path) -> None:
    source = stl_box(tmp_path / "block.stl", (40.0, 30.0, 20.0))
    arguments = (
        "build",
        source,
        "--out",
        tmp_path / "twins",
        "--units",
        "mm",
        "--material",
        "*=oak",
        "--fast",
        "--json",
    )
    (first,) = physicl(*arguments).records
    usd = Path(first["usd"])
    usd.write_bytes(usd.read_bytes()[:-20])
    (second,) = physicl(*arguments).records
    assert "resumed" not in second
    assert second["checks"]["failed"] == 0
