"""The instance layer (prototypes) and the base layer (the neutral asset that composes the others)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pxr import Gf, Sdf, UsdGeom, Vt

from physicl_twin.model import Twin
from physicl_twin.usd import layers, physics
from physicl_twin.usd.articulation import author_articulation
from physicl_twin.usd.dictionary import to_dictionary
from physicl_twin.usd.geometry import MESH, SHAPES
from physicl_twin.usd.grasp import GraspLine
from physicl_twin.usd.handles import PlacedGrasp
from physicl_twin.usd.labels import label_bodies
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import Layout, LookPlan, PartPlan
from physicl_twin.usd.materials import LOOKS, author_physics_materials

#: Root of the prototypes in the instance layer.
PROTOTYPES = "/Instances"


def instance_layer(layout: Layout) -> Sdf.Layer:
    """Prototypes, each a prim ``/Instances/<name>`` that references its geometry.

    What becomes a USD instance carries its materials inside the prototype: a binding cannot reach into an instance from
    outside. The others are bound where they are placed, so that materials are not copied.
    """
    layer = layers.new_layer(".usda", PROTOTYPES[1:])
    layers.define(layer, PROTOTYPES, "Scope")
    done = set()
    for body in layout.bodies:
        for part in body.parts:
            if not part.prototype or part.prototype in done:
                continue
            done.add(part.prototype)
            path = f"{PROTOTYPES}/{part.prototype}"
            prim = layers.define(layer, path, "Xform")
            layers.reference(prim, "./geometries.usdc", f"{SHAPES}/{part.shape.prim}")
            if part.instanced:
                for look in dict.fromkeys(part.looks):
                    _reference_look(layer, f"{path}/Looks/{look.prim}", look)
                _bind(layer, path, part, f"{path}/Looks")
    return layer


def base_layer(layout: Layout, grasps: Sequence[PlacedGrasp]) -> Sdf.Layer:
    """The neutral asset: hierarchy, looks, physics, semantics; no opinion of any one engine."""
    twin = layout.twin
    layer = layers.new_layer(".usda", layout.root[1:])
    root = layers.define(layer, layout.root, "Xform", title=twin.title)
    _semantics(root, twin)
    layers.record(root, "twin", _identity(twin))
    layers.define(layer, f"{layout.root}/Looks", "Scope")
    placed = (part for body in layout.bodies for part in body.parts if not part.instanced)
    for look in dict.fromkeys(look for part in placed for look in part.looks):
        _reference_look(layer, f"{layout.root}/Looks/{look.prim}", look)
    author_physics_materials(layer, layout)
    held = layout.mechanism.held if layout.mechanism is not None else frozenset()
    densities = {material.name: material.density.value for material in twin.materials}
    for body in layout.bodies:
        physics.author_body(layer, body, densities, held=body.body.name in held)
        for part in body.parts:
            _part(layer, part, layout)
        for collider in body.colliders:
            physics.author_collider(layer, collider, layout.physics_material_path(collider.part.material))
        for path, site in body.sites:
            physics.author_site(layer, path, site.name, site.pose)
    author_articulation(layer, layout)
    label_bodies(layer, layout)
    for grasp in grasps:
        _grasp(layer, grasp.prim, grasp.line)
    return layer


def _reference_look(layer: Sdf.Layer, path: str, look: LookPlan) -> None:
    layers.reference(layers.define(layer, path, "Material"), "./materials.usda", f"{LOOKS}/{look.prim}")


def _bind(layer: Sdf.Layer, path: str, part: PartPlan, looks: str) -> None:
    for (_, subset), look in zip(part.shape.subsets, part.looks, strict=False):
        layers.bind(layers.over(layer, f"{path}/{MESH}/{subset}"), f"{looks}/{look.prim}")
    if not part.shape.subsets:
        layers.bind(layers.over(layer, path), f"{looks}/{part.looks[0].prim}")


def _part(layer: Sdf.Layer, plan: PartPlan, layout: Layout) -> None:
    part = plan.part
    prim = layers.define(layer, plan.prim, "Xform", title=part.name)
    layers.place(prim, part.pose)
    if plan.prototype:
        layers.reference(prim, "./instances.usda", f"{PROTOTYPES}/{plan.prototype}")
    if plan.instanced:
        prim.SetInfo("instanceable", True)
    elif plan.prototype:
        _bind(layer, plan.prim, plan, f"{layout.root}/Looks")
    if not part.visible:
        layers.attribute(prim, "purpose", Types.Token, "guide", uniform=True)
    values: dict[str, Any] = {"part": part.name, "shape": part.shape, "material": part.material, "role": part.role}
    values["pose"] = to_dictionary(part.pose)
    values["hints"] = to_dictionary(part.hints)
    if part.mass is not None:
        values["mass"] = to_dictionary(part.mass)
    if part.makeup is not None:
        values["makeup"] = to_dictionary(part.makeup)
    if part.collision is not None:
        collision = to_dictionary(part.collision)
        collision.pop("colliders", None)  # each stands on its own prim
        values["collision"] = collision
    layers.record_all(prim, values)


def _semantics(root: Sdf.PrimSpec, twin: Twin) -> None:
    semantics = twin.semantics
    assert semantics is not None  # layout.require_complete
    layers.label(root, "class", semantics.label)
    layers.label(root, "wikidata_qcode", semantics.qcode)


def _identity(twin: Twin) -> dict[str, Any]:
    """Everything of the twin that no other prim carries."""
    return to_dictionary(replace(twin, shapes=(), appearances=(), bodies=(), joints=(), materials=()))


def _grasp(layer: Sdf.Layer, path: str, grasp: GraspLine) -> None:
    """The line between the jaws of a gripper (SimReady GSP.001), kept out of renders."""
    prim = layers.define(layer, path, "BasisCurves")
    layers.attribute(prim, "type", Types.Token, "linear", uniform=True)
    layers.attribute(prim, "purpose", Types.Token, "guide", uniform=True)
    layers.attribute(prim, "curveVertexCounts", Types.IntArray, Vt.IntArray([2]))
    points = Vt.Vec3fArray([Gf.Vec3f(*grasp.start_m), Gf.Vec3f(*grasp.end_m)])
    widths = Vt.FloatArray([grasp.drawn_width_m])
    layers.attribute(prim, "points", Types.Point3fArray, points)
    layers.attribute(prim, "widths", Types.FloatArray, widths).SetInfo("interpolation", "constant")
    layers.attribute(prim, "extent", Types.Float3Array, UsdGeom.Curves.ComputeExtent(points, widths))
    layers.record_all(prim, {"grasp_width_m": grasp.width_m, "grasp_reason": grasp.reason})
