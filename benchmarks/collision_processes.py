"""Collision geometry of one source by several processes against one: the same result, in which time.

    python benchmarks/collision_processes.py SOURCE [--processes N] [--fast]

Reads the source, cleans its shapes, and fits their collision geometry by one process and by N (default: one
a processor), in this order, in one run. Prints both times and their ratio, and whether the colliders are the same.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from physicl_twin import ingest, settings
from physicl_twin.model import Twin, dumps, silent
from physicl_twin.normalize.collision import choose_collision
from physicl_twin.normalize.options import NormalizeSettings
from physicl_twin.normalize.stages import with_solids


def colliders(twin: Twin) -> str:
    """All colliders with their fits, without the times that they took."""
    found = [part.collision for part in twin.parts if part.collision is not None]
    return dumps([(collision.method, collision.colliders, collision.fit) for collision in found])


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--fast", action="store_true")
    given = parser.parse_args()
    table = settings.pipeline()
    twin = ingest.read(given.source)
    twin = with_solids(twin, NormalizeSettings.from_table(table["normalize"]), given.fast)
    results, seconds = [], []
    for processes in (1, given.processes):
        start = time.perf_counter()
        results.append(choose_collision(twin, table, given.fast, silent, processes))
        seconds.append(time.perf_counter() - start)
        print(f"{processes} {'process' if processes == 1 else 'processes'}: {seconds[-1]:.1f} s", flush=True)
    same = colliders(results[0]) == colliders(results[1])
    shapes = len({part.shape for part in twin.parts if part.collides})
    ratio, verdict = seconds[0] / seconds[1], "equal" if same else "DIFFER"
    print(f"{given.source.name}: {shapes} shapes, {ratio:.2f} times as fast, colliders {verdict}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
