"""Colours and images on their way into an ``Appearance``."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from physicl_twin.ingest.naming import identifier
from physicl_twin.model import Appearance, Texture
from physicl_twin.model.geometry import FloatArray, Vector3
from physicl_twin.model.material import TextureSlot

_HEX_COLOR = re.compile(r"#?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?$")
#: Images with more pixels are refused unread (16384 x 16384, the largest texture of current GPUs).
_MAX_PIXELS = 1 << 28


def linear_from_srgb(values: NDArray[np.floating]) -> FloatArray:
    """Linear light from sRGB values in 0..1 (IEC 61966-2-1), clipped to 0..1."""
    v = np.clip(np.nan_to_num(np.asarray(values, dtype=np.float64)), 0.0, 1.0)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def linear_color(red: float, green: float, blue: float) -> Vector3:
    """Linear colour from sRGB components in 0..1."""
    r, g, b = linear_from_srgb(np.array([red, green, blue]))
    return float(r), float(g), float(b)


def hex_color(text: str) -> tuple[Vector3, float] | None:
    """Linear colour and opacity of ``#RRGGBB`` or ``#RRGGBBAA`` (sRGB), or None when it is neither."""
    match = _HEX_COLOR.match(text.strip())
    if not match:
        return None
    value = bytes.fromhex(match.group(1))
    return linear_color(*(c / 255 for c in value)), int(match.group(2) or "FF", 16) / 255


def unit_interval(value: object, default: float) -> float:
    """``value`` as a number clipped to 0..1, or the default when it is none."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return default
    return min(1.0, max(0.0, number)) if np.isfinite(number) else default


@dataclass(frozen=True, slots=True)
class FaceColors:
    """Faces painted in a few colours: a look each.

    Attributes:
        appearances: The looks.
        face_appearance: (F,) index into them.
    """

    appearances: tuple[Appearance, ...]
    face_appearance: NDArray[np.int32]


def face_colors(rgba: NDArray[np.uint8], max_colors: int) -> FaceColors | None:
    """Looks of per-face sRGB colours (F, 3 or 4), or None when there are too many to be materials."""
    packed = np.zeros(len(rgba), np.uint32)
    for channel in range(4):
        value = rgba[:, channel] if channel < rgba.shape[1] else np.uint8(255)
        packed |= np.asarray(value, np.uint32) << np.uint32(24 - 8 * channel)
    colors, index = np.unique(packed, return_inverse=True)
    if len(colors) > max_colors:
        return None
    looks = []
    for color in colors:
        code = f"{int(color):08X}"
        linear, opacity = hex_color(code) or ((0.5, 0.5, 0.5), 1.0)
        # Alpha 0 on a whole surface is an unset field and not an invisible object.
        looks.append(Appearance(f"color_{code[:6]}", base_color=linear, opacity=opacity or 1.0))
    return FaceColors(tuple(looks), index.reshape(-1).astype(np.int32))


def texture_from_bytes(slot: TextureSlot, name: str, data: bytes) -> Texture | str:
    """A texture as PNG or JPEG; other image formats are converted to PNG.

    Args:
        slot: What the image drives.
        name: File or image name; its stem names the texture.
        data: Encoded image.

    Returns:
        The texture, or the reason why the image cannot be used.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            kind = image.format or ""
            if image.width * image.height > _MAX_PIXELS:
                return f"{image.width} x {image.height} pixels are too many"
            if kind in ("PNG", "JPEG"):
                image.load()
            else:
                converted = io.BytesIO()
                image.convert("RGBA" if "A" in image.getbands() else "RGB").save(converted, format="PNG")
                data, kind = converted.getvalue(), "PNG"
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        TypeError,
    ) as error:
        return f"it is no readable image ({type(error).__name__})"
    digest = hashlib.sha256(data).hexdigest()
    stem = identifier(Path(name.replace("\\", "/")).stem or "texture", limit=40)
    return Texture(slot, f"{stem}_{digest[:8]}.{'png' if kind == 'PNG' else 'jpg'}", digest, data)
