"""Writes to a layer that can be taken back: every step notes what stood there before.

Undoing goes through the notes backwards. Nothing else in the layer is touched, so that its text is the same as before,
and what others wrote meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pxr import Sdf

from physicl_twin.model import UsdError

#: Lists of a list operation.
_LISTS = ("explicitItems", "prependedItems", "appendedItems", "deletedItems")
#: What a prim says that only came into being so that something could be said about it or below it.
_BARE = {"specifier", "typeName"}


class Journal:
    """Notes of one operation on one layer.

    Args:
        layer: That is written to.
    """

    def __init__(self, layer: Sdf.Layer) -> None:
        self._layer = layer
        self._steps: list[Callable[[], None]] = []
        #: Properties that were removed, at the paths that they had.
        self._shelf = Sdf.Layer.CreateAnonymous(".usda")

    @property
    def empty(self) -> bool:
        """True when nothing was changed."""
        return not self._steps

    @property
    def steps(self) -> int:
        """Number of changes so far."""
        return len(self._steps)

    def undo(self) -> None:
        """Take every step back, the last one first; a second call does nothing.

        Raises:
            UsdError: ``layer_locked``; nothing is taken back then, and it can be called again.
        """
        if self._steps:
            require_unlocked(self._layer)
        steps, self._steps = self._steps, []
        with Sdf.ChangeBlock():
            for step in reversed(steps):
                step()

    def prim(self, path: Sdf.Path, type_name: str = "") -> Sdf.PrimSpec:
        """The spec of a prim, made where it is missing: an ``over``, or with a type a ``def``."""
        spec = self._layer.GetPrimAtPath(path)
        if spec:
            return spec
        made = [path]
        while made[-1].GetParentPath() != Sdf.Path.absoluteRootPath and not self._layer.GetPrimAtPath(
            made[-1].GetParentPath()
        ):
            made.append(made[-1].GetParentPath())
        spec = Sdf.CreatePrimInLayer(self._layer, path)
        if type_name:
            spec.specifier, spec.typeName = Sdf.SpecifierDef, type_name

        def step() -> None:
            for one in made:
                found = self._layer.GetPrimAtPath(one)
                if not found or not _is_bare(found):  # others have written there meanwhile
                    return
                self._remove_prim(one)

        self._steps.append(step)
        return spec

    def schemas(self, spec: Sdf.PrimSpec, wanted: Sdf.TokenListOp) -> None:
        """The applied schemas that a prim's spec lists; what others list later stays when this is undone."""
        before, path = listed_schemas(spec), spec.path
        if before == wanted:
            return
        _set_schemas(spec, wanted)

        def step() -> None:
            found = self._layer.GetPrimAtPath(path)
            if found:
                now = listed_schemas(found)
                _set_schemas(found, before if now == wanted else _without(now, wanted, before))

        self._steps.append(step)

    def entry(self, spec: Sdf.PrimSpec, key: str, value: dict[str, Any] | None) -> None:
        """An entry of a prim's custom data; None takes it away. The other entries are left alone, in the undo, too."""
        before, path = dict(spec.customData).get(key), spec.path
        if before == value:
            return
        _set_entry(spec, key, value)

        def step() -> None:
            found = self._layer.GetPrimAtPath(path)
            if found:
                _set_entry(found, key, before)

        self._steps.append(step)

    def attribute(
        self, prim: Sdf.PrimSpec, name: str, kind: Sdf.ValueTypeName, value: Any, *, uniform: bool = False
    ) -> bool:
        """The default of an attribute, made where it is missing; False when it has that value."""
        path = prim.path.AppendProperty(name)
        spec = self._layer.GetAttributeAtPath(path)
        if not spec:
            variability = Sdf.VariabilityUniform if uniform else Sdf.VariabilityVarying
            spec = Sdf.AttributeSpec(prim, name, kind, variability)
            spec.default = value
            self._steps.append(lambda: self._remove_property(path))
            return True
        there = spec.HasDefaultValue()
        before = spec.default if there else None
        if there and before == value:
            return False
        spec.default = value

        def step() -> None:
            found = self._layer.GetAttributeAtPath(path)
            if found and there:
                found.default = before
            elif found:
                found.ClearDefaultValue()

        self._steps.append(step)
        return True

    def clear_default(self, path: Sdf.Path) -> None:
        """Take an attribute's default off; the attribute stays."""
        spec = self._layer.GetAttributeAtPath(path)
        if not spec or not spec.HasDefaultValue():
            return
        before = spec.default
        spec.ClearDefaultValue()

        def step() -> None:
            found = self._layer.GetAttributeAtPath(path)
            if found:
                found.default = before

        self._steps.append(step)

    def relationship(self, prim: Sdf.PrimSpec, name: str, target: Sdf.Path) -> bool:
        """A relationship to one target; False when it stands so."""
        path = prim.path.AppendProperty(name)
        spec = self._layer.GetRelationshipAtPath(path)
        if not spec:
            Sdf.RelationshipSpec(prim, name, False).targetPathList.explicitItems = [target]
            self._steps.append(lambda: self._remove_property(path))
            return True
        targets = spec.targetPathList
        explicit, lists = targets.isExplicit, tuple(list(getattr(targets, name)) for name in _LISTS)
        if explicit and lists[0] == [target]:
            return False
        targets.ClearEditsAndMakeExplicit()
        targets.explicitItems = [target]

        def step() -> None:
            found = self._layer.GetRelationshipAtPath(path)
            if not found:
                return
            found.targetPathList.ClearEdits()
            if explicit:
                found.targetPathList.ClearEditsAndMakeExplicit()
            for name, items in zip(_LISTS, lists, strict=True):
                if items:
                    setattr(found.targetPathList, name, items)

        self._steps.append(step)
        return True

    def remove_property(self, path: Sdf.Path) -> None:
        """Take a property out of the layer; undoing brings it back whole, in its place."""
        spec = self._layer.GetPropertyAtPath(path)
        if not spec:
            return
        owner, shelf = path.GetPrimOrPrimVariantSelectionPath(), self._shelf
        place = owner.StripAllVariantSelections()
        Sdf.CreatePrimInLayer(shelf, place)
        kept = place.AppendProperty(path.name)
        Sdf.CopySpec(self._layer, path, shelf, kept)
        order = [found.name for found in self._layer.GetPrimAtPath(owner).properties]
        self._remove_property(path)

        def step() -> None:
            prim = self._layer.GetPrimAtPath(owner)
            if not prim:
                return
            Sdf.CopySpec(shelf, kept, self._layer, path)
            now = {found.name for found in prim.properties}
            if set(order) == now:
                self._reorder(prim, order)

        self._steps.append(step)

    def remove_prim(self, path: Sdf.Path) -> None:
        """Take a prim out of the layer; undoing brings it back at the end of its parent's children."""
        if not self._layer.GetPrimAtPath(path):
            return
        shelf = Sdf.Layer.CreateAnonymous(".usda")
        Sdf.CopySpec(self._layer, path, shelf, Sdf.Path("/shelf"))
        parent = self._layer.GetPrimAtPath(path).realNameParent
        order = [child.name for child in parent.nameChildren]
        above = parent.path
        self._remove_prim(path)

        def step() -> None:
            Sdf.CopySpec(shelf, Sdf.Path("/shelf"), self._layer, path)
            found = self._layer.GetPrimAtPath(above)
            if found and {child.name for child in found.nameChildren} == set(order):
                self._reorder_children(found, order)

        self._steps.append(step)

    def prune(self, path: Sdf.Path) -> None:
        """Remove an ``over`` that says nothing any more, and those above it that are left with nothing."""
        while path != Sdf.Path.absoluteRootPath and not path.IsPrimVariantSelectionPath():
            spec = self._layer.GetPrimAtPath(path)
            if not spec or spec.specifier != Sdf.SpecifierOver or spec.typeName or not _is_bare(spec):
                return
            self.remove_prim(path)
            path = path.GetParentPath()

    def _reorder(self, prim: Sdf.PrimSpec, order: list[str]) -> None:
        """Properties in an order: USD's Python cannot insert one, so those from the first wrong one on are set anew."""
        names = [found.name for found in prim.properties]
        first = next((index for index, name in enumerate(order) if names[index] != name), len(order))
        shelf = Sdf.Layer.CreateAnonymous(".usda")
        Sdf.CreatePrimInLayer(shelf, "/shelf")
        for name in order[first:]:
            path, kept = prim.path.AppendProperty(name), Sdf.Path("/shelf").AppendProperty(name)
            Sdf.CopySpec(self._layer, path, shelf, kept)
            self._remove_property(path)
        for name in order[first:]:
            Sdf.CopySpec(shelf, Sdf.Path("/shelf").AppendProperty(name), self._layer, prim.path.AppendProperty(name))

    def _reorder_children(self, parent: Sdf.PrimSpec, order: list[str]) -> None:
        """Likewise of the prims below one."""
        names = [child.name for child in parent.nameChildren]
        first = next((index for index, name in enumerate(order) if names[index] != name), len(order))
        shelf = Sdf.Layer.CreateAnonymous(".usda")
        for name in order[first:]:
            Sdf.CopySpec(self._layer, parent.path.AppendChild(name), shelf, Sdf.Path(f"/{name}"))
            self._remove_prim(parent.path.AppendChild(name))
        for name in order[first:]:
            Sdf.CopySpec(shelf, Sdf.Path(f"/{name}"), self._layer, parent.path.AppendChild(name))

    def _remove_prim(self, path: Sdf.Path) -> None:
        spec = self._layer.GetPrimAtPath(path)
        if spec:
            del spec.realNameParent.nameChildren[spec.name]

    def _remove_property(self, path: Sdf.Path) -> None:
        spec = self._layer.GetPropertyAtPath(path)
        if spec:
            self._layer.GetPrimAtPath(path.GetPrimOrPrimVariantSelectionPath()).RemoveProperty(spec)


