"""Find material words in text that people and programs wrote: names, codes, compounds, misspellings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from physicl_twin.normalize.likeness import best

How = Literal["exact alias", "standard code", "phrase", "symbol", "compound", "fuzzy"]
EntryKind = Literal["alias", "code", "symbol"]

#: Confidence of each kind of finding that the words name this material (judgement).
SCORES: Mapping[How, float] = {
    "exact alias": 1.0,
    "standard code": 0.98,
    "phrase": 0.90,
    "symbol": 0.85,
    "compound": 0.80,
    "fuzzy": 0.70,
}
#: Factor for a word that names a colour as often as a material, outside a material field (judgement).
COLOUR_FACTOR = 0.4
#: Factor for a short sign ("PET") in a name instead of a material field (judgement).
SIGN_IN_NAME_FACTOR = 0.8
#: A standard code counts in a name from this many letters and digits (judgement: C45 or V2A there are part numbers).
MIN_CODE_IN_NAME = 5
#: Similarity (0..100) and length from which a misspelt word is taken for an alias (judgement: one letter in eight).
FUZZY_CUTOFF = 90.0
FUZZY_MIN_LENGTH = 8
#: Text beyond this length is not a name; it is cut.
MAX_TEXT = 400

_CAMEL = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ])|(?<=[A-Z]{3})(?=[A-Z][a-z]{2})")
_TOKEN = re.compile(r"[^\W_]+")
_CODE_CHUNK = re.compile(r"[a-z]+|[0-9]+")
_UMLAUT_SPELLING = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a text that names a material.

    Attributes:
        target: Id of a row or a group.
        score: Confidence that the words name it, 0..1.
        how: What kind of finding it is.
        text: The words as the table writes them.
    """

    target: str
    score: float
    how: How
    text: str


def fold(text: str) -> str:
    """Lower case without accents, ligatures or width variants; the form in which words are compared."""
    text = (
        unicodedata.normalize("NFKC", text[:MAX_TEXT])
        .casefold()
        .replace("ß", "ss")
        .replace("æ", "ae")
        .replace("œ", "oe")
    )
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def words(text: str) -> tuple[str, ...]:
    """The folded words of a text; separators and CamelCase split, digits stay with their letters."""
    return tuple(_TOKEN.findall(fold(_CAMEL.sub(" ", unicodedata.normalize("NFKC", text[:MAX_TEXT])))))


def spellings(phrase: str) -> tuple[tuple[str, ...], ...]:
    """The word sequences that spell a phrase: with the accents dropped, and with ä written ae."""
    return tuple(dict.fromkeys((words(phrase), words(phrase.translate(_UMLAUT_SPELLING)))))


@lru_cache(maxsize=4096)
def code_chunks(code: str) -> tuple[str, ...]:
    """The groups of letters and of digits of a standard code, folded."""
    return tuple(_CODE_CHUNK.findall(fold(code)))


@lru_cache(maxsize=4096)
def _code_pattern(code: str) -> re.Pattern[str]:
    """Regex of a standard code: letter and digit groups with any separators between, alone in the text.

    A dot inside a number (1.4301) and a slash inside one (C30/37) must be there in some form: 14301 does not match.
    """
    chunks = code_chunks(code)
    gaps: list[str] = []
    position = 0
    folded = fold(code)
    for i, chunk in enumerate(chunks):
        start = folded.index(chunk, position)
        between = folded[position:start]
        if i:
            both_digits = chunks[i - 1][-1].isdigit() and chunk[0].isdigit()
            gaps.append(r"[\s._/,:+-]{1,2}" if both_digits and between else r"[\s._/,+-]{0,2}")
        position = start + len(chunk)
    body = chunks[0] + "".join(gap + chunk for gap, chunk in zip(gaps, chunks[1:], strict=True))
    ahead = r"(?![0-9])(?![.,][0-9])" if chunks[-1][-1].isdigit() else r"(?![a-z0-9])"
    return re.compile(r"(?<![a-z0-9])(?<![0-9][.,])" + body + ahead)


