"""A twin as one triangle soup with looks, ready for rays."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model import Appearance, Mesh, Part, Pose, Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.looks import part_looks
from physicl_twin.render.normals import corner_normals
from physicl_twin.render.textures import srgb_to_linear
from physicl_twin.render.thin import thinned

Show = Literal["appearance", "parts", "colliders", "material"]

#: Sharp edges of meshes without normals, degrees; the same judgement as ``[usd] crease_angle_deg``.
CREASE_DEG = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """World-space triangles, metres, Z up.

    Attributes:
        vertices: (V, 3).
        faces: (F, 3).
        normals: (F, 3, 3) shading normals at the corners.
        uvs: (F, 3, 2); zero where a shape has none.
        colors: (V, 3) linear vertex colours; -1 where a shape has none.
        look: (F,) index into ``looks``.
        looks: Appearances.
    """

    vertices: FloatArray
    faces: NDArray[np.int64]
    normals: FloatArray
    uvs: FloatArray
    colors: FloatArray
    look: NDArray[np.int32]
    looks: tuple[Appearance, ...]

    @property
    def bounds(self) -> FloatArray:
        """(2, 3) minimum and maximum corner."""
        return np.array([self.vertices.min(axis=0), self.vertices.max(axis=0)])


def surface_scene(twin: Twin, show: Show, settings: dict[str, Any]) -> Scene | None:
    """The twin's surfaces; None when it has no triangles.

    Args:
        twin: Shapes without a mesh are left out.
        show: What decides the colours; ``colliders`` gives a pale surface.
        settings: ``[render]``.
    """
    placed = [
        (part, body.pose.compose(part.pose), mesh)
        for body in twin.bodies
        for part in body.parts
        if part.visible and (mesh := twin.shape(part.shape).mesh) is not None and len(mesh.faces)
    ]
    if not placed:
        return None
    meshes = thinned([(mesh, pose) for _, pose, mesh in placed], int(settings["max_faces"]))
    pieces: list[Scene] = []
    for index, ((part, pose, _), mesh) in enumerate(zip(placed, meshes, strict=True)):
        if len(mesh.faces):
            looks = _looks(twin, part, index, show, settings["looks"])
            pieces.append(_piece(mesh, pose, looks, colored=show == "appearance"))
    return _joined(pieces) if pieces else None


def collider_scene(twin: Twin) -> Scene | None:
    """The twin's colliders, each with a colour of its own; None when it has none."""
    pieces: list[Scene] = []
    for body in twin.bodies:
        for part in body.parts:
            for collider in part.collision.colliders if part.collision else ():
                mesh = collider_mesh(collider.kind, collider.size_m, collider.hull)
                if mesh is not None:
                    look = Appearance(collider.name, palette_color(len(pieces)), 0.0, 0.55)
                    pose = body.pose.compose(part.pose).compose(collider.pose)
                    pieces.append(_piece(mesh, pose, (look,), colored=False))
    return _joined(pieces) if pieces else None


def collider_mesh(kind: str, size_m: tuple[float, ...], hull: Mesh | None) -> Mesh | None:
    """Triangles of a collider in its own frame; None for a hull that is not loaded."""
    from trimesh import creation

    if kind == "hull":
        return replace(hull, normals=None, uvs=None) if hull is not None else None
    if kind == "box":
        made = creation.box(size_m)
    elif kind == "sphere":
        made = creation.icosphere(subdivisions=3, radius=size_m[0])
    elif kind == "capsule":
        made = creation.capsule(height=size_m[1], radius=size_m[0], count=[32, 16])
        made.apply_translation(-made.bounds.mean(axis=0))
    else:
        made = creation.cylinder(radius=size_m[0], height=size_m[1], sections=48)
    return Mesh(np.asarray(made.vertices, dtype=float), np.asarray(made.faces, dtype=np.int32))


def palette_color(index: int) -> tuple[float, float, float]:
    """Linear RGB of the n-th category: hues a golden angle apart, in turn lighter and darker."""
    hue = (0.58 + 0.61803398875 * index) % 1.0
    lightness = (0.50, 0.60, 0.43)[index % 3]
    red, green, blue = (float(v) for v in srgb_to_linear(np.array(colorsys.hls_to_rgb(hue, lightness, 0.62))))
    return red, green, blue


def _looks(twin: Twin, part: Part, index: int, show: Show, table: dict[str, Any]) -> tuple[Appearance, ...]:
    if show == "appearance":
        return part_looks(twin, part, table)
    if show == "parts":
        return (Appearance(part.name, palette_color(index), 0.0, 0.5),)
    if show == "material":
        names = [material.name for material in twin.materials]
        position = names.index(part.material) if part.material in names else len(names)
        return (Appearance(part.material, palette_color(position), 0.0, 0.5),)
    return (Appearance("ghost", (0.40, 0.41, 0.43), 0.0, 0.7),)


def _piece(mesh: Mesh, pose: Pose, looks: tuple[Appearance, ...], *, colored: bool) -> Scene:
    faces = np.asarray(mesh.faces, dtype=np.int64)
    look = np.zeros(len(faces), dtype=np.int32)
    if len(looks) > 1 and mesh.face_appearance is not None:
        look = np.clip(np.asarray(mesh.face_appearance, dtype=np.int32), 0, len(looks) - 1)
    normals = corner_normals(mesh, CREASE_DEG) @ pose.rotation().T
    uvs = np.zeros((len(faces), 3, 2)) if mesh.uvs is None else np.asarray(mesh.uvs, dtype=float)
    colors = np.full((len(mesh.vertices), 3), -1.0)
    if colored and mesh.vertex_colors is not None:
        colors = np.clip(np.asarray(mesh.vertex_colors, dtype=float), 0.0, 1.0)
    if mesh.uvs is None:
        # Without coordinates a texture has no place on the mesh.
        looks = tuple(replace(entry, textures=()) for entry in looks)
    return Scene(pose.apply(mesh.vertices), faces, normals, uvs, colors, look, looks)


def _joined(pieces: list[Scene]) -> Scene:
    looks: dict[Appearance, int] = {}
    indices = [np.array([looks.setdefault(entry, len(looks)) for entry in piece.looks]) for piece in pieces]
    starts = np.cumsum([0] + [len(piece.vertices) for piece in pieces[:-1]])
    return Scene(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.faces + start for piece, start in zip(pieces, starts, strict=True)]),
        np.concatenate([piece.normals for piece in pieces]),
        np.concatenate([piece.uvs for piece in pieces]),
        np.concatenate([piece.colors for piece in pieces]),
        np.concatenate([index[piece.look] for piece, index in zip(pieces, indices, strict=True)]).astype(np.int32),
        tuple(looks),
    )
