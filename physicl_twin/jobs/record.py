"""The record of one source that ``build --json`` prints: the stable contract with users' scripts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from physicl_twin.model import Certificate, Decision, Estimate, Joint, Pose, Twin
from physicl_twin.normalize.mass import MASSLESS


def whole_mass_properties(twin: Twin) -> dict[str, Any]:
    """Mass properties of all bodies together as the source has them posed, in its own axes and origin, metres.

    Bodies that never move (walls) have no mass; links that only name a frame, and whose small mass is none of the
    source's, are left out.

    Returns:
        ``mass_kg`` {value, std, low, high}, ``com_m`` (3,), ``inertia_kgm2`` (3, 3) about the centre of mass. Masses
        of several bodies add as independent estimates.
    """
    bodies = [
        (body.pose, body.mass_properties)
        for body in twin.bodies
        if body.mass_properties is not None and MASSLESS not in body.mass_properties.mass.flags
    ]
    if not bodies:
        return {"mass_kg": None, "com_m": None, "inertia_kgm2": None}
    to_source = Pose((0.0, 0.0, 0.0), twin.frame.source_to_twin_wxyz).rotation().T
    masses = np.array([properties.mass.value for _, properties in bodies])
    centres = np.array([pose.apply(np.asarray(properties.com_m)[None])[0] for pose, properties in bodies])
    total = float(masses.sum())
    com = masses @ centres / total
    inertia = np.zeros((3, 3))
    for (pose, properties), mass, centre in zip(bodies, masses, centres, strict=True):
        rotation, offset = pose.rotation(), centre - com
        inertia += rotation @ np.asarray(properties.inertia_kgm2) @ rotation.T
        inertia += mass * (offset @ offset * np.eye(3) - np.outer(offset, offset))
    return {
        "mass_kg": _interval(total, [properties.mass for _, properties in bodies]),
        "com_m": (to_source @ com).tolist(),
        "inertia_kgm2": (to_source @ inertia @ to_source.T).tolist(),
    }


def describe_joints(twin: Twin, joints: Iterable[Joint]) -> list[dict[str, Any]]:
    """Joints as the contract shows them, in the source's own axes and origin, scaled to metres.

    Returns:
        For each ``name``, ``type``, ``body0`` and ``body1`` (empty for the world), ``role``, ``axis`` (unit vector),
        ``origin_m`` (a point on the axis as the source has it posed), ``lower`` and ``upper`` (radians or metres, None
        when free) and ``probability``. A fixed or spherical joint has its frame's axis.
    """
    to_source = Pose((0.0, 0.0, 0.0), twin.frame.source_to_twin_wxyz).rotation().T
    poses = {body.name: body.pose for body in twin.bodies}
    listed = []
    for joint in joints:
        # The first body's side: also a joint that is only proposed has that body, and the line of the axis is the same.
        frame = poses.get(joint.body0, Pose()).compose(joint.pose0).matrix()
        listed.append(
            {
                "name": joint.name,
                "type": joint.type,
                "body0": joint.body0,
                "body1": joint.body1,
                "role": joint.role,
                "axis": (to_source @ frame[:3, "xyz".index(joint.axis)]).tolist(),
                "origin_m": (to_source @ frame[:3, 3]).tolist(),
                "lower": joint.lower,
                "upper": joint.upper,
                "probability": joint.probability,
            }
        )
    return listed


def _interval(total: float, masses: list[Estimate]) -> dict[str, float]:
    """Value and 90 % interval of a sum of independent estimates.

    Either side's distances from the values add in squares, as standard deviations do: exact for normal estimates, near
    for skewed ones, and never below zero.
    """
    return {
        "value": total,
        "std": math.hypot(*(mass.std for mass in masses)),
        "low": total - math.hypot(*(mass.value - mass.low for mass in masses)),
        "high": total + math.hypot(*(mass.high - mass.value for mass in masses)),
    }


def describe_decision(decision: Decision) -> dict[str, Any]:
    """A decision as the contract shows it: the value and its evidence in one text, with what else it might be."""
    return {
        "value": decision.value,
        "probability": round(decision.probability, 4),
        "evidence": " ".join(evidence.statement for evidence in decision.evidence),
        "flags": list(decision.flags),
    }


def built_record(
    source: str, twin: Twin, twin_dir: Path, usd: Path, certificate: Certificate, stages: Mapping[str, float]
) -> dict[str, Any]:
    """The record of a source that became a twin (``seconds`` is filled in by the batch)."""
    return {
        "source": source,
        "status": "built",
        "twin": str(twin_dir),
        "usd": str(usd),
        **whole_mass_properties(twin),
        "units": describe_decision(twin.frame.units),
        "up_axis": describe_decision(twin.frame.up_axis),
        "joints": describe_joints(twin, twin.joints),
        "proposals": describe_joints(twin, (proposal.joint for proposal in twin.proposals)),
        "checks": {status: certificate.count(status) for status in ("passed", "failed", "not_checked")},
        "notes": [{"code": n.code, "severity": n.severity, "message": n.message, "hint": n.hint} for n in twin.notes],
        "stages": {name: round(seconds, 3) for name, seconds in stages.items()},
        "seconds": 0.0,
        "error": None,
    }


def failed_record(source: str, error: dict[str, str], seconds: float) -> dict[str, Any]:
    """The record of a source that did not become a twin."""
    return {
        "source": source,
        "status": "failed",
        "twin": None,
        "usd": None,
        "mass_kg": None,
        "com_m": None,
        "inertia_kgm2": None,
        "units": None,
        "up_axis": None,
        "joints": [],
        "proposals": [],
        "checks": {"passed": 0, "failed": 0, "not_checked": 0},
        "notes": [],
        "stages": {},
        "seconds": round(seconds, 3),
        "error": error,
    }
