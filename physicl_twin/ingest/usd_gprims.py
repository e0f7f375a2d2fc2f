"""Primitive shapes of USD as triangles, with the exact integrals of the bodies that they stand for."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.affine import matrix3
from physicl_twin.ingest.raw import RawIntegrals
from physicl_twin.model.geometry import FloatArray

#: Facets around an axis, and from pole to equator (judgement: volume 0.3 % below the true one).
_AROUND, _QUARTER = 48, 12
#: Closed formulas are exact to double precision.
_FORMULA_ERROR = 1e-14
#: From profiles along z to the axis of the prim: a rotation that keeps handedness.
_AXES = {
    "X": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "Y": np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "Z": np.eye(3),
}

Faces = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A tessellated primitive: vertices, outward triangles, and its integrals (None for a flat one)."""

    vertices: FloatArray
    faces: Faces
    integrals: RawIntegrals | None


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
        return _cube(number("size", 2.0))
    if kind == "Sphere":
        return _turned(_arc(number("radius", 1.0), 0.0), _ball(number("radius", 1.0)), axis)
    sizes = (0.5, 1.0) if kind.startswith("Capsule") else (1.0, 2.0)
    radius, height = number("radius", sizes[0]), number("height", sizes[1])
    if kind in ("Cylinder", "Cylinder_1"):
        top, bottom = (number(n, radius) for n in ("radiusTop", "radiusBottom"))
        rings = [(0.0, -height / 2), (bottom, -height / 2), (top, height / 2), (0.0, height / 2)]
        return _turned(rings, frustum(bottom, top, height), axis)
    if kind == "Cone":
        rings = [(0.0, -height / 2), (radius, -height / 2), (0.0, height / 2)]
        return _turned(rings, frustum(radius, 0.0, height), axis)
    if kind in ("Capsule", "Capsule_1"):
        ends = [number(n, radius) for n in ("radiusBottom", "radiusTop")]
        if ends[0] != ends[1]:
            return None
        return _turned(_arc(ends[0], height), capsule(ends[0], height), axis)
    if kind == "Plane":
        return _plane(number("width", 2.0), number("length", 2.0), axis)
    return None


def frustum(bottom: float, top: float, height: float) -> RawIntegrals:
    """Integrals of a cone frustum along z, mid-height at the origin, at unit density (slices of discs)."""
    a, b = bottom, top
    area = math.pi * height * (a * a + a * b + b * b) / 3
    # First and second moments of the slices about the lower face, with t = z / height in 0..1 and r(t) = a + (b - a) t.
    first = math.pi * height**2 * (a * a + 2 * a * b + 3 * b * b) / 12
    second = math.pi * height**3 * (a * a + 3 * a * b + 6 * b * b) / 30
    fourth = math.pi * height * (a**4 + a**3 * b + a * a * b * b + a * b**3 + b**4) / 5
    z = first / area if area else 0.0
    axial, side = fourth / 2, fourth / 4 + second - area * z * z
    return _integrals(area, z - height / 2, side, axial)


def _ball(radius: float) -> RawIntegrals:
    volume = 4 / 3 * math.pi * radius**3
    return _integrals(volume, 0.0, 0.4 * volume * radius**2, 0.4 * volume * radius**2)


def capsule(radius: float, height: float) -> RawIntegrals:
    """Integrals of a cylinder with half-ball caps along z; ``height`` is without the caps."""
    r, h = radius, height
    barrel, ball = math.pi * r * r * h, 4 / 3 * math.pi * r**3
    axial = barrel * r * r / 2 + 0.4 * ball * r * r
    # A half-ball's centroid lies 3r/8 from its base, 83/320 m r² is its transverse inertia about that centroid.
    side = barrel * (3 * r * r + h * h) / 12 + ball * (83 / 320 * r * r + (h / 2 + 3 * r / 8) ** 2)
    return _integrals(barrel + ball, 0.0, side, axial)


def _integrals(volume: float, z: float, side: float, axial: float) -> RawIntegrals:
    return RawIntegrals(volume, (0.0, 0.0, z), matrix3(np.diag([side, side, axial])), _FORMULA_ERROR, "formula")


def _cube(size: float) -> Primitive | None:
    if not size > 0:
        return None
    corners = np.array([(x, y, z) for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)]) * size / 2
    quads = np.array([(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)])
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    moment = size**5 / 6
    return Primitive(corners, faces, _integrals(size**3, 0.0, moment, moment))


def _plane(width: float, length: float, axis: FloatArray) -> Primitive | None:
    if not (width > 0 and length > 0):
        return None
    # UsdGeomPlane: width lies along x (z for axis X), length along y (z for axis Y).
    across, along = {"X": (length, width), "Y": (length, width)}.get(_letter(axis), (width, length))
    corners = np.array([(-1.0, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) / 2 * np.array([across, along, 0.0])
    return Primitive(corners @ axis.T, np.array([(0, 1, 2), (0, 2, 3)]), None)


def _letter(axis: FloatArray) -> str:
    return "XYZ"[int(np.argmax(axis[:, 2]))]


def _arc(radius: float, height: float) -> list[tuple[float, float]]:
    """Profile (r, z) of a ball cut at its equator and pulled apart by ``height``."""
    angles = np.linspace(0.0, math.pi / 2, _QUARTER + 1)
    lower = [(radius * math.sin(a), -height / 2 - radius * math.cos(a)) for a in angles]
    lower[0] = (0.0, lower[0][1])
    upper = [(r, -z) for r, z in reversed(lower)]
    return lower + (upper if height > 0 else upper[1:])


def _turned(profile: list[tuple[float, float]], integrals: RawIntegrals, axis: FloatArray) -> Primitive | None:
    """Turn a profile (r, z), z ascending, about z, and lay it along the axis."""
    radii, heights = np.array(profile).T
    if not (np.isfinite(profile).all() and radii.min() >= 0 and radii.max() > 0 and np.ptp(heights) > 0):
        return None
    angle = 2 * math.pi * np.arange(_AROUND) / _AROUND
    vertices: list[FloatArray] = []
    rings: list[Faces] = []
    count = 0
    for r, z in zip(radii, heights, strict=True):
        if r < 1e-12 * radii.max():
            vertices.append(np.array([[0.0, 0.0, z]]))
            rings.append(np.full(_AROUND, count))
            count += 1
        else:
            vertices.append(np.column_stack([r * np.cos(angle), r * np.sin(angle), np.full(_AROUND, z)]))
            rings.append(count + np.arange(_AROUND))
            count += _AROUND
    faces = []
    for low, high in itertools.pairwise(rings):
        ahead_low, ahead_high = np.roll(low, -1), np.roll(high, -1)
        faces += [np.stack([low, ahead_low, ahead_high], 1), np.stack([low, ahead_high, high], 1)]
    everything = np.concatenate(faces)
    a, b, c = everything.T
    proper = everything[(a != b) & (b != c) & (c != a)]
    inertia = matrix3(axis @ np.array(integrals.inertia) @ axis.T)
    com = axis @ np.array(integrals.com)
    laid = RawIntegrals(
        integrals.volume, (float(com[0]), float(com[1]), float(com[2])), inertia, _FORMULA_ERROR, "formula"
    )
    return Primitive(np.concatenate(vertices) @ axis.T, proper, laid)
