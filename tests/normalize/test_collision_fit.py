"""Primitives, hulls, cavities and the error itself, against shapes whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from physicl_twin.model import Pose
from physicl_twin.model.errors import GeometryError
from physicl_twin.normalize.collision.fit_error import measure, outer_samples, union_volume
from physicl_twin.normalize.collision.hull import HullLimits, hull_mesh, hull_piece
from physicl_twin.normalize.collision.piece import Piece, box_piece, round_piece
from physicl_twin.normalize.collision.primitives import fit_primitives
from physicl_twin.normalize.collision.revolution import find_axis
from physicl_twin.normalize.collision.sampling import kronecker, sample_triangles

from .collision_shapes import bowl, crate, cup, mesh_of, pipe, rotation, target_of

LIMITS = HullLimits()


def random_pose(seed: int) -> Pose:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(seed)
    matrix[:3, 3] = np.random.default_rng(seed).normal(size=3)
    return Pose.from_matrix(matrix)


# --- pieces ---------------------------------------------------------------------------------------------------------

PIECES = [
    box_piece(random_pose(1), (0.3, 0.2, 0.1)),
    round_piece("sphere", random_pose(2), (0.25,)),
    round_piece("cylinder", random_pose(3), (0.1, 0.5)),
    round_piece("capsule", random_pose(4), (0.1, 0.4)),
]


@pytest.mark.parametrize("piece", PIECES, ids=[p.kind for p in PIECES])
def test_surface_samples_lie_on_the_surface_and_fill_it_evenly(piece: Piece):
    points, normals = piece.surface_samples(4000)
    assert np.abs(piece.signed_distance(points)).max() < 1e-12
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0)
    assert (piece.signed_distance(points + 1e-4 * normals) > 0).all()
    # The centroid of an even sample is the centre; the divergence theorem gives the volume.
    centre = np.asarray(piece.pose.position_m)
    assert points.mean(axis=0) == pytest.approx(centre, abs=5e-3)
    volume = piece.area * np.einsum("ij,ij->i", points - centre, normals).mean() / 3
    assert volume == pytest.approx(piece.volume, rel=0.01)


def test_volumes_of_primitives():
    assert [p.volume for p in PIECES] == pytest.approx(
        [0.006, 4 / 3 * math.pi * 0.25**3, math.pi * 0.01 * 0.5, math.pi * 0.01 * (0.4 + 4 / 3 * 0.1)]
    )


@pytest.mark.parametrize("piece", PIECES, ids=[p.kind for p in PIECES])
def test_scaled_piece_is_the_same_thing_elsewhere(piece: Piece):
    origin = np.array([1.0, -2.0, 3.0])
    larger = piece.scaled(3.0, origin)
    assert larger.volume == pytest.approx(27 * piece.volume)
    points = kronecker(200, 3) * 4 - 2
    expected = 3 * piece.signed_distance(points)
    assert larger.signed_distance(3 * points + origin) == pytest.approx(expected, abs=1e-9)


# --- primitives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", PIECES, ids=[p.kind for p in PIECES])
def test_a_primitive_is_recognised_from_its_vertices(piece: Piece):
    found = fit_primitives(piece.vertices, hull_piece(piece.vertices, LIMITS).planes)
    same = next(f for f in found if f.kind == piece.kind)
    assert sorted(same.size) == pytest.approx(sorted(piece.size), rel=1e-6)
    points, _ = piece.surface_samples(500)
    assert np.abs(same.signed_distance(points)).max() < 1e-6
    assert found[0].kind == piece.kind or piece.kind == "sphere"


# --- hulls ----------------------------------------------------------------------------------------------------------


def assert_valid_hull(piece: Piece) -> None:
    assert piece.kind == "hull"
    assert 4 <= len(piece.vertices) <= LIMITS.vertices
    assert len(piece.planes) <= LIMITS.polygons
    assert np.isfinite(piece.vertices).all()
    assert piece.volume > 0
    extent = np.ptp(piece.vertices, axis=0).max()
    assert piece.signed_distance(piece.vertices).max() <= 1e-6 * extent
    # Every triangle faces outward: all vertices are behind it.
    corners = piece.vertices[piece.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(normals, axis=1, keepdims=True)
    sound = size[:, 0] > 1e-12 * extent**2
    height = (piece.vertices[None] - corners[sound, :1]) @ (normals[sound] / size[sound])[:, :, None]
    assert height.max() <= 1e-5 * extent


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(4, 300), st.just(3)), elements=st.floats(-1, 1, width=32)),
    st.floats(-3, 3),
)
def test_hull_of_any_points_is_convex_within_limits_and_near_them(points: np.ndarray, exponent: float):
    points = points * 10.0**exponent
    if not np.ptp(points, axis=0).max() > 1e-6 * 10.0**exponent:
        return
    piece = hull_piece(points, LIMITS)
    assert_valid_hull(piece)
    extent = np.ptp(points, axis=0).max()
    # With at most 64 polygons no convex shape is farther off than a few percent (a ball is the worst).
    assert piece.signed_distance(points).max() < 0.08 * extent


def test_hull_of_a_ball_is_balanced():
    points = np.random.default_rng(0).normal(size=(3000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    piece = hull_piece(points, LIMITS)
    assert_valid_hull(piece)
    assert piece.volume == pytest.approx(4 / 3 * math.pi, rel=0.06)
    assert hull_piece(points, LIMITS, balance=False).volume < piece.volume


def test_hull_of_a_box_keeps_its_eight_corners():
    corners = box_piece(Pose(), (1.0, 2.0, 3.0)).vertices
    inside = kronecker(500, 3) * [1, 2, 3] - [0.5, 1, 1.5]
    piece = hull_piece(np.vstack([corners, inside]), LIMITS)
    assert len(piece.vertices) == 8
    assert len(piece.planes) == 6
    assert piece.volume == pytest.approx(6.0)


@pytest.mark.parametrize(
    "points",
    [
        [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]],
        [[0, 0, 0], [1, 1, 1]],
        [[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]],
    ],
    ids=["triangle", "sheet", "segment", "needle"],
)
def test_points_without_volume_get_a_thin_body(points: list[list[float]]):
    piece = hull_piece(np.array(points, dtype=float), LIMITS)
    assert_valid_hull(piece)


def test_one_point_is_refused():
    with pytest.raises(GeometryError) as caught:
        hull_piece(np.zeros((10, 3)), LIMITS)
    assert caught.value.code == "collider_without_extent"


def test_engines_take_the_hulls_unchanged():
    mujoco = pytest.importorskip("mujoco")
    rng = np.random.default_rng(5)
    for points in (
        rng.normal(size=(500, 3)),
        rng.uniform(size=(9, 3)) * [1, 0.2, 0.01],
        [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
    ):
        piece = hull_piece(0.1 * np.array(points, dtype=float), LIMITS)
        spec = mujoco.MjSpec()
        spec.add_mesh(name="m", uservert=piece.vertices.ravel().tolist())
        spec.worldbody.add_body().add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="m")
        model = spec.compile()
        assert model.mesh_graphadr[0] >= 0 or model.nmesh == 1
        # The first number of the convex graph is the number of hull vertices.
        hull_vertices = model.mesh_graph[model.mesh_graphadr[0]] if model.mesh_graphadr[0] >= 0 else len(piece.vertices)
        assert hull_vertices == len(piece.vertices)


# --- error ----------------------------------------------------------------------------------------------------------


def test_error_of_the_right_answer_is_zero():
    mesh = crate()
    target = target_of(mesh)
    s, o = target.scale_m, np.array([0.15, 0.1, 0.075])

    def wall(low: tuple[float, ...], high: tuple[float, ...]) -> Piece:
        size = tuple((np.array(high) - low) / s)
        return box_piece(Pose(tuple((0.5 * (np.array(low) + high) - o) / s)), size)

    walls = [
        wall((0, 0, 0), (0.3, 0.2, 0.01)),
        wall((0, 0, 0), (0.01, 0.2, 0.15)),
        wall((0.29, 0, 0), (0.3, 0.2, 0.15)),
        wall((0, 0, 0), (0.3, 0.01, 0.15)),
        wall((0, 0.19, 0), (0.3, 0.2, 0.15)),
    ]
    fit = measure(walls, target, 4000)
    assert fit.worst < 1e-6
    assert fit.missed_mean < 1e-6
    assert fit.volume_ratio == pytest.approx(1.0, rel=0.01)
    assert fit.filled == 0.0
    missing = measure(walls[:4], target, 4000)
    assert missing.mean < 1e-3
    # Without one long wall a fifth of the surface is up to half the height away.
    assert missing.missed_p99 > 0.05


def test_error_of_a_shifted_box_is_the_shift():
    mesh = mesh_of(__import__("manifold3d").Manifold.cube([1.0, 1.0, 1.0], True))
    target = target_of(mesh)
    side = 1 / math.sqrt(3)
    fit = measure([box_piece(Pose(), (side + 0.02,) * 3)], target, 6000)
    assert fit.mean == pytest.approx(0.01, rel=0.03)
    assert fit.missed_mean == pytest.approx(0.01, rel=1e-6)
    assert fit.volume_ratio == pytest.approx(((side + 0.02) / side) ** 3)


def test_union_of_overlapping_boxes():
    a, b = box_piece(Pose(), (1.0, 1.0, 1.0)), box_piece(Pose((0.5, 0.0, 0.0)), (1.0, 1.0, 1.0))
    assert union_volume([a, b], 4000) == pytest.approx(1.5, rel=0.01)
    points = outer_samples([a, b], 4000)
    assert not (
        (np.abs(points[:, 0] - 0.5) < 0.499) & (np.abs(points[:, 1:]) < 0.49).all(axis=1) & (points[:, 0] > 0)
    ).any()
    # Where both boxes share a face the union has it too.
    shared = (np.abs(points[:, 2] - 0.5) < 1e-9) & (points[:, 0] > 0.1) & (points[:, 0] < 0.4)
    assert shared.any()


# --- cavities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [cup, bowl, pipe, crate], ids=["cup", "bowl", "pipe", "crate"])
def test_an_open_hollow_is_one_cavity_and_a_hull_fills_it(make):
    target = target_of(make())
    assert target.cavities.count == 1
    assert not target.surface.inside(target.cavities.points).any()
    hull = hull_piece(target.surface.vertices, LIMITS)
    assert target.cavities.filled([hull]) > 0.95


def test_solid_and_sealed_things_have_no_cavity():
    from manifold3d import Manifold

    block = Manifold.cube([1.0, 1.0, 1.0], True)
    hollow = block - Manifold.cube([0.8, 0.8, 0.8], True)
    angle = block - Manifold.cube([1.0, 1.0, 1.0], True).translate([0.3, 0.3, 0.0])
    for solid in (block, hollow, angle, Manifold.sphere(1.0, 32)):
        assert target_of(mesh_of(solid)).cavities.count == 0


def test_bolt_holes_and_handles_are_cavities():
    from manifold3d import Manifold

    plate = Manifold.cube([100.0, 60.0, 10.0], True)
    for x in (-30, 30):
        plate = plate - Manifold.cylinder(40, 9, 9, 32, True).translate([x, 0, 0])
    assert target_of(mesh_of(plate), 6000).cavities.count == 2


def test_axis_of_a_tilted_cup_is_found_and_a_brick_has_none():
    mesh, turn = cup(), rotation(3)
    points, normals = sample_triangles(mesh.vertices @ turn.T, mesh.faces, 3000)
    axis = find_axis(points, normals)
    assert axis is not None
    assert abs(axis.direction @ turn[:, 2]) > 0.9999
    assert np.linalg.norm(np.cross(axis.point, turn[:, 2])) < 5e-4
    brick = mesh_of(__import__("manifold3d").Manifold.cube([0.3, 0.2, 0.1], True))
    assert find_axis(*sample_triangles(brick.vertices, brick.faces, 3000)) is None


def test_hull_mesh_says_when_there_is_no_volume():
    assert hull_mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=float)) is None
