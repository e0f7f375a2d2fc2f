"""How deep convex polyhedra overlap, against the exact answer of the Minkowski difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from physicl_twin.model import BodyPair, Collider
from physicl_twin.normalize.dynamics.convex import Convex, collider_points, convex, penetration
from physicl_twin.normalize.dynamics.filters import filters_of
from physicl_twin.normalize.dynamics.overlaps import Hulls
from tests.normalize.mechanisms import box_body, cabinet, hinge, pose, twin_of


def _box(centre, half) -> Convex:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    found = convex(np.asarray(centre) + np.asarray(half) * corners)
    assert found is not None
    return found


def _exact(first: Convex, second: Convex) -> float:
    """Distance of the origin from the surface of the Minkowski difference, positive inside."""
    difference = (first.vertices[:, None] - second.vertices[None]).reshape(-1, 3)
    return float(-ConvexHull(difference).equations[:, 3].max())


@pytest.mark.parametrize("seed", range(12))
def test_depth_is_that_of_the_minkowski_difference(seed):
    rng = np.random.default_rng(seed)
    clouds = [rng.normal(size=(rng.integers(4, 40), 3)) * rng.uniform(0.2, 2, 3) for _ in range(2)]
    first, second = convex(clouds[0]), convex(clouds[1] + rng.normal(size=3))
    assert first is not None and second is not None
    truth = _exact(first, second)
    if truth > 0:
        assert penetration(first, second) == pytest.approx(truth, rel=1e-9)
    else:
        assert penetration(first, second) <= 0


def test_boxes_that_cross_with_their_edges():
    turned = _box((0, 0, 0), (1, 1, 1)).moved(pose((0, 0, 0), (0, 1, 0), np.pi / 4).matrix())
    for gap in (-0.1, 0.1):
        other = _box((0, 0, 0), (1, 1, 1)).moved(pose((2 * np.sqrt(2) + gap, 0, 0), (0, 0, 1), np.pi / 4).matrix())
        assert penetration(turned, other) == pytest.approx(-gap)


def test_equal_boxes_and_one_inside_the_other():
    assert penetration(_box((0, 0, 0), (1, 1, 1)), _box((0, 0, 0), (1, 1, 1))) == pytest.approx(2.0)
    assert penetration(_box((0, 0, 0), (1, 1, 1)), _box((0.5, 0, 0), (0.1, 0.1, 0.1))) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("collider", "reach"),
    [
        (Collider("s", "sphere", size_m=(0.5,)), (0.5, 0.5, 0.5)),
        (Collider("c", "capsule", size_m=(0.2, 1.0)), (0.2, 0.2, 0.7)),
        (Collider("y", "cylinder", size_m=(0.2, 1.0)), (0.2, 0.2, 0.5)),
        (Collider("b", "box", size_m=(0.2, 0.4, 1.0)), (0.1, 0.2, 0.5)),
    ],
)
def test_round_colliders_reach_as_far_as_they_are(collider, reach):
    points = collider_points(collider)
    np.testing.assert_allclose(points.max(axis=0), reach, rtol=0.03)
    np.testing.assert_allclose(points.min(axis=0), -np.array(reach), rtol=0.03)


def test_flat_points_are_no_polyhedron():
    assert convex(np.random.default_rng(0).normal(size=(20, 3)) * [1, 1, 0]) is None


def test_filters_are_neighbours_what_is_stated_and_what_overlaps():
    a, b, c, d = (box_body(n, at=pose((0.09 * k, 0, 0))) for k, n in enumerate("abcd"))
    twin = twin_of([a, b, c, d], [hinge("ab", a[0], b[0], (0.05, 0, 0))])
    twin = replace(twin, articulation=None)
    pairs, notes = filters_of(twin, Hulls.of(twin), 1e-3)
    assert pairs == (BodyPair("a", "b", "adjacent"), BodyPair("b", "c", "overlap"), BodyPair("c", "d", "overlap"))
    assert [n.code for n in notes] == ["initial_overlap"] and "10 mm" in notes[0].message


def test_what_a_fixed_joint_holds_counts_as_one_body():
    a, b, c = (box_body(n, at=pose((0.095 * k, 0, 0))) for k, n in enumerate("abc"))
    joints = [hinge("ab", a[0], b[0], (0, 0, 0), type="fixed"), hinge("bc", b[0], c[0], (0.1, 0, 0))]
    pairs, notes = filters_of(twin_of([a, b, c], joints), Hulls.of(twin_of([a, b, c], joints)), 1e-3)
    assert {(p.body0, p.body1) for p in pairs} == {("a", "b"), ("a", "c"), ("b", "c")}
    assert {p.reason for p in pairs} == {"adjacent"} and not notes


def test_only_what_moved_is_looked_at():
    twin = cabinet()
    hulls = Hulls.of(twin)
    poses = tuple(pose((0, 0, 0)) for _ in twin.bodies)
    assert len(hulls.overlaps(poses, 1e-3)) == 3
    assert len(hulls.overlaps(poses, 1e-3, only={1})) == 2
    assert hulls.overlaps(tuple(b.pose for b in twin.bodies), 1e-3) == ()
