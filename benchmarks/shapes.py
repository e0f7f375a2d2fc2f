"""Ten everyday things as watertight meshes of 1k–20k triangles, made from formulas: what the benchmarks run on.

Each has what makes collision geometry hard: a cavity, a thin wall, a hole, a concave outline or a
long curved rod. Metres, Z up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from manifold3d import CrossSection, Manifold
from numpy.typing import NDArray

Profile = Sequence[tuple[float, float]]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BenchmarkMesh:
    """A watertight triangle mesh with a name.

    Attributes:
        name: File-safe.
        vertices: (V, 3) metres.
        faces: (F, 3).
        hollow: True when it has a pocket, hole or handle that a good collider keeps open.
    """

    name: str
    vertices: FloatArray
    faces: NDArray[np.int64]
    hollow: bool


def _revolve(profile: Profile, segments: int) -> Any:
    """Solid of revolution about z of a counter-clockwise (radius, height) outline in millimetres."""
    return CrossSection([list(profile)]).revolve(segments)


def _tube(path_mm: FloatArray, radius_mm: FloatArray, segments: int) -> Any:
    """Closed round rod along a polyline (N, 3) with a radius (N,) at each point, millimetres."""
    tangents = np.gradient(path_mm, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    up = np.array([0.0, 1.0, 0.0]) if abs(tangents[0, 1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    angles = 2 * np.pi * np.arange(segments) / segments
    rings = []
    for point, tangent, radius in zip(path_mm, tangents, radius_mm, strict=True):
        side = np.cross(up, tangent)
        side /= np.linalg.norm(side)
        up = np.cross(tangent, side)
        rings.append(point + radius * (np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * up))
    vertices = np.vstack([*rings, path_mm[:1], path_mm[-1:]])
    count, last = len(path_mm), len(path_mm) * segments
    k, n = np.arange(segments), (np.arange(segments) + 1) % segments
    faces = [np.column_stack([k * 0 + last, n, k])]
    for i in range(count - 1):
        a, b = i * segments, (i + 1) * segments
        faces += [np.column_stack([a + k, a + n, b + n]), np.column_stack([a + k, b + n, b + k])]
    tail = (count - 1) * segments
    faces.append(np.column_stack([k * 0 + last + 1, tail + k, tail + n]))
    return _solid(vertices, np.vstack(faces))


def _solid(vertices: FloatArray, faces: NDArray[np.int64]) -> Any:
    from manifold3d import Error, Mesh64

    solid = Manifold(Mesh64(vertices, faces.astype(np.uint64)))
    if solid.status() != Error.NoError or solid.volume() <= 0:
        raise ValueError(f"not a closed outward surface: {solid.status()}")
    return solid


def _mug() -> Any:
    wall = _revolve([(0, 0), (40, 0), (40, 95), (36.5, 95), (36.5, 6), (0, 6)], 128).refine_to_length(9.0)
    angle = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 25)
    path = np.column_stack([38 + 30 * np.cos(angle), np.zeros(25), 48 + 30 * np.sin(angle)])
    outside = Manifold.cylinder(200, 38.2, 38.2, 128).translate([0, 0, -50])
    return wall + (_tube(path, np.full(25, 5.0), 20) - outside)


def _bowl() -> Any:
    outer = [(70 * math.sin(a), 70 - 70 * math.cos(a)) for a in np.linspace(0, 0.5 * np.pi, 49)]
    inner = [(67 * math.sin(a), 70 - 67 * math.cos(a)) for a in np.linspace(0.5 * np.pi, 0, 49)]
    return _revolve([*outer, *inner], 104)


def _chair() -> Any:
    def block(size: Sequence[float], at: Sequence[float]) -> Any:
        return Manifold.cube(list(size), True).translate(list(at))

    seat = block((440, 420, 32), (0, 0, 450))
    legs = [
        Manifold.cylinder(440, 16, 22, 40).translate([x, y, 0]).translate([0, 0, 0])
        for x in (-190, 190)
        for y in (-180, 180)
    ]
    posts = [Manifold.cylinder(430, 15, 15, 32).translate([x, 185, 460]) for x in (-195, 195)]
    slats = [block((400, 18, 60), (0, 185, z)) for z in (600, 720, 840)]
    solid = seat
    for piece in (*legs, *posts, *slats):
        solid = solid + piece
    return solid.refine_to_length(60.0)


def _bracket() -> Any:
    base = Manifold.cube([90, 60, 6]).translate([0, -30, 0])
    wall = Manifold.cube([6, 60, 70]).translate([0, -30, 0])
    rib = CrossSection([[(6, 6), (50, 6), (6, 50)]]).extrude(5).rotate([90, 0, 0]).translate([0, 2.5, 0])
    holes = [Manifold.cylinder(20, 5.5, 5.5, 64, True).translate([x, y, 3]) for x in (32, 72) for y in (-19, 19)]
    holes.append(Manifold.cylinder(20, 11, 11, 96, True).rotate([0, 90, 0]).translate([3, 0, 52]))
    solid = base + wall + rib
    for hole in holes:
        solid = solid - hole
    return solid.refine_to_length(9.0)


def _gear() -> Any:
    teeth, root, tip = 20, 36.0, 44.0
    outline = []
    for k in range(teeth):
        centre = 2 * math.pi * k / teeth
        for part, radius in (
            (-0.30, root),
            (-0.24, root + 1.5),
            (-0.13, tip),
            (0.13, tip),
            (0.24, root + 1.5),
            (0.30, root),
        ):
            angle = centre + part * 2 * math.pi / teeth
            outline.append((radius * math.cos(angle), radius * math.sin(angle)))
    disc = CrossSection([outline]).extrude(14)
    hub = Manifold.cylinder(22, 16, 16, 64)
    bore = Manifold.cylinder(60, 9, 9, 64, True)
    key = Manifold.cube([5, 5, 60], True).translate([9.5, 0, 0])
    return (disc + hub - bore - key).refine_to_length(6.0)


def _bottle() -> Any:
    outer = [(0, 0), (30, 0), (33, 3), (33, 110)]
    outer += [(14 + 19 * math.cos(a), 110 + 38 * math.sin(a)) for a in np.linspace(0.1, 0.5 * np.pi, 16)]
    outer += [(13, 150), (13, 178)]
    inner = [(10.5, 178), (10.5, 150)]
    inner += [(11.5 + 19 * math.cos(a), 108 + 38 * math.sin(a)) for a in np.linspace(0.5 * np.pi, 0.1, 16)]
    inner += [(30.5, 110), (30.5, 4), (0, 3)]
    return _revolve([*outer, *inner], 72)


def _ladle() -> Any:
    outer = [(40 * math.sin(a), 40 - 40 * math.cos(a)) for a in np.linspace(0, 0.48 * np.pi, 30)]
    inner = [(38 * math.sin(a), 40 - 38 * math.cos(a)) for a in np.linspace(0.48 * np.pi, 0, 30)]
    cup = _revolve([*outer, *inner], 80)
    t = np.linspace(0, 1, 40)
    path = np.column_stack([39 + 30 * t + 20 * np.sin(np.pi * t), np.zeros(40), 36 + 215 * t])
    radius = 3.0 + 2.5 * t
    return cup + _tube(path, radius, 18)


def _elbow() -> Any:
    ring = CrossSection.circle(25, 56) - CrossSection.circle(21.5, 56)
    bend = ring.translate([60, 0]).revolve(48, 90)
    flange = CrossSection.circle(36, 56) - CrossSection.circle(21.5, 56)
    first = flange.extrude(7).rotate([90, 0, 0]).translate([60, 0, 0])
    second = flange.extrude(7).rotate([0, -90, 0]).rotate([0, 0, 0]).translate([0, 60, 0])
    return bend + first + second


def _crate() -> Any:
    box = Manifold.cube([360, 260, 200]) - Manifold.cube([344, 244, 200]).translate([8, 8, 8])
    for x in (-5, 345):
        box = box - Manifold.cube([20, 90, 28]).translate([x, 85, 150])
    return box.refine_to_length(30.0)


def _wrench() -> Any:
    handle = CrossSection([[(-9, -80), (9, -80), (7, 80), (-7, 80)]])
    jaw = CrossSection.circle(21, 96).translate([0, 92]) - CrossSection(
        [[(-9.5, 90), (9.5, 90), (9.5, 125), (-9.5, 125)]]
    ).rotate(15)
    ring = CrossSection.circle(17, 96).translate([0, -90])
    hexagon = CrossSection.circle(9.5, 6).translate([0, -90])
    return ((handle + jaw + ring) - hexagon).extrude(7.0).refine_to_length(4.5)


MAKERS: dict[str, tuple[Callable[[], Any], bool]] = {
    "mug": (_mug, True),
    "bowl": (_bowl, True),
    "chair": (_chair, True),
    "bracket": (_bracket, True),
    "gear": (_gear, True),
    "bottle": (_bottle, True),
    "ladle": (_ladle, True),
    "elbow": (_elbow, True),
    "crate": (_crate, True),
    "wrench": (_wrench, True),
}


def make(name: str) -> BenchmarkMesh:
    """The mesh of that name, the same triangles each time."""
    maker, hollow = MAKERS[name]
    mesh = maker().to_mesh64()
    return BenchmarkMesh(
        name, np.asarray(mesh.vert_properties)[:, :3] * 0.001, np.asarray(mesh.tri_verts).astype(np.int64), hollow
    )


def make_all() -> list[BenchmarkMesh]:
    """All ten."""
    return [make(name) for name in MAKERS]


def write_obj(mesh: BenchmarkMesh, path: Any) -> None:
    """Wavefront OBJ of a benchmark mesh, metres."""
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in mesh.vertices]
    lines += [f"f {a} {b} {c}" for a, b, c in mesh.faces + 1]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
