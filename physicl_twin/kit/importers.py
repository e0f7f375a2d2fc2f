"""Our formats in File > Import and in the content browser's menu. What is offered and how it is built needs no Kit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from physicl_twin.kit.settings import ImportFormats, KitSettings

if TYPE_CHECKING:
    from physicl_twin.workbench import Task, TaskState

NAME = "Physicl Twin"
MENU_ENTRY = "Build a Physicl Twin"
#: What Kit's own importer reads (omni.kit.tool.asset_importer), and USD, which needs no import.
_KITS_OWN = frozenset(
    {".fbx", ".obj", ".gltf", ".glb", ".lxo", ".md5", ".stl", ".bvh", ".ply", ".usd", ".usda", ".usdc", ".usdz"}
)


@dataclass(frozen=True, slots=True)
class Filter:
    """A format as the file dialog wants it.

    Attributes:
        regex: Matches a file name, whatever its case.
        description: Name with the patterns.
    """

    regex: str
    description: str


def filters(wanted: ImportFormats) -> tuple[Filter, ...]:
    """The formats to offer: those that Kit lacks, all, or none."""
    from physicl_twin.ingest.formats import FORMATS

    found = []
    for one in FORMATS:
        suffixes = [suffix for suffix in one.suffixes if wanted == "all" or suffix not in _KITS_OWN]
        if suffixes and wanted != "none":
            endings = "|".join(re.escape(suffix) for suffix in suffixes)
            patterns = ", ".join(f"*{suffix}" for suffix in suffixes)
            found.append(Filter(rf"(?i:.*({endings})$)", f"{one.title} Files ({patterns})"))
    return tuple(found)


def is_source(path: str) -> bool:
    """True when a file, by its name, is of a format that can be read."""
    from physicl_twin.ingest.formats import FORMATS

    return any(path.lower().endswith(suffix) for one in FORMATS for suffix in one.suffixes)


class Conversion:
    """Builds of an import dialog, in workers; nothing is imported half.

    Args:
        settings: Of the extension.
        pause: Lets the application go on for one update.
        complain: Tells a person (title, text).
    """

    def __init__(
        self,
        settings: Callable[[], KitSettings],
        pause: Callable[[], Awaitable[None]],
        complain: Callable[[str, str], None],
    ) -> None:
        self._settings, self._pause, self._complain = settings, pause, complain
        self._tasks: set[Task] = set()

    async def convert(self, paths: Iterable[str], folder: str = "") -> dict[str, str | None]:
        """Build each source.

        Args:
            paths: Files.
            folder: Where the twins go; the output folder of the settings where empty.

        Returns:
            USD file of each twin, None where it could not be built.
        """
        made: dict[str, str | None] = {}
        for path in paths:
            state = await self._build(path, folder)
            record = state.result["records"][0] if state.status == "done" and state.result["records"] else None
            error = state.error if record is None else record["error"]
            made[path] = None if record is None or error is not None else str(record["usd"])
            if made[path] is None and state.status != "cancelled":
                error = error or {"message": "There is nothing to read.", "hint": ""}
                self._complain(Path(path).name, f"{error['message']} {error['hint']}".strip())
        return made

    async def _build(self, path: str, folder: str) -> TaskState:
        from physicl_twin.workbench import Task

        settings = self._settings()
        out = folder or str(Path(settings.output_folder, "twins"))
        task = Task("build", {"sources": [path], "out": out, "seed": settings.seed}).start()
        self._tasks.add(task)
        try:
            while not task.state.finished:
                await self._pause()
        finally:
            task.cancel()  # of no effect on one that is done; stops one whose dialog was closed
            self._tasks.discard(task)
        return task.state

    def release(self) -> None:
        """Stop what is under way."""
        for task in tuple(self._tasks):
            task.cancel()


def in_kit() -> Conversion:
    """Conversions in the running Kit."""
    import carb
    import omni.kit.app

    from physicl_twin.kit import settings

    def complain(title: str, text: str) -> None:
        carb.log_warn(f"{title}: {text}")
        manager = omni.kit.app.get_app().get_extension_manager()
        if manager.is_extension_enabled("omni.kit.notification_manager"):
            from omni.kit.notification_manager import NotificationStatus, post_notification

            post_notification(f"{title}\n{text}", status=NotificationStatus.WARNING, hide_after_timeout=False)

    return Conversion(settings.current, omni.kit.app.get_app().next_update_async, complain)


class FileImport:
    """Our entry in File > Import, for as long as it lives.

    Args:
        wanted: Which formats are offered.
    """

    def __init__(self, wanted: ImportFormats) -> None:
        import omni.kit.tool.asset_importer as asset_importer

        self._conversion = in_kit()
        self._delegate = _delegate(asset_importer.AbstractImporterDelegate, filters(wanted), self._conversion)
        asset_importer.register_importer(self._delegate)

    def release(self) -> None:
        """Take it out again and stop what is under way."""
        import omni.kit.tool.asset_importer as asset_importer

        asset_importer.remove_importer(self._delegate)
        self._conversion.release()


def _delegate(base: type, offered: tuple[Filter, ...], conversion: Conversion) -> Any:
    # Kit's class is known only where Kit is.
    class Delegate(base):  # type: ignore[misc]
        """What Kit's import dialog asks."""

        @property
        def name(self) -> str:
            """Name of the importer."""
            return NAME

        @property
        def filter_regexes(self) -> list[str]:
            """Which files."""
            return [one.regex for one in offered]

        @property
        def filter_descriptions(self) -> list[str]:
            """Their names in the dialog."""
            return [one.description for one in offered]

        def build_options(self, paths: list[str]) -> None:
            """The options pane: nothing to set, for units, axes and materials are inferred and edited in the panel."""
            import omni.ui as ui

            text = (
                "Units, axes, materials and mass are inferred. The panel (Tools > Robotics > Physicl Twin) edits them."
            )
            ui.Label(text, word_wrap=True)

        def supports_usd_stage_cache(self) -> bool:
            """Twins are files."""
            return False

        def show_destination_frame(self) -> bool:
            """Where the twins go may be chosen."""
            return True

        async def convert_assets(self, paths: list[str], **options: Any) -> dict[str, str | None]:
            """Build them; Kit puts them on the stage."""
            return await conversion.convert(paths, str(options.get("export_folder") or ""))

    return Delegate()


class BrowserMenu:
    """Our entry in the content browser's context menu, for as long as it lives."""

    def __init__(self) -> None:
        from omni.kit.window.content_browser import get_content_window

        self._conversion = in_kit()
        self._running: set[asyncio.Task[None]] = set()
        self._window = get_content_window()
        self._window.add_context_menu(MENU_ENTRY, "", self._clicked, is_source)

    def _clicked(self, _: str, path: str) -> None:
        """Called by Kit with the entry and the file."""
        task = asyncio.ensure_future(self._import(path))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _import(self, path: str) -> None:
        import omni.usd

        from physicl_twin.kit.nodes.place import add_reference

        for usd in (await self._conversion.convert([path])).values():
            stage = omni.usd.get_context().get_stage()
            if usd is not None and stage is not None:
                add_reference(stage, "/World", Path(usd).stem, usd)

    def release(self) -> None:
        """Take it out again and stop what is under way."""
        self._window.delete_context_menu(MENU_ENTRY)
        self._conversion.release()
        for task in tuple(self._running):
            task.cancel()
