"""Collision geometry against ``obj2mjcf --decompose`` on ten meshes, in one run, measured by the same code.

    python benchmarks/collision_vs_obj2mjcf.py --obj2mjcf PATH [--only mug,bowl] [--json FILE]

obj2mjcf (MIT) pins its own numpy and mujoco: install it into an environment of its own and give its program, or have it
on PATH. Its ``--decompose`` runs CoACD with threshold 0.05, 100 search iterations and no limit on pieces or on
vertices.
Seconds are wall time of the whole program for obj2mjcf (start, decomposition, files) and of ``fit_shape`` for ours;
processor seconds of both are given too, because a busy machine stretches wall time.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import shapes

from physicl_twin.model import Mesh, Pose, Shape
from physicl_twin.normalize.collision import CollisionSettings, collision_settings, fit_shape
from physicl_twin.normalize.collision.fit_error import Fit, Target, make_target, measure
from physicl_twin.normalize.collision.hull import hull_mesh, planes_of
from physicl_twin.normalize.collision.piece import Piece
from physicl_twin.normalize.collision.surface import TrueSurface
from physicl_twin.settings import pipeline


@dataclass(frozen=True, slots=True)
class Row:
    """One tool on one mesh; lengths in millimetres."""

    mesh: str
    tool: str
    seconds: float
    cpu_seconds: float
    pieces: int
    mean_mm: float
    p99_mm: float
    missed_mean_mm: float
    volume_ratio: float | None
    cavity_kept: bool | None


def main() -> int:
    """Run the benchmark; exit status 1 when ours is worse on a mesh."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obj2mjcf", default=shutil.which("obj2mjcf"), help="obj2mjcf's program")
    parser.add_argument("--only", default="", help="names of meshes, separated by commas")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args()
    if not options.obj2mjcf:
        parser.error("obj2mjcf is not on PATH: install it into its own environment and give --obj2mjcf")
    settings = collision_settings(pipeline())
    rows: list[Row] = []
    head = f"{'mesh':9}{'tool':10}{'s':>7}{'cpu s':>7}{'pieces':>8}{'mean mm':>9}"
    print(f"{head}{'p99 mm':>8}{'missed':>8}{'volume':>8}  cavity")
    for name in options.only.split(",") if options.only else list(shapes.MAKERS):
        mesh = shapes.make(name)
        target, origin = target_of(mesh, settings)
        rows += [ours(mesh, target, origin, settings), theirs(mesh, target, origin, settings, options.obj2mjcf)]
        for row in rows[-2:]:
            print(line(row), flush=True)
    summary(rows)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    return 0 if not worse(rows) else 1


def target_of(mesh: shapes.BenchmarkMesh, settings: CollisionSettings) -> tuple[Target, np.ndarray]:
    """What both tools are measured against, and the centre of the bounding box."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    origin, scale = 0.5 * (low + high), float(np.linalg.norm(high - low))
    vertices = (mesh.vertices - origin) / scale
    corners = vertices[mesh.faces]
    volume = float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)
    surface = TrueSurface(vertices, mesh.faces, volume)
    return make_target(surface, scale, settings.samples, settings.cavity_clearance, settings.cavity_filled), origin


def ours(mesh: shapes.BenchmarkMesh, target: Target, origin: np.ndarray, settings: CollisionSettings) -> Row:
    """Our choice, measured again from its colliders."""
    shape = Shape(mesh.name, mesh=Mesh(mesh.vertices, mesh.faces.astype(np.int32)))
    start, cpu = time.perf_counter(), processor_seconds()
    result = fit_shape(shape, settings, fast=False)
    seconds, cpu = time.perf_counter() - start, processor_seconds() - cpu
    pieces = [piece.scaled(1 / target.scale_m, -origin / target.scale_m) for piece in result.pieces]
    return row_of(mesh.name, "ours", seconds, cpu, measure(pieces, target, settings.samples), target)


def theirs(
    mesh: shapes.BenchmarkMesh, target: Target, origin: np.ndarray, settings: CollisionSettings, program: str
) -> Row:
    """obj2mjcf's pieces, read from the files it writes."""
    import trimesh

    with tempfile.TemporaryDirectory() as folder:
        shapes.write_obj(mesh, Path(folder) / f"{mesh.name}.obj")
        start, cpu = time.perf_counter(), processor_seconds()
        subprocess.run(
            [program, "--obj-dir", folder, "--decompose", "--save-mjcf", "--overwrite"], check=True, capture_output=True
        )
        seconds, cpu = time.perf_counter() - start, processor_seconds() - cpu
        pieces = []
        for path in sorted(Path(folder, mesh.name).glob("*_collision_*.obj")):
            hull = hull_mesh((np.asarray(trimesh.load(path, process=False).vertices) - origin) / target.scale_m)
            if hull is not None:
                pieces.append(Piece("hull", Pose(), (), *hull, planes_of(*hull)))
    return row_of(mesh.name, "obj2mjcf", seconds, cpu, measure(pieces, target, settings.samples), target)


def processor_seconds() -> float:
    """Processor time of this process and of its finished children."""
    return sum(
        u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def row_of(name: str, tool: str, seconds: float, cpu: float, fit: Fit, target: Target) -> Row:
    """A row of the table from a measured fit."""
    record = fit.record(target)
    missed = 1e3 * (record.missed_mean_m or 0.0)
    ratio = record.volume_ratio
    return Row(
        name, tool, seconds, cpu, fit.pieces, 1e3 * record.mean_m, 1e3 * record.p99_m, missed, ratio, record.cavity_kept
    )


def line(row: Row) -> str:
    """The row as text."""
    kept = {True: "open", False: "CLOSED", None: "-"}[row.cavity_kept]
    ratio = "-" if row.volume_ratio is None else f"{row.volume_ratio:.3f}"
    return (
        f"{row.mesh:9}{row.tool:10}{row.seconds:7.1f}{row.cpu_seconds:7.1f}{row.pieces:8d}{row.mean_mm:9.3f}{row.p99_mm:8.2f}"
        f"{row.missed_mean_mm:8.3f}{ratio:>8}  {kept}"
    )


def worse(rows: list[Row]) -> list[str]:
    """Meshes on which ours has the larger mean distance, or closes a cavity that obj2mjcf keeps open."""
    found = []
    for mine, other in zip(rows[0::2], rows[1::2], strict=True):
        if mine.mean_mm > other.mean_mm or (mine.cavity_kept is False and other.cavity_kept):
            found.append(mine.mesh)
    return found


def summary(rows: list[Row]) -> None:
    """Ratios of medians, ours over obj2mjcf's."""
    mine, other = rows[0::2], rows[1::2]

    def ratio(field: str) -> str:
        a, b = (statistics.median(getattr(row, field) for row in side) for side in (mine, other))
        return f"{a:.3g} / {b:.3g} = {a / b:.3f}"

    for field in ("seconds", "cpu_seconds", "pieces", "mean_mm", "p99_mm"):
        print(f"median {field:12} {ratio(field)}")
    closed = [sum(row.cavity_kept is False for row in side) for side in (mine, other)]
    print(f"cavities closed: ours {closed[0]}, obj2mjcf {closed[1]}; worse on: {', '.join(worse(rows)) or 'none'}")


if __name__ == "__main__":
    raise SystemExit(main())
