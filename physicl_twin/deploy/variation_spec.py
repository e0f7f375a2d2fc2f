"""A settled variation as a MuJoCo model: its objects where they lie, what they lie on, lights and the camera."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
from pxr import UsdLux

from physicl_twin.deploy.description import describe_twin
from physicl_twin.deploy.mjcf_assets import TwinAssets
from physicl_twin.deploy.mjcf_pairs import add_pairs
from physicl_twin.deploy.mjcf_spec import Instance, model_spec, scaled
from physicl_twin.engines.mujoco_contact import solref
from physicl_twin.engines.mujoco_spec import SOLIMP
from physicl_twin.engines.scene_description import CollisionShape, DescribedBody, DescribedJoint, SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import CameraState, InstanceState, LightState, Support, Variation
from physicl_twin.render.textures import linear_to_srgb
from physicl_twin.usd.layout import Layout

#: USD's default film: its height decides the field of view, millimetres.
_FILM_HEIGHT_MM = 15.2908
#: Nits of a dome light and of a distant light that light a white surface fully here (judgement: MuJoCo's lights have no
#: unit; these are the brightest that augment's default spec draws).
_DOME_WHITE, _KEY_WHITE = 2000.0, 4000.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A twin that a family uses.

    Attributes:
        layout: Of the twin.
        assets: Its files beside the models.
    """

    layout: Layout
    assets: TwinAssets


def variation_spec(
    name: str,
    variation: Variation,
    support: Support,
    kinds: Mapping[str, Kind],
    gravity_mps2: float,
    time_step_s: float,
    settings: EngineSettings,
    most_pairs: int = 0,
) -> tuple[Any, int]:
    """The MjSpec of a variation, and how many pairs of colliders are over the budget.

    Args:
        name: Of the model.
        variation: The member.
        support: What its objects rest on, with its surface.
        kinds: Twin name to twin.
        gravity_mps2: Gravity, downwards.
        time_step_s: Of the simulation.
        settings: Solver settings.
        most_pairs: Pairs of colliders of different objects whose friction is stated (see ``mjcf_pairs``).
    """
    instances = [instance_of(state, kinds[state.twin], gravity_mps2) for state in variation.instances]
    spec, _ = model_spec(name, instances, time_step_s, settings)
    spec.option.gravity = [0.0, 0.0, -gravity_mps2]
    left = add_pairs(spec, instances, time_step_s, settings, most_pairs) if most_pairs else 0
    _support(spec, support, time_step_s, settings)
    _lights(spec, variation.light)
    _camera(spec, variation.camera)
    return spec, left


def instance_of(state: InstanceState, kind: Kind, gravity_mps2: float) -> Instance:
    """A twin at the place, size, mass and surface that a variation gives it."""
    repaint = {
        look.appearance: (
            None if look.base_color is None else _srgb(look.base_color),
            look.metallic,
            look.roughness,
        )
        for look in state.looks
    }
    scene = placed(describe_twin(kind.layout), state, gravity_mps2)
    return Instance(kind.layout, kind.assets, scene, f"{state.name}_", state.scale, repaint)


