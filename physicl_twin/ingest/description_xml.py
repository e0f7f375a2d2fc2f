"""XML of robot descriptions: a tree that knows its lines, and numbers that are numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from physicl_twin.ingest.guards import damaged
from physicl_twin.model import SourceError
from physicl_twin.model.geometry import FloatArray

#: Lengths, masses and moments from here on are damage; products of a few of them must stay finite (judgement).
LARGEST = 1e30
#: Elements inside elements beyond this are damage: descriptions nest a dozen deep (nested models a few dozen).
_MAX_DEPTH = 256


@dataclass(slots=True, eq=False)
class Element:
    """An element.

    Attributes:
        tag: As written, with its prefix: descriptions use prefixes that they do not declare (``drake:gear_ratio``).
        attributes: As written.
        file: Name of the file, for messages.
        line: Where it starts; 0 when the text was made by a program (xacro).
        text: All text directly inside, stripped.
        children: Elements directly inside.
    """

    tag: str
    attributes: dict[str, str]
    file: str
    line: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)

    @property
    def place(self) -> str:
        """``file, line n`` for messages."""
        return f"{self.file}, line {self.line}" if self.line else self.file

    @property
    def name(self) -> str:
        """The attribute ``name``, stripped; empty without it."""
        return self.attributes.get("name", "").strip()

    def get(self, attribute: str) -> str | None:
        """An attribute, stripped; None without it."""
        value = self.attributes.get(attribute)
        return None if value is None else value.strip()

    def find(self, path: str) -> Element | None:
        """The first element at a path of tags (``geometry/mesh``); None without it."""
        found = self
        for tag in path.split("/"):
            inside = next((child for child in found.children if child.tag == tag), None)
            if inside is None:
                return None
            found = inside
        return found

    def all(self, *tags: str) -> Iterator[Element]:
        """The children of these tags in their order."""
        return (child for child in self.children if child.tag in tags)

    def words(self, path: str) -> str | None:
        """Text of the first element at a path, or its attribute ``value``; None without it."""
        found = self.find(path)
        if found is None:
            return None
        return found.text or found.get("value") or ""

    def walk(self) -> Iterator[Element]:
        """The element and everything inside, in the order of the file."""
        waiting = [self]
        while waiting:
            here = waiting.pop()
            yield here
            waiting.extend(reversed(here.children))


def parse(text: bytes, file: str, lines: bool = True) -> Element:
    """The tree of an XML document.

    Args:
        text: The document.
        file: Its name, for messages.
        lines: False when its lines are those of no file that anybody has.

    Raises:
        SourceError: ``xml_entities_refused``, ``file_damaged``.
    """
    from xml.parsers import expat

    # Before the declaration nothing may stand, nor zeros after the end; both are an editor's, and no reason to refuse.
    text = text.rstrip(b"\0")
    start_of_file = len(text) - len(text.lstrip())
    blank = text[:start_of_file].count(b"\n")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    top: list[Element] = []
    open_elements: list[Element] = []
    texts: list[list[str]] = []

    def refuse(*_: object) -> int:
        raise SourceError(
            "xml_entities_refused",
            f"{file} declares XML entities, which can expand without limit or read other files.",
            "Remove the DOCTYPE from the file.",
        )

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_elements) >= _MAX_DEPTH:
            raise damaged(file, f"its elements are nested deeper than {_MAX_DEPTH}.")
        made = Element(tag, attributes, file, blank + parser.CurrentLineNumber if lines else 0)
        (open_elements[-1].children if open_elements else top).append(made)
        open_elements.append(made)
        texts.append([])

    def end(_: str) -> None:
        open_elements.pop().text = "".join(texts.pop()).strip()

    def characters(data: str) -> None:
        if texts:
            texts[-1].append(data)

    parser.EntityDeclHandler = refuse
    parser.UnparsedEntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    try:
        parser.Parse(text[start_of_file:], True)
    except expat.ExpatError as error:
        where = f"line {blank + error.lineno}, column {error.offset}"
        raise damaged(file, f"the XML is broken ({expat.ErrorString(error.code)}: {where}).") from error
    except (ValueError, LookupError) as error:
        raise damaged(file, f"the XML is broken ({error}).") from error
    return top[0]


def number(text: str, what: str, element: Element) -> float:
    """A number, perhaps infinite.

    Args:
        text: As written.
        what: For the message (``mass of 'arm'``).
        element: Where it stands.

    Raises:
        SourceError: ``number_invalid`` for text and for NaN.
    """
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise SourceError(
            "number_invalid", f"{element.place}: the {what} is {text[:60]!r}, which is no number.", "Correct the file."
        )
    return value


def numbers(text: str, count: int, what: str, element: Element) -> FloatArray:
    """So many finite numbers, separated by white space, or by commas as some write them.

    Raises:
        SourceError: ``number_invalid``, also for magnitudes beyond all sense.
    """
    words = text.split()
    if len(words) != count or any("," in word for word in words):
        words = text.replace(",", " ").split()
    values = np.array([number(word, what, element) for word in words], dtype=np.float64)
    if values.shape != (count,) or not (np.abs(values) < LARGEST).all():
        raise SourceError(
            "number_invalid",
            f"{element.place}: the {what} is {text[:60]!r}; it takes {count} finite numbers.",
            "Correct the file.",
        )
    return values


def name_of(element: Element, what: str) -> str:
    """The name that an element must have.

    Raises:
        SourceError: ``name_missing``.
    """
    if not element.name:
        raise SourceError("name_missing", f"{element.place}: a {what} has no name.", "Give it one.")
    return element.name


def quoted(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    """Names for a message: the first few, and how many more there are."""
    shown = ", ".join(repr(name[:80]) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
