"""Which prims an operation concerns: bodies with their geometry, and what is left alone and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pxr import Sdf, Usd, UsdGeom, UsdPhysics

from physicl_twin.in_stage.report import Bodies, Skip

#: Geometry with a volume that physics knows.
SOLIDS = ("Mesh", "Cube", "Sphere", "Cylinder", "Cylinder_1", "Capsule", "Capsule_1", "Cone")


@dataclass(frozen=True, slots=True)
class Target:
    """A body to be.

    Attributes:
        prim: Its prim.
        geometry: Solid geometry that belongs to it, instance proxies included.
        colliders: Prims below it that collide already.
        joints: True when there are joints below it.
        path: Of its prim, also when that is gone.
    """

    prim: Usd.Prim
    geometry: tuple[Usd.Prim, ...]
    colliders: tuple[Usd.Prim, ...]
    joints: bool
    path: str


def targets(stage: Usd.Stage, paths: Sequence[str], bodies: Bodies) -> tuple[list[Target], list[Skip], list[Usd.Prim]]:
    """The bodies that a selection means, what is left alone, and selected prims that hold bodies and joints.

    A selected prim that holds rigid bodies already (a robot, a cabinet) means these; prims below another selected one
    are part of it.

    Args:
        stage: The stage.
        paths: Selected prims.
        bodies: See ``InStageOptions``.
    """
    found: list[Target] = []
    skipped: list[Skip] = []
    assemblies: list[Usd.Prim] = []
    chosen: list[Usd.Prim] = []
    for path in dict.fromkeys(paths):
        prim, skip = _usable(stage, path)
        if skip is not None:
            skipped.append(skip)
        elif prim is not None:
            chosen.append(prim)
    roots = {prim.GetPath() for prim in chosen}
    for prim in chosen:
        if any(prefix in roots for prefix in prim.GetPath().GetPrefixes()[:-1]):
            continue
        held = _held_bodies(prim)
        if held:
            found += [_target(body) for body in held]
            if any(below.IsA(UsdPhysics.Joint) for below in Usd.PrimRange(prim)):
                assemblies.append(prim)
        elif bodies == "geometry":
            found += [_target(piece) for piece in _geometry(list(_range(prim))) if not piece.IsInstanceProxy()]
        elif not prim.IsA(UsdGeom.Xformable):
            message = f"{prim.GetName()} is a {prim.GetTypeName() or 'prim without type'}, which has no place in space."
            skipped.append(Skip(str(prim.GetPath()), "not_transformable", message, "Select what is inside it."))
        else:
            found.append(_target(prim))
    kept: list[Target] = []
    for target in found:
        skip = _refused(target)
        if skip is None:
            kept.append(target)
        else:
            skipped.append(skip)
    return kept, skipped, assemblies


def prim_at(stage: Usd.Stage, path: str) -> Usd.Prim | None:
    """The prim at a path that may be none."""
    prim = stage.GetPrimAtPath(path) if Sdf.Path.IsValidPathString(path) else None
    return prim if prim else None


def body_of(prim: Usd.Prim | None) -> Usd.Prim | None:
    """The rigid body that a prim is or belongs to."""
    while prim and not prim.IsPseudoRoot():
        if prim.HasAPI(UsdPhysics.RigidBodyAPI):
            return prim
        prim = prim.GetParent()
    return None


def is_kinematic(body: Usd.Prim) -> bool:
    """Whether a body (to be) is moved by animation only."""
    attribute = body.GetAttribute("physics:kinematicEnabled")
    return bool(attribute and attribute.Get())


def has_articulation(prim: Usd.Prim) -> bool:
    """Whether there is an articulation root at a prim, above or below it."""
    above = [prim, *_ancestors(prim)]
    return any(found.HasAPI(UsdPhysics.ArticulationRootAPI) for found in (*above, *Usd.PrimRange(prim)))


def _usable(stage: Usd.Stage, path: str) -> tuple[Usd.Prim | None, Skip | None]:
    if not Sdf.Path.IsValidPathString(path) or not Sdf.Path(path).IsAbsoluteRootOrPrimPath():
        return None, Skip(path, "prim_gone", f"{path} is no path of a prim.", "Select it again.")
    prim = stage.GetPrimAtPath(path)
    if not prim:
        return None, Skip(path, "prim_gone", f"There is no prim at {path} any more.", "Select it again.")
    if prim.IsPseudoRoot():
        return None, Skip(path, "whole_stage", "The whole stage is no body.", "Select prims in it.")
    if not prim.IsActive() or not prim.IsLoaded():
        state = "inactive" if not prim.IsActive() else "not loaded"
        return None, Skip(path, "prim_off", f"{prim.GetName()} is {state}.", "Activate or load it first.")
    if prim.IsInstanceProxy() or prim.IsInPrototype():
        root = next((p for p in _ancestors(prim) if p.IsInstance() and not p.IsInstanceProxy()), None)
        hint = f"Select {root.GetPath()}, or turn its instancing off." if root else "Select the instance."
        return None, Skip(path, "inside_instance", f"{prim.GetName()} is shared by all instances.", hint)
    points = next((p for p in (prim, *_ancestors(prim)) if p.IsA(UsdGeom.PointInstancer)), None)
    if points is not None:
        message = f"{points.GetPath()} places copies of prototypes at points, which are no prims."
        return None, Skip(path, "point_instancer", message, "Replace the copies by prims.")
    above = next((p for p in _ancestors(prim) if p.HasAPI(UsdPhysics.RigidBodyAPI)), None)
    if above is not None:
        message = f"{prim.GetName()} is part of the body {above.GetPath()}."
        return None, Skip(path, "inside_body", message, f"Select {above.GetPath()}.")
    return prim, None


def _ancestors(prim: Usd.Prim) -> Iterator[Usd.Prim]:
    above = prim.GetParent()
    while above and not above.IsPseudoRoot():
        yield above
        above = above.GetParent()


def _held_bodies(prim: Usd.Prim) -> list[Usd.Prim]:
    return [found for found in Usd.PrimRange(prim) if found != prim and found.HasAPI(UsdPhysics.RigidBodyAPI)]


def _range(prim: Usd.Prim) -> Iterator[Usd.Prim]:
    """A prim and what is below it and belongs to the same body, also inside instances; no prototypes of points."""
    walk = iter(Usd.PrimRange(prim, Usd.TraverseInstanceProxies()))
    for found in walk:
        if found != prim and (found.HasAPI(UsdPhysics.RigidBodyAPI) or found.IsA(UsdGeom.PointInstancer)):
            walk.PruneChildren()
            continue
        yield found


def _geometry(everything: list[Usd.Prim]) -> tuple[Usd.Prim, ...]:
    """The solids that are seen, each once: a proxy stands in for what is rendered, and both together weigh twice."""
    found: list[tuple[Usd.Prim, str]] = []
    for prim in everything:
        if prim.GetTypeName() in SOLIDS:
            image = UsdGeom.Imageable(prim)
            purpose = image.ComputePurpose()
            if purpose != UsdGeom.Tokens.guide and image.ComputeVisibility() != UsdGeom.Tokens.invisible:
                found.append((prim, purpose))
    rendered = any(purpose == UsdGeom.Tokens.render for _, purpose in found)
    return tuple(prim for prim, purpose in found if not rendered or purpose != UsdGeom.Tokens.proxy)


def _target(prim: Usd.Prim) -> Target:
    everything = list(_range(prim))
    return Target(
        prim,
        _geometry(everything),
        tuple(p for p in everything if p.HasAPI(UsdPhysics.CollisionAPI)),
        any(p.IsA(UsdPhysics.Joint) for p in everything),
        str(prim.GetPath()),
    )


def _refused(target: Target) -> Skip | None:
    path, name = str(target.prim.GetPath()), target.prim.GetName()
    if not target.geometry:
        return Skip(path, "no_geometry", f"{name} holds no solid geometry.", "Select something with a mesh.")
    if not target.colliders and any(piece.IsInstanceProxy() for piece in target.geometry):
        return Skip(
            path,
            "instance_without_colliders",
            f"{name} shares geometry with other instances, which has no colliders.",
            "Make the referenced asset sim-ready, or turn instancing off.",
        )
    return None
