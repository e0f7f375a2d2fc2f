"""Two or more states of a thing to its joints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from physicl_twin.model import Evidence, GeometryError, Note, Twin
from physicl_twin.normalize.motion.authoring import author
from physicl_twin.normalize.motion.seen import SeenJoint, opening_positively
from physicl_twin.normalize.states.grouping import Group, group_parts
from physicl_twin.normalize.states.matching import Matching, match_parts
from physicl_twin.normalize.states.placed import placed_parts
from physicl_twin.normalize.states.shells import fused_by_group, in_shells
from physicl_twin.normalize.states.tree import Edge, joined, spanning_tree

#: How often a hinge or slide that explains the states to some micrometres is something else (judgement: two joints in a
#: row whose states happen to look like one); with one more state half as often.
_DOUBT = 0.03
#: What a joint may miss the states by, share of the thing's size (float32 coordinates of a mesh file) and metres.
_MISS_SHARE, _MISS_M = 1e-5, 5e-5
_NAMED = 6


def with_states(twin: Twin, states: Sequence[Twin], confident: float) -> Twin:
    """The twin with the joints that its other states show.

    Args:
        twin: The main state, with geometry; 0 of every joint is where it stands here.
        states: The same thing with its parts in other places, metres and Z up.
        confident: Probability from which a joint is authored; below it is proposed.

    Raises:
        GeometryError: ``states_do_not_match`` when fewer than half of the parts are found again.
    """
    if twin.joints:
        message = "The source states its joints itself; its other states are not used."
        return twin.with_notes(Note("states_not_used", "info", message))
    fused, shells = twin, None
    if (apart := in_shells(twin)) is not None:
        twin, shells = apart
        states = [state if (split := in_shells(state)) is None else split[0] for state in states]
    parts = placed_parts(twin)
    others = [placed_parts(state) for state in states]
    matchings = [match_parts(parts, other) for other in others]
    for state, matching in zip(states, matchings, strict=True):
        if 2 * len(matching.matches) < len(parts):
            raise GeometryError(
                "states_do_not_match",
                f"Only {len(matching.matches)} of {len(parts)} parts of {twin.title} are in {_file(state)}.",
                "Give the same assembly with its parts in other places, from the same program.",
            )
    notes = [note for state, m in zip(states, matchings, strict=True) for note in _losses(twin, state, m)]
    groups = group_parts(parts, others, matchings)
    size = float(np.linalg.norm(np.ptp(np.concatenate([group.bounds for group in groups]), axis=0)))
    if len(groups) == 1:
        message = f"Nothing moves between {_file(twin)} and {', '.join(_file(state) for state in states)}."
        return fused.with_notes(*notes, Note("states_alike", "warning", message, "Give a state with a door open."))
    tolerance_m = _MISS_M + _MISS_SHARE * size
    edges = spanning_tree(groups, tolerance_m)
    while any(edge.screw.type == "fixed" for edge in edges):
        # Pieces that do not touch and yet hang together: a pane in its frame.
        groups = joined(groups, next(edge for edge in edges if edge.screw.type == "fixed"))
        edges = spanning_tree(groups, tolerance_m)
    seen = [_seen(groups, edge, twin, states) for edge in edges]
    numbers = {part.name: number for number, group in enumerate(groups) for part in group.parts}
    for part in twin.parts:  # a part without triangles stays with the base
        numbers.setdefault(part.name, 0)
    if shells is not None:
        twin, numbers = fused_by_group(fused, shells, numbers)
    return author(twin.with_notes(*notes), numbers, seen, confident)


def _seen(groups: list[Group], edge: Edge, twin: Twin, states: Sequence[Twin]) -> SeenJoint:
    screw = edge.screw
    q = np.append(screw.coordinates, 0.0)
    axis, lower, upper = opening_positively(screw.axis, float(q.min()), float(q.max()))
    # A joint that costs no more than a hinge in place is as sure as can be; each nat of it weighs as odds.
    odds = (1 / _DOUBT - 1) * 2.0 ** (len(states) - 1) * np.exp(-max(0.0, edge.cost - 2.0))
    probability = float(odds / (1 + odds)) * edge.share
    moved = (
        f"{np.degrees(upper - lower):.1f}°"
        if screw.type in ("revolute", "screw")
        else f"{1000 * (upper - lower):.1f} mm"
    )
    files = ", ".join(_file(state) for state in states)
    statement = (
        f"{groups[edge.child].parts[0].name} and what is fast to it moves by {moved} between the states; "
        f"a {screw.type} joint explains that to {1e6 * screw.miss_m:.0f} µm."
    )
    reasons = [Evidence("fit", statement, f"{_file(twin)}, {files}", "states")]
    if screw.type in ("revolute", "prismatic"):
        reasons.append(
            Evidence("fit", "The limits are the range between the states; it may go farther.", files, "limits")
        )
    return SeenJoint(
        edge.parent,
        edge.child,
        screw.type,
        axis,
        screw.point,
        lower,
        upper,
        0.0,
        screw.pitch,
        probability,
        tuple(reasons),
    )


def _losses(twin: Twin, state: Twin, matching: Matching) -> list[Note]:
    notes = []
    for code, names, what in (
        ("state_part_missing", matching.missing, f"are not in {_file(state)}; they stay with what they touch"),
        ("state_part_added", matching.added, f"are only in {_file(state)} and not in the twin"),
        (
            "state_part_changed",
            matching.changed,
            f"have another shape in {_file(state)}; they stay with what they touch",
        ),
    ):
        if names:
            shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            notes.append(Note(code, "warning", f"Parts {what}: {shown}."))
    return notes


def _file(twin: Twin) -> str:
    return twin.sources[0].name if twin.sources else twin.title
