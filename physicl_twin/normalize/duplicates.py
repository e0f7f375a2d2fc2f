"""Parts that stand twice in the same place: exporters write back faces as copies; matter is there once."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from physicl_twin.model import Body, Note, Part, Shape, Twin

#: Corners are the same when they agree to this fraction of the twin's extent.
_SAME = 1e-6


def without_duplicate_parts(twin: Twin) -> Twin:
    """The twin without parts whose cleaned surface coincides with an earlier part's of the same body and role.

    The earlier part keeps its name, look and hints; a note names what was dropped.
    """
    shapes = {shape.name: shape for shape in twin.shapes}
    step = _SAME * max((_extent(shape) for shape in twin.shapes), default=1.0)
    bodies: list[Body] = []
    dropped: list[tuple[str, str]] = []
    for body in twin.bodies:
        kept: dict[tuple[str, str], Part] = {}
        for part in body.parts:
            key = part.role, _fingerprint(part, shapes[part.shape], step)
            if key in kept:
                dropped.append((part.name, kept[key].name))
            else:
                kept[key] = part
        bodies.append(replace(body, parts=tuple(kept.values())) if len(kept) < len(body.parts) else body)
    if not dropped:
        return twin
    placed = {part.shape for body in bodies for part in body.parts}
    names = ", ".join(f"{copy} (as {original})" for copy, original in dropped[:3])
    more = f" and {len(dropped) - 3} more" if len(dropped) > 3 else ""
    note = Note("duplicate_parts", "info", f"Parts that stood twice in the same place count once: {names}{more}.")
    remaining = tuple(shape for shape in twin.shapes if shape.name in placed)
    return replace(twin, bodies=tuple(bodies), shapes=remaining).with_notes(note)


def _extent(shape: Shape) -> float:
    assert shape.mesh is not None
    low, high = shape.mesh.bounds()
    return float((high - low).max())


def _fingerprint(part: Part, shape: Shape, step: float) -> str:
    """Equal for two placements of the same corners and as many triangles, whatever their order or winding."""
    assert shape.mesh is not None
    corners = np.unique(np.round(part.pose.apply(shape.mesh.vertices) / step).astype(np.int64), axis=0)
    return hashlib.sha256(corners.tobytes() + str(len(shape.mesh.faces)).encode()).hexdigest()
