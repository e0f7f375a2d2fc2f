"""Triangles of a CAD shape: closed across faces by topology, normals from the surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.guards import damaged
from physicl_twin.model.geometry import FloatArray, IntArray, Mesh

#: A surface normal further than 60 degrees from its facet is that of a singular point, not of the facet's surface.
_SINGULAR_COSINE = 0.5


@dataclass(frozen=True, slots=True)
class Tessellation:
    """How finely to triangulate.

    Attributes:
        linear_relative: Largest distance between surface and triangles, as a fraction of the shape's diagonal.
        angular_rad: Largest angle between neighbouring facets of a curved surface.
        weld_relative: Vertices nearer than this fraction of the diagonal are one where topology does not say so.
    """

    linear_relative: float
    angular_rad: float
    weld_relative: float


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """Triangles of one shape, with the CAD face that each lies on.

    Attributes:
        mesh: In the shape's own units.
        face_of: (F,) index of the CAD face, in the order of ``faces_of``.
        missing: CAD faces that could not be triangulated.
    """

    mesh: Mesh
    face_of: IntArray
    missing: int


def faces_of(shape: Any) -> list[Any]:
    """The CAD faces of a shape, each occurrence once, in the kernel's (deterministic) order."""
    from OCP.TopAbs import TopAbs_ShapeEnum
    from OCP.TopExp import TopExp_Explorer
    from OCP.TopoDS import TopoDS

    faces, explorer = [], TopExp_Explorer(shape, TopAbs_ShapeEnum.TopAbs_FACE)
    while explorer.More():
        faces.append(TopoDS.Face_s(explorer.Current()))
        explorer.Next()
    return faces


def diagonal(shape: Any) -> float:
    """Diagonal of the bounding box; 0 for an empty shape.

    Raises:
        SourceError: ``file_damaged`` if the box is not finite.
    """
    from OCP.Bnd import Bnd_Box
    from OCP.BRepBndLib import BRepBndLib

    box = Bnd_Box()
    BRepBndLib.AddOptimal_s(shape, box, False, False)
    if box.IsVoid():
        return 0.0
    if box.IsOpen():
        raise damaged("The CAD file", "its geometry has no finite bounds.")
    return float(np.sqrt(box.SquareExtent()))


def tessellate(shape: Any, settings: Tessellation) -> FaceMesh | None:
    """Triangulate ``shape``; None when it has no triangles.

    Args:
        shape: ``TopoDS_Shape`` with faces; its own triangulation is replaced.
        settings: Fineness.

    Raises:
        SourceError: ``file_damaged`` if the shape has no finite bounds.
    """
    from OCP.BRepMesh import BRepMesh_IncrementalMesh
    from OCP.BRepTools import BRepTools

    size = diagonal(shape)
    if size <= 0:
        return None
    BRepTools.Clean_s(shape)
    BRepMesh_IncrementalMesh(shape, settings.linear_relative * size, False, settings.angular_rad, False)
    builder = _Builder()
    faces = faces_of(shape)
    missing = sum(not builder.add(face, index) for index, face in enumerate(faces))
    return builder.finish(settings.weld_relative * size, missing)


