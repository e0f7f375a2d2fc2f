"""Read and check the TOML of the material base, and lay users' files over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from physicl_twin.model import ConfigError
from physicl_twin.normalize.material_table import (
    FAMILIES,
    LIMITS,
    NONVISUAL,
    PROPERTIES,
    Citation,
    MaterialGroup,
    MaterialRow,
    MaterialTable,
    Property,
    Value,
)
from physicl_twin.normalize.material_text import EntryKind, TextIndex, fold, words
from physicl_twin.settings import read_toml, shipped

SCHEMA_VERSION = 1

_ROW_KEYS = {"title", "family", "nonvisual", "weight", "aliases", "codes", "symbols", *PROPERTIES}
_GROUP_KEYS = {"title", "family", "nonvisual", "members", "aliases", "symbols", *PROPERTIES}
_VALUE_KEYS = {"low", "high", "value", "source", "note", "against"}
_TOP_KEYS = {
    "schema_version", "sources_file", "single_value_spread", "dynamic_from_static", "matching", "families", "groups",
    "materials", "sources",
}  # fmt: skip


@lru_cache(maxsize=1)
def shipped_table() -> MaterialTable:
    """The table without users' files, read once a process."""
    return read_table()


def read_table(user_files: Sequence[Path] = ()) -> MaterialTable:
    """The shipped table with users' files laid over it; see ``MaterialTable.load``."""
    data = read_toml(shipped("config", "materials.toml"))
    sources = read_toml(shipped("config", str(data.get("sources_file", "materials_sources.toml"))))
    _check_version(data, "materials.toml")
    _check_version(sources, "materials_sources.toml")
    data["sources"] = dict(sources["sources"])
    for path in user_files:
        user = read_toml(path)
        _check_version(user, path.name)
        _check_keys(user, _TOP_KEYS, path.name, "the file")
        _overlay(data, user)
    return _build(data)


def _check_version(data: Mapping[str, Any], name: str) -> None:
    version = data.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ConfigError(
            "materials_schema_version",
            f"{name} has schema_version {version!r}, this version reads {SCHEMA_VERSION}.",
            "Start from config/materials.toml.",
        )


def _check_keys(table: Mapping[str, Any], known: Iterable[str], name: str, where: str) -> None:
    for key in table:
        if key not in set(known):
            raise ConfigError(
                "materials_unknown_key",
                f"{name}: {where} has no key {key!r}.",
                f"Known keys: {', '.join(sorted(known))}.",
            )


def _overlay(data: dict[str, Any], user: Mapping[str, Any]) -> None:
    for key, table in user.items():
        if isinstance(table, dict) and key in ("materials", "groups", "families", "sources"):
            for row_id, row in table.items():
                base = data[key].get(row_id, {})
                data[key][row_id] = {**base, **row} if isinstance(row, dict) else row
        elif isinstance(table, dict):
            data[key] = {**data[key], **table}
        elif key != "sources_file":
            data[key] = table


def _fail(where: str, message: str) -> ConfigError:
    return ConfigError(
        "materials_bad_row", f"{where}: {message}.", "See the head of config/materials.toml for the form of a row."
    )


def _value(prop: Property, raw: Any, spread: Mapping[str, float], sources: Mapping[str, Any], where: str) -> Value:
    where = f"{where}.{prop}"
    if not isinstance(raw, dict):
        raise _fail(where, f"must be a table like {{ low, high, source }}, not {raw!r}")
    for key in raw:
        if key not in _VALUE_KEYS:
            raise _fail(where, f"has no key {key!r}")
    cited = tuple(part.strip() for part in str(raw.get("source", "")).split(",") if part.strip())
    if not cited:
        raise _fail(where, "names no source")
    for source in cited:
        if source not in sources:
            raise _fail(where, f"cites the unknown source {source!r}")
    single = "value" in raw
    try:
        if single:
            middle = float(raw["value"])
            low, high = middle * (1 - spread[prop]), middle * (1 + spread[prop])
        else:
            low, high = float(raw["low"]), float(raw["high"])
    except (KeyError, TypeError, ValueError) as error:
        raise _fail(where, f"needs numbers low and high, or value ({error})") from error
    floor, ceiling = LIMITS[prop]
    high = min(high, ceiling) if single else high
    if not floor <= low <= high <= ceiling:
        raise _fail(where, f"[{low:g}, {high:g}] is not an interval inside [{floor:g}, {ceiling:g}]")
    return Value(low, high, cited, str(raw.get("note", "")), str(raw.get("against", "")), single)


def _words_of(raw: Mapping[str, Any], where: str) -> tuple[str, ...]:
    aliases = raw.get("aliases", {})
    if not isinstance(aliases, dict) or not all(isinstance(items, list) for items in aliases.values()):
        raise _fail(where, "aliases must be lists by language, { en = [...], de = [...] }")
    return tuple(str(alias) for items in aliases.values() for alias in items)


