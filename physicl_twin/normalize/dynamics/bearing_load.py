"""The load that a joint's bearing carries as the mechanism stands, and the sizes that go with it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from physicl_twin.model import Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.dynamics.mass_matrix import link_axis
from physicl_twin.normalize.dynamics.settings import DynamicsSettings
from physicl_twin.normalize.dynamics.tree import Link

#: A hinge or a guide is at least this long, metres (judgement).
_LEAST_SPAN_M = 0.01


@dataclass(frozen=True, slots=True)
class BearingLoad:
    """What a bearing carries, standing still.

    Attributes:
        force_n: Sum of the magnitudes of the forces on its two ends: weight along and across the axis, and the couple
            with which the two ends hold what hangs beside them.
        weight_n: Weight of what moves.
        span_m: Extent of what moves along the axis: how far the two ends are apart.
        reach_m: Largest distance of what moves from the axis.
        holding: Moment about a hinge's axis (N m), or force along a slide (N), with which the weight moves it.
    """

    force_n: float
    weight_n: float
    span_m: float
    reach_m: float
    holding: float


@dataclass(frozen=True, slots=True, eq=False)
class Matter:
    """What a body weighs and where it reaches, as it stands, in the twin's frame.

    Attributes:
        mass: kg; 0 when it has none.
        first: (3,) mass times centre of mass.
        corners: (P, 3) corners of the boxes around its parts.
    """

    mass: float
    first: FloatArray
    corners: FloatArray


def matter_of(twin: Twin) -> tuple[Matter, ...]:
    """The matter of each body, in their order."""
    boxes = {
        shape.name: np.array([shape.geometry.low_m, shape.geometry.high_m])
        for shape in twin.shapes
        if shape.geometry is not None
    }
    found = []
    for body in twin.bodies:
        mass, first = 0.0, np.zeros(3)
        if body.mass_properties is not None:
            mass = body.mass_properties.mass.value
            first = mass * body.pose.apply(np.array([body.mass_properties.com_m]))[0]
        corners = [np.zeros((0, 3))]
        for part in body.parts:
            if part.shape in boxes:
                x, y, z = boxes[part.shape].T
                grid = np.array([[x[i], y[j], z[k]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
                corners.append(body.pose.apply(part.pose.apply(grid)))
        found.append(Matter(mass, first, np.concatenate(corners)))
    return tuple(found)


def bearing_load(twin: Twin, link: Link, moved: tuple[Matter, ...], settings: DynamicsSettings) -> BearingLoad:
    """The load of a link's joint.

    Args:
        twin: Its bodies where they stand.
        link: With a joint.
        moved: What moves with it.
        settings: Gravity.
    """
    axis, point = link_axis(link, tuple(body.pose for body in twin.bodies))
    mass = math.fsum(item.mass for item in moved)
    first = np.sum([item.first for item in moved], axis=0)
    weight = mass * settings.gravity_mps2
    down = np.array([0.0, 0.0, -weight])
    moment = np.cross(first / mass - point, down) if mass > 0 else np.zeros(3)
    corners = np.concatenate([item.corners for item in moved]) - point
    along = corners @ axis
    across = np.linalg.norm(corners - np.outer(along, axis), axis=1)
    span = max(_LEAST_SPAN_M, float(np.ptp(along)) if len(along) else 0.0)
    axial, radial = abs(float(down @ axis)), float(np.linalg.norm(down - (down @ axis) * axis))
    couple = float(np.linalg.norm(moment - (moment @ axis) * axis))
    sliding = link.joint is not None and link.joint.type == "prismatic"
    # The ends of a hinge carry its axial load on their faces; a slide's axial load moves it and loads no runner.
    force = radial + 2 * couple / span + (0.0 if sliding else axial)
    holding = axial if sliding else abs(float(moment @ axis))
    return BearingLoad(force, weight, span, float(across.max()) if len(across) else 0.0, holding)
