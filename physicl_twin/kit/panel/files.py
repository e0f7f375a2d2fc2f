"""Picking files in the panel itself: the same in Kit and on the desk."""

from __future__ import annotations

from collections.abc import Callable

import omni.ui as ui

from physicl_twin.kit.panel import styles, widgets
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.workbench.cards import Action
from physicl_twin.workbench.file_browser import Entry, FileBrowser

_LIST_HEIGHT = 300


def build(browser: FileBrowser, close: Callable[[], None], again: Callable[[], None], width: float) -> None:
    """The folder in view.

    Args:
        browser: Its model.
        close: Puts it away.
        again: Builds it anew after a change.
        width: Room, pixels.
    """

    def after(run: Callable[[], None]) -> Callable[[], None]:
        def call() -> None:
            run()
            again()

        return call

    def head() -> None:
        for place in browser.places:
            title = place.title.capitalize()
            widgets.button(
                Action(title, after(lambda at=place.path: browser.open(at))),  # type: ignore[misc]
                "flat",
                identifier=f"place_{place.title}",
                height=26,
            )
        widgets.icon_button("close", close, "Close", "close_files")

    def body() -> None:
        with ui.HStack(height=28, spacing=GAP):
            widgets.icon_button("up", after(browser.up), "The folder above", "folder_up")
            widgets.name_label(browser.folder, width - 120)
        if browser.error:
            widgets.paragraph(browser.error, style={"color": styles.AMBER})
        with ui.ScrollingFrame(height=_LIST_HEIGHT), ui.VStack(height=0):
            for entry in browser.entries:
                _entry(browser, entry, after, width)
            if not browser.entries:
                widgets.label("Nothing here can be read as a source.", "caption", height=28)
            if browser.more:
                widgets.label(f"and {browser.more} more", "caption", height=24)
        with ui.HStack(height=styles.BUTTON, spacing=GAP):
            box = ui.CheckBox(width=18, tooltip="List files of unknown kinds, too", identifier="every_file")
            box.model.set_value(browser.every)
            box.model.add_value_changed_fn(lambda model: after(lambda: browser.show_every(model.as_bool))())
            widgets.label("all files", "caption", width=60)
            ui.Spacer()
            widgets.button(Action(f"Take {browser.words}", browser.take, icon="check"), "go", identifier="take_files")

    widgets.card_frame(body, "choose a file or a folder", head)


def _entry(
    browser: FileBrowser, entry: Entry, after: Callable[[Callable[[], None]], Callable[[], None]], width: float
) -> None:
    marked = entry.path in browser.marked
    with ui.ZStack(height=26):
        if marked:
            ui.Rectangle(name="selected")
        ui.Button(
            widgets.EMPTY,
            name="row",
            identifier=f"file_{entry.name}",
            # A folder opens; a file is marked, another click on the button below takes it.
            clicked_fn=after(lambda: browser.open(entry.path) if entry.is_folder else browser.mark(entry, add=True)),
        )
        with ui.HStack(spacing=GAP):
            ui.Spacer(width=4)
            widgets.icon("folder" if entry.is_folder else "file", styles.MUTED if entry.is_folder else styles.GREEN, 15)
            widgets.name_label(entry.name, width - 2 * PAD - 140)
            ui.Label(entry.detail, name="caption", width=70, alignment=ui.Alignment.RIGHT_CENTER)
            ui.Spacer(width=6)
