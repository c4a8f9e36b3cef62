"""Marks between words, and the words that stand for them where a screen reader reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrasing:
    """How gpcli puts together what it words for people; other people's text is never changed.

    With `in_words` it uses no mark that a screen reader skips or spells out.
    """

    in_words: bool = False

    def range(self, first: str, last: str) -> str:
        """Return two ends of a range: `08:00–08:20`, or `08:00 to 08:20`."""
        return f"{first} to {last}" if self.in_words else f"{first}\N{EN DASH}{last}"

    def wide_range(self, first: str, last: str) -> str:
        """Return two ends that are several words each: `Tue 08:00 – Wed 09:00`."""
        return f"{first} to {last}" if self.in_words else f"{first} \N{EN DASH} {last}"

    def join(self, phrases: Iterable[str | None]) -> str:
        """Return the phrases that are not empty on one line: `a · b`, or `a, b`."""
        return (", " if self.in_words else " \N{MIDDLE DOT} ").join(filter(None, phrases))

    def word_more(self, count: int) -> str:
        """Return how many more there are than are shown: `… 3 more`, or `3 more`."""
        return f"{count:,} more" if self.in_words else f"\N{HORIZONTAL ELLIPSIS} {count:,} more"

    @property
    def gap(self) -> str:
        """What is between an id and what it names: two spaces, or a comma."""
        return ", " if self.in_words else "  "


MARKS, WORDS = Phrasing(), Phrasing(in_words=True)
"""For the eye, and for the ear."""
