"""Columns as data: how a record looks in a table, in plain lines and in JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Generic, TypeVar, cast

from gpcli.errors import InvalidUsage
from gpcli.render.times import TimeFormat

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


T = TypeVar("T")

Cell = str | int | bool | Decimal | datetime | date | None | tuple[str, ...]
"""One value of a plain line."""


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column.

    `name` is interface: snake_case, the word for `--fields` and in `key:` lines. `header` is the
    table's. `plain` gives the value as recorded, `table` words for people (by default the plain
    value). `in_table` `False` keeps it out of tables, `for_people` `False` also out of the block
    that shows one record, unless asked for; an `in_table` that decides from the row puts it into a
    table where it does so for any row. Where a table is too wide, `spare` columns go first.
    `style` is how the table paints the value, or what decides so from the row: a rich style such
    as `green` or `dim`. `inside` is where JSON has the value of a column that is no key there:
    `remaining.basis`.
    """

    name: str
    header: str
    plain: Callable[[T], Cell]
    table: Callable[[T, TimeFormat], str] | None = None
    in_table: bool | Callable[[T], bool] = True
    for_people: bool = True
    right: bool = False
    style: str | Callable[[T], str] = ""
    spare: bool = False
    inside: str = ""


@dataclass(frozen=True)
class View(Generic[T]):
    """How one kind of record is shown.

    `columns` start with the id; `record` gives the whole JSON object, all keys always present;
    `keys` are that object's keys, in order, where they are not simply the columns' names.
    `blocks` shows a list to people as a block each instead of a table.
    """

    name: str
    columns: tuple[Column[T], ...]
    record: Callable[[T], dict[str, Json]]
    keys: tuple[str, ...] = ()
    blocks: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """What `--fields` can name in a table and in plain lines."""
        return tuple(column.name for column in self.columns)

    @property
    def json_keys(self) -> tuple[str, ...]:
        """What `--fields` can name with JSON."""
        return self.keys or self.column_names

    def chosen(self, names: tuple[str, ...] | None) -> tuple[Column[T], ...]:
        """Pick the columns that `names` asks for, in its order; all of them for `None`.

        Raises Usage if a name is unknown.
        """
        if names is None:
            return self.columns
        self.require(names)
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in names)

    def require(self, names: Sequence[str], *, json: bool = False) -> None:
        """Raise Usage if the format, JSON or not, has no field of one of `names`."""
        if json:
            require_known(names, self.json_keys, {c.name: _in_json(c) for c in self.columns})
        else:
            require_known(names, self.column_names, dict.fromkeys(self.json_keys, _JSON_ALONE))


def record_view(
    kind: type[T], name: str, columns: tuple[Column[T], ...], *, blocks: bool = False
) -> View[T]:
    """A view of records of the dataclass `kind`, whose JSON is `record_of` them."""
    record: type = kind
    return View(name, columns, record_of, json_fields(record), blocks)


_JSON_ALONE = "only JSON has it."


def _in_json(column: Column[T]) -> str:
    return f"there it is in {column.inside}." if column.inside else "only tables and lines have it."


def require_known(
    names: Sequence[str], known: Sequence[str], elsewhere: Mapping[str, str] | None = None
) -> None:
    """Raise Usage for the first of `names` that is not in `known`, saying which one is nearest.

    `elsewhere` tells of names that another format has where to find them.
    """
    unknown = next((name for name in names if name not in known), None)
    if unknown is None:
        return
    hint = f"Fields: {', '.join(known)}"
    if elsewhere and unknown in elsewhere:
        raise InvalidUsage(f'This format has no field "{unknown}": {elsewhere[unknown]}', hint=hint)
    from difflib import get_close_matches  # noqa: PLC0415  (14 ms that only a slip needs)

    nearest = get_close_matches(unknown, known, n=1, cutoff=0.5)
    meant = f' Did you mean "{nearest[0]}"?' if nearest else ""
    raise InvalidUsage(f'There is no field "{unknown}".{meant}', hint=hint)
