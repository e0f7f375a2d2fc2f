"""The solid that is cut: closed shells as they are, open ones rebuilt, thin walls not lost."""

from __future__ import annotations

import numpy as np
import pytest
from manifold3d import Manifold

from physicl_twin.normalize.collision.shells import shells
from physicl_twin.normalize.collision.solid import solid_of
from physicl_twin.normalize.collision.surface import TrueSurface

Triangles = tuple[np.ndarray, np.ndarray]


def triangles(solid: Manifold) -> Triangles:
    mesh = solid.to_mesh64()
    return np.asarray(mesh.vert_properties)[:, :3].copy(), np.asarray(mesh.tri_verts).astype(np.int64)


def together(*parts: Triangles) -> Triangles:
    """One mesh of diagonal 1 from several."""
    shift = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    vertices = np.vstack([vertices for vertices, _ in parts])
    vertices = (vertices - vertices.min(axis=0)) / np.linalg.norm(np.ptp(vertices, axis=0))
    return vertices, np.vstack([faces + start for (_, faces), start in zip(parts, shift, strict=False)])


def without_top(part: Triangles) -> Triangles:
    """Faces that lie in the highest plane taken away."""
    vertices, faces = part
    top = (vertices[faces][:, :, 2] > vertices[:, 2].max() - 1e-9).all(axis=1)
    return vertices, faces[~top]


def tube(radius: float, wall: float, length: float) -> Manifold:
    return Manifold.cylinder(length, radius, radius, 48, True) - Manifold.cylinder(
        2 * length, radius - wall, radius - wall, 48, True
    )


def missed(vertices: np.ndarray, faces: np.ndarray, solid: Manifold) -> float:
    """99th percentile of the distance from the surface to a solid's surface."""
    surface = TrueSurface(*triangles(solid), 1.0)
    points, _ = TrueSurface(vertices, faces, 1.0).outer_samples(4000)
    return float(np.quantile(surface.distance(points), 0.99))


def test_shells_are_told_apart():
    ball = triangles(Manifold.sphere(0.3, 32))
    inside_out = ball[0] + [0.0, 0.0, 2.0], ball[1][:, ::-1]
    bucket = without_top(triangles(Manifold.cube([1.0, 1.0, 1.0], True).translate([2.0, 0.0, 0.0])))
    found = shells(*together(ball, inside_out, bucket))
    assert [len(group) for group in found.closed] == [len(ball[1])]
    assert [len(group) for group in found.inverted] == [len(ball[1])]
    assert [len(group) for group in found.open] == [len(bucket[1])]


def test_an_opening_does_not_cost_the_other_shells_their_walls():
    # The wall of the frame is a third of a cell of the grid for the whole.
    frame = triangles(tube(0.3, 0.01, 0.5))
    block = without_top(triangles(Manifold.cube([1.0, 0.3, 0.3], True).translate([1.0, 0.0, 0.0])))
    vertices, faces = together(frame, block)
    found = solid_of(TrueSurface(vertices, faces, 0.05), 64)
    assert found is not None
    assert found[1] == "rebuilt and cut"
    assert missed(vertices, faces, found[0]) < 0.005


def test_walls_thinner_than_the_grid_are_kept_as_sheets():
    # A tube with one triangle missing: open, and its wall slips between the nodes of the grid.
    vertices, faces = together(triangles(tube(0.2, 0.004, 1.0)))
    surface = TrueSurface(vertices, faces[1:], 0.002)
    found = solid_of(surface, 32)
    assert found is not None
    assert missed(vertices, faces, found[0]) < 1.0 / 32


def test_a_void_of_an_object_with_an_opening_stays_empty():
    outside = triangles(Manifold.cube([1.0, 1.0, 1.0], True))
    void = triangles(Manifold.cube([0.6, 0.6, 0.6], True))
    opened = without_top(triangles(Manifold.cube([0.2, 0.2, 0.2], True).translate([0.8, 0.0, 0.0])))
    vertices, faces = together(outside, (void[0], void[1][:, ::-1]), opened)
    found = solid_of(TrueSurface(vertices, faces, 0.3), 64)
    assert found is not None
    scale = np.linalg.norm([1.4, 1.0, 1.0])
    assert float(found[0].volume()) * scale**3 == pytest.approx(1.0 - 0.6**3 + 0.2**3, rel=0.02)
