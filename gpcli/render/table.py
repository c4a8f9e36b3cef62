"""Tables and blocks on a terminal, drawn by rich; portal text is never read as its markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import StringIO
from itertools import islice

from rich.box import Box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gpcli.render.columns import aligned_lines, columns_of, shrunk
from gpcli.render.sanitise import safe_line, safe_text
from gpcli.render.terminal import LineWriter, Terminal
from gpcli.render.times import TimeFormat, clock_period, day_words
from gpcli.render.view import Cell, Column, T, View


def cell_words(column: Column[T], row: T, time_format: TimeFormat) -> str:
    """Say what `column` shows of `row`: its own words, else its plain value; safe to write."""
    if column.table is not None:
        return safe_text(column.table(row, time_format))
    return safe_text(value_words(column.plain(row)))


def value_words(value: Cell) -> str:
    """Say a value: `yes` and `no`, nothing for `None`, times by their own clock."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return clock_period(value, None)
    if isinstance(value, tuple):
        return ", ".join(value)
    return _number_or_day_words(value)


def _number_or_day_words(value: int | Decimal | date) -> str:
    return day_words(value) if isinstance(value, date) else str(value)


LONG = 200
"""Rows beyond which a list is aligned lines: rich takes 0.26 ms a row."""

_READABLE = 96
_LEAST_VALUE = 16
_GAP = 2
_INSET = 2
_TALLEST = 2
_RULE = Box("    \n    \n ─  \n    \n    \n    \n    \n    \n")
_ASCII_RULE = Box("    \n    \n -  \n    \n    \n    \n    \n    \n", ascii=True)


