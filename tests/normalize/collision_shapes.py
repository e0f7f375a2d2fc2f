"""Meshes with known truth for the collision tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from physicl_twin.model import Body, Decision, Estimate, Frame, Mesh, Part, Shape, SolidProperties, Source, Twin
from physicl_twin.normalize.collision import CollisionSettings, collision_settings
from physicl_twin.normalize.collision.fit_error import Target, make_target
from physicl_twin.normalize.collision.surface import TrueSurface
from physicl_twin.settings import pipeline


def settings(**changes: Any) -> CollisionSettings:
    """The shipped settings with fewer cells and samples, so that the tests are quick."""
    return collision_settings({**pipeline()["collision"], "cells": 120, "samples": 2500, **changes})


def mesh_of(solid: Any) -> Mesh:
    """Mesh of a manifold3d solid."""
    data = solid.to_mesh64()
    return Mesh(np.asarray(data.vert_properties)[:, :3].copy(), np.asarray(data.tri_verts).astype(np.int32))


def moved(mesh: Mesh, matrix: Any = None, offset: Any = (0, 0, 0), scale: float = 1.0) -> Mesh:
    rotation = np.eye(3) if matrix is None else np.asarray(matrix)
    return Mesh(scale * (mesh.vertices @ rotation.T) + np.asarray(offset, dtype=float), mesh.faces)


def rotation(seed: int) -> Any:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else q[:, ::-1]


def volume_of(mesh: Mesh) -> float:
    corners = mesh.vertices[mesh.faces]
    return float(np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6)


def shape_of(mesh: Mesh, name: str = "thing") -> Shape:
    volume = volume_of(mesh)
    solid = SolidProperties(Estimate.exact(volume, "m3", "triangles"), (0, 0, 0), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))
    return Shape(name, mesh=mesh, solid=solid if volume > 0 else None)


def twin_of(shapes: list[Shape], parts: list[Part]) -> Twin:
    decision = Decision("m", 1.0)
    source = Source("thing.stl", "stl", "0" * 64, 1)
    return Twin(
        "thing",
        "thing",
        (source,),
        Frame(decision, 1.0, Decision("z", 1.0)),
        tuple(shapes),
        (Body("body", tuple(parts)),),
    )


def target_of(mesh: Mesh, samples: int = 3000) -> Target:
    """The mesh in its own diagonals, centred, as fitting sees it."""
    low, high = mesh.bounds()
    scale = float(np.linalg.norm(high - low))
    unit = Mesh((mesh.vertices - 0.5 * (low + high)) / scale, mesh.faces)
    volume = volume_of(unit)
    return make_target(
        TrueSurface(unit.vertices, unit.faces, volume if volume > 1e-6 else None), scale, samples, 0.01, 0.1
    )


def cup(segments: int = 48) -> Mesh:
    """A beaker: 80 mm wide, 100 mm high, wall 4 mm, open at the top."""
    from manifold3d import CrossSection

    outline = [(0, 0), (40, 0), (40, 100), (36, 100), (36, 5), (0, 5)]
    return moved(mesh_of(CrossSection([outline]).revolve(segments)), scale=0.001)


def bowl(segments: int = 48) -> Mesh:
    from manifold3d import CrossSection

    angles = np.linspace(0, 0.5 * np.pi, 17)
    outer = [(70 * np.sin(a), 70 - 70 * np.cos(a)) for a in angles]
    inner = [(66 * np.sin(a), 70 - 66 * np.cos(a)) for a in angles[::-1]]
    return moved(mesh_of(CrossSection([[*outer, *inner]]).revolve(segments)), scale=0.001)


def pipe(segments: int = 48) -> Mesh:
    from manifold3d import CrossSection

    ring = CrossSection.circle(30, segments) - CrossSection.circle(25, segments)
    return moved(mesh_of(ring.extrude(150)), scale=0.001)


def crate() -> Mesh:
    from manifold3d import Manifold

    box = Manifold.cube([300, 200, 150]) - Manifold.cube([280, 180, 150]).translate([10, 10, 10])
    return moved(mesh_of(box), scale=0.001)
