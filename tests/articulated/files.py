"""Mechanisms as files: triangles by manifold3d, STEP by the CAD kernel, at any coordinates."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.articulated.recipe import Array, Mechanism, Piece, Primitive

#: Triangles around a full circle.
SEGMENTS = 48
#: Z up to glTF's Y up.
TO_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def _along(primitive: Primitive) -> tuple[Array, float]:
    """(4, 4) placement of a z-aligned cylinder and its length."""
    a, b = np.array(primitive.a), np.array(primitive.b)
    length = float(np.linalg.norm(b - a))
    z = (b - a) / length
    x = np.cross(z, np.eye(3)[int(np.argmin(np.abs(z)))])
    x /= np.linalg.norm(x)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    matrix[:3, 3] = a
    return matrix, length


def _manifold(primitive: Primitive) -> Any:
    import manifold3d

    if primitive.kind == "box":
        size = np.subtract(primitive.b, primitive.a)
        made = manifold3d.Manifold.cube(tuple(size)).translate(primitive.a)
    elif primitive.kind == "ball":
        made = manifold3d.Manifold.sphere(primitive.radius, SEGMENTS).translate(primitive.a)
    else:
        matrix, length = _along(primitive)
        made = manifold3d.Manifold.cylinder(length, primitive.radius, primitive.radius, SEGMENTS).transform(matrix[:3])
    return made if primitive.frame is None else made.transform(primitive.matrix()[:3])


@lru_cache(maxsize=4096)
def triangles(piece: Piece) -> tuple[Array, np.ndarray]:
    """(V, 3) metres in the object's frame at rest and (F, 3)."""
    made = _manifold(piece.joined[0])
    for primitive in piece.joined[1:]:
        made += _manifold(primitive)
    for primitive in piece.cut:
        made -= _manifold(primitive)
    mesh = made.to_mesh64()
    return np.array(mesh.vert_properties[:, :3]), np.array(mesh.tri_verts, dtype=np.int32)


def placements(mechanism: Mechanism, q: dict[str, float]) -> list[Array]:
    """(4, 4) displacement of each piece."""
    moved = mechanism.displacements(q)
    return [moved[piece.body] for piece in mechanism.pieces]


def write_glb(mechanism: Mechanism, path: Path, q: dict[str, float] | None = None, baked: bool = False) -> Path:
    """One node a piece; its frame stands in the middle of the piece. ``baked``: vertices moved, no node transforms."""
    import trimesh

    scene = trimesh.Scene()
    for piece, moved in zip(mechanism.pieces, placements(mechanism, q or {}), strict=True):
        vertices, faces = triangles(piece)
        origin = np.eye(4)
        if baked:
            vertices, moved = vertices @ moved[:3, :3].T + moved[:3, 3], np.eye(4)
        else:
            origin[:3, 3] = np.round((vertices.min(axis=0) + vertices.max(axis=0)) / 2, 4)
        local = (vertices - origin[:3, 3]) @ TO_Y_UP[:3, :3].T
        node = TO_Y_UP @ moved @ origin @ TO_Y_UP.T
        mesh = trimesh.Trimesh(local, faces, process=False)
        scene.add_geometry(mesh, node_name=piece.name, geom_name=f"{piece.name}_mesh", transform=node)
    path.write_bytes(scene.export(file_type="glb"))
    return path


def write_fused_glb(mechanism: Mechanism, path: Path, q: dict[str, float] | None = None) -> Path:
    """All pieces in one mesh of one node."""
    import trimesh

    made = []
    for piece, moved in zip(mechanism.pieces, placements(mechanism, q or {}), strict=True):
        vertices, faces = triangles(piece)
        there = vertices @ moved[:3, :3].T + moved[:3, 3]
        made.append(trimesh.Trimesh(there @ TO_Y_UP[:3, :3].T, faces, process=False))
    whole = trimesh.util.concatenate(made)
    scene = trimesh.Scene()
    scene.add_geometry(whole, node_name=mechanism.name, geom_name=mechanism.name)
    path.write_bytes(scene.export(file_type="glb"))
    return path


def _solid(primitive: Primitive) -> Any:
    from OCP.BRepBuilderAPI import BRepBuilderAPI_Transform
    from OCP.BRepPrimAPI import BRepPrimAPI_MakeBox, BRepPrimAPI_MakeCylinder, BRepPrimAPI_MakeSphere
    from OCP.gp import gp_Ax2, gp_Dir, gp_Pnt, gp_Trsf

    a, b = 1000 * np.array(primitive.a), 1000 * np.array(primitive.b)
    if primitive.kind == "box":
        made = BRepPrimAPI_MakeBox(gp_Pnt(*a), gp_Pnt(*b)).Shape()
    elif primitive.kind == "ball":
        made = BRepPrimAPI_MakeSphere(gp_Pnt(*a), 1000 * primitive.radius).Shape()
    else:
        along = b - a
        made = BRepPrimAPI_MakeCylinder(
            gp_Ax2(gp_Pnt(*a), gp_Dir(*along)), 1000 * primitive.radius, float(np.linalg.norm(along))
        ).Shape()
    if primitive.frame is None:
        return made
    matrix = primitive.matrix()
    matrix[:3, 3] *= 1000
    transform = gp_Trsf()
    transform.SetValues(*(float(v) for v in matrix[:3].ravel()))
    return BRepBuilderAPI_Transform(made, transform, True).Shape()


@lru_cache(maxsize=512)
def solid(piece: Piece) -> Any:
    """The piece for the CAD kernel, millimetres."""
    from OCP.BRepAlgoAPI import BRepAlgoAPI_Cut, BRepAlgoAPI_Fuse

    made = _solid(piece.joined[0])
    for primitive in piece.joined[1:]:
        made = BRepAlgoAPI_Fuse(made, _solid(primitive)).Shape()
    for primitive in piece.cut:
        made = BRepAlgoAPI_Cut(made, _solid(primitive)).Shape()
    return made


def write_step(mechanism: Mechanism, path: Path, q: dict[str, float] | None = None, unit: str = "mm") -> Path:
    """An assembly with a component a piece."""
    from tests.ingest.cad_writer import Item
    from tests.ingest.cad_writer import write_step as write

    members = []
    for piece, moved in zip(mechanism.pieces, placements(mechanism, q or {}), strict=True):
        matrix = moved.copy()
        matrix[:3, 3] *= 1000
        members.append((Item(piece.name, solid(piece)), matrix, piece.name))
    return write(Item(mechanism.name, members=members), path, unit)
