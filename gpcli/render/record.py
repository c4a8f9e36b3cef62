"""From a record to the JSON object that scripts get: every key always there."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import cast

JsonScalar = str | int | float | bool | None
Json = JsonScalar | list["Json"] | dict[str, "Json"]


def record_of(item: object) -> dict[str, Json]:
    """Give the JSON object of a dataclass instance, its fields under their own names.

    Nested dataclasses become objects, tuples arrays, sets sorted arrays, times RFC 3339, dates
    ISO 8601, decimals strings with the record's own digits, enums their values, `None` null.
    Fields with the metadata `{"json": False}` are left out.

    Raises TypeError for what has no place in JSON, ValueError for a time without an offset.
    """
    kind: type = type(item)
    values = ((name, getattr(item, name)) for name in json_fields(kind))
    return {
        name: value if value.__class__ is str or value is None else to_json(value)
        for name, value in values
    }


def to_json(value: object) -> Json:
    """Give one value as JSON; the rules of `record_of`."""
    convert = _EXACT.get(type(value))
    if convert is not None:
        return convert(value)
    if is_dataclass(value):
        return record_of(value)
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def rfc3339(when: datetime) -> str:
    """Write an aware time as RFC 3339 with its own offset, `Z` for UTC.

    The seconds that an offset of before railway time has cannot be written: then it is UTC.

    Raises ValueError if `when` has no offset.
    """
    written = when.isoformat()
    if written[-6] in "+-":
        return f"{written[:-6]}Z" if written.endswith("+00:00") else written
    if when.utcoffset() is None:
        raise ValueError("a time without an offset is no point in time")
    return rfc3339(when.astimezone(UTC))


@cache
def json_fields(kind: type) -> tuple[str, ...]:
    """Name the fields of a dataclass that its JSON object has. Raises TypeError for others."""
    return tuple(field.name for field in fields(kind) if field.metadata.get("json", True))


def _object(mapping: dict[object, object]) -> Json:
    return {str(to_json(key)): to_json(value) for key, value in mapping.items()}


def _array(values: tuple[object, ...] | list[object]) -> Json:
    return [to_json(value) for value in values]


def _sorted_array(values: frozenset[object]) -> Json:
    return [to_json(value) for value in sorted(values, key=str)]


def _same(value: JsonScalar) -> Json:
    return value


_EXACT = cast(
    "dict[type, Callable[[object], Json]]",
    {
        str: _same,
        int: _same,
        float: _same,
        bool: _same,
        type(None): _same,
        Decimal: str,
        datetime: rfc3339,
        date: date.isoformat,
        tuple: _array,
        list: _array,
        frozenset: _sorted_array,
        dict: _object,
    },
)
