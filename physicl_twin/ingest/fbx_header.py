"""Unit and axis that an FBX file states in its global settings, in its ASCII and its binary form."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_BINARY = b"Kaydara FBX Binary"


@dataclass(frozen=True, slots=True)
class FbxHeader:
    """Global settings.

    Attributes:
        cm_per_unit: ``UnitScaleFactor``; None when it is not stated.
        up_axis: ``x``, ``y`` or ``z``; empty when it is not stated.
    """

    cm_per_unit: float | None
    up_axis: str


def read_header(data: bytes) -> FbxHeader:
    """Global settings of the file's bytes."""
    scale = _property(data, "UnitScaleFactor")
    axis, sign = _property(data, "UpAxis"), _property(data, "UpAxisSign")
    known = axis in (0.0, 1.0, 2.0) and (sign is None or sign > 0)
    return FbxHeader(scale if scale and 0 < scale < 1e9 else None, "xyz"[int(axis or 0)] if known else "")


def _property(data: bytes, name: str) -> float | None:
    """First value of a numeric property."""
    if data.startswith(_BINARY):
        return _binary_property(data, name.encode())
    match = re.search(rb'P(?:roperty)?:\s*"' + name.encode() + rb'"[^\n]*?,\s*([-+0-9.eE]+)\s*\r?$', data, re.MULTILINE)
    try:
        return float(match.group(1)) if match else None
    except ValueError:
        return None


def _binary_property(data: bytes, name: bytes) -> float | None:
    """A node property list: strings (name, type, label, flags) and then the value, each with a type letter."""
    position = data.find(b"S" + struct.pack("<I", len(name)) + name)
    if position < 0:
        return None
    for _ in range(8):
        kind = data[position : position + 1]
        if kind == b"S":
            (length,) = struct.unpack_from("<I", data, position + 1) if position + 5 <= len(data) else (len(data),)
            position += 5 + length
            continue
        layout = {b"D": "<d", b"F": "<f", b"I": "<i", b"L": "<q", b"Y": "<h"}.get(kind)
        if layout is None or position + 1 + struct.calcsize(layout) > len(data):
            return None
        return float(struct.unpack_from(layout, data, position + 1)[0])
    return None
