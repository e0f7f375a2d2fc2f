"""What a variation changes in a stage, as plain data: the same list whoever carries it out.

Values have the exact types of the attributes (``Gf.Quatf``, float32 within ``Gf.Vec3f``), so that carrying the calls
out gives the stage that the member's layer gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pxr import Gf, Sdf, Usd

from physicl_twin.model import PhysiclError, Pose, Support, Variation
from physicl_twin.usd.variation_layer import Kind
from physicl_twin.usd.variation_scene import (
    CAMERA,
    DOME,
    KEY,
    OBJECTS,
    SURFACE,
    key_orientation,
    surface_values,
)

#: Root prim of the scenes that augment writes.
SCENE_ROOT = "/World"


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """Give an attribute a value.

    Attributes:
        prim: Path.
        name: Of the attribute; it exists already, or is made with ``type_name``.
        type_name: USD's name of its type (``float``, ``quatf`` …).
        value: In that type.
    """

    prim: str
    name: str
    type_name: str
    value: Any


@dataclass(frozen=True, slots=True)
class SetPose:
    """Put a prim where it belongs, within its parent.

    Attributes:
        prim: Path.
        pose: Position (metres) and turn, in the parent's frame.
        scale: Uniform scale; None leaves it.
    """

    prim: str
    pose: Pose
    scale: float | None = None

    def attributes(self) -> tuple[SetAttribute, ...]:
        """The operations that ``augment`` gives every prim that moves; those for which there is a value."""
        position, turn = Gf.Vec3d(*self.pose.position_m), Gf.Quatf(*self.pose.quaternion_wxyz)
        found = [
            SetAttribute(self.prim, "xformOp:translate", "double3", position),
            SetAttribute(self.prim, "xformOp:orient", "quatf", turn),
        ]
        if self.scale is not None:
            found.append(SetAttribute(self.prim, "xformOp:scale", "float3", Gf.Vec3f(self.scale)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class SetActive:
    """Take a prim out of the scene, or back into it; comes before what else happens to the prim."""

    prim: str
    active: bool


Call = SetAttribute | SetPose | SetActive


def member_calls(
    variation: Variation, support: Support, kinds: Mapping[str, Kind], *, scaled: bool = True, poses: bool = True
) -> tuple[Call, ...]:
    """The calls of a member, from its values.

    Mass and inertia of an object change together: ``mass * factor * scale^3`` and ``moments * factor * scale^5``.

    Args:
        variation: The member.
        support: With the member's surface.
        kinds: For each instance of the family what its twin is; those that the member lacks are switched off.
        scaled: False to leave sizes alone (the family's objects have one size each).
        poses: False to leave objects where they are, for members that did not settle.

    Raises:
        PhysiclError: ``variation_unknown_instance``.
    """
    here = {state.name: state for state in variation.instances}
    if unknown := sorted(set(here) - set(kinds)):
        raise PhysiclError(
            "variation_unknown_instance", f"The scene has no {unknown[0]}.", f"It holds {', '.join(sorted(kinds))}."
        )
    calls: list[Call] = []
    for name, kind in kinds.items():
        path = f"{OBJECTS}/{name}"
        calls.append(SetActive(path, name in here))
        if name not in here:
            continue
        state = here[name]
        if poses:
            calls.append(SetPose(path, state.pose, state.scale if scaled else None))
        calls += mass_calls(path, kind.mass_kg, kind.moments_kgm2, state.mass_factor, state.scale)
        prims = dict(kind.surfaces)
        for surface in state.surfaces:
            if surface.material in prims:
                where = f"{path}/PhysicsMaterials/{prims[surface.material]}"
                values = (surface.static_friction, surface.dynamic_friction, surface.restitution)
                names = ("physics:staticFriction", "physics:dynamicFriction", "physics:restitution")
                calls += [_number(where, key, value) for key, value in zip(names, values, strict=True)]
        looks = {look.appearance: look for look in state.looks}
        for slot in kind.looks:
            look = looks.get(slot.name)
            if slot.color_attribute:
                rgb = look.base_color if look is not None and look.base_color is not None else slot.color
                shader, _, key = slot.color_attribute.partition(".")
                painted = ("float4", Gf.Vec4f(*rgb, 1.0)) if slot.textured else ("color3f", Gf.Vec3f(*rgb))
                calls.append(SetAttribute(f"{path}/{shader}", key, *painted))
            if slot.roughness_attribute:
                rough = look.roughness if look is not None and look.roughness is not None else slot.roughness
                shader, _, key = slot.roughness_attribute.partition(".")
                calls.append(_number(f"{path}/{shader}", key, rough))
    calls += [_number(SURFACE, name, value) for name, value in surface_values(support)]
    light = variation.light
    for path, intensity, kelvin in (
        (DOME, light.dome_intensity, light.dome_kelvin),
        (KEY, light.key_intensity, light.key_kelvin),
    ):
        calls += [_number(path, "inputs:intensity", intensity), _number(path, "inputs:colorTemperature", kelvin)]
    turn = Gf.Quatf(*key_orientation(light.key_azimuth_rad, light.key_elevation_rad))
    calls.append(SetAttribute(KEY, "xformOp:orient", "quatf", turn))
    calls.append(SetPose(CAMERA, variation.camera.pose))
    calls.append(_number(CAMERA, "focalLength", variation.camera.focal_length_mm))
    return tuple(calls)


def mass_calls(
    prim: str, mass_kg: float, moments_kgm2: tuple[float, float, float], factor: float, scale: float = 1.0
) -> tuple[SetAttribute, SetAttribute]:
    """Mass and principal moments of a body that became ``factor`` times as dense and ``scale`` times as large.

    Args:
        prim: Path of the body.
        mass_kg: Mass at true size.
        moments_kgm2: Principal moments at true size.
        factor: Density over what it was.
        scale: Size over what it was.
    """
    moments = Gf.Vec3f(*(moment * factor * scale**5 for moment in moments_kgm2))
    return (
        _number(prim, "physics:mass", mass_kg * factor * scale**3),
        SetAttribute(prim, "physics:diagonalInertia", "float3", moments),
    )


def layer_calls(layer: Any) -> tuple[Call, ...]:
    """The calls of a member, from its layer (``Sdf.Layer``): every value that stands there, nothing else."""
    objects = layer.GetPrimAtPath(OBJECTS)
    instances = tuple(objects.nameChildren) if objects is not None else ()
    active = {prim.path: not prim.HasInfo("active") or bool(prim.active) for prim in instances}
    calls: list[Call] = [SetActive(str(path), there) for path, there in active.items()]
    paths: list[Any] = []
    layer.Traverse(Sdf.Path.absoluteRootPath, paths.append)
    for path in sorted(path for path in paths if path.IsPrimPath()):
        if any(path.HasPrefix(gone) for gone, there in active.items() if not there):
            continue
        calls.extend(
            SetAttribute(str(path), spec.name, str(spec.typeName), spec.default)
            for spec in layer.GetPrimAtPath(path).attributes
            if spec.HasDefaultValue()
        )
    return tuple(calls)


def attributes_of(calls: Iterable[Call]) -> tuple[SetAttribute, ...]:
    """The calls that set attributes, poses among them."""
    found: list[SetAttribute] = []
    for call in calls:
        if isinstance(call, SetPose):
            found += call.attributes()
        elif isinstance(call, SetAttribute):
            found.append(call)
    return tuple(found)


def rebased(calls: Iterable[Call], root: str) -> tuple[Call, ...]:
    """The same calls for a scene that is referenced at ``root`` instead of standing at ``/World``."""
    if root == SCENE_ROOT:
        return tuple(calls)
    return tuple(replace(call, prim=root.rstrip("/") + call.prim.removeprefix(SCENE_ROOT)) for call in calls)


def carry_out(stage: Any, calls: Iterable[Call]) -> None:
    """Carry calls out with pxr alone, in the stage's edit target.

    Raises:
        PhysiclError: ``call_without_prim`` when the stage lacks a prim; nothing is written then.
    """
    wanted = tuple(calls)
    require_prims(stage, wanted)
    make_ready(stage, wanted)
    for call in attributes_of(wanted):
        stage.GetAttributeAtPath(f"{call.prim}.{call.name}").Set(call.value)


def make_ready(stage: Any, calls: Iterable[Call]) -> None:
    """Switch prims on and off and make attributes that are missing, so that values can be set.

    Prims come to life before their attributes are touched: what is inactive has none.
    """
    wanted = tuple(calls)
    for call in wanted:
        if isinstance(call, SetActive):
            stage.GetPrimAtPath(call.prim).SetActive(call.active)
    for call in attributes_of(wanted):
        prim = stage.GetPrimAtPath(call.prim)
        if not prim.GetAttribute(call.name):
            prim.CreateAttribute(call.name, Sdf.ValueTypeNames.Find(call.type_name), False)


def require_prims(stage: Any, calls: Iterable[Call]) -> None:
    """Refuse calls for a stage that is not the set's scene.

    Raises:
        PhysiclError: ``call_without_prim``.
    """
    asleep = {call.prim for call in calls if isinstance(call, SetActive)}
    for call in calls:
        if stage.GetPrimAtPath(call.prim):
            continue
        # Parts of a prim that is switched off cannot be seen before it is switched on.
        owner = next((str(p) for p in Sdf.Path(call.prim).GetPrefixes() if str(p) in asleep), "")
        if owner and stage.GetPrimAtPath(owner) and not stage.GetPrimAtPath(owner).IsActive():
            continue
        raise PhysiclError(
            "call_without_prim",
            f"The stage has no prim {call.prim}.",
            "Open the set's scene.usda or a member of it, or say where the scene is referenced.",
        )


def differences(stage: Any, calls: Iterable[Call]) -> tuple[str, ...]:
    """Where a stage does not say what calls wanted: paths of prims and attributes, in words."""
    wrong = []
    wanted = tuple(calls)
    for call in wanted:
        if isinstance(call, SetActive) and stage.GetPrimAtPath(call.prim).IsActive() is not call.active:
            wrong.append(f"{call.prim} is {'not ' if call.active else ''}active")
    for call in attributes_of(wanted):
        attribute = stage.GetAttributeAtPath(f"{call.prim}.{call.name}")
        value = attribute.Get(Usd.TimeCode.Default()) if attribute else None
        if not _same(value, call.value):
            wrong.append(f"{call.prim}.{call.name} is {value}, not {call.value}")
    return tuple(wrong)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(value, float):
        return value == wanted or bool(np.float32(value) == np.float32(wanted))
    return bool(value == wanted)


def _number(prim: str, name: str, value: float) -> SetAttribute:
    return SetAttribute(prim, name, "float", float(value))
