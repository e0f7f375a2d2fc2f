"""Prims of a USD stage that say something about motion, by name, whether their schemas are installed or not."""

from __future__ import annotations

from typing import Any

from physicl_twin.ingest.usd_articulation import ROOT_API, PhysicsPrims
from physicl_twin.ingest.usd_physics import applied_schemas

#: Prims and schemas of physics that a twin has no place for, in words.
_GROUP = "physics:filteredGroups"
_LEFT_OUT = {
    "PhysicsCollisionGroup": "the collision group",
    "MjcTendon": "the tendon",
    "MjcKeyframe": "the keyframe",
}
_SITE_SCHEMAS = {"MjcSiteAPI", "NewtonSiteAPI"}
#: Group in which our own assets keep the sites of a body.
_SITES = "sites"
_LEFT_SCHEMAS = (
    ("PhysxTendon", "the tendon at"),
    ("PhysxVehicle", "the vehicle at"),
    ("PhysxSurfaceVelocityAPI", "the surface velocity of"),
    ("PhysxForceAPI", "the force on"),
    ("MjcEqualityConnectAPI", "the equality at"),
    ("MjcEqualityWeldAPI", "the equality at"),
)


def motion_prims(stage: Any) -> PhysicsPrims:
    """Prims of a stage that say something about motion, also inside of instances."""
    from pxr import Usd, UsdPhysics

    joints, roots, actuators, filtered = [], [], [], []
    others: list[tuple[str, str]] = []
    apart = False
    for prim in Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies()):
        kind, schemas = str(prim.GetTypeName()), applied_schemas(prim)
        if prim.IsA(UsdPhysics.Joint):
            joints.append(prim)
        elif kind in ("NewtonActuator", "MjcActuator"):
            actuators.append(prim)
        elif kind == "PhysicsCollisionGroup" and prim.GetPath() in prim.GetRelationship(_GROUP).GetTargets():
            apart = True
        elif kind in _LEFT_OUT:
            others.append((_LEFT_OUT[kind], prim.GetName()))
        if ROOT_API in schemas:
            roots.append(prim)
        if prim.HasRelationship("physics:filteredPairs"):
            filtered.append(prim)
        left = [what for start, what in _LEFT_SCHEMAS if any(schema.startswith(start) for schema in schemas)]
        others += [(what, prim.GetName()) for what in left]
    return PhysicsPrims(tuple(joints), tuple(roots), tuple(actuators), tuple(filtered), tuple(others), apart)


def linked_prims(motion: PhysicsPrims) -> list[Any]:
    """Prims whose bodies joints name, though they may have no surface."""
    found = []
    for prim in motion.joints:
        for side in ("physics:body0", "physics:body1"):
            for path in prim.GetRelationship(side).GetTargets():
                target = prim.GetStage().GetPrimAtPath(path)
                if target and target.IsActive():
                    found.append(target)
    return found


def is_site(prim: Any) -> bool:
    """True for a frame of MuJoCo's or Newton's schema, and for one in the group where our own assets keep them."""
    ours = prim.GetParent() and prim.GetParent().GetName() == _SITES and prim.GetTypeName() == "Xform"
    return bool(ours) or bool(_SITE_SCHEMAS & set(applied_schemas(prim)))


def site_prims(stage: Any) -> list[Any]:
    """The sites of a stage."""
    from pxr import Usd, UsdGeom

    every = Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies())
    return [prim for prim in every if prim.IsA(UsdGeom.Xformable) and is_site(prim)]