class TableFormat:
    """Draws answers for a person; `fields` as in `View.chosen`."""

    def __init__(
        self,
        stdout: LineWriter,
        fields: tuple[str, ...] | None,
        terminal: Terminal,
        time_format: TimeFormat,
    ) -> None:
        self._stdout = stdout
        self._fields = fields
        self._terminal = terminal
        self._around = time_format

    def rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Draw a table; aligned lines if it is long.

        Where there is too little room, spare columns go, the last ones first; if that is not
        enough, it is a block a row.
        """
        columns = self._columns(view, lambda column: column.for_people and column.in_table)
        coming = iter(rows)
        first = list(islice(coming, LONG + 1))
        columns = [column for column in columns if self._wanted_in_table(column, first)]
        if len(first) > LONG:
            return self._align(columns, first, coming)
        if first:
            self._draw_table_or_blocks(self._filled(columns, first), first, blocks=view.blocks)
        return len(first)

    def item(self, view: View[T], item: T, text: str | None) -> None:
        """Draw labels and values in two columns, then, unless fields were chosen, the text."""
        columns = self._columns(view, lambda column: column.for_people)
        self._draw_blocks(columns, [[self._cell(column, item) for column in columns]])
        if text and self._fields is None:
            self._stdout.write_line("")
            words = self._stdout.spelled(safe_text(text).rstrip("\n"))
            inset = Padding(Text(words), (0, 0, 0, _INSET))  # so that no text passes for a label
            self._draw(inset, min(self._terminal.width, _READABLE))

    def _wanted_in_table(self, column: Column[T], rows: Sequence[T]) -> bool:
        wanted = column.in_table
        return self._fields is not None or not callable(wanted) or any(map(wanted, rows))

    def _columns(self, view: View[T], usual: Callable[[Column[T]], object]) -> Sequence[Column[T]]:
        columns = view.chosen(self._fields)
        return columns if self._fields is not None else list(filter(usual, columns))

    def _filled(self, columns: Sequence[Column[T]], rows: Sequence[T]) -> Sequence[Column[T]]:
        """The columns that say something in a row, or were asked for."""
        if self._fields is not None:
            return columns
        return [column for column in columns if any(self._words(column, row) for row in rows)]

    def _draw_table_or_blocks(
        self, columns: Sequence[Column[T]], rows: Sequence[T], *, blocks: bool
    ) -> None:
        cells = [[self._cell(column, row) for column in columns] for row in rows]
        sizes = [_size(column, texts) for column, *texts in zip(columns, *cells, strict=True)]
        kept = [] if blocks else self._fitting(columns, sizes)
        if not kept:
            self._draw_blocks(columns, cells)
            return
        widths = shrunk([sizes[place] for place in kept], self._available(len(kept)))
        rest = [[row[place] for place in kept] for row in cells]
        table = self._table([columns[place] for place in kept], rest, widths)
        self._draw(table, self._terminal.width)

    def _fitting(self, columns: Sequence[Column[T]], sizes: Sequence[tuple[int, int]]) -> list[int]:
        """The places of the columns that fit beside each other; none if too few are spare."""
        kept = list(range(len(columns)))
        spare = [place for place in kept if columns[place].spare and self._fields is None]
        while spare and self._is_crowded([sizes[place] for place in kept]):
            kept.remove(spare.pop())
        return kept if self._has_room([sizes[place] for place in kept]) else []

    def _has_room(self, sizes: Sequence[tuple[int, int]]) -> bool:
        return sum(least for least, _ in sizes) <= self._available(len(sizes))

    def _is_crowded(self, sizes: Sequence[tuple[int, int]]) -> bool:
        """Whether columns do not fit, or cells would be towers of words."""
        if not self._has_room(sizes):
            return True
        widths = shrunk(sizes, self._available(len(sizes)))
        return any(
            natural > _TALLEST * width for width, (_, natural) in zip(widths, sizes, strict=True)
        )

    def _available(self, columns: int) -> int:
        return self._terminal.width - _GAP * (columns - 1)

    def _table(
        self, columns: Sequence[Column[T]], cells: Sequence[Sequence[Text]], widths: Sequence[int]
    ) -> Table:
        table = Table(
            box=_RULE if self._stdout.utf8 else _ASCII_RULE,
            show_edge=False,
            pad_edge=False,
            padding=(0, _GAP - 1, 0, 0),
            header_style="bold",
            border_style="dim",
        )
        for column, width in zip(columns, widths, strict=True):
            table.add_column(
                Text(safe_line(column.header)),
                width=width,
                justify="right" if column.right else "left",
                overflow="fold",
            )
        for row in cells:
            table.add_row(*row)
        return table

    def _draw_blocks(self, columns: Sequence[Column[T]], cells: Sequence[Sequence[Text]]) -> None:
        labels = max((columns_of(column.header) for column in columns), default=0)
        ids = [
            columns_of(cell.plain)
            for row in cells
            for column, cell in zip(columns, row, strict=True)
            if _is_id(column)
        ]
        width = max(self._terminal.width, labels + _GAP + max([_LEAST_VALUE, *ids]))
        for number, row in enumerate(cells):
            if number:
                self._stdout.write_line("")
            self._draw(_block(columns, row, labels), width)

    def _cell(self, column: Column[T], row: T) -> Text:
        style = column.style if isinstance(column.style, str) else column.style(row)
        return Text(self._words(column, row), style=style)

    def _words(self, column: Column[T], row: T) -> str:
        return self._stdout.spelled(cell_words(column, row, self._around))

    def _align(self, columns: Sequence[Column[T]], first: Sequence[T], coming: Iterable[T]) -> int:
        def cells(row: T) -> list[str]:
            return [safe_line(self._words(column, row)) for column in columns]

        header = [safe_line(column.header) for column in columns]
        lines = aligned_lines(
            header, [cells(row) for row in first], map(cells, coming), [c.right for c in columns]
        )
        return self._stdout.write_lines(lines) - 1

    def _draw(self, drawing: RenderableType, width: int) -> None:
        paper = StringIO()
        _console(paper, width, paints=self._terminal.paints_stdout).print(drawing)
        lines = paper.getvalue().rstrip("\n").split("\n")
        self._stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def _block(columns: Sequence[Column[T]], row: Sequence[Text], labels: int) -> Table:
    block = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    block.add_column(style="dim", min_width=labels, no_wrap=True)
    block.add_column(overflow="fold")
    for column, cell in zip(columns, row, strict=True):
        if cell.plain:
            block.add_row(Text(safe_line(column.header)), cell)
    return block


def _size(column: Column[T], cells: Sequence[Text]) -> tuple[int, int]:
    """Give the least and the natural width of a column: ids never break, the rest at spaces."""
    lines = [line for cell in cells for line in cell.plain.split("\n")]
    lines.append(safe_line(column.header))
    natural = max(map(columns_of, lines))
    if _is_id(column):
        return natural, natural
    return max((columns_of(word) for line in lines for word in line.split()), default=0), natural


def _is_id(column: Column[T]) -> bool:
    return column.name == "id" or column.name.endswith("_id")


def _console(paper: StringIO, width: int, *, paints: bool) -> Console:
    return Console(
        file=paper,
        width=width,
        height=25,
        force_terminal=paints,
        color_system="standard" if paints else None,
        no_color=not paints,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
