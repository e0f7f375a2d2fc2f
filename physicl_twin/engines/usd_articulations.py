"""Articulations of a USD stage, and the pairs that it keeps from colliding."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from pxr import UsdPhysics

from physicl_twin.engines.joint_properties import targets_of
from physicl_twin.engines.scene_description import DescribedArticulation, DescribedJoint


class ArticulationReader:
    """Reads them.

    Args:
        stage: ``Usd.Stage``.
        owner: Path of the rigid body at or above a prim; empty for none.
        bodies: Prim paths of the rigid bodies.
        joints: Joints of the stage.
        notes: Where to say what was left out.
    """

    def __init__(
        self,
        stage: Any,
        owner: Callable[[Any], str],
        bodies: Sequence[str],
        joints: Sequence[DescribedJoint],
        notes: list[str],
    ) -> None:
        self._stage, self._owner, self._bodies, self._notes = stage, owner, tuple(bodies), notes
        self._ends = {joint.path: (joint.body0, joint.body1) for joint in joints}
        self._linked: dict[str, set[str]] = {}
        for joint in joints:
            if joint.closes_loop:
                continue
            for one, other in ((joint.body0, joint.body1), (joint.body1, joint.body0)):
                if one:
                    self._linked.setdefault(one, set()).add(other)

    def articulations(self, prims: Sequence[Any]) -> tuple[DescribedArticulation, ...]:
        """The articulations, sorted by path."""
        found = []
        for prim in prims:
            enabled = prim.GetAttribute("physxArticulation:articulationEnabled").Get() is not False
            if not prim.HasAPI(UsdPhysics.ArticulationRootAPI) or not enabled:
                continue
            path = str(prim.GetPath())
            members = self._reached(self._ends.get(path) or self._below(path))
            if not members:
                self._notes.append(f"{path}: an articulation root without a joint was left out.")
                continue
            found.append(
                DescribedArticulation(
                    path,
                    tuple(sorted(members)),
                    self._self_collision(prim),
                    _count(prim, "Position"),
                    _count(prim, "Velocity"),
                )
            )
        return tuple(sorted(found, key=lambda articulation: articulation.path))

    def filtered_pairs(self, prims: Sequence[Any]) -> tuple[tuple[str, str], ...]:
        """Pairs of bodies (or static colliders) that filtered pairs and collision groups keep apart, sorted."""
        found: set[tuple[str, str]] = set()
        for prim in prims:
            for target in targets_of(prim, "physics:filteredPairs"):
                other = self._stage.GetPrimAtPath(target)
                if not other:
                    continue
                for one in self._named(prim):
                    for two in self._named(other):
                        if one != two:
                            found.add((min(one, two), max(one, two)))
        return tuple(sorted(found | self._grouped(prims)))

    def _grouped(self, prims: Sequence[Any]) -> set[tuple[str, str]]:
        """Pairs of bodies and static colliders whose collision groups filter each other."""
        if not any(prim.IsA(UsdPhysics.CollisionGroup) for prim in prims):
            return set()
        table = UsdPhysics.CollisionGroup.ComputeCollisionGroupTable(self._stage)
        members: dict[Any, set[str]] = {}
        for group in table.GetGroups():
            colliders = UsdPhysics.CollisionGroup.Get(self._stage, group).GetCollidersCollectionAPI()
            query = colliders.ComputeMembershipQuery()
            members[group] = {
                self._owner(prim) or str(prim.GetPath())
                for prim in prims
                if prim.HasAPI(UsdPhysics.CollisionAPI) and query.IsPathIncluded(prim.GetPath())
            }
        return {
            (min(one, two), max(one, two))
            for first, second in itertools.combinations_with_replacement(members, 2)
            if not table.IsCollisionEnabled(first, second)
            for one in members[first]
            for two in members[second]
            if one != two
        }

    def _below(self, path: str) -> tuple[str, ...]:
        return tuple(body for body in self._bodies if body == path or body.startswith(path.rstrip("/") + "/"))

    def _reached(self, seeds: Sequence[str]) -> set[str]:
        """The bodies that joints connect with some of them."""
        queue = [body for body in seeds if body in self._linked]
        seen = set(queue)
        while queue:
            for other in self._linked[queue.pop()]:
                if other and other not in seen:
                    seen.add(other)
                    queue.append(other)
        return seen

    def _named(self, prim: Any) -> tuple[str, ...]:
        """Bodies that a side of a filtered pair means: the one that it belongs to, or all that are below it."""
        owner = self._owner(prim)
        path = str(prim.GetPath())
        if owner and owner != path and prim.HasAPI(UsdPhysics.CollisionAPI):
            # The engines that are not PhysX filter by body.
            self._notes.append(f"{path}: a filtered pair of a single collider counts for its whole body in MuJoCo.")
        if owner:
            return (owner,)
        return self._below(path) or ((path,) if prim.HasAPI(UsdPhysics.CollisionAPI) else ())

    def _self_collision(self, prim: Any) -> bool:
        """As PhysX reads it: its own attribute where its API is applied, else Newton's; True when nobody says."""
        physx = prim.GetAttribute("physxArticulation:enabledSelfCollisions").Get()
        newton = prim.GetAttribute("newton:selfCollisionEnabled").Get()
        stated = physx if physx is not None else newton
        return stated is not False


def _count(prim: Any, kind: str) -> int | None:
    value = prim.GetAttribute(f"physxArticulation:solver{kind}IterationCount").Get()
    return int(value) if value is not None else None