def _common(raw: Any, known: Iterable[str], where: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _fail(where, "must be a table")
    _check_keys(raw, known, "materials.toml", where)
    for key in ("title", "family", "nonvisual"):
        if not isinstance(raw.get(key), str):
            raise _fail(where, f"lacks {key}")
    if raw["family"] not in FAMILIES:
        raise _fail(where, f"family {raw['family']!r} is none of {', '.join(FAMILIES)}")
    if raw["nonvisual"] not in NONVISUAL:
        raise _fail(where, f"nonvisual {raw['nonvisual']!r} is not in SimReady's list")
    return raw


def _values(raw: Mapping[str, Any], data: Mapping[str, Any], where: str) -> dict[Property, Value]:
    spread = data["single_value_spread"]
    return {prop: _value(prop, raw[prop], spread, data["sources"], where) for prop in PROPERTIES if prop in raw}


def _build(data: dict[str, Any]) -> MaterialTable:
    rows: dict[str, MaterialRow] = {}
    for row_id, raw in data["materials"].items():
        where = f"materials.{row_id}"
        raw = _common(raw, _ROW_KEYS, where)
        weight = raw.get("weight", 1.0)
        if not isinstance(weight, (int, float)) or isinstance(weight, bool) or not weight > 0:
            raise _fail(where, f"weight {weight!r} is not a positive number")
        values = _values(raw, data, where)
        static, dynamic = values.get("static_friction"), values.get("dynamic_friction")
        if (
            static
            and dynamic
            and dynamic.low + dynamic.high > static.low + static.high
            and dynamic.against == static.against
        ):
            raise _fail(where, "dynamic friction is above static friction")
        rows[row_id] = MaterialRow(
            row_id, raw["title"], raw["family"], raw["nonvisual"], float(weight), values,
            _words_of(raw, where), tuple(raw.get("codes", ())), tuple(raw.get("symbols", ())),
        )  # fmt: skip
    groups: dict[str, MaterialGroup] = {}
    for kind in ("families", "groups"):
        for group_id, raw in data[kind].items():
            where = f"{kind}.{group_id}"
            raw = _common({"family": group_id, **raw}, _GROUP_KEYS, where)
            family = raw["family"]
            if group_id in rows:
                raise _fail(where, "is the id of a row too")
            members = tuple(raw.get("members") or (row.id for row in rows.values() if row.family == family))
            for member in members:
                if member not in rows or rows[member].family != family:
                    raise _fail(where, f"member {member!r} is no row of family {family}")
            groups[group_id] = MaterialGroup(
                group_id,
                raw["title"],
                family,
                raw["nonvisual"],
                members,
                _values(raw, data, where),
                _words_of(raw, where),
                tuple(raw.get("symbols", ())),
            )
    rule = data["dynamic_from_static"]
    return MaterialTable(
        rows=rows,
        groups=groups,
        sources={
            key: Citation(key, str(s.get("title", "")), str(s.get("where", "")), str(s.get("kind", "")))
            for key, s in data["sources"].items()
        },
        dynamic_from_static=float(rule["factor"]),
        dynamic_source=str(rule["source"]),
        index=_index(data["matching"], rows, groups),
    )


def _index(
    matching: Mapping[str, Any], rows: Mapping[str, MaterialRow], groups: Mapping[str, MaterialGroup]
) -> TextIndex:
    entries: list[tuple[EntryKind, str, str]] = []
    owners: dict[tuple[str, ...], str] = {}
    targets: tuple[MaterialRow | MaterialGroup, ...] = (*rows.values(), *groups.values())
    for target in targets:
        for alias in target.aliases:
            owner = owners.setdefault(words(alias), target.id)
            if owner != target.id:
                raise _fail(f"materials.{target.id}", f"alias {alias!r} already belongs to {owner}")
            entries.append(("alias", alias, target.id))
        entries.extend(("symbol", symbol, target.id) for symbol in target.symbols)
        if isinstance(target, MaterialRow):
            entries.extend(("code", code, target.id) for code in target.codes)
    signs = {fold(symbol) for target in targets for symbol in target.symbols}
    for row in rows.values():  # a title is a word for its own row too, where nobody else has it and it is no short sign
        if fold(row.title) not in signs:
            entries.append(("alias", row.title, row.id))
    for prefix, target_id in matching["compound_prefixes"].items():
        if target_id not in rows and target_id not in groups:
            raise _fail("matching.compound_prefixes", f"{prefix!r} points to the unknown {target_id!r}")
    return TextIndex.build(
        entries,
        matching["compound_prefixes"],
        matching["stop_phrases"],
        matching["material_only"],
        matching["colour_words"],
        matching["noise_words"],
    )
