"""Records as the JSON that the command line prints."""

from __future__ import annotations

from collections.abc import Iterable
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
    if is_dataclass(record):
        return to_json_object(record)
    return [to_json_object(each) for each in record]
