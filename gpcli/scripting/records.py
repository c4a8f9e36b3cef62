"""Records as the JSON that the command line prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, overload

from gpcli.render.view import Json, to_json_object

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@overload
def to_json(record: DataclassInstance) -> dict[str, Json]: ...
@overload
def to_json(record: Iterable[DataclassInstance]) -> list[dict[str, Json]]: ...
def to_json(
    record: DataclassInstance | Iterable[DataclassInstance],
) -> dict[str, Json] | list[dict[str, Json]]:
    """Return a record as the object that `--json` prints of it, or several as its array.

    Times are RFC 3339, amounts text with the record's own digits, enums their values.
    Raises: TypeError for what is no record.
    """
    if not isinstance(record, Iterable) or isinstance(record, str | bytes | Mapping | type):
        return to_json_object(_require_record(record))
    return [to_json_object(_require_record(each)) for each in record]


def _require_record(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return value
    raise TypeError(f"to_json() takes a record or several, not {type(value).__name__}")
