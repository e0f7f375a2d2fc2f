"""Images of an appearance: decoded once, sampled with texture coordinates, averaged."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from physicl_twin.model import Appearance, Texture
from physicl_twin.model.geometry import FloatArray

#: Pictures of the twin need no more texels than this along a side.
_MAX_TEXELS = 2048


def srgb_to_linear(values: FloatArray) -> FloatArray:
    """IEC 61966-2-1 decoding of values in 0..1."""
    values = np.asarray(values, dtype=float)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(values: FloatArray) -> FloatArray:
    """IEC 61966-2-1 encoding of values in 0..1."""
    values = np.clip(values, 0.0, 1.0)
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded texture: (H, W, 4) bytes, first row at the top."""

    texels: NDArray[np.uint8]

    def sample(self, uv: FloatArray) -> FloatArray:
        """(N, 4) bilinear values in 0..1 (not linearised) at (N, 2) coordinates, v up, repeating."""
        height, width = self.texels.shape[:2]
        x = np.nan_to_num(uv[:, 0] % 1.0) * width - 0.5
        y = (1.0 - np.nan_to_num(uv[:, 1] % 1.0)) * height - 0.5
        x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        fx, fy = (x - x0)[:, None], (y - y0)[:, None]
        x1, y1 = (x0 + 1) % width, (y0 + 1) % height
        x0, y0 = x0 % width, y0 % height
        t = self.texels
        upper = t[y0, x0] * (1 - fx) + t[y0, x1] * fx
        lower = t[y1, x0] * (1 - fx) + t[y1, x1] * fx
        values: FloatArray = (upper * (1 - fy) + lower * fy) / 255.0
        return values


def decode(texture: Texture) -> Picture | None:
    """The image of a texture, thinned for pictures; None when it has no bytes or they are no image."""
    if texture.data is None:
        return None
    try:
        with Image.open(io.BytesIO(texture.data)) as image:
            image.draft("RGB", (_MAX_TEXELS, _MAX_TEXELS))
            image.thumbnail((_MAX_TEXELS, _MAX_TEXELS), Image.Resampling.BOX)
            return Picture(np.asarray(image.convert("RGBA"), dtype=np.uint8))
    except (OSError, ValueError, Image.DecompressionBombError):
        # A broken image costs the picture its texture, nothing else; ingest has already told the user.
        return None


def mean_color(appearance: Appearance) -> tuple[float, float, float]:
    """Linear RGB that stands for the whole appearance: the mean of its colour texture, or its base colour."""
    for texture in appearance.textures:
        if texture.slot == "base_color":
            picture = decode(texture)
            if picture is not None:
                mean = srgb_to_linear(picture.texels[..., :3].reshape(-1, 3) / 255.0).mean(axis=0)
                red, green, blue = (float(v) for v in np.round(mean * np.asarray(appearance.base_color), 6))
                return red, green, blue
    return appearance.base_color
