"""The writer of a command: the answer on standard output, everything else on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TextIO, Unpack

from gpcli.errors import GpcliError, shorten
from gpcli.render.columns import wrap_line
from gpcli.render.phrasing import MARKS, WORDS
from gpcli.render.sanitise import (
    escape_hidden,
    is_harmless,
    json_escape_hidden,
    safe_line,
    safe_text,
)
from gpcli.render.stderr import (
    PATIENCE,
    Progress,
    ProgressAnnouncer,
    ProgressIndicator,
    Spinner,
    StderrJson,
    StderrText,
    WordedPlan,
)
from gpcli.render.terminal import LineWriter, Terminal
from gpcli.render.times import TimeFormat
from gpcli.render.view import Cell, Json, T, View, rfc3339

if TYPE_CHECKING:
    from gpcli.render.accessible import StderrWords
    from gpcli.render.pager import Pager
    from gpcli.render.stderr_lines import NoticeDetails

MAX_WARNINGS = 100
"""The most warnings of one kind: a portal may send any number of broken records."""

_AROUND_A_LIST = 4
"""Lines around a list: what its rows share, its header, what is left out, the next prompt."""

_FEWEST_ROWS = 5
"""The rows of a list's beginning that are shown however low the screen is."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def format_plain_cell(value: Cell) -> str:
    r"""Format one value for a plain line.

    Backslash, tab, newline and carriage return become `\\`, `\t`, `\n`, `\r`; other controls
    become `\x1b` or `\u202e`; `None` is empty; times are RFC 3339; the items of a tuple are
    joined by `,`, and a comma inside one is `\,`. `gpcli help columns` says the same.
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
    return value.isoformat() if isinstance(value, date) else str(value)


class PlainFormat:
    """Writes answers as plain lines; `fields` are as in `View.select_columns`."""

    def __init__(self, stdout: LineWriter, fields: tuple[str, ...] | None) -> None:
        self._stdout = stdout
        self._fields = fields

    def write_rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write each row as it comes, cells separated by tabs, and return how many there were."""
        cells = [column.plain for column in view.select_columns(self._fields)]
        return self._stdout.write_lines(
            "\t".join([self._format(cell(row)) for cell in cells]) for row in rows
        )

    def write_item(self, view: View[T], item: T, text: str | None) -> None:
        """Write `key:⇥value` lines, or the value of the one field that was chosen.

        Unless fields were chosen, `--` and the text follow.
        """
        columns = view.select_columns(self._fields)
        if self._fields is not None and len(columns) == 1:
            self._stdout.write_line(self._format(columns[0].plain(item)))
            return
        lines = [f"{column.name}:\t{self._format(column.plain(item))}" for column in columns]
        if text is not None and self._fields is None:
            lines += ["--", safe_text(text).removesuffix("\n")]
        self._stdout.write("\n".join([*lines, ""]))

    def _format(self, value: Cell) -> str:
        return self._stdout.escape_missing(format_plain_cell(value))


class Format(StrEnum):
    """The format of answers.

    `AUTO` is a table on a terminal, or what is accessible there, and plain lines elsewhere.
    """

    AUTO = "auto"
    TABLE = "table"
    ACCESSIBLE = "accessible"
    PLAIN = "plain"
    JSON = "json"
    NDJSON = "ndjson"


