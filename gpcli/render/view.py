"""Columns as data: how a record is shown in tables, in plain lines and in JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Generic, TypeVar, cast

from gpcli.errors import InvalidUsage
from gpcli.render.times import TimeFormat, format_period

JsonScalar = str | int | float | bool | None
Json = JsonScalar | list["Json"] | dict[str, "Json"]


def to_json_object(item: object) -> dict[str, Json]:
    """Return the JSON object of a dataclass instance, its fields under their own names.

    Nested dataclasses become objects, tuples arrays, sets sorted arrays, times RFC 3339, dates
    ISO 8601, decimals strings with the record's own digits, enums their values, `None` null.
    Fields with the metadata `{"json": False}` are left out.

    Raises: TypeError for a type that has no JSON form, ValueError for a time without an offset.
    """
    kind: type = type(item)
    values = ((name, getattr(item, name)) for name in json_fields(kind))
    return {
        # most values: no call for them
        name: value if value.__class__ is str or value is None else to_json(value)
        for name, value in values
    }


def to_json(value: object) -> Json:
    """Return one value as JSON, by the rules of `to_json_object`."""
    convert = _CONVERTERS.get(type(value))
    if convert is not None:
        return convert(value)
    if is_dataclass(value):
        return to_json_object(value)
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def rfc3339(when: datetime) -> str:
    """Format an aware time as RFC 3339 with its own offset, `Z` for UTC.

    An offset with seconds, as zones had before standard time, has no such form: then it is UTC.

    Raises: ValueError if `when` has no offset.
    """
    text = when.isoformat()
    if text[-6] in "+-":
        return f"{text[:-6]}Z" if text.endswith("+00:00") else text
    if when.utcoffset() is None:
        raise ValueError("a time without an offset is no point in time")
    return rfc3339(when.astimezone(UTC))


@cache
def json_fields(kind: type) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass that its JSON object has.

    Raises: TypeError for a type that is no dataclass.
    """
    return tuple(field.name for field in fields(kind) if field.metadata.get("json", True))


def _object(mapping: dict[object, object]) -> Json:
    return {str(to_json(key)): to_json(value) for key, value in mapping.items()}


def _array(values: tuple[object, ...] | list[object]) -> Json:
    return [to_json(value) for value in values]


def _sorted_array(values: frozenset[object]) -> Json:
    return [to_json(value) for value in sorted(values, key=str)]


def _unchanged(value: JsonScalar) -> Json:
    return value


_CONVERTERS = cast(
    "dict[type, Callable[[object], Json]]",
    {
        str: _unchanged,
        int: _unchanged,
        float: _unchanged,
        bool: _unchanged,
        type(None): _unchanged,
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
"""The types of a value in a plain line."""


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column.

    `name` is interface: snake_case, the name in `--fields` and in `key:` lines. `header` is the
    table's. `plain` returns the value as recorded, `table` the text for people (by default the
    plain value). `in_table` `False` keeps the column out of tables, `for_people` `False` also out
    of the block that shows one record, unless `--fields` names it; where `in_table` is a function
    of the row, the column is in a table if it returns true for any row. Where a table is too wide,
    `droppable` columns are left out first. `right` aligns the cells to the right. `style` is the
    rich style of the cells, such as `green` or `dim`, or a function of the row that returns it.
    `json_path` is where JSON has the value of a column that is no key there: `remaining.basis`.

    A value of a `shared` column that all rows of a table have stands once above it. The cells of
    one that does not wrap (`wraps`) stay on one line. `moment` returns the time and its zone of a
    column of times. `by_day` returns the day and the rest of its cell: in a table the day stands
    only where it changes.
    """

    name: str
    header: str
    plain: Callable[[T], Cell]
    table: Callable[[T, TimeFormat], str] | None = None
    in_table: bool | Callable[[T], bool] = True
    for_people: bool = True
    right: bool = False
    style: str | Callable[[T], str] = ""
    droppable: bool = False
    json_path: str = ""
    shared: bool = False
    wraps: bool = True
    moment: Callable[[T], tuple[datetime | None, str]] | None = None
    by_day: Callable[[T, TimeFormat], tuple[str, str]] | None = None

    def word(self, row: T, time_format: TimeFormat) -> str:
        """Return what people are shown of `row`, as it comes: its table text, or its plain value.

        The writer has to sanitise it.
        """
        if self.table is not None:
            return self.table(row, time_format)
        return word_value(self.plain(row), time_format)


def word_value(value: Cell, time_format: TimeFormat) -> str:
    """Word a value: `yes` and `no`, nothing for `None`, times with their own offset."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return format_period(value, None, time_format.now)
    if isinstance(value, tuple):
        return ", ".join(value)
    return time_format.day(value) if isinstance(value, date) else str(value)


@dataclass(frozen=True)
class Entry:
    """A record in words: its title, and what matters of it, as lines of phrases with their styles.

    `id` is what the record is named by on the command line. A style is rich's; a phrase may be
    empty.
    """

    title: str
    id: str
    lines: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True)
