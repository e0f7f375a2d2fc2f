"""The studio: a soft sky, a key light with a soft shadow, a fill and a rim; all as smooth lobes, so nothing is noisy.

The environment is L(w) = gradient(w_z) + sum of lobes c exp(k (w . l - 1)) (spherical Gaussians). Blurring such a lobe
by a rough surface gives one of lower sharpness; see Wang et al., All-Frequency Rendering of Dynamic, Spatially-Varying
Reflectance, ACM TOG 28 (2009), for the representation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.render.camera import Camera

#: Sharpness that stands for the cosine lobe of a diffuse surface.
_DIFFUSE_SHARPNESS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Lobe:
    """A light: direction to it, linear RGB of its centre, and sharpness (larger is smaller)."""

    direction: FloatArray
    color: FloatArray
    sharpness: float

    def seen(self, directions: FloatArray, blur: FloatArray) -> FloatArray:
        """(N, 3) radiance seen along directions by a surface that blurs with sharpness ``blur`` (N,)."""
        sharp = self.sharpness * blur / (self.sharpness + blur)
        cosine = directions @ self.direction
        return np.exp(sharp * (cosine - 1.0))[:, None] * ((sharp / self.sharpness)[:, None] * self.color)


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """The lights around the object.

    Attributes:
        key: Direction to the key light, the one that casts the shadow.
        key_color: Irradiance of a surface that faces it.
        lobes: What reflections see, the key's softbox first.
        fill: Direction and irradiance of the fill light (no shadow).
        sky: Irradiance from above, from the horizon and from the ground.
    """

    key: FloatArray
    key_color: FloatArray
    lobes: tuple[Lobe, ...]
    fill: tuple[FloatArray, FloatArray]
    sky: tuple[FloatArray, FloatArray, FloatArray]

    @classmethod
    def around(cls, camera: Camera) -> Studio:
        """Key from the upper left of the camera, fill from the right, rim from behind: the photographer's three."""
        up = np.array([0.0, 0.0, 1.0])
        level = camera.back - camera.back[2] * up
        level = level / max(float(np.linalg.norm(level)), 1e-9)
        key = _unit(-0.75 * camera.right + 0.55 * level + 1.15 * up)
        fill = _unit(0.9 * camera.right + 0.6 * level + 0.45 * up)
        rim = _unit(0.45 * camera.right - 1.0 * level + 0.8 * up)
        warm, cool = np.array([1.0, 0.97, 0.92]), np.array([0.90, 0.95, 1.0])
        return cls(
            key=key,
            key_color=0.62 * warm,
            lobes=(
                Lobe(key, 2.2 * warm, 12.0),
                Lobe(fill, 1.0 * cool, 8.0),
                Lobe(rim, 1.6 * cool, 16.0),
                Lobe(up, 0.25 * np.ones(3), 3.0),
            ),
            fill=(fill, 0.13 * cool),
            sky=(0.46 * np.array([0.97, 0.99, 1.0]), 0.34 * np.ones(3), 0.24 * np.array([1.0, 0.985, 0.97])),
        )

    def ambient(self, normals: FloatArray) -> FloatArray:
        """(N, 3) irradiance (over pi) of the sky and the bright ground."""
        above, level, below = self.sky
        z = normals[:, 2:3]
        return np.where(z > 0, level + (above - level) * z, level + (below - level) * -z)

    def direct(self, normals: FloatArray, key_visible: FloatArray) -> FloatArray:
        """(N, 3) irradiance (over pi) of the key, where it is visible, and of the fill."""
        lit = np.maximum(normals @ self.key, 0.0) * key_visible
        wrapped = np.maximum(0.75 * (normals @ self.fill[0]) + 0.25, 0.0)
        return lit[:, None] * self.key_color + wrapped[:, None] * self.fill[1]

    def reflected(self, directions: FloatArray, roughness: FloatArray) -> FloatArray:
        """(N, 3) radiance that a mirror of that roughness shows."""
        alpha = np.maximum(roughness * roughness, 0.012)
        blur = 2.0 / (alpha * alpha)
        # The gradient of floor, horizon and ceiling; its edge at the horizon is as soft as the surface is rough.
        softness = np.maximum(alpha, 0.06)
        height = 1.0 / (1.0 + np.exp(-directions[:, 2] / (0.45 * softness)))
        zenith = np.clip(directions[:, 2], 0.0, 1.0)
        floor, wall = np.array([0.50, 0.495, 0.49]), np.array([0.42, 0.435, 0.45])
        ceiling = np.array([0.62, 0.635, 0.65])
        result: FloatArray = (1 - height)[:, None] * floor + height[:, None] * (
            wall + zenith[:, None] * (ceiling - wall)
        )
        for lobe in self.lobes:
            result = result + lobe.seen(directions, blur)
        return result


def shade(
    studio: Studio,
    normals: FloatArray,
    views: FloatArray,
    albedo: FloatArray,
    metallic: FloatArray,
    roughness: FloatArray,
    sky_visible: FloatArray,
    key_visible: FloatArray,
    mirror_visible: FloatArray,
) -> FloatArray:
    """(N, 3) linear radiance of surface samples.

    Args:
        studio: Lights.
        normals: (N, 3) unit.
        views: (N, 3) unit, from the surface to the eye.
        albedo: (N, 3) linear base colour.
        metallic: (N,).
        roughness: (N,).
        sky_visible: (N,) 0..1, ambient occlusion.
        key_visible: (N,) 0..1.
        mirror_visible: (N,) 0..1, whether the mirror direction leaves the object.
    """
    facing = np.clip(np.einsum("ij,ij->i", normals, views), 0.0, 1.0)
    mirror = 2.0 * facing[:, None] * normals - views
    diffuse = studio.ambient(normals) * sky_visible[:, None] + studio.direct(normals, key_visible)
    base = 0.04 * (1 - metallic)[:, None] + albedo * metallic[:, None]
    # Schlick's Fresnel with the roughness-limited edge that is usual for image-based light.
    edge = np.maximum(1.0 - roughness[:, None], base)
    fresnel = base + (edge - base) * (1.0 - facing[:, None]) ** 5
    occlusion = (0.6 + 0.4 * mirror_visible) * (0.4 + 0.6 * sky_visible)
    specular = studio.reflected(mirror, roughness) * fresnel * occlusion[:, None]
    result: FloatArray = (1 - metallic)[:, None] * (1.0 - fresnel) * albedo * diffuse + specular
    return result


def _unit(vector: FloatArray) -> FloatArray:
    unit: FloatArray = vector / np.linalg.norm(vector)
    return unit
