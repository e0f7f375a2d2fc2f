"""What can be seen of a CAD file's damage before the kernel reads it: the kernel crashes or loops on much of it."""

from __future__ import annotations

import mmap
import re

from physicl_twin.ingest.guards import damaged
from physicl_twin.model import SourceError

#: Sections of an ASCII BREP file, in order.
_BREP_SECTIONS = (b"Locations", b"Curve2ds", b"Curves", b"Polygon3D", b"PolygonOnTriangulations", b"Surfaces",
                  b"Triangulations", b"TShapes")  # fmt: skip
_NUMBER = rb"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
#: Words between the numbers: kinds of shapes, continuities of edges, and the end mark of lists.
_BREP_TOKEN = re.compile(_NUMBER + rb"(?:C[0-3N]|G[12])?|Ve|Ed|Wi|Fa|Sh|So|CS|Co|C[0-3N]|G[12]|\*")
#: Section letter and line number in columns 73 to 80.
_IGES_SEQUENCE = re.compile(rb"([SGDPT])\s*(\d+)\s*$")


def truncated(name: str, what: str) -> SourceError:
    """The error for a file whose end is missing."""
    return SourceError("file_truncated", f"{name} ends early: {what}.", "Copy or export the file again.")


def check_step(data: bytes | mmap.mmap, name: str) -> None:
    """Refuse what is not a whole ISO 10303-21 file.

    Raises:
        SourceError: ``not_step``, ``file_truncated`` or ``file_damaged``.
    """
    start = data.find(b"ISO-10303-21;", 0, 4096)
    if start < 0:
        raise SourceError(
            "not_step", f"{name} does not start like a STEP file (ISO-10303-21).", "Check the file's suffix."
        )
    if data.find(b"DATA", start) < 0 or data.rfind(b"END-ISO-10303-21;") < 0:
        raise truncated(name, "the closing line END-ISO-10303-21 is missing")
    if data.find(b"\0") >= 0:
        raise damaged(name, "its text holds zero bytes.")


def check_iges(data: bytes, name: str) -> None:
    """Refuse what is not a whole IGES file: numbered lines, sections as long as the last line says (IGES 5.3, 2.2.4).

    Raises:
        SourceError: ``not_iges``, ``iges_form_unsupported``, ``file_truncated`` or ``file_damaged``.
    """
    lines = [line for line in re.split(rb"\r\n|\n|\r", data) if line.strip()]
    letters = [line[72:73] for line in lines]
    if not lines or letters[0] not in (b"S", b"C", b"B"):
        raise SourceError("not_iges", f"{name} does not start like an IGES file.", "Check the file's suffix.")
    if letters[0] != b"S":
        raise SourceError("iges_form_unsupported", f"{name} is a compressed or binary IGES file.", "Export ASCII IGES.")
    if letters[-1] != b"T":
        raise truncated(name, "the terminate section is missing")
    for letter, count in re.findall(rb"([SGDP])\s*(\d+)", lines[-1][:64]):
        if letters.count(letter) != int(count):
            raise damaged(name, f"section {letter.decode()} has {letters.count(letter)} lines instead of {int(count)}.")
    expected: dict[bytes, int] = {}
    entities = letters.count(b"D")
    for line in lines:
        match = _IGES_SEQUENCE.search(line[72:80])
        number = expected[line[72:73]] = expected.get(line[72:73], 0) + 1
        if match is None or int(match.group(2)) != number:
            raise damaged(name, f"a line of section {line[72:73]!r} has a wrong sequence number.")
        if line[72:73] == b"D" and not re.fullmatch(rb"(?:[ \d+-]{8}){7}.{16}", line[:72]):
            raise damaged(name, f"directory line {number} holds something else than numbers.")
        if line[72:73] == b"P":
            owner = line[64:72].strip()
            if not owner.isdigit() or not 1 <= int(owner) <= entities:
                raise damaged(name, f"parameter line {number} belongs to no entity.")


def check_brep(data: bytes, name: str) -> bool:
    """Refuse what is not a whole BREP file.

    The ASCII form is a fixed sequence of counted sections of numbers that ends with one shape reference.

    Returns:
        True for the binary form, of which only the head is looked at.

    Raises:
        SourceError: ``not_brep``, ``file_truncated`` or ``file_damaged``.
    """
    head = data[:512]
    if b"Open CASCADE Topology V" in head:
        return True
    if b"CASCADE Topology V" not in head and not head.lstrip().startswith(b"DBRep_DrawableShape"):
        raise SourceError("not_brep", f"{name} does not start like an OpenCASCADE BREP file.", "Check the suffix.")
    position = 0
    for number, section in enumerate(_BREP_SECTIONS):
        match = re.compile(rb"^" + section + rb"\s+(\d+)", re.MULTILINE).search(data, position)
        if match is None:
            raise truncated(name, f"its section {section.decode()} is missing")
        if int(match.group(1)) > len(data):
            raise damaged(name, f"its section {section.decode()} counts more entries than the file has bytes.")
        if number:
            _check_tokens(data[position : match.start()], name, _BREP_SECTIONS[number - 1])
        position = match.end()
    _check_tokens(data[position:], name, _BREP_SECTIONS[-1])
    if not re.search(rb"\*\s*[+-]\d+ \d+\s*$", data[-256:]):
        raise truncated(name, "the closing shape reference is missing")
    return False


def _check_tokens(section: bytes, name: str, title: bytes) -> None:
    """The kernel's reader loops for ever on a word where it expects a number."""
    for token in section.split():
        if _BREP_TOKEN.fullmatch(token) is None:
            shown = token[:20].decode("ascii", "replace")
            raise damaged(name, f"its section {title.decode()} holds {shown!r} where a number belongs.")
