"""The streams of a command: what each can show, and writing whole lines to them."""

from __future__ import annotations

import os
import signal
import sys
from codecs import lookup
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TextIO

from gpcli.render.sanitise import escape_character

USUAL_WIDTH, USUAL_HEIGHT = 80, 24
"""The columns and the lines of a terminal that does not tell its size."""

_OFF_VALUES = frozenset({"", "0", "false"})


@dataclass(frozen=True)
class Terminal:
    """What the three streams are. `width` is in columns, `height` in lines.

    `color` allows colour on streams that are terminals, with `force_color` on all.
    """

    stdin_tty: bool
    stdout_tty: bool
    stderr_tty: bool
    width: int = USUAL_WIDTH
    color: bool = False
    force_color: bool = False
    height: int = USUAL_HEIGHT

    @property
    def has_stdout_color(self) -> bool:
        """Whether standard output gets colour."""
        return self.color and (self.stdout_tty or self.force_color)

    @property
    def has_stderr_color(self) -> bool:
        """Whether standard error gets colour."""
        return self.color and (self.stderr_tty or self.force_color)


NO_TERMINAL = Terminal(stdin_tty=False, stdout_tty=False, stderr_tty=False)
"""A script is asked nothing and shown no progress, wherever it runs."""


def detect_terminal(
    stdin: TextIO | None, stdout: TextIO | None, stderr: TextIO | None, env: Mapping[str, str]
) -> Terminal:
    """Return what the streams and the environment say.

    That is NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM, COLUMNS and LINES. NO_COLOR wins over the
    two variables that force colour, and they win over `TERM=dumb`. A stream that is closed or
    missing is no terminal.
    """
    stdout_tty, stderr_tty = is_terminal(stdout), is_terminal(stderr)
    forced = any(is_set(env.get(name)) for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    refused = bool(env.get("NO_COLOR"))
    capable = env.get("TERM") != "dumb" and (stdout_tty or stderr_tty)
    width, height = _detect_size(stdout if stdout_tty else stderr, env)
    return Terminal(
        stdin_tty=is_terminal(stdin),
        stdout_tty=stdout_tty,
        stderr_tty=stderr_tty,
        width=width,
        color=(forced or capable) and not refused,
        force_color=forced and not refused,
        height=height,
    )


def is_set(value: str | None) -> bool:
    """Return whether an on/off variable is on: `false`, `0`, empty and absent are off."""
    return (value or "").strip().lower() not in _OFF_VALUES


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether `stream` is an open terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def is_utf8(stream: object) -> bool:
    """Return whether `stream` takes every character: its encoding is UTF-8, or it names none."""
    encoding = getattr(stream, "encoding", None)
    try:
        return encoding is None or lookup(encoding).name == "utf-8"
    except LookupError:
        return False


def _detect_size(stream: TextIO | None, env: Mapping[str, str]) -> tuple[int, int]:
    """Return the columns and lines that the environment says, else the terminal `stream`."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno()) if stream else (0, 0)
    except (OSError, ValueError):
        columns, lines = 0, 0
    width = _parse_size(env.get("COLUMNS", "")) or columns or USUAL_WIDTH
    return width, _parse_size(env.get("LINES", "")) or lines or USUAL_HEIGHT


def _parse_size(written: str) -> int:
    return int(written[:6]) if written.isascii() and written.isdigit() else 0


_ASCII_REPLACEMENTS = str.maketrans(
    {
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{MIDDLE DOT}": "-",
        "\N{RIGHTWARDS ARROW}": "->",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    }
)


class TextSink(Protocol):
    """What takes text: a stream, or a pager."""

    def write(self, text: str, /) -> int:
        """Take `text`; return its length."""

    def flush(self) -> None:
        """Pass on what was taken."""


class LineWriter:
    """Writes whole lines to a text stream, whatever characters its encoding lacks.

    `utf8` is whether it takes every character. `lock` is entered around every write, so that
    nothing else is written meanwhile. Every write may raise BrokenPipeError.
    """

    def __init__(
        self, stream: TextSink, lock: AbstractContextManager[object] | None = None
    ) -> None:
        self._stream = stream
        self._lock = nullcontext() if lock is None else lock
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.utf8 = is_utf8(stream)

    def write_line(self, line: str) -> None:
        """Write `line` and its end at once, and flush."""
        self.write(line + "\n")

    def write_lines(self, lines: Iterable[str]) -> int:
        """Write each of `lines` as it comes, and return how many there were."""
        count = 0
        for line in lines:
            self.write_line(line)
            count += 1
        return count

    def write(self, text: str) -> None:
        """Write `text` at once, without a line end, and flush."""
        with self._lock:
            self._stream.write(self.make_encodable(text))
            self._stream.flush()

    def write_bytes(self, document: bytes) -> None:
        """Write UTF-8 at once, past the stream's own encoding and line ends, and flush."""
        with self._lock:
            self._stream.flush()
            raw = getattr(self._stream, "buffer", None)
            if raw is None:
                self._stream.write(document.decode())
            else:
                raw.write(document)
                raw.flush()

    def make_encodable(self, text: str) -> str:
        """Return `text` in characters that the stream has: a dash as `-`, others as escapes."""
        if self._has(text):
            return text
        return self.escape_missing(text.translate(_ASCII_REPLACEMENTS))

    def escape_missing(self, text: str) -> str:
        """Return `text` with an escape for each character that the stream does not have."""
        if self._has(text):
            return text
        return "".join(letter if self._has(letter) else escape_character(letter) for letter in text)

    def _has(self, text: str) -> bool:
        if self.utf8 or text.isascii():
            return True
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True


@contextmanager
def leave_interrupts() -> Iterator[None]:
    """Leave Ctrl-C to the program that a person works with, as an editor, while the body runs.

    It has a handler, for a program inherits that a signal is ignored, but not how it is handled.
    """
    try:
        before = signal.signal(signal.SIGINT, lambda *_: None)
    except ValueError:  # only the main thread may
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def without_echo(stream: TextIO) -> Iterator[None]:
    """Keep what is typed at a terminal off the screen; another stream shows nothing anyhow."""
    if not is_terminal(stream):
        yield
        return
    with _hide_input(stream):
        yield


if sys.platform == "win32":

    @contextmanager
    def _hide_input(stream: TextIO) -> Iterator[None]:
        """Switch the console's echo off (ENABLE_ECHO_INPUT)."""
        import ctypes  # noqa: PLC0415  (platform: Windows)
        import msvcrt  # noqa: PLC0415  (platform: Windows)

        console, mode = ctypes.windll.kernel32, ctypes.c_ulong()
        handle = msvcrt.get_osfhandle(stream.fileno())
        console.GetConsoleMode(handle, ctypes.byref(mode))
        console.SetConsoleMode(handle, mode.value & ~4)
        try:
            yield
        finally:
            console.SetConsoleMode(handle, mode.value)

else:

    @contextmanager
    def _hide_input(stream: TextIO) -> Iterator[None]:
        """Switch the terminal's echo off."""
        import termios  # noqa: PLC0415  (platform: not on Windows)

        before = termios.tcgetattr(stream)
        hidden = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        termios.tcsetattr(stream, termios.TCSAFLUSH, hidden)
        try:
            yield
        finally:
            termios.tcsetattr(stream, termios.TCSAFLUSH, before)
