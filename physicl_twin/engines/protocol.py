"""What every physics engine offers: open a stage, step it, look at it, close it.

Conventions, the same for every engine: the world frame is the stage's (its up axis is kept), lengths are metres, masses
kilograms, angles radians whatever the stage's units are; quaternions are wxyz; bodies are the dynamic rigid bodies,
sorted by prim path; kinematic bodies and colliders without a body count as static.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from physicl_twin.model.geometry import FloatArray, Vector3


@dataclass(frozen=True, slots=True)
class EngineMass:
    """Mass properties of a body as the engine itself sees them.

    Attributes:
        body: Prim path.
        mass_kg: Mass.
        com_m: (3,) centre of mass, body frame.
        inertia_kgm2: (3, 3) about the centre of mass, body axes.
    """

    body: str
    mass_kg: float
    com_m: FloatArray
    inertia_kgm2: FloatArray


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact point of the last step: surfaces that overlap or that push on each other.

    Attributes:
        body0: Prim path of one body or static collider; of two bodies, the one whose path sorts first.
        body1: Prim path of the other.
        position_m: World position.
        normal: Unit vector from body1 to body0.
        separation_m: Negative when the surfaces overlap.
        impulse_ns: Normal impulse of the step, newton seconds.
    """

    body0: str
    body1: str
    position_m: Vector3
    normal: Vector3
    separation_m: float
    impulse_ns: float = 0.0


@dataclass(frozen=True, slots=True)
class RayHit:
    """Nearest hit of a ray; ``body`` is the prim path of the rigid body, or of the collider where there is none."""

    body: str
    distance_m: float
    position_m: Vector3
    normal: Vector3


class EngineScene(Protocol):
    """A running simulation of one stage; a context manager that closes itself."""

    @property
    def bodies(self) -> tuple[str, ...]:
        """Prim paths of the dynamic bodies, in the order of every array below."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What this engine had to approximate or leave out of the stage, in words; empty when nothing."""

    def step(self, dt_s: float, count: int = 1) -> None:
        """Advance by ``count`` steps of ``dt_s`` seconds.

        Raises:
            EngineError: ``engine_step_failed`` when the engine reports an error or the state stops being finite.
        """

    def poses(self) -> FloatArray:
        """(N, 7) position (m) and quaternion (wxyz) of each body frame."""

    def set_poses(self, poses: FloatArray) -> None:
        """Teleport the bodies; (N, 7) as ``poses``. Velocities stay."""

    def velocities(self) -> FloatArray:
        """(N, 6) linear velocity of the centre of mass (m/s) and angular velocity (rad/s), world frame."""

    def set_velocities(self, velocities: FloatArray) -> None:
        """Set velocities; (N, 6) as ``velocities``."""

    @property
    def joints(self) -> tuple[str, ...]:
        """Prim paths of the movable joints, revolute and prismatic ones, in the order of every array below; sorted."""

    def joint_positions(self) -> FloatArray:
        """(J,) coordinate of each joint, radians or metres."""

    def joint_velocities(self) -> FloatArray:
        """(J,) rate of each coordinate, rad/s or m/s."""

    def set_joint_positions(self, positions: FloatArray) -> None:
        """Put joints somewhere; (J,) as ``joint_positions``. Roots stay where they are, speeds stay.

        Joints that close loops follow; those that mimic others are put where it is said, the caller heeds the ratio.
        """

    def set_joint_velocities(self, velocities: FloatArray) -> None:
        """Set the rates of joints; (J,). Roots keep their velocities, joints that close loops follow."""

    def set_joint_targets(self, targets: FloatArray) -> None:
        """Where drives shall hold their joints; (J,) radians or metres, passed over for joints without a drive."""

    def contacts(self) -> tuple[Contact, ...]:
        """Contact points of the last step."""

    def mass_properties(self) -> tuple[EngineMass, ...]:
        """What the engine believes about each body."""

    def raycast(self, origin_m: Vector3, direction: Vector3, max_distance_m: float) -> RayHit | None:
        """Nearest collider along a ray, or None. ``direction`` need not be normalized."""

    def overlaps(self, centre_m: Vector3, radius_m: float) -> tuple[str, ...]:
        """Prim paths of the bodies (or static colliders) whose colliders touch a sphere, sorted."""

    def close(self) -> None:
        """Release the simulation; harmless when called again."""

    def __enter__(self) -> EngineScene:
        """The scene itself."""

    def __exit__(self, *exc_info: object) -> None:
        """Close."""


class Engine(Protocol):
    """A physics engine."""

    @property
    def name(self) -> str:
        """``physx`` or ``mujoco``."""

    @property
    def version(self) -> str:
        """Version of the engine."""

    def open(self, stage: Path) -> EngineScene:
        """Load a stage.

        Raises:
            EngineError: ``engine_refused_stage`` when the stage cannot be read, has no rigid body, or the engine
                reports an error about it.
        """
