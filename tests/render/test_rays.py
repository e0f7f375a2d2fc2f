"""Rays: known hits, and the slow caster agrees with the fast one."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from physicl_twin.render.rays import Caster


@pytest.fixture(params=[True, False], ids=["embree", "trimesh"])
def use_embree(request):
    if request.param:
        pytest.importorskip("embreex")
    return request.param


def test_known_hits_of_a_box(use_embree):
    box = trimesh.creation.box((2.0, 4.0, 6.0))
    caster = Caster(box.vertices, box.faces, use_embree=use_embree)
    origins = np.array([[10.0, 0.3, 0.2], [0.1, 10.0, 0.2], [0.1, 0.3, 10.0], [10.0, 3.0, 0.0]])
    directions = np.array([[-1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0], [-1.0, 0, 0]])
    hits = caster.closest(origins, directions)
    assert hits.hit.tolist() == [True, True, True, False]
    np.testing.assert_allclose(hits.distance[:3], [9.0, 8.0, 7.0], rtol=1e-5)
    np.testing.assert_allclose(caster.face_normal[hits.face[:3]], np.eye(3), atol=1e-12)
    corners = caster.vertices[caster.faces[hits.face[:3]]]
    place = np.einsum("nc,ncx->nx", hits.barycentric[:3], corners)
    np.testing.assert_allclose(place, origins[:3] + hits.distance[:3, None] * directions[:3], atol=1e-4)
    assert caster.fast is use_embree


def test_blocked_knows_how_far_it_looks(use_embree):
    box = trimesh.creation.box((2.0, 2.0, 2.0))
    caster = Caster(box.vertices, box.faces, use_embree=use_embree)
    origin, direction = np.array([[5.0, 0.1, 0.2]]), np.array([[-1.0, 0.0, 0.0]])
    assert caster.blocked(origin, direction).tolist() == [True]
    assert caster.blocked(origin, direction, 3.9).tolist() == [False]
    assert caster.blocked(origin, direction, 4.1).tolist() == [True]
    assert caster.blocked(origin, -direction).tolist() == [False]


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e3])
def test_both_casters_agree_on_a_sphere_of_any_size(scale):
    pytest.importorskip("embreex")
    ball = trimesh.creation.icosphere(subdivisions=2, radius=scale)
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = np.array([[3.0, 1.0, 0.5]]) * scale + np.zeros((200, 3))
    toward = -origins + 0.8 * scale * directions
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    fast = Caster(ball.vertices, ball.faces).closest(origins, toward)
    slow = Caster(ball.vertices, ball.faces, use_embree=False).closest(origins, toward)
    np.testing.assert_array_equal(fast.hit, slow.hit)
    np.testing.assert_allclose(fast.distance[fast.hit], slow.distance[slow.hit], rtol=1e-4)
