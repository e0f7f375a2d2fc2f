"""Build a twin, and open it in Isaac Sim where there is one.

./python.sh docs/examples/headless_build.py gear.step twins        in Isaac Sim
.venv/bin/python docs/examples/headless_build.py gear.step twins   in any Python 3.12: builds, opens nothing
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout, for a Python that it is not installed in

import physicl_twin as pt
from physicl_twin.kit.headless import has_isaac_sim, simulation_app


def main(source: str, out: str = "twins") -> int:
    """Build, say what it weighs, open it."""
    result = pt.build(source, out)
    mass = result.twin.bodies[0].mass
    print(f"{result.usd}: {mass.value:.4g} kg, standard deviation {mass.std:.2g} kg" if mass else result.usd)
    if not has_isaac_sim():
        return 0
    with simulation_app():
        import omni.usd

        omni.usd.get_context().open_stage(str(result.usd))
        stage = omni.usd.get_context().get_stage()
        print(f"Isaac Sim sees {stage.GetDefaultPrim().GetPath()}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:3]))
