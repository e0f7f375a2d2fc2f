"""What a twin looks like, for formats that know one material a mesh and sRGB colours: pieces, looks, PNG textures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from physicl_twin.deploy.obj_mesh import write_obj
from physicl_twin.model import Mesh, Note, Pose, Texture
from physicl_twin.model.errors import UsdError
from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.normals import corner_normals
from physicl_twin.render.textures import linear_to_srgb, mean_color
from physicl_twin.usd.layout import Layout, LookPlan, PartPlan
from physicl_twin.usd.names import Names


@dataclass(frozen=True, slots=True)
class Look:
    """A material as MJCF and MTL know it.

    Attributes:
        name: Unique in the export.
        appearance: Name of the twin's appearance that it shows.
        rgba: sRGB colour and opacity, 0..1; multiplies the texture.
        metallic: 0..1.
        roughness: 0..1.
        emission: 0..1, mean of the emitted colour.
        texture: PNG file in the export's textures folder; empty for none.
    """

    name: str
    appearance: str
    rgba: tuple[float, float, float, float]
    metallic: float
    roughness: float
    emission: float
    texture: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Triangles of one look, placed in a body.

    Attributes:
        name: Unique in the export.
        body: Name of the twin's body.
        pose: Of the mesh in the body frame.
        mesh: File name of the OBJ.
        look: What it looks like.
    """

    name: str
    body: str
    pose: Pose
    mesh: str
    look: Look


@dataclass(frozen=True, slots=True)
class Visuals:
    """All of it.

    Attributes:
        pieces: In the order of the twin's parts.
        looks: Each once.
        losses: What cannot be shown.
    """

    pieces: tuple[Piece, ...]
    looks: tuple[Look, ...]
    losses: tuple[Note, ...]


def write_visuals(layout: Layout, meshes: Path, textures: Path, crease_angle_deg: float, library: str = "") -> Visuals:
    """Write the render meshes and the colour textures of a twin.

    Args:
        layout: Of the twin.
        meshes: Folder of the OBJ files.
        textures: Folder of the PNG files.
        crease_angle_deg: For meshes without normals.
        library: MTL file that the meshes refer to, relative to ``meshes``; empty for none.
    """
    return _Writer(layout, meshes, textures, crease_angle_deg, library).write()


