"""The tests that need a real Isaac Sim, with one command:

    ./python.sh /path/to/physicl_twin/tests/in_isaac/run.py [NAME…]

``python.sh`` is Isaac Sim's (or any Python 3.12 with pip's isaacsim); a graphics card is needed. NAME picks tests whose name
holds it. A twin and a set of variations are built first, by the checkout's own environment (``./physicl.sh doctor`` makes
it). Exit status 0: all passed and nothing of ours stands in Kit's log as an error.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from physicl_twin.kit.headless import simulation_app
from physicl_twin.workbench import Task

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "samples" / "mallet.step"
SPEC = "[scene]\nobjects = 3\nleft_out = { choice = [0, 1] }\n[look]\nhue_deg = { uniform = [-180, 180] }\n"


def main(chosen: list[str]) -> int:
    """Build what the tests need, start Isaac Sim, run them."""
    with tempfile.TemporaryDirectory(prefix="physicl_") as scratch:
        folder = Path(scratch)
        things = _prepare(folder)
        # Kit takes the name of the folder for the name of the extension, whatever the checkout is called.
        (folder / "exts").mkdir()
        (folder / "exts" / "physicl_twin").symlink_to(ROOT, target_is_directory=True)
        arguments = ["--ext-folder", str(folder / "exts"), "--enable", "omni.kit.test", "--enable", "physicl_twin"]
        with simulation_app(extra_args=arguments) as host:
            faults = host.run(_run(chosen, things)) + _errors_in_the_log()
            if faults:
                raise SystemExit("\n".join(["", *faults]))
    return 0


def _prepare(folder: Path) -> dict[str, str]:
    """A twin and a set of variations of it."""
    spec = folder / "spec.toml"
    spec.write_text(SPEC, encoding="utf-8")
    build: dict[str, Any] = {"sources": [str(SAMPLE)], "out": str(folder / "twins"), "fast": True}
    record = _done(Task("build", build))["records"][0]
    twin = record["twin"]
    augment = {"twins": [twin], "out": str(folder / "set"), "spec": str(spec), "count": 4, "seed": 11, "report": False}
    _done(Task("augment", augment))
    return {"twin": twin, "usd": record["usd"], "mass": json.dumps(record["mass_kg"]), "set": str(folder / "set")}


def _done(task: Task) -> Any:
    state = task.start().wait()
    if state.error:
        raise SystemExit(f"{state.error['message']} {state.error['hint']}")
    return state.result


async def _run(chosen: list[str], things: dict[str, str]) -> list[str]:
    """Every test; the faults, in words."""
    from tests.in_isaac.test_in_isaac import CASES

    faults = []
    for case in CASES:
        case.things = things
        for name in sorted(name for name in dir(case) if name.startswith("test_")):
            if chosen and not any(word in name for word in chosen):
                continue
            test, started = case(name), time.perf_counter()
            try:
                await test.setUp()
                try:
                    await getattr(test, name)()
                finally:
                    await test.tearDown()
            except Exception:  # whatever a test raises is its result
                faults.append(f"{name}\n{traceback.format_exc()}")
                print(f"FAILED  {name}", flush=True)
            else:
                print(f"passed  {name}  {time.perf_counter() - started:.1f} s", flush=True)
    return faults


def _errors_in_the_log() -> list[str]:
    """Errors of ours: Kit calls an extension enabled whose module could not be imported; only its log tells."""
    import carb.settings

    log = carb.settings.get_settings().get("/log/file")
    text = Path(str(log)).read_text(encoding="utf-8", errors="replace") if log else ""
    return [line for line in text.splitlines() if "[Error]" in line and "physicl" in line]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
