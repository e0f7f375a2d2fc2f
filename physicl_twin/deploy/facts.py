"""What a round trip compares, in the twin's own frame, whatever frames a format uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.engines.hull import solid_integrals
from physicl_twin.engines.joint_tree import spanning_tree
from physicl_twin.engines.scene_description import CollisionShape, DescribedJoint, SceneDescription
from physicl_twin.model import Pose
from physicl_twin.model.geometry import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ColliderFacts:
    """A collider.

    Attributes:
        name: Unique in the twin.
        volume_m3: Of its convex shape.
        centre_m: (3,) centre of its volume, twin frame.
        area_m2: Of its surface.
        reach_m: Largest coordinate in its own frame: what single precision rounds.
        friction: Sliding friction; None when the format has none.
        static_friction: Likewise.
    """

    name: str
    volume_m3: float
    centre_m: FloatArray
    area_m2: float
    reach_m: float
    friction: float | None
    static_friction: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BodyFacts:
    """A rigid body.

    Attributes:
        name: Unique in the twin.
        mass_kg: Mass.
        com_m: (3,) centre of mass, twin frame.
        inertia_kgm2: (3, 3) about the centre of mass, twin axes.
        pose: Of its frame in the twin's; None when the format has frames of its own.
        colliders: Its colliders.
    """

    name: str
    mass_kg: float
    com_m: FloatArray
    inertia_kgm2: FloatArray
    pose: Pose | None
    colliders: tuple[ColliderFacts, ...]


@dataclass(frozen=True, slots=True, eq=False)
class JointFacts:
    """A joint that moves, at the twin's pose.

    Attributes:
        name: Unique in the twin.
        type: revolute, prismatic or spherical.
        anchor_m: (3,) a point that it turns about, twin frame (zero for a prismatic one).
        axis: (3,) of the motion, twin frame (zero for a spherical one).
        lower: Limit, radians or metres; None when free.
        upper: Limit.
    """

    name: str
    type: str
    anchor_m: FloatArray
    axis: FloatArray
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Of a twin or of an export."""

    bodies: tuple[BodyFacts, ...]
    joints: tuple[JointFacts, ...] = ()

    @property
    def size_m(self) -> float:
        """Span of the colliders' centres and reaches: the scale that positions are compared on."""
        points = [c.centre_m for body in self.bodies for c in body.colliders]
        span = float(np.ptp(np.array(points), axis=0).max()) if points else 0.0
        return span + max((2 * c.reach_m for body in self.bodies for c in body.colliders), default=0.0)


def facts_of(scene: SceneDescription) -> Facts:
    """What a description says. Bodies of the description stand in the twin's frame."""
    bodies = []
    poses = {"": Pose()}
    for body in scene.bodies:
        poses[body.path] = body.pose
        turn = body.pose.rotation()
        colliders = tuple(collider_facts(s, body.pose) for s in body.shapes)
        com = body.pose.apply(np.array([body.com_m]))[0]
        bodies.append(BodyFacts(body.path, body.mass_kg, com, turn @ body.inertia() @ turn.T, body.pose, colliders))
    tree = spanning_tree(scene)
    hanging = {joint.path: child for child, joint in tree.joints.items()}
    joints = tuple(
        _joint(joint, poses, hanging[joint.path])
        for joint in scene.joints
        if joint.type != "fixed" and joint not in tree.loops
    )
    return Facts(tuple(bodies), joints)


def _joint(joint: DescribedJoint, poses: dict[str, Pose], child: str) -> JointFacts:
    frame = poses[joint.body1].compose(joint.pose1)
    # Seen from the other body, the same motion has the opposite sign.
    axis = frame.rotation() @ np.array(joint.axis) * (1.0 if child == joint.body1 else -1.0)
    anchor = np.array(frame.position_m)
    if joint.type == "prismatic":
        anchor = np.zeros(3)
    elif joint.type == "spherical":
        axis = np.zeros(3)
    return JointFacts(joint.path, joint.type, anchor, axis, joint.lower, joint.upper)


def collider_facts(shape: CollisionShape, body: Pose = Pose()) -> ColliderFacts:
    """Volume, area, centre and friction of a collision shape in a body that stands at ``body``."""
    pose = body.compose(shape.pose)
    size = shape.size_m
    centre: FloatArray = np.zeros(3)
    if shape.kind == "hull":
        volume, centre, _ = solid_integrals(shape.vertices, shape.faces)
        reach = float(np.abs(shape.vertices).max())
        area = surface_area(shape.vertices[shape.faces])
    elif shape.kind == "box":
        x, y, z = size
        volume, area, reach = x * y * z, 2 * (x * y + y * z + z * x), 0.5 * max(size)
    elif shape.kind == "sphere":
        volume, area, reach = 4 / 3 * np.pi * size[0] ** 3, 4 * np.pi * size[0] ** 2, size[0]
    else:
        radius, length = size
        volume, area = np.pi * radius**2 * length, 2 * np.pi * radius * (length + radius)
        reach = max(radius, 0.5 * length)
        if shape.kind == "capsule":
            volume, area = volume + 4 / 3 * np.pi * radius**3, 2 * np.pi * radius * (length + 2 * radius)
            reach = radius + 0.5 * length
    surface = shape.material
    return ColliderFacts(
        shape.path,
        float(volume),
        pose.apply(centre[None])[0],
        float(area),
        float(reach),
        surface.dynamic_friction,
        surface.static_friction,
    )


def surface_area(triangles: FloatArray) -> float:
    """Area of triangles (F, 3, 3)."""
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return 0.5 * float(np.linalg.norm(normals, axis=1).sum())
