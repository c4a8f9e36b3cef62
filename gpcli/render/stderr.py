"""Standard error: notices, warnings, plans, errors and progress, as text or as JSON lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, cycle
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING, Protocol, cast

from gpcli.errors import GpcliError
from gpcli.render.columns import display_width, pad, truncate, wrap_line
from gpcli.render.sanitise import safe_line, safe_text
from gpcli.render.terminal import LineWriter

if TYPE_CHECKING:
    from gpcli.model.account import Environment
    from gpcli.render.stderr_lines import NoticeDetails, StderrLine
    from gpcli.render.view import Json


@dataclass(frozen=True)
class WordedPlan:
    """A write before it is sent.

    `action` is what will happen ("Book a time"); `rows` are label and value, in reading order;
    `environment` is the profile's (`production`, `staging`, `sandbox`), shown unless production;
    `warnings` are what the person should consider. `cost` is a sentence on what sending costs, and
    `sum` that amount as the question repeats it; empty = it costs nothing.
    """

    action: str
    rows: tuple[tuple[str, str], ...]
    environment: Environment
    warnings: tuple[str, ...] = ()
    cost: str = ""
    sum: str = ""

    @property
    def question(self) -> str:
        """The question by which a person agrees, with the sum."""
        return f"{self.action}, for {self.sum}?" if self.sum else f"{self.action}?"

    @property
    def title(self) -> str:
        """The action, with the environment unless that is production."""
        if self.environment == "production":
            return self.action
        return f"{self.action} [{self.environment}]"


_RED, _YELLOW, _BOLD = "31", "33", "1"
"""Parameters of the escape sequence that selects a style. Source: ECMA-48, SGR."""

_INDENT = "  "


class StderrText:
    """Writes to standard error for a person.

    `color` is whether to colour it. `width` is the columns at which lines are wrapped, between
    words; `None` = they are not.
    """

    def __init__(self, stderr: LineWriter, *, color: bool, width: int | None = None) -> None:
        self._stderr = stderr
        self._color = color
        self._width = width

    def notice(self, text: str, details: NoticeDetails) -> None:
        """Write a notice; `details` are for scripts."""
        self._write(self._wrap(safe_text(text), len(_INDENT)))

    def warning(self, text: str) -> None:
        """Write a warning."""
        self._write(self._format_marked("warning:", _YELLOW, safe_text(text)))

    def error(self, error: GpcliError) -> None:
        """Write what failed, then, indented, the hint and the ids."""
        lines = safe_text(error.hint).splitlines() if error.hint else []
        if error.retry_after is not None:
            lines.append(f"The portal asks to wait {error.retry_after:g} s.")
        if error.request_id:
            lines.append(f"Request id: {safe_line(error.request_id)}")
        if error.trace_id:
            lines.append(f"Trace id: {safe_line(error.trace_id)}")
        hints = chain.from_iterable(map(self._format_hint, lines))
        self._write([*self._format_marked("gpcli:", _RED, safe_line(error.message)), *hints])

    def _format_hint(self, line: str) -> list[str]:
        """Return the lines for one of a hint; an indented one is a command line, not to be cut."""
        written = f"{_INDENT}{line}"
        return [written] if line.startswith(" ") else self._wrap(written, 2 * len(_INDENT))

    def plan(self, plan: WordedPlan) -> None:
        """Write a plan: title, what it costs, labels and values in two columns, warnings."""
        width = max((display_width(safe_line(label)) for label, _ in plan.rows), default=0)
        title = self._wrap(safe_line(plan.title), len(_INDENT))
        rows = (
            self._format_row(safe_line(label), safe_text(value), width)
            for label, value in plan.rows
        )
        cost = [self._format_warning(plan.cost)] if plan.cost else []
        warnings = map(self._format_warning, plan.warnings)
        bold_title = [self._style(line, _BOLD) for line in title]
        self._write([*bold_title, *chain.from_iterable((*cost, *rows, *warnings))])

    def _format_warning(self, text: str) -> list[str]:
        return self._format_marked("!", _YELLOW, safe_line(text))

    def _format_row(self, label: str, value: str, width: int) -> list[str]:
        value_column = 2 * len(_INDENT) + width
        if self._width is not None and self._width - value_column < _LEAST_VALUE:
            below = f"{_INDENT}{_INDENT}"
            lines = [f"{_INDENT}{label}", *(f"{below}{line}" for line in value.split("\n"))]
            return self._wrap("\n".join(lines), len(below))
        first, *more = value.split("\n")
        head = f"{_INDENT}{pad(label, width)}{_INDENT}{first}".rstrip()
        lines = [head, *(f"{'':{value_column}}{line}" for line in more)]
        return self._wrap("\n".join(lines), value_column)

    def _format_marked(self, mark: str, color: str, text: str) -> list[str]:
        first, *more = self._wrap(f"{mark} {text}", len(mark) + 1)
        return [f"{self._style(mark, color)}{first.removeprefix(mark)}", *more]

    def _wrap(self, text: str, indent: int) -> list[str]:
        """Return the lines of `text`, each wrapped with `indent` before its continuation."""
        lines = text.split("\n")
        if self._width is None:
            return lines
        return [part for line in lines for part in wrap_line(line, self._width, indent)]

    def _write(self, lines: Iterable[str]) -> None:
        self._stderr.write("".join(f"{line}\n" for line in lines))

    def _style(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._color else text


class StderrJson:
    """Writes to standard error for a script: one JSON object a line, with its kind as the key."""

    def __init__(self, stderr: LineWriter) -> None:
        from gpcli.render.json_output import (  # noqa: PLC0415  (start-up: json)
            JsonTextEncoder,
        )

        self._stderr = stderr
        self._json = JsonTextEncoder(stderr)

    def notice(self, text: str, details: NoticeDetails) -> None:
        """Write `{"notice": {"message": …}}` with the `details`."""
        self._write({"notice": {"message": text, **details}})

    def warning(self, text: str) -> None:
        """Write `{"warning": {"message": …}}`."""
        self._write({"warning": {"message": text}})

    def progress(self, text: str) -> None:
        """Write `{"progress": {"message": …}}`."""
        self._write({"progress": {"message": text}})

    def error(self, error: GpcliError) -> None:
        """Write `{"error": {…}}`: code, exit code, words, ids, seconds to wait."""
        self._write(
            {
                "error": {
                    "code": error.code,
                    "exit": int(error.exit),
                    "message": error.message,
                    "hint": error.hint or None,
                    "request_id": error.request_id,
                    "trace_id": error.trace_id,
                    "retry_after": error.retry_after,
                    "http_status": error.http_status,
                }
            }
        )

    def plan(self, plan: WordedPlan) -> None:
        """Write `{"plan": {…}}` with the rows as objects of label and value.

        What sending costs is the first of the warnings.
        """
        self._write(
            {
                "plan": {
                    "action": plan.action,
                    "environment": plan.environment,
                    "rows": [{"label": label, "value": value} for label, value in plan.rows],
                    "warnings": [*filter(None, [plan.cost]), *plan.warnings],
                }
            }
        )

    def _write(self, line: StderrLine) -> None:
        self._stderr.write_line(self._json.encode(cast("Json", line)))


_LEAST_VALUE = 17
"""The columns that a plan's values need beside their labels; in fewer they stand below."""

