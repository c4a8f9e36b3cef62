"""Tables and blocks on a terminal, drawn by rich; text of the portal is never its markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from io import StringIO
from itertools import islice

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gpcli.render.columns import align_rows, fit_widths
from gpcli.render.sanitise import safe_line, safe_text
from gpcli.render.terminal import LineWriter, Terminal
from gpcli.render.times import TimeFormat, format_day, format_period
from gpcli.render.view import Cell, Column, T, View


def format_cell(column: Column[T], row: T, time_format: TimeFormat) -> str:
    """Return what `column` shows of `row`: its table text, or else its plain value; sanitised."""
    if column.table is not None:
        return safe_text(column.table(row, time_format))
    return safe_text(format_value(column.plain(row)))


def format_value(value: Cell) -> str:
    """Format a value: `yes` and `no`, nothing for `None`, times with their own offset."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return format_period(value, None)
    if isinstance(value, tuple):
        return ", ".join(value)
    return format_day(value) if isinstance(value, date) else str(value)


MAX_TABLE_ROWS = 200
"""Rows beyond which a list is written as aligned lines: rich takes 0.26 ms a row."""

_TEXT_WIDTH = 96
_MIN_VALUE_WIDTH = 16
_GAP = 2
_TEXT_INDENT = 2
_MAX_CELL_LINES = 2
_RULE = Box("    \n    \n ─  \n    \n    \n    \n    \n    \n")
_ASCII_RULE = Box("    \n    \n -  \n    \n    \n    \n    \n    \n", ascii=True)


