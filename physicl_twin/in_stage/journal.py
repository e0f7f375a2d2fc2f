"""Writes to a layer that can be taken back: every step notes what stood there before.

Undoing goes through the notes backwards. Nothing else in the layer is touched, so that its text is the same as before,
and what others wrote meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pxr import Sdf

#: Lists of a list operation.
_LISTS = ("explicitItems", "prependedItems", "appendedItems", "deletedItems")


class Journal:
    """Notes of one operation on one layer.

    Args:
        layer: That is written to.
    """

    def __init__(self, layer: Sdf.Layer) -> None:
        self._layer = layer
        self._steps: list[Callable[[], None]] = []

    @property
    def empty(self) -> bool:
        """True when nothing was changed."""
        return not self._steps

    @property
    def steps(self) -> int:
        """Number of changes so far."""
        return len(self._steps)

    def undo(self) -> None:
        """Take every step back, the last one first; a second call does nothing."""
        steps, self._steps = self._steps, []
        with Sdf.ChangeBlock():
            for step in reversed(steps):
                step()

    def prim(self, path: Sdf.Path, type_name: str = "") -> Sdf.PrimSpec:
        """The spec of a prim, made where it is missing: an ``over``, or with a type a ``def``."""
        spec = self._layer.GetPrimAtPath(path)
        if spec:
            return spec
        first = path
        while first.GetParentPath() != Sdf.Path.absoluteRootPath and not self._layer.GetPrimAtPath(
            first.GetParentPath()
        ):
            first = first.GetParentPath()
        spec = Sdf.CreatePrimInLayer(self._layer, path)
        if type_name:
            spec.specifier, spec.typeName = Sdf.SpecifierDef, type_name
        self._steps.append(lambda: self._remove_prim(first))
        return spec

    def info(self, spec: Sdf.Spec, key: str, value: Any) -> None:
        """A field of a spec; nothing when it has that value."""
        there = spec.HasInfo(key)
        before = spec.GetInfo(key) if there else None
        if there and before == value:
            return
        path = spec.path
        spec.SetInfo(key, value)

        def step() -> None:
            found = self._layer.GetObjectAtPath(path)
            if found and there:
                found.SetInfo(key, before)
            elif found:
                found.ClearInfo(key)

        self._steps.append(step)

    def clear(self, spec: Sdf.Spec, key: str) -> None:
        """Take a field off a spec."""
        if not spec.HasInfo(key):
            return
        before, path = spec.GetInfo(key), spec.path
        spec.ClearInfo(key)

        def step() -> None:
            found = self._layer.GetObjectAtPath(path)
            if found:
                found.SetInfo(key, before)

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
        shelf = Sdf.Layer.CreateAnonymous(".usda")
        Sdf.CreatePrimInLayer(shelf, "/shelf")
        kept = Sdf.Path("/shelf").AppendProperty(path.name)
        Sdf.CopySpec(self._layer, path, shelf, kept)
        owner = path.GetPrimPath()
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
            self._layer.GetPrimAtPath(path.GetPrimPath()).RemoveProperty(spec)
