"""What is chosen for whole shapes and twins: one piece when that is right, open cavities, stable bytes, no crash."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from physicl_twin.model import Mesh, Part, Pose, dumps, silent
from physicl_twin.model.errors import ConfigError, GeometryError
from physicl_twin.normalize.collision import ShapeCollision, choose_collision, collision_settings, decompose, fit_shape
from physicl_twin.normalize.collision.fit_error import Fit, make_target, measure
from physicl_twin.normalize.collision.hull import HullLimits, hull_piece
from physicl_twin.normalize.collision.native import NativeRequest, decompose_in_child
from physicl_twin.normalize.collision.piece import Piece, round_piece
from physicl_twin.normalize.collision.solid import reduced_mesh, weld_grid
from physicl_twin.normalize.collision.surface import TrueSurface
from physicl_twin.settings import pipeline

from .collision_shapes import bowl, crate, cup, mesh_of, moved, pipe, rotation, settings, shape_of, twin_of


def fit(mesh: Mesh, fast: bool = True, **changes) -> ShapeCollision:
    return fit_shape(shape_of(mesh), settings(**changes), fast)


def assert_valid(result: ShapeCollision) -> None:
    assert result.pieces
    for collider in result.for_part("part").colliders:
        if collider.kind != "hull":
            assert collider.hull is None
            assert all(np.isfinite(collider.size_m))
            assert min(collider.size_m) > 0
            continue
        assert collider.hull is not None
        assert collider.hull_sha256 == collider.hull.sha256()
        assert 4 <= len(collider.hull.vertices) <= 64
        assert np.isfinite(collider.hull.vertices).all()
    assert all(piece.volume > 0 for piece in result.pieces)
    fitted = result.collision.fit
    assert fitted.colliders == len(result.pieces)
    assert 0 <= fitted.mean_m <= fitted.max_m
    assert 0 <= fitted.p99_m <= fitted.max_m
    assert result.collision.evidence[0].statement


# --- one piece when one is right ------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [None, 7], ids=["straight", "turned"])
@pytest.mark.parametrize("kind", ["box", "cylinder", "sphere", "capsule"])
def test_a_primitive_becomes_that_primitive(kind: str, turn: int | None):
    from manifold3d import Manifold

    if kind == "box":
        mesh = mesh_of(Manifold.cube([0.3, 0.2, 0.1], True))
    else:
        size = {"cylinder": (0.1, 0.5), "sphere": (0.25,), "capsule": (0.1, 0.4)}[kind]
        piece = round_piece(kind, Pose(), size)
        mesh = Mesh(piece.vertices, piece.faces.astype(np.int32))
    mesh = moved(mesh, None if turn is None else rotation(turn), (1.0, 2.0, 3.0))
    result = fit(mesh)
    assert_valid(result)
    assert result.collision.method == "primitive"
    assert [p.kind for p in result.pieces] == [kind]
    # The tessellation itself is the only error: a sagitta of 48 segments.
    assert result.collision.fit.mean_m < (1e-9 if kind == "box" else 1e-3)
    assert result.collision.fit.cavity_kept is None


def test_a_convex_thing_that_is_no_primitive_is_one_hull():
    from manifold3d import Manifold

    wedge = Manifold.hull_points(
        np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [2, 1, 0], [0, 0, 1.5], [0, 1, 0.8]], dtype=float)
    )
    result = fit(mesh_of(wedge))
    assert_valid(result)
    assert result.collision.method == "hull"
    assert result.collision.fit.max_m < 1e-6


# --- cavities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [cup, bowl, pipe, crate], ids=["cup", "bowl", "pipe", "crate"])
def test_hollow_things_stay_open(make):
    mesh = moved(make(), rotation(11), (0.5, 0.0, 0.0))
    result = fit(mesh)
    assert_valid(result)
    assert result.collision.method == "decomposition"
    assert result.collision.fit.cavity_kept is True
    diagonal = np.linalg.norm(np.ptp(mesh.vertices, axis=0))
    assert result.collision.fit.mean_m < 0.006 * diagonal
    hull = next(c for c in result.collision.candidates if c.method == "convex hull")
    assert hull.fit.cavity_kept is False
    assert result.collision.fit.mean_m < 0.25 * hull.fit.mean_m


def test_a_crate_is_its_five_boards():
    result = fit(crate())
    assert len(result.pieces) == 5
    assert {p.kind for p in result.pieces} == {"box"}
    assert result.collision.fit.max_m < 1e-5
    assert result.collision.fit.volume_ratio == pytest.approx(1.0, rel=0.01)


def test_when_no_decomposition_keeps_the_cavity_physx_gets_a_distance_field():
    result = fit(cup(), max_pieces=2)
    assert_valid(result)
    assert result.collision.method == "sdf"
    assert result.collision.fit.cavity_kept is False
    assert any("signed distance field" in e.statement for e in result.collision.evidence)


# --- any scale, any defect ------------------------------------------------------------------------------------------


def test_scale_changes_nothing():
    small, large = fit(moved(crate(), scale=0.003)), fit(moved(crate(), scale=150.0))
    assert len(small.pieces) == len(large.pieces) == 5
    ratio = 150.0 / 0.003
    assert [p.volume * ratio**3 for p in small.pieces] == pytest.approx([p.volume for p in large.pieces], rel=1e-6)


def test_a_scan_with_holes_is_fitted():
    mesh = cup()
    keep = np.random.default_rng(1).random(len(mesh.faces)) > 0.03
    torn = Mesh(mesh.vertices, mesh.faces[keep])
    result = fit_shape(shape_of(torn), settings(cells=200), True)
    assert_valid(result)
    assert result.collision.fit.mean_m < 0.01 * 0.13


@pytest.mark.parametrize("kind", ["sheet", "curved sheet", "triangle", "needle"])
def test_things_without_volume_get_a_body(kind: str):
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 0.6, 12), indexing="ij"), axis=-1).reshape(-1, 2)
    corner = np.arange(11)[:, None] * 12 + np.arange(11)
    a, b, c, d = (corner + k for k in (0, 12, 13, 1))
    faces = np.vstack(
        [np.column_stack([a.ravel(), b.ravel(), c.ravel()]), np.column_stack([a.ravel(), c.ravel(), d.ravel()])]
    )
    height = {"sheet": 0 * grid[:, 0], "curved sheet": 0.5 * np.sin(3 * grid[:, 0])}.get(kind)
    if height is not None:
        mesh = Mesh(np.column_stack([grid, height]), faces.astype(np.int32))
    elif kind == "triangle":
        mesh = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]), np.array([[0, 1, 2]], dtype=np.int32))
    else:
        mesh = Mesh(
            np.array([[0, 0, 0], [1, 1e-7, 0], [1, 0, 1e-7], [0.5, 0, 0.0]]),
            np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
        )
    result = fit(mesh)
    assert_valid(result)


def test_a_point_is_refused():
    with pytest.raises(GeometryError) as caught:
        fit(Mesh(np.ones((3, 3)), np.array([[0, 1, 2]], dtype=np.int32)))
    assert caught.value.code == "collider_without_extent"


def test_large_meshes_are_thinned_within_a_few_thousandths():
    from manifold3d import Manifold

    mesh = mesh_of(Manifold.sphere(0.5, 700))
    vertices, faces = reduced_mesh(mesh.vertices, mesh.faces.astype(np.int64), 5000)
    assert len(mesh.faces) > 200_000
    assert 1000 < len(faces) <= 6000
    radius = np.linalg.norm(vertices, axis=1)
    # Diagonals: the sphere's is the square root of three.
    assert np.abs(radius - 0.5).max() < 3e-3 * 3**0.5
    welded, triangles = weld_grid(mesh.vertices, mesh.faces.astype(np.int64), 50)
    assert len(triangles) < len(mesh.faces) / 5
    assert np.abs(np.linalg.norm(welded, axis=1) - 0.5).max() < 1 / 50


# --- twins ----------------------------------------------------------------------------------------------------------


def test_instances_share_the_work_and_have_their_own_names():
    seen: list[str] = []

    def progress(stage: str, fraction: float, message: str = "") -> None:
        seen.append(message)

    parts = [Part("left", "board"), Part("right", "board", Pose((1.0, 0.0, 0.0))), Part("top", "ball")]
    from manifold3d import Manifold

    shapes = [shape_of(crate(), "board"), shape_of(mesh_of(Manifold.sphere(0.1, 32)), "ball")]
    twin = choose_collision(twin_of(shapes, parts), pipeline(), True, progress)
    assert seen == ["board", "ball", ""]
    collisions = [p.collision for p in twin.parts]
    assert all(c is not None for c in collisions)
    names = [collider.name for c in collisions if c for collider in c.colliders]
    assert len(set(names)) == len(names)
    assert names[0] == "left_collider_000"
    assert [c.hull_sha256 for c in collisions[0].colliders] == [c.hull_sha256 for c in collisions[1].colliders]


def test_same_input_same_bytes():
    def text() -> str:
        twin = choose_collision(twin_of([shape_of(cup(24), "cup")], [Part("cup", "cup")]), pipeline(), True, silent)
        collision = twin.parts[0].collision
        assert collision is not None
        return dumps(collision.colliders) + dumps(collision.fit)

    assert text() == text()


def test_settings_are_checked():
    table = dict(pipeline()["collision"])
    del table["cells"]
    with pytest.raises(ConfigError, match="cells"):
        collision_settings(table)
    with pytest.raises(ConfigError) as caught:
        settings(hull_vertices=3)
    assert caught.value.code == "config_out_of_range"


# --- native libraries in a child ------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["vhacd", "coacd"])
def test_libraries_answer_from_their_child(library: str):
    from manifold3d import Manifold

    angle = Manifold.cube([1.0, 1.0, 1.0], True) - Manifold.cube([1.0, 1.0, 2.0], True).translate([0.4, 0.4, 0.0])
    mesh = mesh_of(angle)
    options = {
        "vhacd": {"maxConvexHulls": 8, "resolution": 20_000, "asyncACD": False},
        "coacd": {"threshold": 0.2, "mcts_iterations": 60, "mcts_nodes": 10, "resolution": 1000},
    }[library]
    result = decompose_in_child(NativeRequest(library, mesh.vertices, mesh.faces.astype(np.int64), options), 60.0)
    assert result.failure == ""
    assert len(result.hulls) >= 2


def test_a_decomposition_that_takes_too_long_is_stopped():
    mesh = bowl(96)
    options = {"maxConvexHulls": 512, "resolution": 20_000_000, "asyncACD": False}
    start = time.monotonic()
    result = decompose_in_child(NativeRequest("vhacd", mesh.vertices, mesh.faces.astype(np.int64), options), 0.5)
    assert not result.hulls
    assert result.failure.startswith("stopped after")
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("program", "failure"),
    [
        ("import os; os.abort()", "crashed"),
        ("print('hello')", "unreadable"),
        ("import time; time.sleep(60)", "wall time"),
    ],
    ids=["crash", "nonsense", "hang"],
)
def test_a_broken_child_is_a_result_not_an_error(program: str, failure: str):
    mesh = crate()
    request = NativeRequest("vhacd", mesh.vertices, mesh.faces.astype(np.int64))
    result = decompose_in_child(request, 0.25, [sys.executable, "-c", program])
    assert not result.hulls
    assert failure in result.failure


def test_a_failed_library_is_noted_and_the_rest_goes_on():
    result = fit(cup(), fast=False, max_pieces=3, library_s=0.05)
    assert_valid(result)
    assert any("stopped after" in e.statement for e in result.collision.evidence)


def test_what_needs_no_cut_gets_its_error_balanced_without_asking_the_libraries():
    from manifold3d import Manifold

    # An egg has more vertices than a hull may have: the plain hull lies inside it.
    egg = mesh_of(Manifold.sphere(0.1, 96).scale([1.0, 1.3, 1.7]))
    result = fit(egg, fast=False, simple_mean=1e-5, primitive_mean=1e-5)
    methods = [candidate.method for candidate in result.collision.candidates]
    assert "cut in cells" in methods
    assert not {"V-HACD", "CoACD"} & set(methods)
    errors = {c.method: max(c.fit.mean_m, c.fit.missed_mean_m) for c in result.collision.candidates}
    assert errors["cut in cells"] < errors["convex hull"]


def test_balancing_moves_no_piece_far_out_of_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planes that meet sharply meet far out once they are shifted; less error on the whole does not make up for that."""
    mesh = bowl()
    errors = iter(np.linspace(0.02, 0.001, 8))

    def swollen(pieces: list[Piece], surface: TrueSurface, limits: HullLimits) -> list[Piece]:
        return [hull_piece(1.2 * piece.vertices, limits) if n == 0 else piece for n, piece in enumerate(pieces)]

    def better(*given: object, **more: object) -> Fit:
        return replace(
            measure(*given, **more), mean=next(errors), missed_mean=0.0, p99=0.0, missed_p99=0.0, filled=None
        )

    monkeypatch.setattr(decompose, "refine", swollen)
    monkeypatch.setattr(decompose, "measure", better)
    vertices = np.asarray(mesh.vertices) / np.linalg.norm(np.ptp(mesh.vertices, axis=0))
    surface = TrueSurface(vertices, np.asarray(mesh.faces).astype(np.int64), 0.01)
    target = make_target(surface, 1.0, 2000, 0.01, 0.1)
    hull = hull_piece(vertices, HullLimits(64, 64))
    (kept,) = decompose.balanced([hull], target, settings())
    assert np.abs(kept.vertices).max() < np.abs(vertices).max() + 0.016