class AnswerFormat(Protocol):
    """Writes answers in one format."""

    def write_rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write a list, and return its length."""

    def write_item(self, view: View[T], item: T, text: str | None) -> None:
        """Write one record, then its `text`, unless it has none or fields were chosen."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Output:
    """Writes the answer, notices, warnings, the plan and the error of a command.

    `fields` are the columns to write (keys, in JSON), in their order; `None` = all; an empty tuple
    = instead of any record, the names that can be chosen. `now` and `machine_zone`
    (`None` = the operating system's) decide how times are worded on a terminal. `format` is a
    Format, `None` = `auto`. `patience` is how many seconds of work pass before progress is shown,
    `None` = `PATIENCE`. `env` names the pager for long answers, `None` = there is none. `quiet`
    leaves out progress, and notices that are not needed.
    `accessible` is whether all that is for a person at a terminal is in words, for a screen reader;
    with the format of that name it is so elsewhere, too.

    Every method may raise BrokenPipeError, when the reader has gone.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        terminal: Terminal,
        *,
        format: str | None = None,
        fields: tuple[str, ...] | None = None,
        now: Callable[[], datetime] = _utc_now,
        machine_zone: tzinfo | None = None,
        patience: float | None = None,
        env: Mapping[str, str] | None = None,
        quiet: bool = False,
        accessible: bool = False,
    ) -> None:
        self._is_quiet = quiet
        self.format = _resolve_format(Format(format or Format.AUTO), terminal, accessible)
        in_words = (accessible and terminal.stderr_tty) or self.format is Format.ACCESSIBLE
        self.phrasing = WORDS if in_words else MARKS
        self.terminal = replace(terminal, color=False) if in_words else terminal
        self.fields = fields
        self._now = now
        self._machine_zone = machine_zone
        self._progress = Progress(
            None if quiet else self._build_indicator(LineWriter(stderr)),
            patience=PATIENCE if patience is None else patience,
        )
        self._messages = self._build_messages(LineWriter(stderr, lock=self._progress))
        self._stdout = LineWriter(stdout, lock=self._progress)
        self._pager = self._build_pager(stdout, env)
        self._is_paging = False
        self._has_written_field_names = False

    @property
    def is_text(self) -> bool:
        """Whether answers are for people or plain lines rather than JSON."""
        return not self.is_json

    @property
    def is_for_person(self) -> bool:
        """Whether answers are for a person rather than a script: tables, or what is accessible."""
        return self.format in (Format.TABLE, Format.ACCESSIBLE)

    @property
    def is_read_by_person(self) -> bool:
        """Whether answers are for a person, and a terminal shows them."""
        return self.is_for_person and self.terminal.stdout_tty

    @property
    def time_format(self) -> TimeFormat:
        """How times are worded for the person."""
        return TimeFormat(self._now(), self._machine_zone, phrasing=self.phrasing)

    @property
    def is_json(self) -> bool:
        """Whether answers are JSON; every line on standard error is a JSON object then."""
        return self.format in (Format.JSON, Format.NDJSON)

    @property
    def is_streamed(self) -> bool:
        """Whether the rows of answers are lines, which can be written as they come."""
        return self.format in (Format.NDJSON, Format.PLAIN)

    def show_list(self, view: View[T], rows: Iterable[T]) -> int:
        """Write a list, and return its length (0 where field names are written instead).

        NDJSON and plain lines are written as the rows come; a JSON array when all have come, and
        not at all if `rows` raises; a table is drawn once its rows, or the first 200, have come.
        An empty list writes nothing, in JSON `[]`.

        Raises: InvalidUsage if `fields` has a name that the view does not have.
        """
        if self.fields == ():
            return self._write_field_names(view)
        with self.paging():
            return self._build_answer_format().write_rows(view, rows)

    def show_beginning(
        self, view: View[T], rows: Iterable[T], most: int | None
    ) -> tuple[int, Sequence[T]]:
        """Write a list as `show_list`; return its length, and the rows that were left out.

        A person is shown at most so many rows, and in a table no more than fit the terminal; `None`
        = all. In other formats nothing is left out.
        """
        is_screen = self.is_for_person and self.terminal.stdout_tty
        if not is_screen or most is None or self.fields == ():
            return self.show_list(view, rows), ()
        listed, fitting = list(rows), most
        if self.format is Format.TABLE:
            fitting = min(most, max(self.terminal.height - _AROUND_A_LIST, _FEWEST_ROWS))
        return self.show_list(view, listed[:fitting]), listed[fitting:]

    def answer_field_query(self, view: View[T]) -> bool:
        """Check the chosen fields, for use before anything is sent or asked.

        Where `--fields ''` asks for the names that can be chosen, write them and return True: the
        command is done. Otherwise return False.

        Raises: InvalidUsage if `fields` has a name that the view does not have.
        """
        if self.fields == ():
            self._write_field_names(view)
            return True
        if self.fields is not None:
            view.require_fields(self.fields, json=self.is_json)
        return False

    def show_item(self, view: View[T], item: T, *, text: str | None = None) -> None:
        """Write one record, then its `text`, unless in JSON or where fields were chosen.

        Of one chosen field the value stands alone, unless in JSON.

        Raises: InvalidUsage if `fields` has a name that the view does not have.
        """
        if self.fields == ():
            self._write_field_names(view)
            return
        with self.paging():
            self._build_answer_format().write_item(view, item, text)

    def show_receipt(self, view: View[T], receipt: T, sentence: str) -> None:
        """Write the receipt of a write, and in a sentence what is so now.

        A person at a terminal has seen the plan, and gets the sentence alone, unless fields were
        chosen; otherwise the sentence is a notice.
        """
        is_told = self.is_read_by_person and self.fields is None
        if not is_told:
            self.show_item(view, receipt)
        (self.show_text if is_told else self.notice)(sentence)

    def show_receipts(
        self, view: View[T], receipts: Sequence[T], sentences: Iterable[str], *, whole: bool
    ) -> None:
        """Write the receipts of a write as `show_receipt` does one; with `whole` in any case."""
        is_told = self.is_read_by_person and self.fields is None and not whole
        if not is_told:
            self.show_list(view, receipts)
        for sentence in sentences:
            (self.show_text if is_told else self.notice)(sentence)

    @contextmanager
    def paging(self) -> Iterator[None]:
        """Have the records that the body shows go through the pager together."""
        is_outermost, self._is_paging = not self._is_paging, True
        try:
            yield
        finally:
            if is_outermost:
                self._is_paging = False
                if self._pager and (why := self._pager.show()):
                    self.warning(f"The pager {why}: this is without. GPCLI_PAGER= turns it off.")

    def show_separator(self) -> None:
        """Separate a record from the next: `--` in plain lines, an empty line in tables."""
        if self.format is Format.PLAIN:
            self._stdout.write_line("--")
        elif self.is_for_person:
            self._table_writer.write_line("")

    def show_value(self, text: str) -> None:
        """Write a bare value, such as a count, in every format."""
        self._stdout.write_line(safe_line(text))

    def show_text(self, text: str) -> None:
        """Write a sentence of the answer, wrapped between words on a terminal for the eye."""
        lines = [safe_line(text)]
        if self.terminal.stdout_tty and not self.phrasing.in_words:
            lines = wrap_line(lines[0], self.terminal.width, 2)
        self._stdout.write("".join(f"{line}\n" for line in lines))

    def show_json(self, document: Json) -> None:
        """Write a JSON document, such as a schema, in every format."""
        from gpcli.render.json_output import (  # noqa: PLC0415  (start-up: json)
            JsonTextEncoder,
        )

        self._stdout.write_line(JsonTextEncoder(self._stdout, indent=2).encode(document))

    def show_document(self, document: bytes) -> None:
        """Write a document that has a format of its own, such as a calendar: UTF-8, as it is."""
        self._stdout.write_bytes(document)

    def show_head(self, status: int, reason: str, headers: Iterable[tuple[str, str]]) -> None:
        """Write the status and the headers of a response, and an empty line."""
        lines = [
            f"HTTP/1.1 {status} {reason}".rstrip(),
            *(f"{key}: {value}" for key, value in headers),
        ]
        self._stdout.write("".join(f"{safe_line(line)}\n" for line in (*lines, "")))

    def show_body(self, body: bytes, *, is_json: bool) -> None:
        """Write the body of a response as it came; with NDJSON, JSON on one line.

        On a terminal JSON is laid out, and what could harm is escaped; what is no text is not
        written there, which a notice says.
        """
        is_terminal, is_line = self.terminal.stdout_tty, self.format is Format.NDJSON and is_json
        if not body or not (is_terminal or is_line):
            self._stdout.write_bytes(body)
            return
        text = _decode_shown(body)
        if text is None:
            size = f"{len(body):,} bytes that are no text"
            self.notice(f"The answer has {size}: write them to a file with > FILE.", needed=True)
        elif is_json:
            self._write_json_text(text, is_line=is_line)
        else:
            self._stdout.write(f"{safe_text(text).rstrip()}\n")

    def _write_json_text(self, text: str, *, is_line: bool) -> None:
        from gpcli.render.json_text import indent_json, join_json  # noqa: PLC0415  (start-up: api)

        laid_out = join_json(text) if is_line else indent_json(text)
        if not self.terminal.stdout_tty:
            self._stdout.write_bytes(f"{laid_out}\n".encode())
            return
        lines = (json_escape_hidden(line) for line in laid_out.split("\n"))
        self._stdout.write("".join(f"{line}\n" for line in lines))

    def notice(
        self,
        text: str,
        *,
        whole: bool = False,
        needed: bool = False,
        **details: Unpack[NoticeDetails],
    ) -> None:
        """Write a notice on standard error; `details` are further members of its JSON object.

        It is shortened as an error is, unless it must be `whole`: an address to open.
        After the names of fields were written instead of an answer, notices are left out; with
        `quiet`, those that are neither `whole` nor `needed`: what somebody is to do now, what is
        missing from the answer, what keeps people and their texts safe.
        """
        if self._has_written_field_names or (self._is_quiet and not (whole or needed)):
            return
        self._messages.notice(text if whole else shorten(text), details)

    def warning(self, text: str) -> None:
        """Write a warning, shortened as an error is, on standard error."""
        self._messages.warning(shorten(text))

    def warnings(self, texts: Sequence[str]) -> None:
        """Write the first `MAX_WARNINGS` of warnings, and how many more there are."""
        for text in texts[:MAX_WARNINGS]:
            self.warning(text)
        if len(texts) > MAX_WARNINGS:
            self.warning(f"There are {len(texts) - MAX_WARNINGS:,} more such warnings.")

    def error(self, error: GpcliError) -> None:
        """Write what failed and what to do about it, the last line of a command."""
        self._messages.error(error)

    def plan(self, plan: WordedPlan) -> None:
        """Write on standard error what is about to be sent."""
        self._messages.plan(plan)

    def progress(self, text: str) -> AbstractContextManager[None]:
        """Show `text` while the body runs, if it runs for longer than `patience`.

        On a terminal it is a spinner, which is erased afterwards; with JSON and in words one line,
        which stays; otherwise nothing. Output in the meantime begins on a line of its own.
        """
        return self._progress.show(text)

    def renew_progress(self) -> None:
        """Have a line of progress be written again: since the last one, the person has answered."""
        self._progress.renew()

    def _write_field_names(self, view: View[T]) -> int:
        self._has_written_field_names = True
        names = view.json_keys if self.is_json else view.column_names
        self._stdout.write("".join(f"{name}\n" for name in names))
        return 0

    def _build_answer_format(self) -> AnswerFormat:
        if self.is_json:
            return self._build_json_format()
        if self.format is Format.PLAIN:
            return PlainFormat(self._stdout, self.fields)
        if self.format is Format.ACCESSIBLE:
            from gpcli.render.accessible import (  # noqa: PLC0415  (start-up: screen readers)
                AccessibleFormat,
            )

            return AccessibleFormat(self._stdout, self.fields, self.time_format)
        from gpcli.render.table import TableFormat  # noqa: PLC0415  (start-up: rich takes 40 ms)

        return TableFormat(self._table_writer, self.fields, self.terminal, self.time_format)

    @property
    def _table_writer(self) -> LineWriter:
        return LineWriter(self._pager, lock=self._progress) if self._pager else self._stdout

    def _build_pager(self, stdout: TextIO, env: Mapping[str, str] | None) -> Pager | None:
        if env is None or self.format is not Format.TABLE or not self.terminal.stdout_tty:
            return None
        from gpcli.render.pager import build_pager  # noqa: PLC0415  (start-up: for terminals only)

        return build_pager(stdout, self.terminal, env)

    def _build_json_format(self) -> AnswerFormat:
        from gpcli.render.json_output import (  # noqa: PLC0415  (start-up: json)
            JsonFormat,
            NdjsonFormat,
        )

        if self.format is Format.NDJSON:
            return NdjsonFormat(self._stdout, self.fields)
        return JsonFormat(self._stdout, self.fields, indent=2 if self.terminal.stdout_tty else None)

    def _build_messages(self, stderr: LineWriter) -> StderrText | StderrWords | StderrJson:
        if self.is_json:
            return StderrJson(stderr)
        if self.phrasing.in_words:
            from gpcli.render.accessible import (  # noqa: PLC0415  (start-up: screen readers)
                StderrWords,
            )

            return StderrWords(stderr)
        width = self.terminal.width if self.terminal.stderr_tty else None
        return StderrText(stderr, color=self.terminal.has_stderr_color, width=width)

    def _build_indicator(self, stderr: LineWriter) -> ProgressIndicator | None:
        if self.is_json:
            return ProgressAnnouncer(StderrJson(stderr).progress)
        if not self.terminal.stderr_tty:
            return None
        if self.phrasing.in_words:
            return ProgressAnnouncer(lambda text: stderr.write_line(f"{safe_line(text)}."))
        return Spinner(stderr, self.terminal.width)


def _decode_shown(body: bytes) -> str | None:
    """Return a body as text; `None` where it is none, and not for a terminal."""
    try:
        return None if b"\0" in body else body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _resolve_format(format: Format, terminal: Terminal, accessible: bool) -> Format:
    if format is not Format.AUTO:
        return format
    if terminal.stdout_tty:
        return Format.ACCESSIBLE if accessible else Format.TABLE
    return Format.PLAIN
