"""Writing physics on prims of a stage: only what nobody else has said, with a note of what is ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pxr import Sdf, Usd

from physicl_twin.in_stage.journal import Journal
from physicl_twin.in_stage.report import Approximation
from physicl_twin.model import Material, UsdError

Types = Sdf.ValueTypeNames
#: Key of customData under which our notes stand, and of what we wrote within them: names, separated by blanks.
NOTES, APIS, PROPERTIES, WAS = "physicl", "in_stage_apis", "in_stage_properties", "in_stage_was"
#: What stands there for a prim that is ours as a whole.
MADE = "prim"
#: Key under which the names of further notes of ours stand.
TOLD = "in_stage_notes"
#: PhysX's schema of each approximation of a mesh (Isaac Sim 6.2, isaacsim.core.experimental.utils.physics).
PHYSX_API: Mapping[Approximation, str] = {
    "convexHull": "PhysxConvexHullCollisionAPI",
    "convexDecomposition": "PhysxConvexDecompositionCollisionAPI",
    "sdf": "PhysxSDFMeshCollisionAPI",
    "sphereFill": "PhysxSphereFillCollisionAPI",
    "meshSimplification": "PhysxTriangleMeshSimplificationCollisionAPI",
    "none": "PhysxTriangleMeshCollisionAPI",
}


class Author:
    """Writes to the edit target of a stage through a journal.

    Args:
        stage: The stage.

    Raises:
        UsdError: ``layer_locked``, ``layer_muted``.
    """

    def __init__(self, stage: Usd.Stage) -> None:
        self.stage = stage
        self._edit = stage.GetEditTarget()
        layer = self._edit.GetLayer()
        if not layer.permissionToEdit:
            raise UsdError(
                "layer_locked", f"The layer {_short(layer)} is locked.", "Unlock it, or choose another edit target."
            )
        if stage.IsLayerMuted(layer.identifier):
            raise UsdError(
                "layer_muted", f"The layer {_short(layer)} is muted.", "Unmute it, or choose another edit target."
            )
        self.journal = Journal(layer)

    def spec(self, path: Sdf.Path, type_name: str = "") -> Sdf.PrimSpec:
        """The prim's spec in the edit target.

        Raises:
            UsdError: ``edit_target_elsewhere`` when the edit target (a variant, a reference) does not hold the prim.
        """
        mapped = self._edit.MapToSpecPath(path)
        if mapped.isEmpty or not (mapped.IsPrimPath() or mapped.IsPrimVariantSelectionPath()):
            raise UsdError(
                "edit_target_elsewhere", f"The edit target cannot say anything about {path}.", "Choose the root layer."
            )
        return self.journal.prim(mapped, type_name)

    def write(
        self,
        prim: Usd.Prim,
        apis: Sequence[str],
        values: Sequence[tuple[str, Sdf.ValueTypeName, Any]],
        notes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Apply schemas and set attributes that nobody else has set.

        Args:
            prim: The prim.
            apis: Schemas by name.
            values: (name, type, value) of attributes.
            notes: Further notes beside what is ours.

        Returns:
            True when something changed.
        """
        ours = notes_of(prim)
        mine = set(str(ours.get(PROPERTIES, "")).split())
        applied = set(applied_schemas(prim))
        fresh_apis = [api for api in apis if api not in applied]
        wanted = [item for item in values if item[0] in mine or not _has_value(prim, item[0])]
        told = dict(notes or {})
        if not fresh_apis and not wanted and not told:
            return False
        before = self.journal.steps
        spec = self.spec(prim.GetPath())
        self._apply(spec, fresh_apis)
        for name, kind, value in wanted:
            self.journal.attribute(spec, name, kind, value, uniform=name in _UNIFORM)
        self._note(
            spec,
            ours
            | told
            | {
                APIS: _joined(ours.get(APIS, ""), fresh_apis),
                PROPERTIES: _joined(ours.get(PROPERTIES, ""), [name for name, _, _ in wanted]),
                TOLD: _joined(ours.get(TOLD, ""), sorted(told)),
            },
        )
        return self.journal.steps > before

    def bind(self, prim: Usd.Prim, material: Sdf.Path) -> bool:
        """Bind a physics material to a collider, where nobody else has bound one.

        Returns:
            True when something changed.
        """
        name = "material:binding:physics"
        ours = notes_of(prim)
        there = prim.GetRelationship(name)
        if there and there.HasAuthoredTargets() and name not in str(ours.get(PROPERTIES, "")).split():
            return False
        before = self.journal.steps
        spec = self.spec(prim.GetPath())
        fresh = [] if "MaterialBindingAPI" in applied_schemas(prim) else ["MaterialBindingAPI"]
        self._apply(spec, fresh)
        mapped = self._edit.MapToSpecPath(material).StripAllVariantSelections()
        self.journal.relationship(spec, name, mapped)
        known = dict(spec.customData.get(NOTES, {})) or ours
        self._note(
            spec,
            known | {APIS: _joined(known.get(APIS, ""), fresh), PROPERTIES: _joined(known.get(PROPERTIES, ""), [name])},
        )
        return self.journal.steps > before

    def replace(self, prim: Usd.Prim, name: str, kind: Sdf.ValueTypeName, value: Any, apis: Sequence[str]) -> None:
        """Set an attribute whoever has set it, noting what it said, and take off schemas that it rules out.

        Args:
            prim: The prim.
            name: Of the attribute.
            kind: Its type.
            value: New value.
            apis: Schemas of ``PHYSX_API`` to have afterwards.
        """
        ours = notes_of(prim)
        spec = self.spec(prim.GetPath())
        was = str(ours.get(WAS, ""))
        if name not in str(ours.get(PROPERTIES, "")).split() and not was and _has_value(prim, name):
            was = f"{name}={prim.GetAttribute(name).Get()}"
        self.journal.attribute(spec, name, kind, value, uniform=True)
        others = set(PHYSX_API.values()) - set(apis)
        there = spec.GetInfo("apiSchemas") if spec.HasInfo("apiSchemas") else Sdf.TokenListOp()
        here = there.explicitItems if there.isExplicit else there.prependedItems
        names = [api for api in here if api not in others]
        applied = applied_schemas(prim)
        elsewhere = [a for a in applied if a in others and a not in _listed(there)]
        fresh = [api for api in apis if api not in applied]
        names += [api for api in fresh if api not in names]
        made = Sdf.TokenListOp()
        if there.isExplicit:
            made = Sdf.TokenListOp.CreateExplicit(names)
        else:
            made.prependedItems = names
            made.appendedItems = there.appendedItems
            made.deletedItems = [*there.deletedItems, *(a for a in elsewhere if a not in there.deletedItems)]
        self.journal.info(spec, "apiSchemas", made)
        listed = [a for a in str(ours.get(APIS, "")).split() if a not in others]
        notes = ours | {APIS: _joined(" ".join(listed), fresh), PROPERTIES: _joined(ours.get(PROPERTIES, ""), [name])}
        self._note(spec, notes | ({WAS: was} if was else {}))

    def forget(self, prim: Usd.Prim) -> bool:
        """Take back what the notes say is ours; True when there was something."""
        ours = notes_of(prim)
        if APIS not in ours and PROPERTIES not in ours:
            return False
        spec = self.spec(prim.GetPath())
        was = str(ours.get(WAS, ""))
        for name in str(ours.get(PROPERTIES, "")).split():
            if was.startswith(f"{name}="):
                self.journal.attribute(spec, name, Types.Token, was.partition("=")[2], uniform=True)
            else:
                self.journal.remove_property(spec.path.AppendProperty(name))
        self._drop_apis(spec, set(str(ours.get(APIS, "")).split()))
        told = {APIS, PROPERTIES, WAS, TOLD, *str(ours.get(TOLD, "")).split()}
        rest = {key: value for key, value in ours.items() if key not in told}
        self._note(spec, rest)
        return True

    def make_material(self, path: Sdf.Path, numbers: Sequence[float], material: Material) -> None:
        """A physics material of ours.

        Args:
            path: Of its prim, which is not there yet.
            numbers: Static and dynamic friction, restitution.
            material: What it is, for the notes.
        """
        if not self.stage.GetPrimAtPath(path.GetParentPath()):
            self._note(self.spec(path.GetParentPath(), "Scope"), {PROPERTIES: MADE})
        spec = self.spec(path, "Material")
        self._apply(spec, ["PhysicsMaterialAPI"])
        names = ("physics:staticFriction", "physics:dynamicFriction", "physics:restitution")
        for name, number in zip(names, numbers, strict=True):
            self.journal.attribute(spec, name, Types.Float, number)
        friction = material.static_friction
        self._note(
            spec,
            {
                APIS: "PhysicsMaterialAPI",
                PROPERTIES: " ".join(names),
                "title": material.title,
                "static_friction_low": friction.low,
                "static_friction_high": friction.high,
                "why": next((item.statement for item in friction.evidence), friction.method),
            },
        )

    @property
    def layer(self) -> Sdf.Layer:
        """That is written to."""
        return self._edit.GetLayer()

    def mapped(self, path: Sdf.Path) -> Sdf.Path:
        """Where the layer speaks of a prim of the stage."""
        return self._edit.MapToSpecPath(path)

    def remove(self, path: Sdf.Path) -> None:
        """Take a prim of ours out of the edit target's layer."""
        self.journal.remove_prim(self.mapped(path))

    def _apply(self, spec: Sdf.PrimSpec, apis: Sequence[str]) -> None:
        if not apis:
            return
        there = spec.GetInfo("apiSchemas") if spec.HasInfo("apiSchemas") else Sdf.TokenListOp()
        if there.isExplicit:
            made = Sdf.TokenListOp.CreateExplicit([*there.explicitItems, *apis])
        else:
            made = Sdf.TokenListOp()
            made.prependedItems = [*there.prependedItems, *(a for a in apis if a not in there.prependedItems)]
            made.appendedItems = there.appendedItems
            made.deletedItems = [a for a in there.deletedItems if a not in apis]
        self.journal.info(spec, "apiSchemas", made)

    def _drop_apis(self, spec: Sdf.PrimSpec, apis: set[str]) -> None:
        if not apis or not spec.HasInfo("apiSchemas"):
            return
        there = spec.GetInfo("apiSchemas")
        if there.isExplicit:
            made = Sdf.TokenListOp.CreateExplicit([a for a in there.explicitItems if a not in apis])
        else:
            made = Sdf.TokenListOp()
            made.prependedItems = [a for a in there.prependedItems if a not in apis]
            made.appendedItems = there.appendedItems
            made.deletedItems = [a for a in there.deletedItems if a not in PHYSX_API.values()]
            if not (made.prependedItems or made.appendedItems or made.deletedItems):
                self.journal.clear(spec, "apiSchemas")
                return
        self.journal.info(spec, "apiSchemas", made)

    def _note(self, spec: Sdf.PrimSpec, notes: Mapping[str, Any]) -> None:
        data = dict(spec.customData)
        if notes:
            data[NOTES] = {key: value for key, value in notes.items() if value != ""}
        else:
            data.pop(NOTES, None)
        if data:
            self.journal.info(spec, "customData", data)
        elif spec.HasInfo("customData"):
            self.journal.clear(spec, "customData")


_UNIFORM = {"physics:approximation"}


def notes_of(prim: Usd.Prim) -> dict[str, Any]:
    """What we noted on a prim."""
    return dict(prim.GetCustomDataByKey(NOTES) or {})


def applied_schemas(prim: Usd.Prim) -> list[str]:
    """Names of applied schemas; ``GetAppliedSchemas`` leaves out those that this build of USD does not know."""
    listed = prim.GetMetadata("apiSchemas")
    return list(listed.GetAddedOrExplicitItems()) if listed else []


def single(value: float) -> float:
    """The float32 that USD keeps of a number."""
    return float(np.float32(value))


def _has_value(prim: Usd.Prim, name: str) -> bool:
    attribute = prim.GetAttribute(name)
    return bool(attribute) and attribute.HasAuthoredValue()


def _joined(before: object, names: Sequence[str]) -> str:
    return " ".join(dict.fromkeys([*str(before).split(), *names]))


def _listed(there: Any) -> list[str]:
    return [*there.explicitItems, *there.prependedItems, *there.appendedItems]


def _short(layer: Sdf.Layer) -> str:
    return str(layer.GetDisplayName() or layer.identifier)
