"""The fourth tab: verdict, a drop to watch, the physics runs with their curves, and every check."""

from __future__ import annotations

from typing import Any

import omni.ui as ui

from physicl_twin.kit.panel import styles, widgets
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.kit.panel.view import View
from physicl_twin.kit.panel.viewport import Picture
from physicl_twin.workbench import layout
from physicl_twin.workbench.cards import Action
from physicl_twin.workbench.certificate_view import Chart, CheckGroup, RolloutRow
from physicl_twin.workbench.texts import name_of

#: From this width on the picture stands beside the runs.
_BESIDE, _PICTURE = 900, 400
_PLOT_LEAST, _PLOT_HEIGHT, _CHARTS = 200, 64, 4
#: Points of a plot: as many as it has pixels to show.
_POINTS = 160


def build(view: View) -> None:
    """Build it in the container that is open."""
    model = view.work.validate
    if not model.title:
        widgets.paragraph("There is no twin yet. Make one of a source first.", "caption")
        return
    widgets.cards(model.cards, view.width)
    beside = view.width >= _BESIDE
    width = view.width - (_PICTURE + GAP if beside else 0)
    with ui.HStack(height=0, spacing=GAP) if beside else ui.VStack(height=0, spacing=GAP):
        if not beside:
            _watch(view, view.width)
        with ui.VStack(width=ui.Pixel(width), height=0, spacing=GAP):
            _rollouts(view, width)
            for group in model.groups:
                _group(view, group, width)
        if beside:
            with ui.VStack(width=_PICTURE):
                _watch(view, _PICTURE)
                ui.Spacer()


class _Clock:
    """Where the play-back is: a slider and words that follow it."""

    def __init__(self, view: View) -> None:
        self._model = view.work.validate
        self._following = True
        with ui.HStack(height=24, spacing=GAP):
            self._slider = ui.FloatSlider(
                min=0.0, max=1.0, height=20, format=" ", identifier="scrub", tooltip="Drag to a moment"
            )
            self._words = widgets.label("", "caption", width=150, alignment=ui.Alignment.RIGHT_CENTER)
        self._slider.model.add_value_changed_fn(self._dragged)
        self.update()

    def _dragged(self, model: Any) -> None:
        if not self._following:
            self._model.scrub(model.as_float)

    def update(self) -> None:
        """Follow the play-back."""
        self._following = True
        self._slider.model.set_value(self._model.player.fraction)
        self._following = False
        line = self._model.play_line
        self._words.text = f"{line.text} {line.detail}"

    def release(self) -> None:
        """Nothing is held."""


def _watch(view: View, width: float) -> None:
    model = view.work.validate

    def body() -> None:
        view.moving.append(Picture(view.work.viewport, width - 2 * PAD, 260))
        ui.Spacer(height=4)
        if model.player.loaded:
            view.moving.append(_Clock(view))
        else:
            widgets.label(model.play_line.text, "caption", height=24)
        if model.player.loaded:
            with ui.HStack(height=styles.BUTTON, spacing=GAP):
                widgets.icon_button("previous", lambda: model.step(-1), "A moment back", "moment_before")
                widgets.button(model.play_action, identifier="play", width=100)
                widgets.icon_button("next", lambda: model.step(1), "A moment on", "moment_next")
                ui.Spacer()
                widgets.icon_button("close", model.stop, "Show the twin as authored", "put_drop_away")
        with ui.HStack(height=styles.BUTTON, spacing=GAP):
            widgets.button(model.record_action, identifier="drop")
            with ui.VStack(width=110):
                ui.Spacer()
                widgets.choice(model.engines, model.engine, model.set_engine, identifier="engine", height=26)
                ui.Spacer()
            ui.Spacer()

    def tail() -> None:
        for title, path in model.files:
            shown = Action(f"Open the {title}", lambda at=path: view.host.show_file(at), icon="file")  # type: ignore[misc]
            if path.endswith(".html"):
                widgets.button(shown, "flat", identifier=f"open_{name_of(path)}", height=26)

    widgets.card_frame(body, "watch it", tail)


