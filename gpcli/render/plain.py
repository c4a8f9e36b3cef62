"""Plain lines for scripts: tab-separated, the id first, never cut."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from gpcli.render.sanitise import escape_hidden, is_harmless, safe_text
from gpcli.render.terminal import LineWriter
from gpcli.render.view import Cell, T, View, rfc3339

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def format_plain_cell(value: Cell) -> str:
    r"""Format one value for a plain line.

    Backslash, tab, newline and carriage return become `\\`, `\t`, `\n`, `\r`; other controls
    become `\x1b` or `\u202e`; `None` is empty; times are RFC 3339; the items of a tuple are
    joined by `,`, and a comma inside one is `\,`.
    """
    if isinstance(value, str):
        if "\\" not in value and is_harmless(value):
            return value
        return escape_hidden(value.translate(_ESCAPES))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple):
        return ",".join(format_plain_cell(item).replace(",", "\\,") for item in value)
    return _format_number_or_date(value)


def _format_number_or_date(value: int | Decimal | date) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


class PlainFormat:
    """Writes answers as plain lines; `fields` as in `View.select_columns`."""

    def __init__(self, stdout: LineWriter, fields: tuple[str, ...] | None) -> None:
        self._stdout = stdout
        self._fields = fields

    def rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write each row as it comes, cells separated by tabs, and return how many there were."""
        cells = [column.plain for column in view.select_columns(self._fields)]
        return self._stdout.write_lines(
            "\t".join([format_plain_cell(cell(row)) for cell in cells]) for row in rows
        )

    def item(self, view: View[T], item: T, text: str | None) -> None:
        """Write `key:⇥value` lines, then, unless fields were chosen, `--` and the text."""
        lines = [
            f"{column.name}:\t{format_plain_cell(column.plain(item))}"
            for column in view.select_columns(self._fields)
        ]
        if text is not None and self._fields is None:
            lines += ["--", safe_text(text).removesuffix("\n")]
        self._stdout.write("\n".join([*lines, ""]))
