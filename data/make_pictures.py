"""Make data/preview.png, data/icons/sample_mug.png and docs/images/hero.png from the shipped samples."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from physicl_twin import ingest, normalize, render

ROOT = Path(__file__).parents[1]

#: Size of one picture of the hero strip, pixels, and the room for its caption.
WIDTH, HEIGHT, CAPTION = 460, 400, 34
INK, PAPER = (55, 60, 66), (236, 238, 240)


def main() -> None:
    """Write the pictures."""
    mallet = normalize.normalize(ingest.read(ROOT / "data" / "samples" / "mallet.step"))
    mug = normalize.normalize(ingest.read(ROOT / "data" / "samples" / "mug.glb"))
    panels = (
        (mug, "appearance", "appearance"),
        (mug, "colliders", "colliders keep the cavity open"),
        (mallet, "material", "materials of the parts"),
        (mallet, "colliders", "colliders by measured error"),
    )
    strip = Image.new("RGB", (WIDTH * len(panels), HEIGHT + CAPTION), PAPER)
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(17)
    for number, (twin, show, caption) in enumerate(panels):
        strip.paste(render.picture(twin, (WIDTH, HEIGHT), show=show).convert("RGB"), (number * WIDTH, 0))
        middle = number * WIDTH + WIDTH // 2
        draw.text((middle, HEIGHT + CAPTION // 2), caption, fill=INK, font=font, anchor="mm")
    (ROOT / "docs" / "images").mkdir(exist_ok=True)
    strip.save(ROOT / "docs" / "images" / "hero.png", optimize=True)
    preview = Image.new("RGB", (640, 360), PAPER)
    for number, show in enumerate(("appearance", "colliders")):
        preview.paste(render.picture(mug, (320, 360), show=show).convert("RGB"), (number * 320, 0))
    preview.save(ROOT / "data" / "preview.png", optimize=True)
    small = render.picture(mug, (288, 256), show="appearance").convert("RGB").resize((144, 128), Image.Resampling.LANCZOS)
    small.save(ROOT / "data" / "icons" / "sample_mug.png", optimize=True)


if __name__ == "__main__":
    main()