def _rollouts(view: View, width: float) -> None:
    model = view.work.validate
    if not model.rollouts:
        return
    inner, chosen = width - 2 * PAD, model.rollout

    def body() -> None:
        for row in model.rollouts:
            _rollout_row(view, row, chosen is not None and row.key == chosen.key)
        if chosen is not None:
            _rollout(chosen, inner)

    def tail() -> None:
        if (action := model.editor_action) is not None:
            widgets.button(action, "flat", identifier="run_in_editor", height=26)

    widgets.card_frame(body, "in physics engines", tail)


def _rollout_row(view: View, row: RolloutRow, on: bool) -> None:
    with ui.ZStack(height=28):
        if on:
            ui.Rectangle(name="selected")
        ui.Button(
            widgets.EMPTY,
            name="row",
            clicked_fn=lambda: view.work.validate.choose_rollout(row.key),
            identifier=f"rollout_{row.key}",
            tooltip=widgets.tooltip(f"{row.question}\n{row.criterion}"),
        )
        with ui.HStack(spacing=GAP):
            ui.Spacer(width=2)
            widgets.tone_icon(row.tone, 14)
            color = {"color": styles.TONES[row.tone], "font_size": styles.CAPTION}
            ui.Label(row.word, width=84, style=color)
            widgets.label(row.title, width=0)
            widgets.label(row.engine, "caption")
            ui.Label(f"{row.seconds:.1f} s", name="faint", width=50, alignment=ui.Alignment.RIGHT_CENTER)


def _rollout(run: RolloutRow, inner: float) -> None:
    ui.Spacer(height=4)
    widgets.paragraph(run.message)
    widgets.paragraph(run.criterion, "caption")
    charts = run.charts[:_CHARTS]
    columns = max(1, min(len(charts), int(inner // _PLOT_LEAST)))
    ui.Spacer(height=4)
    for row in layout.rows_of(len(charts), columns):
        with ui.HStack(height=0, spacing=GAP):
            for number in row:
                _plot(charts[number])
            for _ in range(columns - len(row)):
                ui.Spacer()
    ui.Spacer(height=4)
    columns = max(1, int(inner // 260))
    for row in layout.rows_of(len(run.measures), columns):
        with ui.HStack(height=22, spacing=PAD):
            for number in row:
                with ui.HStack(spacing=GAP):
                    widgets.label(run.measures[number].text, "caption")
                    ui.Label(run.measures[number].detail, width=0)
            for _ in range(columns - len(row)):
                ui.Spacer()


def _plot(chart: Chart) -> None:
    values = layout.resampled(chart.xs, chart.ys, _POINTS)
    shown = [*values, chart.limit] if chart.limit is not None else values
    low, high = min(shown), max(shown)
    room = 0.08 * (high - low) or 1.0
    low, high = low - room, high + room
    with ui.VStack(height=0, spacing=2):
        widgets.label(f"{chart.title}, {chart.unit}" if chart.unit else chart.title, "caption", height=18)
        with ui.ZStack(height=_PLOT_HEIGHT):
            ui.Rectangle(name="sunk")
            if chart.limit is not None:
                with ui.VStack():
                    ui.Spacer(height=ui.Percent(100 * (high - chart.limit) / (high - low)))
                    ui.Line(height=1, style={"color": styles.AMBER})
                    ui.Spacer()
            style = {"color": styles.GREEN, "background_color": styles.CLEAR}
            ui.Plot(ui.Type.LINE, low, high, *values, style=style)
        with ui.HStack(height=16):
            ui.Label(f"{chart.xs[0]:.2g} s", name="faint", width=0)
            ui.Spacer()
            ui.Label(f"{chart.xs[-1]:.2g} s", name="faint", width=0)


def _group(view: View, group: CheckGroup, width: float) -> None:
    model = view.work.validate

    def tail() -> None:
        tip = "Fold them" if group.opened else "Show them"
        icon = "fold" if group.opened else "down"
        widgets.icon_button(icon, lambda: model.toggle(group.key), tip, f"fold_{group.key}")

    def body() -> None:
        if group.lines:
            widgets.lines(group.lines, width - 2 * PAD)

    widgets.card_frame(body, group.title, tail)
