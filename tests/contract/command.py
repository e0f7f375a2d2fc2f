"""The command line as users run it: a process with its exit status, standard output and standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; fails when a line is anything else."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def physicl(*arguments: object, timeout: float = 300, **environment: str) -> Done:
    """Run a verb of the console command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "physicl_twin.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    return Done(done.returncode, done.stdout, done.stderr)


def stl_box(path: Path, edges: tuple[float, float, float], origin: tuple[float, float, float] = (0, 0, 0)) -> Path:
    """Write a box with one corner at ``origin`` as a binary STL, in the numbers given."""
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * edges + origin
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    record = np.zeros(len(triangles), dtype=[("normal", "<f4", 3), ("points", "<f4", (3, 3)), ("attribute", "<u2")])
    record["points"] = corners[triangles]
    edges_1, edges_2 = (record["points"][:, i] - record["points"][:, 0] for i in (1, 2))
    normals = np.cross(edges_1, edges_2)
    record["normal"] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    path.write_bytes(b"box".ljust(80) + np.uint32(len(triangles)).tobytes() + record.tobytes())
    return path
