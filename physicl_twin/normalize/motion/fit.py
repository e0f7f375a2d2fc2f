"""A kind of motion fitted to a track: Levenberg-Marquardt over its parameters and each sample's coordinate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import chi2 as chi_square

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.initial import first_guesses
from physicl_twin.normalize.motion.motion import FREEDOMS, Motion, MotionType
from physicl_twin.normalize.motion.noise import RelativeTrack
from physicl_twin.normalize.motion.rotations import logarithm

_ITERATIONS = 40
#: The fit has settled when the cost falls by less than this share (the last steps of Gauss-Newton are quadratic).
_SETTLED = 1e-7
#: A sample counts as an outlier when one in so many good ones were as far off.
_OUTLIER = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class MotionFit:
    """A motion with its uncertainty.

    Attributes:
        motion: The motion.
        coordinates: (N, m) of the samples, radians or metres.
        information: (N, m, m) inverse covariance of each coordinate, the motion given.
        hessian: (p, p) information about the parameters in the order of ``Motion.moved``, coordinates eliminated.
        chi2: (N,) squared residual of each sample in standard deviations.
        weights: (N,) 1 for a sample that belongs to the motion, to 0 for an outlier.
    """

    motion: Motion
    coordinates: FloatArray
    information: FloatArray
    hessian: FloatArray
    chi2: FloatArray
    weights: FloatArray

    @property
    def type(self) -> MotionType:
        """Kind of the motion."""
        return self.motion.type

    @property
    def covariance(self) -> FloatArray:
        """(p, p) of the parameters; what the data leave open (the choice of q = 0) is fixed, not infinite."""
        scale = np.sqrt(np.maximum(np.diag(self.hessian), 1e-30))
        inverse = np.linalg.pinv(self.hessian / np.outer(scale, scale), rcond=1e-11, hermitian=True)
        covariance: FloatArray = inverse / np.outer(scale, scale)
        return covariance


def fit_motion(kind: MotionType, track: RelativeTrack) -> MotionFit:
    """The best fit of a kind of motion to a track.

    The residual of a sample is the six-vector of the left rotation error and the translation error, whitened by the
    noise of the track. Its coordinate is eliminated from the normal equations (a Schur complement), so that the cost is
    linear in the number of samples. Samples far off lose their weight smoothly (a Fermi function of χ²), beginning
    with a wide tolerance that narrows.

    Args:
        kind: Any but ``free``.
        track: Relative poses.
    """
    best: MotionFit | None = None
    best_cost = np.inf
    for motion, coordinates in first_guesses(kind, track):
        found = _descend(motion, coordinates, track)
        cost = _cost(found.chi2, _cut(kind, 1.0))
        if best is None or cost < best_cost:
            best, best_cost = found, cost
    assert best is not None  # every kind has a first guess
    return best


def refit(fit: MotionFit, track: RelativeTrack) -> MotionFit:
    """The fit on another track (with more samples) from where it stands."""
    motion = fit.motion
    coordinates = project(motion, track)
    return _descend(motion, coordinates, track)


def project(motion: Motion, track: RelativeTrack) -> FloatArray:
    """Coordinates (N, m) at which a motion is nearest to the samples, to begin with."""
    turns = logarithm(track.rotations @ motion.rotation.T)
    if motion.type == "spherical":
        return turns
    if motion.type == "prismatic":
        return ((track.translations - motion.translation) @ motion.axis)[:, None]
    if motion.type in ("revolute", "screw"):
        from physicl_twin.normalize.motion.initial import unwrapped

        return unwrapped(turns @ motion.axis, track)[:, None]
    return np.zeros((len(track), FREEDOMS[motion.type]))


def residuals(motion: Motion, coordinates: FloatArray, track: RelativeTrack) -> FloatArray:
    """(N, 6) whitened difference of what was seen and what the motion predicts."""
    rotations, places = motion.predict(coordinates)
    turn = logarithm(track.rotations @ np.swapaxes(rotations, 1, 2))
    off = np.hstack([turn, track.translations - places])
    whitened: FloatArray = (track.whiteners @ off[..., None])[..., 0]
    return whitened


def _cut(kind: MotionType, widening: float) -> float:
    """χ² at which a sample is as likely an outlier as not."""
    return float(chi_square.isf(_OUTLIER, 6 - FREEDOMS[kind])) * widening


def _cost(chi2: FloatArray, cut: float) -> float:
    """Sum of a loss that is χ²/2 for small and level for large ones: -log(exp(-χ²/2) + exp(-cut/2))."""
    return float(-np.logaddexp(-0.5 * chi2, -0.5 * cut).sum())


def _widening(chi2: FloatArray, kind: MotionType) -> float:
    """How much wider than its noise the bulk of the samples lies."""
    return max(1.0, float(np.median(chi2) / chi_square.median(6 - FREEDOMS[kind])))


def _descend(motion: Motion, coordinates: FloatArray, track: RelativeTrack) -> MotionFit:
    kind = motion.type
    off = residuals(motion, coordinates, track)
    chi2 = (off**2).sum(axis=1)
    damping = 1e-3
    widening = _widening(chi2, kind)
    for _ in range(_ITERATIONS):
        cut = _cut(kind, widening)
        weights = 1.0 / (1.0 + np.exp(np.clip(0.5 * (chi2 - cut), -50, 50)))
        solver = _Normal(motion, coordinates, off, weights, track)
        cost, moved_by = _cost(chi2, cut), 0.0
        for _ in range(8):
            step, shifts = solver.step(damping)
            candidate = motion.moved(step)
            at = motion.advanced(coordinates, shifts)
            new_off = residuals(candidate, at, track)
            new_chi2 = (new_off**2).sum(axis=1)
            gain = cost - _cost(new_chi2, cut)
            if gain >= 0:
                motion, coordinates, off, chi2 = candidate, at, new_off, new_chi2
                damping, moved_by = max(damping * 0.2, 1e-12), gain
                break
            damping *= 6.0
        narrower = max(1.0, min(0.5 * widening, _widening(chi2, kind)))
        if moved_by <= _SETTLED * abs(cost) + 1e-12 and narrower == widening:
            break
        widening = narrower if moved_by <= 1e-3 * abs(cost) else min(widening, max(1.0, _widening(chi2, kind)))
    cut = _cut(kind, _widening(chi2, kind))
    weights = 1.0 / (1.0 + np.exp(np.clip(0.5 * (chi2 - cut), -50, 50)))
    motion = motion.anchored_near(np.median(track.translations, axis=0))
    solver = _Normal(motion, coordinates, off, weights, track)
    return MotionFit(motion, coordinates, solver.inner, solver.hessian, chi2, weights)


class _Normal:
    """Normal equations of one linearization, with the coordinates eliminated."""

    def __init__(
        self, motion: Motion, coordinates: FloatArray, off: FloatArray, weights: FloatArray, track: RelativeTrack
    ) -> None:
        parameters, leads = motion.slopes(coordinates)
        a, b = track.whiteners @ parameters, track.whiteners @ leads
        bt = np.swapaxes(b, 1, 2)
        #: (N, m, m) information about each coordinate.
        self.inner = bt @ b
        # A coordinate that moves nothing (a sample at the very pole) keeps still.
        tiny = 1e-12 * np.trace(self.inner, axis1=1, axis2=2)[:, None, None] + 1e-30
        self._inverse = np.linalg.inv(self.inner + tiny * np.eye(b.shape[2])) if b.shape[2] else self.inner
        self._project = self._inverse @ bt
        across = a - b @ (self._project @ a)
        rest = off - (b @ (self._project @ off[..., None]))[..., 0]
        self._a, self._off = a, off
        #: (p, p) information about the parameters.
        self.hessian = np.einsum("n,nij,nik->jk", weights, across, across)
        self._gradient = np.einsum("n,nij,ni->j", weights, across, rest)

    def step(self, damping: float) -> tuple[FloatArray, FloatArray]:
        """Steps of the parameters (p,) and of the coordinates (N, m)."""
        diagonal = np.maximum(np.diag(self.hessian), 1e-9 * max(float(np.max(np.diag(self.hessian))), 1e-12))
        scale = 1.0 / np.sqrt(diagonal)
        scaled = self.hessian * np.outer(scale, scale) + damping * np.eye(len(scale))
        step = scale * np.linalg.solve(scaled, scale * self._gradient)
        left = self._off - self._a @ step
        shifts = (self._project @ left[..., None])[..., 0]
        return step, shifts


def with_zero_at(fit: MotionFit, coordinate: FloatArray) -> MotionFit:
    """The same fit with q = 0 at a coordinate (m,) of a hinge, slide or screw."""
    return replace(
        fit, motion=fit.motion.from_zero_at(coordinate), coordinates=fit.coordinates - np.asarray(coordinate, float)
    )
