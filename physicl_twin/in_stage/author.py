"""Writing physics on prims of a stage: only what nobody else has said, with a note of what is ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pxr import Sdf, Usd

from physicl_twin.in_stage.journal import Journal, edited, listed_schemas, names_in, require_unlocked
from physicl_twin.in_stage.report import Approximation, InStageReport, ReadyBody, Skip
from physicl_twin.model import Material, UsdError

Types = Sdf.ValueTypeNames
#: Key of customData under which our notes stand, and of what we wrote within them: names, separated by blanks.
NOTES, APIS, PROPERTIES, WAS = "physicl", "in_stage_apis", "in_stage_properties", "in_stage_was"
#: What stands there for a prim that is ours as a whole.
MADE = "prim"
#: Key under which the names of further notes of ours stand.
TOLD = "in_stage_notes"
#: Keys of the schemas that were listed and deleted before a collider was swapped.
WAS_LISTED, WAS_DELETED = "in_stage_was_listed", "in_stage_was_deleted"
#: Keys of attributes that stood there without a value, and of an ``over`` that we made.
DECLARED, OVER = "in_stage_declared", "in_stage_over"
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
        UsdError: ``no_stage``, ``layer_locked``, ``layer_muted``.
    """

    def __init__(self, stage: Usd.Stage) -> None:
        if not stage:
            raise UsdError("no_stage", "There is no stage.", "Open or make one first.")
        self.stage = stage
        self._edit = stage.GetEditTarget()
        self.layer = self._edit.GetLayer()
        require_unlocked(self.layer)
        if stage.IsLayerMuted(self.layer.identifier):
            raise UsdError(
                "layer_muted", f"The layer {short(self.layer)} is muted.", "Unmute it, or choose another edit target."
            )
        self.journal = Journal(self.layer)
        self.warnings: tuple[str, ...] = ()
        if not self.layer.anonymous and not self.layer.permissionToSave:
            self.warnings = (
                f"{short(self.layer)} is read-only: save the stage under another name to keep what is done.",
            )
        self._made: set[Sdf.Path] = set()

    def spec(self, path: Sdf.Path, type_name: str = "") -> Sdf.PrimSpec:
        """The prim's spec in the edit target.

        Raises:
            UsdError: ``edit_target_elsewhere`` when the edit target (a variant, a reference) does not hold the prim.
        """
        mapped = self.mapped(path)
        if mapped.isEmpty or not (mapped.IsPrimPath() or mapped.IsPrimVariantSelectionPath()):
            raise UsdError(
                "edit_target_elsewhere", f"The edit target cannot say anything about {path}.", "Choose the root layer."
            )
        if not type_name and not self.layer.GetPrimAtPath(mapped):
            self._made.add(mapped)
        return self.journal.prim(mapped, type_name)

    def mapped(self, path: Sdf.Path) -> Sdf.Path:
        """Where the layer speaks of a prim of the stage."""
        return self._edit.MapToSpecPath(path)

    def own(self, prim: Usd.Prim) -> dict[str, Any]:
        """What we noted on a prim in this layer; within a change the stage may not know it yet."""
        spec = self.layer.GetPrimAtPath(self.mapped(prim.GetPath()))
        return _notes_in(spec) if spec else {}

    def write(
        self,
        prim: Usd.Prim,
        apis: Sequence[str],
        values: Sequence[tuple[str, Sdf.ValueTypeName, Any]],
        notes: Mapping[str, Any] | None = None,
    ) -> bool:
        """Apply schemas and set attributes that nobody else has set, as far as they do not say so already.

        Args:
            prim: The prim.
            apis: Schemas by name.
            values: (name, type, value) of attributes.
            notes: Further notes beside what is ours.

        Returns:
            True when something changed.
        """
        own = self.own(prim)
        ours = notes_of(prim) | own
        fresh = self._missing(prim, apis)
        wanted = [item for item in values if self._wanted(prim, item[0], item[2], ours)]
        told = {key: value for key, value in (notes or {}).items() if value != ""}
        if not fresh and not wanted and all(ours.get(key) == value for key, value in told.items()):
            return False
        before = self.journal.steps
        spec = self.spec(prim.GetPath())
        self._apply(spec, fresh)
        mine = set(_names(own.get(PROPERTIES)))
        declared = [name for name, _, _ in wanted if name not in mine and name in spec.attributes]
        for name, kind, value in wanted:
            self.journal.attribute(spec, name, kind, value, uniform=name in _UNIFORM)
        kept = {key: value for key, value in own.items() if key not in (notes or {})}
        self._note(
            spec,
            kept
            | told
            | {
                APIS: _joined(own.get(APIS, ""), fresh),
                PROPERTIES: _joined(own.get(PROPERTIES, ""), [name for name, _, _ in wanted]),
                DECLARED: _joined(own.get(DECLARED, ""), declared),
                TOLD: _joined(own.get(TOLD, ""), sorted(told)),
            },
        )
        return self.journal.steps > before

    def bind(self, prim: Usd.Prim, material: Sdf.Path) -> bool:
        """Bind a physics material to a collider, where nobody else has bound one.

        Returns:
            True when something changed.
        """
        own = self.own(prim)
        there = prim.GetRelationship(BINDING)
        if there and there.HasAuthoredTargets():
            targets = there.GetTargets()
            if targets == [material] or BINDING not in _names((notes_of(prim) | own).get(PROPERTIES)):
                return False
        before = self.journal.steps
        spec = self.spec(prim.GetPath())
        fresh = self._missing(prim, ["MaterialBindingAPI"])
        self._apply(spec, fresh)
        self.journal.relationship(spec, BINDING, self.mapped(material).StripAllVariantSelections())
        self._note(
            spec,
            own | {APIS: _joined(own.get(APIS, ""), fresh), PROPERTIES: _joined(own.get(PROPERTIES, ""), [BINDING])},
        )
        return self.journal.steps > before

    def replace(self, prim: Usd.Prim, name: str, kind: Sdf.ValueTypeName, value: Any, apis: Sequence[str]) -> None:
        """Set an attribute whoever has set it, noting what this layer said, and take off schemas that it rules out.

        Args:
            prim: The prim.
            name: Of the attribute.
            kind: Its type.
            value: New value.
            apis: Schemas to have afterwards; of ``PHYSX_API`` no others.
        """
        own = self.own(prim)
        spec = self.spec(prim.GetPath())
        there = listed_schemas(spec)
        here = there.explicitItems if there.isExplicit else there.prependedItems
        was: dict[str, Any] = {}
        if name not in _names(own.get(PROPERTIES)) and WAS not in own:
            attribute = spec.attributes.get(name)
            if attribute is not None and attribute.HasDefaultValue():
                was[WAS] = f"{name}={attribute.default}"
        others = set(PHYSX_API.values()) - set(apis)
        if WAS_LISTED not in own and others & (set(names_in(there)) - set(_names(own.get(APIS)))):
            was[WAS_LISTED] = " ".join(here)
        self.journal.attribute(spec, name, kind, value, uniform=True)
        applied = applied_schemas(prim)
        fresh = [api for api in apis if api not in applied]
        names = [
            api for api in (there.explicitItems if there.isExplicit else there.prependedItems) if api not in others
        ]
        elsewhere = [a for a in applied if a in others and a not in names_in(there)]
        deleted = [*there.deletedItems, *(a for a in elsewhere if a not in there.deletedItems)]
        if deleted != list(there.deletedItems) and WAS_DELETED not in own:
            was[WAS_DELETED] = " ".join(there.deletedItems) or _NONE
        made = edited(there, [*names, *(a for a in fresh if a not in names)], [a for a in deleted if a not in apis])
        self.journal.schemas(spec, made)
        listed = [a for a in _names(own.get(APIS)) if a not in others]
        noted = {APIS: _joined(" ".join(listed), fresh), PROPERTIES: _joined(own.get(PROPERTIES, ""), [name])}
        self._note(spec, own | was | noted)

    def forget(self, prim: Usd.Prim) -> bool:
        """Take back what the notes in this layer say is ours; True when there was something."""
        own = self.own(prim)
        if APIS not in own and PROPERTIES not in own:
            return False
        spec = self.layer.GetPrimAtPath(self.mapped(prim.GetPath()))
        was, declared = str(own.get(WAS, "")), _names(own.get(DECLARED))
        # The last one first: taking that back adds them in their order.
        for name in reversed(_names(own.get(PROPERTIES))):
            if was.startswith(f"{name}="):
                self.journal.attribute(spec, name, Types.Token, was.partition("=")[2], uniform=True)
            elif name in declared:
                self.journal.clear_default(spec.path.AppendProperty(name))
            else:
                self.journal.remove_property(spec.path.AppendProperty(name))
        self._take_off(spec, own)
        told = {APIS, PROPERTIES, WAS, WAS_LISTED, WAS_DELETED, DECLARED, OVER, TOLD, *_names(own.get(TOLD))}
        self._note(spec, {key: value for key, value in own.items() if key not in told})
        if own.get(OVER):
            self.journal.prune(spec.path)
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

    def remove(self, path: Sdf.Path) -> None:
        """Take a prim of ours out of the edit target's layer."""
        self.journal.remove_prim(self.mapped(path))

    def _missing(self, prim: Usd.Prim, apis: Sequence[str]) -> list[str]:
        """Schemas that a prim does not have; within a change the stage may not know what we have just listed."""
        spec = self.layer.GetPrimAtPath(self.mapped(prim.GetPath()))
        known = {*applied_schemas(prim), *(names_in(listed_schemas(spec)) if spec else ())}
        return [api for api in apis if api not in known]

    def _wanted(self, prim: Usd.Prim, name: str, value: Any, ours: Mapping[str, Any]) -> bool:
        """Whether an attribute is to be written: nobody has set it, or we have, to something else."""
        attribute = prim.GetAttribute(name)
        if not attribute or not attribute.HasAuthoredValue():
            return True
        return name in _names(ours.get(PROPERTIES)) and attribute.Get() != value

    def _apply(self, spec: Sdf.PrimSpec, apis: Sequence[str]) -> None:
        if apis:
            there = listed_schemas(spec)
            names = list(there.explicitItems if there.isExplicit else there.prependedItems)
            names += [api for api in apis if api not in names]
            self.journal.schemas(spec, edited(there, names, [a for a in there.deletedItems if a not in apis]))

    def _take_off(self, spec: Sdf.PrimSpec, own: Mapping[str, Any]) -> None:
        """Take our schemas off, and bring back those that a swap of colliders took off."""
        there, ours = listed_schemas(spec), set(_names(own.get(APIS)))
        names = [a for a in (there.explicitItems if there.isExplicit else there.prependedItems) if a not in ours]
        was = [name for name in _names(own.get(WAS_LISTED)) if name not in ours]
        names = [*was, *(name for name in names if name not in was)]
        deleted = list(there.deletedItems)
        if WAS_DELETED in own:
            before = [name for name in _names(own[WAS_DELETED]) if name != _NONE]
            deleted = [a for a in deleted if a in before or a not in PHYSX_API.values()]
        self.journal.schemas(spec, edited(there, names, deleted))

    def _note(self, spec: Sdf.PrimSpec, notes: Mapping[str, Any]) -> None:
        kept = {key: value for key, value in notes.items() if value != ""}
        if kept and spec.path in self._made:
            kept[OVER] = True
        self.journal.entry(spec, NOTES, kept or None)


