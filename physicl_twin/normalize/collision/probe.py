"""Points of free space around an object: what a convex piece would wrongly fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.collision.fit_error import Target

#: Distances from the surface at which free space is sampled (diagonals), each layer twice as far as the last.
_LAYERS = (0.0012, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
#: A wrongly filled place this far from the surface counts double (diagonals).
_DEEP = 0.01
#: Filling a whole cavity costs as much as a mean error of this size everywhere (diagonals).
_CAVITY_COST = 0.02


@dataclass(frozen=True, slots=True)
class Probe:
    """Weighted points outside the solid.

    Attributes:
        points: (N, 3).
        weights: (N,) volume that each stands for, more when far from the surface or in a cavity.
    """

    points: FloatArray
    weights: FloatArray


def make_probe(target: Target, samples: int) -> Probe:
    """Layers of points outside the surface, each standing for the free volume around it, and the cavities' points.

    Args:
        target: Surface, samples and cavities.
        samples: Points of the surface to start from.
    """
    points, normals = target.surface.outer_samples(samples)
    area = _area(target)
    layers, weights = [], []
    edges = np.sqrt(np.array([_LAYERS[0] / 4, *_LAYERS]) * np.array([*_LAYERS, 2 * _LAYERS[-1]]))
    for index, distance in enumerate(_LAYERS):
        moved = points + distance * normals
        real = target.surface.distance(moved)
        # Nearer to another wall than to its own: that wall's samples stand for the place.
        own = real > 0.7 * distance
        if target.surface.volume is not None:
            own[own] = ~target.surface.inside(moved[own])
        layers.append(moved[own])
        thickness = edges[index + 1] - edges[index]
        weights.append((1 + real[own] / _DEEP) * (thickness * area / max(len(points), 1)))
    cavities = target.cavities
    if cavities.count:
        pocket, chosen = cavities.thinned(samples // max(cavities.count, 1))
        layers.append(chosen)
        weights.append(_CAVITY_COST * area / np.bincount(pocket)[pocket])
    return Probe(np.vstack(layers), np.concatenate(weights))


def _area(target: Target) -> float:
    corners = target.surface.vertices[target.surface.faces]
    normal_area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.linalg.norm(normal_area, axis=1).sum() / 2)
