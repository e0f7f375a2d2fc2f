"""Where the geometry of a raw scene lies, in source units and axes."""

from __future__ import annotations

from itertools import product

import numpy as np

from physicl_twin.ingest.raw import RawScene
from physicl_twin.model import Mesh
from physicl_twin.model.geometry import FloatArray

#: Scenes with more vertices to place are bounded by the corners of their shapes' boxes (never smaller than the truth).
_EXACT_VERTICES = 20_000_000


def placements(raw: RawScene) -> list[tuple[str, FloatArray]]:
    """Shape name and (4, 4) shape to source transform of each part."""
    bodies = {body.name: body.transform for body in raw.bodies}
    return [
        (part.shape, bodies[part.body] @ part.transform if part.body in bodies else part.transform)
        for part in raw.parts
    ]


def placed_meshes(raw: RawScene) -> list[tuple[str, Mesh]]:
    """Name of each part and its mesh in source units and axes, positions only."""
    meshes = {shape.name: shape.mesh for shape in raw.shapes}
    return [
        (part.name, Mesh(meshes[name].vertices @ matrix[:3, :3].T + matrix[:3, 3], meshes[name].faces))
        for part, (name, matrix) in zip(raw.parts, placements(raw), strict=True)
    ]


def scene_bounds(raw: RawScene) -> FloatArray:
    """(2, 3) minimum and maximum corner, source units."""
    meshes = {shape.name: shape.mesh for shape in raw.shapes}
    placed = placements(raw)
    exact = sum(len(meshes[name].vertices) for name, _ in placed) <= _EXACT_VERTICES
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for name, matrix in placed:
        points = meshes[name].vertices
        if not exact:
            box = meshes[name].bounds()
            points = np.array(list(product(*box.T)))
        moved = points @ matrix[:3, :3].T + matrix[:3, 3]
        low, high = np.minimum(low, moved.min(axis=0)), np.maximum(high, moved.max(axis=0))
    return np.array([low, high])


def sample_points(raw: RawScene, limit: int = 200_000) -> FloatArray:
    """At most about ``limit`` vertices of the scene, evenly thinned, source units."""
    meshes = {shape.name: shape.mesh for shape in raw.shapes}
    placed = placements(raw)
    total = sum(len(meshes[name].vertices) for name, _ in placed)
    step = max(1, -(-total // limit))
    return np.concatenate([meshes[name].vertices[::step] @ matrix[:3, :3].T + matrix[:3, 3] for name, matrix in placed])
