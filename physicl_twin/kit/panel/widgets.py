"""Building blocks of the tabs: icons, buttons, cards, lines, problems, choices. None of them holds state."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import omni.ui as ui

from physicl_twin.kit.panel import styles
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.workbench import layout
from physicl_twin.workbench.cards import Action, Card, Line, Problem, Tone
from physicl_twin.workbench.texts import elide

#: Tooltips are wrapped after this many characters.
_TOOLTIP_CHARACTERS = 88
#: Text of a button that others are drawn upon: without any it would be flat.
EMPTY = " "
#: A card is not made narrower; all are of one height.
_CARD_LEAST, _CARD_HEIGHT = 172, 76


def tooltip(text: str) -> str:
    """Text of a tooltip in lines that can be read."""
    wrapped = (textwrap.fill(line, _TOOLTIP_CHARACTERS, subsequent_indent="   ") for line in text.splitlines())
    return "\n".join(wrapped)


def icon(name: str, color: int = styles.TEXT, size: int = 16) -> None:
    """An icon, in the middle of the height it is given."""
    with ui.VStack(width=size):
        ui.Spacer()
        if name:
            ui.ImageWithProvider(styles.icon_path(name), width=size, height=size, style={"color": color})
        ui.Spacer()


def tone_icon(tone: Tone, size: int = 16) -> None:
    """The icon of a tone."""
    icon(styles.TONE_ICONS[tone], styles.TONES[tone], size)


def label(text: str, name: str = "", **more: Any) -> ui.Label:
    """A line of text; what does not fit is left out at its end. With a width of 0 it is as wide as its text."""
    return ui.Label(text, name=name, elided_text=more.get("width") != 0, **more)


def paragraph(text: str, name: str = "", **more: Any) -> ui.Label:
    """Text that wraps."""
    return ui.Label(text, name=name, word_wrap=True, **more)


def name_label(text: str, room: float, name: str = "", **more: Any) -> ui.Label:
    """A name that may be long: its middle is left out so that it fits the room (pixels), the tooltip has all of it."""
    size = styles.CAPTION if name in ("caption", "faint") else styles.TEXT_SIZE
    short = elide(text, layout.characters(room, size))
    tip = "\n".join(part for part in (text if short != text else "", more.pop("tooltip", "")) if part)
    return label(short, name, tooltip=tip, **more)


def wide_enough(text: str, has_icon: bool = False) -> int:
    """Width of a button, pixels."""
    return round(28 + 8.0 * len(text) + (24 if has_icon else 0))


def button(
    action: Action, name: str = "", width: int | None = None, identifier: str = "", height: int = styles.BUTTON
) -> ui.Button:
    """A button with an icon; disabled with the reason in its tooltip when the action cannot be done."""
    wide = width if width is not None else wide_enough(action.label, bool(action.icon))
    color = styles.TEXT if action.enabled else styles.FAINT
    tip = (action.why_not if not action.enabled else "") or action.shortcut
    with ui.ZStack(width=wide, height=height):
        made = ui.Button(
            EMPTY,
            name=name,
            height=height,
            clicked_fn=action.run,
            enabled=action.enabled,
            tooltip=tip,
            identifier=identifier or action.label,
        )
        with ui.HStack(spacing=6):
            ui.Spacer()
            if action.icon:
                icon(action.icon, color, 14)
            ui.Label(action.label, width=0, alignment=ui.Alignment.CENTER, style={"color": color})
            ui.Spacer()
    return made


def icon_button(
    name: str, run: Callable[[], None], tip: str, identifier: str, on: bool = False, enabled: bool = True
) -> None:
    """A small button that is an icon; its tooltip says what it does."""
    color = styles.GREEN if on else styles.TEXT if enabled else styles.FAINT
    with ui.ZStack(width=26, height=26):
        ui.Button(EMPTY, name="flat", clicked_fn=run, tooltip=tip, identifier=identifier, enabled=enabled)
        with ui.HStack():
            ui.Spacer()
            icon(name, color, 15)
            ui.Spacer()


def cards(shown: Sequence[Card], width: float) -> None:
    """Headline figures side by side; they wrap, and rows are filled evenly."""
    if not shown:
        return
    columns = layout.per_row(len(shown), width, _CARD_LEAST, GAP)
    with ui.VStack(height=0, spacing=GAP):
        for row in layout.rows_of(len(shown), columns):
            with ui.HStack(height=_CARD_HEIGHT, spacing=GAP):
                for number in row:
                    _card(shown[number], (width - (len(row) - 1) * GAP) / len(row))


def _card(card: Card, width: float) -> None:
    room = layout.characters(width - 2 * PAD - (20 if card.tone != "plain" else 0), styles.FIGURE)
    fits = len(card.value) <= room
    cut = len(card.caption) > layout.characters(width - 2 * PAD, styles.CAPTION)
    with ui.ZStack(tooltip=tooltip("\n".join(text for text in (card.caption if cut else "", card.why) if text))):
        ui.Rectangle(name="card")
        with ui.HStack():
            ui.Spacer(width=PAD)
            with ui.VStack():
                ui.Spacer(height=9)
                label(card.title, "caption", height=16)
                with ui.HStack(height=26, spacing=6):
                    if card.tone not in ("plain", "muted"):
                        tone_icon(card.tone)
                    size = styles.FIGURE if fits else styles.TEXT_SIZE
                    label(card.value, style={"font_size": size, "color": styles.TONES[card.tone]})
                label(card.caption, "caption", height=16)
                ui.Spacer()
            ui.Spacer(width=PAD)


def card_frame(
    build: Callable[[], None], title: str = "", tail: Callable[[], None] | None = None, height: Any = 0
) -> None:
    """A card with a title and anything in it."""
    with ui.ZStack(height=height):
        ui.Rectangle(name="card")
        with ui.HStack():
            ui.Spacer(width=PAD)
            with ui.VStack(spacing=2):
                ui.Spacer(height=6)
                if title:
                    with ui.HStack(height=26, spacing=GAP):
                        label(title, "caption")
                        if tail is not None:
                            tail()
                build()
                ui.Spacer(height=8)
            ui.Spacer(width=PAD)


def line(shown: Line, width: float) -> None:
    """A fact, a check, a note: icon, text, detail; the word is in the tooltip's first line when room is short."""
    tip = tooltip("\n".join(text for text in (shown.tooltip,) if text))
    wordy = bool(shown.word) and shown.tone != "plain" and width > 560
    beside = len(shown.text) + len(shown.detail) + 4 <= layout.characters(
        width - 40 - (96 if wordy else 0), styles.TEXT_SIZE
    )
    with ui.HStack(height=0, spacing=GAP, tooltip=tip):
        if shown.tone != "plain":
            with ui.VStack(width=16):
                ui.Spacer(height=3)
                tone_icon(shown.tone, 14)
                ui.Spacer()
        if wordy:
            ui.Label(
                shown.word,
                width=88,
                height=22,
                style={"color": styles.TONES[shown.tone], "font_size": styles.CAPTION},
            )
        if beside:
            ui.Label(shown.text, width=0, height=22)
            label(shown.detail, "caption", height=22)
        else:
            with ui.VStack(height=0):
                paragraph(shown.text)
                if shown.detail:
                    paragraph(shown.detail, "caption")


