"""Many rounds of one measurement, played by two processes, with their progress; and shares."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from math import sqrt
from multiprocessing import get_context
from typing import Protocol, TypeVar

from bench.row import Report

PROCESSES = 2
REPORTS = 10
"""How often the progress is told."""


class Played(Protocol):
    """A round that has been played."""

    @property
    def trouble(self) -> str | None:
        """What did not go as it should, in a line; `None` = nothing."""


PlayedType = TypeVar("PlayedType", bound=Played)


def play_rounds(play: Callable[[int], PlayedType], count: int, report: Report) -> list[PlayedType]:
    """Return the rounds 0 to `count` - 1, each played by one of two processes, in any order."""
    rounds: list[PlayedType] = []
    with tempfile.TemporaryDirectory(prefix="gpcli-bench-") as home:
        context = get_context("spawn")
        with context.Pool(PROCESSES, initializer=keep_files_in, initargs=(home,)) as pool:
            for played in pool.imap_unordered(play, range(count), chunksize=4):
                rounds.append(played)
                if played.trouble:
                    report(played.trouble)
                if len(rounds) % max(1, count // REPORTS) == 0:
                    report(f"{len(rounds)} of {count}")
    return rounds


def keep_files_in(home: str) -> None:
    """Have all temporary files of this process in `home`."""
    tempfile.tempdir = home


def format_share(seen: Sequence[bool]) -> str:
    """Format the share of what is true, with its 95 % interval."""
    low, high = wilson(sum(seen), len(seen))
    return f"{sum(seen) / max(1, len(seen)):.1%} ({low:.1%}–{high:.1%})"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    z, share = 1.96, hits / count
    middle = share + z * z / (2 * count)
    spread = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    below = 1 + z * z / count
    return max(0.0, (middle - spread) / below), min(1.0, (middle + spread) / below)
