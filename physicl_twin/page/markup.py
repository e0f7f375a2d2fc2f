"""HTML and SVG as strings, escaped in one place."""

from __future__ import annotations

import html
from collections.abc import Iterable

#: Elements that have no end tag.
_VOID = {"meta", "img", "br", "hr", "link", "input"}


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


Child = str | Markup | None


def text(value: str) -> Markup:
    """Plain text, escaped."""
    return Markup(html.escape(value, quote=False))


def tag(name: str, /, *children: Child | Iterable[Child], **attributes: str | bool | None) -> Markup:
    """An element. ``class_`` is class, underscores become hyphens, None and False are left out, True is bare."""
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        written.append(f" {label}" if value is True else f' {label}="{html.escape(str(value), quote=True)}"')
    opening = f"<{name}{''.join(written)}>"
    if name in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{join(*children)}</{name}>")


def join(*children: Child | Iterable[Child]) -> Markup:
    """Children one after another; plain strings are escaped."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            parts.append(str(child))
        elif isinstance(child, str):
            parts.append(html.escape(child, quote=False))
        else:
            parts.append(str(join(*child)))
    return Markup("".join(parts))


def elide(value: str, length: int = 40) -> str:
    """A long name with its middle left out, so that both its ends can be read."""
    if len(value) <= length:
        return value
    head = (length - 1) * 2 // 3
    return f"{value[:head]}…{value[-(length - 1 - head) :]}"


def named(value: str, length: int = 40, name: str = "span") -> Markup:
    """A name, elided in the middle, with the full text on hover."""
    short = elide(value, length)
    return tag(name, short, title=value if short != value else None)
