"""Queries on triangle soups, for engines that cannot ask their own static meshes."""

from __future__ import annotations

import numpy as np

from physicl_twin.model.geometry import FloatArray


def ray_triangles(corners: FloatArray, origin: FloatArray, direction: FloatArray) -> tuple[float, int] | None:
    """Distance along a unit direction to the nearest of triangles (F, 3, 3) and its index (Möller & Trumbore 1997)."""
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = np.cross(direction, edge2)
    determinant = np.einsum("ij,ij->i", edge1, p)
    safe = np.where(determinant == 0.0, 1.0, determinant)
    t = origin - corners[:, 0]
    u = np.einsum("ij,ij->i", t, p) / safe
    q = np.cross(t, edge1)
    v = q @ direction / safe
    distance = np.einsum("ij,ij->i", edge2, q) / safe
    hit = (determinant != 0.0) & (u >= 0) & (v >= 0) & (u + v <= 1) & (distance >= 0)
    if not hit.any():
        return None
    index = int(np.flatnonzero(hit)[np.argmin(distance[hit])])
    return float(distance[index]), index


def distance_to_triangles(corners: FloatArray, point: FloatArray) -> float:
    """Smallest distance from a point to triangles (F, 3, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    flat = length > 0
    inside = flat.copy()
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= np.einsum("ij,ij->i", np.cross(end - start, point - start), normal) >= 0
    best = np.inf
    if inside.any():
        plane = np.einsum("ij,ij->i", point - a[inside], normal[inside]) / length[inside]
        best = float(np.abs(plane).min())
    for start, end in ((a, b), (b, c), (c, a)):
        edge = end - start
        squared = np.einsum("ij,ij->i", edge, edge)
        along = np.einsum("ij,ij->i", point - start, edge) / np.where(squared > 0, squared, 1.0)
        nearest = start + np.clip(along, 0.0, 1.0)[:, None] * edge
        best = min(best, float(np.linalg.norm(point - nearest, axis=1).min()))
    return best