def require_unlocked(layer: Sdf.Layer) -> None:
    """Refuse a layer that is locked.

    Raises:
        UsdError: ``layer_locked``.
    """
    if not layer.permissionToEdit:
        name = layer.GetDisplayName() or layer.identifier
        raise UsdError("layer_locked", f"The layer {name} is locked.", "Unlock it, or choose another edit target.")


def listed_schemas(spec: Sdf.PrimSpec) -> Sdf.TokenListOp:
    """What a prim's spec says about applied schemas."""
    return spec.GetInfo("apiSchemas") if spec.HasInfo("apiSchemas") else Sdf.TokenListOp()


def names_in(listed: Sdf.TokenListOp) -> list[str]:
    """The schemas that a list adds."""
    return [*listed.explicitItems, *listed.prependedItems, *listed.appendedItems]


def edited(listed: Sdf.TokenListOp, names: list[str], deleted: list[str]) -> Sdf.TokenListOp:
    """The same list with other explicit or else prepended, and other deleted items."""
    if listed.isExplicit:
        return Sdf.TokenListOp.CreateExplicit(names)
    made = Sdf.TokenListOp()
    made.prependedItems, made.appendedItems, made.deletedItems = names, listed.appendedItems, deleted
    return made


def _without(now: Sdf.TokenListOp, ours: Sdf.TokenListOp, before: Sdf.TokenListOp) -> Sdf.TokenListOp:
    """The list of now without what is only in ours, and with what is only in the one before."""
    gained, lost = set(names_in(ours)) - set(names_in(before)), set(names_in(before)) - set(names_in(ours))
    here = now.explicitItems if now.isExplicit else now.prependedItems
    names = [name for name in here if name not in gained]
    back = [name for name in names_in(before) if name in lost and name not in names]
    dropped = set(ours.deletedItems) - set(before.deletedItems)
    return edited(now, [*names, *back], [name for name in now.deletedItems if name not in dropped])


def _set_schemas(spec: Sdf.PrimSpec, listed: Sdf.TokenListOp) -> None:
    if listed.isExplicit or names_in(listed) or listed.deletedItems:
        spec.SetInfo("apiSchemas", listed)
    else:
        spec.ClearInfo("apiSchemas")


def _set_entry(spec: Sdf.PrimSpec, key: str, value: dict[str, Any] | None) -> None:
    data = dict(spec.customData)
    if value is None:
        data.pop(key, None)
    else:
        data[key] = value
    if data:
        spec.SetInfo("customData", data)
    else:
        spec.ClearInfo("customData")


def _is_bare(spec: Sdf.PrimSpec) -> bool:
    return not spec.nameChildren and not spec.properties and set(spec.ListInfoKeys()) <= _BARE
