"""Mass properties that a source states: kept when they are possible."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.model import Body, MassProperties, Twin
from physicl_twin.model.geometry import FloatArray, Matrix3

#: How far outside the hull, relative to its diagonal, a centre of mass may be stated: rounding of printed numbers.
_HULL_TOLERANCE = 0.01
#: Relative slack of the triangle inequality for printed numbers.
_TRIANGLE_TOLERANCE = 1e-3
#: Least principal moment over the largest after a repair: a thin rod's (judgement).
_LEAST_MOMENT = 1e-3
#: Density of the ball that stands in where no principal moment is positive, kg/m3 (judgement: neither metal nor foam).
_BALL_DENSITY = 1000.0


def objection(stated: MassProperties) -> str:
    """Why stated mass properties are impossible, as the end of a sentence; empty when they are possible.

    Possible means: a positive finite mass, and a finite symmetric inertia whose principal moments are positive and obey
    the triangle inequality.
    """
    if not (math.isfinite(stated.mass.value) and stated.mass.value > 0):
        return f"its mass is {stated.mass.value:g} kg"
    inertia = np.array(stated.inertia_kgm2, dtype=float)
    com = np.array(stated.com_m, dtype=float)
    if not (np.isfinite(inertia).all() and np.isfinite(com).all()):
        return "its inertia or centre of mass is not finite"
    moments = np.linalg.eigvalsh(0.5 * (inertia + inertia.T))
    if moments[0] <= 0:
        return f"its least principal moment of inertia is {moments[0]:.3g} kg m2"
    if moments[2] > (moments[0] + moments[1]) * (1 + _TRIANGLE_TOLERANCE):
        return (
            f"its principal moments {moments[0]:.3g}, {moments[1]:.3g} and {moments[2]:.3g} kg m2 break the triangle "
            "inequality"
        )
    return ""


def possible_inertia(stated: MassProperties) -> tuple[Matrix3, str]:
    """The inertia nearest to an impossible one, and what was done, as the end of a sentence.

    Principal axes stay; moments that are too small are raised until all are positive and obey the triangle inequality.
    Where none is positive a ball of that mass stands in.

    Args:
        stated: With a positive mass.
    """
    inertia = np.array(stated.inertia_kgm2, dtype=float)
    if np.isfinite(inertia).all():
        moments, axes = np.linalg.eigh(0.5 * (inertia + inertia.T))
        if moments[2] > 0:
            a, b, c = np.maximum(moments, _LEAST_MOMENT * moments[2])
            lack = max(0.0, c - a - b)
            repaired = axes @ np.diag([a + 0.5 * lack, b + 0.5 * lack, c]) @ axes.T
            return _matrix(repaired), "its principal axes are kept and its small moments raised"
    mass = stated.mass.value
    radius = (3 * mass / (4 * math.pi * _BALL_DENSITY)) ** (1 / 3)
    return _matrix(0.4 * mass * radius**2 * np.eye(3)), f"it counts as a ball of {_BALL_DENSITY:g} kg/m³"


def _matrix(array: FloatArray) -> Matrix3:
    rows = 0.5 * (array + array.T)
    return tuple(tuple(float(x) for x in row) for row in rows)  # type: ignore[return-value]


def com_outside(stated: MassProperties, body: Body, twin: Twin) -> str:
    """That the centre of mass lies outside the convex hull of the body's geometry, as the end of a sentence; empty
    when it does not, or when there is no geometry."""
    points = body_points(body, twin)
    com = np.array(stated.com_m, dtype=float)
    if len(points) and (outside := _outside(points, com)) > _HULL_TOLERANCE:
        return f"its centre of mass lies outside its geometry by {outside:.0%} of its diagonal"
    return ""


def body_points(body: Body, twin: Twin) -> FloatArray:
    """(P, 3) vertices of all parts of a body, body frame."""
    clouds = [np.empty((0, 3))]
    for part in body.parts:
        mesh = twin.shape(part.shape).mesh
        if mesh is not None:
            clouds.append(part.pose.apply(mesh.vertices))
    return np.concatenate(clouds)


def _outside(points: FloatArray, com: FloatArray) -> float:
    """Distance of ``com`` from the points' convex hull as a fraction of their diagonal; 0 inside."""
    from scipy.spatial import ConvexHull, QhullError

    low, high = points.min(axis=0), points.max(axis=0)
    diagonal = float(np.linalg.norm(high - low))
    if diagonal == 0:
        return math.inf
    try:
        equations = ConvexHull((points - low) / diagonal).equations
    except QhullError:  # flat geometry has no hull: its bounds stand in
        beyond = np.maximum(np.maximum(low - com, com - high), 0)
        return float(np.linalg.norm(beyond)) / diagonal
    return max(0.0, float((equations[:, :3] @ ((com - low) / diagonal) + equations[:, 3]).max()))
