"""A sign of life while somebody waits: after 300 ms, on a terminal, gone without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Event, RLock, Thread
from typing import Protocol

from gpcli.render.columns import columns_of, cut_to
from gpcli.render.sanitise import safe_line
from gpcli.render.terminal import LineWriter

PATIENCE = 0.3
"""Seconds that a person waits without wondering."""

_TICK = 0.1
_FRAMES = {True: "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", False: "|/-\\"}


class ProgressSign(Protocol):
    """How work under way is shown."""

    def draw(self, text: str) -> None:
        """Show that `text` is still going on; called again and again."""

    def erase(self) -> None:
        """Take away what was drawn, if anything was."""


class Spinner:
    """A turning mark and the text on the last line of a terminal, `width` columns wide.

    It is erased with spaces, so that it works without knowing the terminal's own codes.
    """

    def __init__(self, stderr: LineWriter, width: int) -> None:
        self._stderr = stderr
        self._width = width
        self._frames = cycle(_FRAMES[stderr.utf8])
        self._drawn = 0

    def draw(self, text: str) -> None:
        """Draw the next turn of the mark over the one before."""
        self.erase()
        line = self._stderr.spelled(f"{next(self._frames)} {safe_line(text)}")
        line = cut_to(line, self._width - 1)
        self._stderr.write("\r" + line)
        self._drawn = columns_of(line)

    def erase(self) -> None:
        """Make the line empty."""
        if self._drawn:
            self._stderr.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0


class Announcement:
    """Says each text once, through `say`; what is said stays."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: str | None = None

    def draw(self, text: str) -> None:
        """Say `text` unless it was the last thing said."""
        if text != self._said:
            self._said = text
            self._say(text)

    def erase(self) -> None:
        """Leave what was said."""


class Progress:
    """Work under way, shown by `sign` after `patience` seconds; `None` shows nothing.

    As a context manager it keeps the sign away while something else is written.
    """

    def __init__(self, sign: ProgressSign | None, *, patience: float = PATIENCE) -> None:
        self._sign = sign
        self._patience = patience
        self._text: str | None = None
        self._lock = RLock()

    @contextmanager
    def during(self, text: str) -> Iterator[None]:
        """Show `text` while the body lasts; within another one, instead of its text."""
        outer, self._text = self._text, text
        try:
            if outer is not None or self._sign is None:
                yield
            else:
                with self._shown(self._sign):
                    yield
        finally:
            self._text = outer

    @contextmanager
    def _shown(self, sign: ProgressSign) -> Iterator[None]:
        done = Event()
        thread = Thread(target=self._keep_drawing, args=(sign, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            sign.erase()

    def _keep_drawing(self, sign: ProgressSign, done: Event) -> None:
        pause = self._patience
        while not done.wait(pause):
            with self._lock:
                sign.draw(self._text or "")
            pause = _TICK

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._sign is not None:
            self._sign.erase()

    def __exit__(self, *failure: object) -> None:
        self._lock.release()
