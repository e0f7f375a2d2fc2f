"""The filter of the shades: even light stays as it is, however narrow the object is in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from physicl_twin.render.smooth import guided


@pytest.mark.parametrize(("height", "width"), [(1, 1), (40, 1), (47, 2), (2, 47), (9, 9)])
def test_even_light_stays_even(height: int, width: int) -> None:
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    active = (rows * 64 + columns).ravel()
    normals = np.tile([0.0, 0.0, 1.0], (len(active), 1))
    (filtered,) = guided((np.full(len(active), 0.7),), active, normals, np.ones(len(active)), (64, 64))
    assert filtered == pytest.approx(0.7, rel=1e-5)
