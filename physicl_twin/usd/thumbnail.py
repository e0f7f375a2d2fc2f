"""The small picture that file browsers and catalogues show."""

from __future__ import annotations

from pathlib import Path

from physicl_twin.model import Twin
from physicl_twin.render import picture


def write_thumbnail(twin: Twin, path: Path, side_px: int) -> None:
    """Render the twin and write it as PNG (no date or other metadata inside)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(twin, (side_px, side_px)).save(path, format="PNG", optimize=True)
