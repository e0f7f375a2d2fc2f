"""Principal moments and axes give the tensor back, whatever the tensor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pxr import Usd, UsdPhysics

from physicl_twin.model import Pose, UsdError
from physicl_twin.usd.inertia import principal, tensor
from tests.usd.twins import multi_part, quaternion, write


def _as_tuple(matrix: np.ndarray) -> tuple:
    return tuple(tuple(float(v) for v in row) for row in matrix)


def test_diagonal_tensor_keeps_the_body_axes():
    result = principal(((3.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 2.5)))
    assert result.moments_kgm2 == (3.0, 1.0, 2.5)
    assert result.quaternion_wxyz == (1.0, 0.0, 0.0, 0.0)


def test_rotated_bar_known_answer():
    """A bar turned by 30 degrees about z: the principal frame is the bar's, and the nearest one to the body's axes."""
    rotation = Pose(quaternion_wxyz=quaternion((0, 0, 1), 30)).rotation()
    result = principal(_as_tuple(rotation @ np.diag([1.0, 5.0, 5.5]) @ rotation.T))
    np.testing.assert_allclose(result.moments_kgm2, (1.0, 5.0, 5.5), rtol=1e-6)
    np.testing.assert_allclose(result.quaternion_wxyz, quaternion((0, 0, 1), 30), atol=1e-9)


masses = st.lists(
    st.tuples(st.floats(1e-3, 1e2), st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)), min_size=4, max_size=12
)


@settings(max_examples=150, deadline=None)
@given(masses, st.floats(1e-4, 1e3))
def test_any_set_of_point_masses_round_trips(points, size):
    """Point masses make exactly the possible tensors; the error is that of single precision on the whole tensor."""
    m = np.array([p[0] for p in points])
    x = np.array([p[1:] for p in points]) * size
    x -= np.average(x, axis=0, weights=m)
    inertia = np.einsum(
        "n,nij->ij", m, np.einsum("nk,nk->n", x, x)[:, None, None] * np.eye(3) - x[:, :, None] * x[:, None, :]
    )
    result = principal(_as_tuple(inertia))
    scale = np.abs(inertia).max()
    back = tensor(np.array(result.moments_kgm2), result.quaternion_wxyz)
    np.testing.assert_allclose(back, inertia, atol=1e-6 * scale + np.finfo(np.float32).tiny)
    w, *_ = result.quaternion_wxyz
    assert np.linalg.norm(result.quaternion_wxyz) == pytest.approx(1.0, abs=1e-9) and w >= 0
    small, middle, large = np.sort(np.float32(result.moments_kgm2))
    assert small + middle >= large


def test_impossible_tensors_are_refused():
    for bad in (
        ((1.0, 0.5, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ((float("nan"), 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    ):
        with pytest.raises(UsdError) as refused:
            principal(bad)
        assert refused.value.code == "inertia_impossible"


def test_the_stage_reproduces_an_off_diagonal_tensor(tmp_path):
    twin = multi_part()
    told = twin.bodies[0].mass_properties
    inertia = np.asarray(told.inertia_kgm2)
    assert np.abs(inertia - np.diag(np.diag(inertia))).max() > 0.02 * np.abs(inertia).max()
    stage = Usd.Stage.Open(str(write(twin, tmp_path)))
    api = UsdPhysics.MassAPI(stage.GetDefaultPrim())
    axes = api.GetPrincipalAxesAttr().Get()
    back = tensor(np.asarray(api.GetDiagonalInertiaAttr().Get(), float), (axes.GetReal(), *axes.GetImaginary()))
    np.testing.assert_allclose(back, inertia, atol=1e-6 * np.abs(inertia).max())
    assert api.GetMassAttr().Get() == pytest.approx(told.mass.value, rel=1e-7)
    np.testing.assert_allclose(np.asarray(api.GetCenterOfMassAttr().Get()), told.com_m, rtol=1e-6, atol=1e-9)
