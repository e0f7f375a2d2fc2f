"""What the thing is: a class from names in English, German and French, with its Wikidata item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from physicl_twin.model import ConfigError, Evidence, Semantics, Twin
from physicl_twin.normalize.material_text import fold, spellings, words
from physicl_twin.settings import read_toml, shipped

SCHEMA_VERSION = 1
#: The class of everything; its code must be verified.
ROOT = "object"
#: Class of what drives itself and is nothing more special, and the classes that may be more special.
_ROBOT = "robot"
_DRIVEN = frozenset({"machine", "vehicle", "robot_gripper"})
#: What descriptions call bodies, whatever they are.
_BODIES = frozenset({("link",), ("base", "link")})
#: A German compound is read by its last word from this length on ("Sechskantschraube"; judgement).
_COMPOUND_END = 5
#: A number behind a word is left out when the word has so many letters (judgement: M8 and C45 are names).
_STEM = 3
_KEYS = {"qcode", "qcode_label", "source", "parent", "words", "materials"}


@dataclass(frozen=True, slots=True)
class SemanticClass:
    """A class of objects.

    Attributes:
        id: Class id.
        label: Plain English name.
        qcode: Wikidata item, or empty when none was verified.
        qcode_label: Label of that item.
        source: Where the code was looked up.
        parent: Id of the class above; empty for the root.
        words: Names in all languages, as written.
        materials: (row or group id, probability) of what such things are usually made of.
    """

    id: str
    label: str
    qcode: str
    qcode_label: str
    source: str
    parent: str
    words: tuple[str, ...]
    materials: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ClassTable:
    """The classes of ``config/classes.toml``.

    Attributes:
        classes: By id.
        sources: What each source id means.
        phrases: Word sequence → (class id, phrase as written).
        endings: Last words of compounds → class id, longest first.
        longest: Words in the longest phrase.
    """

    classes: Mapping[str, SemanticClass]
    sources: Mapping[str, str]
    phrases: Mapping[tuple[str, ...], tuple[str, str]]
    endings: tuple[tuple[str, str], ...]
    longest: int

    @classmethod
    def load(cls) -> ClassTable:
        """The shipped classes.

        Raises:
            ConfigError: ``classes_bad_row`` naming class and field.
        """
        return _build(read_toml(shipped("config", "classes.toml")))

    def verified(self, class_id: str) -> SemanticClass:
        """The class itself when its code is verified, else its nearest ancestor whose code is."""
        current = self.classes[class_id]
        while not current.qcode:
            current = self.classes[current.parent]
        return current

    def find(self, text: str, *, robot: bool = False) -> tuple[SemanticClass, str] | None:
        """The class that a name means, with the words that said so; longest phrase first, then the last one.

        Args:
            text: A name.
            robot: True for the name of something in a robot. Descriptions call the bodies of everything links, a
                bookshelf's, too: only there it means the part of a robot.
        """
        tokens = singular(words(text))
        for length in range(min(self.longest, len(tokens)), 0, -1):
            for start in range(len(tokens) - length, -1, -1):
                sequence = tokens[start : start + length]
                found = self.phrases.get(sequence)
                if found and (robot or sequence not in _BODIES):
                    return self.classes[found[0]], found[1]
        for token in reversed(tokens):
            for ending, class_id in self.endings:
                if token.endswith(ending) and len(token) >= len(ending) + 3:
                    return self.classes[class_id], token
        return None


@lru_cache(maxsize=1)
def shipped_classes() -> ClassTable:
    """The shipped classes, read once."""
    return ClassTable.load()


def classify(twin: Twin, table: ClassTable | None = None) -> Twin:
    """Give the twin its class.

    The title is asked first, then file and twin name, then the parts: one part, or what most of them are. A mechanism
    that drives itself is a robot unless a name says which machine or vehicle: a scene called after what the hand holds,
    or links called link, do not make it a hammer or a part. A class that the source itself states with a Wikidata code
    is kept.

    Args:
        twin: The twin.
        table: Classes; the shipped ones by default.
    """
    table = table or shipped_classes()
    if twin.semantics is not None and twin.semantics.qcode and twin.semantics.label:
        return twin
    stated = twin.semantics.label if twin.semantics is not None else ""
    source = twin.sources[0].name if twin.sources else twin.name
    robot = is_robot(twin)
    for where, text in _names(twin, stated):
        found = table.find(text, robot=robot)
        if found is not None and found[0].id != ROOT and not (robot and not _drives_itself(table, found[0].id)):
            return replace(
                twin,
                semantics=_semantics(table, found[0], f'The {where} "{text}" contains "{found[1]}".', source, where),
            )
    if robot:
        statement = "Its joints are driven, and no name says which machine or vehicle it is."
        return replace(twin, semantics=_semantics(table, table.classes[_ROBOT], statement, source, "joints"))
    votes = Counter(
        found[0].id for part in twin.parts if (found := table.find(part.name)) is not None and found[0].id != ROOT
    )
    if votes:
        winner, count = min(votes.items(), key=lambda item: (-item[1], item[0]))
        if 2 * count >= len(twin.parts):
            statement = f"{count} of {len(twin.parts)} parts are named as {table.classes[winner].label}."
            return replace(twin, semantics=_semantics(table, table.classes[winner], statement, source, "part names"))
    return replace(
        twin, semantics=_semantics(table, table.classes[ROOT], "No name says what this is.", source, "names")
    )


def is_robot(twin: Twin) -> bool:
    """True for a mechanism that drives itself, as far as that has been found out."""
    return twin.articulation is not None and twin.articulation.kind == "robot"


def class_materials(
    text: str, fallback: str = "", table: ClassTable | None = None, *, robot: bool = False
) -> tuple[str, tuple[tuple[str, float], ...]]:
    """What things of a named class are usually made of.

    Args:
        text: A part's name.
        fallback: The name of the whole, asked when the part's says nothing.
        table: Classes; the shipped ones by default.
        robot: See ``ClassTable.find``.

    Returns:
        (label of the class, (row or group id, probability) pairs); empty when no class with known materials is named.
    """
    table = table or shipped_classes()
    for name in (text, fallback):
        found = table.find(name, robot=robot)
        if found is not None:
            current = found[0]
            while not current.materials and current.parent:
                current = table.classes[current.parent]
            if current.materials:
                return found[0].label, current.materials
    return "", ()


def _drives_itself(table: ClassTable, found: str) -> bool:
    """True for classes of things that may be robots."""
    while found:
        if found in _DRIVEN:
            return True
        found = table.classes[found].parent
    return False


def _names(twin: Twin, stated: str) -> Iterator[tuple[str, str]]:
    if stated:
        yield "source's own class", stated
    yield "title", twin.title
    for source in twin.sources[:1]:
        yield "file name", source.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    yield "name", twin.name


def _semantics(table: ClassTable, found: SemanticClass, statement: str, source: str, where: str) -> Semantics:
    verified = table.verified(found.id)
    evidence = [Evidence("rule", statement, source, where)]
    nearest = (
        ""
        if verified.id == found.id
        else f" No code of its own was verified; this is its nearest ancestor, {verified.label}."
    )
    where_from = table.sources[verified.source.split()[0]]
    code = f"Wikidata {verified.qcode} ({verified.qcode_label}), from: {where_from}.{nearest}"
    evidence.append(Evidence("table", code, "classes.toml", found.id))
    return Semantics(found.label, verified.qcode, verified.qcode_label, tuple(evidence))


def singular(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """English plurals without their s; numbers left out, also behind a word ("link3")."""
    bare = [stem if len(stem := token.rstrip("0123456789")) >= _STEM else token for token in tokens]
    return tuple(
        token[:-1] if len(token) > 3 and token.endswith("s") and not token.endswith(("ss", "us", "is")) else token
        for token in bare
        if not token.isdigit()
    )


def _fail(where: str, message: str) -> ConfigError:
    return ConfigError("classes_bad_row", f"classes.toml: {where}: {message}.", "See the head of config/classes.toml.")


def _build(data: Mapping[str, Any]) -> ClassTable:
    if data.get("schema_version") != SCHEMA_VERSION:
        raise _fail("schema_version", f"is {data.get('schema_version')!r}, this version reads {SCHEMA_VERSION}")
    sources = {str(key): str(text) for key, text in data["sources"].items()}
    classes: dict[str, SemanticClass] = {}
    phrases: dict[tuple[str, ...], tuple[str, str]] = {}
    endings: dict[str, str] = {}
    for class_id, raw in data["classes"].items():
        for key in raw:
            if key not in _KEYS:
                raise _fail(class_id, f"has no key {key!r}")
        names = {language: tuple(str(word) for word in items) for language, items in raw["words"].items()}
        classes[class_id] = SemanticClass(
            class_id, class_id.replace("_", " "), str(raw.get("qcode", "")), str(raw.get("qcode_label", "")),
            str(raw.get("source", "")),
            str(raw.get("parent", "")), tuple(word for items in names.values() for word in items),
            tuple((str(target), float(p)) for target, p in raw.get("materials", {}).items()),
        )  # fmt: skip
        for word in classes[class_id].words:
            for sequence in spellings(word):
                owner = phrases.setdefault(singular(sequence), (class_id, word))[0]
                if owner != class_id:
                    raise _fail(class_id, f"{word!r} already belongs to {owner}")
        for word in names.get("de", ()):
            if " " not in word and len(fold(word)) >= _COMPOUND_END:
                endings.setdefault(fold(word), class_id)
    _check(classes, sources)
    return ClassTable(
        classes,
        sources,
        phrases,
        tuple(sorted(endings.items(), key=lambda item: (-len(item[0]), item[0]))),
        max(map(len, phrases)),
    )


def _check(classes: Mapping[str, SemanticClass], sources: Mapping[str, str]) -> None:
    if ROOT not in classes or not classes[ROOT].qcode:
        raise _fail(ROOT, "must exist and have a verified code")
    for found in classes.values():
        if found.id != ROOT and found.parent not in classes:
            raise _fail(found.id, f"parent {found.parent!r} is no class")
        if found.qcode and not (found.qcode[0] == "Q" and found.qcode[1:].isdigit() and found.qcode_label):
            raise _fail(found.id, f"{found.qcode!r} is no Wikidata code with a label")
        if found.qcode and found.source.split()[:1] not in [[key] for key in sources]:
            raise _fail(found.id, f"its code names no known source ({found.source!r})")
        if found.materials and abs(sum(p for _, p in found.materials) - 1.0) > 1e-6:
            raise _fail(found.id, "the probabilities of its materials do not sum to 1")
        seen, current = {found.id}, found
        while current.parent:
            if current.parent in seen:
                raise _fail(found.id, "its ancestors form a circle")
            seen.add(current.parent)
            current = classes[current.parent]
