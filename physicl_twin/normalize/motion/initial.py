"""First guesses of a motion in closed form, where its least-squares fit starts from."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.motion import Motion, MotionType
from physicl_twin.normalize.motion.noise import RelativeTrack
from physicl_twin.normalize.motion.rotations import exponential, logarithm, mean_rotation

#: Pairs of samples whose relative poses the guesses are made of.
_PAIRS = 400
#: Rounds of iteratively reweighted least squares against outliers.
_ROUNDS = 8


def first_guesses(kind: MotionType, track: RelativeTrack) -> list[tuple[Motion, FloatArray]]:
    """Motions of a kind that the track may show, with the coordinates (N, m) of its samples.

    The axis of a turn comes from the relative rotations of pairs of samples, and from the plane that the child's origin
    moves in, which tells it better where the turn is small and the lever long (the linear form of K. Kanatani,
    Statistical Optimization for Geometric Computation, 1996, ch. 7, and of hand-eye calibration: A X = X B).
    """
    count = len(track)
    here = _middle(track)
    still = Motion(kind, here[0], here[1], np.array([0.0, 0.0, 1.0]), here[1])
    if kind in ("fixed", "free"):
        return [(still, np.zeros((count, 0)))]
    if kind == "prismatic":
        axis = _direction(_differences(track)[1])
        motion = Motion(kind, here[0], here[1], axis, here[1])
        return [(motion, ((track.translations - here[1]) @ axis)[:, None])]
    if kind == "spherical":
        turns = logarithm(track.rotations @ here[0].T)
        centre, origin, _ = _pivot(track, exponential(turns), None)
        return [(Motion(kind, here[0], origin, still.axis, centre), turns)]
    turns, moves = _differences(track)
    guesses = []
    for axis in (_direction(turns), _normal(moves)):
        angles = logarithm(track.rotations @ here[0].T) @ axis
        angles = unwrapped(angles, track)
        centre, origin, pitch = _pivot(track, exponential(angles[:, None] * axis), (axis, angles))
        motion = Motion(kind, here[0], origin, axis, centre, pitch if kind == "screw" else 0.0)
        guesses.append((motion, angles[:, None]))
    return guesses


def unwrapped(angles: FloatArray, track: RelativeTrack) -> FloatArray:
    """Angles (N,) that go on beyond half a turn where neighbouring samples are near each other in time and angle."""
    wrapped: FloatArray = np.mod(angles + np.pi, 2 * np.pi) - np.pi
    onward: FloatArray = np.asarray(np.unwrap(wrapped), dtype=float)
    steps = np.abs(np.diff(onward))
    # Samples in the order of time move by less than a quarter turn; else the order tells nothing.
    return onward if len(steps) and np.quantile(steps, 0.95) < np.pi / 2 else wrapped


def _middle(track: RelativeTrack) -> tuple[FloatArray, FloatArray]:
    """The pose of the sample that is nearest to the others: no mean, which may be no pose of the mechanism at all."""
    place = np.median(track.translations, axis=0)
    mean = mean_rotation(track.rotations, np.full(len(track), 1.0 / len(track)))
    far = np.linalg.norm(logarithm(track.rotations @ mean.T), axis=1) * track.size_m
    nearest = int(np.argmin(far + np.linalg.norm(track.translations - place, axis=1)))
    return track.rotations[nearest], track.translations[nearest]


def _differences(track: RelativeTrack) -> tuple[FloatArray, FloatArray]:
    """Rotation vectors in the parent's frame and displacements between pairs of samples."""
    count = len(track)
    draw = np.random.default_rng(count)
    first, second = draw.integers(0, count, (2, _PAIRS)) if count > 30 else np.triu_indices(count, 1)
    turns = logarithm(track.rotations[second] @ np.swapaxes(track.rotations[first], 1, 2))
    return turns, track.translations[second] - track.translations[first]


def _direction(vectors: FloatArray) -> FloatArray:
    """Unit direction of vectors that point along it either way; each counts by its length, not its square."""
    lengths = np.linalg.norm(vectors, axis=1)
    weights = 1.0 / np.maximum(lengths, 1e-3 * max(float(lengths.max(initial=0.0)), 1e-12))
    direction: FloatArray = np.linalg.eigh((weights[:, None] * vectors).T @ vectors)[1][:, -1]
    return direction


def _normal(vectors: FloatArray) -> FloatArray:
    """Unit normal of the plane that vectors lie in."""
    normal: FloatArray = np.linalg.eigh(vectors.T @ vectors)[1][:, 0]
    return normal


def _pivot(
    track: RelativeTrack, turns: FloatArray, screw: tuple[FloatArray, FloatArray] | None
) -> tuple[FloatArray, FloatArray, float]:
    """Centre c, child's origin o at q = 0 and pitch h from t = c + R (o - c) + h q a, linear in c, o and h."""
    count = len(track)
    columns = [np.eye(3) - turns, turns]
    if screw is not None:
        columns.append((screw[1][:, None] * screw[0])[:, :, None])
    matrix = np.concatenate(columns, axis=2)
    weights = np.ones(count)
    solution = np.zeros(matrix.shape[2])
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)[:, None]
        rows = (root[:, :, None] * matrix).reshape(3 * count, -1)
        solution = np.linalg.lstsq(rows, (root * track.translations).ravel(), rcond=1e-9)[0]
        miss = np.linalg.norm(track.translations - matrix @ solution, axis=1)
        scale = max(1.5 * float(np.median(miss)), 1e-9)
        weights = 1.0 / np.maximum(1.0, miss / scale)
    return solution[:3], solution[3:6], float(solution[6]) if screw is not None else 0.0
