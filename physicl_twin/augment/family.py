"""The family: which objects its members may hold, on what support, and what must be known of each twin to draw one."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from physicl_twin.augment.coarse import coarse_hulls
from physicl_twin.augment.distributions import Posterior
from physicl_twin.augment.spec import Spec
from physicl_twin.engines.hull import convex_hull
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.engines.usd_reader import describe, open_stage
from physicl_twin.model import (
    ConfigError,
    Estimate,
    Material,
    Mesh,
    SourceError,
    Support,
    Twin,
    ValidationError,
    loads_twin,
)
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd.names import identifier
from physicl_twin.usd.settle_scene import LeanTwin, lean_twin
from physicl_twin.usd.variation_looks import LookSlot, look_slots

#: Height of a bin's walls, when the bin is chosen for its objects: over their mean diameter, and over the height of a
#: heap of them that is half air.
_WALL_OVER_SIZE, _WALL_OVER_HEAP, _PACKING = 1.0, 1.2, 0.5
#: Smallest floor over the largest object's diameter.
_ROOM = 1.6
#: Directions of the polyhedron that stands for a ball in ray casts.
_ROUND = 96
#: How far PhysX looks for contacts around an object's colliders, over its radius (judgement; 2 mm instead of 26 mm made
#: heaps of objects of 10 cm twice as fast and let fewer of them move).
_REACH = 0.01
#: Points that stand for an object's outside.
_MAX_POINTS = 400


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A twin as the family knows it.

    Attributes:
        twin: Its record.
        folder: Where it stands.
        lean: Its body and colliders alone.
        hulls: Its colliders as convex meshes, twin frame, true size (a round one as a polyhedron).
        coarse: Few convex pieces that hold them.
        points: (P, 3) corners of the hull around them.
        radius_m: Of the sphere about ``centre_m`` that holds them.
        centre_m: (3,) middle of its bounding box.
        mass: Of the whole twin.
        materials: Materials of its parts.
        looks: What can be painted.
        failed: True when its certificate did not pass.
    """

    twin: Twin
    folder: Path
    lean: LeanTwin
    hulls: tuple[Mesh, ...]
    coarse: tuple[Mesh, ...]
    points: FloatArray
    radius_m: float
    centre_m: FloatArray
    mass: Estimate
    materials: tuple[Material, ...]
    looks: tuple[LookSlot, ...]
    failed: bool

    @property
    def name(self) -> str:
        """Name of the twin."""
        return self.twin.name


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Everything that its members share.

    Attributes:
        spec: What differs between them.
        seed: Seed.
        members: The twins, in the order in which they were given.
        instances: (name, index of its twin).
        support: What they rest on; its surface is drawn anew for each variation.
    """

    spec: Spec
    seed: int
    members: tuple[Member, ...]
    instances: tuple[tuple[str, int], ...]
    support: Support

    @property
    def size_m(self) -> float:
        """Diagonal of the support's floor."""
        return math.hypot(*self.support.inner_m[:2])


def open_member(folder: Path, *, force: bool) -> Member:
    """Read a twin for a family.

    Raises:
        SourceError: ``twin_not_found``, ``usd_not_found``.
        ValidationError: ``twin_failed_validation`` unless forced, ``twin_not_single_body``, ``twin_without_mass``.
    """
    record = folder / "twin.json"
    if not record.is_file():
        raise SourceError("twin_not_found", f"{folder.name} is not a twin.", "Give the folder that build made.")
    twin = loads_twin(record.read_text(encoding="utf-8"))
    usd = folder / "simready" / f"{twin.name}.usda"
    if not usd.is_file():
        raise SourceError("usd_not_found", f"{folder.name} has no simready/{usd.name}.", "Build the twin again.")
    failed = not _passed(folder / "certificate.json")
    if failed and not force:
        raise ValidationError(
            "twin_failed_validation",
            f"{twin.name} did not pass its validation, or was never validated.",
            "See its report.html; --force takes it all the same, and marks the set.",
        )
    if len(twin.bodies) != 1 or twin.joints:
        raise ValidationError(
            "twin_not_single_body",
            f"{twin.name} has {len(twin.bodies)} bodies; variations are made of twins with one.",
            "Leave it out.",
        )
    body = twin.bodies[0]
    if body.mass is None:
        raise ValidationError("twin_without_mass", f"{twin.name} has no mass.", "Build the twin again.")
    hulls = tuple(_hull(*collider) for collider in _colliders(usd))
    points = _outside(np.vstack([hull.vertices for hull in hulls]))
    low, high = points.min(axis=0), points.max(axis=0)
    centre = 0.5 * (low + high)
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    used = {part.material for part in body.parts}
    return Member(
        twin,
        folder,
        lean_twin(usd, _REACH * radius),
        hulls,
        coarse_hulls(hulls),
        points,
        radius,
        centre,
        body.mass,
        tuple(material for material in twin.materials if material.name in used),
        look_slots(usd),
        failed,
    )


