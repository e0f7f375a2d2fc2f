"""Joints in the second tab: a table, sliders that move them, play, and what a person says of the selected one."""

from __future__ import annotations

import functools
from typing import Any

import omni.ui as ui

from physicl_twin.kit.panel import styles, widgets
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.kit.panel.view import View
from physicl_twin.workbench import layout
from physicl_twin.workbench.cards import Action
from physicl_twin.workbench.joint_view import JOINT_COLUMNS, JointRow
from physicl_twin.workbench.joints_model import JointsModel

#: Height of a row, rows before the table scrolls by itself, room of the play button and the slider.
_ROW, _ROWS, _PLAY, _SLIDER = 34, 9, 26, 132
#: Below this width the slider stands in a line of its own, under the selected row only.
_NARROW = 620


def build(view: View, width: float) -> None:
    """Build it in the container that is open; nothing for a twin without joints and proposals."""
    model = view.work.joints
    rows = model.rows
    if not rows:
        return
    _table(view, rows, width)
    _why(view, width)


def _table(view: View, rows: tuple[JointRow, ...], width: float) -> None:
    model = view.work.joints
    narrow = width < _NARROW
    columns = layout.shown(JOINT_COLUMNS, width)
    shares = sum(column.width for column in columns)
    beside = _PLAY + (0 if narrow else _SLIDER + GAP)
    room = width - 2 * PAD - 24 - beside - GAP * (len(columns) + 1)
    widths = {column.key: room * column.width / shares for column in columns}

    def tail() -> None:
        if model.undecided:
            words = f"{model.undecided} proposed: decide"
            widgets.label(words, style={"color": styles.AMBER, "font_size": styles.CAPTION}, width=0)
        tip = "Everything back as in the source"
        widgets.icon_button("home", model.pose_at_rest, tip, "joints_at_rest", enabled=model.posed)
        label, icon = ("Stop", "pause") if model.playing else ("Play all", "play")
        movable = any(row.movable and not row.proposed for row in rows)
        play = Action(label, model.play, movable, "Nothing can be moved.", icon)
        widgets.button(play, "flat", identifier="play_joints", height=26)

    def body() -> None:
        with ui.HStack(height=22, spacing=GAP):
            ui.Spacer(width=18)
            for column in columns:
                side = ui.Alignment.RIGHT_CENTER if column.right else ui.Alignment.LEFT_CENTER
                ui.Label(column.title, name="caption", width=widths[column.key], alignment=side, elided_text=True)
            ui.Spacer(width=beside)
        scroll: Any = ui.ScrollingFrame(height=_ROWS * (_ROW + 1)) if len(rows) > _ROWS else ui.VStack(height=0)
        with scroll, ui.VStack(height=0):
            for row in rows:
                ui.Line(height=1)
                _row(view, row, columns, widths, narrow)

    widgets.card_frame(body, "joints", tail)


def _row(view: View, row: JointRow, columns: tuple[layout.Column, ...], widths: dict[str, float], narrow: bool) -> None:
    model = view.work.joints
    with ui.ZStack(height=_ROW):
        if model.selected == row.name:
            ui.Rectangle(name="selected")
        elif row.changed:
            ui.Rectangle(name="changed")
        with ui.HStack(spacing=GAP):
            widgets.tone_icon(row.tone, 14)
            for column in columns:
                _cell(model, row, column, widths[column.key])
            if not narrow:
                with ui.VStack(width=_SLIDER):
                    if row.movable and not row.proposed:
                        ui.Spacer()
                        view.moving.append(_Slider(model, row.name))
                        ui.Spacer()
            if row.movable and not row.proposed:
                with ui.VStack(width=_PLAY):
                    ui.Spacer()
                    play = functools.partial(model.play, row.name)
                    widgets.icon_button("play", play, f"Move {row.name} through its range", f"play_{row.name}")
                    ui.Spacer()
            else:
                ui.Spacer(width=_PLAY)
    if narrow and model.selected == row.name and row.movable and not row.proposed:
        with ui.HStack(height=26):
            ui.Spacer(width=24)
            view.moving.append(_Slider(model, row.name))


