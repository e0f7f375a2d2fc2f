"""What the nodes put on the stage: references to twins, and variations for the time of a play. USD only, no Kit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pxr import Gf, Sdf, Tf, Usd, UsdGeom

from physicl_twin.model.errors import UsdError

#: Suffix of the operations that bring metres and Z up into the units and up axis of the stage. Kit's metrics assembler
#: names its own alike, so that either finds the other's work done.
UNITS_RESOLVE = "unitsResolve"


def add_reference(stage: Usd.Stage, parent: str, name: str, asset: str) -> str:
    """Reference a twin (metres, Z up) under a parent, in the current edit target.

    Args:
        stage: A stage of any units and up axis.
        parent: Path of the parent prim; made as an Xform where it is missing.
        name: Wished name of the new prim; a number is appended where it is taken.
        asset: The twin's USD file.

    Returns:
        Path of the new prim.

    Raises:
        UsdError: ``prim_path_invalid``, ``prim_in_instance``, ``stage_refused``.
    """
    path = free_path(stage, _parent_path(stage, parent).AppendChild(_identifier(name)))
    target = stage.GetEditTarget()
    with _refusal(f"{name} cannot be put at {path}"), Sdf.ChangeBlock():
        _make_xforms(stage, target, path.GetParentPath())
        _reference(stage, target, path, Sdf.Reference(asset))
    return str(path)


def free_path(stage: Usd.Stage, wished: Sdf.Path) -> Sdf.Path:
    """The wished path, or with the first number behind it that no prim has."""
    path, number = wished, 0
    while stage.GetPrimAtPath(path):
        number += 1
        path = wished.ReplaceName(f"{wished.name}_{number:02d}")
    return path


@dataclass(slots=True)
class Spawned:
    """A scene that stands on the stage in the session layer: saving does not save it, ``remove`` leaves no trace.

    Attributes:
        stage: The stage.
        path: Its prim.
        layer: The layer that it shows now.
    """

    stage: Usd.Stage
    path: Sdf.Path
    layer: str = ""
    _made: list[Sdf.Path] = field(default_factory=list)

    @classmethod
    def at(cls, stage: Usd.Stage, parent: str, name: str) -> Spawned:
        """A place for scenes; nothing is put there yet.

        Raises:
            UsdError: ``prim_path_invalid``, ``prim_in_instance``.
        """
        return cls(stage, free_path(stage, _parent_path(stage, parent).AppendChild(_identifier(name))))

    def show(self, layer: str, root: str) -> None:
        """Show a layer's prim, in place of the one before.

        Args:
            layer: USD layer, metres, Z up.
            root: Path of the prim in it.

        Raises:
            UsdError: ``stage_refused``.
        """
        target = Usd.EditTarget(self.stage.GetSessionLayer())
        if not self._made:
            self._made = [path for path in self.path.GetPrefixes() if target.GetLayer().GetPrimAtPath(path) is None]
        with _refusal(f"{layer} cannot be put at {self.path}"), Sdf.ChangeBlock():
            _make_xforms(self.stage, target, self.path.GetParentPath())
            _reference(self.stage, target, self.path, Sdf.Reference(layer, Sdf.Path(root)))
        self.layer = layer

    def remove(self) -> None:
        """Take it away again, with the parents that were made for it and that nobody else uses."""
        made, self._made, self.layer = self._made, [], ""
        session = self.stage.GetSessionLayer() if self.stage else None  # a closed stage has taken it along
        if session is None:
            return
        with Sdf.ChangeBlock():
            for path in reversed(made):
                spec = session.GetPrimAtPath(path)
                if spec is None or (path != self.path and (spec.nameChildren or spec.properties)):
                    return
                holder = spec.nameParent if path.pathElementCount > 1 else session.pseudoRoot
                del holder.nameChildren[spec.name]


def _parent_path(stage: Usd.Stage, parent: str) -> Sdf.Path:
    valid = Sdf.Path.IsValidPathString(parent) and Sdf.Path(parent).IsAbsolutePath()
    if not valid or not Sdf.Path(parent).IsAbsoluteRootOrPrimPath():
        raise UsdError("prim_path_invalid", f"{parent!r} is no path of a prim.", "Write it like /World/Twins.")
    path = Sdf.Path(parent)
    for prefix in path.GetPrefixes():
        prim = stage.GetPrimAtPath(prefix)
        if prim and (prim.IsInstance() or prim.IsInstanceProxy()):
            hint = "Choose a parent outside, or make the prim non-instanceable."
            raise UsdError("prim_in_instance", f"{prefix} is an instance, nothing can be put inside.", hint)
    return path


def _identifier(name: str) -> str:
    identifier: str = Tf.MakeValidIdentifier(name or "Twin")
    return identifier


def _make_xforms(stage: Usd.Stage, target: Usd.EditTarget, path: Sdf.Path) -> None:
    for prefix in path.GetPrefixes():
        if not stage.GetPrimAtPath(prefix):
            spec = Sdf.CreatePrimInLayer(target.GetLayer(), target.MapToSpecPath(prefix))
            spec.specifier, spec.typeName = Sdf.SpecifierDef, "Xform"


def _reference(stage: Usd.Stage, target: Usd.EditTarget, path: Sdf.Path, reference: Sdf.Reference) -> None:
    spec = Sdf.CreatePrimInLayer(target.GetLayer(), target.MapToSpecPath(path))
    spec.specifier, spec.typeName = Sdf.SpecifierDef, "Xform"
    spec.referenceList.ClearEditsAndMakeExplicit()
    spec.referenceList.explicitItems = [reference]
    operations = _unit_operations(stage)
    if operations:
        for name, kind, value in operations:
            attribute = spec.attributes.get(name) or Sdf.AttributeSpec(spec, name, kind)
            attribute.default = value
        order = spec.attributes.get("xformOpOrder") or Sdf.AttributeSpec(
            spec, "xformOpOrder", Sdf.ValueTypeNames.TokenArray, Sdf.VariabilityUniform
        )
        order.default = [name for name, _, _ in operations]


def _unit_operations(stage: Usd.Stage) -> list[tuple[str, Any, Any]]:
    """Transform operations that bring metres and Z up into the stage's own; none for most stages."""
    operations: list[tuple[str, Any, Any]] = []
    if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.y:
        operations.append((f"xformOp:rotateX:{UNITS_RESOLVE}", Sdf.ValueTypeNames.Double, -90.0))
    scale = 1.0 / UsdGeom.GetStageMetersPerUnit(stage)
    if abs(scale - 1.0) > 1e-9:
        operations.append((f"xformOp:scale:{UNITS_RESOLVE}", Sdf.ValueTypeNames.Double3, Gf.Vec3d(scale, scale, scale)))
    return operations


@contextlib.contextmanager
def _refusal(what: str) -> Iterator[None]:
    """USD's own error as one of ours, with the fix."""
    try:
        yield
    except (Tf.ErrorException, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or ["no reason given"])[-1].strip()
        hint = "Choose an edit target that may be edited."
        raise UsdError("stage_refused", f"{what}: {reason}", hint) from error
