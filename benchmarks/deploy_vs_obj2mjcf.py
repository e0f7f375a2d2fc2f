"""``deploy mujoco`` against ``obj2mjcf`` on the ten benchmark meshes, in one run.

    python benchmarks/deploy_vs_obj2mjcf.py --obj2mjcf PATH [--twins DIR] [--only mug,bowl] [--json FILE]

Both end with an MJCF model of a mesh that MuJoCo loads. obj2mjcf decomposes while it writes (``--decompose``, a thread
of CoACD on each core); ours writes what ``build`` found, reads it back, compares and drops it. So the seconds of
``deploy`` alone favour ours and are given with those of ``build``, which happens once a twin: ``--twins`` takes a
folder of twins that exist, and the seconds of their builds are then not known. Seconds are wall time of the whole
program for obj2mjcf and of the function for ``deploy``, processor seconds include everything started.

The truth of the mass is the mesh's exact volume (divergence theorem, watertight) times a density: of ours the one that
the twin was built with (steel is stated, 7850 kg/m3), of obj2mjcf MuJoCo's default of 1000 kg/m3, because it has
no other; either is compared with its own truth. The mass is what MuJoCo says of the compiled model.
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

import mujoco
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import shapes
from collision_vs_obj2mjcf import processor_seconds

import physicl_twin as pt

#: kg/m3. Ours: stated, with the density in the truth read from the twin; theirs: MuJoCo's default of a geom.
MATERIAL, MUJOCO_DENSITY = "S235JR", 1000.0


@dataclass(frozen=True, slots=True)
class Row:
    """One tool on one mesh.

    Attributes:
        mesh: Name.
        tool: ``deploy`` or ``obj2mjcf``.
        seconds: Wall time.
        cpu_seconds: Processor time.
        mass_error: Relative to the truth; None when MuJoCo refuses the model.
        colliders: Geoms that collide.
        green: True when the tool checked its export and the check passed; None for no check.
        note: Why there is no model.
    """

    mesh: str
    tool: str
    seconds: float
    cpu_seconds: float
    mass_error: float | None
    colliders: int
    green: bool | None
    note: str = ""


def main() -> int:
    """Run the benchmark; exit status 1 when ours is slower in the median, weighs worse or fails a round trip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obj2mjcf", default=shutil.which("obj2mjcf"), help="obj2mjcf's program")
    parser.add_argument("--twins", type=Path, help="folder of twins of these meshes; built first without it")
    parser.add_argument("--only", default="", help="names of meshes, separated by commas")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args()
    if not options.obj2mjcf:
        parser.error("obj2mjcf is not on PATH: install it into its own environment and give --obj2mjcf")
    meshes = [shapes.make(name) for name in (options.only.split(",") if options.only else shapes.MAKERS)]
    with tempfile.TemporaryDirectory() as scratch:
        twins = options.twins or build(meshes, Path(scratch))
        rows: list[Row] = []
        print(f"{'mesh':9}{'tool':10}{'s':>7}{'cpu s':>8}{'mass error':>12}{'hulls':>7}  check")
        for mesh in meshes:
            rows += [ours(mesh, twins / mesh.name, Path(scratch)), theirs(mesh, options.obj2mjcf)]
            for row in rows[-2:]:
                print(line(row), flush=True)
    mine, other = rows[0::2], rows[1::2]
    one, two = (statistics.median(row.seconds for row in side) for side in (mine, other))
    print(f"median seconds {one:.2f} / {two:.2f} = {one / two:.3f}")
    worst = [max((row.mass_error for row in side if row.mass_error is not None), default=1.0) for side in (mine, other)]
    print(f"largest mass error {worst[0]:.1e} / {worst[1]:.1e}")
    hulls = [sum(row.colliders for row in side) for side in (mine, other)]
    print(f"colliders in all {hulls[0]} / {hulls[1]} = {hulls[0] / max(hulls[1], 1):.3f}")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    return 0 if one <= two and worst[0] <= worst[1] and all(row.green for row in mine) else 1


def build(meshes: list[shapes.BenchmarkMesh], scratch: Path) -> Path:
    """Twins of the meshes, steel; prints what that took."""
    sources, out = scratch / "sources", scratch / "twins"
    sources.mkdir()
    for mesh in meshes:
        shapes.write_obj(mesh, sources / f"{mesh.name}.obj")
    command = [sys.executable, "-m", "physicl_twin.cli", "build", str(sources), "--out", str(out), "--json", "--fast"]
    command += ["--units", "m", "--up", "z", "--jobs", str(os.cpu_count()), "--material", f"*={MATERIAL}"]
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, cwd=Path(__file__).resolve().parents[1])
    print(f"build, once for all targets: {(time.perf_counter() - start) / len(meshes):.1f} s a mesh (--fast)")
    return out


def ours(mesh: shapes.BenchmarkMesh, twin: Path, scratch: Path) -> Row:
    """The export, with its round trip and its drop."""
    start, cpu = time.perf_counter(), processor_seconds()
    result = pt.deploy(twin, "mujoco", scratch / "exports", force=True)
    seconds, cpu = time.perf_counter() - start, processor_seconds() - cpu
    density = pt.load(twin).materials[0].density.value
    mass, colliders, note = measured(Path(result.main))
    return Row(mesh.name, "deploy", seconds, cpu, error(mass, mesh, density), colliders, result.passed, note)


def theirs(mesh: shapes.BenchmarkMesh, program: str) -> Row:
    """obj2mjcf's model."""
    with tempfile.TemporaryDirectory() as folder:
        shapes.write_obj(mesh, Path(folder) / f"{mesh.name}.obj")
        start, cpu = time.perf_counter(), processor_seconds()
        command = [program, "--obj-dir", folder, "--decompose", "--save-mjcf", "--overwrite", "--add-free-joint"]
        subprocess.run(command, check=True, capture_output=True)
        seconds, cpu = time.perf_counter() - start, processor_seconds() - cpu
        mass, colliders, note = measured(Path(folder, mesh.name, f"{mesh.name}.xml"))
    return Row(mesh.name, "obj2mjcf", seconds, cpu, error(mass, mesh, MUJOCO_DENSITY), colliders, None, note)


def measured(model: Path) -> tuple[float | None, int, str]:
    """Mass of a model's bodies and its colliding geoms, as MuJoCo compiles it; or why it does not."""
    try:
        compiled = mujoco.MjModel.from_xml_path(str(model))
    except ValueError as refusal:
        return None, 0, str(refusal).splitlines()[0]
    collides = (compiled.geom_contype != 0) | (compiled.geom_conaffinity != 0)
    return float(compiled.body_mass.sum()), int((collides & (compiled.geom_bodyid > 0)).sum()), ""


def error(mass_kg: float | None, mesh: shapes.BenchmarkMesh, density: float) -> float | None:
    """Of the mass, relative to the exact volume times the density."""
    corners = mesh.vertices[mesh.faces]
    volume = float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)
    return None if mass_kg is None else abs(mass_kg / (volume * density) - 1.0)


def line(row: Row) -> str:
    """The row as text."""
    wrong = "refused" if row.mass_error is None else f"{row.mass_error:.1e}"
    green = {True: "green", False: "RED", None: "-"}[row.green]
    return (
        f"{row.mesh:9}{row.tool:10}{row.seconds:7.2f}{row.cpu_seconds:8.2f}{wrong:>12}{row.colliders:7d}"
        f"  {green} {row.note}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
