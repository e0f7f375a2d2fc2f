"""A drop recorded for play-back: the twin let fall askew in an engine, its pose at an even rate."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin import settings as shipped
from physicl_twin.engines import EngineSettings, registry
from physicl_twin.model import Pose, Progress, ValidationError
from physicl_twin.usd.rollout_scene import Clone, write_rollout_scene
from physicl_twin.validate.rollouts.settings import RolloutSettings
from physicl_twin.validate.rollouts.survey import surface_of, survey

FRAMES_PER_S = 30
#: Longest recording, and how long it must be still to end before.
_LONGEST_S, _STILL_S = 4.0, 0.4
#: Turn of the start about x and y, degrees: askew enough to tumble (judgement).
_ASKEW_DEG = (28.0, 17.0)


def record(*, twin: str, engine: str, progress: Progress) -> dict[str, Any]:
    """Let the twin fall from the height of the rollout and record its pose.

    Args:
        twin: Folder.
        engine: ``physx`` or ``mujoco``.
        progress: Told how far it is.

    Returns:
        ``engine``, ``frames_per_s``, ``frames``: a list of (N bodies) of (x, y, z, w, i, j, k) world poses, and
        ``reach``: low and high corner (m) of all that the twin touches on its way.

    Raises:
        ValidationError: ``playback_several_bodies`` for a twin of several bodies.
        EngineError: When the engine refuses the scene.
    """
    folder = Path(twin)
    usd = folder / "simready" / f"{folder.name}.usda"
    in_force = shipped.pipeline()
    rollouts, engines = RolloutSettings.from_pipeline(in_force), EngineSettings.from_pipeline(in_force)
    seen = survey(usd, engine, engines)
    if len(seen.bodies) != 1:
        hint = "Press play in Isaac Sim to see it move."
        raise ValidationError("playback_several_bodies", "Only twins of one body are played back here.", hint)
    start = _start(seen.low_m, seen.high_m, rollouts.drop.height_ratio * seen.size_m)
    scale_s = seen.time_scale_s(rollouts.gravity_mps2)
    dt_s = rollouts.time_steps[engine].of(scale_s)
    steps = max(1, round(1.0 / FRAMES_PER_S / dt_s))
    frames: list[list[list[float]]] = []
    with tempfile.TemporaryDirectory(prefix="physicl-drop-") as scratch:
        stage = write_rollout_scene(
            Path(scratch) / "drop.usda",
            usd,
            engine,
            [Clone(start)],
            ground=surface_of(seen.lowest_material(start)),
            gravity_mps2=rollouts.gravity_mps2,
        )
        with registry.engine(engine, engines).open(stage.path) as scene:
            wanted = round(_LONGEST_S / (steps * dt_s))
            for number in range(wanted):
                frames.append([[float(v) for v in pose] for pose in scene.poses()])
                progress("recording", number / wanted)
                if _is_still(frames, seen.size_m, round(_STILL_S * FRAMES_PER_S)):
                    break
                scene.step(dt_s, steps)
    return {
        "engine": engine,
        "frames_per_s": 1.0 / (steps * dt_s),
        "frames": frames,
        "reach": _reach(frames, seen.low_m, seen.high_m),
    }


def _start(low: Any, high: Any, height_m: float) -> Pose:
    about_x, about_y = (math.radians(angle) for angle in _ASKEW_DEG)
    turned = Pose((0.0, 0.0, 0.0), (math.cos(about_x / 2), math.sin(about_x / 2), 0.0, 0.0)).compose(
        Pose((0.0, 0.0, 0.0), (math.cos(about_y / 2), 0.0, math.sin(about_y / 2), 0.0))
    )
    lowest = float(turned.apply(_corners(np.asarray(low), np.asarray(high)))[:, 2].min())
    return Pose((0.0, 0.0, height_m - lowest), turned.quaternion_wxyz)


def _is_still(frames: list[list[list[float]]], size_m: float, count: int) -> bool:
    if len(frames) <= count + 5:
        return False
    last = np.array(frames[-count:])
    return float(np.abs(last - last[-1]).max()) < 2e-3 * max(size_m, 1e-3) and float(last[-1][0][2]) < float("inf")


def _reach(frames: list[list[list[float]]], low: Any, high: Any) -> list[list[float]]:
    """Box around the twin over the run: what the camera must see."""
    corners = _corners(np.asarray(low), np.asarray(high))
    moved = []
    for (pose,) in frames:
        x, y, z, w, i, j, k = pose
        moved.append(Pose((x, y, z), (w, i, j, k)).apply(corners))
    every = np.concatenate(moved)
    return [[float(v) for v in every.min(axis=0)], [float(v) for v in every.max(axis=0)]]


def _corners(low: Any, high: Any) -> Any:
    box = np.array([low, high])
    return np.array([[box[i, 0], box[j, 1], box[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
