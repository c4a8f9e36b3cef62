"""What is around a command: which streams are terminals, how wide, which letters and colours."""

from __future__ import annotations

import os
from codecs import lookup
from collections.abc import Mapping
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
