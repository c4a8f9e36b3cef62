"""JSON Schema (2020-12) of what `record_of` gives, read from the dataclasses themselves."""

from __future__ import annotations

from dataclasses import is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from gpcli.render.record import Json, json_fields

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Json]

_OUTSIDE = frozenset({"$schema", "$defs"})

_SCALARS: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    Decimal: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$"},
    Any: {},
    object: {},
}


def schema_of(kind: type) -> Schema:
    """Describe the JSON object of a dataclass: every key required, `null` where allowed.

    The docstring is the description; nested dataclasses stand under `$defs`. Raises TypeError
    for a type that `record_of` does not know.
    """
    nested: dict[str, Json] = {}
    described = _object(kind, nested)
    return {"$schema": DIALECT, **described, **({"$defs": nested} if nested else {})}


def array_of(schema: Schema) -> Schema:
    """Describe an array of what `schema`, as `schema_of` gives it, describes."""
    outside = {key: part for key, part in schema.items() if key in _OUTSIDE}
    items: Json = {key: part for key, part in schema.items() if key not in outside}
    return {**outside, "type": "array", "items": items}


def _object(kind: type, nested: dict[str, Json]) -> Schema:
    hints = get_type_hints(kind)
    names = json_fields(kind)
    properties: dict[str, Json] = {name: _schema(hints[name], nested) for name in names}
    return {
        "title": kind.__name__,
        "description": getdoc(kind) or "",
        "type": "object",
        "properties": properties,
        "required": list(names),
        "additionalProperties": False,
    }


def _schema(hint: Any, nested: dict[str, Json]) -> Schema:
    if isinstance(hint, NewType):
        return _schema(hint.__supertype__, nested)
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if isinstance(hint, type) and is_dataclass(hint):
        return _reference(hint, nested)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of_values([member.value for member in hint])
    return _generic(get_origin(hint), get_args(hint), nested)


def _generic(origin: object, parts: tuple[Any, ...], nested: dict[str, Json]) -> Schema:
    if origin in (Union, UnionType):
        return _union([_schema(part, nested) for part in parts])
    if origin is Literal:
        return _one_of_values(list(parts))
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(parts[1], nested)}
    if origin is tuple and Ellipsis not in parts:
        return _fixed_array([_schema(part, nested) for part in parts])
    if origin in (tuple, list, frozenset):
        return {"type": "array", "items": _schema(parts[0], nested)}
    raise TypeError(f"{origin or parts} has no JSON Schema")


def _reference(kind: type, nested: dict[str, Json]) -> Schema:
    if kind.__name__ not in nested:
        nested[kind.__name__] = {}  # so that a type that holds itself is met once
        nested[kind.__name__] = _object(kind, nested)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _one_of_values(values: list[Any]) -> Schema:
    return {"enum": values}


def _fixed_array(items: list[Schema]) -> Schema:
    return {"type": "array", "prefixItems": list(items), "items": False, "minItems": len(items)}


def _union(choices: list[Schema]) -> Schema:
    simple = all(set(choice) == {"type"} for choice in choices)
    if simple:
        return {"type": [choice["type"] for choice in choices]}
    return {"anyOf": list(choices)}
