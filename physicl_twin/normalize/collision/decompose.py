"""Convex decomposition: cut into almost convex cells, join to as few pieces as the error allows, balance the error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from physicl_twin.model.errors import GeometryError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.cut import cut
from physicl_twin.normalize.collision.fit_error import UNCOVERED, Fit, Target, measure
from physicl_twin.normalize.collision.hull import HullLimits, hull_piece
from physicl_twin.normalize.collision.merge import merge
from physicl_twin.normalize.collision.piece import Piece
from physicl_twin.normalize.collision.primitives import fit_box
from physicl_twin.normalize.collision.probe import make_probe
from physicl_twin.normalize.collision.refine import refine
from physicl_twin.normalize.collision.revolution import find_axis, wedge_planes
from physicl_twin.normalize.collision.settings import CollisionSettings
from physicl_twin.normalize.collision.solid import solid_of

#: Numbers of pieces that are looked at.
COUNTS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128)
#: Sectors of a full turn into which a body of revolution is cut before joining.
_SECTORS = 20
#: A body of revolution gets this many times the cells: its sectors need a few each.
_MORE_CELLS = 1.2
#: A cell whose excess volume over its surface is below this is convex enough (diagonals).
_CONVEX = 0.00005
#: Surface samples from which the probe of free space starts.
_PROBE_SAMPLES = 800
#: Times that the error of the chosen pieces is balanced.
_ROUNDS = 3
#: More pieces than asked for are taken where the error falls faster than their number to this power: a round wall made
#: of flat pieces gains the square (the sagitta of an arc), the cut that reaches the last concave corner much more.
_CLIFF = 3.0
#: A balanced piece may stick out of the surface's bounds by this (diagonals; judgement: three quarters of what the
#: check ``collision.not_outside`` allows the whole body, ``collider_outside_max``).
_STICKS_OUT = 0.015
#: Cavities may be narrowed by this share of their radius: a peg of 90 % of a hole's diameter passes with room to spare.
_NARROWED = 0.06
#: A hull of six faces whose volume is this near to its box is a box.
_BOX_VOLUME = 1.0005


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Pieces, how they were found and what they measure."""

    method: str
    pieces: tuple[Piece, ...]
    fit: Fit
    seconds: float


def decompose(target: Target, settings: CollisionSettings, cells: int) -> Decomposition | None:
    """Fewest convex pieces that reach the target error, or nearly the error of the most pieces allowed.

    Args:
        target: What to fit.
        settings: Targets and limits.
        cells: Most cells to cut into.

    Returns:
        None when the object has no body to cut.
    """
    start = time.monotonic()
    solid = solid_of(target.surface, settings.remesh_resolution)
    if solid is None:
        return None
    axis = find_axis(*target.surface.outer_samples(3000)) if target.surface.volume is not None else None
    planes = wedge_planes(axis, _SECTORS) if axis else []
    found = cut(solid[0], int(cells * _MORE_CELLS) if axis else cells, _CONVEX, planes)
    probe = make_probe(target, _PROBE_SAMPLES)
    if not found:
        return None
    # What needs no cut is one piece: its hull with balanced error.
    counts = [n for n in COUNTS if n <= min(settings.max_pieces, len(found))] or [1]
    states = merge([cell.hull for cell in found], counts, 1e-4, probe)
    method = f"{solid[1]} in {'wedges' if axis else 'cells'}"
    pieces = balanced(_fewest(states, counts, target, settings), target, settings)
    fit = measure(pieces, target, settings.samples)
    return Decomposition(method, pieces, fit, time.monotonic() - start)


