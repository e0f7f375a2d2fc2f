"""The up axis of a source, inferred from statements, format and how the object can stand."""

from __future__ import annotations

import math

import numpy as np

from physicl_twin.ingest.ingest_settings import IngestSettings
from physicl_twin.ingest.raw import Claim
from physicl_twin.model import ConfigError, Decision, Evidence, Note
from physicl_twin.model.geometry import FloatArray

_AXES = ("z", "y", "x")
_COLUMN = {"x": 0, "y": 1, "z": 2}
#: Points this close to the lowest one touch the ground, as a share of the height.
_CONTACT_SHARE = 0.01
#: A base smaller than this share of the footprint is a line or a point, on which nothing stands.
_BASE_SHARE = 0.05
#: An object rests on the zero plane when its lowest point is this near to it, as a share of its largest extent.
_GROUND_SHARE = 0.005
_HALF = math.sqrt(0.5)
#: Unit quaternions that turn the source's up axis to +Z: none, +90° about X, and -90° about Y.
TO_Z_UP = {"z": (1.0, 0.0, 0.0, 0.0), "y": (_HALF, _HALF, 0.0, 0.0), "x": (_HALF, 0.0, -_HALF, 0.0)}
#: The same as exact matrices.
TO_Z_UP_MATRIX = {
    "z": np.eye(3),
    "y": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "x": np.array([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]),
}


def decide_up_axis(
    format_id: str, claims: tuple[Claim, ...], points: FloatArray, stated: str | None, settings: IngestSettings
) -> tuple[Decision, tuple[Note, ...]]:
    """Posterior over z, y and x.

    Args:
        format_id: Format of the source.
        claims: Its statements.
        points: (N, 3) sample of vertices, source units.
        stated: What the user states, or None.
        settings: Priors and weights.

    Raises:
        ConfigError: ``up_axis_unknown`` when the user states something else than x, y or z.
    """
    if stated is not None:
        axis = stated.strip().lower()
        if axis not in _AXES:
            raise ConfigError("up_axis_unknown", f"There is no up axis {stated!r}.", "Use z or y.")
        return Decision(axis, 1.0, (), (Evidence("user", f"The user states that {axis} is up.", "--up"),)), ()
    prior = settings.up_prior.get(format_id, settings.up_prior["other"])
    weights = {axis: (1.0 if claims else prior[axis]) for axis in _AXES}
    reasons = [c.evidence for c in claims]
    for claim in claims:
        for axis in _AXES:
            weights[axis] *= claim.reliability if axis == claim.value else (1.0 - claim.reliability) / 2.0
    if not claims:
        best = max(_AXES, key=lambda a: prior[a])
        reasons.append(
            Evidence(
                "prior",
                f"{format_id.upper()} states no up axis; {100 * prior[best]:.0f} % of them are {best}-up (judgement).",
                "config/pipeline.toml",
                "ingest.up_prior",
            )
        )
    reasons += _weigh_geometry(points, weights, settings)
    total = sum(weights.values())
    posterior = sorted(((a, w / total) for a, w in weights.items()), key=lambda item: (-item[1], _AXES.index(item[0])))
    axis, probability = posterior[0]
    ambiguous = posterior[1][1] > settings.ambiguous_probability
    decision = Decision(axis, probability, tuple(posterior[1:]), tuple(reasons), ("ambiguous",) if ambiguous else ())
    notes: tuple[Note, ...] = ()
    if ambiguous:
        other, p = posterior[1]
        choice = f"{axis} ({100 * probability:.0f} %) or {other} ({100 * p:.0f} %)"
        message = f"The up axis is not certain: {choice}; the mass does not depend on it."
        notes = (Note("up_axis_ambiguous", "info", message, f"State it, such as --up {axis}."),)
    return decision, notes


def _weigh_geometry(points: FloatArray, weights: dict[str, float], settings: IngestSettings) -> list[Evidence]:
    reasons = []
    standing = [axis for axis in _AXES if stands(points, _COLUMN[axis])]
    if 0 < len(standing) < len(_AXES):
        for axis in standing:
            weights[axis] *= settings.up_evidence["stands_odds"]
        text = " and ".join(standing)
        reasons.append(
            Evidence("geometry", f"The object stands on a flat base along {text} only.", "", "resting stability")
        )
    extent = float((points.max(axis=0) - points.min(axis=0)).max())
    grounded = [axis for axis in _AXES if abs(points[:, _COLUMN[axis]].min()) <= _GROUND_SHARE * extent]
    if len(grounded) == 1:
        weights[grounded[0]] *= settings.up_evidence["grounded_odds"]
        reasons.append(Evidence("geometry", f"The object rests on the plane {grounded[0]} = 0.", "", "lowest point"))
    return reasons


def stands(points: FloatArray, column: int) -> bool:
    """True when the object, set down with that axis up, rests on a flat base with its centroid above it.

    The centroid is that of the convex hull: the solid's own is not known yet.

    Args:
        points: (N, 3) vertices.
        column: Axis that points up.
    """
    from scipy.spatial import ConvexHull, QhullError

    height = points[:, column]
    low, high = float(height.min()), float(height.max())
    flat = [c for c in range(3) if c != column]
    ground = points[height <= low + _CONTACT_SHARE * (high - low)][:, flat]
    if high <= low or len(ground) < 3:
        return False
    try:
        base = ConvexHull(ground)
        footprint = ConvexHull(points[:, flat])
        hull = ConvexHull(points)
    except (QhullError, ValueError):  # A line or a point: nothing stands on it.
        return False
    corners = points[hull.simplices]
    middle = points[hull.vertices].mean(axis=0)
    volume = np.abs(
        np.einsum("ij,ij->i", corners[:, 0] - middle, np.cross(corners[:, 1] - middle, corners[:, 2] - middle))
    )
    if volume.sum() <= 0:
        return False
    centroid = ((corners.sum(axis=1) + middle) / 4.0 * volume[:, None]).sum(axis=0) / volume.sum()
    inside = bool((base.equations[:, :2] @ centroid[flat] + base.equations[:, 2] <= 0).all())
    return inside and base.volume > _BASE_SHARE * footprint.volume
