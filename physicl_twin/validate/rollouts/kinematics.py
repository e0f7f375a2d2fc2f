"""kinematics: does the engine put the bodies where the joints of the USD say?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physicl_twin.engines.protocol import Engine
from physicl_twin.engines.quaternions import conjugated, rotated
from physicl_twin.model import Measure, PhysiclError, RolloutResult, Twin, loads_twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.kinematics import body_poses
from physicl_twin.validate.rollouts.joint_run import begin, range_of
from physicl_twin.validate.rollouts.moving import MovingTwin
from physicl_twin.validate.rollouts.moving_stage import Setup, open_moving
from physicl_twin.validate.rollouts.settings import RolloutSettings

NAME = "kinematics"
QUESTION = "At random joint positions, do the engine's bodies stand where the joints of the USD put them?"


def kinematics(usd: Path, engine: Engine, settings: RolloutSettings) -> RolloutResult:
    """Set random joint positions and compare the poses of the bodies with forward kinematics of our own.

    Arguments and errors are those of ``begin``.
    """
    begun, chosen = begin(usd, engine, settings), settings.joints
    twin = begun.twin
    allowed_m = twin.size_m * (chosen.kinematics_physx if engine.name == "physx" else chosen.kinematics_mujoco)
    compared, record = _outside_of_loops(twin), _record(usd)
    worst_m, worst_rad, whose, read_back, astray_m, stray = 0.0, 0.0, "", 0.0, 0.0, ""
    with open_moving(twin, engine, Setup()) as scene:
        for positions in _configurations(twin, settings):
            scene.set_joint_positions(positions)
            expected, found = twin.mechanism.placed(twin.mechanism.home, positions), scene.poses()
            apart = np.linalg.norm(expected[:, :3] - found[:, :3], axis=1) * compared
            askew = 2.0 * np.arcsin(np.clip(_chord(expected, found), 0.0, 1.0)) * compared
            here = np.maximum(apart, askew * twin.size_m)
            if float(here.max()) > max(worst_m, worst_rad * twin.size_m):
                whose = twin.mechanism.bodies[int(here.argmax())]
            worst_m, worst_rad = max(worst_m, float(apart.max())), max(worst_rad, float(askew.max()))
            off = np.abs(scene.joint_positions() - positions)[twin.mechanism.in_tree & ~twin.in_loop]
            read_back = max(read_back, float(off.max(initial=0.0)))
            for body, distance in _from_record(twin, record, positions, expected, compared):
                if distance > astray_m:
                    astray_m, stray = distance, body
    failed = max(worst_m, worst_rad * twin.size_m) > allowed_m
    told = f"{worst_m:.2e} m and {worst_rad:.2e} rad over {chosen.kinematics_count} configurations"
    message = f"{whose.rsplit('/', 1)[-1]} is off by up to {told}." if failed else f"All bodies agree to {told}."
    if astray_m > chosen.kinematics_record * twin.size_m:
        failed, message = True, f"{message} The USD puts {stray} {astray_m:.2e} m from where twin.json has it."
    criterion = (
        f"At {chosen.kinematics_count} random configurations within the limits, positions of all bodies (of none in "
        f"loops) differ by at most {allowed_m:.1e} m from those that the joints' frames give, and turns by as much at "
        f"its size; where there is a twin.json, the USD's differ from its own by at most {chosen.kinematics_record:g} "
        "of the size."
    )
    measures = (
        Measure("largest_position_error", worst_m, "m"),
        Measure("largest_turn_error", worst_rad, "rad"),
        Measure("largest_coordinate_error", read_back, "1"),
        *((Measure("largest_distance_from_record", astray_m, "m"),) if record is not None else ()),
    )
    return begun.ended((NAME, QUESTION, criterion), [message] if failed else [], message, measures)


def _record(usd: Path) -> Twin | None:
    """The record beside a twin's USD; None for a loose file, and for a record that another check finds broken."""
    path = usd.parent.parent / "twin.json"
    try:
        return loads_twin(path.read_text(encoding="utf-8")) if path.is_file() else None
    except PhysiclError:
        return None


def _from_record(
    twin: MovingTwin, record: Twin | None, positions: FloatArray, expected: FloatArray, compared: FloatArray
) -> list[tuple[str, float]]:
    """How far bodies at poses (N, 7) are from where the record has them, seen from the root of their tree."""
    if record is None:
        return []
    wished = dict(zip(twin.names, (float(q) for q in positions), strict=True))
    stated = {body.name: pose for body, pose in zip(record.bodies, body_poses(record, wished), strict=True)}
    rows = {path: row for row, path in enumerate(twin.mechanism.bodies)}
    found = []
    for path, row in rows.items():
        root = twin.mechanism.tree.root(path) or path
        names = twin.bodies[row], twin.bodies[rows.get(root, row)]
        if not compared[row] or not set(names) <= stated.keys():
            continue
        # What the world holds is compared where it is, what floats from its root.
        here = expected[row, :3]
        if root != path:
            base = expected[rows[root]]
            here = rotated(conjugated(base[3:]), here - base[:3])
            there = np.linalg.inv(stated[names[1]].matrix()) @ np.array([*stated[names[0]].position_m, 1.0])
        else:
            there = np.array(stated[names[0]].position_m)
        held = not twin.mechanism.tree.root(path)
        found.append((names[0], float(np.linalg.norm(here - there[:3])) if held or root != path else 0.0))
    return found


def _configurations(twin: MovingTwin, settings: RolloutSettings) -> list[FloatArray]:
    random = np.random.default_rng(settings.joints.seed)
    ends = np.array([range_of(twin, row, settings.joints) for row in range(len(twin.joints))])
    return [twin.followed(random.uniform(ends[:, 0], ends[:, 1])) for _ in range(settings.joints.kinematics_count)]


def _outside_of_loops(twin: MovingTwin) -> FloatArray:
    """(N,) 1 for bodies whose place the coordinates of the tree decide."""
    tree, looped = twin.mechanism.tree, {j.path for j, there in zip(twin.joints, twin.in_loop, strict=True) if there}
    free = []
    for path in twin.mechanism.bodies:
        above, clear = path, True
        while above in tree.joints:
            # A ball joint has no coordinate that could be set: it starts where an engine lets it start.
            clear &= tree.joints[above].path not in looped and tree.joints[above].type != "spherical"
            above = tree.parents.get(above, "")
        free.append(float(clear))
    return np.array(free)


def _chord(first: FloatArray, second: FloatArray) -> FloatArray:
    """(N,) sine of half the angle between the orientations of poses (N, 7)."""
    a, b = first[:, 3:], second[:, 3:]
    near = np.minimum(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))
    # |a - b| = 2 sin(angle / 4) for unit quaternions.
    sine: FloatArray = np.sin(2.0 * np.arcsin(np.clip(0.5 * near, 0.0, 1.0)))
    return sine
