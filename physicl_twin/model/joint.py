"""Joints: what moves against what, how far, what resists and what drives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from physicl_twin.model.estimate import Estimate, Evidence
from physicl_twin.model.geometry import Pose

JointType = Literal["fixed", "revolute", "prismatic", "spherical"]
JointAxis = Literal["x", "y", "z"]
DriveMode = Literal["position", "velocity", "force"]


@dataclass(frozen=True, slots=True)
class Drive:
    """A controller of a joint: effort = stiffness · (target - q) + damping · (target velocity - v), bounded.

    Attributes:
        mode: What it controls; ``force`` has neither stiffness nor damping.
        stiffness: N m/rad or N/m.
        damping: N m s/rad or N s/m.
        max_force: N m or N; None when unbounded.
        target: Radians or metres (of a ``velocity`` drive rad/s or m/s).
        name: Of the actuator in the source; empty when there is none.
    """

    mode: DriveMode
    stiffness: Estimate
    damping: Estimate
    max_force: Estimate | None = None
    target: float = 0.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Mimic:
    """A joint that follows another: q = multiplier · q_of_joint + offset.

    Attributes:
        joint: Name of the joint that leads.
        multiplier: Radians or metres of this one per radian or metre of that one.
        offset: Radians or metres.
    """

    joint: str
    multiplier: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Joint:
    """A joint between two bodies, or between a body and the world.

    At coordinate q the frames relate as body0 · pose0 · motion(axis, q) = body1 · pose1; the poses of the twin's bodies
    are those at ``position``.

    Attributes:
        name: Unique in the twin.
        type: fixed, revolute, prismatic or spherical.
        body0: Parent body; empty for the world.
        body1: Child body.
        pose0: Joint frame in the parent body's frame (of the world: in the twin's frame).
        pose1: Joint frame in the child body's frame.
        axis: Motion axis of the joint frame: x, y or z.
        lower: Lower limit, radians or metres; None when free. Of a spherical joint minus the half-angle of its cone.
        upper: Upper limit.
        position: Coordinate at which the bodies stand, radians or metres.
        max_force: What its motor can give, N m or N; None when unknown.
        max_velocity: rad/s or m/s; None when unknown.
        friction: Coulomb friction, N m or N.
        damping: Viscous, N m s/rad or N s/m.
        stiffness: Of a passive spring, N m/rad or N/m.
        rest: Coordinate at which that spring is slack, radians or metres.
        armature: Inertia of what turns with it, seen at the joint (gear ratio squared), kg m2 or kg.
        drive: Its controller; None when nothing drives it.
        mimic: The joint that it follows.
        closes_loop: True for a joint that is no part of the tree: a constraint between two bodies of it.
        role: What it is for people: ``door``, ``drawer``, ``lid``, ``wheel`` …; empty when unknown.
        probability: That it exists as described; 1 when the source states it.
        evidence: Reasons.
    """

    name: str
    type: JointType
    body0: str
    body1: str
    pose0: Pose = Pose()
    pose1: Pose = Pose()
    axis: JointAxis = "z"
    lower: float | None = None
    upper: float | None = None
    position: float = 0.0
    max_force: Estimate | None = None
    max_velocity: Estimate | None = None
    friction: Estimate | None = None
    damping: Estimate | None = None
    stiffness: Estimate | None = None
    rest: float = 0.0
    armature: Estimate | None = None
    drive: Drive | None = None
    mimic: Mimic | None = None
    closes_loop: bool = False
    role: str = ""
    probability: float = 1.0
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A joint that is likely but not sure enough to be authored; somebody decides.

    Attributes:
        joint: As it would be authored. ``body0`` is a body of the twin. ``body1`` is one too, or the name that what
            moves would get: its frame is then that of ``body0``, from which it is split.
        parts: Names of the parts that would move with it; empty when ``body1`` is there already.
        excludes: Names of joints, authored or proposed, that cannot be together with it (a hinge on the other side).
    """

    joint: Joint
    parts: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BodyPair:
    """Two bodies that do not collide, and why.

    Attributes:
        body0: Name of one.
        body1: Name of the other.
        reason: ``stated`` by the source, ``adjacent`` in the tree, or ``overlap`` in the pose of the source.
    """

    body0: str
    body1: str
    reason: Literal["stated", "adjacent", "overlap"]


@dataclass(frozen=True, slots=True)
class Articulation:
    """How bodies with joints are simulated as one mechanism.

    Attributes:
        kind: ``robot`` when it drives itself, ``prop`` when it is moved (a cabinet), ``building``.
        root: Name of the body at the root of the tree.
        fixed: True when the root is attached to the world.
        self_collision: True when bodies that are not filtered collide with each other.
        filters: Pairs that do not.
        position_iterations: Of PhysX's solver; None for the configured ones.
        velocity_iterations: Likewise.
        evidence: Reasons.
    """

    kind: Literal["prop", "robot", "building"] = "prop"
    root: str = ""
    fixed: bool = False
    self_collision: bool = True
    filters: tuple[BodyPair, ...] = ()
    position_iterations: int | None = None
    velocity_iterations: int | None = None
    evidence: tuple[Evidence, ...] = ()
