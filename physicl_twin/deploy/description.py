"""A twin as a SceneDescription in double precision, with names for files, bodies, colliders and joints."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from physicl_twin.engines.scene_description import CollisionShape, DescribedBody, DescribedJoint, SceneDescription
from physicl_twin.engines.scene_description import SurfaceMaterial as Surface
from physicl_twin.model import Body, Collider, Joint, Part, Pose
from physicl_twin.model.geometry import FloatArray, Matrix3, Vector3
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.names import Names

#: Standard gravity as Omniverse rounds it, m/s2: what the rollouts use.
GRAVITY_MPS2 = 9.81
#: Products of inertia below this fraction of the largest moment are rounding: the axes stay the body's.
_NEGLIGIBLE = 1e-12
_AXES: dict[str, Vector3] = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def describe_twin(layout: Layout) -> SceneDescription:
    """Bodies, colliders and joints of a twin that stands at the origin.

    A body is called as its prim, a twin's only one as the twin; colliders and joints likewise, each once. Bodies keep
    the order of the twin.
    """
    twin = layout.twin
    surfaces = {
        material.name: Surface(
            material.name, material.static_friction.value, material.dynamic_friction.value, material.restitution.value
        )
        for material in twin.materials
    }
    names = body_names(layout)
    collider_names, joint_names = Names(), Names()
    bodies = []
    for plan in layout.bodies:
        shapes = tuple(
            _shape(collider_names.unique(one.prim.rpartition("/")[2]), one.collider, one.part, surfaces)
            for one in plan.colliders
        )
        bodies.append(_body(names[plan.body.name], plan.body, shapes))
    joints = tuple(_joint(joint_names.unique(joint.name, "joint"), joint, names) for joint in twin.joints)
    return SceneDescription((0.0, 0.0, -GRAVITY_MPS2), tuple(bodies), (), joints)


def body_names(layout: Layout) -> dict[str, str]:
    """Name of each body of the twin in an export."""
    if len(layout.bodies) == 1:
        return {layout.bodies[0].body.name: layout.twin.name}
    return {plan.body.name: plan.prim.rpartition("/")[2] for plan in layout.bodies}


def _shape(name: str, collider: Collider, part: Part, surfaces: dict[str, Surface]) -> CollisionShape:
    pose = part.pose.compose(collider.pose)
    surface = surfaces[part.material]
    if collider.kind != "hull":
        return CollisionShape(name, collider.kind, pose, surface, collider.size_m)
    assert collider.hull is not None  # layout.require_complete
    return CollisionShape(
        name, "hull", pose, surface, vertices=np.asarray(collider.hull.vertices, float), faces=collider.hull.faces
    )


def _body(name: str, body: Body, shapes: tuple[CollisionShape, ...]) -> DescribedBody:
    properties = body.mass_properties
    assert properties is not None  # layout.require_complete
    moments, quaternion = principal_axes(properties.inertia_kgm2)
    return DescribedBody(name, body.pose, shapes, properties.mass.value, properties.com_m, moments, quaternion)


def _joint(name: str, joint: Joint, names: dict[str, str]) -> DescribedJoint:
    body0 = names[joint.body0] if joint.body0 else ""
    body1 = names[joint.body1] if joint.body1 else ""
    axis = _AXES[joint.axis]
    return DescribedJoint(
        name, joint.type, body0, body1, joint.pose0, joint.pose1, axis, lower=joint.lower, upper=joint.upper
    )


def principal_axes(inertia_kgm2: Matrix3 | FloatArray) -> tuple[Vector3, tuple[float, float, float, float]]:
    """Principal moments and the rotation (wxyz) from their axes to the body's, in double precision.

    Rounding may break A + B >= C of a flat body in the last bit; the middle moment is raised by that bit.
    """
    tensor = np.asarray(inertia_kgm2, dtype=float)
    if np.abs(tensor - np.diag(np.diag(tensor))).max() <= _NEGLIGIBLE * np.abs(tensor).max():
        moments, axes = np.diag(tensor).copy(), np.eye(3)
    else:
        moments, axes = np.linalg.eigh(0.5 * (tensor + tensor.T))
        # Of the many frames along the axes the one nearest to the body's own.
        order = max(itertools.permutations(range(3)), key=lambda o: round(sum(abs(axes[i, o[i]]) for i in range(3)), 9))
        moments, axes = moments[list(order)], axes[:, list(order)]
        axes = axes * np.where(np.diag(axes) < 0, -1.0, 1.0)
        if np.linalg.det(axes) < 0:
            axes[:, int(np.argmin(np.abs(np.diag(axes))))] *= -1.0
    low, middle, high = np.argsort(moments, kind="stable")
    lacks = moments[high] - moments[low] - moments[middle]
    if 0 < lacks <= 1e-9 * moments[high]:
        moments[middle] += lacks
        while moments[low] + moments[middle] < moments[high]:
            moments[middle] = np.nextafter(moments[middle], np.inf)
    frame = np.eye(4)
    frame[:3, :3] = axes
    x, y, z = (float(value) for value in moments)
    return (x, y, z), Pose.from_matrix(frame).quaternion_wxyz


def extents(scene: SceneDescription) -> tuple[FloatArray, FloatArray]:
    """(3,) minimum and maximum corner of all colliders, twin frame."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for body in scene.bodies:
        for shape in body.shapes:
            points, radius = shape.support_points()
            placed = body.pose.apply(points)
            low, high = np.minimum(low, placed.min(axis=0) - radius), np.maximum(high, placed.max(axis=0) + radius)
    return low, high


def lowest(scene: SceneDescription, pose: Pose) -> float:
    """Height of the lowest collider point when the twin's frame stands at ``pose``."""
    turned = replace(pose, position_m=(0.0, 0.0, 0.0))
    height = min(
        float(turned.compose(body.pose).apply(points)[:, 2].min()) - radius
        for body in scene.bodies
        for shape in body.shapes
        for points, radius in (shape.support_points(),)
    )
    return pose.position_m[2] + height
