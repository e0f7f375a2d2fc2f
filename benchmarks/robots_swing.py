"""Let go, does a robot swing down alike in PhysX and in MuJoCo?  For ``benchmarks/robots.py``.

The base is held, drives are off, nothing collides and no joint is stopped; friction, damping, springs, armature and
followers are those of the twin. Both engines start from the source's pose, at rest, under gravity; a robot that stays
there (it hangs or stands straight) leans first, every joint by the same way inside its limits.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from physicl_twin.validate.rollouts.moving import MovingTwin

#: Length of the run, seconds, and looks at it.
LASTS_S, LOOKS = 0.5, 50
#: Time step, seconds, of both: their integrators are of first order, and a UR5e, whose wrist weighs nothing beside what
#: it hangs on, ends 7 % apart with 1 ms in one and a quarter of that in the other, though both converge to the same.
STEP_S = 2.5e-4
#: A joint that moves by less than this share of what the farthest one of its kind moves is measured against that share
#: (judgement: the others carry it along by more than it moves itself).
SHARE = 0.1
#: Way of the farthest joint, radians or metres, below which nothing of its kind swings.
STILL = 1e-3
AIM = 0.02
#: How far such a joint leans, radians or metres, and at most a quarter of its range (judgement).
LEAN = {"revolute": 0.5, "prismatic": 0.02}
FloatArray = NDArray[np.float64]


def swing(usd: Path, lasts_s: float = LASTS_S, scale: float = 1.0) -> dict[str, Any]:
    """Both runs and how far apart they are.

    Args:
        usd: The twin's interface layer.
        lasts_s: Length of the run.
        scale: Of the time step.

    Returns:
        ``error`` (largest difference of a joint over the range that it moves), ``joint`` (that one's name), ``moved``
        (largest way), ``joints``; or ``refused`` with the reason.
    """
    from physicl_twin.model import PhysiclError

    try:
        leans = False
        names, kinds, there = _run(usd, "mujoco", lasts_s, scale)
        if np.ptp(there, axis=0).max(initial=0.0) < STILL:
            leans = True
            names, kinds, there = _run(usd, "mujoco", lasts_s, scale, lean=True)
        others, _, here = _run(usd, "physx", lasts_s, scale, lean=leans)
    except PhysiclError as error:
        return {"refused": f"{error.code}: {error.message}"}
    if names != others:
        return {"refused": "the engines know different joints"}
    moved = np.maximum(np.ptp(here, axis=0), np.ptp(there, axis=0))
    apart = np.abs(here - there).max(axis=0)
    against = np.empty(len(names))
    for kind in set(kinds):
        rows = np.array([k == kind for k in kinds])
        farthest = moved[rows].max()
        against[rows] = np.maximum(moved[rows], SHARE * farthest) if farthest > STILL else np.inf
    if not np.isfinite(against).any():
        return {"error": 0.0, "joint": "", "moved": float(moved.max(initial=0.0)), "joints": len(names)}
    errors = apart / against
    worst = int(np.argmax(errors))
    return {
        "error": float(errors[worst]),
        "joint": names[worst],
        "moved": float(moved.max()),
        "joints": len(names),
    }


def summary(runs: Mapping[str, Mapping[str, Any]]) -> None:
    """How many swing alike."""
    swung = {name: run for name, run in runs.items() if "error" in run}
    moving = {name: run for name, run in swung.items() if run["moved"] > STILL}
    alike = sum(run["error"] <= AIM for run in swung.values())
    print(
        f"\nswing-down: {alike} of {len(swung)} alike within {AIM:.0%} of the range moved, {len(moving)} of them moved"
    )
    if moving:
        print(f"median {statistics.median(100 * run['error'] for run in moving.values()):.2f} %", end="")
        print(f", largest {max(100 * run['error'] for run in moving.values()):.2f} %")
    for name, run in runs.items():
        if "refused" in run or run["error"] > AIM:
            print(f"  {name}: {run.get('refused') or f'{run["error"]:.1%} at {run["joint"]}'}")


def _run(
    usd: Path, engine: str, lasts_s: float, scale: float, lean: bool = False
) -> tuple[tuple[str, ...], list[str], FloatArray]:
    """Names and types of the joints, and their coordinates (looks, J)."""
    from physicl_twin.engines import EngineSettings, registry
    from physicl_twin.validate.rollouts.moving import survey_moving
    from physicl_twin.validate.rollouts.moving_stage import OFF, Setup, open_moving

    settings = EngineSettings.from_pipeline()
    twin = survey_moving(usd, engine, settings)
    off = {int(row): OFF for row in np.flatnonzero(twin.driven)}
    setup = Setup(9.81, off, drag=False, energy_true=True, contacts=False, limits=False)
    count = max(1, round(lasts_s / LOOKS / (STEP_S * scale)))
    seen = []
    with open_moving(twin, registry.engine(engine, settings), setup) as scene:
        if lean:
            scene.set_joint_positions(_leaning(twin))
        seen.append(scene.joint_positions())
        for _ in range(LOOKS):
            scene.step(lasts_s / LOOKS / count, count)
            seen.append(scene.joint_positions())
    return twin.names, [joint.type for joint in twin.joints], np.array(seen)


def _leaning(twin: MovingTwin) -> FloatArray:
    """Home, and every joint that leads a way from there, to the side that has more room."""
    positions = twin.home
    lower, upper = twin.bounds()
    for row in np.flatnonzero(twin.steered & ~twin.in_loop):
        above = upper[row] - positions[row] >= positions[row] - lower[row]
        way = min(LEAN[twin.joints[row].type], 0.25 * float(upper[row] - lower[row]))
        positions[row] += way if above else -way
    return twin.followed(positions)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(argument, swing(Path(argument)), flush=True)
