"""Choose a shape's collision geometry by measured error: the simplest that is near enough and keeps cavities open."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.model import Collider, Collision, CollisionCandidate, Shape
from physicl_twin.model.collision import CollisionMethod
from physicl_twin.model.errors import GeometryError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.decompose import balanced, decompose, hulls_of
from physicl_twin.normalize.collision.explain import explain
from physicl_twin.normalize.collision.fit_error import UNCOVERED, UNCOVERED_BY_ONE, Fit, Target, make_target, measure
from physicl_twin.normalize.collision.hull import hull_piece
from physicl_twin.normalize.collision.native import NativeRequest, decompose_in_child
from physicl_twin.normalize.collision.piece import Piece
from physicl_twin.normalize.collision.primitives import fit_primitives
from physicl_twin.normalize.collision.settings import CollisionSettings
from physicl_twin.normalize.collision.solid import reduced_mesh
from physicl_twin.normalize.collision.surface import TrueSurface

#: Primitives that are measured, nearest volume first.
_PRIMITIVES = 3
#: However small a part is beside its twin, its error must stay below this share of its own diagonal.
_COARSEST = 0.05
#: A solid that fills less of its hull than this is no primitive.
_PRIMITIVE_FILL = 0.8
#: Below this volume (cubed diagonals) a mesh is a sheet: it has no inside.
_SHEET = 1e-6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way of collision with what it measured, diagonals."""

    family: CollisionMethod
    method: str
    pieces: tuple[Piece, ...]
    fit: Fit
    seconds: float


@dataclass(frozen=True, slots=True)
class ShapeCollision:
    """The choice for a shape, pieces in the shape's own frame and metres; parts only differ by collider names."""

    pieces: tuple[Piece, ...]
    collision: Collision

    def for_part(self, part: str) -> Collision:
        """The collision of a part: collider names are the part's name and a number of fixed width."""
        colliders = tuple(p.collider(f"{part}_collider_{i:03d}") for i, p in enumerate(self.pieces))
        return replace(self.collision, colliders=colliders)


def fit_shape(shape: Shape, settings: CollisionSettings, fast: bool) -> ShapeCollision:
    """Try ways of collision from simple to elaborate until one is good enough.

    Args:
        shape: With a clean mesh in metres.
        settings: See ``CollisionSettings``.
        fast: Leave out the slow libraries and cut coarser.

    Raises:
        GeometryError: ``collider_without_extent`` where all points coincide, ``shape_without_mesh``.
    """
    if shape.mesh is None:
        raise GeometryError("shape_without_mesh", f"Shape {shape.name!r} has no triangles.", "Read its source again.")
    low, high = shape.mesh.bounds()
    scale = float(np.linalg.norm(high - low))
    if not (np.isfinite(scale) and scale > 0):
        raise GeometryError(
            "collider_without_extent", f"All points of shape {shape.name!r} coincide.", "Check the geometry."
        )
    origin: FloatArray = 0.5 * (low + high)
    # Rounded, so that the same shape at another scale or place meets the same ties in the same way.
    vertices = np.round((np.asarray(shape.mesh.vertices, dtype=float) - origin) / scale, 11)
    vertices, faces = reduced_mesh(vertices, np.asarray(shape.mesh.faces).astype(np.int64), settings.max_faces)
    surface = TrueSurface(vertices, faces, _volume(shape, scale))
    target = make_target(surface, scale, settings.samples, settings.cavity_clearance, settings.cavity_filled)
    candidates, failures = _candidates(target, settings, fast)
    best = min(candidates, key=lambda c: _rank(c, target, settings))
    # A sheet has no inside, so that there is no signed distance to it.
    sheet = shape.solid is not None and "open_surface" in shape.solid.volume.flags
    family = "sdf" if _needs_sdf(best.fit, settings) and not sheet else best.family
    pieces = tuple(piece.scaled(scale, origin) for piece in best.pieces)
    records = tuple(
        CollisionCandidate(c.method, c.fit.record(target), c.seconds, _colliders(c.pieces, scale, origin))
        for c in candidates
    )
    evidence = explain(family, best.method, best.fit, [(c.method, c.fit) for c in candidates], target, failures)
    return ShapeCollision(pieces, Collision(family, (), best.fit.record(target), records, evidence))


def _colliders(pieces: Sequence[Piece], scale: float, origin: FloatArray) -> tuple[Collider, ...]:
    return tuple(piece.scaled(scale, origin).collider(f"candidate_{i:03d}") for i, piece in enumerate(pieces))


def _volume(shape: Shape, scale: float) -> float | None:
    """Volume of the solid in cubed diagonals; None for a sheet."""
    if shape.mesh is None:
        return None
    if shape.solid is not None:
        volume = shape.solid.volume.value / scale**3
    else:
        corners = np.asarray(shape.mesh.vertices, dtype=float)[shape.mesh.faces] - shape.mesh.vertices[0]
        volume = (
            float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6) / scale**3
        )
    return volume if volume > _SHEET else None


