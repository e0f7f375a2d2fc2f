"""Primitive shapes of USD."""

from __future__ import annotations

from typing import Any

import numpy as np

from physicl_twin.ingest.primitives import Primitive, arc, ball, box, capsule, frustum, turned
from physicl_twin.model.geometry import FloatArray

#: From profiles along z to the axis of the prim: a rotation that keeps handedness.
_AXES = {
    "X": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "Y": np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "Z": np.eye(3),
}


def primitive(prim: Any, time: Any) -> Primitive | None:
    """Triangles of a Cube, Sphere, Cylinder, Cone, Capsule or Plane; None for others and for empty sizes.

    Args:
        prim: ``Usd.Prim``.
        time: ``Usd.TimeCode``.
    """
    kind = prim.GetTypeName()

    def number(name: str, default: float) -> float:
        attribute = prim.GetAttribute(name)
        value = attribute.Get(time) if attribute else None
        return default if value is None else float(value)

    axis_attribute = prim.GetAttribute("axis")
    axis = _AXES.get(str((axis_attribute.Get(time) if axis_attribute else None) or "Z"), _AXES["Z"])
    if kind == "Cube":
        size = number("size", 2.0)
        return box((size, size, size))
    if kind == "Sphere":
        return turned(arc(number("radius", 1.0), 0.0), ball(number("radius", 1.0)), axis)
    sizes = (0.5, 1.0) if kind.startswith("Capsule") else (1.0, 2.0)
    radius, height = number("radius", sizes[0]), number("height", sizes[1])
    if kind in ("Cylinder", "Cylinder_1"):
        top, bottom = (number(n, radius) for n in ("radiusTop", "radiusBottom"))
        rings = [(0.0, -height / 2), (bottom, -height / 2), (top, height / 2), (0.0, height / 2)]
        return turned(rings, frustum(bottom, top, height), axis)
    if kind == "Cone":
        rings = [(0.0, -height / 2), (radius, -height / 2), (0.0, height / 2)]
        return turned(rings, frustum(radius, 0.0, height), axis)
    if kind in ("Capsule", "Capsule_1"):
        ends = [number(n, radius) for n in ("radiusBottom", "radiusTop")]
        if ends[0] != ends[1]:
            return None
        return turned(arc(ends[0], height), capsule(ends[0], height), axis)
    if kind == "Plane":
        return _plane(number("width", 2.0), number("length", 2.0), axis)
    return None


def _plane(width: float, length: float, axis: FloatArray) -> Primitive | None:
    if not (width > 0 and length > 0):
        return None
    # UsdGeomPlane: width lies along x (z for axis X), length along y (z for axis Y).
    across, along = {"X": (length, width), "Y": (length, width)}.get(_letter(axis), (width, length))
    corners = np.array([(-1.0, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) / 2 * np.array([across, along, 0.0])
    return Primitive(corners @ axis.T, np.array([(0, 1, 2), (0, 2, 3)]), None)


def _letter(axis: FloatArray) -> str:
    return "XYZ"[int(np.argmax(axis[:, 2]))]
