"""What the extension adds to other extensions, each part there for as long as its owner is enabled."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


class Part(Protocol):
    """Something that the extension adds to another extension."""

    def release(self) -> None:
        """Take it away again."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A part that is only registered and unregistered.

    Attributes:
        unregister: Takes it away.
    """

    unregister: Callable[[], None]

    def release(self) -> None:
        """Take it away again."""
        self.unregister()


class Parts:
    """Makes each part when its owner is enabled, now or later, and releases it when the owner or we are disabled.

    Args:
        name: Of our extension, for the log.
        offers: What makes each part, by the extension that owns the place where it goes.
    """

    def __init__(self, name: str, offers: Mapping[str, Callable[[], Part]]) -> None:
        import omni.kit.app

        self._name = name
        self._made: dict[str, Part] = {}
        manager = omni.kit.app.get_app().get_extension_manager()
        # Calls at once where the owner is enabled, and again whenever it comes and goes; ends with the hooks.
        self._hooks: list[object] = [
            manager.subscribe_to_extension_enable(
                on_enable_fn=functools.partial(self._add, owner, make),
                on_disable_fn=functools.partial(self._remove, owner),
                ext_name=owner,
                hook_name=f"{name}:{owner}",
            )
            for owner, make in offers.items()
        ]

    def _add(self, owner: str, make: Callable[[], Part], _: str = "") -> None:
        """Add a part; one that fails must not take the others down, and the log says which and why."""
        import carb

        if owner in self._made:
            return
        try:
            self._made[owner] = make()
        except Exception:
            carb.log_error(f"{self._name} could not add its part to {owner}:\n{traceback.format_exc()}")

    def _remove(self, owner: str, _: str = "") -> None:
        part = self._made.pop(owner, None)
        if part is not None:
            part.release()

    def release(self) -> None:
        """Take all of them away, and listen no longer."""
        self._hooks.clear()
        for owner in tuple(self._made):
            self._remove(owner)
