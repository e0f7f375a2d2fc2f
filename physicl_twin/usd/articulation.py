"""The articulation in the base layer: its root, the pairs of bodies that do not collide, what robots are called."""

from __future__ import annotations

import re

from pxr import Sdf

from physicl_twin.model import Articulation, Twin
from physicl_twin.usd import joints, layers, physics
from physicl_twin.usd.layers import Types
from physicl_twin.usd.layout import Layout

#: Prim of the group whose members do not collide with each other.
SELF_COLLISION = "self_collision"
#: Isaac Sim's words for kinds of robots (``isaac:robotType``), and what they are called in names; the first that fits.
_ROBOT_TYPES = (
    ("End Effector", r"gripper|greifer|pr[ée]henseur|end.?effector|\bhand\b"),
    ("Mobile Manipulators", r"mobile.?manipulator"),
    ("Quadruped", r"quadruped|\bdog\b|anymal|\bspot\b|\bgo[12]\b"),
    ("Humanoid", r"humanoid|biped"),
    ("Aerial", r"drone|quadrotor|quadcopter|aerial|\buav\b"),
    ("Holonomic", r"holonomic|mecanum|omni.?wheel"),
)


def articulation_of(twin: Twin) -> Articulation:
    """The twin's articulation, or what holds for one that nothing is said of."""
    return twin.articulation or Articulation()


def author_articulation(layer: Sdf.Layer, layout: Layout) -> None:
    """Everything about the twin's joints: they themselves, what the world holds, the root, filters, a robot's names."""
    mechanism = layout.mechanism
    if mechanism is None:
        return
    if mechanism.base:
        physics.author_base(layer, mechanism.base)
    for anchor in mechanism.anchors:
        joints.author_anchor(layer, anchor, layout.root)
    for plan in mechanism.joints:
        joints.author_joint(layer, plan)
    layers.apply(layer.GetPrimAtPath(mechanism.root), "PhysicsArticulationRootAPI")
    articulation = articulation_of(layout.twin)
    _author_filters(layer, layout, articulation)
    if not articulation.self_collision:
        _author_group(layer, layout)
    if articulation.kind == "robot":
        _author_robot(layer, layout)


def _author_filters(layer: Sdf.Layer, layout: Layout, articulation: Articulation) -> None:
    """Pairs stand on a rigid body; a static body that is none is named by its colliders. Two such never meet."""
    held = layout.mechanism.held if layout.mechanism is not None else frozenset()
    still = {
        plan.body.name: [collider.prim for collider in plan.colliders]
        for plan in layout.bodies
        if plan.body.static and plan.body.name not in held
    }
    targets: dict[str, list[str]] = {}
    for pair in articulation.filters:
        one, other = (pair.body1, pair.body0) if pair.body0 in still else (pair.body0, pair.body1)
        if one in layout.paths and other in layout.paths and one not in still:
            targets.setdefault(layout.paths[one], []).extend(still.get(other, [layout.paths[other]]))
    for path, others in targets.items():
        prim = layer.GetPrimAtPath(path)
        layers.apply(prim, "PhysicsFilteredPairsAPI")
        layers.relationship(prim, "physics:filteredPairs", *dict.fromkeys(others))


def _author_group(layer: Sdf.Layer, layout: Layout) -> None:
    """A collision group that filters itself: the neutral word for an articulation without self-collision."""
    path = f"{layout.root}/{SELF_COLLISION}"
    prim = layers.define(layer, path, "PhysicsCollisionGroup", apis=("CollectionAPI:colliders",))
    layers.relationship(prim, "collection:colliders:includes", layout.root)
    layers.relationship(prim, "physics:filteredGroups", path)
    layers.record(prim, "anchor", True)


def _author_robot(layer: Sdf.Layer, layout: Layout) -> None:
    """Isaac Sim's robot schema, by name: links, joints (the one to the world first) and the kind of robot."""
    mechanism = layout.mechanism
    assert mechanism is not None  # the caller has joints
    jointed = set(mechanism.links)
    links = [plan.prim for plan in layout.bodies if plan.prim in jointed]
    own = [plan.prim for plan in mechanism.joints if not plan.excluded]
    holding = [anchor.prim for anchor in mechanism.anchors]
    holding += [p.prim for p in mechanism.joints if not p.excluded and layout.root in (p.body0, p.body1)]
    ordered = list(dict.fromkeys([*holding, *own]))
    root = layer.GetPrimAtPath(layout.root)
    layers.apply(root, "IsaacRobotAPI")
    layers.attribute(root, "isaac:robotType", Types.Token, robot_type(layout.twin, pinned=bool(holding)))
    for name, paths in (("isaac:physics:robotLinks", links), ("isaac:physics:robotJoints", ordered)):
        Sdf.RelationshipSpec(root, name, False).targetPathList.prependedItems = [Sdf.Path(path) for path in paths]
    for schema, paths in (("IsaacLinkAPI", links), ("IsaacJointAPI", ordered)):
        for path in paths:
            layers.apply(layer.GetPrimAtPath(path), schema)


def robot_type(twin: Twin, *, pinned: bool) -> str:
    """Isaac Sim's word for the kind of robot; ``Default`` when nothing tells it.

    A gripper is what it is called; else a held robot is a manipulator, and a free one what its name says, or wheeled
    when a joint of it turns a wheel.
    """
    label = twin.semantics.label if twin.semantics is not None else ""
    text = re.sub(r"[_\W]+", " ", f"{label} {twin.title} {twin.name}").casefold()
    named = next((kind for kind, words in _ROBOT_TYPES if re.search(words, text)), "")
    if named == "End Effector":
        return named
    if pinned:
        return "Manipulator"
    return named or ("Wheeled" if any(joint.role == "wheel" for joint in twin.joints) else "Default")
