"""Materials of glTF 2.0: metallic-roughness, and specular-glossiness turned into it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from physicl_twin.ingest.gltf_buffers import GltfFile
from physicl_twin.ingest.looks import unit_interval
from physicl_twin.model import Appearance, Texture
from physicl_twin.model.geometry import FloatArray, Vector3
from physicl_twin.model.material import TextureSlot


@dataclass(frozen=True, slots=True)
class GltfMaterial:
    """A look and how its texture coordinates are found.

    Attributes:
        look: Name of the registered appearance.
        uv_set: Index of the TEXCOORD attribute of its textures.
        uv_transform: (3, 3) transform of (u, v, 1) in glTF's v-down convention, or None.
    """

    look: str
    uv_set: int = 0
    uv_transform: FloatArray | None = None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _color(value: Any, default: Vector3) -> Vector3:
    """Linear colour; glTF factors are linear (3.9.2)."""
    if not isinstance(value, list) or len(value) < 3:
        return default
    return unit_interval(value[0], default[0]), unit_interval(value[1], default[1]), unit_interval(value[2], default[2])


class MaterialReader:
    """Reads each material of a file once."""

    def __init__(self, file: GltfFile) -> None:
        self._file = file
        self._known: dict[int, GltfMaterial] = {}
        self._images: dict[tuple[int, TextureSlot], Texture | None] = {}

    def material(self, index: Any) -> GltfMaterial | None:
        """The material of a primitive; None when it has none."""
        if index is None:
            return None
        entry = self._file.item("materials", index)
        if index not in self._known:
            self._known[index] = self._read(entry, int(index))
        return self._known[index]

    def _read(self, entry: dict[str, Any], index: int) -> GltfMaterial:
        pbr = _object(entry.get("pbrMetallicRoughness"))
        gloss = _object(_object(entry.get("extensions")).get("KHR_materials_pbrSpecularGlossiness"))
        if gloss and not pbr:
            pbr = {
                "baseColorFactor": gloss.get("diffuseFactor", [1, 1, 1, 1]), "metallicFactor": 0.0,
                "roughnessFactor": 1.0 - unit_interval(gloss.get("glossinessFactor"), 1.0),
                "baseColorTexture": gloss.get("diffuseTexture"),
            }  # fmt: skip
        factor = pbr.get("baseColorFactor")
        alpha = unit_interval(factor[3], 1.0) if isinstance(factor, list) and len(factor) > 3 else 1.0
        slots: list[tuple[TextureSlot, Any]] = [
            ("base_color", pbr.get("baseColorTexture")),
            ("metallic_roughness", pbr.get("metallicRoughnessTexture")),
            ("normal", entry.get("normalTexture")),
            ("occlusion", entry.get("occlusionTexture")),
            ("emissive", entry.get("emissiveTexture")),
        ]
        textures = [(slot, _object(info)) for slot, info in slots if isinstance(info, dict)]
        loaded = [t for slot, info in textures if (t := self._texture(slot, info.get("index"))) is not None]
        mode = entry.get("alphaMode", "OPAQUE")
        if mode != "OPAQUE" and any(t.slot == "base_color" for t in loaded):
            self._file.builder.note(
                "alpha_texture_ignored", "info", "Transparency painted into a base colour texture is not kept."
            )
        name = str(entry.get("name") or "")
        look = self._file.builder.look(
            Appearance(
                name=name or f"material_{index}",
                base_color=_color(factor, (1.0, 1.0, 1.0)),
                metallic=unit_interval(pbr.get("metallicFactor"), 1.0),
                roughness=unit_interval(pbr.get("roughnessFactor"), 1.0),
                opacity=1.0 if mode == "OPAQUE" else alpha,
                emissive=_color(entry.get("emissiveFactor"), (0.0, 0.0, 0.0)),
                textures=tuple(loaded),
                source_name=name,
                double_sided=bool(entry.get("doubleSided", False)),
            )
        )
        first = textures[0][1] if textures else {}
        extension = _object(_object(first.get("extensions")).get("KHR_texture_transform"))
        uv_set = extension.get("texCoord", first.get("texCoord", 0))
        return GltfMaterial(look, uv_set if isinstance(uv_set, int) else 0, _uv_transform(extension))

    def _texture(self, slot: TextureSlot, index: Any) -> Texture | None:
        source = self._file.item("textures", index).get("source")
        if source is None:
            self._file.builder.note(
                "texture_unreadable", "warning", "A texture in a compressed GPU format is left out."
            )
            return None
        image = self._file.item("images", source)
        key = (int(source), slot)
        if key not in self._images:
            self._images[key] = self._image(slot, image, int(source))
        return self._images[key]

    def _image(self, slot: TextureSlot, image: dict[str, Any], index: int) -> Texture | None:
        builder = self._file.builder
        uri = image.get("uri")
        name = str(
            image.get("name")
            or (PurePosixPath(uri).name if isinstance(uri, str) and not uri.startswith("data:") else "")
        )
        name = name or f"texture_{index}"
        if isinstance(uri, str) and not uri.startswith("data:"):
            return builder.texture_file(slot, uri, self._file.name)
        data = self._file.data_uri(uri) if isinstance(uri, str) else bytes(self._file.view(image.get("bufferView"))[0])
        return builder.texture(slot, name, data)


def _uv_transform(extension: dict[str, Any]) -> FloatArray | None:
    """Translation times rotation times scale, as KHR_texture_transform defines them."""
    if not extension:
        return None
    try:
        u, v = (float(x) for x in extension.get("offset", (0.0, 0.0)))
        su, sv = (float(x) for x in extension.get("scale", (1.0, 1.0)))
        angle = float(extension.get("rotation", 0.0))
    except (TypeError, ValueError):
        return None
    c, s = math.cos(angle), math.sin(angle)
    matrix = (
        np.array([[1.0, 0, u], [0, 1, v], [0, 0, 1]])
        @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        @ np.diag([su, sv, 1.0])
    )
    return matrix if np.isfinite(matrix).all() else None
