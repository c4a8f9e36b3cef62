"""The streams around a command: what each can show, and whole lines onto them."""

from __future__ import annotations

import os
from codecs import lookup
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TextIO

USUAL_WIDTH = 80
_NOT_SET = frozenset({"", "0", "false"})


@dataclass(frozen=True)
class Terminal:
    """The surroundings, decided once. `width` is in columns.

    `color` says that colour is welcome on streams that are terminals; `force_color` on all.
    `unicode` says that standard output can take any letter.
    """

    stdin_tty: bool
    stdout_tty: bool
    stderr_tty: bool
    width: int = USUAL_WIDTH
    color: bool = False
    unicode: bool = True
    force_color: bool = False

    @property
    def paints_stdout(self) -> bool:
        """Whether standard output gets colour."""
        return self.color and (self.stdout_tty or self.force_color)

    @property
    def paints_stderr(self) -> bool:
        """Whether standard error gets colour."""
        return self.color and (self.stderr_tty or self.force_color)


def look_around(
    stdin: TextIO | None, stdout: TextIO | None, stderr: TextIO | None, env: Mapping[str, str]
) -> Terminal:
    """Look at the streams and at NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM and COLUMNS.

    NO_COLOR beats the two that force colour; they beat `TERM=dumb`. A stream that is closed or
    missing is no terminal.
    """
    stdout_tty, stderr_tty = is_terminal(stdout), is_terminal(stderr)
    forced = any(is_set(env.get(name)) for name in ("FORCE_COLOR", "CLICOLOR_FORCE"))
    refused = bool(env.get("NO_COLOR"))
    capable = env.get("TERM") != "dumb" and (stdout_tty or stderr_tty)
    return Terminal(
        stdin_tty=is_terminal(stdin),
        stdout_tty=stdout_tty,
        stderr_tty=stderr_tty,
        width=_width(stdout if stdout_tty else stderr, env),
        color=(forced or capable) and not refused,
        unicode=speaks_utf8(stdout),
        force_color=forced and not refused,
    )


def is_set(value: str | None) -> bool:
    """Whether an on/off variable is on: `false`, `0` and empty are off, like absent."""
    return (value or "").strip().lower() not in _NOT_SET


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is at the other end of `stream`."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def speaks_utf8(stream: TextIO | None) -> bool:
    """Whether `stream` takes every character; one that names no encoding does."""
    encoding = getattr(stream, "encoding", None)
    try:
        return encoding is None or lookup(encoding).name == "utf-8"
    except LookupError:
        return False


def _width(stream: TextIO | None, env: Mapping[str, str]) -> int:
    asked = env.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked[:6]) > 0:
        return int(asked[:6])
    try:
        columns = os.get_terminal_size(stream.fileno()).columns if stream else 0
    except (OSError, ValueError):
        columns = 0
    return columns or USUAL_WIDTH


_IN_ASCII = str.maketrans(
    {
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{MIDDLE DOT}": "-",
        "\N{RIGHTWARDS ARROW}": "->",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    }
)


class LineWriter:
    """A text stream that is written a whole line at a time and never fails over a letter.

    `utf8` tells whether it takes every character; `alone` is entered around every write.
    BrokenPipeError goes through to the caller.
    """

    def __init__(self, stream: TextIO, alone: AbstractContextManager[object] | None = None) -> None:
        self._stream = stream
        self._alone = nullcontext() if alone is None else alone
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.utf8 = speaks_utf8(stream)

    def write_line(self, line: str) -> None:
        """Write `line` and its end at once, and send it off."""
        self.write(line + "\n")

    def write_lines(self, lines: Iterable[str]) -> int:
        """Write each of `lines` as it comes. Returns how many."""
        count = 0
        for line in lines:
            self.write_line(line)
            count += 1
        return count

    def write(self, text: str) -> None:
        """Write `text` at once, as it is, and send it off."""
        with self._alone:
            self._stream.write(self.spelled(text))
            self._stream.flush()

    def write_bytes(self, document: bytes) -> None:
        """Write UTF-8 at once as it is, past the stream's own encoding and line ends."""
        with self._alone:
            self._stream.flush()
            raw = getattr(self._stream, "buffer", None)
            if raw is None:
                self._stream.write(document.decode())
            else:
                raw.write(document)
                raw.flush()

    def spelled(self, text: str) -> str:
        """Spell `text` with the letters that the stream has: a dash as `-`, others as escapes."""
        if self.utf8 or text.isascii():
            return text
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError:
            plainer = text.translate(_IN_ASCII)
            return plainer.encode(self._encoding, "backslashreplace").decode(self._encoding)
        return text
