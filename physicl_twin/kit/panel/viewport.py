"""The picture of the twin: turned by dragging, nearer by the wheel, with or without colliders."""

from __future__ import annotations

from typing import Any

import omni.ui as ui

from physicl_twin.kit.panel import styles, widgets
from physicl_twin.workbench.viewport import Viewport


class Picture:
    """Shows what a ``Viewport`` drew; built anew with the tab that it stands in.

    Args:
        viewport: Its model.
        width: Pixels.
        height: Pixels.
    """

    def __init__(self, viewport: Viewport, width: float, height: float) -> None:
        self._viewport = viewport
        self._provider = ui.ByteImageProvider()
        self._frame = -1
        self._held: tuple[float, float] | None = None
        viewport.resize(round(width), round(height))
        with ui.ZStack(width=width, height=height):
            ui.Rectangle(name="sunk")
            self._image = ui.ImageWithProvider(
                self._provider,
                fill_policy=ui.IwpFillPolicy.IWP_PRESERVE_ASPECT_FIT,
                identifier="viewport",
                visible=False,
            )
            self._words = ui.Label("drawing …", name="caption", alignment=ui.Alignment.CENTER)
            self._area = ui.Rectangle(style={"background_color": styles.CLEAR})
            self._area.set_mouse_pressed_fn(self._pressed)
            self._area.set_mouse_moved_fn(self._moved)
            self._area.set_mouse_released_fn(self._released)
            self._area.set_mouse_wheel_fn(self._wheel)
            self._area.set_mouse_double_clicked_fn(lambda *_: viewport.reset())
            with ui.VStack():
                ui.Spacer()
                with ui.HStack(height=30, spacing=2):
                    ui.Spacer(width=6)
                    widgets.icon_button(
                        "shapes",
                        viewport.toggle_colliders,
                        "Show the colliders   (C)",
                        "colliders",
                        on=viewport.colliders,
                    )
                    widgets.icon_button("home", viewport.reset, "First view   (double click)", "first_view")
                    ui.Spacer()
                ui.Spacer(height=4)
        self.update()

    def update(self) -> None:
        """Show the latest picture; cheap when there is no new one."""
        shown = self._viewport
        if shown.frame == self._frame:
            return
        self._frame = shown.frame
        if shown.pixels:
            self._provider.set_bytes_data(list(shown.pixels), list(shown.size))
        self._image.visible = bool(shown.pixels)
        self._words.visible = not shown.pixels
        self._words.text = shown.error or "drawing …"

    def _pressed(self, x: float, y: float, button: int, _: Any) -> None:
        if button == 0:
            self._held = (x, y)

    def _moved(self, x: float, y: float, *_: Any) -> None:
        if self._held is not None:
            before, self._held = self._held, (x, y)
            self._viewport.orbit(x - before[0], y - before[1])

    def _released(self, *_: Any) -> None:
        self._held = None

    def _wheel(self, _: float, up: float, *__: Any) -> None:
        self._viewport.nearer(up)

    def release(self) -> None:
        """Let go of the picture."""
        self._provider.destroy()