@dataclass(frozen=True, slots=True)
class TextIndex:
    """The words of a material table, ready to be looked up.

    Attributes:
        phrases: Word sequences → (target, the phrase as written), longest sequences first when searched.
        codes: (code, target), longest first.
        symbols: Case-sensitive sign → target.
        prefixes: Beginning of a compound → target, longest first.
        stop_phrases: Word sequences that name no material.
        material_only: Words that name a material only in a material field.
        colour_words: Words that are colours as often as materials.
        noise_words: Words of colour, finish and file habits.
    """

    phrases: Mapping[tuple[str, ...], tuple[str, str]]
    codes: tuple[tuple[str, str], ...]
    symbols: Mapping[str, str]
    prefixes: tuple[tuple[str, str], ...]
    stop_phrases: frozenset[tuple[str, ...]]
    material_only: frozenset[str]
    colour_words: frozenset[str]
    noise_words: frozenset[str]
    longest: int = field(default=1)

    @classmethod
    def build(
        cls,
        entries: Iterable[tuple[EntryKind, str, str]],
        prefixes: Mapping[str, str],
        stop_phrases: Iterable[str],
        material_only: Iterable[str],
        colour_words: Iterable[str],
        noise_words: Iterable[str],
    ) -> TextIndex:
        """Index of (kind, text, target) entries; the first target of a phrase keeps it."""
        phrases: dict[tuple[str, ...], tuple[str, str]] = {}
        codes: list[tuple[str, str]] = []
        symbols: dict[str, str] = {}
        for kind, text, target in entries:
            if kind == "alias":
                for sequence in spellings(text):
                    if sequence:
                        phrases.setdefault(sequence, (target, text))
            elif kind == "code":
                codes.append((text, target))
            else:
                symbols.setdefault(text, target)
        stops = frozenset(sequence for phrase in stop_phrases for sequence in spellings(phrase))
        return cls(
            phrases=phrases,
            codes=tuple(sorted(codes, key=lambda code: (-len(code[0]), code[0]))),
            symbols=symbols,
            prefixes=tuple(sorted(((fold(p), t) for p, t in prefixes.items()), key=lambda item: -len(item[0]))),
            stop_phrases=stops,
            material_only=frozenset(fold(word) for word in material_only),
            colour_words=frozenset(fold(word) for word in colour_words),
            noise_words=frozenset(fold(word) for word in noise_words),
            longest=max((len(sequence) for sequence in (*phrases, *stops)), default=1),
        )

    def find(self, text: str, field_is_material: bool) -> tuple[Hit, ...]:
        """What a text says about materials, surest first.

        Args:
            text: Any Unicode text.
            field_is_material: True when the text stands where a material's name belongs; False for names of parts
                and files, in which words such as "lead" or "apple" are not materials and short signs such as "PC"
                do not count.

        Returns:
            One hit a target, by falling score; empty when nothing is found.
        """
        if not text.strip():
            return ()
        tokens = words(text)
        exact = self._whole(tokens, tokens, field_is_material)
        if exact is not None:
            return (exact,)
        hits, rest = self._codes(text, field_is_material)
        if hits:  # a code's own letters must not be read again as words
            tokens = tuple(_TOKEN.findall(rest))
        else:
            core = tuple(token for token in tokens if token not in self.noise_words and not token.isdigit())
            whole = self._whole(core, tokens, field_is_material)
            if whole is not None:
                return (whole,)
        free = self._without_stop_phrases(tokens)
        if not hits:
            hits.extend(self._symbols(text, free, field_is_material))
        hits.extend(self._phrases(free, field_is_material))
        hits.extend(self._compounds(free))
        if not hits:
            hits.extend(self._fuzzy(free))
        return _best_of_each(hits)

    def _whole(self, sequence: tuple[str, ...], tokens: tuple[str, ...], field_is_material: bool) -> Hit | None:
        """The words as a whole are an alias."""
        found = self.phrases.get(sequence)
        if (
            found is None
            or self.stop_phrases & {sequence, tokens}
            or (not field_is_material and self._restricted(sequence))
        ):
            return None
        factor = COLOUR_FACTOR if not field_is_material and self._is_colour(sequence) else 1.0
        how: How = "exact alias" if sequence == tokens else "phrase"
        return Hit(found[0], SCORES[how] * factor, how, found[1])

    def _restricted(self, sequence: tuple[str, ...]) -> bool:
        return len(sequence) == 1 and sequence[0] in self.material_only

    def _is_colour(self, sequence: tuple[str, ...]) -> bool:
        return len(sequence) == 1 and sequence[0] in self.colour_words

    def _codes(self, text: str, field_is_material: bool) -> tuple[list[Hit], str]:
        """Standard codes in a text, and the folded text without them."""
        rest = fold(text)
        hits: list[Hit] = []
        for code, target in self.codes:
            if not field_is_material and sum(character.isalnum() for character in code) < MIN_CODE_IN_NAME:
                continue
            if code_chunks(code)[0] not in rest:
                continue
            rest, count = _code_pattern(code).subn(" ", rest)
            if count:
                hits.append(Hit(target, SCORES["standard code"], "standard code", code))
        return hits, rest

    def _without_stop_phrases(self, tokens: tuple[str, ...]) -> list[str | None]:
        free: list[str | None] = list(tokens)
        for length in range(min(self.longest, len(tokens)), 0, -1):
            for start in range(len(tokens) - length + 1):
                if tokens[start : start + length] in self.stop_phrases:
                    free[start : start + length] = [None] * length
        return free

    def _phrases(self, free: list[str | None], field_is_material: bool) -> list[Hit]:
        hits: list[Hit] = []
        for length in range(min(self.longest, len(free)), 0, -1):
            for start in range(len(free) - length + 1):
                window = free[start : start + length]
                if None in window:
                    continue
                sequence = tuple(token for token in window if token is not None)
                found = self.phrases.get(sequence)
                if found is None or (not field_is_material and self._restricted(sequence)):
                    continue
                factor = COLOUR_FACTOR if not field_is_material and self._is_colour(sequence) else 1.0
                hits.append(Hit(found[0], SCORES["phrase"] * factor, "phrase", found[1]))
                free[start : start + length] = [None] * length
        return hits

    def _symbols(self, text: str, free: list[str | None], field_is_material: bool) -> list[Hit]:
        """Short signs in upper case; in a name only those of three letters beside ordinary words ("PET bottle")."""
        signs = _TOKEN.findall(unicodedata.normalize("NFKC", text[:MAX_TEXT]))
        shouting = all(sign.upper() == sign for sign in signs)
        hits: list[Hit] = []
        for sign in dict.fromkeys(signs):
            if sign not in self.symbols or fold(sign) not in free:
                continue
            if field_is_material:
                hits.append(Hit(self.symbols[sign], SCORES["symbol"], "symbol", sign))
            elif len(sign) >= 3 and sign.isalpha() and not shouting:
                hits.append(Hit(self.symbols[sign], SCORES["symbol"] * SIGN_IN_NAME_FACTOR, "symbol", sign))
        return hits

    def _compounds(self, free: list[str | None]) -> list[Hit]:
        hits: list[Hit] = []
        for i, token in enumerate(free):
            if token is None or len(token) < FUZZY_MIN_LENGTH:
                continue
            for prefix, target in self.prefixes:
                rest = token[len(prefix) :]
                if token.startswith(prefix) and len(rest) >= 4 and rest.isalpha():
                    hits.append(Hit(target, SCORES["compound"], "compound", prefix))
                    free[i] = None
                    break
        return hits

    def _fuzzy(self, free: list[str | None]) -> list[Hit]:
        single = {
            sequence[0]: found
            for sequence, found in self.phrases.items()
            if len(sequence) == 1 and len(sequence[0]) >= FUZZY_MIN_LENGTH
        }
        hits: list[Hit] = []
        for token in free:
            if token is None or len(token) < FUZZY_MIN_LENGTH or not token.isalpha() or token in self.noise_words:
                continue
            found = best(token, single.keys(), FUZZY_CUTOFF)
            if found is not None:
                target, phrase = single[found[0]]
                hits.append(Hit(target, SCORES["fuzzy"] * found[1] / 100.0, "fuzzy", phrase))
        return hits


def _best_of_each(hits: list[Hit]) -> tuple[Hit, ...]:
    first: dict[str, Hit] = {}
    for hit in hits:
        known = first.get(hit.target)
        if known is None or hit.score > known.score:
            first[hit.target] = hit
    return tuple(sorted(first.values(), key=lambda hit: (-hit.score, hit.target)))
