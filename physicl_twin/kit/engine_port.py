"""What the editor's engine needs of a running PhysX, in PhysX's own terms: stage units, quaternions xyzw.

``engine_omni`` offers it on omni.physx; the tests offer it on ovphysx, so that all that stands above it is tested with
real physics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from physicl_twin.model.geometry import FloatArray, Vector3


@dataclass(frozen=True, slots=True)
class PortContact:
    """A contact point as PhysX reports it.

    Attributes:
        actor0: Prim path of the first actor: a body, or the collider itself where there is none.
        actor1: Of the second.
        position: World, stage units.
        normal: Unit vector from the second to the first.
        impulse: World, stage units.
        separation: Stage units; negative when the surfaces overlap.
    """

    actor0: str
    actor1: str
    position: Vector3
    normal: Vector3
    impulse: Vector3
    separation: float


@dataclass(frozen=True, slots=True)
class PortHit:
    """The nearest hit of a ray: prim path of the body (or collider), distance and position in stage units, normal."""

    body: str
    distance: float
    position: Vector3
    normal: Vector3


class PhysicsPort(Protocol):
    """The simulation of one stage at a time."""

    @property
    def version(self) -> str:
        """Of the physics."""

    def busy(self) -> str:
        """Why no stage can be attached now, as a sentence; empty when one can."""

    def attach(self, stage: Any, bodies: Sequence[str]) -> tuple[str, ...]:
        """Read a stage into PhysX, on the CPU.

        Args:
            stage: ``Usd.Stage``.
            bodies: Prim paths of the bodies to follow, in the order of every array below.

        Returns:
            Paths of those that PhysX made no body of.

        Raises:
            EngineError: ``engine_refused_stage`` when PhysX cannot read it.
        """

    def detach(self) -> None:
        """Forget the stage and give everything that was changed its old value; harmless when called again."""

    def simulate(self, dt_s: float) -> None:
        """Advance by a step; what PhysX complains about is an EngineError ``engine_step_failed``."""

    def transforms(self) -> FloatArray:
        """(N, 7) position and xyzw."""

    def set_transforms(self, values: FloatArray) -> None:
        """Teleport; (N, 7)."""

    def velocities(self) -> FloatArray:
        """(N, 6) linear velocity of the centre of mass, angular velocity (rad/s), world frame."""

    def set_velocities(self, values: FloatArray) -> None:
        """(N, 6)."""

    def dofs(self) -> tuple[str, ...]:
        """Prim paths of the joints of articulations with one coordinate, in the order of the arrays below (D)."""

    def set_dof_positions(self, values: FloatArray) -> None:
        """(D,) radians or stage units, positive in PhysX's own sense: of the child against its parent."""

    def set_dof_velocities(self, values: FloatArray) -> None:
        """(D,)."""

    def set_dof_targets(self, values: FloatArray) -> None:
        """(D,) positions that drives shall hold."""

    def masses(self) -> FloatArray:
        """(N,)."""

    def coms(self) -> FloatArray:
        """(N, 3) body frame."""

    def inertias(self) -> FloatArray:
        """(N, 3, 3) about the centre of mass, body axes."""

    def contacts(self) -> tuple[PortContact, ...]:
        """Of the last step."""

    def raycast(self, origin: Vector3, direction: Vector3, distance: float) -> PortHit | None:
        """Nearest hit; ``direction`` is a unit vector."""

    def overlap_sphere(self, centre: Vector3, radius: float) -> tuple[str, ...]:
        """Prim paths of the bodies (or colliders) whose colliders touch a sphere."""
