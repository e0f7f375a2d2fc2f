"""Model values as USD dictionaries and back, so that a prim carries the reasons of its numbers."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pxr import Vt

from physicl_twin.model import UsdError


def to_dictionary(value: Any) -> dict[str, Any]:
    """A dataclass as USD can store it: nothing for None, for empty tuples and for fields that are not in JSON."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        if field.metadata.get("json", True):
            encoded = _encode(getattr(value, field.name))
            if encoded is not None:
                result[field.name] = encoded
    return result


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dictionary(value)
    if isinstance(value, tuple):
        if not value:
            return None
        if all(isinstance(item, str) for item in value):
            return Vt.StringArray(list(value))
        if all(isinstance(item, float) for item in value):
            return Vt.DoubleArray(list(value))
        # USD has no array of dictionaries: one keyed by zero-padded position, which is also how USD sorts it.
        return {f"{index:04d}": _encode(item) for index, item in enumerate(value)}
    return value


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """Types of a dataclass's fields: looked up once, not for each of thousands of joints."""
    return get_type_hints(kind)


def from_dictionary(kind: Any, data: Mapping[str, Any], where: str = "customData") -> Any:
    """Rebuild a dataclass from what ``to_dictionary`` made of it.

    Raises:
        UsdError: ``usd_metadata_invalid`` when the dictionary does not fit the dataclass.
    """
    hints = _hints(kind)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if not field.metadata.get("json", True):
            continue
        if field.name in data:
            values[field.name] = _decode(hints[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            values[field.name] = _absent(hints[field.name], f"{where}.{field.name}")
    return kind(**values)


def _absent(hint: Any, where: str) -> Any:
    if get_origin(hint) is tuple:
        return ()
    if get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
        return None
    raise UsdError("usd_metadata_invalid", f"{where} is missing.", "Build the twin again.")


def _decode(hint: Any, data: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dictionary(hint, _mapping(data, where), where)
    if origin in (Union, types.UnionType):
        return _decode(next(a for a in args if a is not type(None)), data, where)
    if origin is tuple:
        items = [data[key] for key in sorted(data)] if isinstance(data, Mapping) else list(data)
        kinds = [args[0]] * len(items) if len(args) == 2 and args[1] is Ellipsis else list(args)
        if len(kinds) != len(items):
            raise UsdError("usd_metadata_invalid", f"{where} has {len(items)} entries, not {len(kinds)}.")
        return tuple(_decode(k, item, f"{where}[{i}]") for i, (k, item) in enumerate(zip(kinds, items, strict=True)))
    if origin is Literal:
        if data not in args:
            raise UsdError("usd_metadata_invalid", f"{where} is {data!r}, not one of {', '.join(map(str, args))}.")
        return data
    if hint is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, hint):
        raise UsdError("usd_metadata_invalid", f"{where} is {data!r}, not {hint.__name__}.", "Build the twin again.")
    return data


def _mapping(data: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise UsdError("usd_metadata_invalid", f"{where} is not a dictionary.", "Build the twin again.")
    return data
