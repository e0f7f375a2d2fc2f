"""How doors and windows operate: the panels that each operation of IFC asks for, where they are and how they move.

The conventions are those of IFC 4.3 (IfcDoor, IfcDoorTypeOperationEnum, IfcWindowPanelOperationEnum): in the element's
own frame x runs along the width and z up, panels that swing do so to +y, and left and right are as seen in the
direction of +y: left is the smaller x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Motion = Literal["revolute", "prismatic"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One moving panel that the operation asks for.

    Attributes:
        place: ``whole``, ``left``, ``right``, ``top``, ``bottom`` or ``middle`` of the opening.
        motion: How it moves.
        edge: Of a hinge: ``left``, ``right``, ``top`` or ``bottom``; of a slide: the direction that it moves to.
        both_ways: It swings to -y, too.
    """

    place: str
    motion: Motion
    edge: str
    both_ways: bool = False


#: Panels of each operation of doors; those that are absent are not modelled. The fixed panel of SWING_FIXED stays.
DOOR_OPERATIONS: dict[str, tuple[Panel, ...]] = {
    "SINGLE_SWING_LEFT": (Panel("whole", "revolute", "left"),),
    "SINGLE_SWING_RIGHT": (Panel("whole", "revolute", "right"),),
    "DOUBLE_SWING_LEFT": (Panel("whole", "revolute", "left", True),),
    "DOUBLE_SWING_RIGHT": (Panel("whole", "revolute", "right", True),),
    "DOUBLE_DOOR_SINGLE_SWING": (Panel("left", "revolute", "left"), Panel("right", "revolute", "right")),
    "DOUBLE_DOOR_DOUBLE_SWING": (Panel("left", "revolute", "left", True), Panel("right", "revolute", "right", True)),
    "SWING_FIXED_LEFT": (Panel("left", "revolute", "left"),),
    "SWING_FIXED_RIGHT": (Panel("right", "revolute", "right"),),
    "SLIDING_TO_LEFT": (Panel("whole", "prismatic", "left"),),
    "SLIDING_TO_RIGHT": (Panel("whole", "prismatic", "right"),),
    "DOUBLE_DOOR_SLIDING": (Panel("left", "prismatic", "left"), Panel("right", "prismatic", "right")),
}
#: Motion and edge of a window's panel; a tilt-and-turn sash is taken as turning.
WINDOW_OPERATIONS: dict[str, tuple[Motion, str]] = {
    "SIDEHUNGRIGHTHAND": ("revolute", "right"),
    "SIDEHUNGLEFTHAND": ("revolute", "left"),
    "TILTANDTURNRIGHTHAND": ("revolute", "right"),
    "TILTANDTURNLEFTHAND": ("revolute", "left"),
    "TOPHUNG": ("revolute", "top"),
    "BOTTOMHUNG": ("revolute", "bottom"),
}
#: Where a sliding sash goes from its position: to where the other one is.
_SLIDES = {
    ("SLIDINGHORIZONTAL", "LEFT"): "right",
    ("SLIDINGHORIZONTAL", "RIGHT"): "left",
    ("SLIDINGVERTICAL", "BOTTOM"): "top",
    ("SLIDINGVERTICAL", "TOP"): "bottom",
}
FIXED = frozenset(["FIXEDCASEMENT", "FIXEDPANEL", ""])


def panels_of(ifc_class: str, opening: dict[str, Any]) -> tuple[tuple[Panel, ...], str]:
    """The panels that a door or window moves, and, where that is not all, what is not modelled.

    Args:
        ifc_class: ``IfcDoor…`` or ``IfcWindow…``.
        opening: What the file says, from ``ifc_facts``.
    """
    operation = opening["operation"]
    if not ifc_class.startswith("IfcWindow"):
        known = DOOR_OPERATIONS.get(operation, ())
        if known or operation in ("", "NOTDEFINED"):
            return known, "" if known else "the file does not say how it opens"
        return (), f"{operation} is not modelled"
    found, missing = [], []
    single = len(opening["panels"]) == 1
    for panel in opening["panels"]:
        how, where = panel["operation"], panel["position"]
        place = "whole" if single else where.lower() or "whole"
        if how in WINDOW_OPERATIONS:
            motion, edge = WINDOW_OPERATIONS[how]
            found.append(Panel(place, motion, edge))
            if how.startswith("TILTANDTURN"):
                missing.append("it tilts, too, which is left out")
        elif (how, where) in _SLIDES:
            found.append(Panel(where.lower(), "prismatic", _SLIDES[how, where]))
        elif how not in FIXED:
            missing.append(f"{how} is not modelled")
    if not opening["panels"]:
        missing.append("the file does not say how it opens")
    return tuple(found), "; ".join(dict.fromkeys(missing))
