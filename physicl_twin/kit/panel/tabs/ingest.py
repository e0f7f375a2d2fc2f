"""The first tab: sources, and what would become of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import omni.ui as ui

from physicl_twin.kit.panel import files, styles, widgets
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.kit.panel.view import View
from physicl_twin.model import PhysiclError
from physicl_twin.workbench.cards import Action, problem_of
from physicl_twin.workbench.file_browser import FileBrowser, places_of
from physicl_twin.workbench.ingest_model import EFFORTS, UNITS, UP_AXES
from physicl_twin.workbench.source_report import SourceReport
from physicl_twin.workbench.texts import name_of

#: From this width on the picture stands beside the facts.
_BESIDE = 860
_PICTURE = 300


def build(view: View) -> None:
    """Build it in the container that is open."""
    model = view.work.ingest
    if view.files is not None:
        files.build(view.files, view.close_files, view.again, view.width)
    elif model.empty:
        _empty(view)
        return
    _sources(view)
    if model.looking and model.report is None:
        widgets.label("Looking at it; nothing is written yet …", "caption", height=24)
    if model.report is not None and model.report.error is None:
        _report(view, model.report)
    if model.skipped:
        _skipped(view)
    if not model.empty:
        _options(view)


def pick(view: View) -> None:
    """Open the file browser."""

    def picked(paths: list[str]) -> None:
        view.files = None
        view.work.ingest.add(paths)
        view.again()

    model = view.work.ingest
    samples = str(Path(model.sample.path).parent) if model.sample is not None else ""
    view.files = FileBrowser(view.work.is_source, places_of(samples, tuple(model.recent)), picked)
    view.again()


def _take_selection(view: View) -> None:
    """The stage's selection as sources."""
    folder = Path(tempfile.mkdtemp(prefix="physicl-selection-"))
    try:
        paths = view.host.selection(folder)
    except PhysiclError as error:
        view.work.bench.fail(problem_of(error.to_json(), "the selection"))
        return
    if paths:
        view.work.ingest.add(paths)
    else:
        view.work.bench.say("Nothing is selected on the stage.")


def _empty(view: View) -> None:
    model = view.work.ingest
    with ui.ZStack(height=236):
        ui.Rectangle(name="drop")
        with ui.VStack(spacing=6):
            ui.Spacer()
            with ui.HStack(height=44):
                ui.Spacer()
                widgets.icon("download", styles.GREEN, 40)
                ui.Spacer()
            ui.Label("Drop source material here", name="heading", height=28, alignment=ui.Alignment.CENTER)
            ui.Label(
                "CAD, meshes, scans, photos, robot descriptions, USD; files, folders or archives",
                name="caption",
                height=20,
                alignment=ui.Alignment.CENTER,
                elided_text=True,
            )
            ui.Spacer(height=4)
            with ui.HStack(height=34, spacing=GAP):
                ui.Spacer()
                choose = Action("Choose files …", lambda: pick(view), icon="folder", shortcut="Ctrl+O")
                widgets.button(choose, "go", identifier="choose_files", height=34)
                if view.host.has_stage:
                    take = Action("Take the selected prims", lambda: _take_selection(view), icon="cube")
                    widgets.button(take, identifier="take_selection", height=34)
                ui.Spacer()
            ui.Spacer()
    if model.sample is not None or model.recent:
        columns = 2 if view.width >= 620 and model.sample is not None and model.recent else 1
        with ui.VStack(height=0, spacing=GAP) if columns == 1 else ui.HStack(height=0, spacing=GAP):
            if model.sample is not None:
                _sample(view)
            if model.recent:
                with ui.VStack(height=0):
                    widgets.card_frame(lambda: _recent(view, view.width / columns), "recent sources")


def _sample(view: View) -> None:
    sample = view.work.ingest.sample
    assert sample is not None

    def body() -> None:
        with ui.HStack(height=64, spacing=PAD):
            if sample.picture:
                ui.ImageWithProvider(
                    sample.picture, width=72, height=64, fill_policy=ui.IwpFillPolicy.IWP_PRESERVE_ASPECT_FIT
                )
            with ui.VStack():
                ui.Spacer()
                widgets.label(sample.title, height=22)
                widgets.label(sample.text, "caption", height=18)
                ui.Spacer()
            with ui.VStack(width=0):
                ui.Spacer()
                widgets.button(Action("Try it", view.work.ingest.try_sample, icon="play"), identifier="try_sample")
                ui.Spacer()

    with ui.VStack(height=0):
        widgets.card_frame(body, "a sample to try")


def _recent(view: View, width: float) -> None:
    for path in view.work.ingest.recent:
        with ui.ZStack(height=28):
            ui.Button(
                widgets.EMPTY,
                name="row",
                clicked_fn=lambda at=path: view.work.ingest.add([at]),
                tooltip=path,
                identifier="recent",
            )
            with ui.HStack(spacing=GAP):
                widgets.icon("file", styles.MUTED, 15)
                widgets.name_label(name_of(path), width - 80)


