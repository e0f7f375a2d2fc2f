"""Measurements from triangles: what is open space and what is a sealed void."""

from __future__ import annotations

import numpy as np
from manifold3d import Manifold

from physicl_twin.model import Mesh
from physicl_twin.validate.measure import filled_void, sees_outside


def mesh_of(solid: Manifold) -> Mesh:
    data = solid.to_mesh64()
    return Mesh(np.asarray(data.vert_properties)[:, :3].copy(), np.asarray(data.tri_verts).astype(np.int32))


def block(x: float, y: float, z: float) -> Manifold:
    return Manifold.cube((x, y, z), True)


def test_a_sealed_void_is_no_open_space():
    housing = mesh_of(block(1, 1, 1) - block(0.8, 0.8, 0.8))
    assert filled_void(housing, [mesh_of(block(1, 1, 1))], 4000, 0, 0.01) is None


def test_a_bottles_inside_is_open_through_its_neck():
    outside = Manifold.cylinder(1.0, 0.4, 0.4, 48) + Manifold.cylinder(0.4, 0.08, 0.08, 48).translate((0, 0, 0.9))
    inside = Manifold.cylinder(0.9, 0.36, 0.36, 48).translate((0, 0, 0.05))
    bottle = mesh_of(outside - inside - Manifold.cylinder(0.6, 0.05, 0.05, 48).translate((0, 0, 0.8)))
    corner = np.array([[0.33, 0.0, 0.9], [0.0, -0.33, 0.08]])
    neck = np.linspace((0.0, 0.0, 0.5), (0.0, 0.0, 1.29), 40)
    deep = np.random.default_rng(1).uniform((-0.2, -0.2, 0.1), (0.2, 0.2, 0.9), (400, 3))
    assert sees_outside(np.vstack([corner, neck, deep]), bottle).all()
    assert filled_void(bottle, [mesh_of(block(0.9, 0.9, 1.4).translate((0, 0, 0.65)))], 4000, 0, 0.01) == 1.0


def test_nothing_is_outside_of_nothing():
    assert sees_outside(np.zeros((0, 3)), mesh_of(block(1, 1, 1))).shape == (0,)
