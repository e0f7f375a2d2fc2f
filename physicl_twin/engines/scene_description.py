"""The physics of a USD stage as plain data, in metres and kilograms: what an engine without USD is built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from physicl_twin.model.geometry import FloatArray, IntArray, Pose, Vector3

ShapeKind = Literal["box", "sphere", "capsule", "cylinder", "plane", "hull", "mesh"]
CombineMode = Literal["average", "min", "multiply", "max"]

#: Of two modes the later one wins, as PhysX resolves a pair whose materials disagree (PxCombineMode).
COMBINE_PRIORITY: tuple[CombineMode, ...] = ("average", "min", "multiply", "max")


def combine(mode0: CombineMode, value0: float, mode1: CombineMode, value1: float) -> float:
    """The coefficient of a pair of materials under PhysX's rules."""
    mode = max(mode0, mode1, key=COMBINE_PRIORITY.index)
    if mode == "average":
        return 0.5 * (value0 + value1)
    if mode == "min":
        return min(value0, value1)
    if mode == "multiply":
        return value0 * value1
    return max(value0, value1)


@dataclass(frozen=True, slots=True)
class SurfaceMaterial:
    """A physics material.

    Attributes:
        path: Prim path; empty for the default of an unbound collider.
        static_friction: Coefficient, 1.
        dynamic_friction: Coefficient, 1.
        restitution: Coefficient, 1.
        friction_combine: How PhysX combines it with the other surface's.
        restitution_combine: Likewise.
        density: kg/m3, or None.
    """

    path: str
    static_friction: float
    dynamic_friction: float
    restitution: float
    friction_combine: CombineMode = "average"
    restitution_combine: CombineMode = "average"
    density: float | None = None


@dataclass(frozen=True, slots=True)
class CollisionShape:
    """A collider.

    Attributes:
        path: Prim path.
        kind: What it is; ``hull`` is the convex hull of ``vertices``, ``mesh`` their triangles (static colliders only).
        pose: Placement in the body frame, or in the world for a static collider.
        size_m: box: full edges (x, y, z); sphere: (radius,); capsule and cylinder along local z: (radius, length), the
            capsule's without its caps; plane: (), its normal is local z; hull and mesh: ().
        vertices: (V, 3), shape frame; empty for a primitive.
        faces: (F, 3) triangles; for a hull only once it is computed.
        material: Surface.
        density: kg/m3 of the collider's own MassAPI, or None.
        mass_kg: Of the collider's own MassAPI, or None.
        scene: Physics scene that a static collider belongs to; only what belongs to the same one touches it.
    """

    path: str
    kind: ShapeKind
    pose: Pose
    material: SurfaceMaterial
    size_m: tuple[float, ...] = ()
    vertices: FloatArray = field(default_factory=lambda: np.zeros((0, 3)))
    faces: IntArray = field(default_factory=lambda: np.zeros((0, 3), np.int32))
    density: float | None = None
    mass_kg: float | None = None
    scene: str = ""

    def support_points(self) -> tuple[FloatArray, float]:
        """Points (P, 3) in the body frame and a radius: the shape is the hull of balls of that radius about the points.

        Exact for boxes, hulls, meshes, spheres and capsules; a cylinder's circles are sampled every 1.4 degrees (an
        error of 7.5e-5 of the radius). A plane has no finite support: none.
        """
        radius = 0.0
        if self.kind == "box":
            half = 0.5 * np.array(self.size_m)
            points = half * np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        elif self.kind == "sphere":
            points, radius = np.zeros((1, 3)), self.size_m[0]
        elif self.kind == "capsule":
            points, radius = np.array([[0, 0, -0.5], [0, 0, 0.5]]) * self.size_m[1], self.size_m[0]
        elif self.kind == "cylinder":
            angle = np.linspace(0.0, 2 * np.pi, 256, endpoint=False)
            circle = self.size_m[0] * np.column_stack([np.cos(angle), np.sin(angle)])
            points = np.vstack([np.column_stack([circle, np.full(256, s * self.size_m[1])]) for s in (-0.5, 0.5)])
        else:
            points = self.vertices
        return self.pose.apply(points), radius


