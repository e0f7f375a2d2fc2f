"""Parts that stand twice in the same place: exporters write back faces as copies; matter is there once."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from physicl_twin.model import Body, Joint, Note, Part, Pose, Shape, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.kinematics import rigid_groups
from physicl_twin.normalize.mass import DERIVED

#: Corners are the same when they agree to this fraction of the twin's extent.
_SAME = 1e-6


def without_duplicate_parts(twin: Twin) -> Twin:
    """The twin without parts whose cleaned surface coincides with another part's of the same body.

    A part that is only seen and one that only collides become one that does both. What does both stays before what does
    one of them, then the earlier one stays, with its name, look and hints. Bodies that fixed joints tie together count
    as one: robots show a sensor's housing in the link that carries it and in a link of its own. A part that has its
    copy in another body goes only if its own body keeps something: another part, or a stated mass. A ball counts once
    also in bodies that turn against each other about axes through its centre: descriptions draw it in each link of what
    they make of a ball joint. A note names what was dropped.
    """
    shapes = {shape.name: shape for shape in twin.shapes}
    step = _SAME * max((_extent(shape) for shape in twin.shapes), default=1.0)
    surfaces = {
        part.name: _fingerprint(body.pose.compose(part.pose), shapes[part.shape], step)
        for body in twin.bodies
        for part in body.parts
    }
    merged = replace(twin, bodies=tuple(_seen_and_touched(body, surfaces) for body in twin.bodies))
    together: dict[str, list[tuple[int, Body, Part]]] = {}
    for number, body in enumerate(merged.bodies):
        for part in body.parts:
            together.setdefault(surfaces[part.name], []).append((number, body, part))
    fixed = rigid_groups(merged)
    alike: dict[tuple[int, str], list[tuple[Body, Part]]] = {}
    for surface, placed in together.items():
        groups = fixed
        if len({fixed[number] for number, *_ in placed}) > 1:
            _, home, first = placed[0]
            centre = _centre_of_ball(home.pose.compose(first.pose), shapes[first.shape], step)
            if centre is not None:
                groups = rigid_groups(merged, functools.partial(_keeps, merged, centre, 10 * step))
        for number, body, part in placed:
            alike.setdefault((groups[number], surface), []).append((body, part))
    left = {body.name: len(body.parts) for body in merged.bodies}
    dropped: dict[str, str] = {}
    for copies in alike.values():
        kept: dict[str, tuple[Body, Part]] = {}
        for body, part in sorted(copies, key=lambda one: one[1].role != "solid"):
            home, original = kept.get("solid") or kept.setdefault(part.role, (body, part))
            if original is part or (home is not body and left[body.name] == 1 and not _states_mass(body)):
                continue
            left[body.name] -= 1
            dropped[part.name] = original.name
    bodies = tuple(
        replace(body, parts=tuple(part for part in body.parts if part.name not in dropped))
        if left[body.name] < len(body.parts)
        else body
        for body in merged.bodies
    )
    if not dropped:
        return twin
    used = {part.shape for body in bodies for part in body.parts}
    names = ", ".join(f"{copy} (as {original})" for copy, original in list(dropped.items())[:3])
    more = f" and {len(dropped) - 3} more" if len(dropped) > 3 else ""
    note = Note("duplicate_parts", "info", f"Parts that stood twice in the same place count once: {names}{more}.")
    remaining = tuple(shape for shape in twin.shapes if shape.name in used)
    return replace(twin, bodies=tuple(bodies), shapes=remaining).with_notes(note)


def _seen_and_touched(body: Body, surfaces: Mapping[str, str]) -> Body:
    """The body with each part that is only seen made solid where another that only collides has its surface.

    What the source says of colliding stands at the other one, which is a copy now.
    """
    touched = {surfaces[part.name]: part for part in body.parts if part.role == "collision"}

    def both(part: Part) -> Part:
        other = touched.get(surfaces[part.name])
        if part.role != "visual" or other is None:
            return part
        hints = replace(
            part.hints,
            static_friction=other.hints.static_friction or part.hints.static_friction,
            dynamic_friction=other.hints.dynamic_friction or part.hints.dynamic_friction,
            restitution=other.hints.restitution or part.hints.restitution,
        )
        return replace(part, role="solid", collision=other.collision, hints=hints)

    parts = tuple(both(part) for part in body.parts)
    return body if parts == body.parts else replace(body, parts=parts)


def _extent(shape: Shape) -> float:
    assert shape.mesh is not None
    low, high = shape.mesh.bounds()
    return float((high - low).max())


def _centre_of_ball(pose: Pose, shape: Shape, step: float) -> FloatArray | None:
    """Centre of a placed shape that is a ball but for its facets; None for any other."""
    assert shape.mesh is not None
    corners = np.asarray(shape.mesh.vertices, dtype=float)
    centre = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
    radii = np.linalg.norm(corners - centre, axis=1)
    radius = float(radii.max())
    # Corners of a box lie on a sphere, too, but it fills 0.37 of it; an icosahedron whose edges are halved once, 0.87;
    # the bound lies between (judgement).
    full = shape.solid is not None and shape.solid.volume.value > 0.8 * 4 / 3 * np.pi * radius**3
    if not full or float(radii.min()) < radius - max(step, 1e-4 * radius):
        return None
    placed: FloatArray = pose.apply(centre[None])[0]
    return placed


def _keeps(twin: Twin, point: FloatArray, tolerance: float, joint: Joint) -> bool:
    """True for a joint that moves a point of either body by no more than that, wherever it stands."""
    if joint.type == "fixed":
        return True
    if joint.type == "prismatic" or joint.body0 not in {body.name for body in twin.bodies}:
        return False
    frame = twin.body(joint.body0).pose.compose(joint.pose0)
    arm = point - np.asarray(frame.position_m)
    if joint.type == "revolute":
        axis = frame.matrix()[:3, "xyz".index(joint.axis)]
        arm = arm - (arm @ axis) * axis
    return float(np.linalg.norm(arm)) <= tolerance


def _states_mass(body: Body) -> bool:
    """True for a body whose mass does not come from its parts."""
    known = body.mass_properties
    return known is not None and not any(evidence.source == DERIVED for evidence in known.evidence)


def _fingerprint(pose: Pose, shape: Shape, step: float) -> str:
    """Equal for two placements of the same corners and as many triangles, whatever their order or winding."""
    assert shape.mesh is not None
    corners = np.unique(np.round(pose.apply(shape.mesh.vertices) / step).astype(np.int64), axis=0)
    return hashlib.sha256(corners.tobytes() + str(len(shape.mesh.faces)).encode()).hexdigest()