def lines(shown: Sequence[Line], width: float, most: int = 0) -> None:
    """A list of lines.

    Args:
        shown: All of them.
        width: Room, pixels.
        most: How many are shown before the rest is counted; 0 for all.
    """
    listed = shown[:most] if most and len(shown) > most + 1 else shown
    with ui.VStack(height=0, spacing=4):
        for item in listed:
            line(item, width)
        if len(listed) < len(shown):
            label(f"and {len(shown) - len(listed)} more in the report", "caption", height=18)


def problem(shown: Problem, dismiss: Callable[[], None] | None, width: float) -> None:
    """What happened, to what, what to do next, and a button that does it; one that stays has no ``dismiss``."""
    with ui.ZStack(height=0):
        ui.Rectangle(name="card", style={"border_width": 1, "border_color": styles.RED})
        with ui.HStack(height=0):
            ui.Spacer(width=PAD)
            with ui.VStack(height=0, spacing=4):
                ui.Spacer(height=8)
                with ui.HStack(height=0, spacing=GAP):
                    with ui.VStack(width=18):
                        ui.Spacer(height=2)
                        tone_icon("stop", 16)
                        ui.Spacer()
                    with ui.VStack(height=0, spacing=3):
                        paragraph(shown.title, identifier="problem_title")
                        if shown.subject and shown.subject not in shown.title:
                            name_label(shown.subject, width - 90, "caption", height=18)
                        paragraph(shown.hint, "caption")
                    if dismiss is not None:
                        with ui.VStack(width=26):
                            icon_button("close", dismiss, "Close   (Esc)", "dismiss")
                            ui.Spacer()
                with ui.HStack(height=styles.BUTTON, spacing=GAP):
                    ui.Spacer(width=18)
                    if shown.action is not None:
                        button(shown.action, identifier="problem_action")
                    label(f"code: {shown.code}" if shown.code else "", "faint")
                ui.Spacer(height=8)
            ui.Spacer(width=PAD)


