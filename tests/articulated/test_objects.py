"""The procedural mechanisms themselves: solid pieces, nothing in each other, joints that move what they say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.articulated.files import placements, triangles
from tests.articulated.objects import MOVING, RIGID

manifold3d = pytest.importorskip("manifold3d")


def solids(mechanism, q):
    found = []
    for piece, moved in zip(mechanism.pieces, placements(mechanism, q), strict=True):
        vertices, faces = triangles(piece)
        mesh = manifold3d.Mesh64(vertices @ moved[:3, :3].T + moved[:3, 3], faces.astype(np.uint64))
        found.append(manifold3d.Manifold(mesh))
    return found


def test_there_are_as_many_as_the_benchmark_says():
    assert len(MOVING) >= 26 and len(RIGID) >= 15
    assert all(not maker(0).joints for maker in RIGID.values())


@pytest.mark.parametrize("family", [*MOVING, *RIGID])
def test_pieces_are_solid_and_bodies_do_not_overlap_anywhere_on_their_way(family):
    mechanism = {**MOVING, **RIGID}[family](7)
    assert len(mechanism.bodies) == 1 + len(mechanism.joints)
    for share in (0.0, 0.4, 1.0):
        made = solids(mechanism, mechanism.spread(share))
        assert all(solid.volume() > 0 and len(solid.decompose()) == 1 for solid in made)
        for i, one in enumerate(made):
            for j, other in enumerate(made[:i]):
                if mechanism.pieces[i].body != mechanism.pieces[j].body:
                    assert (one ^ other).volume() < 1e-10, (share, mechanism.pieces[i].name, mechanism.pieces[j].name)


@pytest.mark.parametrize("family", ["cabinet", "lamp"])
def test_joints_carry_what_hangs_on_them(family):
    mechanism = MOVING[family](1)
    first = mechanism.joints[0]
    moved = mechanism.displacements({**mechanism.spread(0.0), first.name: first.shown[1]})
    rest = mechanism.displacements(mechanism.spread(0.0))
    below = {first.child}
    for joint in mechanism.joints:
        if joint.parent in below:
            below.add(joint.child)
    for body in mechanism.bodies:
        assert np.allclose(moved[body], rest[body]) == (body not in below)
