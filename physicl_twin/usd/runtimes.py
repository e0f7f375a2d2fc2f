"""What each engine wants beyond UsdPhysics: one payload for PhysX, Newton and MuJoCo, composed only when selected."""

from __future__ import annotations

import math

import numpy as np
from pxr import Sdf

from physicl_twin.model import Shape
from physicl_twin.usd import layers, runtime_joints
from physicl_twin.usd.geometry import MESH
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import BodyPlan, ColliderPlan, Layout, PartPlan
from physicl_twin.usd.options import PhysxOptions, UsdOptions

#: Standard gravity (ISO 80000-3), m/s2.
_GRAVITY_M_S2 = 9.80665


def body_extents_m(plan: BodyPlan) -> tuple[float, float, float]:
    """Edge lengths of the box around a body's parts, body axes, sorted; of a body without parts zero."""
    if not plan.parts:
        return 0.0, 0.0, 0.0
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for part in plan.parts:
        mesh = part.shape.shape.mesh
        assert mesh is not None  # layout.require_complete
        corners = np.stack(np.meshgrid(*mesh.bounds().T), axis=-1).reshape(-1, 3)
        placed = part.part.pose.apply(corners)
        low, high = np.minimum(low, placed.min(axis=0)), np.maximum(high, placed.max(axis=0))
    small, middle, large = (float(v) for v in np.sort(high - low))
    return small, middle, large


def contact_offset_m(extents_m: tuple[float, float, float], options: PhysxOptions) -> float:
    """Distance from which contacts are generated: a fraction of the thinnest extent or a step of a short fall; bounded.

    A body that fell half its own size must be noticed before it sinks in: what PhysX finds inside, it pushes out late.
    """
    fall_mps = math.sqrt(_GRAVITY_M_S2 * extents_m[-1])
    wanted = max(options.contact_offset_fraction * extents_m[0], fall_mps * options.contact_step_s)
    return min(options.contact_offset_max_m, max(options.contact_offset_min_m, wanted))


def sdf_resolution(shape: Shape, options: PhysxOptions) -> int:
    """Cells along the longest side of a part, so that its mean wall (2 V / A, exact for a plate) gets enough."""
    assert shape.mesh is not None  # layout.require_complete
    longest = float(np.ptp(shape.mesh.bounds(), axis=0).max())
    thickness = longest
    if shape.solid is not None and shape.geometry is not None and shape.geometry.area_m2 > 0:
        thickness = min(longest, 2.0 * shape.solid.volume.value / shape.geometry.area_m2)
    wanted = options.sdf_resolution_max
    if thickness > 0:
        wanted = math.ceil(options.sdf_cells_across_wall * longest / thickness)
    bounded = min(options.sdf_resolution_max, max(options.sdf_resolution_min, wanted))
    # Whole blocks of the sparse field.
    return math.ceil(bounded / options.sdf_subgrid_resolution) * options.sdf_subgrid_resolution


def physx_layer(layout: Layout, options: UsdOptions) -> Sdf.Layer:
    """Opinions for PhysX, by schema name: solver, damping, contact offsets, and signed distance fields where chosen."""
    layer, physx = _layer(layout), options.physx
    for body in layout.bodies:
        extents = body_extents_m(body)
        if _moves(body, layout):
            _physx_body(layer, body, extents, physx)
        fields = {part.part.name for part in body.parts if part.part.collision and part.part.collision.method == "sdf"}
        offset = contact_offset_m(extents, physx)
        for collider in body.colliders:
            _physx_collider(layer, collider, offset, physx, replaced=collider.part.name in fields)
        for part in body.parts:
            if part.part.name in fields and part.prototype:
                _physx_field(layer, part, layout, offset, physx)
    runtime_joints.author_physx(layer, layout, physx)
    return layer


def _moves(body: BodyPlan, layout: Layout) -> bool:
    """True for a rigid body on the stage: a static one only when joints hang on it."""
    return not body.body.static or (layout.mechanism is not None and body.body.name in layout.mechanism.held)


def _physx_body(layer: Sdf.Layer, body: BodyPlan, extents: tuple[float, float, float], physx: PhysxOptions) -> None:
    prim = layers.over(layer, body.prim, apis=("PhysxRigidBodyAPI",))
    values: list[tuple[str, Sdf.ValueTypeName, float]] = [
        ("solverPositionIterationCount", Types.Int, physx.position_iterations),
        ("solverVelocityIterationCount", Types.Int, physx.velocity_iterations),
        ("linearDamping", Types.Float, physx.linear_damping_1_s),
        ("angularDamping", Types.Float, physx.angular_damping_1_s),
    ]
    if body.parts:
        fall = math.sqrt(2.0 * _GRAVITY_M_S2 * extents[2])
        values += [
            ("maxDepenetrationVelocity", Types.Float, min(physx.max_depenetration_m_s, fall)),
            ("enableCCD", Types.Bool, extents[0] < physx.ccd_speed_m_s * physx.ccd_step_s),
        ]
    for name, kind, value in values:
        layers.attribute(prim, f"physxRigidBody:{name}", kind, value)


