"""``kill -9`` and a full disk in the middle of a set of variations: what was finished stays, nothing is half, the same command
does the rest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from physicl_twin.augment.chunk import chunk_size
from physicl_twin.augment.family import make_family, open_member
from physicl_twin.augment.spec import read_spec
from tests.augment.families import spec_file, twin_folder
from tests.contract.command import ROOT, physicl
from tests.usd import twins


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], int, Path]:
    """The arguments of a set of three chunks, its count, and the set made in one go."""
    where = tmp_path_factory.mktemp("whole")
    twin = twin_folder(where, twins.single())
    spec = spec_file(where, "[scene]\nobjects = 4\n")
    count = 2 * chunk_size(make_family((open_member(twin, force=False),), read_spec(spec), 0)) + 40
    arguments = [str(twin), "--spec", str(spec), "--count", str(count), "--seed", "3", "--json"]
    assert physicl("augment", *arguments, "--out", str(where / "bin"), "--jobs", "2").status == 0
    return arguments, count, where / "bin"


@pytest.mark.parametrize("victim", ["command", "worker"])
def test_a_killed_set_goes_on_where_it_stopped(whole: tuple[list[str], int, Path], tmp_path: Path, victim: str) -> None:
    arguments, count, finished = whole
    out = tmp_path / "bin"
    process = subprocess.Popen(
        [sys.executable, "-m", "physicl_twin.cli", "augment", *arguments, "--out", str(out), "--jobs", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    begun = time.monotonic()
    while not list(out.glob(".physicl-work/chunk_*.parquet")):  # as soon as one chunk is done
        assert time.monotonic() < begun + 120
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.5)  # until the next one is under way
    workers = psutil.Process(process.pid).children(recursive=True)
    if victim == "command":
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert not alive, "workers die with their parent"
    else:
        max(workers, key=lambda worker: worker.memory_info().rss).kill()
        assert process.stdout is not None
        record = json.loads(process.stdout.readline())
        assert process.wait(timeout=120) == 1
        assert record["error"]["code"] == "worker_crashed"
        manifest = json.loads((out / "manifest.json").read_text())
        assert manifest["complete"] is False
        assert set(manifest["members"]) < set(range(count)), "the other chunks are there"
    kept = {path: path.stat().st_mtime_ns for path in out.glob("variations/000/*_0000000.usdc")}

    again = physicl("augment", *arguments, "--out", str(out), "--jobs", "2")
    assert again.status == 0, again.stderr[-2000:]
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "what was finished is kept as it was"
    assert kept
    assert contents(out) == contents(finished)


#: A file system of its own, of so many bytes, that is gone with its process; then room is made and the command repeated.
_FULL_DISK = """
set -e
mount -t tmpfs -o size=$1 tmpfs "$2"; shift
disk=$1; copy=$2; shift 2
"$@" --out "$disk/bin" --jobs 1 > "$copy/first.json" 2> "$copy/first.log" && echo 0 > "$copy/status" || echo $? > "$copy/status"
cp -r "$disk/bin" "$copy/partial"
mount -o remount,size=1g "$disk"
"$@" --out "$disk/bin" --jobs 2 > "$copy/second.json"
cp -r "$disk/bin" "$copy/bin"
"""


def _can_mount() -> bool:
    probe = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]
    return (
        shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(sys.platform != "linux" or not _can_mount(), reason="needs a mount of its own")
@pytest.mark.parametrize("when", ["twins", "layers", "report"])
def test_a_full_disk_is_told_and_the_set_goes_on(whole: tuple[list[str], int, Path], tmp_path: Path, when: str) -> None:
    arguments, _, finished = whole
    pages = {path: -(-path.stat().st_size // 4096) * 4096 for path in finished.rglob("*") if path.is_file()}
    twins_need = sum(size for path, size in pages.items() if "twins" in path.parts)
    layers_need = sum(size for path, size in pages.items() if "variations" in path.parts)
    room = {"twins": twins_need // 2, "layers": twins_need + layers_need // 2, "report": sum(pages.values()) - 65536}
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    copy.mkdir()
    command = [sys.executable, "-m", "physicl_twin.cli", "augment", *arguments]
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", _FULL_DISK, "full", str(room[when]), str(disk), str(copy), *command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
        check=False,
    )
    log = (copy / "first.log").read_text() if (copy / "first.log").exists() else ""
    assert (copy / "status").read_text().strip() == "1", log
    record = json.loads((copy / "first.json").read_text())
    assert record["error"]["code"] == "disk_full", log
    assert "Traceback" not in log
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads((copy / "second.json").read_text())["error"] is None
    assert contents(copy / "bin") == contents(finished)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
