"""All triangles of a twin's body as one mesh with what their corners carry, and back to shapes and parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from physicl_twin.model import Body, Mesh, Part, PartHints, Shape, Twin
from physicl_twin.model.geometry import FloatArray

Indices = NDArray[np.intp]

#: Triangles about an edge lie at the same place when their planes differ by less than this, radians: facets of round
#: solids that touch lie a thousandth apart (judgement; real edges are blunter).
_SAME_PLACE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class TwinSoup:
    """Triangles in the body frame, metres. Vertices at one place are one vertex.

    Attributes:
        vertices: (V, 3).
        faces: (F, 3).
        part: (F,) row of the part that each came from.
        look: (F,) index into ``looks``, -1 for none.
        looks: Names of appearances.
        uvs: (F, 3, 2), or None when no part has them.
        normals: (F, 3, 3), zero where a part has none; None when no part has them.
        colors: (F, 3, 3) linear RGB at the corners, -1 where a part has none; None when no part has them.
    """

    vertices: FloatArray
    faces: Indices
    part: Indices
    look: Indices
    looks: tuple[str, ...]
    uvs: FloatArray | None
    normals: FloatArray | None
    colors: FloatArray | None

    def shells(self) -> Indices:
        """(F,) number of the connected piece of surface that each triangle belongs to.

        Triangles hang together over an edge that two of them have. Where more meet, as where two solids touch, each
        hangs together with the first one that bounds the same inside: solids that touch stay apart.
        """
        ends = np.stack([self.faces, np.roll(self.faces, -1, axis=1)], axis=2).reshape(-1, 2)
        low, high = ends.min(axis=1).astype(np.int64), ends.max(axis=1).astype(np.int64)
        key = low * len(self.vertices) + high
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(key[order]) > 0]))
        counts = np.diff(np.concatenate([starts, [len(order)]]))
        simple = starts[counts == 2]
        first, second = [order[simple] // 3], [order[simple + 1] // 3]
        for start, count in zip(starts[counts > 2], counts[counts > 2], strict=True):
            for one, other in self._around(order[start : start + count], ends, low, high):
                first.append(np.array([one]))
                second.append(np.array([other]))
        rows, columns = np.concatenate(first), np.concatenate(second)
        size = len(self.faces)
        links = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
        found: Indices = connected_components(links, directed=False)[1].astype(np.intp)
        return found

    def _around(self, halves: Indices, ends: Indices, low: Indices, high: Indices) -> list[tuple[int, int]]:
        """Pairs of triangles about one edge that bound the same inside.

        Args:
            halves: Half-edges, three a triangle, that lie on the edge.
            ends: (3 F, 2) where each half-edge leads from and to.
            low: (3 F,) the smaller of these.
            high: (3 F,) the larger.
        """
        a, b = self.vertices[low[halves[0]]], self.vertices[high[halves[0]]]
        length = float(np.linalg.norm(b - a))
        if length == 0.0:
            return []
        axis = (b - a) / length
        third = self.vertices[self.faces[halves // 3, (halves + 2) % 3]] - a
        flat = third - np.outer(third @ axis, axis)
        one = flat[int(np.argmax(np.linalg.norm(flat, axis=1)))]
        one = one / max(float(np.linalg.norm(one)), 1e-300)
        angle = np.arctan2(flat @ np.cross(axis, one), flat @ one)
        forward = ends[halves, 0] == low[halves]
        pairs, taken = [], set()
        for f in np.flatnonzero(forward):
            # The inside lies clockwise of a triangle that runs along the edge, and ends at the next that runs against.
            against = [g for g in np.flatnonzero(~forward) if g not in taken]
            if not against:
                break
            turns = (angle[f] - angle[against]) % (2.0 * np.pi)
            # One at the same place, seen from the other side, bounds another inside.
            turns = np.where(turns < _SAME_PLACE, 2.0 * np.pi, turns)
            g = against[int(np.argmin(turns))]
            taken.add(g)
            pairs.append((int(halves[f] // 3), int(halves[g] // 3)))
        return pairs

    def areas(self) -> FloatArray:
        """(F,) area of each triangle, m2."""
        corners = self.vertices[self.faces]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area: FloatArray = 0.5 * np.linalg.norm(cross, axis=1)
        return area

    def sampled(self, count: int) -> tuple[FloatArray, Indices]:
        """About ``count`` points spread over the surface, and one in every triangle; the triangle of each."""
        corners = self.vertices[self.faces]
        area = self.areas()
        dice = np.random.default_rng(0)
        total = float(area.sum())
        wanted = dice.choice(len(area), count, p=area / total) if total > 0.0 else np.empty(0, dtype=np.intp)
        a, b = np.sqrt(dice.random(len(wanted))), dice.random(len(wanted))
        weights = np.column_stack([1.0 - a, a * (1.0 - b), a * b])
        points = np.einsum("nc,ncx->nx", weights, corners[wanted])
        return np.concatenate([corners.mean(axis=1), points]), np.concatenate([np.arange(len(area)), wanted])


def soup_of(twin: Twin) -> TwinSoup:
    """The triangles of a twin of one body."""
    names = [look.name for look in twin.appearances]
    vertices, faces, part, look = [], [], [], []
    uvs, normals, colors = [], [], []
    start = 0
    for row, placed in enumerate(twin.bodies[0].parts):
        shape = twin.shape(placed.shape)
        mesh = shape.mesh
        if mesh is None or not len(mesh.faces):
            continue
        count = len(mesh.faces)
        vertices.append(placed.pose.apply(mesh.vertices))
        faces.append(np.asarray(mesh.faces, dtype=np.intp) + start)
        start += len(mesh.vertices)
        part.append(np.full(count, row))
        own = np.array([names.index(name) for name in shape.appearances] or [-1])
        index = np.zeros(count, dtype=np.intp) if mesh.face_appearance is None else np.asarray(mesh.face_appearance)
        look.append(own[np.clip(index, 0, len(own) - 1)])
        uvs.append(np.zeros((count, 3, 2)) if mesh.uvs is None else np.asarray(mesh.uvs, dtype=float))
        turned = np.zeros((count, 3, 3)) if mesh.normals is None else mesh.normals @ placed.pose.rotation().T
        normals.append(turned)
        plain = np.full((count, 3, 3), -1.0) if mesh.vertex_colors is None else mesh.vertex_colors[mesh.faces]
        colors.append(plain)
    meshes = [twin.shape(placed.shape).mesh for placed in twin.bodies[0].parts]
    there = [mesh for mesh in meshes if mesh is not None]
    places = np.concatenate(vertices)
    # Single precision is what most files hold: places that differ less are one.
    _, first, inverse = np.unique(places.astype(np.float32), axis=0, return_index=True, return_inverse=True)
    return TwinSoup(
        places[first],
        inverse.ravel()[np.concatenate(faces)].astype(np.intp),
        np.concatenate(part),
        np.concatenate(look),
        tuple(names),
        np.concatenate(uvs) if any(mesh.uvs is not None for mesh in there) else None,
        np.concatenate(normals) if any(mesh.normals is not None for mesh in there) else None,
        np.concatenate(colors) if any(mesh.vertex_colors is not None for mesh in there) else None,
    )


def refined(
    soup: TwinSoup, inside: NDArray[np.bool_], labels: Indices, edge_m: float
) -> tuple[TwinSoup, Indices] | None:
    """Halve the longest edge of every triangle whose corners have different labels; no gaps open.

    Halving the longest edge keeps triangles from growing thin (Rivara 1984, "Algorithms for refining triangular grids
    suitable for adaptive and multigrid techniques").

    Args:
        soup: The triangles.
        inside: (F,) those that may be split.
        labels: (V,) of the vertices.
        edge_m: Longest edge that such a triangle may keep, metres.

    Returns:
        The finer triangles and the row that each comes from; None when there was nothing to split.
    """
    corners = soup.faces
    ends = np.stack([corners, np.roll(corners, -1, axis=1)], axis=2)
    length = np.linalg.norm(soup.vertices[ends[..., 0]] - soup.vertices[ends[..., 1]], axis=2)
    mixed_labels = np.ptp(labels[corners], axis=1) > 0
    coarse = np.flatnonzero(inside & mixed_labels & (length.max(axis=1) > edge_m))
    if not len(coarse):
        return None
    low, high = ends.min(axis=2).astype(np.int64), ends.max(axis=2).astype(np.int64)
    name = low * len(soup.vertices) + high
    split = inside[:, None] & np.isin(name, name[coarse, length[coarse].argmax(axis=1)])
    keys = np.sort(ends, axis=2)
    chosen, inverse = np.unique(keys[split], axis=0, return_inverse=True)
    fresh = 0.5 * (soup.vertices[chosen[:, 0]] + soup.vertices[chosen[:, 1]])
    middle = np.full(split.shape, -1, dtype=np.intp)
    middle[split] = len(soup.vertices) + inverse.ravel()
    # Every triangle as its corners and the middles of its split edges, in weights of the corners.
    faces, weights, parent = [corners[~split.any(axis=1)]], [], [np.flatnonzero(~split.any(axis=1))]
    eye = np.eye(3)
    weights.append(np.broadcast_to(eye, (len(parent[0]), 3, 3)))
    for pattern, triangles in _PATTERNS.items():
        rows = np.flatnonzero((split == np.array(pattern)).all(axis=1))
        if not len(rows):
            continue
        # Six places: corners 0 1 2, and the middles of the edges 01, 12, 20.
        places = np.concatenate([corners[rows], middle[rows]], axis=1)
        share = np.concatenate([eye, 0.5 * (eye + np.roll(eye, -1, axis=0))])
        for triangle in triangles:
            faces.append(places[:, triangle])
            weights.append(np.broadcast_to(share[list(triangle)], (len(rows), 3, 3)))
            parent.append(rows)
    of, mix = np.concatenate(parent), np.concatenate(weights)

    def mixed(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else np.einsum("fkc,fcx->fkx", mix, values[of])

    normals = mixed(soup.normals)
    if normals is not None:
        long = np.linalg.norm(normals, axis=2, keepdims=True)
        normals = np.where(long > 1e-9, normals / np.where(long > 1e-9, long, 1.0), 0.0)
    finer = replace(
        soup,
        vertices=np.concatenate([soup.vertices, fresh]),
        faces=np.concatenate(faces),
        part=soup.part[of],
        look=soup.look[of],
        uvs=mixed(soup.uvs),
        normals=normals,
        colors=mixed(soup.colors),
    )
    return finer, of


#: Triangles over corners 0, 1, 2 and middles 3 (of 01), 4 (of 12), 5 (of 20), by which edges are split.
_PATTERNS: dict[tuple[bool, bool, bool], tuple[tuple[int, int, int], ...]] = {
    (True, False, False): ((0, 3, 2), (3, 1, 2)),
    (False, True, False): ((1, 4, 0), (4, 2, 0)),
    (False, False, True): ((2, 5, 1), (5, 0, 1)),
    (True, True, False): ((3, 1, 4), (0, 3, 4), (0, 4, 2)),
    (False, True, True): ((4, 2, 5), (1, 4, 5), (1, 5, 0)),
    (True, False, True): ((5, 0, 3), (2, 5, 3), (2, 3, 1)),
    (True, True, True): ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
}


def twin_of(twin: Twin, soup: TwinSoup, labels: Indices, names: tuple[str, ...]) -> Twin:
    """The twin with one part a label.

    Args:
        twin: That the triangles came from.
        soup: The triangles.
        labels: (F,) index into ``names``.
        names: Of the parts.
    """
    shapes, parts = [], []
    before = twin.bodies[0].parts
    for index in np.unique(labels):
        rows = np.flatnonzero(labels == index)
        name = names[index]
        looks = sorted(set(soup.look[rows].tolist()) - {-1})
        order = {look: place for place, look in enumerate(looks)}
        used, inverse = np.unique(soup.faces[rows], return_inverse=True)
        vertices, faces = soup.vertices[used], inverse.reshape(-1, 3)
        colors: FloatArray | None = None
        if soup.colors is not None and (soup.colors[rows] >= 0.0).all():
            # A place with several colours is as many vertices.
            flat = np.column_stack([faces.ravel(), soup.colors[rows].reshape(-1, 3)])
            apart, again = np.unique(flat, axis=0, return_inverse=True)
            vertices, colors = vertices[apart[:, 0].astype(np.intp)], apart[:, 1:].astype(np.float64)
            faces = again.reshape(-1, 3)
        mesh = Mesh(
            vertices,
            faces.astype(np.int32),
            None if soup.uvs is None else soup.uvs[rows],
            _normals(soup, rows),
            np.array([order.get(look, 0) for look in soup.look[rows]], dtype=np.int32) if len(looks) > 1 else None,
            colors,
        )
        shapes.append(Shape(name, tuple(soup.looks[look] for look in looks), mesh=mesh))
        owners = np.unique(soup.part[rows])
        hints = before[owners[0]].hints if len(owners) == 1 else PartHints()
        parts.append(Part(name, name, hints=replace(hints, label=name)))
    body: Body = replace(twin.bodies[0], parts=tuple(parts))
    return replace(twin, shapes=tuple(shapes), bodies=(body,))


def _normals(soup: TwinSoup, rows: Indices) -> FloatArray | None:
    """Given normals of some triangles; None when one of them has none."""
    if soup.normals is None or not (np.linalg.norm(soup.normals[rows], axis=2) > 0.5).all():
        return None
    chosen: FloatArray = soup.normals[rows]
    return chosen
