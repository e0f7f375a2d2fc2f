"""Semantic labels of what moves: bodies by the role of the joint that they hang on, handles by their names."""

from __future__ import annotations

from functools import lru_cache

from pxr import Sdf

from physicl_twin.settings import read_toml, shipped
from physicl_twin.usd import layers
from physicl_twin.usd.handles import is_handle
from physicl_twin.usd.layout import Layout

HANDLE = "handle"


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Wikidata item of each class of ``config/classes.toml`` for which one was verified."""
    classes = read_toml(shipped("config", "classes.toml"))["classes"]
    return {name: str(row["qcode"]) for name, row in classes.items() if row.get("qcode") and row.get("source")}


def label_bodies(layer: Sdf.Layer, layout: Layout) -> None:
    """Class labels of the bodies that joints with a role move, and of the parts that are handles.

    The item of Wikidata is added where the class table has a verified one; a handle has none there.
    """
    if layout.mechanism is None:
        return
    roles = {p.joint.body1: p.joint.role for p in layout.mechanism.joints if p.joint.role and not p.excluded}
    for name, role in roles.items():
        if name in layout.paths:
            _label(layer.GetPrimAtPath(layout.paths[name]), role)
    for body in layout.bodies:
        for part in body.parts:
            if part.part.visible and is_handle(part.part.name):
                _label(layer.GetPrimAtPath(part.prim), HANDLE)


def _label(prim: Sdf.PrimSpec, role: str) -> None:
    layers.label(prim, "class", role)
    code = _codes().get(role.replace(" ", "_"))
    if code is not None:
        layers.label(prim, "wikidata_qcode", code)