class _Builder:
    """Collects the triangulations of faces and joins their vertices along shared edges."""

    def __init__(self) -> None:
        from OCP.TopTools import TopTools_IndexedMapOfShape

        self._points: list[FloatArray] = []
        self._triangles: list[IntArray] = []
        self._normals: list[FloatArray] = []
        self._face_of: list[IntArray] = []
        self._topology = TopTools_IndexedMapOfShape()
        self._ends: list[tuple[int, int]] = []
        self._first_use: dict[tuple[int, int], int] = {}
        self._same: list[tuple[int, int]] = []
        self._count = 0

    def add(self, face: Any, index: int) -> bool:
        """Add the triangulation of a face; False when it has none."""
        from OCP.BRep import BRep_Tool
        from OCP.BRepLib import BRepLib_ToolTriangulatedShape
        from OCP.TopAbs import TopAbs_Orientation
        from OCP.TopLoc import TopLoc_Location

        location = TopLoc_Location()
        triangulation = BRep_Tool.Triangulation_s(face, location)
        if triangulation is None or triangulation.NbTriangles() == 0:
            return False
        BRepLib_ToolTriangulatedShape.ComputeNormals_s(face, triangulation)
        number = triangulation.NbNodes()
        nodes = (triangulation.Node(i) for i in range(1, number + 1))
        points = np.array([(p.X(), p.Y(), p.Z()) for p in nodes])
        directions = (triangulation.Normal(i) for i in range(1, number + 1))
        normals = np.array([(n.X(), n.Y(), n.Z()) for n in directions])
        triples = (triangulation.Triangle(i).Get() for i in range(1, triangulation.NbTriangles() + 1))
        triangles = np.array([triple[-3:] for triple in triples], dtype=np.int32) - 1
        transform = matrix_of(location.Transformation())
        points = points @ transform[:3, :3].T + transform[:3, 3]
        # The kernel takes the normal from the moved tangents: a mirroring location (IGES) turns it with the triangles.
        normals = normals @ transform[:3, :3].T * np.sign(np.linalg.det(transform[:3, :3]))
        # ComputeNormals gives the normal of the surface; a reversed face has its outside on the other side of it.
        if face.Orientation() == TopAbs_Orientation.TopAbs_REVERSED:
            triangles, normals = triangles[:, ::-1], -normals
        self._join_edges(face, triangulation, location)
        self._points.append(points)
        self._triangles.append(triangles + self._count)
        self._normals.append(normals[triangles])
        self._face_of.append(np.full(len(triangles), index, dtype=np.int32))
        self._count += number
        return True

    def _join_edges(self, face: Any, triangulation: Any, location: Any) -> None:
        """Record which nodes of this face are which points of its edges and vertices."""
        from OCP.BRep import BRep_Tool
        from OCP.TopAbs import TopAbs_Orientation, TopAbs_ShapeEnum
        from OCP.TopExp import TopExp, TopExp_Explorer
        from OCP.TopoDS import TopoDS

        explorer = TopExp_Explorer(face.Oriented(TopAbs_Orientation.TopAbs_FORWARD), TopAbs_ShapeEnum.TopAbs_EDGE)
        while explorer.More():
            edge = TopoDS.Edge_s(explorer.Current())
            explorer.Next()
            polygon = BRep_Tool.PolygonOnTriangulation_s(edge, triangulation, location)
            if polygon is None:
                continue
            nodes = [self._count + polygon.Node(i) - 1 for i in range(1, polygon.NbNodes() + 1)]
            first, last = (self._topology.Add(v) for v in (TopExp.FirstVertex_s(edge), TopExp.LastVertex_s(edge)))
            if BRep_Tool.Degenerated_s(edge):
                for node in nodes:
                    self._use((first, -1), node)
                continue
            key = self._topology.Add(edge)
            self._use((first, -1), nodes[0])
            self._use((last, -1), nodes[-1])
            for rank, node in enumerate(nodes[1:-1]):
                self._use((key, rank), node)

    def _use(self, key: tuple[int, int], node: int) -> None:
        other = self._first_use.setdefault(key, node)
        if other != node:
            self._same.append((other, node))

    def finish(self, weld_distance: float, missing: int) -> FaceMesh | None:
        """Weld, drop collapsed triangles and return the mesh."""
        if not self._triangles:
            return None
        points = np.concatenate(self._points)
        triangles = np.concatenate(self._triangles)
        normals, face_of = np.concatenate(self._normals), np.concatenate(self._face_of)
        joined = _joined(len(points), np.array(self._same, dtype=np.int64).reshape(-1, 2))
        if not is_closed(_without_collapsed(joined[triangles])):
            joined = _joined(len(points), np.concatenate([np.stack([np.arange(len(points)), joined], 1),
                                                          _near_pairs(points, weld_distance)]))  # fmt: skip
        triangles = joined[triangles].astype(np.int32)
        keep = _is_proper(triangles)
        used, compact = np.unique(triangles[keep], return_inverse=True)
        if not used.size:
            return None
        vertices, faces = points[used], compact.reshape(-1, 3).astype(np.int32)
        mesh = Mesh(vertices, faces, normals=_corner_normals(vertices, faces, _unit(normals[keep])))
        return FaceMesh(mesh, face_of[keep], missing)


def matrix_of(transformation: Any) -> FloatArray:
    """(4, 4) matrix of a ``gp_Trsf`` (column vectors)."""
    matrix = np.eye(4)
    for row in range(3):
        for column in range(4):
            matrix[row, column] = transformation.Value(row + 1, column + 1)
    return matrix


def is_closed(faces: NDArray[np.integer]) -> bool:
    """True when each directed edge has exactly one opposite: a closed, consistently wound surface."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    size = int(edges.max()) + 1 if edges.size else 1
    forward = np.sort(edges[:, 0] * size + edges[:, 1])
    backward = np.sort(edges[:, 1] * size + edges[:, 0])
    return bool(np.array_equal(forward, backward))


def _joined(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Representative (the smallest member) of each of ``count`` nodes, given pairs that are the same point."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    groups, label = connected_components(graph, directed=False)
    smallest = np.full(groups, count, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(count))
    joined: NDArray[np.int64] = smallest[label]
    return joined


def _near_pairs(points: FloatArray, distance: float) -> NDArray[np.int64]:
    from scipy.spatial import cKDTree

    pairs: NDArray[np.int64] = cKDTree(points).query_pairs(distance, output_type="ndarray")
    return pairs.reshape(-1, 2)


def _is_proper(triangles: NDArray[np.integer]) -> Any:
    a, b, c = triangles.T
    return (a != b) & (b != c) & (c != a)


def _without_collapsed(triangles: NDArray[np.integer]) -> NDArray[np.integer]:
    proper: NDArray[np.integer] = triangles[_is_proper(triangles)]
    return proper


def _corner_normals(vertices: FloatArray, faces: IntArray, normals: FloatArray) -> FloatArray:
    """Surface normals, except at singular points (a cone's apex) where they miss the facet: there the facet's own."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    facet = _unit(np.cross(b - a, c - a))[:, None, :]
    agrees = np.einsum("fij,fij->fi", normals, np.broadcast_to(facet, normals.shape)) > _SINGULAR_COSINE
    corners: FloatArray = np.where(agrees[..., None], normals, facet)
    return corners


def _unit(normals: NDArray[np.floating]) -> FloatArray:
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    unit: FloatArray = normals / np.where(length > 0, length, 1.0)
    return unit
