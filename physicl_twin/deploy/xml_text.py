"""XML as we write it: numbers with every digit, two spaces of indent, a final newline."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable


def number(value: float) -> str:
    """The shortest text that reads back to the same double; no negative zero."""
    text = repr(float(value) + 0.0)
    return text.removesuffix(".0")


def numbers(values: Iterable[float]) -> str:
    """Numbers with a space between."""
    return " ".join(number(value) for value in values)


def text_of(root: ET.Element) -> str:
    """The document."""
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
