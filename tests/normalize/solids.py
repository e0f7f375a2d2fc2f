"""Solids with known volume, centroid and inertia, as meshes, and ways to break them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model import (
    Body,
    Decision,
    Estimate,
    Frame,
    Material,
    Mesh,
    Part,
    Pose,
    Shape,
    SolidProperties,
    Source,
    Twin,
)
from physicl_twin.normalize.options import NormalizeSettings

SETTINGS = NormalizeSettings.shipped()


@dataclass(frozen=True)
class Truth:
    """Analytic integrals at unit density."""

    volume: float
    com: np.ndarray
    inertia: np.ndarray


def mesh_of(shape) -> Mesh:
    """A Mesh from anything with vertices and faces."""
    return Mesh(np.array(shape.vertices, dtype=float), np.array(shape.faces, dtype=np.int32))


def box(size=(1.0, 1.0, 1.0), centre=(0.0, 0.0, 0.0), cuts: int = 0) -> Mesh:
    import trimesh

    made = trimesh.creation.box(size)
    for _ in range(cuts):
        made = made.subdivide()
    made.apply_translation(centre)
    return mesh_of(made)


def box_truth(size, centre) -> Truth:
    x, y, z = size
    volume = x * y * z
    return Truth(volume, np.array(centre, float), volume / 12 * np.diag([y * y + z * z, x * x + z * z, x * x + y * y]))


def join(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(m.vertices) for m in meshes)])
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.faces + s for m, s in zip(meshes, starts, strict=False)]).astype(np.int32),
    )


def inverted(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, np.ascontiguousarray(mesh.faces[:, ::-1]))


def moved(mesh: Mesh, pose: Pose) -> Mesh:
    return Mesh(pose.apply(mesh.vertices), mesh.faces)


def with_holes(mesh: Mesh, share: float, seed: int) -> Mesh:
    keep = np.random.default_rng(seed).random(len(mesh.faces)) >= share
    return Mesh(mesh.vertices, mesh.faces[keep])


def with_flips(mesh: Mesh, share: float, seed: int) -> Mesh:
    faces = mesh.faces.copy()
    flip = np.random.default_rng(seed).random(len(faces)) < share
    faces[flip] = faces[flip][:, ::-1]
    return Mesh(mesh.vertices, faces)


def unmerged(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(3 * len(mesh.faces), dtype=np.int32).reshape(-1, 3))


def without_patch(mesh: Mesh, centre, radius: float) -> Mesh:
    """Without the faces whose middle lies within ``radius`` of a place: one hole of some size."""
    middles = mesh.vertices[mesh.faces].mean(axis=1)
    return Mesh(mesh.vertices, mesh.faces[np.linalg.norm(middles - np.array(centre), axis=1) > radius])


def material(name: str, density: float, log_std: float = 0.0, flags: tuple[str, ...] = ()) -> Material:
    one = Estimate.exact(0.5, "1", "test")
    return Material(
        name, name, name, "metal", Estimate.lognormal(density, log_std, "kg/m3", "test"), one, one, one, flags=flags
    )


def solid(volume: float, log_std: float = 0.0, com=(0.0, 0.0, 0.0), size: float | None = None) -> SolidProperties:
    """A cube's integrals of some volume."""
    side = size or volume ** (1 / 3)
    inertia = tuple(tuple(volume * side**2 / 6 if i == j else 0.0 for j in range(3)) for i in range(3))
    return SolidProperties(Estimate.lognormal(volume, log_std, "m3", "test"), com, inertia)


def twin_of(shapes: tuple[Shape, ...], bodies: tuple[Body, ...], materials: tuple[Material, ...] = ()) -> Twin:
    certain = Decision("m", 1.0)
    return Twin(
        "thing",
        "thing",
        (Source("thing.stl", "stl", "0" * 64, 1),),
        Frame(certain, 1.0, Decision("z", 1.0)),
        shapes,
        bodies,
        materials=materials,
    )


def dumbbell(density_log_std=(0.0, 0.0), names=("steel", "plastic"), volumes=(1e-3, 1e-3)) -> Twin:
    """Two cubes of 0.1 m, 1 m apart along x, of two materials of 8000 and 1000 kg/m3."""
    shapes = tuple(Shape(f"cube{i}", solid=solid(v)) for i, v in enumerate(volumes))
    parts = tuple(Part(f"p{i}", f"cube{i}", Pose((float(i), 0.0, 0.0)), material=names[i]) for i in range(2))
    kinds = {"steel": (8000.0, density_log_std[0]), "plastic": (1000.0, density_log_std[1])}
    materials = tuple(material(n, *kinds[n]) for n in dict.fromkeys(names))
    return twin_of(shapes, (Body("body", parts),), materials)