#: Relationship that binds a physics material.
BINDING = "material:binding:physics"
#: Attribute that says how a mesh collides.
APPROXIMATION = "physics:approximation"
_UNIFORM = {APPROXIMATION}
#: Stands for an empty list of names.
_NONE = "-"


def carry_out(author: Author, skipped: list[Skip], write: Callable[[], list[ReadyBody]]) -> InStageReport:
    """Carry out the writing in one change; a failure takes back what was written."""
    try:
        with Sdf.ChangeBlock():
            done = write()
    except BaseException:
        author.journal.undo()
        raise
    return InStageReport(tuple(done), tuple(skipped), author.journal, author.warnings)


def notes_of(prim: Usd.Prim) -> dict[str, Any]:
    """What we noted on a prim."""
    return dict(prim.GetCustomDataByKey(NOTES) or {})


def is_ours(prim: Usd.Prim) -> bool:
    """Whether something of ours is noted on a prim."""
    notes = notes_of(prim)
    return APIS in notes or PROPERTIES in notes


def applied_schemas(prim: Usd.Prim) -> list[str]:
    """Names of applied schemas; ``GetAppliedSchemas`` leaves out those that this build of USD does not know."""
    listed = prim.GetMetadata("apiSchemas")
    return list(listed.GetAddedOrExplicitItems()) if listed else []


def single(value: float) -> float:
    """The float32 that USD keeps of a number."""
    return float(np.float32(value))


def short(layer: Sdf.Layer) -> str:
    """A layer's name for a message."""
    return str(layer.GetDisplayName() or layer.identifier)


def _notes_in(spec: Sdf.PrimSpec) -> dict[str, Any]:
    return dict(dict(spec.customData).get(NOTES, {}))


def _names(noted: object) -> list[str]:
    return str(noted or "").split()


def _joined(before: object, names: Sequence[str]) -> str:
    return " ".join(dict.fromkeys([*str(before).split(), *names]))
