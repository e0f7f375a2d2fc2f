"""Which bodies do not collide with each other, and why."""

from __future__ import annotations

from physicl_twin.model import BodyPair, Note, Twin
from physicl_twin.normalize.dynamics.overlaps import Hulls, Overlap
from physicl_twin.normalize.kinematics import rigid_groups

#: So many pairs are named in a note.
_NAMED = 3


def adjacent_pairs(twin: Twin) -> frozenset[frozenset[int]]:
    """Pairs of bodies of one rigid group, and of two groups that a joint joins: they meet at the joint by design."""
    index = {body.name: i for i, body in enumerate(twin.bodies)}
    groups = rigid_groups(twin)
    members: dict[int, list[int]] = {}
    for body, group in enumerate(groups):
        members.setdefault(group, []).append(body)
    found = {frozenset((a, b)) for bodies in members.values() for a in bodies for b in bodies if a < b}
    for joint in twin.joints:
        if joint.body0 in index and joint.body1 in index:
            a, b = groups[index[joint.body0]], groups[index[joint.body1]]
            if a != b:
                found |= {frozenset((x, y)) for x in members[a] for y in members[b]}
    return frozenset(found)


def filters_of(twin: Twin, hulls: Hulls, deeper_than_m: float) -> tuple[tuple[BodyPair, ...], tuple[Note, ...]]:
    """Pairs that do not collide: what the source states, neighbours in the tree, and what overlaps as it stands.

    Args:
        twin: With joints and collision geometry.
        hulls: Its colliders.
        deeper_than_m: Depths up to this are contact.

    Returns:
        The pairs in order of the bodies, and a note about bodies that overlap without being neighbours.
    """
    names = [body.name for body in twin.bodies]
    index = {name: i for i, name in enumerate(names)}
    told = twin.articulation.filters if twin.articulation is not None else ()
    stated = {
        frozenset((index[pair.body0], index[pair.body1]))
        for pair in told
        if pair.reason == "stated" and pair.body0 in index and pair.body1 in index
    }
    adjacent = {pair for pair in adjacent_pairs(twin) if len(pair) == 2 and all(hulls.has(i) for i in pair)}
    poses = tuple(body.pose for body in twin.bodies)
    skip = stated | adjacent | _never_meet(twin)
    found = hulls.overlaps(poses, deeper_than_m, skip)
    pairs = [BodyPair(*_named(pair, names), "stated") for pair in _ordered(stated)]
    pairs += [BodyPair(*_named(pair, names), "adjacent") for pair in _ordered(adjacent - stated)]
    pairs += [BodyPair(names[o.body0], names[o.body1], "overlap") for o in found]
    return tuple(pairs), _notes(found, names)


def _never_meet(twin: Twin) -> set[frozenset[int]]:
    """Pairs of bodies that never move: nothing makes them collide."""
    still = [i for i, body in enumerate(twin.bodies) if body.static]
    return {frozenset((a, b)) for a in still for b in still if a < b}


def _ordered(pairs: set[frozenset[int]]) -> list[frozenset[int]]:
    return sorted(pairs, key=sorted)


def _named(pair: frozenset[int], names: list[str]) -> tuple[str, str]:
    a, b = sorted(pair)
    return names[a], names[b]


def _notes(found: tuple[Overlap, ...], names: list[str]) -> tuple[Note, ...]:
    if not found:
        return ()
    deepest = sorted(found, key=lambda o: -o.depth_m)
    listed = ", ".join(f"{names[o.body0]} and {names[o.body1]} by {1e3 * o.depth_m:.2g} mm" for o in deepest[:_NAMED])
    more = f" and {len(found) - _NAMED} more pairs" if len(found) > _NAMED else ""
    text = (
        f"Bodies overlap as they stand without being neighbours: {listed}{more}. They do not collide with each other."
    )
    hint = "Check the pose of the source, or its collision geometry; a pair that should collide must stand apart."
    return (Note("initial_overlap", "warning", text, hint),)