def choice(
    options: Sequence[tuple[str, str]], chosen: str, choose: Callable[[str], None], identifier: str = "", **more: Any
) -> ui.ComboBox:
    """A drop-down.

    Args:
        options: (Value, words).
        chosen: Value that is shown.
        choose: Called with another one.
        identifier: For tests.
        more: Of the widget.
    """
    values = [value for value, _ in options]
    at = values.index(chosen) if chosen in values else 0
    made = ui.ComboBox(at, *(words for _, words in options), identifier=identifier, **more)
    index = made.model.get_item_value_model(None, 0)

    def changed(*_: Any) -> None:
        value = values[index.as_int]
        if value != chosen:
            choose(value)

    made.model.add_item_changed_fn(changed)
    return made


def field(
    text: str, entered: Callable[[str], None], identifier: str = "", tip: str = "", hint: str = "", width: Any = None
) -> ui.StringField:
    """A line to type in; handed over when it is left or entered.

    Args:
        text: What stands in it.
        entered: Called with another text.
        identifier: For tests.
        tip: Its tooltip.
        hint: Shown in it while it is empty.
        width: Of the widget.
    """
    with ui.ZStack(height=26, **({} if width is None else {"width": width})):
        made = ui.StringField(height=26, tooltip=tip, identifier=identifier)
        shadow = ui.Label(f"  {hint}", name="faint", visible=not text)
    model = made.model
    model.set_value(text)

    def typed(changed: Any) -> None:
        shadow.visible = not changed.as_string

    def ended(changed: Any) -> None:
        if changed.as_string != text:
            entered(changed.as_string)

    model.add_value_changed_fn(typed)
    model.add_end_edit_fn(ended)
    return made


class Bar:
    """A thin bar that fills up."""

    def __init__(self) -> None:
        with ui.ZStack(height=6):
            ui.Rectangle(name="sunk", style={"border_radius": 3})
            with ui.HStack():
                self._done = ui.Rectangle(width=0, style={"background_color": styles.GO_HOVER, "border_radius": 3})
                ui.Spacer()

    def show(self, fraction: float) -> None:
        """Fill it so far, 0 to 1."""
        self._done.width = ui.Percent(100 * min(max(fraction, 0.0), 1.0))


def labelled(caption: str, build: Callable[[], Any], width: Any = 0) -> None:
    """A control under its caption."""
    with ui.VStack(width=width, height=0, spacing=3):
        label(caption, "caption", height=16)
        build()
