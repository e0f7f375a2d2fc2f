"""Joints from tracked poses: mechanisms with known axes, noise, outliers and gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import binom, chi2

from physicl_twin.model import GeometryError
from physicl_twin.normalize.motion.fit import fit_motion
from physicl_twin.normalize.motion.infer import infer_motion
from physicl_twin.normalize.motion.motion import Motion
from physicl_twin.normalize.motion.noise import PoseNoise, relative_track
from physicl_twin.normalize.motion.rotations import across

NOISE = PoseNoise(1e-3, 5e-3)


def poses(turns: Rotation, places: np.ndarray) -> np.ndarray:
    return np.hstack([places, np.roll(turns.as_quat(), 1, axis=1)])


def tracks(kind, seed, count=150, swing=1.0, noise=NOISE, reach=0.4):
    """Poses of a parent that moves about and of a child on it, and the true axis and point in the parent's frame."""
    rng = np.random.default_rng([seed, len(kind)])
    axis = rng.normal(size=3)
    axis /= np.linalg.norm(axis)
    point, origin = reach * rng.normal(size=(2, 3))
    s = np.linspace(0, 1, count)
    q = swing * (0.5 - 0.5 * np.cos(3 * np.pi * s))
    turn, move = Rotation.from_rotvec(np.zeros((count, 3))), np.zeros((count, 3))
    wobble = np.stack([np.sin(7 * s), np.cos(5 * s), np.sin(11 * s + 1)], 1)
    if kind in ("revolute", "screw"):
        turn = Rotation.from_rotvec(q[:, None] * axis)
        move = point - turn.apply(point) + (0.02 * q[:, None] * axis if kind == "screw" else 0.0)
    elif kind == "prismatic":
        move = 0.4 * q[:, None] * axis
    elif kind == "spherical":
        turn = Rotation.from_rotvec(0.5 * swing * wobble)
        move = point - turn.apply(point)
    elif kind == "free":
        turn = Rotation.from_rotvec(0.5 * swing * wobble)
        move = 0.3 * np.stack([np.sin(3 * s), np.cos(4 * s + 1), np.sin(9 * s + 1)], 1)
    turns, places = turn * Rotation.random(random_state=seed), turn.apply(origin) + move
    base = Rotation.from_rotvec(0.3 * np.stack([np.sin(2 * s), np.cos(2 * s), s], 1))
    ground = 0.5 * np.stack([np.sin(2 * s), np.cos(3 * s), s], 1)

    def seen(r, t):
        tilt = Rotation.from_rotvec(noise.orientation_std_rad * rng.normal(size=(count, 3)))
        return poses(r * tilt, t + noise.position_std_m * rng.normal(size=(count, 3)))

    return seen(base, ground), seen(base * turns, base.apply(places) + ground), axis, point


@pytest.mark.parametrize("kind", ["fixed", "revolute", "prismatic", "screw", "spherical", "free"])
def test_the_kind_of_motion_is_recognized(kind):
    for seed in (1,):
        parent, child, _, _ = tracks(kind, seed)
        verdict = infer_motion(parent, child, NOISE)
        assert verdict.type == kind
        assert verdict.probability > 0.75
        assert sum(verdict.probabilities.values()) <= 1 + 1e-9


def test_a_hinge_is_found_where_it_is_with_its_range():
    parent, child, axis, point = tracks("revolute", 3, swing=1.2)
    verdict = infer_motion(parent, child, NOISE)
    motion = verdict.fit.motion
    assert math.degrees(math.acos(min(1, abs(motion.axis @ axis)))) < 0.5
    assert np.linalg.norm(np.cross(motion.point - point, axis)) < 2e-3
    assert verdict.upper - verdict.lower == pytest.approx(1.2, abs=0.02)
    assert verdict.limit_std < 0.01


@pytest.mark.parametrize("kind", ["revolute", "prismatic", "screw"])
def test_the_errors_are_as_large_as_the_covariance_says(kind):
    """χ² of axis, point and pitch over 60 tracks: as many within the 90 % ellipsoid as chance allows (1 in 1000)."""
    inside, runs = 0, 60
    for seed in range(runs):
        swing = 0.3 + seed / runs
        parent, child, axis, point = tracks(kind, seed, count=40, swing=swing)
        fit = fit_motion(kind, relative_track(parent, child, NOISE, trust=True))
        found = fit.motion
        axis = axis if axis @ found.axis > 0 else -axis
        sides = across(found.axis)
        error = sides.T @ axis
        rows = [6, 7]
        if kind != "prismatic":
            there = point + (found.axis @ (found.point - point)) / (found.axis @ axis) * axis
            error, rows = np.append(error, sides.T @ (there - found.point)), [6, 7, 8, 9]
        if kind == "screw":
            error, rows = np.append(error, 0.02 - found.pitch), [6, 7, 8, 9, 10]
        inside += error @ np.linalg.solve(fit.covariance[np.ix_(rows, rows)], error) < chi2.ppf(0.9, len(rows))
    low, high = binom.ppf([0.0005, 0.9995], runs, 0.9)
    assert low <= inside <= high


