"""The base scene of a family: its twins in rows beside the support, lights and camera as in member 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physicl_twin.augment.draw import Drawer
from physicl_twin.augment.family import Family
from physicl_twin.model import Pose
from physicl_twin.usd.variation_scene import write_scene
from physicl_twin.usd.variation_set import SETTLED_TWIN


def write_base(family: Family, path: Path, gravity_mps2: float) -> None:
    """Write the base scene.

    Args:
        family: The family.
        path: File to write; twins are referenced as ``./twins/<name>`` beside it.
        gravity_mps2: Gravity.
    """
    draft = Drawer(family).draw(0)
    step_s = family.spec.settle.time_step_s
    write_scene(path, _parked(family), draft.support, draft.light, draft.camera, gravity_mps2, step_s)


def _parked(family: Family) -> list[tuple[str, str, str, Pose]]:
    """Each instance upright on the floor, in rows beside the support."""
    placed, x, y, depth = [], 0.0, 0.0, 0.0
    half_length, half_width = 0.5 * family.support.inner_m[0], 0.5 * family.support.inner_m[1]
    for name, index in family.instances:
        member = family.members[index]
        low, high = member.points.min(axis=0), member.points.max(axis=0)
        size = high - low
        if x > 0.0 and x + size[0] > 2.0 * max(half_length, float(size[0])):
            x, y, depth = 0.0, y + depth, 0.0
        corner = np.array([-half_length + x, half_width + 0.15 + y, 0.0])
        position = corner - low
        asset = f"./twins/{member.name}/{SETTLED_TWIN}"
        pose = Pose((float(position[0]), float(position[1]), float(position[2])))
        placed.append((name, asset, member.lean.root, pose))
        x, depth = x + 1.15 * float(size[0]), max(depth, 1.15 * float(size[1]))
    return placed
