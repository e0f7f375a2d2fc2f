"""Which pieces may move together: what hangs free, what a name or an assembly node holds together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from physicl_twin.normalize.joints.contact import Contact
from physicl_twin.normalize.joints.frames import extents, flat_frame
from physicl_twin.normalize.joints.lines import Line
from physicl_twin.normalize.joints.naming import BELONGS, Meaning, another
from physicl_twin.normalize.joints.scene import Group, Scene
from physicl_twin.normalize.joints.twist import Twist

#: A group of more than this share of the whole's bounds is the whole (judgement).
_WHOLE = 0.9
#: A plate is thinner than this share of its smaller side (judgement, as a panel).
_THIN = 0.3
#: A bar is longer than so many radii and reaches about its axis less far than so many: no knob, no bow (judgements).
_SLENDER, _BARE = 4.0, 1.1


@dataclass(frozen=True, slots=True)
class Named:
    """A group that a name says moves.

    Attributes:
        group: Its pieces.
        meaning: What the name says.
        name: The name.
        node: True for an assembly node's.
    """

    group: Group
    meaning: Meaning
    name: str
    node: bool = False


def links_of(lines: Sequence[Line], but: Line | None = None) -> set[tuple[int, int]]:
    """Pairs of pieces that hold each other on any line but one."""
    return {pair for line in lines if line is not but for pair in line.pairs}


def loose_groups(scene: Scene, lines: Sequence[Line]) -> list[Group]:
    """Groups that neither touch nor hold what the base belongs to."""
    groups = scene.components(links=links_of(lines))
    return [group for group in groups if scene.base not in group]


def lifted_groups(scene: Scene, lines: Sequence[Line]) -> list[Group]:
    """Plates with something on them that come off what they touch along their normal: doors and lids without a gap."""
    links = links_of(lines)
    hanging = frozenset().union(*loose_groups(scene, lines))
    bars = _bars(scene)
    found: dict[Group, None] = {}
    for piece in scene.pieces:
        if piece.index == scene.base or piece.index in bars or piece.index in hanging:
            continue
        axes = flat_frame(piece)
        size = np.ptp(extents(piece.vertices, axes), axis=1)
        order = np.argsort(size, kind="stable")
        if size[order[0]] > _THIN * size[order[1]]:
            continue
        for sense in (1.0, -1.0):
            away = Twist("prismatic", sense * axes[order[0]], piece.vertices.mean(axis=0))
            group = _coming_off(scene, piece.index, away, links, bars)
            if scene.base in group or scene.main(group) != piece.index:
                continue
            grown = hangers_on(scene, group, [frozenset([bar]) for bar in bars])
            if len(grown) > 1 or _neighbours(scene, group) & bars:
                found.setdefault(grown)
    return list(found)


def _bars(scene: Scene) -> Group:
    """Bare slim rods: a hinge may be drawn so, which holds what is beside it and takes nothing along."""
    found = set()
    for one in scene.cylinders:
        reach = Twist("revolute", one.axis, one.point).reach(scene.pieces[one.piece].vertices)
        if one.convex and one.length > _SLENDER * one.radius and reach < _BARE * one.radius:
            found.add(one.piece)
    return frozenset(found)


def _coming_off(scene: Scene, index: int, away: Twist, links: set[tuple[int, int]], bars: Group) -> Group:
    """What a piece that moves takes along: what it does not slide on or leave, and so on from there, but for bars."""
    neighbours: dict[int, list[tuple[int, Contact]]] = {}
    for contact in scene.contacts:
        neighbours.setdefault(contact.a, []).append((contact.b, contact))
        neighbours.setdefault(contact.b, []).append((contact.a, contact))
    group, waiting = {index}, [index]
    while waiting and scene.base not in group:
        one = waiting.pop()
        taken = {other for other, contact in neighbours.get(one, []) if not contact.lets_go(away, one)}
        taken |= {b if a == one else a for a, b in links if one in (a, b)}
        taken -= bars
        waiting += taken - group
        group |= taken
    return frozenset(group)


def named_groups(scene: Scene, lines: Sequence[Line]) -> list[Named]:
    """Groups that names say move: all of an assembly node, or a piece with what hangs on it alone."""
    found: dict[Group, Named] = {}
    nodes: dict[tuple[str, ...], set[int]] = {}
    for piece in scene.pieces:
        for depth in range(1, len(piece.path) + 1):
            nodes.setdefault(piece.path[:depth], set()).add(piece.index)
    for path, members in nodes.items():
        meaning = scene.table.meaning(path[-1], scene.thing)
        if meaning.kind == "role" and scene.base not in members and not _too_much(scene, members):
            found.setdefault(frozenset(members), Named(frozenset(members), meaning, path[-1], True))
    ground = {
        piece.index
        for piece, meaning in zip(scene.pieces, scene.meanings, strict=True)
        if meaning.kind in ("base", "structure") or piece.index == scene.base
    }
    covered = {index for named in found.values() for index in named.group}
    links = links_of(lines)
    for piece, meaning in zip(scene.pieces, scene.meanings, strict=True):
        if meaning.kind != "role" or piece.index in covered or piece.index in ground:
            continue
        others = frozenset(
            other.index
            for other, said in zip(scene.pieces, scene.meanings, strict=True)
            if said.kind == "role"
            and said.role not in BELONGS
            and (said.role != meaning.role or another(piece.part, other.part, meaning.role))
        )
        role = scene.table.roles[meaning.role]
        if role.symmetric:
            group = frozenset([piece.index])
        else:
            parts = scene.components(links=links, without=frozenset(ground) | others)
            group = next(part for part in parts if piece.index in part)
        if not _too_much(scene, group):
            found.setdefault(group, Named(group, meaning, piece.part))
    return list(found.values())


def hangers_on(scene: Scene, group: Group, components: Iterable[Group]) -> Group:
    """The group with those components that touch it and nothing else but what touches it."""
    loose = {part for part in components if not part & group and scene.base not in part}
    grown = set(group)
    changed = True
    while changed:
        changed = False
        for part in sorted(loose, key=min):
            touched = _neighbours(scene, part)
            if touched and touched <= grown:
                grown |= part
                loose.discard(part)
                changed = True
    return frozenset(grown)


def _neighbours(scene: Scene, group: Group) -> set[int]:
    touched = set()
    for contact in scene.contacts:
        if (contact.a in group) != (contact.b in group):
            touched.add(contact.b if contact.a in group else contact.a)
    return touched


def _too_much(scene: Scene, members: Iterable[int]) -> bool:
    vertices = scene.vertices(members)
    diagonal = float(np.linalg.norm(vertices.max(axis=0) - vertices.min(axis=0)))
    mine = frozenset(members)
    rest = frozenset(range(len(scene.pieces))) - mine
    if not rest:
        return True
    larger = max(piece.diagonal for piece in scene.members(mine)) > max(p.diagonal for p in scene.members(rest))
    return diagonal > _WHOLE * scene.size and len(mine) > 0.7 * len(scene.pieces) and larger
