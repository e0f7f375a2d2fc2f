"""One variation as a sparse layer over the base scene: only what differs.

A template holds the specs; each variation sets their values and is saved. Going through the composed stage costs
several times as much (``benchmarks/variation_layers.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pxr import Gf, Sdf

from physicl_twin.model import InstanceState, Support, Variation
from physicl_twin.usd import layers
from physicl_twin.usd.layers import Types
from physicl_twin.usd.variation_looks import LookSlot
from physicl_twin.usd.variation_scene import CAMERA, DOME, KEY, OBJECTS, SURFACE, key_orientation, surface_values

_SURFACE = ("physics:staticFriction", "physics:dynamicFriction", "physics:restitution")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a layer must know of a twin.

    Attributes:
        mass_kg: Mass at true size.
        moments_kgm2: Principal moments at true size.
        surfaces: Names of its physics materials, by the name of the twin's material that they stand for.
        looks: What can be painted.
    """

    mass_kg: float
    moments_kgm2: tuple[float, float, float]
    surfaces: tuple[tuple[str, str], ...]
    looks: tuple[LookSlot, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Specs of an instance."""

    prim: Sdf.PrimSpec
    translate: Sdf.AttributeSpec
    orient: Sdf.AttributeSpec
    scale: Sdf.AttributeSpec | None
    mass: Sdf.AttributeSpec
    inertia: Sdf.AttributeSpec
    surfaces: dict[str, tuple[Sdf.AttributeSpec, ...]]
    colors: dict[str, tuple[LookSlot, Sdf.AttributeSpec | None, Sdf.AttributeSpec | None]]


class VariationLayers:
    """Writes the layers of a family.

    Args:
        base: Path of the base scene, relative to the layers' folder.
        instances: (name, kind of its twin).
        scaled: True when sizes differ between variations.
        painted: True when looks do.
    """

    def __init__(self, base: str, instances: Sequence[tuple[str, Kind]], *, scaled: bool, painted: bool) -> None:
        self._layer = Sdf.Layer.CreateAnonymous(".usdc")
        self._kinds = dict(instances)
        with Sdf.ChangeBlock():
            self._layer.subLayerPaths.append(base)
            root = self._layer.pseudoRoot
            root.SetInfo("metersPerUnit", 1.0)
            root.SetInfo("kilogramsPerUnit", 1.0)
            root.SetInfo("upAxis", "Z")
            self._layer.defaultPrim = "World"
            self._places = {
                name: self._place(f"{OBJECTS}/{name}", kind, scaled=scaled, painted=painted) for name, kind in instances
            }
            surface = layers.over(self._layer, SURFACE)
            self._surface = [layers.attribute(surface, name, Types.Float, 0.0) for name in _SURFACE]
            self._dome, self._key, self._camera = (layers.over(self._layer, path) for path in (DOME, KEY, CAMERA))
            for prim in (self._dome, self._key):
                for name in ("inputs:intensity", "inputs:colorTemperature"):
                    layers.attribute(prim, name, Types.Float, 0.0)
            layers.attribute(self._key, "xformOp:orient", Types.Quatf, Gf.Quatf(1.0))
            layers.attribute(self._camera, "xformOp:translate", Types.Double3, Gf.Vec3d(0.0))
            layers.attribute(self._camera, "xformOp:orient", Types.Quatf, Gf.Quatf(1.0))
            layers.attribute(self._camera, "focalLength", Types.Float, 0.0)

    def _place(self, path: str, kind: Kind, *, scaled: bool, painted: bool) -> _Place:
        prim = layers.over(self._layer, path)
        surfaces = {}
        for material, physics in kind.surfaces:
            over = layers.over(self._layer, f"{path}/PhysicsMaterials/{physics}")
            surfaces[material] = tuple(layers.attribute(over, name, Types.Float, 0.0) for name in _SURFACE)
        colors = {}
        for slot in kind.looks if painted else ():
            color_type = Types.Float4 if slot.textured else Types.Color3f
            colors[slot.name] = (
                slot,
                self._input(path, slot.color_attribute, color_type),
                self._input(path, slot.roughness_attribute, Types.Float),
            )
        return _Place(
            prim,
            layers.attribute(prim, "xformOp:translate", Types.Double3, Gf.Vec3d(0.0)),
            layers.attribute(prim, "xformOp:orient", Types.Quatf, Gf.Quatf(1.0)),
            layers.attribute(prim, "xformOp:scale", Types.Float3, Gf.Vec3f(1.0)) if scaled else None,
            layers.attribute(prim, "physics:mass", Types.Float, 0.0),
            layers.attribute(prim, "physics:diagonalInertia", Types.Float3, Gf.Vec3f(0.0)),
            surfaces,
            colors,
        )

    def _input(self, path: str, attribute: str, kind: Sdf.ValueTypeName) -> Sdf.AttributeSpec | None:
        if not attribute:
            return None
        prim, _, name = attribute.partition(".")
        return layers.attribute(layers.over(self._layer, f"{path}/{prim}"), name, kind, None)

    def write(self, path: Path, variation: Variation, support: Support, facts: dict[str, object]) -> None:
        """Write a variation.

        Args:
            path: File to write (``.usdc`` or ``.usda``); the folder exists.
            variation: The member.
            support: The support with its surface.
            facts: Kept in the layer's customLayerData under ``physicl``: seed, number, hashes.

        Raises:
            UsdError: ``usd_not_written``.
        """
        here = {state.name: state for state in variation.instances}
        with Sdf.ChangeBlock():
            for name, place in self._places.items():
                if (state := here.get(name)) is None:
                    place.prim.active = False
                else:
                    if place.prim.HasInfo("active"):
                        place.prim.ClearActive()
                    self._set(place, self._kinds[name], state)
            for attribute, (_, value) in zip(self._surface, surface_values(support), strict=True):
                attribute.default = value
            light, camera = variation.light, variation.camera
            self._dome.attributes["inputs:intensity"].default = light.dome_intensity
            self._dome.attributes["inputs:colorTemperature"].default = light.dome_kelvin
            self._key.attributes["inputs:intensity"].default = light.key_intensity
            self._key.attributes["inputs:colorTemperature"].default = light.key_kelvin
            turn = key_orientation(light.key_azimuth_rad, light.key_elevation_rad)
            self._key.attributes["xformOp:orient"].default = Gf.Quatf(*turn)
            self._camera.attributes["xformOp:translate"].default = Gf.Vec3d(*camera.pose.position_m)
            self._camera.attributes["xformOp:orient"].default = Gf.Quatf(*camera.pose.quaternion_wxyz)
            self._camera.attributes["focalLength"].default = camera.focal_length_mm
            self._layer.customLayerData = {"physicl": facts}
        layers.save(self._layer, path)

    def _set(self, place: _Place, kind: Kind, state: InstanceState) -> None:
        place.translate.default = Gf.Vec3d(*state.pose.position_m)
        place.orient.default = Gf.Quatf(*state.pose.quaternion_wxyz)
        if place.scale is not None:
            place.scale.default = Gf.Vec3f(state.scale, state.scale, state.scale)
        place.mass.default = kind.mass_kg * state.mass_factor * state.scale**3
        factor = state.mass_factor * state.scale**5
        place.inertia.default = Gf.Vec3f(*(moment * factor for moment in kind.moments_kgm2))
        for surface in state.surfaces:
            specs = place.surfaces.get(surface.material, ())
            values = (surface.static_friction, surface.dynamic_friction, surface.restitution)
            for spec, value in zip(specs, values, strict=False):
                spec.default = value
        looks = {look.appearance: look for look in state.looks}
        for name, (slot, color, roughness) in place.colors.items():
            look = looks.get(name)
            if color is not None:
                rgb = look.base_color if look is not None and look.base_color is not None else slot.color
                color.default = Gf.Vec4f(*rgb, 1.0) if slot.textured else Gf.Vec3f(*rgb)
            if roughness is not None:
                value = look.roughness if look is not None and look.roughness is not None else slot.roughness
                roughness.default = value
