"""The base layer's physics: bodies with explicit mass properties, colliders, joints. Neutral UsdPhysics only."""

from __future__ import annotations

import math

import numpy as np
from pxr import Gf, Sdf

from physicl_twin.model import Collider, Joint, MassProperties
from physicl_twin.usd import layers
from physicl_twin.usd.dictionary import to_dictionary
from physicl_twin.usd.geometry import HULLS, hull_unit_m
from physicl_twin.usd.inertia import principal
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import BodyPlan, ColliderPlan, Layout

_JOINT_TYPES = {
    "fixed": "PhysicsFixedJoint",
    "revolute": "PhysicsRevoluteJoint",
    "prismatic": "PhysicsPrismaticJoint",
    "spherical": "PhysicsSphericalJoint",
}


def author_body(layer: Sdf.Layer, plan: BodyPlan) -> None:
    """A rigid body: its frame, mass, centre of mass, principal inertia, and their uncertainty in customData."""
    prim = layers.define(layer, plan.prim, "Xform", apis=("PhysicsRigidBodyAPI", "PhysicsMassAPI"))
    layers.place(prim, plan.body.pose)
    properties = plan.body.mass_properties
    assert properties is not None  # layout.require_complete
    author_mass(prim, properties)
    layers.record_all(
        prim,
        {"body": plan.body.name, "pose": to_dictionary(plan.body.pose), "mass_properties": to_dictionary(properties)},
    )


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


def author_joint(layer: Sdf.Layer, path: str, joint: Joint, layout: Layout) -> None:
    """A joint with both frames; limits in degrees or metres, as UsdPhysics wants them."""
    prim = layers.define(layer, path, _JOINT_TYPES[joint.type], title=joint.name)
    if joint.body0:
        layers.relationship(prim, "physics:body0", layout.body_path(joint.body0))
    layers.relationship(prim, "physics:body1", layout.body_path(joint.body1))
    for side, pose in (("0", joint.pose0), ("1", joint.pose1)):
        layers.attribute(prim, f"physics:localPos{side}", Types.Point3f, Gf.Vec3f(*pose.position_m))
        layers.attribute(prim, f"physics:localRot{side}", Types.Quatf, Gf.Quatf(*pose.quaternion_wxyz))
    if joint.type != "fixed":
        layers.attribute(prim, "physics:axis", Types.Token, joint.axis.upper(), uniform=True)
    if joint.type in ("revolute", "prismatic"):
        for name, limit in (("lowerLimit", joint.lower), ("upperLimit", joint.upper)):
            if limit is not None:
                value = math.degrees(limit) if joint.type == "revolute" else limit
                layers.attribute(prim, f"physics:{name}", Types.Float, value)
    elif joint.type == "spherical":
        # UsdPhysics: a negative cone angle is no limit.
        angle = -1.0 if joint.upper is None else math.degrees(joint.upper)
        for name in ("coneAngle0Limit", "coneAngle1Limit"):
            layers.attribute(prim, f"physics:{name}", Types.Float, angle)
    layers.record(prim, "joint", to_dictionary(joint))
