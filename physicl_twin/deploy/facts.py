"""What a round trip compares, in the twin's own frame, whatever frames a format uses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
        mass_kg: Mass; None of what never moves and has none.
        com_m: (3,) centre of mass, twin frame.
        inertia_kgm2: (3, 3) about the centre of mass, twin axes.
        pose: Of its frame in the twin's; None when the format has frames of its own.
        colliders: Its colliders.
    """

    name: str
    mass_kg: float | None
    com_m: FloatArray
    inertia_kgm2: FloatArray
    pose: Pose | None
    colliders: tuple[ColliderFacts, ...]


@dataclass(frozen=True, slots=True, eq=False)
class JointDynamics:
    """What resists and drives a joint with one coordinate, whatever a format calls it. None: the format has no word.

    Attributes:
        stiffness: Towards a coordinate, of springs and drives together, N m/rad or N/m.
        damping: Likewise, N m s/rad or N s/m.
        friction: Coulomb, N m or N.
        armature: kg m2 or kg.
        max_force: Of its drive, N m or N; infinite when unbounded or undriven.
        max_velocity: rad/s or m/s; infinite when unbounded.
        mimic: (leader, multiplier, offset); an empty name for a joint that follows nobody.
    """

    stiffness: float | None = None
    damping: float | None = None
    friction: float | None = None
    armature: float | None = None
    max_force: float | None = None
    max_velocity: float | None = None
    mimic: tuple[str, float, float] | None = None


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
        dynamics: What resists and drives it.
    """

    name: str
    type: str
    anchor_m: FloatArray
    axis: FloatArray
    lower: float | None
    upper: float | None
    dynamics: JointDynamics = field(default_factory=JointDynamics)


#: Moves the joints to coordinates (radians, metres, by name) and says how each body has moved: (4, 4), twin frame.
Motion = Callable[[Mapping[str, float]], dict[str, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """Of a twin or of an export.

    Attributes:
        bodies: Rigid bodies.
        joints: Joints that move.
        sites: Frames without matter, (4, 4) in the twin's frame, by name; None when the format has none.
        apart: Pairs of bodies that do not collide; None when the format has no word.
        motion: Moves it; None when that is not compared.
        samples: Coordinates at which the motion is compared: only of a twin.
    """

    bodies: tuple[BodyFacts, ...]
    joints: tuple[JointFacts, ...] = ()
    sites: Mapping[str, FloatArray] | None = None
    apart: frozenset[frozenset[str]] | None = None
    motion: Motion | None = None
    samples: tuple[Mapping[str, float], ...] = ()

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
        mass = None if body.kinematic and body.mass_kg == 0.0 else body.mass_kg
        bodies.append(BodyFacts(body.path, mass, com, turn @ body.inertia() @ turn.T, body.pose, colliders))
    tree = spanning_tree(scene)
    hanging = {joint.path: child for child, joint in tree.joints.items()}
    joints = tuple(
        _joint(joint, poses, hanging[joint.path])
        for joint in scene.joints
        if joint.type != "fixed" and joint.path in hanging
    )
    return Facts(tuple(bodies), joints, apart=_apart(scene))


def _apart(scene: SceneDescription) -> frozenset[frozenset[str]]:
    """Pairs of bodies with colliders that do not collide: of joints, filtered, and of mechanisms that are quiet."""
    solid = {body.path for body in scene.bodies if body.shapes}
    pairs = {frozenset((j.body0, j.body1)) for j in scene.joints if not j.bodies_collide}
    pairs |= {frozenset(pair) for pair in scene.filtered_pairs}
    for one in scene.articulations:
        if not one.self_collision:
            pairs |= {frozenset(pair) for pair in itertools.combinations(one.bodies, 2)}
    return frozenset(pair for pair in pairs if len(pair) == 2 and pair <= solid)


def _dynamics(joint: DescribedJoint) -> JointDynamics:
    most = joint.drive_max_force if joint.driven else None
    return JointDynamics(
        joint.stiffness + joint.drive_stiffness,
        joint.damping + joint.drive_damping,
        joint.friction,
        joint.armature,
        math.inf if most is None else most,
        math.inf if joint.max_velocity is None else joint.max_velocity,
        (joint.mimic_of, joint.mimic_multiplier, joint.mimic_offset) if joint.mimic_of else ("", 1.0, 0.0),
    )


def _joint(joint: DescribedJoint, poses: dict[str, Pose], child: str) -> JointFacts:
    frame = poses[joint.body1].compose(joint.pose1)
    # Seen from the other body, the same motion has the opposite sign.
    axis = frame.rotation() @ np.array(joint.axis) * (1.0 if child == joint.body1 else -1.0)
    anchor = np.array(frame.position_m)
    if joint.type == "prismatic":
        anchor = np.zeros(3)
    elif joint.type == "spherical":
        axis = np.zeros(3)
    return JointFacts(joint.path, joint.type, anchor, axis, joint.lower, joint.upper, _dynamics(joint))


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
