"""A stand-in for Kit's ``PhysxSchema`` in NVIDIA's rules about joints, where USD comes from pip.

Those rules look PhysX's schemas up by classes that pip's USD lacks; without them they say that they broke, or pass
unseen. The stand-in answers by name from what is authored, whether or not the schemas are registered: USD reads its
registry once in a process, and nobody can know that this is the first use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

#: Namespace of the attributes of each schema that the rules read.
_PREFIXES = {"PhysicsJointStateAPI": "state:{}:physics", "PhysxMimicJointAPI": "physxMimicJoint:{}"}


class _SchemaName(str):
    """An API schema by name: what ``HasAPI`` takes, and what makes an accessor of a prim."""

    __slots__ = ()

    def __call__(self, prim: Any, instance: str = "") -> _Applied:
        return _Applied(prim, str(self), instance)


class _Applied:
    """The attributes of one application of a schema, as the rules ask for them (``GetGearingAttr`` …)."""

    def __init__(self, prim: Any, schema: str, instance: str) -> None:
        self._prim, self._name = prim, f"{schema}:{instance}" if instance else schema
        self._prefix = _PREFIXES.get(schema, schema).format(instance)

    def __bool__(self) -> bool:
        return self._name in _authored(self._prim)

    def __getattr__(self, name: str) -> Any:
        for ending, find in (("Attr", self._prim.GetAttribute), ("Rel", self._prim.GetRelationship)):
            if name.startswith("Get") and name.endswith(ending):
                plain = name.removeprefix("Get").removesuffix(ending)
                return lambda: find(f"{self._prefix}:{plain[0].lower()}{plain[1:]}")
        raise AttributeError(name)


class _Schemas:
    """``PhysxSchema.<Name>``; Kit calls PhysicsJointStateAPI ``JointStateAPI``."""

    JointStateAPI = _SchemaName("PhysicsJointStateAPI")

    def __getattr__(self, name: str) -> _SchemaName:
        return _SchemaName(name)


def _authored(prim: Any) -> list[str]:
    """Applied API schemas, registered or not."""
    operation = prim.GetMetadata("apiSchemas")
    return [str(name) for name in operation.GetAddedOrExplicitItems()] if operation is not None else []


def rules_of(registries: Any, profile: str, version: str) -> tuple[type, ...]:
    """The rules that a profile of NVIDIA's validator applies; none for a profile that is not registered."""
    registry = registries.RequirementsRegistry()
    wanted = [p for p in registries.ProfileRegistry() if (str(p.id), str(p.version)) == (str(profile), str(version))]
    requirements = (r for p in wanted for feature in p.capabilities for r in feature.requirements)
    return tuple(rule for r in requirements if (rule := registry.get_validator(r)) is not None)


@contextlib.contextmanager
def stand_in(rules: Iterable[type]) -> Iterator[None]:
    """Let rules that found no ``PhysxSchema`` work by names; everything is as before afterwards."""
    from pxr import Usd

    # A rule's module need not stand in sys.modules under its name; its methods know their globals.
    methods = (vars(rule).get(name) for rule in rules for name in ("CheckPrim", "CheckStage"))
    spaces = {id(space): space for method in methods if (space := getattr(method, "__globals__", None)) is not None}
    blind = [space for space in spaces.values() if space.get("PhysxSchema", space) is None]
    if not blind:
        yield
        return
    has_api, applied = Usd.Prim.HasAPI, Usd.Prim.GetAppliedSchemas

    def has(prim: Any, schema: Any, *instance: str) -> bool:
        if not isinstance(schema, _SchemaName):
            return bool(has_api(prim, schema, *instance))
        wanted = f"{schema}:{instance[0]}" if instance else str(schema)
        return any(name == wanted or (not instance and name.startswith(f"{wanted}:")) for name in _authored(prim))

    def all_applied(prim: Any) -> list[str]:
        return list(dict.fromkeys([*(str(name) for name in applied(prim)), *_authored(prim)]))

    for space in blind:
        space["PhysxSchema"] = _Schemas()
    Usd.Prim.HasAPI, Usd.Prim.GetAppliedSchemas = has, all_applied
    try:
        yield
    finally:
        Usd.Prim.HasAPI, Usd.Prim.GetAppliedSchemas = has_api, applied
        for space in blind:
            space["PhysxSchema"] = None
