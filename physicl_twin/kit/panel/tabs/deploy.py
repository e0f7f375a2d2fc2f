"""The fifth tab: which tools get it, and whether what they read is what the twin says."""

from __future__ import annotations

import omni.ui as ui

from physicl_twin.kit.panel import styles, widgets
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.kit.panel.view import View
from physicl_twin.model import PhysiclError
from physicl_twin.workbench import layout
from physicl_twin.workbench.cards import Action, problem_of
from physicl_twin.workbench.deploy_model import TargetRow
from physicl_twin.workbench.texts import name_of

_TARGET_LEAST, _TARGET_HEIGHT = 200, 96


def build(view: View) -> None:
    """Build it in the container that is open."""
    model = view.work.deploy
    if not model.subject:
        widgets.paragraph("There is nothing to export yet. Make a twin of a source first.", "caption")
        return
    widgets.cards(model.cards, view.width)
    targets = model.targets
    columns = layout.per_row(len(targets), view.width, _TARGET_LEAST, GAP)
    for row in layout.rows_of(len(targets), columns):
        with ui.HStack(height=_TARGET_HEIGHT, spacing=GAP):
            for number in row:
                _target(view, targets[number], (view.width - (len(row) - 1) * GAP) / len(row))
    _what(view)
    for target in targets:
        if target.folder or target.problem is not None:
            _result(view, target)


def _target(view: View, target: TargetRow, width: float) -> None:
    with ui.ZStack():
        border = {"border_width": 1, "border_color": styles.GREEN if target.selected else styles.LINE}
        ui.Rectangle(name="card", style=border)
        ui.Button(
            widgets.EMPTY,
            name="row",
            clicked_fn=lambda: view.work.deploy.toggle(target.name),
            identifier=f"target_{target.name}",
            tooltip="Leave it out" if target.selected else "Export to it",
        )
        with ui.HStack(spacing=10):
            ui.Spacer(width=2)
            widgets.icon(
                "check" if target.selected else "waiting", styles.GREEN if target.selected else styles.FAINT, 18
            )
            with ui.VStack(spacing=2):
                ui.Spacer()
                widgets.label(target.title, "heading", height=22)
                with ui.HStack(height=34):
                    widgets.paragraph(target.text, "caption", width=ui.Pixel(width - 56))
                with ui.HStack(height=16, spacing=5):
                    if target.tone != "muted":
                        widgets.tone_icon(target.tone, 12)
                    tone = {"color": styles.TONES[target.tone], "font_size": styles.CAPTION}
                    widgets.label(target.word, style=tone)
                ui.Spacer()


def _what(view: View) -> None:
    model = view.work.deploy
    columns = 3 if view.width >= 620 else 1

    def what() -> None:
        widgets.choice(model.subjects, model.subject, model.choose, identifier="subject", height=26)

    def where() -> None:
        widgets.field(model.out, model.set_out, "out", "Each export becomes FOLDER/TARGET/NAME")

    def which() -> None:
        tip = "Of a set of variations, which: 7, 0-9, 0-9,42"
        widgets.field(model.members, lambda text: _said(model.set_members(text)), "members", tip, "all of them")

    def body() -> None:
        controls = [("what", what), ("folder", where), *([("variations", which)] if model.is_set else [])]
        for row in layout.rows_of(len(controls), columns):
            with ui.HStack(height=0, spacing=PAD):
                for number in row:
                    widgets.labelled(*controls[number], ui.Fraction(1))
        if view.host.has_stage and view.work.twin_usd:
            ui.Spacer(height=6)
            with ui.HStack(height=styles.BUTTON):
                put = Action("Put the twin on this stage", lambda: _place(view), icon="cube")
                widgets.button(put, identifier="place")
                ui.Spacer()

    widgets.card_frame(body, "what and where to")


def _said(_: bool) -> None:
    """A refusal stands in the problem card already."""


def _place(view: View) -> None:
    """The twin on the open stage."""
    work = view.work
    try:
        path = view.host.place(work.twin_usd, name_of(work.bench.session.twin))
    except PhysiclError as error:
        work.bench.fail(problem_of(error.to_json(), work.title))
        return
    work.bench.say(f"{work.title} is at {path}.")


def _result(view: View, target: TargetRow) -> None:
    if target.problem is not None:
        widgets.problem(target.problem, None, view.width)
        return

    def tail() -> None:
        shown = Action("Open the folder", lambda: view.host.show_file(target.folder), icon="folder")
        widgets.button(shown, "flat", identifier=f"open_{target.name}", height=26)

    def body() -> None:
        widgets.name_label(target.main, view.width - 2 * PAD, "caption", height=20)
        widgets.lines(target.lines, view.width - 2 * PAD, 10)

    widgets.card_frame(body, target.title, tail)
