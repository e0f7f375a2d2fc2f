"""Settled variations per second and core with 10, 50 and 200 objects, and what of the time is PhysX's.

    python benchmarks/settle.py TWIN [TWIN …] [--objects 10,50,200] [--count 16] [--workers 10]

First one process makes ``--count`` members of each size: drawn, settled, measured, written; ``stepping`` is the time
inside ``PhysxScene.step``, that is bare ovphysx, and ``other`` the share of the rest, the opening of stages left out
on both sides: it is paid once a chunk. Reading poses, writing new drafts and all that MuJoCo does (the second opinion
on every rest, and overlaps) count as other. Then two workers make a set of ``--chunks`` chunks of one size against one
worker (``--workers`` says how many objects; 0 leaves that out). Both are whole commands, start included, without the
report.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from physicl_twin.augment import second_engine, settle
from physicl_twin.augment.chunk import chunk_size, make_chunk
from physicl_twin.augment.family import Family, make_family, open_member
from physicl_twin.augment.spec import read_spec
from physicl_twin.engines.physx_scene import PhysxScene
from physicl_twin.jobs.augment import GRAVITY_MPS2
from physicl_twin.usd.variation_set import member_path

#: Aims of the issue: share of our own code, and two workers over one.
AIM_OTHER, AIM_WORKERS = 0.2, 1.8


@dataclass(slots=True)
class Clock:
    """Seconds spent in a function, every call added.

    Attributes:
        seconds: So far.
    """

    seconds: float = 0.0

    def around(self, call: Any) -> Any:
        """The function, timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - start

        return timed


def main() -> int:
    """Run the benchmark; exit status 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("twins", nargs="+", type=Path, help="folders that build made")
    parser.add_argument("--objects", default="10,50,200", help="sizes of scenes, separated by commas")
    parser.add_argument("--count", type=int, default=16, help="members of each size; full chunks with 0")
    parser.add_argument("--workers", type=int, default=10, metavar="OBJECTS", help="size of the scene for 2 against 1")
    parser.add_argument("--chunks", type=int, default=4, help="chunks of 2 against 1")
    options = parser.parse_args()
    good = True
    head = f"{'objects':>7}{'members':>9}{'accepted':>10}{'per s':>8}{'total s':>9}{'opening':>9}{'stepping':>10}"
    print(f"{head}{'other':>8}{'share':>8}")
    for objects in map(int, options.objects.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            good &= one_process(family_of(options.twins, objects, Path(scratch)), options.count, Path(scratch))
    if options.workers:
        with tempfile.TemporaryDirectory() as scratch:
            good &= workers(options.twins, options.workers, options.chunks, Path(scratch))
    return 0 if good else 1


def family_of(twins: list[Path], objects: int, folder: Path) -> Family:
    """So many objects of the twins in a bin, as the shipped spec has it."""
    spec = folder / "spec.toml"
    spec.write_text(f"schema_version = 1\n[scene]\nobjects = {objects}\n", encoding="utf-8")
    return make_family(tuple(open_member(twin.resolve(), force=True) for twin in twins), read_spec(spec), 0)


def one_process(family: Family, count: int, out: Path) -> bool:
    """A line of the table; True when our own share is within the aim."""
    opening, stepping = Clock(), Clock()
    count = count or chunk_size(family)
    (out / member_path(0)).parent.mkdir(parents=True)
    with (
        mock.patch.object(PhysxScene, "__init__", opening.around(PhysxScene.__init__)),
        mock.patch.object(settle, "write_settle_stage", opening.around(settle.write_settle_stage)),
        mock.patch.object(second_engine, "write_settle_stage", opening.around(second_engine.write_settle_stage)),
        mock.patch.object(second_engine.MujocoEngine, "open", opening.around(second_engine.MujocoEngine.open)),
        mock.patch.object(PhysxScene, "step", stepping.around(PhysxScene.step)),
    ):
        start = time.perf_counter()
        outcomes = make_chunk(family, range(count), out, GRAVITY_MPS2, lambda _: None)
        total = time.perf_counter() - start
    running = total - opening.seconds
    other = running - stepping.seconds
    accepted = sum(outcome.settled is not None for outcome in outcomes)
    print(
        f"{len(family.instances):7d}{count:9d}{accepted:10d}{accepted / running:8.2f}{total:9.1f}"
        f"{opening.seconds:9.1f}{stepping.seconds:10.1f}{other:8.1f}{other / running:8.1%}",
        flush=True,
    )
    return other <= AIM_OTHER * running


def workers(twins: list[Path], objects: int, chunks: int, folder: Path) -> bool:
    """Two workers against one on so many chunks; True when the aim is reached."""
    count = chunks * chunk_size(family_of(twins, objects, folder))
    seconds = []
    for jobs in (1, 2):
        command = [
            sys.executable,
            "-m",
            "physicl_twin.cli",
            "augment",
            *(str(twin.resolve()) for twin in twins),
            "--out",
            str(folder / f"{jobs}"),
        ]
        command += ["--spec", str(folder / "spec.toml"), "--count", str(count), "--jobs", str(jobs)]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--no-report", "--force"],
            check=True,
            capture_output=True,
            cwd=Path(__file__).resolve().parents[1],
        )
        seconds.append(time.perf_counter() - start)
    ratio = seconds[0] / seconds[1]
    rates = " / ".join(f"{count / s:.2f}" for s in reversed(seconds))
    print(
        f"{count} members of {objects} objects, 2 workers against 1: {rates} a second = {ratio:.2f} (aim {AIM_WORKERS})"
    )
    return ratio >= AIM_WORKERS


if __name__ == "__main__":
    raise SystemExit(main())
