"""The round trip of mechanisms: what drives and resists joints, who follows whom, what never collides, how it moves."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.deploy.comparing import judged, missing, relative, worst
from physicl_twin.deploy.facts import Facts, JointFacts
from physicl_twin.deploy.record import Comparison

#: Quantity, field of the dynamics, and unit.
_NUMBERS = (
    ("joint_stiffness", "stiffness", "N m/rad or N/m"),
    ("joint_damping", "damping", "N m s/rad or N s/m"),
    ("joint_friction", "friction", "N m or N"),
    ("joint_armature", "armature", "kg m2 or kg"),
    ("joint_effort", "max_force", "N m or N"),
    ("joint_velocity", "max_velocity", "rad/s or m/s"),
)
_POSITION = 1e-6


def compare_dynamics(a: JointFacts, b: JointFacts, limit: float) -> list[Comparison]:
    """What resists and drives a joint, as far as the format has words for it."""
    found = []
    for quantity, name, unit in _NUMBERS:
        here, there = getattr(a.dynamics, name), getattr(b.dynamics, name)
        if here is None or there is None:
            continue
        if math.isinf(here) or math.isinf(there):
            if here != there:
                # "unbounded" has no number
                found.append(missing(quantity, a.name, unit, np.array([here if math.isfinite(here) else -1.0]), limit))
            continue
        one, other = np.array([here]), np.array([there])
        found.append(judged(quantity, a.name, unit, one, other, relative(one, other), limit))
    if a.dynamics.mimic is not None and b.dynamics.mimic is not None:
        (leader, *here_), (other_leader, *there_) = a.dynamics.mimic, b.dynamics.mimic
        numbers, read = np.array(here_, float), np.array(there_, float)
        if leader != other_leader:
            found.append(missing("mimic", a.name, "1, rad or m", numbers, limit))
        elif leader:
            # A multiplier and an offset of single precision are as good as the rest.
            found.append(judged("mimic", a.name, "1, rad or m", numbers, read, relative(numbers, read), limit))
    return found


def compare_mechanism(expected: Facts, actual: Facts, size_m: float, limit: float) -> list[Comparison]:
    """Sites, pairs that do not collide, and where the bodies are at sampled coordinates."""
    found: list[Comparison] = []
    if actual.sites is not None:
        for name, frame in (expected.sites or {}).items():
            other = actual.sites.get(name)
            if other is None:
                found.append(missing("site", name, "m, 1", frame, limit))
                continue
            error = max(float(np.abs(frame[:3, 3] - other[:3, 3]).max()) / max(size_m, 1e-300),
                        float(np.abs(frame[:3, :3] - other[:3, :3]).max()))  # fmt: skip
            found.append(judged("site", name, "m, 1", frame[:3], other[:3], error, limit))
    if expected.apart is not None and actual.apart is not None and (expected.apart or actual.apart):
        counts = np.array([len(expected.apart)]), np.array([len(actual.apart)])
        differ = len(expected.apart ^ actual.apart)
        found.append(judged("collision_filters", "pairs of bodies", "1", *counts, float(differ), 0.0))
    if expected.motion is None or actual.motion is None:
        return found
    for number, positions in enumerate(expected.samples):
        here, there = expected.motion(positions), actual.motion(positions)
        moved = []
        for name, frame in here.items():
            other = there.get(name)
            if other is None:
                continue
            error = max(float(np.abs(frame[:3, 3] - other[:3, 3]).max()) / max(size_m, 1e-300),
                        float(np.abs(frame[:3, :3] - other[:3, :3]).max()))  # fmt: skip
            moved.append(judged(f"kinematics_{number + 1}", name, "m, 1", frame[:3], other[:3], error, _POSITION))
        if moved:
            found.append(worst(moved))
    return found
