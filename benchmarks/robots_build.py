"""Whole builds of robot descriptions, and the rival's conversion of the same files, for ``benchmarks/robots.py``.

Both run in a warm process of their own, one robot after the other, each robot in both before the next one: the seconds
are those of the work, not of imports, and of the same minutes of the machine. A process that dies or takes too long is
started anew, and the robot counts as failed. ``python benchmarks/robots_build.py`` is our process: a line of JSON in, a
line of JSON out.
"""

from __future__ import annotations

import contextlib
import json
import queue
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trimesh

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

#: What both processes build first, unmeasured: a mechanism with a mesh brings in everything that a robot needs.
WARM = """<robot name="warm">
<link name="a">
  <inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
  <visual><geometry><mesh filename="a.obj"/></geometry></visual>
  <collision><geometry><mesh filename="a.obj"/></geometry></collision>
</link>
<link name="b"><visual><geometry><box size="1 1 1"/></geometry></visual></link>
<joint name="j" type="revolute">
  <parent link="a"/><child link="b"/><origin xyz="0 0 3"/><axis xyz="0 0 1"/>
  <limit lower="-1" upper="1" effort="1" velocity="1"/>
</joint>
</robot>"""
#: The rival's process, which has a Python of its own: urdf-usd-converter cannot be installed beside usd-core.
RIVAL = """
import json, resource, shutil, sys, tempfile, time
def used():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)
out, sys.stdout = sys.stdout, sys.stderr
import urdf_usd_converter
print("ready", file=out, flush=True)
for line in sys.stdin:
    told, folder = json.loads(line), tempfile.mkdtemp(prefix="rival_")
    start, cpu = time.perf_counter(), used()
    try:
        asset = urdf_usd_converter.Converter().convert(told["path"], folder)
        error = "" if asset else "no asset"
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"[:300]
    seconds, cpu = time.perf_counter() - start, used() - cpu
    shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "error": error}), file=out, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Build:
    """What became of one description.

    Attributes:
        error: Code and message when there is no twin.
        seconds: To the twin's USD: reading, materials, mass, collision geometry, dynamics, writing.
        cpu_seconds: Of a processor, likewise: what counts on a machine that others use, too.
        check_seconds: Of all checks and NVIDIA's validator.
        stages: Seconds of each stage.
        profile: SimReady profile that it was judged by.
        checks: Results that passed or failed.
        failed: Failed results that are not SimReady's: id, target and message.
        profile_failed: Failed requirements of the profile.
        features_failed: Failed features about joints.
        rollouts_failed: Failed rollouts, when they were asked for.
        swing: What ``robots_swing.swing`` returned, when it was asked for.
        rival_seconds: Of the rival; negative when it was not asked.
        rival_cpu_seconds: Likewise.
        rival_error: Of the rival.
    """

    error: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    check_seconds: float = 0.0
    stages: tuple[tuple[str, float], ...] = ()
    profile: str = ""
    checks: int = 0
    failed: tuple[str, ...] = ()
    profile_failed: tuple[str, ...] = ()
    features_failed: tuple[str, ...] = ()
    rollouts_failed: tuple[str, ...] = ()
    swing: dict[str, Any] | None = None
    rival_seconds: float = -1.0
    rival_cpu_seconds: float = -1.0
    rival_error: str = ""


class Process:
    """A child that answers each line of JSON with one.

    Args:
        command: Its command line.
        limit_s: Longest time for one answer.
    """

    def __init__(self, command: list[str], limit_s: float) -> None:
        self._command, self._limit_s = command, limit_s
        self._child: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def ask(self, **told: Any) -> dict[str, Any]:
        """Its answer; ``{"error": …}`` when it died or took too long."""
        if self._child is None:
            self._start()
        child = self._child
        assert child is not None and child.stdin is not None
        start = time.perf_counter()
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(told), file=child.stdin, flush=True)
        try:
            line = self._lines.get(timeout=self._limit_s)
        except queue.Empty:
            line = ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        crashed = child.poll() is not None or time.perf_counter() - start < self._limit_s
        self.close()
        reason = f"crashed: status {child.wait()}" if crashed else f"time_limit: more than {self._limit_s:g} s"
        return {"error": reason, "seconds": time.perf_counter() - start}

    def close(self) -> None:
        """End it; the next question starts another."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._child = None

    def _start(self) -> None:
        self._child = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._lines = queue.Queue()
        threading.Thread(target=_pump, args=(self._child.stdout, self._lines), daemon=True).start()
        if not self._lines.get(timeout=self._limit_s):
            raise SystemExit(f"{self._command[0]} cannot run the benchmark: what it needs is not installed there.")
        with tempfile.TemporaryDirectory(prefix="warm_") as folder:
            path = Path(folder) / "warm.urdf"
            path.write_text(WARM, encoding="utf-8")
            trimesh.creation.annulus(0.5, 1.0, 1.0).export(Path(folder) / "a.obj")
            self.ask(path=str(path))


