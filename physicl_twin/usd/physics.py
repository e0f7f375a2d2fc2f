"""The base layer's physics: bodies with explicit mass properties, and colliders. Neutral UsdPhysics only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pxr import Gf, Sdf

from physicl_twin.model import Collider, MassProperties, Pose
from physicl_twin.model.geometry import FloatArray
from physicl_twin.usd import layers
from physicl_twin.usd.dictionary import to_dictionary
from physicl_twin.usd.geometry import HULLS, hull_unit_m
from physicl_twin.usd.inertia import principal
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import BodyPlan, ColliderPlan

#: Mass of what the world holds, where nothing says it: no engine moves it (kg, judgement).
_HELD_MASS_KG = 1.0


def author_body(layer: Sdf.Layer, plan: BodyPlan, densities: Mapping[str, float], *, held: bool = False) -> None:
    """A body: its frame, mass, centre of mass, principal inertia, and their uncertainty in customData.

    Args:
        layer: Base layer.
        plan: The body. A static one is no rigid body, unless it is held.
        densities: kg/m3 by name of the material, for what is held: it has no mass of its own.
        held: True for a static body that joints hang on: a link that a fixed joint holds (``mechanism`` says why).
    """
    body = plan.body
    prim = layers.define(layer, plan.prim, "Xform")
    layers.place(prim, body.pose)
    values: dict[str, Any] = {"body": body.name, "pose": to_dictionary(body.pose)}
    if body.static:
        values["static"] = True
    if not body.static or held:
        layers.apply(prim, "PhysicsRigidBodyAPI", "PhysicsMassAPI")
    if body.mass_properties is not None:
        values["mass_properties"] = to_dictionary(body.mass_properties)
    if body.mass_properties is not None and not body.static:
        author_mass(prim, body.mass_properties)
    elif held:
        _author_held_mass(prim, plan, densities)
    layers.record_all(prim, values)


def author_base(layer: Sdf.Layer, path: str) -> None:
    """The body that joints start at which the twin hangs on the world by; it has no geometry."""
    prim = layers.define(layer, path, "Xform", apis=("PhysicsRigidBodyAPI", "PhysicsMassAPI"))
    _author_box_mass(prim, _HELD_MASS_KG, np.zeros(3), np.ones(3))
    layers.record(prim, "anchor", True)


def author_site(layer: Sdf.Layer, path: str, name: str, pose: Pose) -> None:
    """A frame without matter."""
    prim = layers.define(layer, path, "Xform", title=name)
    layers.place(prim, pose)
    layers.record_all(prim, {"site": name, "pose": to_dictionary(pose)})


def _author_held_mass(prim: Sdf.PrimSpec, plan: BodyPlan, densities: Mapping[str, float]) -> None:
    """Volume times density of its parts, spread over the box around them; it decides nothing where nothing moves."""
    mass, low, high = 0.0, np.full(3, np.inf), np.full(3, -np.inf)
    for part in plan.parts:
        shape = part.shape.shape
        if part.part.visible and shape.solid is not None:
            mass += shape.solid.volume.value * densities.get(part.part.material, 0.0)
        assert shape.mesh is not None  # layout.require_complete
        placed = part.part.pose.apply(shape.mesh.vertices)
        low, high = np.minimum(low, placed.min(axis=0)), np.maximum(high, placed.max(axis=0))
    if not plan.parts:
        low, high = np.full(3, -0.5), np.full(3, 0.5)
    _author_box_mass(prim, mass if mass > 0 else _HELD_MASS_KG, 0.5 * (low + high), np.maximum(high - low, 1e-3))


def _author_box_mass(prim: Sdf.PrimSpec, mass_kg: float, centre_m: FloatArray, size_m: FloatArray) -> None:
    squares = size_m**2
    layers.attribute(prim, "physics:mass", Types.Float, mass_kg)
    layers.attribute(prim, "physics:centerOfMass", Types.Point3f, Gf.Vec3f(*map(float, centre_m)))
    moments = mass_kg / 12.0 * (squares.sum() - squares)
    layers.attribute(prim, "physics:diagonalInertia", Types.Float3, Gf.Vec3f(*map(float, moments)))
    layers.attribute(prim, "physics:principalAxes", Types.Quatf, Gf.Quatf(1.0))


def author_mass(prim: Sdf.PrimSpec, properties: MassProperties) -> None:
    """The MassAPI attributes (USD stores them in single precision)."""
    inertia = principal(properties.inertia_kgm2)
    layers.attribute(prim, "physics:mass", Types.Float, properties.mass.value)
    layers.attribute(prim, "physics:centerOfMass", Types.Point3f, Gf.Vec3f(*properties.com_m))
    layers.attribute(prim, "physics:diagonalInertia", Types.Float3, Gf.Vec3f(*inertia.moments_kgm2))
    layers.attribute(prim, "physics:principalAxes", Types.Quatf, Gf.Quatf(*inertia.quaternion_wxyz))


def author_collider(layer: Sdf.Layer, plan: ColliderPlan, physics_material: str) -> None:
    """A collider prim: invisible in renders (guide), with its physics material bound on itself."""
    collider = plan.collider
    kind = {"box": "Cube", "sphere": "Sphere", "capsule": "Capsule", "cylinder": "Cylinder", "hull": "Mesh"}
    prim = layers.define(layer, plan.prim, kind[collider.kind], apis=("PhysicsCollisionAPI",), title=collider.name)
    layers.attribute(prim, "purpose", Types.Token, "guide", uniform=True)
    layers.attribute(prim, "physics:collisionEnabled", Types.Bool, True)
    scale: tuple[float, float, float] | None = None
    if collider.kind == "hull":
        layers.apply(prim, "PhysicsMeshCollisionAPI")
        layers.attribute(prim, "physics:approximation", Types.Token, "convexHull", uniform=True)
        layers.reference(prim, "./geometries.usdc", f"{HULLS}/{plan.hull}")
        assert collider.hull is not None  # layout.require_complete
        scale = (hull_unit_m(collider.hull),) * 3
    else:
        scale = _primitive(prim, collider)
    layers.place(prim, plan.pose, scale)
    layers.bind(prim, physics_material, physics=True)
    layers.record_all(prim, {"collider": to_dictionary(collider), "part": plan.part.name})


def _primitive(prim: Sdf.PrimSpec, collider: Collider) -> tuple[float, float, float] | None:
    """Author the dimensions; returns the scale that a box needs."""
    if collider.kind == "box":
        x, y, z = collider.size_m
        layers.attribute(prim, "size", Types.Double, 1.0)
        layers.attribute(prim, "extent", Types.Float3Array, layers.extent([-0.5] * 3, [0.5] * 3))
        return (x, y, z)
    radius = collider.size_m[0]
    half = np.array([radius, radius, radius])
    layers.attribute(prim, "radius", Types.Double, radius)
    if collider.kind != "sphere":
        length = collider.size_m[1]
        layers.attribute(prim, "height", Types.Double, length)
        layers.attribute(prim, "axis", Types.Token, "Z", uniform=True)
        half[2] = length / 2 + (radius if collider.kind == "capsule" else 0.0)
    layers.attribute(prim, "extent", Types.Float3Array, layers.extent(-half, half))
    return None
