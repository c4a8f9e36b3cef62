"""Columns as data: how a kind of record looks in a table, in plain lines and in JSON."""

from collections.abc import Callable, Mapping, Sequence
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
    that shows one record, unless asked for; an `in_table` that decides from the row puts it into a
    table where it does so for any row. Where a table is too wide, `spare` columns go first.
    `style` is how the table paints the value, or what decides so from the row: a rich style such
    as `green` or `dim`. `inside` is where JSON has the value of a column that is no key there:
    `remaining.basis`.
    """

    name: str
    header: str
    plain: Callable[[T], Cell]
    table: Callable[[T, Surroundings], str] | None = None
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
        raise Usage(f'This format has no field "{unknown}": {elsewhere[unknown]}', hint=hint)
    from difflib import get_close_matches  # noqa: PLC0415  (14 ms that only a slip needs)

    nearest = get_close_matches(unknown, known, n=1, cutoff=0.5)
    meant = f' Did you mean "{nearest[0]}"?' if nearest else ""
    raise Usage(f'There is no field "{unknown}".{meant}', hint=hint)
