"""Materials of a URDF: colours and textures by name, and what a name says that a thing is made of."""

from __future__ import annotations

import numpy as np

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.description_xml import Element, numbers
from physicl_twin.ingest.guards import source_of
from physicl_twin.ingest.looks import linear_color
from physicl_twin.ingest.naming import words
from physicl_twin.ingest.packages import Resolver
from physicl_twin.model import Appearance, Texture

#: Words of material names that name a colour or nothing at all, also where a metal has the same name (judgement:
#: robots paint plastic "silver" and "gold").
_COLOUR_WORDS = frozenset((
    "amber", "azure", "beige", "black", "blue", "bright", "bronze", "brown", "chrome", "color", "colour", "cyan",
    "dark", "deep", "default", "glossy", "gold", "golden", "gray", "green", "grey", "indigo", "light", "lime",
    "magenta", "mat", "material", "matte", "medium", "metal", "navy", "none", "olive", "orange", "pale", "pink",
    "purple", "red", "rgba", "shiny", "silver", "tan", "teal", "turquoise", "very", "violet", "visual", "white",
    "yellow",
))  # fmt: skip


def stated_material(name: str) -> str:
    """The name of a material where it may say what a thing is made of; empty where it only names a colour."""
    named = [word for word in words(name) if not word.isdigit()]
    meaning = [word for word in named if word not in _COLOUR_WORDS and len(word) > 1]
    return name if meaning else ""


class UrdfLooks:
    """Looks of the materials of one URDF.

    Args:
        root: The ``robot`` element, whose own materials all links may name.
        builder: Of the main file.
        resolver: Finds textures.
    """

    def __init__(self, root: Element, builder: SceneBuilder, resolver: Resolver) -> None:
        self._builder = builder
        self._resolver = resolver
        self._named: dict[str, Appearance] = {}
        local = [m for link in root.all("link") for visual in link.all("visual") for m in visual.all("material")]
        # As urdfdom does: a material that only a link defines is known to all links.
        for element in [*root.all("material"), *local]:
            if element.name and element.children and element.name not in self._named:
                made = self._made(element)
                if made is not None:
                    self._named[element.name] = made

    def look(self, visual: Element) -> Appearance | None:
        """What a ``visual`` element looks like; None when it does not say."""
        element = visual.find("material")
        if element is None:
            return None
        own = self._made(element) if element.children else None
        if own is not None:
            return own
        if element.name and element.name not in self._named:
            message = f"{element.place}: the material {element.name[:80]!r} is defined nowhere."
            self._builder.note("material_undefined", "warning", message, "Define it in the robot.")
        return self._named.get(element.name)

    def _made(self, element: Element) -> Appearance | None:
        color, texture = element.find("color"), element.find("texture")
        rgba = None if color is None else color.get("rgba")
        textures = () if texture is None else self._texture(texture)
        if not rgba and not textures:
            return None
        name = element.name
        if not rgba:
            return Appearance(name, (1.0, 1.0, 1.0), textures=textures, source_name=stated_material(name))
        values = _rgba(rgba, color or element)
        if (values < 0).any() or (values > 1).any():
            message = f"{element.place}: the colour {rgba[:60]!r} goes beyond 0 to 1; it is clipped."
            self._builder.note("color_clipped", "info", message)
        red, green, blue, opacity = (float(v) for v in np.clip(values, 0.0, 1.0))
        return Appearance(
            name or "color",
            linear_color(red, green, blue),
            opacity=opacity,
            textures=textures,
            source_name=stated_material(name),
        )

    def _texture(self, element: Element) -> tuple[Texture, ...]:
        uri = element.get("filename")
        path = self._resolver.find(uri, self._builder.path.name, what="texture") if uri else None
        if path is None:
            return ()
        if path.stat().st_size > self._builder.settings.max_texture_bytes:
            self._builder.note(
                "texture_too_large", "warning", f"The texture {path.name!r} is left out: it is too large."
            )
            return ()
        made = self._builder.texture("base_color", path.name, path.read_bytes())
        if made is None:
            return ()
        self._builder.add_sources(path, (source_of(path, "texture"),))
        return (made,)


def _rgba(text: str, element: Element) -> np.ndarray:
    """(4,) components; opacity 1 where only three are given."""
    if len(text.split()) == 3:
        text = f"{text} 1"
    return numbers(text, 4, "colour", element)
