"""Collision geometry that a USD stage states: which surfaces are seen, which collide, and primitives as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from physicl_twin.ingest.usd_physics import StageUnits
from physicl_twin.model import Collider, Collision, CollisionFit, Evidence, Pose
from physicl_twin.model.collision import ColliderKind
from physicl_twin.model.twin import PartRole


def collides(prim: Any, body: Any, time: Any) -> bool:
    """True when a prim is a collider: by its own schema, or by that of a group above it within its body."""
    from pxr import UsdPhysics

    here = prim
    while here and not here.IsPseudoRoot():
        if here.HasAPI(UsdPhysics.CollisionAPI):
            return UsdPhysics.CollisionAPI(here).GetCollisionEnabledAttr().Get(time) is not False
        if body and here == body:
            return False
        here = here.GetParent()
    return False


def role(seen: bool, collider: bool, body_has_colliders: bool) -> PartRole | None:
    """What a surface counts for; None for what is neither seen nor touched."""
    if not seen:
        return "collision" if collider else None
    return "visual" if body_has_colliders and not collider else "solid"


def stated_collision(prim: Any, units: StageUnits, time: Any) -> Collision | None:
    """The collider of a primitive that collides as it is, metres and the shape's axes; None for a mesh."""
    kind = str(prim.GetTypeName())

    def size(name: str) -> float:
        return float(prim.GetAttribute(name).Get(time)) * units.metres

    found: tuple[ColliderKind, tuple[float, ...]] | None = None
    if kind == "Cube":
        found = "box", (size("size"),) * 3
    elif kind == "Sphere":
        found = "sphere", (size("radius"),)
    elif kind in ("Capsule", "Cylinder"):
        found = "capsule" if kind == "Capsule" else "cylinder", (size("radius"), size("height"))
    if found is None or min(found[1]) <= 0.0:
        return None
    axis = str(prim.GetAttribute("axis").Get(time)) if kind in ("Capsule", "Cylinder") else "Z"
    pose = Pose.from_matrix(_TURNS[axis]) if axis in ("X", "Y") else Pose()
    evidence = (Evidence("source", f"The USD asset states a {found[0]} as collider.", units.source, kind),)
    fit = CollisionFit(0.0, 0.0, 0.0, 1.0, None, 1)
    return Collision("primitive", (Collider("", found[0], pose, found[1]),), fit, evidence=evidence)


def _turn(columns: tuple[tuple[float, float, float], ...]) -> Any:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(columns).T
    return matrix


#: (4, 4) rotations that take local z to the axis of a primitive.
_TURNS = {
    "X": _turn(((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))),
    "Y": _turn(((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))),
}
