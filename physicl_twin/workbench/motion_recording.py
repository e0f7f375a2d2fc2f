"""Joints moved by their drives in an engine, recorded for play-back: one after the other to both ends and back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Usd

from physicl_twin import settings as shipped
from physicl_twin.engines import EngineSettings, registry
from physicl_twin.model import Body, Pose, Progress, Twin, loads_twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.stage_geometry import recorded
from physicl_twin.validate.rollouts.joint_run import range_of, smooth, time_step_s, trial_drives
from physicl_twin.validate.rollouts.moving import survey_moving
from physicl_twin.validate.rollouts.moving_stage import Setup, open_moving
from physicl_twin.validate.rollouts.settings import RolloutSettings

FRAMES_PER_S = 30
#: Seconds that a joint takes to an end of its range, and the longest recording.
_WAY_S, _LONGEST_S = 0.8, 24.0


def record(*, twin: str, engine: str, progress: Progress) -> dict[str, Any]:
    """Move the joints of a twin in an engine and record the poses of its bodies.

    Gravity acts, the base is held. A joint without a drive of its own gets the test drive of the rollout joint_sweep.

    Args:
        twin: Folder.
        engine: ``physx`` or ``mujoco``.
        progress: Told how far it is.

    Returns:
        ``engine``, ``frames_per_s``, ``frames``: a list of (N bodies of twin.json) of (x, y, z, w, i, j, k) in the
        twin's frame, ``reach``: low and high corner (m) of all that it touches, and ``floor_m``: what it stands on.

    Raises:
        ValidationError: ``rollout_no_joint`` when nothing moves.
        EngineError: When the engine refuses the scene.
    """
    folder = Path(twin)
    usd = folder / "simready" / f"{folder.name}.usda"
    in_force = shipped.pipeline()
    rollouts, engines = RolloutSettings.from_pipeline(in_force), EngineSettings.from_pipeline(in_force)
    moving = survey_moving(usd, engine, engines)
    drives = trial_drives(moving, rollouts.joints)
    rows = [int(row) for row in np.flatnonzero(moving.steered) if int(row) in drives or moving.positioned[row]]
    dt_s = time_step_s(moving, engine, rollouts)
    steps = max(1, round(1.0 / FRAMES_PER_S / dt_s))
    way = max(2, round(min(_WAY_S, _LONGEST_S / (3 * max(1, len(rows)))) / (steps * dt_s)))
    setup = Setup(gravity_mps2=rollouts.gravity_mps2, drives=drives)
    frames: list[dict[str, list[float]]] = []
    with open_moving(moving, registry.engine(engine, engines), setup) as scene:
        home = moving.followed(moving.home)
        targets = home.copy()
        scene.set_joint_targets(targets)
        for number, row in enumerate(rows):
            progress("recording", number / len(rows))
            low, high = range_of(moving, row, rollouts.joints)
            start = float(home[row])
            for begin, end in ((start, high), (high, low), (low, start)):
                for part in range(1, way + 1):
                    targets[row] = smooth(begin, end, part / way)
                    scene.set_joint_targets(targets)
                    scene.step(dt_s, steps)
                    frames.append(
                        {
                            path.rsplit("/", 1)[-1]: [float(v) for v in pose]
                            for path, pose in zip(scene.bodies, scene.poses(), strict=True)
                        }
                    )
    read = loads_twin((folder / "twin.json").read_text(encoding="utf-8"))
    bodies, boxes = read.bodies, _boxes(read)
    placed = _in_order(frames, bodies, _prim_names(usd))
    low_m, high_m = _reach(placed, boxes)
    still, _ = _reach([[[*body.pose.position_m, *body.pose.quaternion_wxyz] for body in bodies]], boxes)
    return {
        "engine": engine,
        "frames_per_s": 1.0 / (steps * dt_s),
        "frames": placed,
        "reach": [low_m, high_m],
        "floor_m": still[2],
    }


def _prim_names(usd: Path) -> dict[str, str]:
    """Prim name by the name of the body."""
    stage = Usd.Stage.Open(str(usd))
    found = ((recorded(prim), prim.GetName()) for prim in stage.Traverse())
    return {str(data["body"]): name for data, name in found if "body" in data}


def _in_order(
    frames: list[dict[str, list[float]]], bodies: tuple[Body, ...], prims: dict[str, str]
) -> list[list[list[float]]]:
    """Poses in the order of the twin's bodies; what the engine does not move stands where it stands."""
    still = {body.name: [*body.pose.position_m, *body.pose.quaternion_wxyz] for body in bodies}
    return [[frame.get(prims.get(body.name, ""), still[body.name]) for body in bodies] for frame in frames]


def _boxes(twin: Twin) -> list[FloatArray]:
    """(8 P, 3) corners of the parts of each body, in its frame."""
    shapes = {shape.name: shape.geometry for shape in twin.shapes}
    found: list[FloatArray] = []
    for body in twin.bodies:
        corners = [np.zeros((0, 3))]
        for part in body.parts:
            if (summary := shapes.get(part.shape)) is not None:
                ends = np.array([summary.low_m, summary.high_m])
                corners.append(part.pose.apply(np.stack(np.meshgrid(*ends.T, indexing="ij"), axis=-1).reshape(-1, 3)))
        found.append(np.concatenate(corners))
    return found


def _reach(frames: list[list[list[float]]], boxes: list[FloatArray]) -> tuple[list[float], list[float]]:
    low, high = np.full(3, math.inf), np.full(3, -math.inf)
    for frame in frames:
        for (x, y, z, w, i, j, k), corners in zip(frame, boxes, strict=True):
            if len(corners):
                points = Pose((x, y, z), (w, i, j, k)).apply(corners)
                low, high = np.minimum(low, points.min(axis=0)), np.maximum(high, points.max(axis=0))
    return [float(v) for v in low], [float(v) for v in high]
