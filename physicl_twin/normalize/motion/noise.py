"""How far a tracked pose is off, and what that makes of the pose of one body as seen from another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import GeometryError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.motion.rotations import from_quaternions, logarithm, skew

#: No track is believed to be better than this (judgement: float32 coordinates a few metres from the origin, and what
#: the parts of a real mechanism bend).
LEAST_POSITION_STD_M, LEAST_ORIENTATION_STD_RAD = 1e-5, 1e-4
#: Standard deviation of a normal over its median absolute deviation.
_MAD = 1.4826
#: Shorter tracks do not tell their own noise.
_SAMPLES_FOR_NOISE = 20
#: The track's own noise overrules the stated one when it is larger by this factor; less may be chance (judgement).
_EXCESS = 1.3


@dataclass(frozen=True, slots=True)
class PoseNoise:
    """Independent errors of each tracked pose of one body.

    Attributes:
        position_std_m: Of each coordinate of the position.
        orientation_std_rad: Of the rotation vector about each axis.
        estimated: True when the tracks themselves told it.
    """

    position_std_m: float
    orientation_std_rad: float
    estimated: bool = False

    def __post_init__(self) -> None:
        for name, value in (("position_std_m", self.position_std_m), ("orientation_std_rad", self.orientation_std_rad)):
            if not (math.isfinite(value) and value > 0):
                raise GeometryError("noise_not_positive", f"{name} of the pose noise is {value!r}.", "Give it above 0.")


@dataclass(frozen=True, slots=True, eq=False)
class RelativeTrack:
    """Poses of a child in its parent's frame, with the errors of both.

    With ε the parent's rotation error (its frame), δ the child's and n the difference of the position errors, what is
    seen is exp(η_r) R and t + η_t with η_r = R δ - ε and η_t = t × ε + n. So the errors of rotation and translation
    hang together by the lever t.

    Attributes:
        rotations: (N, 3, 3) child's axes in the parent's frame.
        translations: (N, 3) child's origin in the parent's frame, metres.
        whiteners: (N, 6, 6) that make (η_r, η_t) independent with variance 1.
        rows: (N,) rows of the poses that these come from; rows with a gap are absent.
        size_m: A length of the mechanism: how far the two origins are apart, at least 0.1 m.
        noise: Of the tracked poses.
        flags: Warnings: ``noise_larger_than_stated``.
    """

    rotations: FloatArray
    translations: FloatArray
    whiteners: FloatArray
    rows: NDArray[np.intp]
    size_m: float
    noise: PoseNoise
    flags: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def log_det_std(self) -> FloatArray:
        """(N,) half the logarithm of the determinant of each error covariance."""
        logs: FloatArray = -np.linalg.slogdet(self.whiteners)[1]
        return logs


#: Smallest size of a mechanism (judgement: a hand's width), so that a hinge at the very origin has a scale.
_LEAST_SIZE_M = 0.1


def relative_track(
    parent: FloatArray | None, child: FloatArray, noise: PoseNoise | None, trust: bool = False
) -> RelativeTrack:
    """Poses of a child as seen from its parent.

    Args:
        parent: (N, 7) position in metres and quaternion wxyz in the world; a row with a NaN is a gap. None: the world.
        child: (N, 7) likewise, at the same times.
        noise: Of each pose; None to estimate it from the tracks.
        trust: True to take the noise as it is and not to look whether the track is noisier.

    Raises:
        GeometryError: ``poses_not_seven``, ``poses_not_paired``, ``quaternion_zero``, ``too_few_poses``.
    """
    child_rotations, child_positions, seen = _read(child, "child")
    parent_rotations, parent_positions = np.broadcast_to(np.eye(3), (len(seen), 3, 3)), np.zeros((len(seen), 3))
    if parent is not None:
        parent_rotations, parent_positions, parent_seen = _read(parent, "parent")
        if len(parent_seen) != len(seen):
            raise GeometryError(
                "poses_not_paired",
                f"The parent has {len(parent_seen)} poses and the child {len(seen)}.",
                "Give both at the same times; write NaN where one is not seen.",
            )
        seen = seen & parent_seen
    rows = np.flatnonzero(seen)
    if len(rows) < 2:
        raise GeometryError("too_few_poses", f"Only {len(rows)} poses of both bodies were seen.", "Give two or more.")
    stated = noise or estimate_noise([poses for poses in (parent, child) if poses is not None])
    turned = np.swapaxes(parent_rotations[rows], 1, 2)
    rotations = turned @ child_rotations[rows]
    translations = (turned @ (child_positions[rows] - parent_positions[rows])[..., None])[..., 0]
    size = max(_LEAST_SIZE_M, float(np.sqrt(np.median((translations**2).sum(axis=1)))))
    track = RelativeTrack(
        rotations, translations, _whiteners(translations, stated, parent is not None), rows, size, stated
    )
    factor = 1.0 if trust or stated.estimated else _noise_factor(track)
    if factor < _EXCESS:
        return track
    larger = PoseNoise(factor * stated.position_std_m, factor * stated.orientation_std_rad, estimated=True)
    return replace(track, whiteners=track.whiteners / factor, noise=larger, flags=("noise_larger_than_stated",))


def estimate_noise(tracks: list[FloatArray]) -> PoseNoise:
    """Noise of tracks from their third differences, which a smooth motion leaves near zero.

    The median absolute third difference of neighbouring samples over √20 (the root of 1² + 3² + 3² + 1²) estimates the
    standard deviation whatever the motion is, provided that it is sampled densely (the idea of J. Rice, Bandwidth
    choice for nonparametric regression, Annals of Statistics 12, 1984, with a difference of higher order).

    Args:
        tracks: (N, 7) poses each.

    Raises:
        GeometryError: ``noise_unknown`` when no track has enough poses in a row.
    """
    positions, orientations = [], []
    for poses in tracks:
        rotations, places, seen = _read(poses, "track")
        whole = seen[:-3] & seen[1:-2] & seen[2:-1] & seen[3:]
        if whole.sum() < _SAMPLES_FOR_NOISE:
            continue
        steps = logarithm(np.swapaxes(rotations[:-1], 1, 2) @ rotations[1:])
        third = np.diff(places, n=3, axis=0)[whole]
        positions.append(float(np.median(_MAD * np.median(np.abs(third), axis=0) / math.sqrt(20))))
        turn = np.diff(steps, n=2, axis=0)[whole]
        orientations.append(float(np.median(_MAD * np.median(np.abs(turn), axis=0) / math.sqrt(20))))
    if not positions:
        raise GeometryError(
            "noise_unknown",
            f"No track has {_SAMPLES_FOR_NOISE} poses in a row from which its noise could be told.",
            "State the noise of the tracker (position and orientation standard deviation).",
        )
    return PoseNoise(
        max(LEAST_POSITION_STD_M, max(positions)), max(LEAST_ORIENTATION_STD_RAD, max(orientations)), estimated=True
    )


def _read(poses: FloatArray, whose: str) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Rotations, positions and which rows were seen."""
    poses = np.asarray(poses, float)
    if poses.ndim != 2 or poses.shape[1] != 7:
        raise GeometryError(
            "poses_not_seven",
            f"The poses of the {whose} have the shape {poses.shape}.",
            "Give (N, 7): x, y, z in metres and a quaternion w, x, y, z.",
        )
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(poses).all(axis=1), dtype=bool)
    lengths = np.linalg.norm(poses[:, 3:], axis=1)
    if np.any(lengths[seen] < 1e-6):
        row = int(np.flatnonzero(seen & (lengths < 1e-6))[0])
        raise GeometryError(
            "quaternion_zero", f"Pose {row} of the {whose} has a quaternion of length 0.", "Write NaN for a gap."
        )
    filled = np.where(seen[:, None], poses, [0, 0, 0, 1, 0, 0, 0])
    return from_quaternions(filled[:, 3:]), filled[:, :3], seen