PATIENCE = 0.3
"""Seconds before progress is shown."""

_TICK = 0.1
"""Seconds between two drawings of progress."""

_FRAMES = {True: "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", False: "|/-\\"}
"""The frames of the spinner, by whether the stream takes every character."""


class ProgressIndicator(Protocol):
    """Shows that work is going on."""

    def draw(self, text: str) -> None:
        """Show `text`; called every 100 ms."""

    def erase(self) -> None:
        """Remove what was drawn, if anything was."""

    def renew(self) -> None:
        """Show again what it shows only once."""


class Spinner:
    """A turning mark and a text on the last line of a terminal that is `width` columns wide.

    It is erased with spaces: no terminal needs escape codes for that.
    """

    def __init__(self, stderr: LineWriter, width: int) -> None:
        self._stderr = stderr
        self._width = width
        self._frames = cycle(_FRAMES[stderr.utf8])
        self._drawn = 0

    def draw(self, text: str) -> None:
        """Draw the next frame over the one before."""
        self.erase()
        line = self._stderr.make_encodable(f"{next(self._frames)} {safe_line(text)}")
        line = truncate(line, self._width - 1)
        self._stderr.write("\r" + line)
        self._drawn = display_width(line)

    def erase(self) -> None:
        """Clear the line."""
        if self._drawn:
            self._stderr.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0

    def renew(self) -> None:
        """Do nothing: it draws whatever there is."""


class ProgressAnnouncer:
    """Writes each text once, with `write`, until it is renewed; it is not erased."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._last: str | None = None

    def draw(self, text: str) -> None:
        """Write `text` unless it was the last text written."""
        if text != self._last:
            self._last = text
            self._write(text)

    def erase(self) -> None:
        """Do nothing."""

    def renew(self) -> None:
        """Forget the last text written."""
        self._last = None


class Progress:
    """Shows work that takes longer than `patience` seconds.

    `indicator` `None` = nothing is shown. As a context manager, it keeps the indicator off the
    terminal while something else is written.
    """

    def __init__(self, indicator: ProgressIndicator | None, *, patience: float = PATIENCE) -> None:
        self._indicator = indicator
        self._patience = patience
        self._text: str | None = None
        self._lock = RLock()

    def renew(self) -> None:
        """Show again what is shown only once."""
        if self._indicator is not None:
            self._indicator.renew()

    @contextmanager
    def show(self, text: str) -> Iterator[None]:
        """Show `text` while the body runs; within another call, instead of that one's text."""
        outer, self._text = self._text, text
        try:
            if outer is not None or self._indicator is None:
                yield
            else:
                with self._run_indicator(self._indicator):
                    yield
        finally:
            self._text = outer

    @contextmanager
    def _run_indicator(self, indicator: ProgressIndicator) -> Iterator[None]:
        done = Event()
        thread = Thread(target=self._draw_until_done, args=(indicator, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            indicator.erase()

    def _draw_until_done(self, indicator: ProgressIndicator, done: Event) -> None:
        pause = self._patience
        while not done.wait(pause):
            with self._lock:
                indicator.draw(self._text or "")
            pause = _TICK

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._indicator is not None:
            self._indicator.erase()

    def __exit__(self, *failure: object) -> None:
        self._lock.release()