def _pump(stream: Any, lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def ours(limit_s: float) -> Process:
    """Our process."""
    return Process([sys.executable, "-u", str(Path(__file__).resolve())], limit_s)


def rival(python: str, limit_s: float) -> Process:
    """urdf-usd-converter's process.

    Args:
        python: That has it installed.
        limit_s: Longest time for one robot.
    """
    return Process([python, "-u", "-c", RIVAL], limit_s)


def build(path: Path, process: Process, against: Process | None, **asked: Any) -> Build:
    """Build one description, and have the rival convert it when it can read such files.

    Args:
        path: The description.
        process: Ours.
        against: The rival's.
        asked: ``rollouts``, ``swing``, ``keep``, ``fast`` of ``build_one``.
    """
    answer = process.ask(path=str(path), **asked)
    told = {}
    if against is not None and path.suffix == ".urdf":
        other = against.ask(path=str(path))
        told = {f"rival_{key}": value for key, value in other.items()}
    lists = {key: tuple(value) for key, value in answer.items() if isinstance(value, list)}
    lists["stages"] = tuple((name, seconds) for name, seconds in answer.get("stages", ()))
    return Build(**{**answer, **lists, **told})


def build_one(
    path: str, rollouts: bool = False, swing: bool = False, keep: str = "", fast: bool = False
) -> dict[str, Any]:
    """Read, complete, write and check one description; fields of ``Build``.

    Args:
        path: The description.
        rollouts: True to run every rollout in PhysX and MuJoCo.
        swing: True to let it swing in both, see ``robots_swing``.
        keep: Folder to leave the twin in.
        fast: True for the coarser collision geometry of ``build --fast``.
    """
    from physicl_twin import ingest, normalize, settings, usd
    from physicl_twin.model import PhysiclError, dumps
    from physicl_twin.validate import validate

    clock: list[tuple[str, float]] = []
    start = now = time.perf_counter()
    cpu = _used()

    def lap(name: str) -> None:
        nonlocal now
        clock.append((name, time.perf_counter() - now))
        now = time.perf_counter()

    with tempfile.TemporaryDirectory(prefix="robots_") as folder:
        try:
            twin = ingest.read(Path(path))
            lap("read")
            twin = normalize.normalize(twin, normalize.NormalizeOptions(settings=settings.pipeline(), fast=fast))
            lap("normalize")
            file = usd.write_twin(twin, Path(folder))
            lap("write")
            seconds, cpu = time.perf_counter() - start, _used() - cpu
            twin_dir = file.parent.parent
            (twin_dir / "twin.json").write_text(dumps(twin), encoding="utf-8")
            certificate = validate(twin_dir, engines=("physx", "mujoco") if rollouts else ())
            lap("check")
        except PhysiclError as error:
            return {"error": f"{error.code}: {error.message}", "seconds": time.perf_counter() - start}
        swung = None
        if swing:
            import robots_swing

            swung = robots_swing.swing(file)
        if keep:
            shutil.copytree(twin_dir, Path(keep) / twin_dir.name, dirs_exist_ok=True)
    judged = [check for check in certificate.checks if check.status != "not_checked"]
    failed = [check for check in judged if check.status == "failed"]
    nvidia = [check.id for check in failed if check.id.startswith("simready.")]
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "check_seconds": clock[-1][1],
        "stages": clock,
        "profile": certificate.profile,
        "checks": len(judged),
        "failed": [f"{c.id} {c.target}: {c.message}"[:300] for c in failed if c.id not in nvidia],
        "profile_failed": [name for name in nvidia if "FET_" not in name],
        "features_failed": [name for name in nvidia if "FET_" in name],
        "rollouts_failed": [f"{r.name} {r.engine}" for r in certificate.rollouts if r.status == "failed"],
        "swing": swung,
    }


