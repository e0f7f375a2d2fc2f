"""Collision geometry: convex pieces and primitives, and how well they fit the true surface."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from physicl_twin.model.estimate import Evidence
from physicl_twin.model.geometry import Mesh, Pose

ColliderKind = Literal["box", "sphere", "capsule", "cylinder", "hull"]
CollisionMethod = Literal["primitive", "hull", "decomposition", "sdf"]


@dataclass(frozen=True, slots=True)
class Collider:
    """One convex shape or primitive.

    Attributes:
        name: Unique in the twin.
        kind: box, sphere, capsule, cylinder or hull.
        pose: Placement in the frame of the part's shape (the part's own pose comes on top).
        size_m: box: full edge lengths (x, y, z); sphere: (radius,); capsule and cylinder along local z: (radius,
            length), the capsule's length without its caps; hull: ().
        hull_sha256: Hash of the hull's mesh; empty for a primitive.
        hull: Convex triangles in the collider's frame, at most 64 vertices; not part of twin.json.
    """

    name: str
    kind: ColliderKind
    pose: Pose = Pose()
    size_m: tuple[float, ...] = ()
    hull_sha256: str = ""
    hull: Mesh | None = field(default=None, compare=False, repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True)
class CollisionFit:
    """How far collision geometry is from the true surface, measured on samples.

    Attributes:
        mean_m: Mean distance from the collider surface to the true surface.
        p99_m: 99th percentile of that distance.
        max_m: Largest distance seen.
        volume_ratio: Volume of the union of colliders over the volume of the solid; None when the solid's is unknown.
        cavity_kept: True when cavities stay open in the colliders, False when filled, None when there are none.
        colliders: Number of convex pieces.
        missed_mean_m: Mean distance the other way, from the true outer surface to the collider surface; None when not
            measured.
        missed_p99_m: Its 99th percentile: large when a piece of the object has no collider.
    """

    mean_m: float
    p99_m: float
    max_m: float
    volume_ratio: float | None
    cavity_kept: bool | None
    colliders: int
    missed_mean_m: float | None = None
    missed_p99_m: float | None = None


@dataclass(frozen=True, slots=True)
class CollisionCandidate:
    """A way of collision that was tried, and what it measured.

    Attributes:
        method: Its name.
        fit: What it measured.
        seconds: Wall time; not part of twin.json, which is the same on every build.
        colliders: Its shapes, for pictures; not part of twin.json.
    """

    method: str
    fit: CollisionFit
    seconds: float = field(default=0.0, compare=False, metadata={"json": False})
    colliders: tuple[Collider, ...] = field(default=(), compare=False, repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True)
class Collision:
    """The collision geometry of a part, and why it is this.

    Attributes:
        method: Which family won.
        colliders: The convex pieces (always present: the engine-neutral base). With ``sdf`` the PhysX variant replaces
            them by a signed distance field of the render mesh.
        fit: Measured error of ``colliders``.
        candidates: Everything that was tried.
        evidence: Reasons.
    """

    method: CollisionMethod
    colliders: tuple[Collider, ...]
    fit: CollisionFit
    candidates: tuple[CollisionCandidate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