def _cell(model: JointsModel, row: JointRow, column: layout.Column, width: float) -> None:
    text, why = row.cells[column.key]
    side = ui.Alignment.RIGHT_CENTER if column.right else ui.Alignment.LEFT_CENTER
    with ui.ZStack(width=width):
        ui.Button(
            widgets.EMPTY,
            name="row",
            clicked_fn=functools.partial(model.select, row.name, column.key),
            tooltip=widgets.tooltip(why or text),
            identifier=f"joint_{column.key}_{row.name}" if column.key != "joint" else f"joint_{row.name}",
        )
        with ui.HStack():
            ui.Spacer(width=4)
            if column.key == "joint":
                with ui.VStack():
                    ui.Spacer()
                    widgets.name_label(row.title, width - 8, height=18)
                    if row.word:
                        tone = {"color": styles.TONES[row.tone], "font_size": styles.CAPTION - 1}
                        ui.Label(row.word, height=13, style=tone)
                    ui.Spacer()
            elif column.right:
                ui.Label(text, alignment=side, elided_text=True)
            else:
                widgets.name_label(text, width - 8)
            ui.Spacer(width=4)
        if model.selected == row.name and model.column == column.key:
            with ui.VStack():
                ui.Spacer()
                ui.Rectangle(name="accent", height=2)


class _Slider:
    """Moves a joint while it is dragged, and follows it while it plays."""

    def __init__(self, model: JointsModel, name: str) -> None:
        self._model, self._name = model, name
        self._own = False
        with ui.ZStack(height=20):
            self._bar = ui.FloatSlider(min=0.0, max=1.0, height=20, identifier=f"slide_{name}")
            style = {"color": styles.TEXT, "font_size": styles.CAPTION}
            self._words = ui.Label("", alignment=ui.Alignment.CENTER, style=style)
        self._bar.model.add_value_changed_fn(self._dragged)
        self.update()

    def _dragged(self, changed: Any) -> None:
        if not self._own:
            self._model.pose(self._name, changed.as_float)

    def update(self) -> None:
        """Stand where the joint stands."""
        self._own = True
        fraction = self._model.fraction(self._name)
        if abs(self._bar.model.as_float - fraction) > 1e-6:
            self._bar.model.set_value(fraction)
        self._own = False
        place = self._model.place(self._name)
        if self._words.text != place:
            self._words.text = place

    def release(self) -> None:
        """Nothing is held."""


def _why(view: View, width: float) -> None:
    model = view.work.joints
    row = model.row

    def body() -> None:
        widgets.paragraph(model.why, style={"color": styles.TEXT if row is not None else styles.MUTED})
        if row is not None:
            ui.Spacer(height=6)
            _decide(model, row) if row.proposed else _statements(model, row, width)

    widgets.card_frame(body, "why" if row is None else f"why: {row.name}")


def _decide(model: JointsModel, row: JointRow) -> None:
    """Somebody must say whether a proposal holds."""
    with ui.HStack(height=styles.BUTTON, spacing=GAP):
        accept = Action("It moves like this", functools.partial(model.accept, row.name), icon="check")
        widgets.button(accept, "go", identifier=f"accept_{row.name}")
        reject = Action("It does not", functools.partial(model.reject, row.name), icon="close")
        widgets.button(reject, identifier=f"reject_{row.name}")
        if row.excludes:
            widgets.label(f"excludes {', '.join(row.excludes)}", "caption")


def _statements(model: JointsModel, row: JointRow, width: float) -> None:
    """How far the selected joint goes, what resists, or that it does not move."""
    fields = (
        ("from", row.lower, functools.partial(model.set_limit, row.name, "lower"), "joint_lower", "as -10° or 0 mm"),
        ("to", row.upper, functools.partial(model.set_limit, row.name, "upper"), "joint_upper", "as 110°, or free"),
        ("friction", "", functools.partial(_resist, model, row.name, "friction"), "joint_friction", "N m or N"),
        ("damping", "", functools.partial(_resist, model, row.name, "damping"), "joint_damping", "N m s/rad or N s/m"),
    )
    fits = max(1, min(len(fields), int(width // 150)))
    for place in layout.rows_of(len(fields), fits):
        with ui.HStack(height=44, spacing=GAP):
            for number in place:
                caption, text, entered, identifier, hint = fields[number]
                build = functools.partial(widgets.field, text, entered, identifier, hint, hint if not text else "")
                widgets.labelled(caption, build, ui.Fraction(1))
    with ui.HStack(height=styles.BUTTON, spacing=GAP):
        reject = Action("It does not move", functools.partial(model.reject, row.name), icon="close")
        widgets.button(reject, identifier=f"reject_{row.name}")
        ui.Spacer()


def _resist(model: JointsModel, name: str, which: str, text: str) -> None:
    if text.strip():
        model.set_resistance(name, which, text)
