"""Answers and messages in words, for a screen reader: a label before each value, and no layout.

No line depends on where it stands: there are no columns, no marks, no colour and no wrapping, and
nothing is drawn over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from gpcli.errors import GpcliError
from gpcli.render.sanitise import safe_line, safe_text
from gpcli.render.stderr import WordedPlan
from gpcli.render.terminal import LineWriter
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, T, View

if TYPE_CHECKING:
    from gpcli.render.stderr_lines import NoticeDetails

COUNTED = {
    "appointments": ("appointment", "appointments"),
    "changes": ("change", "changes"),
    "consents": ("consent", "consents"),
    "events": ("event", "events"),
    "gp": ("GP", "GPs"),
    "logout": ("person signed out", "people signed out"),
    "message-receipt": ("message", "messages"),
    "move-receipt": ("visit", "visits"),
    "outbox": ("request", "requests"),
    "outbox-parts": ("part", "parts"),
    "pages": ("page", "pages"),
    "prescriptions": ("prescription", "prescriptions"),
    "profiles": ("profile", "profiles"),
    "renewal-receipts": ("prescription", "prescriptions"),
    "renewals": ("request", "requests"),
    "sandbox-answered": ("answer", "answers"),
    "sandbox-fault": ("fault", "faults"),
    "sandbox-people": ("person", "people"),
    "sandboxes": ("sandbox", "sandboxes"),
    "saved": ("file", "files"),
    "services": ("service", "services"),
    "slots": ("free time", "free times"),
    "smoke": ("check", "checks"),
    "threads": ("thread", "threads"),
    "troubleshoot": ("check", "checks"),
    "watches": ("watch", "watches"),
    "whoami": ("sign-in", "sign-ins"),
}
"""View -> what its records are called, one and several."""

_ANY = ("record", "records")

_LINE_BREAK = re.compile("\r\n|\n")


def count_records(view: View[T], number: int) -> str:
    """Return the sentence with which a list begins: `3 appointments.`"""
    one, several = COUNTED.get(view.name, _ANY)
    return f"{number} {one if number == 1 else several}."


class AccessibleFormat:
    """Writes answers as `Label: value` lines; `fields` are as in `View.select_columns`."""

    def __init__(
        self, stdout: LineWriter, fields: tuple[str, ...] | None, time_format: TimeFormat
    ) -> None:
        self._stdout = stdout
        self._fields = fields
        self._time_format = time_format

    def write_rows(self, view: View[T], rows: Iterable[T]) -> int:
        """Write how many there are, then each with the columns that a table has, and return that.

        An empty line is before each.
        """
        listed = list(rows)
        columns = self._select_columns(view, lambda column: _is_listed(column, listed))
        if not listed:
            return 0
        lines = [count_records(view, len(listed))]
        for row in listed:
            lines += ["", *self._word_section(view, row), *self._word_record(columns, row)]
        self._write(lines)
        return len(listed)

    def write_item(self, view: View[T], item: T, text: str | None) -> None:
        """Write a record and, unless fields were chosen, its text; of one chosen field the value.

        The text is as it was written; how many lines it has is said before, so that none of them
        passes for a label.
        """
        columns = self._select_columns(view, lambda column: column.for_people)
        if self._fields is not None and len(columns) == 1:
            self._stdout.write_line(safe_text(columns[0].word(item, self._time_format)))
            return
        told = text if self._fields is None else None
        self._write([*self._word_record(columns, item), *_word_text(told)])

    def _select_columns(
        self, view: View[T], is_usual: Callable[[Column[T]], bool]
    ) -> Sequence[Column[T]]:
        """Return the columns of the chosen fields or, where none were chosen, the usual ones.

        Of these the ids come last: they take long to hear, and matter only after the rest.
        """
        columns = view.select_columns(self._fields)
        if self._fields is not None:
            return columns
        return sorted(filter(is_usual, columns), key=_is_id)

    def _word_section(self, view: View[T], row: T) -> Iterator[str]:
        if view.section and self._fields is None:
            yield from _word_value(view.section_header, view.section(row))

    def _word_record(self, columns: Sequence[Column[T]], row: T) -> list[str]:
        values = [(column.header, column.word(row, self._time_format)) for column in columns]
        lines = [line for header, value in values for line in _word_value(header, value)]
        return lines or ["Nothing of this is known."]

    def _write(self, lines: Iterable[str]) -> None:
        self._stdout.write("".join(f"{line}\n" for line in lines))


class StderrWords:
    """Writes to standard error for a person who has it read: each line tells what it is."""

    def __init__(self, stderr: LineWriter) -> None:
        self._stderr = stderr

    def notice(self, text: str, details: NoticeDetails) -> None:
        """Write a notice; `details` are for scripts."""
        self._write(_split(text))

    def warning(self, text: str) -> None:
        """Write a warning."""
        self._write(_word_value("Warning", text))

    def error(self, error: GpcliError) -> None:
        """Write what failed, then the hint and the ids."""
        lines = [*_word_value("Error", safe_line(error.message))]
        lines += _word_value("What to do", error.hint)
        if error.retry_after is not None:
            lines.append(f"The portal asks to wait {error.retry_after:g} seconds.")
        lines += _word_value("Request id", error.request_id or "")
        lines += _word_value("Trace id", error.trace_id or "")
        self._write(lines)

    def plan(self, plan: WordedPlan) -> None:
        """Write a plan: what will happen, each row with its label, then its warnings."""
        lines = [*_word_value("Plan", plan.action)]
        if plan.environment != "production":
            lines += _word_value("Environment", plan.environment)
        if plan.cost:
            lines += _word_value("Warning", plan.cost)
        for label, value in plan.rows:
            lines += _word_value(label, value)
        for text in plan.warnings:
            lines += _word_value("Warning", text)
        self._write(lines)

    def _write(self, lines: Iterable[str]) -> None:
        self._stderr.write("".join(f"{line}\n" for line in lines))


def _is_id(column: Column[T]) -> bool:
    """Return whether it is the id of the record, or what a list of such records calls the id."""
    return column.name == "id" or column.header == "ID"


def _is_listed(column: Column[T], rows: Sequence[T]) -> bool:
    in_table = column.in_table
    return column.for_people and (any(map(in_table, rows)) if callable(in_table) else in_table)


def _word_value(label: str, value: str) -> Iterator[str]:
    """Yield a line with the label for each line of a value that is not empty."""
    return (f"{safe_line(label)}: {line}" for line in _split(value))


def _word_text(text: str | None) -> list[str]:
    lines = safe_text(text or "").strip("\n").split("\n")
    if len(lines) == 1:
        return [f"Text: {lines[0]}"] if lines[0].strip() else []
    return [f"Text, {len(lines)} lines:", *lines]


def _split(text: str) -> list[str]:
    """Return the lines of a text that are not empty, without what they are indented by."""
    return [line for each in _LINE_BREAK.split(text) if (line := safe_line(each).strip())]