def test_slopes_are_the_derivative_of_the_prediction():
    rng = np.random.default_rng(0)
    for kind in ("fixed", "revolute", "prismatic", "screw", "spherical"):
        axis = np.array([0.48, -0.6, 0.64])
        motion = Motion(kind, Rotation.random(random_state=1).as_matrix(), rng.normal(size=3), axis, rng.normal(size=3))
        width = {"fixed": 0, "spherical": 3}.get(kind, 1)
        q = rng.normal(size=(2, width))
        slopes, leads = motion.slopes(q)
        before = motion.predict(q)
        for column in range(slopes.shape[2] + width):
            step, shift = np.zeros(slopes.shape[2]), np.zeros((2, width))
            if column < len(step):
                step[column] = 1e-6
                expected = slopes[:, :, column]
            else:
                shift[:, column - len(step)] = 1e-6
                expected = leads[:, :, column - len(step)]
            after = motion.moved(step).predict(motion.advanced(q, shift))
            turn = Rotation.from_matrix(after[0] @ np.swapaxes(before[0], 1, 2)).as_rotvec()
            numeric = np.hstack([turn, after[1] - before[1]]) / 1e-6
            assert np.allclose(numeric, expected, atol=1e-4), (kind, column)


def test_a_swing_below_the_noise_is_not_called_a_hinge():
    """0.1° with a noise of 0.3°: nothing tells it from a fixed pair or a short slide."""
    parent, child, _, _ = tracks("revolute", 4, swing=0.002)
    verdict = infer_motion(parent, child, NOISE, trust=True)
    assert verdict.probabilities["revolute"] < 0.2
    assert verdict.type in ("fixed", "prismatic")


def test_a_short_swing_on_a_long_lever_leaves_hinge_and_slide_open():
    """0.3° at 2 m under an orientation noise of 3°: a way of 1 cm, but its bow of 7 µm and its turn drown."""
    coarse = PoseNoise(1e-3, 0.05)
    rng = np.random.default_rng(5)
    count = 60
    q = 0.005 * np.linspace(0, 1, count)
    turn = Rotation.from_rotvec(q[:, None] * np.array([0, 0, 1.0]))
    places = turn.apply([2.0, 0, 0]) + 1e-3 * rng.normal(size=(count, 3))
    child = poses(turn * Rotation.from_rotvec(0.05 * rng.normal(size=(count, 3))), places)
    verdict = infer_motion(None, child, coarse, trust=True)
    assert verdict.type in ("prismatic", "revolute")
    assert verdict.probabilities["prismatic"] > 0.05


def test_outliers_and_gaps_do_not_turn_the_axis():
    parent, child, axis, point = tracks("revolute", 6, count=240)
    rng = np.random.default_rng(6)
    bad = rng.random(240) < 0.1
    child[bad, :3] += 0.2 * rng.normal(size=(int(bad.sum()), 3))
    child[rng.random(240) < 0.2] = np.nan
    verdict = infer_motion(parent, child)
    assert verdict.type == "revolute"
    assert "outliers" in verdict.flags
    assert math.degrees(math.acos(min(1, abs(verdict.fit.motion.axis @ axis)))) < 0.5
    assert np.linalg.norm(np.cross(verdict.fit.motion.point - point, axis)) < 3e-3


def test_the_order_of_the_samples_does_not_matter():
    parent, child, axis, _ = tracks("revolute", 7)
    order = np.random.default_rng(7).permutation(len(child))
    verdict = infer_motion(parent[order], child[order], NOISE, trust=True)
    assert verdict.type == "revolute"
    assert math.degrees(math.acos(min(1, abs(verdict.fit.motion.axis @ axis)))) < 0.5
    assert verdict.upper - verdict.lower == pytest.approx(1.0, abs=0.02)


def test_full_turns_are_counted():
    angles = np.linspace(0, 5 * np.pi, 300)
    turn = Rotation.from_rotvec(angles[:, None] * np.array([0, 1.0, 0]))
    child = poses(turn, turn.apply([0.1, 0, 0]) + np.array([0, 0, 0.3]))
    verdict = infer_motion(None, child, PoseNoise(1e-4, 1e-3))
    assert verdict.type == "revolute"
    assert verdict.upper - verdict.lower == pytest.approx(5 * np.pi, abs=1e-2)


def test_play_does_not_make_a_hinge_free():
    parent, child, _, _ = tracks("revolute", 8, noise=PoseNoise(5e-5, 3e-4))
    rng = np.random.default_rng(8)
    slow = np.cumsum(rng.normal(size=(len(child), 3)), axis=0)
    child[:, :3] += 4e-4 * slow / np.abs(slow).max()
    verdict = infer_motion(parent, child, PoseNoise(5e-5, 3e-4), trust=True)
    assert verdict.type == "revolute"


@pytest.mark.parametrize(
    ("parent", "child", "code"),
    [
        (None, np.zeros((10, 6)), "poses_not_seven"),
        (None, np.zeros((10, 7)), "quaternion_zero"),
        (np.full((9, 7), np.nan), np.full((10, 7), np.nan), "poses_not_paired"),
        (None, np.full((10, 7), np.nan), "too_few_poses"),
        (None, np.tile([0, 0, 0, 1.0, 0, 0, 0], (2, 1)), "too_few_poses"),
        (None, np.tile([0, 0, 0, 1.0, 0, 0, 0], (5, 1)), "noise_unknown"),
    ],
)
def test_bad_tracks_are_refused(parent, child, code):
    noise = None if code == "noise_unknown" else NOISE
    with pytest.raises(GeometryError) as refused:
        infer_motion(parent, child, noise)
    assert refused.value.code == code
