from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from physicl_twin.model import Pose


def random_matrix(seed: int) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    matrix[:3, 3] = np.random.default_rng(seed).normal(size=3)
    return matrix


@given(st.integers(0, 10_000))
def test_matrix_and_back(seed: int) -> None:
    matrix = random_matrix(seed)
    np.testing.assert_allclose(Pose.from_matrix(matrix).matrix(), matrix, atol=1e-12)


def test_half_turns_about_each_axis() -> None:
    for axis in np.eye(3):
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_rotvec(np.pi * axis).as_matrix()
        np.testing.assert_allclose(Pose.from_matrix(matrix).matrix(), matrix, atol=1e-12)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_composition_is_the_product_of_matrices(a: int, b: int) -> None:
    first, second = random_matrix(a), random_matrix(b)
    composed = Pose.from_matrix(first).compose(Pose.from_matrix(second))
    np.testing.assert_allclose(composed.matrix(), first @ second, atol=1e-12)
    points = np.random.default_rng(a).normal(size=(5, 3))
    homogeneous = np.c_[points, np.ones(5)]
    np.testing.assert_allclose(composed.apply(points), (homogeneous @ (first @ second).T)[:, :3], atol=1e-12)
