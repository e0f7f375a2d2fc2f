"""How much of an object others hide from a camera, by ray casts on the colliders."""

from __future__ import annotations

import numpy as np

from physicl_twin.augment.draw import Draft
from physicl_twin.augment.family import Family
from physicl_twin.augment.solids import world_triangles
from physicl_twin.model import CameraState
from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.rays import Caster

#: Width of the sensor that USD's cameras have by default, millimetres, and the shape of the picture.
APERTURE_MM, ASPECT = 20.955, 4.0 / 3.0
#: Rays across the picture.
_ACROSS = 160


def hidden_share(family: Family, draft: Draft, poses: FloatArray, camera: CameraState, target: int) -> float | None:
    """Share of the target's picture that others cover.

    Args:
        family: The family.
        draft: Who is present.
        poses: (N, 7) at rest.
        camera: Seen from here.
        target: Row of the instance.

    Returns:
        0 for in full view, 1 for hidden; None when it is outside the picture.
    """
    directions = rays(camera, _ACROSS)
    alone = np.zeros(len(draft.present), dtype=bool)
    alone[target] = True
    vertices, faces, _ = world_triangles(family, draft, poses, alone)
    origins = np.repeat(np.array([camera.pose.position_m]), len(directions), axis=0)
    seen = Caster(vertices, faces).closest(origins, directions)
    at = np.flatnonzero(seen.hit)
    if not len(at):
        return None
    others = np.array(draft.present, dtype=bool) & ~alone
    vertices, faces, _ = world_triangles(family, draft, poses, others, support=True)
    front = Caster(vertices, faces).closest(origins[at], directions[at])
    covered = front.hit & (front.distance < seen.distance[at])
    return float(covered.mean())


def rays(camera: CameraState, across: int) -> FloatArray:
    """(N, 3) unit directions of a picture's pixels, row by row from the top."""
    down = round(across / ASPECT)
    half = 0.5 * APERTURE_MM / camera.focal_length_mm
    x = (2.0 * (np.arange(across) + 0.5) / across - 1.0) * half
    y = (1.0 - 2.0 * (np.arange(down) + 0.5) / down) * half / ASPECT
    grid = np.stack([*np.meshgrid(x, y), np.full((down, across), -1.0)], axis=-1).reshape(-1, 3)
    turned: FloatArray = grid @ camera.pose.rotation().T
    unit: FloatArray = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    return unit
