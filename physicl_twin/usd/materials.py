"""The material layer: UsdPreviewSurface looks with their textures, and physics materials."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from pxr import Gf, Sdf

from physicl_twin.model import Material, Texture
from physicl_twin.render.looks import DERIVED_PREFIX
from physicl_twin.usd import layers
from physicl_twin.usd.dictionary import to_dictionary
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import Layout, LookPlan

#: Root of the looks in the material layer.
LOOKS = "/Looks"
#: From the payloads folder to the textures.
_TEXTURES = "../textures/"
#: Slots that hold colours; the others hold numbers and are read raw.
_COLOR_SLOTS = ("base_color", "emissive")
#: Base materials that SimReady's non-visual sensor feature knows (NVM.002, simready-foundation-tier-core 2026.8.0).
NONVISUAL_BASES = frozenset(
    (
        "aluminum",
        "steel",
        "oxidized_steel",
        "iron",
        "oxidized_iron",
        "silver",
        "brass",
        "bronze",
        "oxidized_Bronze_Patina",
        "tin",
        "plastic",
        "fiberglass",
        "carbon_fiber",
        "vinyl",
        "plexiglass",
        "pvc",
        "nylon",
        "polyester",
        "clear_glass",
        "frosted_glass",
        "one_way_mirror",
        "mirror",
        "ceramic_glass",
        "asphalt",
        "concrete",
        "leaf_grass",
        "dead_leaf_grass",
        "rubber",
        "wood",
        "bark",
        "cardboard",
        "paper",
        "fabric",
        "skin",
        "fur_hair",
        "leather",
        "marble",
        "brick",
        "stone",
        "gravel",
        "dirt",
        "mud",
        "water",
        "salt_water",
        "snow",
        "ice",
        "calibration_lambertian",
    )
)


def material_layer(layout: Layout) -> Sdf.Layer:
    """The layer of visual materials, each a prim ``/Looks/<name>``."""
    layer = layers.new_layer(".usda", LOOKS[1:])
    layers.define(layer, LOOKS, "Scope")
    files = dict(layout.textures)
    for look in layout.looks:
        _look(layer, look, files)
    return layer


def _look(layer: Sdf.Layer, look: LookPlan, files: dict[str, str]) -> None:
    appearance = look.appearance
    path = f"{LOOKS}/{look.prim}"
    prim = layers.define(layer, path, "Material", title=appearance.name)
    layers.label(prim, "material", *_labels(look.material))
    _nonvisual(prim, look)
    if not appearance.name.startswith(DERIVED_PREFIX):
        layers.record(prim, "appearance", to_dictionary(appearance))
    if look.material is not None:
        layers.record(prim, "material", look.material.name)
    network = _Network(layer, path, look, files)
    network.color("diffuseColor", "base_color", appearance.base_color)
    network.number("metallic", "metallic", appearance.metallic, packed="b")
    network.number("roughness", "roughness", appearance.roughness, packed="g")
    network.color("emissiveColor", "emissive", appearance.emissive)
    network.number("opacity", "opacity", appearance.opacity)
    network.number("occlusion", "occlusion", None)
    network.normal()


def _labels(material: Material | None) -> list[str]:
    if material is None:
        return ["unknown"]
    return list(dict.fromkeys((material.name, material.family)))


def _nonvisual(prim: Sdf.PrimSpec, look: LookPlan) -> None:
    """Attributes for radar, lidar and infrared; none when the substance is not on SimReady's list."""
    base = look.material.nonvisual if look.material else "none"
    if base not in NONVISUAL_BASES:
        return
    flags = []
    if look.appearance.opacity < 1.0:
        flags.append("visually_transparent")
    if max(look.appearance.emissive) > 0.0:
        flags.append("emissive")
    layers.attribute(prim, "omni:simready:nonvisual:base", Types.Token, base)
    layers.attribute(prim, "omni:simready:nonvisual:coating", Types.Token, "none")
    layers.attribute(prim, "omni:simready:nonvisual:attributes", Types.TokenArray, flags or ["none"])


