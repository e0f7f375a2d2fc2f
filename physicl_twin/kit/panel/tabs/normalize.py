"""The second tab: cards, the table of parts, the picture, and why a figure is what it is."""

from __future__ import annotations

from typing import Any

import omni.ui as ui

from physicl_twin.kit.panel import styles, widgets
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.kit.panel.tabs import joints
from physicl_twin.kit.panel.view import View
from physicl_twin.kit.panel.viewport import Picture
from physicl_twin.usd import names
from physicl_twin.workbench import layout
from physicl_twin.workbench.cards import Action
from physicl_twin.workbench.twin_view import COLUMNS, PartRow

_BESIDE, _PICTURE = 1180, 360
_ROW = 34
#: Rows before the table scrolls by itself, and materials that a search lists.
_ROWS, _HITS = 12, 6


def build(view: View) -> None:
    """Build it in the container that is open."""
    model = view.work.normalize
    if model.twin is None:
        widgets.paragraph("There is no twin yet. Make one of a source first.", "caption")
        return
    widgets.cards(model.cards, view.width)
    beside = view.width >= _BESIDE
    width = view.width - (_PICTURE + GAP if beside else 0)
    if beside:
        with ui.HStack(height=0, spacing=GAP):
            with ui.VStack(width=ui.Pixel(width), height=0, spacing=GAP):
                joints.build(view, width)
                _table(view, width)
                _why(view, width)
            with ui.VStack(width=_PICTURE):
                view.moving.append(Picture(view.work.viewport, _PICTURE, 330))
                ui.Spacer()
    else:
        view.moving.append(Picture(view.work.viewport, width, 220))
        joints.build(view, width)
        _table(view, width)
        _why(view, width)
    if model.notes:
        widgets.card_frame(lambda: widgets.lines(model.notes, view.width - 2 * PAD, 5), "needs a look")


def _table(view: View, width: float) -> None:
    model = view.work.normalize
    columns = layout.shown(COLUMNS, width)
    shares = sum(column.width for column in columns)
    room = width - 2 * PAD - 24 - GAP * len(columns)
    widths = {column.key: room * column.width / shares for column in columns}

    def tail() -> None:
        if model.edited:
            widgets.label(model.changes, style={"color": styles.AMBER, "font_size": styles.CAPTION}, width=0)
        undo = Action("Undo", model.undo, model.can_undo, "Nothing was changed.", "undo", "Ctrl+Z")
        widgets.button(undo, "flat", identifier="undo", height=26)

    def body() -> None:
        with ui.HStack(height=22, spacing=GAP):
            ui.Spacer(width=18)
            for column in columns:
                side = ui.Alignment.RIGHT_CENTER if column.right else ui.Alignment.LEFT_CENTER
                ui.Label(column.title, name="caption", width=widths[column.key], alignment=side, elided_text=True)
        rows = model.rows
        scroll: Any = ui.ScrollingFrame(height=_ROWS * (_ROW + 1)) if len(rows) > _ROWS else ui.VStack(height=0)
        with scroll, ui.VStack(height=0):
            for row in rows:
                ui.Line(height=1)
                _row(view, row, columns, widths)

    widgets.card_frame(body, "parts", tail)


def _row(view: View, row: PartRow, columns: tuple[layout.Column, ...], widths: dict[str, float]) -> None:
    model = view.work.normalize
    with ui.ZStack(height=_ROW):
        if model.selected == row.name:
            ui.Rectangle(name="selected")
        with ui.HStack(spacing=GAP):
            widgets.tone_icon(row.tone, 14)
            for column in columns:
                width = widths[column.key]
                if column.key == "part":
                    _select_cell(view, row, column, row.name, width, identifier=f"part_{row.name}")
                elif column.key == "material":
                    with ui.VStack(width=width):
                        ui.Spacer()
                        widgets.choice(
                            model.materials_for(row),
                            "",
                            lambda material, part=row.name: model.set_material(part, material),  # type: ignore[misc]
                            identifier=f"material_{row.name}",
                            height=26,
                            tooltip=widgets.tooltip(row.why("material")),
                        )
                        ui.Spacer()
                else:
                    _select_cell(view, row, column, row.cells[column.key].text, width)
            ui.Spacer(width=2)


