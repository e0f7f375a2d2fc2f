"""Doors and windows: which pieces of their geometry move, about what, and how far (conventions: ``ifc_operations``)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.ifc_operations import Panel
from physicl_twin.model.geometry import FloatArray

#: A piece that fills at least this share of its front is a leaf or a pane, one that fills less a frame (judgement: a
#: lining of 50 mm about a door fills 0.16 of it, a sash of 60 mm in a window 0.4, a leaf 1).
_FULL = 0.5
#: A leaf has at least this share of its panel's width and of the height (judgement: there may be a fixed light above).
_LEAF_WIDTH, _LEAF_HEIGHT = 0.4, 0.4
#: A leaf that is drawn closed is at most so thick, over its width (judgement: thicker ones are drawn open).
_LEAF_THICKNESS = 0.5
#: Pieces this near to the border, over the width or height, belong to the frame.
_BORDER = 0.02
#: Two pieces that overlap at the front by this share of the smaller one are of one leaf (a sash and its pane).
_SAME_LEAF = 0.5
#: The one leaf of a door is larger than a side light by this factor (judgement).
_MAIN = 1.3
_FRAME_WORDS = re.compile(
    r"\b(?:frame|lining|jamb|casing|threshold|sill|rahmen|zarge|cadre|huisserie|kozijn|karm)", re.I
)
_LEAF_WORDS = re.compile(
    r"\b(?:panel|leaf|sash|framing|handle|lever|fl[uü]gel|t[uü]rblatt|dr[uü]cker|griff|vantail|poign[ée]e|deur)", re.I
)


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A connected piece of a door or window, in the element's frame.

    Attributes:
        faces: Indices of its triangles.
        low: (3,) minimum corner.
        high: (3,) maximum corner.
        fill: Share of its front's bounding rectangle that it covers.
        words: What the file calls it: aspect and style.
        glass: True for what is seen through.
    """

    faces: NDArray[np.int64]
    low: FloatArray
    high: FloatArray
    fill: float
    words: str
    glass: bool

    @property
    def centre(self) -> FloatArray:
        """(3,) middle of its bounds."""
        middle: FloatArray = 0.5 * (self.low + self.high)
        return middle

    @property
    def size(self) -> FloatArray:
        """(3,) extents."""
        extents: FloatArray = self.high - self.low
        return extents


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A panel with the pieces that move with it.

    Attributes:
        panel: What the operation asks for.
        pieces: Its pieces.
        low: (3,) minimum corner of the leaf without its handles.
        high: (3,) maximum corner.
    """

    panel: Panel
    pieces: tuple[Piece, ...]
    low: FloatArray
    high: FloatArray

    def frame(self) -> FloatArray:
        """(4, 4) joint frame in the element's frame: its z is the axis along which a positive motion opens."""
        axis, along = _AXES[self.panel.motion, self.panel.edge]
        frame = np.eye(4)
        frame[:3, 2], frame[:3, 0] = axis, along
        frame[:3, 1] = np.cross(axis, along)
        middle = 0.5 * (self.low + self.high)
        if self.panel.motion == "revolute":
            # The pin stands at the edge, on the side to which the leaf opens, or in its middle when it opens both ways.
            middle[1] = middle[1] if self.panel.both_ways else self.high[1]
            side = {"left": (0, self.low), "right": (0, self.high), "bottom": (2, self.low), "top": (2, self.high)}
            index, corner = side[self.panel.edge]
            middle[index] = corner[index]
        frame[:3, 3] = middle
        return frame

    def limits(self, open_deg: float) -> tuple[float, float]:
        """Lower and upper limit, radians or metres: shut, and open; a slide opens by its own width."""
        if self.panel.motion == "prismatic":
            return 0.0, float((self.high - self.low)[0 if self.panel.edge in ("left", "right") else 2])
        angle = math.radians(open_deg)
        return (-angle if self.panel.both_ways else 0.0), angle


#: Axis of the motion that opens, and a direction across it, in the element's frame. A leaf that reaches from a left
#: hinge to +x comes to +y about +z, one that hangs from the top comes to +y about +x.
_AXES: dict[tuple[str, str], tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    ("revolute", "left"): ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    ("revolute", "right"): ((0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)),
    ("revolute", "top"): ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    ("revolute", "bottom"): ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    ("prismatic", "left"): ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    ("prismatic", "right"): ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    ("prismatic", "top"): ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
    ("prismatic", "bottom"): ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0)),
}