@dataclass(slots=True)
class _Network:
    """The shader network of one look, built input by input."""

    layer: Sdf.Layer
    path: str
    look: LookPlan
    files: dict[str, str]
    surface: Sdf.PrimSpec = field(init=False)

    def __post_init__(self) -> None:
        self.surface = self._shader("preview", "UsdPreviewSurface")
        self._output(self.surface, "surface", Types.Token)
        material = self.layer.GetPrimAtPath(self.path)
        self._connect(layers.attribute(material, "outputs:surface", Types.Token, None), "preview", "surface")
        layers.attribute(self.surface, "inputs:useSpecularWorkflow", Types.Int, 0)

    def color(self, name: str, slot: str, value: tuple[float, float, float]) -> None:
        """A colour input: texture times factor, the mesh's own colour, or the plain value."""
        target = f"inputs:{name}"
        texture = self._texture(slot)
        if texture is not None:
            reader = self._reader(slot, texture, scale=(*value, 1.0))
            self._output(reader, "rgb", Types.Float3)
            self._connect(layers.attribute(self.surface, target, Types.Color3f, None), slot, "rgb")
        elif name == "diffuseColor" and self.look.vertex_colored:
            reader = self._shader("vertex_color", "UsdPrimvarReader_float3")
            layers.attribute(reader, "inputs:varname", Types.String, "displayColor")
            layers.attribute(reader, "inputs:fallback", Types.Float3, Gf.Vec3f(*value))
            self._output(reader, "result", Types.Float3)
            self._connect(layers.attribute(self.surface, target, Types.Color3f, None), "vertex_color", "result")
        else:
            layers.attribute(self.surface, target, Types.Color3f, Gf.Vec3f(*value))

    def number(self, name: str, slot: str, value: float | None, packed: str = "") -> None:
        """A scalar input: a channel of a texture (``packed``: of the metallic_roughness image), or the plain value."""
        target = f"inputs:{name}"
        texture, node, channel = self._texture(slot), slot, "r"
        if texture is None and packed:
            texture, node, channel = self._texture("metallic_roughness"), "metallic_roughness", packed
        if texture is None:
            if value is not None:
                layers.attribute(self.surface, target, Types.Float, value)
            return
        if slot == "opacity" and _has_alpha(texture):
            channel = "a"
        factor = 1.0 if value is None else value
        if packed and node == "metallic_roughness":
            # glTF's packing: occlusion red, roughness green, metallic blue; one reader with a factor for each channel.
            scale = (1.0, self.look.appearance.roughness, self.look.appearance.metallic, 1.0)
        else:
            scale = (factor, factor, factor, factor)
        reader = self.layer.GetPrimAtPath(f"{self.path}/{node}") or self._reader(node, texture, scale=scale)
        self._output(reader, channel, Types.Float)
        self._connect(layers.attribute(self.surface, target, Types.Float, None), node, channel)

    def normal(self) -> None:
        """The tangent-space normal map, from 0..1 to -1..1."""
        texture = self._texture("normal")
        if texture is None:
            return
        reader = self._reader("normal", texture, scale=(2.0, 2.0, 2.0, 1.0), bias=(-1.0, -1.0, -1.0, 0.0))
        self._output(reader, "rgb", Types.Float3)
        self._connect(layers.attribute(self.surface, "inputs:normal", Types.Normal3f, None), "normal", "rgb")

    def _texture(self, slot: str) -> Texture | None:
        if not self.look.textured:
            return None
        return next((texture for texture in self.look.appearance.textures if texture.slot == slot), None)

    def _reader(
        self,
        node: str,
        texture: Texture,
        *,
        scale: tuple[float, float, float, float],
        bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> Sdf.PrimSpec:
        reader = self._shader(node, "UsdUVTexture")
        layers.attribute(reader, "inputs:file", Types.Asset, Sdf.AssetPath(_TEXTURES + self.files[texture.file]))
        space = "sRGB" if node in _COLOR_SLOTS else "raw"
        layers.attribute(reader, "inputs:sourceColorSpace", Types.Token, space)
        for wrap in ("inputs:wrapS", "inputs:wrapT"):
            layers.attribute(reader, wrap, Types.Token, "repeat")
        if scale != (1.0, 1.0, 1.0, 1.0):
            layers.attribute(reader, "inputs:scale", Types.Float4, Gf.Vec4f(*scale))
        if bias != (0.0, 0.0, 0.0, 0.0):
            layers.attribute(reader, "inputs:bias", Types.Float4, Gf.Vec4f(*bias))
        self._connect(layers.attribute(reader, "inputs:st", Types.Float2, None), self._coordinates(), "result")
        return reader

    def _coordinates(self) -> str:
        if not self.layer.GetPrimAtPath(f"{self.path}/st"):
            reader = self._shader("st", "UsdPrimvarReader_float2")
            layers.attribute(reader, "inputs:varname", Types.String, "st")
            self._output(reader, "result", Types.Float2)
        return "st"

    def _shader(self, node: str, kind: str) -> Sdf.PrimSpec:
        shader = layers.define(self.layer, f"{self.path}/{node}", "Shader")
        layers.attribute(shader, "info:id", Types.Token, kind, uniform=True)
        return shader

    def _output(self, shader: Sdf.PrimSpec, name: str, kind: Sdf.ValueTypeName) -> None:
        if f"outputs:{name}" not in shader.attributes:
            layers.attribute(shader, f"outputs:{name}", kind, None)

    def _connect(self, attribute: Sdf.AttributeSpec, node: str, output: str) -> None:
        attribute.connectionPathList.explicitItems = [Sdf.Path(f"{self.path}/{node}.outputs:{output}")]


def _has_alpha(texture: Texture) -> bool:
    from PIL import Image, UnidentifiedImageError

    if texture.data is None:
        return False
    try:
        with Image.open(io.BytesIO(texture.data)) as image:
            return "A" in image.getbands() or "transparency" in image.info
    except (UnidentifiedImageError, OSError):
        return False


def author_physics_materials(layer: Sdf.Layer, layout: Layout) -> None:
    """The physics materials, each with its interval, method and evidence beside the numbers that engines read."""
    for path, material in layout.physics_materials:
        prim = layers.define(layer, path, "Material", apis=("PhysicsMaterialAPI",), title=material.title)
        layers.label(prim, "material", *_labels(material))
        for name, estimate in (
            ("staticFriction", material.static_friction),
            ("dynamicFriction", material.dynamic_friction),
            ("restitution", material.restitution),
            ("density", material.density),
        ):
            layers.attribute(prim, f"physics:{name}", Types.Float, estimate.value)
        layers.record(prim, "material", to_dictionary(material))
