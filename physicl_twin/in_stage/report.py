"""What is asked of an operation on a stage, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from physicl_twin.in_stage.journal import Journal
from physicl_twin.model import Estimate

Approximation = Literal[
    "auto", "convexHull", "convexDecomposition", "sdf", "sphereFill", "boundingCube", "boundingSphere",
    "meshSimplification", "none",
]  # fmt: skip
Bodies = Literal["selected", "geometry"]


@dataclass(frozen=True, slots=True)
class InStageOptions:
    """How prims become sim-ready.

    Attributes:
        approximation: Of mesh colliders; ``auto`` takes the convex hull where it is near, else a decomposition.
        bodies: One body a selected prim, or one a piece of geometry below the selected prims.
        materials: (PART, MATERIAL) pairs; PART is the name of a piece of geometry or ``*``.
        mass_kg: Mass of each body, kg; None to derive it.
        articulation: Make selected prims that hold joints articulation roots.
        seed: Of the estimates.
    """

    approximation: Approximation = "auto"
    bodies: Bodies = "selected"
    materials: tuple[tuple[str, str], ...] = ()
    mass_kg: float | None = None
    articulation: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ReadyBody:
    """A body that an operation wrote or found in order.

    Attributes:
        path: Of the prim.
        mass: kg; None where the operation does not concern it.
        materials: Titles of what it is made of.
        colliders: Number of collider prims.
        changed: False when everything stood there already.
    """

    path: str
    mass: Estimate | None
    materials: tuple[str, ...] = ()
    colliders: int = 0
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Skip:
    """A prim that was left alone.

    Attributes:
        path: As it was given.
        code: Stable identifier.
        message: Why.
        hint: What to do.
    """

    path: str
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class InStageReport:
    """What an operation did.

    Attributes:
        bodies: What it wrote.
        skipped: What it left alone, and why.
        journal: Takes it back.
        warnings: What the user should know of the layer that was written to.
    """

    bodies: tuple[ReadyBody, ...]
    skipped: tuple[Skip, ...]
    journal: Journal = field(compare=False, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """True when the stage is another one than before."""
        return not self.journal.empty

    def undo(self) -> None:
        """Take everything back: the layer is as it was, byte for byte.

        Raises:
            UsdError: ``layer_locked``; it can be called again then.
        """
        self.journal.undo()


def summary(report: InStageReport) -> str:
    """One line for the log."""
    return f"{len(report.bodies)} bodies sim-ready, {_plural(report.skipped, 'prim')} left alone."


def _plural(items: Sequence[object], word: str) -> str:
    return f"{len(items)} {word}{'' if len(items) == 1 else 's'}"
