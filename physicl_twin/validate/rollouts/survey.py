"""What a rollout must know of a twin before it places it: bodies, extents, which material touches the ground where."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from physicl_twin.engines.scene_description import DescribedBody, SurfaceMaterial
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe, open_stage
from physicl_twin.model import ValidationError
from physicl_twin.model.geometry import FloatArray, Pose
from physicl_twin.usd.rollout_scene import Clone, Surface, write_rollout_scene


@dataclass(frozen=True, slots=True, eq=False)
class SurveyedBody:
    """A dynamic body of the twin.

    Attributes:
        name: Path relative to the asset's root; ``.`` for the root itself.
        root: Prim path of the asset that was surveyed.
        body: As described, its pose in the twin's frame (Z up).
        points: (P, 3) outermost points of its colliders, body frame.
        radii: (P,) radius of the ball about each point; the hull of these balls is that of the colliders.
        materials: (P,) index into ``Survey.materials`` of each point's surface.
    """

    name: str
    root: str
    body: DescribedBody
    points: FloatArray
    radii: FloatArray
    materials: FloatArray

    def lowest(self, down: FloatArray) -> FloatArray:
        """(P,) how far each point's ball reaches along the unit vector ``down``, body frame."""
        reach: FloatArray = self.points @ down + self.radii
        return reach

    def colliders(self) -> Iterator[tuple[str, FloatArray, float]]:
        """Each collider's path relative to the asset's root, its points (P, 3) in the body frame and their radius."""
        for shape in self.body.shapes:
            if shape.kind != "plane":
                yield (shape.path[len(self.root) + 1 :], *shape.support_points())


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A twin as the rollouts see it.

    Attributes:
        bodies: Its dynamic bodies, sorted by path.
        materials: Surfaces of their colliders.
        low_m: (3,) minimum corner of all colliders, twin frame.
        high_m: (3,) maximum corner.
    """

    bodies: tuple[SurveyedBody, ...]
    materials: tuple[SurfaceMaterial, ...]
    low_m: FloatArray
    high_m: FloatArray

    @property
    def extents_m(self) -> FloatArray:
        """(3,) size of the bounding box."""
        return self.high_m - self.low_m

    @property
    def size_m(self) -> float:
        """Largest extent."""
        return float(self.extents_m.max())

    def time_scale_s(self, gravity_mps2: float) -> float:
        """sqrt(size / g): falling its own size takes 1.4 of these."""
        return math.sqrt(self.size_m / gravity_mps2)

    def placed_low_m(self, pose: Pose) -> float:
        """Height of the lowest collider point when the twin's frame stands at ``pose``."""
        return min(
            float((placed.apply(body.points)[:, 2] - body.radii).min())
            for body in self.bodies
            if len(body.points)
            for placed in (pose.compose(body.body.pose),)
        )

    def lowest_material(self, pose: Pose) -> SurfaceMaterial:
        """Surface that would touch the floor first."""
        best = min(
            (float(height), int(index))
            for body in self.bodies
            if len(body.points)
            for placed in (pose.compose(body.body.pose),)
            for height, index in zip(placed.apply(body.points)[:, 2] - body.radii, body.materials, strict=True)
        )
        return self.materials[best[1]]


def surface_of(material: SurfaceMaterial) -> Surface:
    """Ground of the same material: every combine mode but ``multiply`` then gives the material's own coefficients."""
    return Surface(
        material.static_friction,
        material.dynamic_friction,
        material.restitution,
        material.friction_combine,
        material.restitution_combine,
    )


def survey(usd: Path, engine: str, settings: EngineSettings) -> Survey:
    """Look at a twin as the given engine's variant of it.

    Raises:
        ValidationError: ``rollout_nothing_moves`` without a dynamic body, ``rollout_no_collider`` without a collider.
        EngineError: ``engine_refused_stage`` when it cannot be simulated.
        UsdError: When the file cannot be composed.
    """
    with tempfile.TemporaryDirectory(prefix="physicl_") as folder:
        scene = write_rollout_scene(Path(folder) / "survey.usda", usd, engine, [Clone(Pose())])
        description = describe(open_stage(scene.path), settings)
    root = scene.clones[0]
    materials: list[SurfaceMaterial] = []
    bodies = []
    for body in description.dynamic_bodies:
        points, radii, owners = [np.zeros((0, 3))], [np.zeros(0)], [np.zeros(0)]
        groups: dict[tuple[int, float], list[FloatArray]] = {}
        for shape in body.shapes:
            if shape.kind == "plane":
                continue
            if shape.material not in materials:
                materials.append(shape.material)
            at, radius = shape.support_points()
            groups.setdefault((materials.index(shape.material), radius), []).append(at)
        for (material, radius), parts in groups.items():
            at = _extreme(np.vstack(parts))
            points.append(at)
            radii.append(np.full(len(at), radius))
            owners.append(np.full(len(at), float(material)))
        name = body.path[len(root) + 1 :] or "."
        bodies.append(SurveyedBody(name, root, body, np.vstack(points), np.concatenate(radii), np.concatenate(owners)))
    if not bodies:
        raise ValidationError(
            "rollout_nothing_moves", f"{usd.name} has no rigid body that could move.", "Author PhysicsRigidBodyAPI."
        )
    reach = [
        (placed - body.radii[:, None], placed + body.radii[:, None])
        for body in bodies
        for placed in (body.body.pose.apply(body.points),)
        if len(body.points)
    ]
    if not reach:
        raise ValidationError(
            "rollout_no_collider", f"{usd.name} has no collider: nothing could hold it.", "Author PhysicsCollisionAPI."
        )
    low = np.min([r[0].min(axis=0) for r in reach], axis=0)
    high = np.max([r[1].max(axis=0) for r in reach], axis=0)
    return Survey(tuple(bodies), tuple(materials), low, high)


def _extreme(points: FloatArray) -> FloatArray:
    """The corners of the convex hull of points (P, 3); all of them when they span no volume."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        corners: FloatArray = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):
        return points
    return corners
