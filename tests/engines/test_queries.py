"""Contacts, rays and overlaps in both engines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trimesh

from physicl_twin.model.errors import EngineError
from tests.engines.stages import StageBuilder


def standing_box(tmp_path, name="s.usda"):
    builder = StageBuilder(tmp_path / name)
    material = builder.material("m", 0.5)
    builder.ground(material)
    builder.body("box", (0, 0, 0.0502), mass=3, com=(0, 0, 0), inertia=(0.02, 0.02, 0.02))
    builder.box("/World/box/shape", (0.2, 0.2, 0.1), material)
    builder.body("ball", (0, 0, 0.2003), mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
    builder.sphere("/World/ball/shape", 0.1, material)
    return builder


def test_contacts_carry_the_weight(any_engine, tmp_path):
    with any_engine.open(standing_box(tmp_path).save()) as scene:
        dt = 1e-3
        scene.step(dt, 300)
        contacts = scene.contacts()
    floor = [c for c in contacts if {c.body0, c.body1} == {"/World/box", "/World/ground"}]
    top = [c for c in contacts if {c.body0, c.body1} == {"/World/box", "/World/ball"}]
    assert len(contacts) == len(floor) + len(top)
    assert len(floor) >= 3
    assert sum(c.impulse_ns for c in floor) == pytest.approx(4 * 9.81 * dt, rel=0.02)
    assert sum(c.impulse_ns for c in top) == pytest.approx(1 * 9.81 * dt, rel=0.02)
    for contact in floor:
        assert (contact.body0, contact.body1) == ("/World/box", "/World/ground")
        assert contact.normal == pytest.approx((0, 0, 1), abs=1e-3)
        assert abs(contact.position_m[2]) < 1e-3
        assert abs(abs(contact.position_m[0]) - 0.1) < 2e-3
        assert abs(contact.separation_m) < 1e-3
    # ball sorts before box: the normal points from the box up to the ball.
    assert (top[0].body0, top[0].body1) == ("/World/ball", "/World/box")
    assert top[0].normal == pytest.approx((0, 0, 1), abs=1e-2)


def test_no_contact_in_the_air(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda")
    builder.ground()
    builder.body("ball", (0, 0, 5), mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
    builder.sphere("/World/ball/shape", 0.1)
    with any_engine.open(builder.save()) as scene:
        scene.step(1e-3, 10)
        assert scene.contacts() == ()


def test_rays_and_overlaps(any_engine, tmp_path):
    builder = StageBuilder(tmp_path / "s.usda", gravity_mps2=0.0)
    builder.ground()
    builder.body("ball", (0, 0, 1), mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
    builder.sphere("/World/ball/shape", 0.25)
    pyramid = trimesh.creation.cone(0.3, 0.4, sections=4)
    builder.body("pyramid", (2, 0, 1), mass=1, com=(0, 0, 0), inertia=(0.01, 0.01, 0.01))
    builder.mesh("/World/pyramid/shape", pyramid.vertices, pyramid.faces)
    with any_engine.open(builder.save()) as scene:
        down = scene.raycast((0, 0, 3), (0, 0, -5), 10.0)
        assert down is not None and down.body == "/World/ball"
        assert down.distance_m == pytest.approx(1.75, abs=1e-4)
        assert down.position_m == pytest.approx((0, 0, 1.25), abs=1e-4)
        assert down.normal == pytest.approx((0, 0, 1), abs=1e-3)
        aslant = scene.raycast((0.1, 0, 3), (0, 0, -1), 10.0)
        assert aslant is not None
        assert aslant.position_m[2] == pytest.approx(1 + math.sqrt(0.25**2 - 0.1**2), abs=1e-4)
        tip = scene.raycast((2.001, 0.0005, 3), (0, 0, -1), 10.0)
        assert tip is not None and tip.body == "/World/pyramid" and tip.distance_m == pytest.approx(1.6, abs=3e-3)
        floor = scene.raycast((5, 5, 3), (0, 0, -1), 10.0)
        assert floor is not None and floor.body == "/World/ground" and floor.distance_m == pytest.approx(3, abs=1e-4)
        assert scene.raycast((5, 5, 3), (0, 0, -1), 2.0) is None
        assert scene.raycast((5, 5, 3), (0, 0, 1), 100.0) is None
        assert scene.overlaps((0, 0, 1.5), 0.3) == ("/World/ball",)
        assert scene.overlaps((0, 0, 1.5), 0.2) == ()
        assert scene.overlaps((0, 0, 0.4), 0.5) == ("/World/ball", "/World/ground")
        moved = scene.poses()
        moved[0, 0] = -3.0
        scene.set_poses(moved)
        assert scene.raycast((-3, 0, 3), (0, 0, -1), 1.8) is not None


def test_closed_scene_says_so(any_engine, tmp_path):
    scene = any_engine.open(standing_box(tmp_path).save())
    scene.close()
    scene.close()
    with pytest.raises(EngineError) as caught:
        scene.step(1e-3)
    assert caught.value.code == "engine_scene_closed"


def test_static_concave_mesh_is_not_filled(any_engine, tmp_path):
    """A funnel of static triangles: a ball falls into it, a ray reaches its bottom."""
    rim, floor = 0.5, 0.05
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    vertices = np.vstack(
        [np.column_stack([rim * ring, np.full(24, 0.5)]), np.column_stack([floor * ring, np.zeros(24)]), [[0, 0, 0]]]
    )
    faces = []
    for i in range(24):
        j = (i + 1) % 24
        faces += [[i, 24 + i, j], [j, 24 + i, 24 + j], [48, 24 + j, 24 + i]]
    builder = StageBuilder(tmp_path / "s.usda")
    builder.mesh("/World/funnel", vertices, np.array(faces)[:, ::-1], approximation="none")
    builder.body("ball", (0.2, 0, 0.5), mass=1, com=(0, 0, 0), inertia=(0.001, 0.001, 0.001))
    builder.sphere("/World/ball/shape", 0.06)
    with any_engine.open(builder.save()) as scene:
        hit = scene.raycast((0.02, 0, 2), (0, 0, -1), 5)
        assert hit is not None and hit.body == "/World/funnel" and hit.distance_m == pytest.approx(2.0, abs=1e-3)
        assert scene.overlaps((0, 0, 0.3), 0.05) == ()
        assert scene.overlaps((0.3, 0, 0.25), 0.05) == ("/World/funnel",)
        scene.step(1 / 500, 1000)
        x, y, z = scene.poses()[0, :3]
        assert math.hypot(x, y) < 0.1 and 0.0 < z < 0.15
