"""Small, exact steps of authoring at the Sdf level: a layer, a prim, an attribute, a pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pxr import Gf, Sdf

from physicl_twin.model import Pose, UsdError

Types = Sdf.ValueTypeNames


def new_layer(suffix: str, default_prim: str) -> Sdf.Layer:
    """An empty layer in memory: metres, kilograms, Z up. ``suffix`` is ``.usda`` or ``.usdc``."""
    layer = Sdf.Layer.CreateAnonymous(suffix)
    root = layer.pseudoRoot
    root.SetInfo("metersPerUnit", 1.0)
    root.SetInfo("kilogramsPerUnit", 1.0)
    root.SetInfo("upAxis", "Z")
    layer.defaultPrim = default_prim
    return layer


def save(layer: Sdf.Layer, path: Path) -> None:
    """Write a layer to disk.

    Raises:
        UsdError: ``usd_not_written``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = layer.Export(str(path))
    except Exception as error:  # Tf reports a full or read-only disk as its own exception type
        raise UsdError("usd_not_written", f"{path.name} could not be written: {error}.", _DISK_HINT) from error
    if not written:
        raise UsdError("usd_not_written", f"{path.name} could not be written.", _DISK_HINT)


_DISK_HINT = "Check that the folder is writable and the disk is not full."


def define(
    layer: Sdf.Layer, path: str, type_name: str, *, apis: Sequence[str] = (), title: str = "", identity: str = ""
) -> Sdf.PrimSpec:
    """A defined prim; ancestors that are missing become Scopes.

    Args:
        layer: Where.
        path: Absolute prim path.
        type_name: Schema type.
        apis: API schemas by name.
        title: Readable name; authored as displayName where it differs from the prim's name.
        identity: Name of the model object that the prim stands for, kept in customData.
    """
    for prefix in Sdf.Path(path).GetPrefixes():
        spec = layer.GetPrimAtPath(prefix) or Sdf.CreatePrimInLayer(layer, prefix)
        if spec.specifier != Sdf.SpecifierDef:
            spec.specifier = Sdf.SpecifierDef
            spec.typeName = type_name if str(prefix) == path else "Scope"
    prim = layer.GetPrimAtPath(path)
    prim.typeName = type_name
    apply(prim, *apis)
    if title and title != prim.name:
        prim.SetInfo("displayName", title)
    if identity:
        record(prim, "name", identity)
    return prim


def over(layer: Sdf.Layer, path: str, *, apis: Sequence[str] = ()) -> Sdf.PrimSpec:
    """Opinions about a prim that another layer defines."""
    prim = layer.GetPrimAtPath(path) or Sdf.CreatePrimInLayer(layer, path)
    apply(prim, *apis)
    return prim


def apply(prim: Sdf.PrimSpec, *apis: str) -> None:
    """Apply API schemas by name (the schema need not be registered)."""
    if not apis:
        return
    there = prim.GetInfo("apiSchemas") if prim.HasInfo("apiSchemas") else Sdf.TokenListOp()
    current = list(there.explicitItems if there.isExplicit else there.prependedItems)
    current += [api for api in apis if api not in current]
    if there.isExplicit:
        prim.SetInfo("apiSchemas", Sdf.TokenListOp.CreateExplicit(current))
    else:
        prim.SetInfo("apiSchemas", Sdf.TokenListOp.Create(prependedItems=current))


def attribute(
    prim: Sdf.PrimSpec, name: str, kind: Sdf.ValueTypeName, value: Any, *, uniform: bool = False
) -> Sdf.AttributeSpec:
    """An attribute with a default value (none when ``value`` is None)."""
    variability = Sdf.VariabilityUniform if uniform else Sdf.VariabilityVarying
    spec = Sdf.AttributeSpec(prim, name, kind, variability)
    if value is not None:
        spec.default = value
    return spec


def primvar(
    prim: Sdf.PrimSpec, name: str, kind: Sdf.ValueTypeName, value: Any, interpolation: str, indices: Any = None
) -> None:
    """A primvar, indexed when ``indices`` are given."""
    attribute(prim, f"primvars:{name}", kind, value).SetInfo("interpolation", interpolation)
    if indices is not None:
        attribute(prim, f"primvars:{name}:indices", Types.IntArray, indices)


def relationship(prim: Sdf.PrimSpec, name: str, *targets: str) -> None:
    """A relationship with explicit targets."""
    spec = Sdf.RelationshipSpec(prim, name, False)
    spec.targetPathList.explicitItems = [Sdf.Path(target) for target in targets]


def reference(prim: Sdf.PrimSpec, asset: str, path: str) -> None:
    """A reference to a prim of another layer, anchored (``./…`` or ``../…``)."""
    prim.referenceList.Prepend(Sdf.Reference(asset, path))


def bind(prim: Sdf.PrimSpec, material: str, *, physics: bool = False) -> None:
    """Bind a material, for looks or for physics."""
    apply(prim, "MaterialBindingAPI")
    relationship(prim, "material:binding:physics" if physics else "material:binding", material)


def label(prim: Sdf.PrimSpec, taxonomy: str, *labels: str) -> None:
    """Semantic labels of a taxonomy."""
    apply(prim, f"SemanticsLabelsAPI:{taxonomy}")
    attribute(prim, f"semantics:labels:{taxonomy}", Types.TokenArray, list(labels))


def place(prim: Sdf.PrimSpec, pose: Pose, scale: tuple[float, float, float] | None = None) -> None:
    """Author a pose in double precision; nothing for the identity."""
    order = []
    if pose.position_m != (0.0, 0.0, 0.0):
        attribute(prim, "xformOp:translate", Types.Double3, Gf.Vec3d(*pose.position_m))
        order.append("xformOp:translate")
    if pose.quaternion_wxyz != (1.0, 0.0, 0.0, 0.0):
        attribute(prim, "xformOp:orient", Types.Quatd, Gf.Quatd(*pose.quaternion_wxyz))
        order.append("xformOp:orient")
    if scale is not None:
        attribute(prim, "xformOp:scale", Types.Double3, Gf.Vec3d(*scale))
        order.append("xformOp:scale")
    if order:
        attribute(prim, "xformOpOrder", Types.TokenArray, order, uniform=True)


def record(prim: Sdf.PrimSpec, key: str, value: Any) -> None:
    """Keep a value under ``customData.physicl.<key>``: reasons, intervals, original names."""
    data = dict(prim.customData)
    data["physicl"] = {**dict(data.get("physicl", {})), key: value}
    prim.SetInfo("customData", data)


def record_all(prim: Sdf.PrimSpec, values: Mapping[str, Any]) -> None:
    """``record`` for several keys."""
    for key, value in values.items():
        record(prim, key, value)


def extent(low: Any, high: Any) -> list[Gf.Vec3f]:
    """Extent of two corners, in the float32 that the points have too."""
    low32 = np.asarray(low, dtype=np.float64).astype(np.float32)
    high32 = np.asarray(high, dtype=np.float64).astype(np.float32)
    return [Gf.Vec3f(*map(float, low32)), Gf.Vec3f(*map(float, high32))]
