"""Pictures of the twin, rendered now and embedded."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from physicl_twin.model import PhysiclError, Twin
from physicl_twin.settings import overlay


@dataclass(frozen=True, slots=True)
class Picture:
    """An embedded picture.

    Attributes:
        title: What it shows.
        caption: How to read it.
        uri: ``data:`` URI; empty when it could not be made.
        problem: Why it could not be made.
    """

    title: str
    caption: str
    uri: str
    problem: str = ""


_SHOWN: tuple[tuple[Literal["appearance", "material", "parts", "colliders"], str, str], ...] = (
    ("appearance", "appearance", "as it looks"),
    ("material", "materials", "one colour a material"),
    ("parts", "parts", "one colour a part"),
    ("colliders", "colliders", "what touches and is touched, one colour a piece"),
)


def pictures(twin: Twin | None, usd: Path | None, settings: dict[str, Any]) -> tuple[Picture, ...]:
    """Appearance, parts or materials, and colliders of a twin with meshes.

    Args:
        twin: With or without meshes (then they are fetched from ``usd``); None for a loose USD file.
        usd: Its USD file.
        settings: Of the pipeline: ``[report]`` and, under its ``[report.render]``, ``[render]``.
    """
    if twin is None:
        return ()
    from physicl_twin import render
    from physicl_twin import usd as usd_room

    complete = twin
    if any(shape.mesh is None for shape in twin.shapes):
        if usd is None:
            return (Picture("picture", "", "", "There is no geometry to draw."),)
        try:
            complete = usd_room.attach_geometry(twin, usd)
        except PhysiclError as error:
            return (Picture("picture", "", "", str(error)),)
    look = settings["report"]
    px, quality = int(look["picture_px"]), int(look["picture_quality"])
    drawing = {**settings, "render": overlay(settings["render"], look["render"])}
    made = []
    for show, title, caption in _SHOWN:
        if show not in _wanted(twin):
            continue
        try:
            image = render.picture(complete, (px, px * 3 // 4), show=show, settings=drawing)
            made.append(Picture(title, caption, jpeg_uri(image, quality)))
        except PhysiclError as error:
            made.append(Picture(title, caption, "", str(error)))
    return tuple(made)


def _wanted(twin: Twin) -> tuple[str, ...]:
    """Three pictures at most: looks, what it is made of (materials, or parts when there is one material), colliders."""
    makeup = ("material",) if len(twin.materials) > 1 else ("parts",) if len(twin.parts) > 1 else ()
    return ("appearance", *makeup, "colliders")


def jpeg_uri(image: Any, quality: int) -> str:
    """A PIL image as a data URI, on the report's ground colour where it is transparent."""
    from PIL import Image

    if image.mode != "RGB":
        ground = Image.new("RGB", image.size, (42, 43, 45))
        ground.paste(image, mask=image.getchannel("A") if "A" in image.getbands() else None)
        image = ground
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def thumbnail_uri(usd: Path | None) -> str:
    """The asset's own thumbnail as a data URI; empty when there is none."""
    if usd is None:
        return ""
    path = usd.parent / ".thumbs" / "256x256" / f"{usd.name}.png"
    if not path.is_file():
        return ""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
