"""Which bodies of an MJCF model do not collide with each other."""

from __future__ import annotations

from dataclasses import dataclass

from physicl_twin.ingest.mjcf_joints import Mechanism
from physicl_twin.ingest.mjcf_model import MjcfModel
from physicl_twin.ingest.mjcf_tree import WORLD, Tree
from physicl_twin.model import BodyPair, Note

#: More pairs than this say that whole groups are kept apart; they are told and not listed (judgement).
_MAX_PAIRS = 2000

Masks = frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What does not collide.

    Attributes:
        self_collision: False when no two moving bodies that are not adjacent can touch each other.
        pairs: Single pairs that cannot.
        notes: What was simplified.
    """

    self_collision: bool
    pairs: tuple[BodyPair, ...]
    notes: tuple[Note, ...]


def read_filters(model: MjcfModel, tree: Tree, mechanism: Mechanism) -> Filters:
    """Filters from ``exclude`` elements and from the masks of the geoms (contype, conaffinity)."""
    masks: dict[int, set[tuple[int, int]]] = {}
    for geom in model.geoms:
        holder = tree.holder.get(geom.body, -1)
        if geom.collides and holder > WORLD:
            masks.setdefault(holder, set()).add((geom.contype, geom.conaffinity))
    fixed = {body: frozenset(kinds) for body, kinds in masks.items()}
    touching: dict[tuple[Masks, Masks], bool] = {}
    bodies = sorted(fixed)
    apart: list[tuple[int, int]] = []
    meet = candidates = False
    for i, one in enumerate(bodies):
        for other in bodies[i + 1 :]:
            if tree.parent.get(other) == one or tree.parent.get(one) == other:
                continue  # adjacent bodies never collide in MuJoCo, whatever their masks
            if one in tree.static and other in tree.static:
                continue
            candidates = True
            key = (fixed[one], fixed[other])
            if key not in touching:
                touching[key] = _touch(*key)
            if not touching[key]:
                apart.append((one, other))
            elif one not in tree.static and other not in tree.static:
                meet = True
    excluded = set()
    for first, second in model.excludes:
        one, other = tree.holder.get(first, -1), tree.holder.get(second, -1)
        if one > WORLD and other > WORLD and one != other:
            excluded.add((min(one, other), max(one, other)))
    notes = []
    if not meet:
        apart = [pair for pair in apart if pair[0] in tree.static or pair[1] in tree.static]
    if len(apart) > _MAX_PAIRS:
        message = f"{len(apart)} pairs of bodies are kept apart by contact masks; these masks are left out."
        notes.append(Note("contact_masks_left_out", "warning", message))
        apart = []
    names = mechanism.names
    pairs = tuple(BodyPair(names[a], names[b], "stated") for a, b in sorted(excluded | set(apart)))
    return Filters(meet or not candidates, pairs, tuple(notes))


def _touch(one: Masks, other: Masks) -> bool:
    """MuJoCo's rule: the contact type of one geom meets the affinity of the other (mj_collideGeoms)."""
    return any((a & d) or (c & b) for a, b in one for c, d in other)
