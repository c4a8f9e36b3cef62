"""Time that passes only while somebody sleeps, and what happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.journeys.shell import Shell


@dataclass
class SleepClock:
    """Seconds by which waiting is measured; they pass only while somebody sleeps.

    `events` has what happens once so many seconds have passed. `naps` are the sleeps so far.
    """

    events: Mapping[float, Callable[[], object]] = field(default_factory=dict)
    passed: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Sleep, and have happen what is due."""
        self.naps.append(seconds)
        assert len(self.naps) < 10_000, "a test would sleep for ever"
        before, self.passed = self.passed, self.passed + seconds
        for due, happen in self.events.items():
            if before < due <= self.passed:
                happen()

    def read(self) -> float:
        """The seconds so far."""
        return self.passed

    def shell(self, shell: Shell) -> Shell:
        """The same shell, whose commands sleep by this clock."""
        return replace(shell, sleep=self.sleep, elapsed=self.read)
