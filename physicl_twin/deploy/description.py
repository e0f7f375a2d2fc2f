"""A twin as a SceneDescription in double precision, with names for files, bodies, colliders and joints."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from physicl_twin.engines.scene_description import (
    CollisionShape,
    DescribedArticulation,
    DescribedBody,
    DescribedJoint,
    SceneDescription,
)
from physicl_twin.engines.scene_description import SurfaceMaterial as Surface
from physicl_twin.model import Body, Collider, Estimate, Joint, Part, Pose, Twin
from physicl_twin.model.geometry import FloatArray, Matrix3, Vector3
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.names import Names

#: Standard gravity as Omniverse rounds it, m/s2: what the rollouts use.
GRAVITY_MPS2 = 9.81
#: Products of inertia below this fraction of the largest moment are rounding: the axes stay the body's.
_NEGLIGIBLE = 1e-12
#: Reach about its centre of mass that a body without colliders is given where a size is needed, metres (judgement).
_NO_COLLIDER_M = 0.05
_AXES: dict[str, Vector3] = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


def describe_twin(layout: Layout) -> SceneDescription:
    """Bodies, colliders and joints of a twin that stands at the origin.

    A body is called as its prim, a twin's only one as the twin; colliders and joints likewise, each once. Bodies keep
    the order of the twin. What never moves is kinematic: static bodies, which have no mass, and the root of an
    articulation that the world holds.
    """
    twin = layout.twin
    surfaces = {
        material.name: Surface(
            material.name, material.static_friction.value, material.dynamic_friction.value, material.restitution.value
        )
        for material in twin.materials
    }
    names = body_names(layout)
    collider_names = Names()
    bodies = []
    for plan in layout.bodies:
        shapes = tuple(
            _shape(collider_names.unique(one.prim.rpartition("/")[2]), one.collider, one.part, surfaces)
            for one in plan.colliders
        )
        bodies.append(_body(names[plan.body.name], plan.body, shapes, held=plan.body.name == _held_root(twin)))
    called = joint_names_of(layout)
    joints = tuple(_joint(joint, names, called) for joint in twin.joints)
    articulation = twin.articulation
    pairs = () if articulation is None else articulation.filters
    filtered = {(min(a, b), max(a, b)) for pair in pairs for a, b in ((names[pair.body0], names[pair.body1]),)}
    described: tuple[DescribedArticulation, ...] = ()
    if articulation is not None and articulation.root in names:
        root, members = names[articulation.root], tuple(sorted(names.values()))
        described = (DescribedArticulation(root, members, articulation.self_collision),)
    return SceneDescription(
        (0.0, 0.0, -GRAVITY_MPS2), tuple(bodies), (), joints, articulations=described,
        filtered_pairs=tuple(sorted(filtered)),
    )  # fmt: skip


def _held_root(twin: Twin) -> str:
    """The root of an articulation that the world holds where no joint says so; empty when there is none."""
    articulation = twin.articulation
    if articulation is None or not articulation.fixed:
        return ""
    on_world = any("" in (joint.body0, joint.body1) and not joint.closes_loop for joint in twin.joints)
    return "" if on_world else articulation.root


def joint_names_of(layout: Layout) -> dict[str, str]:
    """Name of each joint of the twin in an export: that of its prim."""
    return {joint.name: prim.rpartition("/")[2] for prim, joint in layout.joints}


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


def _body(name: str, body: Body, shapes: tuple[CollisionShape, ...], *, held: bool) -> DescribedBody:
    properties = body.mass_properties
    if properties is None:  # static: layout.require_complete
        none = (0.0, 0.0, 0.0)
        return DescribedBody(name, body.pose, shapes, 0.0, none, none, (1.0, 0.0, 0.0, 0.0), kinematic=True)
    moments, quaternion = principal_axes(properties.inertia_kgm2)
    mass, com, still = properties.mass.value, properties.com_m, held or body.static
    return DescribedBody(name, body.pose, shapes, mass, com, moments, quaternion, kinematic=still)


def _joint(joint: Joint, bodies: dict[str, str], joints: dict[str, str]) -> DescribedJoint:
    drive, mimic = joint.drive, joint.mimic
    most = drive.max_force if drive is not None and drive.max_force is not None else joint.max_force
    speed = drive is not None and drive.mode == "velocity"
    force = drive is None or drive.mode == "force"
    follows = mimic is not None and mimic.joint in joints
    return DescribedJoint(
        joints[joint.name],
        joint.type,
        bodies[joint.body0] if joint.body0 else "",
        bodies[joint.body1] if joint.body1 else "",
        joint.pose0,
        joint.pose1,
        _AXES[joint.axis],
        lower=joint.lower,
        upper=joint.upper,
        position=joint.position,
        stiffness=_value(joint.stiffness),
        rest=joint.rest,
        driven=drive is not None,
        drive_stiffness=0.0 if drive is None or force else drive.stiffness.value,
        drive_damping=0.0 if drive is None or force else drive.damping.value,
        drive_max_force=None if most is None else most.value,
        drive_target=0.0 if drive is None or force or speed else drive.target,
        drive_target_velocity=drive.target if drive is not None and speed else 0.0,
        friction=_value(joint.friction),
        damping=_value(joint.damping),
        armature=_value(joint.armature),
        max_velocity=None if joint.max_velocity is None else joint.max_velocity.value,
        mimic_of=joints[mimic.joint] if mimic is not None and follows else "",
        mimic_multiplier=mimic.multiplier if mimic is not None and follows else 1.0,
        mimic_offset=mimic.offset if mimic is not None and follows else 0.0,
        closes_loop=joint.closes_loop,
    )


def _value(estimate: Estimate | None) -> float:
    return 0.0 if estimate is None else estimate.value


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
    """(3,) minimum and maximum corner of all colliders, twin frame; of the bodies' centres when nothing collides."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for body in scene.bodies:
        for shape in body.shapes:
            points, radius = shape.support_points()
            placed = body.pose.apply(points)
            low, high = np.minimum(low, placed.min(axis=0) - radius), np.maximum(high, placed.max(axis=0) + radius)
    if not np.isfinite(low).all():
        centres = np.array([body.pose.apply(np.array([body.com_m]))[0] for body in scene.bodies])
        return centres.min(axis=0) - _NO_COLLIDER_M, centres.max(axis=0) + _NO_COLLIDER_M
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
