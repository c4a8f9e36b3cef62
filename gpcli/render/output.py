"""The one writer: the answer on standard output, everything else on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Protocol, TextIO

from gpcli.errors import GpcliError
from gpcli.render.columns import folded
from gpcli.render.plain import PlainFormat
from gpcli.render.progress import PATIENCE, Announcement, Progress, ProgressSign, Spinner
from gpcli.render.sanitise import safe_line
from gpcli.render.stderr import Plan, StderrJson, StderrText
from gpcli.render.terminal import LineWriter, Terminal, look_around
from gpcli.render.times import TimeFormat
from gpcli.render.view import Json, JsonScalar, T, View

__all__ = ["PATIENCE", "Format", "Output", "Terminal", "look_around"]


class Format(StrEnum):
    """What answers look like. `AUTO` is a table on a terminal and plain lines elsewhere."""

    AUTO = "auto"
    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    NDJSON = "ndjson"


class AnswerFormat(Protocol):
    """Writes answers in one format."""

    def rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write a list; give its length."""

    def item(self, view: View[T], item: T, text: str | None) -> None:
        """Write one thing."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Output:
    """Writes what a command has to say.

    `fields` chooses and orders the columns (keys, in JSON); an empty one makes the lists write
    the names that can be chosen, without reading a row. `now` and `machine_zone` (`None`: the
    operating system's) decide how times are worded on a terminal.
    BrokenPipeError, when the reader has gone, is left to the caller.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        terminal: Terminal,
        *,
        format: Format = Format.AUTO,
        fields: tuple[str, ...] | None = None,
        now: Callable[[], datetime] = _utc_now,
        machine_zone: tzinfo | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.terminal = terminal
        self.format = _settled(format, terminal)
        self.fields = fields
        self._now = now
        self._machine_zone = machine_zone
        self._progress = Progress(self._choose_sign(LineWriter(stderr)), patience=patience)
        self._asides = self._choose_asides(LineWriter(stderr, alone=self._progress))
        self._stdout = LineWriter(stdout, alone=self._progress)
        self._listed_names = False

    @property
    def human(self) -> bool:
        """Whether answers are words and lines rather than JSON."""
        return not self.json

    @property
    def tables(self) -> bool:
        """Whether answers are tables for a person at a terminal."""
        return self.format is Format.TABLE

    @property
    def json(self) -> bool:
        """Whether answers are JSON; then every line on standard error is a JSON object."""
        return self.format in (Format.JSON, Format.NDJSON)

    def show_list(self, view: View[T], rows: Iterable[T]) -> int:
        """Write a list and give its length.

        NDJSON and plain lines are written as the rows come; a JSON array when all have come, and
        not at all if `rows` raises; a table is drawn once its rows, or the first 200, have come.
        An empty list is nothing, in JSON `[]`.

        Raises Usage if `fields` names what the view doesn't have.
        """
        if self.fields == ():
            return self._list_names(view)
        return self._choose_answers().rows(view, rows)

    def names_only(self, view: View[T]) -> bool:
        """Check the chosen fields before anything is sent; an empty choice lists the names.

        True when that was all that was asked. Raises Usage if `fields` names what the view
        doesn't have.
        """
        if self.fields == ():
            self._list_names(view)
            return True
        if self.fields is not None:
            view.require(self.fields, json=self.json)
        return False

    def show_item(self, view: View[T], item: T, *, text: str | None = None) -> None:
        """Write one thing, then, in words and unless fields were chosen, its `text`.

        Raises Usage if `fields` names what the view doesn't have.
        """
        if self.fields == ():
            self._list_names(view)
            return
        self._choose_answers().item(view, item, text)

    def divide(self) -> None:
        """Set off what follows an item: `--` in plain lines, an empty line in words."""
        if self.human:
            self._stdout.write_line("--" if self.format is Format.PLAIN else "")

    def value(self, text: str) -> None:
        """Write a bare value, such as a count, in every format."""
        self._stdout.write_line(safe_line(text))

    def words(self, text: str) -> None:
        """Write a sentence of the answer; a terminal gets it folded between words."""
        lines = [safe_line(text)]
        if self.terminal.stdout_tty:
            lines = folded(lines[0], self.terminal.width, 2)
        self._stdout.write("".join(f"{line}\n" for line in lines))

    def show_json(self, document: Json) -> None:
        """Write a JSON document, such as a schema, in every format."""
        from gpcli.render.json_output import JsonText  # noqa: PLC0415  (json, which plain text skips)

        self._stdout.write_line(JsonText(self._stdout, indent=2).of(document))

    def document(self, document: bytes) -> None:
        """Write a document that has a form of its own, such as a calendar, in UTF-8 as it is."""
        self._stdout.write_bytes(document)

    def notice(self, text: str, **extra: JsonScalar) -> None:
        """Say what is good to know; `extra` are further members for scripts.

        Where only the names of fields were asked for, there is nothing to add to them.
        """
        if self._listed_names:
            return
        self._asides.notice(text, extra)

    def warning(self, text: str, **extra: JsonScalar) -> None:
        """Say what may be wrong; `extra` are further members for scripts."""
        self._asides.warning(text, extra)

    def error(self, error: GpcliError) -> None:
        """Say what failed and what to do; the last thing a command says."""
        self._asides.error(error)

    def plan(self, plan: Plan) -> None:
        """Show, on standard error, what is about to be sent."""
        self._asides.plan(plan)

    def progress(self, text: str) -> AbstractContextManager[None]:
        """Show `text` while the body lasts, if it lasts over 300 ms.

        A turning mark on a terminal, gone afterwards; with JSON one line that stays; otherwise
        nothing. Whatever is written meanwhile gets a line of its own.
        """
        return self._progress.during(text)

    def _list_names(self, view: View[T]) -> int:
        self._listed_names = True
        names = view.json_keys if self.json else view.column_names
        self._stdout.write("".join(f"{name}\n" for name in names))
        return 0

    def _choose_answers(self) -> AnswerFormat:
        if self.json:
            return self._json_answers()
        if self.format is Format.PLAIN:
            return PlainFormat(self._stdout, self.fields)
        from gpcli.render.table import TableFormat  # noqa: PLC0415  (rich takes 40 ms)

        time_format = TimeFormat(self._now(), self._machine_zone, self._stdout.utf8)
        return TableFormat(self._stdout, self.fields, self.terminal, time_format)

    def _json_answers(self) -> AnswerFormat:
        from gpcli.render.json_output import JsonFormat, NdjsonFormat  # noqa: PLC0415  (as above)

        if self.format is Format.NDJSON:
            return NdjsonFormat(self._stdout, self.fields)
        return JsonFormat(self._stdout, self.fields, indent=2 if self.terminal.stdout_tty else None)

    def _choose_asides(self, stderr: LineWriter) -> StderrText | StderrJson:
        if self.json:
            return StderrJson(stderr)
        width = self.terminal.width if self.terminal.stderr_tty else None
        return StderrText(stderr, paint=self.terminal.paints_stderr, width=width)

    def _choose_sign(self, stderr: LineWriter) -> ProgressSign | None:
        if self.json:
            return Announcement(StderrJson(stderr).progress)
        return Spinner(stderr, self.terminal.width) if self.terminal.stderr_tty else None


def _settled(format: Format, terminal: Terminal) -> Format:
    if format is not Format.AUTO:
        return format
    return Format.TABLE if terminal.stdout_tty else Format.PLAIN
