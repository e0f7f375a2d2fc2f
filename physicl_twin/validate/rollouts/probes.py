"""Which face of a twin to put on a ramp, so that one material alone touches it; and when the twin would rather tip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from physicl_twin.engines.scene_description import SurfaceMaterial
from physicl_twin.model.geometry import FloatArray, Pose
from physicl_twin.validate.rollouts.survey import Survey, SurveyedBody


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One face of one body on a ramp.

    Attributes:
        body: Which body.
        material: The surface that touches.
        down: (3,) direction in the body's frame that faces the ramp.
        turn: Rotation of the twin's frame that turns ``down`` to the world's -z.
        depth_m: How far the body reaches along ``down``.
        tip_angle_deg: Ramp angle at which the body, free to turn, would tip over instead; 0 when it cannot stand.
    """

    body: SurveyedBody
    material: SurfaceMaterial
    down: FloatArray
    turn: Pose
    depth_m: float
    tip_angle_deg: float


def probes(survey: Survey, margin_ratio: float, directions: int) -> tuple[tuple[Probe, ...], tuple[str, ...]]:
    """A probe for each body and each of its materials that can touch alone, and the names of those that cannot.

    Args:
        survey: Of the twin.
        margin_ratio: How much lower than the others the touching material must lie, in sizes of the twin.
        directions: How many directions to try besides the six of the axes.
    """
    found, hidden = [], []
    for body in survey.bodies:
        for index in sorted({int(i) for i in body.materials}):
            material = survey.materials[index]
            down = _exposing_direction(body, index, margin_ratio * survey.size_m, directions)
            if down is None:
                hidden.append(material.path.rsplit("/", 1)[-1] or "the default material")
                continue
            found.append(_probe(survey, body, material, down))
    return tuple(found), tuple(hidden)


def _exposing_direction(body: SurveyedBody, index: int, margin_m: float, count: int) -> FloatArray | None:
    """First of the candidate directions (twin's own down first) along which a material sticks out by the margin."""
    mine = body.materials == index
    upright = body.body.pose.rotation().T
    axes = np.array([[0, 0, -1], [0, 0, 1], [-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0]], dtype=float)
    candidates: FloatArray = np.vstack([axes @ upright.T, _sphere(count)])
    for down in candidates:
        reach = body.lowest(down)
        others = reach[~mine].max() if (~mine).any() else -np.inf
        if reach[mine].max() >= others + margin_m:
            return np.array(down)
    return None


def _sphere(count: int) -> FloatArray:
    """(count, 3) directions spread evenly (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    height, angle = 1.0 - 2.0 * k / count, np.pi * (1.0 + np.sqrt(5.0)) * k
    radius = np.sqrt(1.0 - height**2)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height])


def _probe(survey: Survey, body: SurveyedBody, material: SurfaceMaterial, down: FloatArray) -> Probe:
    turn = np.eye(4)
    turn[:3, :3] = _rotation_to_minus_z(down) @ body.body.pose.rotation().T
    depth_m = float(body.lowest(down).max())
    return Probe(body, material, down, Pose.from_matrix(turn), depth_m, _tip_angle_deg(survey, body, down, depth_m))


def _rotation_to_minus_z(direction: FloatArray) -> FloatArray:
    """(3, 3) smallest rotation that takes a unit vector to -z (Rodrigues)."""
    target = np.array([0.0, 0.0, -1.0])
    cosine = float(direction @ target)
    if cosine < -1.0 + 1e-12:
        return np.diag([1.0, -1.0, -1.0])
    axis = np.cross(direction, target)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation: FloatArray = np.eye(3) + cross + cross @ cross / (1.0 + cosine)
    return rotation


def _tip_angle_deg(survey: Survey, body: SurveyedBody, down: FloatArray, depth_m: float) -> float:
    """atan(d / h): distance of the com's foot to the nearest edge of the base, over its height."""
    from scipy.spatial import ConvexHull, QhullError

    rotation = _rotation_to_minus_z(down)
    base = body.lowest(down) >= depth_m - 1e-3 * survey.size_m
    feet = (body.points[base] @ rotation.T)[:, :2]
    com = rotation @ np.array(body.body.com_m)
    height_m = float(com[2]) + depth_m
    try:
        edges = ConvexHull(feet).equations if len(feet) >= 3 else np.array([[1.0, 0.0, 1.0]])
    except QhullError:
        return 0.0
    inside_m = float(-(edges[:, :2] @ com[:2] + edges[:, 2]).max()) if len(feet) >= 3 else 0.0
    if inside_m <= 0.0 or height_m <= 0.0:
        return 0.0
    return math.degrees(math.atan2(inside_m, height_m))
