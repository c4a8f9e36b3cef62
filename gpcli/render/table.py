"""Tables and blocks on a terminal, drawn by rich; text of the portal is never its markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gpcli.render.columns import align_rows, fit_widths
from gpcli.render.sanitise import safe_line, safe_text
from gpcli.render.terminal import LineWriter, Terminal
from gpcli.render.times import TimeFormat, is_known_zone
from gpcli.render.view import Column, Entry, T, View


def format_cell(column: Column[T], row: T, time_format: TimeFormat) -> str:
    """Return what `column` shows of `row`: its table text, or else its plain value; sanitised."""
    return safe_text(column.word(row, time_format))


MAX_TABLE_ROWS = 200
"""Rows beyond which a list is written as aligned lines: rich takes 0.26 ms a row."""

BLOCKS_BELOW = 60
"""Columns of a terminal below which rows that would wrap are blocks."""

_TEXT_WIDTH = 96
_MIN_VALUE_WIDTH = 16
_GAP = 2
_INDENT = 2


@dataclass(frozen=True)
class _TableColumn:
    """A column as it is drawn; `least` and `natural` are its widths, as rich counts columns."""

    header: str
    cells: list[Text]
    least: int
    natural: int
    right: bool = False


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
        """Draw a list, and return how many rows there were.

        What all rows share stands once above. Where there is too little room for a table, droppable
        columns are left out, the last ones first; if that is not enough, each row is a block.
        """
        columns = self._select_columns(view, lambda column: column.for_people and column.in_table)
        listed = list(rows)
        columns = [column for column in columns if self._is_in_table(column, listed)]
        if not listed:
            return 0
        if self._fields is not None:
            self._draw_table_or_blocks(columns, listed, blocks=view.blocks)
        elif view.entry is not None:
            self._draw_entries([view.entry(row, self._time_format) for row in listed])
        else:
            columns = self._drop_empty(columns, listed)
            self._draw_sections(view, columns, listed)
        return len(listed)

    def write_item(self, view: View[T], item: T, text: str | None) -> None:
        """Draw labels and values in two columns, or write the value of the one chosen field.

        Unless fields were chosen, the text follows.
        """
        columns = self._select_columns(view, lambda column: column.for_people)
        if self._fields is not None and len(columns) == 1:
            self._stdout.write_line(self._format(columns[0], item))
            return
        self._draw_blocks(columns, [item])
        if text and self._fields is None:
            self._stdout.write_line("")
            body = Text(self._stdout.make_encodable(safe_text(text).rstrip("\n")))
            indented = Padding(body, (0, 0, 0, _INDENT))  # so that no text passes for a label
            self._draw(indented, min(self._text_width, _TEXT_WIDTH))

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
        """Return the columns that are not empty in every row."""
        return [column for column in columns if any(self._format(column, row) for row in rows)]

    def _draw_sections(
        self, view: View[T], columns: Sequence[Column[T]], rows: Sequence[T]
    ) -> None:
        """Draw the rows of each section below its name and what they share, all of one form."""
        if view.blocks:
            self._draw_table_or_blocks(columns, rows, blocks=True)
            return
        sections: dict[str, list[T]] = {}
        for row in rows:
            sections.setdefault(view.section(row) if view.section else "", []).append(row)
        split = {name: self._split_shared(columns, sections[name]) for name in sections}
        differing = {column.name for kept, _ in split.values() for column in kept}
        usual = [column for column in columns if column.name in differing]
        fitting = {column.name for column, _ in self._select_fitting(usual, rows)}
        for number, (name, (kept, shared)) in enumerate(split.items()):
            if number:
                self._stdout.write_line("")
            above = " · ".join(filter(None, (safe_line(name), shared)))
            chosen = [column for column in kept if column.name in fitting or not fitting]
            self._draw_table_or_blocks(chosen, sections[name], above, blocks=not fitting)

    def _split_shared(
        self, columns: Sequence[Column[T]], rows: Sequence[T]
    ) -> tuple[Sequence[Column[T]], str]:
        """Return the columns whose values differ, and what all rows share in the other ones."""
        parts: list[str] = []
        kept: list[Column[T]] = []
        for column in columns:
            values = {self._format(column, row) for row in rows} if column.shared else set()
            if len(values) == 1:
                parts += values
            else:
                kept.append(column)
        return kept, " · ".join(map(safe_line, parts))

    def _draw_table_or_blocks(
        self, columns: Sequence[Column[T]], rows: Sequence[T], shared: str = "", *, blocks: bool
    ) -> None:
        """Draw `rows`, below what they share."""
        drawn = [] if blocks else _join_drawn(self._select_fitting(columns, rows))
        zone = self._find_zone_to_tell(columns, rows)
        told = f"Times are those of {zone}; Here is this computer's clock." if zone else ""
        for line in filter(None, (shared, told if drawn else "")):
            self._draw_heading(Text(self._stdout.make_encodable(line)))
        if drawn:
            self._draw_table(drawn, len(rows))
            return
        if shared:
            self._stdout.write_line("")
        self._draw_blocks(columns, rows)

    def _draw_table(self, columns: Sequence[_TableColumn], count: int) -> None:
        natural = sum(column.natural for column in columns)
        if count > MAX_TABLE_ROWS and natural <= self._available_width(len(columns)):
            self._write_aligned(columns)
        else:
            self._draw(self._build_table(columns), self._terminal.width)

    def _find_zone_to_tell(self, columns: Sequence[Column[T]], rows: Sequence[T]) -> str | None:
        """Return the zone of all times, where this computer's clock shows others; else `None`.

        Of an unknown zone nothing can be told, and each of several stands with its times.
        """
        if self._fields is not None:
            return None
        moments = [column.moment(row) for column in columns if column.moment for row in rows]
        zones = {zone for when, zone in moments if when}
        if len(zones) != 1 or not any(self._time_format.here(*each) for each in moments):
            return None
        [zone] = zones
        return zone if is_known_zone(zone) else None

    def _expand(
        self, column: Column[T], rows: Sequence[T], time_format: TimeFormat
    ) -> list[_TableColumn]:
        """Return a column as it is drawn, and one of what this computer's clock shows."""
        expanded = (
            self._split_days(column, rows)
            if self._is_grouped(column, rows, time_format)
            else [self._build_column(column, rows, time_format)]
        )
        if column.moment and time_format.told_zone:
            here = [time_format.here(*column.moment(row)) for row in rows]
            expanded.append(_measure("Here", [Text(text) for text in here], wraps=False))
        return expanded

    def _is_grouped(self, column: Column[T], rows: Sequence[T], time_format: TimeFormat) -> bool:
        """Return whether the days of a column stand apart: where no time has to say its zone."""
        if column.by_day is None or self._fields is not None:
            return False
        moments = map(column.moment, rows) if column.moment else ()
        return all(time_format.goes_without_saying(*each) for each in moments)

    def _build_column(
        self, column: Column[T], rows: Sequence[T], time_format: TimeFormat
    ) -> _TableColumn:
        return _measure(
            column.header,
            [self._build_cell(column, row, time_format) for row in rows],
            wraps=column.wraps and not _is_id_column(column),
            right=column.right,
        )

    def _split_days(self, column: Column[T], rows: Sequence[T]) -> list[_TableColumn]:
        """Return a column of days, each only where it begins, and one of what is on them."""
        split = [column.by_day(row, self._time_format) for row in rows if column.by_day]
        before = ["", *(day for day, _ in split)]
        days = [
            Text("" if day == former else day, style="bold")
            for (day, _), former in zip(split, before, strict=False)
        ]
        clocks = [Text(clock) for _, clock in split]
        encoded = ([self._make_encodable(text) for text in texts] for texts in (days, clocks))
        return [
            _measure(header, texts, wraps=False)
            for header, texts in zip((column.header, ""), encoded, strict=True)
        ]

    def _select_fitting(
        self, columns: Sequence[Column[T]], rows: Sequence[T]
    ) -> list[tuple[Column[T], list[_TableColumn]]]:
        """Return the columns to show beside each other, each with what is drawn of it.

        There are none if they do not fit.
        """
        time_format = replace(self._time_format, told_zone=self._find_zone_to_tell(columns, rows))
        shown = [(column, self._expand(column, rows, time_format)) for column in columns]
        droppable = [each for each in shown if each[0].droppable and self._fields is None]
        while droppable and self._is_crowded(_join_drawn(shown)):
            shown.remove(droppable.pop())
        return shown if self._has_room(_join_drawn(shown)) else []

    def _has_room(self, columns: Sequence[_TableColumn]) -> bool:
        available = self._available_width(len(columns))
        if self._terminal.width < BLOCKS_BELOW:
            return sum(column.natural for column in columns) <= available
        return sum(column.least for column in columns) <= available

    def _is_crowded(self, columns: Sequence[_TableColumn]) -> bool:
        """Return whether not every row fits on a line."""
        return sum(column.natural for column in columns) > self._available_width(len(columns))

    def _fit_widths(self, columns: Sequence[_TableColumn]) -> list[int]:
        sizes = [(column.least, column.natural) for column in columns]
        return fit_widths(sizes, self._available_width(len(columns)))

    def _available_width(self, columns: int) -> int:
        return self._terminal.width - _GAP * (columns - 1)

    def _build_table(self, columns: Sequence[_TableColumn]) -> Table:
        table = Table(
            box=None,
            show_edge=False,
            pad_edge=False,
            padding=(0, _GAP, 0, 0),
            header_style="bold",
        )
        for column, width in zip(columns, self._fit_widths(columns), strict=True):
            table.add_column(
                Text(column.header),
                width=width,
                justify="right" if column.right else "left",
                overflow="fold",
            )
        for row in zip(*(column.cells for column in columns), strict=True):
            table.add_row(*row)
        return table

    def _draw_blocks(self, columns: Sequence[Column[T]], rows: Sequence[T]) -> None:
        cells = [
            [self._build_cell(column, row, self._time_format) for column in columns] for row in rows
        ]
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

    def _draw_entries(self, entries: Sequence[Entry]) -> None:
        """Draw a title and its id on a line, and what matters of the record below, indented."""
        for entry in entries:
            title = Text(safe_line(entry.title), style="bold")
            title.append(f"  {safe_line(entry.id)}", style="not bold dim")
            title = self._make_encodable(title)
            self._draw_heading(title, longest=cell_len(safe_line(entry.id)))
            for phrases in entry.lines:
                texts = [Text(safe_line(text), style=style) for text, style in phrases if text]
                for line in _fill_lines(texts, self._text_width - _INDENT):
                    body = self._make_encodable(line)
                    self._draw(Padding(body, (0, 0, 0, _INDENT)), self._text_width)

    @property
    def _text_width(self) -> int:
        """The columns of a text that is set in; some, however narrow the terminal is."""
        return max(self._terminal.width, _INDENT + _MIN_VALUE_WIDTH)

    def _draw_heading(self, text: Text, *, longest: int = 1) -> None:
        """Draw a text whose further lines are set in, so that none passes for another heading.

        Words of up to `longest` columns, such as an id, are never cut.
        """
        indent = 2 * _INDENT
        width = max(self._terminal.width, longest + indent)
        if cell_len(text.plain) <= width:
            self._draw(text, width)
            return
        console = _build_console(StringIO(), width, has_color=False)
        first, *others = text.wrap(console, width - indent)
        first.rstrip()
        self._draw(Group(first, *(Padding(line, (0, 0, 0, indent)) for line in others)), width)

    def _make_encodable(self, text: Text) -> Text:
        """Return `text` in characters that the stream has; its styles stay where they fit."""
        plain = self._stdout.make_encodable(text.plain)
        return text if plain == text.plain else Text(plain, style=text.style)

    def _build_cell(self, column: Column[T], row: T, time_format: TimeFormat) -> Text:
        style = column.style if isinstance(column.style, str) else column.style(row)
        text = self._stdout.make_encodable(format_cell(column, row, time_format))
        return Text(text, style=style)

    def _format(self, column: Column[T], row: T) -> str:
        return self._build_cell(column, row, self._time_format).plain

    def _write_aligned(self, columns: Sequence[_TableColumn]) -> None:
        rows = zip(*(column.cells for column in columns), strict=True)
        lines = align_rows(
            [column.header for column in columns],
            [[safe_line(cell.plain) for cell in row] for row in rows],
            [column.right for column in columns],
        )
        self._stdout.write_lines(lines)

    def _draw(self, drawing: RenderableType, width: int) -> None:
        buffer = StringIO()
        _build_console(buffer, width, has_color=self._terminal.has_stdout_color).print(drawing)
        lines = buffer.getvalue().rstrip("\n").split("\n")
        self._stdout.write("".join(f"{line.rstrip()}\n" for line in lines))


