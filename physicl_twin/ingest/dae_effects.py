"""Effects, materials and images of COLLADA 1.4 and 1.5."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.looks import linear_color, unit_interval
from physicl_twin.model import Appearance, Texture
from physicl_twin.model.geometry import Vector3
from physicl_twin.model.material import TextureSlot

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SHADERS = ("phong", "blinn", "lambert", "constant")


class EffectReader:
    """Turns materials into registered looks, each once.

    Args:
        by_id: Elements of the document by id.
        builder: Registers looks and loads images.
    """

    def __init__(self, by_id: dict[str, Element], builder: SceneBuilder) -> None:
        self._by_id = by_id
        self._builder = builder
        self._looks: dict[str, str] = {}

    def look(self, material_id: str) -> str:
        """Name of the look of a material; empty when there is no such material."""
        if material_id not in self._looks:
            element = self._by_id.get(material_id)
            self._looks[material_id] = (
                "" if element is None else self._builder.look(self._appearance(element, material_id))
            )
        return self._looks[material_id]

    def _appearance(self, material: Element, material_id: str) -> Appearance:
        name = material.get("name") or material_id
        instance = material.find("instance_effect")
        effect = self._by_id.get((instance.get("url") or "").lstrip("#")) if instance is not None else None
        shader = None
        if effect is not None:
            shader = next((s for tag in _SHADERS if (s := effect.find(f".//technique/{tag}")) is not None), None)
        if effect is None or shader is None:
            return Appearance(name, source_name=name)
        textures: list[Texture] = []
        base = self._input(shader, "diffuse", "base_color", effect, textures)
        emission = self._input(shader, "emission", "emissive", effect, textures)
        return Appearance(
            name=name,
            base_color=base or ((1.0, 1.0, 1.0) if any(t.slot == "base_color" for t in textures) else (0.5, 0.5, 0.5)),
            roughness=_roughness(shader),
            opacity=_opacity(shader),
            emissive=emission or (0.0, 0.0, 0.0),
            textures=tuple(textures),
            source_name=name,
            double_sided=(effect.findtext(".//double_sided") or "").strip() == "1",
        )

    def _input(
        self, shader: Element, tag: str, slot: TextureSlot, effect: Element, textures: list[Texture]
    ) -> Vector3 | None:
        """Linear colour of a channel, or None; a texture is appended instead.

        Colours are taken as sRGB, as viewers show them (our judgement).
        """
        channel = shader.find(tag)
        if channel is None:
            return None
        texture = channel.find("texture")
        if texture is not None:
            uri = self._image_uri(texture.get("texture") or "", effect)
            loaded = self._builder.texture_file(slot, uri, self._builder.path.name) if uri else None
            if loaded is not None:
                textures.append(loaded)
            return None
        values = _numbers(channel.findtext("color"))
        return linear_color(values[0], values[1], values[2]) if len(values) >= 3 else None

    def _image_uri(self, sampler: str, effect: Element) -> str:
        """File of a texture: sampler, then surface, then image; some writers name the image at once."""
        image_id = sampler
        parameters = {p.get("sid"): p for p in effect.iter("newparam")}
        for _ in range(3):
            parameter = parameters.get(image_id)
            if parameter is None:
                break
            source = parameter.findtext(".//sampler2D/source") or parameter.findtext(".//surface/init_from")
            instance = parameter.find(".//sampler2D/instance_image")
            image_id = (source or "").strip() or (
                (instance.get("url") or "").lstrip("#") if instance is not None else ""
            )
        image = self._by_id.get(image_id)
        if image is None:
            return ""
        return (image.findtext("init_from/ref") or image.findtext("init_from") or "").strip()


def _numbers(text: str | None) -> list[float]:
    try:
        values = [float(word) for word in (text or "").split()]
    except ValueError:
        return []
    return values if all(math.isfinite(v) for v in values) else []


def _roughness(shader: Element) -> float:
    """From the Phong exponent, as in ``mtl``; exponents below 1 are a share of 128, as some writers keep them."""
    values = _numbers(shader.findtext("shininess/float"))
    if not values or values[0] < 0:
        return 0.6
    exponent = values[0] * 128.0 if values[0] <= 1.0 else values[0]
    return math.sqrt(math.sqrt(2.0 / (exponent + 2.0)))


def _opacity(shader: Element) -> float:
    """Opacity by COLLADA's A_ONE and RGB_ZERO rules; an invisible surface is a writer's mistake and opaque."""
    transparent = shader.find("transparent")
    share = unit_interval((_numbers(shader.findtext("transparency/float")) or [1.0])[0], 1.0)
    color = _numbers(transparent.findtext("color")) if transparent is not None else []
    if len(color) < 4:
        return 1.0
    if transparent is not None and transparent.get("opaque") == "RGB_ZERO":
        luminance = (
            0.212671 * color[0] + 0.715160 * color[1] + 0.072169 * color[2]
        )  # COLLADA 1.4.1, chapter "Determining Transparency"
        opacity = 1.0 - luminance * share
    else:
        opacity = color[3] * share
    return unit_interval(opacity, 1.0) or 1.0
