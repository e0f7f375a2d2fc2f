"""Colours, sizes and icons of the panel; every token stands here and nowhere else."""

from __future__ import annotations

from typing import Any

from physicl_twin import settings
from physicl_twin.workbench.cards import Tone

#: Spacing, pixels.
GAP, PAD, WIDE = 8, 12, 16
#: Sizes of text, pixels.
CAPTION, TEXT_SIZE, FIGURE = 13, 15, 19
ROW, BUTTON = 30, 30


def abgr(rgb: str, alpha: float = 1.0) -> int:
    """A colour as omni.ui takes it.

    Args:
        rgb: ``#rrggbb``.
        alpha: Opacity, 0 to 1.
    """
    red, green, blue = (int(rgb[i : i + 2], 16) for i in (1, 3, 5))
    return (round(255 * alpha) << 24) | (blue << 16) | (green << 8) | red


GROUND, CARD, RAISED, SUNK, LINE = map(abgr, ("#1f2022", "#292b2e", "#36393d", "#18191b", "#3c4045"))
TEXT, MUTED, FAINT = map(abgr, ("#e8e8e6", "#a3a7ac", "#6f747a"))
GREEN, AMBER, RED = map(abgr, ("#8fd117", "#f0b840", "#f2706c"))
GO, GO_HOVER, GO_PRESSED = map(abgr, ("#5b8f00", "#69a500", "#4c7800"))
SELECTED, CHANGED, CLEAR = abgr("#76b900", 0.16), abgr("#f0b840", 0.14), 0x00000000

TONES: dict[Tone, int] = {"plain": TEXT, "good": GREEN, "look": AMBER, "stop": RED, "muted": MUTED}
#: Icon that says the same as the colour.
TONE_ICONS: dict[Tone, str] = {"plain": "", "good": "good", "look": "look", "stop": "stop", "muted": "note"}

_ICONS = settings.PACKAGE_ROOT.parent / "data" / "icons"


def icon_path(name: str) -> str:
    """File of an icon (``data/make_icons.py`` draws them)."""
    return str(_ICONS / f"{name}.png")


def _button(name: str, ground: int, hovered: int, pressed: int, border: int = CLEAR) -> dict[str, dict[str, Any]]:
    same = {"border_radius": 4, "border_width": 1, "border_color": border, "margin": 0, "padding": 4}
    suffix = f"::{name}" if name else ""
    return {
        f"Button{suffix}": {"background_color": ground, **same},
        f"Button{suffix}:hovered": {"background_color": hovered, **same},
        f"Button{suffix}:pressed": {"background_color": pressed, **same},
        f"Button{suffix}:disabled": {"background_color": CARD, **same, "border_color": LINE},
    }


#: Of the window's frame.
SHEET: dict[str, dict[str, Any]] = {
    "Label": {"color": TEXT, "font_size": TEXT_SIZE},
    "Label::caption": {"color": MUTED, "font_size": CAPTION},
    "Label::faint": {"color": FAINT, "font_size": CAPTION},
    "Label::figure": {"color": TEXT, "font_size": FIGURE},
    "Label::heading": {"color": TEXT, "font_size": 17},
    "Rectangle::ground": {"background_color": GROUND},
    "Rectangle::card": {"background_color": CARD, "border_radius": 5},
    "Rectangle::sunk": {"background_color": SUNK, "border_radius": 5},
    "Rectangle::drop": {"background_color": SUNK, "border_radius": 8, "border_width": 1, "border_color": FAINT},
    "Rectangle::selected": {"background_color": SELECTED, "border_radius": 3},
    "Rectangle::changed": {"background_color": CHANGED, "border_radius": 3},
    "Rectangle::accent": {"background_color": GREEN, "border_radius": 1},
    "Line": {"color": LINE, "border_width": 1},
    "Tooltip": {"color": TEXT, "background_color": SUNK, "border_color": LINE, "border_width": 1, "padding": 8},
    "ScrollingFrame": {"background_color": CLEAR, "secondary_color": RAISED, "scrollbar_size": 8},
    "ComboBox": {
        "color": TEXT,
        "background_color": SUNK,
        "secondary_color": RAISED,
        "selected_color": GO,
        "secondary_selected_color": TEXT,
        "border_radius": 3,
        "font_size": TEXT_SIZE,
        "padding": 3,
    },
    "Field": {
        "color": TEXT,
        "background_color": SUNK,
        "background_selected_color": GO,
        "border_radius": 3,
        "border_width": 1,
        "border_color": LINE,
        "font_size": TEXT_SIZE,
        "padding": 4,
    },
    "CheckBox": {"color": GREEN, "background_color": SUNK, "border_radius": 3, "font_size": 14},
    "Slider": {
        "color": CLEAR,
        "secondary_color": GO,
        "background_color": SUNK,
        "draw_mode": 0,
        "border_radius": 3,
        "font_size": CAPTION,
    },
    **_button("", RAISED, abgr("#43474c"), abgr("#2d3033")),
    **_button("go", GO, GO_HOVER, GO_PRESSED),
    **_button("flat", CLEAR, RAISED, SUNK),
    **_button("row", CLEAR, abgr("#ffffff", 0.05), abgr("#ffffff", 0.08)),
    **_button("tab", CARD, RAISED, SUNK),
    **_button("tab_on", RAISED, RAISED, SUNK),
}
