"""Progress that is shown while somebody waits: a spinner on a terminal, or a JSON line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Event, RLock, Thread
from typing import Protocol

from gpcli.render.columns import display_width, truncate
from gpcli.render.sanitise import safe_line
from gpcli.render.terminal import LineWriter

PATIENCE = 0.3
"""Seconds before progress is shown."""

_TICK = 0.1
_FRAMES = {True: "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", False: "|/-\\"}


class ProgressIndicator(Protocol):
    """Shows that work is going on."""

    def draw(self, text: str) -> None:
        """Show `text`; called every 100 ms."""

    def erase(self) -> None:
        """Remove what was drawn, if anything was."""


class Spinner:
    """A turning mark and the text on the last line of a terminal, `width` columns wide.

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


class ProgressAnnouncer:
    """Writes each text once, with `write`; it is not erased."""

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
