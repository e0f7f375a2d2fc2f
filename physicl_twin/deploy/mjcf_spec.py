"""Twins as an MjSpec: bodies with explicit inertials, hulls that collide, meshes that only show."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import mujoco
import numpy as np

from physicl_twin.deploy.mjcf_assets import TwinAssets, add_material, add_mesh
from physicl_twin.deploy.mjcf_drives import as_servos
from physicl_twin.deploy.motion import site_names
from physicl_twin.engines.mujoco_contact import friction, solref
from physicl_twin.engines.mujoco_spec import PROBE, SOLIMP, build_spec
from physicl_twin.engines.scene_description import CollisionShape, SceneDescription
from physicl_twin.engines.settings import EngineSettings
from physicl_twin.model import Pose
from physicl_twin.usd.layout import ColliderPlan, Layout, hull_key

VISUAL_GROUP, COLLISION_GROUP = 2, 3
_GEOMS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
}


@dataclass(frozen=True, slots=True)
class Instance:
    """A twin that stands in a model.

    Attributes:
        layout: Of the twin.
        assets: Its files.
        scene: Its bodies, scaled and placed, with the names and surfaces that they have in the model.
        prefix: Of the names of its geoms.
        scale: Of its geometry.
        repaint: Changed looks by the name of the twin's appearance or of its USD material: sRGB colour, metallic,
            roughness; None to keep.
    """

    layout: Layout
    assets: TwinAssets
    scene: SceneDescription
    prefix: str = ""
    scale: float = 1.0
    repaint: Mapping[str, tuple[tuple[float, float, float] | None, float | None, float | None]] = field(
        default_factory=dict
    )


def model_spec(
    name: str, instances: Iterable[Instance], time_step_s: float, settings: EngineSettings
) -> tuple[Any, tuple[str, ...]]:
    """The MjSpec of instances, without a floor, and what MuJoCo leaves out of their joints.

    Args:
        name: Of the model.
        instances: What is in it.
        time_step_s: Of the simulation; contacts are as soft as it is long.
        settings: Solver settings.
    """
    placed = tuple(instances)
    bare = SceneDescription(
        placed[0].scene.gravity_mps2 if placed else (0.0, 0.0, -9.81),
        tuple(replace(body, shapes=()) for one in placed for body in one.scene.bodies),
        (),
        tuple(joint for one in placed for joint in one.scene.joints),
        articulations=tuple(replace(a, self_collision=True) for one in placed for a in one.scene.articulations),
        filtered_pairs=tuple(pair for one in placed for pair in _apart(one.scene)),
    )
    spec, lost = build_spec(bare, settings)
    as_servos(spec, bare.joints)
    spec.delete(spec.geom(PROBE))
    spec.modelname, spec.meshdir, spec.texturedir = name, "assets", "assets"
    spec.compiler.degree = False
    spec.option.timestep = time_step_s
    spec.option.disableflags &= ~int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
    _classes(spec)
    for one in placed:
        _Geoms(spec, one, time_step_s, settings).add()
    return spec, lost


def _apart(scene: SceneDescription) -> set[tuple[str, str]]:
    """Pairs of bodies that do not collide: the filtered ones, and all of a mechanism that does not touch itself."""
    solid = [body.path for body in scene.bodies if body.shapes]
    pairs = set(scene.filtered_pairs)
    for one in scene.articulations:
        if not one.self_collision:
            pairs.update(itertools.combinations(sorted(path for path in solid if path in one.bodies), 2))
    return pairs


def _classes(spec: Any) -> None:
    visual = spec.add_default("visual", spec.default)
    visual.geom.group, visual.geom.contype, visual.geom.conaffinity, visual.geom.mass = VISUAL_GROUP, 0, 0, 0.0
    collision = spec.add_default("collision", spec.default)
    collision.geom.group, collision.geom.mass, collision.geom.condim = COLLISION_GROUP, 0.0, 3
    collision.geom.solimp = list(SOLIMP)


class _Geoms:
    """Adds the geoms of one instance."""

    def __init__(self, spec: Any, one: Instance, time_step_s: float, settings: EngineSettings) -> None:
        self._spec, self._one, self._dt, self._settings = spec, one, time_step_s, settings
        self._suffix = "" if one.scale == 1.0 else f"_{one.prefix}"

    def add(self) -> None:
        plans = [plan for body in self._one.layout.bodies for plan in body.colliders]
        shapes = [(body.path, shape) for body in self._one.scene.bodies for shape in body.shapes]
        names = {
            plan.body.name: body.path
            for plan, body in zip(self._one.layout.bodies, self._one.scene.bodies, strict=True)
        }
        sites = site_names(self._one.layout)
        for holder in self._one.layout.bodies:
            for site in holder.body.sites:
                self._spec.body(names[holder.body.name]).add_site(
                    name=f"{self._one.prefix}{sites[site.name]}", **_place(scaled(site.pose, self._one.scale))
                )
        for piece in self._one.assets.visuals.pieces:
            self._visual(self._spec.body(names[piece.body]), piece)
        for plan, (body, shape) in zip(plans, shapes, strict=True):
            self._collision(self._spec.body(body), plan, shape)

    def _mesh(self, file: str) -> str:
        stem = file.removesuffix(".obj")
        assets = self._one.assets
        name = f"{assets.prefix}{stem}{self._suffix}".rstrip("_")
        return add_mesh(self._spec, name, f"{assets.folder}{stem}.obj", self._one.scale)

    def _visual(self, body: Any, piece: Any) -> None:
        one = self._one
        look, material = piece.look, f"{one.assets.prefix}{piece.look.name}"
        painted = one.repaint.get(look.appearance, one.repaint.get(look.name))
        if painted is not None:
            color, metallic, roughness = painted
            look = replace(
                look,
                rgba=(*color, look.rgba[3]) if color is not None else look.rgba,
                metallic=look.metallic if metallic is None else metallic,
                roughness=look.roughness if roughness is None else roughness,
            )
            material = f"{one.prefix}{piece.look.name}"
        body.add_geom(
            self._spec.find_default("visual"),
            name=f"{one.prefix}visual_{piece.name}",
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=self._mesh(piece.mesh),
            material=add_material(self._spec, material, look, one.assets.folder),
            **_place(scaled(piece.pose, one.scale)),
        )

    def _collision(self, body: Any, plan: ColliderPlan, shape: CollisionShape) -> None:
        surface = shape.material
        geom = body.add_geom(
            self._spec.find_default("collision"),
            name=f"{self._one.prefix}{shape.path}",
            **friction(shape.kind, surface.dynamic_friction, self._settings.mujoco_rolling_m),
            solref=list(solref(surface.restitution, self._dt, self._settings.mujoco_stiffness_steps)),
            **_place(shape.pose),
        )
        if shape.kind == "hull":
            geom.type = mujoco.mjtGeom.mjGEOM_MESH
            geom.meshname = self._mesh(self._one.assets.hulls[hull_key(plan.collider)])
            return
        geom.type = _GEOMS[shape.kind]
        if shape.kind == "box":
            geom.size = [0.5 * edge for edge in shape.size_m]
        elif shape.kind == "sphere":
            geom.size = [shape.size_m[0], 0.0, 0.0]
        else:
            geom.size = [shape.size_m[0], 0.5 * shape.size_m[1], 0.0]


def scaled(pose: Pose, scale: float) -> Pose:
    """A placement inside geometry that is scaled."""
    x, y, z = (scale * float(value) for value in np.asarray(pose.position_m))
    return Pose((x, y, z), pose.quaternion_wxyz)


def _place(pose: Pose) -> dict[str, list[float]]:
    return {"pos": list(pose.position_m), "quat": list(pose.quaternion_wxyz)}