def placed(scene: SceneDescription, state: InstanceState, gravity_mps2: float) -> SceneDescription:
    """The description of a twin as one instance; bodies are called after it.

    Its contacts return nothing: see ``family_mujoco.RESTING``.
    """
    surfaces = {surface.material: surface for surface in state.surfaces}
    scale = state.scale
    names = {"": ""} | {
        body.path: state.name if len(scene.bodies) == 1 else f"{state.name}_{body.path}" for body in scene.bodies
    }

    def shape_of(shape: CollisionShape) -> CollisionShape:
        material = replace(shape.material, restitution=0.0)
        if (stated := surfaces.get(material.path)) is not None:
            material = replace(
                material,
                static_friction=stated.static_friction,
                dynamic_friction=stated.dynamic_friction,
            )
        size = tuple(scale * edge for edge in shape.size_m)
        vertices = scale * shape.vertices
        return replace(shape, pose=scaled(shape.pose, scale), size_m=size, vertices=vertices, material=material)

    def body_of(body: DescribedBody) -> DescribedBody:
        x, y, z = (scale * value for value in body.com_m)
        a, b, c = (state.mass_factor * scale**5 * value for value in body.principal_inertia_kgm2)
        return replace(
            body,
            path=names[body.path],
            pose=state.pose.compose(scaled(body.pose, scale)),
            shapes=tuple(shape_of(shape) for shape in body.shapes),
            mass_kg=body.mass_kg * state.mass_factor * scale**3,
            com_m=(x, y, z),
            principal_inertia_kgm2=(a, b, c),
        )

    def joint_of(joint: DescribedJoint) -> DescribedJoint:
        reach = scale if joint.type == "prismatic" else 1.0
        lower, upper = (None if limit is None else reach * limit for limit in (joint.lower, joint.upper))
        leads = f"{state.name}_{joint.mimic_of}" if joint.mimic_of else ""
        return replace(
            joint,
            path=f"{state.name}_{joint.path}",
            body0=names[joint.body0],
            body1=names[joint.body1],
            pose0=scaled(joint.pose0, scale) if joint.body0 else state.pose.compose(scaled(joint.pose0, scale)),
            pose1=scaled(joint.pose1, scale) if joint.body1 else state.pose.compose(scaled(joint.pose1, scale)),
            lower=lower,
            upper=upper,
            position=reach * joint.position,
            rest=reach * joint.rest,
            drive_target=reach * joint.drive_target,
            mimic_of=leads,
            mimic_offset=reach * joint.mimic_offset,
        )

    return replace(
        scene,
        gravity_mps2=(0.0, 0.0, -gravity_mps2),
        bodies=tuple(body_of(body) for body in scene.bodies),
        joints=tuple(joint_of(joint) for joint in scene.joints),
        articulations=tuple(
            replace(one, path=names[one.path], bodies=tuple(sorted(names[body] for body in one.bodies)))
            for one in scene.articulations
        ),
        filtered_pairs=tuple((names[one], names[other]) for one, other in scene.filtered_pairs),
    )


def _support(spec: Any, support: Support, time_step_s: float, settings: EngineSettings) -> None:
    surface = {
        "friction": [support.dynamic_friction, 0.0, 0.0],
        "solref": list(solref(0.0, time_step_s, settings.mujoco_stiffness_steps)),
        "solimp": list(SOLIMP),
        "condim": 3,
    }
    world = spec.worldbody
    floor = world.add_geom(name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[0, 0, 1], **surface)
    floor.rgba = [0.46, 0.46, 0.46, 1.0]
    for name, centre, size in support.boxes():
        box = world.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, pos=list(centre), **surface)
        box.size, box.rgba = [0.5 * edge for edge in size], [0.6, 0.6, 0.62, 1.0]


def _lights(spec: Any, light: LightState) -> None:
    """The dome as the head light's ambient part, the key as a directional light."""
    # MuJoCo shades without gamma: levels are encoded as colours are.
    dome, key = (
        float(linear_to_srgb(np.asarray(min(1.0, level))))
        for level in (light.dome_intensity / _DOME_WHITE, light.key_intensity / _KEY_WHITE)
    )
    head = spec.visual.headlight
    head.ambient = [round(0.6 * dome * c, 6) for c in _kelvin(light.dome_kelvin)]
    head.diffuse, head.specular = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    level = math.cos(light.key_elevation_rad)
    away = np.array(
        [
            level * math.cos(light.key_azimuth_rad),
            level * math.sin(light.key_azimuth_rad),
            math.sin(light.key_elevation_rad),
        ]
    )
    spec.worldbody.add_light(
        name="key",
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=(3.0 * away).tolist(),
        dir=(-away).tolist(),
        diffuse=[round(key * c, 6) for c in _kelvin(light.key_kelvin)],
        castshadow=True,
    )


def _kelvin(temperature: float) -> tuple[float, ...]:
    """sRGB of a black body, its brightest channel 1."""
    rgb = np.array(UsdLux.BlackbodyTemperatureAsRgb(temperature), dtype=float)
    return tuple(float(v) for v in linear_to_srgb(rgb / rgb.max()))


def _srgb(color: tuple[float, float, float]) -> tuple[float, float, float]:
    red, green, blue = (round(float(v), 6) for v in linear_to_srgb(np.asarray(color)))
    return red, green, blue


def _camera(spec: Any, camera: CameraState) -> None:
    spec.worldbody.add_camera(
        name="camera",
        pos=list(camera.pose.position_m),
        quat=list(camera.pose.quaternion_wxyz),
        fovy=math.degrees(2.0 * math.atan(0.5 * _FILM_HEIGHT_MM / camera.focal_length_mm)),
    )
