"""Draw data/icon.png: a cube, one half solid, the other half measured; the same thing twice."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

#: Edge of the icon, pixels, and the supersampling of the drawing.
SIZE, OVER = 256, 4

GROUND = (31, 33, 36, 255)
GREEN = (118, 185, 0, 255)
FACES = ((156, 214, 60, 255), (118, 185, 0, 255), (84, 138, 0, 255))


def main() -> None:
    """Write the icon beside this file."""
    n = SIZE * OVER
    image = Image.new("RGBA", (n, n), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, n - 1, n - 1), radius=n // 6, fill=GROUND)

    def cube(cx: float, cy: float, edge: float) -> tuple[list[tuple[float, float]], ...]:
        w, h = 0.866 * edge, 0.5 * edge
        top = [(cx, cy - edge), (cx + w, cy - h), (cx, cy), (cx - w, cy - h)]
        left = [(cx - w, cy - h), (cx, cy), (cx, cy + edge), (cx - w, cy + h)]
        right = [(cx, cy), (cx + w, cy - h), (cx + w, cy + h), (cx, cy + edge)]
        return top, left, right

    line = n // 56
    for face in cube(0.60 * n, 0.43 * n, 0.27 * n):
        draw.line([*face, face[0]], fill=(154, 160, 166, 255), width=line, joint="curve")
    for face, colour in zip(cube(0.41 * n, 0.57 * n, 0.27 * n), FACES, strict=True):
        draw.polygon(face, fill=colour)
        draw.line([*face, face[0]], fill=GROUND, width=line // 2, joint="curve")
    image.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(Path(__file__).with_name("icon.png"), optimize=True)


if __name__ == "__main__":
    main()
