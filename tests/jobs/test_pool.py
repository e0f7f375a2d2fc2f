"""Worker processes under every way to die."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pytest

from physicl_twin.jobs import pool
from physicl_twin.jobs.limits import Limits
from physicl_twin.jobs.pool import Job

#: A module of misbehaving jobs; workers find it beside the package through PYTHONPATH.
MISBEHAVIOUR = """
import ctypes, os, subprocess, sys, time

def echo(*, value, progress):
    progress("stage", 0.5, "half")
    print("noise on standard output")
    os.write(1, b"native noise\\n")
    return {"value": value, "pid": os.getpid()}

def segfault(*, progress):
    ctypes.string_at(0)

def segfault_with_child(*, progress):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    ctypes.string_at(0)

def hang(*, progress):
    progress("stage", 0.1, "")
    time.sleep(600)

def hang_in_child(*, marker, progress):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open(marker, "w").write(str(child.pid))
    child.wait()

def eat(*, progress):
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1 << 20)) * 20)
        time.sleep(0.01)

def fail(*, progress):
    from physicl_twin.model import SourceError
    raise SourceError("file_damaged", "It is damaged.", "Mend it.")

def bug(*, progress):
    raise KeyError("surprise")

def litter(*, die, progress):
    import tempfile
    place = tempfile.mkdtemp(prefix="litter-")
    open(os.path.join(place, "cache"), "w").write("x")
    if die:
        os.kill(os.getpid(), 9)
    return place

def leave(*, progress):
    os._exit(3)
"""


@pytest.fixture(autouse=True)
def misbehaving_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers resolve jobs of a module that is not the package's."""
    (tmp_path / "misbehaviour.py").write_text(MISBEHAVIOUR)
    (tmp_path / "sitecustomize.py").write_text(
        "import physicl_twin, sys, importlib\n"
        "sys.modules['physicl_twin.misbehaviour'] = importlib.import_module('misbehaviour')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def job(name: str, limits: Limits = Limits(60.0), key: str = "", **arguments: object) -> Job:
    return Job(key or name, f"physicl_twin.misbehaviour:{name}", dict(arguments), limits)


def outcomes(*jobs: Job, workers: int = 1) -> dict[str, pool.Outcome]:
    return {outcome.job.key: outcome for outcome in pool.run(jobs, workers=workers)}


def test_a_worker_is_used_again_and_noise_does_not_reach_the_answers() -> None:
    seen: list[tuple[str, float, str]] = []
    jobs = [job("echo", key=str(i), value=i) for i in range(5)]
    results = list(pool.run(jobs, workers=1, on_progress=lambda j, stage, f, m: seen.append((stage, f, m))))
    assert [outcome.result["value"] for outcome in results] == list(range(5))
    assert len({outcome.result["pid"] for outcome in results}) == 1
    assert seen == [("stage", 0.5, "half")] * 5


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("segfault", "worker_crashed", "SIGSEGV"),
        ("segfault_with_child", "worker_crashed", "SIGSEGV"),
        ("leave", "worker_crashed", "status 3"),
        ("fail", "file_damaged", "damaged"),
        ("bug", "internal_error", "surprise"),
        ("no_such_function", "internal_error", "no_such_function"),
    ],
)
def test_one_job_fails_and_the_others_go_on(name: str, code: str, word: str) -> None:
    done = outcomes(job("echo", key="a", value=1), job(name, key="bad"), job("echo", key="b", value=2))
    assert done["bad"].error is not None
    assert done["bad"].error.code == code
    assert word in done["bad"].error.message
    assert done["bad"].seconds < 10
    assert done["a"].result["value"] == 1
    assert done["b"].result["value"] == 2


def test_a_job_that_hangs_is_stopped_with_its_children(tmp_path: Path) -> None:
    marker = tmp_path / "child"
    start = time.monotonic()
    done = outcomes(job("hang_in_child", Limits(timeout_s=2.0), key="bad", marker=str(marker)), job("echo", value=1))
    assert done["bad"].error is not None
    assert done["bad"].error.code == "worker_timeout"
    assert done["echo"].result["value"] == 1
    assert time.monotonic() - start < 30
    child = int(marker.read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_job_that_eats_memory_is_stopped() -> None:
    done = outcomes(job("eat", Limits(60.0, memory_bytes=400_000_000)), job("echo", value=1))
    assert done["eat"].error is not None
    assert done["eat"].error.code == "worker_out_of_memory"
    assert done["echo"].result["value"] == 1


def test_cancel_stops_what_runs_and_what_waits() -> None:
    cancel = threading.Event()
    jobs = [job("hang", key=str(i)) for i in range(4)]
    start = time.monotonic()
    results = list(pool.run(jobs, workers=2, on_progress=lambda *_: cancel.set(), cancel=cancel))
    assert time.monotonic() - start < 20
    assert len(results) == 4
    assert {outcome.error.code for outcome in results if outcome.error} == {"cancelled"}
    assert not [
        p for p in psutil.Process().children(recursive=True) if "physicl_twin.jobs.worker" in " ".join(p.cmdline())
    ]


def test_two_workers_run_at_once() -> None:
    done = outcomes(*[job("echo", key=str(i), value=i) for i in range(6)], workers=2)
    assert len(done) == 6


def test_what_native_libraries_leave_in_the_temporary_folder_goes_with_the_worker(tmp_path: Path, monkeypatch) -> None:
    temporary = tmp_path / "temporary files"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    done = outcomes(job("litter", key="a", die=False), job("litter", key="b", die=True))
    assert done["a"].result.startswith(str(temporary)) and not Path(done["a"].result).exists()
    assert done["b"].error is not None
    assert list(temporary.iterdir()) == []


def test_a_job_outside_the_package_is_refused() -> None:
    done = outcomes(Job("os", "os:system", {"command": "true"}, Limits(30.0)))
    assert done["os"].error is not None
    assert done["os"].error.code == "job_unknown"