def line(build: Build | None) -> str:
    """One build in a line."""
    if build is None or build.error:
        return f"    not built: {build.error if build is not None else ''}"
    told = [f"    {build.seconds:.1f} s to USD, {build.check_seconds:.1f} s of {build.checks} checks, {build.profile}"]
    for word, names in (
        ("own checks", build.failed),
        ("profile", build.profile_failed),
        ("joint features", build.features_failed),
        ("rollouts", build.rollouts_failed),
    ):
        if names:
            told.append(f"{word} failed: {'; '.join(names)}")
    if build.rival_seconds >= 0.0:
        told.append(f"rival {build.rival_error or f'{build.rival_seconds:.2f} s'}")
    if build.swing is not None:
        swung = build.swing
        told.append(swung.get("refused") or f"swing {100 * swung['error']:.2f} % ({swung['joint']})")
    return ", ".join(told)


def summary(builds: Mapping[str, Build]) -> None:
    """All builds: verdicts, seconds against the rival, every failure."""
    made = {name: build for name, build in builds.items() if not build.error}
    print(f"\n{len(made)} of {len(builds)} built")
    for name, build in builds.items():
        if build.error:
            print(f"  {name}: {build.error}")
    profiles = sorted({build.profile for build in made.values()})
    for profile in profiles:
        judged = [build for build in made.values() if build.profile == profile]
        print(f"{profile}: {sum(not build.profile_failed for build in judged)} of {len(judged)} pass")
    print(f"joint features: {sum(not build.features_failed for build in made.values())} of {len(made)} pass all")
    print(f"own checks: {sum(not build.failed for build in made.values())} of {len(made)} pass all")
    counts = Counter(c for b in made.values() for c in {*b.profile_failed, *b.features_failed, *_ids(b.failed)})
    for check, count in counts.most_common():
        print(f"  {check}: fails for {count}")
    if made:
        _times(list(made.values()))
    for name, build in builds.items():
        if build.rival_error:
            print(f"  rival on {name}: {build.rival_error}")


def _times(made: list[Build]) -> None:
    """Seconds of the clock, and of a processor in brackets."""
    median = statistics.median
    checks = median(b.check_seconds for b in made)
    print(
        f"seconds to USD: median {median(b.seconds for b in made):.1f} ({median(b.cpu_seconds for b in made):.1f} of a "
        f"processor), of the checks {checks:.1f}"
    )
    both = [b for b in made if b.rival_seconds >= 0.0 and not b.rival_error]
    if both:
        wall = [b.seconds / b.rival_seconds for b in both]
        cpu = [b.cpu_seconds / b.rival_cpu_seconds for b in both]
        print(
            f"rival on {len(both)} of them: median {median(b.rival_seconds for b in both):.2f} "
            f"({median(b.rival_cpu_seconds for b in both):.2f}); we take {median(wall):.1f} ({median(cpu):.1f}) times "
            "as long in the median"
        )


def _ids(failed: tuple[str, ...]) -> set[str]:
    return {text.split(" ")[0] for text in failed}


def _used() -> float:
    """Seconds of a processor that this process and those that it started and saw end have used."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def _serve() -> None:
    out, sys.stdout = sys.stdout, sys.stderr
    import physicl_twin.normalize
    import physicl_twin.usd
    import physicl_twin.validate  # noqa: F401  imported before the clock runs

    print("ready", file=out, flush=True)
    for line in sys.stdin:
        try:
            answer = build_one(**json.loads(line))
        except Exception as error:  # a traceback is a failure of this robot, told as one
            answer = {"error": f"traceback: {type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    _serve()
