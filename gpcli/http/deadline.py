"""How long all network work of a command may take together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gpcli.errors import TimedOut

LEAST = 5.0
"""Seconds that an answer may take, if so many are left."""


class Deadline:
    """`seconds` of network time, counted from now by `clock` (monotonic seconds).

    The time that a person takes does not count: `restart` is called when they are done.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.clock = clock
        self._end = clock() + seconds

    def seconds_left(self) -> float:
        """Return the seconds that are left; zero or less when the time is up."""
        return self._end - self.clock()

    def require_seconds_left(self) -> float:
        """Return the seconds that are left, more than zero; raise TimedOut when there are none."""
        left = self.seconds_left()
        if left > 0:
            return left
        raise TimedOut(
            f"The time limit of {self.seconds:g} s is up.",
            hint="--timeout SECONDS raises the limit.",
        )

    @contextmanager
    def narrowed(self, share: float) -> Iterator[None]:
        """Have the body's network work end after `share` of the seconds that are left.

        So something can still be done if it gets no answer. Fewer than `LEAST` are not divided.
        """
        end = self._end
        self._end = min(end, self.clock() + max(share * self.seconds_left(), LEAST))
        try:
            yield
        finally:
            self._end = end

    def restart(self) -> None:
        """Count the full time anew, from now."""
        self._end = self.clock() + self.seconds