def _select_cell(
    view: View, row: PartRow, column: layout.Column, text: str, width: float, identifier: str = ""
) -> None:
    model = view.work.normalize
    cell = row.cells.get(column.key)
    key = column.key if column.key != "part" else "material"
    side = ui.Alignment.RIGHT_CENTER if column.right else ui.Alignment.LEFT_CENTER
    chosen = model.selected == row.name and model.column == column.key

    def select() -> None:
        model.select(row.name, key)
        view.work.viewport.select(row.name)
        view.host.select(names.identifier(row.name))

    with ui.ZStack(width=width):
        if cell is not None and cell.changed:
            ui.Rectangle(name="changed")
        ui.Button(
            widgets.EMPTY,
            name="row",
            clicked_fn=select,
            tooltip=widgets.tooltip(cell.why if cell is not None else row.name),
            identifier=identifier or f"{column.key}_{row.name}",
        )
        with ui.HStack():
            ui.Spacer(width=4)
            if cell is None:
                widgets.name_label(text, width)
            else:
                tone = styles.TONES[cell.tone]
                ui.Label(text, alignment=side, elided_text=True, style={"color": tone})
            ui.Spacer(width=4)
        if chosen:
            with ui.VStack():
                ui.Spacer()
                ui.Rectangle(name="accent", height=2)


def _why(view: View, width: float) -> None:
    model = view.work.normalize
    selected = next((row for row in model.rows if row.name == model.selected), None)

    def body() -> None:
        widgets.paragraph(model.why, style={"color": styles.TEXT if selected is not None else styles.MUTED})
        if selected is not None:
            ui.Spacer(height=6)
            _statements(view, selected, width)

    def tail() -> None:
        with ui.HStack(width=250, spacing=GAP):
            widgets.label("mass of the whole", "caption", width=0)
            widgets.field(
                model.stated_mass,
                lambda text: _stated(view, text),
                "whole_mass",
                "What the whole thing weighs; every part's mass follows",
                "as 0.603 kg",
            )

    title = "why" if selected is None else f"why: {selected.name}"
    widgets.card_frame(body, title, tail)


def _stated(view: View, text: str, part: str = "*") -> None:
    model = view.work.normalize
    model.set_mass(text) if part == "*" else model.set_mass(text, part)


def _statements(view: View, row: PartRow, width: float) -> None:
    """Say what the selected part is made of, or weighs."""
    model = view.work.normalize
    hits: ui.Frame

    def show(words: str) -> None:
        found = model.search(words)[:_HITS] if words.strip() else ()
        hits.clear()
        with hits, ui.HStack(height=styles.BUTTON, spacing=4):
            room = width - 2 * PAD
            for row_id, title in found:
                wide = widgets.wide_enough(title)
                if (room := room - wide - 4) < 0:
                    break
                chosen = Action(title, lambda material=row_id: model.set_material(row.name, material))  # type: ignore[misc]
                widgets.button(chosen, identifier=f"hit_{row_id}")

    narrow = width < 560
    with ui.VStack(height=0, spacing=6) if narrow else ui.HStack(height=26, spacing=GAP):
        with ui.HStack(height=26, spacing=6):
            widgets.icon("search", styles.MUTED, 14)
            box = widgets.field(
                "", lambda _: None, "material_search", "Type a material, a grade or a standard code", "another material"
            )
            box.model.add_value_changed_fn(lambda model: show(model.as_string))
        with ui.HStack(height=26, spacing=6, width=ui.Fraction(1) if narrow else 260):
            widgets.label("weighs", "caption", width=0)
            widgets.field(
                "", lambda text: _stated(view, text, row.name), "part_mass", "A weighed mass of this part", "as 120 g"
            )
    hits = ui.Frame(height=0)