def _physx_collider(
    layer: Sdf.Layer, plan: ColliderPlan, offset_m: float, options: PhysxOptions, *, replaced: bool
) -> None:
    prim = layers.over(layer, plan.prim, apis=("PhysxCollisionAPI",))
    layers.attribute(prim, "physxCollision:contactOffset", Types.Float, offset_m)
    layers.attribute(prim, "physxCollision:restOffset", Types.Float, options.rest_offset_m)
    if plan.collider.kind == "hull":
        layers.apply(prim, "PhysxConvexHullCollisionAPI")
        layers.attribute(prim, "physxConvexHullCollision:hullVertexLimit", Types.Int, options.hull_vertex_limit)
    if replaced:
        layers.attribute(prim, "physics:collisionEnabled", Types.Bool, False)


def _physx_field(layer: Sdf.Layer, plan: PartPlan, layout: Layout, offset_m: float, options: PhysxOptions) -> None:
    """Collide with a signed distance field of the render mesh itself; an instance is opened for it."""
    if plan.instanced:
        layers.over(layer, plan.prim).SetInfo("instanceable", False)
    apis = ("PhysicsCollisionAPI", "PhysicsMeshCollisionAPI", "PhysxCollisionAPI", "PhysxSDFMeshCollisionAPI")
    prim = layers.over(layer, f"{plan.prim}/{MESH}", apis=apis)
    layers.attribute(prim, "physics:collisionEnabled", Types.Bool, True)
    layers.attribute(prim, "physics:approximation", Types.Token, "sdf", uniform=True)
    layers.attribute(prim, "physxCollision:contactOffset", Types.Float, offset_m)
    layers.attribute(prim, "physxCollision:restOffset", Types.Float, options.rest_offset_m)
    resolution = sdf_resolution(plan.shape.shape, options)
    layers.attribute(prim, "physxSDFMeshCollision:sdfResolution", Types.Int, resolution)
    layers.attribute(prim, "physxSDFMeshCollision:sdfSubgridResolution", Types.Int, options.sdf_subgrid_resolution)
    layers.bind(prim, layout.physics_material_path(plan.part.material), physics=True)


def newton_layer(layout: Layout, options: UsdOptions) -> Sdf.Layer:
    """Opinions for Newton (newton-usd-schemas 0.5): contact margins; hulls are taken whole."""
    layer = _layer(layout)
    for body in layout.bodies:
        gap = contact_offset_m(body_extents_m(body), options.physx)
        for collider in body.colliders:
            prim = layers.over(layer, collider.prim, apis=("NewtonCollisionAPI",))
            layers.attribute(prim, "newton:contactMargin", Types.Float, options.physx.rest_offset_m)
            layers.attribute(prim, "newton:contactGap", Types.Float, gap)
            if collider.collider.kind == "hull":
                layers.apply(prim, "NewtonMeshCollisionAPI")
                layers.attribute(prim, "newton:maxHullVertices", Types.Int, -1, uniform=True)
    runtime_joints.author_newton(layer, layout)
    return layer


def mujoco_layer(layout: Layout, options: UsdOptions) -> Sdf.Layer:
    """Opinions for MuJoCo (mjcPhysics schemas by name): its collision geoms."""
    layer = _layer(layout)
    for body in layout.bodies:
        for collider in body.colliders:
            prim = layers.over(layer, collider.prim, apis=("MjcCollisionAPI",))
            layers.attribute(prim, "mjc:group", Types.Int, options.mujoco_collision_group, uniform=True)
            if collider.collider.kind == "hull":
                layers.apply(prim, "MjcMeshCollisionAPI")
                layers.attribute(prim, "mjc:inertia", Types.Token, "convex", uniform=True)
                layers.attribute(prim, "mjc:maxhullvert", Types.Int, -1, uniform=True)
    runtime_joints.author_mujoco(layer, layout)
    return layer


def _layer(layout: Layout) -> Sdf.Layer:
    layer = layers.new_layer(".usda", layout.root[1:])
    layers.over(layer, layout.root)
    return layer
