"""Hinges that are drawn as a bare round barrel along an edge of a panel, in whatever they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.cylinders import Cylinder
from physicl_twin.normalize.joints.scene import Group, Scene
from physicl_twin.normalize.joints.twist import Twist
from physicl_twin.normalize.material_text import words
from physicl_twin.normalize.semantics import singular

#: A barrel runs along an edge to this cosine (1.5°).
PARALLEL = float(np.cos(np.radians(1.5)))
#: The piece reaches this far about the barrel's axis, radii: it is a bare pin or a knuckle with a lug (judgement).
_BARE = 3.0
#: A barrel is so far from the edge at most: radii, metres more, and thicknesses of the panel inwards (judgement).
_NEAR, _NEAR_M, _INWARDS = 2.0, 0.003, 1.0
#: It is slimmer than this share of the panel's smaller side (judgement).
_SLIM = 0.12
#: What is called so is a hinge.
_HINGES = frozenset(
    ["hinge", "knuckle", "pin", "pivot", "axle", "barrel", "scharnier", "charniere", "bisagra", "cerniera"]
)


def barrels_of(scene: Scene, group: Group, normal: FloatArray) -> list[Cylinder]:
    """Slim round barrels that lie in the plane of a panel, longest first; no handles."""
    found = []
    for one in scene.cylinders:
        if not one.convex or abs(float(one.axis @ normal)) > 0.03 or one.piece == scene.main(group):
            continue
        if one.length < 2.0 * one.radius:
            continue
        piece = scene.pieces[one.piece]
        said = scene.meanings[one.piece]
        is_hinge = bool(_HINGES & set(singular(words(piece.part))))
        if said.kind in ("role", "base", "structure") or (said.kind == "attached" and not is_hinge):
            continue
        about = Twist("revolute", one.axis, one.point)
        if is_hinge or about.reach(piece.vertices) <= _BARE * one.radius:
            found.append(one)
    return sorted(found, key=lambda one: -one.length)


def at_edges(barrels: Sequence[Cylinder], axes: FloatArray, spans: FloatArray) -> tuple[tuple[int, Cylinder], ...]:
    """Barrels along an edge of a panel (width low, width high, height low, height high).

    Args:
        barrels: From ``barrels_of``.
        axes: (3, 3) rows: outward normal, width and height directions.
        spans: (3, 2) of the panel along them.
    """
    size = spans[:, 1] - spans[:, 0]
    found = []
    for one in barrels:
        if one.radius > _SLIM * float(size[1:].min()):
            continue
        at = axes @ one.point
        near = _NEAR * one.radius + _NEAR_M
        if at[0] < spans[0, 0] - near or at[0] > spans[0, 1] + near:
            continue
        for edge in range(4):
            across, along = (1, 2) if edge < 2 else (2, 1)
            if abs(float(one.axis @ axes[along])) < PARALLEL:
                continue
            if abs(at[along] - spans[along].mean()) + 0.5 * one.length > 0.55 * size[along]:
                continue
            sense = 1.0 if edge % 2 else -1.0
            beyond = sense * float(at[across] - spans[across, edge % 2])
            inwards = max(near, min(_INWARDS * float(size[0]), 0.1 * float(size[across])))
            if -inwards <= beyond <= near:
                found.append((edge, one))
    return tuple(found)
