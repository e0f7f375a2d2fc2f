"""How much light reaches a point: the sky and key light on the object's samples, and the shadow on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.rays import Caster

#: Angular radius of the key light, radians: a softbox of 1.4 m seen from 4 m.
KEY_RADIUS = 0.17


def cosine_directions(count: int, turn: NDArray[np.floating] | float = 0.0) -> FloatArray:
    """(count, 3) or (N, count, 3) directions about +Z, cosine weighted and stratified (a spiral over the disc)."""
    index = np.arange(count) + 0.5
    radius, angle = np.sqrt(index / count), index * math.pi * (3.0 - math.sqrt(5.0))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    cosine, sine = np.cos(np.asarray(turn))[..., None], np.sin(np.asarray(turn))[..., None]
    turned = (cosine * x - sine * y, sine * x + cosine * y, np.sqrt(1.0 - radius**2))
    return np.stack(np.broadcast_arrays(*turned), axis=-1)


def frames(normals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two unit tangents for each normal (Duff et al., Building an Orthonormal Basis, Revisited, JCGT 6, 2017)."""
    x, y, z = normals.T
    sign = np.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    return (
        np.stack([1.0 + sign * x * x * a, sign * b, -sign * x], axis=1),
        np.stack([b, sign + y * y * a, -y], axis=1),
    )


def sky_visibility(
    caster: Caster, points: FloatArray, normals: FloatArray, turn: FloatArray, rays: int, reach: float, ground_z: float
) -> FloatArray:
    """(N,) fraction of the sky that the object does not hide within ``reach``; the ground takes its share softly.

    Args:
        caster: The object.
        points: (N, 3) just outside the surface.
        normals: (N, 3) unit.
        turn: (N,) rotation of each sample's set of rays, so that neighbours average out.
        rays: Rays per sample.
        reach: Farthest occluder that counts, metres.
        ground_z: Height of the ground.
    """
    tangent, other = frames(normals)
    local = cosine_directions(rays, turn)
    world = local[..., 0:1] * tangent[:, None] + local[..., 1:2] * other[:, None] + local[..., 2:3] * normals[:, None]
    origins = np.repeat(points, rays, axis=0)
    blocked = caster.blocked(origins, world.reshape(-1, 3), reach).reshape(-1, rays)
    near_ground = np.exp(-np.maximum(points[:, 2] - ground_z, 0.0) / (0.35 * reach))[:, None]
    grounded = (world[..., 2] < 0.0) * (0.55 * near_ground)
    return np.asarray(1.0 - np.where(blocked, 1.0, grounded).mean(axis=1))


def key_visibility(caster: Caster, points: FloatArray, key: FloatArray, turn: FloatArray, rays: int) -> FloatArray:
    """(N,) fraction of the key light's disc that each point sees; ``turn`` (N,) in 0..1 rotates its rays."""
    tangent, other = frames(key[None])
    disc = cosine_directions(rays, 2.0 * math.pi * turn)
    if rays == 1:
        # A single ray goes to a place on the disc that differs from sample to sample.
        disc = disc * np.sqrt((turn * 7919.0) % 1.0)[:, None, None] * math.sqrt(2.0)
    spread = math.tan(KEY_RADIUS)
    directions = key + spread * (disc[..., 0:1] * tangent + disc[..., 1:2] * other)
    blocked = caster.blocked(np.repeat(points, rays, axis=0), directions.reshape(-1, 3))
    return np.asarray(1.0 - blocked.reshape(-1, rays).mean(axis=1))


def mirror_visibility(
    caster: Caster,
    points: FloatArray,
    normals: FloatArray,
    views: FloatArray,
    roughness: FloatArray,
    turn: FloatArray,
    reach: float,
) -> FloatArray:
    """(N,) 1 where what a surface mirrors is not the object itself within ``reach``; rough surfaces blur it."""
    bounce = 2.0 * np.einsum("ij,ij->i", normals, views)[:, None] * normals - views
    tangent, other = frames(bounce / np.linalg.norm(bounce, axis=1, keepdims=True))
    angle, radius = 2.0 * math.pi * turn[:, None], (roughness**2 * np.sqrt((turn * 7919.0) % 1.0))[:, None]
    directions = bounce + radius * (np.cos(angle) * tangent + np.sin(angle) * other)
    return 1.0 - caster.blocked(points, directions, reach).astype(float)