def _whiteners(translations: FloatArray, noise: PoseNoise, parent_is_tracked: bool) -> FloatArray:
    turn, move = noise.orientation_std_rad**2, noise.position_std_m**2
    lever = skew(translations)
    covariance = np.zeros((len(translations), 6, 6))
    share = 1.0 if parent_is_tracked else 0.0
    covariance[:, :3, :3] = (1 + share) * turn * np.eye(3)
    covariance[:, 3:, 3:] = (1 + share) * move * np.eye(3) - share * turn * (lever @ lever)
    covariance[:, 3:, :3] = -share * turn * lever
    covariance[:, :3, 3:] = share * turn * lever
    whiteners: FloatArray = np.linalg.inv(np.linalg.cholesky(covariance))
    return whiteners


def _noise_factor(track: RelativeTrack) -> float:
    """By how much the track is noisier than stated, from its second differences in the directions that move least.

    A mechanism moves in three of the six directions at most; so the other three hold noise alone, even where the
    samples are not in the order of time.
    """
    middle = np.flatnonzero(np.diff(track.rows)[:-1] + np.diff(track.rows)[1:] == 2) + 1
    if len(middle) < _SAMPLES_FOR_NOISE:
        return 1.0
    before = _offsets(track, middle, middle - 1)
    after = _offsets(track, middle, middle + 1)
    bend = (track.whiteners[middle] @ (before + after)[..., None])[..., 0] / math.sqrt(6)
    lengths = np.linalg.norm(bend, axis=1)
    kept = bend[lengths <= np.quantile(lengths, 0.8)]
    _, directions = np.linalg.eigh(kept.T @ kept)
    spread = _MAD * np.median(np.abs(bend @ directions[:, :3]), axis=0)
    return float(np.sqrt((spread**2).mean()))


def _offsets(track: RelativeTrack, of: NDArray[np.intp], to: NDArray[np.intp]) -> FloatArray:
    """(N, 6) rotation vector and translation from some samples to others."""
    turn = logarithm(track.rotations[to] @ np.swapaxes(track.rotations[of], 1, 2))
    return np.hstack([turn, track.translations[to] - track.translations[of]])
