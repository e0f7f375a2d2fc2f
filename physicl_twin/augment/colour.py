"""Changes of a colour."""

from __future__ import annotations

import colorsys

from physicl_twin.model.geometry import Vector3


def tinted(color: Vector3, hue_deg: float, saturation: float, brightness: float) -> Vector3:
    """A linear RGB colour with its hue turned, its saturation and brightness multiplied (in HSV), kept within 0..1."""
    if (hue_deg, saturation, brightness) == (0.0, 1.0, 1.0):
        return color
    h, s, v = colorsys.rgb_to_hsv(*color)
    r, g, b = colorsys.hsv_to_rgb((h + hue_deg / 360.0) % 1.0, min(s * saturation, 1.0), min(v * brightness, 1.0))
    return (r, g, b)