def _fewest(
    states: dict[int, tuple[FloatArray, ...]], counts: Sequence[int], target: Target, settings: CollisionSettings
) -> list[Piece]:
    """The smallest number of pieces that is good enough, or fewer where those beyond them hardly pay.

    Good enough is found by bisection (the error falls with the number). Of that number and the smaller ones that are
    within the bounds of tail and cavities, the one with the least error times number to the power ``piece_cost`` is
    taken: the knee of the curve. Beyond it, the number after which the error drops off a cliff.
    """

    known: dict[int, Piece | None] = {}  # most clusters of one state are also those of the next
    measured: dict[int, tuple[list[Piece], Fit]] = {}

    def hull_of(cluster: FloatArray) -> Piece | None:
        if id(cluster) not in known:
            known[id(cluster)] = _piece(cluster, settings.limits)
        return known[id(cluster)]

    def at(count: int) -> tuple[list[Piece], Fit]:
        if count not in measured:
            pieces = _with_body(hull_of(cluster) for cluster in states[count])
            measured[count] = pieces, measure(pieces, target, settings.samples // 2, with_volume=False)
        return measured[count]

    _, most = at(counts[-1])
    mean = max(settings.target_mean, settings.floor_m / target.scale_m, settings.enough * most.error)
    tail = max(settings.target_p99, settings.floor_m / target.scale_m, settings.enough * most.tail)
    filled = max(settings.cavity_filled, most.filled or 0.0)
    narrowed = max(_NARROWED, settings.enough * most.narrowed)
    uncovered = max(UNCOVERED, most.uncovered)

    def within(fit: Fit) -> bool:
        kept = (fit.filled or 0.0) <= filled and fit.narrowed <= narrowed
        return kept and fit.tail <= tail and fit.uncovered <= uncovered

    def weighed(fit: Fit) -> float:
        return (fit.error + 0.1 * fit.tail) * float(fit.pieces**settings.piece_cost)

    def steep(fit: Fit) -> float:
        return (fit.error + 0.1 * fit.tail) * float(fit.pieces**_CLIFF)

    low, high = 0, len(counts) - 1
    while low < high:
        middle = (low + high) // 2
        _, fit = at(counts[middle])
        if fit.error <= mean and within(fit):
            high = middle
        else:
            low = middle + 1
    best = at(counts[high])
    least = weighed(best[1])
    for count in counts[:high]:
        pieces, fit = at(count)
        if within(fit) and weighed(fit) < least:
            best, least = (pieces, fit), weighed(fit)
    for count in counts[high + 1 :] if best[1].error > settings.floor_m / target.scale_m else ():
        # No number has less error than the most pieces: where even that would not be steep enough nothing is measured.
        if steep(replace(most, pieces=count)) < steep(best[1]) and steep(at(count)[1]) < steep(best[1]):
            best = at(count)
    return best[0]


def hulls_of(groups: Sequence[FloatArray], settings: CollisionSettings) -> list[Piece]:
    """Hulls of point groups within the engines' limits.

    Raises:
        GeometryError: ``collider_without_extent`` when no group has a body.
    """
    return _with_body(_piece(points, settings.limits) for points in groups)


def _with_body(found: Iterable[Piece | None]) -> list[Piece]:
    pieces = [piece for piece in found if piece is not None]
    if not pieces:
        raise GeometryError("collider_without_extent", "No convex piece has a body.", "Check the geometry.")
    return pieces


def balanced(pieces: list[Piece], target: Target, settings: CollisionSettings) -> tuple[Piece, ...]:
    """The pieces with balanced error where that lessens it, and as boxes where they are boxes."""
    if target.surface.volume is not None:
        fit = measure(pieces, target, settings.samples // 2, with_volume=False)
        current = pieces
        for _ in range(_ROUNDS if fit.error > settings.target_mean else 0):
            current = [_cut_off(piece, target, settings) for piece in refine(current, target.surface, settings.limits)]
            moved = measure(current, target, settings.samples // 2, with_volume=False)
            lessens = moved.error + 0.1 * moved.tail < fit.error + 0.1 * fit.tail
            if lessens and (moved.filled or 0.0) <= (fit.filled or 0.0) + 0.01:
                pieces, fit = current, moved
    return tuple(_boxed(piece) for piece in pieces)


def _cut_off(piece: Piece, target: Target, settings: CollisionSettings) -> Piece:
    """A hull that ends about where the surface does: planes that meet sharply meet far out once they are shifted."""
    surface = target.surface.vertices
    low, high = surface.min(axis=0) - _STICKS_OUT, surface.max(axis=0) + _STICKS_OUT
    if piece.kind != "hull" or ((piece.vertices >= low) & (piece.vertices <= high)).all():
        return piece
    return hull_piece(np.clip(piece.vertices, low, high), settings.limits, balance=False)


def _piece(points: FloatArray, limits: HullLimits) -> Piece | None:
    if len(points) < 4 or not np.ptp(points, axis=0).max() > 1e-6:
        return None
    return hull_piece(points, limits, balance=False)


def _boxed(piece: Piece) -> Piece:
    """The piece as a box where it is one: engines collide boxes faster and more exactly than hulls."""
    if piece.kind != "hull" or len(piece.planes) != 6:
        return piece
    box = fit_box(piece.vertices, piece.planes)
    return box if box.volume < _BOX_VOLUME * piece.volume else piece
