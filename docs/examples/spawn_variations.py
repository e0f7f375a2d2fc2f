"""Show the members of a set of variations one after the other, and let PhysX say that they rest.

./python.sh docs/examples/spawn_variations.py sets/bin
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout, for a Python that it is not installed in

from physicl_twin.kit.headless import simulation_app


def main(folder: str) -> int:
    """Show each member by its calls, simulate half a second, say how far anything moved."""
    with simulation_app():
        import numpy as np
        import omni.usd

        from physicl_twin.kit.engine import KitEngine
        from physicl_twin.kit.replicator.apply import execute
        from physicl_twin.kit.replicator.member import show
        from physicl_twin.kit.replicator.source import FinishedSet

        source = FinishedSet(Path(folder))
        omni.usd.get_context().open_stage(str(source.scene))
        stage = omni.usd.get_context().get_stage()
        for member in source.shared.members[:10]:
            show(stage, source, member, execute=execute)
            with KitEngine().open_stage(stage) as scene:
                before = scene.poses()
                scene.step(1 / 60, 30)
                moved = np.linalg.norm(scene.poses()[:, :3] - before[:, :3], axis=1).max()
            print(f"variation {member}: {len(before)} objects, moved {1e3 * moved:.2f} mm")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