@dataclass(frozen=True, slots=True, eq=False)
class GroundShadow:
    """Light that reaches the ground plane, on a grid.

    Attributes:
        low: (2,) corner of the grid.
        cell: Edge of a cell.
        visible: (rows, columns) 1 in full light, 0 in none; 1 along the border.
    """

    low: FloatArray
    cell: float
    visible: FloatArray

    def at(self, points: FloatArray) -> FloatArray:
        """(N,) light at ground points (N, 2+), bilinear; 1 outside the grid."""
        rows, columns = self.visible.shape
        x = (points[:, 0] - self.low[0]) / self.cell - 0.5
        y = (points[:, 1] - self.low[1]) / self.cell - 0.5
        inside = (x > 0) & (y > 0) & (x < columns - 1) & (y < rows - 1)
        x0 = np.clip(np.floor(x), 0, columns - 2).astype(np.int64)
        y0 = np.clip(np.floor(y), 0, rows - 2).astype(np.int64)
        fx, fy = np.clip(x - x0, 0, 1), np.clip(y - y0, 0, 1)
        v = self.visible
        value = (v[y0, x0] * (1 - fx) + v[y0, x0 + 1] * fx) * (1 - fy) + (
            v[y0 + 1, x0] * (1 - fx) + v[y0 + 1, x0 + 1] * fx
        ) * fy
        return np.where(inside, value, 1.0)


def ground_shadow(caster: Caster, bounds: FloatArray, key: FloatArray, cells: int, rays: int) -> GroundShadow:
    """Sky and key light on the ground below an object.

    Args:
        caster: The object.
        bounds: (2, 3) its box; its bottom is the ground.
        key: Direction to the key light.
        cells: Cells along the longer side.
        rays: Rays per cell: two thirds to the sky, one third to the key light.
    """
    size = bounds[1] - bounds[0]
    reach = 0.9 * float(size[2]) + 0.12 * float(size[:2].max())
    drift = -key[:2] / max(float(key[2]), 0.2) * float(size[2])
    low = np.minimum(bounds[0, :2], bounds[0, :2] + drift) - reach
    high = np.maximum(bounds[1, :2], bounds[1, :2] + drift) + reach
    cell = float((high - low).max()) / cells
    columns, rows = (int(n) for n in np.maximum(4, np.ceil((high - low) / cell)))
    x, y = np.meshgrid(low[0] + (np.arange(columns) + 0.5) * cell, low[1] + (np.arange(rows) + 0.5) * cell)
    lift = 1e-4 * float(np.linalg.norm(size))
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, bounds[0, 2] + lift)], axis=1)
    # Each cell turns its rays by another angle (the golden ratio keeps neighbours apart); smoothing blends them.
    turn = np.asarray((np.arange(len(points)) * 0.61803398875) % 1.0, dtype=np.float64)
    sky = cosine_directions(max(4, 2 * rays // 3), 2.0 * math.pi * turn)
    blocked = caster.blocked(np.repeat(points, sky.shape[1], axis=0), sky.reshape(-1, 3))
    hidden_sky = blocked.reshape(rows, columns, -1).mean(axis=2)
    hidden_key = 1.0 - key_visibility(caster, points, key, turn, max(4, rays // 3)).reshape(rows, columns)
    visible = 1.0 - (0.52 * _smoothed(_smoothed(hidden_sky)) + 0.30 * _smoothed(hidden_key))
    return GroundShadow(low, cell, _faded(visible))


def _faded(values: FloatArray) -> FloatArray:
    """Back to full light towards the border, so that the grid has no visible edge."""
    rows, columns = values.shape
    distance = np.minimum.outer(
        np.minimum(np.arange(rows), np.arange(rows)[::-1]) / rows,
        np.minimum(np.arange(columns), np.arange(columns)[::-1]) / columns,
    )
    weight = np.clip(distance / 0.12, 0.0, 1.0)
    faded: FloatArray = 1.0 - (1.0 - values) * weight * weight * (3 - 2 * weight)
    return faded


def _smoothed(values: FloatArray) -> FloatArray:
    """A binomial filter over 3 x 3 cells."""
    padded = np.pad(values, 1, mode="edge")
    across = 0.5 * padded[:, 1:-1] + 0.25 * (padded[:, :-2] + padded[:, 2:])
    smooth: FloatArray = 0.5 * across[1:-1] + 0.25 * (across[:-2] + across[2:])
    return smooth
