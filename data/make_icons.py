"""Draw the panel's icons: white strokes on nothing, 32 x 32 pixels, tinted by the panel's style.

Usage: python data/make_icons.py        (writes data/icons/<name>.png)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE = 32
#: Drawn this many times larger and averaged.
FINE = 8
WIDTH = 2.6
Point = tuple[float, float]


class Pen:
    """Strokes and fills on a grid of 32 units."""

    def __init__(self) -> None:
        self.image = Image.new("L", (SIZE * FINE, SIZE * FINE), 0)
        self._draw = ImageDraw.Draw(self.image)

    def line(self, *points: Point, width: float = WIDTH, ink: int = 255) -> Pen:
        """A stroke with round ends and corners."""
        scaled = [(x * FINE, y * FINE) for x, y in points]
        self._draw.line(scaled, fill=ink, width=round(width * FINE), joint="curve")
        for x, y in scaled:
            r = width * FINE / 2
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)
        return self

    def loop(self, *points: Point, width: float = WIDTH) -> Pen:
        """A closed stroke."""
        return self.line(*points, points[0], width=width)

    def fill(self, *points: Point, ink: int = 255) -> Pen:
        """A filled polygon."""
        self._draw.polygon([(x * FINE, y * FINE) for x, y in points], fill=ink)
        return self

    def ring(self, x: float, y: float, radius: float, start: float = 0.0, end: float = 360.0) -> Pen:
        """An arc; degrees clockwise from the right."""
        angles = np.radians(np.linspace(start, end, 73))
        return self.line(*[(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles])

    def disc(self, x: float, y: float, radius: float, ink: int = 255) -> Pen:
        """A filled circle."""
        self._draw.ellipse(
            [(x - radius) * FINE, (y - radius) * FINE, (x + radius) * FINE, (y + radius) * FINE], fill=ink
        )
        return self


def _arrow(pen: Pen, tip: Point, back: Sequence[Point]) -> Pen:
    return pen.line(back[0], tip, back[1])


ICONS: dict[str, Callable[[Pen], object]] = {
    "good": lambda p: p.disc(16, 16, 13).line((10, 16.5), (14.5, 21), (22.5, 12), ink=0, width=3.2),
    "look": lambda p: (
        p.fill((16, 3), (30.5, 28), (1.5, 28)).line((16, 12), (16, 19), ink=0, width=3.2).disc(16, 24, 1.9, 0)
    ),
    "stop": lambda p: (
        p.disc(16, 16, 13).line((11, 11), (21, 21), ink=0, width=3.2).line((21, 11), (11, 21), ink=0, width=3.2)
    ),
    "note": lambda p: p.disc(16, 16, 13).line((16, 15), (16, 22.5), ink=0, width=3.2).disc(16, 9.7, 2.0, 0),
    "waiting": lambda p: p.ring(16, 16, 11.5),
    "check": lambda p: p.line((5, 17), (12.5, 24.5), (27, 8)),
    "close": lambda p: p.line((7, 7), (25, 25)).line((25, 7), (7, 25)),
    "plus": lambda p: p.line((16, 5), (16, 27)).line((5, 16), (27, 16)),
    "folder": lambda p: p.loop((3, 26), (3, 6), (12, 6), (15.5, 10), (29, 10), (29, 26)),
    "file": lambda p: p.loop((7, 3), (19, 3), (25, 9), (25, 29), (7, 29)).line((19, 3), (19, 9), (25, 9)),
    "play": lambda p: p.fill((8, 4), (28, 16), (8, 28)),
    "pause": lambda p: p.fill((7, 5), (13, 5), (13, 27), (7, 27)).fill((19, 5), (25, 5), (25, 27), (19, 27)),
    "next": lambda p: p.line((11, 5), (22, 16), (11, 27)),
    "previous": lambda p: p.line((21, 5), (10, 16), (21, 27)),
    "up": lambda p: _arrow(p.line((16, 6), (16, 27)), (16, 5), [(7, 14), (25, 14)]),
    "fold": lambda p: p.line((6, 21), (16, 11), (26, 21)),
    "down": lambda p: p.line((6, 11), (16, 21), (26, 11)),
    "arrow": lambda p: _arrow(p.line((4, 16), (26, 16)), (27, 16), [(18, 7), (18, 25)]),
    "download": lambda p: _arrow(p.line((16, 4), (16, 21)).line((5, 28), (27, 28)), (16, 22), [(8, 14), (24, 14)]),
    "upload": lambda p: _arrow(p.line((16, 6), (16, 21)).line((5, 28), (27, 28)), (16, 5), [(8, 13), (24, 13)]),
    "eye": lambda p: p.line((3, 16), (8, 10.5), (16, 8), (24, 10.5), (29, 16), (24, 21.5), (16, 24), (8, 21.5), (3, 16)).disc(
        16, 16, 4.2
    ),
    "undo": lambda p: _arrow(p.ring(17, 18, 9.5, -150, 120), (5, 13), [(5.5, 4.5), (13.5, 14)]),
    "redo": lambda p: _arrow(p.ring(15, 18, 9.5, 60, 330), (27, 13), [(26.5, 4.5), (18.5, 14)]),
    "search": lambda p: p.ring(13.5, 13.5, 9).line((20.5, 20.5), (28, 28)),
    "cube": lambda p: (
        p.loop((16, 3), (28, 9.5), (28, 22.5), (16, 29), (4, 22.5), (4, 9.5))
        .line((4, 9.5), (16, 16), (28, 9.5))
        .line((16, 16), (16, 29))
    ),
    "shapes": lambda p: p.loop((4, 13), (17, 13), (17, 28), (4, 28)).ring(21, 11, 8),
    "home": lambda p: p.line((3, 16), (16, 4), (29, 16)).line((7, 14), (7, 28), (25, 28), (25, 14)),
    "why": lambda p: (
        p.ring(16, 16, 12.5)
        .line((12, 12.5), (12.7, 10.2), (16, 8.6), (19.3, 10.2), (19.6, 13), (16, 16.5), (16, 19))
        .disc(16, 23.6, 1.8)
    ),
    "dice": lambda p: p.loop((5, 5), (27, 5), (27, 27), (5, 27)).disc(11, 11, 2.3).disc(21, 21, 2.3).disc(16, 16, 2.3),
}


def main() -> None:
    """Draw them all."""
    folder = Path(__file__).parent / "icons"
    folder.mkdir(exist_ok=True)
    for name, draw in ICONS.items():
        pen = Pen()
        draw(pen)
        coverage = pen.image.resize((SIZE, SIZE), Image.Resampling.BOX)
        white = Image.new("L", (SIZE, SIZE), 255)
        Image.merge("LA", (white, coverage)).convert("RGBA").save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
