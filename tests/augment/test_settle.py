"""Coarse colliders, the second engine, and the twin as it settles."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from pxr import Usd
from scipy.spatial import ConvexHull

from physicl_twin.augment.coarse import MOST, coarse_hulls
from physicl_twin.augment.draw import Drawer
from physicl_twin.augment.motion import middles, turned_deg
from physicl_twin.augment.second_engine import second_engine
from physicl_twin.engines.hull import convex_hull
from physicl_twin.model import Mesh
from physicl_twin.usd.settle_scene import write_settled_twin
from tests.augment.families import family

GRAVITY = 9.81


def ring(count: int) -> list[Mesh]:
    """Pieces of a ring of 0.1 m radius."""
    found = []
    for k in range(count):
        angles = np.array([k, k + 1]) * 2 * np.pi / count
        corners = [
            (radius * np.cos(a), radius * np.sin(a), z) for a in angles for radius in (0.08, 0.1) for z in (0, 0.02)
        ]
        found.append(Mesh(*convex_hull(np.array(corners), "piece")))
    return found


def volume(meshes) -> float:
    return sum(ConvexHull(mesh.vertices).volume for mesh in meshes)


def test_coarse_pieces_are_few_and_hold_the_true_ones():
    true = ring(24)
    coarse = coarse_hulls(true)
    assert 1 <= len(coarse) <= MOST
    faces = [ConvexHull(mesh.vertices).equations for mesh in coarse]
    for piece in true:
        inside = [(piece.vertices @ e[:, :3].T + e[:, 3] <= 1e-9).all() for e in faces]
        assert any(inside), "each true piece is within one coarse piece"


def test_a_round_thing_is_held_by_as_many_faces_as_physx_cooks():
    points = np.random.default_rng(2).normal(size=(300, 3))
    points *= np.array([0.1, 0.04, 0.03]) / np.linalg.norm(points, axis=1, keepdims=True)
    halves = [Mesh(*convex_hull(points[side], "half")) for side in (points[:, 0] >= -0.01, points[:, 0] <= 0.01)]
    (one,) = coarse_hulls(halves)
    assert len(one.faces) <= 64
    equations = ConvexHull(one.vertices).equations
    assert (points @ equations[:, :3].T + equations[:, 3]).max() <= 1e-9
    # 34 corners on a ball reach 0.87 of its radius everywhere: to hold it they swell by half its volume.
    assert volume([one]) < 1.6 * volume([Mesh(*convex_hull(points, "all"))])


def test_what_is_convex_in_pieces_becomes_one():
    cubes = [
        Mesh(
            *convex_hull(np.array([[x + i, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float), "cube")
        )
        for i in range(5)
    ]
    (one,) = coarse_hulls(cubes)
    assert volume([one]) == pytest.approx(5.0)


def test_few_pieces_that_are_far_from_convex_together_stay():
    true = ring(4)
    assert len(coarse_hulls(true)) == 4


def lying(one):
    """The draft with every object put down flat and apart."""
    drafts = Drawer(one)
    draft = drafts.draw(0)
    poses = np.zeros((len(draft.states), 7))
    poses[:, 3] = 1.0
    for row, (_, index) in enumerate(one.instances):
        member = one.members[index]
        poses[row, :3] = (1.0 * row - 0.5, 0.0, -member.points[:, 2].min())
    return draft, poses


def test_mujoco_leaves_what_lies_flat_and_takes_what_hangs_down(tmp_path):
    one = family(tmp_path, '[scene]\nsupport = "plane"\nobjects = 2\nsize_m = [4.0, 4.0, 0.0]\n')
    draft, poses = lying(one)
    with closing(second_engine(one, draft, GRAVITY)) as second:
        flat = second.opinion(draft, poses)
        again = second.opinion(draft, poses)
        raised = poses + np.array([0, 0, 0.1, 0, 0, 0, 0])
        fallen = second.opinion(draft, raised)
        once_more = second.opinion(draft, poses)
    assert flat.calm
    assert flat.poses == pytest.approx(poses, abs=5e-4)
    assert np.array_equal(flat.poses, again.poses)
    assert np.array_equal(flat.poses, once_more.poses), "an opinion depends on nothing that came before"
    assert fallen.calm
    assert np.abs(fallen.poses[:, 2] - poses[:, 2]).max() < 2e-3


def test_absent_objects_have_no_say(tmp_path):
    one = family(tmp_path, '[scene]\nsupport = "plane"\nobjects = 2\nsize_m = [4.0, 4.0, 0.0]\n')
    draft, poses = lying(one)
    poses[1, 2] += 1.0
    with closing(second_engine(one, draft, GRAVITY)) as second:
        fallen = second.opinion(draft, poses).poses
        left_out = second.opinion(replace(draft, present=(True, False)), poses).poses
    assert fallen[1, 2] < poses[1, 2] - 0.9
    assert left_out[1, 2] == poses[1, 2]


def test_motion_is_of_the_middles(tmp_path):
    one = family(tmp_path)
    draft = Drawer(one).draw(0)
    poses = np.tile([0.1, 0.2, 0.3, 1.0, 0.0, 0.0, 0.0], (len(draft.states), 1))
    turned = poses.copy()
    turned[:, 3:] = (np.cos(0.05), 0.0, 0.0, np.sin(0.05))
    assert turned_deg(poses, turned) == pytest.approx(np.degrees(0.1))
    other_sign = np.hstack([turned[:, :3], -turned[:, 3:]])
    assert turned_deg(poses, other_sign) == pytest.approx(np.degrees(0.1))
    for row, (_, index) in enumerate(one.instances):
        centre = one.members[index].centre_m * draft.states[row].scale
        assert middles(one, draft, poses)[row] == pytest.approx(centre + np.array([0.1, 0.2, 0.3]))
        c, s = np.cos(0.1), np.sin(0.1)
        spun = np.array([c * centre[0] - s * centre[1], s * centre[0] + c * centre[1], centre[2]])
        assert middles(one, draft, turned)[row] == pytest.approx(spun + np.array([0.1, 0.2, 0.3]))


def test_the_settled_twin_says_what_a_heap_needs_and_nothing_else(tmp_path):
    member = family(tmp_path).members[0]
    path = member.folder / "settled.usda"
    write_settled_twin(path, f"./simready/{member.name}.usda", member.lean)
    stage = Usd.Stage.Open(str(path))
    plain = Usd.Stage.Open(str(member.folder / "simready" / f"{member.name}.usda"))
    root = stage.GetDefaultPrim()
    assert root.GetAttribute("physxRigidBody:solverPositionIterationCount").Get() == 64
    assert root.GetAttribute("physics:startsAsleep").Get() is True
    assert "startsAsleep" not in member.lean.text, "what is to settle is awake"
    offsets = [
        root.GetPrimAtPath(name).GetAttribute("physxCollision:contactOffset").Get() for name, _ in member.lean.bound
    ]
    assert offsets == [pytest.approx(member.lean.contact_offset_m)] * len(offsets)
    assert 0 < member.lean.contact_offset_m < 0.05 * member.radius_m
    for prim in plain.Traverse():
        mine = stage.GetPrimAtPath(prim.GetPath())
        assert mine.GetTypeName() == prim.GetTypeName()
        for attribute in prim.GetAttributes():
            if not attribute.GetName().startswith("physx") and attribute.GetName() != "physics:startsAsleep":
                assert mine.GetAttribute(attribute.GetName()).Get() == attribute.Get()
