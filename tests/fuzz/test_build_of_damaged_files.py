"""Damaged files through the whole command: an error each, never a hang, a crash or a traceback."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from tests.contract.command import ROOT, physicl, stl_box
from tests.fuzz.mutate import mutate

#: Files to damage; ``PHYSICL_FUZZ=600`` is the full run, the default a sample of it.
COUNT = int(os.environ.get("PHYSICL_FUZZ", "48"))

#: Every stage runs, none of them long: a damaged file that can be read is built like any other.
LIMITS = """
[jobs]
timeout_s = 120.0
memory_gb = 4.0
[collision]
cells = 20
max_pieces = 4
[rollouts.drop]
longest_time_scales = 2.0
[rollouts.slide]
settle_s = 0.02
measure_s = 0.1
[report]
picture_px = 64
"""


def seeds(folder: Path) -> list[Path]:
    """Small intact files of every format that can be made here, and the shipped samples."""
    import trimesh

    folder.mkdir()
    mesh = trimesh.creation.box((0.04, 0.03, 0.02))
    for suffix in ("obj", "ply", "off", "glb", "3mf", "dae"):
        mesh.export(folder / f"box.{suffix}")
    stl_box(folder / "block.stl", (40.0, 30.0, 20.0))
    (folder / "box.usda").write_text(
        '#usda 1.0\n(\n    defaultPrim = "box"\n    metersPerUnit = 0.01\n    upAxis = "Z"\n)\n'
        'def Cube "box"\n{\n    double size = 4\n}\n'
    )
    (folder / "sample.step").write_bytes((ROOT / "data" / "samples" / "mallet.step").read_bytes())
    return sorted(folder.iterdir())


def test_damaged_files_end_as_clear_errors_or_as_twins(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    intact = seeds(tmp_path / "intact")
    for number in range(COUNT):
        seed = intact[number % len(intact)]
        data = mutate(seed.read_bytes(), zlib.crc32(f"{seed.name} {number}".encode()))
        (damaged / f"case_{number:04d}{seed.suffix}").write_bytes(data)
    settings = tmp_path / "limits.toml"
    settings.write_text(LIMITS)
    done = physicl(
        "build", damaged, "--out", tmp_path / "twins", "--fast", "--json", "--jobs", 2, "--config", settings,
        timeout=60 * COUNT,
    )  # fmt: skip
    assert done.status in (0, 1)
    assert "Traceback" not in done.stderr + done.stdout
    records = {Path(record["source"]).name: record for record in done.records}
    skipped = sum(line.startswith("skipped") for line in done.stderr.splitlines())
    assert len(records) + skipped == COUNT
    for name, record in records.items():
        if record["status"] == "failed":
            assert record["error"]["code"] != "internal_error", (name, record["error"])
            assert record["error"]["message"], name
            assert not (Path(tmp_path) / "twins" / Path(name).stem).exists()
        else:
            assert (Path(record["twin"]) / "certificate.json").is_file()
    assert any(record["status"] == "failed" for record in records.values())