def _sources(view: View) -> None:
    model = view.work.ingest
    if model.empty:
        return

    def tail() -> None:
        widgets.button(Action("Add …", lambda: pick(view), icon="plus"), "flat", identifier="add_files", height=26)
        widgets.button(Action("Clear", model.clear, icon="close"), "flat", identifier="clear_sources", height=26)

    def body() -> None:
        shown = {report.path: report for report in model.reports}
        for path in model.sources:
            report = shown.get(path)
            with ui.ZStack(height=30):
                if len(model.reports) > 1 and model.report is report:
                    ui.Rectangle(name="selected")
                ui.Button(widgets.EMPTY, name="row", tooltip=path, clicked_fn=lambda at=path: _choose(view, at))
                with ui.HStack(spacing=GAP):
                    ui.Spacer(width=2)
                    if report is not None and report.error is not None:
                        widgets.tone_icon("stop", 15)
                    else:
                        widgets.icon("folder" if Path(path).is_dir() else "file", styles.GREEN, 15)
                    widgets.name_label(name_of(path), view.width * 0.4, width=0)
                    widgets.label(report.summary if report is not None else "", "caption")
                    widgets.icon_button("close", lambda at=path: model.remove(at), "Take it off the list", "remove")  # type: ignore[misc]
        more = [report for report in model.reports if report.path not in model.sources]
        for report in more[:6]:
            with ui.ZStack(height=26):
                if model.report is report:
                    ui.Rectangle(name="selected")
                ui.Button(
                    widgets.EMPTY, name="row", clicked_fn=lambda one=report: model.choose(model.reports.index(one))
                )
                with ui.HStack(spacing=GAP):
                    ui.Spacer(width=24)
                    widgets.tone_icon("stop" if report.error is not None else "good", 13)
                    widgets.name_label(report.name, view.width * 0.4, width=0)
                    widgets.label(report.summary, "caption")
        if len(more) > 6:
            widgets.label(f"and {len(more) - 6} more", "caption", height=22)

    widgets.card_frame(body, "source" if len(model.sources) == 1 else f"{len(model.sources)} sources", tail)


def _choose(view: View, path: str) -> None:
    model = view.work.ingest
    for number, report in enumerate(model.reports):
        if report.path == path:
            model.choose(number)


def _report(view: View, report: SourceReport) -> None:
    beside = bool(report.picture) and view.width >= _BESIDE
    width = view.width - (_PICTURE + GAP if beside else 0)

    def facts() -> None:
        widgets.cards(report.cards, width)
        if report.parts:
            widgets.card_frame(lambda: widgets.lines(report.parts, width - 2 * PAD, 12), "parts and materials found")
        if report.notes:
            widgets.card_frame(lambda: widgets.lines(report.notes, width - 2 * PAD, 6), "good to know")

    if not beside:
        if report.picture and view.width < _BESIDE:
            _picture(report, view.width, 200)
        facts()
        return
    with ui.HStack(height=0, spacing=GAP):
        with ui.VStack(height=0, spacing=GAP, width=ui.Pixel(width)):
            facts()
        with ui.VStack(width=_PICTURE):
            _picture(report, _PICTURE, 240)
            ui.Spacer()


def _picture(report: SourceReport, width: float, height: float) -> None:
    with ui.ZStack(height=height, width=width):
        ui.Rectangle(name="sunk")
        ui.ImageWithProvider(report.picture, fill_policy=ui.IwpFillPolicy.IWP_PRESERVE_ASPECT_FIT)


def _skipped(view: View) -> None:
    def body() -> None:
        for name, why in view.work.ingest.skipped[:6]:
            with ui.HStack(height=24, spacing=GAP):
                widgets.tone_icon("muted", 14)
                widgets.name_label(name, view.width * 0.4, width=0)
                widgets.label(why, "caption")

    widgets.card_frame(body, "left out")


def _options(view: View) -> None:
    model = view.work.ingest

    def body() -> None:
        columns = max(1, min(5, int(view.width // 190)))
        controls = (
            (
                "unit of length",
                lambda: widgets.choice(UNITS, model.option("units"), lambda v: model.set_option("units", v), "units"),
            ),
            ("up axis", lambda: widgets.choice(UP_AXES, model.option("up"), lambda v: model.set_option("up", v), "up")),
            (
                "effort",
                lambda: widgets.choice(
                    EFFORTS, model.option("effort"), lambda v: model.set_option("effort", v), "effort"
                ),
            ),
            (
                "known mass",
                lambda: widgets.field(
                    model.option("mass"),
                    lambda v: model.set_option("mass", v),
                    "known_mass",
                    "A weighed mass, such as 0.603 kg or 603 +/- 2 g",
                    "as 0.603 kg",
                ),
            ),
            (
                "licence of the source",
                lambda: widgets.field(
                    model.option("licence"),
                    lambda v: model.set_option("licence", v),
                    "licence",
                    "Goes with the twin",
                    "as CC-BY-4.0",
                ),
            ),
        )
        for start in range(0, len(controls), columns):
            with ui.HStack(height=0, spacing=PAD):
                for caption, make in controls[start : start + columns]:
                    widgets.labelled(caption, make, ui.Fraction(1))
                for _ in range(columns - len(controls[start : start + columns])):
                    ui.Spacer()

    widgets.card_frame(body, "how it is read and built")
