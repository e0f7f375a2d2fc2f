"""Materials of SDFormat: colours, and maps of its physically based materials."""

from __future__ import annotations

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import Element, number, numbers
from physicl_twin.ingest.guards import source_of
from physicl_twin.ingest.looks import linear_color
from physicl_twin.ingest.mechanism import Leftovers
from physicl_twin.ingest.packages import Resolver
from physicl_twin.model import Appearance, Texture
from physicl_twin.model.material import TextureSlot

_MAPS: tuple[tuple[str, TextureSlot], ...] = (
    ("albedo_map", "base_color"),
    ("normal_map", "normal"),
    ("metalness_map", "metallic"),
    ("roughness_map", "roughness"),
    ("emissive_map", "emissive"),
)


def look_of(
    visual: Element, builder: SceneBuilder, resolver: Resolver, leftovers: Leftovers, link: str
) -> Appearance | None:
    """What a ``visual`` looks like; None when it does not say.

    Raises:
        SourceError: ``number_invalid``, ``reference_escapes``.
    """
    transparency = visual.words("transparency")
    clear = number(transparency, f"transparency of {link!r}", visual) if transparency else 0.0
    material = visual.find("material")
    if material is None:
        return None
    if (script := material.find("script")) is not None:
        leftovers.add("material/script", script.words("name") or link)
    metal = material.find("pbr/metal")
    colour = material.words("diffuse") or material.words("ambient")
    if not colour and metal is None:
        return None
    values = _rgba(colour or "1 1 1 1", material)
    red, green, blue, opacity = (float(v) for v in np.clip(values, 0.0, 1.0))
    glow = np.clip(_rgba(material.words("emissive") or "0 0 0 1", material), 0.0, 1.0)
    look = Appearance(
        f"{link} color",
        linear_color(red, green, blue),
        opacity=opacity * float(np.clip(1.0 - clear, 0.0, 1.0)),
        emissive=linear_color(*(float(v) for v in glow[:3])),
        double_sided=(material.words("double_sided") or "").lower() in ("true", "1"),
    )
    return look if metal is None else _metal(look, metal, builder, resolver, link)


def _metal(look: Appearance, metal: Element, builder: SceneBuilder, resolver: Resolver, link: str) -> Appearance:
    textures = []
    for tag, slot in _MAPS:
        uri = metal.words(tag)
        made = _texture(slot, uri, builder, resolver) if uri else None
        if made is not None:
            textures.append(made)
    metallic = number(metal.words("metalness") or "0.5", f"metalness of {link!r}", metal)
    rough = number(metal.words("roughness") or "0.5", f"roughness of {link!r}", metal)
    return Appearance(
        look.name,
        look.base_color,
        metallic=float(np.clip(metallic, 0.0, 1.0)),
        roughness=float(np.clip(rough, 0.0, 1.0)),
        opacity=look.opacity,
        emissive=look.emissive,
        textures=tuple(textures),
        double_sided=look.double_sided,
    )


def _texture(slot: TextureSlot, uri: str, builder: SceneBuilder, resolver: Resolver) -> Texture | None:
    path = resolver.find(uri, builder.path.name, what="texture")
    if path is None or path.stat().st_size > builder.settings.max_texture_bytes:
        return None
    made = builder.texture(slot, path.name, path.read_bytes())
    if made is not None:
        builder.add_sources(path, (source_of(path, "texture"),))
    return made


def _rgba(text: str, element: Element) -> np.ndarray:
    """(4,) components; opacity 1 where only three are given."""
    return numbers(f"{text} 1" if len(text.split()) == 3 else text, 4, "colour", element)
