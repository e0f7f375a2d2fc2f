"""Everything about an object that its candidates are judged by: pieces, contacts, round faces, names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from physicl_twin.model import Twin
from physicl_twin.model.geometry import FloatArray
from physicl_twin.normalize.joints.contact import Contact, contacts_of
from physicl_twin.normalize.joints.cylinders import Cylinder, cylinders_of
from physicl_twin.normalize.joints.naming import BELONGS, OWNERS, Meaning, RoleTable, shipped_roles
from physicl_twin.normalize.joints.pieces import Piece
from physicl_twin.normalize.joints.settings import JointSettings
from physicl_twin.normalize.joints.sweep import Pair, Travel, pairs_of, travel
from physicl_twin.normalize.joints.twist import Twist

Group = frozenset[int]


@dataclass(eq=False)
class Scene:
    """An object in pieces.

    Attributes:
        pieces: In their order; indices everywhere are into this.
        contacts: Between pieces that touch.
        settings: ``[joints]``.
        table: Roles by name.
        thing: Words of what the whole is.
        expected: Roles that such things have.
        entry: Entry of the table of things that says so; ``rigid`` for things that never come apart.
        away: Pieces that were found to move and are taken out of the way of others.
        left_out: Groups beyond ``max_candidates`` that were not looked at.
        held: Metres of each pin (first) that each piece with a hole for it (second) holds; ``lines_of`` fills it.
    """

    pieces: Sequence[Piece]
    contacts: Sequence[Contact]
    settings: JointSettings
    table: RoleTable
    thing: tuple[str, ...]
    expected: frozenset[str]
    entry: str
    away: Group = frozenset()
    left_out: int = 0
    held: dict[tuple[int, int], float] = field(default_factory=dict)
    _depths: dict[tuple[int, int], float] = field(default_factory=dict)

    @classmethod
    def of(cls, twin: Twin, pieces: Sequence[Piece], settings: JointSettings) -> Scene:
        """The scene of a twin's pieces."""
        table = shipped_roles()
        thing, expected, entry = table.thing_of(twin)
        return cls(pieces, contacts_of(pieces), settings, table, thing, expected, entry)

    @cached_property
    def bounds(self) -> FloatArray:
        """(2, 3) of all pieces."""
        return np.array(
            [
                np.min([piece.bounds[0] for piece in self.pieces], axis=0),
                np.max([piece.bounds[1] for piece in self.pieces], axis=0),
            ]
        )

    @cached_property
    def size(self) -> float:
        """Diagonal of the whole, metres."""
        return float(np.linalg.norm(self.bounds[1] - self.bounds[0]))

    @cached_property
    def tolerance_m(self) -> float:
        """Depth that is no collision, metres."""
        s = self.settings
        return float(np.clip(s.tolerance_relative * self.size, s.tolerance_least_m, s.tolerance_most_m))

    @cached_property
    def cylinders(self) -> list[Cylinder]:
        """Round faces of all pieces."""
        return [cylinder for piece in self.pieces for cylinder in cylinders_of(piece)]

    @cached_property
    def meanings(self) -> list[Meaning]:
        """What each piece's name says; a knob on a door belongs to it, and the whole's name says nothing of a piece."""
        if len({piece.part for piece in self.pieces}) == 1:
            return [Meaning() for _ in self.pieces]
        said = [self.table.meaning(piece.part, self.thing) for piece in self.pieces]
        for contact in self.contacts:
            for one, other in ((contact.a, contact.b), (contact.b, contact.a)):
                if said[one].role in BELONGS and said[other].role in OWNERS:
                    said[one] = Meaning("attached", "", said[one].words)
        return said

    @cached_property
    def base(self) -> int:
        """The piece that everything is taken to stand on: named so, or the largest, lowest and best connected one."""
        volumes = np.array([float(np.prod(p.bounds[1] - p.bounds[0] + 1e-9)) for p in self.pieces])
        touching = np.zeros(len(self.pieces))
        for contact in self.contacts:
            touching[[contact.a, contact.b]] += 1
        lows = np.array([piece.bounds[0, 2] for piece in self.pieces])
        score = volumes / volumes.max() + 0.5 * touching / max(touching.max(), 1.0)
        score += 0.3 * (lows < self.bounds[0, 2] + 0.02 * (self.bounds[1, 2] - self.bounds[0, 2]))
        kinds = [meaning.kind for meaning in self.meanings]
        score += np.array([{"base": 1.5, "structure": 0.3, "role": -1.0, "fastener": -1.0}.get(k, 0.0) for k in kinds])
        return int(np.argmax(score))

    def components(
        self, cut: Iterable[int] = (), links: Iterable[tuple[int, int]] = (), without: Group = frozenset()
    ) -> list[Group]:
        """Groups of pieces that hang together by contacts.

        Args:
            cut: Rows of ``contacts`` that do not count.
            links: Pairs of pieces that hang together besides.
            without: Pieces that are left out.
        """
        parent = list(range(len(self.pieces)))

        def root(i: int) -> int:
            while parent[i] != i:
                parent[i] = parent[parent[i]]
                i = parent[i]
            return i

        left_out = set(cut)
        for row, contact in enumerate(self.contacts):
            if row not in left_out and contact.a not in without and contact.b not in without:
                parent[root(contact.a)] = root(contact.b)
        for a, b in links:
            if a not in without and b not in without:
                parent[root(a)] = root(b)
        groups: dict[int, set[int]] = {}
        for i in range(len(self.pieces)):
            if i not in without:
                groups.setdefault(root(i), set()).add(i)
        return sorted((frozenset(group) for group in groups.values()), key=min)

    def alike(self, contact: Contact) -> bool:
        """True for two pieces of one round thing by their names: rim and spokes of a wheel."""
        role = self.meanings[contact.a].role
        return bool(role) and role == self.meanings[contact.b].role and self.table.roles[role].symmetric

    def members(self, group: Iterable[int]) -> list[Piece]:
        """The pieces of a group."""
        return [self.pieces[i] for i in sorted(group)]

    def vertices(self, group: Iterable[int]) -> FloatArray:
        """(V, 3) corners of all pieces of a group."""
        return np.concatenate([piece.vertices for piece in self.members(group)])

    def between(self, group: Group, others: Group) -> list[tuple[Contact, bool]]:
        """Contacts between two groups; True where ``a`` is in the first."""
        return [
            (c, c.a in group)
            for c in self.contacts
            if (c.a in group and c.b in others) or (c.b in group and c.a in others)
        ]

    def others(self, group: Group) -> Group:
        """All pieces but those of a group and those that are out of the way."""
        return frozenset(range(len(self.pieces))) - group - self.away

    def main(self, group: Group) -> int:
        """The largest piece of a group."""
        return max(
            group, key=lambda i: (float(np.prod(self.pieces[i].bounds[1] - self.pieces[i].bounds[0] + 1e-4)), -i)
        )

    def travel(
        self,
        group: Group,
        obstacles: Group,
        twist: Twist,
        reach: float,
        step: float,
        round_about: Group = frozenset(),
        round_m: float = 0.0,
    ) -> Travel:
        """How far a group goes before it touches; see ``sweep.travel``."""
        pairs = self.pairs(group, obstacles, twist, round_about, round_m)
        return travel(pairs, twist, reach, step)

    def pairs(self, group: Group, obstacles: Group, twist: Twist, round_about: Group, round_m: float) -> list[Pair]:
        """The pairs of pieces of a sweep."""
        return pairs_of(
            self.members(group),
            self.members(obstacles - group),
            twist,
            self.tolerance_m,
            round_about,
            round_m,
            self._depths,
        )

    def gap(self, group: Group, others: Group, points: FloatArray, most: float) -> FloatArray:
        """(N,) distance of points to the nearest of ``others``, up to ``most``."""
        del group
        nearest = np.full(len(points), most)
        for piece in self.members(others):
            low, high = piece.bounds
            rows = np.flatnonzero(((points > low - most) & (points < high + most)).all(axis=1))
            if len(rows):
                nearest[rows] = np.minimum(nearest[rows], piece.distance(points[rows])[0])
        return nearest