class _Writer:
    def __init__(self, layout: Layout, meshes: Path, textures: Path, crease_deg: float, library: str) -> None:
        self._layout, self._meshes, self._textures = layout, meshes, textures
        self._crease_deg, self._library = crease_deg, library
        self._losses: dict[str, Note] = {}
        self._looks: dict[str, Look] = {}
        self._files: dict[tuple[str, str], str] = {}
        self._images: dict[str, str] = {}
        self._normals: dict[str, FloatArray] = {}
        self._image_names, self._mesh_names, self._piece_names = Names(), Names(), Names()

    def write(self) -> Visuals:
        pieces = [
            piece for body in self._layout.bodies for part in body.parts for piece in self._part(body.body.name, part)
        ]
        return Visuals(tuple(pieces), tuple(self._looks.values()), tuple(self._losses.values()))

    def _part(self, body: str, plan: PartPlan) -> Iterator[Piece]:
        mesh = plan.shape.shape.mesh
        assert mesh is not None  # layout.require_complete
        name = plan.prim.rpartition("/")[2]
        subsets = plan.shape.subsets or ((0, ""),)
        for (index, subset), look in zip(subsets, plan.looks, strict=True):
            rows = (
                np.flatnonzero(mesh.face_appearance == index) if subset and mesh.face_appearance is not None else None
            )
            shown = self._look(look)
            file = self._mesh(plan, mesh, subset, rows, shown)
            piece = self._piece_names.unique(f"{name}_{subset}" if subset else name)
            yield Piece(piece, body, plan.part.pose, file, shown)

    def _mesh(self, plan: PartPlan, mesh: Mesh, subset: str, rows: NDArray[np.integer[Any]] | None, look: Look) -> str:
        # With a material library the file names its material, so that two looks of one shape are two files.
        key = (plan.shape.prim, f"{subset}:{look.name if self._library else ''}")
        if key not in self._files:
            stem = self._mesh_names.unique(f"{plan.shape.prim}_{subset}" if subset else plan.shape.prim)
            normals = self._normals_of(plan.shape.prim, mesh)
            keep = slice(None) if rows is None else rows
            uvs = None if mesh.uvs is None else mesh.uvs[keep]
            write_obj(
                self._meshes / f"{stem}.obj",
                mesh.vertices,
                mesh.faces[keep],
                uvs=uvs if look.texture else None,
                normals=normals[keep],
                material=look.name if self._library else "",
                library=self._library,
            )
            self._files[key] = f"{stem}.obj"
        return self._files[key]

    def _normals_of(self, shape: str, mesh: Mesh) -> FloatArray:
        if shape not in self._normals:
            self._normals[shape] = corner_normals(mesh, self._crease_deg)
        return self._normals[shape]

    def _look(self, plan: LookPlan) -> Look:
        if plan.prim not in self._looks:
            appearance = plan.appearance
            images = {texture.slot: texture for texture in appearance.textures} if plan.textured else {}
            painted = images.pop("base_color", None)
            color = appearance.base_color if painted else mean_color(appearance)
            if plan.vertex_colored:
                color = self._vertex_mean(plan)
                self._lose("vertex_colors", "Colours of single vertices became their mean: the format has none.")
            if images:
                slots = ", ".join(sorted(images))
                self._lose("texture_slots", f"Textures other than the colour ({slots}) were left out.")
            if painted and _transparent(painted):
                self._lose("texture_alpha", "Transparency inside a texture was left out.")
            red, green, blue = (round(float(v), 6) for v in linear_to_srgb(np.asarray(color)))
            self._looks[plan.prim] = Look(
                plan.prim,
                appearance.name,
                (red, green, blue, appearance.opacity),
                appearance.metallic,
                appearance.roughness,
                round(min(1.0, float(np.mean(appearance.emissive))), 6),
                self._image(painted) if painted else "",
            )
        return self._looks[plan.prim]

    def _vertex_mean(self, plan: LookPlan) -> tuple[float, float, float]:
        colors = [
            part.shape.shape.mesh.vertex_colors
            for body in self._layout.bodies
            for part in body.parts
            if plan in part.looks and part.shape.shape.mesh is not None
        ]
        mean = np.vstack([c for c in colors if c is not None]).mean(axis=0)
        return float(mean[0]), float(mean[1]), float(mean[2])

    def _image(self, texture: Texture) -> str:
        if texture.file not in self._images:
            name = self._image_names.unique_file(f"{Path(texture.file).stem}.png")
            self._textures.mkdir(parents=True, exist_ok=True)
            (self._textures / name).write_bytes(_png(texture))
            self._images[texture.file] = name
        return self._images[texture.file]

    def _lose(self, code: str, message: str) -> None:
        self._losses.setdefault(code, Note(code, "info", message))


def _png(texture: Texture) -> bytes:
    """The image as an RGB PNG of eight bits; the same bytes when it is one already.

    Raises:
        UsdError: ``texture_unreadable``.
    """
    assert texture.data is not None  # layout.require_complete
    try:
        with Image.open(io.BytesIO(texture.data)) as image:
            if image.format == "PNG" and image.mode == "RGB":
                return texture.data
            out = io.BytesIO()
            image.convert("RGB").save(out, "PNG", compress_level=6)
            return out.getvalue()
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UsdError(
            "texture_unreadable", f"The image {texture.file} cannot be decoded.", "Build the twin again."
        ) from error


def _transparent(texture: Texture) -> bool:
    assert texture.data is not None  # layout.require_complete
    try:
        with Image.open(io.BytesIO(texture.data)) as image:
            return "A" in image.getbands() and image.getchannel("A").getextrema()[0] != 255
    except (OSError, ValueError, Image.DecompressionBombError):
        return False  # _png speaks of it
