"""The panel's window: stages on top, the tab in view, what runs and what to do next at the foot."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import omni.ui as ui

from physicl_twin.kit.panel import styles, widgets
from physicl_twin.kit.panel.host import Host
from physicl_twin.kit.panel.keys import Key, Keyboard, numbers
from physicl_twin.kit.panel.styles import GAP, PAD
from physicl_twin.kit.panel.tabs import TABS
from physicl_twin.kit.panel.tabs.ingest import pick
from physicl_twin.kit.panel.view import View
from physicl_twin.usd.names import identifier
from physicl_twin.workbench.cards import Action, Problem
from physicl_twin.workbench.session import STAGES
from physicl_twin.workbench.workspace import Workspace

_log = logging.getLogger(__name__)

TITLE = "Physicl Twin"
WIDTH, HEIGHT = 980, 720
#: The tab is laid out anew when the room changed by this much, pixels.
_WIDTH_STEP = 8
#: Heights of the head, of the foot, and of the foot's line about what runs.
_HEAD, _FOOT, _DOING = 58, 52, 42
#: A press that ends outside the window is never told; it counts as ended after this long.
_LONGEST_PRESS_S = 1.5
#: Below this width the stages lose their icons.
_NARROW = 560


class PanelWindow:
    """The window. Nothing is built, read or started before ``show``.

    Args:
        host: The program around it; Kit's own by default.
        make_work: Makes the view models, at the first show.
        next_frame: Awaits a frame.
        fill: Fill the program's own window, for a program that is nothing else.
    """

    def __init__(
        self,
        host: Host | None = None,
        make_work: Callable[[], Workspace] | None = None,
        next_frame: Callable[[], Awaitable[Any]] | None = None,
        fill: bool = False,
    ) -> None:
        self._host, self._make_work, self._next_frame, self._fill = host, make_work, next_frame, fill
        self._window: ui.Window | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._scroll: ui.ScrollingFrame | None = None
        self._kept_scroll = 0.0
        self._bar: widgets.Bar | None = None

    @property
    def visible(self) -> bool:
        """True while it is shown."""
        return self._window is not None and bool(self._window.visible)

    @property
    def work(self) -> Workspace:
        """The view models; made with the first ``show``."""
        return self._view.work

    def show(self) -> None:
        """Open it, or bring it to the front."""
        if self._window is None:
            self._build()
        assert self._window is not None
        self._window.visible = True
        self._window.focus()
        self._tick_on()

    def hide(self) -> None:
        """Put it away; what runs goes on."""
        if self._window is not None:
            self._window.visible = False

    def destroy(self) -> None:
        """Close it for good; what runs is stopped, the session kept."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        if self._window is not None:
            self._view.release()
            self._view.work.release()
            window, self._window = self._window, None
            window.destroy()

    def _build(self) -> None:
        host = self._host
        if host is None:
            from physicl_twin.kit.panel.kit_host import KitHost, kit_workspace, next_update

            host = KitHost()
            self._make_work = self._make_work or kit_workspace
            self._next_frame = self._next_frame or next_update
        self._next_frame = self._next_frame or ui.next_frame
        work = self._make_work() if self._make_work is not None else Workspace()
        self._view = View(work, host, self._again)
        self._seen, self._stage = -1, work.stage
        self._pressed_until_s, self._selected = 0.0, ""
        options: dict[str, Any] = {"fill_app_window": True} if self._fill else {}
        bare = ui.WINDOW_FLAGS_NO_TITLE_BAR | ui.WINDOW_FLAGS_NO_RESIZE if self._fill else 0
        self._window = ui.Window(
            TITLE,
            dockPreference=ui.DockPreference.RIGHT_BOTTOM,
            width=WIDTH,
            height=HEIGHT,
            flags=ui.WINDOW_FLAGS_NO_SCROLLBAR | bare,
            padding_x=0,
            padding_y=0,
            visible=True,
            **options,
        )
        self._window.set_visibility_changed_fn(lambda shown: self._tick_on() if shown else None)
        self._window.set_key_pressed_fn(self._keyboard().pressed)
        frame = self._window.frame
        frame.style = styles.SHEET
        frame.set_computed_content_size_changed_fn(self._resized)
        # Leaving a field by pressing a button changes things at once; the button must live until its release.
        frame.set_mouse_pressed_fn(lambda *_: self._hold(_LONGEST_PRESS_S))
        frame.set_mouse_released_fn(lambda *_: self._hold(0.0))
        frame.set_accept_drop_fn(lambda _: True)
        frame.set_drop_fn(lambda event: self._dropped(event.mime_data))
        with frame, ui.ZStack():
            ui.Rectangle(name="ground")
            with ui.VStack(spacing=0):
                self._head = ui.Frame(height=_HEAD, build_fn=self._build_head)
                self._body = ui.Frame(build_fn=self._build_body)
                self._foot = ui.Frame(height=_FOOT, build_fn=self._build_foot)

    def _keyboard(self) -> Keyboard:
        work = self._view.work
        actions: dict[Key, Callable[[], None]] = {
            Key("ESCAPE"): self._escape,
            Key("ENTER", control=True): lambda: _do(work.primary),
            Key("O", control=True): self._choose_files,
            Key("Z", control=True): work.normalize.undo,
            Key("DOWN"): lambda: work.normalize.move(1) if work.stage == "normalize" else None,
            Key("UP"): lambda: work.normalize.move(-1) if work.stage == "normalize" else None,
        }
        for number, stage in enumerate(STAGES, 1):
            actions[Key(f"KEY_{number}", control=True)] = lambda to=stage: work.go(to)  # type: ignore[misc]
        return Keyboard(actions, numbers(), ui.Widget.FLAG_WANT_CAPTURE_KEYBOARD)

    def _escape(self) -> None:
        bench = self._view.work.bench
        if self._view.files is not None:
            self._view.close_files()
        elif bench.problem is not None:
            bench.dismiss()
        elif bench.activity is not None and bench.activity.can_cancel:
            bench.cancel()

    def _choose_files(self) -> None:
        self._stage = "ingest"
        self._view.work.go(self._stage)
        pick(self._view)

    def _dropped(self, text: str) -> None:
        """Paths or URLs, a line each, dropped from a file or content browser."""
        work = self._view.work
        work.go("ingest")
        work.ingest.add([line.strip() for line in text.splitlines() if line.strip()])

    def _hold(self, seconds: float) -> None:
        """Build nothing anew while the mouse is pressed."""
        self._pressed_until_s = time.monotonic() + seconds

    def _resized(self) -> None:
        if self._window is not None and abs(self._room() - self._view.width) >= _WIDTH_STEP:
            self._again()

    def _room(self) -> float:
        assert self._window is not None
        return max(320.0, float(self._window.frame.computed_width) - 2 * PAD)

    def _again(self) -> None:
        """Build everything anew at the next frame."""
        if self._window is None:
            return
        if self._scroll is not None:
            self._kept_scroll = self._scroll.scroll_y
        activity = self._view.work.bench.activity
        self._foot.height = ui.Pixel(_FOOT + (_DOING if activity is not None and activity.shown else 0))
        self._head.rebuild()
        self._body.rebuild()
        self._foot.rebuild()

    def _build_head(self) -> None:
        view = self._view
        view.width = self._room()
        work = view.work
        with ui.VStack(height=0):
            ui.Spacer(height=PAD)
            with ui.HStack(height=36, spacing=6):
                ui.Spacer(width=PAD - 6)
                for state in work.stage_states:
                    self._stage_button(state, view.width)
                if view.width >= 900:
                    ui.Spacer(width=6)
                    side = ui.Alignment.RIGHT_CENTER
                    widgets.name_label(work.title, 240, "caption", width=240, alignment=side)
                ui.Spacer(width=PAD - 6)
            ui.Spacer(height=10)

    def _stage_button(self, state: Any, width: float) -> None:
        on = state.stage == self._view.work.stage
        color = styles.TEXT if on else styles.MUTED
        with ui.ZStack():
            ui.Button(
                widgets.EMPTY,
                name="tab_on" if on else "tab",
                clicked_fn=lambda: self._view.work.go(state.stage),
                tooltip=state.word,
                identifier=f"stage_{state.stage}",
            )
            with ui.HStack(spacing=5):
                ui.Spacer()
                if width >= _NARROW:
                    waiting = state.tone in ("plain", "muted")
                    widgets.icon("waiting" if waiting else styles.TONE_ICONS[state.tone], styles.TONES[state.tone], 14)
                size = styles.TEXT_SIZE if width >= _NARROW else styles.CAPTION
                ui.Label(state.title, width=0, style={"color": color, "font_size": size})
                ui.Spacer()
            if on:
                with ui.VStack():
                    ui.Spacer()
                    ui.Rectangle(name="accent", height=3)

    def _build_body(self) -> None:
        view = self._view
        view.release()
        view.width = self._room()
        self._scroll = ui.ScrollingFrame(
            horizontal_scrollbar_policy=ui.ScrollBarPolicy.SCROLLBAR_ALWAYS_OFF,
            vertical_scrollbar_policy=ui.ScrollBarPolicy.SCROLLBAR_AS_NEEDED,
        )
        bench = view.work.bench
        with self._scroll, ui.HStack(height=0):
            ui.Spacer(width=PAD)
            with ui.VStack(height=0, spacing=GAP, width=ui.Pixel(view.width)):
                if bench.problem is not None:
                    widgets.problem(bench.problem, bench.dismiss, view.width)
                TABS[view.work.stage](view)
                ui.Spacer(height=GAP)
        self._scroll.scroll_y = self._kept_scroll

    def _build_foot(self) -> None:
        work = self._view.work
        self._bar = None
        activity = work.bench.activity
        with ui.ZStack():
            ui.Rectangle(name="card", style={"border_radius": 0})
            with ui.VStack():
                ui.Line(height=1)
                if activity is not None and activity.shown:
                    self._progress(activity)
                with ui.HStack(spacing=GAP):
                    ui.Spacer(width=PAD - GAP)
                    with ui.VStack():
                        ui.Spacer()
                        widgets.name_label(work.bench.message, self._view.width - 260, "caption", height=20)
                        ui.Spacer()
                    self._foot_button(work.secondary, "", "secondary")
                    self._foot_button(work.primary, "go", "primary", "Ctrl+Enter")
                    ui.Spacer(width=PAD - GAP)

    def _progress(self, activity: Any) -> None:
        with ui.HStack(height=_DOING, spacing=GAP):
            ui.Spacer(width=PAD - GAP)
            with ui.VStack():
                ui.Spacer(height=4)
                self._doing = widgets.label("", "caption", height=20)
                self._bar = widgets.Bar()
                ui.Spacer()
            with ui.VStack(width=0):
                ui.Spacer(height=6)
                self._cancel = ui.Frame(width=90, height=30, visible=activity.can_cancel)
                with self._cancel:
                    widgets.button(
                        Action("Cancel", self._view.work.bench.cancel, shortcut="Esc"), width=90, identifier="cancel"
                    )
                ui.Spacer()
            ui.Spacer(width=PAD - GAP)
        self._follow()

    def _follow_stage(self) -> None:
        """The row of the part that was selected on the stage since the last look."""
        part = self._view.host.selected()
        if part == self._selected:
            return
        self._selected = part
        for row in self._view.work.normalize.rows if part else ():
            if identifier(row.name) == part:
                self._view.work.normalize.select(row.name)
                self._view.work.viewport.select(row.name)

    def _follow(self) -> None:
        activity = self._view.work.bench.activity
        if activity is None or self._bar is None:
            return
        self._bar.show(activity.fraction())
        self._doing.text = f"{activity.title} · {activity.words()}"
        self._cancel.visible = activity.can_cancel

    @staticmethod
    def _foot_button(action: Action | None, name: str, identifier: str, shortcut: str = "") -> None:
        if action is None:
            return
        with ui.VStack(width=0):
            ui.Spacer()
            made = widgets.button(action, name, identifier=identifier, height=34)
            if shortcut and action.enabled:
                made.set_tooltip(shortcut)
            ui.Spacer()

    def _tick_on(self) -> None:
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        """Follow the view models for as long as the window is shown or something runs."""
        assert self._next_frame is not None
        with contextlib.suppress(asyncio.CancelledError):
            while self._window is not None and (self.visible or self._view.work.bench.busy):
                try:
                    self.tick()
                except Exception:  # a tab that fails must not stop the others, nor what runs
                    _log.exception("The panel met an error.")
                    self._view.work.bench.fail(_broken())
                await self._next_frame()

    def tick(self) -> None:
        """A frame: take what came in, and show it."""
        work = self._view.work
        work.poll()
        if work.stage != self._stage:  # the file browser belongs to the tab that opened it
            self._stage, self._view.files = work.stage, None
        if work.bench.revision != self._seen and time.monotonic() >= self._pressed_until_s:
            self._seen = work.bench.revision
            self._again()
        self._follow_stage()
        for widget in self._view.moving:
            widget.update()
        self._follow()


def _broken() -> Problem:
    return Problem("The panel met an error.", "", "The log says what it was. What runs goes on.", code="panel_error")


def _do(action: Action) -> None:
    if action.enabled:
        action.run()
