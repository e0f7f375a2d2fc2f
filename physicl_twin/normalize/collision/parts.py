"""Collision geometry of a twin's parts: each shape is fitted once, what the source states is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from physicl_twin.model import Part, Progress, Twin
from physicl_twin.normalize.collision.crew import fit_shapes
from physicl_twin.normalize.collision.settings import collision_settings


def choose_collision(
    twin: Twin, settings: Mapping[str, Any], fast: bool, progress: Progress, processes: int = 1
) -> Twin:
    """Collision geometry for every part that collides; the work is done once per shape.

    What the source states (a robot description's primitives) is kept; parts that are only seen get none.

    Args:
        twin: With clean meshes in metres.
        settings: The pipeline's settings or their ``[collision]`` table.
        fast: Leave out the slow libraries and cut coarser.
        progress: Told after each shape.
        processes: That may fit shapes at the same time; the result is the same.

    Raises:
        GeometryError: ``collider_without_extent`` for a shape whose points all coincide, ``shape_without_mesh``.
    """
    values = collision_settings(settings)
    share = values.fast_floor_share if fast else values.floor_share
    values = replace(values, floor_m=max(values.floor_m, share * _diagonal(twin)))
    used = list(dict.fromkeys(part.shape for part in twin.parts if part.collides and not is_stated(part)))
    chosen = fit_shapes([twin.shape(name) for name in used], values, fast, processes, progress)

    def with_collision(part: Part) -> Part:
        if not part.collides or is_stated(part):
            return part
        return replace(part, collision=chosen[part.shape].for_part(part.name))

    bodies = tuple(replace(body, parts=tuple(with_collision(part) for part in body.parts)) for body in twin.bodies)
    return replace(twin, bodies=bodies)


def is_stated(part: Part) -> bool:
    """True for a part whose collision geometry the source states."""
    return part.collision is not None and any(evidence.kind == "source" for evidence in part.collision.evidence)


def _diagonal(twin: Twin) -> float:
    """Bounding diagonal of the largest body, metres."""
    largest = 0.0
    for body in twin.bodies:
        corners = [
            part.pose.apply(np.array(np.meshgrid(*mesh.bounds().T)).reshape(3, -1).T)
            for part in body.parts
            if (mesh := twin.shape(part.shape).mesh) is not None and len(mesh.vertices)
        ]
        if corners:
            largest = max(largest, float(np.linalg.norm(np.ptp(np.vstack(corners), axis=0))))
    return largest