def _candidates(target: Target, settings: CollisionSettings, fast: bool) -> tuple[list[Candidate], list[str]]:
    """Everything that was tried, simple first, and what failed."""
    tried = [_hull(target, settings)]
    if target.surface.volume is None or target.surface.volume > _PRIMITIVE_FILL * tried[0].pieces[0].volume:
        tried += _primitives(tried[0].pieces[0], target, settings)
    if any(_simple_enough(c, target, settings) for c in tried):
        return tried, []
    cut = decompose(target, settings, settings.cells // 2 if fast else settings.cells)
    if cut is not None:
        tried.append(Candidate("decomposition", cut.method, cut.pieces, cut.fit, cut.seconds))
    if any(_good(candidate.fit, target, settings) for candidate in tried):
        return tried, []
    found, failures = _libraries(target, settings, fast)
    if fast and not any(_covers(c.fit, settings) for c in [*tried, *found]):
        # A coarse collider may be coarse, but not have holes.
        finer, more_failures = _candidates(target, settings, fast=False)
        return [*tried, *found, *(c for c in finer if c.family == "decomposition")], [*failures, *more_failures]
    return tried + found, failures


def _hull(target: Target, settings: CollisionSettings) -> Candidate:
    start = time.monotonic()
    piece = hull_piece(target.surface.vertices, settings.limits)
    fit = measure([piece], target, settings.samples)
    return Candidate("hull", "convex hull", (piece,), fit, time.monotonic() - start)


def _primitives(hull: Piece, target: Target, settings: CollisionSettings) -> list[Candidate]:
    from physicl_twin.normalize.collision.hull import hull_mesh

    start = time.monotonic()
    exact = hull_mesh(target.surface.vertices)
    points = exact[0] if exact is not None else hull.vertices
    found = []
    for piece in fit_primitives(points, hull.planes)[:_PRIMITIVES]:
        fit = measure([piece], target, settings.samples)
        found.append(Candidate("primitive", piece.kind, (piece,), fit, time.monotonic() - start))
        start = time.monotonic()
    return found


def _libraries(target: Target, settings: CollisionSettings, fast: bool) -> tuple[list[Candidate], list[str]]:
    """V-HACD, then CoACD, each in a child that is stopped after its share of processor time, until one is good."""
    vertices, faces = reduced_mesh(target.surface.vertices, target.surface.faces, 6000)
    most = settings.max_pieces
    quick = {"maxConvexHulls": most, "resolution": 60_000 if fast else 200_000, "asyncACD": False}
    requests = [("V-HACD", NativeRequest("vhacd", vertices, faces, quick))]
    if not fast:
        options = {"threshold": 0.05, "max_convex_hull": most, "mcts_iterations": 60, "mcts_nodes": 15, "seed": 0}
        requests.append(("CoACD", NativeRequest("coacd", vertices, faces, options)))
    found: list[Candidate] = []
    failures: list[str] = []
    for name, request in requests:
        start = time.monotonic()
        result = decompose_in_child(request, settings.fast_library_s if fast else settings.library_s)
        if result.failure:
            failures.append(f"{name} {result.failure}")
            continue
        pieces = balanced(hulls_of(result.hulls, settings), target, settings)
        fit = measure(pieces, target, settings.samples)
        found.append(Candidate("decomposition", name, pieces, fit, time.monotonic() - start))
        if _good(fit, target, settings):
            break
    return found, failures


def _open(fit: Fit, settings: CollisionSettings) -> bool:
    return fit.filled is None or fit.filled <= settings.cavity_filled


def _covers(fit: Fit, settings: CollisionSettings) -> bool:
    """No hole in what collides; a hull around everything, too far off to be a collider, does not count.

    One convex piece has no holes: what it leaves out are edges that its limits of vertices and polygons round off.
    """
    limit = UNCOVERED_BY_ONE if fit.pieces == 1 else UNCOVERED
    return fit.uncovered <= limit and fit.error <= settings.sdf_mean


def _simple_enough(candidate: Candidate, target: Target, settings: CollisionSettings) -> bool:
    """One piece is near enough: nothing more elaborate is tried."""
    fit = candidate.fit
    floor = _floor(target, settings)
    mean = settings.primitive_mean if candidate.family == "primitive" else settings.simple_mean
    near = fit.error <= max(mean, floor) and fit.tail <= max(settings.simple_p99, floor)
    return near and _open(fit, settings)


def _good(fit: Fit, target: Target, settings: CollisionSettings) -> bool:
    near = fit.error <= max(settings.good_mean, _floor(target, settings))
    return near and _open(fit, settings) and _covers(fit, settings)


def _floor(target: Target, settings: CollisionSettings) -> float:
    """Error below which nothing is worth another piece, diagonals of the shape."""
    return min(settings.floor_m / target.scale_m, _COARSEST)


def _needs_sdf(fit: Fit, settings: CollisionSettings) -> bool:
    return not _open(fit, settings) or fit.error > settings.sdf_mean


def _rank(candidate: Candidate, target: Target, settings: CollisionSettings) -> tuple[int, float]:
    """Simple and near enough first (primitives before the hull), then what covers, open cavities, the smaller error."""
    fit = candidate.fit
    if _simple_enough(candidate, target, settings):
        order: Sequence[CollisionMethod] = ("primitive", "hull", "decomposition")
        return (order.index(candidate.family), fit.error + 0.1 * fit.tail)
    return (4 + 2 * (not _covers(fit, settings)) + (not _open(fit, settings)), fit.error + 0.1 * fit.tail)
