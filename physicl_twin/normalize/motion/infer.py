"""Which kind of motion a track shows, with its axis, its range and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from physicl_twin.model import GeometryError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.evidence import background, log_evidence, type_probabilities
from physicl_twin.normalize.motion.fit import MotionFit, fit_motion, refit
from physicl_twin.normalize.motion.motion import MOTION_TYPES, MotionType
from physicl_twin.normalize.motion.noise import PoseNoise, RelativeTrack, relative_track

#: The kind is decided on so many samples, spread over the track; the fit of the decided kind uses FIT_SAMPLES.
DECIDE_SAMPLES, FIT_SAMPLES = 300, 4000
#: Play and bending of a real mechanism (judgement: a loose cabinet hinge): what a joint may miss without being free.
PLAY_M, PLAY_RAD = 0.5e-3, math.radians(0.15)
#: Nothing is surer than this: the model itself may be wrong (judgement).
SUREST = 0.995


@dataclass(frozen=True, slots=True, eq=False)
class MotionVerdict:
    """What a track says about how a child moves against its parent.

    Attributes:
        type: Likeliest kind.
        probabilities: Of every kind.
        evidences: Log marginal likelihood of every kind.
        fit: Of that kind; None when the child is free.
        track: What it was fitted to.
        lower: Least coordinate seen, radians or metres (of a ball minus its widest swing); 0 when nothing moves.
        upper: Largest.
        limit_std: Standard deviation of both.
        flags: Warnings: ``noise_larger_than_stated``, ``play``, ``outliers``.
    """

    type: MotionType
    probabilities: dict[MotionType, float]
    evidences: dict[MotionType, float]
    fit: MotionFit | None
    track: RelativeTrack
    lower: float = 0.0
    upper: float = 0.0
    limit_std: float = 0.0
    flags: tuple[str, ...] = ()

    @property
    def probability(self) -> float:
        """Of the likeliest kind."""
        return self.probabilities[self.type]

    @property
    def axis_std_rad(self) -> float:
        """Standard deviation of the axis' direction: the root of the sum over both tilts; of a ball or no joint π."""
        if self.fit is None or self.type not in ("revolute", "prismatic", "screw"):
            return math.pi
        return min(math.pi, float(np.sqrt(np.trace(self.fit.covariance[6:8, 6:8]))))

    @property
    def point_std_m(self) -> float:
        """Standard deviation of the axis' place across it, or of the ball's centre; 0 of a slide, which has none."""
        if self.fit is None or self.type not in ("revolute", "screw", "spherical"):
            return 0.0
        if self.type == "spherical":
            return float(np.sqrt(np.trace(self.fit.covariance[6:9, 6:9])))
        return float(np.sqrt(np.trace(self.fit.covariance[8:10, 8:10])))


def infer_motion(
    parent: FloatArray | None,
    child: FloatArray,
    noise: PoseNoise | None = None,
    *,
    trust: bool = False,
    samples: int = DECIDE_SAMPLES,
) -> MotionVerdict:
    """Decide how a child moves against its parent.

    Args:
        parent: (N, 7) positions in metres and quaternions wxyz in the world; NaN rows are gaps. None: the world.
        child: (N, 7) at the same times, in any order (full turns are counted only in the order of time).
        noise: Of each pose; None to estimate it from the tracks.
        trust: True to take the stated noise as it is.
        samples: How many samples decide the kind.

    Raises:
        GeometryError: ``too_few_poses`` below three, ``noise_unknown`` and those of ``relative_track``.
    """
    whole = relative_track(parent, child, noise, trust)
    if len(whole) < 3:
        message = f"Only {len(whole)} poses of both bodies were seen."
        raise GeometryError("too_few_poses", message, "Give three or more; two poses alone fit any screw.")
    verdict = _decide(thinned(whole, samples))
    if verdict.type == "free":
        slack = _with_play(thinned(whole, samples))
        second = _decide(slack)
        if second.type != "free":
            whole, verdict = _with_play(whole), replace(second, flags=("play",))
    flags = whole.flags + verdict.flags
    if verdict.fit is None:
        return replace(verdict, track=whole, flags=flags)
    full = thinned(whole, FIT_SAMPLES)
    fit = refit(verdict.fit, full)
    # A refit that went astray (it cannot get worse on the same samples, but on more) leaves the first one standing.
    if np.median(fit.chi2) > 4 * max(float(np.median(verdict.fit.chi2)), 1.0):
        fit, full = verdict.fit, verdict.track
    lower, upper, spread = observed_range(fit)
    if float((fit.weights < 0.5).mean()) > 0.02:
        flags = (*flags, "outliers")
    return replace(
        verdict, fit=fit, track=full, lower=lower, upper=upper, limit_std=spread, flags=tuple(dict.fromkeys(flags))
    )


def _decide(track: RelativeTrack) -> MotionVerdict:
    heap = background(track)
    fits: dict[MotionType, MotionFit] = {kind: fit_motion(kind, track) for kind in MOTION_TYPES if kind != "free"}
    evidences = {kind: log_evidence(fits.get(kind), track, heap) for kind in MOTION_TYPES}
    probabilities = type_probabilities(evidences)
    best = max(MOTION_TYPES, key=lambda kind: probabilities[kind])
    ceiling = {kind: min(value, SUREST) for kind, value in probabilities.items()}
    return MotionVerdict(best, ceiling, evidences, fits.get(best), track)


def thinned(track: RelativeTrack, count: int) -> RelativeTrack:
    """Every k-th sample, so that at most ``count`` are left."""
    if len(track) <= count:
        return track
    kept = np.unique(np.linspace(0, len(track) - 1, count).astype(int))
    return replace(
        track,
        rotations=track.rotations[kept],
        translations=track.translations[kept],
        whiteners=track.whiteners[kept],
        rows=track.rows[kept],
    )


def _with_play(track: RelativeTrack) -> RelativeTrack:
    """The track with the errors that play and bending of a mechanism add."""
    inverse = np.linalg.inv(track.whiteners)
    covariance = inverse @ np.swapaxes(inverse, 1, 2)
    covariance = covariance + np.diag([PLAY_RAD**2] * 3 + [PLAY_M**2] * 3)
    return replace(track, whiteners=np.linalg.inv(np.linalg.cholesky(covariance)))


def observed_range(fit: MotionFit) -> tuple[float, float, float]:
    """Least and largest coordinate that was seen and their standard deviation, less what noise adds to extremes.

    The largest of k noisy readings of the same place lies about Φ⁻¹((k - 0.375)/(k + 0.25)) standard deviations too far
    out (G. Blom, Statistical Estimates and Transformed Beta-Variables, 1958); k are the samples near the end.
    """
    kept = fit.weights > 0.5
    if fit.coordinates.shape[1] == 0 or not kept.any():
        return 0.0, 0.0, 0.0
    if fit.type == "spherical":
        swing = np.linalg.norm(fit.coordinates[kept], axis=1)
        std = float(np.sqrt(np.median(1.0 / np.maximum(fit.information[kept][:, 0, 0], 1e-30))))
        return -float(swing.max()), float(swing.max()), std
    q = fit.coordinates[kept, 0]
    std = float(np.sqrt(np.median(1.0 / np.maximum(fit.information[kept, 0, 0], 1e-30))))
    ends = []
    for values in (-q, q):
        near = int((values > values.max() - 3 * std).sum())
        excess = norm.ppf((near - 0.375) / (near + 0.25)) * std if near > 1 else 0.0
        ends.append(float(values.max() - excess))
    low, high = -ends[0], ends[1]
    return (low, high, std) if high > low else (float(q.mean()), float(q.mean()), std)
