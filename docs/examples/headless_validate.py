"""Check a twin and roll it out; in Isaac Sim also in the PhysX that runs there.

./python.sh docs/examples/headless_validate.py twins/gear        in Isaac Sim
.venv/bin/python docs/examples/headless_validate.py twins/gear   in any Python 3.12
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout, for a Python that it is not installed in

from physicl_twin.kit.headless import has_isaac_sim, simulation_app
from physicl_twin.workbench import Task


def main(twin: str) -> int:
    """Validate in a worker, then let the editor's PhysX answer the rollouts as well."""
    state = Task("validate", {"target": twin}).start().wait()
    if state.error:
        print(f"{state.error['message']} {state.error['hint']}")
        return 1
    counts, passed = state.result["checks"], state.result["passed"]
    print(f"{counts['passed']} checks passed, {counts['failed']} failed")
    if not has_isaac_sim():
        return int(not passed)
    with simulation_app():
        from physicl_twin.kit.engine import KitEngine
        from physicl_twin.validate import rollouts

        folder = Path(twin)
        usd = next((folder / "simready").glob("*.usda")) if folder.is_dir() else folder
        for name in rollouts.ROLLOUTS:
            result = rollouts.run(name, usd, KitEngine())
            print(f"{name} in Isaac Sim: {result.status} {result.message}")
            passed = passed and result.status != "failed"
    return int(not passed)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