def _passed(certificate: Path) -> bool:
    try:
        record = json.loads(certificate.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    checks, rollouts = record.get("checks", []), record.get("rollouts", [])
    return bool(checks) and all(item.get("status") != "failed" for item in (*checks, *rollouts))


def _colliders(usd: Path) -> tuple[tuple[FloatArray, float, str], ...]:
    """Corners, radius and path of each collider, as the engines see them, twin frame."""
    (body,) = describe(open_stage(usd), EngineSettings.from_pipeline()).dynamic_bodies
    return tuple((*shape.support_points(), shape.path) for shape in body.shapes)


def _hull(points: FloatArray, radius_m: float, path: str) -> Mesh:
    """The hull of balls of a radius about points."""
    if radius_m > 0.0:
        points = (points[:, None] + radius_m * _directions(_ROUND)[None]).reshape(-1, 3)
    return Mesh(*convex_hull(points, path))


def _outside(points: FloatArray) -> FloatArray:
    """Of points, those farthest out in many directions."""
    if len(points) <= _MAX_POINTS:
        return points
    chosen: FloatArray = points[np.unique(np.argmax(points @ _directions(_MAX_POINTS).T, axis=0))]
    return chosen


def _directions(count: int) -> FloatArray:
    """(count, 3) unit vectors on a golden spiral."""
    number = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * number / count), math.pi * (1 + math.sqrt(5.0)) * number
    return np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)


def make_family(members: tuple[Member, ...], spec: Spec, seed: int) -> Family:
    """Decide the instances and the support.

    Raises:
        ConfigError: ``spec_unknown_twin``, ``spec_unsatisfiable``.
    """
    names = [member.name for member in members]
    for twin in {*spec.by_twin, *spec.weights} - {""}:
        if twin not in names:
            hint = f"Given: {', '.join(names)}."
            raise ConfigError("spec_unknown_twin", f"The spec speaks of the twin {twin!r}.", hint)
    instances = _instances(members, spec)
    if spec.target and spec.target not in {name for name, _ in instances} | set(names):
        raise ConfigError(
            "spec_unknown_twin",
            f"occlusion.target is {spec.target!r}, which is no instance and no twin.",
            f"Instances: {', '.join(name for name, _ in instances)}.",
        )
    return Family(spec, seed, members, instances, _support(members, instances, spec))


def _instances(members: tuple[Member, ...], spec: Spec) -> tuple[tuple[str, int], ...]:
    """Hand out the places by weight: each goes to the twin that is farthest behind its share (Webster's method)."""
    count = spec.objects or len(members)
    weights = [spec.weights.get(member.name, spec.weights[""]) for member in members]
    if sum(weights) <= 0.0:
        raise ConfigError("spec_unsatisfiable", "All twins have weight zero.", "Give one of them a weight.")
    places = [0] * len(members)
    order = []
    for _ in range(count):
        best = max(range(len(members)), key=lambda index: (weights[index] / (2 * places[index] + 1), -index))
        places[best] += 1
        order.append((best, places[best]))
    width = len(str(max(places)))
    taken: dict[str, int] = {}
    result = []
    for index, number in order:
        name = f"{identifier(members[index].name)}_{number:0{width}d}"
        taken[name] = taken.get(name, 0) + 1
        result.append((name if taken[name] == 1 else f"{name}_{taken[name]}", index))
    return tuple(result)


def _support(members: tuple[Member, ...], instances: tuple[tuple[str, int], ...], spec: Spec) -> Support:
    """The floor or bin, sized for the objects when the spec leaves that open."""
    length, width, height = spec.size_m
    largest = [_largest_scale(spec, member.name) for member in members]
    scaled = [(members[index], largest[index]) for _, index in instances]
    if length == 0.0:
        area = sum(_cross_section(member.points) * scale**2 for member, scale in scaled) / spec.fill
        room = _ROOM * max(2.0 * member.radius_m * scale for member, scale in scaled)
        length = max(math.sqrt(1.5 * area), room)
        width = max(area / length, room)
    if height == 0.0:
        size = float(np.mean([2.0 * member.radius_m * scale for member, scale in scaled]))
        boxes = sum(float(np.prod(np.ptp(member.points, axis=0))) * scale**3 for member, scale in scaled)
        height = max(_WALL_OVER_SIZE * size, _WALL_OVER_HEAP * boxes / (_PACKING * length * width))
    if spec.support == "plane":
        height = 0.0
    for member, scale in scaled:
        shortest = float(np.sort(np.ptp(member.points, axis=0))[1]) * scale
        if spec.support == "bin" and shortest > min(length, width):
            raise ConfigError(
                "spec_unsatisfiable",
                f"{member.name}, {shortest:.3g} m wide, does not fit into the bin of {length:.3g} by {width:.3g} m.",
                "Make scene.size_m larger, or leave it at zero.",
            )
    return Support(spec.support, (round(length, 4), round(width, 4), round(height, 4)), spec.wall_m, 0.5, 0.4, 0.0)


def _largest_scale(spec: Spec, twin: str) -> float:
    scale = spec.value("object", "scale", twin)
    assert not isinstance(scale, Posterior)  # the reader of the spec refuses it here
    return float(scale.quantile(1.0 - 1e-9))


def _cross_section(points: FloatArray) -> float:
    """Area of the largest side of the bounding box."""
    extents = np.sort(np.ptp(points, axis=0))
    return float(extents[1] * extents[2])


def with_surface(support: Support, static: float, dynamic: float, restitution: float) -> Support:
    """The support with a surface of its own."""
    return replace(support, static_friction=static, dynamic_friction=dynamic, restitution=restitution)
