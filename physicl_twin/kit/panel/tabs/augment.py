"""The third tab: what differs between variations, one of them to see, and stepping through all of them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import omni.ui as ui

from physicl_twin.kit.panel import files, styles, widgets
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.kit.panel.view import View
from physicl_twin.workbench import layout
from physicl_twin.workbench.cards import Action
from physicl_twin.workbench.file_browser import FileBrowser, places_of
from physicl_twin.workbench.knobs import Knob
from physicl_twin.workbench.texts import name_of

#: From this width on the member in view stands beside the spec.
_BESIDE, _MEMBER, _PICTURE_HEIGHT = 900, 384, 300
#: Knobs of these headings are shown at once, the others when their heading is opened.
_OPEN = ("objects", "scene", "placement")
_KNOB_LEAST, _KNOB_HEIGHT = 330, 30


def build(view: View) -> None:
    """Build it in the container that is open."""
    model = view.work.augment
    if view.files is not None:
        files.build(view.files, view.close_files, view.again, view.width)
    if not model.chosen:
        widgets.paragraph("There is no twin yet. Make one of a source first.", "caption")
        return
    widgets.cards(model.cards, view.width)
    beside = view.width >= _BESIDE
    width = view.width - (_MEMBER + GAP if beside else 0)
    with ui.HStack(height=0, spacing=GAP) if beside else ui.VStack(height=0, spacing=GAP):
        if not beside:
            _member(view, view.width)
        with ui.VStack(width=ui.Pixel(width), height=0, spacing=GAP):
            _what(view, width)
            for title, knobs in model.spec.groups:
                if knobs:
                    _group(view, title, knobs, width)
        if beside:
            with ui.VStack(width=_MEMBER):
                _member(view, _MEMBER)
                ui.Spacer()


def _what(view: View, width: float) -> None:
    model = view.work.augment

    def body() -> None:
        columns = max(1, int(width // 220))
        with ui.VStack(height=0, spacing=4):
            for row in layout.rows_of(len(model.twins), columns):
                with ui.HStack(height=26, spacing=PAD):
                    for number in row:
                        twin = model.twins[number]
                        with ui.HStack(spacing=6):
                            _check(twin.chosen, functools.partial(model.toggle_twin, twin.path), f"twin_{twin.title}")
                            widgets.tone_icon(twin.tone, 13)
                            widgets.name_label(twin.title, width / columns - 70, tooltip=twin.word)
                    for _ in range(columns - len(row)):
                        ui.Spacer()
            ui.Spacer(height=4)
            with ui.HStack(height=0, spacing=PAD):
                widgets.labelled(
                    "variations",
                    lambda: widgets.field(str(model.count), lambda t: _said(model.set_count(t)), "count"),
                    110,
                )
                widgets.labelled(
                    "seed", lambda: widgets.field(str(model.seed), lambda t: _said(model.set_seed(t)), "seed"), 110
                )
                widgets.labelled(
                    "name of the set",
                    lambda: widgets.field(model.name, lambda t: _said(model.set_name(t)), "set_name"),
                    ui.Fraction(1),
                )

    def tail() -> None:
        if model.spec.file:
            shipped = Action("Shipped spec", model.spec.use_shipped, icon="undo", shortcut=model.spec.file)
            widgets.button(shipped, "flat", identifier="use_shipped", height=26)
        begin = Action("Spec file …", lambda: _pick_spec(view), icon="folder")
        widgets.button(begin, "flat", identifier="pick_spec", height=26)
        if model.spec.edited:
            undo = Action("As shipped", model.spec.reset_all, icon="undo")
            widgets.button(undo, "flat", identifier="reset_spec", height=26)

    widgets.card_frame(body, "twins that take part", tail)


def _said(_: bool) -> None:
    """A refusal stands in the problem card already."""


def _pick_spec(view: View) -> None:
    """Begin from a spec that somebody wrote."""

    def picked(paths: list[str]) -> None:
        view.files = None
        _said(model.spec.use_file(paths[0]))
        view.again()

    model = view.work.augment
    view.files = FileBrowser(lambda path: path.endswith(".toml"), places_of(view.work.bench.session.out, ()), picked)
    view.again()


#: What stands before a field of a knob, by its name and how many fields there are.
_BEFORE = {("to", 2): "to", ("spread", 2): "±", ("width", 1): "its own spread ×"}


def _check(on: bool, toggle: Callable[[], object], identifier: str) -> None:
    with ui.VStack(width=18):
        ui.Spacer()
        box = ui.CheckBox(height=18, identifier=identifier)
        ui.Spacer()
    box.model.set_value(on)
    box.model.add_value_changed_fn(lambda _: toggle())


def _group(view: View, title: str, knobs: tuple[Knob, ...], width: float) -> None:
    model = view.work.augment
    opened = title in _OPEN or view.opened == title or any(knob.changed for knob in knobs)
    columns = max(1, min(2, int((width - 2 * PAD) // _KNOB_LEAST)))
    room = (width - 2 * PAD - (columns - 1) * PAD) / columns

    def body() -> None:
        for row in layout.rows_of(len(knobs), columns):
            with ui.HStack(height=_KNOB_HEIGHT + 2, spacing=PAD):
                for number in row:
                    with ui.HStack(width=room, spacing=6):
                        _knob(view, knobs[number], room)
                for _ in range(columns - len(row)):
                    ui.Spacer()
        chosen = next((knob for knob in knobs if knob.key == model.spec.selected), None)
        if chosen is not None:
            ui.Spacer(height=2)
            widgets.paragraph(chosen.why, "caption")

    def tail() -> None:
        if title not in _OPEN:
            widgets.icon_button(
                "fold" if opened else "down", lambda: view.fold(title), "Fewer" if opened else "More", f"fold_{title}"
            )

    if opened:
        widgets.card_frame(body, title, tail)
    else:
        summary = ", ".join(knob.title for knob in knobs if knob.on) or "all the same"
        room = ui.Pixel(width - 2 * PAD)
        widgets.card_frame(lambda: widgets.label(summary, "faint", height=18, width=room), title, tail)


def _knob(view: View, knob: Knob, room: float) -> None:
    model = view.work.augment
    tip = widgets.tooltip(knob.why)
    if knob.can_vary:
        _check(knob.on, lambda: model.spec.vary(knob.key, not knob.on), f"vary_{knob.key}")
    else:
        ui.Spacer(width=18)
    with ui.ZStack(width=room * 0.4):
        ui.Button(
            widgets.EMPTY,
            name="row",
            clicked_fn=lambda: model.spec.select(knob.key),
            tooltip=tip,
            identifier=f"knob_{knob.key}",
        )
        with ui.HStack():
            ui.Spacer(width=2)
            color = styles.AMBER if knob.changed else styles.TEXT if knob.on or not knob.can_vary else styles.MUTED
            widgets.label(knob.title, style={"color": color})
    with ui.VStack():
        ui.Spacer()
        with ui.HStack(height=26, spacing=4):
            if knob.options:
                current = knob.fields[0].text if knob.fields else knob.text
                widgets.choice(
                    knob.options,
                    next((value for value, words in knob.options if current in (value, words)), ""),
                    lambda value: _said(model.spec.set_value(knob.key, value)),
                    identifier=f"choice_{knob.key}",
                    height=26,
                )
            else:
                for field in knob.fields:
                    if before := _BEFORE.get((field.name, len(knob.fields))):
                        widgets.label(before, "caption", width=0)
                    widgets.field(
                        field.text,
                        lambda text, name=field.name: _said(model.spec.set_value(knob.key, text, name)),  # type: ignore[misc]
                        f"field_{knob.key}_{field.name}",
                        tip if field.name == "value" else f"{field.name}\n{tip}",
                    )
                if not knob.fields:
                    widgets.label(knob.text, "caption")
        ui.Spacer()
    ui.Label(knob.unit, name="caption", width=26)
    with ui.VStack(width=26):
        if knob.changed:
            widgets.icon_button("undo", lambda: model.spec.reset(knob.key), "As shipped", f"reset_{knob.key}")


class _Drawn:
    """The picture of the member in view."""

    def __init__(self, view: View, width: float, height: float) -> None:
        self._model = view.work.augment
        self._provider = ui.ByteImageProvider()
        self._frame = -1
        with ui.ZStack(width=width, height=height):
            ui.Rectangle(name="sunk")
            self._image = ui.ImageWithProvider(
                self._provider, fill_policy=ui.IwpFillPolicy.IWP_PRESERVE_ASPECT_FIT, identifier="member", visible=False
            )
            self._words = ui.Label("drawing …", name="caption", alignment=ui.Alignment.CENTER)
        self.update()

    def update(self) -> None:
        """Show the latest picture."""
        if self._model.members.frame == self._frame:
            return
        self._frame = self._model.members.frame
        if self._model.members.pixels:
            self._provider.set_bytes_data(list(self._model.members.pixels), list(self._model.members.size))
        self._image.visible = bool(self._model.members.pixels)
        self._words.visible = not self._model.members.pixels

    def release(self) -> None:
        """Let go of it."""
        self._provider.destroy()


def _member(view: View, width: float) -> None:
    model = view.work.augment
    if model.members.shown is None:

        def nothing() -> None:
            widgets.paragraph(
                "Preview one variation to see what the spec does, then make them all. Each is dropped until it rests "
                "in PhysX and in MuJoCo; what does not rest, or overlaps, is drawn again.",
                "caption",
            )

        widgets.card_frame(nothing, "variations")
        return

    def tail() -> None:
        members = model.members
        widgets.icon_button("previous", lambda: members.step(-1), "The one before", "member_before")
        widgets.label(members.place, "caption", width=0)
        widgets.icon_button("next", lambda: members.step(1), "The next one", "member_next")

    def body() -> None:
        inner = width - 2 * PAD
        if model.members.member is not None:
            view.moving.append(_Drawn(view, inner, _PICTURE_HEIGHT))
            ui.Spacer(height=4)
            widgets.lines(model.members.lines, inner, 9)
        if model.members.results:
            ui.Spacer(height=6)
            widgets.lines(model.members.results, inner, 5)
        if model.members.files:
            ui.Spacer(height=4)
            columns = max(1, int(inner // 190))
            for row in layout.rows_of(len(model.members.files), columns):
                with ui.HStack(height=28, spacing=GAP):
                    for number in row:
                        title, path = model.members.files[number]
                        opened = Action(title, lambda at=path: view.host.show_file(at), icon="file")  # type: ignore[misc]
                        widgets.button(opened, "flat", identifier=f"open_{name_of(path)}", height=26)
                    ui.Spacer()

    title = "a preview" if model.members.is_preview else f"set {model.members.shown.name}"
    number = f" · variation {model.members.member}" if model.members.member is not None else ""
    widgets.card_frame(body, title + number, tail)
