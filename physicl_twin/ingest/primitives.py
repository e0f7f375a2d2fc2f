"""Primitive solids as triangles, with the exact integrals of the bodies that they stand for."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.affine import matrix3
from physicl_twin.ingest.raw import RawIntegrals
from physicl_twin.model.geometry import FloatArray

#: Facets around an axis, and from pole to equator (judgement: volume 0.3 % below the true one).
_AROUND, _QUARTER = 48, 12
#: Closed formulas are exact to double precision.
_FORMULA_ERROR = 1e-14
Faces = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A tessellated primitive: vertices, outward triangles, and its integrals (None for a flat one)."""

    vertices: FloatArray
    faces: Faces
    integrals: RawIntegrals | None


def box(size: tuple[float, float, float]) -> Primitive | None:
    """A box with the given edges, its centre at the origin; None when an edge is not positive."""
    edges = np.array(size, dtype=np.float64)
    if not (np.isfinite(edges).all() and edges.min() > 0):
        return None
    corners = np.array([(x, y, z) for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)]) * edges / 2
    quads = np.array([(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6)])
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    volume = float(edges.prod())
    x, y, z = (float(v) for v in edges**2)
    inertia = matrix3(np.diag([y + z, x + z, x + y]) * volume / 12)
    return Primitive(corners, faces, RawIntegrals(volume, (0.0, 0.0, 0.0), inertia, _FORMULA_ERROR, "formula"))


def sphere(radius: float) -> Primitive | None:
    """A ball about the origin; None when the radius is not positive."""
    return turned(arc(radius, 0.0), ball(radius), np.eye(3))


def cylinder(radius: float, length: float, axis: FloatArray | None = None) -> Primitive | None:
    """A cylinder along z (or as ``axis`` turns it), mid-length at the origin; None when a size is not positive."""
    rings = [(0.0, -length / 2), (radius, -length / 2), (radius, length / 2), (0.0, length / 2)]
    return turned(rings, frustum(radius, radius, length), np.eye(3) if axis is None else axis)


def pill(radius: float, length: float) -> Primitive | None:
    """A capsule along z; ``length`` is without its caps. None when the radius is not positive."""
    return turned(arc(radius, length), capsule(radius, length), np.eye(3))


def ellipsoid(semi_axes: tuple[float, float, float]) -> Primitive | None:
    """An ellipsoid about the origin; None when a semi-axis is not positive."""
    made = sphere(1.0)
    scale = np.array(semi_axes, dtype=np.float64)
    if made is None or not (np.isfinite(scale).all() and scale.min() > 0):
        return None
    volume = 4 / 3 * math.pi * float(scale.prod())
    a, b, c = (float(v) for v in scale**2)
    inertia = matrix3(np.diag([b + c, a + c, a + b]) * volume / 5)
    integrals = RawIntegrals(volume, (0.0, 0.0, 0.0), inertia, _FORMULA_ERROR, "formula")
    return Primitive(made.vertices * scale, made.faces, integrals)


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


def ball(radius: float) -> RawIntegrals:
    """Integrals of a ball about the origin at unit density."""
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


def arc(radius: float, height: float) -> list[tuple[float, float]]:
    """Profile (r, z) of a ball cut at its equator and pulled apart by ``height``."""
    angles = np.linspace(0.0, math.pi / 2, _QUARTER + 1)
    lower = [(radius * math.sin(a), -height / 2 - radius * math.cos(a)) for a in angles]
    lower[0] = (0.0, lower[0][1])
    upper = [(r, -z) for r, z in reversed(lower)]
    return lower + (upper if height > 0 else upper[1:])


def turned(profile: list[tuple[float, float]], integrals: RawIntegrals, axis: FloatArray) -> Primitive | None:
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
