"""Where the camera stands: a three-quarter view that fills the frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from physicl_twin.model.geometry import FloatArray


@dataclass(frozen=True, slots=True)
class View:
    """A point of view.

    Attributes:
        azimuth_deg: Direction from the object to the camera around Z, 0 along +X, 90 along +Y; None for a three-quarter
            view that shows the longer side.
        elevation_deg: Above the horizon; None for one that suits the proportions (flat things from higher up).
        fov_deg: Opening of the shorter side of the picture.
        margin: Free border, fraction of the picture.
    """

    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    fov_deg: float = 24.0
    margin: float = 0.09


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A placed pinhole camera.

    Attributes:
        position: (3,) world.
        right: (3,) unit vector along the picture's x.
        up: (3,) along the picture's upward y.
        back: (3,) from the scene to the camera.
        tangent: (2,) tangents of the half openings, horizontal and vertical.
    """

    position: FloatArray
    right: FloatArray
    up: FloatArray
    back: FloatArray
    tangent: FloatArray

    def directions(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """(N, 3) unit directions through picture coordinates in -1..1, x right and y up."""
        d = x[:, None] * (self.tangent[0] * self.right) + y[:, None] * (self.tangent[1] * self.up) - self.back
        unit: FloatArray = d / np.linalg.norm(d, axis=1, keepdims=True)
        return unit


def framed(points: FloatArray, view: View, width: int, height: int) -> Camera:
    """The camera of a view from which all points are just in the picture.

    A point at (x, y, z) in camera axes is inside when |x - cx| <= (d - z) t, with d the distance and t the tangent of
    the half opening; the smallest d that fits all points follows from two maxima a side, without searching.

    Args:
        points: (N, 3) what has to be seen.
        view: Direction and opening.
        width: Pixels.
        height: Pixels.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(high - low, 1e-12)
    azimuth = math.radians(_azimuth_deg(view, size))
    elevation = math.radians(_elevation_deg(view, size))
    back = np.array(
        [math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth), math.sin(elevation)]
    )
    right = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    up = np.cross(back, right)
    short = math.tan(math.radians(view.fov_deg) / 2)
    tangent = short * np.array([width, height]) / min(width, height)
    centre = 0.5 * (low + high)
    local = (points - centre) @ np.stack([right, up, back], axis=1)
    inner = tangent * (1.0 - 2.0 * view.margin)
    offset, distances = np.zeros(2), np.zeros(2)
    for axis in range(2):
        ahead = float((local[:, axis] / inner[axis] + local[:, 2]).max())
        behind = float((-local[:, axis] / inner[axis] + local[:, 2]).max())
        offset[axis] = inner[axis] * (ahead - behind) / 2
        distances[axis] = (ahead + behind) / 2
    distance = max(float(distances.max()), float(local[:, 2].max()) + 1e-3 * float(np.linalg.norm(size)))
    return Camera(centre + offset[0] * right + offset[1] * up + distance * back, right, up, back, tangent)


def _azimuth_deg(view: View, size: FloatArray) -> float:
    if view.azimuth_deg is not None:
        return view.azimuth_deg
    # Mostly in front of the longer horizontal side, turned by a third of a right angle and more for a cube.
    return -58.0 if size[0] >= size[1] else -32.0


def _elevation_deg(view: View, size: FloatArray) -> float:
    if view.elevation_deg is not None:
        return view.elevation_deg
    flatness = 1.0 - min(1.0, float(size[2]) / float(max(size[0], size[1])))
    return 20.0 + 20.0 * flatness
