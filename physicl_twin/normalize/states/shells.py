"""A thing whose parts an exporter fused into one: its shells, taken for parts as long as nobody knows better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from physicl_twin.model import Part, Shape, Twin
from physicl_twin.normalize.joints.author import sub_shape
from physicl_twin.normalize.joints.pieces import shell_labels

#: A part of more shells is a heap, a scan or a text in relief and stays whole (judgement).
_MOST = 400


def in_shells(twin: Twin) -> tuple[Twin, dict[str, int]] | None:
    """A twin of one part as one of many, a part a shell; None when it has several parts, or only one shell.

    Returns:
        The twin, and the shell's number of each part by name.
    """
    if len(twin.parts) != 1 or len(twin.bodies) != 1:
        return None
    part = twin.parts[0]
    shape = twin.shape(part.shape)
    if shape.mesh is None:
        return None
    labels = shell_labels(shape.mesh)
    count = int(labels.max()) + 1
    if not 1 < count <= _MOST:
        return None
    parts, shapes, numbers = [], [], {}
    for number in range(count):
        name = f"{part.name}_{number + 1}"
        shapes.append(sub_shape(shape, [number], name))
        parts.append(replace(part, name=name, shape=name))
        numbers[name] = number
    body = replace(twin.bodies[0], parts=tuple(parts))
    return replace(twin, shapes=tuple(shapes), bodies=(body,)), numbers


def fused_by_group(twin: Twin, shells: Mapping[str, int], groups: Mapping[str, int]) -> tuple[Twin, dict[str, int]]:
    """The twin of one part with a part for each group of its shells.

    Args:
        twin: Of one part, as it was read.
        shells: From ``in_shells``.
        groups: Group of each shell's part by name.

    Returns:
        The twin, and the group of each part by name.
    """
    part = twin.parts[0]
    shape = twin.shape(part.shape)
    parts: list[Part] = []
    shapes: list[Shape] = []
    found: dict[str, int] = {}
    for group in sorted(set(groups.values())):
        mine = [shells[name] for name, owner in groups.items() if owner == group]
        name = part.name if group == 0 else f"{part.name}_{group}"
        shapes.append(sub_shape(shape, np.array(mine).tolist(), name))
        parts.append(replace(part, name=name, shape=name, collision=None))
        found[name] = group
    body = replace(twin.bodies[0], parts=tuple(parts))
    return replace(twin, shapes=tuple(shapes), bodies=(body,)), found