@dataclass(frozen=True, slots=True)
class DescribedBody:
    """A rigid body.

    Attributes:
        path: Prim path.
        pose: Body frame (the prim's frame without its scale) in the world.
        shapes: Its colliders.
        mass_kg: Mass.
        com_m: Centre of mass, body frame.
        principal_inertia_kgm2: Diagonal inertia about the centre of mass.
        principal_wxyz: Rotation from the principal axes to the body axes.
        kinematic: True when it moves by decree.
        velocity: Initial linear (m/s) and angular (rad/s) velocity, world frame.
        rotation_locked: True when all three rotations are locked.
        gravity: False when gravity does not act on it.
        scene: Physics scene that it belongs to; bodies of different scenes pass through each other.
    """

    path: str
    pose: Pose
    shapes: tuple[CollisionShape, ...]
    mass_kg: float
    com_m: Vector3
    principal_inertia_kgm2: Vector3
    principal_wxyz: tuple[float, float, float, float]
    kinematic: bool = False
    velocity: tuple[float, float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    rotation_locked: bool = False
    gravity: bool = True
    scene: str = ""

    def inertia(self) -> FloatArray:
        """(3, 3) inertia about the centre of mass, body axes."""
        rotation = Pose((0.0, 0.0, 0.0), self.principal_wxyz).rotation()
        tensor: FloatArray = rotation @ np.diag(self.principal_inertia_kgm2) @ rotation.T
        return tensor


@dataclass(frozen=True, slots=True)
class DescribedJoint:
    """A joint.

    Attributes:
        path: Prim path.
        type: Which motion it leaves.
        body0: Prim path of the first body; empty for the world.
        body1: Prim path of the second body; empty for the world.
        pose0: Joint frame in body0's frame (or the world).
        pose1: Joint frame in body1's frame (or the world).
        axis: Motion axis of the joint frame, unit vector.
        lower: Radians or metres; None when free.
        upper: Likewise.
        bodies_collide: True when the two bodies still collide with each other.
        position: Coordinate at which the bodies stand, radians or metres (``state:…:physics:position``, else from the
            frames of the bodies).
        velocity: Its initial rate, rad/s or m/s (``state:…:physics:velocity``).
        stiffness: Of a passive spring, N m/rad or N/m.
        rest: Coordinate at which that spring is slack.
        driven: True when it has a drive.
        drive_acceleration: True when the drive's gains are per unit of inertia.
        drive_stiffness: N m/rad or N/m.
        drive_damping: N m s/rad or N s/m.
        drive_max_force: N m or N; None when unbounded.
        drive_target: Radians or metres.
        drive_target_velocity: rad/s or m/s.
        friction: Coulomb friction, N m or N.
        damping: Viscous friction besides the drive, N m s/rad or N s/m.
        armature: kg m2 or kg.
        max_velocity: rad/s or m/s; None when unbounded.
        mimic_of: Prim path of the joint that leads this one (q = multiplier · q_leader + offset); empty for none.
        mimic_multiplier: See there.
        mimic_offset: Radians or metres.
        closes_loop: True when it is kept out of the articulation's tree.
    """

    path: str
    type: Literal["fixed", "revolute", "prismatic", "spherical"]
    body0: str
    body1: str
    pose0: Pose
    pose1: Pose
    axis: Vector3
    lower: float | None = None
    upper: float | None = None
    bodies_collide: bool = False
    position: float = 0.0
    velocity: float = 0.0
    stiffness: float = 0.0
    rest: float = 0.0
    driven: bool = False
    drive_acceleration: bool = False
    drive_stiffness: float = 0.0
    drive_damping: float = 0.0
    drive_max_force: float | None = None
    drive_target: float = 0.0
    drive_target_velocity: float = 0.0
    friction: float = 0.0
    damping: float = 0.0
    armature: float = 0.0
    max_velocity: float | None = None
    mimic_of: str = ""
    mimic_multiplier: float = 1.0
    mimic_offset: float = 0.0
    closes_loop: bool = False


@dataclass(frozen=True, slots=True)
class DescribedArticulation:
    """A mechanism: a tree of bodies and joints that an engine solves as one.

    Attributes:
        path: Prim with the root schema.
        bodies: Prim paths of its bodies, sorted.
        self_collision: True when its bodies collide with each other where nothing filters them.
        position_iterations: Of PhysX's solver; None when the stage does not say.
        velocity_iterations: Likewise.
    """

    path: str
    bodies: tuple[str, ...] = ()
    self_collision: bool = True
    position_iterations: int | None = None
    velocity_iterations: int | None = None


@dataclass(frozen=True, slots=True)
class SceneDescription:
    """Everything that moves or stops what moves.

    Attributes:
        gravity_mps2: (3,) world frame.
        bodies: Rigid bodies, sorted by path.
        static_shapes: Colliders without a rigid body, sorted by path.
        joints: Sorted by path.
        notes: What was left out or replaced.
        bounce_threshold_mps: Approach speed below which nothing bounces (``physxScene:bounceThreshold``,
            the smallest of the stage's scenes).
        articulations: Sorted by path.
        filtered_pairs: Prim paths of pairs of bodies (or static colliders) that do not collide
            (``physics:filteredPairs``), each sorted.
    """

    gravity_mps2: Vector3
    bodies: tuple[DescribedBody, ...]
    static_shapes: tuple[CollisionShape, ...]
    joints: tuple[DescribedJoint, ...]
    notes: tuple[str, ...] = ()
    bounce_threshold_mps: float = 0.0
    articulations: tuple[DescribedArticulation, ...] = ()
    filtered_pairs: tuple[tuple[str, str], ...] = ()

    @property
    def dynamic_bodies(self) -> tuple[DescribedBody, ...]:
        """The bodies that the engine moves."""
        return tuple(body for body in self.bodies if not body.kinematic)
