"""Columns as data: how a kind of record looks in a table, in plain lines and in JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from gpcli.errors import Usage
from gpcli.render.record import Json, json_fields, record_of
from gpcli.render.times import Surroundings

T = TypeVar("T")

Cell = str | int | bool | Decimal | datetime | date | None | tuple[str, ...]
"""One value of a plain line."""


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column.

    `name` is interface: snake_case, the word for `--fields` and in `key:` lines. `header` is the
    table's. `plain` gives the value as recorded, `table` words for people (by default the plain
    value). `in_table` `False` keeps it out of tables, `for_people` `False` also out of the block
    that shows one record, unless asked for. `style` is how the table
    paints the value, or what decides so from the row: a rich style such as `green` or `dim`.
    """

    name: str
    header: str
    plain: Callable[[T], Cell]
    table: Callable[[T, Surroundings], str] | None = None
    in_table: bool = True
    for_people: bool = True
    right: bool = False
    style: str | Callable[[T], str] = ""


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
        require_known(names, self.column_names)
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in names)


def record_view(
    kind: type[T], name: str, columns: tuple[Column[T], ...], *, blocks: bool = False
) -> View[T]:
    """A view of records of the dataclass `kind`, whose JSON is `record_of` them."""
    record: type = kind
    return View(name, columns, record_of, json_fields(record), blocks)


def require_known(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise Usage for the first of `names` that is not in `known`, saying which one is nearest."""
    unknown = next((name for name in names if name not in known), None)
    if unknown is None:
        return
    from difflib import get_close_matches  # noqa: PLC0415  (14 ms that only a slip needs)

    nearest = get_close_matches(unknown, known, n=1, cutoff=0.5)
    meant = f' Did you mean "{nearest[0]}"?' if nearest else ""
    raise Usage(f'There is no field "{unknown}".{meant}', hint=f"Fields: {', '.join(known)}")
