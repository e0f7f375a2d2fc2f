"""A line for a parallel-jaw gripper, from geometry: where a body is narrowest across its centre of mass or a handle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Body, Part, Twin
from physicl_twin.model.geometry import FloatArray, Vector3
from physicl_twin.render.rays import Caster
from physicl_twin.usd.options import GraspOptions


@dataclass(frozen=True, slots=True)
class GraspLine:
    """Where the jaws close.

    Attributes:
        start_m: First end, body frame, just outside the surface.
        end_m: The other.
        width_m: Distance between the two contacts.
        drawn_width_m: Thickness of the drawn line.
        reason: How it was found, in one sentence.
    """

    start_m: Vector3
    end_m: Vector3
    width_m: float
    drawn_width_m: float
    reason: str


def grasp_line(twin: Twin, body: Body, options: GraspOptions) -> GraspLine | None:
    """The narrowest graspable line through the centre of mass, or None when there is none.

    Graspable means: the outermost two contacts are at most the gripper's opening apart, and the line stays within the
    friction cone of both surfaces, so that two fingers squeeze without slipping (Nguyen's condition for two contacts
    with friction; the half angle of the cone is atan of the static friction).
    """
    if body.mass_properties is None or not body.parts:
        return None
    mesh = body_triangles(twin, body.parts)
    com = np.asarray(body.mass_properties.com_m, dtype=float)
    friction = min(_friction(twin, part.material) for part in body.parts)
    return _narrowest(mesh, com, friction, options, "the centre of mass")


def handle_line(twin: Twin, body: Body, handle: Part, options: GraspOptions) -> GraspLine | None:
    """The narrowest graspable line across the middle of a handle, with room for the fingers; None when there is none.

    Args:
        twin: With geometry.
        body: What the handle is part of; the fingers must not meet the rest of it.
        handle: The part.
        options: The gripper.
    """
    mesh = body_triangles(twin, (handle,))
    middle = _middle(*mesh)
    around = Caster(*body_triangles(twin, tuple(part for part in body.parts if part.visible)))
    return _narrowest(mesh, middle, _friction(twin, handle.material), options, f"the middle of {handle.name!r}", around)


def _middle(vertices: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    """Centre of the cross-section halfway along the longest extent: on the bar of a bow, not in the air behind it."""
    axis = int(np.ptp(vertices, axis=0).argmax())
    height = 0.5 * (vertices[:, axis].min() + vertices[:, axis].max())
    cut = []
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, end = vertices[faces[:, i]], vertices[faces[:, j]]
        crossing = (start[:, axis] - height) * (end[:, axis] - height) < 0
        share = (height - start[crossing, axis]) / (end[crossing, axis] - start[crossing, axis])
        cut.append(start[crossing] + share[:, None] * (end[crossing] - start[crossing]))
    points = np.concatenate(cut)
    if not len(points):
        points = vertices
    middle: FloatArray = 0.5 * (points.min(axis=0) + points.max(axis=0))
    return middle


def _narrowest(
    mesh: tuple[FloatArray, NDArray[np.int64]],
    centre: FloatArray,
    friction: float,
    options: GraspOptions,
    where: str,
    around: Caster | None = None,
) -> GraspLine | None:
    """The narrowest line through a point that a gripper spans within the friction cone; with room for its fingers."""
    reach = float(np.linalg.norm(np.ptp(mesh[0], axis=0))) + float(np.abs(mesh[0] - centre).max()) + 1e-3
    directions = _half_sphere(options.directions)
    # From outside inward along the line, from both ends: the first hit on each side is where a jaw touches.
    caster = Caster(*mesh)
    ends, normals = [], []
    for sign in (1.0, -1.0):
        hit = caster.closest(centre + sign * reach * directions, -sign * directions)
        ends.append(np.where(hit.hit, reach - hit.distance, np.nan))
        normals.append(caster.face_normal[hit.face] * hit.hit[:, None])
    width = ends[0] + ends[1]
    cone = math.cos(math.atan(friction))
    squeezed = [sign * np.einsum("ij,ij->i", n, directions) for sign, n in zip((1.0, -1.0), normals, strict=True)]
    good = np.isfinite(width) & (width >= options.min_width_m) & (width <= options.max_opening_m)
    # The contacts lie on either side of the point: the line really crosses the body there.
    good &= (squeezed[0] >= cone) & (squeezed[1] >= cone) & (np.nan_to_num(ends[0]) > 0) & (np.nan_to_num(ends[1]) > 0)
    if around is not None and good.any():
        for sign, end in zip((1.0, -1.0), ends, strict=True):
            outside = centre + sign * (np.nan_to_num(end)[:, None] + 1e-5) * directions
            good &= ~around.blocked(outside, sign * directions, options.finger_m)
    if not good.any():
        return None
    best = int(np.flatnonzero(good)[np.argmin(np.round(width[good], 7))])
    direction = directions[best]
    start = centre + (ends[0][best] + options.clearance_m) * direction
    end = centre - (ends[1][best] + options.clearance_m) * direction
    return GraspLine(
        (float(start[0]), float(start[1]), float(start[2])),
        (float(end[0]), float(end[1]), float(end[2])),
        float(width[best]),
        max(1e-4, 0.02 * float(width[best])),
        f"Narrowest of {len(directions)} lines through {where} that a gripper opening "
        f"{options.max_opening_m:g} m spans within the friction cone (static friction {friction:.3g}): "
        f"{width[best] * 1e3:.1f} mm.",
    )


def body_triangles(twin: Twin, parts: Sequence[Part]) -> tuple[FloatArray, NDArray[np.int64]]:
    """Vertices (V, 3), body frame, and faces (F, 3) of parts of one body."""
    vertices, faces, count = [], [], 0
    for part in parts:
        mesh = twin.shape(part.shape).mesh
        assert mesh is not None  # layout.require_complete
        vertices.append(part.pose.apply(mesh.vertices))
        faces.append(np.asarray(mesh.faces, dtype=np.int64) + count)
        count += len(mesh.vertices)
    return np.concatenate(vertices), np.concatenate(faces)


def _friction(twin: Twin, material: str) -> float:
    return twin.material(material).static_friction.value


def _half_sphere(count: int) -> FloatArray:
    """Body axes and their diagonals first (made things are graspable along those), then a spiral over the half."""
    simple = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, -1, 0), (1, 0, 1), (1, 0, -1), (0, 1, 1), (0, 1, -1)]
    axes = np.asarray(simple, dtype=float)
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    index = np.arange(count) + 0.5
    z = 1.0 - index / count
    angle = math.pi * (1.0 + math.sqrt(5.0)) * index
    ring = np.sqrt(1.0 - z * z)
    spiral = np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)
    return np.concatenate([axes, spiral])