def _join_drawn(shown: Iterable[tuple[Column[T], list[_TableColumn]]]) -> list[_TableColumn]:
    return [drawn for _, columns in shown for drawn in columns]


def _fill_lines(phrases: Sequence[Text], width: int) -> list[Text]:
    """Join phrases to lines of `width` columns; one that is longer is a line, broken when drawn."""
    lines: list[Text] = []
    for phrase in phrases:
        joined = Text(" · ").join([lines[-1], phrase]) if lines else phrase
        if lines and cell_len(joined.plain) <= width:
            lines[-1] = joined
        else:
            lines.append(phrase)
    return lines


def _build_block(columns: Sequence[Column[T]], row: Sequence[Text], labels: int) -> Table:
    block = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    block.add_column(style="dim", min_width=labels, no_wrap=True)
    block.add_column(overflow="fold")
    for column, cell in zip(columns, row, strict=True):
        if cell.plain:
            block.add_row(Text(safe_line(column.header)), cell)
    return block


def _measure(header: str, cells: list[Text], *, wraps: bool, right: bool = False) -> _TableColumn:
    """Return a column with its widths: what wraps is broken only at spaces, the rest never."""
    header = safe_line(header)
    lines = [line for cell in cells for line in cell.plain.split("\n")]
    natural = max(map(cell_len, (*lines, header)))
    words = (cell_len(word) for line in (*lines, header) for word in line.split())
    least = max(words, default=0) if wraps else natural
    return _TableColumn(header, cells, least, natural, right)


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
