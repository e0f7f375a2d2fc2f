"""Dataclasses to JSON and back, driven by their type hints, and the JSON Schema that says the same."""

from __future__ import annotations

import dataclasses
import functools
import json
import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from physicl_twin.model.errors import PhysiclError
from physicl_twin.model.twin import SCHEMA_VERSION, Twin

T = TypeVar("T")
Json = Any


def _from_1(data: dict[str, Json]) -> dict[str, Json]:
    """Version 1 had no ``makeup`` of parts and no ``confidence`` of materials: their defaults hold."""
    return data | {"schema_version": 2}


def _from_2(data: dict[str, Json]) -> dict[str, Json]:
    """Version 2 knew no dynamics of joints, no articulation, no proposals, no sites, no roles: defaults hold."""
    return data | {"schema_version": 3}


#: Migrations of twin.json: version n to n + 1.
MIGRATIONS: dict[int, Callable[[dict[str, Json]], dict[str, Json]]] = {1: _from_1, 2: _from_2}


def to_json(value: Any) -> Json:
    """Plain JSON data of a model value; fields marked ``json=False`` (triangles, image bytes) are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value) if f.metadata.get("json", True)
        }
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def from_json(kind: Any, data: Json, path: str = "$") -> Any:
    """Rebuild a value of type ``kind`` from JSON data.

    Raises:
        PhysiclError: ``record_invalid`` naming the JSON path when the data does not fit the type.
    """
    origin, args = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_from_json(kind, data, path)
    if origin in (Union, types.UnionType):
        if data is None and type(None) in args:
            return None
        return from_json(next(a for a in args if a is not type(None)), data, path)
    if origin is tuple:
        if not isinstance(data, list):
            raise _mismatch(path, "a list", data)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(from_json(args[0], item, f"{path}[{i}]") for i, item in enumerate(data))
        if len(args) != len(data):
            raise _mismatch(path, f"{len(args)} entries", data)
        return tuple(from_json(a, item, f"{path}[{i}]") for i, (a, item) in enumerate(zip(args, data, strict=True)))
    if origin is Literal:
        if data not in args:
            raise _mismatch(path, f"one of {', '.join(map(str, args))}", data)
        return data
    if kind is float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            raise _mismatch(path, "a number", data)
        return float(data)
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise _mismatch(path, kind.__name__, data)
    return data


def _dataclass_from_json(kind: type, data: Json, path: str) -> Any:
    if not isinstance(data, dict):
        raise _mismatch(path, "an object", data)
    hints = _hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind) if f.metadata.get("json", True)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise _mismatch(path, f"no field {unknown[0]!r}", unknown[0])
    missing = [
        name
        for name, f in fields.items()
        if name not in data and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise _mismatch(path, f"a field {missing[0]!r}", None)
    return kind(**{name: from_json(hints[name], data[name], f"{path}.{name}") for name in fields if name in data})


def _mismatch(path: str, wanted: str, got: Json) -> PhysiclError:
    return PhysiclError(
        "record_invalid",
        f"{path}: expected {wanted}, got {str(got)[:60]!r}.",
        "The file was changed by hand or is damaged.",
    )


def dumps(value: Any) -> str:
    """JSON text of a model value: stable key order, numbers that read back to the same bits, a final newline."""
    return json.dumps(to_json(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def loads_twin(text: str) -> Twin:
    """A Twin from the text of a twin.json of this or an older schema version (triangles and image bytes are not in it).

    Raises:
        PhysiclError: ``record_invalid`` or ``record_too_new``.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise PhysiclError("record_invalid", f"twin.json is not JSON: {error}.", "Build the twin again.") from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if not isinstance(version, int):
        raise _mismatch("$.schema_version", "a version number", version)
    if version > SCHEMA_VERSION:
        raise PhysiclError(
            "record_too_new",
            f"twin.json has schema version {version}; this physicl_twin reads up to {SCHEMA_VERSION}.",
            "Update physicl_twin.",
        )
    while version < SCHEMA_VERSION:
        data = MIGRATIONS[version](data)
        version += 1
    twin: Twin = from_json(Twin, data)
    return twin


def json_schema(kind: type = Twin) -> dict[str, Json]:
    """JSON Schema (2020-12) of a dataclass tree; ``data/schemas/twin.schema.json`` holds Twin's."""
    definitions: dict[str, Json] = {}

    def schema_of(hint: Any) -> Json:
        origin, args = get_origin(hint), get_args(hint)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            if hint.__name__ not in definitions:
                definitions[hint.__name__] = {}
                hints = _hints(hint)
                fields = [f for f in dataclasses.fields(hint) if f.metadata.get("json", True)]
                definitions[hint.__name__] = {
                    "type": "object",
                    "description": (hint.__doc__ or "").strip().split("\n")[0],
                    "properties": {f.name: schema_of(hints[f.name]) for f in fields},
                    "required": [
                        f.name
                        for f in fields
                        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
                    ],
                    "additionalProperties": False,
                }
            return {"$ref": f"#/$defs/{hint.__name__}"}
        if origin in (Union, types.UnionType):
            return {"anyOf": [schema_of(a) for a in args]}
        if origin is tuple:
            if len(args) == 2 and args[1] is Ellipsis:
                return {"type": "array", "items": schema_of(args[0])}
            return {
                "type": "array",
                "prefixItems": [schema_of(a) for a in args],
                "minItems": len(args),
                "maxItems": len(args),
            }
        if origin is Literal:
            return {"enum": list(args)}
        return {"type": {float: "number", int: "integer", str: "string", bool: "boolean", type(None): "null"}[hint]}

    root = schema_of(kind)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}