class View(Generic[T]):
    """How one kind of record is shown.

    `columns` start with the id. `record` returns the whole JSON object, with every key; `keys` are
    that object's keys, in order; empty = the columns' names. With `blocks`, a list is
    shown to people as a block for each record instead of a table; with `entry` as an entry for
    each record, unless fields were chosen. `section` names the section that a record belongs to:
    where there are several, each has a table of its own; `section_header` is what that name is.
    """

    name: str
    columns: tuple[Column[T], ...]
    record: Callable[[T], dict[str, Json]]
    keys: tuple[str, ...] = ()
    blocks: bool = False
    entry: Callable[[T, TimeFormat], Entry] | None = None
    section: Callable[[T], str] | None = None
    section_header: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names that `--fields` takes for tables and plain lines."""
        return tuple(column.name for column in self.columns)

    @property
    def json_keys(self) -> tuple[str, ...]:
        """The names that `--fields` takes for JSON."""
        return self.keys or self.column_names

    def select_columns(self, names: tuple[str, ...] | None) -> tuple[Column[T], ...]:
        """Return the columns of `names`, in that order; all of them for `None`.

        Raises: InvalidUsage if a name is unknown.
        """
        if names is None:
            return self.columns
        self.require_fields(names)
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in names)

    def require_fields(self, names: Sequence[str], *, json: bool = False) -> None:
        """Raise InvalidUsage if one of `names` is no field: with `json` no key, else no column."""
        if json:
            require_known_fields(
                names, self.json_keys, {c.name: _json_hint(c) for c in self.columns}
            )
        else:
            require_known_fields(
                names, self.column_names, dict.fromkeys(self.json_keys, _JSON_ONLY)
            )


def dataclass_view(
    kind: type[T],
    name: str,
    columns: tuple[Column[T], ...],
    *,
    blocks: bool = False,
    entry: Callable[[T, TimeFormat], Entry] | None = None,
    section: Callable[[T], str] | None = None,
    section_header: str = "",
) -> View[T]:
    """Return a view of records of the dataclass `kind`, with `to_json_object` as their JSON."""
    record: type = kind  # for mypy, type[T] is not hashable, as json_fields needs
    return View(
        name,
        columns,
        to_json_object,
        json_fields(record),
        blocks=blocks,
        entry=entry,
        section=section,
        section_header=section_header,
    )


_JSON_ONLY = "only JSON has it."


def _json_hint(column: Column[T]) -> str:
    return (
        f"there it is in {column.json_path}."
        if column.json_path
        else "only tables and lines have it."
    )


def require_known_fields(
    names: Sequence[str], known: Sequence[str], elsewhere: Mapping[str, str] | None = None
) -> None:
    """Raise InvalidUsage for the first of `names` that is not in `known`, naming the nearest.

    `elsewhere` has, for names that only another format has, where to find the value.
    """
    unknown = next((name for name in names if name not in known), None)
    if unknown is None:
        return
    hint = f"Fields: {', '.join(known)}"
    if elsewhere and unknown in elsewhere:
        raise InvalidUsage(f'This format has no field "{unknown}": {elsewhere[unknown]}', hint=hint)
    from difflib import get_close_matches  # noqa: PLC0415  (start-up: 14 ms, only an error needs it)

    nearest = get_close_matches(unknown, known, n=1, cutoff=0.5)
    meant = f' Did you mean "{nearest[0]}"?' if nearest else ""
    raise InvalidUsage(f'There is no field "{unknown}".{meant}', hint=hint)
