"""The pieces that may move against each other: the connected shells of the parts, with what queries on them need."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from physicl_twin.model import Body, Mesh, Part, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.nesting import nesting
from physicl_twin.normalize.topology import Edges, Indices, components, position_ids

#: An edge that bends more than this is sharp and gets probes of its own, radians (judgement: 15°).
_SHARP = np.radians(15.0)
#: A point is above the inside of its nearest face when it stands upright on it to this cosine.
_UPRIGHT = 0.9999
#: With more crowded edges a mesh is no set of solids that touch.
_MOST_CROWDED = 20_000
#: Probes of a piece: at most so many on corners, edges and faces (judgement: a door's rim every 5 mm).
_CORNERS, _ON_EDGES, _ON_FACES = 300, 300, 250


@dataclass(eq=False)
class Piece:
    """A connected surface in the twin's frame.

    Attributes:
        index: Number among the pieces.
        part: Name of the part that it belongs to.
        path: Names of the assembly nodes above the part, root first.
        shells: Labels (``shell_labels``) of the part's mesh that it consists of.
        vertices: (V, 3) metres.
        faces: (F, 3).
        closed: True when it bounds a region.
        members: The shells one by one where it is of several that touch.
    """

    index: int
    part: str
    path: tuple[str, ...]
    shells: tuple[int, ...]
    vertices: FloatArray
    faces: Indices
    closed: bool
    members: tuple[Piece, ...] = ()
    _trees: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def bounds(self) -> FloatArray:
        """(2, 3) lowest and highest corner."""
        return np.array([self.vertices.min(axis=0), self.vertices.max(axis=0)])

    @cached_property
    def diagonal(self) -> float:
        """Diagonal of the bounds, metres."""
        return float(np.linalg.norm(self.bounds[1] - self.bounds[0]))

    @cached_property
    def corners(self) -> FloatArray:
        """(F, 3, 3) corners of the triangles."""
        return np.asarray(self.vertices[self.faces])

    @cached_property
    def area_vectors(self) -> FloatArray:
        """(F, 3) outward normals times area."""
        a, b, c = self.corners[:, 0], self.corners[:, 1], self.corners[:, 2]
        return np.asarray(0.5 * np.cross(b - a, c - a))

    @cached_property
    def areas(self) -> FloatArray:
        """(F,) areas."""
        return np.asarray(np.linalg.norm(self.area_vectors, axis=1))

    @cached_property
    def normals(self) -> FloatArray:
        """(F, 3) outward unit normals."""
        return np.asarray(self.area_vectors / np.maximum(self.areas, 1e-300)[:, None])

    @cached_property
    def volume(self) -> float:
        """Signed volume, m3; of an open piece without meaning."""
        centre = self.vertices.mean(axis=0)
        return float(np.einsum("ij,ij->", self.corners.mean(axis=1) - centre, self.area_vectors) / 3.0)

    @cached_property
    def thickness(self) -> float:
        """Twice volume over area: how thick it would be as a plate, metres; 0 of an open piece."""
        return 2.0 * abs(self.volume) / max(float(self.areas.sum()), 1e-300) if self.closed else 0.0

    @cached_property
    def bends(self) -> tuple[Indices, Indices, FloatArray]:
        """Edges of two faces: (E, 2) faces, (E, 2) vertices, (E,) angle between the normals, radians."""
        ids = position_ids(self.vertices)
        places = ids[self.faces]
        first, second = Edges.of(places).pairs()
        pair = np.stack([first // 3, second // 3], axis=1)
        corner = self.faces.reshape(-1)
        ends = np.stack([corner[first], corner[3 * (first // 3) + (first % 3 + 1) % 3]], axis=1)
        cosine = np.einsum("ij,ij->i", self.normals[pair[:, 0]], self.normals[pair[:, 1]])
        sine = np.linalg.norm(np.cross(self.normals[pair[:, 0]], self.normals[pair[:, 1]]), axis=1)
        return pair, ends, np.arctan2(sine, cosine)

    @cached_property
    def surface(self) -> tuple[FloatArray, FloatArray]:
        """(S, 3) points spread over the faces, each face having one at least where there are few, and their normals."""
        count = len(self.faces)
        if count > _ON_FACES:
            face = np.searchsorted(np.cumsum(self.areas), _spread(_ON_FACES) * self.areas.sum())
            face = np.clip(face, 0, count - 1)
            return _within(self.corners[face], np.arange(len(face))), self.normals[face]
        share = self.areas / max(float(self.areas.sum()), 1e-300)
        number = np.maximum(1, np.round(share * _ON_FACES)).astype(int)
        face = np.repeat(np.arange(count), number)
        points = _within(self.corners[face], np.arange(len(face)))
        return points, self.normals[face]

    @cached_property
    def probes(self) -> FloatArray:
        """(P, 3) points that collide first: corners, points along sharp edges, points on the faces."""
        pair, ends, angle = self.bends
        del pair
        sharp = ends[angle > _SHARP]
        if len(sharp) == 0:
            sharp = ends
        used = np.unique(sharp)
        corners = self.vertices[used[_picked(len(used), _CORNERS)]]
        tail, head = self.vertices[sharp[:, 0]], self.vertices[sharp[:, 1]]
        lengths = np.linalg.norm(head - tail, axis=1)
        spacing = max(float(lengths.sum()) / _ON_EDGES, 1e-12)
        number = np.floor(lengths / spacing).astype(int)
        edge = np.repeat(np.arange(len(sharp)), number)
        step = np.arange(len(edge)) - np.repeat(np.cumsum(number) - number, number)
        along = ((step + 0.5) / number[edge])[:, None] if len(edge) else np.zeros((0, 1))
        return np.concatenate([corners, tail[edge] + along * (head[edge] - tail[edge]), self.surface[0]])

    def distance(self, points: FloatArray) -> tuple[FloatArray, Indices, FloatArray]:
        """(N,) distance to the surface, (N,) nearest face, (N, 3) nearest point."""
        if "boxes" not in self._trees:
            import igl

            tree = igl.AABB()
            tree.init(self._rows(), self._triangles())
            self._trees["boxes"] = tree
        squared, face, nearest = self._trees["boxes"].squared_distance(
            self._rows(), self._triangles(), np.ascontiguousarray(points, dtype=float)
        )
        return np.sqrt(np.maximum(squared, 0.0)), np.asarray(face, dtype=np.int64), np.asarray(nearest)

    def inside(self, points: FloatArray) -> FloatArray:
        """(N,) generalized winding numbers (Barill et al., ACM TOG 37, 2018)."""
        if "winding" not in self._trees:
            import igl

            tree = igl.FastWindingNumberBVH()
            tree.init(self._rows(), self._triangles())
            self._trees["winding"] = tree
        return np.asarray(self._trees["winding"].winding_number(np.ascontiguousarray(points, dtype=float)), dtype=float)

    def depth(self, points: FloatArray, least: float = 0.0) -> FloatArray:
        """(N,) how deep points lie inside, metres; 0 outside, and where it is no deeper than ``least``."""
        if self.members:  # their faces in each other bound nothing
            return np.asarray(np.max([piece.depth(points, least) for piece in self.members], axis=0))
        depths = np.zeros(len(points))
        low, high = self.bounds
        near = np.flatnonzero(((points > low + least) & (points < high - least)).all(axis=1))
        if len(near) == 0:
            return depths
        distance, face, nearest = self.distance(points[near])
        far = distance > max(least, 1e-9)
        near, distance, face, nearest = near[far], distance[far], face[far], nearest[far]
        if len(near) == 0:
            return depths
        within = np.einsum("ij,ij->i", points[near] - nearest, self.normals[face]) / distance
        inner = within < 0
        # Where the nearest point lies on an edge its face does not say which side it is; the winding number does.
        doubtful = np.abs(within) < _UPRIGHT if self.closed else np.ones(len(near), dtype=bool)
        if doubtful.any():
            inner[doubtful] = self.inside(points[near[doubtful]]) > 0.5
        depths[near[inner]] = distance[inner]
        return depths

    def _rows(self) -> FloatArray:
        return np.ascontiguousarray(self.vertices, dtype=float)

    def _triangles(self) -> Indices:
        return np.ascontiguousarray(self.faces, dtype=np.int64)


def _within(corners: FloatArray, step: Indices) -> FloatArray:
    """(N, 3) places in triangles: the R2 sequence (Roberts 2018) spreads evenly, folding maps the square onto them."""
    u = (0.5 + step * 0.7548776662466927) % 1.0
    v = (0.5 + step * 0.5698402909980532) % 1.0
    over = u + v > 1
    u, v = np.where(over, 1 - u, u)[:, None], np.where(over, 1 - v, v)[:, None]
    first = corners[:, 0]
    return np.asarray(first + u * (corners[:, 1] - first) + v * (corners[:, 2] - first))


def _spread(count: int) -> FloatArray:
    return (np.arange(count) + 0.5) / count


def _picked(available: int, wanted: int) -> Indices:
    """Evenly picked rows."""
    if available <= wanted:
        return np.arange(available)
    return np.floor(_spread(wanted) * available).astype(np.int64)


def shell_labels(mesh: Mesh) -> Indices:
    """(F,) number of the piece that each face belongs to.

    Shells are joined over edges of exactly two faces, so that solids which were welded along common corners come apart
    where more than two faces meet; a shell inside another one goes with it (a cavity, an inner copy). Pieces that do
    not close by themselves and share edges stay together.
    """
    places = position_ids(mesh.vertices)[mesh.faces].astype(np.int64)
    edges = Edges.of(places)
    first, second = edges.pairs()
    more = _solid_pairs(mesh.vertices, position_ids(mesh.vertices), places, edges)
    label = components(len(places), np.concatenate([first // 3, more[:, 0]]), np.concatenate([second // 3, more[:, 1]]))
    count = int(label.max()) + 1
    if count == 1:
        return label
    whole = edges.pieces(len(places))
    if int(whole.max()) + 1 < count:
        label = _where_closed(places, label, whole)
        count = int(label.max()) + 1
        if count == 1:
            return label
    closed = np.array([not Edges.of(places[label == one]).balance.any() for one in range(count)])
    rows = closed[label]
    if rows.any() and closed.sum() > 1:
        numbers = np.flatnonzero(closed)
        compact = np.searchsorted(numbers, label[rows])
        related = nesting(mesh.vertices, mesh.faces[rows].astype(np.int64), compact.astype(np.int64)).inside
        parent = np.arange(count)
        for inner in np.flatnonzero(related.any(axis=0)):
            around = np.flatnonzero(related[:, inner])
            outermost = around[np.argmin(related[:, around].sum(axis=0))]
            parent[numbers[inner]] = numbers[outermost]
        label = parent[label]
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.int64)


def _solid_pairs(vertices: FloatArray, ids: Indices, places: Indices, edges: Edges) -> Indices:
    """(K, 2) faces that bound the same solid where an even number of faces above two meet at an edge.

    Sorted around the edge, matter begins behind one face and ends before the next; of two faces back to back the one
    before which matter ends comes first, so that solids which only touch stay apart.
    """
    crowded = np.flatnonzero((edges.count > 2) & (edges.count % 2 == 0))
    if len(crowded) == 0 or len(crowded) > _MOST_CROWDED:
        return np.zeros((0, 2), dtype=np.int64)
    _, first = np.unique(ids, return_index=True)
    corner = places.reshape(-1)
    found: list[tuple[int, int]] = []
    for edge in crowded:
        halves = edges.order[edges.start[edge] : edges.start[edge] + edges.count[edge]]
        ends = np.sort([corner[halves[0]], corner[3 * (halves[0] // 3) + (halves[0] % 3 + 1) % 3]])
        tail, head = vertices[first[ends[0]]], vertices[first[ends[1]]]
        along = (head - tail) / max(float(np.linalg.norm(head - tail)), 1e-300)
        side = np.cross(along, np.eye(3)[int(np.argmin(np.abs(along)))])
        side /= np.linalg.norm(side)
        arms = vertices[first[corner[3 * (halves // 3) + (halves % 3 + 2) % 3]]] - tail
        angles = np.round(np.arctan2(arms @ np.cross(along, side), arms @ side), 6)
        angles[angles <= -3.141592] = 3.141592
        ends_here = edges.forward[halves]
        order = np.lexsort((~ends_here, np.minimum(angles, 3.141592)))
        for place, row in enumerate(order):
            after = order[(place + 1) % len(order)]
            if not ends_here[row] and ends_here[after]:
                found.append((int(halves[row] // 3), int(halves[after] // 3)))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _where_closed(places: Indices, label: Indices, whole: Indices) -> Indices:
    """Shells where all shells of a joined piece close by themselves, the joined piece elsewhere."""
    result = label.copy()
    for piece in range(int(whole.max()) + 1):
        rows = whole == piece
        shells = np.unique(label[rows])
        if len(shells) > 1 and not all(not Edges.of(places[label == one]).balance.any() for one in shells):
            result[rows] = shells[0]
    return np.asarray(np.unique(result, return_inverse=True)[1], dtype=np.int64)


def pieces_of(twin: Twin, body: Body, split: bool, most_shells: int) -> list[Piece]:
    """The pieces of a body.

    Args:
        twin: With clean shapes.
        body: Whose parts are looked at.
        split: False to take every part whole.
        most_shells: A part of more shells is taken whole: a heap, a scan, a text in relief.
    """
    found: list[Piece] = []
    for part in body.parts:
        if part.visible:
            found += _of_part(twin, body, part, split, most_shells, len(found))
    return found


def _of_part(twin: Twin, body: Body, part: Part, split: bool, most: int, start: int) -> list[Piece]:
    mesh = twin.shape(part.shape).mesh
    assert mesh is not None
    label = shell_labels(mesh) if split else np.zeros(len(mesh.faces), dtype=np.int64)
    count = int(label.max()) + 1
    if count > most:
        label, count = np.zeros_like(label), 1
    places = body.pose.compose(part.pose).apply(mesh.vertices)
    pieces = []
    for shell in range(count):
        faces = mesh.faces[label == shell]
        used, compact = np.unique(faces, return_inverse=True)
        triangles = compact.reshape(-1, 3).astype(np.int64)
        ids = position_ids(places[used])
        closed = not Edges.of(ids[triangles]).balance.any()
        pieces.append(Piece(start + shell, part.name, part.hints.path, (shell,), places[used], triangles, bool(closed)))
    return pieces
