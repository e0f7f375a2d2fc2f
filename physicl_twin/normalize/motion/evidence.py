"""How likely a track is under each kind of motion: marginal likelihoods with outliers, and the kinds' posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.fit import MotionFit
from physicl_twin.normalize.motion.motion import FREEDOMS, MOTION_TYPES, MotionType
from physicl_twin.normalize.motion.noise import RelativeTrack
from physicl_twin.normalize.motion.rotations import logarithm, mean_rotation

#: How often two bodies that belong together are joined in each way (judgement: in furniture, tools and machines most
#: parts are fast to each other; screws and balls are rare; loose things are tracked seldom).
PRIOR: dict[MotionType, float] = {
    "fixed": 0.35,
    "revolute": 0.27,
    "prismatic": 0.18,
    "screw": 0.02,
    "spherical": 0.05,
    "free": 0.13,
}
#: Before anything is seen a coordinate lies within about this of its middle (judgement: a door, a drawer).
_SWING_RAD, _TRAVEL_M = 1.0, 0.3
#: Before anything is seen an axis passes within about so many sizes of the mechanism (judgement).
_REACH = 3.0
#: Advance of screws and helical lifts, metres per radian (judgement: a chair's spindle has 0.001, a quick lift 0.02).
_PITCH_M = 0.01
#: Prior share of outliers: a beta distribution of mean 1/20.
_OUTLIER_COUNTS = (1.0, 19.0)
_LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The track as a heap of poses, without any mechanism.

    Attributes:
        free: (N,) log density of each pose when the child moves freely.
        outlier: (N,) log density of each pose when it is none of the motion at all.
    """

    free: FloatArray
    outlier: FloatArray


def background(track: RelativeTrack) -> Background:
    """Densities of the poses under normal distributions about their robust mean."""
    count = len(track)
    middle = mean_rotation(track.rotations, np.full(count, 1.0 / count))
    where = np.hstack([logarithm(track.rotations @ middle.T), track.translations])
    weights = np.ones(count)
    mean, spread = np.zeros(6), np.eye(6)
    noise = _mean_noise(track)
    for _ in range(6):
        mean = np.average(where, axis=0, weights=weights)
        off = where - mean
        spread = (weights[:, None] * off).T @ off / max(weights.sum(), 1.0) + noise
        far = np.einsum("ni,ij,nj->n", off, np.linalg.inv(spread), off)
        weights = (far < 25.0).astype(float)  # five standard deviations
    prior = np.diag([_SWING_RAD**2] * 3 + [_TRAVEL_M**2] * 3)
    free = _log_normal(where - mean, spread + prior / count**2)
    return Background(free, _log_normal(where - mean, 9.0 * spread + prior))


def log_evidence(fit: MotionFit | None, track: RelativeTrack, heap: Background) -> float:
    """Logarithm of the marginal likelihood of a track.

    Each sample is an inlier, its coordinate integrated out against a normal of the coordinates' own spread, or an
    outlier; the parameters are integrated by Laplace's method against broad normal priors; the moments of the
    coordinates and the share of outliers cost half the logarithm of N each (G. Schwarz, Annals of Statistics 6, 1978).

    Args:
        fit: Of a kind of motion; None for free motion.
        track: Relative poses.
        heap: From ``background``.
    """
    count, freedoms = len(track), 6 if fit is None else FREEDOMS[fit.type]
    inlier = heap.free if fit is None else _inlier_density(fit, track)
    share = _OUTLIER_COUNTS[0] / sum(_OUTLIER_COUNTS)
    for _ in range(12):
        odds = math.log(share / (1 - share)) + heap.outlier - inlier
        outliers = float((1 / (1 + np.exp(-np.clip(odds, -60, 60)))).sum())
        share = (outliers + _OUTLIER_COUNTS[0]) / (count + sum(_OUTLIER_COUNTS))
    total = float(np.logaddexp(math.log1p(-share) + inlier, math.log(share) + heap.outlier).sum())
    moments = freedoms + freedoms * (freedoms + 1) / 2
    occam = 0.5 * (moments + 1) * math.log(count)
    if fit is not None:
        prior = _prior_stds(fit.type, track.size_m)
        occam += 0.5 * float(np.linalg.slogdet(np.eye(len(prior)) + fit.hessian * np.outer(prior, prior))[1])
    return total - occam


def type_probabilities(evidence: dict[MotionType, float]) -> dict[MotionType, float]:
    """Posterior of the kinds of motion from their log evidences, in the order of MOTION_TYPES."""
    logs = {kind: evidence[kind] + math.log(PRIOR[kind]) for kind in MOTION_TYPES if kind in evidence}
    top = max(logs.values())
    weights = {kind: math.exp(value - top) for kind, value in logs.items()}
    total = sum(weights.values())
    return {kind: weight / total for kind, weight in weights.items()}


def _inlier_density(fit: MotionFit, track: RelativeTrack) -> FloatArray:
    """(N,) log density of each sample with its coordinate integrated out."""
    density: FloatArray = -0.5 * fit.chi2 - 3 * _LOG_2PI - track.log_det_std
    freedoms = FREEDOMS[fit.type]
    if not freedoms:
        return density
    coordinates = fit.coordinates
    if fit.type == "revolute":  # full turns more or less make no difference
        turn = coordinates - np.angle(np.exp(1j * coordinates).mean())
        coordinates = np.mod(turn + np.pi, 2 * np.pi) - np.pi
    kept = fit.weights / max(float(fit.weights.sum()), 1e-12)
    off = coordinates - kept @ coordinates
    errors = np.linalg.inv(fit.information + 1e-12 * np.eye(freedoms))
    errors = np.minimum(errors, 1e6)
    spread = (kept[:, None] * off).T @ off - np.einsum("n,nij->ij", kept, errors)
    values, vectors = np.linalg.eigh(spread)
    usual = _TRAVEL_M if fit.type == "prismatic" else _SWING_RAD
    spread = (vectors * np.maximum(values, 0.0)) @ vectors.T + (usual / len(track)) ** 2 * np.eye(freedoms)
    density += 0.5 * freedoms * _LOG_2PI + 0.5 * np.linalg.slogdet(errors)[1]
    density += _log_normal(off, spread + errors)
    return density


def _log_normal(off: FloatArray, covariance: FloatArray) -> FloatArray:
    """(N,) log density of a centred normal at (N, k); covariance (k, k) or (N, k, k)."""
    inverse = np.linalg.inv(covariance)
    square = (off[:, None, :] @ inverse @ off[:, :, None])[:, 0, 0]
    density: FloatArray = -0.5 * (square + np.linalg.slogdet(covariance)[1] + off.shape[1] * _LOG_2PI)
    return density


def _mean_noise(track: RelativeTrack) -> FloatArray:
    inverse = np.linalg.inv(track.whiteners)
    mean: FloatArray = (inverse @ np.swapaxes(inverse, 1, 2)).mean(axis=0)
    return mean


def _prior_stds(kind: MotionType, size_m: float) -> FloatArray:
    """(p,) broad prior of the parameters, in the order of ``Motion.moved``."""
    pose = [math.pi] * 3 + [_REACH * size_m] * 3
    if kind == "fixed":
        return np.array(pose)
    if kind == "spherical":
        return np.array(pose + [_REACH * size_m] * 3)
    tilt = pose + [1.0] * 2
    if kind == "prismatic":
        return np.array(tilt)
    turn = tilt + [_REACH * size_m] * 2
    return np.array([*turn, _PITCH_M] if kind == "screw" else turn)