def pieces_of(
    vertices: FloatArray, faces: NDArray[np.int64], items: NDArray[np.int64], words: list[str], glass: NDArray[np.bool_]
) -> tuple[Piece, ...]:
    """Connected pieces of a body, those of different items apart.

    Args:
        vertices: (V, 3) element frame, metres.
        faces: (F, 3).
        items: (F,) representation item of each face.
        words: (F,) what the file calls each face's piece.
        glass: (F,) True for transparent faces.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    found = []
    for item in np.unique(items):
        own = np.flatnonzero(items == item)
        corners, compact = np.unique(faces[own], return_inverse=True)
        compact = compact.reshape(-1, 3)
        rows, columns = compact[:, [0, 1]].ravel(), compact[:, [1, 2]].ravel()
        graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(corners), len(corners)))
        count, label = connected_components(graph, directed=False)
        for number in range(count):
            chosen = own[label[compact[:, 0]] == number]
            found.append(_piece(vertices, faces, chosen, words[int(chosen[0])], bool(glass[chosen].all())))
    return tuple(found)


def _piece(vertices: FloatArray, faces: NDArray[np.int64], chosen: NDArray[np.int64], words: str, glass: bool) -> Piece:
    triangles = vertices[faces[chosen]]
    points = triangles.reshape(-1, 3)
    low, high = points.min(axis=0), points.max(axis=0)
    # What faces +y, projected: the front of a piece that is nowhere behind itself.
    front = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])[:, 1]
    area = float((high - low)[0] * (high - low)[2])
    fill = min(1.0, 0.5 * float(np.clip(front, 0.0, None).sum()) / area) if area > 0 else 0.0
    return Piece(chosen, low, high, fill, words, glass)


def leaves_of(pieces: tuple[Piece, ...], panels: tuple[Panel, ...]) -> tuple[tuple[Leaf, ...], str]:
    """The moving leaves among the pieces; the rest is the frame.

    Returns:
        Leaves, one a panel, or none and the reason.
    """
    if not panels:
        return (), "nothing moves"
    low = np.min([p.low for p in pieces], axis=0)
    high = np.max([p.high for p in pieces], axis=0)
    size = high - low
    loose = [p for p in pieces if not _is_frame(p, pieces, low, high)]
    beside = any(p.place in ("left", "right") for p in panels)
    stacked = any(p.place in ("top", "bottom") for p in panels)
    least = np.array(
        [_LEAF_WIDTH * size[0] / (2 if beside else 1), 0.0, _LEAF_HEIGHT * size[2] / (2 if stacked else 1)]
    )
    main = [p for p in loose if (p.size >= least).all()]
    clusters = _clusters(main)
    if not clusters:
        return (), "no piece of it is a leaf of its own"
    if (
        all(p.glass for p in main)
        and any(p not in loose and not p.glass for p in pieces)
        and all(p.glass for p in loose)
    ):
        return (), "only its glass is apart from the frame"
    leaves = []
    for panel in panels:
        chosen = _cluster_at(panel.place, clusters, low, high)
        if chosen is None:
            return (), f"there is no leaf at its {panel.place}" if panel.place != "whole" else "it has several leaves"
        bounds = np.min([p.low for p in chosen], axis=0), np.max([p.high for p in chosen], axis=0)
        across = bounds[1] - bounds[0]
        if across[1] > _LEAF_THICKNESS * across[0]:
            return (), "its leaf is drawn open"
        leaves.append((panel, chosen, *bounds))
    if len({id(chosen) for _, chosen, _, _ in leaves}) < len(leaves):
        return (), "two of its panels are one piece"
    finished = []
    for panel, chosen, lowest, highest in leaves:
        others = [p for p in loose if p not in main and _goes_with(p, lowest, highest)]
        finished.append(Leaf(panel, (*chosen, *others), lowest, highest))
    return tuple(finished), ""


def _is_frame(piece: Piece, pieces: tuple[Piece, ...], low: FloatArray, high: FloatArray) -> bool:
    """True for what stays: so called, or a rim or bar at the border of the opening."""
    if _FRAME_WORDS.search(piece.words) and not _LEAF_WORDS.search(piece.words):
        return True
    if _LEAF_WORDS.search(piece.words):
        return False
    size = high - low
    near = _BORDER * size
    touches = (
        piece.low[0] <= low[0] + near[0] or piece.high[0] >= high[0] - near[0] or piece.high[2] >= high[2] - near[2]
    )
    if not touches:
        return False
    if piece.fill >= _FULL:
        # A bar along an edge belongs to the frame, a leaf without a frame does not; nor does a leaf beside another.
        return bool(piece.size[0] < 0.25 * size[0] or piece.size[2] < 0.25 * size[2])
    return True


def _clusters(main: list[Piece]) -> list[list[Piece]]:
    """Pieces that lie before or within each other: a leaf's core and its skins, a sash and its pane."""
    clusters: list[list[Piece]] = []
    for piece in sorted(main, key=lambda p: -float(p.size[0] * p.size[2])):
        home = next((c for c in clusters if any(_overlap(piece, other) >= _SAME_LEAF for other in c)), None)
        if home is None:
            clusters.append([piece])
        else:
            home.append(piece)
    return clusters


def _overlap(a: Piece, b: Piece) -> float:
    """Common area of the front rectangles over the smaller of the two."""
    sides = [max(0.0, float(min(a.high[i], b.high[i]) - max(a.low[i], b.low[i]))) for i in (0, 2)]
    smaller = min(float(p.size[0] * p.size[2]) for p in (a, b))
    return sides[0] * sides[1] / smaller if smaller > 0 else 0.0


def _cluster_at(place: str, clusters: list[list[Piece]], low: FloatArray, high: FloatArray) -> list[Piece] | None:
    """The leaf at a place of the opening; the one that is clearly the largest where the whole opening is meant."""
    if place == "whole":
        areas = sorted((float(c[0].size[0] * c[0].size[2]) for c in clusters), reverse=True)
        clear = len(areas) == 1 or areas[0] >= _MAIN * areas[1]
        return max(clusters, key=lambda c: float(c[0].size[0] * c[0].size[2])) if clear else None
    index = 0 if place in ("left", "middle", "right") else 2
    ordered = sorted(clusters, key=lambda c: float(c[0].centre[index]))
    if place == "middle":
        return ordered[1] if len(ordered) == 3 else None
    chosen = ordered[0] if place in ("left", "bottom") else ordered[-1]
    middle = 0.5 * (low[index] + high[index])
    on_its_side = chosen[0].centre[index] < middle if place in ("left", "bottom") else chosen[0].centre[index] > middle
    return chosen if on_its_side else None


def _goes_with(piece: Piece, low: FloatArray, high: FloatArray) -> bool:
    """True for what sits on a leaf: a handle, a bar, a pane."""
    x, z = float(piece.centre[0]), float(piece.centre[2])
    return bool(low[0] <= x <= high[0] and low[2] <= z <= high[2])
