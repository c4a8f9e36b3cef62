"""Asking a portal again and again, gently, until something is there or the time is up."""

from __future__ import annotations

import random as random_numbers
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from gpcli.errors import Failure, GpcliError, Missing, Unavailable

Found = TypeVar("Found")

EVERY = timedelta(minutes=1)
"""How long to wait between two questions unless somebody says otherwise."""

_JITTER = 0.1
"""The share of a pause by which it is longer or shorter, so that not all ask at once."""

_LONGEST_PAUSE = 600.0
"""The longest pause in seconds after failures, unless the portal asks for a longer one."""

_NAP = 15.0
"""Seconds after which a sleeper looks at the clock: a computer may have been asleep meanwhile."""


def read_elapsed() -> float:
    """Return seconds that only grow, also while the computer sleeps where the system counts that.

    Setting the clock changes nothing of it.
    """
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def is_final(error: GpcliError) -> bool:
    """Return whether waiting does not mend it.

    What does not answer, or answers nonsense, may do better later. So may a status 404: what stands
    before a portal that is being restarted answers so; what the portal says it has not is gone.
    """
    if isinstance(error, Missing):
        return error.http_status is None
    return not isinstance(error, Unavailable | Failure)


@dataclass
class Poller:
    """Asks every so often.

    `every` is the time between two questions, `limit` that after which none is asked any more,
    `None` = never. `on_trouble` is called with the error when the portal begins to fail, and with
    `None` when it answers again. `elapsed` returns seconds as `read_elapsed`.
    """

    every: timedelta
    limit: timedelta | None
    sleep: Callable[[float], None]
    on_trouble: Callable[[GpcliError | None], None]
    elapsed: Callable[[], float] = read_elapsed
    random: Callable[[], float] = random_numbers.random

    def poll(self, ask: Callable[[], Found | None]) -> Found | None:
        """Return what `ask` finds, `None` when the time is up; it is asked at least once.

        An error that may pass is waited out. Raises: what waiting does not mend.
        """
        began, failures = self.elapsed(), 0
        while True:
            wanted = None
            try:
                found = ask()
            except GpcliError as error:
                if is_final(error):
                    raise
                failures += 1
                wanted = error.retry_after
                if failures == 1:
                    self.on_trouble(error)
            else:
                if failures:
                    self.on_trouble(None)
                failures = 0
                if found is not None:
                    return found
            end = None if self.limit is None else began + self.limit.total_seconds()
            if not self._pause(self._choose_pause(failures, wanted), end):
                return None

    def _choose_pause(self, failures: int, wanted: float | None) -> float:
        """Return the seconds until the next question: longer with each failure in a row.

        `wanted` is what the portal asks for, `None` = it does not.
        """
        usual = self.every.total_seconds()
        longest = max(usual, _LONGEST_PAUSE)
        pause = min(longest, usual * 2.0 ** min(max(failures - 1, 0), 16))
        return max(wanted or 0.0, pause * (1 + _JITTER * (2 * self.random() - 1)))

    def _pause(self, seconds: float, end: float | None) -> bool:
        """Sleep; return False where the time is up first.

        The last question is asked when the time is up, not before.
        """
        now = self.elapsed()
        if end is not None and now >= end:
            return False
        until = now + seconds if end is None else min(now + seconds, end)
        while (left := until - self.elapsed()) > 0:
            self.sleep(min(left, _NAP))
        return True
