"""Looks of a USD stage: UsdPreviewSurface (and OmniPBR's plain inputs) with their textures, as Appearances."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.looks import unit_interval
from physicl_twin.ingest.usd_assets import AssetArea
from physicl_twin.model import Appearance, Texture
from physicl_twin.model.geometry import Vector3
from physicl_twin.model.material import TextureSlot

#: Input of UsdPreviewSurface, OmniPBR's constant and texture for the same, and the slot of its texture.
_INPUTS: dict[str, tuple[str, str, TextureSlot]] = {
    "diffuseColor": ("diffuse_color_constant", "diffuse_texture", "base_color"),
    "metallic": ("metallic_constant", "metallic_texture", "metallic"),
    "roughness": ("reflection_roughness_constant", "reflectionroughness_texture", "roughness"),
    "opacity": ("opacity_constant", "opacity_texture", "opacity"),
    "emissiveColor": ("emissive_color", "emissive_color_texture", "emissive"),
    "normal": ("", "normalmap_texture", "normal"),
    "occlusion": ("", "ao_texture", "occlusion"),
}


class Looks:
    """Reads the materials of a stage, each once.

    Args:
        builder: Receives looks and notes.
        area: Where textures may lie.
        time: ``Usd.TimeCode``.
    """

    def __init__(self, builder: SceneBuilder, area: AssetArea, time: Any) -> None:
        self._builder = builder
        self._area = area
        self._time = time
        self._made: dict[str, str] = {}

    def bound(self, prim: Any) -> str:
        """Name of the look of the material bound to a prim or subset; empty without one."""
        from pxr import UsdShade

        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
        if not material:
            return ""
        path = str(material.GetPath())
        if path not in self._made:
            self._made[path] = self._builder.look(self._appearance(material))
        return self._made[path]

    def plain(self, color: Vector3) -> str:
        """Name of a look of one colour."""
        code = "".join(f"{round(255 * channel):02X}" for channel in color)
        return self._builder.look(Appearance(f"color_{code}", base_color=color))

    def _appearance(self, material: Any) -> Appearance:
        name = material.GetPrim().GetDisplayName() or material.GetPrim().GetName()
        shader = material.ComputeSurfaceSource()[0] or material.ComputeSurfaceSource("mdl")[0]
        if not shader:
            return Appearance(name, source_name=name)
        textures: dict[TextureSlot, Texture] = {}
        values = {}
        for key, (constant, image, slot) in _INPUTS.items():
            values[key] = self._value(shader, key, constant)
            texture, value = self._texture(shader, key, image, slot)
            if texture is not None:
                textures[texture.slot] = texture
                values[key] = value
        merged = _merge_metallic_roughness(textures)
        base = _color(values["diffuseColor"], (1.0, 1.0, 1.0) if "base_color" in textures else (0.18, 0.18, 0.18))
        return Appearance(
            name=name,
            base_color=base,
            metallic=unit_interval(values["metallic"], 1.0 if "metallic" in textures else 0.0),
            roughness=unit_interval(values["roughness"], 1.0 if "roughness" in textures else 0.5),
            opacity=unit_interval(values["opacity"], 1.0) or 1.0,
            emissive=_color(values["emissiveColor"], (0.0, 0.0, 0.0)),
            textures=tuple(merged[slot] for slot in sorted(merged)),
            source_name=name,
        )

    def _value(self, shader: Any, key: str, constant: str) -> Any:
        for name in filter(None, (key, constant)):
            found = shader.GetInput(name)
            if found and not found.HasConnectedSource():
                value = found.Get(self._time)
                if value is not None:
                    return value
            elif found:
                # A connection to the material's interface carries its value; one to a texture has none.
                for attribute in found.GetValueProducingAttributes():
                    if attribute.GetName().startswith("inputs:"):
                        return attribute.Get(self._time)
        return None

    def _texture(self, shader: Any, key: str, image: str, slot: TextureSlot) -> tuple[Texture | None, Any]:
        """Texture of an input and the factor on it."""
        from pxr import UsdShade

        found = shader.GetInput(key)
        if found:
            for attribute in found.GetValueProducingAttributes():
                reader = UsdShade.Shader(attribute.GetPrim())
                if reader and reader.GetIdAttr().Get() == "UsdUVTexture":
                    file = reader.GetInput("file")
                    texture = self._image(file.GetAttr(), slot, reader) if file else None
                    scale = reader.GetInput("scale")
                    factor = scale.Get(self._time) if scale else None
                    return texture, factor[:3] if factor is not None and slot == "base_color" else None
        plain = shader.GetInput(image)
        return (self._image(plain.GetAttr(), slot, None), None) if plain else (None, None)

    def _image(self, attribute: Any, slot: TextureSlot, reader: Any) -> Texture | None:
        from pxr import UsdShade

        attributes = UsdShade.Utils.GetValueProducingAttributes(reader.GetInput("file")) if reader else [attribute]
        attribute = attributes[0] if attributes else attribute
        asset = attribute.Get(self._time)
        uri = str(getattr(asset, "path", "") or "")
        if not uri:
            return None
        if "<UDIM>" in uri:
            self._builder.note("texture_unreadable", "warning", f"The tiled texture {uri[:120]!r} (UDIM) is left out.")
            return None
        stack = attribute.GetPropertyStack(self._time)
        folder = next((Path(spec.layer.realPath).parent for spec in stack if spec.layer.realPath), self._area.root)
        target = self._area.locate(folder, uri)
        if target is None:
            return None
        return self._builder.texture(slot, target.name, target.read_bytes())


def _merge_metallic_roughness(textures: dict[TextureSlot, Texture]) -> dict[TextureSlot, Texture]:
    """One image that drives metallic and roughness (blue and green, as in glTF) is one texture."""
    metallic, roughness = textures.get("metallic"), textures.get("roughness")
    if metallic is None or roughness is None or metallic.sha256 != roughness.sha256:
        return textures
    kept = {slot: texture for slot, texture in textures.items() if slot not in ("metallic", "roughness")}
    kept["metallic_roughness"] = Texture("metallic_roughness", metallic.file, metallic.sha256, metallic.data)
    return kept


def _color(value: Any, default: Vector3) -> Vector3:
    try:
        red, green, blue = (float(channel) for channel in value)
    except (TypeError, ValueError):
        return default
    if not all(math.isfinite(channel) for channel in (red, green, blue)):
        return default
    return max(red, 0.0), max(green, 0.0), max(blue, 0.0)
