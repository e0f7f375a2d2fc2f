"""The keyboard: which key does what, whatever numbers the program around the panel has for its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

CONTROL = 2

#: Numbers of keys on the standalone ``ovui``: those of GLFW (https://www.glfw.org/docs/3.4/group__keys.html).
_GLFW = {"ESCAPE": 256, "ENTER": 257, "DOWN": 264, "UP": 265, "SPACE": 32} | {
    letter: ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
}
_GLFW |= {f"KEY_{digit}": ord(str(digit)) for digit in range(10)}


@dataclass(frozen=True, slots=True)
class Key:
    """A key with or without Ctrl.

    Attributes:
        name: As ``carb.input.KeyboardInput`` calls it.
        control: True when Ctrl is held.
    """

    name: str
    control: bool = False


def numbers() -> Mapping[str, int]:
    """Number by name of the keys that the panel uses."""
    try:
        from carb.input import KeyboardInput
    except ImportError:
        return _GLFW
    return {name: int(getattr(KeyboardInput, name)) for name in _GLFW}


class Keyboard:
    """Calls what a key stands for.

    Args:
        actions: By key.
        numbered: Number by name.
        flag: Bit of the modifiers that is no modifier (``Widget.FLAG_WANT_CAPTURE_KEYBOARD``).
    """

    def __init__(self, actions: Mapping[Key, Callable[[], None]], numbered: Mapping[str, int], flag: int) -> None:
        self._actions = {(numbered[key.name], key.control): run for key, run in actions.items()}
        self._flag = flag

    def pressed(self, key: int, modifiers: int, down: bool) -> None:
        """For ``Window.set_key_pressed_fn``."""
        held = modifiers & ~self._flag
        run = self._actions.get((key, held == CONTROL))
        if down and run is not None and held in (0, CONTROL):
            run()
