"""Tools > Robotics > Physicl Twin: the panel, and graphs that are ready to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from physicl_twin.kit import graphs

MENU = "Tools"
TITLE = "Physicl Twin"


@dataclass(frozen=True, slots=True)
class Entry:
    """An action and where it stands in the menu.

    Attributes:
        action: Its id in Kit's action registry.
        name: Its name, for people.
        description: What it does.
        run: Does it.
        folder: Submenus below ``Tools``, outermost first.
    """

    action: str
    name: str
    description: str
    run: Callable[[], None]
    folder: tuple[str, ...]


def entries(show_panel: Callable[[], None], create_graph: Callable[[graphs.GraphPlan], None]) -> tuple[Entry, ...]:
    """What the menu holds.

    Args:
        show_panel: Opens the panel.
        create_graph: Puts a ready-made graph on the stage.
    """
    panel = Entry(
        "show_panel", TITLE, "Turn source material into physically accurate twins.", show_panel, ("Robotics",)
    )
    made = [plan() for plan in graphs.PLANS]
    return (
        panel,
        *(
            Entry(
                f"create_graph:{plan.name}",
                plan.title,
                plan.purpose,
                lambda plan=plan: create_graph(plan),  # type: ignore[misc]
                ("Robotics", f"{TITLE} Graphs"),
            )
            for plan in made
        ),
    )


class Menu:
    """The entries in Kit's menu and action registry, for as long as it lives.

    Args:
        extension: Name of the extension that owns the actions.
        shown: The entries.
    """

    def __init__(self, extension: str, shown: tuple[Entry, ...]) -> None:
        from omni.kit.actions.core import get_action_registry
        from omni.kit.menu.utils import MenuItemDescription, add_menu_items

        self._extension = extension
        registry = get_action_registry()
        for entry in shown:
            registry.register_action(
                extension, entry.action, entry.run, display_name=entry.name, description=entry.description, tag=TITLE
            )
        self._actions = [entry.action for entry in shown]
        self._items = [_nest(entry, extension, MenuItemDescription) for entry in shown]
        add_menu_items(self._items, MENU)

    def release(self) -> None:
        """Take the entries out again."""
        from omni.kit.actions.core import get_action_registry
        from omni.kit.menu.utils import remove_menu_items

        remove_menu_items(self._items, MENU)
        self._items = []
        registry = get_action_registry()
        for action in self._actions:
            registry.deregister_action(self._extension, action)


def _nest(entry: Entry, extension: str, description: Callable[..., object]) -> object:
    """The item of an entry within its submenus; Kit merges submenus of the same name."""
    item = description(name=entry.name, onclick_action=(extension, entry.action))
    for folder in reversed(entry.folder):
        item = description(name=folder, sub_menu=[item])
    return item
