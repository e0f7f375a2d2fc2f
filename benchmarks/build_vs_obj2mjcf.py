"""The whole ``build`` against ``obj2mjcf --decompose`` on ten meshes, in one run.

    python benchmarks/build_vs_obj2mjcf.py --obj2mjcf PATH [--only mug,bowl] [--jobs N] [--json FILE]

obj2mjcf writes convex pieces and an MJCF file. ``build`` also decides the material, weighs, writes the layered USD
asset, runs our checks and SimReady's, rolls the twin out in PhysX and MuJoCo, and draws the report. Both are given the
same OBJ files, one after the other, and every core: obj2mjcf's CoACD runs a thread on each, ``build`` a worker.

The ratio that counts is wall time per mesh: the whole batch, start of the command included, over the number of meshes
for ours, the median of the whole program's runs for obj2mjcf. The seconds in the table are wall time of one mesh: of
the program for obj2mjcf, of the record for ours (while the other workers run; a worker's first bears the start of the
libraries). Processor seconds are those of everything that was started. The collision error is measured by the same code
on what either tool left on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import shapes
from collision_vs_obj2mjcf import Row, line, processor_seconds, row_of, target_of, theirs, worse

import physicl_twin as pt
from physicl_twin.model import Collider, Pose
from physicl_twin.normalize.collision import CollisionSettings, collision_settings
from physicl_twin.normalize.collision.fit_error import measure
from physicl_twin.normalize.collision.hull import planes_of
from physicl_twin.normalize.collision.piece import Piece, box_piece, round_piece
from physicl_twin.settings import pipeline


@dataclass(frozen=True, slots=True)
class Build:
    """Our build of one mesh.

    Attributes:
        row: Collision of the twin on disk, and the seconds of its record.
        stages: Wall seconds per stage.
        failed: Checks and rollouts that failed.
    """

    row: Row
    stages: dict[str, float]
    failed: int


def main() -> int:
    """Run the benchmark; exit status 1 when ours takes more than half the time or is worse on a mesh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obj2mjcf", default=shutil.which("obj2mjcf"), help="obj2mjcf's program")
    parser.add_argument("--only", default="", help="names of meshes, separated by commas")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="workers of build")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args()
    if not options.obj2mjcf:
        parser.error("obj2mjcf is not on PATH: install it into its own environment and give --obj2mjcf")
    settings = collision_settings(pipeline())
    meshes = [shapes.make(name) for name in (options.only.split(",") if options.only else shapes.MAKERS)]
    start, cpu = time.perf_counter(), processor_seconds()
    builds = ours(meshes, settings, options.jobs)
    whole_s, cpu_s = time.perf_counter() - start, processor_seconds() - cpu
    rows: list[Row] = []
    head = f"{'mesh':9}{'tool':10}{'s':>7}{'cpu s':>7}{'pieces':>8}{'mean mm':>9}"
    print(f"{head}{'p99 mm':>8}{'missed':>8}{'volume':>8}  cavity")
    for mesh, build in zip(meshes, builds, strict=True):
        rows += [build.row, theirs(mesh, *target_of(mesh, settings), settings, options.obj2mjcf)]
        print(f"{line(rows[-2])}   {build.failed} failed; {told(build.stages)}")
        print(line(rows[-1]), flush=True)
    one, other = (statistics.median(row.seconds for row in side) for side in (rows[0::2], rows[1::2]))
    mine = whole_s / len(meshes)
    print(f"wall seconds per mesh {mine:.1f} / {other:.1f} = {mine / other:.3f} with {options.jobs} workers", end="; ")
    print(f"median of one mesh {one:.1f} / {other:.1f} = {one / other:.3f}")
    other_cpu_s = sum(row.cpu_seconds for row in rows[1::2])
    print(f"processor seconds in all {cpu_s:.1f} / {other_cpu_s:.1f} = {cpu_s / other_cpu_s:.3f}")
    print(f"worse on: {', '.join(worse(rows)) or 'none'}; builds with a failure: {sum(b.failed > 0 for b in builds)}")
    if options.json:
        table = [asdict(row) for row in rows] + [{"stages": build.stages} for build in builds]
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0 if mine <= 0.5 * other and not worse(rows) else 1


def ours(meshes: list[shapes.BenchmarkMesh], settings: CollisionSettings, jobs: int) -> list[Build]:
    """One ``build`` command over a folder of the meshes; the twins are read back from disk."""
    with tempfile.TemporaryDirectory() as scratch:
        sources, out = Path(scratch) / "sources", Path(scratch) / "twins"
        sources.mkdir()
        for mesh in meshes:
            shapes.write_obj(mesh, sources / f"{mesh.name}.obj")
        command = [sys.executable, "-m", "physicl_twin.cli", "build", str(sources), "--out", str(out), "--json"]
        command += ["--units", "m", "--up", "z", "--jobs", str(jobs)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parents[1])
        records = {Path(r["source"]).stem: r for r in map(json.loads, done.stdout.splitlines())}
        return [_build(mesh, records[mesh.name], settings) for mesh in meshes]


def _build(mesh: shapes.BenchmarkMesh, record: dict[str, Any], settings: CollisionSettings) -> Build:
    target, origin = target_of(mesh, settings)
    pieces = [
        _piece(collider, part.pose).scaled(1 / target.scale_m, -origin / target.scale_m)
        for part in pt.load(record["twin"]).parts
        if part.collision is not None
        for collider in part.collision.colliders
    ]
    fit = measure(pieces, target, settings.samples)
    row = row_of(mesh.name, "build", record["seconds"], float("nan"), fit, target)
    return Build(row, record["stages"], record["checks"]["failed"])


def _piece(collider: Collider, part: Pose) -> Piece:
    pose = part.compose(collider.pose)
    if collider.kind == "hull" and collider.hull is not None:
        vertices, faces = pose.apply(collider.hull.vertices), collider.hull.faces.astype("int64")
        return Piece("hull", Pose(), (), vertices, faces, planes_of(vertices, faces))
    if collider.kind == "box":
        return box_piece(pose, (collider.size_m[0], collider.size_m[1], collider.size_m[2]))
    return round_piece(collider.kind, pose, collider.size_m)


def told(stages: dict[str, float]) -> str:
    """Seconds per stage as text."""
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items() if seconds >= 0.05)


if __name__ == "__main__":
    raise SystemExit(main())
