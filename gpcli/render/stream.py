"""Whole lines onto a stream, whatever its encoding."""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

from gpcli.render.terminal import speaks_utf8

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


class Stream:
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
