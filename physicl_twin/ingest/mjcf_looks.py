"""Materials, textures and colours of MJCF."""

from __future__ import annotations

from pathlib import Path

from physicl_twin.ingest.builder import SceneBuilder
from physicl_twin.ingest.guards import source_of
from physicl_twin.ingest.looks import linear_color, unit_interval
from physicl_twin.ingest.mjcf_model import MjcfGeom, MjcfLook, MjcfModel, Numbers
from physicl_twin.model import Appearance, Texture
from physicl_twin.model.twin import SourceRole

#: MuJoCo's colour of a geom that has none written (XML reference, geom/rgba).
_DEFAULT = (0.5, 0.5, 0.5, 1.0)
#: MuJoCo hands shininess times this to OpenGL as the Phong exponent (visual/render_gl3.c).
_SHININESS = 128.0


class Looks:
    """Looks of the geoms of a model.

    Args:
        builder: Textures and notes go there.
        model: The model.
    """

    def __init__(self, builder: SceneBuilder, model: MjcfModel) -> None:
        self._builder = builder
        self._model = model
        self._textures: dict[str, Texture | None] = {}
        self._files = {name or Path(path).stem: path for kind, path, name in model.files if kind == "texture"}

    def of(self, geom: MjcfGeom, has_uvs: bool) -> Appearance | None:
        """Look of a geom; None when the file says nothing about it.

        A colour that is written for the geom itself overrules its material's, as in MuJoCo.
        """
        own = geom.rgba if _differs(geom.rgba) else None
        if geom.look < 0:
            return None if own is None else _plain(own)
        return self._made(self._model.looks[geom.look], own, has_uvs)

    def _made(self, look: MjcfLook, own: Numbers | None, has_uvs: bool) -> Appearance:
        red, green, blue, alpha = own or look.rgba
        texture = None
        if look.texture_name:
            texture = self._texture(look) if has_uvs and look.flat else None
            if texture is None and look.mean is not None:
                red, green, blue = (c * m for c, m in zip((red, green, blue), look.mean, strict=True))
                message = f"The texture of {look.name!r} became its mean colour on shapes without coordinates for it."
                self._builder.note("texture_simplified", "info", message)
        # Phong exponent to roughness: Blinn's relation alpha² = 2 / (n + 2), with roughness = sqrt(alpha).
        gloss = (2.0 / (max(look.shininess, 0.0) * _SHININESS + 2.0)) ** 0.25
        return Appearance(
            name=look.name or "material",
            base_color=linear_color(red, green, blue),
            metallic=unit_interval(look.metallic, 0.0) if look.metallic >= 0 else 0.0,
            roughness=unit_interval(look.roughness, gloss) if look.roughness >= 0 else unit_interval(gloss, 0.6),
            opacity=unit_interval(alpha, 1.0) or 1.0,
            emissive=linear_color(*(look.emission * c for c in (red, green, blue))),
            textures=(texture,) if texture else (),
            source_name=look.name,
        )

    def _texture(self, look: MjcfLook) -> Texture | None:
        """The image file of a material; None for one that MuJoCo draws itself."""
        path = self._files.get(look.texture_name)
        if path is None:
            return None
        if path not in self._textures:
            file = Path(path)
            self._textures[path] = self._builder.texture("base_color", file.name, file.read_bytes())
        return self._textures[path]

    def record_sources(self) -> None:
        """Record the files that the model's assets came from."""
        for kind, path, _ in self._model.files:
            role: SourceRole = "texture" if kind == "texture" else "reference"
            file = Path(path).resolve()
            self._builder.add_sources(file, (source_of(file, role, file.parent),))


def _differs(rgba: Numbers) -> bool:
    return any(abs(a - b) > 1e-6 for a, b in zip(rgba, _DEFAULT, strict=True))


def _plain(rgba: Numbers) -> Appearance:
    red, green, blue, alpha = rgba
    code = "".join(f"{round(255 * unit_interval(c, 0.5)):02X}" for c in (red, green, blue))
    opacity = unit_interval(alpha, 1.0) or 1.0
    return Appearance(name=f"color {code}", base_color=linear_color(red, green, blue), opacity=opacity)