class TableFormat:
    """Draws answers for a person; `fields` are as in `View.select_columns`."""

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
        self._time_format = time_format

    def write_rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Draw a table, or write aligned lines if it is long; return how many rows there were.

        Where there is too little room, droppable columns are left out, the last ones first; if
        that is not enough, each row is drawn as a block.
        """
        columns = self._select_columns(view, lambda column: column.for_people and column.in_table)
        remaining = iter(rows)
        first = list(islice(remaining, MAX_TABLE_ROWS + 1))
        columns = [column for column in columns if self._is_in_table(column, first)]
        if len(first) > MAX_TABLE_ROWS:
            return self._write_aligned(columns, first, remaining)
        if first:
            self._draw_table_or_blocks(self._drop_empty(columns, first), first, blocks=view.blocks)
        return len(first)

    def write_item(self, view: View[T], item: T, text: str | None) -> None:
        """Draw labels and values in two columns, or write the value of the one chosen field.

        Unless fields were chosen, the text follows.
        """
        columns = self._select_columns(view, lambda column: column.for_people)
        if self._fields is not None and len(columns) == 1:
            self._stdout.write_line(self._format(columns[0], item))
            return
        self._draw_blocks(columns, [[self._build_cell(column, item) for column in columns]])
        if text and self._fields is None:
            self._stdout.write_line("")
            body = Text(self._stdout.make_encodable(safe_text(text).rstrip("\n")))
            indented = Padding(body, (0, 0, 0, _TEXT_INDENT))  # so that no text passes for a label
            self._draw(indented, min(self._terminal.width, _TEXT_WIDTH))

    def _is_in_table(self, column: Column[T], rows: Sequence[T]) -> bool:
        """Return whether a selected column is in the table of these rows."""
        in_table = column.in_table
        return self._fields is not None or not callable(in_table) or any(map(in_table, rows))

    def _select_columns(
        self, view: View[T], is_usual: Callable[[Column[T]], object]
    ) -> Sequence[Column[T]]:
        """Return the columns of the chosen fields or, where none were chosen, the usual ones."""
        columns = view.select_columns(self._fields)
        return columns if self._fields is not None else list(filter(is_usual, columns))

    def _drop_empty(self, columns: Sequence[Column[T]], rows: Sequence[T]) -> Sequence[Column[T]]:
        """Return the columns that are not empty in every row; all, where fields were chosen."""
        if self._fields is not None:
            return columns
        return [column for column in columns if any(self._format(column, row) for row in rows)]

    def _draw_table_or_blocks(
        self, columns: Sequence[Column[T]], rows: Sequence[T], *, blocks: bool
    ) -> None:
        cells = [[self._build_cell(column, row) for column in columns] for row in rows]
        sizes = [
            _measure_column(column, texts) for column, *texts in zip(columns, *cells, strict=True)
        ]
        shown = [] if blocks else self._select_fitting(columns, sizes)
        if not shown:
            self._draw_blocks(columns, cells)
            return
        widths = fit_widths([sizes[place] for place in shown], self._available_width(len(shown)))
        shown_cells = [[row[place] for place in shown] for row in cells]
        table = self._build_table([columns[place] for place in shown], shown_cells, widths)
        self._draw(table, self._terminal.width)

    def _select_fitting(
        self, columns: Sequence[Column[T]], sizes: Sequence[tuple[int, int]]
    ) -> list[int]:
        """Return the places of the columns to show beside each other; none if they do not fit."""
        shown = list(range(len(columns)))
        droppable = [place for place in shown if columns[place].droppable and self._fields is None]
        while droppable and self._is_crowded([sizes[place] for place in shown]):
            shown.remove(droppable.pop())
        return shown if self._has_room([sizes[place] for place in shown]) else []

    def _has_room(self, sizes: Sequence[tuple[int, int]]) -> bool:
        return sum(least for least, _ in sizes) <= self._available_width(len(sizes))

    def _is_crowded(self, sizes: Sequence[tuple[int, int]]) -> bool:
        """Return whether columns do not fit, or cells would take too many lines."""
        if not self._has_room(sizes):
            return True
        widths = fit_widths(sizes, self._available_width(len(sizes)))
        return any(
            natural > _MAX_CELL_LINES * width
            for width, (_, natural) in zip(widths, sizes, strict=True)
        )

    def _available_width(self, columns: int) -> int:
        return self._terminal.width - _GAP * (columns - 1)

    def _build_table(
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
        labels = max((cell_len(column.header) for column in columns), default=0)
        ids = [
            cell_len(cell.plain)
            for row in cells
            for column, cell in zip(columns, row, strict=True)
            if _is_id_column(column)
        ]
        width = max(self._terminal.width, labels + _GAP + max([_MIN_VALUE_WIDTH, *ids]))
        for number, row in enumerate(cells):
            if number:
                self._stdout.write_line("")
            self._draw(_build_block(columns, row, labels), width)

    def _build_cell(self, column: Column[T], row: T) -> Text:
        style = column.style if isinstance(column.style, str) else column.style(row)
        return Text(self._format(column, row), style=style)

    def _format(self, column: Column[T], row: T) -> str:
        return self._stdout.make_encodable(format_cell(column, row, self._time_format))

    def _write_aligned(
        self, columns: Sequence[Column[T]], first: Sequence[T], remaining: Iterable[T]
    ) -> int:
        def format_row(row: T) -> list[str]:
            return [safe_line(self._format(column, row)) for column in columns]

        header = [safe_line(column.header) for column in columns]
        lines = align_rows(
            header,
            [format_row(row) for row in first],
            map(format_row, remaining),
            [column.right for column in columns],
        )
        return self._stdout.write_lines(lines) - 1

    def _draw(self, drawing: RenderableType, width: int) -> None:
        buffer = StringIO()
        _build_console(buffer, width, has_color=self._terminal.has_stdout_color).print(drawing)
        lines = buffer.getvalue().rstrip("\n").split("\n")
        self._stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def _build_block(columns: Sequence[Column[T]], row: Sequence[Text], labels: int) -> Table:
    block = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    block.add_column(style="dim", min_width=labels, no_wrap=True)
    block.add_column(overflow="fold")
    for column, cell in zip(columns, row, strict=True):
        if cell.plain:
            block.add_row(Text(safe_line(column.header)), cell)
    return block


def _measure_column(column: Column[T], cells: Sequence[Text]) -> tuple[int, int]:
    """Return the least and the natural width of a column, as rich counts columns.

    Ids are never broken, other values only at spaces.
    """
    lines = [line for cell in cells for line in cell.plain.split("\n")]
    lines.append(safe_line(column.header))
    natural = max(map(cell_len, lines))
    if _is_id_column(column):
        return natural, natural
    return max((cell_len(word) for line in lines for word in line.split()), default=0), natural


def _is_id_column(column: Column[T]) -> bool:
    return column.name == "id" or column.name.endswith("_id")


def _build_console(file: StringIO, width: int, *, has_color: bool) -> Console:
    return Console(
        file=file,
        width=width,
        height=25,
        force_terminal=has_color,
        color_system="standard" if has_color else None,
        no_color=not has_color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
