"""Handles: parts that a hand or a gripper takes hold of, and the lines along which it closes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from physicl_twin.usd.grasp import GraspLine, grasp_line, handle_line
from physicl_twin.usd.layout import Layout
from physicl_twin.usd.options import GraspOptions

#: Words for what one pulls, turns or carries things by, folded (judgement: the words of hardware catalogues in English,
#: German and French; not French "manche", which also is a sleeve, nor "pull", which also is a verb).
WORDS = frozenset(
    {
        *(
            "handle",
            "handles",
            "knob",
            "knobs",
            "lever",
            "levers",
            "grip",
            "grips",
            "handgrip",
            "doorknob",
            "doorhandle",
        ),
        *(
            "griff",
            "griffe",
            "turgriff",
            "tuergriff",
            "handgriff",
            "henkel",
            "knauf",
            "turknauf",
            "klinke",
            "turklinke",
        ),
        *("tuerklinke", "hebel", "drehknopf", "mobelgriff", "bugelgriff", "muschelgriff"),
        *("poignee", "poignees", "bouton", "boutons", "levier", "leviers", "bequille", "anse"),
    }
)
#: Endings of German compounds that name a handle ("Schubladengriff"), from this many letters before them on.
_ENDINGS = ("griff", "knauf", "klinke", "henkel", "hebel")
_STEM = 3
#: Words that end like one and are none.
_NOT = frozenset({"angriff", "begriff", "eingriff", "zugriff", "ubergriff"})


@dataclass(frozen=True, slots=True)
class PlacedGrasp:
    """A grasp line and the path of its curve, a child of its body."""

    prim: str
    line: GraspLine


def is_handle(name: str) -> bool:
    """True when a part's name says that it is a handle, in English, German or French."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    folded = "".join(
        c for c in unicodedata.normalize("NFKD", spaced.replace("ß", "ss")) if not unicodedata.combining(c)
    )
    for word in re.findall(r"[a-z]+", folded.casefold()):
        if word in WORDS:
            return True
        if word not in _NOT and any(word.endswith(end) and len(word) >= len(end) + _STEM for end in _ENDINGS):
            return True
    return False


def plan_grasps(layout: Layout, options: GraspOptions) -> tuple[PlacedGrasp, ...]:
    """The lines of a twin: across its only body, or across every handle of what has joints; numbered in the asset."""
    twin = layout.twin
    found: list[PlacedGrasp] = []

    def add(body: str, line: GraspLine | None) -> None:
        if line is not None:
            found.append(PlacedGrasp(f"{body}/grasp_identifier_{len(found) + 1:02d}", line))

    for plan in layout.bodies:
        if len(layout.bodies) == 1 and not twin.joints and not plan.body.static:
            add(plan.prim, grasp_line(twin, plan.body, options))
        elif not plan.body.static:
            for part in plan.body.parts:
                if part.visible and is_handle(part.name):
                    add(plan.prim, handle_line(twin, plan.body, part, options))
    return tuple(found)
