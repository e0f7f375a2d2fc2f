"""What names say: this is a door, that is a screw, the whole is a cabinet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from physicl_twin.model import ConfigError, Twin
from physicl_twin.normalize.material_text import fold, spellings, words
from physicl_twin.normalize.semantics import shipped_classes, singular
from physicl_twin.settings import read_toml, shipped

SCHEMA_VERSION = 1
#: A German compound is read by its last word from this length on ("Schranktür"; judgement).
_COMPOUND_END = 3
#: Between these words the first one names the thing ("poignée de porte"), elsewhere the last ("door handle").
_OF = frozenset(["de", "du", "des", "d", "di", "del", "della", "dello", "dei", "da"])
#: What these belong to is not named by them ("door frame", "drawer knob").
BELONGS = frozenset(["handle", "knob", "lever", "button"])
#: Roles whose handles, knobs and levers are fixed to them.
OWNERS = frozenset(["door", "drawer", "lid", "flap", "window", "slider", "tray"])
#: Two of these are two things when their names differ by a side only; a drawer's sides are boards of it.
_SINGLE = frozenset(["door", "lid", "flap", "window", "wheel", "blade", "handle", "lever", "arm"])
_SIDES = frozenset(
    ["left", "right", "upper", "lower", "top", "bottom", "middle", "front", "rear", "l", "r", "a", "b", "first"]
) | {"second", "fridge", "refrigerator", "freezer", "main"}

NameKind = Literal["", "role", "base", "structure", "fastener", "attached"]


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of thing that moves.

    Attributes:
        id: ``door``, ``drawer`` …
        joint: How it usually moves.
        also: How it may move, too.
        symmetric: It may be a body of revolution about its axis.
        panel: It is a panel that may turn about its edge.
        upright: It turns about an upright axis only.
        only: It counts only where the title or class has one of these words; empty for always.
    """

    id: str
    joint: str
    also: tuple[str, ...]
    symmetric: bool
    panel: bool
    upright: bool
    only: frozenset[str]

    def moves(self, kind: str) -> bool:
        """True when it may move so."""
        return kind == self.joint or kind in self.also


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name says.

    Attributes:
        kind: ``role`` of something that moves, ``base``, ``structure``, ``fastener``, ``attached``, or nothing.
        role: Id of the role; empty for the other kinds.
        words: The words that say so.
    """

    kind: NameKind = ""
    role: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class RoleTable:
    """``config/joint_roles.toml``.

    Attributes:
        roles: By id.
        phrases: Word sequence → (kind, role id), several where a word means different things in different objects.
        endings: Ends of German compounds, longest first.
        things: (id, roles, classes, words) of what objects have.
        longest: Words in the longest phrase.
    """

    roles: Mapping[str, Role]
    phrases: Mapping[tuple[str, ...], tuple[tuple[NameKind, str], ...]]
    endings: tuple[tuple[str, NameKind, str], ...]
    things: tuple[tuple[str, frozenset[str], frozenset[str], frozenset[tuple[str, ...]]], ...]
    longest: int

    def meaning(self, text: str, thing: Sequence[str] = ()) -> Meaning:
        """What a name says; ``thing`` are the words of the title and the class."""
        tokens = singular(words(text))
        found = self._found(tokens, frozenset(thing))
        if not found:
            return Meaning()
        roles = [one for one in found if one[1] == "role"]
        strong = [one for one in found if one[1] in ("fastener", "attached")]
        # What holds or belongs to something is that, wherever the thing's own name stands ("hinge door", "door hinge").
        named = strong or roles or found
        named.sort()
        foreign = bool(_OF & set(tokens))
        _, kind, role, text_found = named[0] if foreign else named[-1]
        if kind == "role" and role in BELONGS and any(one[2] in OWNERS for one in roles):
            kind, role = "attached", ""
        return Meaning(kind, role, text_found)

    def _found(self, tokens: tuple[str, ...], thing: frozenset[str]) -> list[tuple[int, NameKind, str, str]]:
        found: list[tuple[int, NameKind, str, str]] = []
        taken: set[int] = set()
        for length in range(min(self.longest, len(tokens)), 0, -1):
            for start in range(len(tokens) - length + 1):
                span = set(range(start, start + length))
                meanings = self.phrases.get(tokens[start : start + length])
                chosen = _chosen(meanings, self.roles, thing) if meanings and not span & taken else None
                if chosen is not None:
                    found.append((start, *chosen, " ".join(tokens[start : start + length])))
                    taken |= span
        for place, token in enumerate(tokens):
            if place in taken or len(token) < 6:
                continue
            for ending, kind, role in self.endings:
                if token.endswith(ending) and len(token) >= len(ending) + 3:
                    if not role or not self.roles[role].only or self.roles[role].only & thing:
                        found.append((place, kind, role, token))
                    break
        return found

    def thing_of(self, twin: Twin) -> tuple[tuple[str, ...], frozenset[str], str]:
        """Words of what the twin is, the roles that such things have, and the entry of the table that says so.

        The entry is ``rigid`` for things that never come apart and empty where nothing is known.
        """
        names = [twin.title, twin.name, *(s.name.rsplit("/", 1)[-1].rsplit(".", 1)[0] for s in twin.sources[:1])]
        if twin.semantics is not None:
            names.insert(0, twin.semantics.label)
        tokens = tuple(dict.fromkeys(token for name in names for token in singular(words(name))))
        sequences = [singular(words(name)) for name in names]
        classes = {found[0].id for name in names if (found := shipped_classes().find(name)) is not None}
        roles: set[str] = set()
        entry = ""
        for identifier, its_roles, its_classes, its_words in self.things:
            by_word = any(
                sequence[i : i + len(phrase)] == phrase
                for phrase in its_words
                for sequence in sequences
                for i in range(len(sequence) - len(phrase) + 1)
            )
            if by_word or classes & its_classes:
                if identifier == "rigid" and entry:
                    continue
                roles |= its_roles
                entry = entry or identifier
        return (*tokens, *(" ".join(pair) for pair in pairwise(tokens))), frozenset(roles), entry


def _chosen(
    meanings: tuple[tuple[NameKind, str], ...], roles: Mapping[str, Role], thing: frozenset[str]
) -> tuple[NameKind, str] | None:
    """The meaning that fits the thing: a role that needs a thing of its kind and has one, a role without, another."""
    usable = [one for one in meanings if one[0] != "role" or not roles[one[1]].only or roles[one[1]].only & thing]
    bound = [one for one in usable if one[0] == "role" and roles[one[1]].only]
    free = [one for one in usable if one[0] == "role"]
    return next(iter(bound or free or usable), None)


def another(name: str, other: str, role: str) -> bool:
    """True when two names of one role are those of two things: ``door_left`` and ``door_right``."""
    mine, its = singular(words(name)), singular(words(other))
    numbers = [[word for word in tokens if word.isdigit()] for tokens in (mine, its)]
    if all(numbers) and numbers[0][0] != numbers[1][0]:
        return True
    if role not in _SINGLE:
        return False
    differ = set(mine) ^ set(its)
    return bool(differ) and differ <= _SIDES and len(set(mine) - differ) <= 2


@lru_cache(maxsize=1)
def shipped_roles() -> RoleTable:
    """The shipped table, read once.

    Raises:
        ConfigError: ``joint_roles_bad`` naming the entry.
    """
    return _build(read_toml(shipped("config", "joint_roles.toml")))


def _build(data: Mapping[str, Any]) -> RoleTable:
    if data.get("schema_version") != SCHEMA_VERSION:
        raise _fail("schema_version", f"is {data.get('schema_version')!r}, this version reads {SCHEMA_VERSION}")
    roles: dict[str, Role] = {}
    phrases: dict[tuple[str, ...], list[tuple[NameKind, str]]] = {}
    endings: dict[str, tuple[NameKind, str]] = {}

    def add(kind: NameKind, role: str, names: Mapping[str, Sequence[str]]) -> None:
        for language, items in names.items():
            for word in items:
                for sequence in spellings(word):
                    meanings = phrases.setdefault(singular(sequence), [])
                    if (kind, role) not in meanings:
                        meanings.append((kind, role))
                if language == "de" and " " not in word and len(fold(word)) >= _COMPOUND_END:
                    for sequence in spellings(word):
                        endings.setdefault(sequence[0], (kind, role))

    for identifier, raw in data["roles"].items():
        if raw.get("joint") not in ("revolute", "prismatic"):
            raise _fail(identifier, f"moves by {raw.get('joint')!r}")
        only = frozenset(" ".join(singular(said)) for word in raw.get("only", ()) for said in spellings(word))
        roles[identifier] = Role(
            identifier,
            raw["joint"],
            tuple(raw.get("also", ())),
            bool(raw.get("symmetric")),
            bool(raw.get("panel")),
            bool(raw.get("upright")),
            only,
        )
        add("role", identifier, raw["words"])
    kinds: tuple[NameKind, ...] = ("fastener", "attached", "structure", "base")
    for kind in kinds:
        add(kind, "", data["fixed"][kind])
    things = []
    for identifier, raw in data["things"].items():
        if unknown := set(raw["roles"]) - set(roles):
            raise _fail(identifier, f"names the roles {sorted(unknown)}, which there are not")
        sequences = frozenset(singular(sequence) for word in raw["words"] for sequence in spellings(word))
        things.append((identifier, frozenset(raw["roles"]), frozenset(raw["classes"]), sequences))
    ordered = sorted(((end, *meaning) for end, meaning in endings.items()), key=lambda item: (-len(item[0]), item[0]))
    return RoleTable(
        roles,
        {key: tuple(value) for key, value in phrases.items()},
        tuple(ordered),
        tuple(things),
        max(map(len, phrases)),
    )


def _fail(where: str, message: str) -> ConfigError:
    return ConfigError("joint_roles_bad", f"joint_roles.toml: {where}: {message}.", "See the head of that file.")
