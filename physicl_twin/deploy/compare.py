"""The round trip: what a twin says against what was read back from its export."""

from __future__ import annotations

import math
from itertools import starmap

import numpy as np

from physicl_twin.deploy.compare_mechanism import compare_dynamics, compare_mechanism
from physicl_twin.deploy.comparing import judged as _judged
from physicl_twin.deploy.comparing import missing as _missing
from physicl_twin.deploy.comparing import relative as _relative
from physicl_twin.deploy.comparing import worst as _worst
from physicl_twin.deploy.facts import BodyFacts, ColliderFacts, Facts, JointFacts
from physicl_twin.deploy.record import Comparison

#: Relative tolerance of mass, inertia and friction, and of positions over the size of the twin.
TOLERANCE = 1e-6
#: Rounding of single precision (2^-24) on each side of a coordinate: every target's reader keeps meshes in it.
_SINGLE = 2.0**-23


def compare(expected: Facts, actual: Facts) -> tuple[Comparison, ...]:
    """All comparisons, of each body, and of its worst collider."""
    size_m, limit = expected.size_m, TOLERANCE
    found: list[Comparison] = []
    read = {body.name: body for body in actual.bodies}
    for body in expected.bodies:
        other = read.get(body.name)
        if other is None:
            found.append(_missing("mass", body.name, "kg", np.array([body.mass_kg or 0.0]), limit))
            continue
        found += _body(body, other, size_m, limit)
        found += _colliders(body, other, size_m, limit)
    joints = {joint.name: joint for joint in actual.joints}
    for joint in expected.joints:
        found += _joint(joint, joints.get(joint.name), size_m, limit)
    return (*found, *compare_mechanism(expected, actual, size_m, limit))


def _body(a: BodyFacts, b: BodyFacts, size_m: float, limit: float) -> list[Comparison]:
    found = [] if a.mass_kg is None else _mass(a, b, size_m, limit)
    if a.pose is not None and b.pose is not None:
        apart = float(np.abs(np.array(a.pose.position_m) - np.array(b.pose.position_m)).max())
        turned = float(np.abs(a.pose.rotation() - b.pose.rotation()).max())
        here, there = (np.array([*pose.position_m, *pose.quaternion_wxyz]) for pose in (a.pose, b.pose))
        error = max(apart / size_m if size_m > 0 else apart, turned)
        found.append(_judged("pose", a.name, "m, 1", here, there, error, limit))
    return found


def _mass(a: BodyFacts, b: BodyFacts, size_m: float, limit: float) -> list[Comparison]:
    if b.mass_kg is None:
        return [_missing("mass", a.name, "kg", np.array([a.mass_kg]), limit)]
    mass_a, mass_b = np.array([a.mass_kg]), np.array([b.mass_kg])
    return [
        _judged("mass", a.name, "kg", mass_a, mass_b, _relative(mass_a, mass_b), limit),
        _judged("com", a.name, "m", a.com_m, b.com_m, float(np.abs(a.com_m - b.com_m).max()), limit * size_m),
        _judged(
            "inertia", a.name, "kg m2", a.inertia_kgm2, b.inertia_kgm2, _relative(a.inertia_kgm2, b.inertia_kgm2), limit
        ),
    ]


def _colliders(a: BodyFacts, b: BodyFacts, size_m: float, limit: float) -> list[Comparison]:
    counts = np.array([len(a.colliders)]), np.array([len(b.colliders)])
    found = [_judged("collider_count", a.name, "1", *counts, abs(float(counts[0][0] - counts[1][0])), 0.0)]
    read = {collider.name: collider for collider in b.colliders}
    pairs = [(c, read[c.name]) for c in a.colliders if c.name in read]
    if len(pairs) != len(a.colliders):
        lost = next(c for c in a.colliders if c.name not in read)
        found.append(_missing("collider_volume", lost.name, "m3", np.array([lost.volume_m3]), limit))
    if not pairs:
        return found
    found.append(_worst(list(starmap(_volume, pairs))))
    found.append(_worst([_position(*pair, size_m, limit) for pair in pairs]))
    for quantity in ("friction", "static_friction"):
        rubbing = [_friction(quantity, x, y, limit) for x, y in pairs if getattr(y, quantity) is not None]
        if rubbing:
            found.append(_worst(rubbing))
    return found


def _volume(a: ColliderFacts, b: ColliderFacts) -> Comparison:
    volumes = np.array([a.volume_m3]), np.array([b.volume_m3])
    # Meshes are read in single precision: each point may move by half a unit in the last place.
    rounding = a.area_m2 * a.reach_m * _SINGLE / a.volume_m3 if a.volume_m3 > 0 else np.inf
    return _judged("collider_volume", a.name, "m3", *volumes, _relative(*volumes), TOLERANCE + rounding)


def _position(a: ColliderFacts, b: ColliderFacts, size_m: float, limit: float) -> Comparison:
    apart = float(np.abs(a.centre_m - b.centre_m).max())
    return _judged("collider_position", a.name, "m", a.centre_m, b.centre_m, apart, limit * size_m)


def _friction(quantity: str, a: ColliderFacts, b: ColliderFacts, limit: float) -> Comparison:
    values = np.array([getattr(a, quantity)], float), np.array([getattr(b, quantity)], float)
    return _judged(quantity, a.name, "1", *values, _relative(*values), limit)


def _joint(a: JointFacts, b: JointFacts | None, size_m: float, limit: float) -> list[Comparison]:
    here = np.concatenate([a.anchor_m, a.axis])
    if b is None or a.type != b.type:
        return [_missing("joint_frame", a.name, "m, 1", here, limit)]
    # A hinge may be anchored anywhere on its axis.
    apart = a.anchor_m - b.anchor_m
    if a.type == "revolute":
        apart = apart - a.axis * float(a.axis @ apart)
    error = max(float(np.abs(apart).max()) / max(size_m, 1e-300), float(np.abs(a.axis - b.axis).max()))
    found = [_judged("joint_frame", a.name, "m, 1", here, np.concatenate([b.anchor_m, b.axis]), error, limit)]
    if a.type != "spherical":
        limits = [np.array([math.inf if v is None else v for v in (j.lower, j.upper)]) for j in (a, b)]
        finite = np.isfinite(limits[0])
        if not (finite == np.isfinite(limits[1])).all():
            return [*found, _missing("joint_limits", a.name, "rad or m", limits[0][finite], limit)]
        ends = [values[finite] for values in limits]
        wrong = float(np.abs(ends[0] - ends[1]).max()) if finite.any() else 0.0
        found.append(_judged("joint_limits", a.name, "rad or m", ends[0], ends[1], wrong, TOLERANCE))
        found += compare_dynamics(a, b, limit)
    return found
